"""Passes over the rows of one event as plain loops, which ``bench.simd`` holds the vector instructions against.

A row is a stretch of ``work``, a 2-d array of doubles whose width is a multiple of 8. A sum over a row runs in eight
accumulators, folded 4-2-1. The names are those of the module that they replace.
"""

# mypy: disable-error-code="no-untyped-def, no-any-return, untyped-decorator"

from __future__ import annotations

from numba import njit

LANES, VECTOR = 8, 1
_compiled = njit(error_model="numpy", _nrt=False)


@_compiled
def _folded(a, b, c, d, e, f, g, h):
    return ((a + e) + (c + g)) + ((b + f) + (d + h))


@_compiled
def dot(work, i, j, n):
    """Sum of row i times row j."""
    x, y = work[i], work[j]
    a = b = c = d = e = f = g = h = 0.0
    for at in range(0, n, 8):
        a += x[at] * y[at]
        b += x[at + 1] * y[at + 1]
        c += x[at + 2] * y[at + 2]
        d += x[at + 3] * y[at + 3]
        e += x[at + 4] * y[at + 4]
        f += x[at + 5] * y[at + 5]
        g += x[at + 6] * y[at + 6]
        h += x[at + 7] * y[at + 7]
    return _folded(a, b, c, d, e, f, g, h)


@_compiled
def product(work, out, i, j, k, n):
    """Row ``out`` = row i times row j; the sums of its squares and of it times row k."""
    made, x, y = work[out], work[i], work[j]
    for at in range(n):
        made[at] = x[at] * y[at]
    return dot(work, out, out, n), dot(work, out, k, n)


@_compiled
def remainder(work, out, i, share, j, k, n):
    """Row ``out`` = row i - share * row j; the sums of its squares and of it times row k, which is not ``out``."""
    made, x, y = work[out], work[i], work[j]
    for at in range(n):
        made[at] = x[at] - share * y[at]
    return dot(work, out, out, n), dot(work, out, k, n)


@_compiled
def scaled_pair(work, b, i, c, j, weight, root, n):
    """Row b = row i times ``weight``, row c = row j times ``weight``; the sums of root b, root c, b b and c c."""
    first, x, second, y, by = work[b], work[i], work[c], work[j], work[weight]
    for at in range(n):
        first[at] = x[at] * by[at]
        second[at] = y[at] * by[at]
    return dot(work, root, b, n), dot(work, root, c, n), dot(work, b, b, n), dot(work, c, c, n)


@_compiled
def swept_pair(work, b, share, c, other, root, n):
    """Take ``share`` of row ``root`` out of row b and ``other`` out of row c; the sums of root b, b b, b c and c c."""
    first, second, over = work[b], work[c], work[root]
    for at in range(n):
        first[at] = first[at] - share * over[at]
        second[at] = second[at] - other * over[at]
    return dot(work, root, b, n), dot(work, b, b, n), dot(work, b, c, n), dot(work, c, c, n)


@_compiled
def errors_pair(work, out, i, share, j, other, k, scaled, weight, n):
    """Row ``out`` = row i - share row j - other row k; row ``scaled`` = that times ``weight``, and its squares' sum."""
    made, x, y, z, last, by = work[out], work[i], work[j], work[k], work[scaled], work[weight]
    for at in range(n):
        made[at] = x[at] - share * y[at] - other * z[at]
    for at in range(n):
        last[at] = made[at] * by[at]
    return dot(work, scaled, scaled, n)


@_compiled
def take_returns(work, value, sessions, seen, low, returns, span, s, start, n, most):
    """n days of a series into the rows ``value``, ``sessions`` and ``seen`` from column ``low`` on.

    A day counts as observed with a finite return that covers 1 to ``most`` sessions; else it holds 0, 1, 0.
    """
    made, covers, there = work[value], work[sessions], work[seen]
    for d in range(n):
        one, covered = returns[s, start + d], span[s, start + d]
        fine = one - one == 0.0 and 0 < covered <= most
        made[low + d] = one if fine else 0.0
        covers[low + d] = float(covered) if covered > 0 else 1.0
        there[low + d] = 1.0 if fine else 0.0


@_compiled
def take_factor(work, row, observed, low, factors, f, k, start, n):
    """n days of a factor into a row; a day without one is no longer observed."""
    made, seen = work[row], work[observed]
    for d in range(n):
        one = factors[f, k, start + d]
        fine = one - one == 0.0
        made[low + d] = one if fine else 0.0
        seen[low + d] = seen[low + d] if fine else 0.0


@_compiled
def fetch_ahead(returns, span, s, start, n):
    """Plain loops ask for nothing ahead."""
