"""The compiled ranking: exact midranks of each event's residuals, alone and together with its event window.

Imported only where the ``numba`` engine was chosen; see ``regress`` for the rules.
"""

# mypy: disable-error-code="no-untyped-def, no-any-return, untyped-decorator"

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types

# digits of the first sort: 14 bits of a clamped value, in two passes of 7
BITS = np.uint32(7)
RADIX = 128
_LOW, _PLACE = np.uint32(RADIX - 1), np.uint32(0xFFFF)
# keys a unit of scale, the mean absolute residual: 8,191 of them reach to five times that
_MOST, _KEYS = 8191.0, 1630.0

_compiled = njit(error_model="numpy", _nrt=False)


@_compiled
def _order(values, order, spare, key, tally, n, scale):
    """Places of ``values[:n]`` in ascending order except for neighbours of one key; n is at most 65,536.

    Returns the most values that share the upper half of a key.
    """
    factor, most = _KEYS / scale, np.uint32(0)
    for b in range(2 * RADIX):
        tally[b] = 0
    for i in range(n):
        key[i] = np.uint32(np.int32(min(max(values[i] * factor, -_MOST), _MOST)) + np.int32(_MOST + 1))
    for i in range(n):
        tally[key[i] & _LOW] += np.uint32(1)
        tally[np.uint32(RADIX) + (key[i] >> BITS)] += np.uint32(1)
    low, high = np.uint32(0), np.uint32(0)
    for b in range(RADIX):
        count = tally[b]
        tally[b] = low
        low += count
        count = tally[RADIX + b]
        tally[RADIX + b] = high
        high += count
        most = max(most, count)
    for i in range(n):
        digit = key[i] & _LOW
        # the upper half of the key is kept with the place
        spare[tally[digit]] = ((key[i] >> BITS) << np.uint32(16)) | np.uint32(i)
        tally[digit] += np.uint32(1)
    for i in range(n):
        digit = np.uint32(RADIX) + (spare[i] >> np.uint32(16))
        order[tally[digit]] = spare[i] & _PLACE
        tally[digit] += np.uint32(1)
    return most


@_compiled
def _insert(sorted_values, order, n, gap):
    for i in range(gap, n):
        if sorted_values[i] < sorted_values[i - gap]:
            value, index, j = sorted_values[i], order[i], i
            while j >= gap and sorted_values[j - gap] > value:
                sorted_values[j], order[j] = sorted_values[j - gap], order[j - gap]
                j -= gap
            sorted_values[j], order[j] = value, index


@_compiled
def _ranks(values, place, counts, scale, room, ordered, ranks):
    """Midranks of ``values[:n]`` among all in ``ranks[0]`` and, of the estimation days, among themselves in
    ``ranks[1]``, at the columns ``place``."""
    (n, n_est), (order, spare, key, tally) = counts, room
    most = _order(values, order, spare, key, tally, n, scale)
    for i in range(n):
        ordered[i] = values[order[i]]
    # an outlier that sets the scale leaves the others in few buckets: wide gaps first
    gap = 301 if most > n // 3 else 1
    while gap >= 1:
        _insert(ordered, order, n, gap)
        gap = 1 if gap == 2 else gap * 5 // 11
    ties = 0
    for i in range(1, n):
        ties += ordered[i] == ordered[i - 1]
    before = 0
    if ties == 0:
        for i in range(n):
            column = place[order[i]]
            before += column < n_est
            ranks[0, column] = i + 1.0
            ranks[1, column] = before
        return
    i = 0
    while i < n:
        j, own = i, 0
        while j < n and ordered[j] == ordered[i]:
            own += place[order[j]] < n_est
            j += 1
        for k in range(i, j):
            ranks[0, place[order[k]]] = 0.5 * (i + 1 + j)
            ranks[1, place[order[k]]] = before + 0.5 * (own + 1)
        before += own
        i = j


@_compiled
def _first_in_order(ordered, order, n_kept, n, found):
    """The first ``n_kept`` of the values, in ascending order; one place more is written to."""
    met = 0
    for i in range(n):
        found[met] = ordered[i]
        met += order[i] < n_kept


def _readonly(dtype: Any, ndim: int) -> Any:
    return types.Array(dtype, ndim, "C", readonly=True)


_SIGNATURE = types.void(
    _readonly(types.float64, 2),  # residual (E, N), NaN on days not used
    _readonly(types.float64, 2),  # abnormal (E, L), NaN without a return
    _readonly(types.float64, 1),  # scale (E,)
    types.int64,  # events low to high
    types.int64,
    types.float64[:, ::1],  # corrado (E, N + L): ranks of all, centred
    types.float64[:, ::1],  # ranked (E, N): ranks of the residuals alone
    types.float64[:, ::1],  # ascending (E, N + 1): the residuals in order of size; or empty
    types.float64[:, ::1],  # scratch (4, N + L)
    types.uint32[:, ::1],  # scratch (4, N + L)
    types.uint32[::1],  # scratch (512,)
)


@njit(_SIGNATURE, nogil=True, cache=True, error_model="numpy", _nrt=False)
def rank_events(residual, abnormal, scale, low, high, corrado, ranked, ascending, floats, counts, tally):
    """Rank the events ``low`` to ``high``. ``scale`` only steers the speed: order and ties are those of the values."""
    n_est, n_window = residual.shape[1], abnormal.shape[1]
    width = n_est + n_window
    values, ordered, ranks = floats[0], floats[1], floats[2:]
    place, order, spare, key = counts[0], counts[1], counts[2], counts[3]
    for e in range(low, high):
        n = 0
        for d in range(n_est):
            values[n], place[n] = residual[e, d], np.uint32(d)
            n += residual[e, d] == residual[e, d]
        n_kept = n
        for t in range(n_window):
            if abnormal[e, t] == abnormal[e, t]:
                values[n], place[n] = abnormal[e, t], np.uint32(n_est + t)
                n += 1
        if n < width:
            for d in range(width):
                ranks[0, d] = np.nan
                ranks[1, d] = np.nan
        size = 1.6 * scale[e]
        steer = size if 1e-280 < size < 1e280 else 1.0
        _ranks(values, place, (n, n_est), steer, (order, spare, key, tally), ordered, ranks)
        if ascending.shape[0]:
            _first_in_order(ordered, order, n_kept, n, ascending[e])
        for d in range(width):
            corrado[e, d] = ranks[0, d] / (n + 1) - 0.5
        for d in range(n_est):
            ranked[e, d] = ranks[1, d]
