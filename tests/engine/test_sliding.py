"""The one-pass table of pseudo-events against the direct kernel, and its window sums against exact sums."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from eventstudy.engine.models import MODELS
from eventstudy.engine.options import Options
from eventstudy.engine.panel import ReturnPanel
from eventstudy.engine.significance.placebo import direct_table, placebo_table
from eventstudy.engine.significance.sliding import slides, sliding_t, window_sums
from eventstudy.engine.windows import WindowPlan

PLAN = WindowPlan(estimation=120, gap=10, start=-5, end=10)
WINDOWS = [(0, 0), (0, 1), (-1, 1), (-5, 5), (0, 10)]


def made(seed: int, n: int = 700) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    market = rng.normal(4e-4, 0.01, n)
    return 1.2 * market + rng.standard_t(4, n) * 0.014, market


OPTIONS = Options(plan=PLAN, model="market-model", windows=tuple(WINDOWS), min_estimation=60)
SLIDING = [name for name in MODELS if slides(replace(OPTIONS, model=name), 1)]


def panel_of(y: np.ndarray, market: np.ndarray, span: np.ndarray | None = None) -> ReturnPanel:
    n = len(y)
    known = np.isfinite(y).astype(np.int64)
    return ReturnPanel(
        returns=y[None],
        factors=market[None, None],
        span=(known if span is None else span)[None],
        day_number=np.arange(n)[None],
    )


def both(
    panel: ReturnPanel, mask: np.ndarray | None = None, model: str = "market-model", strict: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    n = panel.n_sessions
    masked = np.zeros(n, bool) if mask is None else mask
    first = int(np.argmax(np.isfinite(panel.returns[0])))
    candidates = np.arange(first - PLAN.estimation_start, n - 10)
    options = replace(OPTIONS, model=model, strict=strict)
    ours = placebo_table(panel, 0, masked, options).t
    theirs = direct_table(panel, 0, masked, options, candidates).t
    return ours, theirs


def assert_same(ours: np.ndarray, theirs: np.ndarray, tolerance: float = 1e-12) -> None:
    assert np.array_equal(np.isnan(ours), np.isnan(theirs))
    assert np.isfinite(ours).any()
    np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("length", [1, 2, 7, 20, 53, 60])
def test_a_bad_tick_affects_only_its_own_windows(length: int) -> None:
    rng = np.random.default_rng(length)
    values = rng.normal(0, 0.01, (2, 53))
    values[0, 20] = 1e6
    sums = window_sums(values, length)
    assert sums.shape == (2, max(0, 53 - length + 1))
    for row in range(2):
        for k in range(sums.shape[1]):
            window = values[row, k : k + length]
            assert sums[row, k] == pytest.approx(math.fsum(window), abs=1e-15 * max(1.0, np.abs(window).sum()))


def test_models_that_slide_are_those_of_one_slope() -> None:
    assert {"market-model", "market-adjusted", "constant-mean", "peer"} <= set(SLIDING)
    assert not {"capm", "ff3", "dimson", "garch", "scholes-williams", "synthetic"} & set(SLIDING)
    assert not slides(replace(OPTIONS, model="multi-index"), 2)


@pytest.mark.parametrize("model", SLIDING)
def test_regular_returns_to_1e_12(model: str) -> None:
    assert_same(*both(panel_of(*made(1)), model=model))


@pytest.mark.parametrize("model", SLIDING)
@pytest.mark.parametrize("strict", [False, True])
def test_masks_holes_and_returns_over_several_sessions(model: str, strict: bool) -> None:
    y, market = made(2)
    rng = np.random.default_rng(3)
    span = np.ones(len(y), dtype=np.int64)
    for at in rng.choice(np.arange(150, 690), 40, replace=False):
        if np.isfinite(y[at - 1 : at + 2]).all():
            y[at], span[at], span[at + 1] = np.nan, 0, 2
            market[at + 1] += market[at]
    y[:30], span[:30] = np.nan, 0
    mask = np.zeros(len(y), bool)
    mask[rng.choice(len(y), 60, replace=False)] = True
    ours, theirs = both(panel_of(y, market, span), mask, model, strict)
    assert_same(ours, theirs)
    assert np.isnan(ours[mask, 0]).all()


@pytest.mark.parametrize("size", [1e3, 1e6])
def test_a_bad_tick_leaves_no_trace_outside_its_windows(size: float) -> None:
    y, market = made(4)
    clean, _ = both(panel_of(y, market))
    y = y.copy()
    y[300] = size
    ours, theirs = both(panel_of(y, market))
    # estimation windows of these sessions hold the tick, or their test windows do
    touched = np.zeros(len(y), bool)
    touched[290:306] = True
    touched[300 - PLAN.estimation_end : 300 - PLAN.estimation_start + 1] = True
    np.testing.assert_allclose(ours[~touched], clean[~touched], rtol=1e-12, atol=1e-12)
    assert_same(ours[~touched], theirs[~touched])
    # with the tick inside s is about the tick's size, and so are the errors of both kernels
    assert_same(ours[touched], theirs[touched], 1e-9)


def reference(y: np.ndarray, market: np.ndarray, d: int, start: int, end: int) -> float:
    """The exact t of one pseudo-event from its closed form, centred, in extended precision."""
    y, x = (np.asarray(v, dtype=np.longdouble) for v in (y, market))
    before = slice(d + PLAN.estimation_start, d + PLAN.estimation_end + 1)
    mean_x, mean_y, m, length = x[before].mean(), y[before].mean(), PLAN.estimation, end - start + 1
    xc, yc = x[before] - mean_x, y[before] - mean_y
    slope = (xc * yc).sum() / (xc * xc).sum()
    s2 = ((yc - slope * xc) ** 2).sum() / (m - 2)
    window = slice(d + start, d + end + 1)
    move = (x[window] - mean_x).sum()
    q = length + np.longdouble(length) ** 2 / m + move**2 / (xc * xc).sum()
    return float(((y[window] - mean_y).sum() - slope * move) / np.sqrt(s2 * q))


@pytest.mark.parametrize(("level", "tolerance"), [(0.0, 1e-13), (0.01, 1e-13), (1e3, 1e-9)])
def test_a_nearly_constant_market_keeps_its_digits(level: float, tolerance: float) -> None:
    """The market moves by 1e-7 around a level: the median takes the level off before anything is squared."""
    y, _ = made(5)
    market = level + np.random.default_rng(6).normal(0, 1e-7, len(y))
    ours = placebo_table(panel_of(y, market), 0, np.zeros(len(y), bool), OPTIONS).t
    found = np.flatnonzero(np.isfinite(ours[:, 0]))[::17]
    exact = np.array([[reference(y, market, d, start, end) for start, end in WINDOWS] for d in found])
    assert len(found) > 20
    np.testing.assert_allclose(ours[found], exact, rtol=tolerance, atol=tolerance)


def test_a_market_with_a_moving_level_uses_the_direct_kernel() -> None:
    y, _ = made(7)
    market = np.where(np.arange(len(y)) < 350, 0.01, 0.05) + np.random.default_rng(8).normal(0, 1e-6, len(y))
    panel = panel_of(y, market)
    quick = sliding_t(panel, 0, np.zeros(len(y), bool), OPTIONS)
    assert quick.unsure.any()
    ours, theirs = both(panel)
    np.testing.assert_array_equal(ours[quick.unsure], theirs[quick.unsure])
    assert_same(ours, theirs, 1e-9)


def test_a_nearly_perfect_fit_is_handed_to_the_direct_kernel() -> None:
    _, market = made(9)
    y = 1.2 * market + np.random.default_rng(10).normal(0, 1e-9, len(market))
    panel = panel_of(y, market)
    quick = sliding_t(panel, 0, np.zeros(len(y), bool), OPTIONS)
    assert quick.unsure.any() and np.isnan(quick.t).all()
    ours, theirs = both(panel)
    np.testing.assert_array_equal(ours, theirs)
    assert np.isfinite(ours).any()


def test_a_constant_price_and_a_constant_market_have_no_t() -> None:
    y, market = made(11)
    for returns, factor in ((np.zeros_like(y), market), (y, np.zeros_like(y))):
        ours, theirs = both(panel_of(returns, factor))
        assert np.isnan(ours).all() and np.isnan(theirs).all()


def test_a_short_series_has_no_pseudo_events() -> None:
    y, market = made(12, n=100)
    assert np.isnan(placebo_table(panel_of(y, market), 0, np.zeros(100, bool), OPTIONS).t).all()
    nothing = panel_of(np.full(100, np.nan), market)
    assert np.isnan(placebo_table(nothing, 0, np.zeros(100, bool), OPTIONS).t).all()


def test_other_models_and_conventions_take_the_direct_kernel() -> None:
    from eventstudy.engine.options import Conventions

    panel = panel_of(*made(13))
    mask = np.zeros(panel.n_sessions, bool)
    exact = placebo_table(panel, 0, mask, OPTIONS).t
    naive = placebo_table(panel, 0, mask, replace(OPTIONS, conventions=Conventions(car="sqrt-l"))).t
    assert np.nanmax(np.abs(naive[:, 4])) > np.nanmax(np.abs(exact[:, 4]))
    wanted = np.array([300, 301, 400])
    some = placebo_table(panel, 0, mask, OPTIONS, sessions=wanted).t
    np.testing.assert_array_equal(np.flatnonzero(np.isfinite(some[:, 0])), wanted)
    np.testing.assert_allclose(some[wanted], exact[wanted], rtol=1e-12)


def test_windows_that_end_before_day_0() -> None:
    panel = panel_of(*made(14))
    mask = np.zeros(panel.n_sessions, bool)
    options = replace(OPTIONS, windows=((-5, -1),))
    found = placebo_table(panel, 0, mask, options, np.arange(panel.n_sessions)).t
    known = np.flatnonzero(np.isfinite(found[:, 0]))
    assert known[-1] == panel.n_sessions - 1
    np.testing.assert_allclose(found[known], direct_table(panel, 0, mask, options, known).t[known], rtol=1e-12)
