"""Lists that people hold as rows of text: blank- or comma-separated, with or without headings, Excel, Stata."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from eventstudy.data.layouts import fold
from eventstudy.errors import InputFileError, Problem, UsageError
from eventstudy.extras import missing
from eventstudy.opening import check_regular, content, is_file
from eventstudy.reading import large_cells

LARGEST = 256 * 2**20
DELIMITERS = {"\t": "tabs", ";": "semicolons", ",": "commas", "|": "bars"}
# something that may be a date, in any order: eight digits, three parts, or a month in letters
DATE_LIKE = re.compile(
    r"\d{8}|\d{1,4}[/.-]\d{1,2}[/.-]\d{2,4}(?:[T ].*)?|\d{1,2}[- ]?[A-Za-z]{3,9}[-, ]*\d{2,4}|"
    r"[A-Za-z]{3,9}[-. ]+\d{1,2}[-, ]+\d{4}"
)
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d*)?")


@dataclass(frozen=True, slots=True)
class ListTable:
    """A list as text.

    Attributes
    ----------
    headings : list of str
        Empty where the list has no headings; its columns are then counted from 1.
    lines : list of int
        Line or row of the file, for each row.
    unit : str
        What ``lines`` counts.
    notes : list of str
        How the file was read.
    """

    path: str
    headings: list[str]
    rows: list[list[str]]
    lines: list[int]
    unit: str = "line"
    notes: list[str] = field(default_factory=list)

    def name(self, at: int) -> str:
        """Name of a column."""
        return repr(self.headings[at]) if self.headings else f"column {at + 1}"

    def cells(self, at: int) -> list[str]:
        """One column; empty where a row is too short."""
        return [row[at] if at < len(row) else "" for row in self.rows]

    @property
    def width(self) -> int:
        """Columns."""
        return len(self.headings) if self.headings else max(map(len, self.rows), default=0)


def read_list(path: Path, sheet: str, heads: Callable[[Sequence[str]], bool]) -> ListTable:
    """Read a list, by the ending of its name. Raises ``InputFileError`` if there is no such file, or it cannot be read.
    Raises ``UsageError`` if the extra that its form needs is not installed.

    Parameters
    ----------
    sheet : str
        Of a workbook; empty is its first.
    heads : callable
        Whether folded cells are those of a row of headings.
    """
    kind = path.suffix.lower()
    try:
        if not is_file(path):
            raise InputFileError(str(path), [Problem(0, "", "", "there is no such file")])
        # the readers of workbooks and of Stata's files open the path themselves
        check_regular(path, LARGEST)
        if kind in (".xlsx", ".xlsm"):
            return _workbook(path, sheet, heads)
        if sheet:
            raise UsageError(
                f"--sheet {sheet!r} belongs to a workbook, and {path.name} is not a workbook", "an .xlsx file"
            )
        if kind == ".xls":
            message = "is the form of Excel before 2007; save it as .xlsx"
            raise InputFileError(str(path), [Problem(0, "", "", message)])
        return _stata(path) if kind == ".dta" else _text(path, heads)
    except OSError as error:
        raise InputFileError(str(path), [Problem(0, "", "", f"cannot be read: {error.strerror or error}")]) from error


def _text(path: Path, heads: Callable[[Sequence[str]], bool]) -> ListTable:
    data, notes = content(path, LARGEST), []
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", errors="replace")
        notes.append("the file is not UTF-8; it is read as Windows text (cp1252)")
    if "\0" in text:
        raise InputFileError(str(path), [Problem(0, "", "", "holds a NUL character; save it as UTF-8 text")])
    mark = _delimiter(text.splitlines())
    with large_cells():
        try:
            found = list(_split(text, mark))
        except csv.Error as error:
            raise InputFileError(str(path), [Problem(0, "", "", f"cannot be read: {error}")]) from None
    if not found:
        raise InputFileError(str(path), [Problem(0, "", "", "is empty")])
    notes.append(f"columns are separated by {DELIMITERS.get(mark, 'blanks')}")
    first = found[0][1]
    headed = heads([fold(cell) for cell in first]) or not _is_data(first)
    rows = found[1:] if headed else found
    if not rows:
        raise InputFileError(str(path), [Problem(1, "", "", "there are headings but no row")])
    if not headed:
        notes.append("the first line holds a date or a number, so the list has no headings")
    return ListTable(
        str(path), first if headed else [], [row for _, row in rows], [line for line, _ in rows], notes=notes
    )


def _is_data(cells: Sequence[str]) -> bool:
    """Whether a row holds a date or a number, which headings do not."""
    return any(DATE_LIKE.fullmatch(cell) or _NUMBER.fullmatch(cell) for cell in cells)


def _delimiter(lines: Sequence[str]) -> str:
    """The mark that separates columns: the first that occurs equally often in the first lines; blanks if none does."""
    shown = [line for line in lines if line.strip()][:20]
    for mark in DELIMITERS:
        counts = {line.count(mark) for line in shown}
        if counts and 0 not in counts and (len(counts) == 1 or mark in "\t;"):
            return mark
    return "," if shown and "," in shown[0] and not DATE_LIKE.search(shown[0]) else ""


def _split(text: str, mark: str) -> Iterator[tuple[int, list[str]]]:
    if not mark:
        for number, line in enumerate(text.splitlines(), start=1):
            if line.strip():
                yield number, line.split()
        return
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark)
    start = 1
    for row in reader:
        if any(cell.strip() for cell in row):
            yield start, [cell.strip() for cell in row]
        start = reader.line_num + 1


def _workbook(path: Path, sheet: str, heads: Callable[[Sequence[str]], bool]) -> ListTable:
    """A sheet; rows above its headings are skipped."""
    try:
        import openpyxl
    except ImportError as error:
        raise missing("reading a workbook", "openpyxl", "xlsx") from error
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except Exception as error:
        # the library raises whatever its archive and XML readers meet
        message = f"is not a workbook that can be read ({type(error).__name__})"
        raise InputFileError(str(path), [Problem(0, "", "", message)]) from None
    try:
        if sheet and sheet not in book.sheetnames:
            raise UsageError(f"{path.name} has no sheet {sheet!r}", ", ".join(book.sheetnames))
        page = book[sheet] if sheet else book.worksheets[0]
        rows = [
            (number, [cell_text(value) for value in row])
            for number, row in enumerate(page.iter_rows(values_only=True), start=1)
        ]
    finally:
        book.close()
    rows = [(number, row) for number, row in rows if any(row)]
    at = next((at for at, (_, row) in enumerate(rows) if heads([fold(cell) for cell in row])), -1)
    if at < 0 and rows and _is_data(rows[0][1]):
        return ListTable(
            str(path),
            [],
            [row for _, row in rows],
            [number for number, _ in rows],
            "row",
            ["the sheet has no headings"],
        )
    at = max(at, 0)
    if len(rows) <= at + 1:
        raise InputFileError(str(path), [Problem(0, "", "", "the sheet holds no row below its headings")])
    notes = [f"sheet {page.title!r}"]
    if at:
        notes.append(f"the rows above the headings in row {rows[at][0]} are skipped")
    return ListTable(
        str(path),
        rows[at][1],
        [row for _, row in rows[at + 1 :]],
        [number for number, _ in rows[at + 1 :]],
        "row",
        notes,
    )


def _stata(path: Path) -> ListTable:
    import pandas as pd

    try:
        frame = pd.read_stata(path)
    except OSError:
        raise
    except Exception as error:
        # the reader raises what its unpacking meets: ValueError, struct.error, UnicodeDecodeError
        message = f"is not a Stata file that can be read ({type(error).__name__})"
        raise InputFileError(str(path), [Problem(0, "", "", message)]) from None
    if frame.empty:
        raise InputFileError(str(path), [Problem(0, "", "", "holds no row")])
    columns = [[cell_text(value) for value in frame[name]] for name in frame.columns]
    rows = [list(row) for row in zip(*columns, strict=True)]
    return ListTable(str(path), [str(name) for name in frame.columns], rows, list(range(1, len(rows) + 1)), "row")


def cell_text(value: Any) -> str:
    """A typed cell as text: dates in ISO, whole numbers without a point, nothing for what is missing."""
    if value is None or value != value:
        return ""
    if isinstance(value, datetime):
        midnight = (value.hour, value.minute, value.second) == (0, 0, 0)
        return value.date().isoformat() if midnight else value.isoformat(timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return " ".join(str(value).split())
