"""Runs that share a report folder: one at a time moves its files there, and what killed ones left is cleared away."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import IO

try:
    import fcntl
except ImportError:  # a system without such locks: only age tells
    fcntl = None  # type: ignore[assignment]

ALIVE = ".alive"
ENDING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
# Seconds after which a folder without a lock is taken as abandoned.
OLD = 86_400.0
# How often and at what distance (seconds) a folder is asked for that another run is writing to.
TRIES, PAUSE = 1200, 0.05


def claim(folder: Path) -> IO[str]:
    """Mark a folder as in use for as long as the handle is open; the system releases it when the process ends.

    To be called with the report folder to oneself, like ``clear``: then no folder is between the two.
    """
    handle = (folder / ALIVE).open("w", encoding="utf-8")
    if fcntl is not None:
        # a file system without locks locks none of them, and no run takes the folder as abandoned
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return handle


@contextmanager
def alone(out: Path) -> Iterator[bool]:
    """Have a report folder to oneself while files are moved into it, so that two reports do not mix.

    Signals to end wait until they are all there. Yields whether the system knows such locks.

    Raises
    ------
    BlockingIOError
        If another run holds it for a minute.
    """
    if fcntl is None:
        with uninterrupted():
            yield False
        return
    handle = os.open(out, os.O_RDONLY)
    try:
        locked = _locked(handle)
        with uninterrupted():
            yield locked
    finally:
        os.close(handle)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold back the signals that something answers; only the main thread can, and needs to."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[tuple[int, FrameType | None]] = []
    before = {number: handler for number in ENDING if callable(handler := signal.getsignal(number))}
    for number in before:
        signal.signal(number, lambda number, frame: came.append((number, frame)))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if came:
            number, frame = came[0]
            before[signal.Signals(number)](number, frame)


def _locked(handle: int) -> bool:
    for _ in range(TRIES):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(PAUSE)
        except OSError:
            # a file system without locks
            return False
        else:
            return True
    raise BlockingIOError(errno.EAGAIN, "another run has been writing to it for a minute")


def clear(out: Path, prefix: str, *, locked: bool) -> list[str]:
    """Remove folders of that prefix whose run is gone.

    Parameters
    ----------
    locked : bool
        Whether only this run uses ``out``; otherwise only the age decides.

    Returns
    -------
    list of str
        Their names.
    """
    found = [path for path in sorted(out.glob(f"{prefix}*")) if path.is_dir() and not path.is_symlink()]
    gone = [path for path in found if _left(path, locked)]
    for path in gone:
        shutil.rmtree(path, ignore_errors=True)
    return [path.name for path in gone]


def _left(folder: Path, locked: bool) -> bool:
    try:
        if fcntl is None or not locked:
            return time.time() - os.stat(folder).st_mtime > OLD
        with (folder / ALIVE).open("r+", encoding="utf-8") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        # its run was killed before it could claim it
        return True
    except OSError:
        # locked by the run that works there
        return False
    return True
