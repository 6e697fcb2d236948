"""Reference distributions against scipy.stats, which the package itself does not load."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize, stats

from eventstudy.engine.significance import distributions
from eventstudy.engine.significance.multiple import holm, romano_wolf
from eventstudy.spec import Window


@pytest.mark.parametrize("df", [5.0, 22.0, 118.0, 248.0])
def test_p_values(df: float) -> None:
    t = np.array([-12.0, -1.3, 0.0, 0.4, 2.6, 30.0])
    degrees = np.full(t.shape, df)
    np.testing.assert_allclose(distributions.t_p_value(t, degrees), 2 * stats.t.sf(np.abs(t), df), rtol=1e-10)
    np.testing.assert_allclose(distributions.t_p_value(t, degrees, "less"), stats.t.cdf(t, df), rtol=1e-10)
    np.testing.assert_allclose(distributions.t_p_value(t, degrees, "greater"), stats.t.sf(t, df), rtol=1e-10)
    assert (distributions.t_p_value(t, degrees) > 0).all(), "a p value is never 0"
    np.testing.assert_allclose(distributions.t_quantile(degrees[:1], 0.975), stats.t.ppf(0.975, df), rtol=1e-10)
    np.testing.assert_allclose(distributions.f_p_value(np.array(3.7), 3, df), stats.f.sf(3.7, 3, df), rtol=1e-10)


@pytest.mark.parametrize("z", [-3.2, -0.7, 0.0, 1.3, 9.0])
def test_normal_p_values_of_every_alternative(z: float) -> None:
    assert distributions.normal_p_value(z) == pytest.approx(2 * stats.norm.sf(abs(z)), rel=1e-12)
    assert distributions.normal_p_value(z, "less") == pytest.approx(stats.norm.cdf(z), rel=1e-12)
    assert distributions.normal_p_value(z, "greater") == pytest.approx(stats.norm.sf(z), rel=1e-12)


@pytest.mark.parametrize("df", [20.0, 60.0, 118.0, 248.0, 1000.0])
@pytest.mark.parametrize("level", [0.9, 0.95, 0.99])
def test_smallest_detectable_effect(df: float, level: float) -> None:
    critical = stats.t.ppf(0.5 + level / 2, df)
    root = optimize.brentq(lambda d: stats.nct.sf(critical, df, d) - 0.8, 0.1, 10, xtol=1e-13)
    assert float(distributions.minimum_detectable_effect(np.array(df), level)) == pytest.approx(root, rel=1e-8)


def test_the_smallest_effect_of_one_side() -> None:
    """Digits of the reference for 5 %, by scipy's noncentral t, and the power of a one-sided test at its own effect."""
    two_sided = {20: 2.94547011, 22: 2.93158192, 118: 2.82464461, 248: 2.81249238}
    one_sided = {20: 2.57512313, 22: 2.56667478, 118: 2.50085448, 248: 2.49328502}
    for df, value in one_sided.items():
        nu = np.array(float(df))
        for side in ("less", "greater"):
            found = float(distributions.minimum_detectable_effect(nu, 0.95, alternative=side))  # type: ignore[arg-type]
            assert found == pytest.approx(value, abs=6e-9)
        assert stats.nct.sf(stats.t.ppf(0.95, df), df, value) == pytest.approx(0.8, abs=1e-7)
        assert float(distributions.minimum_detectable_effect(nu, 0.95)) == pytest.approx(two_sided[df], abs=6e-9)
        assert stats.nct.sf(stats.t.ppf(0.95, df), df, two_sided[df]) > 0.86, "two-sided values would ask for too much"


def test_the_published_table_of_detectable_effects() -> None:
    """M = 250, two-sided 5 %: percent for daily s of 1.5 to 3 % and windows of 1, 3 and 11 days (q without the market)."""
    table = {0.015: (4.2, 7.4, 14.3), 0.02: (5.6, 9.8, 19.1), 0.025: (7.1, 12.3, 23.8), 0.03: (8.5, 14.7, 28.6)}
    for s, row in table.items():
        for length, value in zip((1, 3, 11), row, strict=True):
            q = length + length**2 / 250
            mde = distributions.minimum_detectable_effect(np.array(248.0), 0.95) * s * np.sqrt(q)
            assert 100 * float(mde) == pytest.approx(value, abs=0.06)


def test_holm_equals_statsmodels() -> None:
    from statsmodels.stats.multitest import multipletests

    rng = np.random.default_rng(1)
    for n in (1, 2, 5, 30):
        p = rng.uniform(0, 0.2, n)
        np.testing.assert_allclose(holm(p), multipletests(p, method="holm")[1], rtol=1e-12)
    assert np.isnan(holm(np.array([0.01, np.nan]))[1]) and holm(np.array([0.01, np.nan]))[0] == 0.01


def test_romano_wolf_equals_brute_force() -> None:
    rng = np.random.default_rng(2)
    draws, observed = rng.normal(size=(200, 4)), np.array([2.5, -1.0, 0.3, -3.1])
    expected = np.zeros(4)
    order = [3, 0, 1, 2]
    previous = 0.0
    for n, k in enumerate(order):
        count = sum(max(abs(row[j]) for j in order[n:]) >= abs(observed[k]) for row in draws)
        previous = expected[k] = max(previous, (1 + count) / 201)
    np.testing.assert_allclose(romano_wolf(observed, draws, identity_included=False), expected)


def test_windows_are_read_as_people_write_them() -> None:
    assert Window.parse("-1:1") == Window.parse("[-1,1]") == Window(-1, 1)
    assert Window(-1, 1).label == "[-1,1]" and Window(-1, 1).length == 3
