"""Prices that may be wrong are named before any number: in the title, in the caveat, on the terminal and in a notice."""

from __future__ import annotations

from pathlib import Path

import pytest

from eventstudy.flags import DOUBTS, FLAGS, doubt_notice
from tests.cli.conftest import run_in
from tests.data.test_heading_words import DAY0, frame


@pytest.mark.parametrize("factor", [0.01, 1.0])
def test_a_change_of_units_on_day_0_comes_before_the_finding(tmp_path: Path, factor: float) -> None:
    prices = tmp_path / "prices"
    prices.mkdir()
    table = frame()
    table.loc[table["Date"] >= DAY0, "Close"] *= factor
    table.to_csv(prices / "ABC.csv", index=False)
    frame("SPY").to_csv(prices / "SPY.csv", index=False)
    (tmp_path / "events.csv").write_text(f"event_id,ticker,announced_at,timing\nnews,ABC,{DAY0},bmo\n")
    words = ("--source", "csv:prices", "--benchmark", "SPY")
    done = run_in(tmp_path, "run", *words, "--formats", "md,html")
    assert done.code == 0, done.err
    title = (tmp_path / "reports" / "summary.md").read_text(encoding="utf-8").split("\n")[0]
    page = (tmp_path / "reports" / "report.html").read_text(encoding="utf-8")
    terminal = run_in(tmp_path, "event", "news", *words)
    doubtful = factor != 1.0
    assert title.endswith("Check the prices first: level break.") == doubtful
    assert ("check the prices first: some events have level_break" in done.err) == doubtful
    assert ("About the data." in page and FLAGS["level_break"][:40] in page) == doubtful
    assert ("Check the prices first: level break." in terminal.out) == doubtful


def test_only_flags_of_prices_are_to_be_checked_first() -> None:
    every = (1 << len(FLAGS)) - 1
    assert all(name in doubt_notice(every) for name in DOUBTS) and "overlap" not in doubt_notice(every)
    assert not doubt_notice(0) and set(DOUBTS) <= set(FLAGS)
