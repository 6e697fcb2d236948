"""Files as the program opens them: regular ones of a bounded size, and no links where nobody but us should write any.

Everything that is read from a path goes through here, so that a device, a pipe or a socket in the place of a file ends
in a sentence and never in a wait, and no file takes more memory than its kind may.
"""

from __future__ import annotations

import errno
import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Bytes: of settings; of manifests and other records; of tables that are held in memory; of what is read in parts.
SETTINGS, RECORD, TABLE, STREAMED = 2**20, 2**26, 2**30, 2**40
_KINDS = (
    (stat.S_ISFIFO, "it is a pipe; save what comes through it as a file"),
    (stat.S_ISSOCK, "it is a socket"),
    (stat.S_ISCHR, "it is a device"),
    (stat.S_ISBLK, "it is a device"),
)
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


class Unfit(OSError):
    """A path that leads to something, and to no file that is read; ``strerror`` says what."""

    def __init__(self, path: str | Path, words: str) -> None:
        super().__init__(errno.EINVAL, words, str(path))


class TooLarge(OSError):
    """A file larger than its kind may be."""

    def __init__(self, path: str | Path, largest: int) -> None:
        super().__init__(errno.EFBIG, f"it is larger than {largest >> 20} MiB", str(path))


@contextmanager
def opened(path: str | Path, largest: int, *, links: bool = True) -> Iterator[io.BufferedReader]:
    """A file, open for reading. Raises ``OSError`` as the system has it; ``Unfit`` for devices, pipes, sockets and
    links; ``TooLarge``.

    Parameters
    ----------
    largest : int
        Bytes that it may have. A reader of parts need not count: a file that grows meanwhile is not read further.
    links : bool
        Whether the path may be a link; not for files that only this program writes.
    """
    try:
        # without waiting for the other end of a pipe
        number = os.open(path, _FLAGS | (0 if links else getattr(os, "O_NOFOLLOW", 0)))
    except ValueError as error:
        raise Unfit(path, "its name is not a valid file name") from error
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise Unfit(path, "it is a link") from error
        if error.errno == errno.ENXIO:
            raise Unfit(path, "it is a socket") from error
        raise
    # a folder ends here: fdopen itself refuses it
    with os.fdopen(number, "rb") as handle:
        found = os.fstat(number)
        if words := next((words for is_kind, words in _KINDS if is_kind(found.st_mode)), ""):
            raise Unfit(path, words)
        if found.st_size > largest:
            raise TooLarge(path, largest)
        yield handle


def content(path: str | Path, largest: int, *, links: bool = True) -> bytes:
    """All bytes of a file; see ``opened``."""
    with opened(path, largest, links=links) as handle:
        # some files, such as those of /proc, do not say how long they are
        data = handle.read(largest + 1)
    if len(data) > largest:
        raise TooLarge(path, largest)
    return data


def text(path: str | Path, largest: int, *, links: bool = True) -> str:
    """A file as text; a byte-order mark is not a part of it.

    Raises
    ------
    OSError, UnicodeDecodeError
    """
    return content(path, largest, links=links).decode("utf-8-sig")


@contextmanager
def opened_text(path: str | Path, largest: int, *, links: bool = True) -> Iterator[io.TextIOWrapper]:
    """A file of UTF-8 lines, open for reading, line ends as they are."""
    with opened(path, largest, links=links) as handle, io.TextIOWrapper(handle, "utf-8-sig", newline="") as lines:
        yield lines


def exists(path: str | Path) -> bool:
    """Whether a path leads to something. A name that no file can have, such as one that is too long, leads to nothing;
    ``Path.exists`` raises for it before Python 3.14. Raises ``PermissionError`` where the system does not say."""
    return _mode(path) != 0


def is_file(path: str | Path) -> bool:
    """Whether a path leads to a regular file; as ``exists``."""
    return stat.S_ISREG(_mode(path))


def is_folder(path: str | Path) -> bool:
    """Whether a path leads to a folder; as ``exists``."""
    return stat.S_ISDIR(_mode(path))


def _mode(path: str | Path) -> int:
    try:
        return os.stat(path).st_mode
    except PermissionError:
        raise
    except (OSError, ValueError):
        return 0


def can_be_written(folder: Path) -> bool:
    """Whether a folder is there and can be written, or can be made where its nearest existing parent is."""
    for place in (folder, *folder.parents):
        try:
            mode = os.stat(place).st_mode
        except FileNotFoundError:
            continue
        except (OSError, ValueError):
            # a parent that is a file, a name that is too long, or a folder that may not be looked into
            return False
        return stat.S_ISDIR(mode) and os.access(place, os.W_OK | os.X_OK)
    return False


def check_regular(path: str | Path, largest: int = STREAMED, *, links: bool = True) -> None:
    """Raise as ``opened`` does, for a library that opens the path itself; nothing where there is no such file."""
    try:
        with opened(path, largest, links=links):
            pass
    except FileNotFoundError:
        return
