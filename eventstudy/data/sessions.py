"""Sessions against the rows of prices: rows off a calendar, series on another one, and what prices prove about it.

A day that the calendar does not know, on which a stock and its benchmark have changed prices, is a session. A session
on which no series of the exchange has a changed price is a closure. More than a few of either are not a mistake of the
calendar: the series is on another one, or the vendor has a gap.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np

from eventstudy.data.calendar import TradingCalendar, with_sessions
from eventstudy.data.calendar_fit import best_calendars, fits_better
from eventstudy.data.doubtful import interpolated
from eventstudy.data.prices import OFF_CALENDAR, Dates, Floats, PriceSeries
from eventstudy.engine.panel import Bools

# share of the rows off a calendar from which on they count as interpolated
MOST = 0.5
# a close that differs by more has moved
MOVED = 1e-6
# days that a year may lack or have too many, closures in a row, and sessions around one that must have rows
A_YEAR, IN_A_ROW, AROUND = 3, 5, 5
# rows off the calendar, and sessions without rows, beyond which a series is on another calendar: or this share
FEW_OFF, FEW_EMPTY, SHARE = 3, 5, 0.01
# share of sessions without a row from which on rows are weekly or monthly ones
NOT_DAILY = 0.5
NAMED = 5


def in_own_currency(series: PriceSeries) -> PriceSeries:
    """The series as its exchange quotes it: a rate that is missing or moves proves nothing about its sessions."""
    return series if series.local is None else series.local


def moved(series: PriceSeries) -> Bools:
    """Rows whose close differs from that of the row before; the first counts as such. bool (n,)."""
    return _changed(series.quoted)


def _changed(close: Floats) -> Bools:
    found = np.ones(len(close), dtype=bool)
    found[1:] = np.abs(close[1:] / close[:-1] - 1) > MOVED
    return found


def moved_alone(series: PriceSeries) -> Bools:
    """Rows whose close differs from those of the rows before and after: off a calendar, others were filled. (n,)."""
    found, close = moved(series), series.quoted
    found[:-1] &= np.abs(close[:-1] / close[1:] - 1) > MOVED
    return found


def between(dates: Dates, first: np.datetime64, last: np.datetime64) -> slice:
    """The sorted dates from first to last, both included."""
    return slice(int(np.searchsorted(dates, first)), int(np.searchsorted(dates, last, side="right")))


def on_sessions(dates: Dates, sessions: Dates) -> Bools:
    """Which of some dates are sessions; both sorted. bool (n,)."""
    if not len(sessions):
        return np.zeros(len(dates), dtype=bool)
    # a table of the days from the first session to the last, and one cell for days outside: cheaper than a search
    day, own = dates.astype("datetime64[D]").astype(np.int64), sessions.astype("datetime64[D]").astype(np.int64)
    held = np.zeros(own[-1] - own[0] + 2, dtype=bool)
    held[own - own[0]] = True
    return np.asarray(held[np.minimum((day - own[0]).view(np.uint64), np.uint64(len(held) - 1))])


@dataclass(frozen=True, slots=True)
class Range:
    """Dates that the events of a series look at, both included."""

    first: np.datetime64
    last: np.datetime64


def wrong_calendar(own: PriceSeries, benchmark: PriceSeries | None, calendar: TradingCalendar, within: Range) -> str:
    """Whether a series is on another calendar than its listing's, as a sentence that names those that fit best.

    Parameters
    ----------
    own, benchmark : PriceSeries
        Of the ticker and, where it has one, its first benchmark.
    within : Range
        Only these dates are judged.
    """
    sessions = calendar.sessions[between(calendar.sessions, within.first, within.last)]
    place = between(own.dates, within.first, within.last)
    rows = own.dates[place]
    if len(sessions) < FEW_EMPTY or len(rows) < FEW_EMPTY or np.array_equal(rows, sessions):
        return ""
    changed = moved_alone(own)[place]
    held = on_sessions(rows, sessions)
    inside = (rows >= sessions[0]) & (rows <= sessions[-1])
    off = rows[inside & ~held & changed]
    judged = rows[held | changed]
    if len(off) > max(FEW_OFF, SHARE * len(rows)):
        found = f"{len(off)} of {len(rows)} rows of {own.symbol} are not sessions of {calendar.code} ({_named(off)})"
        if np.isin(off, own.dates[interpolated(own.quoted)]).mean() > MOST:
            return f"{found}; they lie exactly between their neighbours, as interpolated rows do: leave them out"
        return f"{found}; {_cure(best_calendars(judged), calendar.code)}"
    asked = sessions[between(sessions, rows[0], rows[-1])]
    empty = ~on_sessions(asked, rows)
    if benchmark is not None:
        empty &= ~on_sessions(asked, benchmark.dates)
    daily = empty.mean() <= NOT_DAILY
    if empty.sum() <= max(FEW_EMPTY, SHARE * len(asked)) or (daily and not fits_better(judged, calendar.sessions)):
        return ""
    where = own.symbol if benchmark is None else f"neither {own.symbol} nor {benchmark.symbol}"
    has = "has no row" if benchmark is None else "has a row"
    found = f"{where} {has} on {int(empty.sum())} of {len(asked)} sessions of {calendar.code} ({_named(asked[empty])})"
    if not daily:
        return f"{found}; the rows are not daily, and no calendar fits them: give a row for every session"
    return f"{found}; {_cure(best_calendars(judged), calendar.code)}"


def _named(days: Dates) -> str:
    return ", ".join(str(day) for day in days[:NAMED]) + (", ..." if len(days) > NAMED else "")


def _cure(best: tuple[str, ...], own: str) -> str:
    others = [code for code in best if code != own]
    fits = (
        f"its rows fit {', '.join(others)} best: write that" if others else "no calendar fits them better: write data"
    )
    return f"{fits} in a `calendar` column (data takes the rows of the benchmark as sessions)"


def marked_off(series: PriceSeries, calendar: TradingCalendar, within: Range) -> PriceSeries:
    """The series with its rows off the calendar counted in its provenance, and those that moved marked as doubtful."""
    place = between(series.dates, max(within.first, calendar.sessions[0]), min(within.last, calendar.sessions[-1]))
    off = np.zeros(len(series.dates), dtype=bool)
    off[place] = ~on_sessions(series.dates[place], calendar.sessions)
    if not off.any():
        return series
    changed = off & moved_alone(series)
    days = series.dates[off]
    n, padded = int(off.sum()), int((off & ~changed).sum())
    rows = "1 row is" if n == 1 else f"{n} rows are"
    beside = "before or after" if (off & ~changed & moved(series)).any() else "before"
    kind = f"; {'all' if padded == n else padded} repeat the close {beside}" if padded else ""
    said = f"{rows} not {'a session' if n == 1 else 'sessions'} of {calendar.code} and left out ({_named(days)}{kind})"
    doubt = np.zeros(len(off), dtype=np.uint8) if series.doubt is None else series.doubt
    origin = series.provenance
    return replace(
        series,
        doubt=np.where(changed, doubt | np.uint8(OFF_CALENDAR), doubt) if changed.any() else series.doubt,
        provenance=replace(
            origin,
            notice="; ".join(filter(None, (origin.notice, said))),
            off_calendar=n,
            off_calendar_first=";".join(str(day) for day in days[:NAMED]),
        ),
    )


@dataclass(slots=True)
class Evidence:
    """Evidence of the series of one exchange on its sessions.

    Attributes
    ----------
    benchmark_days, stock_days : set of datetime64[D]
        Days off the calendar on which a benchmark, or a stock, has a changed price.
    alive, held, padded : bool (T,)
        Sessions on which some series has a changed price; on which some has a row; on which a benchmark repeats its
        close.
    near, watched : bool (T,)
        Sessions around which a benchmark has rows; around which a stock and its benchmark have.
    """

    calendar: TradingCalendar
    within: Range
    benchmark_days: set[np.datetime64] = field(default_factory=set)
    stock_days: set[np.datetime64] = field(default_factory=set)
    alive: Bools = field(init=False)
    held: Bools = field(init=False)
    padded: Bools = field(init=False)
    near: Bools = field(init=False)
    watched: Bools = field(init=False)

    def __post_init__(self) -> None:
        n = len(self.calendar.sessions)
        self.alive, self.held, self.padded = (np.zeros(n, dtype=bool) for _ in range(3))
        self.near, self.watched = np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)

    def add_benchmark(self, series: PriceSeries) -> Bools:
        """Take in a benchmark; the sessions around which it has rows, bool (T,)."""
        self.benchmark_days |= self._days(series)
        days, changed = self._unfilled(series)
        self.padded |= on_sessions(self.calendar.sessions, days[~changed])
        around = self._around(series)
        self.near |= around
        return around

    def add_stock(self, series: PriceSeries, near_benchmark: Bools) -> None:
        """Take in a stock; ``near_benchmark`` is what ``add_benchmark`` gave."""
        self.stock_days |= self._days(series)
        self.watched |= self._around(series) & near_benchmark

    @property
    def open_question(self) -> bool:
        """Whether stocks could still correct the calendar after the benchmarks have been taken in."""
        return bool(self.benchmark_days) or bool((self._empty() & self.near).any())

    def _empty(self) -> Bools:
        """Sessions without a changed price, on which no series has a row or a benchmark repeats its close."""
        sessions = self.calendar.sessions
        within = (sessions >= self.within.first) & (sessions <= self.within.last)
        return within & ~self.alive & (~self.held | self.padded)

    def _days(self, series: PriceSeries) -> set[np.datetime64]:
        """Days off the calendar with a changed price; the sessions with one are noted."""
        days, changed = self._unfilled(series)
        sessions, place = self.calendar.sessions, between(days, self.within.first, self.within.last)
        self.held |= on_sessions(sessions, series.dates)
        days = days[place][changed[place]]
        held = on_sessions(days, sessions)
        self.alive[np.searchsorted(sessions, days[held])] = True
        return set(days[~held].tolist())

    def _unfilled(self, series: PriceSeries) -> tuple[Dates, Bools]:
        """Days of the rows without those off the calendar that repeat one beside them, and which of them changed."""
        kept = on_sessions(series.dates, self.calendar.sessions) | moved_alone(series)
        return series.dates[kept], _changed(series.quoted[kept])

    def _around(self, series: PriceSeries) -> Bools:
        held = on_sessions(self.calendar.sessions, series.dates)
        total = np.concatenate([[0], np.cumsum(held)])
        n, at = len(held), np.arange(len(held))
        before = total[at] - total[np.maximum(at - AROUND, 0)]
        after = total[np.minimum(at + 1 + AROUND, n)] - total[np.minimum(at + 1, n)]
        return np.asarray((before > 0) & (after > 0))

    def added(self) -> Dates:
        """Days that are sessions although the calendar does not know them; sorted."""
        days = np.array(sorted(self.benchmark_days & self.stock_days), dtype="datetime64[D]")
        return days[~_crowded(days)]

    def removed(self) -> Dates:
        """Sessions on which the exchange was closed; sorted."""
        sessions = self.calendar.sessions
        edges = np.flatnonzero(np.diff(np.concatenate([[0], self._empty().astype(np.int8), [0]])))
        # a vendor's gaps count against the year, however long: more than a few are not closures
        runs = [(a, b) for a, b in edges.reshape(-1, 2).tolist() if self.watched[a:b].any()]
        many = _crowded(sessions[np.array([a for a, _ in runs], dtype=np.int64)])
        chosen = [
            np.arange(a, b)
            for (a, b), more in zip(runs, many, strict=True)
            if not more and b - a <= IN_A_ROW and self.watched[a:b].all()
        ]
        return np.asarray(sessions[np.concatenate([np.zeros(0, dtype=np.int64), *chosen])])

    def corrected(self) -> TradingCalendar:
        """The calendar with its days added and removed."""
        added, removed = self.added(), self.removed()
        if not len(added) and not len(removed):
            return self.calendar
        return with_sessions(self.calendar, added, removed)


def _crowded(days: Dates) -> Bools:
    """Days of calendar years that have more of them than ``A_YEAR``."""
    years = days.astype("datetime64[Y]").astype(np.int64)
    _, place, count = np.unique(years, return_inverse=True, return_counts=True)
    return np.asarray(count[place] > A_YEAR) if len(days) else np.zeros(0, dtype=bool)


def correction_notices(calendars: Iterable[tuple[TradingCalendar, TradingCalendar]]) -> list[str]:
    """Corrections of each calendar by prices, one sentence each way; pairs are (before, after)."""
    said = []
    for before, after in calendars:
        if before is after:
            continue
        added = np.setdiff1d(after.sessions, before.sessions)
        removed = np.setdiff1d(before.sessions, after.sessions)
        if len(added):
            said.append(
                f"{after.code}: {_all(added)} counted as sessions, which the calendar does not know: a stock and its "
                "benchmark have changed prices"
            )
        if len(removed):
            said.append(
                f"{after.code}: the exchange is taken to have been closed on {_all(removed)}: no series has a changed "
                "price there; if the source lost the rows, the return after them spans more sessions than it says"
            )
    return said


def _all(days: Dates) -> str:
    return ", ".join(str(day) for day in days)
