"""One firm, one event (methods section 5).

All of these test the joint null "this window is a draw from the days before": with one event nothing can separate a
moved mean from a risen variance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eventstudy.engine.abnormal import Cars
from eventstudy.engine.context import EventContext, SingleTest
from eventstudy.engine.least_squares import Fits
from eventstudy.engine.panel import Floats, Ints
from eventstudy.engine.significance.distributions import (
    Alternative,
    minimum_detectable_effect,
    t_p_value,
    t_quantile,
    tail_of,
)
from eventstudy.engine.windows import LOCAL_SESSIONS


@dataclass(frozen=True, slots=True, kw_only=True)
class ExactT:
    """``car-t`` over W windows of E events; (E, W) float64 each, NaN where undefined.

    Attributes
    ----------
    std_error, t, df, p, ci_low, ci_high, mde : float64 (E, W)
        Standard error of the CAR, its t statistic with df degrees of freedom, p value, interval at the level asked
        for (of a one-sided test one bound), and the smallest true CAR that this side of the test finds with 80 % power
        at that level.
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
    half = t_quantile(known, tail_of(level, alternative))[where][:, None] * std_error
    t = car / std_error
    ci_low, ci_high = sided(car - half, car + half, alternative)
    return ExactT(
        std_error=std_error,
        t=t,
        df=np.where(np.isfinite(t), df, np.nan),
        p=t_p_value(t, df, alternative),
        ci_low=ci_low,
        ci_high=ci_high,
        mde=minimum_detectable_effect(known, level, alternative=alternative)[where][:, None] * std_error,
    )


def sided(low: Floats, high: Floats, alternative: Alternative) -> tuple[Floats, Floats]:
    """The bounds of an interval that the side of the test has; NaN for the other, which is infinite (methods A5)."""
    nothing = np.full(np.shape(low), np.nan)
    return nothing if alternative == "less" else low, nothing if alternative == "greater" else high


def _distinct(nu: Floats) -> tuple[Floats, Ints]:
    """Distinct degrees of freedom and the place of each among them; whole ones are counted instead of sorted."""
    whole = np.nan_to_num(nu, nan=-1.0)
    if len(nu) and whole.min() >= 0 and whole.max() < nu.size * 4 and (whole == np.floor(whole)).all():
        at = whole.astype(np.int64)
        seen = np.bincount(at) > 0
        return np.flatnonzero(seen).astype(np.float64), (np.cumsum(seen) - 1)[at]
    return np.unique(nu, return_inverse=True)


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


def car_t_ar1(context: EventContext) -> dict[str, Floats]:
    """``car-t-ar1``: CAR over s sqrt(q_AR1) against t with nu degrees of freedom."""
    found = context.measures
    q = variance_ar1(context.serial.phi, found.q, found.base)
    t = found.car / _standard_error(found.s2, q)
    return {"p_t_ar1": t_p_value(t, np.broadcast_to(found.nu[:, None], t.shape), context.options.alternative)}


def car_t_local(context: EventContext) -> dict[str, Floats]:
    """``ar-t-local``: the scale is the root mean square of the 20 latest unmasked sessions before the test window
    (methods 5.2), so that a turbulent month is judged by itself; t with 20 degrees of freedom.

    Estimation residuals up to E2, prediction errors after. NaN with fewer than 20 such sessions.

    Returns
    -------
    p_local : float64 (E, W)
    local_scale : float64 (E, W)
        That root mean square over s, the residual standard deviation of the estimation window.
    local_low, local_high, mde80_local : float64 (E, W)
        Interval and smallest detectable effect at that scale, on the side of the test (methods A5).
    """
    found, variance, options = context.measures, context.serial.local_variance, context.options
    std_error = np.sqrt(np.where(variance > 0, variance, np.nan) * found.q)
    t, df = found.car / std_error, np.full(found.car.shape, float(LOCAL_SESSIONS))
    half = t_quantile(df[:1, :1], tail_of(options.level, options.alternative)) * std_error
    low, high = sided(found.car - half, found.car + half, options.alternative)
    effect = minimum_detectable_effect(df[:1, :1], options.level, alternative=options.alternative)
    s2 = np.where(found.s2 > 0, found.s2, np.nan)[:, None]
    return {
        "p_local": t_p_value(t, df, options.alternative),
        "local_scale": np.sqrt(np.where(variance > 0, variance, np.nan) / s2),
        "local_low": low,
        "local_high": high,
        "mde80_local": effect * std_error,
    }


TESTS = {
    "car-t-ar1": SingleTest(
        columns=("p_t_ar1",), reads=frozenset({"serial"}), cost=0.3, run=car_t_ar1, defined=("exact", "asymptotic")
    ),
    "ar-t-local": SingleTest(
        columns=("p_local", "local_scale", "local_low", "local_high", "mde80_local"),
        reads=frozenset({"serial"}),
        cost=0.4,
        run=car_t_local,
    ),
}
