"""Windows that rows of the events file name for themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from eventstudy.engine.significance.battery import GROUP_TESTS
from eventstudy.errors import InputFileError, Problem
from eventstudy.spec import StudySpec, Window

if TYPE_CHECKING:
    from eventstudy.data.event_columns import EventColumns

# What these tests read is one number an event; all others look at the days of one window that all events share.
ONE_NUMBER = frozenset({"scores", "values"})
DIFFERENT = "the events' windows differ, and this test reads the days of one window"


def with_own_windows(spec: StudySpec, events: EventColumns) -> StudySpec:
    """The spec with the windows that rows name behind its own. Raises ``InputFileError`` for every row whose window is
    not inside the event window."""
    column = events.columns["window"]
    named = {text: Window.parse(text) for text in column.values if text}
    wrong = np.flatnonzero(column.where(lambda text: bool(text) and not named[text].within(spec.event_window)))
    bounds = f"{spec.event_window.start}:{spec.event_window.end}"
    problems = [
        Problem(int(events.lines[row]), "window", text, f"does not fit the event window {bounds}; widen --event-window")
        for row, text in zip(wrong.tolist(), column.take(wrong), strict=True)
    ]
    if problems:
        raise InputFileError(events.path, problems, events.unit)
    further = sorted(set(named.values()) - set(spec.windows))
    return spec.with_changes(windows=(*spec.windows, *further)) if further else spec


def reads_one_number(test: str) -> bool:
    """Whether a test across events reads the CAR, its standardised value or its BHAR, and no day of a window."""
    return GROUP_TESTS[test].cost != "pairs" and set(GROUP_TESTS[test].reads) <= ONE_NUMBER
