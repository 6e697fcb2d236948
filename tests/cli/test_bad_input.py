"""Wrong input: exit 2, a sentence with the place and the fix, and nothing written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Cli, run_in

HEADER = "event_id,ticker,announced_at,timing,role,claimed_return\n"
GOOD = HEADER + "x,NVDA,2025-04-15,amc,direct,\n"

FILES: dict[str, tuple[str | bytes | None, tuple[str, ...]]] = {
    "missing file": (None, ("no such file",)),
    "empty file": ("", ("is empty",)),
    "header only": (HEADER, ("no row",)),
    "missing column": ("event_id,ticker\nx,NVDA\n", ("announced_at", "needed")),
    "naive date-time": (HEADER + "x,NVDA,2025-04-15T17:10:00,,,\n", ("line 2", "offset", "-04:00")),
    "impossible date": (HEADER + "x,NVDA,2025-02-30,amc,,\n", ("line 2", "2025-02-30", "YYYY-MM-DD")),
    "slashed date": (HEADER + "x,NVDA,4/15/2025,amc,,\n", ("line 2", "2025-04-15")),
    "percentage claim": (HEADER + "x,NVDA,2025-04-15,amc,,7%\n", ("claimed_return", "0.07")),
    "percent as decimal": (HEADER + "x,NVDA,2025-04-15,amc,,-7\n", ("claimed_return", "-0.07")),
    "unknown timing": (HEADER + "x,NVDA,2025-04-15,after,,\n", ("timing", "bmo, dmh or amc")),
    "clock and timing": (HEADER + "x,NVDA,2025-04-15T17:10:00-04:00,amc,,\n", ("timing", "bare date")),
    "unknown role": (HEADER + "x,NVDA,2025-04-15,amc,diret,\n", ("role", "direct")),
    "the same row twice": (GOOD + "x,NVDA,2025-04-16,amc,direct,\n", ("line 3", "line 2")),
    "ids that differ in case": (GOOD + "X,AMD,2025-04-15,amc,direct,\n", ("only in case",)),
    "id with a slash": (HEADER + "a/b,NVDA,2025-04-15,amc,,\n", ("event_id", "file name")),
    "id that climbs": (HEADER + "../x,NVDA,2025-04-15,amc,,\n", ("event_id",)),
    "id of 300 characters": (HEADER + "x" * 300 + ",NVDA,2025-04-15,amc,,\n", ("event_id", "64")),
    "id that is a device": (HEADER + "CON,NVDA,2025-04-15,amc,,\n", ("event_id",)),
    "ticker with dots": (HEADER + "x,..,2025-04-15,amc,,\n", ("ticker",)),
    "semicolons": (GOOD.replace(",", ";"), ("semicolons", "commas")),
    "wrong encoding": (
        (HEADER + "x,NVDA,2025-04-15,amc,,\n").encode() + b"y\xe9,AMD,2025-04-15,amc,,\n",
        ("line 3", "UTF-8"),
    ),
    "NUL byte": (GOOD.encode() + b"\0", ("NUL",)),
    "ragged row": (GOOD + "y,AMD\n", ("line 3", "cells")),
    "unknown calendar": ("ticker,announced_at,calendar\nNVDA,2025-04-15,XXXX\n", ("calendar", "XXXX")),
}


@pytest.mark.parametrize("name", FILES)
def test_events_file(cli: Cli, tmp_path: Path, name: str) -> None:
    content, words = FILES[name]
    if content is not None:
        data = content if isinstance(content, bytes) else content.encode()
        (tmp_path / "events.csv").write_bytes(data)
    before = set(tmp_path.rglob("*"))
    outcome = cli("run")
    assert outcome.code == 2, outcome.err
    for word in words:
        assert word in outcome.err
    assert "Traceback" not in outcome.err
    assert set(tmp_path.rglob("*")) == before, "nothing may be written"


def test_every_problem_is_reported_at_once(cli: Cli, tmp_path: Path) -> None:
    rows = "a/b,NVDA,2025-04-15,amc,,\nb,NVDA,15.04.2025,amc,,\nc,,2025-04-15,xxx,boss,7%\n"
    (tmp_path / "events.csv").write_text(HEADER + rows)
    outcome = cli("run")
    for line in ("line 2", "line 3", "line 4"):
        assert line in outcome.err
    assert outcome.err.count("line 4") == 4


OPTIONS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "model": (("--model", "market-modell"), ("market-model", "did you mean")),
    "model without a sector": (("--model", "multi-index"), ("two benchmarks",)),
    "window that does not parse": (("--window", "one:two"), ("one:two", "START:END")),
    "window that ends first": (("--window", "3:1"), ("3:1",)),
    "window that does not fit": (("--window=-30:30",), ("-30:30", "-10:10")),
    "event window": (("--event-window", "x"), ("'x'",)),
    "source": (("--source", "snapshop"), ("snapshot", "did you mean")),
    "argument of a source": (("--source", "yahoo:NVDA"), ("takes no argument",)),
    "max-age": (("--max-age", "-1"), ("max-age", "0 days")),
    "max-age that is not a number": (("--max-age", "week"), ("--max-age", "not a number")),
    "folder of prices": (("--source", "csv:nowhere"), ("nowhere", "no such folder")),
    "estimation": (("--estimation", "ten"), ("--estimation", "whole number")),
    "short estimation": (("--estimation", "50"), ("50", "60")),
    "gap": (("--gap", "-1"), ("gap",)),
    "level": (("--level", "95"), ("0.95",)),
    "returns": (("--returns", "cubic"), ("simple | log",)),
    "missing": (("--missing", "fill"), ("trade-to-trade",)),
    "exclude": (("--exclude", "all"), ("catalogued | none",)),
    "alternative": (("--alternative", "both"), ("two-sided",)),
    "tests": (("--tests", "t-test"), ("car-t",)),
    "formats": (("--formats", "doc"), ("md, html, csv, json",)),
    "by": (("--by", "nothing"), ("nothing",)),
    "event": (("--event", "y"), ("'y'",)),
    "unknown option": (("--no-such-option",), ("--no-such-option",)),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_options(cli: Cli, tmp_path: Path, name: str) -> None:
    arguments, words = OPTIONS[name]
    (tmp_path / "events.csv").write_text(GOOD)
    outcome = cli("run", *arguments)
    assert outcome.code == 2, outcome.err
    for word in words:
        assert word in outcome.err
    assert "Traceback" not in outcome.err
    assert outcome.listing() == {"events.csv"}


@pytest.mark.parametrize("target", ["events.csv", "events.csv/inside", "/proc/nowhere"])
def test_a_folder_that_cannot_be_written(cli: Cli, tmp_path: Path, target: str) -> None:
    (tmp_path / "events.csv").write_text(GOOD)
    outcome = cli("run", "-o", target)
    assert outcome.code == 2 and "cannot write" in outcome.err
    assert outcome.listing() == {"events.csv"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("modle = 'x'\n", ("modle", "did you mean model")),
        ("estimation = [1]\n", ("estimation",)),
        ("estimation = true\n", ("estimation",)),
        ("window = 3\n", ("window",)),
        ("model = \n", ("TOML",)),
        ("audit = 'perhaps'\n", ("audit", "yes nor no")),
    ],
)
def test_configuration(cli: Cli, tmp_path: Path, text: str, words: tuple[str, ...]) -> None:
    (tmp_path / "events.csv").write_text(GOOD)
    (tmp_path / "eventstudy.toml").write_text(text)
    outcome = cli("run")
    assert outcome.code == 2 and "Traceback" not in outcome.err
    for word in words:
        assert word in outcome.err
    assert outcome.listing() == {"events.csv", "eventstudy.toml"}


def test_what_cannot_be_studied_is_a_row_with_a_reason(cli: Cli, tmp_path: Path) -> None:
    rows = "x,NVDA,2025-04-15,amc,direct,\ny,ZZZZ,2025-04-15,amc,,\nz,NVDA,2006-11-08,,,\nw,AMD,2021-09-01,bmo,,\n"
    (tmp_path / "events.csv").write_text(HEADER + rows + "v,AMD,2025-09-01,bmo,,-0.1\n")
    outcome = cli("run", "--formats", "csv")
    assert outcome.code == 0, outcome.err
    excluded = (tmp_path / "reports" / "excluded.csv").read_text()
    assert "y,ZZZZ,priced,no_prices" in excluded
    assert "z,NVDA,priced,before_prices" in excluded
    assert "w,AMD,estimated,insufficient_estimation" in excluded
    assert "v,AMD,priced,day0_not_observed,day 0 is 2025-09-02" in excluded.replace('"', "")
    assert "v,AMD,close,-0.1,,,no_data" in (tmp_path / "reports" / "claims.csv").read_text()
    strict = run_in(tmp_path, "run", "--strict", "--formats", "csv")
    assert strict.code == 3 and "could not be studied" in strict.err


def test_nothing_studied_is_exit_3(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text(HEADER + "y,ZZZZ,2025-04-15,amc,,\n")
    outcome = cli("run", "--source", "snapshot")
    assert outcome.code == 3
    assert "no event could be studied" in outcome.err and "excluded.csv" in outcome.err


def test_no_benchmark(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text(GOOD)
    outcome = cli("run", "--source", "snapshot", "--benchmark", "NOPE", "--formats", "csv")
    assert outcome.code == 3
    assert "no_benchmark" in (tmp_path / "reports" / "excluded.csv").read_text()


def test_rows_with_different_numbers_of_benchmarks(cli: Cli, tmp_path: Path) -> None:
    rows = "NVDA,2025-04-15,amc,SPY\nAMD,2025-04-15,amc,SPY;SOXX\n"
    (tmp_path / "events.csv").write_text("ticker,announced_at,timing,benchmark\n" + rows)
    both = ("--benchmark", "SPY", "--benchmark", "SOXX")
    outcome = cli("run", "--model", "multi-index", *both)
    assert outcome.code == 2 and "same number of benchmarks" in outcome.err and "Traceback" not in outcome.err
    assert cli("run", *both, "--formats", "csv").code == 0, "the market model uses the first one only"


def test_a_default_window_that_does_not_fit_is_dropped(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text(GOOD)
    outcome = cli("run", "--event-window=-1:1", "--formats", "csv")
    assert outcome.code == 0 and "0:10 dropped" in outcome.err
    assert "[0,10]" not in (tmp_path / "reports" / "windows.csv").read_text()


def test_precedence(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text(GOOD)
    (tmp_path / "eventstudy.toml").write_text('gap = 5\nestimation = 200\nformats = ["csv"]\nlevel = 0.9\n')
    outcome = cli("run", "--gap", "20", env={"EVENTSTUDY_GAP": "15", "EVENTSTUDY_ESTIMATION": "150"})
    assert outcome.code == 0, outcome.err
    import json

    spec = json.loads((tmp_path / "reports" / "manifest.json").read_text())["spec"]
    assert (spec["gap"], spec["estimation"], spec["level"], spec["returns"]) == (20, 150, 0.9, "simple")


def test_a_missing_column_is_refused_with_those_of_the_file(tmp_path: Path) -> None:
    """Columns of the contract that the file does not have are not listed; the object says it in the words of options."""
    (tmp_path / "events.csv").write_text("ticker,announced_at,cap\nNVDA,2025-04-16,3\n")
    outcome = run_in(tmp_path, "run", "--weight", "kap", "--json")
    error = json.loads(outcome.out)["error"]
    assert outcome.code == error["code"] == 2 and error["hint"] == "did you mean cap?"
    assert error["message"].endswith("(--weight); wanted event_id, ticker, announced_at, role, cap"), error
