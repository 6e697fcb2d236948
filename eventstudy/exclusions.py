"""Events that are not studied: which, for what reason, and the sentence that says so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from eventstudy.data.calendar import TradingCalendar, final_from
from eventstudy.data.returns import AlignedSeries
from eventstudy.data.series_index import SeriesKey
from eventstudy.engine.panel import Bools

Trouble = tuple[str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Range of the prices of a series.

    Attributes
    ----------
    first, last, benchmark_last : int
        As in ``AlignedSeries``.
    snapshot : bool
        The prices are those of the package.
    """

    ticker: str
    calendar: TradingCalendar
    first: int
    last: int
    benchmark_last: int
    snapshot: bool

    @property
    def end(self) -> int:
        """Position of the last session with both the ticker and its benchmarks."""
        return min(self.last, self.benchmark_last)


def reach_of(series: AlignedSeries, source: str) -> Reach:
    """Range of a series; ``source`` is that of its prices."""
    return Reach(
        ticker=series.ticker,
        calendar=series.calendar,
        first=series.first,
        last=series.last,
        benchmark_last=series.benchmark_last,
        snapshot=source == "snapshot",
    )


def undated(exchange: str) -> Trouble:
    """(stage, reason, detail) of an event outside its exchange's calendar."""
    return "dated", "before_prices", f"the {exchange} calendar does not reach that date"


def unknown_exchange(message: str) -> Trouble:
    """The same of an event whose ticker has a suffix of no known exchange; ``message`` says what to write."""
    return "dated", "unknown_exchange", message


def unpriced(missing: tuple[str, str]) -> Trouble:
    """The same of an event whose ticker or benchmark has no prices: ``market.missing_prices``."""
    return "priced", *missing


def day0_trouble(reach: Reach, session: int, *, gap: bool) -> Trouble | None:
    """The same of an event whose day 0 lies outside the prices; None where it lies within.

    Parameters
    ----------
    session : int
        Of day 0.
    gap : bool
        Under ``--missing strict``, day 0 has no one-session return.
    """
    sessions = reach.calendar.sessions
    if reach.first < 0:
        detail = f"prices of {reach.ticker} have no session between {sessions[0]} and {sessions[-1]}"
        return "priced", "before_prices", detail
    day = sessions[session]
    if session < reach.first:
        return "priced", "before_prices", f"day 0 is {day}; prices of {reach.ticker} start {sessions[reach.first]}"
    if reach.last < session <= reach.benchmark_last:
        detail = (
            f"day 0 is {day}; prices of {reach.ticker} end {sessions[reach.last]}, those of its benchmark do not: the "
            "listing ended or has another name now, or its prices are old"
        )
        return "priced", "day0_not_observed", detail
    if session > reach.end:
        final = final_from(reach.calendar, session)
        advice = f"run again when that session is final (from {final.astype('datetime64[m]')}Z)"
        if reach.snapshot:
            advice = f"the package's snapshot ends there; newer prices come from Yahoo or csv:DIR. Else {advice}"
        detail = f"day 0 is {day}, prices end {sessions[reach.end]}: {advice}"
        return "priced", "day0_not_observed", detail
    if gap:
        detail = f"no one-session return on {day}; the option --missing trade-to-trade would use the next trade"
        return "priced", "missing_day0", detail
    return None


def estimation_trouble(n_obs: int, needed: int, asked: int) -> Trouble:
    """The same of an event whose estimation window carries no model."""
    if n_obs < needed:
        detail = f"{n_obs} valid estimation sessions of {asked} asked for; {needed} needed"
        return "estimated", "insufficient_estimation", detail
    detail = "a benchmark is constant in the estimation window or repeats another"
    return "estimated", "rank_deficient", detail


# what excluded a row, from which its sentence is made
UNDATED, UNPRICED, OUTSIDE, NO_GAP_RETURN, FEW, DEFICIENT = range(6)
ROWS_AT_ONCE = 65_536


@dataclass(slots=True)
class Excluded:
    """Excluded rows as numbers; their sentences are made when they are written.

    Attributes
    ----------
    blocks : list of int32 arrays (5, m)
        Row of the events file, what excluded it, series, session, valid estimation observations.
    """

    blocks: list[np.ndarray] = field(default_factory=list)

    def add(
        self,
        rows: np.ndarray,
        kind: int | np.ndarray,
        series: np.ndarray,
        session: np.ndarray,
        n_obs: int | np.ndarray = 0,
    ) -> None:
        """Exclude some rows."""
        columns = np.broadcast_arrays(rows, kind, series, session, n_obs)
        self.blocks.append(np.stack([column.astype(np.int32) for column in columns]))

    def ordered(self) -> np.ndarray:
        """All of them in file order; int32 (5, m). Millions are held once: the blocks give way to what is returned."""
        if len(self.blocks) != 1 or (np.diff(self.blocks[0][0]) < 0).any():
            everything = np.concatenate([np.zeros((5, 0), dtype=np.int32), *self.blocks], axis=1)
            self.blocks.clear()
            order = np.argsort(everything[0], kind="stable")
            for column in everything:
                column[:] = column[order]
            self.blocks.append(everything)
        return self.blocks[0]


def admit(
    rows: np.ndarray,
    series: np.ndarray,
    session: np.ndarray,
    reach: Sequence[Reach | None],
    gap: Bools | None,
    excluded: Excluded,
) -> np.ndarray:
    """Rows whose day 0 lies within the prices, in file order; the others are excluded.

    Parameters
    ----------
    rows : int (m,)
        Rows of the events file that are wanted.
    series, session : int (n,)
        Of every row of the file; session -1 without a day 0.
    reach : sequence of Reach or None
        Of each series; None without prices.
    gap : bool (n,) or None
        Under ``--missing strict``, rows whose day 0 has no one-session return.
    excluded : Excluded
        Added to.
    """
    first = np.array([-1 if r is None else r.first for r in reach], dtype=np.int32)
    end = np.array([-1 if r is None else r.end for r in reach], dtype=np.int32)
    own, at = series[rows], session[rows]
    priced, dated = np.array([r is not None for r in reach], dtype=bool)[own], at >= 0
    # nothing lies after the last session of a series without prices
    inside = (at >= np.maximum(first, 0)[own]) & (at <= end[own])
    good = dated & priced & inside
    lost = [(~dated, UNDATED), (dated & ~priced, UNPRICED), (dated & priced & ~inside, OUTSIDE)]
    if gap is not None:
        lost.append((good & gap[rows], NO_GAP_RETURN))
        good &= ~gap[rows]
    for where, kind in lost:
        excluded.add(rows[where], kind, own[where], at[where])
    return np.asarray(rows[good], dtype=np.int32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentences:
    """Makes the words of excluded rows.

    Attributes
    ----------
    reach : sequence of Reach or None
        Of each series.
    missing : mapping
        Series without prices -> (reason, detail).
    needed, asked : int
        Fewest estimation observations, and sessions asked for.
    unlisted : mapping
        Ticker whose exchange is unknown -> what to write instead.
    """

    keys: Sequence[SeriesKey]
    reach: Sequence[Reach | None]
    missing: Mapping[int, tuple[str, str]]
    needed: int
    asked: int
    unlisted: Mapping[str, str]

    def troubles(self, lost: np.ndarray) -> list[Trouble]:
        """(stage, reason, detail) of excluded rows, as ``Excluded.ordered`` has them."""
        return [self._trouble(*row) for row in lost[1:].T.tolist()]

    def reasons(self, lost: np.ndarray) -> tuple[tuple[str, str, int], ...]:
        """(stage, reason, how many), the most frequent first."""
        starts = np.array([-1 if r is None else r.first for r in self.reach], dtype=np.int64)
        # rows of one kind and series on one side of the first price, or of the fewest observations, have one reason
        kinds: dict[int, list[int]] = {}
        for at in range(0, lost.shape[1], ROWS_AT_ONCE):
            _, kind, series, session, n_obs = lost[:, at : at + ROWS_AT_ONCE].astype(np.int64)
            side = np.where(session < starts[series], 1, 0) + np.where(n_obs < self.needed, 2, 0)
            keys, first, count = np.unique((series * 8 + kind) * 4 + side, return_index=True, return_counts=True)
            for key, place, n in zip(keys.tolist(), first.tolist(), count.tolist(), strict=True):
                kinds.setdefault(key, [at + place, 0])[1] += n
        found: Counter[tuple[str, str]] = Counter()
        places = np.array([place for place, _ in kinds.values()], dtype=np.int64)
        for (stage, reason, _), (_, n) in zip(self.troubles(lost[:, places]), kinds.values(), strict=True):
            found[stage, reason] += n
        return tuple((*key, n) for key, n in sorted(found.items(), key=lambda item: (-item[1], item[0])))

    def _trouble(self, kind: int, series: int, session: int, n_obs: int) -> Trouble:
        if kind == UNDATED:
            key = self.keys[series]
            known = key.ticker not in self.unlisted
            return undated(key.exchange) if known else unknown_exchange(self.unlisted[key.ticker])
        if kind == UNPRICED:
            return unpriced(self.missing[series])
        if kind in (OUTSIDE, NO_GAP_RETURN):
            reach = self.reach[series]
            assert reach is not None, "the row has prices"
            made = day0_trouble(reach, session, gap=kind == NO_GAP_RETURN)
            assert made is not None, "the row was excluded for its day 0"
            return made
        assert kind in (FEW, DEFICIENT), kind
        return estimation_trouble(n_obs, self.needed, self.asked)
