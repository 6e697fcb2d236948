"""A name that is not there, and what was meant: files, columns, tickers, ids and the words of options."""

from __future__ import annotations

from pathlib import Path

import pytest

from eventstudy.spelling import meant, meant_path
from tests.cli.conftest import Cli, copy_study

MEANT = {
    "run events.cvs": "events.csv",
    "run Event.csv": "events.csv",
    "validate evnts.csv": "events.csv",
    "event h20_license_8k --events event.csv": "events.csv",
    "backtest events.csvv": "events.csv",
    "calibrate events.cvs": "events.csv",
    "regress events.cvs": "events.csv",
    "run events.csv --config eventstudy.tml": "eventstudy.toml",
    "run --source csv:pricess": "prices",
    "run --source snapshoot": "snapshot",
    "run --model ff3 --factors factor.csv": "factors.csv",
    "run --model market-modle": "market-model",
    "run --by catgory": "category",
    "regress --by catgory": "category",
    "regress --formula car~catgory": "category",
    "run --event h20_licence_8k": "h20_license_8k",
    "run --event stargate": "stargate_500b",
    "event h20_license_8k --ticker nvd": "NVDA",
    "run --index-weight NVD=0.07": "NVDA",
    "run --tests car-tt": "car-t",
    "run --formats hmtl": "html",
    "run --returns smple": "simple",
    "run --missing strickt": "strict",
    "run --exclude cataloged": "catalogued",
    "run --alternative greatr": "greater",
    "run --engine nump": "numpy",
    "run --convention sigm=m-1": "sigma",
    "check report --fail-if excluded>1": "reports",
    "diff reports rports": "reports",
    "check reports --fail-if carr>0": "car",
    "check reports --fail-if car>0 --output-format gtihub": "github",
    "init new --ci githb": "github",
    "config show --model market-modle": "market-model",
    "config show --formats hmtl": "html",
}


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("misspelt")
    copy_study(folder)
    (folder / "prices").mkdir()
    (folder / "factors.csv").write_text("date,mkt_rf\n2024-01-02,0.01\n")
    (folder / "reports").mkdir()
    (folder / "reports" / "windows.csv").write_text("event_id,ticker,window,primary,car\na,A,[0,0],yes,0.1\n")
    return folder


@pytest.mark.parametrize("command", MEANT)
def test_it_says_what_was_meant(command: str, study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from typer.testing import CliRunner

    from eventstudy.cli.app import app
    from eventstudy.errors import EventStudyError

    monkeypatch.chdir(study)
    monkeypatch.setenv("EVENTSTUDY_OFFLINE", "yes")
    done = CliRunner().invoke(app, command.split())
    said = f"{done.output}{done.exception}"
    assert isinstance(done.exception, EventStudyError | SystemExit), said
    assert f"did you mean {MEANT[command]}?" in said
    assert not (study / "new").exists() and not (study / "reports" / "manifest.json").exists()


def test_in_an_empty_folder_the_way_to_begin(cli: Cli) -> None:
    done = cli("run")
    assert done.code == 2 and "there is no such file; `eventstudy init` writes an example study" in done.err


def test_columns_that_are_not_in_the_file_are_not_offered(cli: Cli, tmp_path: Path) -> None:
    """Some columns of the table are made while it is read."""
    copy_study(tmp_path)
    done = cli("run", "--by", "sector")
    assert done.code == 2 and "wanted event_id, ticker, announced_at, timing" in done.err and "instant" not in done.err


def test_nothing_studied_says_why(cli: Cli, tmp_path: Path) -> None:
    copy_study(tmp_path)
    done = cli("run", "--benchmark", "SYP", "--formats", "csv")
    assert done.code == 3 and "53 of 55 rows no_benchmark, such as:" in done.err and "SYP" in done.err


@pytest.mark.parametrize(
    ("name", "known", "hint"),
    [
        ("NVD", ["AMD", "NVDA"], "did you mean NVDA?"),
        ("nvda", ["NVDA"], "did you mean NVDA?"),
        ("h20", ["npr_h20_reprieve", "h20_license_8k", "x"], "did you mean npr_h20_reprieve or h20_license_8k?"),
        ("a", ["abc", "bca"], ""),
        ("zz", ["zz1zzzzz", "zz2zzzzz", "zz3zzzzz", "zz4zzzzz"], ""),
        ("quite another", ["NVDA"], ""),
        ("x", [], ""),
    ],
)
def test_meant(name: str, known: list[str], hint: str) -> None:
    assert meant(name, known) == hint


def test_meant_path(tmp_path: Path) -> None:
    (tmp_path / "events.csv").touch()
    (tmp_path / "eventss").mkdir()
    assert meant_path(tmp_path / "evets.csv") == f"did you mean {tmp_path / 'events.csv'}?"
    assert meant_path(tmp_path / "event", folder=True) == f"did you mean {tmp_path / 'eventss'}?"
    assert meant_path(tmp_path / "none" / "events.csv") == meant_path(tmp_path / "zzzzz") == ""
    assert meant_path(tmp_path / "a\0b" / "c") == meant_path(tmp_path / ("e" * 5_000)) == ""


@pytest.mark.parametrize("name", ["e" * 5_000, "none/of/these.csv"])
def test_names_that_no_file_can_have(cli: Cli, name: str) -> None:
    done = cli("run", name)
    assert done.code == 2 and "there is no such file" in done.err
