"""A study too large to read announcement by announcement: what its report leaves out, and says."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pandas as pd
import pytest

from eventstudy.data.events import events_from_frame
from eventstudy.report.gallery import draw
from eventstudy.report.robustness import robustness_section
from eventstudy.report.write import build_files, write_report
from eventstudy.results import PAGES, StudyResult
from eventstudy.spec import StudySpec, Window
from eventstudy.study_report import Order, study_into


def test_pages_of_all_announcements_need_to_be_asked_for(sample: StudyResult, tmp_path: Path) -> None:
    assert sample.detailed == sample.announcements, "a small study has them all"
    assert not any("--detail writes all" in notice for notice in sample.notices)
    days = [str(day.date()) for day in pd.bdate_range("2023-01-09", periods=PAGES + 10, freq="W-WED")]
    rows = pd.DataFrame({"event_id": [f"e{n:03}" for n in range(len(days))], "ticker": "NVDA", "announced_at": days})
    spec = StudySpec(source="snapshot", windows=(Window(0, 0),), tests=("car-t",))

    def written(*, detail: bool) -> tuple[StudyResult, set[str]]:
        order = Order(out=tmp_path / str(detail), formats=("md",), detail=detail)
        found = study_into(events_from_frame(rows.assign(timing="bmo")), spec, order)
        return found.result, {Path(name).stem for name in found.files if name.startswith("events/")}

    many, pages = written(detail=False)
    every = list(rows["event_id"])
    assert many.announcements == every and many.detailed == every[:PAGES] and pages == set(every[:PAGES])
    assert many.notices[-1] == "pages, cards and figures of the first 50 of 60 announcements; --detail writes all"
    whole, pages = written(detail=True)
    assert whole.detailed == every and pages == set(every)
    assert not any("--detail writes all" in notice for notice in whole.notices)


def test_the_first_announcements_have_pages_and_figures(sample: StudyResult) -> None:
    few = replace(sample, pages=3)
    figures = draw(few)
    first = sample.announcements[:3]
    paths = [name for name in figures if name.startswith("car-")]
    assert paths == [f"car-{event_id}" for event_id in first]
    assert all(
        name.removeprefix(kind).startswith(tuple(first))
        for kind in ("scatter-", "placebo-")
        for name in figures
        if name.startswith(kind)
    )
    files = build_files(few, ("md", "html"), figures, None)
    assert {name for name in files if name.startswith("events/")} == {f"events/{event_id}.md" for event_id in first}
    assert "the first 3 of" in files["summary.md"].decode()


def test_what_is_left_speaks_of_all_events(
    sample: StudyResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_module("eventstudy.report.announcement"), "LISTED", 5)
    monkeypatch.setattr(import_module("eventstudy.report.sessions"), "LISTED", 3)
    many = replace(sample, pages=0)
    figures = draw(many)
    assert set(figures) == {"forest", "caar-groups"}
    files = write_report(many, tmp_path, ("md", "html", "csv"), figures, None)
    assert not [name for name in files if name.startswith("events/")]
    assert {"windows.csv", "summary.md", "report.html"} <= set(files)
    assert len(pd.read_csv(tmp_path / "windows.csv")) == len(sample.windows)
    text = (tmp_path / "summary.md").read_text(encoding="utf-8")
    assert "The 5 with the smallest p; windows.csv has all." in text
    assert "The 5 with the smallest p; robustness.csv has all." in text and "same sign as market model" in text
    assert "What cannot be known" in text
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    targets = set(re.findall(r'href="#([^"]+)"', page))
    ids = set(re.findall(r'\bid="([^"]+)"', page))
    assert targets <= ids, f"links that lead nowhere: {sorted(targets - ids)[:5]}"


def _lines(result: StudyResult, lines: list[tuple[str, str, str, float, float]]) -> pd.DataFrame:
    """A table of robustness: (event, model, masked, car, p) of the ticker NVDA."""
    columns, spec = result.tables["robustness"].columns, result.spec
    own = {"part": "day", "estimation": spec.estimation, "gap": spec.gap, "returns": spec.returns}
    made = [
        {"event_id": e, "ticker": "NVDA", "window": "[0,0]", "model": m, "masked": k, "car": c, "p_t": p} | own
        for e, m, k, c, p in lines
    ]
    return pd.DataFrame(made, columns=columns)


def test_models_as_a_whole_by_hand(sample: StudyResult, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_module("eventstudy.report.announcement"), "LISTED", 1)
    lines = [
        *(("a", "market-model", "yes", 0.04, 0.01), ("a", "market-model", "no", 0.05, 0.01)),
        *(("b", "market-model", "yes", 0.02, 0.30), ("c", "market-model", "yes", -0.03, 0.04)),
        *(("d", "market-model", "yes", math.nan, math.nan), ("a", "constant-mean", "yes", 0.01, 0.20)),
        *(("b", "constant-mean", "yes", -0.02, 0.40), ("d", "constant-mean", "yes", -0.05, math.nan)),
    ]
    windows = pd.DataFrame(
        [{"event_id": e, "ticker": "NVDA", "primary": "yes", "p_t": p} for e, p in (("b", 0.30), ("a", 0.01))]
    )
    many = replace(sample, pages=0)
    # tables are made once and kept
    many.__dict__.pop("model_lines", None)
    many.__dict__["tables"] = {"robustness": _lines(sample, lines), "windows": windows}
    section = robustness_section(many)
    assert section is not None
    whole, few = section.tables
    assert whole.rows == (
        ("market model", "3", "+1.00 %", "+2.00 %", "66.7 %", "100.0 %"),
        # of a and b, which both have, a keeps its sign; d has no p and no other estimate
        ("constant mean", "3", "-2.00 %", "-2.00 %", "0.0 %", "50.0 %"),
    )
    assert few.rows == (("a", "NVDA", "[0,0]", "+4.00 % (0.010)", "+1.00 % (0.200)", "+1.00 to +5.00 %"),)
    assert "The 1 with the smallest p; robustness.csv has all." in few.note


def test_of_few_events_every_one_is_shown_under_every_model(sample: StudyResult) -> None:
    section = robustness_section(sample)
    assert section is not None
    (table,) = section.tables
    known = sample.model_lines.dropna(subset="car")
    assert len(table.rows) == len(known.drop_duplicates(["event_id", "ticker", "window"]))
    assert "smallest p" not in table.note
