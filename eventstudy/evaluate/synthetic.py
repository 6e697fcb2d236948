"""Synthetic control: a mix of untreated donors in place of the firm (methods 3.11), and the tests that fit it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from eventstudy.engine.abnormal import Cars, abnormal_returns, cars, window_complete
from eventstudy.engine.models import Fits, Model, fit
from eventstudy.engine.panel import Bools, Floats, ReturnPanel
from eventstudy.engine.partition import Block, BootP, Placed, pairs, window_plan
from eventstudy.engine.significance.laws import Alternative, extreme_count
from eventstudy.engine.significance.single import ExactT, conformal
from eventstudy.engine.significance.volatility import Volatility
from eventstudy.engine.windows import Design, gather
from eventstudy.spec import StudySpec

# A root mean squared error below this share of the returns' own size is none.
_EXACT_FIT = 1e-10


def synthetic_block(panel: ReturnPanel, placed: Placed, spec: StudySpec) -> Block:
    """Estimate, predict and test events against their synthetic controls.

    There is no t theory for weights on a simplex: every standard error, t, interval and MDE is empty, and so is each
    test that needs one. ``conformal`` and ``placebo-space`` are what remains valid.
    """
    strict = spec.missing == "strict"
    design = gather(panel, placed.series, placed.session, placed.masked, window_plan(spec), strict=strict)
    windows, side = pairs(spec), spec.alternative
    fits = synthetic_fits(design)
    result = cars(design, fits, spec.model, windows, strict=strict, log=spec.returns == "log")
    abnormal = abnormal_returns(design, fits, spec.model)
    empty, days = np.full(result.car.shape, np.nan), np.full(abnormal.ar.shape, np.nan)
    abnormal = replace(abnormal, v=days, path_v=days)
    p_conformal, p_min_conformal = (
        conformal(design, fits, spec.model, windows, side, strict=strict, refit=refitted_weights)
        if "conformal" in spec.active_tests
        else (empty, empty)
    )
    p_space, p_min_space = (
        placebo_space(design, fits, result, windows, side, strict=strict)
        if "placebo-space" in spec.active_tests
        else (empty, empty)
    )
    return Block(
        design=design,
        fits=fits,
        abnormal=abnormal,
        cars=result,
        ar_std_error=days,
        ar_t=days,
        ar_p=days,
        exact=ExactT(std_error=empty, t=empty, df=empty, p=empty, ci_low=empty, ci_high=empty, mde=empty),
        p_ar1=empty,
        p_local=empty,
        p_sq=empty,
        p_min_sq=empty,
        p_conformal=p_conformal,
        p_min_conformal=p_min_conformal,
        p_rank=empty,
        volatility=Volatility(ratio=empty, p_f=empty, p_conformal=empty, p_brown_forsythe=empty),
        p_boot=BootP(iid=empty, block=empty, stationary=empty),
        placebo=(),
        p_space=p_space,
        p_min_space=p_min_space,
    )


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
    base = fit(design, "constant-mean")
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
    zero = squares <= _EXACT_FIT**2 * np.where(size > 0, size, 1.0)
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


def refitted_weights(design: Design, model: Model, used: Bools) -> Floats:
    """Residuals of every day (E, D) when the weights come from the days ``used`` (E, D)."""
    del model
    residual = np.full(design.y.shape, np.nan)
    for i in np.flatnonzero(used.any(axis=1)):
        rows = np.flatnonzero(used[i])
        w = simplex_weights(design.y[i, rows], design.x[i, rows], design.span[i, rows])
        residual[i] = design.y[i] - design.x[i] @ w
    return residual


def placebo_space(
    design: Design,
    fits: Fits,
    result: Cars,
    windows: Sequence[tuple[int, int]],
    alternative: Alternative,
    *,
    strict: bool = False,
) -> tuple[Floats, Floats]:
    """``placebo-space``: the firm among its donors, each taken in turn as if the event were its own (Abadie, Diamond &
    Hainmueller 2010).

    Every donor gets a synthetic control from the other donors, never from the firm. The statistic is the CAR over the
    root mean squared prediction error of the estimation window; p is the rank of the firm's among all of them.

    Returns
    -------
    p, p_min : float64 (E, W)
        p_min = 1/(J + 1), J the donors that the others do not reproduce exactly.

    Checked against
    ---------------
    A loop with scipy's SLSQP (tests/oracles/test_synthetic.py).
    """
    p, p_min = (np.full(result.car.shape, np.nan) for _ in range(2))
    for i in np.flatnonzero(fits.rank_ok & (fits.s2 > 0)):
        errors, sizes = _donors_as_treated(design, fits, int(i))
        with np.errstate(invalid="ignore"):
            usable = sizes > _EXACT_FIT
        for w, (start, end) in enumerate(windows):
            if not window_complete(design, start, end, strict=strict)[i]:
                continue
            days = design.days(start, end)
            seen = design.observed[i, days]
            own = float(result.car[i, w] / np.sqrt(fits.s2[i]))
            ratios = errors[usable][:, days][:, seen].sum(axis=1) / sizes[usable]
            p[i, w] = extreme_count(np.append(ratios, own), own, alternative) / (len(ratios) + 1)
            p_min[i, w] = 1 / (len(ratios) + 1)
    return p, p_min


def _donors_as_treated(design: Design, fits: Fits, i: int) -> tuple[Floats, Floats]:
    """Prediction errors (J, D) of each donor of one event against the others, and their root mean square before."""
    rows = np.flatnonzero(fits.used[i])
    x, span = design.x[i], design.span[i]
    errors, sizes = np.empty((x.shape[1], len(x))), np.empty(x.shape[1])
    for j in range(x.shape[1]):
        others = np.delete(x, j, axis=1)
        w = simplex_weights(x[rows, j], others[rows], span[rows])
        errors[j] = x[:, j] - others @ w
        sizes[j] = np.sqrt((errors[j, rows] ** 2 / span[rows]).mean())
    return errors, sizes
