"""Files that are written whole or not at all, and what a killed program leaves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from eventstudy import atomic_write
from eventstudy.atomic_write import PREFIX, write_whole

pytestmark = pytest.mark.skipif(atomic_write.fcntl is None, reason="locks of POSIX")
KILLED = """
import os, signal, sys
from pathlib import Path
from eventstudy import atomic_write
os.replace = lambda *names: os.kill(os.getpid(), signal.SIGKILL)
atomic_write.write_whole(Path(sys.argv[1]), b"new")
"""


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_next_write_removes_what_a_killed_one_left(tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    path.write_bytes(b"old")
    done = subprocess.run([sys.executable, "-c", KILLED, str(path)], timeout=60)
    assert done.returncode == -signal.SIGKILL and path.read_bytes() == b"old" and len(names(tmp_path)) == 2
    write_whole(path, b"newer")
    assert names(tmp_path) == ["events.csv"] and path.read_bytes() == b"newer"


def test_a_file_that_another_process_writes_stays(tmp_path: Path) -> None:
    handle, name = atomic_write._locked_file(tmp_path)
    write_whole(tmp_path / "events.csv", b"mine")
    assert os.path.exists(name)
    os.close(handle)
    write_whole(tmp_path / "events.csv", b"mine")
    assert names(tmp_path) == ["events.csv"]


def test_a_file_that_was_taken_for_an_old_one_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = atomic_write.tempfile.mkstemp
    taken: list[str] = []

    def first_is_removed(**where: str) -> tuple[int, str]:
        handle, name = made(**where)
        if not taken:
            taken.append(name)
            os.unlink(name)
        return handle, name

    monkeypatch.setattr(atomic_write.tempfile, "mkstemp", first_is_removed)
    write_whole(tmp_path / "events.csv", b"mine")
    assert taken and names(tmp_path) == ["events.csv"]


@pytest.mark.parametrize("through", [True, False])
def test_links_are_followed_only_where_that_is_asked(tmp_path: Path, through: bool) -> None:
    target, link = tmp_path / "target.csv", tmp_path / "link.csv"
    target.write_bytes(b"old")
    link.symlink_to(target)
    (tmp_path / f"{PREFIX}link").symlink_to(target)
    write_whole(link, b"new", through_links=through)
    assert link.read_bytes() == b"new" and link.is_symlink() == through
    assert target.read_bytes() == (b"new" if through else b"old") and (tmp_path / f"{PREFIX}link").is_symlink()
