"""Tables for spreadsheets and for Stata: typed cells, no formula, the same bytes every time."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from eventstudy.errors import UsageError
from eventstudy.extras import missing

if TYPE_CHECKING:
    import pandas as pd

WORKBOOK = "tables.xlsx"
# What a sheet and its cells can hold.
MOST_ROWS, LONGEST_CELL, LONGEST_NAME = 1_048_576, 32_767, 31
# A sheet counts days from here; earlier ones stay text.
FIRST_DAY = date(1900, 3, 1)
STATA_NAME, STATA_TEXT = 32, 2045
# The modification time in files that require one: a constant, so that equal tables give equal bytes.
STAMP = datetime(2000, 1, 1)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
# Characters that XML cannot hold.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def workbook_bytes(tables: Mapping[str, pd.DataFrame]) -> bytes:
    """Tables as a workbook, one sheet each: a frozen row of headings, filters, numbers and dates as such. Raises
    ``UsageError``: openpyxl is not installed, or a table has more rows than a sheet.

    Parameters
    ----------
    tables : mapping
        Name -> frame; missing values are empty cells, days written as ISO text are dates.
    """
    try:
        import openpyxl
        from openpyxl.cell import WriteOnlyCell
        from openpyxl.styles import Font
        from openpyxl.utils import get_column_letter
    except ImportError as error:
        raise missing("--formats xlsx", "openpyxl", "xlsx") from error
    book = openpyxl.Workbook(write_only=True)
    for name, frame in tables.items():
        if len(frame) + 1 > MOST_ROWS:
            raise UsageError(
                f"--formats xlsx: {name} has {len(frame):,} rows, a sheet holds {MOST_ROWS - 1:,}",
                "a smaller table",
                "--formats csv or parquet",
            )
        sheet = book.create_sheet(name[:LONGEST_NAME])
        sheet.freeze_panes = "A2"
        width = max(len(frame.columns), 1)
        sheet.auto_filter.ref = f"A1:{get_column_letter(width)}{len(frame) + 1}"
        headings = [WriteOnlyCell(sheet, value=str(column)) for column in frame.columns]
        for cell in headings:
            cell.font, cell.data_type = Font(bold=True), "s"
        sheet.append(headings)
        columns = [_typed(frame[column].tolist(), FIRST_DAY) for column in frame.columns]
        for row in zip(*columns, strict=True):
            sheet.append([_cell(WriteOnlyCell, sheet, value) for value in row])
    out = io.BytesIO()
    book.save(out)
    return _without_clock(out.getvalue())


def _cell(make: Any, sheet: Any, value: Any) -> Any:
    """A cell; text stays text, whatever it begins with."""
    if value is None or isinstance(value, int | float):
        return value
    if isinstance(value, date):
        cell = make(sheet, value=value)
        cell.number_format = "yyyy-mm-dd"
        return cell
    cell = make(sheet, value=None)
    cell._value, cell.data_type = _CONTROL.sub("\ufffd", value)[:LONGEST_CELL], "s"
    return cell


def _typed(values: list[Any], earliest: date) -> list[Any]:
    """A column: missing values as None, days as dates where every value is one."""
    known = [None if value is None or value != value else value for value in values]
    texts = [value for value in known if isinstance(value, str) and value]
    if texts and all(_DAY.fullmatch(text) for text in texts) and len(texts) == sum(v not in (None, "") for v in known):
        days = {text: _day(text) for text in set(texts)}
        if all(day is not None and day >= earliest for day in days.values()):
            return [days[value] if value else None for value in known]
    return [bool(value) if isinstance(value, bool) else value for value in known]


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _without_clock(data: bytes) -> bytes:
    """A workbook whose archive and properties name no hour."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as before, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as after:
        for name in sorted(before.namelist()):
            held = before.read(name)
            if name == "docProps/core.xml":
                held = re.sub(
                    rb"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z", STAMP.strftime("%Y-%m-%dT%H:%M:%SZ").encode(), held
                )
            info = zipfile.ZipInfo(name, STAMP.timetuple()[:6])
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o600 << 16
            after.writestr(info, held)
    return out.getvalue()


def stata_bytes(frame: pd.DataFrame) -> bytes:
    """A table as a Stata file (version 14 and later): text, numbers, days as dates, missing values as Stata has them.

    Columns have names that Stata allows; their labels are those of the table.
    """
    import pandas as pd

    names = stata_names([str(name) for name in frame.columns])
    made: dict[str, Any] = {}
    long, days = [], {}
    for name, column in zip(names, frame.columns, strict=True):
        values = _typed(frame[column].tolist(), date(1, 1, 1))
        if any(isinstance(value, date) for value in values):
            made[name] = pd.Series(pd.to_datetime(pd.Series(values, dtype=object)))
            days[name] = "td"
        elif any(isinstance(value, str) for value in values):
            texts = ["" if value is None else _CONTROL.sub("\ufffd", str(value)) for value in values]
            made[name] = pd.Series(texts, dtype=object)
            if max(len(text.encode()) for text in texts) > STATA_TEXT:
                long.append(name)
        else:
            made[name] = pd.Series([float("nan") if v is None else float(v) for v in values], dtype="float64")
    labels = {name: str(column)[:80] for name, column in zip(names, frame.columns, strict=True)}
    out = io.BytesIO()
    pd.DataFrame(made).to_stata(
        out,
        write_index=False,
        version=118,
        time_stamp=STAMP,
        convert_dates=days,
        convert_strl=long,
        variable_labels=labels,
    )
    return out.getvalue()


def stata_names(columns: list[str]) -> list[str]:
    """Names that Stata allows, each once: letters, digits and ``_``, at most 32, no digit first."""
    taken: set[str] = set()
    out = []
    for column in columns:
        name = re.sub(r"[^A-Za-z0-9_]", "_", column)[:STATA_NAME] or "_"
        name = f"_{name}"[:STATA_NAME] if name[0].isdigit() else name
        stem, number = name, 1
        while name.lower() in taken:
            number += 1
            name = f"{stem[: STATA_NAME - len(str(number)) - 1]}_{number}"
        taken.add(name.lower())
        out.append(name)
    return out


def table_files(tables: Mapping[str, pd.DataFrame], formats: Any, workbook: str) -> dict[str, bytes]:
    """The tables in those of the formats ``xlsx`` and ``dta`` that are asked for: name of the file -> bytes."""
    files: dict[str, bytes] = {}
    if "xlsx" in formats:
        files[workbook] = workbook_bytes(tables)
    if "dta" in formats:
        files |= {f"{name}.dta": stata_bytes(frame) for name, frame in tables.items()}
    return files
