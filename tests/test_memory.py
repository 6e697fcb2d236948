"""A study that asks for more memory than there is, is refused before anything is read, with the largest that fits."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from eventstudy import memory
from eventstudy.errors import UsageError
from tests.cli.conftest import run_in

EVENTS = "event_id,ticker,announced_at,timing\na,NVDA,2025-04-15,amc\n"


def test_what_is_told_fits_and_one_more_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "memory", lambda: 1e9)
    memory.check_memory(1000, 21, 5)
    with pytest.raises(UsageError) as caught:
        memory.check_memory(100_000, 201, 10)
    said = str(caught.value)
    events, sessions, windows = (
        int(found[1].replace(",", "")) if (found := re.search(words, said)) else 0
        for words in (r"at most ([\d,]+) events", r"window of ([\d,]+) sessions for", r"([\d,]+) test windows for")
    )
    assert events > 0 and sessions == 0 == windows, "so many events fit with no window at all"
    memory.check_memory(events, 201, 10)
    with pytest.raises(UsageError):
        memory.check_memory(events + 1, 201, 10)
    with pytest.raises(UsageError) as caught:
        memory.check_memory(100, 100_000, 10)
    found = re.search(r"window of ([\d,]+) sessions for 100 events", str(caught.value))
    assert found is not None
    longest = int(found[1].replace(",", ""))
    memory.check_memory(100, longest, 10)
    with pytest.raises(UsageError):
        memory.check_memory(100, longest + 1, 10)


def test_the_limits_of_the_process_and_the_container_count(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(memory, "_machine", lambda: 8e9)
    for content, wanted in (("max\n", 8e9), ("4000000000\n", 4e9), ("nonsense", 8e9)):
        (tmp_path / "memory.max").write_text(content)
        monkeypatch.setattr(memory, "_CGROUPS", (str(tmp_path / "memory.max"), str(tmp_path / "nothing")))
        monkeypatch.setattr(memory, "_of_process", lambda: float("inf"))
        assert memory.memory() == wanted
    monkeypatch.setattr(memory, "_of_process", lambda: 1e9)
    assert memory.memory() == 1e9


@pytest.mark.parametrize("arguments", [("run",), ("calibrate",), ("backtest",), ("event", "a")])
def test_commands_end_before_they_begin(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    monkeypatch.setattr(memory, "memory", lambda: 2e8)
    (tmp_path / "events.csv").write_text(EVENTS)
    done = run_in(tmp_path, *arguments, "--source", "snapshot", "--event-window=-99999:99999")
    assert done.code == 2 and "take about 0.2 GB, and this machine has 0.2 GB" in done.err, done.err
    assert "an event window of" in done.err and not (tmp_path / "reports").exists()


def test_price_files_that_do_not_fit_together(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Refused before the first of them is read; each of them alone is within the limit of a file."""
    (tmp_path / "events.csv").write_text(EVENTS)
    prices = tmp_path / "prices"
    prices.mkdir()
    for name in ("NVDA", "SPY"):
        with (prices / f"{name}.csv").open("wb") as handle:
            handle.truncate(9 * 10**8)
    monkeypatch.setattr(memory, "memory", lambda: 4e9)
    done = run_in(tmp_path, "run", "--source", "csv:prices")
    assert done.code == 2 and "2 symbols are 1.8 GB of text and take about 5.5 GB" in done.err, done.err
    assert "files of at most 1.1 GB together" in done.err
    memory.check_prices(2, 1_100_000_000)
