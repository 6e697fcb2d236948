"""Closes that are doubtful for themselves: moves that occur twice or go on, filled rows, opens in place of closes."""

from __future__ import annotations

import numpy as np

from eventstudy.data.figures import FEW_VALUES, LEAST_MOVE
from eventstudy.data.prices import Dates, Floats
from eventstudy.engine.panel import Bools, Ints

# moves of a run that occurs twice, how many of them must differ from the one before, and the figures compared
RUN, CHANGES, DIGITS = 10, 4, 1e10
# figures above it are compared as if they were it: it fits into 64 bits, and no price moves by a factor of 4e8
LARGEST = 2.0**62
CHANCE = 1e-4
_PRIMES = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93], dtype=np.uint64)
# rows, and how much farther opens lie from the close before than closes from the open before
FEWEST, EXCHANGED = 60, 1.25
# rows, the size at which moves are clipped, and the correlation of neighbouring moves of smoothed closes
YEAR, CLIPPED, GOES_ON = 250, 4.0, 0.3
# rows of a window that is judged, rows from one to the next, and the closes that are clipped at either end;
# von Neumann's ratio from which on it is looked at, and from which on the rows have no order
WINDOW, STEP, ENDS, AT_FIRST, APART = 60, 15, 3, 0.8, 1.5
# rows halfway between their neighbours that are more than chance, and how many times as many as steps repeat elsewhere
HALFWAY, TIMES, EQUAL = 12, 2, 1e-6
# share of days on which another column is in the place of closes
MOST = 0.9
# rows between steps that no line joins
APART_BY = (11, 13)
# median size of a daily return from which on decimals may be percent: 0.030 at most of 505 real firms
LARGE = 0.03
LARGE_NOTE = "half of the daily returns are above 3 % in size: they may be returns in percent of a quiet asset"
ONE_WAY_NOTE = "the closes only rise or only fall: they may be sorted or cumulated figures, or those of an account"
SMOOTHED_NOTE = "each move continues in the next: the closes seem to be means over several days"
EXCHANGED_NOTE = (
    "opens are farther from the previous close than closes are from the previous open: the columns of opens and closes "
    "seem to "
    "be exchanged"
)


def repeated(moves: Floats) -> Bools:
    """Rows whose move belongs to ten or more consecutive moves that occur a second time in the series: bool (n,).

    Closes that rest or that go to and fro between two prices repeat themselves; so at least four moves of the ten must
    be none of these. Of 505 real firms over eleven years none has such a run.

    Parameters
    ----------
    moves : float64 (n,)
        Simple or log moves; NaN where there is none.
    """
    found = np.zeros(len(moves), dtype=bool)
    if len(moves) <= RUN:
        return found
    figures = np.clip(np.rint(np.where(np.isfinite(moves), moves, 0.0) * DIGITS), -LARGEST, LARGEST).astype(np.int64)
    one = figures.view(np.uint64)
    # a number for each run of ten, by doubling; equal runs have equal numbers
    two = one[:-1] * _PRIMES[0] + one[1:]
    four = two[:-2] * _PRIMES[1] + two[2:]
    ten = (four[:-4] * _PRIMES[2] + four[4:])[:-2] * _PRIMES[3] + two[8:]
    ordered = np.sort(ten)
    if not (ordered[1:] == ordered[:-1]).any():
        return found
    order = np.argsort(ten, kind="stable")
    same = ten[order[1:]] == ten[order[:-1]]
    lively = np.zeros(len(moves) + 1, dtype=np.int64)
    # differs from the move before and from the one before that
    lively[3:] = np.cumsum((figures[2:] != 0) & (figures[2:] != figures[1:-1]) & (figures[2:] != figures[:-2]))
    pairs = [
        (again - first, first)
        for first, again in zip(order[:-1][same].tolist(), order[1:][same].tolist(), strict=True)
        if lively[first + RUN] - lively[first] >= CHANGES
    ]
    # runs of pairs at one distance are one longer run
    longest: list[list[int]] = []
    for distance, first in sorted(pairs):
        if longest and longest[-1][0] == distance and longest[-1][2] == first - 1 + RUN:
            longest[-1][2] += 1
        else:
            longest.append([distance, first, first + RUN])
    needed = _needed(figures) if longest else RUN
    for distance, first, stop in longest:
        same_figures = (figures[first:stop] == figures[first + distance : stop + distance]).all()
        if stop - first >= needed and same_figures:
            found[first:stop] = found[first + distance : stop + distance] = True
    return found


def _needed(figures: Ints) -> float:
    """Moves that a run needs so that one series in ten thousand has it by chance: cheap stocks have few moves."""
    share = np.unique(figures, return_counts=True)[1] / len(figures)
    alike = float(np.sum(share**2))
    return max(RUN, np.log(CHANCE / len(figures) ** 2) / np.log(alike)) if alike < 1 else np.inf


def unordered(level: Floats) -> Bools:
    """Rows of 60 in which each close says nothing about the next, as no prices do: bool (n,).

    Prices follow each other: their squared steps make a small part of twice their variance (von Neumann's ratio), of
    rows in a wrong order about all of it. The ratio, with the three largest and smallest closes of a window
    clipped, is 1.41 at most in 93,677 windows of 505 real firms over eleven years; 80 rows exchanged among themselves
    were found in 199 of 199 series, 60 in 181, 40 in 53. Windows that hardly move, or that hold few prices, are not
    judged.

    Parameters
    ----------
    level : float64 (n,)
        Closes in order of their days; finite and positive.
    """
    found = np.zeros(len(level), dtype=bool)
    if len(level) < WINDOW:
        return found
    steps = np.log(level)
    steps -= steps.mean()
    at = np.append(np.arange(0, len(level) - WINDOW, STEP), len(level) - WINDOW)
    total, squares = (np.concatenate([[0.0], np.cumsum(values)]) for values in (steps, steps * steps))
    moved = np.concatenate([[0.0, 0.0], np.cumsum(np.diff(steps) ** 2)])
    spread = squares[at + WINDOW] - squares[at] - (total[at + WINDOW] - total[at]) ** 2 / WINDOW
    # without clipping first: few windows of prices are left to look at
    at = at[moved[at + WINDOW] - moved[at + 1] > AT_FIRST * spread]
    if not len(at):
        return found
    window = level[at[:, None] + np.arange(WINDOW)]
    ordered = np.sort(window, axis=1)
    held = np.clip(window, ordered[:, [ENDS]], ordered[:, [-1 - ENDS]])
    held -= held.mean(axis=1, keepdims=True)
    apart = (np.diff(held, axis=1) ** 2).sum(axis=1) > APART * (held**2).sum(axis=1)
    lively = np.median(np.abs(window / ordered[:, [WINDOW // 2]] - 1), axis=1) >= LEAST_MOVE
    several = (np.diff(ordered, axis=1) > 0).sum(axis=1) + 1 >= FEW_VALUES
    for first in at[apart & lively & several].tolist():
        found[first : first + WINDOW] = True
    return found


def smoothed(moves: Floats) -> bool:
    """Whether each move goes on in the next, as those of means over several days do.

    The correlation of neighbouring moves, clipped at four times their median size, is 0.05 at most in 505 real firms
    over eleven years and 0.27 in 10,767 windows of 250 of their sessions; of means over two days it is about 0.5, over
    five 0.8.
    """
    known = moves[np.isfinite(moves)]
    if len(known) < YEAR:
        return False
    size = CLIPPED * float(np.median(np.abs(known)))
    held = np.minimum(np.maximum(known, -size), size)
    held -= held.mean()
    return bool(np.dot(held[1:], held[:-1]) > GOES_ON * np.dot(held, held))


def interpolated(level: Floats) -> Bools:
    """Rows that lie halfway between their neighbours, where more do than chance explains: bool (n,).

    A missing row that a straight line filled makes two equal steps. Chance makes as many steps that equal one eleven
    rows before. Of 506 real series over eleven years none has such rows; of the last 460 of their closes, 10 % of them
    filled by straight lines, all have.

    Parameters
    ----------
    level : float64 (n,)
        Closes in order of their days; finite and positive.
    """
    found = np.zeros(len(level), dtype=bool)
    if len(level) <= max(APART_BY) + 1:
        return found
    step = np.diff(level)
    near = EQUAL * level[1:]
    moved = np.abs(step) > near
    same = (np.abs(step[1:] - step[:-1]) <= near[1:]) & moved[1:]
    if (n := np.count_nonzero(same)) <= HALFWAY:
        return found
    chance = max(np.count_nonzero((np.abs(step[k:] - step[:-k]) <= near[k:]) & moved[k:]) for k in APART_BY)
    if n > HALFWAY + TIMES * chance:
        found[1:-1] = same
    return found


def one_way(moves: Floats) -> bool:
    """Whether closes only rise or only fall, as sorted or cumulated figures do: no price of 60 days does so."""
    known = moves[np.isfinite(moves)]
    return len(known) >= WINDOW and bool((known >= 0).all() or (known <= 0).all()) and bool(known.any())


def interpolated_note(dates: Dates, halfway: Bools) -> str:
    """The sentence on rows that ``interpolated`` found."""
    return (
        f"{int(halfway.sum())} closes, such as that of {dates[np.flatnonzero(halfway)[0]]}, lie exactly between their "
        "neighbours: missing rows seem to be filled by interpolation; leave them out"
    )


def in_range(close: Floats, high: Floats, low: Floats) -> str:
    """What the closes are where nine of ten of 60 days or more have the same place between low and high.

    The day's high, its low, or the mean of both; empty where they are none of these. Days without a range do not count.
    Where a source has made high and low from open and close, half of the closes are highs and the others lows.
    """
    with np.errstate(invalid="ignore"):
        ranged = high > low * (1 + EQUAL)
    n = np.count_nonzero(ranged)
    if n < FEWEST:
        return ""
    places = {"the high": high, "the low": low, "the mean of high and low": (high + low) / 2}
    close = close[ranged]
    same = {what: np.abs(place[ranged] - close) <= EQUAL * close for what, place in places.items()}
    return next((what for what, where in same.items() if np.count_nonzero(where) > MOST * n), "")


def repeated_note(dates: Dates, again: Bools) -> str:
    """The sentence on rows that ``repeated`` found."""
    return f"the moves of {_runs(dates, again)} occur twice: a block of rows may have been copied"


def unordered_note(dates: Dates, apart: Bools) -> str:
    """The sentence on rows that ``unordered`` found."""
    return (
        f"the closes of {_runs(dates, apart)} do not follow each other as prices do: they may be returns, or rows that "
        "lost their order"
    )


def _runs(dates: Dates, rows: Bools) -> str:
    """The first runs of consecutive rows, by their dates."""
    edges = np.flatnonzero(np.diff(rows, prepend=False, append=False)).reshape(-1, 2)
    listed = " and ".join(f"{dates[first]} to {dates[stop - 1]}" for first, stop in edges[:3].tolist())
    return f"{listed} and {len(edges) - 3} more runs" if len(edges) > 3 else listed


def exchanged(opens: Floats, close: Floats) -> bool:
    """Whether the columns of opens and closes have changed places.

    An open lies nearer to the close before it than the close of its day to the open before: two sessions lie between
    these, and none between those. In exchanged columns it is the other way round. In eight real series the one
    distance is 0.3 to 0.6 of the other over five years and 0.9 at most over 60 sessions, exchanged 1.6 to 3.
    """
    if len(close) <= FEWEST:
        return False
    with np.errstate(invalid="ignore", divide="ignore"):
        level, first = np.log(close), np.log(opens)
    over_night, over_days = np.abs(first[1:] - level[:-1]), np.abs(level[1:] - first[:-1])
    known = np.isfinite(over_night + over_days)
    n = int(np.count_nonzero(known))
    if n < len(known):
        over_night, over_days = over_night[known], over_days[known]
    return bool(n >= FEWEST and over_night.sum() > EXCHANGED * over_days.sum())
