"""The how-to pages run as written: every command of their consoles, against services and files on this machine."""

from __future__ import annotations

import csv
import re
import shlex
from pathlib import Path

import pytest

from tests.collect.conftest import Asking
from tests.collect.sec import Company, Paper, Sec
from tests.collect.test_earnings import Calendar
from tests.collect.vendors import KEY, Raw, Tiingo, listings
from tests.conftest import ROOT
from tests.network.services import Services

PAPERS = {
    "NVDA": [Paper("0001045810-25-000116", "8-K", "2025-02-26 16:21:03", "2025-02-26", "2025-02-26", "2.02,9.01")],
    "AMD": [Paper("0000002488-25-000009", "8-K", "2025-02-04 16:16:51", "2025-02-04", "2025-02-04", "2.02,9.01")],
}


def console(page: str) -> list[list[str]]:
    """The commands of a page's consoles, in order."""
    text = (ROOT / "docs" / "howto" / page).read_text(encoding="utf-8")
    blocks = re.findall(r"```console\n(.*?)```", text, re.DOTALL)
    return [shlex.split(line) for block in blocks for line in block.splitlines() if line.strip()]


def follow(page: str, asking: Asking, env: dict[str, str]) -> list[tuple[str, int]]:
    """Type the commands of a page; which of them did not end with 0."""
    failed = []
    for words in console(page):
        if words[0] == "export":
            name, _, value = words[1].partition("=")
            env[name] = env.get(name, value)
            continue
        assert words[0] == "eventstudy", words
        done = asking(*words[1:], env=env)
        assert "Traceback" not in done.err
        if done.code:
            failed.append((" ".join(words), done.code))
    return failed


@pytest.mark.slow
def test_every_8k_of_a_firm(services: Services, asking: Asking, tmp_path: Path) -> None:
    served = Sec([Company(number, f"{t} INC", (t,), PAPERS[t]) for t, number in (("NVDA", 1045810), ("AMD", 2488))])
    services.handlers |= dict.fromkeys(("www.sec.gov", "data.sec.gov"), served)
    services.handlers["finance.yahoo.com"] = Calendar()
    assert follow("filings.md", asking, {"EVENTSTUDY_SOURCE": "snapshot"}) == []
    with (tmp_path / "reports" / "windows.csv").open() as handle:
        assert {row["day0"] for row in csv.DictReader(handle)} == {"2025-02-27", "2025-02-05"}


@pytest.mark.slow
def test_results_of_an_index(services: Services, asking: Asking, tmp_path: Path) -> None:
    services.handlers["finance.yahoo.com"] = Calendar()
    (tmp_path / "events.csv").write_text("ticker,announced_at,timing\nNVDA,2025-04-15,amc\n")
    assert follow("earnings.md", asking, {"EVENTSTUDY_SOURCE": "snapshot"}) == []
    assert (tmp_path / "results.csv").exists() and (tmp_path / "reports" / "summary.md").exists()


def test_from_wrds(asking: Asking, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("86580 20250415\n86580 20241120\n")
    lines = ["PERMNO,date,PRC,VOL,RET"]
    for number, name in (("86580", "NVDA"), ("84398", "SPY")):
        before = None
        for day, bar in sorted(listings()[name].bars.items()):
            if day.year >= 2024:
                assert bar[3] is not None
                move = "B" if before is None else f"{bar[3] / before - 1:.9f}"
                lines.append(f"{number},{day:%Y%m%d},{bar[3]},1000,{move}")
                before = bar[3]
    (tmp_path / "crsp.csv").write_text("\n".join(lines) + "\n")
    assert follow("wrds.md", asking, {}) == []
    with (tmp_path / "reports" / "windows.csv").open() as handle:
        assert {(row["ticker"], row["day0"]) for row in csv.DictReader(handle)} == {
            ("86580", "2025-04-15"),
            ("86580", "2024-11-20"),
        }


@pytest.mark.slow
def test_yahoo_refuses(services: Services, asking: Asking, tmp_path: Path) -> None:
    services.handlers["api.tiingo.com"] = Tiingo({name: Raw.of(one) for name, one in listings().items()})
    (tmp_path / "events.csv").write_text("ticker,announced_at,timing\nNVDA,2025-04-15,amc\n")
    failed = follow("yahoo-refuses.md", asking, {"TIINGO_API_KEY": KEY})
    assert [command for command, _ in failed] == ["eventstudy doctor"], "Yahoo is not here, and the doctor says so"
