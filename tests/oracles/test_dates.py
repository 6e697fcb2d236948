"""``im-t``: one mean a date, dates whose windows share a session joined, by a loop and scipy's one-sample t."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from eventstudy.engine.significance.overlap import Calendars, clusters_of, dates_of
from eventstudy.engine.windows import WindowPlan
from tests.engine.battery_sample import battery, build, panel_design
from tests.engine.test_golden import design as golden_design


def joined(windows: list[set[int]]) -> list[int]:
    """Number of the connected set of windows that share a day, for each window."""
    number = list(range(len(windows)))
    changed = True
    while changed:
        changed = False
        for a, b in itertools.combinations(range(len(windows)), 2):
            if windows[a] & windows[b] and number[a] != number[b]:
                low = min(number[a], number[b])
                number[a] = number[b] = low
                changed = True
    return number


def test_the_golden_value() -> None:
    """Dates A of the first two firms, B and C of the others, window [-1,1]."""
    apart = np.array([0, 0, 100, 200])[:, None] + np.arange(golden_design().plan.n_days)
    found = battery(golden_design(), -1, 1, day_number=apart)["im-t"]
    assert found.statistic == pytest.approx(1.82721052, abs=6e-9)
    assert (found.df, found.p) == ("2", pytest.approx(0.20919228, abs=6e-9))
    assert "caar_dates 0.01182491" in found.reason
    assert found.applicable == "warn" and "3 dates: too few" in found.reason


@pytest.mark.parametrize("side", ["two-sided", "less", "greater"])
@pytest.mark.parametrize("window", [(0, 0), (-1, 2)])
@pytest.mark.parametrize("seed", range(3))
def test_means_of_dates_by_a_loop_and_scipy(seed: int, window: tuple[int, int], side: str) -> None:
    """Dates at random, some of whose windows share days, so that joining changes the number of means."""
    rng = np.random.default_rng(seed)
    plan, n = WindowPlan(estimation=60, gap=2, start=-2, end=3), 30
    offsets = rng.choice([0, 3, 30, 33, 36, 90, 120, 150], n)
    width = plan.n_days
    design = panel_design(rng.normal(0.002, 0.02, (n, width)), rng.normal(0, 0.01, (n, width)), plan, 62 + 2)
    days = offsets[:, None] + np.arange(width)
    sample, _ = build(design, *window, day_number=days)
    held = [set(range(o + plan.column(window[0]), o + plan.column(window[1]) + 1)) for o in offsets.tolist()]
    number = joined(held)
    means = [float(np.mean([x for x, m in zip(sample.car, number, strict=True) if m == g])) for g in set(number)]
    assert len(means) == len(set(offsets.tolist())) - (3 if window != (0, 0) else 0)
    found = battery(design, *window, side, day_number=days)["im-t"]
    expected = stats.ttest_1samp(means, 0, alternative=side)
    assert found.statistic == pytest.approx(expected.statistic, rel=1e-10)
    assert found.p == pytest.approx(expected.pvalue, rel=1e-9) and found.df == str(len(means) - 1)
    assert ("joined" in found.reason) == (window != (0, 0))


def test_what_stands_against_it() -> None:
    plan, n = WindowPlan(estimation=60, gap=2, start=0, end=0), 12
    rng = np.random.default_rng(5)
    design = panel_design(rng.normal(0, 0.02, (n, 63)), rng.normal(0, 0.01, (n, 63)), plan, 62)
    one = battery(design, 0, 0)["im-t"]
    assert one.applicable == "no" and "one cluster of dates" in one.reason
    big = np.array([0] * 8 + [100, 200, 300, 400])[:, None] + np.arange(63)
    found = battery(design, 0, 0, day_number=big)["im-t"]
    assert found.applicable == "warn" and "one date holds 8 of 12" in found.reason
    even = np.repeat([0, 100, 200, 300], 3)[:, None] + np.arange(63)
    assert battery(design, 0, 0, day_number=even)["im-t"].applicable == "yes"


def test_windows_on_two_calendars_meet_by_date() -> None:
    """A holiday of the one exchange, and a chain of three dates of which only neighbours share a day."""
    one, other = np.arange(0, 40), np.delete(np.arange(0, 40), 10)
    calendars = Calendars(start=np.array([0, 40]), days=np.concatenate([one, other]))
    places = np.zeros(79, dtype=np.int64)
    places[[8, 25]] = 1
    places[40 + 9] = 2
    places[40 + 11 - 1] = 1
    found = dates_of(places, calendars, (-1, 1))
    np.testing.assert_array_equal(found.dates, [8, 9, 11, 25])
    np.testing.assert_array_equal(found.cluster, [0, 0, 0, 1])
    dates, cluster = clusters_of(np.array([5, 1, 9]), np.array([4, 0, 8]), np.array([6, 4, 10]))
    np.testing.assert_array_equal(dates, [1, 5, 9])
    np.testing.assert_array_equal(cluster, [0, 0, 1])
