"""The events that pages show, picked while blocks of a study go by."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from eventstudy.data.event_index import EventIndex
from eventstudy.data.row_keys import lowest
from eventstudy.engine.block import Block, chosen, joined, select
from eventstudy.engine.panel import Ints
from eventstudy.measured import MeasuredEvents, end_to_end
from eventstudy.results import LISTED, PAGES
from eventstudy.roster import REPORTED, primary_windows
from eventstudy.scale.chunk import BlockResult
from eventstudy.spec import StudySpec

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
        """Pick from a block of events, in the order of the file."""
        if found.measured is None or not len(found.measured) or not found.blocks:
            return
        blocks, events = found.blocks, found.measured.events
        kept = np.setdiff1d(np.arange(sum(len(block.measures.s2) for block in blocks)), found.lost)
        reported = np.flatnonzero(events.marked(REPORTED))
        early = self._early(reported, events.row)
        claimed = reported[self.claims[events.row[reported]]][: max(0, MOST_CLAIMS - self.n_claims)]
        self.n_seen, self.n_claims = self.n_seen + len(reported), self.n_claims + len(claimed)
        at = np.union1d(early, claimed)
        if len(at):
            self.first.append((found.measured.take(at), chosen(blocks, kept[at])))
        low = np.sort(reported[lowest(_p(found.measured, self.spec)[reported], LISTED)])
        both = _together([*self.smallest, (found.measured.take(low), chosen(blocks, kept[low]))])
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


def _p(found: MeasuredEvents, spec: StudySpec) -> np.ndarray:
    return np.asarray(found.windows["p_t"][np.arange(len(found)), primary_windows(found.events, spec)])


def _together(parts: list[Picked]) -> Picked:
    return end_to_end([measured for measured, _ in parts]), joined([block for _, block in parts])
