"""Points on which public software differs, and the robust variance: switches, with the exact form as default."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from eventstudy.engine.abnormal import Abnormal, Cars, abnormal_returns, cars
from eventstudy.engine.models import MODELS, Fits, Model, regressors
from eventstudy.engine.panel import Floats
from eventstudy.engine.windows import Design


@dataclass(frozen=True, slots=True, kw_only=True)
class Conventions:
    """How standard errors are made; the defaults are exact.

    Attributes
    ----------
    sigma : {"m-p", "m-1"}
        Divisor of the residual variance.
    car : {"exact", "sqrt-l", "per-day"}
        Variance of a CAR.
    robust : {"none", "hac"}
        Whether autocovariances of the estimation residuals enter the variance of a CAR.
    """

    sigma: str = "m-p"
    car: str = "exact"
    robust: str = "none"


def measured(
    design: Design,
    fits: Fits,
    name: str,
    windows: Sequence[tuple[int, int]],
    conventions: Conventions,
    *,
    strict: bool = False,
    log: bool = False,
) -> tuple[Fits, Abnormal, Cars]:
    """Abnormal returns and CARs with their variance factors, under the conventions in use.

    Returns
    -------
    Fits, Abnormal, Cars
        The fits carry the residual variance of the ``sigma`` convention.
    """
    fits = with_sigma(fits, conventions.sigma)
    abnormal = abnormal_returns(design, fits, name)
    result = cars(design, fits, name, windows, strict=strict, log=log)
    abnormal, result = with_car_variance(abnormal, result, design, fits, windows, conventions.car)
    if conventions.robust == "hac":
        abnormal, result = with_hac(abnormal, result, design, fits, MODELS[name], windows)
    return fits, abnormal, result


def with_sigma(fits: Fits, choice: str) -> Fits:
    """``m-1``: residual variance with divisor M - 1, as some packages have it; the degrees of freedom stay."""
    if choice == "m-p":
        return fits
    return replace(fits, s2=fits.s2 * fits.nu / np.maximum(fits.n_obs - 1, 1))


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
    abnormal: Abnormal, result: Cars, design: Design, fits: Fits, model: Model, windows: Sequence[tuple[int, int]]
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
    x, window = regressors(design, model), design.window
    first = design.plan.start
    for i in map(int, np.flatnonzero(fits.rank_ok & (fits.s2 > 0))):
        seen = np.isfinite(abnormal.ar[i])
        gamma, meat = _autocovariances(design, fits, x[i], i, centred=model.adjusted)
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


def _autocovariances(design: Design, fits: Fits, x: Floats, i: int, *, centred: bool) -> tuple[Floats, Floats]:
    """Bartlett-weighted autocovariances of one event's residuals, and X' Omega X; x is (D, p)."""
    used = fits.used[i]
    m = int(used.sum())
    lags = int(4 * (m / 100) ** (2 / 9))
    weights = 1 - np.arange(lags + 1) / (lags + 1)
    inflate = m / fits.nu[i]
    e = np.where(used, fits.scaled[i, design.estimation], 0.0)
    if centred:
        # its s2 is about the mean, too
        e = np.where(used, e - e.sum() / m, 0.0)
    gamma = np.array([e[k:] @ e[: len(e) - k] for k in range(lags + 1)]) * weights * inflate / m
    rows = np.where(used[:, None], x[design.estimation] / np.sqrt(design.span[i, design.estimation])[:, None], 0.0)
    scores = rows * e[:, None]
    meat = scores.T @ scores
    for k in range(1, lags + 1):
        cross = scores[k:].T @ scores[:-k]
        meat = meat + weights[k] * (cross + cross.T)
    return gamma, np.asarray(meat * inflate)
