"""Figures that deserve a second look, per session of a series; each is a flag, never a correction."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from eventstudy.data.levels import huge_move, level_break, moves_of, spike
from eventstudy.data.prices import BY_HEADING, DOUBTFUL, OFF_CALENDAR, SPLIT_UNCLEAR, SPLITS_UNKNOWN, Floats
from eventstudy.data.returns import AlignedSeries
from eventstudy.data.surroundings import RESUMED

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

BAD_TICK_RETURN = 0.25
BAD_TICK_REVERSAL = 0.1
STALE_RUN = 5
# a move that counts as zero; moves of a block, how many of them may be, beside those that the tick explains, and the
# ticks that are counted
NO_MOVE, BLOCK, FEW_REPEATS, NEAR_TICKS = 1e-7, 250, 8, 5.5


# what is known of a session of a series, one bit each; the bits below belong to ``event_index``
TRADED, STALE, BAD_TICK, GAP, MISSING, UNCLEAR, HEADING, AGAINST, RAW = (1 << bit for bit in range(3, 12))
LEVEL, HUGE, TAIL, HOLE = (1 << bit for bit in range(12, 16))
CORRECTED, OFF, TWICE, REPEATS = (1 << bit for bit in range(17, 21))
# sessions of a window, and the z from which its returns go with the benchmark's of another session
LAGGED = ((500, 3.0), (250, 4.0))
CLIPPED = 4.0


def quality_bits(series: AlignedSeries) -> np.ndarray:
    """Doubts on each session of a series, bits of the constants above; uint32 (T,).

    ``UNCLEAR``, ``HEADING`` and ``RAW`` mark the sessions whose returns depend on a split or a basis that is not known,
    ``TWICE`` those of closes that occur twice or in the column of opens, ``REPEATS`` those on which the stock or its
    benchmark has the close of the session before.
    """
    every = moves_of(series)
    broken = level_break(series, every)
    # a source of returns has no prices
    own = np.where(np.isnan(series.price), series.total + series.offset, series.price)
    moves = np.vstack((own, series.factors[:1]))
    found = (
        (TRADED, series.traded),
        (STALE, stale(series) | filled_forward(moves)),
        (REPEATS, (moves == 0).any(axis=0)),
        (BAD_TICK, bad_tick(series) | spike(series, every)),
        (GAP, benchmark_gap(series)),
        (MISSING, missing(series)),
        (UNCLEAR, series.doubt & SPLIT_UNCLEAR > 0),
        (HEADING, series.doubt & BY_HEADING > 0),
        (AGAINST, against_benchmark(series)),
        (RAW, series.doubt & SPLITS_UNKNOWN > 0),
        (TWICE, series.doubt & DOUBTFUL > 0),
        (LEVEL, broken),
        (HUGE, huge_move(series, every) & ~broken),
        (TAIL, series.dropped),
        (HOLE, series.hole),
        (RESUMED, series.resumed),
        (CORRECTED, np.isin(series.calendar.sessions, series.calendar.corrected)),
        (OFF, series.doubt & OFF_CALENDAR > 0),
    )
    bits = np.zeros(len(series.total), dtype=np.uint32)
    for bit, where in found:
        if where.any():
            bits[where] |= np.uint32(bit)
    return bits


def bad_tick(series: AlignedSeries) -> Bools:
    """One-session returns beyond 25 % that the next session takes back to within a tenth of the move: bool (T,)."""
    simple = np.expm1(series.price) if series.kind == "log" else series.price
    found = np.zeros(len(simple), dtype=bool)
    move, after = simple[:-1], simple[1:]
    both = (1 + move) * (1 + after) - 1
    with np.errstate(invalid="ignore"):
        found[:-1] = (np.abs(move) > BAD_TICK_RETURN) & (np.abs(both) <= BAD_TICK_REVERSAL * np.abs(move))
    # after a hole the return covers several sessions, and such a move is not a tick
    found[:-1] &= (series.span[:-1] == 1) & (series.span[1:] == 1)
    return found


def stale(series: AlignedSeries) -> Bools:
    """Sessions within a run of five or more identical consecutive closes: bool (T,).

    Of a source of returns, within a run of four or more returns of 0, with the session before it.
    """
    found = np.zeros(len(series.close), dtype=bool)
    positions = np.flatnonzero(series.traded)
    if not len(positions):
        return found
    values = series.quoted[positions]
    # a source of returns has no closes
    moved = np.where(np.isnan(values[1:]), series.total[positions[1:]] != 0, values[1:] != values[:-1])
    starts = np.flatnonzero(np.concatenate([[True], moved]))
    lengths = np.diff(np.append(starts, len(values)))
    found[positions] = np.repeat(lengths >= STALE_RUN, lengths)
    return found


def filled_forward(moves: Floats) -> Bools:
    """Moves of 0 in years that have more of them than the tick explains, of any row of ``moves``: bool (T,).

    A close repeats the one before by chance about as often as it lies one given number of ticks away; the tick is the
    smallest move of the year, and those up to five of it are counted. Beyond that rows were filled, or the stock did
    not trade. Of 506 US firms over eleven years only the two that were quoted and hardly traded for years are found; of
    their last 460 closes, 10 % of them filled forward, all.

    Parameters
    ----------
    moves : float64 (K, T)
        Returns without dividends; NaN where there is none.
    """
    found = np.zeros(moves.shape[1], dtype=bool)
    size = np.abs(moves)
    for row, none in zip(size, size <= NO_MOVE, strict=True):
        known = np.flatnonzero(np.isfinite(row))
        if np.count_nonzero(none) <= FEW_REPEATS:
            continue
        for first in range(0, max(len(known) - BLOCK // 2, 1), BLOCK):
            # what is left of half a block or less belongs to the last
            block = known[first : first + BLOCK] if len(known) - first > 3 * BLOCK // 2 else known[first:]
            still = block[none[block]]
            steps = row[block[~none[block]]]
            near = np.count_nonzero(steps <= NEAR_TICKS * steps.min()) if len(steps) else 0
            if len(still) > FEW_REPEATS * max(len(block) / BLOCK, 1) + 3 * near / 8:
                found[still] = True
            if len(block) > BLOCK:
                break
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


def against_benchmark(series: AlignedSeries) -> Bools:
    """Sessions in windows whose returns go with the benchmark's of the session before or after: bool (T,).

    The difference of two correlations on Fisher's scale, that with the neighbour less that of the same session (none
    where it is negative), is compared with its standard error in windows of ``LAGGED``, each half a window after the
    other. Returns are clipped at four times their median size. Of 505 US firms against SPY, 2015 to 2026, none has an
    alarm; of their returns moved by a session 92 % of the sessions lie in a window that has one.
    """
    n, found = len(series.total), np.zeros(len(series.total), dtype=bool)
    if not len(series.factors):
        return found
    known = np.isfinite(series.total) & np.isfinite(series.factors[0]) & (series.span == 1)
    used = np.flatnonzero(known)
    if len(used) < min(width for width, _ in LAGGED):
        return found
    first = int(used[0])
    returns = np.stack((series.total[used], series.factors[0][used]))
    sizes = CLIPPED * np.median(np.abs(returns), axis=1)[:, None]
    both = np.zeros((2, n - first))
    both[:, used - first] = np.minimum(np.maximum(returns, -sizes), sizes)
    (own, market), there = both, known[first:]
    stops = [np.arange(n - first, width - 1, -(width // 2)) for width, _ in LAGGED]
    widths, limits = np.repeat(np.array(LAGGED), [len(ends) for ends in stops], axis=0).T
    stop = np.concatenate(stops)
    start = stop - widths.astype(np.int64)
    if not len(stop):
        return found
    sums = (
        _sums((own, there), (market, there), start, stop),
        _sums((own[1:], there[1:]), (market[:-1], there[:-1]), start, stop - 1),
        _sums((own[:-1], there[:-1]), (market[1:], there[1:]), start, stop - 1),
    )
    r, count = _correlations(np.stack(sums, axis=1))
    with np.errstate(invalid="ignore"):
        z = (np.arctanh(r[1:]) - np.arctanh(np.maximum(r[0], 0))) * np.sqrt(np.maximum(count[1:] - 3, 0) / 2)
        alarms = ((z > limits) & (count[1:] >= widths // 2)).any(axis=0)
    for at in np.flatnonzero(alarms).tolist():
        found[first + start[at] : first + stop[at]] = True
    return found


def _sums(one: tuple[Floats, Bools], other: tuple[Floats, Bools], start: Ints, stop: Ints) -> Floats:
    """Sums of windows over the rows where both are known: count, x, y, xx, yy, xy; float64 (6, W).

    Each side is its values, 0 where they are not known, and whether they are.
    """
    (x, x_known), (y, y_known) = one, other
    rows = np.zeros((6, len(x) + 1))
    rows[0, :-1], rows[1, :-1], rows[2, :-1] = x_known & y_known, x * y_known, y * x_known
    np.multiply(rows[1:3], rows[1:3], out=rows[3:5])
    np.multiply(rows[1], rows[2], out=rows[5])
    # every second sum is that from the end of a window to the start of the next
    return np.asarray(np.add.reduceat(rows, np.stack((start, stop), axis=1).ravel(), axis=1)[:, ::2])


def _correlations(sums: Floats) -> tuple[Floats, Floats]:
    """Correlations from sums of windows, NaN where a series does not vary, and the pairs of returns in each."""
    count, x, y, xx, yy, xy = sums
    n = np.maximum(count, 1)
    spread = (xx - x * x / n) * (yy - y * y / n)
    with np.errstate(invalid="ignore", divide="ignore"):
        r = np.where(spread > 0, (xy - x * y / n) / np.sqrt(np.maximum(spread, 1e-300)), np.nan)
    return np.clip(r, -1 + 1e-12, 1 - 1e-12), count


def benchmark_gap(series: AlignedSeries) -> Bools:
    """Sessions on which the ticker traded and some benchmark has no close, up to the benchmarks' last: bool (T,)."""
    found = series.traded & ~series.benchmark_traded
    found[series.benchmark_last + 1 :] = False
    return found
