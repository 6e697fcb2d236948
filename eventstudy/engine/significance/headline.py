"""The one p value of an event and window, and the interval that goes with it (methods A4).

The exact t is wrong where the variance has moved before the event, and a rank among the sessions before cannot tell
fat tails from a small sample: an event counts as unusual where both find it so.
"""

from __future__ import annotations

import numpy as np

from eventstudy.engine.panel import Bools, Floats
from eventstudy.engine.significance.distributions import Alternative
from eventstudy.engine.significance.single import ExactT

# p values are shares of small numbers: rounding decides nothing
ROUNDING = 1e-12
MOVED = 0.25


def unusual(p: Floats, level: float) -> Bools:
    """Whether p is at most 1 - level; false for NaN."""
    return np.asarray(p <= 1 - level + ROUNDING)


def headline(
    exact: ExactT, p_rank: Floats, rank_low: Floats, rank_high: Floats, alternative: Alternative
) -> dict[str, Floats]:
    """The larger of the exact t and ``rank-local``, and the hull of the intervals that invert them; (E, W) each.

    One-sided it is ``rank-local`` alone, whose one-sided p values alone hold under skewness. Where too few windows
    rank the event it is the t, and where a model has no t distribution the rank.

    Returns
    -------
    p_headline, headline_low, headline_high : float64 (E, W)
        Zero lies outside the interval exactly where p_headline <= 1 - level. NaN bounds: there is none on that side.

    Checked against
    ---------------
    Both tests by loops (tests/oracles/test_headline.py); sizes in tests/properties/headline_validation.py.
    """
    ranked, tested = np.isfinite(p_rank), np.isfinite(exact.p)
    alone = ranked & (~tested | (alternative != "two-sided"))
    both = ranked & ~alone
    with np.errstate(invalid="ignore"):
        joined = {
            "p_headline": (exact.p, p_rank, np.maximum(exact.p, p_rank)),
            # a missing bound lies at infinity, which the wider interval keeps
            "headline_low": (exact.ci_low, rank_low, np.minimum(exact.ci_low, rank_low)),
            "headline_high": (exact.ci_high, rank_high, np.maximum(exact.ci_high, rank_high)),
        }
    return {name: np.where(both, wider, np.where(alone, rank, t)) for name, (t, rank, wider) in joined.items()}


def scale_moved(local_scale: Floats) -> Bools:
    """Whether the volatility of the last 20 sessions differs by more than a quarter from that of the estimation window:
    interval and detectable effect are then said at both scales."""
    with np.errstate(invalid="ignore"):
        return np.asarray(np.abs(local_scale - 1) > MOVED)


def ordinary_days(p: float, smallest: float) -> tuple[int, int]:
    """Number of ordinary windows as large as the event's, and of all, from ``p_rank_local`` and its smallest
    possible value 1/K, which the event itself takes up; (0, 0) where there is no rank."""
    if not np.isfinite(p) or not smallest > 0:
        return 0, 0
    return round(p / smallest) - 1, round(1 / smallest) - 1
