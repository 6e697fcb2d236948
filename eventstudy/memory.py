"""Memory that a study needs, checked against this machine before it begins."""

from __future__ import annotations

import os
from pathlib import Path

from eventstudy.errors import UsageError
from eventstudy.opening import SETTINGS, text

# Bytes that a study holds at its peak: as it begins; for each event; for each event and session of the event window;
# for each event and test window, its rows of the tables included. Measured on studies of 200 to 2,000 events with event
# windows of 21 and 201 sessions and 5 and 80 test windows (397 and 6,600 bytes), and rounded up by a fifth.
START, EVENT, SESSION, WINDOW = 150e6, 2_000, 480, 8_000
# Bytes of memory for each byte of a price file: its columns take 0.9 of them (12 files of 19,566 sessions), and the
# returns made of them as much again; rounded up.
TEXT = 3.0
# Of what is there, a study may take this share: the rest is for the system and for what else runs.
SHARE = 0.9
_CGROUPS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def needed(n_events: int, n_sessions: int, n_windows: int) -> float:
    """Bytes that a study of so many events, held at once, will take."""
    return START + n_events * per_event(n_sessions, n_windows)


def per_event(n_sessions: int, n_windows: int) -> float:
    """Bytes of each further event."""
    return EVENT + n_sessions * SESSION + n_windows * WINDOW


def check_memory(n_events: int, n_sessions: int, n_windows: int) -> None:
    """Refuse a study that does not fit into the memory of this machine. Raises ``UsageError`` with the largest number
    of events, and the longest event window, that fit.

    Parameters
    ----------
    n_events : int
        Events that are held at once.
    n_sessions, n_windows : int
        Length of the event window, and how many test windows there are.
    """
    room = SHARE * memory()
    wanted = needed(n_events, n_sessions, n_windows)
    if wanted <= room:
        return
    events = max(0, int((room - START) / per_event(n_sessions, n_windows)))
    left = (room - START) / max(n_events, 1) - EVENT
    sessions = max(0, int((left - n_windows * WINDOW) / SESSION))
    windows = max(0, int((left - n_sessions * SESSION) / WINDOW))
    fits = [
        *([f"{events:,} events with these windows"] if events else []),
        *([f"an event window of {sessions:,} sessions for {n_events:,} events"] if sessions else []),
        *([f"{windows:,} test windows for {n_events:,} events"] if windows else []),
    ]
    raise UsageError(
        f"{n_events:,} events with an event window of {n_sessions:,} sessions and {n_windows:,} test windows take "
        f"about {wanted / 1e9:,.1f} GB, and this machine has {room / 1e9:,.1f} GB",
        f"at most {', or '.join(fits)}" if fits else "a smaller event window and fewer test windows",
        "study the events in parts",
    )


def check_prices(n_files: int, size: int) -> None:
    """Refuse price files that do not fit into memory together. Raises ``UsageError`` with what fits.

    Parameters
    ----------
    n_files, size : int
        How many there are, and the bytes of all of them.
    """
    room = SHARE * memory()
    if START + size * TEXT <= room:
        return
    fits = max(0.0, (room - START) / TEXT)
    raise UsageError(
        f"the prices of {n_files:,} symbols are {size / 1e9:,.1f} GB of text and take about "
        f"{(START + size * TEXT) / 1e9:,.1f} GB, and this machine has {room / 1e9:,.1f} GB",
        f"files of at most {fits / 1e9:,.1f} GB together",
        "study fewer firms at a time, or write shorter histories",
    )


def memory() -> float:
    """Bytes that this process may have: of the machine, of its container, and of its own limit."""
    found = [_machine(), *(_of_container(path) for path in _CGROUPS), _of_process()]
    return min(one for one in found if one > 0)


def _machine() -> float:
    try:
        return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, ValueError, OSError):
        # a system that does not say: no limit is known
        return float("inf")


def _of_container(path: str) -> float:
    try:
        return float(text(Path(path), SETTINGS).strip())
    except (OSError, ValueError):
        # no such container, or "max"
        return float("inf")


def _of_process() -> float:
    try:
        import resource
    except ImportError:
        return float("inf")
    soft = resource.getrlimit(resource.RLIMIT_AS)[0]
    return float("inf") if soft == resource.RLIM_INFINITY else float(soft)
