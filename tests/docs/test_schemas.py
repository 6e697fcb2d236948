"""Every ``--json`` has a documented schema, and what the commands print fits it."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.cli.conftest import Outcome, copy_study, run_in
from tests.docs.schemas import FOLDER, fits, schema

FILES = {"results", "manifest"}


def commands() -> set[str]:
    """Every command that takes ``--json``, as its schema is called."""
    from typer.main import get_command

    from eventstudy.cli.app import app

    def leaves(found: dict[str, Any], prefix: str = "") -> set[str]:
        names = set()
        for name, command in found.items():
            inner = getattr(command, "commands", None)
            if inner:
                names |= leaves(inner, f"{prefix}{name}-")
            elif any("--json" in parameter.opts for parameter in command.params):
                names.add(f"{prefix}{name}")
        return names

    return leaves(get_command(app).commands)  # type: ignore[attr-defined]


def test_every_command_has_a_schema() -> None:
    written = {path.stem for path in FOLDER.glob("*.json")}
    wanted = commands() | FILES
    assert written == wanted, f"docs/schemas: missing {wanted - written}, nobody's {written - wanted}"
    for name in written:
        found = schema(name)
        jsonschema.Draft202012Validator.check_schema(found)
        assert found["title"]


def test_an_undocumented_key_is_noticed() -> None:
    """Negative control: schemas are closed, so that a key nobody described fails."""
    value = {"schema_version": 1, "folder": ".", "written": [], "kept": []}
    fits("init", json.dumps(value))
    for wrong in (
        {**value, "more": 1},
        {k: v for k, v in value.items() if k != "kept"},
        {**value, "schema_version": 2},
    ):
        with pytest.raises(jsonschema.ValidationError):
            fits("init", json.dumps(wrong))


FEW = ("--event", "h20_license_8k", "--event", "deepseek_shock")


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the study and two reports of it."""
    folder = tmp_path_factory.mktemp("schemas")
    copy_study(folder)
    first = run_in(folder, "run", "--json", "--audit", "-o", "one", "--formats", "csv,json")
    # placebo rates of few tests, for each test is asked about every session
    few = ("--window", "0:0", "--tests", "sq,holm", "--calibrated", *FEW)
    second = run_in(folder, "run", "--json", "-o", "two", "--formats", "csv,json", "--gap", "20", *few)
    for outcome in (first, second):
        assert outcome.code == 0, outcome.err
        fits("run", outcome.out)
    return folder


def test_files_of_a_report(reports: Path) -> None:
    for name in FILES:
        value = json.loads((reports / "one" / f"{name}.json").read_text(encoding="utf-8"))
        jsonschema.validate(value, schema(name))
        broken = copy.deepcopy(value)
        broken["surprise"] = 1
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(broken, schema(name))


def test_what_compares_and_asks(reports: Path) -> None:
    def printed(*arguments: str) -> Outcome:
        return run_in(reports, *arguments, "--json")

    assert fits("diff", printed("diff", "one", "two").out)["totals"]["settings"] >= 1
    assert fits("diff", printed("diff", "one", "one").out)["same_numbers"]
    asked = printed("check", "one", "--fail-if", "abs(car[0,1]) > 0.05", "--fail-if", "excluded > 99")
    assert asked.code == 5 and fits("check", asked.out)["tripped"] == 1
    fits("config-show", printed("config", "show").out)
    fits("doctor", printed("doctor", "--offline").out)
    fits("validate", printed("validate").out)
    fits("event", printed("event", "h20_license_8k").out)
    fits("cache-path", printed("cache", "path").out)


def test_questions_on_top(reports: Path) -> None:
    one = ("--window", "0:0", "--tests", "car-t")
    for name, extra in (("regress", one), ("backtest", ("--placebos", "9")), ("calibrate", (*one, *FEW))):
        outcome = run_in(reports, name, "--json", "-o", "asked", *extra)
        assert outcome.code == 0, outcome.err
        fits(name, outcome.out)


def test_a_broken_file_and_a_new_study(tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text("ticker,announced_at\nNVDA,4/15/2025\n")
    broken = run_in(tmp_path, "validate", "--json")
    assert broken.code == 2 and not fits("validate", broken.out)["valid"]
    assert fits("init", run_in(tmp_path, "init", "new", "--json").out)["written"]
