"""Figures that deserve a second look, per session of a series; each is a flag, never a correction."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from eventstudy.data.prices import BY_HEADING, SPLIT_UNCLEAR
from eventstudy.data.returns import AlignedSeries

Bools = NDArray[np.bool_]

BAD_TICK_RETURN = 0.25
BAD_TICK_REVERSAL = 0.1
STALE_RUN = 5


# what is known of a session of a series, one bit each; the bits below belong to ``event_index``
TRADED, STALE, BAD_TICK, GAP, MISSING, UNCLEAR, HEADING = (1 << bit for bit in range(3, 10))


def quality_bits(series: AlignedSeries) -> np.ndarray:
    """What deserves a second look on each session of a series, bits of the constants above; uint16 (T,).

    ``UNCLEAR`` and ``HEADING`` mark the sessions whose returns depend on a split or a basis that was not decided.
    """
    found = (
        (TRADED, series.traded),
        (STALE, stale(series)),
        (BAD_TICK, bad_tick(series)),
        (GAP, benchmark_gap(series)),
        (MISSING, missing(series)),
        (UNCLEAR, series.doubt & SPLIT_UNCLEAR > 0),
        (HEADING, series.doubt & BY_HEADING > 0),
    )
    bits = np.zeros(len(series.total), dtype=np.uint16)
    for bit, where in found:
        bits |= np.where(where, np.uint16(bit), np.uint16(0))
    return bits


def bad_tick(series: AlignedSeries) -> Bools:
    """One-session returns beyond 25 % that the next session takes back to within a tenth of the move: bool (T,)."""
    simple = np.expm1(series.price) if series.kind == "log" else series.price
    found = np.zeros(len(simple), dtype=bool)
    move, after = simple[:-1], simple[1:]
    both = (1 + move) * (1 + after) - 1
    with np.errstate(invalid="ignore"):
        found[:-1] = (np.abs(move) > BAD_TICK_RETURN) & (np.abs(both) <= BAD_TICK_REVERSAL * np.abs(move))
    # after a hole the return covers several sessions, and such a move is no tick
    found[:-1] &= (series.span[:-1] == 1) & (series.span[1:] == 1)
    return found


def stale(series: AlignedSeries) -> Bools:
    """Sessions within a run of five or more identical consecutive closes: bool (T,)."""
    found = np.zeros(len(series.close), dtype=bool)
    positions = np.flatnonzero(series.traded)
    if not len(positions):
        return found
    values = series.close[positions]
    starts = np.flatnonzero(np.concatenate([[True], values[1:] != values[:-1]]))
    lengths = np.diff(np.append(starts, len(values)))
    found[positions] = np.repeat(lengths >= STALE_RUN, lengths)
    return found


def missing(series: AlignedSeries) -> Bools:
    """Sessions between the ticker's first and last close without a close, or with closes and no return: bool (T,)."""
    found = np.zeros(len(series.close), dtype=bool)
    if series.first >= 0:
        lost = ~series.traded | (series.benchmark_traded & np.isnan(series.total))
        # the first close ends no return
        lost[series.first] = False
        found[series.first : series.last + 1] = lost[series.first : series.last + 1]
    return found


def benchmark_gap(series: AlignedSeries) -> Bools:
    """Sessions on which the ticker traded and some benchmark has no close, up to the benchmarks' last: bool (T,)."""
    found = series.traded & ~series.benchmark_traded
    found[series.benchmark_last + 1 :] = False
    return found
