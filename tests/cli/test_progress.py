"""Progress: pages are counted with the time that is left; piped, one line a tenth."""

from __future__ import annotations

import pytest

from eventstudy.cli.console import Console
from eventstudy.report.pages import _progress


def test_words() -> None:
    assert _progress(37, 300, 37 * 0.456) == "page 37 of 300, 2 min left"
    assert _progress(290, 300, 290 * 4.0) == "page 290 of 300, 40 s left"
    assert _progress(300, 300, 60.0) == "page 300 of 300"


@pytest.mark.parametrize(("n", "lines"), [(300, 10), (1_234, 10), (20, 0)])
def test_piped(capsys: pytest.CaptureFixture[str], n: int, lines: int) -> None:
    console = Console.make(quiet=False, verbose=False, no_color=True)
    for number in range(1, n + 1):
        console.progress(f"page {number:,} of {n:,}, 2 min left")
    said = capsys.readouterr()
    found = said.err.splitlines()
    assert len(found) == lines and not said.out and "\r" not in said.err
    if lines:
        assert found[-1].startswith(f"page {n:,} of {n:,}")


def test_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console.make(quiet=True, verbose=False, no_color=True)
    console.progress("page 30 of 300")
    assert not capsys.readouterr().err
