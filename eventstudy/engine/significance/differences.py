"""Do two groups of events differ: the difference of their mean CARs (methods 7.1, 8).

Both tests finalise what their groups' partitions hand back: ``Moments`` of the CARs merge, and the covariance is a sum
over pairs.
"""

from __future__ import annotations

import numpy as np

from eventstudy.engine.moments import Moments
from eventstudy.engine.panel import Bools, Floats
from eventstudy.engine.significance.cross_section import FEW_EVENTS
from eventstudy.engine.significance.distributions import Alternative, t_p_value
from eventstudy.engine.significance.result import TestResult, computed, undefined

DIFFERENCES = ("difference-welch", "difference-cov")


def contrast(one: Bools, other: Bools) -> Floats:
    """c_i of the difference of two means: +1/N for an event of the one group, -1/N of the other, both where both.

    Parameters
    ----------
    one, other : bool (n,)
        Membership of each event; both groups hold events.
    """
    return np.asarray(one / max(one.sum(), 1) - other / max(other.sum(), 1), dtype=np.float64)


def difference_welch(one: Moments, other: Moments, warnings: list[str], side: Alternative) -> TestResult:
    """``difference-welch``: two means with variances of their own, Welch & Satterthwaite's degrees of freedom.

    Needs independent events, within the groups and between them; a variance that rises with the event is no matter.

    Checked against
    ---------------
    ``scipy.stats.ttest_ind(equal_var=False)``; size in tests/properties.
    """
    name, fewest = "difference-welch", min(one.count, other.count)
    if fewest < 2:
        return undefined(name, "t", f"N = {one.count} and {other.count}: each group needs two events")
    a, b = (m.standard_deviation**2 / m.count for m in (one, other))
    if not a + b > 0:
        return undefined(name, "t", "neither group has any variance")
    t = (one.mean - other.mean) / np.sqrt(a + b)
    df = (a + b) ** 2 / (a**2 / (one.count - 1) + b**2 / (other.count - 1))
    few = [f"N = {one.count} and {other.count}: few events"] if fewest < FEW_EVENTS else []
    return computed(name, float(t), "t", f"{df:g}", _p(float(t), float(df), side), [*warnings, *few])


def difference_cov(
    one: Moments, other: Moments, variance: float, min_nu: float, warnings: list[str], side: Alternative
) -> TestResult:
    """``difference-cov``: the same difference over the root of c'Omega c, every pair's covariance from the calendar
    days it shares (methods 8), so groups may share dates and firms; t with the smallest nu.

    Trusts the variance before the events.

    Parameters
    ----------
    variance : float
        c'Omega c of ``contrast``, from ``dependence``.
    """
    name = "difference-cov"
    if not one.count or not other.count:
        return undefined(name, "t", f"N = {one.count} and {other.count}: each group needs an event")
    if not variance > 0:
        return undefined(name, "t", "cov_not_psd: c'Omega c is not positive")
    t = float((one.mean - other.mean) / np.sqrt(variance))
    return computed(name, t, "t", f"{min_nu:g}", _p(t, min_nu, side), warnings)


def _p(t: float, df: float, side: Alternative) -> float:
    return float(t_p_value(np.array(t), np.array(df), side))
