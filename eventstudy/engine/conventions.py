"""Points on which public software differs, and the robust variance; the exact form is the default."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from eventstudy.engine.abnormal import Abnormal, Cars, abnormal_returns, cars
from eventstudy.engine.least_squares import Fits
from eventstudy.engine.options import Conventions as Conventions
from eventstudy.engine.options import Options
from eventstudy.engine.panel import Floats
from eventstudy.engine.significance.evidence import Evidence, gather_evidence
from eventstudy.engine.windows import Design


def measured(design: Design, fits: Fits, options: Options) -> tuple[Fits, Abnormal, Cars]:
    """Abnormal returns and CARs with their variance factors, under the conventions in use.

    Returns
    -------
    Fits, Abnormal, Cars
        The fits carry the residual variance of the ``sigma`` convention. A model without a theory of its errors has
        no variance factors: they are NaN.
    """
    chosen, windows = options.conventions, options.windows
    fits = with_sigma(fits, chosen.sigma)
    abnormal = abnormal_returns(design, fits, options.model)
    result = cars(design, fits, options.model, windows, strict=options.strict, log=options.log)
    if not options.entry.has_errors:
        days = np.full(abnormal.v.shape, np.nan)
        return fits, replace(abnormal, v=days, path_v=days), replace(result, q=np.full(result.q.shape, np.nan))
    abnormal, result = with_car_variance(abnormal, result, design, fits, windows, chosen.car)
    if chosen.robust == "hac":
        abnormal, result = with_hac(abnormal, result, design, fits, options.entry.regressors(design), windows)
    return fits, abnormal, result


def measured_cars(design: Design, fits: Fits, options: Options) -> tuple[Fits, Cars]:
    """The same without the days, which only some conventions read."""
    chosen = options.conventions
    if not options.entry.has_errors or chosen.car != "exact" or chosen.robust == "hac":
        fits, _, found = measured(design, fits, options)
        return fits, found
    found = cars(design, fits, options.model, options.windows, strict=options.strict, log=options.log)
    return with_sigma(fits, chosen.sigma), found


def day_variance(design: Design, fits: Fits, v: Floats, options: Options) -> Floats:
    """Variance factors by which tests across events standardise single days, (E, L): with ``sar=plain`` without the
    forecast term."""
    if options.conventions.sar == "exact":
        return v
    return np.where(np.isfinite(v), fits.relative_variance[:, design.window], np.nan)


def evidence_of(design: Design, fits: Fits, v: Floats, options: Options) -> Evidence:
    """What tests across events read of every event."""
    return gather_evidence(design, fits, day_variance(design, fits, v, options))


def with_sigma(fits: Fits, choice: str) -> Fits:
    """``m-1``, ``m``: residual variance with divisor M - 1 or M, as some packages have it; the degrees of freedom
    stay."""
    if choice == "m-p":
        return fits
    return replace(fits, s2=fits.s2 * fits.nu / np.maximum(fits.n_obs - (1 if choice == "m-1" else 0), 1))


def with_car_variance(
    abnormal: Abnormal, result: Cars, design: Design, fits: Fits, windows: Sequence[tuple[int, int]], choice: str
) -> tuple[Abnormal, Cars]:
    """Variance factors of AR and CAR.

    ``sqrt-l`` ignores the estimation error altogether (q is the sum of the days' own variances, the number of sessions
    where none is forecast); ``per-day`` adds each day's own forecast correction and forgets that the days share their
    parameters. Neither holds for long windows (docs/conventions.md).

    Checked against
    ---------------
    Closed forms (tests/oracles/test_conventions.py).
    """
    if choice == "exact":
        return abnormal, result
    seen = np.isfinite(abnormal.ar)
    v = np.where(seen, fits.relative_variance[:, design.window] if choice == "sqrt-l" else abnormal.v, 0.0)
    q = result.q.copy()
    first = design.plan.start
    for w, (start, end) in enumerate(windows):
        q[:, w] = np.where(np.isfinite(q[:, w]), v[:, start - first : end - first + 1].sum(axis=1), np.nan)
    path_v = np.where(seen, np.cumsum(v, axis=1), np.nan)
    return replace(abnormal, v=np.where(seen, v, np.nan), path_v=path_v), replace(result, q=q)


def with_hac(
    abnormal: Abnormal, result: Cars, design: Design, fits: Fits, x: Floats, windows: Sequence[tuple[int, int]]
) -> tuple[Abnormal, Cars]:
    """Variance factors from the autocovariances of the estimation residuals (Newey & West 1987; methods 2.7).

    Var(CAR) = gamma'Gamma gamma + c'(X'X)^-1 [X' Omega X] (X'X)^-1 c, Bartlett weights up to floor(4 (M/100)^(2/9))
    sessions, factor M/(M - p). Never the robust variance of an event dummy, which has no information. Lags count
    sessions: a masked or missing one breaks the pairs across it.

    Checked against
    ---------------
    A double loop over days, statsmodels' HAC for the coefficients, its size under AR(1) errors
    (tests/oracles/test_conventions.py).
    """
    v, path_v, q = abnormal.v.copy(), abnormal.path_v.copy(), result.q.copy()
    window = design.window
    first = design.plan.start
    for i in map(int, np.flatnonzero(fits.rank_ok & (fits.s2 > 0))):
        seen = np.isfinite(abnormal.ar[i])
        gamma, meat = _autocovariances(design, fits, x[i], i)
        reach = np.sqrt(np.where(seen, design.span[i, window], 0.0))
        apart = np.abs(np.subtract.outer(np.arange(len(seen)), np.arange(len(seen))))
        near = np.where(apart < len(gamma), gamma[np.minimum(apart, len(gamma) - 1)], 0.0)
        along = np.where(seen[:, None], x[i, window], 0.0) @ fits.xtx_inv[i]
        covariance = (near * np.outer(reach, reach) + along @ meat @ along.T) / fits.s2[i]
        total = covariance.cumsum(axis=0).cumsum(axis=1)
        v[i], path_v[i] = (np.where(seen, np.diagonal(values), np.nan) for values in (covariance, total))
        for w, (start, end) in enumerate(windows):
            days = slice(start - first, end - first + 1)
            q[i, w] = covariance[days, days].sum() if np.isfinite(q[i, w]) else np.nan
    return replace(abnormal, v=v, path_v=path_v), replace(result, q=q)


def _autocovariances(design: Design, fits: Fits, x: Floats, i: int) -> tuple[Floats, Floats]:
    """Bartlett-weighted autocovariances of one event's residuals, and X' Omega X; x is (D, p)."""
    used = fits.used[i]
    m = int(used.sum())
    lags = int(4 * (m / 100) ** (2 / 9))
    weights = 1 - np.arange(lags + 1) / (lags + 1)
    inflate = m / fits.nu[i]
    e = np.where(used, fits.scaled[i, design.estimation], 0.0)
    if x.shape[1] == 0:
        # nothing is estimated, and s2 is about the mean, too
        e = np.where(used, e - e.sum() / m, 0.0)
    gamma = np.array([e[k:] @ e[: len(e) - k] for k in range(lags + 1)]) * weights * inflate / m
    rows = np.where(used[:, None], x[design.estimation] / np.sqrt(design.span[i, design.estimation])[:, None], 0.0)
    scores = rows * e[:, None]
    meat = scores.T @ scores
    for k in range(1, lags + 1):
        cross = scores[k:].T @ scores[:-k]
        meat = meat + weights[k] * (cross + cross.T)
    return gamma, np.asarray(meat * inflate)
