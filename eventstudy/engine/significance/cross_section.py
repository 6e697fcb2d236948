"""Many events: tests across rows (methods section 7). Each is summarise -> merge -> finalise on ``Moments``."""

from __future__ import annotations

import numpy as np

from eventstudy.engine.moments import Moments
from eventstudy.engine.significance.cluster import TestResult
from eventstudy.engine.significance.laws import Alternative, t_p_value

FEW_EVENTS = 10


def csect_t(moments: Moments, n_dates: int, alternative: Alternative = "two-sided") -> TestResult:
    """``csect-t``: sqrt(N) mean / sd with N - 1 degrees of freedom (methods 7.1).

    Assumes events independent of one another: with rho = 0.3 on one date it rejects 33 % (N = 10) at nominal 5 %.

    Parameters
    ----------
    moments : Moments
        Of the CARs, one per (ticker, day 0).
    n_dates : int
        Distinct day-0 sessions among them.
    """
    n = moments.count
    if n < 2:
        return _no(f"N = {n}: a cross-section needs two events", n)
    if not moments.sum_of_squares > 0:
        return _no("the cross-section has no variance", n)
    t = moments.mean / (moments.standard_deviation / np.sqrt(n))
    reason = _violations(n, n_dates)
    return TestResult(
        test="csect-t",
        statistic=t,
        null="t",
        df=str(n - 1),
        p=float(t_p_value(np.array(t), np.array(float(n - 1)), alternative)),
        applicable="warn" if reason else "yes",
        reason=reason,
    )


def _violations(n: int, n_dates: int) -> str:
    reasons = []
    if n_dates < n:
        reasons.append(f"{n} events on {n_dates} dates: events of one date are correlated")
    if n < FEW_EVENTS:
        reasons.append(f"N = {n} is small")
    return "; ".join(reasons)


def _no(reason: str, n: int) -> TestResult:
    return TestResult(
        test="csect-t", statistic=np.nan, null="t", df=str(max(n - 1, 0)), p=np.nan, applicable="no", reason=reason
    )
