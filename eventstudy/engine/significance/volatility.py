"""Abnormal volatility (methods 9.2): of one event, and across events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eventstudy.engine.abnormal import window_complete
from eventstudy.engine.models import MODELS, Fits, Model, refitted, regressors
from eventstudy.engine.panel import Floats
from eventstudy.engine.significance.cross_section import Dependence
from eventstudy.engine.significance.evidence import Sample
from eventstudy.engine.significance.laws import Alternative, f_p_value, t_p_value
from eventstudy.engine.significance.result import TestResult, computed, undefined
from eventstudy.engine.significance.single import circular_sums
from eventstudy.engine.significance.summary import Summary
from eventstudy.engine.windows import Design

LONG_ENOUGH = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Volatility:
    """Volatility of each test window; float64 (E, W), NaN where undefined.

    Attributes
    ----------
    ratio : float64
        ``avar``: mean squared abnormal return over s2.
    p_f : float64
        ``window-f`` and ``vol-f``: AR'V^-1 AR/(L s2) against F(L, nu), upper tail.
    p_conformal : float64
        ``vol-conformal``: the window's sum of squares among all circular shifts.
    p_brown_forsythe : float64
        ``vol-bf``: absolute deviations from the medians, window against estimation; windows of ten days and more.
    """

    ratio: Floats
    p_f: Floats
    p_conformal: Floats
    p_brown_forsythe: Floats


def volatility(
    design: Design, fits: Fits, name: str, windows: Sequence[tuple[int, int]], *, strict: bool = False
) -> Volatility:
    """Every volatility test of one event, over several windows.

    Notes
    -----
    ``p_f`` is exact under normal errors, also jointly a test of the mean; fat tails break it (7.9 % at L = 3 for t3),
    which is why ``p_conformal`` stands beside it.

    Checked against
    ---------------
    statsmodels' F test of all event dummies; the golden example; scipy's Levene test.
    """
    shape = (len(design.y), len(windows))
    ratio, p_f, p_conformal, p_bf = (np.full(shape, np.nan) for _ in range(4))
    model = MODELS[name]
    x = regressors(design, model)
    for w, (start, end) in enumerate(windows):
        days = design.days(start, end)
        known = window_complete(design, start, end, strict=strict) & fits.rank_ok & (fits.s2 > 0)
        ring_residual = None if model.adjusted else _with_window(design, model, days)
        for i in np.flatnonzero(known):
            seen = design.observed[i, days]
            ar = fits.residual[i, days][seen]
            span, rows = design.span[i, days][seen], x[i, days][seen]
            v = np.diag(fits.relative_variance[i, days][seen]) + rows @ fits.xtx_inv[i] @ rows.T
            f = float(ar @ np.linalg.solve(v, ar)) / (len(ar) * fits.s2[i])
            ratio[i, w] = float((ar**2 / span).mean()) / fits.s2[i]
            p_f[i, w] = float(f_p_value(np.array(f), len(ar), float(fits.nu[i])))
            estimation = fits.scaled[i, design.estimation][fits.used[i]]
            own = fits.scaled[i, days][seen]
            if ring_residual is None:
                ring = np.concatenate([estimation, own])
                ring = ring - ring.mean()
            else:
                in_fit = np.concatenate([np.flatnonzero(fits.used[i]), np.arange(days.start, days.stop)[seen]])
                ring = ring_residual[i, in_fit] / np.sqrt(design.span[i, in_fit])
            sums = circular_sums(ring**2, len(own))
            p_conformal[i, w] = np.count_nonzero(sums >= sums[-1]) / len(sums)
            if len(own) >= LONG_ENOUGH:
                p_bf[i, w] = brown_forsythe(estimation, own)
    return Volatility(ratio=ratio, p_f=p_f, p_conformal=p_conformal, p_brown_forsythe=p_bf)


def _with_window(design: Design, model: Model, days: slice) -> Floats:
    """Residuals of the fit on the estimation window and the test window together."""
    used = np.zeros_like(design.observed)
    used[:, design.estimation] = design.usable[:, design.estimation]
    used[:, days] = design.observed[:, days]
    return refitted(design, model, used)


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
