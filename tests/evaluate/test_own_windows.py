"""Test windows that rows name for themselves: the same numbers as a study of that window, shown where they belong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from eventstudy.data.events import read_events
from eventstudy.errors import InputFileError, UsageError
from eventstudy.results import StudyResult
from eventstudy.scale.limits import Limits
from eventstudy.spec import StudySpec, Window
from eventstudy.study import run
from eventstudy.study_report import Order, study_into
from tests.conftest import ROOT

# NVDA far apart, AMD on a session of NVDA's, one row without a window, and one with a window that all rows have
OWN = {
    ("h20_license_8k", "NVDA"): "0:4",
    ("amd_mi308_8k", "AMD"): "-2:3",
    ("deepseek_shock", "NVDA"): "0:0",
    ("bis_rule_2023_10_17", "NVDA"): "-1:5",
    ("us_ai_chip_rule_2022_8k", "NVDA"): "0:9",
}
SPEC = StudySpec(source="snapshot", windows=(Window(0, 0), Window(0, 1)), windows_given=True)


def events(folder: Path, own: dict[tuple[str, str], str] = OWN) -> Path:
    frame = pd.read_csv(ROOT / "events.csv", dtype=str, keep_default_na=False)
    frame = frame[frame["event_id"].isin({name for name, _ in OWN} | {"tsmc_100b"})]
    frame["window"] = [own.get(key, "") for key in zip(frame["event_id"], frame["ticker"], strict=True)]
    # a day picked because of its outcome would be in no group
    frame["role"] = frame["role"].replace("outcome", "direct")
    path = folder / "events.csv"
    frame.to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def studied(tmp_path_factory: pytest.TempPathFactory) -> StudyResult:
    return run(events(tmp_path_factory.mktemp("own")), spec=SPEC)


@pytest.mark.parametrize("key", OWN)
def test_each_own_window_is_that_of_a_study_of_it(studied: StudyResult, tmp_path: Path, key: tuple[str, str]) -> None:
    a, b = OWN[key].split(":")
    label = f"[{a},{b}]"
    alone = run(events(tmp_path, {}), spec=SPEC.with_changes(windows=(Window(int(a), int(b)),)))
    one, two = (
        table.set_index(["event_id", "ticker", "window"]).loc[(*key, label)]
        for table in (studied.windows, alone.windows)
    )
    assert one["primary"] == "yes"
    pd.testing.assert_series_equal(one.drop("primary"), two.drop("primary"))


def test_rows_show_their_own_and_nobody_elses(studied: StudyResult) -> None:
    shown = studied.windows.groupby(["event_id", "ticker"])["window"].agg(list)
    for key, windows in shown.items():
        own = OWN.get(key, "")  # type: ignore[call-overload]
        label = f"[{own.replace(':', ',')}]" if own and own != "0:0" else ""
        assert windows == ["[0,0]", "[0,1]", *([label] if label else [])], key
    primary = studied.windows[studied.windows["primary"] == "yes"].set_index(["event_id", "ticker"])["window"]
    assert primary["h20_license_8k", "NVDA"] == "[0,4]" and primary["tsmc_100b", "NVDA"] == "[0,0]"
    assert set(studied.cluster_tests["window"]) == {"[0,0]", "[0,1]"}
    robust = studied.model_lines.set_index(["event_id", "ticker"])["window"].sort_index()
    assert set(robust.loc["h20_license_8k", "NVDA"]) == {"[0,4]"}


def test_the_group_over_own_windows_by_hand(studied: StudyResult) -> None:
    windows = studied.windows.set_index(["event_id", "ticker", "window"])
    rows = [windows.loc[(*key, f"[{text.replace(':', ',')}]")] for key, text in OWN.items()]
    car, scar = np.array([row["car"] for row in rows]), np.array([row["t"] for row in rows])
    bhar = np.array([row["bhar"] for row in rows])
    table = studied.aggregate[(studied.aggregate["group"] == "all") & (studied.aggregate["window"] == "own")]
    table = table.set_index("test")
    assert set(table["n_events"]) == {len(OWN)}
    assert table["caar"].iloc[0] == pytest.approx(car.mean(), rel=1e-12)
    assert table["abhar"].iloc[0] == pytest.approx(bhar.mean(), rel=1e-12)
    wanted = stats.ttest_1samp(car, 0)
    assert table.loc["csect-t", "statistic"] == pytest.approx(wanted.statistic, rel=1e-10)
    assert table.loc["csect-t", "p_value"] == pytest.approx(wanted.pvalue, rel=1e-9)
    assert table.loc["bmp", "statistic"] == pytest.approx(stats.ttest_1samp(scar, 0).statistic, rel=1e-10)
    assert table.loc["wilcoxon", "p_value"] == pytest.approx(stats.wilcoxon(car, mode="exact").pvalue, rel=1e-9)
    for test in ("corrado", "cumrank-t", "grank-t", "calendar-cov", "kolari-pynnonen", "avar", "crude-dependence"):
        assert table.loc[test, "applicable"] == "no" and "windows differ" in table.loc[test, "reason"]
        assert np.isnan(table.loc[test, "p_value"])
    assert table.loc["csect-t", "applicable"] == "warn" and "overlap" in table.loc["csect-t", "reason"]


def test_overlaps_are_counted_by_days(studied: StudyResult) -> None:
    """Against every pair, looked at one by one: only NVDA's and AMD's of 16 April share sessions."""
    rows = np.array([i for i in studied.studied.reported if studied.studied.own_window(i) >= 0])
    days = []
    for i in rows:
        window = studied.spec.windows[studied.studied.own_window(int(i))]
        at = studied.studied.session(int(i))
        days.append(set(studied.studied.series(int(i)).calendar.sessions[at + window.start : at + window.end + 1]))
    pairs = sum(bool(days[a] & days[b]) for a in range(len(rows)) for b in range(a))
    own = [row for row in studied.groups if row.own and row.group == "all"]
    assert {row.n_overlapping for row in own} == {pairs} == {1}


def test_what_cannot_be_is_said_with_its_line(tmp_path: Path) -> None:
    def trouble(text: str) -> str:
        with pytest.raises((InputFileError, UsageError)) as caught:
            run(events(tmp_path, {("deepseek_shock", "NVDA"): text}), spec=SPEC)
        return str(caught.value)

    assert "widen event_window" in trouble("0:11") and "line" in trouble("0:11")
    assert "START:END" in trouble("tomorrow") and "START:END" in trouble("3:1")


def test_without_the_column_nothing_changes(tmp_path: Path) -> None:
    path = events(tmp_path, {})
    empty = run(path, spec=SPEC)
    pd.read_csv(path, dtype=str, keep_default_na=False).drop(columns="window").to_csv(path, index=False)
    without = run(path, spec=SPEC)
    for name, table in without.tables.items():
        pd.testing.assert_frame_equal(table, empty.tables[name])
    assert "own" not in set(without.aggregate["window"])


def test_they_hold_where_events_are_not_kept(tmp_path: Path, studied: StudyResult) -> None:
    """Tables written block by block, and the group over own windows, against those of a study in memory."""
    order = Order(out=tmp_path / "out", formats=("parquet",), limits=Limits(kept=0))
    found = study_into(read_events(events(tmp_path)), SPEC, order).result
    assert not found.budget.kept
    for name in ("windows", "aggregate"):
        written = pd.read_parquet(tmp_path / "out" / f"{name}.parquet")
        wanted = studied.tables[name]
        assert len(written) == len(wanted) and "own" in set(studied.aggregate["window"])
        for column in wanted.select_dtypes("number"):
            np.testing.assert_allclose(written[column], wanted[column], rtol=1e-12, atol=1e-15, err_msg=column)
