"""``placebo-time``: the event among the same firm's own uneventful sessions (methods 5.5)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eventstudy.engine.conventions import Conventions, measured
from eventstudy.engine.models import fit
from eventstudy.engine.panel import Bools, Floats, Ints, ReturnPanel
from eventstudy.engine.significance.laws import Alternative, extreme_count
from eventstudy.engine.significance.sliding import SLIDING_MODELS, sliding_t
from eventstudy.engine.windows import WindowPlan, gather, in_event_time

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
    panel: ReturnPanel,
    series: int,
    mask: Bools,
    plan: WindowPlan,
    model: str,
    windows: Sequence[tuple[int, int]],
    min_obs: int,
    *,
    strict: bool = False,
    sessions: Ints | None = None,
    conventions: Conventions | None = None,
) -> PlaceboTable:
    """Exact t of every pseudo-event session of a series.

    One pass of two-block window sums where the model has at most one slope and the conventions are exact; the direct
    kernel for everything else, and for sessions whose sums would lose digits.

    Parameters
    ----------
    panel : ReturnPanel
    series : int
        Row of the panel.
    mask : bool (T,)
        Sessions that belong to a catalogued event of the firm.
    plan, model, windows, strict
        As for the events themselves; each pseudo-event has its own estimation window.
    min_obs : int
        Fewest valid estimation observations.
    sessions : int64 or None
        Compute only these positions; the others stay NaN. None computes all.
    conventions : Conventions or None
        Those of the events themselves; None is exact.
    """
    exact = conventions is None or conventions == Conventions()
    candidates = _candidates(panel, series, plan, windows)
    if sessions is not None:
        candidates = np.intersect1d(candidates, sessions)
    if not exact or model not in SLIDING_MODELS or not len(candidates):
        return direct_table(
            panel, series, mask, plan, model, windows, min_obs, candidates, strict=strict, conventions=conventions
        )
    # sessions before the first candidate's estimation window and after the last one's windows play no part
    low = int(candidates[0]) + plan.estimation_start
    high = int(candidates[-1]) + max(end for _, end in windows) + 1
    part = ReturnPanel(
        returns=panel.returns[series : series + 1, low:high],
        factors=panel.factors[series : series + 1, :, low:high],
        span=panel.span[series : series + 1, low:high],
        day_number=panel.day_number[series : series + 1, low:high],
    )
    quick = sliding_t(part, 0, mask[low:high], plan, model, windows, min_obs, strict=strict)
    t = np.full((panel.n_sessions, len(windows)), np.nan)
    t[candidates] = quick.t[candidates - low]
    rest = candidates[quick.unsure[candidates - low]]
    if len(rest):
        t[rest] = direct_table(panel, series, mask, plan, model, windows, min_obs, rest, strict=strict).t[rest]
    return PlaceboTable(t=t)


def _candidates(panel: ReturnPanel, series: int, plan: WindowPlan, windows: Sequence[tuple[int, int]]) -> Ints:
    """Sessions whose estimation window begins with the series and whose windows end with the panel."""
    n = panel.n_sessions
    known = np.isfinite(panel.returns[series])
    first = int(np.argmax(known)) if known.any() else n
    return np.arange(first - plan.estimation_start, n - max(end for _, end in windows))


def direct_table(
    panel: ReturnPanel,
    series: int,
    mask: Bools,
    plan: WindowPlan,
    model: str,
    windows: Sequence[tuple[int, int]],
    min_obs: int,
    sessions: Ints,
    *,
    strict: bool = False,
    conventions: Conventions | None = None,
) -> PlaceboTable:
    """The same table with every session's design gathered and fitted like an event's: any model, any convention."""
    t = np.full((panel.n_sessions, len(windows)), np.nan)
    for at in range(0, len(sessions), _BLOCK):
        block = sessions[at : at + _BLOCK]
        rows = np.full(len(block), series)
        event_mask = in_event_time(mask[None, :], np.zeros_like(block), block, plan)
        design = gather(panel, rows, block, event_mask, plan, strict=strict)
        fits, _, result = measured(
            design, fit(design, model), model, windows, conventions or Conventions(), strict=strict
        )
        usable = fits.rank_ok & (fits.n_obs >= min_obs) & (fits.s2 > 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            statistic = result.car / np.sqrt(fits.s2[:, None] * result.q)
        for w, (start, end) in enumerate(windows):
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


def placebo_time(
    table: PlaceboTable, session: int, plan: WindowPlan, window: int, length: int, t: float, alternative: Alternative
) -> Placebo:
    """p value of an event's t among the pseudo-events d with day0 - 750 <= d < E1.

    Windows that do not overlap are used where they leave at least 39; otherwise all, and the number of
    non-overlapping blocks is reported as the effective number.

    Checked against
    ---------------
    tests/oracles/naive.py; size in tests/properties.
    """
    start, stop = max(0, session - HISTORY), session + plan.estimation_start
    positions = np.arange(start, max(start, stop))
    positions = positions[np.isfinite(table.t[positions, window])]
    blocks = without_overlap(positions, length)
    chosen = blocks if len(blocks) >= FEWEST else positions
    values = table.t[chosen, window]
    if len(chosen) < FEWEST or not np.isfinite(t):
        return Placebo(p=np.nan, p_min=np.nan, t=values, n=len(chosen), n_blocks=len(blocks))
    p_min = 1 / (len(chosen) + 1)
    return Placebo(
        p=p_min * (1 + extreme_count(values, t, alternative)),
        p_min=p_min,
        t=values,
        n=len(chosen),
        n_blocks=len(blocks),
    )
