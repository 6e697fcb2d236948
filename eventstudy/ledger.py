"""Why an event is not studied: the one place where reasons and their sentences are made."""

from __future__ import annotations

from dataclasses import dataclass

from eventstudy.data.calendar import TradingCalendar, final_from
from eventstudy.data.returns import AlignedSeries

Trouble = tuple[str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How far the prices of a series go.

    Attributes
    ----------
    ticker : str
    calendar : TradingCalendar
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
    """How far a series goes; ``source`` is that of its prices."""
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
    reach : Reach
    session : int
        Of day 0.
    gap : bool
        Under ``--missing strict``, day 0 has no one-session return.
    """
    sessions = reach.calendar.sessions
    if reach.first < 0:
        detail = f"prices of {reach.ticker} hold no session between {sessions[0]} and {sessions[-1]}"
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
        detail = f"no one-session return on {day}; --missing trade-to-trade would use the next trade"
        return "priced", "missing_day0", detail
    return None


def estimation_trouble(n_obs: int, needed: int, asked: int) -> Trouble:
    """The same of an event whose estimation window carries no model."""
    if n_obs < needed:
        detail = f"{n_obs} valid estimation sessions of {asked} asked for; {needed} needed"
        return "estimated", "insufficient_estimation", detail
    detail = "a benchmark is constant in the estimation window or repeats another"
    return "estimated", "rank_deficient", detail
