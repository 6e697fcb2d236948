"""CAAR of each group and window with its interval and the p value to read first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from eventstudy.engine.significance.distributions import t_quantile
from eventstudy.evaluate.recommend import recommend

if TYPE_CHECKING:
    from eventstudy.records import GroupRow
    from eventstudy.results import StudyResult

ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Average:
    """The CAAR of a group over one window.

    Attributes
    ----------
    group, window : str
    n, n_dates : int
    caar, ci_low, ci_high : float
    interval : str
        The test whose standard error makes the interval.
    test : str
        The test to read first; empty where none is defined.
    p : float
    reason : str
        Why it is not applicable, or its warning.
    """

    group: str
    window: str
    n: int
    n_dates: int
    caar: float
    ci_low: float
    ci_high: float
    interval: str
    test: str
    p: float
    reason: str


def averages(study: StudyResult) -> list[Average]:
    """One line a group and window, in the order of the study."""
    by: dict[tuple[str, str], list[GroupRow]] = {}
    for row in study.groups:
        by.setdefault((row.group, row.label), []).append(row)
    return [_average(rows, study.spec.level) for rows in by.values()]


def _average(rows: Sequence[GroupRow], level: float) -> Average:
    one = rows[0]
    n = one.car.count
    tests = {row.result.test: row.result for row in rows}
    shared = one.n_overlapping > 0 or one.n_dates < n
    interval = "calendar-cov" if shared and "calendar-cov" in tests else "csect-t"
    low = high = math.nan
    if (made := tests.get(interval)) is not None and made.statistic and made.df and math.isfinite(made.statistic):
        half = abs(one.car.mean / made.statistic) * float(t_quantile(np.array([float(made.df)]), 0.5 + level / 2)[0])
        low, high = one.car.mean - half, one.car.mean + half
    short = recommend(n, one.n_dates, one.n_overlapping, one.window.length).tests
    order = [name for name in (*short, *tests) if name in tests and math.isfinite(tests[name].p)]
    # what is computed though an assumption is violated comes behind what is not
    first = next((name for name in order if tests[name].applicable == "yes"), order[0] if order else "")
    return Average(
        group=one.group,
        window=one.label,
        n=n,
        n_dates=one.n_dates,
        caar=one.car.mean if n else math.nan,
        ci_low=low,
        ci_high=high,
        interval=interval if math.isfinite(low) else "",
        test=first,
        p=tests[first].p if first else math.nan,
        reason=tests[first].reason if first else "",
    )
