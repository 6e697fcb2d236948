"""Files written whole or not at all: aside first, then moved."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path


def write_whole(path: Path, data: bytes) -> None:
    """Write a file aside and move it into place; a file that is there keeps its mode.

    Raises
    ------
    OSError
        If it cannot be written; nothing has changed then.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # what a link leads to is replaced, not the link
    path = path.resolve()
    handle, aside = tempfile.mkstemp(dir=path.parent, prefix=".eventstudy-")
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


def _mode(path: Path) -> int:
    """That of the file, or what a new one has."""
    try:
        return path.stat().st_mode & 0o777
    except OSError:
        mask = os.umask(0o022)
        os.umask(mask)
        return 0o666 & ~mask
