"""Where nothing can be written, or two write to one place: an error that says so, and nothing half-written."""

from __future__ import annotations

import ctypes
import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from eventstudy.report import locking
from eventstudy.report.write import aside
from tests.chaos.kills import EVENTS, tree
from tests.cli.conftest import clean_environment, run_in

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="signals, limits and locks of POSIX")
RUN = ("run", "events.csv", "--source", "snapshot", "--benchmark", "SPY", "--formats", "csv,json")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "events.csv").write_text(EVENTS)
    return tmp_path


def started(place: Path, *arguments: str, out: object = subprocess.PIPE, err: object = subprocess.PIPE, **more: object):
    """A command of its own."""
    own = {name: str(more.pop(name)) for name in list(more) if name.startswith("EVENTSTUDY_")}
    env = clean_environment(EVENTSTUDY_STORE=str(place / "store"), **own)
    if "preexec_fn" in more:
        # what measures coverage could not write its file either
        env = {name: value for name, value in env.items() if not name.startswith("COVERAGE_")}
    return subprocess.Popen(
        [sys.executable, "-m", "eventstudy", *arguments],
        cwd=place,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=err,
        text=True,
        **more,
    )


def ran(place: Path, *arguments: str, **more: object) -> tuple[int, str]:
    """Exit code, and everything it said; in this process where nothing is asked of the process itself."""
    if not more:
        done = run_in(place, *arguments, env={"EVENTSTUDY_STORE": str(place / "store")})
        return done.code, done.out + done.err
    process = started(place, *arguments, **more)
    said = process.communicate(timeout=200)
    return process.returncode, "".join(text or "" for text in said)


EVENT = ("event", "NVDA", "2025-04-15", "--timing", "amc", "--source", "snapshot")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
def test_a_full_disk_behind_what_is_printed(place: Path) -> None:
    with open("/dev/full", "w") as full:
        code, said = ran(place, *EVENT, out=full)
        assert code == 2 and "error: the output cannot be written: No space left" in said and "hint:" in said
        assert "Traceback" not in said and "Exception ignored" not in said
        code, said = ran(place, *RUN, "-o", "out", out=full, err=full)
        assert code == 2 and (place / "out" / "manifest.json").is_file()


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
def test_a_full_disk_behind_what_is_told(place: Path) -> None:
    with open("/dev/full", "w") as full:
        code, said = ran(place, *EVENT, err=full)
        assert code == 0 and "NVDA" in said, "talk that nobody can read is not a reason to stop"
        code, said = ran(place, "run", "nothing.csv", err=full)
        assert code == 2 and not said


@pytest.mark.parametrize("room", [pytest.param(0, marks=pytest.mark.slow), 60_000])
def test_files_that_may_not_grow(place: Path, room: int) -> None:
    """RLIMIT_FSIZE is a disk that is full for every file beyond a size."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))

    code, said = ran(place, *RUN, "-o", "out", preexec_fn=limit)
    assert code == 2 and "cannot write to out" in said and "hint:" in said and "Traceback" not in said
    assert not (place / "out").exists(), "nothing half-written"
    code, said = ran(place, *RUN, "-o", "out")
    assert code == 0, said


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of 300 kB."""
    where = tmp_path / "small"
    where.mkdir()
    mount = shutil.which("mount")
    if (
        mount is None
        or subprocess.run([mount, "-t", "tmpfs", "-o", "size=300k", "tmpfs", where], capture_output=True).returncode
    ):
        pytest.skip("this user may not mount a file system")
    yield where
    subprocess.run(["umount", "-l", where], check=True, capture_output=True)


def test_a_small_file_system_fills_up(place: Path, small: Path) -> None:
    code, said = ran(place, *RUN, "-o", str(small / "out"), "--formats", "csv,json,md,html")
    assert code == 2 and "No space left" in said and "Traceback" not in said
    assert not list(small.rglob("*")), "nothing half-written"


def obey_permissions() -> None:
    """Root walks through every door; without this capability it reads, and writes where it may."""
    if os.geteuid() == 0:
        drop_from_bounding_set, dac_override = 24, 1
        if ctypes.CDLL(None, use_errno=True).prctl(drop_from_bounding_set, dac_override, 0, 0, 0):
            raise PermissionError


def test_folders_that_may_only_be_read(place: Path) -> None:
    try:
        probe = subprocess.run(
            [sys.executable, "-c", "import sys; open(sys.argv[1], 'w')", str(place / "locked" / "x")],
            preexec_fn=obey_permissions,
            capture_output=True,
        )
    except subprocess.SubprocessError:
        pytest.skip("root cannot be made to obey permissions here")
    assert probe.returncode, "there is no such folder yet"
    locked = place / "locked"
    locked.mkdir()
    locked.chmod(0o555)
    code, said = ran(place, *RUN, "-o", "locked/out", preexec_fn=obey_permissions)
    assert code == 2 and "cannot write to locked/out" in said and "Traceback" not in said
    code, said = ran(place, *RUN, "-o", "locked", preexec_fn=obey_permissions)
    assert code == 2 and "cannot write to locked" in said and not list(locked.iterdir())
    store = place / "store"
    store.mkdir()
    store.chmod(0o555)
    auto = ("run", "events.csv", "--source", "auto", "--benchmark", "SPY", "--formats", "csv", "-o", "own")
    code, said = ran(place, *auto, preexec_fn=obey_permissions, EVENTSTUDY_OFFLINE="no")
    assert code == 0 and "prices of this run are not kept" in said and "Traceback" not in said
    assert (place / "own" / "manifest.json").is_file() and not list(store.iterdir())


@pytest.mark.parametrize("number", [2, pytest.param(4, marks=pytest.mark.slow)])
def test_runs_that_share_one_folder(place: Path, number: int) -> None:
    """Two kinds of report: the folder ends as one of them, never as a mixture."""
    kinds = [(), ("--window", "0:3", "--event-window", "-3:3")]
    wanted = []
    for n, kind in enumerate(kinds):
        code, said = ran(place, *RUN, "-o", f"alone{n}", *kind)
        assert code == 0, said
        wanted.append(tree(place / f"alone{n}"))
    assert wanted[0] != wanted[1]
    processes = [started(place, *RUN, "-o", "out", *kinds[n % 2]) for n in range(number)]
    for process in processes:
        said = "".join(process.communicate(timeout=400))
        assert process.returncode == 0, said
    assert tree(place / "out", hidden=True) in wanted


def test_only_files_of_killed_runs_are_cleared(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with aside(out) as running:
        (running / "half").write_text("x")
        script = (
            "import sys, os, signal\nfrom pathlib import Path\nfrom eventstudy.report.write import aside\n"
            "with aside(Path(sys.argv[1])) as folder:\n"
            "    (folder / 'half').write_text('x')\n    os.kill(os.getpid(), signal.SIGKILL)\n"
        )
        for _ in range(2):
            done = subprocess.run([sys.executable, "-c", script, str(out)], capture_output=True)
            assert done.returncode == -signal.SIGKILL
            # its own folder is left; the one before it is gone, and ours is not
            assert len(list(out.iterdir())) == 2 and (running / "half").is_file()
        fresh = out / ".eventstudy-begun"
        fresh.mkdir()
        assert fresh.name not in locking.clear(out, ".eventstudy-", locked=False), "without locks only age tells"
        with aside(out):
            assert not fresh.exists(), "nobody can be about to claim it"
        fresh.mkdir()
        os.utime(fresh, (0, 0))
        assert locking.clear(out, ".eventstudy-", locked=False) == [".eventstudy-begun"]
        (out / ".eventstudy-link").symlink_to(tmp_path)
        assert locking.clear(out, ".eventstudy-", locked=True) == [] and (running / "half").is_file()
        (out / ".eventstudy-link").unlink()
    assert not out.exists()


@pytest.mark.parametrize("stops", [(5,), pytest.param((1, 2, 3, 4, 6), marks=pytest.mark.slow)])
def test_old_files_go_even_if_the_new_run_is_killed(tmp_path: Path, stops: tuple[int, ...]) -> None:
    """Killed wherever it is while files move: the next run leaves what it wrote, and no file of the first."""
    script = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom eventstudy.report import write as w\n"
        "out, name, stop = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])\n"
        "steps = 0\n"
        "def counted(function):\n"
        "    def step(*args, **more):\n"
        "        global steps\n        steps += 1\n"
        "        if steps == stop:\n            os.kill(os.getpid(), signal.SIGKILL)\n"
        "        return function(*args, **more)\n"
        "    return step\n"
        "os.replace, Path.unlink = counted(os.replace), counted(Path.unlink)\n"
        "with w.aside(out) as folder:\n"
        "    files = {f'events/{name}{k}.md': name.encode() for k in range(2)} | {'windows.csv': name.encode()}\n"
        "    w.write_aside(folder, files)\n"
        "    w.publish(folder, out, w.hashed(files), {'schema_version': 1, 'files': w.hashed(files)})\n"
    )

    def run(name: str, stop: int) -> int:
        return subprocess.run([sys.executable, "-c", script, str(tmp_path / "out"), name, str(stop)]).returncode

    # three files of the second take their places, two of the first go, the manifest comes
    for stop in stops:
        assert run("first", 0) == 0 and run("second", stop) == -signal.SIGKILL and run("second", 0) == 0
        kept = sorted(path.name for path in (tmp_path / "out").rglob("*") if path.is_file())
        assert kept == ["manifest.json", "second0.md", "second1.md", "windows.csv"], stop
        shutil.rmtree(tmp_path / "out")
    assert run("first", 0) == 0 and run("second", 7) == 0


def test_ctrl_c_while_the_folder_aside_is_removed_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    remove = shutil.rmtree

    def pressed(path: Path, *, ignore_errors: bool) -> None:
        signal.raise_signal(signal.SIGINT)
        remove(path, ignore_errors=ignore_errors)

    monkeypatch.setattr(shutil, "rmtree", pressed)
    with pytest.raises(KeyboardInterrupt), aside(tmp_path / "out") as folder:
        (folder / "half").write_text("x")
    assert not (tmp_path / "out").exists()


def test_a_folder_that_another_run_writes_to_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locking, "TRIES", 3)
    order: list[str] = []
    with locking.alone(tmp_path):
        with pytest.raises(BlockingIOError, match="another run"), locking.alone(tmp_path):
            raise AssertionError
        monkeypatch.setattr(locking, "TRIES", 10_000)

        def second() -> None:
            with locking.alone(tmp_path):
                order.append("second")

        waiting = threading.Thread(target=second)
        waiting.start()
        time.sleep(0.2)
        order.append("first")
    waiting.join(20)
    assert order == ["first", "second"]


def test_ctrl_c_waits_until_every_file_is_moved(tmp_path: Path) -> None:
    done: list[str] = []
    with pytest.raises(KeyboardInterrupt), locking.alone(tmp_path):
        signal.raise_signal(signal.SIGINT)
        done.append("moved")
    assert done == ["moved"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize("place", ["clear", "claim"])
def test_ctrl_c_before_anything_is_built_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    real = getattr(locking, place)

    def pressed(*given: object, **more: object) -> object:
        signal.raise_signal(signal.SIGINT)
        return real(*given, **more)

    monkeypatch.setattr(locking, place, pressed)
    with pytest.raises(KeyboardInterrupt), aside(tmp_path / "out"):
        raise AssertionError
    assert not (tmp_path / "out").exists()
