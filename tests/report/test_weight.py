"""What a page weighs, and what a run of pages costs beside its tables."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path
from statistics import median

import pandas as pd
import pytest

from eventstudy.data.events import events_from_frame
from eventstudy.report.pages import page_files
from eventstudy.results import StudyResult
from eventstudy.spec import StudySpec
from eventstudy.study import run
from tests.cli.conftest import clean_environment, copy_study
from tests.conftest import ROOT

KB = 1000


class Nodes(HTMLParser):
    """Counts elements."""

    def __init__(self) -> None:
        super().__init__()
        self.n = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.n += 1


def nodes(page: str) -> int:
    reader = Nodes()
    reader.feed(page)
    return reader.n


def test_the_sample(sample_pages: dict[str, str]) -> None:
    page = sample_pages["report.html"]
    assert len(page.encode()) <= 250 * KB
    assert nodes(page) <= 3000
    assert "<script" not in page


@pytest.mark.parametrize("event", ["mar_a_lago_dinner", "huang_beijing_apr2025", "h20_license_8k", "stargate_500b"])
def test_one_announcement(event: str) -> None:
    """Of one to three shares, with their specification curves."""
    spec = StudySpec(source="snapshot", benchmarks=("SPY", "SOXX"))
    found = run(ROOT / "events.csv", spec=spec, only=[event])
    assert found.curves
    for name, data in page_files(found, ("html",), None).items():
        if name.endswith(".html"):
            assert len(data) <= 80 * KB, name


@pytest.fixture(scope="module")
def many() -> StudyResult:
    """300 announcements."""
    days = pd.bdate_range("2022-11-01", "2025-03-31")[::2][:100]
    rows = pd.DataFrame(
        [(t, str(day.date()), "bmo") for day in days for t in ("NVDA", "AMD", "ASML")],
        columns=["ticker", "announced_at", "timing"],
    )
    return run(events_from_frame(rows), spec=StudySpec(source="snapshot"))


def test_three_hundred(many: StudyResult) -> None:
    pages = page_files(many, ("html",), None)
    assert many.totals.n_announcements > 250
    assert len(pages["report.html"]) <= 150 * KB
    assert nodes(pages["report.html"].decode()) <= 1500


def processor_time(folder: Path, *arguments: str) -> float:
    """User and system seconds of a command."""
    before = os.times()
    subprocess.run([sys.executable, *arguments], cwd=folder, env=clean_environment(), check=True, capture_output=True)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def interleaved(folder: Path, rounds: int, one: Sequence[str], other: Sequence[str]) -> tuple[float, float]:
    """Median processor time of two commands that run in turn, so that both meet the same machine; the first round
    warms it."""
    taken = [(processor_time(folder, *one), processor_time(folder, *other)) for _ in range(rounds + 1)][1:]
    return median(a for a, _ in taken), median(b for _, b in taken)


IMPORTS = (
    "import numpy, scipy.special, pandas, exchange_calendars, typer; import eventstudy.study_report, "
    "eventstudy.cli.app, eventstudy.report.pages, eventstudy.report.html, eventstudy.report.markdown"
)


@pytest.mark.slow
def test_a_default_run_against_its_imports(tmp_path: Path) -> None:
    copy_study(tmp_path)
    whole, imports = interleaved(tmp_path, 5, ("-m", "eventstudy", "run", "-q"), ("-c", IMPORTS))
    # 3.6 to 3.8 alone; beside another worker memory is shared, and the run takes more of it than its imports do
    most = 5 if "PYTEST_XDIST_WORKER" in os.environ else 4
    assert whole <= most * imports, f"{whole:.2f} s against {imports:.2f} s"


@pytest.mark.slow
def test_pages_against_tables(tmp_path: Path) -> None:
    days = pd.bdate_range("2022-11-01", "2025-03-31")[::2][:100]
    lines = [f"{t},{day.date()},bmo" for day in days for t in ("NVDA", "AMD", "ASML")]
    (tmp_path / "events.csv").write_text("\n".join(["ticker,announced_at,timing", *lines]) + "\n")
    run_it = ("-m", "eventstudy", "run", "-q", "--source", "snapshot")
    pages, tables = interleaved(tmp_path, 3, run_it, (*run_it, "--formats", "csv"))
    assert pages <= 2 * tables, f"{pages:.2f} s against {tables:.2f} s"


def test_a_default_run_loads_no_matplotlib(tmp_path: Path) -> None:
    copy_study(tmp_path)
    code = (
        "import sys; sys.argv = ['eventstudy', 'run', '-q', '--event', 'h20_license_8k', '--event', 'deepseek_shock']\n"
        "from eventstudy.cli.app import main\n"
        "main()\n"
        "assert not {'matplotlib', 'jinja2'} & set(sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=clean_environment(), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
