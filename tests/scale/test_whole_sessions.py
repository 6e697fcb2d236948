"""Sessions that several firms share, in a study too large to keep its events: each is tested whole, or not at all."""

from __future__ import annotations

import re
from datetime import date

import numpy as np
import pandas as pd
import pytest

from eventstudy.data.calendar import load_calendar
from eventstudy.report.pages import page_files
from eventstudy.report.wording import day_words
from eventstudy.results import StudyResult
from eventstudy.scale import shown, whole_sessions
from eventstudy.scale.limits import Limits
from eventstudy.spec import StudySpec, Window
from eventstudy.study import Handling, run

FIRMS = [f"F{number:02}" for number in range(9)]
# what a page says of a family, where all of it has pages
FAMILY = re.compile(rb" Where all 18 openings and sessions of this day are allowed for, [^.]*\.")
SPEC = StudySpec(windows=(Window(0, 0), Window(0, 1)), windows_given=True, spec_curve="off")


@pytest.fixture(scope="module")
def study() -> tuple[pd.DataFrame, pd.DataFrame]:
    """270 announcements of nine firms on thirty sessions, each its own event_id, and prices with opens."""
    rng = np.random.default_rng(12)
    days = pd.DatetimeIndex(load_calendar("XNYS", date(2021, 1, 4), date(2024, 12, 31)).sessions).strftime("%Y-%m-%d")
    market = rng.normal(0, 0.01, len(days))
    tables = []
    for symbol in ("SPY", *FIRMS):
        close = 100 * np.cumprod(1 + market + (symbol != "SPY") * rng.normal(0, 0.02, len(days)))
        opens = close * (1 + rng.normal(0, 0.004, len(days)))
        tables.append(pd.DataFrame({"ticker": symbol, "date": days, "open": opens, "close": close}))
    dates = np.repeat(days[320:920:20], len(FIRMS))
    named = {"event_id": [f"e{i}" for i in range(len(dates))], "ticker": FIRMS * 30, "announced_at": dates}
    return pd.DataFrame({**named, "timing": "bmo"}), pd.concat(tables)


@pytest.fixture(scope="module")
def kept(study: tuple[pd.DataFrame, pd.DataFrame]) -> StudyResult:
    return run(*study, spec=SPEC)


def streamed(study: tuple[pd.DataFrame, pd.DataFrame]) -> StudyResult:
    found = run(*study, spec=SPEC, handling=Handling(limits=Limits(kept=0)))
    assert not found.budget.kept and len(found.studied.rows) < len(study[0])
    return found


@pytest.mark.parametrize("at_once", [10, 512])
def test_clusters_hold_every_firm_of_their_session(
    study: tuple[pd.DataFrame, pd.DataFrame], kept: StudyResult, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(whole_sessions, "AT_ONCE", at_once)
    found, wanted = streamed(study).cluster_tests, kept.cluster_tests
    assert set(found["tickers"]) == {";".join(FIRMS)} and len(found) > 500
    wanted = wanted[wanted["day0"].isin(found["day0"])].reset_index(drop=True)
    pd.testing.assert_frame_equal(found.reset_index(drop=True), wanted, rtol=1e-11)


def test_a_family_of_parts_lacks_nobody(study: tuple[pd.DataFrame, pd.DataFrame], kept: StudyResult) -> None:
    """Where all firms of a session are shown it is the same family; elsewhere there is none."""
    wanted = {(row.row, row.part): row for row in kept.parts}
    whole = [row for row in streamed(study).parts if row.n_family]
    without = [row for row in streamed(study).parts if not row.n_family]
    assert {row.row for row in whole} >= set(range(45)) and len(without) > 50
    for row in whole:
        assert row.n_family == 18 and row.p_family == pytest.approx(wanted[row.row, row.part].p_family)
    assert all(np.isnan(row.p_family) for row in without)
    assert not {row.row // len(FIRMS) for row in whole} & {row.row // len(FIRMS) for row in without}


def test_one_announcement_alone_has_the_family_of_its_session(
    study: tuple[pd.DataFrame, pd.DataFrame], kept: StudyResult
) -> None:
    """With ``--event`` the others of the session complete the family without being shown."""
    events, prices = study
    found = run(events, prices, spec=SPEC, only=("e40",)).parts
    wanted = [row for row in kept.parts if row.row == 40]
    assert [(row.part, row.n_family) for row in found] == [("overnight", 18), ("intraday", 18)]
    assert [row.p_family for row in found] == pytest.approx([row.p_family for row in wanted])


def test_pages_say_the_same(study: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    """Title, dates, categories, groups and every page of an announcement; what is left out a notice says."""
    events, prices = study
    n = np.arange(len(events))
    # the first and the last announcements have no page and a category of their own
    named = events.assign(category=np.where((n >= 150) & (n < 200), "guidance", "earnings"), title=[f"T{i}" for i in n])
    named = pd.concat([named.iloc[100:], named.iloc[:100]])
    whole = page_files(run(named, prices, spec=SPEC), ("md",), None)
    found = run(named, prices, spec=SPEC, handling=Handling(limits=Limits(kept=0)))
    pages = page_files(found, ("md",), None)
    assert set(pages) == set(whole) and len(pages) > 50
    for name, text in whole.items():
        if name != "summary.md":
            assert pages[name] == (text if pages[name] == text else FAMILY.sub(b"", text)), name
    summary = re.sub(
        r"<details><summary>Differences between groups.*?</details>\n\n", "", whole["summary.md"].decode(), flags=re.S
    )
    notice = re.compile(r"\n\n\*\*1 notice about.*?--detail asks for everything \|", re.S)
    assert notice.search(pages["summary.md"].decode())
    assert notice.sub("", pages["summary.md"].decode()) == summary
    first, last = load_calendar("XNYS", date(2021, 1, 4), date(2024, 12, 31)).sessions[[320, 900]]
    assert f"{day_words(str(first))} to {day_words(str(last))}" in summary


def test_claims_beyond_the_limit_are_left_out_with_a_note(
    study: tuple[pd.DataFrame, pd.DataFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No row says that data are missing."""
    monkeypatch.setattr(shown, "MOST_CLAIMS", 5)
    events, prices = study
    found = streamed((events.assign(claimed_return="-0.03"), prices))
    claims = found.tables["claims"]
    n = len(found.studied.rows)
    assert len(claims) == n < len(events) and not (claims["verdict"] == "no_data").any()
    assert f"claims of {len(events) - n} rows are left out; --detail asks for everything" in found.notices
    kept = run(events.assign(claimed_return="-0.03"), prices, spec=SPEC).tables["claims"]
    kept = kept[kept["event_id"].isin(claims["event_id"])].reset_index(drop=True)
    pd.testing.assert_frame_equal(claims.reset_index(drop=True), kept, rtol=1e-11)


def test_too_many_firms_are_left_out_with_a_note(
    study: tuple[pd.DataFrame, pd.DataFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whole_sessions, "MOST", 100)
    found = streamed(study)
    assert found.cluster_tests.empty
    assert any("clusters left out" in notice and "--detail" in notice for notice in found.notices)
