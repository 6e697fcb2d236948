"""Rows of a CSV table from its columns: through Arrow where it is installed, the same text without it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np

from eventstudy.data.parquet import has_pyarrow
from eventstudy.engine.panel import Floats
from eventstudy.report import escape
from eventstudy.report.digits import rounded, rounded_number
from eventstudy.report.event_tables import Words, distinct

if TYPE_CHECKING:
    import pandas as pd

# a smaller table takes Python a few milliseconds, and loading Arrow may take sixty
MANY_CELLS = 20_000
# between these sizes Arrow writes a number as Python does, a whole one without its ".0"
_SMALL, _LARGE = 1e-4, 1e10
_PROBE = {1.0: "1", -0.0: "-0", 0.1: "0.1", -0.00012: "-0.00012", 9999999999.5: "9999999999.5", 1 / 3: repr(1 / 3)}
_QUOTED = re.compile(r'[",\r\n]')


@dataclass(frozen=True, slots=True)
class Whole:
    """A column of whole numbers; NaN is not known.

    Attributes
    ----------
    values : int or float64 (n,)
    """

    values: np.ndarray


# a list holds cells whose text is made already; None is a column without any value
CsvColumn = Words | Whole | np.ndarray | list[str] | None


def csv_text(frame: pd.DataFrame, digits: int | None) -> str:
    """A table as CSV: ``\\n``, decimal point, empty for what is not known, text that no spreadsheet computes.

    Parameters
    ----------
    digits : int or None
        Significant digits of decimals; None writes the shortest text that reads back to the same float64.
    """
    columns = [_frame_column(frame[name], digits) for name in frame.columns]
    return (csv_heading(map(str, frame.columns)) + csv_rows(columns, len(frame), digits)).decode()


def csv_heading(names: Iterable[str]) -> bytes:
    """The first line of a table."""
    return f"{','.join(map(_quoted, names))}\n".encode()


def csv_rows(columns: Sequence[CsvColumn], n: int, digits: int | None) -> bytes:
    """n rows of a table, each with its line end.

    Parameters
    ----------
    columns : sequence
        Text, whole numbers, float64, finished cells or nothing; each of n rows.
    digits : int or None
        As ``csv_text``.

    Returns
    -------
    bytes
        The same bytes whether Arrow is installed or not: floats as Python's ``repr`` writes them, quotes where a cell
        holds a comma, a quote or a line break.

    Checked against
    ---------------
    Python's ``csv`` module, cell by cell (tests/report/test_csv_rows.py).
    """
    if not n:
        return b""
    if n * len(columns) >= MANY_CELLS and _arrow_serves():
        return _rows_by_arrow(columns, n, digits)
    return _rows_by_python(columns, n, digits)


def cell_text(value: Any, digits: int | None) -> str:
    """A value as a cell of a CSV file, before quotes."""
    if isinstance(value, float):
        return "" if value != value else repr(rounded_number(float(value), digits))
    return "" if value is None else escape.spreadsheet(value) if isinstance(value, str) else str(int(value))


def _frame_column(column: pd.Series, digits: int | None) -> CsvColumn:
    """A column of a frame; a word that comes again is looked at once."""
    if column.dtype == float:
        return np.asarray(column, dtype=np.float64)
    if column.dtype == int:
        return Whole(column.to_numpy())
    values = column.tolist()
    words = {value: cell_text(value, digits) for value in set(filter(_is_text, values))}
    return [words[value] if _is_text(value) else cell_text(value, digits) for value in values]


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if _QUOTED.search(text) else text


def _words(column: Words) -> tuple[np.ndarray, list[str]]:
    """Codes, and the cell of each code; words that no row holds are left out where there are many words."""
    codes, values = column.codes, column.values
    if len(values) > len(codes) // 8:
        known, codes = distinct(codes)
        values = [values[code] for code in known.tolist()]
    return codes, [_quoted(escape.spreadsheet(value)) for value in values]


def _rows_by_python(columns: Sequence[CsvColumn], n: int, digits: int | None) -> bytes:
    cells = [_cells(column, n, digits) for column in columns]
    if len(cells) == 1:
        # a reader would take an empty line for no row
        cells = [[cell or '""' for cell in cells[0]]]
    return ("\n".join(map(",".join, zip(*cells, strict=True))) + "\n").encode()


def _cells(column: CsvColumn, n: int, digits: int | None) -> list[str]:
    if column is None:
        return [""] * n
    if isinstance(column, list):
        return list(map(_quoted, column))
    if isinstance(column, Words):
        codes, words = _words(column)
        return [words[code] for code in codes.tolist()]
    if isinstance(column, Whole):
        return [str(int(value)) if isfinite(value) else "" for value in column.values.tolist()]
    return ["" if value != value else repr(value) for value in rounded(column, digits).tolist()]


@cache
def _arrow_serves() -> bool:
    """Whether Arrow is installed, in a version that writes numbers in the form that is completed here."""
    if not has_pyarrow():
        return False
    import pyarrow

    texts = pyarrow.array(list(_PROBE)).cast(pyarrow.string()).to_pylist()
    return bool(texts == list(_PROBE.values()))


def _rows_by_arrow(columns: Sequence[CsvColumn], n: int, digits: int | None) -> bytes:
    import pyarrow
    from pyarrow import compute

    cells = [_arrow_cells(column, digits) for column in columns]
    # a column of its own that holds the line end also makes the result n long where no other column does
    ends = pyarrow.array(["\n"] * n, pyarrow.large_string())
    if len(cells) == 1:
        known = compute.fill_null(cells[0], _text(""))
        cells = [compute.if_else(compute.equal(known, _text("")), _text('""'), known)]
    rows = compute.binary_join_element_wise(*_together(cells), _text(","), null_handling="replace", null_replacement="")
    joined = compute.binary_join_element_wise(rows, ends, _text(""))
    _, offsets, data = joined.buffers()
    first, last = np.frombuffer(offsets, dtype=np.int64)[[joined.offset, joined.offset + n]]
    return bytes(memoryview(data)[first:last])


def _together(cells: Sequence[Any]) -> list[Any]:
    """The columns with neighbours that hold nothing made one: half of a streamed table's columns are such."""
    import pyarrow

    found: list[Any] = []
    for column in cells:
        nothing = isinstance(column, pyarrow.Scalar)
        if nothing and found and isinstance(found[-1], pyarrow.Scalar):
            found[-1] = _text(f"{found[-1].as_py()},")
        else:
            found.append(column)
    return found


def _text(text: str) -> Any:
    """A text for every row; 64-bit offsets, because a block may hold more than 2 GiB of it."""
    import pyarrow

    return pyarrow.scalar(text, pyarrow.large_string())


def _arrow_cells(column: CsvColumn, digits: int | None) -> Any:
    """The cells of a column as Arrow's large strings, null or one empty text for what is not known."""
    import pyarrow

    text = pyarrow.large_string()
    if column is None:
        return _text("")
    if isinstance(column, list):
        return pyarrow.array(list(map(_quoted, column)), text)
    if isinstance(column, Words):
        codes, words = _words(column)
        return pyarrow.array(words, text).take(pyarrow.array(codes.astype(np.int64)))
    if isinstance(column, Whole):
        known = np.isfinite(column.values)
        return pyarrow.array(np.where(known, column.values, 0).astype(np.int64), mask=~known).cast(text)
    return _arrow_decimals(column, digits)


def _arrow_decimals(column: Floats, digits: int | None) -> Any:
    """Numbers as ``repr`` writes them: Arrow's own text is another one for whole numbers, tiny and huge ones."""
    import pyarrow
    from pyarrow import compute

    unknown, text = np.isnan(column), pyarrow.large_string()
    if unknown.all():
        return _text("")
    values = rounded(column, digits)
    cells = pyarrow.array(values, mask=unknown).cast(text)
    size = np.abs(values)
    whole = (np.rint(values) == values) & (size < _LARGE)
    if whole.any():
        longer = compute.binary_join_element_wise(cells, _text(".0"), _text(""))
        cells = compute.if_else(pyarrow.array(whole), longer, cells)
    other = (size > 0) & (size < _SMALL) | (size >= _LARGE)
    if other.any():
        texts = pyarrow.array(list(map(repr, values[other].tolist())), text)
        cells = compute.replace_with_mask(cells, pyarrow.array(other), texts)
    return cells
