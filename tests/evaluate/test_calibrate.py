"""Pseudo-events are events: the same numbers as a study of them, whatever is planted; bad input is a row with a reason."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from eventstudy.data.series_index import series_key
from eventstudy.engine.significance.placebo import HISTORY
from eventstudy.errors import UsageError
from eventstudy.evaluate.calibrate import POOLED, calibrate, checked_effects
from eventstudy.evaluate.pseudo import PseudoEvents, make_stage, pseudo_events
from eventstudy.evaluate.pseudo_clusters import cluster_sets, pseudo_clusters
from eventstudy.report.calibration import calibration_table
from eventstudy.results import StudyResult
from eventstudy.spec import StudySpec, Window
from eventstudy.study import run
from tests.conftest import ROOT
from tests.evaluate.simulated import SESSIONS, simulated

COLUMN = {
    "car-t": "p_t",
    "car-t-ar1": "p_t_ar1",
    "ar-t-local": "p_local",
    "sq": "p_sq",
    "conformal": "p_conformal",
    "placebo-time": "p_placebo",
    "rank-exact": "p_rank",
    "window-f": "p_f",
    "vol-conformal": "p_vol_conformal",
    "vol-bf": "p_vol_bf",
}
SPEC = StudySpec(source="snapshot", benchmarks=("SPY", "SOXX"), windows=(Window(0, 0), Window(0, 10)), spec_curve="off")


@pytest.fixture(scope="module")
def result() -> StudyResult:
    return run(ROOT / "events.csv", spec=SPEC)


@pytest.fixture(scope="module")
def nvidia(result: StudyResult) -> list[PseudoEvents]:
    """NVDA's pseudo-events without an effect and with one of 3 %."""
    key = next(k for k in cluster_sets(result.studied)[0] if k.ticker == "NVDA")
    return pseudo_events(make_stage(result.studied, key), SPEC, (0.03,))


def with_placebos(sessions: list[np.datetime64], tickers: tuple[str, ...]) -> pd.DataFrame:
    """The study's events and these sessions as announcements that mask nothing."""
    frame = pd.read_csv(ROOT / "events.csv", dtype=str, keep_default_na=False)
    more = [
        {"event_id": f"pseudo-{n}", "ticker": ticker, "announced_at": str(day), "timing": "dmh", "role": "placebo"}
        for n, day in enumerate(sessions)
        for ticker in tickers
    ]
    return pd.concat([frame, pd.DataFrame(more)], ignore_index=True).fillna("")


def test_pseudo_events_have_the_p_values_of_a_real_study(result: StudyResult, nvidia: list[PseudoEvents]) -> None:
    calendar = result.studied.index.calendars["XNYS"]
    chosen = nvidia[0].session[[3, 120, 301, 450, 600, -40]]
    dates = [calendar.sessions[at] for at in chosen]
    studied = run(with_placebos(dates, ("NVDA",)), spec=SPEC, confounders=ROOT / "confounders.csv").windows
    compared = 0
    for n, at in enumerate(chosen):
        i = int(np.searchsorted(nvidia[0].session, at))
        for w, window in enumerate(SPEC.windows):
            row = studied[(studied["event_id"] == f"pseudo-{n}") & (studied["window"] == window.label)].iloc[0]
            for test, column in COLUMN.items():
                ours = nvidia[0].p[test][i, w]
                # windows that touch a catalogued event count for a study and not for calibrate
                if np.isfinite(nvidia[0].p["car-t"][i, w]):
                    np.testing.assert_allclose(ours, row[column], rtol=1e-9, err_msg=f"{dates[n]} {window} {test}")
                    compared += np.isfinite(ours)
    assert compared > 60


def test_clusters_have_the_p_values_of_a_real_study(result: StudyResult) -> None:
    keys = cluster_sets(result.studied)[0]
    assert [key.ticker for key in keys] == ["AMD", "ASML", "NVDA"]
    stages = [make_stage(result.studied, key) for key in keys]
    own = [pseudo_events(stage, SPEC)[0] for stage in stages]
    panel = result.studied.market.stack(list(keys), SPEC.returns)
    calendar = result.studied.index.calendars["XNYS"]
    found = [pseudo_clusters(panel, stages, own, SPEC, w) for w in range(2)]
    chosen = found[1].session[[5, 200, -30]]
    dates = [calendar.sessions[at] for at in chosen]
    studied = run(
        with_placebos(dates, ("NVDA", "AMD", "ASML")), spec=SPEC, confounders=ROOT / "confounders.csv"
    ).cluster_tests
    for day, at in zip(dates, chosen, strict=True):
        for w, window in enumerate(SPEC.windows):
            rows = studied[(studied["day0"] == str(day)) & (studied["window"] == window.label)]
            assert len(found[w].p) == 11
            for test, p in found[w].p.items():
                own_rows = rows[rows["test"] == test]
                ours = p[np.searchsorted(found[w].session, at), 0]
                assert ours == pytest.approx(own_rows["p_value"].min(), rel=1e-9), (day, window, test)


def test_a_planted_effect_is_a_price_that_moved_so_much_more(result: StudyResult, nvidia: list[PseudoEvents]) -> None:
    """Every close from day 0 on is multiplied so that day 0's return alone rises by 3 points."""
    events, prices = simulated(1, 1, 900)
    spec = StudySpec(windows=(Window(0, 0), Window(0, 2)), tests=("car-t-ar1", "ar-t-local", "sq", "conformal"))
    plain = run(events, prices, spec)
    key = series_key(plain.studied.index, 0, spec)
    planted = pseudo_events(make_stage(plain.studied, key), spec, (0.03,))[1]
    at = 555
    day = SESSIONS[-900:][at]
    own = prices["ticker"] == "S00"
    close = prices.loc[own, "close"].to_numpy().copy()
    close[at:] *= (close[at] / close[at - 1] + 0.03) / (close[at] / close[at - 1])
    moved = prices.copy()
    moved.loc[own, "close"] = close
    row = {"event_id": "moved", "ticker": "S00", "announced_at": str(day), "timing": "dmh", "role": "placebo"}
    studied = run(pd.concat([events, pd.DataFrame([row])]).fillna(""), moved, spec).windows
    sessions = plain.studied.index.calendars["XNYS"].sessions
    i = int(np.flatnonzero(sessions[planted.session] == day)[0])
    for w, window in enumerate(spec.windows):
        line = studied[(studied["event_id"] == "moved") & (studied["window"] == window.label)].iloc[0]
        for test in ("car-t", "car-t-ar1", "ar-t-local", "sq", "conformal"):
            np.testing.assert_allclose(planted.p[test][i, w], line[COLUMN[test]], rtol=1e-7, err_msg=test)
    # and it is found more often than nothing is
    shares = [np.nanmean(events.p["car-t"][:, 0] <= 0.05) for events in nvidia]
    assert shares[1] > 3 * shares[0]


def test_what_happened_on_catalogued_sessions_never_enters() -> None:
    events, prices = simulated(2, 1, 900)
    spec = StudySpec(windows=(Window(0, 0), Window(-1, 1)))
    middle = pd.DataFrame({"event_id": ["middle"], "ticker": ["S00"], "announced_at": [str(SESSIONS[-400])]})
    events = pd.concat([events, middle.assign(timing="bmo")], ignore_index=True)
    jumped = prices.copy()
    own = np.flatnonzero((prices["ticker"] == "S00").to_numpy())
    # a jump of the day itself; later returns stay what they were
    jumped.loc[own[-400:], "close"] *= 1.7
    p = []
    for table in (prices, jumped):
        found = run(events, table, spec)
        key = series_key(found.studied.index, 0, spec)
        p.append(pseudo_events(make_stage(found.studied, key), spec)[0])
    np.testing.assert_array_equal(p[0].session, p[1].session)
    for test, values in p[0].p.items():
        np.testing.assert_allclose(values, p[1].p[test], rtol=1e-7, atol=1e-12, err_msg=test)
    day0 = int(np.flatnonzero(found.studied.index.calendars["XNYS"].sessions == SESSIONS[-400])[0])
    assert not np.isin(np.arange(day0 - 1, day0 + 2), p[0].session).any()
    # with nothing masked in estimation windows, events are still no pseudo-events
    bare = run(events, jumped, spec.with_changes(exclude="none"))
    without = pseudo_events(make_stage(bare.studied, key), bare.spec)[0]
    np.testing.assert_array_equal(without.session, p[0].session)
    assert not np.allclose(without.p["car-t"][:, 0], p[0].p["car-t"][:, 0], equal_nan=True)


def test_placebo_p_values_equal_a_loop(nvidia: list[PseudoEvents], result: StudyResult) -> None:
    key = next(k for k in cluster_sets(result.studied)[0] if k.ticker == "NVDA")
    table = make_stage(result.studied, key).table
    assert table is not None
    start = result.studied.block.design.plan.estimation_start  # type: ignore[union-attr]
    seen = 0
    for i in range(0, len(nvidia[0].session), 37):
        at = int(nvidia[0].session[i])
        before = [table.t[d, 0] for d in range(max(0, at - HISTORY), at + start) if np.isfinite(table.t[d, 0])]
        if np.isfinite(nvidia[0].p["placebo-time"][i, 0]):
            p = (1 + sum(abs(t) >= abs(table.t[at, 0]) for t in before)) / (len(before) + 1)
            assert nvidia[0].p["placebo-time"][i, 0] == pytest.approx(p, rel=1e-12)
            seen += 1
        else:
            assert len(before) < 39 or np.isnan(nvidia[0].p["car-t"][i, 0])
    assert seen > 5


def test_too_little_history_is_a_row_with_a_reason() -> None:
    events, prices = simulated(3, 3, 900)
    short = prices[(prices["ticker"] != "S01") | (prices["date"] >= SESSIONS[-200])]
    short = short[(short["ticker"] != "S00") | (short["date"] >= SESSIONS[-340])]
    ghost = pd.DataFrame(
        {"event_id": ["ghost"], "ticker": ["GONE"], "announced_at": [str(SESSIONS[-30])], "timing": ["bmo"]}
    )
    spec = StudySpec(windows=(Window(0, 0), Window(0, 10)))
    result = run(pd.concat([events, ghost]).fillna(""), short, spec)
    table = calibration_table(calibrate(result, (0.05,)))
    none = table[table["window"] == ""].set_index("ticker")
    assert none.at["GONE", "reason"].startswith("no_prices") and none.at["GONE", "applicable"] == "no"
    assert "200 returns contain no uneventful session" in none.at["S01", "reason"].replace("199", "200")
    assert "S01 has no uneventful session" in none.at["S00;S01;S02", "reason"]
    few = table[(table["ticker"] == "S00") & (table["test"] == "car-t")]
    assert (few["applicable"] == "no").all() and few["reason"].str.contains("100 needed").any()
    assert few["rate"].isna().all() and few["level"].isna().all()
    good = table[(table["ticker"] == "S02") & (table["test"] == "car-t") & (table["regime"] == "all")]
    assert set(good["level"]) == {0.01, 0.05, 0.1} and (good["applicable"] == "yes").all()
    assert (table.loc[table["ticker"] == POOLED, "n"] > 0).all()


def test_one_ticker_has_neither_clusters_nor_a_pool(result: StudyResult) -> None:
    events, prices = simulated(4, 1, 900)
    table = calibration_table(calibrate(run(events, prices, StudySpec(level=0.98)), ()))
    assert set(table["ticker"]) == {"S00"}
    assert set(table["level"].dropna()) == {0.01, 0.02, 0.05, 0.1}, "the study's own level is one of them"
    assert set(table["effect"]) == {0.0}


@pytest.mark.parametrize("sizes", [(0.0,), (-0.02,), (3.0,), (float("nan"),)])
def test_an_effect_that_is_none_is_refused(sizes: tuple[float, ...]) -> None:
    with pytest.raises(UsageError, match="effect"):
        checked_effects(sizes)


def test_the_alternative_decides_the_sign_of_what_is_planted() -> None:
    events, prices = simulated(5, 1, 900)
    spec = StudySpec(windows=(Window(0, 0),), tests=("sq",), alternative="less")
    table = calibration_table(calibrate(run(events, prices, spec), (0.08,)))
    found = table[(table["test"] == "car-t") & (table["level"] == 0.05) & (table["regime"] == "all")]
    assert found.set_index("effect")["rate"][0.08] > 0.9


def test_the_rates_beside_p_values_are_those_of_calibrate(result: StudyResult) -> None:
    spec = SPEC.with_changes(calibrated=True)
    rated = run(ROOT / "events.csv", spec=spec)
    table = calibration_table(calibrate(result, ()))
    table = table[(table["level"] == 0.05) & (table["regime"] == "all") & (table["applicable"] == "yes")]
    known = table[table["part"] == "day"].set_index(["ticker", "window", "test"])
    compared = 0
    for line in rated.windows.to_dict("records"):
        assert line["n_uneventful"] == known.at[(line["ticker"], line["window"], "car-t"), "n"]
        for test, column in COLUMN.items():
            key = (line["ticker"], line["window"], test)
            if key in known.index:
                assert line[f"placebo_rate_{column[2:]}"] == pytest.approx(known.at[key, "rate"], rel=1e-12)
                compared += 1
    for line in rated.cluster_tests.to_dict("records"):
        key = (line["tickers"], line["window"], line["test"])
        assert line["placebo_rate"] == pytest.approx(known.at[key, "rate"], rel=1e-12)
        compared += 1
    assert compared > 1000
    plain = run(ROOT / "events.csv", spec=SPEC)
    assert plain.windows["placebo_rate_t"].isna().all() and plain.windows["n_uneventful"].isna().all()


def test_of_many_sets_of_firms_the_most_frequent_are_calibrated() -> None:
    _, prices = simulated(6, 4, 900)
    groups = ["01", "01", "02", "03", "12", "13", "23"]
    rows = [(f"e{n}", f"S0{k}", str(SESSIONS[-20 - n])) for n, group in enumerate(groups) for k in map(int, group)]
    events = pd.DataFrame(rows, columns=["event_id", "ticker", "announced_at"]).assign(timing="bmo")
    spec = StudySpec(windows=(Window(0, 0),), tests=("holm",))
    found = run(events, prices, spec)
    sets = [";".join(key.ticker for key in keys) for keys in cluster_sets(found.studied)]
    assert sets == ["S00;S01", "S00;S02", "S00;S03", "S01;S02", "S01;S03", "S02;S03"]
    table = calibration_table(calibrate(found, ()))
    last = table[table["ticker"] == "S02;S03"]
    assert len(last) == 1 and "name one with --event" in last["reason"].iloc[0]
    assert (table.loc[table["ticker"] == "S01;S03", "applicable"] == "yes").all()


def test_a_firm_of_the_same_session_is_in_the_cluster() -> None:
    _, prices = simulated(7, 2, 900)
    rows = [("asked", "S00", str(SESSIONS[-20])), ("other", "S01", str(SESSIONS[-20]))]
    events = pd.DataFrame(rows, columns=["event_id", "ticker", "announced_at"]).assign(timing="bmo")
    found = run(events, prices, StudySpec(windows=(Window(0, 0),), tests=("holm",)), only=["asked"])
    table = calibration_table(calibrate(found, ()))
    assert set(table["ticker"]) == {"S00", "S00;S01"} and (table["applicable"] == "yes").all()


def test_a_window_that_fits_nowhere_has_a_reason() -> None:
    _, prices = simulated(8, 1, 900)
    rows = [(f"e{n}", "S00", str(SESSIONS[-9 - 9 * n])) for n in range(96)]
    events = pd.DataFrame(rows, columns=["event_id", "ticker", "announced_at"]).assign(timing="bmo")
    spec = StudySpec(windows=(Window(0, 0), Window(0, 10)), tests=("sq",))
    table = calibration_table(calibrate(run(events, prices, spec), (0.05,)))
    long = table[table["window"] == "[0,10]"]
    assert (long["applicable"] == "no").all() and set(long["reason"]) == {
        "0 uneventful sessions, 100 needed",
        "0 uneventful sessions, 20 needed",
    }
    assert (table.loc[(table["window"] == "[0,0]") & (table["regime"] == "all"), "applicable"] == "yes").all()
