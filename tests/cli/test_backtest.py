"""`eventstudy backtest` as a user types it, on a study that is too small to say anything."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from eventstudy.report.backtest import BACKTEST_COLUMNS, TRADES_COLUMNS
from eventstudy.report.figures.svg import read_metadata
from tests.cli.conftest import Cli, Outcome, copy_study, run_in, run_process


@pytest.fixture(scope="module")
def tested(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    folder = tmp_path_factory.mktemp("backtest")
    copy_study(folder)
    outcome = run_in(folder, "backtest", "--placebos", "19")
    assert outcome.code == 0, outcome.err
    return outcome


def table(outcome: Outcome, name: str) -> list[dict[str, str]]:
    with (outcome.folder / "reports" / name).open(encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def test_it_adds_its_files_and_a_small_sample_is_called_small(tested: Outcome) -> None:
    files = {name for name in tested.listing() if name.startswith("reports/") and "." in name}
    own = ("backtest.csv", "backtest.md", "figures/equity.svg", "manifest.json", "trades.csv")
    assert files == {f"reports/{name}" for name in own}
    manifest = json.loads((tested.folder / "reports" / "manifest.json").read_text())
    assert set(manifest["added"]["backtest"]["files"]) == {name for name in own if name != "manifest.json"}
    page = (tested.folder / "reports" / "backtest.md").read_text(encoding="utf-8")
    assert "This sample is too small to say anything" in page
    assert "too few to say anything" in tested.out
    assert "earned more than nothing" not in page


def test_tables_are_complete(tested: Outcome) -> None:
    found, trades = table(tested, "backtest.csv"), table(tested, "trades.csv")
    assert list(found[0]) == BACKTEST_COLUMNS
    assert list(trades[0]) == TRADES_COLUMNS
    assert {row["part"] for row in found} == {"forecast", "type", "trade"}
    assert all(row["applicable"] in ("yes", "warn", "no") for row in found)
    assert all(row["reason"] for row in found if row["applicable"] != "yes")
    assert all(row["value"] for row in found if row["applicable"] != "no")
    # counts stay whole numbers beside empty cells
    assert all("." not in row[name] for row in found for name in ("exit_day", "n", "n_dates", "n_silent", "n_placebos"))
    assert len(trades) == 31
    assert all(row["side"] == "none" and row["reason"] for row in trades if not row["net"])
    # the 8-K of 15 April 2025 came after the close: the next open is the first price; a rule at an unknown hour waits
    entry = {(row["event_id"], row["ticker"]): (row["entry_date"], row["entry_at"]) for row in trades}
    assert entry["h20_license_8k", "NVDA"] == ("2025-04-16", "open")
    assert entry["bis_rule_2022_10_07", "NVDA"] == ("2022-10-10", "open")


def test_the_figure_is_well_formed_and_carries_its_numbers(tested: Outcome) -> None:
    text = (tested.folder / "reports" / "figures" / "equity.svg").read_text(encoding="utf-8")
    ElementTree.fromstring(text)
    found = read_metadata(text)
    assert len(found["dates"]) == len(found["net"]) == 11


def test_json_and_formats(cli: Cli, tmp_path: Path) -> None:
    copy_study(tmp_path)
    outcome = cli("backtest", "--json", "--placebos", "0", "--formats", "csv", "--exit", "3", "-o", "elsewhere")
    assert outcome.code == 0, outcome.err
    found = json.loads(outcome.out)
    assert (found["schema_version"], found["too_small"]) == (1, True)
    assert found["counts"]["tested"] == 31
    assert set(found["files"]) == {"backtest.csv", "trades.csv", "manifest.json"}
    assert not (tmp_path / "elsewhere" / "backtest.md").exists()


def test_it_is_the_same_twice(tested: Outcome, tmp_path: Path) -> None:
    copy_study(tmp_path)
    # in a process of its own, with another seed of hashes
    assert run_process(tmp_path, "backtest", "--placebos", "19").code == 0
    for name in ("backtest.csv", "trades.csv", "backtest.md", "figures/equity.svg"):
        assert (tmp_path / "reports" / name).read_bytes() == (tested.folder / "reports" / name).read_bytes()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--exit", "11"), "exit day 11 is not between 1 and 10"),
        (("--exit", "0"), "exit day 0"),
        (("--cost-bps", "-1"), "--cost-bps -1 is out of range"),
        (("--borrow", "3"), "--borrow 3 is out of range"),
        (("--borrow", "nan"), "--borrow nan is out of range"),
        (("--placebos", "-3"), "--placebos -3 is out of range"),
        (("--event-window", "-10:0", "--window", "0:0"), "the end of the event window"),
    ],
)
def test_bad_input_is_a_sentence(cli: Cli, tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    copy_study(tmp_path)
    outcome = cli("backtest", *arguments)
    assert outcome.code == 2
    assert words in outcome.err
    assert "Traceback" not in outcome.err
    assert not (tmp_path / "reports").exists()


def test_hostile_categories_stay_text(tmp_path: Path) -> None:
    rows = [f'NVDA,2024-{m:02d}-10,amc,"<script>|[x](y) =1+1"' for m in range(1, 13)]
    (tmp_path / "events.csv").write_text("ticker,announced_at,timing,category\n" + "\n".join(rows) + "\n")
    outcome = run_in(tmp_path, "backtest", "--source", "snapshot", "--placebos", "3")
    assert outcome.code == 0, outcome.err
    page = (tmp_path / "reports" / "backtest.md").read_text(encoding="utf-8")
    assert "<script>" not in page
    assert "[x](y)" not in page
