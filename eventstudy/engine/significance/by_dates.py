"""Few event dates, many events on each: one mean a date (Ibragimov & Mueller 2010; methods A6)."""

from __future__ import annotations

import numpy as np

from eventstudy.engine.panel import Floats
from eventstudy.engine.significance.cross_section import Dependence
from eventstudy.engine.significance.distributions import Alternative, t_p_value
from eventstudy.engine.significance.result import TestResult, computed, undefined
from eventstudy.engine.significance.summary import Summary

# dates below which the t of their means finds next to nothing
FEW_DATES = 4


def means_by_date(car: Floats, date: Floats, dependence: Dependence) -> tuple[Floats, Floats]:
    """Mean CAR and number of events of every cluster of dates whose windows share no session; (G,) each.

    Parameters
    ----------
    car, date : float64 (n,)
        CAR of every event, and its day 0 in days since 1970.
    dependence : Dependence
        With the cluster of every date.
    """
    cluster = dependence.cluster[np.searchsorted(dependence.dates, date.astype(np.int64))]
    number = np.unique(cluster, return_inverse=True)[1]
    count = np.bincount(number).astype(np.float64)
    return np.asarray(np.bincount(number, car) / count), count


def im_t(summary: Summary, dependence: Dependence, side: Alternative) -> TestResult:
    """``im-t``: the t of the dates' mean CARs with G - 1 degrees of freedom.

    Valid at 5 % for any correlation within a date and any variances of the dates, normal date means assumed (Bakirov &
    Szekely 2005); dates must be independent, so those whose windows share a session are one. It is a test of the mean
    over dates, ``caar_dates``, which is not the mean over events where dates hold different numbers of them.

    Checked against
    ---------------
    A loop, scipy's one-sample t and the golden value of the reference (tests/oracles/test_dates.py).
    """
    means, count = means_by_date(summary.values["car"], summary.values["date"], dependence)
    g = len(means)
    if g < 2:
        return undefined("im-t", "t", "the windows of all dates share sessions: one cluster of dates")
    if not means.std() > 0:
        return undefined("im-t", "t", "the means of the dates do not vary")
    mean = float(means.mean())
    t = float(np.sqrt(g) * mean / means.std(ddof=1))
    warnings = [f"{g} dates: too few to find anything"] if g < FEW_DATES else []
    if count.max() > count.sum() / 2:
        warnings.append(f"one date holds {count.max():.0f} of {count.sum():.0f} events: caar_dates is not caar")
    p = float(t_p_value(np.array(t), np.array(g - 1.0), side))
    joined = "" if g == dependence.n_dates else f", {dependence.n_dates} dates joined where windows share sessions"
    note = f"caar_dates {mean:.8g}, the mean over {g} dates{joined}"
    return computed("im-t", t, "t", str(g - 1), p, warnings, note)
