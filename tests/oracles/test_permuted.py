"""Freedman & Lane's permutation of slopes: its digits, statsmodels on every order, dates that repeat, its limits."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm

from eventstudy.evaluate.coefficients import Sample
from eventstudy.evaluate.permuted import DRAWS, freedman_lane, permuted_lines
from eventstudy.evaluate.regress import coefficients, fits
from tests.oracles.golden import DATA

# day -1, day 0 and day 1 of the golden example's abnormal returns, times a hundred, against a made-up regressor
X = np.array([1, 3, 2, 5, 4, 2, 6, 1, 3, 7, 5, 4], dtype=float)


def golden_y() -> np.ndarray:
    table = np.array(DATA)
    m, firms = table[:, 1], table[:, 2:]
    found = np.empty((3, 4))
    for f in range(4):
        slope, level = np.polyfit(m[:24], firms[:24, f], 1)
        found[:, f] = firms[24:, f] - level - slope * m[24:]
    return 100 * found.ravel()


def test_the_digits_of_the_reference() -> None:
    y, x = golden_y(), np.column_stack([np.ones(12), X])
    estimate = sm.OLS(y, x).fit()
    np.testing.assert_allclose(estimate.params, [1.08644877, -0.17514030], atol=6e-9)
    rotations = np.array([np.roll(np.arange(12), k) for k in range(1, 12)])
    t, p = freedman_lane(y, x, 1, rotations)
    assert t == pytest.approx(-0.50287627, abs=6e-9) and p == pytest.approx(7 / 12)


def test_every_order_by_statsmodels() -> None:
    rng = np.random.default_rng(2)
    x = np.column_stack([np.ones(15), rng.normal(size=15), rng.normal(size=15)])
    y = x @ np.array([0.1, 0.5, 0.0]) + rng.normal(size=15)
    orders = np.array([rng.permutation(15) for _ in range(40)])
    for column in (1, 2):
        others = np.delete(x, column, axis=1)
        null = sm.OLS(y, others).fit()
        observed = sm.OLS(y, x).fit(cov_type="HC3", use_t=True).tvalues[column]
        hits = sum(
            abs(sm.OLS(null.fittedvalues + null.resid[order], x).fit(cov_type="HC3", use_t=True).tvalues[column])
            >= abs(observed)
            for order in orders
        )
        t, p = freedman_lane(y, x, column, orders)
        assert t == pytest.approx(observed, rel=1e-9) and p == pytest.approx((1 + hits) / 41)


def sample(seed: int, n: int, dates: int, effect: float = 0.0) -> Sample:
    """Rows that share the errors of their date, with a column of the date."""
    rng = np.random.default_rng([4, seed])
    cluster = np.sort(np.arange(n) % dates)
    column = rng.normal(size=dates)[cluster]
    y = effect * column + rng.normal(size=dates)[cluster] + 0.3 * rng.normal(size=n)
    x = np.column_stack([np.ones(n), column])
    return Sample(y=y, x=x, names=("Intercept", "x"), variance=np.ones(n), cluster=cluster, n_dropped=0)


def lines(drawn: Sample, dates: int) -> list:
    plain = coefficients(fits(drawn, dates)[0], drawn, 0.95)
    return permuted_lines(drawn, dates, plain)


def test_dates_are_permuted_where_they_repeat() -> None:
    """Rejections of a column of the date: those of the means of dates stay at 5 %, those of rows do not."""
    wrong = right = 0
    for seed in range(300):
        drawn = sample(seed, 40, 10)
        _, slope = lines(drawn, 10)
        right += slope.p <= 0.05
        orders = np.argsort(np.random.default_rng(seed).random((199, 40)), axis=1)
        wrong += freedman_lane(drawn.y, drawn.x, 1, orders)[1] <= 0.05
    assert right / 300 < 0.09 < 0.15 < wrong / 300
    assert lines(sample(1, 40, 10, 3.0), 10)[1].p == pytest.approx(1 / (DRAWS + 1), abs=0.01)


def test_what_has_no_permutation_says_why() -> None:
    constant, slope = lines(sample(3, 12, 12), 12)
    assert constant.applicable == "no" and "keep their mean" in constant.reason
    assert slope.applicable == "yes" and "not that the slope is zero" in slope.reason and slope.null == "permutation"
    few = lines(sample(3, 10, 5), 5)[1]
    assert few.applicable == "no" and "4 more are needed" in few.reason
