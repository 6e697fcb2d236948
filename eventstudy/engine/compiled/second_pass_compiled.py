"""The compiled second pass: events are measured and ranked a few at a time, and what tests across events read of their
residuals is added up at once, so that all of it stays in the processor's cache.

Imported only where the ``numba`` engine was chosen; see ``regress`` for the rules.
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

from eventstudy.engine.compiled import ranking, regress
from eventstudy.engine.compiled.ranking import rank_events
from eventstudy.engine.compiled.regress import measure_events

# events at a time: their residuals and ranks, 8 kB each, stay in the second cache
BATCH = 32

# rows of a cell's sums by day: abnormal returns, events seen, Corrado's ranks, GRANK's as re-standardised and as they
# are, events without those two, Corrado and Zivney's ranks and events seen in the window, signs
DAILY, SEEN, CORRADO, GRANK, RAW, GRANK_LOST, RAW_LOST, ZIVNEY, ZIVNEY_SEEN, SIGN = range(10)
# sums of a cell: events seen on every day, which SEEN leaves out, cumulated ranks and their variance, GRANK's day, its
# events and its variance, the same of the raw form, shares above zero
WHOLE, RANK_SUM, RANK_VARIANCE, DAY, DAY_N, DAY_SPREAD, RAW_DAY, RAW_N, RAW_SPREAD, POSITIVE = range(10)
ROWS = SCALARS = 10
# parts that are wanted, as places in ``wanted``; after them the fewest observations
PARTS = (
    frozenset({"daily"}), frozenset({"ranks"}), frozenset({"grank", "grank-clu"}), frozenset({"grank-raw"}),
    frozenset({"zivney"}), frozenset({"signs"}), frozenset({"volatility"}),
)  # fmt: skip
IN_DAILY, IN_RANKS, IN_GRANK, IN_RAW, IN_ZIVNEY, IN_SIGNS, IN_VOLATILITY, NEEDED = range(8)
# rows of scratch: residuals over their deviation, the same in order of size, places added to them, the window's values,
# squares, sums of those
STANDARD, ORDERED, ADDED, WINDOW, SQUARE, RUNS, SCRATCH = range(7)
_compiled = njit(error_model="numpy", _nrt=False)


@_compiled
def _add(values, n, sums):
    for d in range(n):
        sums[d] += values[d] if values[d] == values[d] else 0.0


@_compiled
def _count(values, n, seen):
    for d in range(n):
        seen[d] += 1.0 if values[d] == values[d] else 0.0


@_compiled
def _below(ascending, n, value):
    """Number of values below one, and number equal to it."""
    low, left = 0, n
    while left > 1:
        half = left // 2
        low += half if ascending[low + half - 1] < value else 0
        left -= half
    low += n > 0 and ascending[low] < value
    equal = 0
    while low + equal < n and ascending[low + equal] == value:
        equal += 1
    return low, equal


@_compiled
def _further_day(standard, ranked, n_est, n_obs, value, place, sums):
    """Add the centred ranks of the estimation days with one further day among them; returns that day's."""
    below, equal = place
    share = 1.0 / (n_obs + 2)
    if equal == 0:
        for d in range(n_est):
            rank = (ranked[d] + (1.0 if standard[d] > value else 0.0)) * share - 0.5
            sums[d] += rank if standard[d] == standard[d] else 0.0
    else:
        for d in range(n_est):
            more = (1.0 if standard[d] > value else 0.0) + (0.5 if standard[d] == value else 0.0)
            rank = (ranked[d] + more) * share - 0.5
            sums[d] += rank if standard[d] == standard[d] else 0.0
    return (below + 0.5 * equal + 1.0) * share - 0.5


@_compiled
def _corrado_zivney(scratch, ranked, counts, days, standardised, made):
    """Add the centred ranks of the estimation days and of the window's, each over its own day's deviation."""
    (n_est, n_obs), (sar, deviation), (sums, seen) = counts, standardised, made
    first, stop = days
    standard, added, own = scratch[STANDARD], scratch[ADDED], scratch[WINDOW]
    n, ties = 0, 0
    for t in range(first, stop):
        value = sar[t] / deviation[t - first]
        own[n] = value
        n += value == value
    share = 1.0 / (n_obs + n + 1)
    at = 0
    for t in range(first, stop):
        value = sar[t] / deviation[t - first]
        if value != value:
            continue
        below, equal = _below(scratch[ORDERED], n_obs, value)
        ties += equal
        for k in range(n):
            below += own[k] < value
            equal += own[k] == value
        at = n_est + t - first
        sums[at] += (below + 0.5 * (equal - 1) + 1.0) * share - 0.5
        seen[at] += 1.0
    for d in range(n_est):
        added[d] = ranked[d]
    for k in range(n):
        value = own[k]
        for d in range(n_est):
            added[d] += 1.0 if standard[d] > value else 0.0
    if ties:
        for k in range(n):
            for d in range(n_est):
                added[d] += 0.5 if standard[d] == own[k] else 0.0
    for d in range(n_est):
        sums[d] += added[d] * share - 0.5 if standard[d] == standard[d] else 0.0


@_compiled
def _sign(value, middle):
    return (1.0 if value > middle else 0.0) - (1.0 if value < middle else 0.0)


@_compiled
def _signs(residual, ascending, n_est, n_obs, own, sums):
    """Add the signs about the event's own median, of the estimation days and of one day more, last of ``sums``."""
    half = n_obs // 2
    low = ascending[half - 1] if half > 0 else -np.inf
    at, high = ascending[half], ascending[half + 1] if half + 1 < n_obs else np.inf
    if own != own:
        middle = at if n_obs % 2 else (low + at) / 2
    elif n_obs % 2 == 0:
        middle = min(max(own, low), at)
    else:
        middle = (min(max(own, low), at) + min(max(own, at), high)) / 2
    for d in range(n_est):
        sums[d] += _sign(residual[d], middle)
    sums[n_est] += _sign(own, middle)


@_compiled
def _squares(residual, leverage, n_est, scale, square):
    """Squared studentised residuals, those that are numbers side by side; how many."""
    n = 0
    for d in range(n_est):
        value = residual[d] * residual[d] / (scale * scale * (1.0 - leverage[d]))
        square[n] = value
        n += value - value == 0.0
    return n


@_compiled
def _among_runs(square, n, sar, days, runs):
    """(p of the normal score: rank of the window's squares among all runs of as many estimation days)."""
    length, total = 0, 0.0
    for t in range(days[0], days[1]):
        if sar[t] - sar[t] == 0.0:
            total += sar[t] * sar[t]
            length += 1
    if n <= length or length == 0:
        return np.nan
    # a ring: the last days are before the first
    for k in range(length - 1):
        square[n + k] = square[k]
    for t in range(n):
        runs[t] = square[t]
    for k in range(1, length):
        for t in range(n):
            runs[t] += square[t + k]
    below, equal = 0, 0
    for t in range(n):
        below += runs[t] < total
        equal += runs[t] == total
    return (0.5 + below + 0.5 * equal) / (n + 1)


@_compiled
def _rank_sums(corrado, n_est, n_window, n_ranked, days, scalars, sums):
    """Add Corrado's ranks by day, and their sum over the window with its variance."""
    _add(corrado, n_est + n_window, sums)
    total, length = 0.0, 0
    for t in range(n_est + days[0], n_est + days[1]):
        value = corrado[t]
        total += value if value == value else 0.0
        length += value == value
    scalars[RANK_SUM] += total
    scalars[RANK_VARIANCE] += length * (n_ranked - length) / (12.0 * (n_ranked + 1))


@_compiled
def _grank(found, counts, value, at, days, scalars):
    """Add the event's day, one value, among its estimation days; an event without one is counted."""
    (n_est, n_obs), (row, lost, day) = counts, at
    residual, standard, ordered, ranked = found
    if value - value == 0.0:
        place = _below(ordered, n_obs, value)
        scalars[day] += _further_day(standard, ranked, n_est, n_obs, value, place, days[row])
        scalars[day + 1] += 1.0
        scalars[day + 2] += n_obs / (n_obs + 2.0)
    else:
        _count(residual, n_est, days[lost])


@_compiled
def _cell(where, sizes, wanted, found, numbers, deviations, made):
    """Add one event to one cell: a group and a test window."""
    (scar, nu, positive), (deviation, sar_deviation), (scratch, days, scalars) = numbers, deviations, made
    n_est, n_window, n_obs, n_seen = sizes
    residual, abnormal, corrado, ranked, ascending, sar = found
    if n_obs + n_seen == n_est + n_window:
        scalars[WHOLE] += 1.0
    else:
        _count(residual, n_est, days[SEEN])
        _count(abnormal, n_window, days[SEEN, n_est:])
    if wanted[IN_DAILY]:
        _add(residual, n_est, days[DAILY])
        _add(abnormal, n_window, days[DAILY, n_est:])
    if wanted[IN_RANKS]:
        _rank_sums(corrado, n_est, n_window, n_obs + n_seen, where, scalars, days[CORRADO])
    event = (residual, scratch[STANDARD], scratch[ORDERED], ranked)
    if wanted[IN_GRANK]:
        _grank(event, (n_est, n_obs), scar / deviation, (GRANK, GRANK_LOST, DAY), days, scalars)
    if wanted[IN_RAW]:
        value = scar / math.sqrt(nu / (nu - 2.0)) if nu > 2 else np.nan
        _grank(event, (n_est, n_obs), value, (RAW, RAW_LOST, RAW_DAY), days, scalars)
    if wanted[IN_ZIVNEY]:
        own = (days[ZIVNEY], days[ZIVNEY_SEEN])
        _corrado_zivney(scratch, ranked, (n_est, n_obs), where, (sar, sar_deviation), own)
    if wanted[IN_SIGNS]:
        scalars[POSITIVE] += positive
        if where[1] - where[0] == 1:
            _signs(residual, ascending, n_est, n_obs, abnormal[where[0]], days[SIGN])


def _readonly(dtype: Any, ndim: int) -> Any:
    return types.Array(dtype, ndim, "C", readonly=True)


_SIGNATURE = types.void(
    # what ``measure_events`` reads
    _readonly(types.float64, 2),
    _readonly(types.float64, 3),
    _readonly(types.int16, 2),
    _readonly(types.float64, 2),
    _readonly(types.int64, 1),
    _readonly(types.int64, 1),
    _readonly(types.uint8, 2),
    _readonly(types.int64, 2),
    _readonly(types.int64, 1),
    # events low to high
    types.int64,
    types.int64,
    _readonly(types.uint8, 2),  # member (C, E): whether an event may count in a cell
    _readonly(types.int64, 1),  # window of each cell (C,)
    _readonly(types.float64, 1),  # deviation of the SCARs (C,)
    _readonly(types.float64, 2),  # deviation of the SARs (C, L), from the window's first day on
    _readonly(types.int64, 1),  # wanted: a flag for each of PARTS, and the fewest observations
    types.float64[:, :, ::1],  # sums by day (C, ROWS, N + L)
    types.float64[:, ::1],  # sums (C, SCALARS)
    types.float64[:, ::1],  # places among runs (W, E)
    types.uint8[:, ::1],  # counted (C, E)
    # room for a batch: what ``measure_events`` and ``rank_events`` write
    types.int64[:, ::1],
    types.float64[:, ::1],
    types.boolean[:, ::1],
    types.float64[:, ::1],
    types.float64[:, :, :, ::1],
    types.float64[:, :, ::1],
    types.float64[:, :, ::1],
    types.float64[:, :, ::1],
    types.float64[:, ::1],
    types.float64[:, ::1],
    types.float64[:, ::1],
    types.float64[:, ::1],
    types.float64[:, ::1],
    # scratch of both, and of this pass (SCRATCH, 2 N), (L,)
    types.float64[:, ::1],
    types.float64[:, ::1],
    types.float64[:, ::1],
    types.float64[:, ::1],
    types.int64[::1],
    types.float64[::1],
    types.float64[:, ::1],
    types.uint32[:, ::1],
    types.uint32[::1],
    types.float64[:, ::1],
    types.float64[::1],
)


def _built(helpers: str) -> Any:
    """The kernel, with a digest of the files it is made of; see ``regress``."""

    @njit(_SIGNATURE, nogil=True, cache=True, error_model="numpy", _nrt=False)
    def add_events(
        returns, factors, span, offset, series, session, masked, windows, layout, low, high,
        member, window_of, deviation, sar_deviation, wanted, days, scalars, places, counted,
        counts, moments, flags, theta, inverses, daily, car, scaled, abnormal, order, corrado, ranked, ascending,
        work, upper, inverse, vectors, columns, own, floats, whole, tally, scratch, sar,
    ):  # fmt: skip
        """Add the events ``low`` to ``high`` to the sums, in their order."""
        _ = helpers
        n_est, n_window, n_cells = scaled.shape[2], abnormal.shape[1], len(window_of)
        for at in range(low, high, BATCH):
            stop = min(at + BATCH, high)
            measure_events(
                returns, factors, span, offset, series[at:stop], session[at:stop],
                masked[at:stop] if masked.shape[0] > 1 else masked[:1], windows, layout, 0, stop - at,
                counts, moments, flags, theta, inverses, daily, car, scaled, abnormal, order,
                work, upper, inverse, vectors, columns, own,
            )  # fmt: skip
            rank_events(scaled[0], abnormal, moments[4], 0, stop - at, corrado, ranked, ascending, floats, whole, tally)
            for e in range(stop - at):
                n_obs, s2 = counts[0, e], moments[0, e]
                if not (flags[0, e] and n_obs >= wanted[NEEDED] and s2 > 0.0):
                    continue
                scale, n_seen, n_squares = math.sqrt(s2), 0, 0
                for t in range(n_window):
                    sar[t] = daily[0, e, t] / (scale * math.sqrt(daily[1, e, t]))
                    n_seen += abnormal[e, t] == abnormal[e, t]
                if wanted[IN_GRANK] or wanted[IN_RAW] or wanted[IN_ZIVNEY]:
                    for d in range(n_est):
                        scratch[STANDARD, d] = scaled[0, e, d] / scale
                    for k in range(n_obs):
                        scratch[ORDERED, k] = ascending[e, k] / scale
                if wanted[IN_VOLATILITY]:
                    n_squares = _squares(scaled[0, e], scaled[1, e], n_est, scale, scratch[SQUARE])
                sizes = (n_est, n_window, n_obs, n_seen)
                found = (scaled[0, e], abnormal[e], corrado[e], ranked[e], ascending[e], sar)
                for w in range(windows.shape[0]):
                    scar = car[0, e, w] / math.sqrt(s2 * car[1, e, w])
                    if scar != scar:
                        continue
                    where = (windows[w, 0], windows[w, 1] + 1)
                    if wanted[IN_VOLATILITY]:
                        places[w, at + e] = _among_runs(scratch[SQUARE], n_squares, sar, where, scratch[RUNS])
                    for c in range(n_cells):
                        if window_of[c] == w and member[c, at + e] != 0:
                            counted[c, at + e] = 1
                            _cell(
                                where, sizes, wanted, found, (scar, moments[1, e], moments[3, e]),
                                (deviation[c], sar_deviation[c]), (scratch, days[c], scalars[c]),
                            )  # fmt: skip

    return add_events


_SOURCES = "".join(inspect.getsource(module) for module in (ranking, sys.modules[__name__])) + regress.SOURCES
add_events = _built(sha256(_SOURCES.encode()).hexdigest())
