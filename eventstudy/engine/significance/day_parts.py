"""Day 0 cut at the opening: both parts on the same regressors, so that they add up to the day (methods A3)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eventstudy.engine.least_squares import solve
from eventstudy.engine.panel import Bools, Floats, Ints
from eventstudy.engine.significance.distributions import Alternative, f_p_value, t_p_value
from eventstudy.engine.significance.multiple import romano_wolf


@dataclass(frozen=True, slots=True, kw_only=True)
class JointParts:
    """Night and day of E events, each regressed on a constant and both parts of the benchmarks.

    Attributes
    ----------
    abnormal, std_error, t, p : float64 (E, 3)
        Of the night, of the day, and of their sum.
    f, p_f : float64 (E,)
        Both parts are zero: T2 (nu - 1) / (2 nu) ~ F(2, nu - 1).
    nu : float64 (E,)
    correlation : float64 (E,)
        Of the residuals of night and day.
    """

    abnormal: Floats
    std_error: Floats
    t: Floats
    p: Floats
    f: Floats
    p_f: Floats
    nu: Floats
    correlation: Floats


def joint_parts(y: Floats, x: Floats, used: Bools, day: int, alternative: Alternative = "two-sided") -> JointParts:
    """Exact under normality: the design is common, and S = E'E / nu is the covariance of the parts' errors.

    Parameters
    ----------
    y : float64 (E, D, 2)
        Returns of the night and the day; NaN where there is none.
    x : float64 (E, D, p)
        Regressors, the constant among them.
    used : bool (E, N)
        Sessions that enter; the first N days.
    day : int
        Column of day 0.
    alternative : Alternative
        Of the t tests.

    Checked against
    ---------------
    The golden example and statsmodels with an event dummy (tests/oracles/test_day_parts.py).
    """
    n, count = used.shape[1], used.sum(axis=1)
    span = np.ones(used.shape)
    fits = [solve(y[:, :n, k], x[:, :n], span, used) for k in (0, 1)]
    nu = (count - x.shape[2]).astype(np.float64)
    theta = np.stack([fit.theta for fit in fits], axis=2)
    residual = np.where(used[:, :, None], y[:, :n] - np.einsum("enp,epk->enk", np.nan_to_num(x[:, :n]), theta), 0.0)
    residual = np.where(used[:, :, None], residual, 0.0)
    ok = fits[0].rank_ok & (nu > 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        s = np.einsum("enk,enl->ekl", residual, residual) / np.where(ok, nu, np.nan)[:, None, None]
        v = 1 + np.einsum("ep,epq,eq->e", x[:, day], fits[0].xtx_inv, x[:, day])
        own = y[:, day] - np.einsum("ep,epk->ek", x[:, day], theta)
        abnormal = np.concatenate([own, own.sum(axis=1, keepdims=True)], axis=1)
        variance = np.stack([s[:, 0, 0], s[:, 1, 1], s.sum(axis=(1, 2))], axis=1)
        std_error = np.sqrt(v[:, None] * np.where(variance > 0, variance, np.nan))
        t = abnormal / std_error
        determinant = s[:, 0, 0] * s[:, 1, 1] - s[:, 0, 1] ** 2
        distance = (
            own[:, 0] ** 2 * s[:, 1, 1] - 2 * own[:, 0] * own[:, 1] * s[:, 0, 1] + own[:, 1] ** 2 * s[:, 0, 0]
        ) / np.where(determinant > 0, determinant, np.nan)
        f = distance / v * (nu - 1) / (2 * nu)
        correlation = s[:, 0, 1] / np.sqrt(s[:, 0, 0] * s[:, 1, 1])
    return JointParts(
        abnormal=abnormal,
        std_error=std_error,
        t=t,
        p=t_p_value(t, np.broadcast_to(nu[:, None], t.shape), alternative),
        f=f,
        p_f=f_p_value(f, 2, nu - 1),
        nu=nu,
        correlation=correlation,
    )


def family_of_parts(t: Floats, draws: Floats) -> tuple[Floats, Ints]:
    """Romano & Wolf over firms and parts: one draw is every part of every firm on one session, so that what ties firms,
    and night to day, stays.

    Parameters
    ----------
    t : float64 (m,)
        Exact t of each part; NaN where there is none.
    draws : float64 (B, m)
        e_t / (s sqrt(1 - h_t)) of the estimation sessions; NaN where a session did not enter.

    Returns
    -------
    float64 (m,), int64 (2,)
        Adjusted p values, NaN with fewer than 39 common sessions; members of the family, and sessions.
    """
    member = np.isfinite(t) & np.isfinite(draws).any(axis=0)
    whole = draws[:, member][np.isfinite(draws[:, member]).all(axis=1)]
    adjusted = np.full(len(t), np.nan)
    if member.any() and len(whole) >= FEWEST:
        adjusted[member] = romano_wolf(t[member], whole, identity_included=False)
    return adjusted, np.array([int(member.sum()), len(whole)])


FEWEST = 39
