"""The command line as a user types it: a process of its own in an empty folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
STUDY = ("events.csv", "confounders.csv", "eventstudy.toml")


@dataclass(frozen=True)
class Outcome:
    """What a command did."""

    code: int
    out: str
    err: str
    folder: Path

    def listing(self) -> set[str]:
        """Everything in the folder afterwards."""
        return {path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*")}


Cli = Callable[..., Outcome]


def clean_environment(**extra: str) -> dict[str, str]:
    """The environment without settings of ours, and without a way to the internet."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("EVENTSTUDY_")}
    kept |= {"NO_COLOR": "1", "PYTHONDONTWRITEBYTECODE": "1", "HTTPS_PROXY": "http://127.0.0.1:9"}
    return {**kept, "EVENTSTUDY_OFFLINE": "yes", **extra}


def run_in(folder: Path, *arguments: str, env: dict[str, str] | None = None) -> Outcome:
    """Run `python -m eventstudy ARGUMENTS` in a folder."""
    done = subprocess.run(
        [sys.executable, "-m", "eventstudy", *arguments],
        cwd=folder,
        env=clean_environment(**(env or {})),
        capture_output=True,
        text=True,
        timeout=300,
        stdin=subprocess.DEVNULL,
    )
    return Outcome(done.returncode, done.stdout, done.stderr, folder)


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """Run a command in this test's empty folder."""
    return lambda *arguments, env=None: run_in(tmp_path, *arguments, env=env)


def copy_study(folder: Path) -> None:
    """The repository's own study."""
    for name in STUDY:
        shutil.copy(ROOT / name, folder / name)


@pytest.fixture(scope="session")
def full_run(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """`eventstudy run` on the repository's study, once."""
    folder = tmp_path_factory.mktemp("study")
    copy_study(folder)
    outcome = run_in(folder, "run", "--audit")
    assert outcome.code == 0, outcome.err
    return outcome
