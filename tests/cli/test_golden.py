"""What every command prints, word for word, against the files in ``tests/cli/golden``.

Words must be equal and printed numbers within one unit of their last digit, as in the sample report; versions, clocks and
folders are replaced by names. When a change of the text is meant, write the files again, read the difference and commit it:

    WRITE_GOLDEN=1 python -m pytest -n 0 tests/cli/test_golden.py        (or: make golden)
"""

from __future__ import annotations

import difflib
import os
import re
from pathlib import Path

import pytest

from eventstudy.data.yahoo.diagnosis import AUTHORITIES, PROXIES
from tests.cli.conftest import Outcome, copy_study, run_in
from tests.compare_reports import compare_text

GOLDEN = Path(__file__).parent / "golden"
WRITE = bool(os.environ.get("WRITE_GOLDEN"))
HOW = "if this is meant: WRITE_GOLDEN=1 python -m pytest -n 0 tests/cli/test_golden.py, and commit tests/cli/golden"
BROKEN = """event_id,ticker,announced_at,timing,rolle,claimed_return
a,NVDA,2025-04-15,amc,direct,7%
b,NVDA,15/04/2025,,direct,
a,NVDA,2025-04-16,amx,direct,
"""

# in the order they run, in one folder: later ones read what earlier ones wrote
ALONE = {
    "validate": "validate",
    "validate-broken": "validate broken.csv",
    "validate-broken-csv": "validate broken.csv --output-format csv",
    "validate-broken-github": "validate broken.csv --output-format github",
    "event": "event h20_license_8k --ticker NVDA",
    "event-alone": "event NVDA 2025-04-15 --timing amc --claim -0.07",
    "event-unknown": "event h20_licence_8k",
    "config-show": "config show",
    "config-show-origin": "config show --origin --gap 20",
    "doctor": "doctor --offline --store store",
    "init": "init new",
    "init-again": "init new",
    "regress": "regress",
    "regress-unknown": "regress --formula car~rolle",
    "backtest": "backtest --placebos 9",
    "calibrate": "calibrate --event mar_a_lago_dinner --effect 0.03 --tests car-t,sq,conformal --formats csv",
    "run-misspelt": "run --model marketmodel",
    "run-nothing": "run --event wassenaar_1996 --formats csv -o nothing",
}
TOGETHER = {
    "run": "run --formats csv,json",
    "run-notices": "run --gap 20 --event-window -3:3 --strict --formats csv,json -o other",
    "check-true": "check reports --fail-if p_t<0.01 --fail-if excluded>10",
    "check-false": "check reports --fail-if excluded>10",
    "check-github": "check reports --fail-if max(mde80)>0.1 --output-format github",
    "check-wrong": "check reports --fail-if p_tt<0.01",
    "diff": "diff reports other",
    "diff-markdown": "diff reports other --output-format md",
    "diff-same": "diff reports reports",
}


def told(command: str, outcome: Outcome) -> str:
    """Command, exit code, stdout and stderr, without what differs between machines."""
    text = f"$ eventstudy {command}\nexit {outcome.code}\n--- stdout\n{outcome.out}--- stderr\n{outcome.err}"
    text = text.replace(str(outcome.folder.resolve()), "FOLDER").replace(str(outcome.folder), "FOLDER")
    text = re.sub(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00", "CLOCK", text)
    text = re.sub(
        r"(?m)^(ok +versions +).*$", lambda m: m[1] + re.sub(r"\d+(\.\d+)+\w*", "VERSION", m[0][len(m[1]) :]), text
    )
    return re.sub(r"(?<=sessions are known up to )\d{4}-\d\d-\d\d", "DATE", text)


def outcomes(folder: Path, commands: dict[str, str]) -> dict[str, str]:
    """Every command in one folder, at a fixed width, without this person's environment."""
    copy_study(folder)
    (folder / "broken.csv").write_text(BROKEN, encoding="utf-8")
    env = {**dict.fromkeys((*AUTHORITIES, *PROXIES), ""), "COLUMNS": "100", "TERM": "dumb"}
    env |= {"XDG_CACHE_HOME": str(folder / "cache")}
    return {name: told(command, run_in(folder, *command.split(), env=env)) for name, command in commands.items()}


def hold(found: dict[str, str]) -> None:
    """Fail with a unified diff of every text that is not its golden file; write them instead where that is asked."""
    wrong = []
    for name, text in found.items():
        path = GOLDEN / f"{name}.txt"
        if WRITE:
            GOLDEN.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        known = path.read_text(encoding="utf-8") if path.exists() else ""
        if compare_text(known, text):
            lines = (known.splitlines(), text.splitlines())
            wrong.append("\n".join(difflib.unified_diff(*lines, f"golden/{name}.txt", "printed", lineterm="")))
    if wrong:
        pytest.fail("\n\n".join([*wrong, HOW]), pytrace=False)


def test_commands_that_read_no_report(tmp_path: Path) -> None:
    hold(outcomes(tmp_path, ALONE))


def test_reports_and_what_reads_them(tmp_path: Path) -> None:
    hold(outcomes(tmp_path, TOGETHER))


def test_every_golden_file_belongs_to_a_command() -> None:
    assert {path.stem for path in GOLDEN.glob("*")} == {*ALONE, *TOGETHER}


def test_a_change_is_told_with_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A word, a line and a number that moved are found; the last digit of a number is not."""
    monkeypatch.setattr(f"{__name__}.GOLDEN", tmp_path)
    monkeypatch.setattr(f"{__name__}.WRITE", False)
    (tmp_path / "a.txt").write_text("p 0.596, -6.87 %\nsame\n")
    hold({"a": "p 0.597, -6.88 %\nsame\n"})
    for changed in ("p 0.598, -6.87 %\nsame\n", "q 0.596, -6.87 %\nsame\n", "p 0.596, -6.87 %\n"):
        with pytest.raises(pytest.fail.Exception) as failure:
            hold({"a": changed})
        said = str(failure.value)
        assert "--- golden/a.txt" in said and "+++ printed" in said and "WRITE_GOLDEN=1" in said
    with pytest.raises(pytest.fail.Exception):
        hold({"new": "text\n"})


def test_what_differs_between_machines_is_left_out(tmp_path: Path) -> None:
    printed = Outcome(
        0,
        f"ok      versions      Python 3.13.0rc1, numpy 2.4.6\nok      store         {tmp_path}/store\n",
        "written 2025-07-01T06:17:00+00:00; sessions are known up to 2027-01-29\n",
        tmp_path,
    )
    text = told("doctor", printed)
    assert "Python VERSION, numpy VERSION" in text and "FOLDER/store" in text
    assert "written CLOCK; sessions are known up to DATE" in text
