"""``conformal``: permutation in time by circular shifts (Chernozhukov, Wuethrich & Zhu 2021; methods 5.4)."""

from __future__ import annotations

import numpy as np

from eventstudy.engine.context import EventContext, SingleTest
from eventstudy.engine.panel import Floats
from eventstudy.engine.significance.laws import extreme_count


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


def conformal(context: EventContext) -> dict[str, Floats]:
    """The model is fitted on the estimation window and the test window together, which is what makes the p value valid
    in finite samples; masked estimation sessions stay out. S = |sum of the window's residuals|.

    Returns
    -------
    p_conformal, p_min_conformal : float64 (E, W)
        The smallest possible p is 1/T, T the number of sessions in the fit.
    """
    options, design = context.options, context.design
    p, p_min = context.empty(), context.empty()
    for w, (start, end) in enumerate(options.windows):
        days = design.days(start, end)
        used, residual = context.with_window(w)
        for i in np.flatnonzero(context.known(w)):
            ring = residual[i][used[i]]
            sums = circular_sums(ring, int(used[i, days].sum()))
            p[i, w] = extreme_count(sums, sums[-1], options.alternative) / len(ring)
            p_min[i, w] = 1 / len(ring)
    return {"p_conformal": p, "p_min_conformal": p_min}


TESTS = {
    "conformal": SingleTest(
        columns=("p_conformal", "p_min_conformal"),
        reads=frozenset({"days"}),
        cost=60.0,
        run=conformal,
        defined=("exact", "asymptotic", "forecast", "none"),
    )
}
