"""Files written whole or not at all: under another name first, then moved; what a killed program left is removed."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # a system without such locks: what a killed program left stays
    fcntl = None  # type: ignore[assignment]

PREFIX = ".eventstudy-write-"


def write_whole(path: Path, data: bytes, *, through_links: bool = False) -> None:
    """Write a file under another name and move it into place; a file that is there keeps its mode.

    Parameters
    ----------
    through_links : bool
        Replace what a link leads to, as for a file that the user names, instead of the link.

    Raises
    ------
    OSError
        If it cannot be written; nothing has changed then.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path = path.resolve() if through_links else path
    _clear(path.parent)
    handle, aside = _locked_file(path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(aside, _mode(path))
        os.replace(aside, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(aside)
        raise


def _locked_file(folder: Path) -> tuple[int, str]:
    """A new file and its name, locked for as long as it is open."""
    while True:
        handle, name = tempfile.mkstemp(dir=folder, prefix=PREFIX)
        if fcntl is not None:
            # a file system without locks locks nothing, and removes nothing
            with suppress(OSError):
                fcntl.flock(handle, fcntl.LOCK_EX)
        # between the two another process may have taken it for one that a killed program left
        if os.path.exists(name):
            return handle, name
        os.close(handle)


def _clear(folder: Path) -> None:
    """Remove files of this kind that no process holds: their program was killed while it wrote."""
    if fcntl is None:
        return
    for path in folder.glob(f"{PREFIX}*"):
        if path.is_symlink() or not path.is_file():
            continue
        with suppress(OSError), path.open("rb") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()


def _mode(path: Path) -> int:
    """That of the file, or what a new one has."""
    try:
        return path.stat().st_mode & 0o777
    except OSError:
        mask = os.umask(0o022)
        os.umask(mask)
        return 0o666 & ~mask
