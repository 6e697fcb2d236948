"""Inference on numbers that come one per date: sign flips, the stationary bootstrap, step-down over variants."""

from __future__ import annotations

import numpy as np

from eventstudy.engine.panel import Bools, Floats, Ints
from eventstudy.engine.significance.distributions import t_p_value
from eventstudy.engine.significance.multiple import romano_wolf
from eventstudy.evaluate.wild import ENUMERATED_UP_TO

# Below, the distribution of a mean over dates is that of its sign flips, not Student's.
FEW_DATES = 30
FLIPS = 9999
DRAWS = 1999
SEED = 20250416


def date_means(values: Floats, date: Ints) -> tuple[Floats, Ints]:
    """Mean of the finite values of each date, and the dates, oldest first."""
    known = np.isfinite(values)
    dates, which = np.unique(date[known], return_inverse=True)
    return np.bincount(which, values[known], len(dates)) / np.bincount(which, minlength=len(dates)), dates


def better_than_nothing(gain: Floats) -> tuple[float, float]:
    """Diebold and Mariano's t of the mean of date means, and the p value that it is not above zero.

    Student's t with G - 1 degrees of freedom from 30 dates on; below, the share of sign patterns whose mean is at least
    as large: all 2^G up to twelve dates, 9,999 drawn with the +1 rule beyond. NaN without variance.

    Checked against
    ---------------
    Every pattern in a loop, and statsmodels' t of a mean.
    """
    n = len(gain)
    if n < 2 or not gain.std() > 1e-12 * np.abs(gain).max():
        return np.nan, np.nan
    t = float(np.sqrt(n) * gain.mean() / gain.std(ddof=1))
    if n >= FEW_DATES:
        return t, float(t_p_value(np.array([t]), np.array([n - 1.0]), "greater")[0])
    least = gain.sum() - 1e-9 * np.abs(gain).sum()
    if n <= ENUMERATED_UP_TO:
        bits = (np.arange(2**n)[:, None] >> np.arange(n)[None, :]) & 1
        return t, float(np.mean((1.0 - 2.0 * bits) @ gain >= least))
    rng = np.random.default_rng(np.random.SeedSequence([SEED, n]))
    flipped = (1.0 - 2.0 * rng.integers(0, 2, (FLIPS, n))) @ gain
    return t, float((1 + np.count_nonzero(flipped >= least)) / (FLIPS + 1))


def stationary_places(n: int, length: float, draws: int, seed: int) -> Ints:
    """Positions of each draw of the stationary bootstrap (Politis & Romano 1994): (draws, n).

    Blocks begin anywhere, run around the end and have a geometric length of this mean.
    """
    rng = np.random.default_rng(np.random.SeedSequence([seed, n]))
    fresh = rng.random((draws, n)) < 1 / length
    fresh[:, 0] = True
    begun = rng.integers(0, n, (draws, n))
    start = np.maximum.accumulate(np.where(fresh, np.arange(n), 0), axis=1)
    return np.asarray((np.take_along_axis(begun, start, axis=1) + np.arange(n) - start) % n)


def bootstrap_t(pnl: Floats, traded: Bools, length: float) -> tuple[Floats, Floats, Floats]:
    """Studentised means of several variants and their common bootstrap distribution.

    Parameters
    ----------
    pnl : float64 (V, G)
        Profit of each variant on each date; 0 where it does not trade.
    traded : bool (V, G)
        Dates on which a variant trades; its own mean and deviation are taken over them.
    length : float
        Mean block length in dates.

    Returns
    -------
    t : float64 (V,)
        NaN for a variant with fewer than two dates or no variance.
    draws : float64 (V, B)
        Centred t of each resample of whole dates, the same dates for all variants; NaN where undefined.
    std_error : float64 (V,)
    """
    places = stationary_places(pnl.shape[1], length, DRAWS, SEED)
    mean, error = _mean_and_error(pnl, traded.astype(np.float64))
    draws = np.empty((len(pnl), DRAWS))
    for v in range(len(pnl)):
        own = traded[v].astype(np.float64)[places]
        drawn, deviation = _mean_and_error(pnl[v][places], own)
        with np.errstate(invalid="ignore", divide="ignore"):
            draws[v] = np.where(deviation > 0, (drawn - mean[v]) / deviation, np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(error > 0, mean / error, np.nan), draws, error


def _mean_and_error(pnl: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Mean over traded dates and its standard error, along the last axis."""
    count = weight.sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = (pnl * weight).sum(axis=-1) / count
        about = ((pnl - mean[..., None]) ** 2 * weight).sum(axis=-1)
        error = np.sqrt(about / (count - 1) / count)
    return np.where(count > 0, mean, np.nan), np.where(count > 1, error, np.nan)


def upper_p(t: Floats, draws: Floats) -> Floats:
    """p value that a variant earns nothing, one-sided, +1 rule; undefined resamples count against it. (V,)."""
    more = (~(draws < t[:, None])).sum(axis=1)
    return np.asarray(np.where(np.isfinite(t), (1 + more) / (draws.shape[1] + 1), np.nan))


def stepwise_p(t: Floats, draws: Floats) -> Floats:
    """Romano & Wolf (2005) one-sided: the p value of each variant once all variants tried are counted. (V,).

    Losses are clipped to zero, so that only earning counts as extreme.
    """
    found = np.full(len(t), np.nan)
    known = np.isfinite(t)
    if known.any():
        # an undefined resample of a variant is as large as any
        clipped = np.maximum(np.nan_to_num(draws[known], nan=np.inf), 0.0).T
        found[known] = romano_wolf(np.maximum(t[known], 0.0), clipped, identity_included=False)
    return found
