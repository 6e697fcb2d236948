"""Price tables in CSV as programs write them: lines above the headings, three rows of headings, empty rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from eventstudy.data.layouts import DATE_HEADINGS, LAYOUTS, Recognised, download_layout, fold, recognised
from eventstudy.data.tabular import DELIMITERS, MOST_COLUMNS, all_rows
from eventstudy.errors import InputFileError, Problem

# lines above the headings that exports write
PREAMBLE = 30
Row = tuple[int, list[str]]


@dataclass(frozen=True, slots=True)
class PriceText:
    """A price table as text.

    Attributes
    ----------
    path : str
    headings : tuple of str
        As written; of a table with three rows of headings those of one ticker.
    cells : tuple of list of str
        Columns, in the order of the headings.
    lines : list of int
    found : Recognised or None
        The layout; None where the headings are of none.
    notes : tuple of str
    tickers : dict of str to Recognised
        Of a table with three rows of headings: where the columns of each ticker stand.
    """

    path: str
    headings: tuple[str, ...]
    cells: tuple[list[str], ...]
    lines: list[int]
    found: Recognised | None
    notes: tuple[str, ...] = ()
    tickers: dict[str, Recognised] | None = None

    def columns(self, found: Recognised) -> dict[str, list[str]]:
        """What a column holds -> its cells."""
        return {name: self.cells[at] for name, at in found.place.items()}


def read_price_text(path: Path) -> PriceText:
    """Read a CSV file of daily figures and find its headings.

    Raises
    ------
    InputFileError
        A file that cannot be read as CSV, one without rows, rows of the wrong length.
    """
    name, (rows, empty) = str(path), all_rows(path)
    if not rows:
        raise InputFileError(name, [Problem(0, "", "", "is empty; it needs a header and rows")])
    notes = [f"{empty} empty rows are left out"] if empty else []
    if (several := _three_rows(rows)) is not None:
        at, headings, tickers = 3, tuple(rows[0][1]), several
        found = next(iter(tickers.values())) if len(tickers) == 1 else None
    else:
        at, found = _heading_row(rows)
        headings, tickers = tuple(cell.strip() for cell in rows[at][1]), None
        if at:
            notes.append(f"{at} lines above the headings are left out")
        at += 1
    body = rows[at:]
    _check_shape(name, rows[at - 1], body)
    cells = tuple([cell.strip() for cell in column] for column in zip(*(row for _, row in body), strict=True))
    return PriceText(name, headings, cells, [line for line, _ in body], found, tuple(notes), tickers)


def _heading_row(rows: Sequence[Row]) -> tuple[int, Recognised | None]:
    """The row of headings: the first that a known layout has, else the first of all."""
    for at, (_, row) in enumerate(rows[:PREAMBLE]):
        if (found := recognised(row)) is not None:
            return at, found
    return 0, None


def _three_rows(rows: Sequence[Row]) -> dict[str, Recognised] | None:
    """Where the columns of each ticker stand under yfinance's three rows of headings, in either order."""
    if len(rows) < 3 or len({len(row) for _, row in rows[:3]}) > 1 or len(rows[0][1]) < 2:
        return None
    first, second, third = (row for _, row in rows[:3])
    if fold(third[0]) not in DATE_HEADINGS or any(cell.strip() for cell in third[1:]) or not third[0].strip():
        return None
    named = {"price": first, "ticker": second} if _is_fields(first) else {"price": second, "ticker": first}
    if not _is_fields(named["price"]) or fold(named["ticker"][0]) not in ("ticker", "price", ""):
        return None
    layout = download_layout(named["price"])
    places: dict[str, dict[str, int]] = {}
    for at in range(1, len(first)):
        held = layout.columns.get(fold(named["price"][at]))
        if held is not None:
            places.setdefault(named["ticker"][at].strip(), {"date": 0})[held] = at
    return {ticker: Recognised(layout, place) for ticker, place in places.items()}


def _is_fields(row: Sequence[str]) -> bool:
    known = LAYOUTS["own"].columns
    return fold(row[0]) in ("price", "") and "close" in map(fold, row[1:]) and all(fold(c) in known for c in row[1:])


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
        raise InputFileError(path, [Problem(line, "", "", "there is a header but no row; add at least one")])
    problems = [
        Problem(at, "", "", f"has {len(row)} cells, the header has {len(headings)}; quote cells that hold a comma")
        for at, row in body
        if len(row) != len(headings)
    ]
    if problems:
        raise InputFileError(path, problems)
