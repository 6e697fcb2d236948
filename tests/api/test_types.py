"""Type checkers in strict mode accept a user's script, and see a wrong one."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.conftest import ROOT

SCRIPT = Path(__file__).parent / "user_script.py"
WRONG = """
import eventstudy as es

es.run("events.csv", leveel=0.9)
es.run("events.csv", level="high")
es.StudySpec(windows=0.5)
es.etable([], digits="four")
"""


def mypy(path: Path) -> list[str]:
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file", str(ROOT / "pyproject.toml"), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=600)
    return [line for line in done.stdout.splitlines() if ": error:" in line]


def pyright(path: Path, folder: Path) -> list[str]:
    settings = {
        "typeCheckingMode": "strict",
        "include": [str(path)],
        "extraPaths": [str(ROOT)],
        "pythonVersion": "3.11",
    }
    (folder / "pyrightconfig.json").write_text(json.dumps(settings))
    command = [sys.executable, "-m", "basedpyright", "--outputjson", "--pythonpath", sys.executable, "-p", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=600)
    found = json.loads(done.stdout)["generalDiagnostics"]
    return [f"{one['range']['start']['line'] + 1} {one['message']}" for one in found if one["severity"] == "error"]


@pytest.mark.slow
def test_mypy_accepts_a_users_script_and_sees_a_wrong_one(tmp_path: Path) -> None:
    assert mypy(SCRIPT) == []
    (tmp_path / "wrong.py").write_text(WRONG)
    assert len(mypy(tmp_path / "wrong.py")) >= 4


@pytest.mark.slow
@pytest.mark.skipif(find_spec("basedpyright") is None, reason="basedpyright is not installed")
def test_pyright_accepts_a_users_script_and_sees_a_wrong_one(tmp_path: Path) -> None:
    assert pyright(SCRIPT, tmp_path) == []
    wrong = tmp_path / "wrong.py"
    wrong.write_text(WRONG)
    assert len({line.split()[0] for line in pyright(wrong, tmp_path)}) >= 4
