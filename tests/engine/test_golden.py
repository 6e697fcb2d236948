"""The engine against the golden example of the methods reference, to the digits printed there."""

from __future__ import annotations

import numpy as np
import pytest

from eventstudy.engine.abnormal import abnormal_returns, cars
from eventstudy.engine.models import fit
from eventstudy.engine.moments import summarise
from eventstudy.engine.panel import ReturnPanel
from eventstudy.engine.significance import cluster, multiple, single
from eventstudy.engine.significance.cross_section import csect_t
from eventstudy.engine.significance.serial import autocorrelation
from eventstudy.engine.windows import Design, WindowPlan, gather
from tests.engine.single_sample import p_values as single_p
from tests.engine.single_sample import single_block
from tests.oracles.golden import DATA, VALUES

WINDOWS = [(0, 0), (-1, 1)]
PLAN = WindowPlan(estimation=24, gap=0, start=-1, end=1)
DIGITS = {"rtol": 0, "atol": 6e-9}


def design(returns: np.ndarray | None = None, span: np.ndarray | None = None) -> Design:
    table = np.array(DATA)
    market = table[:, 1]
    values = table[:, 2:].T if returns is None else returns
    count, n = values.shape
    panel = ReturnPanel(
        returns=values,
        factors=np.broadcast_to(market, (count, 1, n)),
        span=np.ones((count, n), dtype=np.int64) if span is None else span,
        day_number=np.broadcast_to(np.arange(n), (count, n)),
    )
    rows = np.arange(count)
    return gather(panel, rows, np.full(count, 25), np.zeros((count, PLAN.n_days), dtype=bool), PLAN)


@pytest.fixture(scope="module")
def golden() -> Design:
    return design()


def test_estimates_and_abnormal_returns(golden: Design) -> None:
    fits = fit(golden, "market-model")
    abnormal = abnormal_returns(golden, fits, "market-model")
    result = cars(golden, fits, "market-model", WINDOWS)
    np.testing.assert_allclose(fits.theta[:, 0], VALUES["alpha"], **DIGITS)
    np.testing.assert_allclose(fits.theta[:, 1], VALUES["beta"], **DIGITS)
    np.testing.assert_allclose(np.sqrt(fits.s2), VALUES["s"], **DIGITS)
    np.testing.assert_allclose(result.q[:, 1], np.full(4, VALUES["q"]), **DIGITS)
    np.testing.assert_allclose(abnormal.v[:, 1], np.full(4, VALUES["h_day0"]), **DIGITS)
    for column, name in enumerate(("ar_day_-1", "ar_day_0", "ar_day_1")):
        np.testing.assert_allclose(abnormal.ar[:, column], VALUES[name], **DIGITS)
    np.testing.assert_allclose(result.car[:, 1], VALUES["car"], **DIGITS)
    np.testing.assert_allclose(result.bhar[:, 1], VALUES["bhar"], **DIGITS)


def test_single_event_tests(golden: Design) -> None:
    fits = fit(golden, "market-model")
    result = cars(golden, fits, "market-model", WINDOWS)
    exact = single.car_t(fits, result, 0.95, "two-sided")
    np.testing.assert_allclose(exact.t[:, 0], VALUES["ar_t_day0"], **DIGITS)
    np.testing.assert_allclose(exact.p[:, 0], VALUES["ar_p_day0"], **DIGITS)
    np.testing.assert_allclose(exact.t[:, 1], VALUES["car_t"], **DIGITS)
    np.testing.assert_allclose(exact.p[:, 1], VALUES["car_p"], **DIGITS)
    np.testing.assert_allclose(autocorrelation(fits), VALUES["ar1_phi"], **DIGITS)
    found = single_block(golden, fits, "market-model", WINDOWS, ["sq", "conformal"]).columns
    np.testing.assert_allclose(found["p_sq"][:, 0], VALUES["sq_p_two_day0"], **DIGITS)
    np.testing.assert_allclose(found["p_min_sq"][:, 0], 2 / 25)
    assert np.isnan(found["p_sq"][:, 1]).all(), "one-day windows only"
    upper = single_p(golden, fits, "market-model", WINDOWS, ["sq"], alternative="greater")["sq"]
    np.testing.assert_allclose(upper[:, 0], VALUES["sq_p_upper_day0"], **DIGITS)
    np.testing.assert_allclose(found["p_conformal"][:, 0], VALUES["conformal_p_day0"], **DIGITS)
    np.testing.assert_allclose(found["p_conformal"][:, 1], VALUES["conformal_shift_p_car"], **DIGITS)
    np.testing.assert_allclose(found["p_min_conformal"], np.array([[1 / 25, 1 / 27]] * 4))


def test_t_statistics_of_the_conditional_tests(golden: Design) -> None:
    from scipy import stats

    fits = fit(golden, "market-model")
    p = single_p(golden, fits, "market-model", WINDOWS, ["car-t-ar1"])["car-t-ar1"]
    np.testing.assert_allclose(p[:, 1], 2 * stats.t.sf(np.abs(VALUES["ar1_car_t"]), 22), atol=1e-8)
    local = single_p(golden, fits, "market-model", WINDOWS, ["ar-t-local"])["ar-t-local"]
    np.testing.assert_allclose(local[:, 0], 2 * stats.t.sf(np.abs(VALUES["local_day0_t"]), 20), atol=1e-8)
    np.testing.assert_allclose(local[:, 1], 2 * stats.t.sf(np.abs(VALUES["local_car_t"]), 20), atol=1e-8)


def test_clusters(golden: Design) -> None:
    day, window = (cluster.build_cluster(golden, "market-model", *w, 3) for w in WINDOWS)
    assert not isinstance(day, str) and not isinstance(window, str)
    assert cluster.portfolio_t(day).statistic == pytest.approx(VALUES["portfolio_t_day0"], abs=6e-9)
    assert cluster.portfolio_t(window).statistic == pytest.approx(VALUES["portfolio_t_car"], abs=6e-9)
    joint = cluster.hotelling(window)
    assert (joint.statistic, joint.p) == pytest.approx(VALUES["hotelling_f_p"], abs=6e-9)
    assert joint.df == "4;19"
    assert cluster.conformal_hotelling(day).p == pytest.approx(VALUES["conformal_hotelling_p_day0"])
    adjusted = [result.p for result in cluster.romano_wolf_firms(day)]
    assert adjusted == pytest.approx(VALUES["romano_wolf_day0"])
    fits = fit(golden, "market-model")
    exact = single.car_t(fits, cars(golden, fits, "market-model", WINDOWS), 0.95, "two-sided")
    np.testing.assert_allclose(multiple.holm(exact.p[:, 0]), VALUES["holm_day0"], **DIGITS)


def test_cross_section(golden: Design) -> None:
    fits = fit(golden, "market-model")
    result = cars(golden, fits, "market-model", WINDOWS)
    for column, name in enumerate(("csect_t_day0", "csect_t_car")):
        found = csect_t(summarise(result.car[:, column]), n_dates=1)
        assert found.statistic == pytest.approx(VALUES[name], abs=6e-9)
        assert found.df == "3"
        assert found.applicable == "warn", "four events of one date are correlated"
    assert summarise(result.car[:, 1]).mean == pytest.approx(VALUES["caar"], abs=6e-9)


def test_trade_to_trade() -> None:
    """Prices missing at t = 10 and 24: the next return covers two sessions, summed as the reference does."""
    table = np.array(DATA)
    y, m = table[:, 2].copy(), table[:, 1].copy()
    span = np.ones((1, 27), dtype=np.int64)
    for t in (10, 24):
        y[t + 1] += y[t]
        m[t + 1] += m[t]
        y[t] = np.nan
        span[0, t], span[0, t + 1] = 0, 2
    panel = ReturnPanel(returns=y[None], factors=m[None, None], span=span, day_number=np.arange(27)[None])
    cut = gather(panel, np.array([0]), np.array([25]), np.zeros((1, PLAN.n_days), dtype=bool), PLAN)
    fits = fit(cut, "market-model")
    result = cars(cut, fits, "market-model", WINDOWS)
    abnormal = abnormal_returns(cut, fits, "market-model")
    values = VALUES["trade_to_trade"]
    np.testing.assert_allclose(fits.theta[0], [values["a"], values["b"]], **DIGITS)
    assert np.sqrt(fits.s2[0]) == pytest.approx(values["s"], abs=6e-9)
    assert fits.nu[0] == values["nu"]
    np.testing.assert_allclose(abnormal.ar[0, 1:], values["ar"], **DIGITS)
    assert np.isnan(abnormal.ar[0, 0]), "a hole is not a zero return"
    t = abnormal.ar[0, 1:] / np.sqrt(fits.s2[0] * abnormal.v[0, 1:])
    np.testing.assert_allclose(t, values["t"], **DIGITS)
    assert result.q[0, 1] == pytest.approx(values["q"], abs=6e-9)
    assert result.car[0, 1] / np.sqrt(fits.s2[0] * result.q[0, 1]) == pytest.approx(values["car_t"], abs=6e-9)
    strict = cars(cut, fits, "market-model", WINDOWS, strict=True)
    assert np.isnan(strict.car[0, 1])
