"""Abnormal volatility (methods 9.2): of one event, and across events."""

from __future__ import annotations

import numpy as np

from eventstudy.engine.context import EventContext, SingleTest
from eventstudy.engine.panel import Floats
from eventstudy.engine.significance.conformal import as_far, circular_sums, rings
from eventstudy.engine.significance.cross_section import Dependence
from eventstudy.engine.significance.distributions import Alternative, f_p_value, t_p_value
from eventstudy.engine.significance.evidence import Sample
from eventstudy.engine.significance.result import TestResult, computed, undefined
from eventstudy.engine.significance.summary import Summary

LONG_ENOUGH = 10


def window_f(context: EventContext) -> dict[str, Floats]:
    """``window-f`` and ``vol-f``: AR'V^-1 AR/(L s2) against F(L, nu), upper tail; and ``avar``, the mean squared
    abnormal return over s2.

    Exact under normal errors, also jointly a test of the mean; fat tails break it (7.9 % at L = 3 for t3), which is why
    ``p_vol_conformal`` is beside it.

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
        i = np.flatnonzero(context.known(w))
        seen = design.observed[i, days]
        n, s2 = seen.sum(axis=1), fits.s2[i]
        ar = np.where(seen, fits.residual[i, days], 0.0)
        rows = np.where(seen[:, :, None], x[i, days], 0.0)
        # a day without a return is a day of its own with nothing in it
        own = np.where(seen, fits.relative_variance[i, days], 1.0)
        v = rows @ fits.xtx_inv[i] @ rows.transpose(0, 2, 1) + own[:, :, None] * np.eye(end - start + 1)
        f = (ar * np.linalg.solve(v, ar[:, :, None])[:, :, 0]).sum(axis=1) / (n * s2)
        ratio[i, w] = (ar**2 / design.span[i, days]).sum(axis=1) / n / s2
        p[i, w] = f_p_value(f, n, fits.nu[i])
    return {"p_f": p, "avar": ratio}


def vol_conformal(context: EventContext) -> dict[str, Floats]:
    """``vol-conformal``: the window's sum of squares among all circular shifts, the model fitted on both windows."""
    if (made := context.compiled("p_vol_conformal")) is not None:
        return made
    design, p = context.design, context.empty()
    for w, (start, end) in enumerate(context.options.windows):
        (used, z), rows = context.with_window(w), np.flatnonzero(context.known(w))
        for group, ring, roots in rings(z, used, design.span, rows, design.days(start, end)):
            p[group, w] = as_far(circular_sums(ring**2, np.ones(len(roots))), "greater").mean(axis=0)
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
        rows = np.flatnonzero(context.known(w) & (design.observed[:, days].sum(axis=1) >= LONG_ENOUGH))
        estimation = np.where(fits.used[rows], fits.scaled[rows, design.estimation], np.nan)
        p[rows, w] = brown_forsythe(estimation, fits.scaled[rows, days])
    return {"p_vol_bf": p}


def brown_forsythe(first: Floats, second: Floats) -> Floats:
    """p of the F test on absolute deviations from the medians of two samples: (E, N) and (E, L) -> (E,).

    NaN values are left out; NaN where nothing varies.
    """
    one, other = (_from_median(values) for values in (first, second))
    sizes = [np.isfinite(values).sum(axis=1) for values in (one, other)]
    means = [np.nansum(values, axis=1) / size for values, size in zip((one, other), sizes, strict=True)]
    n = sizes[0] + sizes[1]
    mean = (sizes[0] * means[0] + sizes[1] * means[1]) / n
    between = sizes[0] * (means[0] - mean) ** 2 + sizes[1] * (means[1] - mean) ** 2
    within = sum(np.nansum((values - m[:, None]) ** 2, axis=1) for values, m in zip((one, other), means, strict=True))
    varies = within > 0
    f = between / (np.where(varies, within, 1.0) / (n - 2))
    return np.where(varies, f_p_value(f, 1, n - 2), np.nan)


def _from_median(values: Floats) -> Floats:
    """Absolute deviations of each row from its median; NaN stays out."""
    ordered, count = np.sort(values, axis=1), np.isfinite(values).sum(axis=1)
    each = np.arange(len(values))
    middle = (ordered[each, (count - 1) // 2] + ordered[each, count // 2]) / 2
    return np.asarray(np.abs(values - middle[:, None]))


def avar(sample: Sample, summary: Summary, dependence: Dependence, side: Alternative) -> TestResult:
    """``avar`` across events: rank of each window's mean squared standardised AR among all runs of as many
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
    "window-f": SingleTest(columns=("p_f", "avar"), reads=_DAYS, cost=6.0, run=window_f),
    "vol-f": SingleTest(columns=("p_f", "avar"), reads=_DAYS, cost=6.0, run=window_f),
    "vol-conformal": SingleTest(columns=("p_vol_conformal",), reads=_DAYS, cost=20.0, run=vol_conformal),
    "vol-bf": SingleTest(columns=("p_vol_bf",), reads=_DAYS, cost=8.0, run=vol_bf),
}
