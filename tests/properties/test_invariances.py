"""What must not change when the input is only said differently."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventstudy.data.calendar import load_calendar
from eventstudy.engine.abnormal import abnormal_returns, cars
from eventstudy.engine.block import Block, select, study_block
from eventstudy.engine.models import MODELS, fit
from eventstudy.engine.moments import Moments, summarise
from eventstudy.engine.panel import Placed, ReturnPanel
from eventstudy.engine.windows import WindowPlan, gather
from eventstudy.engine_options import options_of
from eventstudy.spec import StudySpec, Window
from eventstudy.study import run

SPEC = StudySpec(estimation=120, windows=(Window(0, 0), Window(-1, 1)), windows_given=True)
OPTIONS = options_of(SPEC)
N, S, K = 420, 4, 2
SEEDS = st.integers(0, 2**32 - 1)


def panel(seed: int, **changes: Any) -> ReturnPanel:
    rng = np.random.default_rng(seed)
    factors = np.stack([rng.normal(4e-4, 0.01, N), rng.normal(0, 0.012, N)])
    beta = rng.uniform(0.5, 2.0, (S, K))
    returns = beta @ factors + rng.standard_t(5, (S, N)) * 0.015
    values = {
        "returns": returns,
        "factors": np.broadcast_to(factors, (S, K, N)),
        "span": np.ones((S, N), dtype=np.int64),
        "day_number": np.broadcast_to(np.arange(N), (S, N)),
    }
    return ReturnPanel(**{**values, **changes})


def placed(sessions: list[int], series: list[int] | None = None) -> Placed:
    rows = np.array(series if series is not None else [i % S for i in range(len(sessions))])
    plan = WindowPlan(estimation=120, gap=10, start=-10, end=10)
    return Placed(
        series=rows,
        session=np.array(sessions),
        masked=np.zeros((len(sessions), plan.n_days), dtype=bool),
        history_mask=np.zeros((S, N), dtype=bool),
        seed=np.array(sessions) * 10 + rows,
    )


def numbers(block: Block) -> dict[str, np.ndarray]:
    return {
        "ar": block.abnormal.ar,
        "t": block.ar_t,
        "car": block.cars.car,
        "car_t": block.exact.t,
        "p": block.exact.p,
        **block.columns,
        "mde": block.exact.mde,
        "bhar": block.cars.bhar,
    }


SESSIONS = st.lists(st.integers(300, 400), min_size=3, max_size=7)


@settings(max_examples=15, deadline=None)
@given(seed=SEEDS, sessions=SESSIONS, data=st.data())
def test_order_and_parts_change_no_digit(seed: int, sessions: list[int], data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(len(sessions))))
    p = panel(seed)
    whole = study_block(p, placed(sessions), OPTIONS)
    series = [i % S for i in range(len(sessions))]
    shuffled = study_block(p, placed([sessions[i] for i in order], [series[i] for i in order]), OPTIONS)
    cut = len(sessions) // 2
    parts = [
        study_block(p, placed(sessions[:cut], series[:cut]), OPTIONS),
        study_block(p, placed(sessions[cut:], series[cut:]), OPTIONS),
    ]
    for name, values in numbers(whole).items():
        np.testing.assert_array_equal(numbers(shuffled)[name], values[list(order)], err_msg=name)
        joined = np.concatenate([numbers(part)[name] for part in parts])
        np.testing.assert_array_equal(joined, values, err_msg=name)
        np.testing.assert_array_equal(numbers(select(whole, np.array([1])))[name], values[[1]], err_msg=name)


@settings(max_examples=15, deadline=None)
@given(seed=SEEDS, c=st.floats(-3, 3), constant=st.floats(-0.01, 0.01), scale=st.floats(0.1, 50))
def test_market_constant_and_scale(seed: int, c: float, constant: float, scale: float) -> None:
    p, where = panel(seed), placed([350, 380, 395])
    base = study_block(p, where, OPTIONS)
    with_market = study_block(panel(seed, returns=p.returns + c * p.factors[:, 0]), where, OPTIONS)
    with_constant = study_block(panel(seed, returns=p.returns + constant), where, OPTIONS)
    scaled = study_block(panel(seed, returns=p.returns * scale, factors=p.factors * scale), where, OPTIONS)
    close: dict[str, Any] = {"rtol": 1e-8, "atol": 1e-13}
    np.testing.assert_allclose(with_market.fits.theta[:, 1], base.fits.theta[:, 1] + c, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(with_constant.fits.theta[:, 0], base.fits.theta[:, 0] + constant, rtol=1e-9, atol=1e-13)
    np.testing.assert_allclose(with_constant.fits.theta[:, 1], base.fits.theta[:, 1], rtol=1e-9, atol=1e-12)
    for other in (with_market, with_constant):
        np.testing.assert_allclose(other.abnormal.ar, base.abnormal.ar, **close)
        np.testing.assert_allclose(other.ar_t, base.ar_t, rtol=1e-7, atol=1e-9)
        np.testing.assert_allclose(other.columns["p_conformal"], base.columns["p_conformal"])
    np.testing.assert_allclose(scaled.abnormal.ar, base.abnormal.ar * scale, **close)
    np.testing.assert_allclose(scaled.ar_t, base.ar_t, rtol=1e-7, atol=1e-9)


@settings(max_examples=15, deadline=None)
@given(seed=SEEDS, d=st.floats(-0.2, 0.2))
def test_an_effect_on_day_0_moves_that_day_alone(seed: int, d: float) -> None:
    p, where = panel(seed), placed([350], [0])
    moved = p.returns.copy()
    moved[0, 350] += d
    base, after = study_block(p, where, OPTIONS), study_block(panel(seed, returns=moved), where, OPTIONS)
    expected = base.abnormal.ar.copy()
    expected[0, 10] += d
    np.testing.assert_allclose(after.abnormal.ar, expected, rtol=1e-12, atol=1e-15)
    np.testing.assert_array_equal(after.fits.theta, base.fits.theta)
    np.testing.assert_array_equal(after.fits.s2, base.fits.s2)


@settings(max_examples=15, deadline=None)
@given(seed=SEEDS, hole=st.integers(215, 325))
def test_a_missing_estimation_day_is_dropped_and_masking_is_deleting(seed: int, hole: int) -> None:
    p, where = panel(seed), placed([350], [0])
    returns = p.returns.copy()
    returns[0, hole] = np.nan
    base = study_block(p, where, OPTIONS)
    holed = study_block(panel(seed, returns=returns), where, OPTIONS)
    mask = where.masked.copy()
    column = hole - 350 - base.design.plan.estimation_start
    mask[0, column] = True
    masked = study_block(p, replace(where, masked=mask), OPTIONS)
    assert holed.fits.n_obs[0] == base.fits.n_obs[0] - (column < 120)
    np.testing.assert_array_equal(holed.fits.theta, masked.fits.theta)
    np.testing.assert_array_equal(holed.exact.t, masked.exact.t)


@settings(max_examples=10, deadline=None)
@given(seed=SEEDS, shift=st.integers(1, 5000))
def test_relabelling_the_calendar_changes_nothing(seed: int, shift: int) -> None:
    where = placed([350, 360])
    base = study_block(panel(seed), where, OPTIONS)
    days = np.broadcast_to(np.arange(N) + shift, (S, N))
    moved = study_block(panel(seed, day_number=days), where, OPTIONS)
    for name, values in numbers(base).items():
        np.testing.assert_array_equal(numbers(moved)[name], values, err_msg=name)


def test_collapses_and_degenerate_designs() -> None:
    p = panel(7)
    where = placed([350, 360])
    plan = WindowPlan(estimation=120, gap=10, start=-10, end=10)
    design = gather(p, where.series, where.session, where.masked, plan)
    zero_beta = gather(panel(7, factors=np.zeros((S, K, N))), where.series, where.session, where.masked, plan)
    adjusted, mean = fit(zero_beta, "market-adjusted"), fit(design, "constant-mean")
    np.testing.assert_allclose(adjusted.s2, mean.s2, rtol=1e-12)
    assert not fit(zero_beta, "market-model").rank_ok.any(), "a constant index cannot explain anything"
    doubled = panel(7, factors=np.repeat(p.factors[:, :1], 2, axis=1))
    assert not fit(gather(doubled, where.series, where.session, where.masked, plan), "multi-index").rank_ok.any()
    still = panel(7, returns=np.zeros((S, N)))
    fits = fit(gather(still, where.series, where.session, where.masked, plan), "market-model")
    assert fits.zero_variance.all() and (fits.s2 == 0).all()
    block = study_block(still, where, OPTIONS)
    assert np.isnan(block.ar_t).all() and np.isnan(block.exact.p).all(), "0/0 is not a number"
    assert (block.cars.car == 0).all()


@pytest.mark.parametrize("name", [name for name, m in MODELS.items() if m.inference == "exact"])
def test_every_least_squares_model_is_the_dummy_regression(name: str) -> None:
    """Fitted on estimation and window with a dummy a day, by numpy's least squares."""
    model = MODELS[name]
    count = model.n_made or K
    rng = np.random.default_rng(12)
    p = panel(11, factors=np.broadcast_to(rng.normal(3e-4, 0.01, (count, N)), (S, count, N)))
    where = placed([350], [2])
    plan = WindowPlan(estimation=120, gap=10, start=-10, end=10)
    design = gather(p, where.series, where.session, where.masked, plan)
    fits = fit(design, name)
    result = cars(design, fits, name, [(-10, 10)])
    abnormal = abnormal_returns(design, fits, name)
    y = design.y[0] - (design.x[0, :, 0] if model.twin == "difference" else 0)
    rows = np.r_[0:120, 130:151]
    if model.twin != "difference":
        k = {"none": 0, "market": 1, "all": count, "made": count}[model.factors]
        constant = [np.ones(len(rows))] if model.twin == "constant" else []
        dummies = np.vstack([np.zeros((120, 21)), np.eye(21)])
        x = np.column_stack([*constant, design.x[0, rows, :k], dummies])
        theta = np.linalg.lstsq(x, y[rows], rcond=None)[0]
        np.testing.assert_allclose(abnormal.ar[0], theta[-21:], rtol=1e-9)
        inverse = np.linalg.inv(x.T @ x)
        gamma = np.r_[np.zeros(x.shape[1] - 21), np.ones(21)]
        assert result.q[0, 0] == pytest.approx(gamma @ inverse @ gamma, rel=1e-9)
    else:
        np.testing.assert_allclose(abnormal.ar[0], y[130:], rtol=1e-14)
        assert result.q[0, 0] == 21


@settings(max_examples=50, deadline=None)
@given(values=st.lists(st.floats(-1, 1), min_size=0, max_size=40), cut=st.integers(0, 40))
def test_moments_merge(values: list[float], cut: int) -> None:
    whole = summarise(np.array(values))
    parts = summarise(np.array(values[:cut])).merge(summarise(np.array(values[cut:])))
    assert (parts.count, parts.positive) == (whole.count, whole.positive)
    assert parts.mean == pytest.approx(whole.mean, abs=1e-14)
    assert parts.sum_of_squares == pytest.approx(whole.sum_of_squares, abs=1e-13)
    if len(values) > 1:
        assert whole.standard_deviation == pytest.approx(np.std(values, ddof=1), abs=1e-13)
    assert Moments().merge(whole) == whole


def prices(seed: int, effect: float = 0.0, at: int = 500) -> tuple[pd.DataFrame, list[str]]:
    """Three firms and a market over two and a half years of sessions; an effect on firm A at one session."""
    sessions = load_calendar("XNYS", date(2021, 7, 1), date(2024, 3, 1)).sessions
    rng = np.random.default_rng(seed)
    market = rng.normal(4e-4, 0.01, len(sessions))
    frames = []
    for ticker in ("A", "B", "C", "SPY"):
        own = market + (0 if ticker == "SPY" else rng.normal(0, 0.015, len(sessions)))
        if ticker == "A":
            own[at] += effect
        frames.append(pd.DataFrame({"ticker": ticker, "date": sessions, "close": 100 * np.cumprod(1 + own)}))
    return pd.concat(frames, ignore_index=True), [str(day) for day in sessions]


def events(*rows: tuple[str, str, str]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["event_id", "ticker", "announced_at"])
    return frame.assign(timing="bmo", role="direct")


def test_one_announcement_under_two_ids_counts_once() -> None:
    frame, days = prices(3)
    once = [("x", "A", days[500]), ("x", "B", days[500]), ("y", "C", days[540])]
    twice = [*once, ("again", "A", days[500]), ("again", "B", days[500])]
    single, double = run(events(*once), frame), run(events(*twice), frame)
    assert len(double.windows) == len(single.windows) + 10, "all rows stay"
    for name in ("aar", "aggregate"):
        left, right = single.tables[name], double.tables[name]
        drop = [column for column in ("n_rows",) if column in left]
        pd.testing.assert_frame_equal(left.drop(columns=drop), right.drop(columns=drop))
    columns = ["day0", "tickers", "window", "test", "ticker", "statistic", "p_value"]
    pd.testing.assert_frame_equal(single.cluster_tests[columns], double.cluster_tests[columns])
    assert set(double.aggregate[double.aggregate["group"] == "all"]["n_rows"]) == {5}
    shared = double.windows[double.windows["ticker"] == "A"]["flags"]
    assert shared.str.contains("shared_session").all()


def test_the_order_of_rows_changes_no_number() -> None:
    frame, days = prices(4)
    rows = [("x", "A", days[500]), ("x", "B", days[500]), ("y", "C", days[540]), ("z", "A", days[560])]
    forward, backward = run(events(*rows), frame), run(events(*rows[::-1]), frame)
    for name in ("windows", "abnormal_returns", "models", "robustness", "curves"):
        names = ("event_id", "ticker", "window", "model", "masked", "day", "part", "estimation", "gap", "returns")
        keys = [c for c in names if c in forward.tables[name]]
        left = forward.tables[name].sort_values(keys, ignore_index=True)
        right = backward.tables[name].sort_values(keys, ignore_index=True)
        pd.testing.assert_frame_equal(left, right, check_exact=True)


def test_a_planted_effect_is_found_on_its_day_and_not_elsewhere() -> None:
    frame, days = prices(5, effect=-0.12)
    found = run(events(("true", "A", days[500]), ("wrong", "A", days[470]), ("other", "B", days[500])), frame).windows
    day = found[found["window"] == "[0,0]"].set_index("event_id")
    assert (day.loc["true", ["p_t", "p_t_ar1", "p_local", "p_sq", "p_conformal"]] < 0.01).all()
    assert day.loc["true", "ci_low"] < -0.12 < day.loc["true", "ci_high"]
    assert (day.loc[["wrong", "other"], "p_t"] > 0.05).all()
