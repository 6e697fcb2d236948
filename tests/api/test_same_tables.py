"""The same study through the command line, through paths and through frames gives the same bytes of tables."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import eventstudy as es
from tests.cli.conftest import run_in

pytestmark = pytest.mark.filterwarnings("ignore::eventstudy.errors.EventStudyWarning")
OPTIONS = ("--benchmark", "SPY", "--window", "0:0", "--window=-1:1", "--by", "sector", "--level", "0.9")
CHOICES: dict[str, Any] = {"benchmark": "SPY", "windows": ["0:0", "-1:1"], "by": "sector", "level": 0.9}


def tables(folder: Path) -> dict[str, bytes]:
    """Every table and the results of a report folder."""
    names = (*folder.glob("*.csv"), folder / "results.json")
    return {path.name: path.read_bytes() for path in names}


def without_source(files: dict[str, bytes]) -> dict[str, bytes]:
    """The same without the name of the source that results.json states: a frame is not a file."""
    return {name: data.replace(b'"source": "csv"', b'"source": "auto"') for name, data in files.items()}


@pytest.fixture
def by_command(market: dict[str, Any], tmp_path: Path) -> dict[str, bytes]:
    """The tables that ``eventstudy run`` writes."""
    market["events"].to_csv(tmp_path / "events.csv", index=False)
    market["prices"].to_csv(tmp_path / "prices.csv", index=False)
    done = run_in(tmp_path, "run", "--source", "csv:prices.csv", "-o", "command", "--formats", "csv,json", *OPTIONS)
    assert done.code == 0, done.err
    found = tables(tmp_path / "command")
    assert {"windows.csv", "aggregate.csv", "clusters.csv", "results.json"} <= found.keys()
    return found


@pytest.mark.parametrize("way", ["paths", "frames", "written while it runs"])
def test_every_way_writes_the_same_bytes(
    way: str, market: dict[str, Any], tmp_path: Path, by_command: dict[str, bytes]
) -> None:
    out = tmp_path / "api"
    if way == "paths":
        es.report(es.run("events.csv", "prices.csv", **CHOICES), out, ["csv", "json"])
    elif way == "frames":
        es.report(es.run(market["events"], market["prices"], **CHOICES), out, "csv,json")
    else:
        es.run("events.csv", market["wide"], out=out, formats=["csv", "json"], **CHOICES)
    assert without_source(tables(out)) == without_source(by_command)


def test_other_choices_write_other_bytes(market: dict[str, Any], tmp_path: Path, by_command: dict[str, bytes]) -> None:
    """A negative control."""
    es.report(es.run("events.csv", "prices.csv", **{**CHOICES, "level": 0.95}), tmp_path / "api", ["csv", "json"])
    other = tables(tmp_path / "api")
    assert other["windows.csv"] != by_command["windows.csv"] and other["models.csv"] == by_command["models.csv"]


@pytest.mark.parametrize("command", ["regress", "calibrate", "backtest"])
def test_evaluators_write_the_same_bytes(command: str, market: dict[str, Any], tmp_path: Path) -> None:
    events = market["events"].rename(columns={"sector": "category"})
    events.to_csv(tmp_path / "events.csv", index=False)
    market["prices"].to_csv(tmp_path / "prices.csv", index=False)
    more = {"backtest": ("--placebos", "3"), "calibrate": ("--tests", "car-t,sq,conformal")}.get(command, ())
    done = run_in(tmp_path, command, "--source", "csv:prices.csv", "-o", "command", "--formats", "csv", *more)
    assert done.code == 0, done.err
    function = {"regress": es.regress, "calibrate": es.calibrate, "backtest": es.backtest}[command]
    chosen = {"placebos": 3} if command == "backtest" else {}
    # every session of every share is placed in turn: of the tests of one event, three that cost little
    tests = {"tests": ["car-t", "sq", "conformal"]} if command == "calibrate" else {}
    found = function(es.run(events, market["prices"], **tests), **chosen)
    written = es.report(found, tmp_path / "api", "csv")
    names = [name for name in written if name.endswith(".csv")]
    assert names
    for name in names:
        assert (tmp_path / "api" / name).read_bytes() == (tmp_path / "command" / name).read_bytes(), name
    shutil.rmtree(tmp_path / "api")
    assert str(found.summary()) in repr(found) + str(found.summary())


def test_a_large_study_that_is_not_held_says_where_its_rows_are(
    market: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from eventstudy.scale import limits

    monkeypatch.setattr(limits, "LIMITS", limits.Limits(kept=0))
    result = es.run(market["events"], market["prices"], out=tmp_path / "out", formats="csv", tests="csect-t")
    with pytest.raises(es.UsageError, match=r"not held in memory; read .*out/windows\.csv, or set detail=True"):
        _ = result.windows
    with pytest.raises(es.UsageError, match="not held"):
        es.regress(result)
    assert len(pd.read_csv(tmp_path / "out" / "windows.csv")) == 30 and "CAAR" in repr(result)
    assert len(result.aggregate) > 0
