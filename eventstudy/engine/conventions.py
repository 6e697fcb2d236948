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
    abnormal, result = with_car_variance(abnormal, result, design, windows, conventions.car)
    return fits, abnormal, with_hac(result, design, fits, MODELS[name], windows, conventions.robust)


def with_sigma(fits: Fits, choice: str) -> Fits:
    """``m-1``: residual variance with divisor M - 1, as some packages have it; the degrees of freedom stay."""
    if choice == "m-p":
        return fits
    return replace(fits, s2=fits.s2 * fits.nu / np.maximum(fits.n_obs - 1, 1))


def with_car_variance(
    abnormal: Abnormal, result: Cars, design: Design, windows: Sequence[tuple[int, int]], choice: str
) -> tuple[Abnormal, Cars]:
    """Variance factors of AR and CAR.

    ``sqrt-l`` ignores the estimation error altogether (q is the number of sessions); ``per-day`` adds each day's own
    forecast correction and forgets that the days share their parameters. Neither holds for long windows
    (docs/conventions.md).
    """
    if choice == "exact":
        return abnormal, result
    seen = np.isfinite(abnormal.ar)
    span = np.where(seen, design.span[:, design.window], 0.0)
    v = span if choice == "sqrt-l" else np.where(seen, abnormal.v, 0.0)
    q = result.q.copy()
    first = design.plan.start
    for w, (start, end) in enumerate(windows):
        q[:, w] = np.where(np.isfinite(q[:, w]), v[:, start - first : end - first + 1].sum(axis=1), np.nan)
    path_v = np.where(seen, np.cumsum(v, axis=1), np.nan)
    return replace(abnormal, v=np.where(seen, v, np.nan), path_v=path_v), replace(result, q=q)


def with_hac(
    result: Cars, design: Design, fits: Fits, model: Model, windows: Sequence[tuple[int, int]], choice: str
) -> Cars:
    """``hac``: q from the autocovariances of the estimation residuals (Newey & West 1987; methods 2.7).

    Var(CAR) = gamma'Gamma gamma + c'(X'X)^-1 [X' Omega X] (X'X)^-1 c, Bartlett weights up to floor(4 (M/100)^(2/9))
    sessions, factor M/(M - p). Never the robust variance of an event dummy, which has no information.
    """
    if choice == "none":
        return result
    q = result.q.copy()
    x = regressors(design, model)
    for i in np.flatnonzero(fits.rank_ok & (fits.s2 > 0)):
        used = fits.used[i]
        rows = x[i, design.estimation][used]
        e = fits.scaled[i, design.estimation][used]
        m = len(e)
        lags = int(4 * (m / 100) ** (2 / 9))
        weights = 1 - np.arange(lags + 1) / (lags + 1)
        inflate = m / fits.nu[i]
        gamma = np.array([e[k:] @ e[: m - k] / m for k in range(lags + 1)]) * inflate * weights
        meat = _meat(rows * e[:, None], weights) * inflate
        for w, (start, end) in enumerate(windows):
            if not np.isfinite(q[i, w]):
                continue
            days = design.days(start, end)
            seen = np.flatnonzero(design.observed[i, days])
            apart = np.abs(seen[:, None] - seen[None, :])
            window = np.where(apart <= lags, gamma[np.minimum(apart, lags)], 0.0).sum()
            along = fits.xtx_inv[i] @ x[i, days][seen].sum(axis=0)
            q[i, w] = (window + along @ meat @ along) / fits.s2[i]
    return replace(result, q=q)


def _meat(scores: Floats, weights: Floats) -> Floats:
    """Sum over lags of the weighted cross-products of the scores, both directions."""
    total = scores.T @ scores
    for k in range(1, len(weights)):
        cross = scores[k:].T @ scores[:-k]
        total = total + weights[k] * (cross + cross.T)
    return np.asarray(total)
