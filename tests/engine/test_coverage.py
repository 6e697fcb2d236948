"""Rates with their uncertainty, Kupiec's and Christoffersen's tests: written out by hand, statsmodels, sizes."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from eventstudy.engine.significance.coverage import coverage, extreme_tenths, rejection_rate


def test_the_standard_error_is_that_of_a_clustered_regression_on_a_constant() -> None:
    rng = np.random.default_rng(1)
    day = np.sort(rng.integers(0, 1400, 900))
    # months with a mood of their own, so that clustering matters
    mood = rng.uniform(0, 0.3, 51)
    rejected = rng.uniform(size=900) < mood[day // 28]
    found = rejection_rate(rejected, day, 1, 900)
    oracle = sm.OLS(rejected.astype(float), np.ones(900)).fit(cov_type="cluster", cov_kwds={"groups": day // 28})
    assert found.rate == pytest.approx(oracle.params[0], rel=1e-12)
    assert found.std_error == pytest.approx(oracle.bse[0], rel=1e-10)
    assert found.std_error > np.sqrt(found.rate * (1 - found.rate) / 900)
    low, high = proportion_confint(found.rate * found.n_effective, found.n_effective, method="wilson")
    assert (found.low, found.high) == pytest.approx((low, high), rel=1e-12)


def test_spans_grow_with_the_window_and_the_error_never_falls_below_the_binomial_one() -> None:
    rng = np.random.default_rng(2)
    day = np.arange(1000)
    rejected = np.convolve(rng.uniform(size=1000) < 0.02, np.ones(11), "same") > 0
    longer = sm.OLS(rejected.astype(float), np.ones(1000)).fit(cov_type="cluster", cov_kwds={"groups": day // 77})
    assert rejection_rate(rejected, day, 11, 90).std_error == pytest.approx(longer.bse[0], rel=1e-10)
    assert rejection_rate(rejected, day, 1, 90).std_error != pytest.approx(longer.bse[0], rel=1e-3)
    alternating = np.arange(1000) % 2 == 0
    found = rejection_rate(alternating, day, 1, 1000)
    assert found.n_effective == 1000 and found.std_error == pytest.approx(np.sqrt(0.25 / 1000))


def test_no_rejection_and_no_session_have_their_intervals() -> None:
    none = rejection_rate(np.zeros(220, bool), np.arange(220), 11, 20)
    assert none.rate == 0 and none.std_error == 0 and none.n_effective == 20
    assert (none.low, none.high) == pytest.approx(proportion_confint(0, 20, method="wilson"), abs=1e-12)
    empty = rejection_rate(np.zeros(0, bool), np.zeros(0, np.int64), 1, 0)
    assert empty.n == 0 and np.isnan([empty.rate, empty.low, empty.std_error]).all()


def test_both_likelihood_ratios_by_hand() -> None:
    """Twelve sessions, three outside: pairs 01, 10, 00, 00, 01, 11, 10, 00, 00, 00, 00."""
    hits = np.array([0, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0], bool)
    found = coverage(hits, np.arange(12), 1, 0.05)
    kupiec = -2 * (3 * np.log(0.05) + 9 * np.log(0.95) - 3 * np.log(3 / 12) - 9 * np.log(9 / 12))
    n00, n01, n10, n11 = 6, 2, 2, 1
    apart = n01 * np.log(2 / 8) + n00 * np.log(6 / 8) + n11 * np.log(1 / 3) + n10 * np.log(2 / 3)
    together = (n01 + n11) * np.log(3 / 11) + (n00 + n10) * np.log(8 / 11)
    assert (found.n, found.hits) == (12, 3)
    assert found.kupiec == pytest.approx(kupiec, rel=1e-12)
    assert found.p_kupiec == pytest.approx(stats.chi2.sf(kupiec, 1), rel=1e-12)
    assert found.christoffersen == pytest.approx(2 * (apart - together), rel=1e-10)
    assert found.p_christoffersen == pytest.approx(stats.chi2.sf(2 * (apart - together), 1), rel=1e-10)
    assert found.p_both == pytest.approx(stats.chi2.sf(kupiec + 2 * (apart - together), 2), rel=1e-10)


def test_pairs_are_neighbours_only() -> None:
    hits = np.array([1, 1, 0, 1, 0, 0], bool)
    whole = coverage(hits, np.array([0, 3, 6, 9, 12, 15]), 3, 0.1)
    broken = coverage(hits, np.array([0, 4, 7, 10, 13, 16]), 3, 0.1)
    assert np.isfinite(whole.christoffersen) and whole.christoffersen != broken.christoffersen
    assert whole.kupiec == broken.kupiec
    alone = coverage(hits, np.array([0, 5, 10, 15, 20, 25]), 3, 0.1)
    assert np.isnan([alone.christoffersen, alone.p_christoffersen, alone.p_both]).all()
    assert np.isfinite(alone.p_kupiec)


def test_nothing_outside_and_everything_outside_are_defined() -> None:
    never = coverage(np.zeros(100, bool), np.arange(100), 1, 0.05)
    assert never.kupiec == pytest.approx(-2 * 100 * np.log(0.95), rel=1e-12)
    assert np.isnan(never.christoffersen)
    always = coverage(np.ones(10, bool), np.arange(10), 1, 0.05)
    assert always.kupiec == pytest.approx(-2 * 10 * np.log(0.05), rel=1e-12)
    assert coverage(np.zeros(0, bool), np.zeros(0, np.int64), 1, 0.05).n == 0


def test_sizes_of_both_and_bunches_are_found() -> None:
    rng = np.random.default_rng(3)
    at = np.arange(700)
    fair = [coverage(rng.uniform(size=700) < 0.05, at, 1, 0.05) for _ in range(2000)]
    for name in ("p_kupiec", "p_christoffersen", "p_both"):
        p = np.array([getattr(found, name) for found in fair])
        # the distributions hold for many sessions; with 35 expected hits they are a little off
        assert np.mean(p <= 0.05) == pytest.approx(0.05, abs=0.025), name
    bunched = []
    for _ in range(200):
        hit = np.zeros(700, bool)
        for t in range(1, 700):
            hit[t] = rng.uniform() < (0.3 if hit[t - 1] else 0.037)
        bunched.append(coverage(hit, at, 1, 0.05))
    assert np.mean([found.p_christoffersen <= 0.05 for found in bunched]) > 0.9
    assert np.mean([coverage(rng.uniform(size=700) < 0.1, at, 1, 0.05).p_kupiec <= 0.05 for _ in range(200)]) > 0.95


def test_tenths() -> None:
    values = np.concatenate([np.arange(100.0), [np.nan]])
    low, high = extreme_tenths(values)
    assert np.flatnonzero(low).tolist() == list(range(10)) and np.flatnonzero(high).tolist() == list(range(90, 100))
    assert not any(part.any() for part in extreme_tenths(np.full(5, np.nan)))
