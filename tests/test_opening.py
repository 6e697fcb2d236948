"""Every file is opened in one place, which refuses what is not a file; walked by reading the source and by trying."""

from __future__ import annotations

import ast
import os
import socket
from pathlib import Path

import pytest

from eventstudy.opening import (
    TooLarge,
    Unfit,
    can_be_written,
    check_regular,
    content,
    exists,
    is_file,
    is_folder,
    opened_text,
)
from tests.cli.conftest import Outcome, run_in
from tests.conftest import ROOT

PACKAGE = ROOT / "eventstudy"
# calls that open what a path leads to
OPENERS = {"open", "read_text", "read_bytes", "fromfile", "memmap", "load", "loadtxt", "genfromtxt", "read_csv",
           "read_parquet", "read_table", "ParquetFile", "connect", "open_memmap"}  # fmt: skip
# file and function -> why it opens by itself
ALLOWED = {
    ("opening.py", "opened"): "the one place",
    ("extras.py", "_is_editable"): "the record of its installation",
    ("cli/init.py", "_write"): "the package's own templates",
    ("cli/start.py", "_streams"): "the null device, and standard streams by their numbers",
    ("cli/start.py", "_forget"): "the null device, for output that nobody reads",
    ("cli/app.py", "main"): "the null device, for output that nobody reads",
    ("data/snapshot.py", "_rows"): "the package's own snapshot",
    ("lists/__init__.py", "listed"): "the package's own lists",
    ("report/html.py", "_style"): "the package's own style sheet",
    ("data/store.py", "_opened"): "SQLite opens the store itself, once it is known to be a regular file",
    ("data/store.py", "_read_only"): "the same file",
    ("data/parquet.py", "open_parquet"): "Arrow opens the file itself, once it is known to be a regular one",
    ("atomic_write.py", "_clear"): "a file that a killed write left, to lock it",
    ("report/locking.py", "claim"): "a file of ours that is written",
    ("report/locking.py", "alone"): "the report folder, to lock it",
    ("report/locking.py", "_left"): "a file of ours, to lock it",
    ("report/write.py", "write_aside"): "a file of ours that is written",
    ("report/streams.py", "__init__"): "a file of ours that is written",
    ("report/streams.py", "join"): "a file that a worker of this run wrote into the report folder",
    ("scale/spool.py", "add"): "a file of this run that is written",
    ("scale/spool.py", "_read"): "a file of this run, in a folder that it made",
    ("data/panel.py", "spans"): "arrays of this run, in a folder that it made",
    ("data/panel.py", "_open"): "arrays of this run, in a folder that it made",
    ("data/panel.py", "open"): "arrays of this run, in a folder that it made",
}


def openers() -> set[tuple[str, str]]:
    found = set()
    for path in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for function in ast.walk(tree):
            if not isinstance(function, ast.FunctionDef):
                continue
            for node in ast.walk(function):
                if not isinstance(node, ast.Call):
                    continue
                called = node.func
                name = (
                    called.attr
                    if isinstance(called, ast.Attribute)
                    else called.id
                    if isinstance(called, ast.Name)
                    else ""
                )
                of = called.value.id if isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name) else ""
                # methods of ours of that name: a source, a panel, a vintage
                taken = (
                    name == "read_table" or of[:1].isupper() or (name == "load" and of not in ("np", "json", "pickle"))
                )
                if name in OPENERS and not taken:
                    found.add((path.relative_to(PACKAGE).as_posix(), function.name))
    return found


def test_nothing_opens_a_file_by_itself() -> None:
    found = openers()
    assert found - ALLOWED.keys() == set(), "read through eventstudy.opening, or say here why not"
    assert ALLOWED.keys() - found == set(), "no longer so"


@pytest.fixture
def things(tmp_path: Path) -> dict[str, Path]:
    """What may be in the place of a file."""
    folder = tmp_path / "things"
    folder.mkdir()
    os.mkfifo(folder / "pipe")
    (folder / "device").symlink_to("/dev/zero")
    (folder / "circle").symlink_to(folder / "circle")
    with socket.socket(socket.AF_UNIX) as listening:
        here = os.getcwd()
        # names of sockets are short
        os.chdir(folder)
        listening.bind("socket")
        os.chdir(here)
    with (folder / "large").open("wb") as handle:
        handle.truncate(2**41)
    return {path.name: path for path in sorted(folder.iterdir())}


def test_what_is_no_file(things: dict[str, Path], tmp_path: Path) -> None:
    for name in ("pipe", "device", "circle", "socket"):
        with pytest.raises(Unfit, match=r"pipe|device|link|socket"):
            content(things[name], 2**20)
        with pytest.raises(Unfit):
            check_regular(things[name])
    with pytest.raises(TooLarge, match="larger than 1 MiB"):
        content(things["large"], 2**20)
    with pytest.raises(TooLarge):
        # a file that does not say how long it is
        content("/proc/self/status", 100)
    with pytest.raises(Unfit, match="name"):
        content("a\0b", 1)
    with pytest.raises(OSError, match="too long"):
        content("a" * 300, 1)
    with pytest.raises(IsADirectoryError):
        content(tmp_path, 1)
    (tmp_path / "file").write_bytes(b"\xef\xbb\xbfa\r\nb")
    (tmp_path / "linked").symlink_to(tmp_path / "file")
    with opened_text(tmp_path / "linked", 2**20) as lines:
        assert list(lines) == ["a\r\n", "b"]
    with pytest.raises(Unfit, match="link"), opened_text(tmp_path / "linked", 2**20, links=False):
        pass
    check_regular(tmp_path / "nothing")


NO_NAMES = {
    "too long": "a" * 300,
    "with a NUL": "a\0b",
    "not there": "nothing",
    "under a file": "file/x",
    "loop": "loop",
}


@pytest.mark.parametrize("name", NO_NAMES.values(), ids=list(NO_NAMES))
def test_a_name_of_nothing_is_no_error(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("a")
    (tmp_path / "loop").symlink_to("loop")
    path = tmp_path / name
    assert not exists(path) and not is_file(path) and not is_folder(path)


def test_files_and_folders_differ(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a")
    assert is_file(tmp_path / "file") and not is_folder(tmp_path / "file") and exists(tmp_path / "file")
    assert is_folder(tmp_path) and not is_file(tmp_path) and exists(tmp_path)


def test_what_the_system_does_not_say_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(path: object) -> None:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr("eventstudy.opening.os.stat", denied)
    with pytest.raises(PermissionError):
        exists("x")
    assert not can_be_written(tmp_path / "x")


@pytest.mark.parametrize(
    ("name", "possible"),
    {
        ".": True,
        "new": True,
        "new/deep": True,
        "file": False,
        "file/x": False,
        "a" * 300: False,
        "loop/x": False,
    }.items(),
)
def test_folders_that_can_be_written(tmp_path: Path, name: str, possible: bool) -> None:
    (tmp_path / "file").write_text("a")
    (tmp_path / "loop").symlink_to("loop")
    assert can_be_written(tmp_path / name) is possible


EVENTS = "event_id,ticker,announced_at,timing\na,NVDA,2025-04-15,amc\n"


def refused(outcome: Outcome) -> None:
    assert outcome.code == 2 and outcome.err.startswith("error: "), outcome
    assert "Traceback" not in outcome.err and outcome.err.count("\n") < 8


@pytest.mark.parametrize("kind", ["pipe", "device", "large", "circle", "socket"])
def test_every_way_to_name_a_file(things: dict[str, Path], tmp_path: Path, kind: str) -> None:
    """In the place of each file that a command reads: a sentence, at once, and nothing written."""
    thing, study = things[kind], tmp_path / "study"
    study.mkdir()
    (study / "events.csv").write_text(EVENTS)
    name = str(thing)
    refused(run_in(study, "validate", "--config", name))
    refused(run_in(study, "validate", env={"EVENTSTUDY_CONFIG": name}))
    refused(run_in(study, "check", "reports", "--fail-if", "excluded > 0", "--config", name))
    outcome = run_in(study, "validate", name)
    assert outcome.code == 2 and "Traceback" not in outcome.err
    refused(run_in(study, "run", "--source", f"csv:{name}"))
    refused(run_in(study, "run", "--source", "snapshot", "--model", "capm", "--factors", name))
    (study / "pq.parquet").symlink_to(thing)
    refused(run_in(study, "run", "--source", "parquet:pq.parquet"))
    store = study / "store"
    store.mkdir()
    (store / "prices.db").symlink_to(thing)
    for command in (("cache", "info"), ("cache", "verify"), ("run", "--source", "yahoo")):
        if kind != "large":
            outcome = run_in(study, *command, "--store", "store")
            # a run goes on without a store, and offline without prices
            assert outcome.code == (4 if command[0] == "run" else 2) and "Traceback" not in outcome.err, outcome
    if kind not in ("circle",):
        (study / "confounders.csv").symlink_to(thing)
        refused(run_in(study, "run", "--source", "snapshot"))
        (study / "confounders.csv").unlink()
    report = study / "report"
    report.mkdir()
    (report / "manifest.json").symlink_to(thing)
    (report / "windows.csv").symlink_to(thing)
    for command in (("check", "report", "--fail-if", "p_t < 1"), ("diff", "report", "report")):
        outcome = run_in(study, *command)
        assert outcome.code == 2 and "Traceback" not in outcome.err, outcome
    assert not (study / "reports").exists()
