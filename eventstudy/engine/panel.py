"""The returns a study works on, in calendar time."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Shorts = NDArray[np.int16]
Bools = NDArray[np.bool_]

# sessions of one return: 130 years
LONGEST_SPAN = 2**15 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnPanel:
    """Returns of S series and of the factors that explain them, on T sessions. Raises ``ValueError`` if shapes differ
    or a return covers more than ``LONGEST_SPAN`` sessions.

    Attributes
    ----------
    returns : float64 (S, T)
        Decimal total return of the session; NaN where there is none. After missing sessions the first return covers
        all of them (trade-to-trade).
    factors : float64 (S, K, T)
        Factor returns over the same sessions as ``returns``; may be a broadcast view. NaN where missing.
    span : int16 (S, T)
        Sessions that the return covers: 1 normally, n + 1 after n missing sessions, 0 where there is no return. Given
        as another whole number it is made short: an event reads two bytes a day of it.
    day_number : int64 (S, T)
        Calendar day of each session (days since 1970-01-01), which aligns series of different calendars.
    offset : float64 (S, T) or None
        What was taken off the returns before they came here (the risk-free return of a factor model); None is nothing.
    """

    returns: Floats
    factors: Floats
    span: Shorts | Ints
    day_number: Ints
    offset: Floats | None = None

    def __post_init__(self) -> None:
        shape = self.returns.shape
        if len(shape) != 2 or self.span.shape != shape or self.day_number.shape != shape:
            raise ValueError(f"returns {shape}, span {self.span.shape}, day_number {self.day_number.shape} differ")
        if self.factors.ndim != 3 or (self.factors.shape[0], self.factors.shape[2]) != shape:
            raise ValueError(f"factors {self.factors.shape} do not fit returns {shape}")
        if self.span.dtype != np.int16:
            short = self.span.astype(np.int16)
            if not np.array_equal(short, self.span):
                raise ValueError(f"span: a return covers 0 to {LONGEST_SPAN} sessions")
            object.__setattr__(self, "span", short)

    @property
    def n_sessions(self) -> int:
        """T, the number of sessions."""
        return int(self.returns.shape[1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """E events on a panel, in any order.

    Attributes
    ----------
    series, session : int64 (E,)
        Row of the panel and position of day 0.
    masked : bool (E, D)
        Days each event leaves out of its estimation window.
    history_mask : bool (S, T)
        Sessions of catalogued events of each series, for its pseudo-events.
    seed : int64 (E,)
        Of each event's resampling, from its name alone.
    """

    series: Ints
    session: Ints
    masked: Bools
    history_mask: Bools
    seed: Ints

    def part(self, start: int, stop: int) -> Placed:
        """Events start to stop."""
        return self.chosen(slice(start, stop))

    def chosen(self, rows: slice | Ints) -> Placed:
        """Some of the events."""
        return replace(
            self,
            series=self.series[rows],
            session=self.session[rows],
            masked=self.masked[rows],
            seed=self.seed[rows],
        )
