"""``conformal``: permutation in time by circular shifts (Chernozhukov, Wuethrich & Zhu 2021; methods 5.4 and
A1)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from eventstudy.engine.context import EventContext, SingleTest
from eventstudy.engine.panel import Bools, Floats, Ints
from eventstudy.engine.significance.distributions import Alternative
from eventstudy.engine.significance.rank_limits import EQUAL


def as_far(sums: Floats, side: Alternative) -> Bools:
    """Sums at least as far as the last, by size where both sides are tested; ties are as far: bool (T, ...)."""
    sums = {"less": np.negative, "greater": np.positive}.get(side, np.abs)(sums)
    return np.asarray(sums >= sums[-1] - EQUAL * np.abs(sums[-1]))


def circular_sums(values: Floats, weights: Floats) -> Floats:
    """Weighted sums over k consecutive rows of a series closed to a ring; entry t ends at row t.

    Every sum is added in the order of its own rows, so the observed one is found again to the last bit.

    Parameters
    ----------
    values : float64 (T, ...)
    weights : float64 (k,) or (k, ...)
        Of the rows of a sum, first row first; they stay in place while the values go round.

    Returns
    -------
    float64 (T, ...)
    """
    n, k = len(values), len(weights)
    closed = np.concatenate([values[n - k + 1 :], values])
    total = weights[0] * closed[:n]
    for j in range(1, k):
        total += weights[j] * closed[j : j + n]
    return np.asarray(total)


def rings(values: Floats, used: Bools, span: Floats, rows: Ints, days: slice) -> Iterator[tuple[Ints, Floats, Floats]]:
    """The used values of each event, those with equally many at a time.

    Parameters
    ----------
    values, used, span : (E, D)
    rows : int64 (k,)
        The events.
    days : slice
        Columns of the test window, after all others that are used.

    Yields
    ------
    int64 (g,), float64 (T, g), float64 (k, g)
        Events, their T values in order of time, and the square roots of the sessions that the window's k rows cover.
    """
    sizes = np.stack([used[rows].sum(axis=1), used[rows, days].sum(axis=1)], axis=1)
    for size in np.unique(sizes, axis=0):
        group = rows[(sizes == size).all(axis=1)]
        ring = values[group][used[group]].reshape(len(group), size[0])
        covered = span[group, days][used[group, days]].reshape(len(group), size[1])
        yield group, np.ascontiguousarray(ring.T), np.sqrt(covered.T)


def conformal(context: EventContext) -> dict[str, Floats]:
    """The model is fitted on the estimation window and the test window together, which is what makes the p value valid
    in finite samples; masked estimation sessions stay out.

    Under the null hypothesis what can be exchanged is z = u / sqrt(n), u the residual of a return over n sessions. S is
    |sum sqrt(m_j) z_j| over the window's rows, whose spans m_j stay in place while z is shifted (methods A1): residuals
    themselves would reject 16 to 52 % after missing closes.

    Returns
    -------
    p_conformal, p_min_conformal : float64 (E, W)
        The smallest possible p is 1/T, T the number of rows in the fit.
    """
    if (made := context.compiled("p_conformal", "p_min_conformal")) is not None:
        return made
    p, p_min, side = context.empty(), context.empty(), context.options.alternative
    for w, window in enumerate(context.options.windows):
        (used, z), span, days = context.with_window(w), context.design.span, context.design.days(*window)
        for rows, ring, roots in rings(z, used, span, np.flatnonzero(context.known(w)), days):
            far = as_far(circular_sums(ring, roots), side)
            p[rows, w], p_min[rows, w] = far.mean(axis=0), 1 / len(far)
    return {"p_conformal": p, "p_min_conformal": p_min}


TESTS = {
    "conformal": SingleTest(
        columns=("p_conformal", "p_min_conformal"),
        reads=frozenset({"days"}),
        cost=20.0,
        run=conformal,
        defined=("exact", "asymptotic", "forecast", "none"),
    )
}
