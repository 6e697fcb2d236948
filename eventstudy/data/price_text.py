"""Price tables in CSV as programs write them: lines above the headings, three rows of headings, empty rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from eventstudy.data.layouts import DATE_HEADINGS, LAYOUTS, Recognised, download_layout, fold, recognised
from eventstudy.data.tabular import DELIMITERS, MOST_COLUMNS, all_rows, no_rows, wrong_rows
from eventstudy.errors import InputFileError, Problem

# lines above the headings that exports write
PREAMBLE = 30
# what precedes the names of fields and of tickers in yfinance's headings
_LEVELS = ("price", "ticker", *DATE_HEADINGS)
Row = tuple[int, list[str]]


@dataclass(frozen=True, slots=True)
class Stripped:
    """Columns of text, without blanks around the cells of those that are read."""

    columns: Sequence[Sequence[str]]

    def __getitem__(self, at: int) -> list[str]:
        cells = list(self.columns[at])
        joined = "".join(cells)
        # one word from end to end: no cell has a blank
        return cells if joined.split(maxsplit=1) == [joined] else [cell.strip() for cell in cells]


@dataclass(frozen=True, slots=True)
class PriceText:
    """A price table as text.

    Attributes
    ----------
    headings : tuple of str
        As written; of a table with three rows of headings those of one ticker.
    cells : Stripped
        Columns, in the order of the headings.
    found : Recognised or None
        The layout; None where the headings are of none.
    tickers : dict of str to Recognised
        Of a table with three rows of headings: the places of the columns of each ticker.
    """

    path: str
    headings: tuple[str, ...]
    cells: Stripped
    lines: list[int]
    found: Recognised | None
    notes: tuple[str, ...] = ()
    tickers: dict[str, Recognised] | None = None

    def columns(self, found: Recognised) -> dict[str, list[str]]:
        """Kind of a column -> its cells."""
        return {name: self.cells[at] for name, at in found.place.items()}


def read_price_text(path: Path) -> PriceText:
    """Read a CSV file of daily figures and find its headings. Raises ``InputFileError``: a file that cannot be read as
    CSV, one without rows, rows of the wrong length."""
    name, (rows, empty) = str(path), all_rows(path)
    if not rows:
        raise InputFileError(name, [Problem(0, "", "", "is empty; it needs a header and rows")])
    notes = [f"{empty} empty rows are left out"] if empty else []
    if (several := _several_rows(rows)) is not None:
        at, tickers = several
        headings = tuple(rows[0][1])
        found = next(iter(tickers.values())) if len(tickers) == 1 else None
    else:
        at, found = _heading_row(rows)
        headings, tickers = tuple(cell.strip() for cell in rows[at][1]), None
        if at:
            notes.append(f"{at} lines above the headings are left out")
        at += 1
    body, below = _without_notes(rows[at:], len(rows[at - 1][1]))
    if below:
        listed = f"{below[0][1][0].strip()[:80]!r}"
        notes.append(f"{len(below)} line{'s' if len(below) > 1 else ''} below the table left out: {listed}")
    _check_shape(name, rows[at - 1], body)
    cells = Stripped(list(zip(*(row for _, row in body), strict=True)))
    return PriceText(name, headings, cells, [line for line, _ in body], found, tuple(notes), tickers)


def _heading_row(rows: Sequence[Row]) -> tuple[int, Recognised | None]:
    """The row of headings: the first that a known layout has, else the first of all."""
    for at, (_, row) in enumerate(rows[:PREAMBLE]):
        if (found := recognised(row)) is not None:
            return at, found
    return 0, None


def _several_rows(rows: Sequence[Row]) -> tuple[int, dict[str, Recognised]] | None:
    """Number of heading rows of yfinance's download, and the places of the columns of each ticker.

    Fields and tickers are in two rows, in either order. Below them is the name of the index; where the index was
    made a column before, that is in the first row.
    """
    if len(rows) < 2 or len(rows[0][1]) != len(rows[1][1]) or len(rows[0][1]) < 2:
        return None
    first, second, third = (*(row for _, row in rows[:2]), rows[2][1] if len(rows) > 2 else [""])
    named = bool(third[0].strip()) and fold(third[0]) in DATE_HEADINGS and not "".join(third[1:]).strip()
    fields, tickers = (first, second) if _is_fields(first) else (second, first)
    if not _is_fields(fields) or fold(tickers[0]) not in _LEVELS:
        return None
    if not all(cell.strip() and not _is_number(cell) for cell in tickers[1:]):
        return None
    layout = download_layout(fields)
    places: dict[str, dict[str, int]] = {}
    for at in range(1, len(first)):
        held = layout.columns.get(fold(fields[at]))
        if held is not None:
            places.setdefault(tickers[at].strip(), {"date": 0})[held] = at
    return 2 + named, {ticker: Recognised(layout, place) for ticker, place in places.items()}


def _without_notes(body: Sequence[Row], n: int) -> tuple[Sequence[Row], Sequence[Row]]:
    """The rows without lines of words below them, and those lines: one cell of words in the place of a date.

    A line that holds a digit may be a row that was cut off, and does not count as one.
    """
    end = len(body)
    while end > 1 and _is_note(body[end - 1][1], n):
        end -= 1
    return body[:end], body[end:]


def _is_note(row: Sequence[str], n: int) -> bool:
    alone = not "".join(row[1:]).strip() and n > 1
    return alone and any(c.isalpha() for c in row[0]) and not any(c.isdigit() for c in row[0])


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _is_fields(row: Sequence[str]) -> bool:
    known = LAYOUTS["own"].columns
    return fold(row[0]) in _LEVELS and "close" in map(fold, row[1:]) and all(fold(c) in known for c in row[1:])


def _check_shape(path: str, header: Row, body: Sequence[Row]) -> None:
    line, headings = header
    if len(headings) > MOST_COLUMNS:
        message = f"has {len(headings):,} columns; at most {MOST_COLUMNS:,} are read"
        raise InputFileError(path, [Problem(line, "", "", message)])
    if len(headings) == 1:
        for mark, word in DELIMITERS.items():
            if mark in headings[0]:
                message = f"is separated by {word}; save it with commas"
                raise InputFileError(path, [Problem(line, "", headings[0], message)])
    if not body:
        raise InputFileError(path, [no_rows(line, headings)])
    if problems := wrong_rows(body, headings):
        raise InputFileError(path, problems)
