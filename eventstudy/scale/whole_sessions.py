"""The sessions of the events that pages show, with every firm that shares them, of studies that do not keep events."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from eventstudy.data.event_index import seeds_of
from eventstudy.engine.block import joined
from eventstudy.engine.panel import Bools, Ints
from eventstudy.results import Studied
from eventstudy.scale.chunk import study_block
from eventstudy.scale.measured import Job

# events of whole sessions that are measured again, in all and at a time
MOST, AT_ONCE = 1_024, 512


@dataclass(frozen=True, kw_only=True)
class WholeSessions:
    """Sessions of shown events that others share.

    Attributes
    ----------
    shown : Studied
        The events that pages show; those of ``prepared`` are all of the study.
    kept : bool (n,)
        Which of all were studied.
    """

    shown: Studied
    job: Job
    kept: Bools

    @property
    def rows(self) -> np.ndarray:
        """Rows of the events table that were studied, shown or not."""
        return np.asarray(self.shown.prepared.roster.row[self.kept])

    @cached_property
    def positions(self) -> list[Ints]:
        """Positions of the events of each session among those of ``prepared``, by date; sessions of one event are left
        out."""
        events, facts = self.shown.prepared.roster, self.shown.prepared.panel.facts
        days = facts.day(events.series, events.session)
        shown = self.shown.rows[np.array(self.shown.reported, dtype=np.int64)]
        wanted = np.unique(days[np.isin(events.row, shown)])
        at = np.flatnonzero(self.kept & np.isin(days, wanted))
        at = at[np.argsort(days[at], kind="stable")]
        each = np.split(at, np.flatnonzero(np.diff(days[at])) + 1)
        return [one for one in each if len(one) > 1]

    @cached_property
    def lacking(self) -> set[int]:
        """Day 0, in days since 1970, of the sessions some of whose events are not shown."""
        events, facts = self.shown.prepared.roster, self.shown.prepared.panel.facts
        some = [one[0] for one in self.positions if not np.isin(events.row[one], self.shown.rows).all()]
        first = np.array(some, dtype=np.int64)
        return set(facts.day(events.series[first], events.session[first]).tolist())

    @property
    def n_events(self) -> int:
        """Events of all these sessions."""
        return sum(map(len, self.positions))

    def parts(self) -> Iterator[Studied]:
        """The events of some sessions at a time, measured again; those that pages show are reported."""
        waiting: list[Ints] = []
        for one in self.positions:
            if waiting and sum(map(len, waiting)) + len(one) > AT_ONCE:
                yield self._measured(np.concatenate(waiting))
                waiting = []
            waiting.append(one)
        if waiting:
            yield self._measured(np.concatenate(waiting))

    def _measured(self, at: Ints) -> Studied:
        shown, roster = self.shown, self.shown.prepared.roster
        events = roster.take(np.sort(at)).part(0, len(at))
        job = replace(self.job, keep=True, claims=None, daily=False, spool=False, single=frozenset())
        found = study_block(job, events, seeds_of(shown.index, events.row))
        assert found.measured is not None and not len(found.lost), "the first pass studied them"
        reported = np.flatnonzero(np.isin(events.row, shown.rows[np.array(shown.reported, dtype=np.int64)]))
        return replace(
            shown, measured=found.measured, block=joined(found.blocks), reported=tuple(reported.tolist()), _cells={}
        )
