"""Stated splits against the closes: whether the closes before a split were divided by it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eventstudy.data.moves import likelihood_ratio, log_moves, moves_at
from eventstudy.data.prices import Dates, Floats
from eventstudy.data.written import FINELY, grid_verdict, places_of
from eventstudy.engine.panel import Ints

# log likelihood ratios: the closes decide alone, with no grid against them; a look-alike on another day counts
FIRM, ALONE, ELSEWHERE = np.log(100.0), np.log(1e4), np.log(1e4)
# a move that is neither none nor the split: more than so many scales, and more than this
FAR, FAR_AT_LEAST = 8.0, 0.15
# sessions on each side on which a misdated split is looked for
NEAR = 5
RAW, APPLIED = "raw", "applied"


@dataclass(frozen=True, slots=True)
class StatedSplit:
    """Evidence of the closes on one stated split.

    Attributes
    ----------
    at : int
        First row with a close on or after its day.
    ratio : float
        New shares for one old.
    state : str
        ``raw`` (the closes before are those of old shares) or ``applied``.
    unclear : bool
        Neither the closes nor their grid decide, and the headings did; or the grid decides against the move of the day.
    certain : bool
        The move of the day alone decides, whatever the grid and the headings say.
    trouble : str
        Why the column contradicts the closes, as a sentence; empty where it does not.
    """

    at: int
    ratio: float
    state: str
    unclear: bool = False
    certain: bool = False
    trouble: str = ""


def stated_splits(dates: Dates, close: Floats, split: Floats, *, finer: bool, heading: str) -> list[StatedSplit]:
    """Judge every stated split by the closes.

    Parameters
    ----------
    dates : datetime64[D] (n,)
        Strictly increasing.
    close : float64 (n,)
        Finite and positive.
    split : float64 (n,)
        Ratio on its day; 1 on other days.
    finer : bool
        Some price of the series is written with four or more places.
    heading : str
        What counts where the closes do not decide: ``raw`` or anything else for ``applied``.

    Returns
    -------
    list of StatedSplit
        In the order of the days.
    """
    at = np.flatnonzero(split != 1)
    at = at[at > 0]
    if not len(at):
        return []
    move = log_moves(close)
    moves, ratio = moves_at(move, at), np.log(split[at])
    llr = likelihood_ratio(moves, ratio)
    nearest = np.minimum(np.abs(moves.size), np.abs(moves.size + ratio))
    strange = nearest > np.maximum(FAR * moves.scale, FAR_AT_LEAST)
    found = []
    for i, place in enumerate(at.tolist()):
        certain = bool(abs(llr[i]) > ALONE)
        grid = "" if certain else _grid(close, split, place, finer=finer)
        state, unclear = _state(float(llr[i]), grid, heading)
        trouble = ""
        if strange[i]:
            trouble = _contradiction(dates, close, split, place)
        elif state == APPLIED and (elsewhere := _elsewhere(move, at, place, float(split[place]))):
            trouble = _misdated(dates, close, split, place, elsewhere)
        found.append(StatedSplit(place, float(split[place]), state, unclear, certain, trouble))
    return found


def _state(llr: float, grid: str, heading: str) -> tuple[str, bool]:
    """The state of a split, and whether that is unclear: only the headings decided it, or move and grid disagree."""
    if grid:
        return (APPLIED, llr > FIRM) if grid == "divided" else (RAW, llr < -FIRM)
    if abs(llr) > FIRM:
        return (RAW if llr > 0 else APPLIED), False
    return (RAW if heading == RAW else APPLIED), True


def _grid(close: Floats, split: Floats, at: int, *, finer: bool) -> str:
    """The verdict of the grid on the closes between the action before a split, the split and the one after it."""
    if split[at] < 1:
        return ""
    actions = np.flatnonzero(split != 1)
    start, stop = actions[actions < at], actions[actions > at]
    before = close[int(start[-1]) if len(start) else 0 : at]
    return grid_verdict(before, close[at : int(stop[0]) if len(stop) else None], finer=finer)


def _elsewhere(move: Floats, splits: Ints, at: int, ratio: float) -> int:
    """A day within five sessions whose move is that of the split; 0 for none."""
    first = max(1, at - NEAR)
    near = np.abs(move[first : at + NEAR + 1] + np.log(ratio)) < np.abs(np.log(ratio)) / 2
    days = first + np.flatnonzero(near)
    # hardly ever is there one, and looking for splits among them costs more than the rest
    days = days[~np.isin(days, splits)] if len(days) else days
    if not len(days):
        return 0
    likely = likelihood_ratio(moves_at(move, days), np.full(len(days), np.log(ratio)))
    best = int(np.argmax(likely))
    return int(days[best]) if likely[best] > ELSEWHERE else 0


def written_finely(*columns: Floats | None) -> bool:
    """Whether some column of prices is written with four or more places."""
    return any(column is not None and places_of(column) >= FINELY for column in columns)


def ratio_text(ratio: float) -> str:
    """A split in words: ``4:1``, ``1:190``, ``3:2``."""
    for new in range(1, 21):
        old = new / ratio
        if abs(old - round(old)) < 1e-6 * old and round(old) >= 1:
            return f"{new}:{round(old)}"
    if ratio > 1 and abs(ratio - round(ratio)) < 1e-6 * ratio:
        return f"{round(ratio)}:1"
    return f"{ratio:.6g}:1"


def _contradiction(dates: Dates, close: Floats, split: Floats, at: int) -> str:
    return (
        f"{dates[at]}: a split of {ratio_text(split[at])} is stated, and the close goes from "
        f"{close[at - 1]:.6g} to {close[at]:.6g}, which is neither that split nor the move of a day; correct the split "
        "or the closes"
    )


def _misdated(dates: Dates, close: Floats, split: Floats, at: int, day: int) -> str:
    return (
        f"{dates[at]}: a split of {ratio_text(split[at])} is stated, and the close makes that move on "
        f"{dates[day]}, from {close[day - 1]:.6g} to {close[day]:.6g}; date the split by the first session on which "
        "the new shares trade"
    )


def divisor(n: int, splits: list[StatedSplit]) -> Floats:
    """Divisors that convert figures per share to today's shares: float64 (n,)."""
    out = np.ones(n)
    for one in splits:
        if one.state == RAW:
            out[: one.at] *= one.ratio
    return out
