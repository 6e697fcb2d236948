"""Synthetic control: a mix of untreated donors in place of the firm (methods 3.11)."""

from __future__ import annotations

import numpy as np

from eventstudy.engine.least_squares import Fits, regressed
from eventstudy.engine.panel import Bools, Floats
from eventstudy.engine.windows import Design

# A root mean squared error below this share of the returns' own size counts as zero.
EXACT_FIT = 1e-10


def synthetic_fits(design: Design) -> Fits:
    """Weights of the donors for every event, from the estimation window.

    Returns
    -------
    Fits
        ``theta`` are the weights (not negative, sum one); ``s2`` is the mean squared prediction error of the
        estimation sessions and ``nu`` their number; ``xtx_inv`` is zero, because nothing is known of the weights'
        error.

    Checked against
    ---------------
    scipy's SLSQP, enumeration of all supports, one donor (tests/oracles/test_synthetic.py).
    """
    # what does not depend on the weights: which sessions enter, spans, counts
    base = regressed(design, design.span[:, :, None])
    n = design.plan.estimation
    j = design.x.shape[2]
    theta = np.full((len(design.y), j), np.nan)
    for i in np.flatnonzero(base.n_obs > 0):
        rows = np.flatnonzero(base.used[i])
        theta[i] = simplex_weights(design.y[i, rows], design.x[i, rows], design.span[i, rows])
    residual = design.y - np.einsum("edj,ej->ed", np.where(design.observed[:, :, None], design.x, 0.0), theta)
    residual = np.where(design.observed, residual, np.nan)
    count = np.maximum(base.n_obs, 1)
    squares = np.where(base.used, residual[:, :n] ** 2 / design.span[:, :n], 0.0).sum(axis=1) / count
    size = np.where(base.used, design.y[:, :n] ** 2, 0.0).sum(axis=1) / count
    zero = squares <= EXACT_FIT**2 * np.where(size > 0, size, 1.0)
    total = base.s2 * base.nu
    return Fits(
        theta=theta,
        xtx_inv=np.zeros((len(design.y), j, j)),
        s2=np.where(zero, 0.0, squares),
        nu=base.n_obs.astype(np.float64),
        n_obs=base.n_obs,
        residual=residual,
        scaled=residual / np.sqrt(design.span),
        leverage=np.where(base.used, 0.0, np.nan),
        used=base.used,
        r_squared=np.where(total > 0, 1 - squares * count / np.where(total > 0, total, 1.0), np.nan),
        rank_ok=np.isfinite(theta).all(axis=1),
        zero_variance=zero,
        relative_variance=design.span,
        fallback=np.zeros(len(design.y), dtype=bool),
    )


def simplex_weights(y: Floats, x: Floats, span: Floats) -> Floats:
    """min sum (y - x w)^2 / span over w >= 0 with sum 1: y (M,), x (M, J) -> w (J,).

    With weights that sum to one, y - x w = (y 1' - x) w. The minimum of ||Z u||^2 + c^2 (1'u - 1)^2 over u >= 0 is, up
    to its length, the minimum of ||Z w|| on the simplex, for any c: so the sum is exact and needs no heavy weight.
    """
    from scipy.optimize import nnls

    z = (y[:, None] - x) / np.sqrt(span)[:, None]
    scale = float(np.sqrt((z**2).sum(axis=0).mean()))
    if not scale > 0:
        return np.full(x.shape[1], 1 / x.shape[1])
    rows = np.concatenate([z / scale, np.ones((1, x.shape[1]))])
    target = np.zeros(len(rows))
    target[-1] = 1.0
    u, _ = nnls(rows, target)
    return np.asarray(u / u.sum())


def refitted_weights(design: Design, used: Bools) -> Floats:
    """Residuals of every day (E, D) when the weights come from the days ``used`` (E, D)."""
    residual = np.full(design.y.shape, np.nan)
    for i in np.flatnonzero(used.any(axis=1)):
        rows = np.flatnonzero(used[i])
        w = simplex_weights(design.y[i, rows], design.x[i, rows], design.span[i, rows])
        residual[i] = design.y[i] - design.x[i] @ w
    return residual
