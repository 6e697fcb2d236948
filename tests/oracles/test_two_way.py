"""Two-way clustering and its wild bootstrap, and intervals by inversion: golden values, statsmodels, refitting loops."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import statsmodels.api as sm
from statsmodels.stats.sandwich_covariance import cov_cluster_2groups

from eventstudy.evaluate.two_way import two_way, wild_two_way
from eventstudy.evaluate.wild import wild_cluster, wild_interval
from tests.oracles.golden import DATA

# abnormal returns of the golden example in percent, day by day: four firms on the three days of the window
TABLE = np.array(DATA)
_LINE = np.column_stack([np.ones(27), TABLE[:, 1]])
_THETA = np.linalg.lstsq(_LINE[:24], TABLE[:24, 2:], rcond=None)[0]
Y = 100 * (TABLE[24:, 2:] - _LINE[24:] @ _THETA).ravel()
X = np.column_stack([np.ones(12), [1.0, 3, 2, 5, 4, 2, 6, 1, 3, 7, 5, 4]])
FIRM, DATE = np.tile(np.arange(4), 3), np.repeat(np.arange(3), 4)


def test_the_golden_deviations() -> None:
    fitted = sm.OLS(Y, X).fit()
    np.testing.assert_allclose(fitted.params, [1.08644877, -0.17514030], rtol=0, atol=6e-9)
    found = two_way(X, fitted.resid, FIRM, DATE)
    np.testing.assert_allclose(found.std_error, [0.27314606, 0.20265185], rtol=0, atol=6e-9)
    assert found.df == 2


def test_the_golden_interval() -> None:
    """Six clusters of two successive rows."""
    cluster = np.repeat(np.arange(6), 2)
    t, p, draws = wild_cluster(Y, X, cluster, 1)
    assert (t, p, draws) == (pytest.approx(-0.54835751, abs=6e-9), 0.53125, 64)
    fitted = sm.OLS(Y, X).fit(cov_type="cluster", cov_kwds={"groups": cluster}, use_t=True)
    start = float(fitted.params[1]), float(fitted.bse[1])
    for level, ends in ((0.95, (-2.62745947, 0.90684666)), (0.9, (-1.85895785, 0.40913945))):
        assert wild_interval(Y, X, cluster, 1, start, level) == pytest.approx(ends, abs=6e-9)
    assert all(np.isnan(wild_interval(Y, X, np.repeat(np.arange(4), 3), 1, start, 0.95))), "four clusters: 2/16"


def drawn(seed: int, n: int = 60) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Rows of firms and dates that repeat at random, some of them in the same cell."""
    rng = np.random.default_rng(seed)
    firm, date = rng.integers(0, 7, n), rng.integers(0, 9, n)
    firm[:7], date[:9] = np.arange(7), np.arange(9)
    x = np.column_stack([np.ones(n), rng.normal(size=n), rng.normal(size=7)[firm]])
    y = rng.normal(size=7)[firm] + rng.normal(size=9)[date] + rng.normal(size=n)
    return y, x, firm, date


@pytest.mark.parametrize("seed", range(6))
def test_deviations_are_those_of_statsmodels(seed: int) -> None:
    y, x, firm, date = drawn(seed)
    fitted = sm.OLS(y, x).fit()
    expected = cov_cluster_2groups(fitted, firm, date)[0]
    found = two_way(x, fitted.resid, firm, date)
    if found.eigen_fixed:
        assert np.linalg.eigvalsh(expected).min() < 0
        return
    np.testing.assert_allclose(found.std_error, np.sqrt(np.diag(expected)), rtol=1e-9)


def largest(y: np.ndarray, x: np.ndarray, firm: np.ndarray, date: np.ndarray, column: int) -> float:
    """t over the largest of three variances, by statsmodels."""
    fitted = sm.OLS(y, x).fit()
    both, one, other = cov_cluster_2groups(fitted, firm, date)
    variance = max(both[column, column], one[column, column], other[column, column])
    return float(fitted.params[column] / np.sqrt(variance))


@pytest.mark.parametrize("column", [0, 1, 2])
def test_the_wild_bootstrap_equals_refitting_every_pattern(column: int) -> None:
    y, x, firm, date = drawn(11, 40)
    t, error, p, draws = wild_two_way(y, x, firm, date, column)
    observed = largest(y, x, firm, date, column)
    assert t == pytest.approx(observed, rel=1e-9)
    assert error == pytest.approx(sm.OLS(y, x).fit().params[column] / observed, rel=1e-9)
    others = np.delete(x, column, axis=1)
    null = sm.OLS(y, others).fit()
    count = 0
    for signs in itertools.product((1, -1), repeat=7):
        other = largest(null.fittedvalues + np.array(signs)[firm] * null.resid, x, firm, date, column)
        count += not abs(other) < abs(observed) * (1 - 1e-9)
    assert draws == 2**7 and p == pytest.approx(count / 2**7)


def test_a_true_coefficient_is_found_with_many_clusters() -> None:
    rng = np.random.default_rng(3)
    firm, date = np.repeat(np.arange(20), 20), np.tile(np.arange(20), 20)
    x = np.column_stack([np.ones(400), rng.normal(size=400)])
    y = x[:, 1] + rng.normal(size=20)[date] + rng.normal(size=400)
    _, _, p, draws = wild_two_way(y, x, firm, date, 1)
    assert draws == 999 and p == pytest.approx(1 / 1000)
