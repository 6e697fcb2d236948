"""Numbers that become words are found without sorting, and are the same."""

from __future__ import annotations

import numpy as np
import pytest

from eventstudy.engine.significance.distributions import t_quantile
from eventstudy.engine.significance.single import exact_t
from eventstudy.report.event_tables import NARROW, Words, coded_words, day_words, distinct


@pytest.mark.parametrize(
    "values",
    [
        np.array([3, 1, 3, 2, 1]),
        np.array([], dtype=np.int64),
        np.array([7]),
        np.array([-5, 40_000, -5], dtype=np.int32),
        np.array([0, NARROW, 5]),
        np.array([[1, 0], [2, 1]]).ravel(),
    ],
)
def test_distinct_is_unique(values: np.ndarray) -> None:
    known, where = distinct(values)
    expected, place = np.unique(values, return_inverse=True)
    np.testing.assert_array_equal(known, expected)
    np.testing.assert_array_equal(where, place)


def test_days_and_codes_become_words() -> None:
    assert day_words(np.array([20194, 0, 20194])).cells() == ["2025-04-16", "1970-01-01", "2025-04-16"]
    assert coded_words(np.array([2, 0, 2]), lambda code: "x" * code).cells() == ["xx", "", "xx"]
    assert Words(np.array([1, 0]), ("a", "b")).cells() == ["b", "a"]


@pytest.mark.parametrize("nu", [[248.0, 57.0, 248.0], [2.5, 7.0, 2.5], [np.nan, 5.0, 5.0], [-1.0, 3.0, 3.0]])
def test_intervals_have_the_quantile_of_their_own_degrees_of_freedom(nu: list[float]) -> None:
    freedom, one = np.array(nu), np.ones((3, 1))
    with np.errstate(invalid="ignore"):
        found = exact_t(one, one, np.ones(3), freedom, 0.95, "two-sided")
        half = [float(t_quantile(np.array([n]), 0.975)[0]) for n in nu]
    np.testing.assert_allclose((found.ci_high - found.ci_low)[:, 0] / 2, half, rtol=1e-14)
