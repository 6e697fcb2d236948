"""``conformal``: permutation in time by circular shifts (Chernozhukov, Wuethrich & Zhu 2021; methods 5.4)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from eventstudy.engine.context import EventContext, SingleTest
from eventstudy.engine.panel import Bools, Floats, Ints


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


def rings(values: Floats, used: Bools, rows: Ints, days: slice) -> Iterator[tuple[Ints, Floats, int]]:
    """The used values of each event, those with equally many at a time.

    Parameters
    ----------
    values, used : (E, D)
    rows : int64 (k,)
        The events.
    days : slice
        Columns of the test window, after all others that are used.

    Yields
    ------
    int64 (g,), float64 (T, g), int
        Events, their T values in order of time, and how many of these are the window's.
    """
    sizes = np.stack([used[rows].sum(axis=1), used[rows, days].sum(axis=1)], axis=1)
    for size in np.unique(sizes, axis=0):
        group = rows[(sizes == size).all(axis=1)]
        yield group, np.ascontiguousarray(values[group][used[group]].reshape(len(group), size[0]).T), int(size[1])


def conformal(context: EventContext) -> dict[str, Floats]:
    """The model is fitted on the estimation window and the test window together, which is what makes the p value valid
    in finite samples; masked estimation sessions stay out. S = |sum of the window's residuals|.

    Returns
    -------
    p_conformal, p_min_conformal : float64 (E, W)
        The smallest possible p is 1/T, T the number of sessions in the fit.
    """
    p, p_min, side = context.empty(), context.empty(), context.options.alternative
    for w, window in enumerate(context.options.windows):
        used, residual = context.with_window(w)
        for rows, ring, length in rings(residual, used, np.flatnonzero(context.known(w)), context.design.days(*window)):
            sums = circular_sums(ring, length)
            own = sums[-1]
            extreme = {"less": sums <= own, "greater": sums >= own}.get(side, np.abs(sums) >= np.abs(own))
            p[rows, w], p_min[rows, w] = extreme.mean(axis=0), 1 / len(sums)
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
