"""Dates of announcements as arrays: a moment in UTC or a bare date, never both."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

import numpy as np
from numpy.typing import NDArray

from eventstudy.data.categorical import Coded, column_problems
from eventstudy.data.dates import day_readings, has_clock, parse_when
from eventstudy.engine.panel import Bools, Floats, Ints
from eventstudy.errors import Problem

_OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)$", re.ASCII)
UTC_NAMES = ("UTC", "Etc/UTC", "Z", "+00:00")


@dataclass(frozen=True, slots=True)
class Announced:
    """The column ``announced_at``, read.

    Attributes
    ----------
    codes : int32 (n,)
        Position of each row's moment among the distinct ones.
    instant : datetime64[us] (k,)
        Moment in UTC of each distinct value; NaT for a bare date.
    day : datetime64[D] (k,)
        Bare date of each distinct value; NaT where there is a moment.
    written : tuple of str or None
        The distinct values as the file writes them; None for columns of dates or timestamps.
    zone : str
        Of a column of timestamps; empty for other columns, and for timestamps without one.
    """

    codes: np.ndarray
    instant: NDArray[np.datetime64]
    day: NDArray[np.datetime64]
    written: tuple[str, ...] | None
    zone: str = ""

    @property
    def offset(self) -> Floats:
        """Minutes east of UTC that each distinct moment is stated in; NaN for dates, and if it is not known; (k,)."""
        if self.written is None:
            minutes = np.full(len(self.instant), 0.0 if self.zone in UTC_NAMES else np.nan)
        else:
            tails = [text[-6:] for text in self.written]
            known = {tail: _minutes(tail) for tail in set(tails)}
            minutes = np.array([known[tail] for tail in tails], dtype=np.float64)
        return np.where(np.isnat(self.instant), np.nan, minutes)

    @property
    def has_clock(self) -> Bools:
        """Rows with a moment; bool (n,)."""
        return np.asarray(~np.isnat(self.instant)[self.codes], dtype=np.bool_)

    def text(self, rows: Ints) -> list[str]:
        """Text of the file in some rows, or its ISO form."""
        codes = self.codes[rows]
        if self.written is not None:
            return [self.written[code] for code in codes.tolist()]
        known, where = np.unique(codes, return_inverse=True)
        words = self._words(known)
        return [words[place] for place in where.tolist()]

    def dates_known(self) -> NDArray[np.datetime64]:
        """Calendar day of each distinct value: its bare date, or that of its moment in UTC; datetime64[D] (k,)."""
        return np.asarray(np.where(np.isnat(self.day), self.instant.astype("datetime64[D]"), self.day))

    def joined(self, other: Announced) -> Announced:
        """These and others behind them."""
        words = [side.written or tuple(side._words(np.arange(len(side.instant)))) for side in (self, other)]
        return Announced(
            codes=np.concatenate([self.codes, other.codes.astype(np.int32) + len(self.instant)]),
            instant=np.concatenate([self.instant, other.instant]),
            day=np.concatenate([self.day, other.day]),
            written=(*words[0], *words[1]),
        )

    def _words(self, codes: Ints) -> list[str]:
        pairs = zip(self.instant[codes], self.day[codes], strict=True)
        return [f"{instant}+00:00" if np.isnat(day) else str(day) for instant, day in pairs]

    def moments(self) -> list[datetime | None]:
        """The moment of every row as Python's own."""
        known: list[datetime | None] = [
            None if np.isnat(at) else at.astype("datetime64[us]").item().replace(tzinfo=UTC) for at in self.instant
        ]
        return [known[code] for code in self.codes.tolist()]

    def dates(self) -> list[date | None]:
        """The bare date of every row as Python's own."""
        known: list[date | None] = [None if np.isnat(day) else day.item() for day in self.day]
        return [known[code] for code in self.codes.tolist()]


def read_announced(column: Coded, lines: Ints) -> tuple[Announced, list[Problem]]:
    """Moments and dates of a column of text, each distinct value read once, and what cannot be read."""
    problems = [_by_column(problem, column) for problem in column_problems("announced_at", column, lines, _check)]
    read = [_read(value) for value in column.values]
    return Announced(column.codes, *arrays(read), column.values), problems


def _by_column(problem: Problem, column: Coded) -> Problem:
    """The problem of a date that is ambiguous alone, with the only reading that the whole column allows."""
    if not problem.message.startswith("is ambiguous"):
        return problem
    every = [readings for value in column.values if (readings := day_readings(value)) is not None]
    orders = [order for order in (0, 1) if all(readings[order] for readings in every)]
    mine = day_readings(problem.value)
    if len(orders) != 1 or mine is None:
        return problem
    form = ("MM/DD/YYYY", "DD/MM/YYYY")[orders[0]]
    message = f"is not ISO text; only {form} reads every row of the column: write {mine[orders[0]]}"
    return Problem(problem.line, problem.column, problem.value, message)


def midnight_notes(announced: Announced, timing: Coded, lines: Ints, unit: str) -> list[str]:
    """The sentence on moments that are midnight, as written or in UTC, and are read as dates without a clock."""
    if announced.written is None:
        midnight = ~np.isnat(announced.day) & bool(announced.zone)
    else:
        midnight = ~np.isnat(announced.day) & [has_clock(text) for text in announced.written]
    rows = np.flatnonzero(midnight[announced.codes])
    if not len(rows):
        return []
    first = int(announced.codes[rows[0]])
    day, n = str(announced.day[first]), len(rows)
    text = f"midnight of {day}" if announced.written is None else announced.written[first]
    count = "1 row is" if n == 1 else f"{n:,} rows are"
    said = (
        f"{count} at exactly midnight UTC or midnight as written, such as {text} in {unit} {int(lines[rows[0]])}: it "
        f"has no clock and is read as the date {day}"
    )
    unknown = int(timing.where(lambda cell: not cell)[rows].sum())
    if not unknown:
        return [f"{said} with the hour of its timing"]
    some = "" if unknown == n else f", {unknown:,} of them"
    cure = "add timing bmo, dmh or amc if it is known"
    return [f"{said}{some} with an unknown hour (timing_uncertain); {cure}"]


def arrays(
    read: Sequence[tuple[datetime | None, date | None]],
) -> tuple[NDArray[np.datetime64], NDArray[np.datetime64]]:
    """Moments and dates as arrays."""
    naive = [None if moment is None else moment.astimezone(UTC).replace(tzinfo=None) for moment, _ in read]
    return np.array(naive, dtype="datetime64[us]"), np.array([day for _, day in read], dtype="datetime64[D]")


def _minutes(tail: str) -> float:
    """Minutes east of UTC at the end of a text."""
    if tail[-1:] in ("Z", "z"):
        return 0.0
    found = _OFFSET.search(tail)
    return np.nan if found is None else float(f"{found[1]}{int(found[2]) * 60 + int(found[3])}")


def _check(text: str) -> None:
    parse_when(text)


def _read(text: str) -> tuple[datetime | None, date | None]:
    try:
        return parse_when(text)
    except ValueError:
        return None, None
