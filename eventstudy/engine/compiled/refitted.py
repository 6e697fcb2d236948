"""The compiled twin of the tests that fit the model on the estimation window and the test window together:
``conformal``, ``vol-conformal`` and ``rank-local`` with its bounds.

A call takes the days of the events out of the panel as the kernel of ``regress`` does. What is compared is added in the
order of the NumPy functions, so that ranks are the same; bounds stop within 1e-12 of their distance from the
centre, as there.
"""

# mypy: disable-error-code="no-untyped-def, no-any-return, untyped-decorator"

from __future__ import annotations

import inspect
import math
import sys
from hashlib import sha256
from typing import Any

import numpy as np
from numba import njit, types

from eventstudy.engine.compiled import regress
from eventstudy.engine.compiled.gathering import gather, weigh
from eventstudy.engine.compiled.ranking import readonly
from eventstudy.engine.compiled.regress import _back_substitute, _eliminate, _eliminate_market
from eventstudy.engine.compiled.rows import FIRST, OBSERVED, RETURN, SPAN, TARGET, USED
from eventstudy.engine.compiled.simd import product
from eventstudy.engine.panel import LONGEST_SPAN
from eventstudy.engine.significance.rank_limits import (
    EQUAL,
    FEW_STEPS,
    FEWEST,
    HALVINGS,
    NEAR,
    SPARE,
    STEPS,
    STEPS_AMONG_FEW,
)
from eventstudy.engine.windows import LOCAL_SESSIONS

# columns of what is made
COLUMNS = (
    "p_conformal", "p_min_conformal", "p_vol_conformal", "p_rank_local", "p_min_rank_local", "rank_low", "rank_high",
)  # fmt: skip
# rows of the scratch of doubles: what is on the days of the event, in order of time, and by window
RESIDUAL, EFFECT, OWN, Z, T, ZZ, ZT, TT, RING, FOUND, ROOTS, MOVED, TAKEN, SQUARE, CROSS, TAKEN_SQUARE, MOVES, TOP = (
    range(18)
)
FEW = 18  # and the same five of a few windows
N_SCRATCH = FEW + 5
TWO_SIDED, GREATER, LESS = range(3)
SIDES = {"two-sided": TWO_SIDED, "greater": GREATER, "less": LESS}
# the tests, in the order of the kernel's arguments
TESTS = ("conformal", "vol-conformal", "rank-local")

_compiled = njit(error_model="numpy", _nrt=False)


@_compiled
def _residuals(work, layout, n_obs, covered, room, made):
    """RETURN less the model fitted on the days USED, of one-session scale; False where it cannot be fitted."""
    n_days, intercept, adjusted = layout
    columns, upper, sizes, theta, inverse = room
    wide, p = work.shape[1], theta.shape[0]
    if adjusted:
        total = 0.0
        for d in range(n_days):
            total += work[RETURN, d] * work[USED, d]
        mean = total / max(covered, 1.0)
        for d in range(n_days):
            made[d] = (work[RETURN, d] - work[SPAN, d] * mean) / math.sqrt(work[SPAN, d])
        return True
    root, weight = weigh(work, n_days, n_obs, covered)
    rows = (intercept, root, weight, work.shape[0] - p)
    if p == 2 and intercept == 1:
        fine = _eliminate_market(work, wide, rows, n_obs, columns, upper, sizes)[0]
    else:
        product(work, TARGET, RETURN, weight, weight, wide)
        fine = _eliminate(work, wide, rows, n_obs, columns, upper, sizes)[0]
    if not fine:
        return False
    _back_substitute(upper, theta, inverse)
    for d in range(n_days):
        made[d] = work[RETURN, d]
    for j in range(p):
        row = SPAN if intercept == 1 and j == 0 else FIRST + j - intercept
        for d in range(n_days):
            made[d] -= theta[j] * work[row, d]
    for d in range(n_days):
        made[d] /= math.sqrt(work[SPAN, d])
    return True


@_compiled
def _closed(values, n, k, ring):
    """n rows closed to a ring, for sums of k rows: the last k - 1 before the first."""
    for i in range(k - 1):
        ring[i] = values[n - k + 1 + i]
    for i in range(n):
        ring[k - 1 + i] = values[i]


@_compiled
def _line_sums(values, first, roots, k, n, sums):
    """``conformal.circular_sums``: n sums of k rows, the first from row ``first`` on, each added in its order."""
    for i in range(n):
        sums[i] = roots[0] * values[first + i]
    for j in range(1, k):
        root = roots[j]
        for i in range(n):
            sums[i] += root * values[first + i + j]


@_compiled
def _mean_squares(values, n, sums):
    """Mean of ``LOCAL_SESSIONS`` values from each of n rows on."""
    for i in range(n):
        sums[i] = values[i]
    for j in range(1, LOCAL_SESSIONS):
        for i in range(n):
            sums[i] += values[i + j]
    for i in range(n):
        sums[i] /= LOCAL_SESSIONS


@_compiled
def _as_far(values, n, side):
    """How many of n values are as far as the last one, by ``conformal.as_far``."""
    own, found = values[n - 1], 0
    slack = EQUAL * abs(own)
    if side == GREATER:
        for i in range(n):
            found += values[i] >= own - slack
    elif side == LESS:
        for i in range(n):
            found += values[i] <= own + slack
    else:
        own = abs(own) - slack
        for i in range(n):
            found += abs(values[i]) >= own
    return found


@_compiled
def _others(lines, n, d, sign, side, moves):
    """Moves of the first n windows under an effect d, in the direction of the test; one without a move is far."""
    moved, taken, square, cross, taken_square = lines
    for i in range(n):
        squares = (d * taken_square[i] - 2.0 * cross[i]) * d + square[i]
        squares = squares if squares > 0.0 else 0.0
        move = (moved[i] - d * taken[i]) / math.sqrt(squares)
        move = abs(move) if side == TWO_SIDED else sign * move
        moves[i] = move if move == move else np.inf


@_compiled
def _largest(moves, n, wanted, top, place):
    """The ``wanted`` largest moves, descending, and where they are."""
    held = 0
    for i in range(n):
        move = moves[i]
        if held == wanted and not move > top[held - 1]:
            continue
        at = held if held < wanted else held - 1
        while at > 0 and top[at - 1] < move:
            top[at], place[at] = top[at - 1], place[at - 1]
            at -= 1
        top[at], place[at] = move, i
        held = min(held + 1, wanted)


@_compiled
def _scale(lines, i, d):
    """The root mean square before window i under an effect d."""
    squares = (d * lines[4][i] - 2.0 * lines[3][i]) * d + lines[2][i]
    return math.sqrt(squares if squares > 0.0 else 0.0)


@_compiled
def _critical(lines, n, d, rank, test, room):
    """The ``rank``-th largest move of n windows."""
    moves, top, place = room
    _others(lines, n, d, test[0], test[1], moves)
    _largest(moves, n, rank, top, place)
    return top[rank - 1]


@_compiled
def _further(critical, lines, own, d, centre, sign):
    """``rank_local._Lines.further``."""
    found = centre - sign * critical * _scale(lines, own, d) / lines[1][own]
    return found, not np.isfinite(found) or abs(found - d) <= NEAR * abs(found - centre)


@_compiled
def _halved(lines, n, outside, inside, rank, test, room):
    """``rank_local._halved``."""
    for _ in range(HALVINGS):
        middle = (outside + inside) / 2
        move = (lines[0][n] - middle * lines[1][n]) / _scale(lines, n, middle)
        if test[0] * move > _critical(lines, n, middle, rank, test, room):
            outside = middle
        else:
            inside = middle
    return outside


@_compiled
def _exit(lines, few, n, centre, rank, test, room):
    """``rank_local._exit``: the windows that went farthest are asked first, then all."""
    moves, top, place = room
    found, n_few = centre, min(rank + SPARE, n)
    for step in range(STEPS):
        _others(lines, n, found, test[0], test[1], moves)
        _largest(moves, n, n_few, top, place)
        found, near = _further(top[rank - 1], lines, n, found, centre, test[0])
        if near:
            return found
        if step >= FEW_STEPS:
            continue
        for k in range(5):
            for i in range(n_few):
                few[k][i] = lines[k][place[i]]
            few[k][n_few] = lines[k][n]
        nearer = found
        for _ in range(STEPS_AMONG_FEW):
            nearer, near = _further(
                _critical(few, n_few, nearer, rank, test, room), few, n_few, nearer, centre, test[0]
            )
            if near:
                found = nearer if np.isfinite(nearer) else found
                break
    return _halved(lines, n, 4.0 * found - 3.0 * centre, centre, rank, test, room)


@_compiled
def _bound(lines, few, n, rejected, rank, test, room):
    """One of the two of ``rank_local._bounds``."""
    sign = test[0]
    centre = lines[0][n] / lines[1][n]
    bound = _exit(lines, few, n, centre, rank, test, room)
    if sign * centre > 0.0:
        if rejected and sign * bound <= 0.0:
            return _halved(lines, n, 0.0, centre, rank, test, room)
        if not rejected and sign * bound > 0.0:
            return 0.0
    return bound


@_compiled
def _rank_local(rows, place, n, k, asked, found):
    """p, the smallest possible p and both bounds of ``rank-local``, from n rows in order of time, k of the window."""
    side, alpha = asked
    count = n - LOCAL_SESSIONS - k + 1
    if count < FEWEST:
        return
    z, t, roots, moved, square = rows[Z], rows[T], rows[ROOTS], rows[MOVED], rows[SQUARE]
    for i in range(n):
        rows[ZZ, i], rows[ZT, i], rows[TT, i] = z[i] * z[i], z[i] * t[i], t[i] * t[i]
    _line_sums(z, LOCAL_SESSIONS, roots, k, count, moved)
    _mean_squares(rows[ZZ], count, square)
    moves = rows[MOVES]
    for i in range(count):
        moves[i] = moved[i] / math.sqrt(square[i])
    own = moves[count - 1]
    if np.isfinite(own):
        found[3], found[4] = _as_far(moves, count, side) / count, 1.0 / count
    rank = math.floor(alpha * count + 1e-9)
    if rank < 1:
        return
    _line_sums(t, LOCAL_SESSIONS, roots, k, count, rows[TAKEN])
    _mean_squares(rows[ZT], count, rows[CROSS])
    _mean_squares(rows[TT], count, rows[TAKEN_SQUARE])
    lines = (moved, rows[TAKEN], square, rows[CROSS], rows[TAKEN_SQUARE])
    few = (rows[FEW], rows[FEW + 1], rows[FEW + 2], rows[FEW + 3], rows[FEW + 4])
    room, rejected = (moves, rows[TOP], place), found[3] <= alpha + NEAR
    if side != LESS:
        found[5] = _bound(lines, few, count - 1, rejected, rank, (1.0, side), room)
    if side != GREATER:
        found[6] = _bound(lines, few, count - 1, rejected, rank, (-1.0, side), room)


@_compiled
def _use(work, hidden, days):
    """Row USED, the estimation days that are not masked and the days of the test window; how many, and what they
    cover."""
    n_est, start, stop, n_days = days
    n_obs, covered = 0, 0.0
    for d in range(n_days):
        inside = (d < n_est and hidden[d] == 0) or start <= d < stop
        work[USED, d] = work[OBSERVED, d] if inside else 0.0
        if work[USED, d] != 0.0:
            n_obs += 1
            covered += work[SPAN, d]
    return n_obs, covered


@_compiled
def _effect(work, start, stop, n_days, kept):
    """RETURN becomes an effect of one on the days of the window, in proportion to the sessions that they cover."""
    total = 0.0
    for d in range(start, stop):
        total += work[SPAN, d] * work[OBSERVED, d]
    total = max(total, 1.0)
    for d in range(n_days):
        kept[d] = work[RETURN, d]
        work[RETURN, d] = work[SPAN, d] * work[OBSERVED, d] / total if start <= d < stop else 0.0


@_compiled
def _in_order(work, hidden, days, local, rows):
    """Residuals, and what an effect takes off them, of the days used in order of time, for ``rank-local`` also those
    before the window that no estimation window holds; how many, and how many of them are the window's."""
    _, start, stop, n_days = days
    n, k = 0, 0
    for d in range(n_days):
        before = local and d < start and hidden[d] == 0 and work[OBSERVED, d] != 0.0
        kept = before if local and d < start else work[USED, d] != 0.0
        if not kept:
            continue
        rows[Z, n], rows[T, n] = rows[RESIDUAL, d], rows[EFFECT, d]
        n += 1
        if start <= d < stop:
            rows[ROOTS, k] = math.sqrt(work[SPAN, d])
            k += 1
    return n, k


_SIGNATURE = types.void(
    readonly(types.float64, 2),  # returns (S, T)
    readonly(types.float64, 3),  # factors (S or 1, K, T)
    readonly(types.int16, 2),  # span (S, T)
    readonly(types.int64, 1),  # series (E,)
    readonly(types.int64, 1),  # session (E,)
    readonly(types.uint8, 2),  # masked (E or 1, D)
    readonly(types.int64, 2),  # windows (W, 2), days from the first of the event window
    readonly(types.int64, 1),  # layout of ``compiled_api``
    readonly(types.boolean, 2),  # events and windows with a CAR (E, W)
    readonly(types.int64, 1),  # side, and whether each of the three tests is wanted
    types.float64,  # alpha
    types.int64,  # events low to high
    types.int64,
    types.float64[:, :, ::1],  # made (7, E, W), NaN
    # scratch
    types.float64[:, ::1],  # rows of the kernel, zero
    types.float64[:, ::1],  # R and Q'y (p, p + 1)
    types.float64[:, ::1],  # R^-1 (p, p), zero
    types.float64[:, ::1],  # three vectors (3, p)
    types.int64[::1],  # columns (p + 1,)
    types.float64[:, ::1],  # rows of this module
    types.int64[::1],  # places (D,)
)


def _built(helpers: str) -> Any:
    """The kernel, with a digest of the files it is made of, as in ``regress``."""

    @njit(_SIGNATURE, nogil=True, cache=True, error_model="numpy", _nrt=False)
    def refit_events(
        returns, factors, span, series, session, masked, windows, layout, known, wanted, alpha, low, high, made,
        work, upper, inverse, vectors, columns, rows, place,
    ):  # fmt: skip
        """Test the events ``low`` to ``high``. Each is written to its own place and depends on no other."""
        _ = helpers
        e1, n_est, n_days, first_day = layout[0], layout[1], layout[2], layout[3]
        of_model = (n_days, layout[4], layout[5] != 0)
        most = 1 if layout[6] != 0 else LONGEST_SPAN
        room = (columns, upper, vectors[0], vectors[2], inverse)
        side, shifts, squares, local = wanted[0], wanted[1] != 0, wanted[2] != 0, wanted[3] != 0
        found = rows[FOUND, :7]
        for e in range(low, high):
            s = series[e]
            gather(
                (returns, factors, span), (s, s if factors.shape[0] > 1 else 0, session[e] + e1), (n_days, most), work
            )
            hidden = masked[e if masked.shape[0] > 1 else 0]
            for d in range(n_days):
                rows[OWN, d] = work[RETURN, d]
                if of_model[2]:
                    work[RETURN, d] -= work[FIRST, d]
            for w in range(windows.shape[0]):
                if not known[e, w]:
                    continue
                days = (n_est, first_day + windows[w, 0], first_day + windows[w, 1] + 1, n_days)
                n_obs, covered = _use(work, hidden, days)
                if not _residuals(work, of_model, n_obs, covered, room, rows[RESIDUAL]):
                    continue
                if shifts or squares:
                    n, k = _in_order(work, hidden, days, False, rows)
                    if shifts:
                        _closed(rows[Z], n, k, rows[RING])
                        _line_sums(rows[RING], 0, rows[ROOTS], k, n, rows[MOVED])
                        made[0, e, w], made[1, e, w] = _as_far(rows[MOVED], n, side) / n, 1.0 / n
                    if squares:
                        for i in range(n):
                            rows[ZZ, i], rows[TAKEN, i] = rows[Z, i] * rows[Z, i], 1.0
                        _closed(rows[ZZ], n, k, rows[RING])
                        _line_sums(rows[RING], 0, rows[TAKEN], k, n, rows[MOVED])
                        made[2, e, w] = _as_far(rows[MOVED], n, GREATER) / n
                if local:
                    _effect(work, days[1], days[2], n_days, rows[OWN])
                    _residuals(work, of_model, n_obs, covered, room, rows[EFFECT])
                    for d in range(n_days):
                        work[RETURN, d] = rows[OWN, d]
                    n, k = _in_order(work, hidden, days, True, rows)
                    for c in range(7):
                        found[c] = np.nan
                    _rank_local(rows, place, n, k, (side, alpha), found)
                    for c in range(3, 7):
                        made[c, e, w] = found[c]

    return refit_events


CONSTANTS = (EQUAL, FEW_STEPS, FEWEST, HALVINGS, NEAR, SPARE, STEPS, STEPS_AMONG_FEW)
SOURCES = f"{inspect.getsource(sys.modules[__name__])}{CONSTANTS}"
refit_events = _built(sha256((SOURCES + regress.SOURCES).encode()).hexdigest())
