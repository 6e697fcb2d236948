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
    n = panel.n_sessions
    first = int(np.argmax(np.isfinite(panel.returns[series]))) if np.isfinite(panel.returns[series]).any() else n
    last = n - 1 - max(end for _, end in windows)
    candidates = np.arange(first - plan.estimation_start, last + 1)
    if sessions is not None:
        candidates = np.intersect1d(candidates, sessions)
    t = np.full((n, len(windows)), np.nan)
    for at in range(0, len(candidates), _BLOCK):
        block = candidates[at : at + _BLOCK]
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


def _without_overlap(positions: Ints, length: int) -> Ints:
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
    blocks = _without_overlap(positions, length)
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
