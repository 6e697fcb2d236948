"""``placebo-space``: the firm among its donors, each taken in turn as if the event were its own (Abadie, Diamond &
Hainmueller 2010)."""

from __future__ import annotations

import numpy as np

from eventstudy.engine.context import EventContext, SingleTest
from eventstudy.engine.panel import Bools, Floats
from eventstudy.engine.significance.distributions import extreme_count
from eventstudy.engine.significance.inversion import conformal_set, space_set
from eventstudy.engine.synthetic import EXACT_FIT, simplex_weights
from eventstudy.engine.windows import Design


def placebo_space(context: EventContext) -> dict[str, Floats]:
    """Every donor gets a synthetic control from the other donors, never from the firm. The statistic is the CAR over
    the root mean squared prediction error of the estimation window; p is the rank of the firm's among all of them.

    Returns
    -------
    p_space, p_min_space, space_low, space_high, ci_low, ci_high : float64 (E, W)
        The smallest possible p is 1/(J + 1), J the donors that the others do not reproduce exactly. The sets of effects
        that are not rejected, two-sided: ``space_*`` by the donors' ratios, ``ci_*`` by circular shifts (methods A9).

    Checked against
    ---------------
    A loop with scipy's SLSQP (tests/oracles/test_synthetic.py).
    """
    p, p_min, found, design = context.empty(), context.empty(), context.measures, context.design
    low, high, first, last = (context.empty() for _ in range(4))
    alpha = 1 - context.options.level
    known = np.stack([context.known(w) for w in range(len(context.options.windows))], axis=1)
    for i in map(int, np.flatnonzero(known.any(axis=1))):
        errors, sizes = _donors_as_treated(design, context.fits.used, i)
        with np.errstate(invalid="ignore"):
            usable = sizes > EXACT_FIT
        for w in np.flatnonzero(known[i]):
            days = design.days(*context.options.windows[w])
            seen = design.observed[i, days]
            own = float(found.car[i, w] / np.sqrt(found.s2[i]))
            ratios = errors[usable][:, days][:, seen].sum(axis=1) / sizes[usable]
            p[i, w] = extreme_count(np.append(ratios, own), own, context.options.alternative) / (len(ratios) + 1)
            p_min[i, w] = 1 / (len(ratios) + 1)
            car, size = float(found.car[i, w]), float(np.sqrt(found.s2[i]))
            low[i, w], high[i, w] = space_set(car, size, ratios, alpha)
            first[i, w], last[i, w] = conformal_set(design, i, context.with_window(int(w))[0][i], days, car, alpha)
    sets = {"space_low": low, "space_high": high, "ci_low": first, "ci_high": last}
    return {"p_space": p, "p_min_space": p_min, **sets}


def _donors_as_treated(design: Design, used: Bools, i: int) -> tuple[Floats, Floats]:
    """Prediction errors (J, D) of each donor of one event against the others, and their root mean square before."""
    rows = np.flatnonzero(used[i])
    x, span = design.x[i], design.span[i]
    errors, sizes = np.empty((x.shape[1], len(x))), np.empty(x.shape[1])
    for j in range(x.shape[1]):
        others = np.delete(x, j, axis=1)
        w = simplex_weights(x[rows, j], others[rows], span[rows])
        errors[j] = x[:, j] - others @ w
        sizes[j] = np.sqrt((errors[j, rows] ** 2 / span[rows]).mean())
    return errors, sizes


TESTS = {
    "placebo-space": SingleTest(
        columns=("p_space", "p_min_space", "space_low", "space_high"),
        reads=frozenset({"days", "donors"}),
        cost=60_000.0,
        run=placebo_space,
        defined=("none",),
    )
}
