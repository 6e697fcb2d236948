"""The groups of a study in memory: passes over its events in chunks, and the tests across them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from eventstudy.engine.aggregates import (
    OWN,
    GroupWindow,
    Layout,
    Member,
    Outcomes,
    Tally,
    added_pass,
    days_of,
    tallied,
    with_second_pass,
)
from eventstudy.engine.block import Block
from eventstudy.engine.moments import CHUNK
from eventstudy.engine.panel import Bools, Floats, Ints
from eventstudy.engine.significance.battery import parts_read
from eventstudy.engine.significance.cross_section import Dependence
from eventstudy.engine.significance.overlap import overlapping_own
from eventstudy.engine.significance.pairs import PairSums
from eventstudy.engine.significance.summary import SPREAD_PARTS, SecondPass, second_pass
from eventstudy.evaluate.across_events import (
    Chosen,
    Summed,
    chosen_tests,
    correlation_of,
    day_rows,
    group_rows,
    shared_by,
    wanted_tests,
)
from eventstudy.evaluate.members import Group, groups_of
from eventstudy.evaluate.placed import PlacedEvents, layout_of, outcomes_of, pair_sums_of, placed_events
from eventstudy.records import GroupDay, GroupRow

if TYPE_CHECKING:
    from eventstudy.results import Studied


def group_tests(studied: Studied) -> tuple[GroupRow, ...]:
    """Every wanted cross-sectional test on every group of two or more events."""
    if studied.block is None or not wanted_tests(studied.spec):
        return ()
    study = _InMemory.of(studied)
    tally, layout = study.first_pass(), study.layout
    chosen = chosen_tests(tally, study.events.calendars, layout, studied.spec)
    shared = shared_by(tally, chosen, layout, study.pair_sums(chosen), study.own_overlaps(tally))
    more = study.second_pass(tally, chosen, shared)
    summed = Summed(
        tally=tally,
        summaries=with_second_pass(tally, more),
        shared=shared,
        chosen=chosen,
        layout=layout,
        values=study.values,
    )
    return group_rows(summed, study.names, studied.spec)


def group_days(studied: Studied) -> tuple[GroupDay, ...]:
    """AAR and average CAR path of every group, by event day; each day over the events that have it."""
    if studied.block is None:
        return ()
    study, total = _InMemory.of(studied), Tally.empty()
    for rows in study.chunks():
        ar = studied.block.abnormal.ar[rows]
        total.add(Tally({number: days_of(ar, member) for number, member in study.members(rows).items()}, {}, {}))
    return day_rows(total.days, study.names, studied.spec)


@dataclass(frozen=True, slots=True)
class _InMemory:
    """A study whose events are all in memory, as the passes over its chunks take it."""

    studied: Studied
    block: Block
    events: PlacedEvents
    groups: tuple[Group, ...]
    layout: Layout
    # (groups, E): whether a group counts an event
    counted: Bools

    @classmethod
    def of(cls, studied: Studied) -> _InMemory:
        assert studied.block is not None, "only called with a block"
        events = placed_events(studied)
        groups = groups_of(studied, events)
        counted = np.zeros((len(groups), len(events.date)), dtype=bool)
        for number, group in enumerate(groups):
            counted[number, group.rows] = True
        return cls(studied, studied.block, events, groups, layout_of(studied), counted)

    @property
    def names(self) -> list[tuple[str, int]]:
        return [(group.name, number) for number, group in enumerate(self.groups)]

    def chunks(self) -> list[Ints]:
        n = len(self.events.date)
        return [np.arange(at, min(at + CHUNK, n)) for at in range(0, n, CHUNK)]

    def members(self, rows: Ints) -> dict[int, Member]:
        """The groups' events among those of a chunk; rows of the file are counted with the first chunk."""
        first = len(rows) > 0 and rows[0] == 0
        return {
            number: Member(self.counted[number, rows], group.n_rows if first else 0)
            for number, group in enumerate(self.groups)
        }

    def outcomes(self, rows: Ints, *, residuals: bool) -> Outcomes:
        return outcomes_of(self.studied, self.events, rows, residuals=residuals)

    def first_pass(self) -> Tally:
        total, parts = Tally.empty(), parts_read(wanted_tests(self.studied.spec))
        again, n_places = bool(parts & SPREAD_PARTS), len(self.events.calendars.days)
        for rows in self.chunks():
            found = self.outcomes(rows, residuals=False)
            total.add(tallied(found, self.members(rows), self.layout, parts, n_places, spread=again))
        return total

    def pair_sums(self, chosen: Chosen) -> dict[int, PairSums]:
        """Window -> the sums over pairs of its samples."""
        windows = chosen.windows()
        if not windows:
            return {}
        known = np.isfinite(self.block.cars.car) & np.isfinite(self.block.exact.std_error)

        def shares(rows: Ints) -> list[Floats]:
            return [
                (self.counted[[group for group, _ in keys]][:, rows] & known[rows, w]).T.astype(np.float64)
                for w, keys in windows.items()
            ]

        some = np.flatnonzero(self.counted[[group for group, _ in chosen.in_pairs]].any(axis=0))
        return dict(zip(windows, pair_sums_of(self.studied, self.events, some, list(windows), shares), strict=True))

    def second_pass(
        self, tally: Tally, chosen: Chosen, shared: Mapping[GroupWindow, Dependence]
    ) -> dict[GroupWindow, SecondPass]:
        """What needs residuals, or the whole sample's spread."""
        total: dict[GroupWindow, SecondPass] = {}
        keys = [key for key, test in tally.tested.items() if key[1] != OWN and test.summary.n > 1]
        if not chosen.parts or not self.layout.tested:
            return total
        for rows in self.chunks():
            found = self.outcomes(rows, residuals=True)
            for key in keys:
                sample = found.sample(self.counted[key[0], rows], key[1], self.layout)
                r = correlation_of(shared[key])
                added_pass(total, {key: second_pass(sample, tally.tested[key].spread, r, chosen.parts)})
        return total

    def own_overlaps(self, tally: Tally) -> dict[GroupWindow, int]:
        """Pairs of events whose own windows overlap."""
        if not self.layout.own:
            return {}
        spec, everyone = self.studied.spec, np.arange(len(self.events.date))
        own = self.studied.own
        assert own is not None, "rows name windows"
        starts, ends = (np.array([getattr(window, name) for window in spec.windows]) for name in ("start", "end"))
        found = {}
        whole = self.outcomes(everyone, residuals=False)
        for group, w in tally.tested:
            if w == OWN:
                rows, at = whole.rows(self.counted[group], OWN, self.layout)
                place = self.events.place[rows]
                found[group, w] = overlapping_own(*self.events.calendars.reach(place, starts[at], ends[at]))
        return found

    def values(self, key: GroupWindow) -> dict[str, Floats]:
        """CAR, BHAR and date of every event of a sample."""
        whole = self.outcomes(np.arange(len(self.events.date)), residuals=False)
        rows, at = whole.rows(self.counted[key[0]], key[1], self.layout)
        return {
            "car": whole.car[rows, at],
            "bhar": whole.bhar[rows, at],
            "date": whole.date[rows].astype(np.float64),
        }
