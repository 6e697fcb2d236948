"""Abnormal volume by a loop over the price file, by statsmodels, and by what must not change it."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

from eventstudy.cli.terminal import ASCII, event_text
from eventstudy.report.material import Material
from eventstudy.results import StudyResult
from eventstudy.spec import StudySpec, Window
from eventstudy.study import run
from tests.conftest import ROOT

WINDOWS = (Window(0, 0), Window(-1, 1), Window(0, 10))


def study(**changes: object) -> StudyResult:
    spec = StudySpec(source="snapshot", windows=WINDOWS, windows_given=True, exclude="none", spec_curve="off")
    return run(ROOT / "events.csv", spec=spec.with_changes(**{"volume": "constant-mean", **changes}))


@pytest.fixture(scope="module")
def plain() -> StudyResult:
    return study()


def by_hand(values: list[float], at: int, start: int, end: int) -> dict[str, float]:
    """Constant-mean AVOL with the autocorrelation formulas of methods 2.4, a term at a time."""
    first = at - 10 - 10 - 250
    past = values[first : first + 250]
    mean = math.fsum(past) / 250
    residual = [v - mean for v in past]
    squares = math.fsum(e * e for e in residual)
    s2 = squares / 249
    r1 = math.fsum(a * b for a, b in itertools.pairwise(residual)) / squares
    phi = r1 + (1 + 4 * r1) / 250
    length = end - start + 1
    own = math.fsum(values[at + day] - mean for day in range(start, end + 1))
    spread = length + 2 * math.fsum((length - k) * phi**k for k in range(1, length))
    q = spread + length**2 / 250 * (1 + phi) / (1 - phi)
    t = own / math.sqrt(s2 * q)
    return {
        "avol": own,
        "ratio": math.exp(own / length),
        "standardised": own / length / math.sqrt(s2),
        "std_error": math.sqrt(s2 * q),
        "t": t,
        "df": 249,
        "p_t_ar1": 2 * stats.t.sf(abs(t), 249),
        "phi": phi,
        "n_estimation": 250,
    }


@pytest.fixture(scope="module")
def files() -> pd.DataFrame:
    prices = pd.read_csv(ROOT / "eventstudy" / "data" / "snapshot" / "prices.csv")
    return prices.pivot(index="date", columns="ticker", values="volume").dropna(how="all")


def test_every_row_by_a_loop(plain: StudyResult, files: pd.DataFrame) -> None:
    dates, seen = list(files.index), 0
    for row in plain.volume_table.itertuples():
        if row.reason or dates.index(row.day0) < 270:
            continue
        start, end = (int(part) for part in row.window.strip("[]").split(","))
        values = [math.log1p(v) for v in files[row.ticker]]
        wanted = by_hand(values, dates.index(row.day0), start, end)
        for name, value in wanted.items():
            assert getattr(row, name) == pytest.approx(value, rel=1e-9, abs=1e-12), (row.event_id, name)
        seen += 1
    assert seen > 60


def test_every_day_by_the_file(plain: StudyResult, files: pd.DataFrame) -> None:
    table = plain.tables["abnormal_volume"]
    assert len(table) > 500
    for row in table.itertuples():
        assert row.log_volume == pytest.approx(math.log1p(files[row.ticker][row.session]), rel=1e-13)
        assert row.abnormal_log_volume == pytest.approx(row.log_volume - row.expected_log_volume, abs=1e-12)
    windows = plain.volume_table.set_index(["event_id", "ticker", "window"])["avol"]
    day0 = table[table["day"] == 0].set_index(["event_id", "ticker"])["abnormal_log_volume"]
    for (event_id, ticker), value in day0.items():
        assert windows[event_id, ticker, "[0,0]"] == pytest.approx(value, rel=1e-12)


def made_up(tmp: Path, *, hole: bool = False, silent: bool = False) -> tuple[Path, pd.DataFrame]:
    """Two firms and an index with volumes; the firms' react to the index's."""
    rng = np.random.default_rng(5)
    prices = pd.read_csv(ROOT / "eventstudy" / "data" / "snapshot" / "prices.csv")
    days = pd.DatetimeIndex(prices.loc[prices["ticker"] == "NVDA", "date"])[300:680]
    frames = []
    market = 15 + rng.normal(0, 0.4, len(days))
    for name, slope in (("SPY", 0.0), ("AAA", 0.7), ("BBB", 0.2)):
        logs = market if name == "SPY" else 3 + slope * market + rng.normal(0, 0.3, len(days))
        volume = np.exp(logs).round()
        if silent and name == "SPY":
            volume[:] = 0
        if hole and name == "AAA":
            volume[300] = np.nan
        close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, len(days))))
        frames.append(pd.DataFrame({"ticker": name, "date": days, "close": close, "volume": volume}))
    events = tmp / "events.csv"
    day = [str(days[at].date()) for at in (299, 340)]
    events.write_text(
        "event_id,ticker,announced_at,timing\n"
        f"one,AAA,{day[0]},amc\none,BBB,{day[0]},amc\ntwo,AAA,{day[1]},amc\ntwo,BBB,{day[1]},amc\n"
    )
    return events, pd.concat(frames)


def test_market_model_by_dummies(tmp_path: Path) -> None:
    """OLS with one dummy per event day: AV and its iid standard error."""
    events, prices = made_up(tmp_path)
    spec = StudySpec(volume="market-model", exclude="none", windows=WINDOWS, windows_given=True)
    found = run(events, prices, spec)
    table = found.tables["abnormal_volume"].set_index(["event_id", "ticker"])
    wide = np.log1p(prices.pivot(index="date", columns="ticker", values="volume"))
    for (event_id, ticker), lines in table.groupby(level=[0, 1]):
        at = [wide.index.get_loc(pd.Timestamp(day)) for day in lines["session"]]
        used = [*range(at[0] - 260, at[0] - 10), *at]
        dummies = np.vstack([np.zeros((250, len(at))), np.eye(len(at))])
        fit = sm.OLS(
            wide[ticker].to_numpy()[used], np.column_stack([np.ones(len(used)), wide["SPY"].to_numpy()[used], dummies])
        ).fit()
        assert lines["abnormal_log_volume"].to_numpy() == pytest.approx(fit.params[2:], rel=1e-8), (event_id, ticker)
        assert lines["std_error"].to_numpy() == pytest.approx(fit.bse[2:], rel=1e-8)


def test_groups_by_scipy(plain: StudyResult) -> None:
    """csect-t of AVOL is a one-sample t test over distinct firms and days 0."""
    own = plain.volume_table
    roles = plain.windows[["event_id", "ticker", "role"]].drop_duplicates()
    own = own.merge(roles)[lambda f: (f["role"] == "direct") & f["avol"].notna()]
    own = own.drop_duplicates(["ticker", "day0", "window"])
    groups = plain.tables["volume_groups"].set_index(["group", "window", "test"])
    for window, lines in own.groupby("window"):
        wanted = stats.ttest_1samp(lines["avol"], 0)
        line = groups.loc["all", window, "csect-t"]
        assert line["mean_avol"] == pytest.approx(lines["avol"].mean(), rel=1e-12)
        assert line["statistic"] == pytest.approx(wanted.statistic, rel=1e-10)
        assert line["p_value"] == pytest.approx(wanted.pvalue, rel=1e-8)
    assert groups.loc["all", "[0,0]", "corrado"]["applicable"] != "no"
    long = groups.loc["all", "[-1,1]", "corrado"]
    assert long["applicable"] == "no" and "autocorrelated" in long["reason"] and np.isnan(long["p_value"])


def test_turnover_is_volume_but_for_a_constant(plain: StudyResult) -> None:
    """Fixed shares shift every logarithm alike; only the constants under the logarithms tell the two apart."""
    turned = study(shares=("NVDA=24.4e9",)).volume_table
    assert set(turned[turned["ticker"] == "NVDA"]["measure"]) == {"log-turnover"}
    assert set(turned[turned["ticker"] != "NVDA"]["measure"]) == {"log-volume"}
    before = plain.volume_table
    assert turned["avol"].to_numpy() == pytest.approx(before["avol"].to_numpy(), rel=2e-2, abs=2e-3, nan_ok=True)
    away = turned["ticker"] != "NVDA"
    pd.testing.assert_frame_equal(turned[away], before[away])
    nvda = (turned["ticker"] == "NVDA") & turned["avol"].notna()
    assert (turned["avol"][nvda] != before["avol"][nvda]).any()


def test_without_volume_there_is_a_reason_and_no_number(tmp_path: Path) -> None:
    """The snapshot's benchmark has no volume; a source that writes zeros has no volume either; a hole empties its windows."""
    numbers = ["avol", "ratio", "standardised", "std_error", "t", "df", "p_t_ar1", "p_conformal"]
    table = study(volume="market-model").volume_table
    assert set(table["reason"]) == {"the source has no volume of SPY"} and table[numbers].isna().all().all()
    events, prices = made_up(tmp_path, silent=True)
    spec = StudySpec(volume="market-model", exclude="none", windows=WINDOWS, windows_given=True)
    assert set(run(events, prices, spec).volume_table["reason"]) == {"the source has no volume of SPY"}
    events, prices = made_up(tmp_path, hole=True)
    table = run(events, prices, spec.with_changes(volume="constant-mean")).volume_table
    hole = table[(table["event_id"] == "one") & (table["ticker"] == "AAA")]
    assert set(hole["reason"]) == {"a session of the window has no volume"} and hole[numbers].isna().all().all()
    others = table[(table["ticker"] == "BBB")]
    assert (others["reason"] == "").all() and others[numbers].notna().all().all()


def test_the_terminal_says_it(plain: StudyResult) -> None:
    i = plain.studied.reported[3]
    name, ticker = plain.studied.text(i, "event_id"), plain.studied.text(i, "ticker")
    row = plain.volume_table.set_index(["event_id", "ticker", "window"]).loc[name, ticker, "[0,0]"]
    assert f"volume   [0,0]: {row['ratio']:.2f} times the expected, p " in said(plain, i)
    assert "volume   " not in said(study(volume=""), i)


def said(result: StudyResult, position: int) -> str:
    """One event as `event -v` prints it."""
    material = Material(result=result)
    shares = {share.position: share for share in material.moves.shares}
    return event_text(material, shares[position], ASCII, everything=True)


def test_tests_of_returns_do_not_decide_what_is_said_of_volume(plain: StudyResult) -> None:
    named = study(tests=("patell",))
    pd.testing.assert_frame_equal(named.volume_table, plain.volume_table)
    assert named.tables["volume_groups"].empty, "none of the tests across events was named"


def test_nothing_unless_asked(plain: StudyResult) -> None:
    off = study(volume="")
    assert off.volume is None and all(off.tables[n].empty for n in ("volume", "abnormal_volume", "volume_groups"))
    pd.testing.assert_frame_equal(off.windows, plain.windows)
