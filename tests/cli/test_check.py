"""`eventstudy check`: exit codes, rows, annotations, and folders that cannot be judged."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import Cli, Outcome, run_in
from tests.review.reports import MANIFEST, WINDOWS, make

TEXT = """\
TRUE  p_t < 0.05 and abs(car) > 0.03  1 of 3 rows
      b BBB [0,1]  p_t = 0.02  car = 0.07
false car[0,1] > 1  0 of 3 rows
TRUE  excluded > 0  excluded = 1
false max(car) > 0.1  max(car) = 0.07
"""
EXPRESSIONS = ("p_t < 0.05 and abs(car) > 0.03", "car[0,1] > 1", "excluded > 0", "max(car) > 0.1")
FLAGS = tuple(part for text in EXPRESSIONS for part in ("--fail-if", text))


def test_text(cli: Cli, tmp_path: Path) -> None:
    make(tmp_path / "reports")
    outcome = cli("check", "reports", *FLAGS)
    assert outcome.code == 5 and outcome.out == TEXT
    assert "2 of 4 conditions are true" in outcome.err and "a finding" in outcome.err
    assert "car[0,1] is not known for 1 of 3 rows" in outcome.err
    held = cli("check", "reports", "--fail-if", "excluded > 1")
    assert held.code == 0 and held.out == "false excluded > 1  excluded = 1\n" and "no condition" in held.err
    assert cli("check", "reports", "--fail-if", "excluded > 1", "-q").err == ""


def test_json(cli: Cli, tmp_path: Path) -> None:
    make(tmp_path / "reports")
    outcome = cli("check", "reports", *FLAGS, "--json")
    found = json.loads(outcome.out)
    assert outcome.code == 5 and found["schema_version"] == 1 and found["tripped"] == 2
    assert [check["rows_true"] for check in found["checks"]] == [1, 0, 0, 0]
    assert found["checks"][0]["rows"] == [
        {"event_id": "b", "ticker": "BBB", "window": "[0,1]", "line": 5, "values": {"p_t": 0.02, "car": 0.07}}
    ]
    assert found["checks"][1]["undefined"] == {"car[0,1]": 1}


def test_github(cli: Cli, tmp_path: Path) -> None:
    make(tmp_path / "reports")
    outcome = cli("check", "reports", *FLAGS, "--output-format", "github")
    assert outcome.code == 5
    assert outcome.out.splitlines() == [
        "::error file=reports/windows.csv,line=5,title=p_t < 0.05 and abs(car) > 0.03 is true::"
        "b BBB [0,1]:  p_t = 0.02  car = 0.07",
        "::error title=eventstudy check::excluded > 0 is true  excluded = 1",
    ]


def test_hostile_names_open_no_second_annotation(cli: Cli, tmp_path: Path) -> None:
    text = WINDOWS.replace("a,AAA,direct", '"a\n::error::x\x1b[31m%",AAA,direct')
    make(tmp_path / "reports", windows=text)
    outcome = cli("check", "reports", "--fail-if", "car < 0", "--output-format", "github")
    assert outcome.code == 5 and len(outcome.out.splitlines()) == 1 and "\x1b" not in outcome.out
    assert "%0A::error::x" in outcome.out and "%25" in outcome.out


def test_the_sample_without_its_manifest(cli: Cli, tmp_path: Path) -> None:
    """As it is committed; whoever has run `make run` has a manifest beside it."""
    reports = str(tmp_path / "sample")
    sample = Path(__file__).parent.parent.parent / "reports"
    shutil.copytree(sample, reports, ignore=shutil.ignore_patterns("manifest.json"))
    outcome = cli("check", reports, "--fail-if", "car[0,1] < -0.08", "--fail-if", "excluded != 6 or studied < 1")
    assert outcome.code == 5 and "us_ai_chip_rule_2022_8k NVDA" in outcome.out
    assert "false excluded != 6 or studied < 1  excluded = 6  studied = 49" in outcome.out
    age = cli("check", reports, "--fail-if", "data_age_days > 1")
    assert age.code == 2 and "no manifest.json" in age.err, "a gate that cannot be judged is not a gate that holds"


def test_results_json_alone_will_do(full_run: Outcome, cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "only").mkdir()
    (tmp_path / "only" / "results.json").write_bytes((full_run.folder / "reports" / "results.json").read_bytes())
    arguments = ("--fail-if", "car[0,1] < -0.05", "--fail-if", "max(p_t[0,1]) > 0.5 and excluded == 6", "--json")
    one = json.loads(cli("check", "only", *arguments).out)
    two = json.loads(run_in(full_run.folder, "check", "reports", *arguments).out)
    for check in (*one["checks"], *two["checks"]):
        for row in check["rows"]:
            row["line"] = None
    assert one["checks"] == two["checks"] and one["tripped"] == 2


def test_nothing_studied(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text("ticker,announced_at\nZZZZ,2025-04-15\n")
    for formats in ("csv", "json"):
        assert cli("run", "--source", "snapshot", "--formats", formats, "-o", formats).code == 3
        outcome = cli("check", formats, "--fail-if", "car < 0", "--fail-if", "studied == 0")
        assert outcome.code == 5 and "false car < 0  0 of 0 rows" in outcome.out
        assert "TRUE  studied == 0" in outcome.out


def _spoil(folder: Path, how: str) -> None:
    if how == "no folder":
        return
    make(folder)
    manifest = folder / "manifest.json"
    if how == "a file":
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()
        folder.write_text("x")
    elif how == "empty":
        for path in folder.iterdir():
            path.unlink()
    elif how == "newer schema":
        manifest.write_text(json.dumps({**MANIFEST, "schema_version": 2}))
    elif how == "odd schema":
        manifest.write_text(json.dumps({**MANIFEST, "schema_version": "one"}))
    elif how == "no schema":
        manifest.write_text('{"a": 1}')
    elif how == "half a manifest":
        manifest.write_text(manifest.read_text()[:100])
    elif how == "another form":
        manifest.write_text("[1, 2]")
    elif how == "strange parts":
        manifest.write_text('{"schema_version": 1, "spec": 3}')
    elif how == "edited":
        (folder / "windows.csv").write_text(WINDOWS.replace("-0.02", "0.02"))
    elif how == "cut off":
        manifest.unlink()
        (folder / "windows.csv").write_text(WINDOWS[:-20])
    elif how == "no number":
        manifest.unlink()
        (folder / "windows.csv").write_text(WINDOWS.replace("-0.02", "seven"))
    elif how == "other columns":
        manifest.unlink()
        (folder / "windows.csv").write_text("event_id,car\na,1\n")
    elif how == "a folder for a table":
        manifest.unlink()
        (folder / "windows.csv").unlink()
        (folder / "windows.csv").mkdir()
    elif how == "binary":
        manifest.unlink()
        (folder / "windows.csv").write_bytes(b"event_id,car\n\xff\xfe,1\n")
    elif how == "interrupted":
        manifest.unlink()
        (folder / "windows.csv").unlink()
        (folder / ".eventstudy-abc").mkdir()


SPOILT = {
    "no folder": ("does not exist", "eventstudy run"),
    "a file": ("is not a folder",),
    "empty": ("holds no report", "windows.csv"),
    "newer schema": ("schema_version 2", "newer eventstudy", "upgrade"),
    "odd schema": ('schema_version "one"', "run the study again"),
    "no schema": ("no schema_version",),
    "half a manifest": ("manifest.json", "cannot be read"),
    "another form": ("another form",),
    "strange parts": ("spec has another form",),
    "edited": ("windows.csv", "not the file that manifest.json lists"),
    "cut off": ("line 7", "cut off"),
    "no number": ("line 2", "car", "seven", "not a number"),
    "binary": ("windows.csv", "utf-8"),
    "other columns": ("ticker", "needed"),
    "a folder for a table": ("holds no report",),
    "interrupted": ("holds no report", "interrupted"),
}


@pytest.mark.parametrize("how", SPOILT)
def test_a_folder_that_cannot_be_judged_is_exit_2(cli: Cli, tmp_path: Path, how: str) -> None:
    _spoil(tmp_path / "reports", how)
    before = set(tmp_path.rglob("*"))
    outcome = cli("check", "reports", "--fail-if", "car < 0")
    assert outcome.code == 2 and "Traceback" not in outcome.err, outcome.err
    for word in SPOILT[how]:
        assert word in outcome.err
    assert set(tmp_path.rglob("*")) == before and not outcome.out


USAGE = {
    "no condition": ((), ("nothing to check", "--fail-if")),
    "no folder": (None, ("DIR",)),
    "unknown column": (("--fail-if", "carr < 0"), ("carr", "did you mean car", "^^^^")),
    "unknown format": (("--fail-if", "car < 0", "--output-format", "gitub"), ("gitub", "did you mean github")),
    "one good, one bad": (("--fail-if", "car < 0", "--fail-if", "car <"), ("ends here",)),
    "escapes": (("--fail-if", "car \x1b[31m< 0"), ("not a part of the language",)),
}


@pytest.mark.parametrize("name", USAGE)
def test_usage(cli: Cli, tmp_path: Path, name: str) -> None:
    make(tmp_path / "reports")
    arguments, words = USAGE[name]
    outcome = cli("check") if arguments is None else cli("check", "reports", *arguments)
    assert outcome.code == 2 and "Traceback" not in outcome.err and "\x1b" not in outcome.err
    for word in words:
        assert word in outcome.err
    assert not outcome.out, "a bad condition is refused before any is judged"
