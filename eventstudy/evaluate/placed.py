"""The studied events of a study in memory as columns: where they lie, what groups and pairs of them read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from eventstudy.engine.aggregates import Layout, Outcomes
from eventstudy.engine.measures import evidence_without_days, take
from eventstudy.engine.models import MODELS
from eventstudy.engine.panel import Floats, Ints
from eventstudy.engine.significance.evidence import gather_evidence
from eventstudy.engine.significance.overlap import Calendars
from eventstudy.engine.significance.pairs import (
    Errors,
    Laid,
    PairSums,
    date_blocks,
    errors_in_event_time,
    merged_pairs,
    summed_pairs,
)
from eventstudy.engine_options import pairs, window_plan

if TYPE_CHECKING:
    from eventstudy.results import Studied

# Of the events at some positions: c_i of each sum, (n, S), for each test window.
Shares = Callable[[Ints], Sequence[Floats]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedEvents:
    """Where E studied events lie; int64 (E,) each.

    Attributes
    ----------
    calendar, session : int64
        Number of the exchange's calendar, and position of day 0 on it.
    date : int64
        Days since 1970 of day 0.
    place : int64
        Position of day 0 on all calendars end to end.
    ticker : int64
        Number of the ticker in the order of their names.
    firm : int64
        Equal numbers, one ticker on one exchange.
    calendars : Calendars
    """

    calendar: Ints
    session: Ints
    date: Ints
    place: Ints
    ticker: Ints
    firm: Ints
    calendars: Calendars


def placed_events(studied: Studied) -> PlacedEvents:
    """Where the studied events lie."""
    index, rows = studied.index, studied.rows
    each = [index.calendars[code].sessions.astype(np.int64) for code in index.codes]
    lengths = [len(days) for days in each]
    calendars = Calendars(
        start=np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int64), days=np.concatenate(each)
    )
    calendar, session = index.exchange()[rows].astype(np.int64), index.session[rows].astype(np.int64)
    place = calendars.start[calendar] + session
    tickers: dict[str, int] = {}
    ticker = np.array([tickers.setdefault(symbol, len(tickers)) for symbol, _ in index.pairs], dtype=np.int64)
    firm = index.pair[rows].astype(np.int64)
    return PlacedEvents(
        calendar=calendar,
        session=session,
        date=calendars.days[place],
        place=place,
        ticker=ticker[firm],
        firm=firm,
        calendars=calendars,
    )


def layout_of(studied: Studied) -> Layout:
    """The windows of a study."""
    spec = studied.spec
    return Layout(
        plan=window_plan(spec),
        windows=pairs(spec),
        n_shared=len(studied.shared_windows),
        own=studied.own is not None and bool((studied.own >= 0).any()),
        tested=MODELS[spec.model].inference != "none",
    )


def outcomes_of(studied: Studied, events: PlacedEvents, rows: Ints, *, residuals: bool) -> Outcomes:
    """What groups read of some of the events.

    Parameters
    ----------
    studied, events
    rows : int64 (n,)
        Positions of the events, at most 2,048.
    residuals : bool
        Whether the second pass is meant, which reads every day.
    """
    block = studied.block
    assert block is not None, "only called with a block"
    v, s2 = block.abnormal.v[rows], block.fits.s2[rows]
    if residuals:
        evidence = gather_evidence(take(block.design, rows), take(block.fits, rows), v)
    else:
        evidence = evidence_without_days(block.abnormal.ar[rows], v, s2, block.fits.nu[rows])
    return Outcomes(
        car=block.cars.car[rows],
        std_error=block.exact.std_error[rows],
        scar=block.exact.t[rows],
        bhar=block.cars.bhar[rows],
        q=block.cars.q[rows],
        ar=block.abnormal.ar[rows],
        evidence=evidence,
        date=events.date[rows],
        place=events.place[rows],
        own=None if studied.own is None else studied.own[rows],
    )


def pair_sums_of(
    studied: Studied, events: PlacedEvents, some: Ints, windows: Sequence[int], shares: Shares
) -> list[PairSums]:
    """Sums over the pairs of events whose windows overlap, one record a test window.

    Parameters
    ----------
    studied, events
    some : int64 (n,)
        Positions of the events.
    windows : sequence of int
        Numbers of the test windows.
    shares : callable
        As ``Shares``, for these windows.
    """
    block, spec = studied.block, studied.spec
    assert block is not None, "only called with a block"
    design, fits, calendars = block.design, block.fits, events.calendars
    chosen = [(spec.windows[w].start, spec.windows[w].end) for w in windows]
    blocks, tasks = date_blocks(events.date[some], events.place[some], calendars, chosen)
    calendar = np.unique(calendars.days)

    def made(number: int) -> Errors:
        rows = some[blocks[number]]
        laid = Laid(
            calendars.event_days(events.calendar[rows], events.session[rows], design.plan), events.firm[rows], calendar
        )
        return errors_in_event_time(take(design, rows), take(fits, rows), spec.model, chosen, laid, shares(rows))

    return merged_pairs([summed_pairs(tasks, made)])
