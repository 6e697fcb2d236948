"""The events that pages show, picked while blocks of a study go by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from eventstudy.data.event_index import EventIndex
from eventstudy.data.row_keys import lowest
from eventstudy.engine.block import Block, chosen, joined, select
from eventstudy.engine.panel import Ints
from eventstudy.measured import MeasuredEvents, end_to_end
from eventstudy.results import LISTED, PAGES
from eventstudy.roster import REPORTED, primary_windows
from eventstudy.scale.measured import Job
from eventstudy.spec import StudySpec

if TYPE_CHECKING:
    from eventstudy.scale.chunk import BlockResult

# claims that are compared with the data where not all events are kept
MOST_CLAIMS = 1_000
Picked = tuple[MeasuredEvents, Block]


@dataclass(slots=True, kw_only=True)
class Shown:
    """Events of the first announcements, those with the smallest p values, and those that claim something.

    Attributes
    ----------
    claims : bool (n,)
        Rows that claim something.
    first, smallest : list of (MeasuredEvents, Block)
        What has been picked, one entry per block; the second holds at most one.
    pages : set of str
        The first announcements.
    n_seen, n_claims : int
        Reported events that have gone by, and claims that were picked.
    """

    index: EventIndex
    spec: StudySpec
    claims: np.ndarray
    first: list[Picked] = field(default_factory=list)
    smallest: list[Picked] = field(default_factory=list)
    pages: set[str] = field(default_factory=set)
    n_seen: int = 0
    n_claims: int = 0

    def offer(self, found: BlockResult) -> None:
        """Pick from the candidates of a block of events, in the order of the file."""
        if found.candidates is None or found.measured is None:
            return
        some, block = found.candidates
        reported = np.flatnonzero(some.events.marked(REPORTED))
        early = self._early(reported, some.events.row)
        claimed = reported[self.claims[some.events.row[reported]]][: max(0, MOST_CLAIMS - self.n_claims)]
        self.n_seen += int(found.measured.events.marked(REPORTED).sum())
        self.n_claims += len(claimed)
        at = np.union1d(early, claimed)
        if len(at):
            self.first.append((some.take(at), select(block, at)))
        low = np.sort(reported[lowest(_p(some, self.spec)[reported], LISTED)])
        both = _together([*self.smallest, (some.take(low), select(block, low))])
        order = lowest(_p(both[0], self.spec), LISTED)
        self.smallest = [(both[0].take(order), select(both[1], order))]

    def _early(self, reported: Ints, rows: np.ndarray) -> Ints:
        """Events of the first announcements among those of a block."""
        some = reported[: max(0, PAGES * 20 - self.n_seen)]
        ids = self.index.events.ids.take(rows[some])
        for name in ids:
            if len(self.pages) < PAGES:
                self.pages.add(name)
        return np.asarray(some[np.array([name in self.pages for name in ids], dtype=bool)])

    def picked(self) -> Picked | tuple[None, None]:
        """The picked events, each once, in the order of the file."""
        if not self.smallest:
            return None, None
        measured, block = _together([*self.first, *self.smallest])
        _, at = np.unique(measured.events.row, return_index=True)
        return measured.take(at), select(block, at)


def candidates_of(
    measured: Sequence[MeasuredEvents], blocks: Sequence[Block], lost: Sequence[Ints], job: Job
) -> Picked:
    """Of the chunks of a block the studied events that pages may show: the first ones, the first with claims, and those
    with the smallest p values.

    Parameters
    ----------
    measured, blocks
        The studied events and all events of each chunk.
    lost : sequence of int64
        Positions of events that are not studied.
    """
    assert job.claims is not None, "asked of rows whose claims are known"
    rows = np.concatenate([part.events.row for part in measured])
    reported = np.flatnonzero(np.concatenate([part.events.marked(REPORTED) for part in measured]))
    p = np.concatenate([_p(part, job.spec) for part in measured])
    claimed = reported[job.claims[rows[reported]]][:MOST_CLAIMS]
    low = reported[np.argsort(p[reported], kind="stable")[:LISTED]]
    at = np.unique(np.concatenate([reported[: PAGES * 20], claimed, low]))
    edges = np.cumsum([0, *map(len, measured)])
    some = [part.take(at[(at >= a) & (at < b)] - a) for part, (a, b) in zip(measured, pairwise(edges), strict=True)]
    kept = np.setdiff1d(np.arange(sum(len(block.measures.s2) for block in blocks)), np.concatenate(lost))
    return end_to_end(some), chosen(blocks, kept[at])


def _p(found: MeasuredEvents, spec: StudySpec) -> np.ndarray:
    return np.asarray(found.windows["p_t"][np.arange(len(found)), primary_windows(found.events, spec)])


def _together(parts: list[Picked]) -> Picked:
    return end_to_end([measured for measured, _ in parts]), joined([block for _, block in parts])
