"""One firm, one event (methods section 5).

All of these test the joint null "this window is a draw from the days before": with one event nothing can separate a
moved mean from a risen variance.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from eventstudy.engine.abnormal import Cars, window_complete
from eventstudy.engine.models import MODELS, Fits, Model, refitted
from eventstudy.engine.panel import Bools, Floats, Ints
from eventstudy.engine.significance.laws import (
    Alternative,
    extreme_count,
    minimum_detectable_effect,
    rank_p_value,
    t_p_value,
    t_quantile,
)
from eventstudy.engine.windows import Design

LOCAL_SESSIONS = 20
# residuals (E, D) of a model fitted on the days given
Refit = Callable[[Design, Model, Bools], Floats]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExactT:
    """``car-t`` over W windows of E events; (E, W) float64 each, NaN where undefined.

    Attributes
    ----------
    std_error, t, df, p, ci_low, ci_high, mde : float64 (E, W)
        Standard error of the CAR, its t statistic with df degrees of freedom, p value, interval at the level asked
        for, and the smallest true CAR found with 80 % power at that level.
    """

    std_error: Floats
    t: Floats
    df: Floats
    p: Floats
    ci_low: Floats
    ci_high: Floats
    mde: Floats


def _standard_error(s2: Floats, q: Floats) -> Floats:
    """sqrt(s2 q); zero variance gives NaN, never a division by zero."""
    variance = np.where(s2 > 0, s2, np.nan)[:, None] * q
    return np.sqrt(variance)


def car_t(fits: Fits, result: Cars, level: float, alternative: Alternative) -> ExactT:
    """Exact t test of a CAR (methods 5.1): CAR / (s sqrt(q)) ~ t_nu under normal errors.

    Two-sided size stays near nominal for fat-tailed and skewed errors; one-sided sizes do not under skewness.

    Checked against
    ---------------
    statsmodels ``t_test`` of the sum of event dummies; size in tests/properties.
    """
    return exact_t(result.car, result.q, fits.s2, fits.nu, level, alternative)


def exact_t(car: Floats, q: Floats, s2: Floats, nu: Floats, level: float, alternative: Alternative) -> ExactT:
    """``car_t`` from its arrays: car and q (E, W), s2 and nu (E,)."""
    std_error = _standard_error(s2, q)
    df = np.broadcast_to(nu[:, None], std_error.shape)
    # few degrees of freedom differ, and quantiles cost more than everything else here
    known, where = _distinct(nu)
    half = t_quantile(known, 0.5 + level / 2)[where][:, None] * std_error
    t = car / std_error
    return ExactT(
        std_error=std_error,
        t=t,
        df=np.where(np.isfinite(t), df, np.nan),
        p=t_p_value(t, df, alternative),
        ci_low=car - half,
        ci_high=car + half,
        mde=minimum_detectable_effect(nu, level)[:, None] * std_error,
    )


def _distinct(nu: Floats) -> tuple[Floats, Ints]:
    """Distinct degrees of freedom and the place of each among them; whole ones are counted instead of sorted."""
    whole = np.nan_to_num(nu, nan=-1.0)
    if len(nu) and whole.min() >= 0 and whole.max() < nu.size * 4 and (whole == np.floor(whole)).all():
        at = whole.astype(np.int64)
        seen = np.bincount(at) > 0
        return np.flatnonzero(seen).astype(np.float64), (np.cumsum(seen) - 1)[at]
    return np.unique(nu, return_inverse=True)


def autocorrelation(fits: Fits) -> Floats:
    """First-order autocorrelation of the estimation residuals, bias-corrected; (E,) float64.

    Pairs are adjacent sessions that are both valid: a masked or missing session breaks the pair. Clipped to
    [-0.95, 0.95].
    """
    e = np.where(fits.used, fits.scaled[:, : fits.used.shape[1]], 0.0)
    return corrected_autocorrelation((e**2).sum(axis=1), (e[:, 1:] * e[:, :-1]).sum(axis=1), fits.n_obs)


def corrected_autocorrelation(squares: Floats, products: Floats, n_obs: Ints) -> Floats:
    """phi = r1 + (1 + 4 r1)/M from the sums of e_t^2 and of e_t e_{t-1}. Source: methods 2.4 (Kendall's correction)."""
    r1 = products / np.where(squares > 0, squares, np.nan)
    return np.asarray(np.clip(r1 + (1 + 4 * r1) / n_obs, -0.95, 0.95))


def variance_ar1(phi: Floats, q: Floats, base: Floats) -> Floats:
    """Variance factor of a CAR under first-order autocorrelated errors, float64 (E, W): Var(CAR) = s2 q_AR1.

    q_AR1 = g_L(phi) + (q - L)(1 + phi)/(1 - phi), with g_L(phi) = L + 2 sum_k (L - k) phi^k (methods 2.4).

    Parameters
    ----------
    phi : float64 (E,)
    q, base : float64 (E, W)
        As in ``Cars``.
    """
    window_part = np.full(q.shape, np.nan)
    for length in np.unique(base[np.isfinite(base)]):
        g, power = np.full(len(phi), length), phi
        for k in range(1, int(length)):
            g += 2 * (length - k) * power
            power = power * phi
        window_part = np.where(base == length, g[:, None], window_part)
    return np.asarray(window_part + (q - base) * ((1 + phi) / (1 - phi))[:, None])


def car_t_ar1(fits: Fits, result: Cars, alternative: Alternative) -> Floats:
    """p values of ``car-t-ar1``: CAR over s sqrt(q_AR1) against t with nu degrees of freedom. (E, W) float64."""
    q = variance_ar1(autocorrelation(fits), result.q, result.base)
    return ar1_p_value(result.car, q, fits.s2, fits.nu, alternative)


def ar1_p_value(car: Floats, q_ar1: Floats, s2: Floats, nu: Floats, alternative: Alternative) -> Floats:
    """``car_t_ar1`` from its arrays: car and its variance factor (E, W), s2 and nu (E,)."""
    t = car / _standard_error(s2, q_ar1)
    return t_p_value(t, np.broadcast_to(nu[:, None], t.shape), alternative)


def car_t_local(
    design: Design, fits: Fits, result: Cars, windows: Sequence[tuple[int, int]], alternative: Alternative
) -> Floats:
    """p values of ``ar-t-local``: the scale is the root mean square of the 20 latest unmasked sessions before the
    test window (methods 5.2), so that a turbulent month is judged by itself; t with 20 degrees of freedom.

    Estimation residuals up to E2, prediction errors after. NaN with fewer than 20 such sessions.
    """
    return local_p_value(result.car, result.q, local_variances(design, fits, windows), alternative)


def local_p_value(car: Floats, q: Floats, variance: Floats, alternative: Alternative) -> Floats:
    """``car_t_local`` from its arrays, all (E, W)."""
    scale = np.sqrt(np.where(variance > 0, variance, np.nan) * q)
    return t_p_value(car / scale, np.full(car.shape, float(LOCAL_SESSIONS)), alternative)


def local_variances(design: Design, fits: Fits, windows: Sequence[tuple[int, int]]) -> Floats:
    """``local_variance`` before each test window; (E, W)."""
    each = [local_variance(design, fits, start) for start, _ in windows]
    return np.stack(each, axis=1) if each else np.empty((len(design.y), 0))


def local_variance(design: Design, fits: Fits, start: int) -> Floats:
    """Mean square of the 20 latest unmasked one-session errors before event day ``start``; (E,), NaN with fewer."""
    before = slice(0, design.plan.column(start))
    usable = design.usable[:, before]
    recent = usable & (np.cumsum(usable[:, ::-1], axis=1)[:, ::-1] <= LOCAL_SESSIONS)
    enough = recent.sum(axis=1) == LOCAL_SESSIONS
    squared = np.where(recent, fits.scaled[:, before] ** 2, 0.0)
    return np.where(enough, squared.sum(axis=1) / LOCAL_SESSIONS, np.nan)


def sample_quantile(
    design: Design, fits: Fits, windows: Sequence[tuple[int, int]], alternative: Alternative
) -> tuple[Floats, Floats]:
    """``sq``: where the event day's AR stands among the estimation residuals (Gelbach, Helland & Klick 2013).

    One-day windows only. Valid for any error distribution as M grows; discrete.

    Returns
    -------
    p, p_min : float64 (E, W)
        NaN for longer windows, without an AR, or with zero variance.
    """
    p, p_min = (np.full((len(design.y), len(windows)), np.nan) for _ in range(2))
    n_estimation = fits.used.shape[1]
    for w, (start, end) in enumerate(windows):
        if start != end:
            continue
        observed = fits.scaled[:, design.plan.column(start)]
        for i in np.flatnonzero(np.isfinite(observed) & fits.rank_ok & (fits.s2 > 0)):
            residuals = fits.scaled[i, :n_estimation][fits.used[i]]
            p[i, w], p_min[i, w] = rank_p_value(residuals, observed[i], alternative)
    return p, p_min


def circular_sums(values: Floats, length: int) -> Floats:
    """Sums over ``length`` consecutive rows of a series closed to a ring; entry t ends at row t. (T, ...) -> (T, ...).

    Every sum is added in the order of its own rows, so the observed one is found again to the last bit.
    """
    n = len(values)
    closed = np.concatenate([values[n - length + 1 :], values])
    total = closed[:n].copy()
    for k in range(1, length):
        total += closed[k : k + n]
    return total


def conformal(
    design: Design,
    fits: Fits,
    name: str,
    windows: Sequence[tuple[int, int]],
    alternative: Alternative,
    *,
    strict: bool = False,
    refit: Refit = refitted,
) -> tuple[Floats, Floats]:
    """``conformal``: permutation in time by circular shifts (Chernozhukov, Wuethrich & Zhu 2021; methods 5.4).

    The model is fitted on the estimation window and the test window together, which is what makes the p value valid
    in finite samples; masked estimation sessions stay out. S = |sum of the window's residuals|.

    Returns
    -------
    p, p_min : float64 (E, W)
        p_min = 1/T, T the number of sessions in the fit.
    """
    p, p_min = (np.full((len(design.y), len(windows)), np.nan) for _ in range(2))
    model = MODELS[name]
    for w, (start, end) in enumerate(windows):
        days = design.days(start, end)
        used = np.zeros_like(design.observed)
        used[:, design.estimation] = design.usable[:, design.estimation]
        used[:, days] = design.observed[:, days]
        residual = refit(design, model, used)
        known = window_complete(design, start, end, strict=strict) & fits.rank_ok & (fits.s2 > 0)
        for i in np.flatnonzero(known):
            ring = residual[i][used[i]]
            if model.adjusted:
                ring = ring - ring.mean()
            sums = circular_sums(ring, int(used[i, days].sum()))
            p[i, w] = extreme_count(sums, sums[-1], alternative) / len(ring)
            p_min[i, w] = 1 / len(ring)
    return p, p_min
