"""Expected returns: least squares on the sessions before the event, for many events at once.

All models are one equation, ``y = X theta + eps`` with the covered sessions as the intercept column, so that
trade-to-trade returns (Maynes & Rumsey 1993) need no case of their own: their rows carry weight 1/span.
Numerics: column-scaled, row-masked, stacked QR; residuals are summed directly, never ``Syy - b Sxy``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from eventstudy.engine.panel import Bools, Floats, Ints
from eventstudy.engine.windows import Design

_U = np.finfo(np.float64).eps / 2
_ZERO_VARIANCE = (64 * _U) ** 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """An expected-return model.

    Attributes
    ----------
    title : str
        What pages call it.
    factors : {"none", "market", "all", "made"}
        How many of the study's benchmarks enter; ``made`` regressors are prepared for the model, ``n_made`` of them.
    adjusted : bool
        The benchmark is subtracted and nothing is estimated (p = 0).
    reference : str
    n_made : int
    intercept : bool
    columns : tuple of str
        Columns of a factor file; the returns are then taken less the risk-free return.
    instrument : bool
        The last regressor is the instrument of the first (Scholes & Williams).
    conditional : bool
        The variance of each day is forecast, not constant.
    peers : bool
        Regressors come from peers.
    ex_self : bool
        The market is the index without the firm's own part.
    simplex : bool
        The benchmarks are donors whose weights are not negative and sum to one; there is no t theory.
    """

    title: str
    factors: Literal["none", "market", "all", "made"]
    adjusted: bool
    reference: str
    n_made: int = 0
    intercept: bool = True
    columns: tuple[str, ...] = ()
    instrument: bool = False
    conditional: bool = False
    peers: bool = False
    simplex: bool = False
    ex_self: bool = False

    @property
    def shifted(self) -> bool:
        """Its regressors are the market's returns at several sessions."""
        return self.factors == "made" and not (self.columns or self.peers or self.instrument or self.ex_self)

    def n_factors(self, available: int) -> int:
        """Number of factors used when ``available`` benchmarks are given."""
        if self.simplex:
            return available
        if self.factors == "made":
            return self.n_made - self.instrument
        return {"none": 0, "market": min(1, available), "all": available}[self.factors]

    def n_parameters(self, available: int) -> int:
        """p, the number of estimated mean parameters; weights on a simplex are not counted."""
        return 0 if self.adjusted or self.simplex else int(self.intercept) + self.n_factors(available)


def _factor_model(title: str, columns: tuple[str, ...], reference: str, *, intercept: bool = True) -> Model:
    return Model(
        title=title,
        factors="made",
        adjusted=False,
        reference=reference,
        n_made=len(columns),
        intercept=intercept,
        columns=columns,
    )


MODELS: dict[str, Model] = {
    "market-model": Model(title="market model", factors="market", adjusted=False, reference="MacKinlay (1997)"),
    "market-adjusted": Model(
        title="market-adjusted", factors="market", adjusted=True, reference="Brown & Warner (1985)"
    ),
    "constant-mean": Model(title="constant mean", factors="none", adjusted=False, reference="Brown & Warner (1980)"),
    "multi-index": Model(title="market and sector", factors="all", adjusted=False, reference="MacKinlay (1997)"),
    "capm": _factor_model("CAPM", ("mkt_rf",), "Sharpe (1964)", intercept=False),
    "ff3": _factor_model("Fama-French three factors", ("mkt_rf", "smb", "hml"), "Fama & French (1993)"),
    "carhart": _factor_model("Carhart four factors", ("mkt_rf", "smb", "hml", "mom"), "Carhart (1997)"),
    "ff5": _factor_model("Fama-French five factors", ("mkt_rf", "smb", "hml", "rmw", "cma"), "Fama & French (2015)"),
    "ff5-mom": _factor_model(
        "Fama-French five factors and momentum",
        ("mkt_rf", "smb", "hml", "rmw", "cma", "mom"),
        "Fama & French (2015); Carhart (1997)",
    ),
    "scholes-williams": Model(
        title="Scholes-Williams",
        factors="made",
        adjusted=False,
        reference="Scholes & Williams (1977)",
        n_made=2,
        instrument=True,
    ),
    "dimson": Model(title="Dimson", factors="made", adjusted=False, reference="Dimson (1979)", n_made=3),
    "garch": Model(
        title="market model with GARCH(1,1)",
        factors="market",
        adjusted=False,
        reference="Bollerslev (1986)",
        conditional=True,
    ),
    "egarch": Model(
        title="market model with EGARCH(1,1)",
        factors="market",
        adjusted=False,
        reference="Nelson (1991)",
        conditional=True,
    ),
    "market-model-ex-self": Model(
        title="market model without the firm in the index",
        factors="made",
        adjusted=False,
        reference="methods of leave-one-out indices",
        n_made=1,
        ex_self=True,
    ),
    "peer": Model(
        title="peer index", factors="made", adjusted=False, reference="equal-weighted peers", n_made=1, peers=True
    ),
    "peer-market": Model(
        title="market and peer index",
        factors="made",
        adjusted=False,
        reference="equal-weighted peers",
        n_made=2,
        peers=True,
    ),
    "peer-adjusted": Model(
        title="peer-adjusted", factors="made", adjusted=True, reference="equal-weighted peers", n_made=1, peers=True
    ),
    "synthetic": Model(
        title="synthetic control",
        factors="made",
        adjusted=False,
        reference="Abadie, Diamond & Hainmueller (2010)",
        intercept=False,
        peers=True,
        simplex=True,
    ),
}


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
        A simpler model stands in.
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


def regressors(design: Design, model: Model) -> Floats:
    """X of a model on every day: (E, D, p), the intercept column holding the sessions covered."""
    if model.adjusted:
        return np.empty((*design.y.shape, 0))
    x = design.x[:, :, : model.n_factors(design.x.shape[2])]
    return np.concatenate([design.span[:, :, None], x], axis=2) if model.intercept else x


def _instrumented(y: Floats, x: Floats, design: Design, used: Bools) -> LeastSquares:
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
    theta = np.einsum("epq,enq,en->ep", inverse, z * weight, np.where(used, y[:, :n], 0.0))
    zz = np.einsum("enp,enq->epq", z * weight, z)
    return LeastSquares(
        theta=np.where(rank_ok[:, None], theta, np.nan),
        xtx_inv=inverse @ zz @ inverse.transpose(0, 2, 1),
        leverage=np.where(used, np.einsum("enp,epq,enq->en", a, inverse, z * weight), np.nan),
        rank_ok=rank_ok,
    )


def refitted(design: Design, model: Model, used: Bools) -> Floats:
    """Residuals of every day (E, D) when the model is fitted on the days ``used`` (E, D): for tests that impose the
    null and fit estimation and test window together."""
    if model.adjusted:
        return np.asarray(design.y - design.x[:, :, 0])
    x = regressors(design, model)
    solution = _instrumented(design.y, x, design, used) if model.instrument else solve(design.y, x, design.span, used)
    known = np.where(used[:, :, None], x, 0.0)
    return np.asarray(design.y - np.einsum("edp,ep->ed", known, solution.theta))


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
    return LeastSquares(theta=theta, xtx_inv=xtx_inv, leverage=leverage, rank_ok=rank_ok, half=inverse)


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


def fit(design: Design, name: str) -> Fits:
    """Estimate a model on the estimation window of each event.

    Parameters
    ----------
    design : Design
    name : str
        Key of ``MODELS``.

    Returns
    -------
    Fits
        Missing rule: a row enters only if the return and every factor are there and it is not masked.

    Notes
    -----
    ``market-adjusted`` estimates nothing (V = I); its s2 is taken about the estimation mean with nu = M - 1.

    Checked against
    ---------------
    tests/oracles: statsmodels OLS with event dummies, the naive loop, the golden example.
    """
    model = MODELS[name]
    if model.simplex:
        raise ValueError(f"{name} is no least-squares regression")
    estimation = design.estimation
    used = design.usable[:, estimation]
    n_obs = used.sum(axis=1)
    x = regressors(design, model)
    if model.adjusted:
        y = design.y - design.x[:, :, 0]
        about = _about_mean(y[:, estimation], design.span[:, estimation], used)
        s2, nu = _variance(about, design.span[:, estimation], used, n_obs - 1)
        theta, xtx_inv, half = np.empty((len(y), 0)), np.empty((len(y), 0, 0)), None
        leverage, rank_ok, residual = np.where(used, 0.0, np.nan), np.ones(len(y), dtype=bool), y
    else:
        y = design.y
        solution = (
            _instrumented(y, x, design, used)
            if model.instrument
            else solve(y[:, estimation], x[:, estimation], design.span[:, estimation], used)
        )
        theta, xtx_inv, half, leverage = solution.theta, solution.xtx_inv, solution.half, solution.leverage
        rank_ok = solution.rank_ok & (n_obs > x.shape[2])
        residual = y - np.einsum("edp,ep->ed", np.where(design.observed[:, :, None], x, 0.0), theta)
        s2, nu = _variance(residual[:, estimation], design.span[:, estimation], used, n_obs - x.shape[2])
    residual = np.where(design.observed, residual, np.nan)
    size = np.where(used, y[:, estimation] ** 2, 0.0).sum(axis=1) / np.maximum(n_obs, 1)
    zero = s2 <= _ZERO_VARIANCE * np.where(size > 0, size, 1.0)
    return Fits(
        theta=theta,
        xtx_inv=xtx_inv,
        s2=np.where(zero, 0.0, s2),
        nu=nu,
        n_obs=n_obs,
        residual=residual,
        scaled=residual / np.sqrt(design.span),
        leverage=leverage,
        used=used,
        r_squared=np.full(len(y), np.nan) if model.adjusted else _r_squared(design, used, s2 * nu),
        rank_ok=rank_ok,
        zero_variance=zero,
        relative_variance=design.span,
        fallback=np.zeros(len(y), dtype=bool),
        half=half,
    )


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
