"""A study's folder is data: nothing in it runs, and no setting in it changes a byte of a report."""

from __future__ import annotations

import os
import pickle
import stat
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import run_in, run_process
from tests.conftest import needs
from tests.network.conftest import Live, StandIn, hurried, pauses, yahoo  # noqa: F401
from tests.network.conftest import live as live

EVENTS = "event_id,ticker,announced_at,timing\na,NVDA,2025-04-15,amc\nb,AMD,2025-01-27,bmo\n"
MARK = "open({mark!r}, 'a').write(__file__ + '\\n')\n"
# modules that Python, this program or its libraries import, and what Python runs by itself where it finds it
NAMES = (
    "numpy", "pandas", "scipy", "matplotlib", "typing", "__future__", "dataclasses", "json", "csv", "sqlite3", "typer",
    "click", "rich", "sitecustomize", "usercustomize", "exchange_calendars", "tomllib", "signal", "errno", "gc", "numba",
    "llvmlite", "yaml", "statsmodels", "platformdirs", "multiprocessing", "distributed", "dask", "eventstudy_plugin",
    "secrets", "tempfile", "decimal", "zoneinfo", "fractions", "random", "difflib", "html", "unicodedata",
)  # fmt: skip


def hostile(folder: Path) -> Path:
    """A folder of everything that a program might run or obey; returns the file that tells whether something ran."""
    folder.mkdir()
    mark = folder.parent / "ran"
    for name in NAMES:
        (folder / f"{name}.py").write_text(MARK.format(mark=str(mark)))
    programs = folder / "programs"
    programs.mkdir()
    for name in ("latex", "dvipng", "dvips", "kpsewhich", "gs", "xelatex", "pdflatex"):
        program = programs / name
        program.write_text(f"#!/bin/sh\necho {name} >> {mark}\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    (folder / "matplotlibrc").write_text(
        "text.usetex: True\naxes.facecolor: red\nlines.linewidth: 9\nsvg.fonttype: path\npath.sketch: 3, 50, 7\nfont.size: 30\n"
        "axes.prop_cycle: cycler('color', ['r'])\nbackend: module://evil\n"
    )
    (folder / ".numba_config.yaml").write_text(f"cache_dir: {folder}\ndisable_jit: 1\ndump_ir: 1\n")
    (folder / ".netrc").write_text("default login me password secret\n")
    (folder / "dask.yaml").write_text("distributed: {worker: {preload: [evil.py]}}\n")
    (folder / "setup.cfg").write_text("[pandas]\n")
    (folder / "events.csv").write_text(EVENTS)
    return mark


def report(folder: Path) -> dict[str, bytes]:
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return {name: data for name, data in found.items() if name != "manifest.json"}


@pytest.mark.parametrize("engine", ["numpy", pytest.param("numba", marks=[needs("fast"), pytest.mark.slow])])
def test_nothing_of_the_folder_runs(tmp_path: Path, engine: str) -> None:
    """`python -m eventstudy` among modules, settings and programs: none runs, and the report is that of an empty folder."""
    mark = hostile(tmp_path / "hostile")
    clean = tmp_path / "clean"
    clean.mkdir()
    (clean / "events.csv").write_text(EVENTS)
    arguments = (
        "run",
        "--source",
        "snapshot",
        "--engine",
        engine,
        "--formats",
        "md,csv,png",
        "-o",
        "out",
        "--event",
        "a",
    )
    path = f"{tmp_path / 'hostile' / 'programs'}{os.pathsep}{os.environ['PATH']}"
    done = run_process(tmp_path / "hostile", *arguments, env={"PATH": path, "MPLBACKEND": "nonsense"})
    assert done.code == 0 and "Traceback" not in done.err, done.err
    assert not mark.exists(), mark.read_text()
    assert run_in(clean, *arguments).code == 0
    assert report(tmp_path / "hostile" / "out") == report(clean / "out")
    assert len(report(clean / "out")) > 10


def test_the_controls_would_have_run(tmp_path: Path) -> None:
    """The same folder does run where a program lets it: without this, the test above could not fail."""
    import subprocess

    mark = hostile(tmp_path / "hostile")
    code = "import sys; sys.path.insert(0, ''); import numpy"
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path / "hostile", check=True, env={"PATH": os.environ["PATH"]})
    assert "numpy.py" in mark.read_text()


def test_own_settings_of_a_person_change_no_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    import matplotlib

    from eventstudy.report.figures.raster import canvas

    def drawn() -> bytes:
        import io

        out = io.BytesIO()
        with canvas(4, 3) as figure:
            axes = figure.subplots()
            axes.plot([0, 1], [1, 2], label="a")
            axes.set_title("x")
            figure.savefig(out, format="png", dpi=100, metadata={"Software": None})
        return out.getvalue()

    plain = drawn()
    changes = {"axes.facecolor": "red", "lines.linewidth": 9, "path.sketch": (3, 50, 7), "figure.dpi": 300, "savefig.dpi": 20,
               "font.weight": "bold", "axes.titlepad": 30, "xtick.direction": "in", "axes.xmargin": 0.4}  # fmt: skip
    with matplotlib.rc_context(changes):
        assert drawn() == plain
        assert matplotlib.rcParams["lines.linewidth"] == 9, "and theirs are theirs afterwards"


class Bomb:
    """A pickle that leaves a mark when it is read."""

    def __init__(self, mark: str) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return open, (self.mark, "w")


def test_cookies_that_the_client_kept_are_not_unpickled(yahoo: StandIn, live: Live, tmp_path: Path) -> None:  # noqa: F811
    """The client's own file of cookies holds pickles; a store that somebody else filled would run what they say."""
    import sqlite3

    events = tmp_path / "events.csv"
    events.write_text(EVENTS.replace("AMD", "NVDA"))
    folder = tmp_path / "store" / "yfinance"
    folder.mkdir(parents=True)
    mark = tmp_path / "ran"
    with sqlite3.connect(folder / "cookies.db") as kept:
        kept.execute(
            "CREATE TABLE _cookieschema (strategy VARCHAR PRIMARY KEY, fetch_date TEXT, cookie_bytes BLOB) WITHOUT ROWID"
        )
        for strategy in ("curlCffi", "basic", "csrf"):
            kept.execute(
                "INSERT INTO _cookieschema VALUES (?, ?, ?)",
                (strategy, "2030-01-01T00:00:00", pickle.dumps(Bomb(str(mark)))),
            )
    kept.close()
    done = live("fetch", "--benchmark", "SPY")
    assert done.code == 0, done.err
    assert not mark.exists()
    assert b"stand-in" not in (folder / "cookies.db").read_bytes(), "and none is written"
    pickle.loads(pickle.dumps(Bomb(str(mark)))).close()
    assert mark.exists(), "the control: it does run where somebody reads it"


def test_workers_do_not_look_for_modules_in_the_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker is a new interpreter; what keeps the folder out is there while it starts, and gone afterwards."""
    from eventstudy.libraries import SAFE_PATH
    from eventstudy.scale.executors import _environment

    monkeypatch.delenv(SAFE_PATH, raising=False)
    with _environment():
        assert os.environ[SAFE_PATH] == "1"
    assert SAFE_PATH not in os.environ


@pytest.mark.parametrize(
    "words,module",
    [(["python", "-m", "eventstudy", "run"], "eventstudy"), (["python", "-X", "utf8", "-I", "-m", "eventstudy"], "eventstudy"),
     (["python", "-m", "pytest", "-m", "eventstudy"], "pytest"), (["python", "-c", "import eventstudy", "-m", "eventstudy"], ""),
     (["python", "script.py", "-m", "eventstudy"], ""), (["python"], ""), (["python", "-m"], "")],
)  # fmt: skip
def test_how_the_interpreter_was_started(words: list[str], module: str) -> None:
    """Only `python -m eventstudy` takes the folder out of the way; a program that imports the package keeps its own."""
    from eventstudy import _run_as_module

    assert _run_as_module(words) == module
