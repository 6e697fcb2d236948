"""The band of a whole path: its quantile against scipy, its coverage against simulated paths."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from eventstudy.engine.abnormal import abnormal_returns
from eventstudy.engine.models import fit
from eventstudy.engine.panel import ReturnPanel
from eventstudy.engine.significance.band import path_correlation, shifted_quantile, simultaneous_quantile
from eventstudy.engine.windows import Design, WindowPlan, gather

PLAN = WindowPlan(estimation=80, gap=10, start=-5, end=5)


def paths(n: int, seed: int) -> Design:
    """n events of firms without news."""
    rng = np.random.default_rng(seed)
    width = PLAN.n_days
    market = rng.normal(4e-4, 0.01, (n, width))
    returns = 1.2 * market + rng.normal(0, 0.02, (n, width))
    panel = ReturnPanel(
        returns=returns,
        factors=market[:, None],
        span=np.ones((n, width), dtype=np.int64),
        day_number=np.broadcast_to(np.arange(width), (n, width)),
    )
    session = np.full(n, -PLAN.estimation_start)
    return gather(panel, np.arange(n), session, np.zeros((n, width), dtype=bool), PLAN)


def test_one_day_is_the_t_quantile_and_two_agree_with_scipy() -> None:
    assert simultaneous_quantile(np.eye(1), 30.0, 0.95) == pytest.approx(stats.t.ppf(0.975, 30), abs=0.05)
    correlation = np.array([[1.0, 0.6], [0.6, 1.0]])
    c = simultaneous_quantile(correlation, 20.0, 0.95)
    law = stats.multivariate_t(shape=correlation, df=20, seed=1)
    assert law.cdf([c, c], lower_limit=[-c, -c], maxpts=200_000) == pytest.approx(0.95, abs=0.006)
    assert np.isnan(simultaneous_quantile(np.full((2, 2), np.nan), 20.0, 0.95))
    assert np.isnan(simultaneous_quantile(np.empty((0, 0)), 20.0, 0.95))


def test_the_correlation_is_that_of_the_path_s_own_variances() -> None:
    design = paths(3, 5)
    fits = fit(design, "market-model")
    abnormal = abnormal_returns(design, fits, "market-model")
    x = np.column_stack([np.ones(11), design.x[1, design.window, 0]])
    v = np.eye(11) + x @ fits.xtx_inv[1] @ x.T
    low = np.tril(np.ones((11, 11)))
    path = low @ v @ low.T
    np.testing.assert_allclose(np.diag(path), abnormal.path_v[1], rtol=1e-12)
    scale = np.sqrt(np.diag(path))
    np.testing.assert_allclose(
        path_correlation(design, fits, "market-model", 1), path / np.outer(scale, scale), rtol=1e-12
    )


def test_whole_paths_stay_inside_as_often_as_promised_and_outside_the_pointwise_band_more_often() -> None:
    n = 1500
    design = paths(n, 11)
    fits = fit(design, "market-model")
    abnormal = abnormal_returns(design, fits, "market-model")
    t = np.abs(abnormal.path) / np.sqrt(fits.s2[:, None] * abnormal.path_v)
    # the quantile hardly moves from event to event: twenty are enough
    c = np.array(
        [simultaneous_quantile(path_correlation(design, fits, "market-model", i), 78.0, 0.95) for i in range(20)]
    )
    assert c.std() < 0.03
    error = np.sqrt(0.05 * 0.95 / n)
    assert abs((t.max(axis=1) <= c.mean()).mean() - 0.95) < 3 * error
    assert (t.max(axis=1) <= stats.t.ppf(0.975, 78)).mean() < 0.90, "the pointwise band is not a band for a path"


def test_short_paths_of_fat_tailed_returns_stay_inside_the_band_of_shifts() -> None:
    """t4 errors, three days: 4.6 to 5.6 % leave it (methods A1), 7 % that of the multivariate t; longer paths have no such band."""
    n, plan = 2000, WindowPlan(estimation=120, gap=10, start=0, end=2)
    rng = np.random.default_rng(17)
    market = rng.normal(4e-4, 0.01, (n, plan.n_days))
    returns = 1.2 * market + 0.014 * rng.standard_t(4, market.shape)
    panel = ReturnPanel(
        returns=returns,
        factors=market[:, None],
        span=np.ones(market.shape, dtype=np.int64),
        day_number=np.broadcast_to(np.arange(plan.n_days), market.shape),
    )
    session = np.full(n, -plan.estimation_start)
    design = gather(panel, np.arange(n), session, np.zeros(market.shape, dtype=bool), plan)
    fits = fit(design, "market-model")
    abnormal = abnormal_returns(design, fits, "market-model")
    largest = (np.abs(abnormal.path) / np.sqrt(fits.s2[:, None] * abnormal.path_v)).max(axis=1)
    c = np.array([shifted_quantile(design, fits, i, 0.95) for i in range(n)])
    outside, error = (largest > c).mean(), np.sqrt(0.05 * 0.95 / n)
    assert abs(outside - 0.05) < 3 * error, outside
    exact = simultaneous_quantile(path_correlation(design, fits, "market-model", 0), 118.0, 0.95)
    assert (largest > exact).mean() > 0.058, "a band that trusts normal errors must fail"
    long = paths(1, 3)
    assert np.isnan(shifted_quantile(long, fit(long, "market-model"), 0, 0.95))
