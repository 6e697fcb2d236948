"""Rows of a CSV table from its columns."""

from __future__ import annotations

import csv
import io
import math
from typing import TYPE_CHECKING, Any

from eventstudy.report import escape

if TYPE_CHECKING:
    import pandas as pd


def csv_text(frame: pd.DataFrame) -> str:
    """A table as CSV: ``\\n``, decimal point, full precision, empty for what is not known, text defused."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(frame.columns)
    writer.writerows(zip(*(_cells(frame[name]) for name in frame.columns), strict=True))
    return out.getvalue()


def _cells(column: pd.Series) -> list[str]:
    """A column as cells of a CSV file; a word that comes again is looked at once."""
    values = column.tolist()
    if column.dtype == float:
        return ["" if value != value else repr(value) for value in values]
    words = {value: cell_text(value) for value in set(filter(_is_text, values))}
    return [words[value] if _is_text(value) else cell_text(value) for value in values]


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def cell_text(value: Any) -> str:
    """A value as a cell of a CSV file."""
    if isinstance(value, float):
        return "" if math.isnan(value) else repr(value)
    return "" if value is None else escape.spreadsheet(value) if isinstance(value, str) else str(int(value))
