"""Figures that deserve a second look, per session of a series; each is a flag, never a correction."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eventstudy.data.prices import BY_HEADING, SPLIT_UNCLEAR
from eventstudy.data.returns import AlignedSeries

Bools = NDArray[np.bool_]

BAD_TICK_RETURN = 0.25
BAD_TICK_REVERSAL = 0.1
STALE_RUN = 5


@dataclass(frozen=True, slots=True)
class Quality:
    """What deserves a second look in a series; bool (T,) each, see the functions of the same names.

    ``split_unclear`` and ``basis_by_heading`` mark the sessions whose returns depend on what was not decided.
    """

    bad_tick: Bools
    stale: Bools
    missing: Bools
    benchmark_gap: Bools
    split_unclear: Bools
    basis_by_heading: Bools


def inspect(series: AlignedSeries) -> Quality:
    """Every check of this module on one series."""
    return Quality(
        bad_tick=bad_tick(series),
        stale=stale(series),
        missing=missing(series),
        benchmark_gap=benchmark_gap(series),
        split_unclear=series.doubt & SPLIT_UNCLEAR > 0,
        basis_by_heading=series.doubt & BY_HEADING > 0,
    )


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
    """Sessions between the ticker's first and last close on which it has none: bool (T,)."""
    found = np.zeros(len(series.close), dtype=bool)
    if series.first >= 0:
        found[series.first : series.last + 1] = ~series.traded[series.first : series.last + 1]
    return found


def benchmark_gap(series: AlignedSeries) -> Bools:
    """Sessions on which the ticker traded and some benchmark has no close, up to the benchmarks' last: bool (T,)."""
    found = series.traded & ~series.benchmark_traded
    found[series.benchmark_last + 1 :] = False
    return found
