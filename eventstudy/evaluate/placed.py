"""The studied events of a study in memory as columns: where they lie, what groups and pairs of them read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from eventstudy.data.event_index import seeds_of
from eventstudy.data.series_index import SeriesIndex, SeriesKey, series_of
from eventstudy.data.surroundings import CONFOUNDED, MASKING, OTHER, RESUMED, Surroundings, masked_history
from eventstudy.engine.block import select
from eventstudy.engine.panel import Bools, Floats, Ints, Placed, ReturnPanel
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
from eventstudy.engine_options import window_plan
from eventstudy.spec import StudySpec

if TYPE_CHECKING:
    from eventstudy.results import Studied

# Of the events at some positions: c_i of each sum, (n, S), for each test window.
Shares = Callable[[Ints], Sequence[Floats]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedEvents:
    """Places of E studied events; int64 (E,) each.

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
    """

    calendar: Ints
    session: Ints
    date: Ints
    place: Ints
    ticker: Ints
    firm: Ints
    calendars: Calendars


def placed_events(studied: Studied) -> PlacedEvents:
    """Places of the studied events."""
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


def place_rows(
    studied: Studied, rows: Ints, spec: StudySpec, *, parts: Sequence[str] = (), exclude: Sequence[str] = ()
) -> tuple[list[SeriesKey], list[Placed], list[ReturnPanel]]:
    """Keys of the series of rows that have a day 0; the rows on these series, once for each of ``exclude`` (as of the
    spec, which alone counts where none is given); and the series as a panel for each part of the days."""
    plan, index = window_plan(spec), studied.index
    found = series_of(index, spec, rows)
    panels, bits = _of_study(studied, found.keys, spec, parts) or _made(studied, found, spec, parts)
    series, session = found.series.astype(np.int64), index.session[rows].astype(np.int64)
    around = Surroundings.of(bits, series, session, 1 - plan.estimation_start, max(plan.end + 1, 0))
    seed, width = seeds_of(index, rows), _width(studied, found.keys)
    placed = []
    for catalogue in (rule != "none" for rule in exclude or (spec.exclude,)):
        history = masked_history(bits, plan.n_days, catalogue=catalogue)[:, :width]
        masked = around.masked(plan, catalogue=catalogue)
        placed.append(Placed(series=series, session=session, masked=masked, seed=seed, history_mask=history))
    return list(found.keys), placed, panels


def _width(studied: Studied, keys: Sequence[SeriesKey]) -> int:
    """Sessions of the longest calendar."""
    return max(len(studied.index.calendars[key.exchange].sessions) for key in keys)


def _of_study(
    studied: Studied, keys: Sequence[SeriesKey], spec: StudySpec, parts: Sequence[str]
) -> tuple[list[ReturnPanel], np.ndarray] | None:
    """Panels and bits of series that are on the panel of the study already; None where one is not."""
    panel, known = studied.prepared.panel, {key: at for at, key in enumerate(studied.prepared.series.keys)}
    if spec.returns != studied.spec.returns or not set(parts) <= {"total"} or not known.keys() >= set(keys):
        return None
    at, days = np.array([known[key] for key in keys]), slice(_width(studied, keys))
    panels = [
        ReturnPanel(
            returns=panel.returns[at, days],
            factors=panel.factors[at, :, days],
            span=panel.span[at, days],
            day_number=panel.of_returns.day_number[at, days],
            offset=None if panel.offset is None else panel.offset[at, days],
        )
        for _ in parts
    ]
    return panels, panel.bits[at] & np.uint32(MASKING | OTHER | CONFOUNDED | RESUMED)


def _made(
    studied: Studied, found: SeriesIndex, spec: StudySpec, parts: Sequence[str]
) -> tuple[list[ReturnPanel], np.ndarray]:
    """Panels and bits of series that are made from the prices."""
    panels, resumed = studied.market.stacks(found.keys, spec.returns, parts)
    return panels, bits_of(studied, found.pair, resumed)


def bits_of(studied: Studied, firms: Ints, resumed: Bools) -> np.ndarray:
    """What is announced of some firms on each session, the bits of ``event_index.happenings``, and ``RESUMED`` where a
    hole of their series ends; uint32 (n, T)."""
    _, series = np.unique(studied.prepared.series.pair, return_index=True)
    bits = studied.prepared.panel.bits[series[firms]] & np.uint32(MASKING | OTHER | CONFOUNDED)
    bits[:, : resumed.shape[1]] |= np.where(resumed, RESUMED, np.uint32(0))
    return np.asarray(bits)


def pair_sums_of(
    studied: Studied, events: PlacedEvents, some: Ints, windows: Sequence[int], shares: Shares
) -> list[PairSums]:
    """Sums over the pairs of events whose windows overlap, one record a test window.

    Parameters
    ----------
    some : int64 (n,)
        Positions of the events.
    windows : sequence of int
        Numbers of the test windows.
    shares : callable
        As ``Shares``, for these windows.
    """
    block, spec, calendars = studied.block, studied.spec, events.calendars
    assert block is not None, "only called with a block"
    chosen = [(spec.windows[w].start, spec.windows[w].end) for w in windows]
    blocks, tasks = date_blocks(events.date[some], events.place[some], calendars, chosen)
    calendar = np.unique(calendars.days)

    def made(number: int) -> Errors:
        rows = some[blocks[number]]
        few = select(block, rows)
        days = calendars.event_days(events.calendar[rows], events.session[rows], few.design.plan)
        laid = Laid(days, events.firm[rows], calendar)
        return errors_in_event_time(few.design, few.fits, spec.model, chosen, laid, shares(rows))

    return merged_pairs([summed_pairs(tasks, made)])
