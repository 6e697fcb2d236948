"""What reaches a terminal or the log of a CI run passes one function; streams that are closed, and signals to end."""

from __future__ import annotations

import ast
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from eventstudy.cli import console
from eventstudy.cli.settings import unknown_variables
from eventstudy.report import escape
from tests.cli.conftest import clean_environment, run_in
from tests.conftest import ROOT

PACKAGE = ROOT / "eventstudy"
EVENTS = "event_id,ticker,announced_at,timing\na,NVDA,2025-04-15,amc\n"
# file -> why it writes by itself
ALLOWED = {
    "cli/console.py": "the one place",
    "cli/start.py": "its own words, before anything else is imported",
    "api/progress.py": "the bar of an interactive session: printable characters on standard error",
}


def writers() -> set[str]:
    """Files that print, or write to a standard stream."""
    found = set()
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            said = ast.unparse(node.func)
            streams = ("stdout.write", "stderr.write", "stdout.buffer", "stderr.buffer", "os.write", "writelines")
            talks = said in (
                "print",
                "typer.echo",
                "typer.secho",
                "typer.confirm",
                "typer.prompt",
                "input",
                "click.echo",
            )
            if talks or said.endswith(streams):
                found.add(path.relative_to(PACKAGE).as_posix())
    return found


def test_one_function_writes_to_terminals() -> None:
    assert writers() == set(ALLOWED)


HOSTILE = "a\n::error::x\r\x1b[31mred\x9b31m\u202eabc\u200b##[error]y\x07"


def test_the_one_function(capsys: pytest.CaptureFixture[str]) -> None:
    console.tell(HOSTILE)
    said = capsys.readouterr().out
    assert "\n::" not in said and "##[" not in said
    assert not {"\x1b", "\r", "\x9b", "\u202e", "\u200b", "\x07"} & set(said)
    console.tell(HOSTILE, error=True)
    assert capsys.readouterr().err == said
    console.tell("::error::" + HOSTILE, command=True)
    line = capsys.readouterr().out
    assert line.startswith("::error::a ") and line.count("\n") == 1 and "\x1b" not in line


def test_json_loses_nothing_and_commands_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    value = {"text": HOSTILE, "high": "\U000e0041\U0001f600 é 中 \ud800"}
    console.tell(escape.json_dumps(value))
    said = capsys.readouterr().out
    wanted = {**value, "high": value["high"].replace("\ud800", "?")}
    assert json.loads(said) == wanted and "##[" not in said
    assert all(c == "\n" or c.isprintable() for c in said)
    assert json.loads(escape.json_lines([value]))[0]["text"] == HOSTILE


@pytest.mark.parametrize(
    "text,wanted",
    [("\uff1d1+1", "'\uff1d1+1"), ("\uff0b1", "'\uff0b1"), ("\uff0dx", "'\uff0dx"), ("\uff20x", "'\uff20x"),
     ("a;=1+1", "a;'=1+1"), ("a|@x", "a|'@x"), ("a; -cmd", "a;' -cmd"), (" =1", "' =1"), ("=1", "'=1"), ("-1.5", "-1.5"),
     ("+3e5", "+3e5"), ("x;-0.5", "x;-0.5"), ("a;b=c", "a;b=c"), ("3;211", "3;211"), ("a\t=1", "a =1")],
)  # fmt: skip
def test_cells_of_spreadsheets(text: str, wanted: str) -> None:
    assert escape.spreadsheet(text) == wanted


@pytest.mark.parametrize(
    "text",
    ["https://evil.example/x", "see HTTP://evil.example", "www.evil.example", "ftp://x", "mailto:a@b.c", "(www.x.y)"],
)
def test_no_renderer_makes_a_link_of_a_title(text: str) -> None:
    from html import unescape

    found = escape.markdown(text)
    assert "://" not in found and "www." not in found.lower() and "mailto:" not in found
    assert unescape(found).replace("\\", "") == text, "and a reader sees the same"


def test_validate_escapes_text_of_others_and_not_its_own(tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text(EVENTS)
    (tmp_path / "confounders.csv").write_text("at,timing,kind,tickers,source,title\n2025-04-14,amc,macro,NVDA,x,x\n")
    done = run_in(tmp_path, "validate", "--output-format", "csv")
    assert done.code == 0 and "'" not in done.out and ",day -1 macro" in done.out, done.out


def test_out_and_names_with_commands_in_them(tmp_path: Path) -> None:
    """A folder named like a command to the log, options that nobody knows, and a file of such a name."""
    (tmp_path / "events.csv").write_text(EVENTS)
    for arguments in (
        ("run", "--source", "snapshot", "--formats", "csv", "-o", "x\n::error::y\x1b[2J"),
        ("run", "--no\n::error::y\x1b[2J"),
        ("run", "a\n::error::y\x1b[2J.csv"),
        ("x\n::error::y\x1b[2J",),
        ("cache", "path", "--store", "x\n::error::y\x1b[2J"),
        ("event", "x\n::error::y\x1b[2J"),
        ("check", "x\n::error::y\x1b[2J", "--fail-if", "1\n::error::y\x1b[2J"),
    ):
        done = run_in(tmp_path, *arguments)
        said = done.out + done.err
        assert done.code == 2 and "\n::" not in said and "\x1b" not in said and "Traceback" not in said, (
            arguments,
            said,
        )


def test_a_setting_that_nobody_knows(tmp_path: Path) -> None:
    assert unknown_variables(
        {"EVENTSTUDY_SORCE": "x", "EVENTSTUDY_SOURCE": "y", "EVENTSTUDY_CONFIG": "z", "PATH": ""}
    ) == [("EVENTSTUDY_SORCE", "; did you mean EVENTSTUDY_SOURCE?")]
    done = run_in(tmp_path, "config", "show", env={"EVENTSTUDY_MODELS": "x", "eventstudy_out": "y"})
    assert done.code == 0
    assert (
        "note: EVENTSTUDY_MODELS is set and is not a setting of this program; did you mean EVENTSTUDY_MODEL?"
        in done.err
    )
    assert "note: eventstudy_out is set" in done.err
    assert not run_in(tmp_path, "config", "show", "-q", env={"EVENTSTUDY_MODELS": "x"}).err


@pytest.mark.parametrize(
    "text",
    [".".join("a" * 2000) + " = 1", "source." + ".".join("a" * 2000) + " = 1", "window = " + "[" * 300 + "]" * 300,
     "source = {a = {b = {c = {d = {e = {f = {g = {h = {i = 1}}}}}}}}}", "[" + ".".join("a" * 3000) + "]\nb = 1"],
    ids=["deep key", "deep known key", "deep list", "deep table", "deep section"],
)  # fmt: skip
def test_settings_within_settings(tmp_path: Path, text: str) -> None:
    (tmp_path / "eventstudy.toml").write_text(text + "\n")
    done = run_in(tmp_path, "config", "show")
    assert done.code == 2 and done.err.startswith("error: ") and "Traceback" not in done.err, done.err[-2000:]


LONG = "a" * 300
MISSING, UNWRITABLE, TOO_LONG = "there is no such file", "cannot write to", "File name too long"
TOO_LONG_NAMES = {
    ("run", LONG): MISSING,
    ("run", "-o", LONG): UNWRITABLE,
    ("run", "--source", f"csv:{LONG}"): "no such folder",
    ("run", "--source", f"parquet:{LONG}.parquet"): MISSING,
    ("run", "--source", "snapshot", "--model", "capm", "--factors", LONG): TOO_LONG,
    ("run", "--config", LONG): TOO_LONG,
    ("run", "--source", "yahoo", "--offline", "--store", LONG): "the store holds no prices of NVDA",
    ("event", "NVDA", "--events", LONG): MISSING,
    ("calibrate", "-o", LONG): UNWRITABLE,
    ("cache", "info", "--store", LONG): "there is no price store in",
    ("cache", "import", LONG): TOO_LONG,
    ("cache", "export", LONG, "--store", "none"): "there is no price store in",
    ("check", LONG, "--fail-if", "p_t < 1"): "does not exist; wanted a report folder",
    ("diff", LONG, LONG): "does not exist; wanted a report folder",
    ("init", LONG): UNWRITABLE,
    ("doctor", "--offline", "--store", LONG): "error: store: ",
    ("fetch", "--store", LONG): "fetch needs the network",
}


@pytest.mark.parametrize("arguments", TOO_LONG_NAMES)
def test_names_that_are_too_long(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    (tmp_path / "events.csv").write_text(EVENTS)
    done = run_in(tmp_path, *arguments)
    assert done.code in (2, 4) and "Traceback" not in done.err and "error: " in done.err, done.err[-1500:]
    assert TOO_LONG_NAMES[arguments] in done.err


@pytest.mark.parametrize("name", [LONG, f"{LONG}/{LONG}.csv", "nothing.csv", "events.csv/x.csv"])
def test_validate_lists_a_missing_file_as_a_problem(tmp_path: Path, name: str) -> None:
    (tmp_path / "events.csv").write_text(EVENTS)
    done = run_in(tmp_path, "validate", name)
    assert done.code == 2 and f"{name}: file: there is no such file" in done.out and not done.err


def shell(folder: Path, line: str) -> subprocess.CompletedProcess[str]:
    program = f"{sys.executable} -m eventstudy"
    return subprocess.run(
        ["sh", "-c", line.replace("eventstudy", program)],
        cwd=folder,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_closed_streams(tmp_path: Path) -> None:
    """A stream that somebody closed is not a place for results, and no other file gets its number."""
    (tmp_path / "events.csv").write_text(EVENTS)
    done = shell(tmp_path, "eventstudy cache path >&-")
    assert done.returncode == 2 and "standard output is closed" in done.stderr and "Traceback" not in done.stderr
    done = shell(tmp_path, "eventstudy validate nothing.csv 2>&- <&-")
    assert done.returncode == 2 and "Traceback" not in done.stdout
    done = shell(tmp_path, "eventstudy config show 2>&-")
    assert done.returncode == 0 and done.stdout.startswith("source ") and "error" not in done.stdout


# A run that stops where its folder is begun and its tables are measured, says so, and waits for the signal.
WAITING = """
import sys, time
import eventstudy.study_report as report
def wait(folder, *rest):
    assert folder.is_dir()
    print("begun", file=sys.stderr, flush=True)
    time.sleep(60)
report._finished = wait
sys.argv = ["eventstudy", "run", "--source", "snapshot", "-o", "out"]
from eventstudy.cli.start import main
main()
"""


@pytest.mark.parametrize("name", ["SIGTERM", pytest.param("SIGHUP", marks=pytest.mark.slow)])
def test_a_signal_to_end(tmp_path: Path, name: str) -> None:
    """One sentence, the code of the signal, and no file of the report."""
    (tmp_path / "events.csv").write_text(EVENTS)
    number = getattr(signal, name)
    with subprocess.Popen(
        [sys.executable, "-c", WAITING],
        cwd=tmp_path,
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as run:
        assert run.stderr is not None and any(line == "begun\n" for line in run.stderr)
        run.send_signal(number)
        said = run.stderr.read()
        code = run.wait(60)
    assert code == 128 + number and "nothing half-written" in said and "Traceback" not in said, (code, said)
    assert not (tmp_path / "out").exists()


def test_signals_wait_while_files_are_moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from eventstudy.report import locking

    came: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        before = signal.signal(number, lambda number, frame: came.append(number))
        try:
            with locking.uninterrupted():
                os.kill(os.getpid(), number)
                time.sleep(0.01)
                assert not came
            assert came == [number]
        finally:
            signal.signal(number, before)
            came.clear()
