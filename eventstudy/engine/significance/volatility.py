"""Abnormal volatility (methods 9.2): of one event, and across events."""

from __future__ import annotations

import numpy as np

from eventstudy.engine.context import EventContext, SingleTest
from eventstudy.engine.panel import Floats
from eventstudy.engine.significance.conformal import circular_sums
from eventstudy.engine.significance.cross_section import Dependence
from eventstudy.engine.significance.evidence import Sample
from eventstudy.engine.significance.laws import Alternative, f_p_value, t_p_value
from eventstudy.engine.significance.result import TestResult, computed, undefined
from eventstudy.engine.significance.summary import Summary

LONG_ENOUGH = 10


def window_f(context: EventContext) -> dict[str, Floats]:
    """``window-f`` and ``vol-f``: AR'V^-1 AR/(L s2) against F(L, nu), upper tail; and ``avar``, the mean squared
    abnormal return over s2.

    Exact under normal errors, also jointly a test of the mean; fat tails break it (7.9 % at L = 3 for t3), which is why
    ``p_vol_conformal`` stands beside it.

    Checked against
    ---------------
    statsmodels' F test of all event dummies; the golden example.
    """
    return context.once("window-f", lambda: _window_f(context))


def _window_f(context: EventContext) -> dict[str, Floats]:
    design, fits, x = context.design, context.fits, context.x
    ratio, p = context.empty(), context.empty()
    for w, (start, end) in enumerate(context.options.windows):
        days = design.days(start, end)
        for i in np.flatnonzero(context.known(w)):
            seen = design.observed[i, days]
            ar = fits.residual[i, days][seen]
            span, rows = design.span[i, days][seen], x[i, days][seen]
            v = np.diag(fits.relative_variance[i, days][seen]) + rows @ fits.xtx_inv[i] @ rows.T
            f = float(ar @ np.linalg.solve(v, ar)) / (len(ar) * fits.s2[i])
            ratio[i, w] = float((ar**2 / span).mean()) / fits.s2[i]
            p[i, w] = float(f_p_value(np.array(f), len(ar), float(fits.nu[i])))
    return {"p_f": p, "avar": ratio}


def vol_conformal(context: EventContext) -> dict[str, Floats]:
    """``vol-conformal``: the window's sum of squares among all circular shifts, the model fitted on both windows."""
    design, p = context.design, context.empty()
    for w, (start, end) in enumerate(context.options.windows):
        used, residual = context.with_window(w)
        own = used[:, design.days(start, end)].sum(axis=1)
        for i in np.flatnonzero(context.known(w)):
            ring = residual[i][used[i]] / np.sqrt(design.span[i][used[i]])
            sums = circular_sums(ring**2, int(own[i]))
            p[i, w] = np.count_nonzero(sums >= sums[-1]) / len(sums)
    return {"p_vol_conformal": p}


def vol_bf(context: EventContext) -> dict[str, Floats]:
    """``vol-bf``: absolute deviations from the medians, window against estimation; windows of ten days and more.

    Checked against
    ---------------
    scipy's Levene test.
    """
    design, fits, p = context.design, context.fits, context.empty()
    for w, (start, end) in enumerate(context.options.windows):
        days = design.days(start, end)
        if end - start + 1 < LONG_ENOUGH:
            continue
        for i in np.flatnonzero(context.known(w) & (design.observed[:, days].sum(axis=1) >= LONG_ENOUGH)):
            estimation = fits.scaled[i, design.estimation][fits.used[i]]
            p[i, w] = brown_forsythe(estimation, fits.scaled[i, days][design.observed[i, days]])
    return {"p_vol_bf": p}


def brown_forsythe(first: Floats, second: Floats) -> float:
    """p of the F test on absolute deviations from the medians of two samples."""
    a, b = np.abs(first - np.median(first)), np.abs(second - np.median(second))
    n = len(a) + len(b)
    mean = (a.sum() + b.sum()) / n
    between = len(a) * (a.mean() - mean) ** 2 + len(b) * (b.mean() - mean) ** 2
    within = float(((a - a.mean()) ** 2).sum() + ((b - b.mean()) ** 2).sum())
    if not within > 0:
        return np.nan
    return float(f_p_value(np.array(between / (within / (n - 2))), 1, n - 2))


def avar(sample: Sample, summary: Summary, dependence: Dependence, side: Alternative) -> TestResult:
    """``avar`` across events: where each window's mean squared standardised AR stands among all runs of as many
    estimation days, as a normal score, by the cross-sectional t. Upper tail unless the study names a side.

    Ranks, because the logarithm of a squared return is so skewed that its t test rejects 10 % at N = 20; the scores'
    own deviation, because overlapping runs of one window vary less than fresh ones.
    """
    del sample
    scores = summary.volatility
    if scores.count < 2 or not scores.sum_of_squares > 0:
        return undefined("avar", "t", "fewer than two events have a variance to compare")
    t, df = float(np.sqrt(scores.count) * scores.mean / scores.standard_deviation), scores.count - 1
    upper: Alternative = "greater" if side == "two-sided" else side
    p = float(t_p_value(np.array(t), np.array(float(df)), upper))
    return computed("avar", t, "t", str(df), p, dependence.shared(summary.n))


_DAYS = frozenset({"days"})
TESTS = {
    "window-f": SingleTest(columns=("p_f", "avar"), reads=_DAYS, cost=40.0, run=window_f),
    "vol-f": SingleTest(columns=("p_f", "avar"), reads=_DAYS, cost=40.0, run=window_f),
    "vol-conformal": SingleTest(columns=("p_vol_conformal",), reads=_DAYS, cost=50.0, run=vol_conformal),
    "vol-bf": SingleTest(columns=("p_vol_bf",), reads=_DAYS, cost=30.0, run=vol_bf),
}
