"""Moves of a price that no market explains: a level that changes and stays, a move beyond 1.5, a spike that goes back.

None of them is corrected and none refuses a series: of 1.4 million daily moves of 500 US firms, 2015 to 2026, 13 look
like a split of 3:2 and none like one of 2:1, and all are real news.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eventstudy.data.moves import CAUTIOUS, FEWEST, MEDIAN_TO_SCALE, moves_at
from eventstudy.data.prices import Floats
from eventstudy.data.stacks import Stack
from eventstudy.engine.panel import Bools, Ints

HUGE = np.log(1.5)
# new shares for an old one that a fall may be; a rise is one of the whole numbers
FALLS = (
    1.5, 5 / 3, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0, 12.0, 15.0, 20.0, 25.0, 30.0, 40.0, 50.0, 100.0, 150.0,
    190.0, 200.0, 500.0, 1e3, 1e4, 1e6,
)  # fmt: skip
RISES = tuple(ratio for ratio in FALLS if ratio.is_integer())
# how near a move must be to a ratio, in daily scales and at most; and how many scales the ratio must be
NEAR, NEAREST, FARTHEST, SCALES = 3.0, 0.01, 0.08, 8.0
# a move that may be a break, or huge
SMALLEST = HUGE - FARTHEST
# beyond this a move near a power of ten is a change of units, whatever the scale
UNITS, UNITS_NEAR = 2.0, 0.25
# sessions before for the scale; on either side for the level; after for calm, and how calm
BEFORE, SIDE, AFTER, CALM = 60, 10, 5, 2.5
# a spike that goes back: least size, in scales too, and what may stay of it
SPIKE, SPIKE_SCALES, STAYS, STAYS_SCALES = 0.10, 8.0, 0.1, 2.0


@dataclass(frozen=True, slots=True)
class _Moves:
    """Log moves on the n sessions that have one: their positions, the moves, what the market leaves, span of each."""

    at: Ints
    size: Floats
    left: Floats
    span: Ints


@dataclass(frozen=True, slots=True)
class LevelMarks:
    """What ``level_marks`` finds on T sessions of S series; arrays are bool (S, T).

    Attributes
    ----------
    broken
        The price of the ticker or of a benchmark changes by a factor of a split or of units and stays there.
    huge
        One of them moves beyond a factor of 1.5.
    spiked
        The ticker moves against the market beyond 10 % and eight times the usual, and the next session takes the move
        back to within a tenth, or twice the usual.
    """

    broken: Bools
    huge: Bools
    spiked: Bools


def level_marks(stack: Stack) -> LevelMarks:
    """Moves of tickers against their first benchmark, and of every benchmark by itself, that no market explains."""
    # a source of returns has no prices; its returns are used instead
    priced = np.isfinite(stack.price).any(axis=1, keepdims=True)
    own = np.where(priced, stack.price, stack.total)
    rows = np.concatenate((own[:, None], stack.factors), axis=1)
    sizes = rows if stack.kind == "log" else _logs(rows)
    market = np.nan_to_num(sizes[:, 1]) if sizes.shape[1] > 1 else np.zeros(own.shape)
    left = sizes[:, 0] - np.where(stack.own_benchmark[:, None], 0.0, market)
    broken, huge, spiked = np.zeros((3, *own.shape), dtype=bool)
    large: Bools = np.any(np.abs(sizes) >= SMALLEST, axis=2)
    large[:, 0] |= np.any(np.abs(left) > SPIKE, axis=1)
    for one, row in np.argwhere(large).tolist():
        moves = _of(sizes[one, row], left[one] if row == 0 else sizes[one, row], stack.span[one])
        broken[one, moves.at[_breaks(moves)]] = True
        huge[one, moves.at[np.abs(moves.size) >= HUGE]] = True
        if row == 0:
            spiked[one, _spikes(moves)] = True
    return LevelMarks(broken, huge, spiked)


def _spikes(moves: _Moves) -> Ints:
    """Sessions of moves that the next session takes back."""
    left, single = moves.left, moves.span == 1
    big = np.flatnonzero(np.abs(left[:-1]) > SPIKE)
    big = big[single[big] & single[big + 1] & (moves.at[big + 1] - moves.at[big] == 1)]
    size, back = np.abs(left[big]), np.abs(left[big] + left[big + 1])
    # what no scale would make a spike; the rest are few
    likely = back <= max(STAYS, STAYS_SCALES / SPIKE_SCALES) * size
    big, size, back = big[likely], size[likely], back[likely]
    if not len(big):
        return np.empty(0, dtype=np.int64)
    scale = moves_at(left, big).scale
    good = (size > SPIKE_SCALES * scale) & (back <= np.maximum(STAYS * size, STAYS_SCALES * scale))
    return np.asarray(moves.at[big[good]])


def _of(size: Floats, left: Floats, span: Ints) -> _Moves:
    at = np.flatnonzero(np.isfinite(size) & (span > 0))
    return _Moves(at, size[at], left[at], span[at])


def _logs(simple: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.log1p(simple)
    # a total loss has no logarithm and is not a split
    return np.where(np.isfinite(found), found, np.nan)


def _breaks(moves: _Moves) -> Ints:
    """Places of moves that are near a ratio, after which the level stays and the market is calm."""
    large = np.flatnonzero(np.abs(moves.left) >= SMALLEST).tolist()
    level = np.cumsum(moves.size) if large else moves.size
    return np.array([at for at in large if _is_break(moves, level, at)], dtype=np.int64)


def _is_break(moves: _Moves, level: Floats, at: int) -> bool:
    size, left = float(moves.size[at]), float(moves.left[at])
    usual = np.abs(moves.left[max(0, at - BEFORE) : at])
    scale = MEDIAN_TO_SCALE * float(np.median(usual)) if len(usual) >= FEWEST else CAUTIOUS
    if not _near(size, left, scale):
        return False
    before, after = level[max(0, at - SIDE) : at], level[at : at + SIDE]
    start = float(np.median(before)) if len(before) else float(level[at] - size)
    if abs(float(np.median(after)) - start - size) > abs(size) / 3:
        return False
    following = np.abs(moves.left[at + 1 : at + 1 + AFTER])
    return not len(following) or float(following.mean()) <= CALM * max(scale, NEAREST / NEAR)


def _near(size: float, left: float, scale: float) -> bool:
    if abs(size) > UNITS and abs(size / np.log(10) - round(size / np.log(10))) * np.log(10) <= UNITS_NEAR:
        return True
    ratios = np.log(np.array(FALLS if left < 0 else RISES))
    ratios = ratios[ratios >= SCALES * scale]
    within = min(max(NEAR * scale, NEAREST), FARTHEST)
    return bool((np.abs(abs(left) - ratios) <= within).any())
