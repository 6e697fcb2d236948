"""Aligned series of one calendar as arrays of all of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eventstudy.data.calendar import TradingCalendar
from eventstudy.data.returns import AlignedSeries
from eventstudy.engine.panel import Bools, Floats, Ints

# sessions of all series together
AT_ONCE = 1 << 14


@dataclass(frozen=True, slots=True)
class Stack:
    """S series on the T sessions of one calendar, with the names of ``AlignedSeries``; arrays (S, T).

    Attributes
    ----------
    factors : float64 (S, K, T)
    own_benchmark : bool (S,)
        The ticker is its own first benchmark.
    first, last, benchmark_last : int64 (S,)
    """

    calendar: TradingCalendar
    kind: str
    own_benchmark: Bools
    total: Floats
    price: Floats
    offset: Floats
    factors: Floats
    span: Ints
    traded: Bools
    benchmark_traded: Bools
    quoted: Floats
    doubt: NDArray[np.uint8]
    hole: Bools
    resumed: Bools
    dropped: Bools
    first: Ints
    last: Ints
    benchmark_last: Ints

    @classmethod
    def of(cls, series: Sequence[AlignedSeries]) -> Stack:
        """Series that share their calendar, kind and number of benchmarks."""
        own = np.array([one.ticker in one.benchmarks[:1] for one in series])
        arrays = {name: np.array([getattr(one, name) for one in series]) for name in STACKED}
        return cls(series[0].calendar, series[0].kind, own, **arrays)


STACKED = tuple(Stack.__slots__[3:])


def in_stacks(series: Sequence[AlignedSeries]) -> Iterator[slice]:
    """Parts of a list whose series can be looked at together."""
    start = 0
    for at in range(1, len(series) + 1):
        one = series[start]
        alike = at < len(series) and _form(series[at]) == _form(one)
        if not alike or (at - start + 1) * len(one.total) > AT_ONCE:
            yield slice(start, at)
            start = at


def _form(series: AlignedSeries) -> tuple[int, str, int]:
    """What series of one stack have in common."""
    return id(series.calendar), series.kind, len(series.factors)
