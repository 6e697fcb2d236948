"""The command line as a user types it, in an empty folder.

``run_in`` runs a command in this process, through the same ``python -m eventstudy`` entry point; ``run_process`` starts a
process, for what only a process shows: start-up, signals, terminals, encodings, and a new seed of hashes.
``tests/cli/test_process.py`` holds both to the same outcome for every command.
"""

from __future__ import annotations

import gc
import json
import os
import runpy
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, TextIO

import pytest
import typer.main

ROOT = Path(__file__).parent.parent.parent
# a library that another test imports may have put its own in its place, as plotly 6.0 does
FORMAT = warnings.formatwarning
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
    kept |= {"NO_COLOR": "1", "HTTPS_PROXY": "http://127.0.0.1:9"}
    return {**kept, "EVENTSTUDY_OFFLINE": "yes", **extra}


def run_process(folder: Path, *arguments: str, env: dict[str, str] | None = None) -> Outcome:
    """Run `python -m eventstudy ARGUMENTS` in a folder, in a process of its own."""
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


# Variables that an interpreter, or a library of threads, reads once when it starts.
AT_START = ("PYTHON", "OMP_", "OPENBLAS_", "MKL_", "NUMBA_", "LD_", "LC_", "LANG")


def run_in(folder: Path, *arguments: str, env: dict[str, str] | None = None) -> Outcome:
    """Run `python -m eventstudy ARGUMENTS` in a folder, in this process; in a new one where the environment requires it."""
    if any(name.startswith(AT_START) and os.environ.get(name) != value for name, value in (env or {}).items()):
        return run_process(folder, *arguments, env=env)
    with ExitStack() as stack:
        out, err = (stack.enter_context(_stream(name)) for name in ("stdout", "stderr"))
        stack.enter_context(_stdin())
        stack.enter_context(_process(folder, clean_environment(**(env or {})), ["eventstudy", *arguments]))
        code = _exit_code()
        texts = []
        for stream in (out, err):
            stream.flush()
            stream.seek(0)
            texts.append(stream.read())
    return Outcome(code, texts[0], texts[1], folder)


def _exit_code() -> int:
    """What the interpreter would exit with."""
    try:
        runpy.run_module("eventstudy", run_name="__main__", alter_sys=True)
    except SystemExit as error:
        if error.code is None or isinstance(error.code, int):
            return error.code or 0
        print(error.code, file=sys.stderr)
        return 1
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


@contextmanager
def _stream(name: str) -> Iterator[TextIO]:
    """A standard stream that is a file without a name; `fileno` works and it is not a terminal."""
    errors = "backslashreplace" if name == "stderr" else "strict"
    before = getattr(sys, name), getattr(sys, f"__{name}__")
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors=errors) as stream:
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
        try:
            yield stream
        finally:
            setattr(sys, name, before[0])
            setattr(sys, f"__{name}__", before[1])


@contextmanager
def _stdin() -> Iterator[None]:
    """Nothing to read."""
    before = sys.stdin, sys.__stdin__
    with open(os.devnull, encoding="utf-8") as nothing:
        sys.stdin = sys.__stdin__ = nothing  # type: ignore[misc]
        try:
            yield
        finally:
            sys.stdin, sys.__stdin__ = before  # type: ignore[misc]


@contextmanager
def _process(folder: Path, environment: dict[str, str], argv: list[str]) -> Iterator[None]:
    """Folder, environment, arguments, signals, collector and warnings as a new process has them; put back afterwards."""
    from eventstudy.cli import start

    known, where, arguments = dict(os.environ), os.getcwd(), sys.argv
    build = typer.main.get_command
    signals, hook = {number: signal.getsignal(number) for number in start.ENDING}, sys.unraisablehook
    threshold = gc.get_threshold()

    def shown(message: Any, category: Any, filename: str, lineno: int, file: Any = None, line: Any = None) -> None:
        sys.stderr.write(FORMAT(message, category, filename, lineno, line))

    try:
        _set_environment(environment)
        os.chdir(folder)
        sys.argv = argv
        typer.main.get_command = _tree
        start._Interrupt.pressed = False
        with warnings.catch_warnings():
            # the interpreter's own filters; those of pytest make errors of warnings
            warnings.resetwarnings()
            for ignored in (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning):
                warnings.simplefilter("ignore", ignored)
            warnings.showwarning = shown
            yield
    finally:
        typer.main.get_command = build
        sys.argv = arguments
        os.chdir(where)
        _set_environment(known)
        for number, handler in signals.items():
            signal.signal(number, handler)
        sys.unraisablehook = hook
        gc.unfreeze()
        gc.set_threshold(*threshold)
        start._Interrupt.pressed = False


@lru_cache(maxsize=1)
def _tree(app: typer.Typer, build: Callable[[typer.Typer], Any] = typer.main.get_command) -> Any:
    """The commands and options of the program, which typer would make of their functions again for every command."""
    return build(app)


def _set_environment(wanted: dict[str, str]) -> None:
    for name in set(os.environ) - set(wanted):
        del os.environ[name]
    os.environ.update(wanted)


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
    """`eventstudy run` on the repository's study, once for all workers; nobody may write into its folder."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "full-run"
    kept = folder.with_suffix(".json")
    with _alone(folder.with_suffix(".lock")):
        if not kept.exists():
            folder.mkdir()
            copy_study(folder)
            outcome = run_in(folder, "run", "--audit")
            assert outcome.code == 0, outcome.err
            kept.write_text(json.dumps([outcome.code, outcome.out, outcome.err]), encoding="utf-8")
        return Outcome(*json.loads(kept.read_text(encoding="utf-8")), folder)


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """One worker at a time."""
    while True:
        try:
            lock.mkdir()
            break
        except FileExistsError:
            time.sleep(0.1)
    try:
        yield
    finally:
        lock.rmdir()
