"""Number of pairs of events whose windows share days, counted by session in O(events + sessions)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from eventstudy.engine.panel import Bools, Ints
from eventstudy.engine.windows import WindowPlan


@dataclass(frozen=True, slots=True)
class Calendars:
    """The sessions of C calendars, end to end: a session has a place among them.

    Attributes
    ----------
    start : int64 (C,)
        Place of each calendar's first session.
    days : int64 (P,)
        Days since 1970 of all sessions.
    """

    start: Ints
    days: Ints

    def each(self) -> list[Ints]:
        """The days of each calendar."""
        stops = np.append(self.start[1:], len(self.days))
        return [self.days[a:b] for a, b in zip(self.start, stops, strict=True)]

    def event_days(self, calendar: Ints, session: Ints, plan: WindowPlan) -> Ints:
        """Calendar day of every column of the events' designs, -1 outside the calendar; int64 (n, D)."""
        first, stop = self.start[calendar], np.append(self.start[1:], len(self.days))[calendar]
        at = (first + session)[:, None] + np.arange(plan.estimation_start, plan.end + 1)
        inside = (at >= first[:, None]) & (at < stop[:, None])
        return np.where(inside, self.days[np.clip(at, 0, len(self.days) - 1)], -1)

    def reach(self, place: Ints, first: Ints | int, last: Ints | int) -> tuple[Ints, Ints]:
        """Calendar days ``first`` and ``last`` sessions from each place, cut off at the ends of its calendar."""
        calendar = np.searchsorted(self.start, place, side="right") - 1
        low, high = self.start[calendar], np.append(self.start[1:], len(self.days))[calendar] - 1
        return self.days[np.clip(place + first, low, high)], self.days[np.clip(place + last, low, high)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """Overlap of the windows of a sample.

    Attributes
    ----------
    n_dates : int
        Distinct day-0 dates.
    pairs : int
        Pairs of events whose windows have a day in common.
    common_days : float
        Common window days, summed over all pairs.
    dates, cluster : int64 (G,)
        The dates in order, and a number for each: dates whose windows share a day, directly or through others, have the
        same.
    """

    n_dates: int
    pairs: int = 0
    common_days: float = 0.0
    dates: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64), compare=False)
    cluster: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64), compare=False)


def overlap_of(places: Ints, calendars: Calendars, window: tuple[int, int]) -> Overlap:
    """The overlaps of events with one test window.

    Parameters
    ----------
    places : int64 (P,)
        Events by the place of their day 0.
    window : (first day, last day)

    Checked against
    ---------------
    A loop over pairs (tests/oracles).
    """
    apart = dates_of(places, calendars, window)
    return replace(
        apart,
        pairs=overlapping_pairs(places, calendars, window),
        common_days=_common_days(places, calendars, window),
    )


def dates_of(places: Ints, calendars: Calendars, window: tuple[int, int]) -> Overlap:
    """The dates of events and which of them share days of their windows, without a word on pairs; as ``overlap_of``."""
    at = np.flatnonzero(places > 0)
    dates, cluster = clusters_of(calendars.days[at], *calendars.reach(at, window[0], window[1]))
    return Overlap(n_dates=len(dates), dates=dates, cluster=cluster)


def clusters_of(date: Ints, first_day: Ints, last_day: Ints) -> tuple[Ints, Ints]:
    """The distinct dates of events, and the cluster of each; windows reach from ``first_day`` to ``last_day``, (n,)."""
    dates, where = np.unique(date, return_inverse=True)
    low, high = np.full(len(dates), np.iinfo(np.int64).max), np.full(len(dates), np.iinfo(np.int64).min)
    np.minimum.at(low, where, first_day)
    np.maximum.at(high, where, last_day)
    # later dates have later windows, so a cluster ends where the next window begins behind all before it
    reached = np.maximum.accumulate(high) if len(high) else high
    return dates, np.concatenate([[0], np.cumsum(low[1:] > reached[:-1])]).astype(np.int64)[: len(dates)]


def overlapping_own(first_day: Ints, last_day: Ints) -> int:
    """Pairs of events whose own windows, from ``first_day`` to ``last_day`` (n,), have a calendar day in common."""
    n = len(first_day)
    before = np.searchsorted(np.sort(last_day), first_day, side="left")
    return n * (n - 1) // 2 - int(before.sum())


def _common_days(places: Ints, calendars: Calendars, window: tuple[int, int]) -> float:
    """sum over days of n_d (n_d - 1)/2, n_d the events whose window holds the day."""
    stops = np.append(calendars.start[1:], len(places))
    spans = [(a, b) for a, b in zip(calendars.start, stops, strict=True) if places[a:b].any()]
    if not spans:
        return 0.0
    dates, where = np.unique(np.concatenate([calendars.days[a:b] for a, b in spans]), return_inverse=True)
    held, done = np.zeros(len(dates)), 0
    for a, b in spans:
        running = np.concatenate([[0], np.cumsum(places[a:b])])
        session = np.arange(b - a)
        # a session lies in the windows of the days 0 that are window[1] before it to window[0] before it
        low, high = np.clip(session - window[1], 0, b - a), np.clip(session - window[0] + 1, 0, b - a)
        np.add.at(held, where[done : done + b - a], running[high] - running[low])
        done += b - a
    return float((held * (held - 1) / 2).sum())


def overlapping_pairs(places: Ints, calendars: Calendars, window: tuple[int, int]) -> int:
    """Pairs of events whose test windows have a date in common; as ``overlap_of`` takes them."""
    stops = np.append(calendars.start[1:], len(places))
    counts = [places[a:b] for a, b in zip(calendars.start, stops, strict=True)]
    sessions, total = calendars.each(), 0
    for i, one in enumerate(sessions):
        for j in range(i, len(sessions)):
            if not counts[i].any() or not counts[j].any():
                continue
            low, high, reached = _meeting(one, sessions[j], window)
            running = np.concatenate([[0], np.cumsum(np.where(reached, counts[j], 0))])
            met = running[high] - running[low]
            pairs = int((counts[i] * np.where(high > low, met, 0)).sum())
            # within one calendar every pair is met twice and every event meets itself
            total += (pairs - int(counts[i].sum())) // 2 if i == j else pairs
    return total


def _meeting(own: Ints, other: Ints, window: tuple[int, int]) -> tuple[Ints, Ints, Bools]:
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
