"""A study too large to read announcement by announcement: what its report leaves out, and says."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from eventstudy.cli.run import _at_size
from eventstudy.report.gallery import draw
from eventstudy.report.write import build_files
from eventstudy.results import StudyResult
from eventstudy.scale import limits
from eventstudy.scale.limits import Limits


def test_pages_of_single_announcements_need_to_be_asked_for(
    sample: StudyResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _at_size(sample, detail=False).each
    monkeypatch.setattr(limits, "LIMITS", Limits(each=10))
    assert _at_size(sample, detail=True).each
    many = _at_size(sample, detail=False)
    assert not many.each and "--detail writes them" in many.notices[-1]


def test_what_is_left_speaks_of_all_events(sample: StudyResult, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eventstudy.report.findings.LISTED", 5)
    monkeypatch.setattr("eventstudy.report.sessions.LISTED", 3)
    many = replace(sample, each=False)
    figures = draw(many)
    assert set(figures) == {"forest", "caar-groups"}
    files = build_files(many, ("md", "html", "csv"), figures, None)
    assert not [name for name in files if name.startswith("events/")]
    assert {"windows.csv", "summary.md", "report.html"} <= set(files)
    text = files["summary.md"].decode()
    assert "The 5 with the smallest p; windows.csv has all." in text and "What cannot be known" not in files
    page = files["report.html"].decode()
    targets = set(re.findall(r'href="#([^"]+)"', page))
    ids = set(re.findall(r'\bid="([^"]+)"', page))
    assert targets <= ids, f"links that lead nowhere: {sorted(targets - ids)[:5]}"
