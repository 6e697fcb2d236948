"""Overnight and intraday: the joint regression by its digits and by statsmodels, the family by loops, every test of the
parts as that of a study of the parts alone."""

from __future__ import annotations

import math
from datetime import date

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

from eventstudy.data.calendar import listing_of, load_calendar
from eventstudy.data.events import events_from_frame
from eventstudy.engine.significance.day_parts import FEWEST, family_of_parts, joint_parts
from eventstudy.engine.significance.rank_local import local_moves
from eventstudy.evaluate.placed import place_rows
from eventstudy.results import StudyResult
from eventstudy.spec import StudySpec, Window
from eventstudy.study import run
from tests.conftest import ROOT
from tests.oracles.golden import DATA
from tests.report.random_studies import DAYS, prices

SPEC = StudySpec(source="snapshot", benchmarks=("SPY", "SOXX"))


def test_the_digits_of_the_reference() -> None:
    """r1 as the night, r2 as the day, m and r3 as the parts of the index; t = 0..23, day 0 is t = 25."""
    table = np.array(DATA)
    y = table[None, :, 2:4]
    x = np.stack([np.ones(27), table[:, 1], table[:, 4]], axis=1)[None]
    used = np.zeros((1, 24), dtype=bool)
    used[0] = True
    found = joint_parts(y, x, used, 25)
    np.testing.assert_allclose(found.abnormal[0], [0.00122603, 0.03226756, 0.03349359], atol=6e-9)
    np.testing.assert_allclose(found.t[0], [0.09351320, 2.21999889, 1.59714356], atol=6e-9)
    assert found.f[0] == pytest.approx(2.37404660, abs=6e-9) and found.p_f[0] == pytest.approx(0.11881808, abs=6e-9)
    fits = [sm.OLS(y[0, :24, k], x[0, :24]).fit() for k in (0, 1)]
    s = np.cov(np.stack([fit.resid for fit in fits]), ddof=0) * 24 / 21
    assert found.correlation[0] == pytest.approx(s[0, 1] / math.sqrt(s[0, 0] * s[1, 1]))


def test_the_parts_add_up_to_the_day_on_the_same_regressors() -> None:
    """In logs the sum is the day itself: its t by statsmodels with an event dummy, masked and missing sessions left out."""
    rng = np.random.default_rng(2)
    n = 90
    m = rng.normal(0, 0.01, (n, 2))
    y = m @ np.array([[0.8, 0.1], [0.2, 1.1]]) + rng.normal(0, 0.01, (n, 2))
    y[[3, 17], 0] = np.nan
    used = np.isfinite(y[: n - 5]).all(axis=1)
    used[40:44] = False
    x = np.column_stack([np.ones(n), m])
    found = joint_parts(y[None], x[None], used[None], n - 1, "greater")
    rows = [*np.flatnonzero(used), n - 1]
    dummy = np.append(np.zeros(len(rows) - 1), 1.0)
    for k, own in enumerate((y[:, 0], y[:, 1], y.sum(axis=1))):
        fit = sm.OLS(own[rows], np.column_stack([x[rows], dummy])).fit()
        assert found.abnormal[0, k] == pytest.approx(fit.params[-1], rel=1e-10)
        assert found.t[0, k] == pytest.approx(fit.tvalues[-1], rel=1e-10)
        assert found.p[0, k] == pytest.approx(stats.t.sf(fit.tvalues[-1], fit.df_resid), rel=1e-9)


def test_the_family_by_a_loop() -> None:
    rng = np.random.default_rng(4)
    draws = rng.standard_t(4, (80, 6))
    draws[rng.random(80) < 0.1, 2] = np.nan
    t = np.array([3.5, -1.0, 2.2, 0.1, -2.9, np.nan])
    adjusted, (size, sessions) = family_of_parts(t, draws)
    whole = [row for row in draws[:, :5].tolist() if all(math.isfinite(v) for v in row)]
    assert (size, sessions) == (5, len(whole)) and np.isnan(adjusted[5])
    order = sorted(range(5), key=lambda k: -abs(t[k]))
    running = 0.0
    for rank, k in enumerate(order):
        hits = sum(max(abs(row[j]) for j in order[rank:]) >= abs(t[k]) for row in whole)
        running = max(running, (1 + hits) / (len(whole) + 1))
        assert adjusted[k] == pytest.approx(running)
    few, _ = family_of_parts(t, draws[: FEWEST - 1])
    assert np.isnan(few).all()


@pytest.fixture(scope="module")
def sample() -> StudyResult:
    return run(ROOT / "events.csv", spec=SPEC.with_changes(spec_curve="off"))


def test_parts_have_the_tests_of_a_day(sample: StudyResult) -> None:
    """Two of them by hand on the night of 16 April 2025, from returns alone; the headline is the larger of t and rank."""
    table = sample.overnight.set_index(["event_id", "ticker", "part"])
    tests = ("p_local", "p_sq", "p_rank", "p_conformal", "p_placebo", "p_rank_local", "p_headline", "p_f")
    late = table.index.get_level_values("event_id") == "h20_license_8k"
    assert table.loc[late, list(tests)].notna().all().all()
    np.testing.assert_array_equal(table["p_headline"], np.maximum(table["p_t"], table["p_rank_local"]))
    outside = (table["headline_low"] > 0) | (table["headline_high"] < 0)
    np.testing.assert_array_equal(outside, table["p_headline"] <= 0.05 + 1e-12)
    studied = sample.studied
    i = next(
        i
        for i in studied.reported
        if (studied.text(i, "event_id"), studied.text(i, "ticker")) == ("h20_license_8k", "AMD")
    )
    keys, (placed,), _ = place_rows(studied, studied.rows[[i]], studied.spec)
    for part in ("overnight", "intraday"):
        panel = studied.market.stack(keys, "simple", part)
        day0 = studied.session(i)
        first = day0 - 270
        y, m = panel.returns[0], panel.factors[0, 0]
        usable = [
            t for t in range(first, day0) if np.isfinite(y[t]) and np.isfinite(m[t]) and not placed.masked[0][t - first]
        ]
        fitted = [*(t for t in usable if t < day0 - 20), day0]
        slope, level = np.polyfit(m[fitted], y[fitted], 1)
        z = [y[t] - level - slope * m[t] for t in [*usable, day0]]
        moves = np.abs(local_moves(np.array(z), np.ones(1)))
        line = table.loc[("h20_license_8k", "AMD", part)]
        assert line["p_rank_local"] == pytest.approx((moves >= moves[-1]).mean())
        sizes = np.abs([y[t] - level - slope * m[t] for t in fitted])
        assert line["p_conformal"] == pytest.approx((sizes >= sizes[-1] - 1e-15).mean())


def test_families_and_joint_lines_of_the_sample(sample: StudyResult) -> None:
    table, joint = sample.overnight, sample.tables["day_parts"]
    day = table[table["event_id"] == "h20_license_8k"]
    assert set(day["n_family"]) == {6}, "three firms, two parts"
    alone = table[table["event_id"] == "huang_china_jan2024"]
    assert set(alone["n_family"]) == {2}
    assert (table["p_family"] >= table.groupby(["event_id", "ticker"])["p_family"].transform("min")).all()
    # the same firm and session under another announcement is the same event
    other = table[(table["event_id"] == "asml_q1_2025") & (table["ticker"] == "NVDA")]
    mine = day[day["ticker"] == "NVDA"]
    np.testing.assert_array_equal(other["p_family"], mine["p_family"])
    sums = joint.pivot_table(index=["event_id", "ticker"], columns="part", values="abnormal_return")
    np.testing.assert_allclose(sums["sum"], sums["overnight"] + sums["intraday"], rtol=1e-12)
    assert set(joint["part"]) == {"overnight", "intraday", "sum", "both"}


@pytest.mark.parametrize(("late", "ticker", "with_parts"), [
    (0.04, "BBB", {"AAA", "BBB"}), (0.07, "BBB", {"AAA"}), (0.07, "SPY", set()),
])  # fmt: skip
def test_opens_that_repeat_the_close_before_make_no_parts(late: float, ticker: str, with_parts: set[str]) -> None:
    """Above 5 % of sessions; of the benchmark, for no share. The rest of the family goes on without them."""
    found = prices(np.random.default_rng(1), ["AAA", "BBB"], {})
    own = np.flatnonzero(found["ticker"] == ticker)
    picked = own[1:][:: round(1 / late)]
    found.iloc[picked, found.columns.get_loc("open")] = found["close"].to_numpy()[picked - 1]
    day = str(DAYS[380].date())
    frame = pd.DataFrame({"event_id": "e", "ticker": ["AAA", "BBB"], "announced_at": day, "timing": "bmo"})
    spec = StudySpec(event_window=Window(-6, 6), windows=(Window(0, 0),), estimation=200)
    parts = run(events_from_frame(frame.assign(calendar="data")), found, spec).tables["overnight"]
    assert set(parts["ticker"]) == with_parts and set(parts["n_family"]) <= {2 * len(with_parts)}


def test_no_opens_no_parts() -> None:
    days = pd.DatetimeIndex(load_calendar(listing_of("XNYS"), date(2023, 1, 3), date(2024, 12, 31)).sessions)
    rng = np.random.default_rng(1)
    prices = pd.concat(
        pd.DataFrame({"ticker": t, "date": days, "close": 50 * np.exp(np.cumsum(rng.normal(0, 0.01, len(days))))})
        for t in ("NVDA", "SPY")
    )
    frame = pd.DataFrame({"event_id": ["a"], "ticker": ["NVDA"], "announced_at": ["2024-11-14"], "timing": ["bmo"]})
    found = run(frame, prices=prices)
    assert found.parts == () and found.joint_parts == () and not len(found.overnight)
    assert {c.part for c in found.curves} == {"day"}
