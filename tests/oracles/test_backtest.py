"""The backtest against loops over lists, raw prices, hand-worked cases and brute force."""

from __future__ import annotations

import itertools
import math
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from eventstudy.errors import NothingStudied, UsageError
from eventstudy.evaluate import dates as by_date
from eventstudy.evaluate.backtest import (
    DRIFT,
    PRIMARY,
    BacktestSpec,
    backtest,
    make_plan,
    placebo_share,
    r_squared,
    run_placebos,
    walk_through,
)
from eventstudy.evaluate.matching import placebo_sessions, trailing_volatility
from eventstudy.evaluate.scores import log_t, score
from eventstudy.evaluate.trading import Costs, Paths, entry_day, hold, trade
from eventstudy.evaluate.variants import MAIN_RULE
from eventstudy.evaluate.walkforward import Events, Forecasts, walk_forward
from eventstudy.results import StudyResult
from eventstudy.spec import StudySpec, Window
from eventstudy.study import run
from tests.evaluate.market_sample import SPEC, draw, study

NAN = math.nan


def forecast_by_hand(events: Events, e: int) -> tuple[bool, float, float]:
    """(made, mean, variance) of one event, from the formulas, over lists."""
    past: dict[int, dict[int, list[int]]] = {}
    for i in range(len(events.kind)):
        if math.isfinite(events.outcome[i]):
            past.setdefault(int(events.kind[i]), {}).setdefault(int(events.date[i]), []).append(i)
    means: dict[int, list[float]] = {}
    for kind, days in past.items():
        for members in days.values():
            if max(events.closed[i] for i in members) < events.cutoff[e]:
                means.setdefault(kind, []).append(sum(events.outcome[i] for i in members) / len(members))
    freedom = sum(len(values) - 1 for values in means.values())
    own = means.get(int(events.kind[e]), [])
    if freedom < 5 or len(own) < 3:
        return False, NAN, NAN
    within = sum(sum((v - sum(values) / len(values)) ** 2 for v in values) for values in means.values()) / freedom
    q = sum(len(values) * (sum(values) / len(values)) ** 2 / within for values in means.values())
    tau2 = max(0.0, (q - len(means)) / sum(len(values) / within for values in means.values()))
    v = within / len(own)
    return True, tau2 / (tau2 + v) * sum(own) / len(own), tau2 * v / (tau2 + v)


def made_up(seed: int, n: int = 80) -> Events:
    rng = np.random.default_rng(seed)
    date = np.sort(rng.integers(0, 400, n))
    outcome = rng.normal(0.01 * rng.integers(0, 2, n), 0.02)
    outcome[rng.random(n) < 0.1] = np.nan
    return Events(
        kind=rng.integers(0, 3, n),
        date=date,
        cutoff=date - 12,
        closed=date + rng.integers(0, 4, n),
        outcome=outcome,
        z2=rng.chisquare(1, n),
    )


@pytest.mark.parametrize("seed", range(5))
def test_forecasts_are_those_of_a_loop(seed: int) -> None:
    events = made_up(seed)
    found = walk_forward(events)
    assert found.made.any()
    assert not found.made.all()
    for e in range(len(events.kind)):
        made, mean, variance = forecast_by_hand(events, e)
        assert bool(found.made[e]) == made
        if made:
            assert found.mean[e] == pytest.approx(mean, rel=1e-10, abs=1e-15)
            assert found.variance[e] == pytest.approx(variance, rel=1e-10, abs=1e-18)


def test_base_rate_and_inflation_are_those_of_the_past() -> None:
    events = made_up(3)
    found = walk_forward(events)
    for e in np.flatnonzero(found.made):
        cells: dict[tuple[int, int], list[int]] = {}
        for i in np.flatnonzero(np.isfinite(events.outcome)):
            cells.setdefault((int(events.kind[i]), int(events.date[i])), []).append(int(i))
        over = [m for m in cells.values() if max(events.closed[i] for i in m) < events.cutoff[e]]
        means = [np.mean(events.outcome[m]) for m in over]
        assert found.base[e] == pytest.approx(np.mean(means))
        assert found.share_positive[e] == pytest.approx(np.mean(np.array(means) > 0))
        assert found.inflation[e] == pytest.approx(max(1.0, np.mean([np.mean(events.z2[m]) for m in over])))


def test_a_type_without_spread_is_not_shrunk() -> None:
    n = 12
    events = Events(
        kind=np.zeros(n, dtype=np.int64),
        date=np.arange(n) * 30,
        cutoff=np.arange(n) * 30 - 5,
        closed=np.arange(n) * 30,
        outcome=np.full(n, 0.02),
        z2=np.ones(n),
    )
    found = walk_forward(events)
    assert found.mean[-1] == pytest.approx(0.02)
    assert found.variance[-1] == pytest.approx(0, abs=1e-20)


# --- scores


def test_scores_by_hand() -> None:
    rng = np.random.default_rng(5)
    n = 40
    y, f, base = rng.normal(0, 0.02, n), rng.normal(0, 0.01, n), np.full(n, 0.003)
    date = np.repeat(np.arange(20), 2)
    made = np.ones(n, dtype=bool)
    made[:4] = False
    forecasts = Forecasts(
        made=made,
        mean=f,
        variance=np.full(n, 1e-4),
        base=base,
        share_positive=np.full(n, 0.6),
        inflation=np.full(n, 2.25),
        past=np.full(n, 5),
    )
    scale, nu = np.full(n, 0.015), np.full(n, 118.0)
    found = score(forecasts, y, scale, nu, date, 0.95, 1.0)
    y, f, base, date = y[4:], f[4:], base[4:], date[4:]
    assert (found.n, found.n_dates, found.n_silent) == (36, 18, 4)
    assert found.get("oos-r2", "zero").value == pytest.approx(1 - np.sum((y - f) ** 2) / np.sum(y**2))
    assert found.get("oos-r2", "base-rate").value == pytest.approx(1 - np.sum((y - f) ** 2) / np.sum((y - base) ** 2))
    ours = stats.t.logpdf(y, 118, loc=f, scale=np.sqrt((0.015 * 1.5) ** 2 + 1e-4))
    theirs = stats.t.logpdf(y, 118, loc=0, scale=0.015 * 1.5)
    assert found.get("log-score", "zero").value == pytest.approx(np.mean(ours - theirs))
    hits = found.get("hit-rate", "base-rate")
    assert hits.value == pytest.approx(np.mean(np.sign(f) == np.sign(y)))
    assert hits.reference == pytest.approx(np.mean(y > 0))
    d = pd.Series(y**2 - (y - f) ** 2).groupby(date).mean()
    assert found.get("oos-r2", "zero").t == pytest.approx(stats.ttest_1samp(d, 0).statistic)
    low, high = found.get("oos-r2", "zero").ci_low, found.get("oos-r2", "zero").ci_high
    assert low < found.get("oos-r2", "zero").value < high


def test_log_density_is_scipys() -> None:
    x, scale, nu = np.array([-0.1, 0.0, 0.3]), np.array([0.1, 0.2, 0.05]), np.array([5.0, 30.0, 118.0])
    np.testing.assert_allclose(log_t(x, scale, nu), stats.t.logpdf(x, nu, scale=scale), rtol=1e-12)


@pytest.mark.parametrize("n", [2, 5, 9])
def test_sign_flips_are_counted_one_by_one(n: int) -> None:
    gain = np.random.default_rng(n).normal(0.3, 1, n)
    patterns = list(itertools.product((1, -1), repeat=n))
    more = sum(sum(s * g for s, g in zip(signs, gain, strict=True)) >= gain.sum() - 1e-12 for signs in patterns)
    t, p = by_date.better_than_nothing(gain)
    assert p == more / len(patterns)
    assert t == pytest.approx(stats.ttest_1samp(gain, 0).statistic)


def test_more_dates_are_drawn_and_many_follow_student() -> None:
    gain = np.random.default_rng(1).normal(0.3, 1, 13)
    bits = np.array(list(itertools.product((1, -1), repeat=13)))
    exact = np.mean(bits @ gain >= gain.sum() - 1e-12)
    assert by_date.better_than_nothing(gain)[1] == pytest.approx(exact, abs=4 * np.sqrt(exact / 9999))
    gain = np.random.default_rng(2).normal(0.1, 1, 40)
    assert by_date.better_than_nothing(gain)[1] == pytest.approx(
        stats.ttest_1samp(gain, 0, alternative="greater").pvalue
    )


def test_nothing_varies_nothing_is_tested() -> None:
    assert all(math.isnan(v) for v in by_date.better_than_nothing(np.zeros(8)))
    assert all(math.isnan(v) for v in by_date.better_than_nothing(np.array([0.3])))


# --- the bootstrap over dates


def test_blocks_run_on_and_have_their_mean_length() -> None:
    places = by_date.stationary_places(50, 4.0, 2000, 1)
    runs_on = (places[:, 1:] - places[:, :-1]) % 50 == 1
    # a new block begins with probability 1/4, and lands on the next place by chance one time in fifty
    assert runs_on.mean() == pytest.approx(0.75 + 0.25 / 50, abs=0.01)
    assert np.bincount(places.ravel(), minlength=50).std() / places.size * 50 < 0.02
    assert set(np.unique(places)) == set(range(50))


def test_bootstrap_p_is_that_of_every_resample() -> None:
    x = np.array([0.01, -0.004, 0.013, 0.006, 0.002])
    exact = []
    for pick in itertools.product(range(5), repeat=5):
        drawn = x[list(pick)]
        deviation = drawn.std(ddof=1)
        t = (drawn.mean() - x.mean()) / (deviation / np.sqrt(5)) if deviation > 0 else math.inf
        exact.append(t)
    t, draws, error = by_date.bootstrap_t(x[None], np.ones((1, 5), dtype=bool), 1.0)
    observed = stats.ttest_1samp(x, 0).statistic
    assert t[0] == pytest.approx(observed)
    assert error[0] == pytest.approx(stats.sem(x))
    p = np.mean(np.array(exact) >= observed)
    assert by_date.upper_p(t, draws)[0] == pytest.approx(p, abs=4 * np.sqrt(p * (1 - p) / by_date.DRAWS) + 1e-3)


def test_dates_without_a_trade_do_not_count() -> None:
    rng = np.random.default_rng(4)
    pnl, traded = rng.normal(0.002, 0.01, (1, 30)), rng.random((1, 30)) < 0.6
    t, _, error = by_date.bootstrap_t(np.where(traded, pnl, 0.0), traded, 1.0)
    own = pnl[0, traded[0]]
    assert t[0] == pytest.approx(stats.ttest_1samp(own, 0).statistic)
    assert error[0] == pytest.approx(stats.sem(own))


def test_stepwise_p_is_the_step_down_by_hand() -> None:
    rng = np.random.default_rng(6)
    t, draws = np.array([2.4, -1.0, 1.1]), rng.normal(size=(3, 500))
    order, left, expected, running = [0, 2, 1], [0, 1, 2], {}, 0.0
    for k in order:
        worst = np.max(np.maximum(draws[left], 0), axis=0)
        running = max(running, (1 + np.sum(worst >= max(t[k], 0))) / 501)
        expected[k] = running
        left.remove(k)
    np.testing.assert_allclose(by_date.stepwise_p(t, draws), [expected[k] for k in range(3)])
    assert expected[1] == 1


# --- trading

UTC = "2025-04-15T13:30"


@pytest.mark.parametrize(
    ("timing", "instant", "later", "day"),
    [
        ("bmo", None, False, 0),
        ("amc", None, True, 0),
        ("dmh", None, False, 1),
        ("unknown", None, False, 1),
        ("unknown", None, True, 0),
        ("dmh", None, True, 0),
        ("bmo", "2025-04-15T11:00", False, 0),
        ("bmo", "2025-04-15T13:15", False, 0),
        ("bmo", "2025-04-15T13:16", False, 1),
        ("dmh", "2025-04-15T15:00", False, 1),
        ("amc", "2025-04-14T20:05", False, 0),
        ("closed", "2025-04-13T12:00", False, 0),
    ],
)
def test_entry_by_hand(timing: str, instant: str | None, later: bool, day: int) -> None:
    moment = np.datetime64("NaT" if instant is None else instant, "s")
    assert entry_day(timing, moment, np.datetime64(UTC, "s"), later_session=later) == day


def paths() -> tuple[Paths, dict[str, np.ndarray]]:
    """One stock and its index over days 0 to 3, with the prices behind them; day 2 has no close."""
    close, opened = np.array([100.0, 102.0, NAN, 99.0, 104.0]), np.array([100.0, 101.0, NAN, 103.0, 98.0])
    index, index_open = np.array([50.0, 51.0, NAN, 50.5, 52.0]), np.array([50.0, 50.2, NAN, 51.5, 50.0])

    def parts(close: np.ndarray, opened: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        total = np.array([close[1] / close[0] - 1, NAN, close[3] / close[1] - 1, close[4] / close[3] - 1])
        overnight = opened[1:] / close[:-1] - 1
        return total[None], overnight[None], (close[1:] / opened[1:] - 1)[None]

    (t, o, i), (ht, ho, hi) = parts(close, opened), parts(index, index_open)
    day = np.array([[0, 1, 2, 5]])
    made = Paths(total=t, overnight=o, intraday=i, hedge_total=ht, hedge_overnight=ho, hedge_intraday=hi, day=day)
    return made, {"close": close[1:], "open": opened[1:], "index": index[1:], "index_open": index_open[1:]}


def test_a_position_earns_the_ratio_of_its_prices() -> None:
    made, price = paths()
    held = hold(made, np.array([0]), np.array([True]), 3)
    assert held.stock[0] == pytest.approx(price["close"][3] / price["open"][0] - 1)
    assert held.hedge[0] == pytest.approx(price["index"][3] / price["index_open"][0] - 1)
    assert held.days[0] == 5
    held = hold(made, np.array([0]), np.array([False]), 2)
    assert held.stock[0] == pytest.approx(price["close"][2] / price["close"][0] - 1)


def test_nights_and_sessions_by_hand() -> None:
    made, price = paths()
    # from the open of day 2's successor to the close: one session; then a night and a session
    held = hold(made, np.array([2]), np.array([True]), 3)
    value = price["close"][2] / price["open"][2]
    night = value * (price["open"][3] / price["close"][2] - 1)
    assert held.stock_overnight[0] == pytest.approx(night)
    assert held.stock[0] - night == pytest.approx(
        (value - 1) + value * (price["close"][3] - price["open"][3]) / price["close"][2]
    )


def test_what_has_no_price_is_not_traded() -> None:
    made, _ = paths()
    for entry, at_open, leave in ((1, True, 3), (1, False, 3), (0, True, 1), (3, False, 3), (0, False, 0)):
        assert math.isnan(hold(made, np.array([entry]), np.array([at_open]), leave).stock[0])
    assert math.isfinite(hold(made, np.array([0]), np.array([True]), 0).stock[0])


def test_costs_by_hand() -> None:
    made, _ = paths()
    held = hold(made, np.array([0]), np.array([True]), 3)
    costs = Costs(per_side=0.001, hedge_per_side=0.0001, borrow=0.0365)
    beta = np.array([1.5])
    long, short = (trade(held, beta, np.array([side]), costs) for side in (1.0, -1.0))
    gross = held.stock[0] - 1.5 * held.hedge[0]
    assert long.gross[0] == pytest.approx(gross)
    assert long.net[0] == pytest.approx(gross - 0.002 - 0.0003)
    assert short.net[0] == pytest.approx(-gross - 0.002 - 0.0003 - 0.0365 * 5 / 365)
    assert long.overnight[0] + long.intraday[0] == pytest.approx(gross) or math.isnan(long.overnight[0])
    assert math.isnan(trade(held, beta, np.array([0.0]), costs).net[0])
    assert math.isnan(trade(held, np.array([NAN]), np.array([1.0]), costs).net[0])


# --- the whole


@pytest.fixture(scope="module")
def drifting() -> StudyResult:
    return study(0, drift=0.004)


def test_measured_cars_are_the_studys() -> None:
    result = study(1, SPEC.with_changes(windows=(Window(0, 0), Window(1, 5)), windows_given=True))
    plan = make_plan(result.studied, BacktestSpec())
    walk = walk_through(plan)
    table = result.windows.set_index(["event_id", "ticker", "window"])
    for n, i in enumerate(plan.cases.positions):
        name = (result.studied.text(i, "event_id"), result.studied.text(i, "ticker"))
        for label in ("[0,0]", "[1,5]"):
            assert walk.outcome[label][n] == pytest.approx(table.loc[(*name, label), "car"], rel=1e-12, nan_ok=True)
            assert walk.scale[label][n] == pytest.approx(table.loc[(*name, label), "std_error"], rel=1e-12, nan_ok=True)
    np.testing.assert_allclose(walk.outcome[DRIFT], walk.outcome["[1,5]"])


def test_trades_from_raw_prices(drifting: StudyResult) -> None:
    found = backtest(drifting.studied, BacktestSpec(exit_day=3, placebos=0))
    _, prices = draw(0, drift=0.004)
    table = {ticker: frame.reset_index(drop=True) for ticker, frame in prices.groupby("ticker")}
    models = drifting.models.set_index(["event_id", "ticker"])
    main, plan = found.main_trades, found.plan
    assert np.isfinite(main.net).sum() > 50
    for n in np.flatnonzero(np.isfinite(main.net)):
        i = plan.cases.positions[n]
        event_id, ticker = drifting.studied.text(i, "event_id"), drifting.studied.text(i, "ticker")
        at = int(np.flatnonzero(table[ticker]["date"] == drifting.studied.day0(i))[0])
        stock = table[ticker]["close"][at + 3] / table[ticker]["open"][at] - 1
        index = table["SPY"]["close"][at + 3] / table["SPY"]["open"][at] - 1
        beta = models.loc[(event_id, ticker), "beta"]
        days = (table[ticker]["date"][at + 3] - table[ticker]["date"][at]).days
        cost = 0.002 + 2 * abs(beta) * 0.0001 + (0.01 * days / 365 if main.side[n] < 0 else 0)
        assert main.net[n] == pytest.approx(main.side[n] * (stock - beta * index) - cost, rel=1e-9)
        assert main.overnight[n] + main.intraday[n] == pytest.approx(main.gross[n], rel=1e-9)


def test_one_profit_a_date(drifting: StudyResult) -> None:
    found = backtest(drifting.studied, BacktestSpec(placebos=0))
    main = pd.Series(found.main_trades.net).groupby(found.plan.cases.date).mean().dropna()
    v = found.main
    assert (v.n_dates, v.net) == (len(main), pytest.approx(main.mean()))
    assert v.total == pytest.approx(main.sum())
    assert v.without_best == pytest.approx(main.sort_values().iloc[:-3].mean())
    assert v.t == pytest.approx(stats.ttest_1samp(main, 0).statistic)
    assert v.p <= v.p_stepwise


def test_a_planted_drift_and_a_planted_impact_are_found() -> None:
    found = backtest(study(0, drift=0.006).studied, BacktestSpec(placebos=19))
    assert found.main.p_stepwise < 0.05
    assert found.scored[DRIFT].get("oos-r2", "zero").p < 0.01
    assert placebo_share(found.placebos.net, found.main.net) == pytest.approx(0.05, abs=0.06)
    impact = backtest(study(0, impact=0.03).studied, BacktestSpec(placebos=19))
    main = impact.scored[PRIMARY].get("oos-r2", "zero")
    assert main.value > 0.3
    assert main.p < 1e-4
    assert placebo_share(impact.placebos.r_squared[PRIMARY], main.value) == pytest.approx(0.05)


def test_placebo_runs_equal_a_study_of_the_placebo_dates() -> None:
    spec = SPEC.with_changes(exclude="none")
    events, prices = draw(2, n_dates=60, impact=0.01)
    result = run(events, prices, spec)
    plan = make_plan(result.studied, BacktestSpec())
    drawn = run_placebos(plan, 2)
    for n, session in enumerate(placebo_sessions(plan.ground, plan.cases.date, 2)):
        moved = events.copy()
        kept = np.zeros(len(events), dtype=bool)
        when = moved["announced_at"].to_numpy().copy()
        for place, i in enumerate(plan.cases.positions):
            if session[place] >= 0:
                row = int(result.studied.rows[i])
                kept[row] = True
                when[row] = str(result.studied.series(i).calendar.sessions[session[place]])
        moved["announced_at"] = when
        again = backtest(run(moved[kept], prices, spec).studied, BacktestSpec(placebos=0))
        walk = again.walk
        known = walk.forecasts[PRIMARY].made & np.isfinite(walk.outcome[PRIMARY])
        by_hand = r_squared(walk.outcome[PRIMARY][known], walk.forecasts[PRIMARY].mean[known])
        assert drawn.r_squared[PRIMARY][n] == pytest.approx(by_hand, rel=1e-9)
        net = pd.Series(walk.trades[MAIN_RULE, 5].net)
        # one profit for each date of the events themselves, whatever their placebo date
        names = {(e, t): d for e, t, d in _dated(result, plan)}
        studied = run(moved[kept], prices, spec).studied
        own = [names[studied.text(i, "event_id"), studied.text(i, "ticker")] for i in again.plan.cases.positions]
        expected = net.groupby(own).mean().dropna()
        assert drawn.net[n] == pytest.approx(expected.mean(), rel=1e-9, nan_ok=True)


def _dated(result: StudyResult, plan) -> list[tuple[str, str, int]]:
    studied = result.studied
    return [
        (studied.text(i, "event_id"), studied.text(i, "ticker"), int(plan.cases.date[n]))
        for n, i in enumerate(plan.cases.positions)
    ]


def test_placebo_dates_match_and_stay_away(drifting: StudyResult) -> None:
    plan = make_plan(drifting.studied, BacktestSpec())
    ground, own = plan.ground, plan.ground.placed.session
    first = placebo_sessions(ground, plan.cases.date, 3)
    assert all(np.array_equal(a, b) for a, b in zip(first, placebo_sessions(ground, plan.cases.date, 3), strict=True))
    busy = {(s, t) for s, t in zip(ground.placed.series.tolist(), own.tolist(), strict=True)}
    days = ground.panel.day_number
    for drawn in first:
        known = np.flatnonzero(drawn >= 0)
        assert len(known) > 0.8 * len(own)
        for n in known:
            series = int(ground.placed.series[n])
            assert (days[series, drawn[n]] - days[series, own[n]]) % 7 == 0
            assert abs(int(drawn[n]) - int(own[n])) <= 126
            assert not any((series, int(drawn[n]) + shift) in busy for shift in range(-11, 12))
        for date in np.unique(plan.cases.date):
            rows = [n for n in known if plan.cases.date[n] == date]
            assert len({int(drawn[n] - own[n]) for n in rows}) <= 1


def test_trailing_volatility_by_hand() -> None:
    returns = np.random.default_rng(0).normal(0, 0.01, (1, 60))
    returns[0, 30] = np.nan
    found = trailing_volatility(returns)
    window = returns[0, 25:45]
    assert found[0, 45] == pytest.approx(0.5 * np.log(np.nanmean(window**2)))
    assert np.isnan(found[0, :10]).all()


def test_placebo_share_counts() -> None:
    values = np.array([0.1, 0.3, np.nan, 0.2])
    assert placebo_share(values, 0.2) == pytest.approx((1 + 2) / 4)
    assert placebo_share(values, 0.5) == pytest.approx(1 / 4)
    assert math.isnan(placebo_share(np.array([np.nan]), 0.2))


def test_without_opens_positions_begin_at_the_close() -> None:
    found = backtest(study(0, drift=0.006, opens=False).studied, BacktestSpec(placebos=0))
    assert not found.plan.cases.at_open.any()
    assert found.main.n > 0
    assert math.isnan(found.main.overnight)
    assert found.main.net > 0


def test_bad_choices_are_sentences(drifting: StudyResult) -> None:
    with pytest.raises(UsageError, match="exit day 11 is not between 1 and 10"):
        backtest(drifting.studied, BacktestSpec(exit_day=11))
    with pytest.raises(UsageError, match="exit day 0"):
        backtest(drifting.studied, BacktestSpec(exit_day=0))
    events = pd.DataFrame({"ticker": ["NVDA"], "announced_at": ["2024-01-20"], "role": ["placebo"]})
    with pytest.raises(NothingStudied):
        backtest(run(events, spec=StudySpec(source="snapshot")).studied, BacktestSpec())


DATA = os.environ.get("EVENTSTUDY_TEST_DATA", "")
NEEDED = DATA and (Path(DATA) / "panel.parquet").exists() and (Path(DATA) / "panel_events.csv").exists()


@pytest.mark.skipif(not NEEDED, reason="EVENTSTUDY_TEST_DATA names no folder with panel.parquet and panel_events.csv")
def test_on_real_earnings_dates() -> None:
    tickers = ("AAPL", "MSFT", "NVDA", "AMD", "JPM", "XOM", "PFE", "WMT")
    panel = pd.read_parquet(Path(DATA) / "panel.parquet")
    prices = panel[panel["ticker"].isin((*tickers, "SPY"))].rename(columns={"adj_close": "close"})
    events = pd.read_csv(Path(DATA) / "panel_events.csv")
    both = events["ticker"].isin(tickers) & (events["in_source_a"] == 1) & (events["in_source_b"] == 1)
    rows = events[both & (events["event_date"] >= "2019-01-01")]
    frame = pd.DataFrame({"ticker": rows["ticker"], "announced_at": rows["event_date"], "category": "earnings"})
    found = backtest(run(frame, prices, StudySpec(tests=("car-t",))).studied, BacktestSpec(placebos=3))
    assert len(found.plan.cases.positions) > 150
    # no opens, and no hour of the day: the close of day 1
    assert not found.plan.cases.at_open.any()
    assert set(found.plan.cases.entry.tolist()) <= {0, 1}
    assert found.scored[PRIMARY].n_dates > 60
    assert abs(found.scored[PRIMARY].get("oos-r2", "zero").value) < 0.2
    assert math.isnan(found.main.overnight)
