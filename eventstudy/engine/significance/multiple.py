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
    known = int(np.isfinite(p).sum())
    # equal p values get the largest of their steps, in whatever order they come
    order = np.argsort(p)[:known]
    steps = np.minimum(1.0, np.arange(known, 0, -1) * p[order])
    adjusted[order] = np.maximum.accumulate(steps) if known else steps
    return adjusted


def bonferroni(p: Floats) -> Floats:
    """Bonferroni adjusted p values: m p, capped at 1; NaN entries do not count. (m,) float64."""
    return np.asarray(np.minimum(1.0, np.isfinite(p).sum() * p))


def benjamini_hochberg(p: Floats) -> Floats:
    """``bh`` (Benjamini & Hochberg 1995): step-up adjusted p values; false discovery rate under independence or
    positive dependence. (m,) float64, NaN entries stay NaN and do not count."""
    adjusted = np.full(p.shape, np.nan)
    order = [i for i in np.argsort(p, kind="stable") if np.isfinite(p[i])]
    running = 1.0
    for rank in range(len(order), 0, -1):
        i = order[rank - 1]
        running = min(running, len(order) * p[i] / rank)
        adjusted[i] = running
    return adjusted


def benjamini_yekutieli(p: Floats) -> Floats:
    """``by`` (Benjamini & Yekutieli 2001): the same times the harmonic sum; false discovery rate under any
    dependence. (m,) float64."""
    m = int(np.isfinite(p).sum())
    return np.asarray(np.minimum(1.0, benjamini_hochberg(p) * sum(1 / j for j in range(1, m + 1))))


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
