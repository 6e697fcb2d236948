"""What a study would take, and from where."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Cli


def test_each_value_names_its_origin(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "eventstudy.toml").write_text('gap = 20\nbenchmark = ["SPY", "SOXX"]\nlevel = 0.9\n')
    outcome = cli("config", "show", "--origin", "--level", "0.99", env={"EVENTSTUDY_ESTIMATION": "200"})
    assert outcome.code == 0, outcome.err
    lines = {line.split()[0]: line for line in outcome.out.splitlines()}
    assert "20  (file eventstudy.toml)" in lines["gap"]
    assert "0.99  (flag)" in lines["level"], "a flag wins over the file"
    assert "200  (environment EVENTSTUDY_ESTIMATION)" in lines["estimation"]
    assert "SPY SOXX  (file eventstudy.toml)" in lines["benchmark"]
    assert "market-model  (default)" in lines["model"]


def test_programs_get_values_as_they_are(cli: Cli) -> None:
    outcome = cli("config", "show", "--json")
    found = {row["name"]: row for row in json.loads(outcome.out)["settings"]}
    assert found["window"]["value"] == ["0:0", "0:1", "-1:1", "-5:5", "0:10"] and found["audit"]["value"] is False
    assert found["max_age"]["value"] is None and found["gap"]["origin"] == "default"
    assert found["offline"] == {"name": "offline", "value": True, "origin": "environment EVENTSTUDY_OFFLINE"}


def test_what_cannot_be_right_is_shown_and_refused(cli: Cli, tmp_path: Path) -> None:
    outcome = cli("config", "show", "--alternative", "graeter")
    assert outcome.code == 2 and "did you mean greater" in outcome.err and "graeter" in outcome.out
    (tmp_path / "eventstudy.toml").write_text("gpa = 20\n")
    outcome = cli("config", "show")
    assert outcome.code == 2 and "did you mean gap" in outcome.err and not outcome.out
