"""Several hypotheses at once (methods section 11)."""

from __future__ import annotations

import numpy as np

from eventstudy.engine.panel import Floats


def holm(p: Floats) -> Floats:
    """Holm (1979) step-down adjusted p values: family-wise error under any dependence.

    Parameters
    ----------
    p : float64 (m,)
        Unadjusted; NaN entries stay NaN and do not count.
    """
    adjusted = np.full(p.shape, np.nan)
    order = [i for i in np.argsort(p, kind="stable") if np.isfinite(p[i])]
    running = 0.0
    for rank, i in enumerate(order):
        running = max(running, min(1.0, (len(order) - rank) * p[i]))
        adjusted[i] = running
    return adjusted


def romano_wolf(observed: Floats, draws: Floats, *, identity_included: bool) -> Floats:
    """Romano & Wolf (2005) step-down max-|t| adjusted p values.

    Parameters
    ----------
    observed : float64 (m,)
        Studentised statistics.
    draws : float64 (B, m)
        The same statistics on B null days, each row from one day, which keeps the dependence.
    identity_included : bool
        Whether ``draws`` holds the observed row itself (permutation); otherwise the +1 rule adds it.

    Returns
    -------
    float64 (m,)
    """
    size, extreme = np.abs(observed), np.abs(draws)
    extra = 0 if identity_included else 1
    order = np.argsort(-size, kind="stable")
    adjusted = np.empty(len(size))
    running = 0.0
    for rank, k in enumerate(order):
        worst = extreme[:, order[rank:]].max(axis=1)
        p = (extra + np.count_nonzero(worst >= size[k])) / (len(draws) + extra)
        running = max(running, p)
        adjusted[k] = running
    return adjusted
