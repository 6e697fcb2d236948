"""Least squares on the sessions before the event, for many events at once.

All models are one equation, ``y = X theta + eps`` with the covered sessions as the intercept column, so that
trade-to-trade returns (Maynes & Rumsey 1993) need no case of their own: their rows carry weight 1/span.
Numerics: column-scaled, row-masked, stacked QR; residuals are summed directly, never ``Syy - b Sxy``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from eventstudy.engine.panel import Bools, Floats, Ints
from eventstudy.engine.windows import Design

_U = np.finfo(np.float64).eps / 2
_ZERO_VARIANCE = (64 * _U) ** 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Fits:
    """Estimated models of E events.

    Attributes
    ----------
    theta : float64 (E, p)
        Intercept per session, then slopes. Empty second axis for market-adjusted.
    xtx_inv : float64 (E, p, p)
        (X' D^-1 X)^-1.
    half : float64 (E, p, p) or None
        Where it is known, a matrix H with H H' = ``xtx_inv``: x'H has digits that x' ``xtx_inv`` x loses in a market
        that hardly moves.
    s2 : float64 (E,)
        Residual variance of a one-session return with divisor nu; NaN where it cannot be computed.
    nu : float64 (E,)
        Degrees of freedom, M - p (market-adjusted: M - 1).
    n_obs : int64 (E,)
        M, valid and unmasked estimation observations.
    residual : float64 (E, D)
        y - X theta on every observed day, estimation window or not; NaN elsewhere.
    scaled : float64 (E, D)
        ``residual / sqrt(span)``: what has variance s2 also after a gap.
    leverage : float64 (E, N)
        Diagonal of the hat matrix on the estimation days used; NaN elsewhere.
    used : bool (E, N)
        Estimation days that entered.
    r_squared : float64 (E,)
        Share of the variation of the estimation returns about their mean that the model explains; NaN for
        market-adjusted.
    rank_ok, zero_variance : bool (E,)
    relative_variance : float64 (E, D)
        Variance of each day's error in units of s2: the sessions covered, or a forecast over s2.
    fallback : bool (E,)
        A simpler model is used instead.
    """

    theta: Floats
    xtx_inv: Floats
    s2: Floats
    nu: Floats
    n_obs: Ints
    residual: Floats
    scaled: Floats
    leverage: Floats
    used: Bools
    r_squared: Floats
    rank_ok: Bools
    zero_variance: Bools
    relative_variance: Floats
    fallback: Bools
    half: Floats | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LeastSquares:
    """A stack of weighted least-squares solutions; see ``solve``."""

    theta: Floats
    xtx_inv: Floats
    leverage: Floats
    rank_ok: Bools
    half: Floats | None = None


# (design, X of every day, rows that enter (E, N)) -> solution
Solver = Callable[[Design, Floats, Bools], LeastSquares]


def weighted(design: Design, x: Floats, used: Bools) -> LeastSquares:
    """Weighted least squares on the first N days, of which ``used`` (E, N) enter."""
    n = used.shape[1]
    return solve(design.y[:, :n], x[:, :n], design.span[:, :n], used)


def instrumented(design: Design, x: Floats, used: Bools) -> LeastSquares:
    """Scholes & Williams (1977) as instrumental variables: the market's return, instrumented by its sum over the
    sessions before, of and after. Cov(b) = s2 (Z'X)^-1 Z'Z (X'Z)^-1, asymptotic."""
    n = used.shape[1]
    z = np.concatenate([design.span[:, :n, None], design.x[:, :n, -1:]], axis=2)
    weight = np.where(used, 1.0 / design.span[:, :n], 0.0)[:, :, None]
    z, a = np.where(used[:, :, None], z, 0.0), np.where(used[:, :, None], x[:, :n], 0.0)
    zx = np.einsum("enp,enq->epq", z * weight, a)
    rank_ok = np.linalg.cond(zx * 1.0) < 1 / (4 * _U * n)
    zx = np.where(rank_ok[:, None, None], zx, np.eye(2))
    inverse = np.linalg.inv(zx)
    theta = np.einsum("epq,enq,en->ep", inverse, z * weight, np.where(used, design.y[:, :n], 0.0))
    zz = np.einsum("enp,enq->epq", z * weight, z)
    return LeastSquares(
        theta=np.where(rank_ok[:, None], theta, np.nan),
        xtx_inv=inverse @ zz @ inverse.transpose(0, 2, 1),
        leverage=np.where(used, np.einsum("enp,epq,enq->en", a, inverse, z * weight), np.nan),
        rank_ok=rank_ok,
    )


def residuals(design: Design, x: Floats, theta: Floats) -> Floats:
    """Return less what the model expects, on every observed day (E, D); NaN elsewhere.

    A model without parameters expects the first factor's return.
    """
    if x.shape[2] == 0:
        return np.where(design.observed, design.y - design.x[:, :, 0], np.nan)
    expected = x[:, :, 0] * theta[:, :1]
    for column in range(1, x.shape[2]):
        expected += x[:, :, column] * theta[:, column, None]
    return np.where(design.observed, design.y - expected, np.nan)


def solve(y: Floats, x: Floats, span: Floats, used: Bools) -> LeastSquares:
    """Weighted least squares of each event on its own rows.

    Parameters
    ----------
    y : float64 (E, N)
    x : float64 (E, N, p)
    span : float64 (E, N)
        Variance of each row in units of one session; rows get weight 1/span.
    used : bool (E, N)
        Rows that enter; the others are zeroed, intercept included, and so drop out exactly.

    Returns
    -------
    LeastSquares
        ``rank_ok`` is False where a column is constant zero or repeats others (|r_jj| <= max(M, p) u |r_11|).
    """
    weight = np.where(used, 1.0 / np.sqrt(span), 0.0)
    if x.shape[2] == 1:
        return _solve_one(y, x, weight, used)
    if x.shape[2] == 2:
        return _solve_two(y, x, weight, used)
    a = np.where(used[:, :, None], x, 0.0) * weight[:, :, None]
    b = np.where(used, y, 0.0) * weight
    scale = np.sqrt(np.einsum("enp,enp->ep", a, a))
    rank_ok = (scale > 0).all(axis=1)
    safe = np.where(scale > 0, scale, 1.0)
    q, r = np.linalg.qr(a / safe[:, None, :])
    diagonal = np.abs(np.einsum("epp->ep", r))
    rows = np.maximum(used.sum(axis=1), x.shape[2])
    rank_ok &= (diagonal > (rows * 4 * _U)[:, None]).all(axis=1)
    r = np.where(rank_ok[:, None, None], r, np.eye(x.shape[2])[None])
    inverse = np.linalg.inv(r) / safe[:, :, None]
    theta = np.einsum("epq,eq->ep", inverse, np.einsum("enp,en->ep", q, b))
    leverage = np.where(used, np.einsum("enp,enp->en", q, q), np.nan)
    theta = np.where(rank_ok[:, None], theta, np.nan)
    xtx_inv = np.einsum("epq,erq->epr", inverse, inverse)
    half = inverse * np.sign(np.einsum("epp->ep", inverse))[:, None, :]
    return LeastSquares(theta=theta, xtx_inv=xtx_inv, leverage=leverage, rank_ok=rank_ok, half=half)


def _solve_one(y: Floats, x: Floats, weight: Floats, used: Bools) -> LeastSquares:
    """One column, the constant or the market through the origin."""
    a, c = (np.where(used, values, 0.0) * weight for values in (x[:, :, 0], y))
    size = np.sqrt((a * a).sum(axis=1))
    rank_ok = size > 0
    size = np.where(rank_ok, size, 1.0)
    q = a / size[:, None]
    theta = (q * c).sum(axis=1) / size
    half = (1 / size)[:, None, None]
    return LeastSquares(
        theta=np.where(rank_ok, theta, np.nan)[:, None],
        xtx_inv=half * half,
        leverage=np.where(used, q * q, np.nan),
        rank_ok=rank_ok,
        half=half,
    )


def _solve_two(y: Floats, x: Floats, weight: Floats, used: Bools) -> LeastSquares:
    """Two columns, the market model: Gram-Schmidt done twice is as exact as QR and several times faster in bulk."""
    a, b, c = (np.where(used, values, 0.0) * weight for values in (x[:, :, 0], x[:, :, 1], y))
    size = np.sqrt((b * b).sum(axis=1))
    first = np.sqrt((a * a).sum(axis=1))
    qa = a / np.where(first > 0, first, 1.0)[:, None]
    cross = (qa * b).sum(axis=1)
    b -= cross[:, None] * qa
    again = (qa * b).sum(axis=1)
    b -= again[:, None] * qa
    cross += again
    second = np.sqrt((b * b).sum(axis=1))
    rank_ok = (first > 0) & (second > np.maximum(used.sum(axis=1), 2) * 4 * _U * size)
    first, second = np.where(rank_ok, first, 1.0), np.where(rank_ok, second, 1.0)
    qb = b / second[:, None]
    along = (qa * c).sum(axis=1)
    slope = (qb * (c - along[:, None] * qa)).sum(axis=1) / second
    theta = np.stack([(along - cross * slope) / first, slope], axis=1)
    inverse = np.zeros((len(y), 2, 2))
    inverse[:, 0, 0], inverse[:, 0, 1], inverse[:, 1, 1] = 1 / first, -cross / (first * second), 1 / second
    return LeastSquares(
        theta=np.where(rank_ok[:, None], theta, np.nan),
        xtx_inv=inverse @ inverse.transpose(0, 2, 1),
        leverage=np.where(used, qa * qa + qb * qb, np.nan),
        rank_ok=rank_ok,
        half=inverse,
    )


def regressed(design: Design, x: Floats, solver: Solver = weighted) -> Fits:
    """Estimate a regression on the estimation window of each event.

    Parameters
    ----------
    x : float64 (E, D, p)
        Its regressors on every day.
    solver : callable
        Least squares, or with an instrument.

    Returns
    -------
    Fits
        Missing rule: a row enters only if the return and every factor are there and it is not masked.
    """
    used = design.usable[:, design.estimation]
    n_obs = used.sum(axis=1)
    solution = solver(design, x, used)
    residual = residuals(design, x, solution.theta)
    s2, nu = _variance(residual[:, design.estimation], design.span[:, design.estimation], used, n_obs - x.shape[2])
    zero = _is_zero(s2, design.y[:, design.estimation], used)
    return Fits(
        theta=solution.theta,
        xtx_inv=solution.xtx_inv,
        s2=np.where(zero, 0.0, s2),
        nu=nu,
        n_obs=n_obs,
        residual=residual,
        scaled=residual / np.sqrt(design.span),
        leverage=solution.leverage,
        used=used,
        r_squared=_r_squared(design, used, s2 * nu),
        rank_ok=solution.rank_ok & (n_obs > x.shape[2]),
        zero_variance=zero,
        relative_variance=design.span,
        fallback=np.zeros(len(used), dtype=bool),
        half=solution.half,
    )


def subtracted(design: Design, x: Floats) -> Fits:
    """Less the first factor: nothing is estimated (V = I); s2 is taken about the estimation mean with nu = M - 1."""
    estimation = design.estimation
    used, n = design.usable[:, estimation], len(design.y)
    n_obs = used.sum(axis=1)
    residual = residuals(design, x, np.empty((n, 0)))
    y, span = residual[:, estimation], design.span[:, estimation]
    s2, nu = _variance(_about_mean(y, span, used), span, used, n_obs - 1)
    zero = _is_zero(s2, y, used)
    return Fits(
        theta=np.empty((n, 0)),
        xtx_inv=np.empty((n, 0, 0)),
        s2=np.where(zero, 0.0, s2),
        nu=nu,
        n_obs=n_obs,
        residual=residual,
        scaled=residual / np.sqrt(design.span),
        leverage=np.where(used, 0.0, np.nan),
        used=used,
        r_squared=np.full(n, np.nan),
        rank_ok=np.ones(n, dtype=bool),
        zero_variance=zero,
        relative_variance=design.span,
        fallback=np.zeros(n, dtype=bool),
    )


def _is_zero(s2: Floats, y: Floats, used: Bools) -> Bools:
    """Whether the residual variance is rounding next to the returns themselves."""
    size = np.where(used, y**2, 0.0).sum(axis=1) / np.maximum(used.sum(axis=1), 1)
    return np.asarray(s2 <= _ZERO_VARIANCE * np.where(size > 0, size, 1.0))


def _about_mean(y: Floats, span: Floats, used: Bools) -> Floats:
    """y minus its mean per session covered: the weighted fit of a constant in closed form."""
    covered = np.where(used, span, 0.0).sum(axis=1)
    mean = np.where(used, y, 0.0).sum(axis=1) / np.where(covered > 0, covered, 1.0)
    return np.asarray(y - span * mean[:, None])


def _r_squared(design: Design, used: Bools, unexplained: Floats) -> Floats:
    """1 - SSR / SST, SST about the (span-weighted) mean; NaN where the return does not vary."""
    y, span = design.y[:, design.estimation], design.span[:, design.estimation]
    total = np.where(used, _about_mean(y, span, used) ** 2 / span, 0.0).sum(axis=1)
    return np.where(total > 0, 1 - unexplained / np.where(total > 0, total, 1.0), np.nan)


def _variance(residual: Floats, span: Floats, used: Bools, nu: Ints) -> tuple[Floats, Floats]:
    """Residual variance of a one-session return with divisor nu; NaN where nu is not positive."""
    total = np.where(used, residual**2 / span, 0.0).sum(axis=1)
    positive = nu > 0
    return np.where(positive, total / np.where(positive, nu, 1), np.nan), nu.astype(np.float64)
