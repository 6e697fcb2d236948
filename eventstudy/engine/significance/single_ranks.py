"""Rank tests of the event day among the event's own days (methods 5.3, 5.6); windows of one day only."""

from __future__ import annotations

import numpy as np

from eventstudy.engine.context import EventContext, SingleTest
from eventstudy.engine.panel import Floats


def _places(context: EventContext, w: int) -> tuple[Floats, Floats, Floats]:
    """Number of estimation residuals below the day's abnormal return, and number equal to it; NaN without a
    return.

    Both of one-session scale. The third number is M, the residuals there are.
    """
    fits, (start, _) = context.fits, context.options.windows[w]
    residual = np.where(fits.used, fits.scaled[:, : fits.used.shape[1]], np.nan)
    value = fits.scaled[:, context.design.plan.column(start), None]
    known = np.isfinite(value[:, 0]) & fits.rank_ok & (fits.s2 > 0)
    with np.errstate(invalid="ignore"):
        below, equal = (residual < value).sum(axis=1), (residual == value).sum(axis=1)
    return np.where(known, below, np.nan), np.where(known, equal, np.nan), fits.used.sum(axis=1).astype(np.float64)


def sample_quantile(context: EventContext) -> dict[str, Floats]:
    """``sq``: rank of the event day's AR among the estimation residuals (Gelbach, Helland & Klick 2013).

    Valid for any error distribution as M grows; discrete. Two-sided is twice the smaller tail, capped at 1, with the +1
    rule; ties count against rejection.

    Returns
    -------
    p_sq, p_min_sq : float64 (E, W)
        NaN for longer windows, without an AR, or with zero variance.
    """
    p, p_min, side = context.empty(), context.empty(), context.options.alternative
    for w in context.one_day_windows:
        below, equal, m = _places(context, w)
        lower, upper = (1 + below + equal) / (m + 1), (1 + m - below) / (m + 1)
        least = np.where(np.isfinite(below), 1 / (m + 1), np.nan)
        two_sided = np.minimum(1.0, 2 * np.minimum(lower, upper))
        p[:, w] = {"less": lower, "greater": upper}.get(side, two_sided)
        p_min[:, w] = np.minimum(1.0, 2 * least) if side == "two-sided" else least
    return {"p_sq": p, "p_min_sq": p_min}


def rank_exact(context: EventContext) -> dict[str, Floats]:
    """``rank-exact``: the event day's rank among the M + 1 values, by its exact discrete distribution.

    Two-sided is min(1, 2 min(r, T + 1 - r)/T), tied values sharing their average rank. Without ties it equals ``sq``.
    """
    p, side = context.empty(), context.options.alternative
    for w in context.one_day_windows:
        below, equal, m = _places(context, w)
        rank, t = below + equal / 2 + 1, m + 1
        lower, upper = rank / t, (t + 1 - rank) / t
        two_sided = np.minimum(1.0, 2 * np.minimum(lower, upper))
        p[:, w] = {"less": lower, "greater": upper}.get(side, two_sided)
    return {"p_rank": p}


TESTS = {
    "sq": SingleTest(columns=("p_sq", "p_min_sq"), reads=frozenset({"days"}), cost=2.0, run=sample_quantile),
    "rank-exact": SingleTest(columns=("p_rank",), reads=frozenset({"days"}), cost=2.0, run=rank_exact),
}
