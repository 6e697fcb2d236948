"""Does a test reject as often as it says, and not in bunches? Rates with their uncertainty, and the backtests of bands.

A rejection of a two-sided test at level a is a session outside its 1 - a prediction band, so the same hits answer both
questions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from eventstudy.engine.panel import Bools, Floats, Ints

# Rejections of one month are not independent: volatility lasts, windows overlap, and firms share their days.
FEWEST_SPAN_DAYS = 28


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """Rejection rate of a test.

    Attributes
    ----------
    std_error : float
        Clustered by spans of calendar days, never below the binomial one. NaN without sessions.
    n_effective : float
        Independent sessions that would give this standard error.
    low, high : float
        Wilson interval of the rate with ``n_effective`` sessions.
    """

    n: int
    rejections: int
    rate: float
    std_error: float
    n_effective: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Backtest of a band on windows that do not overlap; likelihood ratios and p values, NaN where undefined.

    Attributes
    ----------
    n, hits : int
        Windows, and those outside the band.
    kupiec, p_kupiec : float
        Unconditional coverage (Kupiec 1995), chi2(1).
    christoffersen, p_christoffersen : float
        Independence against first-order dependence (Christoffersen 1998), chi2(1); NaN without a pair of neighbours
        that starts with a hit.
    p_both : float
        Conditional coverage: the sum of both, chi2(2).
    """

    n: int
    hits: int
    kupiec: float
    p_kupiec: float
    christoffersen: float
    p_christoffersen: float
    p_both: float


def rejection_rate(rejected: Bools, day_number: Ints, length: int, n_apart: int) -> Rate:
    """Share of rejections, with a 95 % interval and a standard error that respects months, overlap and shared days.

    Parameters
    ----------
    rejected : bool (n,)
        Of one firm or of several firms together.
    day_number : int64 (n,)
        Calendar day of each.
    length : int
        Sessions of the window; spans are seven days a session long, 28 at least.
    n_apart : int
        Windows that do not overlap: what counts where nothing, or everything, was rejected.

    Checked against
    ---------------
    The clustered covariance of statsmodels' OLS on a constant, and its Wilson interval.
    """
    n, count = len(rejected), int(np.count_nonzero(rejected))
    if n == 0:
        return Rate(n=0, rejections=0, rate=np.nan, std_error=np.nan, n_effective=0.0, low=np.nan, high=np.nan)
    rate = count / n
    effective = float(min(n, max(n_apart, 1)))
    if 0 < count < n:
        _, span = np.unique(day_number // max(FEWEST_SPAN_DAYS, 7 * length), return_inverse=True)
        groups = int(span.max()) + 1
        sums = np.bincount(span, weights=rejected - rate)
        variance = float((sums**2).sum()) / n**2 * groups / (groups - 1) if groups > 1 else 0.0
        effective = min(float(n), rate * (1 - rate) / variance) if variance > 0 else effective
    low, high = wilson(rate, effective, 0.95)
    return Rate(
        n=n,
        rejections=count,
        rate=rate,
        std_error=float(np.sqrt(rate * (1 - rate) / effective)),
        n_effective=effective,
        low=low,
        high=high,
    )


def wilson(rate: float, n: float, confidence: float) -> tuple[float, float]:
    """Wilson's (1927) interval of a share seen in n independent draws."""
    z = float(special.ndtri(0.5 + confidence / 2))
    centre = (rate + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * float(np.sqrt(rate * (1 - rate) / n + z**2 / (4 * n**2)))
    return max(0.0, centre - half), min(1.0, centre + half)


def coverage(hits: Bools, session: Ints, length: int, level: float) -> Coverage:
    """Kupiec's and Christoffersen's tests of the hits of a band that should be missed with probability ``level``.

    Parameters
    ----------
    hits : bool (n,)
        In order of time, windows that do not overlap.
    session : int64 (n,)
        Position of each day 0: neighbours are ``length`` sessions apart; across a mask or a hole there is no pair.

    Checked against
    ---------------
    Both likelihoods written out by hand with ``scipy.stats.chi2``; sizes by simulation (tests/engine/test_coverage.py).
    """
    n, count = len(hits), int(np.count_nonzero(hits))
    if n == 0:
        nan = np.nan
        return Coverage(n=0, hits=0, kupiec=nan, p_kupiec=nan, christoffersen=nan, p_christoffersen=nan, p_both=nan)
    kupiec = 2 * (_log_likelihood(count, n, count / n) - _log_likelihood(count, n, level))
    pair = np.diff(session) == length
    before, after = hits[:-1][pair], hits[1:][pair]
    stays, comes = int((before & after).sum()), int((~before & after).sum())
    from_hit, from_none = int(before.sum()), int((~before).sum())
    independence = np.nan
    if from_hit and from_none:
        apart = _log_likelihood(stays, from_hit, stays / from_hit) + _log_likelihood(
            comes, from_none, comes / from_none
        )
        together = _log_likelihood(stays + comes, from_hit + from_none, (stays + comes) / (from_hit + from_none))
        independence = max(0.0, 2 * (apart - together))
    kupiec = max(0.0, kupiec)
    return Coverage(
        n=n,
        hits=count,
        kupiec=kupiec,
        p_kupiec=_chi2(kupiec, 1),
        christoffersen=independence,
        p_christoffersen=_chi2(independence, 1),
        p_both=_chi2(kupiec + independence, 2),
    )


def _log_likelihood(hits: int, n: int, share: float) -> float:
    """Of a Bernoulli sequence; 0 log 0 is 0."""
    return float(special.xlogy(hits, share) + special.xlog1py(n - hits, -share))


def _chi2(statistic: float, df: int) -> float:
    return float(special.chdtrc(df, statistic))


def extreme_tenths(values: Floats) -> tuple[Bools, Bools]:
    """Which values lie in the lowest and in the highest tenth of the finite ones."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return np.zeros(values.shape, dtype=bool), np.zeros(values.shape, dtype=bool)
    low, high = np.quantile(finite, [0.1, 0.9])
    with np.errstate(invalid="ignore"):
        return np.asarray(values <= low), np.asarray(values >= high)
