"""Confidence sets by inverting a test: the effects that it does not reject (methods A9)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from eventstudy.engine.panel import Bools, Floats
from eventstudy.engine.significance.conformal import circular_sums
from eventstudy.engine.synthetic import simplex_weights
from eventstudy.engine.windows import Design

# doublings of the first step after which a set counts as the whole line
DOUBLINGS = 40
# halvings of a bracket: the exit is known to a billionth of its distance
HALVINGS = 40


def first_exit(p_of: Callable[[float], float], start: float, step: float, alpha: float) -> float:
    """The first effect on one side of ``start`` that the test rejects, p <= alpha, by doubling and bisection.

    Parameters
    ----------
    p_of : callable
        Effect -> p value.
    start, step : float
        Where the search begins, and its first step; the sign is the side.

    Returns
    -------
    float
        NaN where nothing is rejected on this side. The set may have gaps beyond the exit.
    """
    inside, width = start, step
    for _ in range(DOUBLINGS):
        outside = start + width
        if p_of(outside) <= alpha:
            break
        inside, width = outside, 2 * width
    else:
        return float("nan")
    for _ in range(HALVINGS):
        middle = (inside + outside) / 2
        if p_of(middle) <= alpha:
            outside = middle
        else:
            inside = middle
    return (inside + outside) / 2


def conformal_set(design: Design, i: int, rows: Bools, days: slice, car: float, alpha: float) -> tuple[float, float]:
    """Effects on the window of event i that circular shifts do not reject against a synthetic control.

    An effect is taken off the window's returns in proportion to the sessions that they cover, and the weights are
    fitted again with the window for each.

    Parameters
    ----------
    rows : bool (D,)
        Estimation days and those of the window.
    days : slice
        Columns of the window.

    Returns
    -------
    (low, high)
        NaN where the set is the whole line: always for alpha < 1/T, T the rows.

    Checked against
    ---------------
    A grid of effects with scipy's SLSQP, and the golden values of the reference (tests/oracles/test_synthetic_sets.py).
    """
    at = np.flatnonzero(rows)
    y, x, span = design.y[i, at], design.x[i, at], design.span[i, at]
    window = at >= days.start
    share = np.where(window, span, 0.0) / span[window].sum()
    roots = np.sqrt(span[window])

    def p_of(effect: float) -> float:
        less = y - effect * share
        z = (less - x @ simplex_weights(less, x, span)) / np.sqrt(span)
        sums = np.abs(circular_sums(z, roots))
        return float(np.mean(sums >= sums[-1]))

    if not alpha >= 1 / len(at) or not np.isfinite(car):
        return float("nan"), float("nan")
    step = float(np.sqrt(((y[~window] - y[~window].mean()) ** 2).mean()))
    if not step > 0:
        return float("nan"), float("nan")
    return first_exit(p_of, car, -step, alpha), first_exit(p_of, car, step, alpha)


def space_set(car: float, size: float, ratios: Floats, alpha: float) -> tuple[float, float]:
    """Constant effects that placebos in space do not reject (Firpo & Possebom 2018): CAR +- RMSPE times the k-th
    largest of the J donors' ratios |CAR| / RMSPE, k = floor(alpha (J + 1)); NaN, the whole line, for k = 0."""
    # alpha is 1 - level: a whole number may be missed by rounding
    k = int(np.floor(alpha * (len(ratios) + 1) + 1e-9))
    if k < 1:
        return float("nan"), float("nan")
    half = size * float(np.sort(np.abs(ratios))[-k])
    return car - half, car + half
