"""Sessions around an event: bits of other events and of prices, and the sessions that they mask."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import numpy as np

from eventstudy.engine.panel import Bools, Ints
from eventstudy.engine.windows import WindowPlan, cut

# sessions masked on either side of the day 0 of another announcement
MASK_REACH = 1
# days up to which bits are joined day by day
NARROW = 12
# what happens to a firm on a session, one bit each
MASKING, OTHER, CONFOUNDED = (1 << bit for bit in range(3))
# the first session after a hole that no return bridges; the other bits of sessions belong to ``quality``
RESUMED = np.uint32(1 << 16)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Bits of sessions around events, in event time.

    Attributes
    ----------
    cells : uint32 (E, width)
        From ``low`` days before day 0 on; sessions outside the calendar have no bit.
    """

    cells: np.ndarray
    low: int

    @classmethod
    def of(cls, bits: np.ndarray, series: Ints, session: Ints, low: int, high: int) -> Surroundings:
        """The bits from ``low`` days before to ``high`` days after some sessions."""
        found = cut(bits, series, session.astype(np.int64) - low, low + high + 1, np.uint32(0))
        return cls(found, low)

    def any(self, start: int, end: int) -> np.ndarray:
        """Bits that occur from day ``start`` to day ``end``; uint32 (E,)."""
        days = self.cells[:, self.low + start : self.low + end + 1]
        if 0 < days.shape[1] <= NARROW:
            # a few long columns are read faster than many short rows
            return reduce(np.bitwise_or, days.T)
        return np.asarray(np.bitwise_or.reduce(days, axis=1))

    def masked(self, plan: WindowPlan, *, catalogue: bool = True) -> Bools:
        """Days (E, D) that an event leaves out: those before a hole that no return bridges, and with ``catalogue``
        ``MASK_REACH`` sessions around every masking session of the firm other than its own day 0, which lies outside
        its estimation window."""
        start = self.low + plan.estimation_start
        found = self._before_hole()[:, start : start + plan.n_days]
        if catalogue:
            own = (self.cells & MASKING) > 0
            own[:, self.low] = False
            for shift in range(-MASK_REACH, MASK_REACH + 1):
                found = found | own[:, start + shift : start + shift + plan.n_days]
        return found

    def _before_hole(self) -> Bools:
        """Sessions from which a hole lies between them and day 0; bool, as ``cells``."""
        found = np.zeros(self.cells.shape, dtype=bool)
        if (self.any(-self.low, 0) & RESUMED).any():
            resumed = (self.cells[:, : self.low + 1] & RESUMED) > 0
            later = np.logical_or.accumulate(resumed[:, ::-1], axis=1)[:, ::-1]
            found[:, : self.low] = later[:, 1:]
        return found


def masked_history(bits: np.ndarray, across: int = 0, *, catalogue: bool = True) -> Bools:
    """Sessions that pseudo-events of each series leave out, in calendar time; bool (S, T).

    Parameters
    ----------
    bits : uint32 (S, T)
    across : int
        Sessions that a pseudo-event and its estimation window span: so many before a hole that no return bridges are
        left out, and no estimation window holds sessions of both sides.
    catalogue : bool
        Leave out the sessions around what is catalogued.
    """
    own = (bits & MASKING) > 0 if catalogue else np.zeros(bits.shape, dtype=bool)
    wide = own.copy()
    for shift in range(1, MASK_REACH + 1):
        wide[:, shift:] |= own[:, :-shift]
        wide[:, :-shift] |= own[:, shift:]
    if across:
        for row, session in np.argwhere((bits & RESUMED) > 0).tolist():
            wide[row, max(0, session - across) : session] = True
    return wide
