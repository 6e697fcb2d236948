"""The ordinary days that an event is ranked among, on the scale of the event."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from eventstudy.engine.block import select
from eventstudy.engine.significance.conformal import rings
from eventstudy.engine.significance.rank_limits import FEWEST
from eventstudy.engine.significance.rank_local import local_moves

if TYPE_CHECKING:
    from eventstudy.engine.panel import Floats, Ints
    from eventstudy.results import Studied


def ordinary_moves(studied: Studied, positions: Ints) -> list[Floats]:
    """For each of some studied rows, the windows of its own past that ``rank-local`` compares its primary window with,
    in returns on the scale of the event: the event itself is at its CAR.

    Each is measured relative to the 20 sessions before it, as the event is, so that exactly those lie as far from zero
    as the event that its rank counts. Empty where there are too few.
    """
    assert studied.block is not None, "rows were studied"
    block = select(studied.block, positions)
    context, design = block.context, block.design
    primary = studied.primary[positions]
    found: list[Floats] = [np.empty(0) for _ in positions]
    for w in np.unique(primary).tolist():
        used, z = context.with_window(w)
        days = design.days(*context.options.windows[w])
        before = used.copy()
        before[:, : days.start] = design.usable[:, : days.start]
        rows = np.flatnonzero(context.known(w) & (primary == w))
        for some, ring, roots in rings(z, before, design.span, rows, days):
            moves = local_moves(ring, roots)
            if len(moves) < FEWEST:
                continue
            for column, row in enumerate(some.tolist()):
                own, car = moves[-1, column], block.measures.car[row, w]
                if np.isfinite(own) and own:
                    found[row] = moves[:-1, column] * (car / own)
    return found
