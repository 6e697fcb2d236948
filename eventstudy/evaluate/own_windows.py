"""Windows that rows of the events file name for themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from eventstudy.engine.moments import Moments
from eventstudy.engine.significance.battery import GROUP_TESTS, run_battery
from eventstudy.engine.significance.cross_section import Dependence
from eventstudy.engine.significance.result import undefined
from eventstudy.errors import InputFileError, Problem
from eventstudy.records import GroupRow
from eventstudy.spec import StudySpec, Window

if TYPE_CHECKING:
    from eventstudy.data.events import EventTable
    from eventstudy.engine.panel import Ints
    from eventstudy.engine.significance.evidence import Sample
    from eventstudy.engine.significance.summary import Summary
    from eventstudy.results import Studied

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


def own_group(studied: Studied, sample: Sample, group: str, n_rows: int) -> list[GroupRow]:
    """The tests across events of a group, each over the window that its row names.

    Tests that read one number an event: the CAR, its standardised value, its BHAR. All others have ``applicable`` = no.
    """
    wanted = [name for name in GROUP_TESTS if name in studied.spec.active_tests]
    possible = [n for n in wanted if not GROUP_TESTS[n].pairwise and set(GROUP_TESTS[n].reads) <= ONE_NUMBER]
    shared = Dependence(n_dates=sample.n_dates, n_overlapping=overlapping(studied, sample.rows))
    summary: Summary | None = None
    found = {}
    if sample.n > 1:
        summary, results = run_battery(sample, shared, possible, studied.spec.alternative)
        found = {result.test: result for result in results}
    few = f"N = {sample.n}: fewer than two events have a CAR over their windows"
    weights = {name: (0.0, 0.0) if summary is None else summary.sums[name] for name in ("precision", "variance_weight")}
    return [
        GroupRow(
            group=group,
            window=Window(min(w.start for w in studied.spec.windows), max(w.end for w in studied.spec.windows)),
            own=True,
            n_rows=n_rows,
            n_dates=sample.n_dates,
            n_overlapping=shared.n_overlapping,
            car=Moments() if summary is None else summary.car,
            bhar=Moments() if summary is None else summary.bhar,
            precision_weighted=_ratio(*weights["precision"]),
            variance_weighted=_ratio(*weights["variance_weight"]),
            result=found.get(name) or undefined(name, "", few if name in possible else DIFFERENT),
        )
        for name in wanted
    ]


def _ratio(weight: float, total: float) -> float:
    return float(total / weight) if weight > 0 else np.nan


def overlapping(studied: Studied, rows: Ints) -> int:
    """Pairs of events whose own windows have a calendar day in common."""
    starts, ends = np.empty(len(rows), dtype=np.int64), np.empty(len(rows), dtype=np.int64)
    for n, i in enumerate(rows):
        window = studied.spec.windows[studied.own_window(int(i))]
        sessions, at = studied.series(int(i)).calendar.sessions.astype(np.int64), studied.session(int(i))
        last = len(sessions) - 1
        starts[n], ends[n] = (sessions[min(max(at + day, 0), last)] for day in (window.start, window.end))
    before = np.searchsorted(np.sort(ends), starts, side="left")
    return len(rows) * (len(rows) - 1) // 2 - int(before.sum())
