"""Which events make a group, each firm and day 0 counted once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from eventstudy.data.cells import OUTCOME
from eventstudy.engine.panel import Bools, Ints
from eventstudy.evaluate.placed import PlacedEvents
from eventstudy.roster import ALL

if TYPE_CHECKING:
    from eventstudy.results import Studied


@dataclass(frozen=True, slots=True)
class Group:
    """A group of a study.

    Attributes
    ----------
    rows : int64 (n,)
        Positions of its events, one per (ticker, day 0): the first row of the file represents its duplicates.
    n_rows : int
        Rows before duplicates are counted once.
    """

    name: str
    rows: Ints
    n_rows: int


def groups_of(studied: Studied, events: PlacedEvents) -> tuple[Group, ...]:
    """``all``, which holds the direct rows only, then the values of the ``--by`` column in order; events
    picked because of their outcome are in none."""
    counted = [i for i in studied.reported if studied.text(i, "role") != OUTCOME]
    shown = np.array(counted, dtype=np.int64)
    direct = np.array([studied.text(i, "role") == "direct" for i in counted], dtype=bool)
    names, own = np.unique([studied.text(i, studied.spec.by) or "(empty)" for i in counted], return_inverse=True)
    found = [_group(ALL, shown, direct, events)]
    others = ((name, own == code) for code, name in enumerate(names.tolist()) if name != ALL)
    return (*found, *(_group(name, shown, inside, events) for name, inside in others))


def _group(name: str, shown: Ints, inside: Bools, events: PlacedEvents) -> Group:
    return Group(name, once(shown[inside], events), int(inside.sum()))


def once(rows: Ints, events: PlacedEvents) -> Ints:
    """The rows in their order, the first of each (ticker, day 0)."""
    identity = events.ticker[rows] << 32 | events.date[rows] + 2**31
    _, first = np.unique(identity, return_index=True)
    return np.asarray(rows[np.sort(first)])
