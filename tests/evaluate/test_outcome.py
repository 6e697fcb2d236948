"""Rows picked because of their outcome: studied and shown, and for everything else as if they were not in the file."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from eventstudy.data.events import read_events
from eventstudy.data.outcome_words import outcome_questions
from eventstudy.errors import NothingStudied
from eventstudy.evaluate.backtest import case_rows
from eventstudy.evaluate.calibrate import keys_of
from eventstudy.evaluate.regress import regress
from eventstudy.results import StudyResult
from eventstudy.scale.limits import Limits
from eventstudy.spec import StudySpec, Window
from eventstudy.study import Handling, run
from tests.conftest import ROOT

PICKED = ("deepseek_shock", "bis_rule_2023_10_17")
SPEC = StudySpec(source="snapshot", windows=(Window(0, 0), Window(0, 1)), windows_given=True, hold=5)
# what is said of several events
TOGETHER = ("aggregate", "aar", "differences", "clusters", "calendar_time")


def study(folder: Path, how: str, *, by: str = "role", limits: Limits | None = None) -> StudyResult:
    """The sample, with some announcements picked because of their outcome, left out, or as direct ones."""
    frame = pd.read_csv(ROOT / "events.csv", dtype=str, keep_default_na=False)
    picked = frame["event_id"].isin(PICKED)
    frame.loc[picked, "role"] = "direct" if how == "direct" else "outcome"
    path = folder / "events.csv"
    frame[~picked if how == "without" else picked | True].to_csv(path, index=False)
    handling = None if limits is None else Handling(limits=limits)
    return run(path, spec=SPEC.with_changes(by=by), confounders=ROOT / "confounders.csv", handling=handling)


STREAMED = Limits(kept=1, block=2048)


@pytest.mark.parametrize(
    ("by", "limits"),
    [
        ("role", None),
        ("category", STREAMED),
        pytest.param("category", None, marks=pytest.mark.slow),
        pytest.param("role", STREAMED, marks=pytest.mark.slow),
    ],
)
def test_nothing_but_their_own_rows_knows_of_them(tmp_path: Path, by: str, limits: Limits | None) -> None:
    """In memory and block by block: every other row, every group and every count is that of a file without them."""
    marked, without = (study(tmp_path, how, by=by, limits=limits) for how in ("marked", "without"))
    for name in TOGETHER:
        pd.testing.assert_frame_equal(marked.tables[name], without.tables[name], obj=name)
    own = marked.windows["event_id"].isin(PICKED)
    # a row that shares its session says so, which changes no number
    others = marked.windows[~own].reset_index(drop=True).drop(columns="flags")
    pd.testing.assert_frame_equal(others, without.windows.drop(columns="flags"))
    assert own.sum() == 12 and marked.windows.loc[own, "p_headline"].notna().all()
    assert set(marked.windows.loc[own, "role"]) == {"outcome"}
    one, other = marked.unusual, without.unusual
    assert (one.tested, one.found, one.survivors) == (other.tested, other.found, other.survivors)
    for name in ("robustness", "overnight"):
        table = marked.tables[name]
        assert set(PICKED) < set(table["event_id"])
        rest = table[~table["event_id"].isin(PICKED)].reset_index(drop=True)
        pd.testing.assert_frame_equal(rest, without.tables[name])


def test_they_count_once_they_are_direct(tmp_path: Path) -> None:
    """The negative control: as direct rows the same announcements change groups, masks and counts."""
    direct, without = (study(tmp_path, how) for how in ("direct", "without"))
    assert direct.unusual.tested > without.unusual.tested and direct.unusual.found > without.unusual.found
    for name in TOGETHER:
        assert not direct.tables[name].equals(without.tables[name]), name
    others = direct.windows[~direct.windows["event_id"].isin(PICKED)].reset_index(drop=True)
    assert not others["car"].equals(without.windows["car"]), "they mask"


def test_calibration_regressions_and_forecasts_leave_them_out(tmp_path: Path) -> None:
    marked, without = (study(tmp_path, how) for how in ("marked", "without"))
    assert keys_of(marked) == keys_of(without)
    for one, other in zip(regress(marked.studied, "car ~ 1"), regress(without.studied, "car ~ 1"), strict=True):
        assert (one.n, one.coefficients[0].estimate) == (other.n, other.coefficients[0].estimate)
    ids = {marked.studied.text(i, "event_id") for i in case_rows(marked.studied)}
    assert ids and not ids & set(PICKED)


def test_a_study_of_nothing_else_has_no_groups(tmp_path: Path) -> None:
    frame = pd.read_csv(ROOT / "events.csv", dtype=str, keep_default_na=False)
    path = tmp_path / "events.csv"
    frame[frame["role"] == "outcome"].to_csv(path, index=False)
    result = run(path, spec=SPEC)
    assert len(result.windows) == 6 and not len(result.aggregate) and not len(result.cluster_tests)
    assert result.unusual.tested == 0 and not result.unusual.counts_survivors
    assert keys_of(result) == []
    with pytest.raises(NothingStudied):
        regress(result.studied, "car ~ 1")


def test_validate_asks_about_words_that_name_a_move(tmp_path: Path) -> None:
    titles = {
        "AA": ("Shares crash", ""), "BB": ("Results", "the sell-off of May"), "CC": ("A rallying cry", ""),
        "DD": ("Plunging demand", ""), "EE": ("Surgery robot approved", ""), "FF": ("Rally", ""), "GG": ("Plain", ""),
    }  # fmt: skip
    lines = [f"{t},2024-05-02,{'outcome' if t == 'FF' else ''},{a},{b}" for t, (a, b) in titles.items()]
    path = tmp_path / "events.csv"
    path.write_text("ticker,announced_at,role,title,notes\n" + "\n".join(lines) + "\n")
    asked = outcome_questions(read_events(path))
    assert [line.split()[1] for line in asked] == ["AA", "BB", "CC", "DD"]
    assert "'sell-off'" in asked[1] and "(line 3)" in asked[1]
