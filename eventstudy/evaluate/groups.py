"""Groups of events: average abnormal returns, and the tests across them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from eventstudy.engine.models import MODELS
from eventstudy.engine.moments import Moments, summarise
from eventstudy.engine.panel import Floats, Ints
from eventstudy.engine.significance.battery import GROUP_TESTS, run_battery
from eventstudy.engine.significance.cross_section import Dependence
from eventstudy.engine.significance.dependence import dependence
from eventstudy.engine.significance.evidence import Evidence, Sample, gather_evidence, window_weights
from eventstudy.engine.significance.result import undefined
from eventstudy.engine.significance.summary import Summary
from eventstudy.evaluate.own_windows import DIFFERENT, overlapping, reads_one_number
from eventstudy.records import GroupDay, GroupRow
from eventstudy.spec import DIFFERENCE_TESTS, Window

if TYPE_CHECKING:
    from eventstudy.results import Studied

ALL = "all"


def members(studied: Studied) -> dict[str, list[int]]:
    """Positions of each group, one per (ticker, day 0): the first row of the file stands for its duplicates.

    ``all`` holds the direct rows only; the other groups are the values of the ``--by`` column.
    """
    found: dict[str, list[int]] = {ALL: []}
    seen: set[tuple[str, str, np.datetime64]] = set()
    for i in studied.reported:
        own = studied.text(i, studied.spec.by) or "(empty)"
        groups = [ALL, own] if studied.text(i, "role") == "direct" else [own]
        for group in groups:
            identity = (group, studied.text(i, "ticker"), studied.day0(i))
            if identity not in seen:
                seen.add(identity)
                found.setdefault(group, []).append(i)
    return {group: found[group] for group in (ALL, *sorted(set(found) - {ALL}))}


def _rows_in(studied: Studied, group: str) -> int:
    """Rows of a group before duplicates are counted once."""
    column, value = ("role", "direct") if group == ALL else (studied.spec.by, group)
    return sum((studied.text(i, column) or "(empty)") == value for i in studied.reported)


def evidence_of(studied: Studied) -> Evidence | None:
    """What tests across events read, made once a study; None where no such test is wanted or possible."""
    block = studied.block
    if block is None or not {*GROUP_TESTS, *DIFFERENCE_TESTS} & studied.spec.active_tests:
        return None
    if MODELS[studied.spec.model].inference == "none":
        # no variance of a standardised CAR, so nothing that these tests could read
        return None
    return gather_evidence(block.design, block.fits, block.abnormal.v)


def group_tests(studied: Studied, evidence: Evidence | None) -> tuple[GroupRow, ...]:
    """Every wanted cross-sectional test on every group of two or more events."""
    wanted = [name for name in GROUP_TESTS if name in studied.spec.active_tests]
    if studied.block is None or not wanted:
        return ()
    if MODELS[studied.spec.model].inference == "none":
        return _without_theory(studied, wanted)
    if evidence is None:
        return ()
    found: list[GroupRow] = []
    for group, positions in members(studied).items():
        if len(positions) > 1:
            for w in studied.shared_windows:
                sample = sample_of(studied, evidence, positions, w)
                found += _tested(studied, sample, group, studied.spec.windows[w], wanted)
            if len(named := [i for i in positions if studied.own_window(i) >= 0]) > 1:
                sample = sample_of(studied, evidence, named, None)
                found += _tested(studied, sample, group, None, wanted)
    return tuple(found)


def _without_theory(studied: Studied, wanted: list[str]) -> tuple[GroupRow, ...]:
    """Averages alone, where events have no standard errors."""
    block, reason = studied.block, f"{studied.spec.model} has no standard errors; see p_conformal and p_space"
    assert block is not None, "only called with a block"
    return tuple(
        GroupRow(
            group=group,
            window=window,
            n_rows=_rows_in(studied, group),
            n_dates=len({studied.day0(i) for i in positions}),
            n_overlapping=0,
            car=summarise(block.cars.car[positions, w]),
            bhar=summarise(block.cars.bhar[positions, w]),
            precision_weighted=np.nan,
            variance_weighted=np.nan,
            result=undefined(name, "", reason),
        )
        for group, positions in members(studied).items()
        if len(positions) > 1
        for w, window in enumerate(studied.spec.windows[: len(studied.shared_windows)])
        for name in wanted
    )


def _tested(studied: Studied, sample: Sample, group: str, window: Window | None, wanted: list[str]) -> list[GroupRow]:
    """The wanted tests on one sample; without a window each event has its own, and tests that read days have no law."""
    possible = wanted if window is not None else [name for name in wanted if reads_one_number(name)]
    if sample.n < 2:
        over = "this window" if window is not None else "their windows"
        reason = f"N = {sample.n}: fewer than two events have a CAR over {over}"
        shared, summary = Dependence(n_dates=sample.n_dates), None
        found = {name: undefined(name, "", reason) for name in possible}
    else:
        shared = _shared(studied, sample, window, possible)
        summary, results = run_battery(sample, shared, possible, studied.spec.alternative)
        found = {result.test: result for result in results}
    spec = studied.spec
    return [
        GroupRow(
            group=group,
            window=window or spec.event_window,
            own=window is None,
            n_rows=_rows_in(studied, group),
            n_dates=sample.n_dates,
            n_overlapping=shared.n_overlapping,
            car=Moments() if summary is None else summary.car,
            bhar=Moments() if summary is None else summary.bhar,
            precision_weighted=weighted_mean(summary, "precision"),
            variance_weighted=weighted_mean(summary, "variance_weight"),
            result=found[name] if name in found else undefined(name, "", DIFFERENT),
        )
        for name in wanted
    ]


def _shared(studied: Studied, sample: Sample, window: Window | None, wanted: list[str]) -> Dependence:
    """What the events of a sample share: as much of it as the tests read."""
    if window is None:
        return Dependence(n_dates=sample.n_dates, n_overlapping=overlapping(studied, sample.rows))
    if any(GROUP_TESTS[name].pairwise for name in wanted):
        return shared_days(studied, sample)
    return Dependence(n_dates=sample.n_dates)


def weighted_mean(summary: Summary | None, name: str) -> float:
    """Mean CAR with weights 1/standard error (``pwcaar``) or its square (``ivwcaar``); NaN with nothing to weigh."""
    if summary is None:
        return np.nan
    weight, total = summary.sums[name]
    return float(total / weight) if weight > 0 else np.nan


def sample_of(studied: Studied, evidence: Evidence, positions: list[int], w: int | None) -> Sample:
    """The events of a group that have a CAR over a window and a variance; without a window, each over its own, and then
    no day is to be read."""
    assert studied.block is not None, "only called with a block"
    block, first = studied.block, studied.spec.event_window.start
    rows = np.array(positions, dtype=np.int64)
    at = np.array([studied.own_window(i) if w is None else w for i in positions], dtype=np.int64)
    known = np.isfinite(block.cars.car[rows, at]) & np.isfinite(block.exact.std_error[rows, at])
    rows, at = rows[known], at[known]
    start, end = (0, -1) if w is None else (studied.spec.windows[w].start, studied.spec.windows[w].end)
    return Sample(
        rows=rows,
        car=block.cars.car[rows, at],
        scar=block.exact.t[rows, at],
        std_error=block.exact.std_error[rows, at],
        bhar=block.cars.bhar[rows, at],
        q=block.cars.q[rows, at],
        days=slice(0, 0) if w is None else slice(start - first, end - first + 1),
        start=start,
        end=end,
        dates=np.array([studied.day0(i).astype(np.int64) for i in rows], dtype=np.int64),
        series=_series_numbers(studied, rows),
        evidence=evidence,
    )


def _series_numbers(studied: Studied, rows: Ints) -> Ints:
    """One number a firm."""
    return np.asarray(np.unique(studied.index.pair[studied.rows[rows]], return_inverse=True)[1], dtype=np.int64)


def shared_days(studied: Studied, sample: Sample, shares: Floats | None = None) -> Dependence:
    """Correlations and common days of the events of a sample; ``shares`` weigh a sum other than the mean."""
    assert studied.block is not None, "only called with a block"
    block, spec = studied.block, studied.spec
    weights, _ = window_weights(block.design, block.fits, spec.model, sample.rows, sample.start, sample.end)
    return dependence(
        sample,
        _day_numbers(studied, sample.rows),
        weights,
        block.design.days(sample.start, sample.end),
        block.fits.theta.shape[1],
        shares=shares,
    )


def _day_numbers(studied: Studied, rows: Ints) -> Ints:
    """Calendar day of every event day (n, D); days outside a calendar get numbers of their own that nothing shares."""
    assert studied.block is not None, "only called with a block"
    plan = studied.block.design.plan
    days = np.arange(plan.estimation_start, plan.end + 1)
    found = np.empty((len(rows), plan.n_days), dtype=np.int64)
    for n, i in enumerate(rows):
        sessions = studied.series(int(i)).calendar.sessions.astype(np.int64)
        at = studied.session(int(i)) + days
        inside = (at >= 0) & (at < len(sessions))
        found[n] = np.where(inside, sessions[np.clip(at, 0, len(sessions) - 1)], -(n * plan.n_days + days + 10**6))
    return found


def group_days(studied: Studied) -> tuple[GroupDay, ...]:
    """AAR and average CAR path of every group, by event day; each day over the events that have it."""
    if studied.block is None:
        return ()
    start = studied.spec.event_window.start
    return tuple(
        GroupDay(
            group=group,
            day=start + column,
            ar=summarise(studied.block.abnormal.ar[positions, column]),
            car=summarise(studied.block.abnormal.path[positions, column]),
        )
        for group, positions in members(studied).items()
        if positions
        for column in range(studied.block.abnormal.ar.shape[1])
    )
