"""Windows that rows of the events file name for themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from eventstudy.engine.significance.battery import GROUP_TESTS
from eventstudy.errors import InputFileError, Problem
from eventstudy.spec import StudySpec, Window

if TYPE_CHECKING:
    from eventstudy.data.events import EventTable
    from eventstudy.engine.panel import Ints

# What these tests read is one number an event; all others look at the days of one window that all events share.
ONE_NUMBER = frozenset({"scores", "values"})
DIFFERENT = "the events' windows differ, and this test reads the days of one window"


def with_own_windows(spec: StudySpec, table: EventTable) -> StudySpec:
    """The spec with the windows that rows name behind its own.

    Raises
    ------
    InputFileError
        For every row whose window is not inside the event window.
    """
    cells = _cells(table)
    named = {text: Window.parse(text) for text in dict.fromkeys(cells) if text}
    bounds = f"{spec.event_window.start}:{spec.event_window.end}"
    problems = [
        Problem(int(line), "window", text, f"does not fit the event window {bounds}; widen --event-window")
        for line, text in zip(table.frame["line"], cells, strict=True)
        if text and not named[text].within(spec.event_window)
    ]
    if problems:
        raise InputFileError(table.path, problems)
    further = sorted(set(named.values()) - set(spec.windows))
    return spec.with_changes(windows=(*spec.windows, *further)) if further else spec


def own_windows(table: EventTable, rows: Sequence[int], spec: StudySpec) -> Ints:
    """Position in ``spec.windows`` of the window that each row names for itself; -1 where it names none."""
    cells = _cells(table)
    place = {window: w for w, window in enumerate(spec.windows)}
    return np.array([place[Window.parse(cells[row])] if cells[row] else -1 for row in rows], dtype=np.int64)


def _cells(table: EventTable) -> list[str]:
    if "window" not in table.frame.columns:
        return [""] * len(table.frame)
    return [str(text) for text in table.frame["window"]]


def reads_one_number(test: str) -> bool:
    """Whether a test across events reads the CAR, its standardised value or its BHAR, and no day of a window."""
    return GROUP_TESTS[test].cost != "pairs" and set(GROUP_TESTS[test].reads) <= ONE_NUMBER
