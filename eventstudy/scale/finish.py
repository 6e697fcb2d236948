"""Tallies of all blocks -> the tests across events and the averages by day, as a small study has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eventstudy.data.calendar import TradingCalendar
from eventstudy.engine.moments import Moments
from eventstudy.engine.panel import Floats, Ints
from eventstudy.engine.significance.battery import GROUP_TESTS, finalised
from eventstudy.engine.significance.cross_section import Dependence
from eventstudy.engine.significance.evidence import Evidence, Sample
from eventstudy.engine.significance.result import TestResult, undefined
from eventstudy.engine.significance.summary import Summary
from eventstudy.engine_options import window_plan
from eventstudy.evaluate.groups import weighted_mean
from eventstudy.records import GroupDay, GroupRow
from eventstudy.scale.limits import Limits
from eventstudy.scale.marks import Groups
from eventstudy.scale.tally import GroupWindow, Tally
from eventstudy.spec import StudySpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Spool:
    """CARs and BHARs of every studied event on the disk, for tests that need them all at once.

    Attributes
    ----------
    path : Path
        Blocks of float64 (3, W, n): CAR, BHAR, whether the event is in the sample.
    sizes : sequence of int
        Events of each block.
    group, marks, day : arrays (n,)
        Of the studied events.
    n_windows : int
    """

    path: Path
    sizes: Sequence[int]
    group: np.ndarray
    counts_in_all: np.ndarray
    counts_in_own: np.ndarray
    day: np.ndarray
    n_windows: int

    def values(self, group: int, w: int) -> dict[str, Floats]:
        """``car``, ``bhar`` and ``date`` of the sample of a group over a window."""
        cars, bhars, dates, at = [], [], [], 0
        with self.path.open("rb") as handle:
            for size in self.sizes:
                block = np.fromfile(handle, count=3 * self.n_windows * size).reshape(3, self.n_windows, size)
                cut = slice(at, at + size)
                member = self.counts_in_all[cut] if group == 0 else self.counts_in_own[cut] & (self.group[cut] == group)
                rows = member & (block[2, w] > 0)
                cars.append(block[0, w][rows])
                bhars.append(block[1, w][rows])
                dates.append(self.day[cut][rows].astype(np.float64))
                at += size
        return {"car": np.concatenate(cars), "bhar": np.concatenate(bhars), "date": np.concatenate(dates)}


def group_rows(
    tally: Tally,
    summaries: Mapping[GroupWindow, Summary],
    groups: Groups,
    overlapping: Mapping[GroupWindow, int],
    days: Ints,
    spool: Spool | None,
    spec: StudySpec,
    limits: Limits,
) -> tuple[GroupRow, ...]:
    """Every wanted test on every group of two or more events.

    Parameters
    ----------
    tally, summaries, groups
    overlapping : mapping
        (group, window) -> pairs of events whose windows share a day; 0 where no wanted test speaks of pairs.
    days : int64 (P,)
        Days since 1970 of the places of ``tally.places``.
    spool : Spool or None
    spec, limits
    """
    wanted = [name for name in GROUP_TESTS if name in spec.active_tests]
    found: list[GroupRow] = []
    for number, name in enumerate(groups.names):
        source = 0 if number == groups.same_as_all else number
        if source not in tally.days or tally.days[source].n_members < 2:
            continue
        for w, window in enumerate(spec.windows):
            key = (source, w)
            summary = summaries.get(key)
            if summary is None:
                continue
            n_dates = len(np.unique(days[tally.places[key] > 0]))
            shared = Dependence(n_dates=n_dates, n_overlapping=overlapping.get(key, 0))
            if summary.n < 2:
                reason = f"N = {summary.n}: fewer than two events have a CAR over this window"
                results = [undefined(test, "", reason) for test in wanted]
            else:
                results = _results(summary, shared, wanted, spool, key, spec, limits)
            empty = summary.n < 2
            found += [
                GroupRow(
                    group=name,
                    window=window,
                    n_rows=tally.days[source].n_rows,
                    n_dates=n_dates,
                    n_overlapping=shared.n_overlapping,
                    car=Moments() if empty else summary.car,
                    bhar=Moments() if empty else summary.bhar,
                    precision_weighted=weighted_mean(None if empty else summary, "precision"),
                    variance_weighted=weighted_mean(None if empty else summary, "variance_weight"),
                    result=result,
                )
                for result in results
            ]
    return tuple(found)


def _results(
    summary: Summary,
    shared: Dependence,
    wanted: Sequence[str],
    spool: Spool | None,
    key: GroupWindow,
    spec: StudySpec,
    limits: Limits,
) -> list[TestResult]:
    refused = {name: reason for name in wanted if (reason := _refusal(name, summary.n, shared, spec, limits))}
    sample = layout_sample(spec, key[1])
    if spool is not None and any("values" in GROUP_TESTS[name].reads for name in wanted if name not in refused):
        values = spool.values(*key)
        summary = Summary(
            car=summary.car,
            scar=summary.scar,
            bhar=summary.bhar,
            sums=summary.sums,
            values=values,
            volatility=summary.volatility,
        )
    found = {
        result.test: result
        for result in finalised(sample, summary, shared, [n for n in wanted if n not in refused], spec.alternative)
    }
    return [found[name] if name in found else undefined(name, "", refused[name]) for name in wanted]


def _refusal(name: str, n: int, shared: Dependence, spec: StudySpec, limits: Limits) -> str:
    """Why a test is not computed in a study of this size; empty if it is."""
    test = GROUP_TESTS[name]
    if test.pairwise and not (name == "grank-t-clu" and shared.n_dates > 1):
        return f"correlations of pairs are not computed in a study of more than {limits.bulk:,} events"
    if test.resampled and spec.tests == ("auto",):
        return f"not resampled in a study of more than {limits.bulk:,} events unless --tests names it"
    if name == "lbt-bootstrap" and n > limits.resample:
        return f"N = {n:,}: a thousand resamples of a quarter of the events are computed up to {limits.resample:,}"
    return ""


def layout_sample(spec: StudySpec, w: int) -> Sample:
    """A sample without events: what finalising steps read of it is the layout alone."""
    window, plan = spec.windows[w], window_plan(spec)
    first = spec.event_window.start
    none, nobody = np.empty(0), np.empty(0, dtype=np.int64)
    return Sample(
        rows=nobody,
        car=none,
        scar=none,
        std_error=none,
        bhar=none,
        q=none,
        days=slice(window.start - first, window.end - first + 1),
        start=window.start,
        end=window.end,
        dates=nobody,
        series=nobody,
        evidence=Evidence(
            residual=np.empty((0, plan.estimation)),
            abnormal=np.empty((0, plan.n_window)),
            scale=none,
            nu=none,
            leverage=np.empty((0, plan.estimation)),
            sar=np.empty((0, plan.n_window)),
            corrado=np.empty((0, plan.estimation + plan.n_window)),
            ranked=np.empty((0, plan.estimation)),
            n_ranked=none,
            share_positive=none,
        ),
    )


def group_days(tally: Tally, groups: Groups, spec: StudySpec) -> tuple[GroupDay, ...]:
    """AAR and average CAR path of every group, by event day."""
    found = []
    for number, name in enumerate(groups.names):
        own = tally.days.get(0 if number == groups.same_as_all else number)
        if own is None or not own.n_members:
            continue
        found += [
            GroupDay(group=name, day=spec.event_window.start + k, ar=own.ar.column(k), car=own.path.column(k))
            for k in range(len(own.ar.count))
        ]
    return tuple(found)


def overlapping_pairs(places: Ints, start: Ints, calendars: Sequence[TradingCalendar], window: tuple[int, int]) -> int:
    """Pairs of events whose test windows have a date in common.

    Parameters
    ----------
    places : int64 (P,)
        Events by the place of their day 0, all calendars end to end.
    start : int64 (C,)
        Place of each calendar's first session.
    calendars : sequence
    window : (first day, last day)
    """
    stops = np.append(start[1:], len(places))
    each = [places[a:b] for a, b in zip(start, stops, strict=True)]
    total = 0
    for i, one in enumerate(calendars):
        for j in range(i, len(calendars)):
            low, high, reached = _overlap(one.sessions, calendars[j].sessions, window)
            running = np.concatenate([[0], np.cumsum(np.where(reached, each[j], 0))])
            met = running[high] - running[low]
            pairs = int((each[i] * np.where(high > low, met, 0)).sum())
            # within one calendar every pair is met twice and every event meets itself
            total += (pairs - int(each[i].sum())) // 2 if i == j else pairs
    return total


def _overlap(own: np.ndarray, other: np.ndarray, window: tuple[int, int]) -> tuple[Ints, Ints, np.ndarray]:
    """For each session of one calendar, the half-open run of the other's sessions whose windows share a date with it;
    and which of the other's windows hold a date that both calendars have."""
    first, last = window
    n = len(own)
    at = np.arange(n)
    common = np.intersect1d(own, other)
    # the dates both have, numbered; each window covers a run of these numbers
    own_low = np.searchsorted(common, own[np.clip(at + first, 0, n - 1)], side="left")
    own_high = np.searchsorted(common, own[np.clip(at + last, 0, n - 1)], side="right")
    m = len(other)
    there = np.arange(m)
    low = np.searchsorted(common, other[np.clip(there + first, 0, m - 1)], side="left")
    high = np.searchsorted(common, other[np.clip(there + last, 0, m - 1)], side="right")
    # both ends rise with the session, so the runs that meet [own_low, own_high) are consecutive
    start = np.searchsorted(high, own_low, side="right")
    stop = np.searchsorted(low, own_high, side="left")
    return start, np.maximum(np.where(own_high > own_low, stop, start), start), high > low
