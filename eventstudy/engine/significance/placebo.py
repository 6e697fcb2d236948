"""``placebo-time``: the event among the same firm's own uneventful sessions (methods 5.5)."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

import numpy as np

from eventstudy.engine.context import EventContext, SingleTest
from eventstudy.engine.conventions import measured
from eventstudy.engine.options import EXACT, Options
from eventstudy.engine.panel import Bools, Floats, Ints, ReturnPanel
from eventstudy.engine.significance.distributions import extreme_count
from eventstudy.engine.significance.sliding import slides, sliding_t
from eventstudy.engine.windows import gather, in_event_time

HISTORY = 750
FEWEST = 39
_BLOCK = 2048


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceboTable:
    """The exact t of every session of one series, taken as a pseudo-event.

    Attributes
    ----------
    t : float64 (T, W)
        NaN where the session's own full design does not fit, or its test window touches a masked or missing session.
    """

    t: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Placebo:
    """Outcome for one event and window.

    Attributes
    ----------
    p, p_min : float
        NaN with fewer than 39 pseudo-events.
    t : float64 (B,)
        Statistics of the pseudo-events used.
    n, n_blocks : int
        Pseudo-events used, and how many non-overlapping windows they hold.
    """

    p: float
    p_min: float
    t: Floats
    n: int
    n_blocks: int


def placebo_table(
    panel: ReturnPanel, series: int, mask: Bools, options: Options, sessions: Ints | None = None
) -> PlaceboTable:
    """Exact t of every pseudo-event session of a series.

    One pass of two-block window sums where the model has at most one slope and the conventions are exact; the direct
    kernel for everything else, and for sessions whose sums would lose digits.

    Parameters
    ----------
    series : int
        Row of the panel.
    mask : bool (T,)
        Sessions that belong to a catalogued event of the firm.
    options : Options
        As for the events themselves; each pseudo-event has its own estimation window.
    sessions : int64 or None
        Compute only these positions; the others stay NaN. None computes all.
    """
    plan, windows = options.plan, options.windows
    candidates = _candidates(panel, series, options)
    if sessions is not None:
        wanted = np.zeros(panel.n_sessions, dtype=bool)
        wanted[sessions] = True
        candidates = candidates[wanted[candidates]]
    quickly = options.conventions == EXACT and slides(options, panel.factors.shape[1])
    if not quickly or not len(candidates):
        return direct_table(panel, series, mask, options, candidates)
    # sessions before the first candidate's estimation window and after the last one's windows play no part
    low = int(candidates[0]) + plan.estimation_start
    high = int(candidates[-1]) + max(0, *(end for _, end in windows)) + 1
    part = ReturnPanel(
        returns=panel.returns[series : series + 1, low:high],
        factors=panel.factors[series : series + 1, :, low:high],
        span=panel.span[series : series + 1, low:high],
        day_number=panel.day_number[series : series + 1, low:high],
    )
    quick = sliding_t(part, 0, mask[low:high], options)
    t = np.full((panel.n_sessions, len(windows)), np.nan)
    t[candidates] = quick.t[candidates - low]
    rest = candidates[quick.unsure[candidates - low]]
    if len(rest):
        t[rest] = direct_table(panel, series, mask, options, rest).t[rest]
    return PlaceboTable(t=t)


def _candidates(panel: ReturnPanel, series: int, options: Options) -> Ints:
    """Sessions whose estimation window begins with the series and whose windows end with the panel."""
    n = panel.n_sessions
    known = np.isfinite(panel.returns[series])
    first = int(np.argmax(known)) if known.any() else n
    return np.arange(first - options.plan.estimation_start, n - max(0, *(end for _, end in options.windows)))


def direct_table(panel: ReturnPanel, series: int, mask: Bools, options: Options, sessions: Ints) -> PlaceboTable:
    """The same table with every session's design gathered and fitted like an event's: any model, any convention."""
    t = np.full((panel.n_sessions, len(options.windows)), np.nan)
    for at in range(0, len(sessions), _BLOCK):
        block = sessions[at : at + _BLOCK]
        rows = np.full(len(block), series)
        event_mask = in_event_time(mask[None, :], np.zeros_like(block), block, options.plan)
        design = gather(panel, rows, block, event_mask, options.plan, strict=options.strict)
        fits, _, result = measured(design, options.entry.fit(design), options)
        usable = fits.rank_ok & (fits.n_obs >= options.needed(panel.factors.shape[1])) & (fits.s2 > 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            statistic = result.car / np.sqrt(fits.s2[:, None] * result.q)
        for w, (start, end) in enumerate(options.windows):
            clean = usable & design.usable[:, design.days(start, end)].all(axis=1)
            t[block, w] = np.where(clean, statistic[:, w], np.nan)
    return PlaceboTable(t=t)


def without_overlap(positions: Ints, length: int) -> Ints:
    """Greedy choice from the latest backwards of windows that share no session."""
    if length == 1:
        return positions
    ordered = positions.tolist()
    kept: list[int] = []
    at = len(ordered) - 1
    while at >= 0:
        kept.append(ordered[at])
        at = bisect_right(ordered, kept[-1] - length, 0, at) - 1
    return np.array(kept[::-1], dtype=np.int64)


def placebo_time(table: PlaceboTable, session: int, w: int, t: float, options: Options) -> Placebo:
    """p value of an event's t over test window w among the pseudo-events d with day0 - 750 <= d < E1.

    Windows that do not overlap are used where they leave at least 39; otherwise all, and the number of
    non-overlapping blocks is reported as the effective number.

    Checked against
    ---------------
    tests/oracles/naive.py; size in tests/properties.
    """
    start, stop = max(0, session - HISTORY), session + options.plan.estimation_start
    first, last = options.windows[w]
    positions = np.arange(start, max(start, stop))
    positions = positions[np.isfinite(table.t[positions, w])]
    blocks = without_overlap(positions, last - first + 1)
    chosen = blocks if len(blocks) >= FEWEST else positions
    values = table.t[chosen, w]
    if len(chosen) < FEWEST or not np.isfinite(t):
        return Placebo(p=np.nan, p_min=np.nan, t=values, n=len(chosen), n_blocks=len(blocks))
    p_min = 1 / (len(chosen) + 1)
    return Placebo(
        p=p_min * (1 + extreme_count(values, t, options.alternative)),
        p_min=p_min,
        t=values,
        n=len(chosen),
        n_blocks=len(blocks),
    )


def _among(context: EventContext, table: PlaceboTable, i: int, w: int) -> Placebo:
    """The pseudo-events of event i over test window w, from the table of its series."""
    assert context.placed is not None, "asked of events on a panel"
    found = context.measures
    t = found.car[i, w] / np.sqrt(found.s2[i] * found.q[i, w]) if found.s2[i] > 0 else np.nan
    return placebo_time(table, int(context.placed.session[i]), w, float(t), context.options)


def _table_of(context: EventContext, series: int) -> PlaceboTable:
    """Pseudo-events of a series that its events read."""
    panel, placed, plan = context.panel, context.placed, context.options.plan
    assert panel is not None and placed is not None, "asked of events on a panel"
    wanted = np.zeros(panel.n_sessions, dtype=bool)
    for session in placed.session[placed.series == series].tolist():
        wanted[max(0, session - HISTORY) : max(0, session + plan.estimation_start)] = True
    return placebo_table(panel, series, placed.history_mask[series], context.options, np.flatnonzero(wanted))


def _placebo_columns(context: EventContext) -> dict[str, Floats]:
    """The columns of all events, series by series: a table takes 0.1 MB, and only its own events read it."""
    assert context.placed is not None, "asked of events on a panel"
    names = {"p_placebo": "p", "p_min_placebo": "p_min", "n_placebo": "n", "n_placebo_blocks": "n_blocks"}
    columns, series = {column: context.empty() for column in names}, context.placed.series
    table, own = None, -1
    for i in np.argsort(series, kind="stable").tolist():
        if table is None or series[i] != own:
            own = int(series[i])
            table = _table_of(context, own)
        for w in range(len(context.options.windows)):
            one = _among(context, table, i, w)
            for column, name in names.items():
                columns[column][i, w] = getattr(one, name)
    return columns


TESTS = {
    "placebo-time": SingleTest(
        columns=("p_placebo", "p_min_placebo", "n_placebo", "n_placebo_blocks"),
        reads=frozenset({"history"}),
        cost=130.0,
        run=_placebo_columns,
        defined=("exact", "asymptotic"),
    )
}
