"""Permutation p values of regression slopes: Freedman & Lane (1983) with a robust t (methods A8)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from eventstudy.engine.panel import Floats, Ints
from eventstudy.evaluate.coefficients import Coefficient, Sample, adjusted

DRAWS = 999
SEED = 20250416
# rows beyond the coefficients below which nothing can be permuted
FEWEST_SPARE = 4
LIMITS = (
    "tests that the column is unrelated to the error, not that the slope is zero: 6 to 13 % where the variance grows "
    "with the column"
)


def freedman_lane(y: Floats, x: Floats, column: int, orders: Ints) -> tuple[float, float]:
    """HC3 t of one slope and its p value among permuted samples.

    The response is regressed on the other columns; its residuals are put into each order, the fit is added back, and
    the full model is fitted again: p = (1 + number with |t*| >= |t|) / (B + 1). Valid for exchangeable errors of any
    distribution.

    Parameters
    ----------
    y : float64 (N,)
    x : float64 (N, k)
        Of full rank, no row fitted exactly.
    orders : int64 (B, N)
        Permutations of the rows.

    Checked against
    ---------------
    The golden example and statsmodels refitted on every order (tests/oracles/test_permuted.py).
    """
    others = np.delete(x, column, axis=1)
    fitted = others @ np.linalg.lstsq(others, y, rcond=None)[0] if others.shape[1] else np.zeros(len(y))
    drawn = _robust_t(fitted + (y - fitted)[orders], x, column)
    observed = float(_robust_t(y[None], x, column)[0])
    more = int(np.count_nonzero(~(np.abs(drawn) < abs(observed) * (1 - 1e-12))))
    return observed, (1 + more) / (len(orders) + 1)


def _robust_t(y: Floats, x: Floats, column: int) -> Floats:
    """Coefficient over its HC3 deviation for each row of y, (B, N) -> (B,)."""
    q, r = np.linalg.qr(x)
    solve = np.linalg.solve(r, q.T)
    leverage = (q**2).sum(axis=1)
    residual = (y - (y @ q) @ q.T) / (1 - leverage)
    return np.asarray((y @ solve[column]) / np.sqrt((residual * solve[column]) ** 2 @ np.ones(len(x))))


def permuted_lines(sample: Sample, dates: int, beside: Sequence[Coefficient]) -> list[Coefficient]:
    """Every slope by permutation of the rows, of the dates' means where several rows share a date; the constant
    has no p value, because permuted residuals keep their mean."""
    y, x = sample.y, sample.x
    several = 1 < dates < len(y)
    if several:
        count = np.bincount(sample.cluster).astype(np.float64)
        y = np.bincount(sample.cluster, weights=y) / count
        x = np.stack([np.bincount(sample.cluster, weights=column) / count for column in x.T], axis=1)
    n, k = x.shape
    what = "dates" if several else "rows"
    reason = "" if n - k >= FEWEST_SPARE else f"{n} {what} for {k} coefficients: {FEWEST_SPARE} more are needed"
    if not reason and np.linalg.matrix_rank(x) < k:
        reason = "the columns repeat each other in the means of the dates"
    if not reason and (np.linalg.qr(x)[0] ** 2).sum(axis=1).max() > 1 - 1e-9:
        reason = "a row is fitted exactly"
    rng = np.random.default_rng(np.random.SeedSequence([SEED, n]))
    orders = np.argsort(rng.random((DRAWS, n)), axis=1)
    lines = []
    for j, other in enumerate(beside):
        constant = bool(np.ptp(sample.x[:, j]) == 0)
        why = "permuted residuals keep their mean" if constant else reason
        t, p = (math.nan, math.nan) if why else freedman_lane(y, x, j, orders)
        defined = math.isfinite(t) and other.applicable != "no"
        means = f"means of {n} dates are permuted; " if several else ""
        lines.append(
            replace(
                other,
                variance="freedman-lane",
                std_error=math.nan,
                statistic=t if defined else math.nan,
                null="permutation",
                df=str(DRAWS) if defined else "",
                p=p if defined else math.nan,
                ci_low=math.nan,
                ci_high=math.nan,
                applicable="yes" if defined else "no",
                reason=f"{means}{LIMITS}" if defined else why or "the residuals do not vary",
            )
        )
    return adjusted(lines)
