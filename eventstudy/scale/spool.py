"""CARs of every studied event, for the tests that need them all at once: in memory, or on the disk when large."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from eventstudy.engine.aggregates import OWN, GroupWindow
from eventstudy.engine.panel import Floats, Ints
from eventstudy.roster import COUNTS_IN_ALL, COUNTS_IN_OWN, Roster, end_to_end


@dataclass(slots=True, kw_only=True)
class Spool:
    """CARs and BHARs of every studied event.

    Attributes
    ----------
    path : Path or None
        A file of blocks of float64 (3, W, n): CAR, BHAR, whether the event is in the sample; None keeps them in memory.
    parts : list of Roster
        The studied events of each block.
    blocks : list of arrays
        The blocks themselves, where there is no file.
    """

    path: Path | None
    n_windows: int
    parts: list[Roster] = field(default_factory=list)
    blocks: list[Floats] = field(default_factory=list)

    def add(self, events: Roster, block: Floats) -> None:
        """Append the studied events of a block."""
        self.parts.append(events)
        if self.path is None:
            self.blocks.append(block)
            return
        with self.path.open("ab") as handle:
            handle.write(np.ascontiguousarray(block).tobytes())

    def _read(self) -> Iterator[Floats]:
        if self.path is None:
            yield from self.blocks
            return
        with self.path.open("rb") as handle:
            for part in self.parts:
                count = 3 * self.n_windows * len(part)
                yield np.fromfile(handle, count=count).reshape(3, self.n_windows, len(part))

    def sample(self, key: GroupWindow) -> tuple[Roster, Floats, Floats]:
        """The events of the sample of (group, window) in file order, their CARs and their BHARs; over ``OWN`` each
        event over its own window."""
        group, w = key
        found: list[tuple[Roster, Floats, Floats]] = []
        for part, (car, bhar, known) in zip(self.parts, self._read(), strict=True):
            column: Ints = np.full(len(part), w) if w != OWN else part.own.astype(np.int64)
            counts = part.marked(COUNTS_IN_ALL if group == 0 else COUNTS_IN_OWN)
            member = counts & ((part.group == group) | (group == 0)) & (column >= 0)
            at = np.flatnonzero(member)
            at = at[known[column[at], at] > 0]
            found.append((part.take(at), car[column[at], at], bhar[column[at], at]))
        events = end_to_end([events for events, _, _ in found])
        car, bhar = (np.concatenate([one[k] for one in found]) for k in (1, 2))
        del found
        if (np.diff(events.row) > 0).all():
            return events, car, bhar
        order = np.argsort(events.row, kind="stable")
        return events.take(order), car[order], bhar[order]
