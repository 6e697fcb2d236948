"""Differences between groups and calendar-time portfolios against scipy, statsmodels' inputs by hand, and naive loops."""

from __future__ import annotations

import itertools
from functools import reduce

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from eventstudy.engine.measures import take
from eventstudy.engine.models import fit
from eventstudy.engine.moments import Moments, summarise
from eventstudy.engine.significance import calendar_time, cluster, pairs
from eventstudy.engine.significance.calendar_time import DaySums, day_sums, held_until, holding, jaffe
from eventstudy.engine.significance.differences import contrast, difference_cov, difference_welch
from eventstudy.engine.windows import Design, WindowPlan
from eventstudy.errors import UsageError
from eventstudy.evaluate.calendar_time import regressed
from eventstudy.results import StudyResult
from eventstudy.spec import StudySpec, Window
from eventstudy.study import run
from tests.conftest import ROOT
from tests.engine.battery_sample import build, panel_design
from tests.oracles import naive_longrun as naive
from tests.oracles.test_battery import ragged
from tests.oracles.test_study import returns as returns_fixture

returns = returns_fixture
HOLD = 60


@pytest.fixture(scope="module")
def held() -> StudyResult:
    """The sample study with a holding period."""
    return run(
        ROOT / "events.csv",
        spec=StudySpec(
            source="snapshot", hold=HOLD, tests=("calendar-time-alpha", "calendar-time-wls", "jaffe", "csect-t")
        ),
    )


# --- differences


@pytest.mark.parametrize("side", ["two-sided", "less", "greater"])
def test_the_difference_of_two_means_is_scipy_s(side: str) -> None:
    rng = np.random.default_rng(1)
    one, two = rng.normal(0.01, 0.05, 17), rng.normal(0, 0.02, 9)
    found = difference_welch(summarise(one), summarise(two), [], side)  # type: ignore[arg-type]
    expected = stats.ttest_ind(one, two, equal_var=False, alternative=side)
    assert found.statistic == pytest.approx(expected.statistic, rel=1e-12)
    assert found.p == pytest.approx(expected.pvalue, rel=1e-9)
    assert float(found.df) == pytest.approx(expected.df, rel=1e-5)


@pytest.mark.parametrize("one_date", [False, True])
@pytest.mark.parametrize("window", [(0, 0), (-1, 2)])
def test_the_covariance_of_a_difference_by_a_naive_loop(one_date: bool, window: tuple[int, int]) -> None:
    design, days, events, firms = ragged(31, one_date=one_date)
    here = np.arange(len(events)) % 3 == 0
    c = contrast(here, ~here)
    sample, together = build(design, *window, day_number=days, series=firms, shares=c)
    span = list(range(window[0], window[1] + 1))
    expected = naive.difference_variance(events, span, list(c))
    assert together.variance == pytest.approx(expected, rel=1e-10)  # type: ignore[attr-defined]
    one, two = summarise(sample.car[here]), summarise(sample.car[~here])
    found = difference_cov(one, two, together.variance, together.min_nu, [], "two-sided")  # type: ignore[attr-defined]
    cars = np.array([e.car(span) for e in events])
    assert found.statistic == pytest.approx((cars[here].mean() - cars[~here].mean()) / np.sqrt(expected), rel=1e-9)
    assert found.p == pytest.approx(2 * stats.t.sf(abs(found.statistic), min(e.nu for e in events)), rel=1e-9)


def test_differences_merge_over_any_partition() -> None:
    rng = np.random.default_rng(2)
    x, here = rng.normal(0, 0.03, 60), rng.random(60) < 0.4
    for cuts in ((0, 60), (0, 7, 31, 60)):
        parts = [(x[a:b], here[a:b]) for a, b in itertools.pairwise(cuts)]
        one = two = Moments()
        for values, mine in parts:
            one, two = one.merge(summarise(values[mine])), two.merge(summarise(values[~mine]))
        found = difference_welch(one, two, [], "two-sided")
        assert found.statistic == pytest.approx(
            stats.ttest_ind(x[here], x[~here], equal_var=False).statistic, rel=1e-12
        )


def test_the_table_of_differences(sample: StudyResult) -> None:
    """Every pair of roles, from the CARs that windows.csv prints."""
    table, windows = sample.differences_table, sample.windows
    # days picked because of their outcome are in no group
    known = windows[windows["car"].notna() & windows["std_error"].notna() & (windows["role"] != "outcome")]
    for label in ("[0,0]", "[0,1]"):
        cars = known[known["window"] == label].drop_duplicates(["role", "ticker", "day0"]).groupby("role")["car"]
        values = {str(role): own.to_numpy() for role, own in cars}
        rows = table[(table["window"] == label) & (table["test"] == "difference-welch")].set_index(["group", "other"])
        assert set(rows.index) == set(itertools.combinations(sorted(values), 2))
        for (a, b), row in rows.iterrows():
            expected = stats.ttest_ind(values[a], values[b], equal_var=False)
            assert row["statistic"] == pytest.approx(expected.statistic, rel=1e-9)
            assert row["p_value"] == pytest.approx(expected.pvalue, rel=1e-9)
            assert row["difference"] == pytest.approx(values[a].mean() - values[b].mean(), rel=1e-9)
            assert (row["n_group"], row["n_other"]) == (len(values[a]), len(values[b]))
            assert row["difference"] / row["std_error"] == pytest.approx(row["statistic"], rel=1e-9)


def test_many_groups_are_each_compared_with_the_rest(sample: StudyResult) -> None:
    found = run(
        ROOT / "events.csv",
        spec=StudySpec(
            source="snapshot",
            by="event_id",
            windows=(Window(0, 0),),
            windows_given=True,
            tests=("difference-welch", "difference-cov"),
        ),
    )
    table = found.differences_table
    assert set(table["other"]) == {"(rest)"} and table["group"].nunique() > 6
    assert len(table) == 2 * table["group"].nunique()
    firms = found.windows.drop_duplicates(["ticker", "day0"])
    assert ((table["n_group"] + table["n_other"]) <= len(firms) + table["n_group"]).all()


def test_what_a_difference_cannot_say() -> None:
    assert difference_welch(Moments(), summarise(np.ones(3)), [], "two-sided").applicable == "no"
    assert "variance" in difference_welch(summarise(np.ones(3)), summarise(np.zeros(3)), [], "two-sided").reason
    assert difference_cov(summarise(np.ones(3)), Moments(), 1.0, 50.0, [], "two-sided").applicable == "no"
    assert "cov_not_psd" in difference_cov(summarise(np.ones(3)), summarise(np.ones(2)), 0.0, 9.0, [], "less").reason


# --- calendar time


def test_the_portfolio_and_jaffe_by_naive_loops() -> None:
    for one_date in (False, True):
        design, days, events, firms = ragged(33, one_date=one_date)
        session = np.array([e.date for e in events])
        held = holding(design, held_until(firms, session, 3))
        assert [list(np.flatnonzero(row)) for row in held] == [
            [design.plan.column(d) for d in own] for own in naive.held_days(events, 3)
        ]
        for n_min in (1, 4):
            found = day_sums(design, held, days).portfolio(n_min)
            sessions = {
                day: firms_held
                for day, firms_held in naive.by_session(events, naive.held_days(events, 3)).items()
                if len(firms_held) >= n_min
            }
            assert list(found.day) == list(sessions) and list(found.n) == [len(f) for f in sessions.values()]
            for t, firms_held in enumerate(sessions.values()):
                earned = [events[i].abnormal[d] + events[i].expected[d] for i, d in firms_held]
                assert found.returns[t] == pytest.approx(np.mean(earned), rel=1e-12)
                assert found.factors[t, 0] == pytest.approx(np.mean([events[i].market[d] for i, d in firms_held]))
            parts = [
                day_sums(take(design, rows), held[rows], days[rows])
                for rows in (np.arange(0, 5), np.arange(5, 6), np.arange(6, len(held)))
            ]
            merged = reduce(DaySums.merge, parts).portfolio(n_min)
            assert (merged.day == found.day).all() and (merged.n == found.n).all()
            np.testing.assert_allclose(merged.returns, found.returns, rtol=1e-13)
            np.testing.assert_allclose(merged.factors, found.factors, rtol=1e-13)
            result = jaffe(design, fit(design, "market-model"), "market-model", (held, days), firms, n_min, "two-sided")
            assert result.statistic == pytest.approx(naive.jaffe_t(events, 3, n_min), rel=1e-9)
            assert result.p == pytest.approx(2 * stats.t.sf(abs(result.statistic), min(e.nu for e in events)))


def test_thirty_common_days_correlate_two_events() -> None:
    """methods.md 6.7 and 10.3."""
    assert calendar_time.COMMON_DAYS == pairs.COMMON_DAYS == 30


@pytest.mark.parametrize("above", [0, 1, 8])
def test_pairs_with_few_common_days_take_the_mean_correlation(monkeypatch: pytest.MonkeyPatch, above: int) -> None:
    design, days, events, firms = ragged(37)
    held = holding(design, held_until(firms, np.array([e.date for e in events]), 3))
    common = [
        len({a.calendar[d] for d in a.residuals} & {b.calendar[d] for d in b.residuals})
        for a, b in itertools.combinations(events, 2)
    ]
    limit = min(common) + above
    monkeypatch.setattr(calendar_time, "COMMON_DAYS", limit)
    assert limit < max(common)
    found = jaffe(design, fit(design, "market-model"), "market-model", (held, days), firms, 1, "two-sided")
    assert found.statistic == pytest.approx(naive.jaffe_t(events, 3, at_least=limit), rel=1e-9)


def test_jaffe_goes_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    design, days, events, firms = ragged(34)
    held = holding(design, held_until(firms, np.array([e.date for e in events]), 3))
    fits = fit(design, "market-model")
    whole = jaffe(design, fits, "market-model", (held, days), firms, 1, "less")
    monkeypatch.setattr(calendar_time, "BLOCK", 4)
    pieces = jaffe(design, fits, "market-model", (held, days), firms, 1, "less")
    assert pieces.statistic == pytest.approx(whole.statistic, rel=1e-12)


def test_jaffe_on_one_date_is_the_exact_portfolio() -> None:
    plan = WindowPlan(estimation=90, gap=2, start=0, end=20)
    rng = np.random.default_rng(35)
    market = rng.normal(0, 0.01, plan.n_days)
    returns = market + rng.normal(0, 0.02, (5, plan.n_days)) + rng.normal(0, 0.01, plan.n_days)
    design = panel_design(returns, market, plan, -plan.estimation_start)
    held = holding(design, held_until(np.arange(5), np.full(5, 92), 20))
    days = np.broadcast_to(np.arange(plan.n_days), returns.shape)
    found = jaffe(design, fit(design, "market-model"), "market-model", (held, days), np.arange(5), 1, "two-sided")
    built = cluster.build_cluster(design, "market-model", 1, 20, 60)
    assert not isinstance(built, str)
    exact = cluster.portfolio_t(built)
    assert found.statistic == pytest.approx(exact.statistic, rel=1e-10) and found.p == pytest.approx(exact.p, rel=1e-9)


@pytest.mark.parametrize("group", ["all", "peer", "placebo"])
def test_alphas_of_the_sample_from_the_raw_prices(held: StudyResult, returns: pd.DataFrame, group: str) -> None:
    """Portfolios by date from the price file, Newey & West by hand."""
    studied, dates = held.studied, list(returns.index)
    role = "direct" if group == "all" else group
    firms: dict[tuple[str, int], None] = {}
    for i in studied.reported:
        if studied.text(i, "role") == role:
            firms[studied.text(i, "ticker"), dates.index(str(studied.day0(i)))] = None
    y, x, n = [], [], []
    for t in range(len(dates)):
        own = sorted({ticker for ticker, zero in firms if 1 <= t - zero <= HOLD})
        if own:
            y.append(float(np.mean([returns[ticker].iat[t] for ticker in own])))
            x.append([1.0, float(returns["SPY"].iat[t])])
            n.append(float(len(own)))
    table = held.calendar_time.set_index(["group", "test"])
    for test, weights in (("calendar-time-alpha", None), ("calendar-time-wls", n)):
        row = table.loc[(group, test)]
        alpha, error = naive.newey_west(y, x, weights)
        assert row["alpha"] == pytest.approx(alpha, rel=1e-8) and row["std_error"] == pytest.approx(error, rel=1e-8)
        assert row["p_value"] == pytest.approx(2 * stats.t.sf(abs(alpha / error), len(y) - 2), rel=1e-6)
        assert row["n_sessions"] == len(y) and row["mean_firms"] == pytest.approx(np.mean(n))
        again = held.aggregate.set_index(["group", "window", "test"]).loc[(group, f"[1,{HOLD}]", test)]
        assert again["statistic"] == row["statistic"] and again["p_value"] == row["p_value"]


def test_no_holding_period_no_portfolio(sample: StudyResult) -> None:
    assert sample.calendar_time.empty and "calendar-time-alpha" not in set(sample.aggregate["test"])
    for trouble in (
        {"tests": ("jaffe",)},
        {"hold": -1},
        {"hold": 9999},
        {"hold_min": 0},
        {"hold": 5, "returns": "log"},
    ):
        with pytest.raises(UsageError):
            StudySpec(**trouble)  # type: ignore[arg-type]


def test_a_portfolio_that_cannot_be_measured_says_why(held: StudyResult) -> None:
    design, firms, days, n_min = _two_firms()
    found = day_sums(design, firms, days).portfolio(n_min)
    assert "has no market" in regressed(found, "calendar-time-alpha", "constant-mean", "two-sided").result.reason
    assert "needed" in regressed(found, "calendar-time-alpha", "market-model", "two-sided").result.reason
    reasons = held.calendar_time[held.calendar_time["test"] != "jaffe"]["reason"]
    assert reasons.str.contains("firms on average").all()


def _two_firms() -> tuple[Design, np.ndarray, np.ndarray, int]:
    plan = WindowPlan(estimation=60, gap=0, start=0, end=5)
    rng = np.random.default_rng(36)
    design = panel_design(rng.normal(0, 0.02, (2, plan.n_days)), rng.normal(0, 0.01, plan.n_days), plan, 60)
    held = holding(design, held_until(np.arange(2), np.full(2, 60), 5))
    return design, held, np.broadcast_to(np.arange(plan.n_days), (2, plan.n_days)), 1
