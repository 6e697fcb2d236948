"""A table of a known layout -> the daily figures of a symbol as stated, with every problem and its place."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from eventstudy.data.calendar import DEFAULT_EXCHANGE, exchange_of
from eventstudy.data.date_readings import UnreadableDates
from eventstudy.data.figures import (
    AMBIGUOUS,
    BELOW_A_LOSS,
    COMMA,
    PRICES,
    Parsed,
    first_troubles,
    gross_returns,
    parsed,
    said,
)
from eventstudy.data.layout_dates import TRIED, form_of, is_yahoo_page, may_be_yahoo_page, orderly, swappable
from eventstudy.data.layout_rules import RULES, Stated
from eventstudy.data.layouts import (
    MILLISECONDS,
    TEXT_FIELDS,
    YAHOO_PAGE,
    Input,
    Recognised,
    states_returns,
    unknown_headings,
)
from eventstudy.data.price_dates import Days, days_of
from eventstudy.data.prices import Floats
from eventstudy.data.raw import COLUMNS, RawSeries
from eventstudy.errors import InputFileError, Problem, UnknownExchange

UNREAD = (
    "may state splits, dividends or adjusted closes, and the heading is unknown; rename it to Stock Splits (4.0 on the "
    "day of a 4:1 split), Dividends (cash a share on its day) or Adj Close, or remove the column"
)
# A study reads these only where it is asked to, so that a cell that cannot be read is an empty one.
UNUSED = ("high", "low")
# median size of a daily return above which figures are not decimals, and rows that show it
PERCENT, FEWEST = 0.1, 5
# median size above which they are not even percent
POINTS = 10.0
# rows of which some return is negative, unless they are those of a deposit: median size above which they are not those
SOME_FALL, DEPOSIT = 60, 0.002
# how far from 1 the median gross return may lie
GROSS = 0.2
# an empty cell of text, as CSV and frames have it
EMPTY = {"", "nan", "None", "NaN", "<NA>"}
# problems of a whole file, reported once
WHOLE = (AMBIGUOUS, COMMA)
_ACTION = re.compile(r"(Dividend|Stock Splits?)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Origin of a table and the columns that are needed.

    Attributes
    ----------
    source : str
        ``csv``, ``parquet`` or ``frame``.
    asked : str
        ``--input``.
    volume : bool
        The study reads volumes, so that a cell that cannot be read is a problem.
    """

    source: str
    path: str
    asked: Input = "auto"
    volume: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """A table of a known layout, its cells read.

    Attributes
    ----------
    headings : sequence of str
        As the table writes them.
    dates : sliceable column
        As stated.
    texts : dict of str to ndarray of str
    lines : int64 (n,) or None
        Line of the file of each row; None where rows have no lines.
    days : dict
        (market, form) -> the days of all rows, once they are read; tables of other columns of these rows may share it.
    """

    found: Recognised
    headings: Sequence[str]
    dates: Any
    columns: Mapping[str, Parsed]
    texts: Mapping[str, np.ndarray]
    lines: np.ndarray | None
    origin: Origin
    notes: tuple[str, ...] = ()
    days: dict[tuple[str, str], Days] = field(default_factory=dict)

    def series(self, symbol: str, rows: np.ndarray | None = None) -> RawSeries:
        """The figures of one symbol, which are in some rows or in all. Raises ``InputFileError``: dates or figures that
        cannot be read, figures that cannot be, a date twice: all at once."""
        return _Reading(self, symbol, rows).series()


def figures_of(
    found: Recognised,
    headings: Sequence[str],
    columns: Mapping[str, Any],
    origin: Origin,
    *,
    lines: Sequence[int] | np.ndarray | None = None,
    notes: tuple[str, ...] = (),
    days: dict[tuple[str, str], Days] | None = None,
) -> Figures:
    """Read the cells of a table. Raises ``InputFileError``: two columns that hold the same; of prices, a column that
    may state splits, dividends or adjusted closes and whose heading is unknown.

    Parameters
    ----------
    columns : mapping
        What a column holds -> its cells: text, numbers, or for ``date`` anything ``days_of`` reads.
    days : dict, optional
        As ``Figures``.
    """
    if found.twice:
        raise InputFileError(origin.path, [_twice(found.twice, headings, 1 if lines is not None else 0)])
    if found.unread and not states_returns(found, origin.asked):
        raise InputFileError(origin.path, [Problem(1 if lines is not None else 0, n, "", UNREAD) for n in found.unread])
    page = is_yahoo_page(found, columns.get("date"))
    shown, codes = found.layout.shown or page, found.layout.returns
    if page and (kept := _without_actions(columns)) is not None:
        notes += (f"{len(columns['date']) - len(kept)} rows of dividends and splits are left out",)
        columns = {name: [cells[row] for row in kept] for name, cells in columns.items()}
        lines = None if lines is None else [lines[row] for row in kept]
    dates = columns["date"]
    return Figures(
        found=found,
        headings=headings,
        dates=np.array(dates) if isinstance(dates, list) else dates,
        columns={
            name: parsed(cells, name, shown=shown, codes=codes)
            for name, cells in columns.items()
            if name != "date" and name not in TEXT_FIELDS
        },
        texts={name: np.array([str(c) for c in cells]) for name, cells in columns.items() if name in TEXT_FIELDS},
        lines=None if lines is None else np.asarray(lines),
        origin=origin,
        notes=notes,
        days={} if days is None else days,
    )


def _twice(held: Sequence[str], headings: Sequence[str], line: int) -> Problem:
    """The problem of headings that two columns share: a column too many, or tables side by side."""
    listed = ", ".join(map(repr, headings[:20])) + (", ..." if len(headings) > 20 else "")
    if "date" in held:
        message = (
            f"the headings {listed} are those of tables side by side, each with dates of its own; save each as "
            "SYMBOL.csv with Date and Close, or write one table with Date, Ticker and Close"
        )
        return Problem(line, "", "", message)
    return Problem(line, held[0], "", f"two of the headings {listed} have this meaning; remove one column")


def refuse_headings(headings: Sequence[str], path: str, lines: bool) -> InputFileError:
    """The error of a table whose headings no layout has."""
    return InputFileError(path, [Problem(1 if lines else 0, "", "", unknown_headings(headings))])


def market_of(symbol: str) -> str:
    """Calendar code that dates a symbol's moments; New York's where none is known."""
    try:
        return exchange_of(symbol)
    except UnknownExchange:
        return DEFAULT_EXCHANGE


def _without_actions(columns: Mapping[str, Any]) -> list[int] | None:
    """Rows of the page that are neither dividends nor splits between the prices; None where all are."""
    cells = columns.get("open", ())
    kept = [row for row, cell in enumerate(cells) if not _ACTION.search(cell)]
    return None if len(kept) == len(cells) else kept


@dataclass(slots=True)
class _Reading:
    """One symbol of a table while it is read."""

    table: Figures
    symbol: str
    rows: np.ndarray | None
    problems: list[Problem] = field(default_factory=list)
    commas: dict[str, list[Problem]] = field(default_factory=dict)

    def series(self) -> RawSeries:
        table, layout = self.table, self.table.found.layout
        days = self._days()
        codes: Counter[str] = Counter()
        stated = Stated({}, {name: list(self._cut(cells)) for name, cells in table.texts.items()}, layout.basis)
        for name, column in table.columns.items():
            stated.figures[name] = self._column(name, column, codes)
            if column.coded:
                stated.coded[name] = np.isin(self._numbers(len(column.values)), list(column.coded))
        for found in self.commas.values():
            # one habit of writing, however many cells show it
            first = min(found, key=lambda problem: problem.line)
            more = f" ({len(found):,} cells)" if len(found) > 1 else ""
            self.problems.append(replace(first, message=first.message + more))
        if codes:
            stated.notes.append(said(codes))
        currencies = sorted({text.strip() for text in stated.texts.get("currency", [])} - EMPTY)
        if len(currencies) > 1:
            message = f"has closes in {' and '.join(currencies[:3])}; give each line a ticker of its own"
            self.problems.append(Problem(0, "currency", self.symbol, message))
        page = may_be_yahoo_page(table.found) and is_yahoo_page(
            table.found, list(map(str, self._cut(table.dates)[:TRIED]))
        )
        if layout.derive and not self.problems:
            with np.errstate(invalid="ignore", over="ignore"):
                RULES[layout.derive](stated)
            self.problems += [Problem(0, "", self.symbol, message) for message in stated.trouble]
        returns = states_returns(table.found, table.origin.asked)
        columns = self._of_returns(stated) if returns else self._of_prices(stated, days)
        kept = self._without_twins(days, columns) if days is not None else None
        if self.problems:
            raise InputFileError(table.origin.path, sorted(self.problems, key=lambda problem: problem.line))
        assert days is not None and kept is not None, "else there is a problem"
        running = days.running if kept.all() else -1
        return RawSeries(
            symbol=self.symbol,
            dates=days.dates[kept],
            columns={name: values[kept] for name, values in columns.items()},
            layout=YAHOO_PAGE if page else layout.name,
            heading_basis="returns" if returns else stated.basis,
            source=table.origin.source,
            origin=table.origin.path,
            currency=currencies[0] if currencies else "",
            running=running,
            notes=(*table.notes, *stated.notes),
        )

    def _cut(self, values: Any) -> Any:
        if self.rows is None:
            return values
        return values.iloc[self.rows] if hasattr(values, "iloc") else values[self.rows]

    def _numbers(self, n: int) -> np.ndarray:
        return np.arange(n) if self.rows is None else self.rows

    def _line(self, row: int) -> int:
        at = row if self.rows is None else int(self.rows[row])
        return 0 if self.table.lines is None else int(self.table.lines[at])

    def _add(self, name: str, found: Mapping[int, tuple[str, str]]) -> None:
        """Problems by row, each with its cell; where rows have no lines, only the first is named."""
        if self.table.lines is not None:
            for row, (cell, why) in found.items():
                if why in WHOLE:
                    self.commas.setdefault(why, []).append(Problem(self._line(row), name, cell, why))
                else:
                    self.problems.append(Problem(self._line(row), name, cell, why))
        elif found:
            row = min(found)
            cell, why = found[row]
            more = f" ({len(found):,} rows)" if len(found) > 1 else ""
            self.problems.append(Problem(0, name, f"{self.symbol} row {row + 1} {cell}".strip(), why + more))

    def _days(self) -> Days | None:
        """The days of the rows, each once and in the form of the layout; None where there is a problem."""
        values, market = self._cut(self.table.dates), market_of(self.symbol)
        form = form_of(self.table.found, values)
        key, whole = (market, form), self.rows is None
        if whole and key in self.table.days:
            return self.table.days[key]
        if form == MILLISECONDS:
            stamps = pd.to_numeric(pd.Series(values), errors="coerce")
            values, form = pd.to_datetime(stamps, unit="ms", utc=True), ""
        try:
            days = days_of(values, market, form)
        except UnreadableDates as error:
            cure = "" if "write YYYY-MM-DD" in str(error) else "; write YYYY-MM-DD"
            self._add("date", {row: (value, why + cure) for row, value, why in error.problems if row >= 0})
            self.problems += [Problem(0, "date", self.symbol, why + cure) for row, _, why in error.problems if row < 0]
            wrong = {row for row, _, _ in error.problems}
            self._repeated([str(value) for value in values] if isinstance(values, np.ndarray) else [], wrong)
            return None
        lost = np.flatnonzero(np.isnat(days.dates))
        self._add("date", dict.fromkeys(lost.tolist(), ("", "is empty; write YYYY-MM-DD")))
        if form and swappable(days) and not orderly(days):
            why = "days of this layout's form are out of order, occur twice, lie on weekends or leave out weeks"
            self.problems.append(Problem(0, "date", self.symbol, f"{why}; write YYYY-MM-DD"))
        if whole and not self.problems:
            self.table.days[key] = days
        return None if len(lost) else days

    def _repeated(self, texts: Sequence[str], wrong: Collection[int]) -> None:
        """Dates that occur twice as they are written, where others cannot be read."""
        first: dict[str, int] = {}
        for row, text in enumerate(texts):
            if text and row not in wrong and first.setdefault(text, row) != row:
                self.problems.append(Problem(self._line(row), "date", text, self._already(first[text])))

    def _already(self, first: int) -> str:
        place = f"line {self._line(first)}" if self.table.lines is not None else f"row {first + 1}"
        return f"the date is already in {place}; remove one"

    def _column(self, name: str, column: Parsed, codes: Counter[str]) -> Floats:
        values = np.asarray(self._cut(column.values))
        numbers = enumerate(self._numbers(len(values)).tolist() if column.wrong else ())
        wrong = {at: column.wrong[row] for at, row in numbers if row in column.wrong}
        codes.update(column.codes)
        signless = self.table.found.layout.midpoints and name in ("close", "open")
        wrong |= first_troubles(name, np.abs(values) if signless else values) if not _zero_is_empty(self, name) else {}
        if name in UNUSED or (name == "volume" and not self.table.origin.volume):
            # a column that the study does not use stops nothing
            return np.where(np.isin(np.arange(len(values)), list(wrong)), np.nan, values)
        if signless and states_returns(self.table.found, self.table.origin.asked):
            return np.where(np.isin(np.arange(len(values)), list(wrong)), np.nan, values)
        self._add(name, wrong)
        return values

    def _of_prices(self, stated: Stated, days: Days | None) -> dict[str, Floats]:
        figures = {name: values for name, values in stated.figures.items() if name in COLUMNS}
        if "return" in figures and not self.table.found.layout.returns:
            stated.notes.append("the column of returns is not used; --input returns reads it")
        figures = {name: values for name, values in figures.items() if name not in ("return", "span")}
        if "close" not in figures and "adj_close" in figures:
            figures["close"] = figures["adj_close"]
            stated.basis = "adjusted"
        if "close" not in figures:
            headings = ", ".join(map(repr, self.table.headings))
            self.problems.append(Problem(0, "close", "", f"is none of the headings {headings}; wanted prices"))
        if self.table.origin.asked == "auto" and days is not None:
            priced = {name: figures[name] for name in ("close", "adj_close") if name in figures}
            if not (days.dates[1:] >= days.dates[:-1]).all():
                order = np.argsort(days.dates, kind="stable")
                priced = {name: values[order] for name, values in priced.items()}
            doubts = {name: gross_returns(values) for name, values in priced.items()}
            self.problems += [Problem(0, name, self.symbol, why) for name, why in doubts.items() if why]
        if "split" in figures:
            figures["split"] = np.where(figures["split"] == 1, 0.0, figures["split"])
        return figures

    def _of_returns(self, stated: Stated) -> dict[str, Floats]:
        kept = ("return", "span", "volume")
        figures: dict[str, Floats] = {name: v for name, v in stated.figures.items() if name in kept}
        values = figures.get("return")
        if values is None:
            headings = ", ".join(map(repr, self.table.headings))
            message = f"is none of the headings {headings}; wanted a column of decimal returns"
            self.problems.append(Problem(0, "ret", "", message))
            return figures
        there = np.abs(values[np.isfinite(values)])
        if len(there) >= FEWEST and (size := float(np.median(there))) > PERCENT:
            gross = float(np.median(np.abs(there - 1))) < GROSS
            unit = "in basis points; divide by 10,000" if size > POINTS else "in percent; divide by 100"
            cure = "gross returns (1 + r); subtract 1" if gross else f"returns {unit}"
            # one cause, one cure: such figures are below a total loss too
            self.problems = [problem for problem in self.problems if not problem.message.startswith(BELOW_A_LOSS)]
            self.problems.append(Problem(0, "ret", f"{size:.3g}", f"is the median size of a daily return: {cure}"))
        elif len(there) >= SOME_FALL and not (values < 0).any() and float(np.median(there)) > DEPOSIT:
            message = "has no negative return: write returns with their sign, not their size"
            self.problems.append(Problem(0, "ret", "", message))
        if self.table.origin.asked == "log-returns":
            figures["return"] = np.expm1(values)
        return figures

    def _without_twins(self, days: Days, columns: Mapping[str, Floats]) -> np.ndarray:
        """Rows to keep; a date twice is a problem, unless the rows are equal in a layout that joins tables."""
        kept = np.ones(len(days.dates), dtype=bool)
        if (days.dates[1:] > days.dates[:-1]).all():
            return kept
        order = np.argsort(days.dates, kind="stable")
        ordered = days.dates[order]
        for at in np.flatnonzero(ordered[1:] == ordered[:-1]).tolist():
            first, again = int(order[at]), int(order[at + 1])
            equal = all(np.array_equal(v[first], v[again], equal_nan=True) for v in columns.values())
            if equal and self.table.found.layout.midpoints:
                kept[again] = False
                continue
            value = str(days.dates[again]) if self.table.lines is not None else f"{self.symbol} {days.dates[again]}"
            self.problems.append(Problem(self._line(again), "date", value, self._already(first)))
        return kept


def _zero_is_empty(reading: _Reading, name: str) -> bool:
    """CRSP writes 0 where there is no price; a factor of 0 has a message of its own."""
    return name == "factor" or (reading.table.found.layout.midpoints and name in PRICES)
