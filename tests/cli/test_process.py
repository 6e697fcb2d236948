"""Every command as a process of its own does what it does in this process, and the runner in this process leaves no trace.

The other tests of commands run in this process; so this is the smoke test of commands as a user starts them.
"""

from __future__ import annotations

import gc
import os
import signal
import sqlite3
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest

from eventstudy.data.store import open_store
from tests.cli.conftest import Outcome, copy_study, run_in, run_process
from tests.cli.test_golden import told
from tests.review.reports import make

COMMANDS = {
    "run": "run --event h20_license_8k --tests car-t --window 0:0 --formats csv,json",
    "event": "event h20_license_8k --ticker NVDA --tests car-t --window 0:0",
    "validate": "validate",
    "fetch": "fetch --offline",
    "calibrate": "calibrate --event mar_a_lago_dinner --tests car-t --window 0:0 --formats csv",
    "backtest": "backtest --placebos 0 --formats csv",
    "regress": "regress --window 0:0 --tests car-t --formats csv",
    "collect filings": "collect filings NVDA",
    "collect earnings": "collect earnings NVDA --from nasdaq",
    "import": "import events.csv -o imported.csv",
    "diff": "diff a b",
    "init": "init new",
    "check": "check a --fail-if excluded>0",
    "doctor": "doctor --offline --store store",
    "cache info": "cache info --store store",
    "cache path": "cache path --store store",
    "cache verify": "cache verify --store store",
    "cache export": "cache export out --store store",
    "cache import": "cache import nowhere --store store",
    "cache clear": "cache clear --store store",
    "config show": "config show --origin",
    "no command": "",
    "a wrong command": "runn",
}
# A command that writes a report, one of the network, one of other files, one of the store, and what none of them shows; a
# process takes most of a second, and the others run in `make test-all`.
FEW = ("run", "fetch", "import", "cache info", "no command", "a wrong command")
# The commands that write files, with these words.
WRITES = ("run", "calibrate", "backtest", "regress", "init", "import")


def leaves() -> set[str]:
    """Every command, those of groups with the name of their group."""
    from typer.main import get_command

    from eventstudy.cli.app import app

    found = set()
    for name, command in get_command(app).commands.items():  # type: ignore[attr-defined]
        inner = getattr(command, "commands", None)
        found |= {f"{name} {each}" for each in inner} if inner else {name}
    return found


def place(folder: Path) -> Path:
    folder.mkdir()
    copy_study(folder)
    make(folder / "a")
    make(folder / "b")
    return folder


def written(outcome: Outcome) -> dict[str, bytes]:
    files = {path.relative_to(outcome.folder).as_posix(): path for path in outcome.folder.rglob("*") if path.is_file()}
    return {
        name: path.read_bytes()
        for name, path in files.items()
        if not name.endswith("manifest.json") and "store/" not in name
    }


@pytest.mark.parametrize("name", [pytest.param(n, marks=() if n in FEW else pytest.mark.slow) for n in COMMANDS])
def test_a_process_of_its_own_does_the_same(name: str, tmp_path: Path) -> None:
    """Exit code, both streams and every file."""
    words, env = COMMANDS[name].split(), {"COLUMNS": "100", "TERM": "dumb"}
    there = run_process(place(tmp_path / "there"), *words, env=env)
    here = run_in(place(tmp_path / "here"), *words, env=env)
    assert told(name, here) == told(name, there)
    assert written(here) == written(there)
    assert (len(written(here)) > len(written(Outcome(0, "", "", place(tmp_path / "untouched"))))) == (name in WRITES)


def test_every_command_is_here() -> None:
    assert leaves() == set(COMMANDS) - {"no command", "a wrong command"}


def state() -> dict[str, object]:
    return {
        "folder": os.getcwd(),
        "environment": dict(os.environ),
        "arguments": list(sys.argv),
        "streams": (sys.stdin, sys.stdout, sys.stderr, sys.__stdin__, sys.__stdout__, sys.__stderr__),
        "main": sys.modules["__main__"],
        "signal": signal.getsignal(signal.SIGINT),
        "hook": sys.unraisablehook,
        "collector": (gc.get_threshold(), gc.get_freeze_count()),
        "filters": list(warnings.filters),
        "shown": warnings.showwarning,
    }


@pytest.mark.parametrize("command", ["validate", "run nothing.csv", "--version", "nonsense"])
def test_a_command_in_this_process_leaves_it_as_it_was(tmp_path: Path, command: str) -> None:
    copy_study(tmp_path)
    # Python 3.12 starts with frozen objects of its own
    gc.unfreeze()
    before = state()
    run_in(tmp_path, *command.split(), env={"EVENTSTUDY_GAP": "20"})
    assert state() == before


@pytest.mark.parametrize("name", ["doctor", *(name for name in COMMANDS if name.startswith("cache"))])
def test_no_command_leaves_a_store_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """However it ends. Python reports open connections since 3.13 alone, so they are counted here."""
    copy_study(tmp_path)
    open_store(tmp_path / "store", print).close()
    living: set[int] = set()
    made: list[int] = []

    class Counted(sqlite3.Connection):
        def close(self) -> None:
            living.discard(id(self))
            super().close()

    connect = sqlite3.connect

    def counting(*given: Any, **more: Any) -> sqlite3.Connection:
        connection = connect(*given, factory=Counted, **more)
        living.add(id(connection))
        made.append(id(connection))
        return connection

    monkeypatch.setattr(sqlite3, "connect", counting)
    run_in(tmp_path, *COMMANDS[name].split())
    gc.collect()
    assert not living
    assert made or name == "cache path"


def test_errors_in_process_equal_those_of_a_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug is a traceback and exit 1; a warning is printed, not raised; a deprecation is neither."""
    from eventstudy.cli import app

    def bug(*, standalone_mode: bool) -> None:
        assert not standalone_mode
        warnings.warn("look out", RuntimeWarning, stacklevel=1)
        warnings.warn("old", DeprecationWarning, stacklevel=1)
        print("half")
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(app, "app", bug)
    done = run_in(tmp_path, "validate")
    assert done.code == 1 and done.out == "half\n"
    assert "RuntimeWarning: look out" in done.err and "ZeroDivisionError: a bug" in done.err and "old" not in done.err
    monkeypatch.setattr(app, "app", lambda **_: sys.exit("words"))
    assert run_in(tmp_path, "validate").err == "words\n"


def test_an_environment_of_the_interpreter_starts_a_process(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("print('started')\n")
    assert run_in(tmp_path, "--version", env={"PYTHONPATH": str(tmp_path)}).out.startswith("started\n")
    assert not run_in(tmp_path, "--version").out.startswith("started\n")


@pytest.mark.parametrize(("asked", "threads"), [(None, "1"), ("3", "3")])
def test_linear_algebra_has_one_thread_unless_told_more(asked: str | None, threads: str) -> None:
    """NumPy reads the number when it is imported, which is after it is set."""
    lines = """
import os, sys
from eventstudy.cli import start
assert "numpy" not in sys.modules
sys.argv = ["eventstudy", "--version"]
try:
    start.main()
finally:
    print(os.environ["OPENBLAS_NUM_THREADS"])
"""
    environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    environment |= {} if asked is None else {"OPENBLAS_NUM_THREADS": asked}
    done = subprocess.run([sys.executable, "-c", lines], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split()[-1] == threads
