"""The days around an event, as pictures show them: own moves by day, and added up outward from the close before."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from eventstudy.engine.block import select
from eventstudy.engine.conventions import measured
from eventstudy.engine.significance.distributions import t_quantile, tail_of

if TYPE_CHECKING:
    from eventstudy.engine.panel import Floats, Ints
    from eventstudy.results import Studied


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """Days of E events over the event window, day by day; float64 (E, L).

    Attributes
    ----------
    days : int64 (L,)
    moved, expected, own : Floats
        Return, expected return and abnormal return; NaN where there is none.
    half : Floats
        How far from zero, on a side that the tests look at, an abnormal return lies where p is 1 - level, by its exact
        error.
    added, added_half : Floats
        Abnormal returns added up from day 0 to the day, or from the day to day -1, and half-widths by the exact error
        of that sum.
    market : float64 (E,)
        Return of the first benchmark on day 0; NaN where the model has no benchmark.
    """

    days: Ints
    moved: Floats
    expected: Floats
    own: Floats
    half: Floats
    added: Floats
    added_half: Floats
    market: Floats


def around(studied: Studied, positions: Ints) -> Around:
    """The days around some studied rows.

    Missing-data rule: a day without a return has NaN, and sums that need it too.
    """
    assert studied.block is not None, "rows were studied"
    block, window = select(studied.block, positions), studied.spec.event_window
    days = np.arange(window.start, window.end + 1)
    spans = tuple((0, int(d)) if d >= 0 else (int(d), -1) for d in days)
    known = [k for k, (start, end) in enumerate(spans) if start >= window.start and end <= window.end]
    options = replace(block.context.options, windows=tuple(spans[k] for k in known))
    fits, abnormal, sums = measured(block.design, block.fits, options)
    error, level = np.sqrt(np.where(fits.s2 > 0, fits.s2, np.nan)), studied.spec.level
    scale = error * t_quantile(fits.nu, 0.5 + level / 2)
    added, added_half = (np.full((len(positions), len(days)), np.nan) for _ in range(2))
    added[:, known], added_half[:, known] = sums.car, scale[:, None] * np.sqrt(sums.q)
    zero, x = block.design.plan.column(0), block.design.x
    has = x.shape[2] > 0 and block.context.options.entry.factors in ("market", "all") and x.shape[1] > zero >= 0
    return Around(
        days=days,
        moved=abnormal.expected + abnormal.ar,
        expected=abnormal.expected,
        own=abnormal.ar,
        half=(error * t_quantile(fits.nu, tail_of(level, studied.spec.alternative)))[:, None] * np.sqrt(abnormal.v),
        added=added,
        added_half=added_half,
        market=x[:, zero, 0] if has else np.full(len(positions), np.nan),
    )
