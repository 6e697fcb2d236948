"""The compiled kernel: one pass over the events, each gathered, estimated and measured.

Imported only where the ``numba`` engine was chosen. Arithmetic is IEEE as written: no reassociation, no contraction;
what is a sum over an event's days runs in ``simd``. Scratch of a call is one array ``work`` of rows; a row is a
day-by-day vector of one event, zero beyond its days.
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

from eventstudy.engine.compiled import gathering, outcome, rows, simd
from eventstudy.engine.compiled.gathering import ahead, gather, put_back, reach, used_days, weigh
from eventstudy.engine.compiled.outcome import car_sums, daily_returns, lagged, local_variance, paths, residual_rows
from eventstudy.engine.compiled.ranking import readonly
from eventstudy.engine.compiled.rows import (
    ERROR,
    ESTIMATION,
    FIRST,
    RETURN,
    SCALED,
    SPAN,
    TARGET,
    USED,
)
from eventstudy.engine.compiled.simd import (
    LANES,
    dot,
    errors_pair,
    product,
    remainder,
    scaled_pair,
    swept_pair,
)
from eventstudy.engine.panel import LONGEST_SPAN
from eventstudy.engine.windows import LOCAL_SESSIONS

_U = 2.0**-53
_ZERO_VARIANCE = (64 * _U) ** 2

_compiled = njit(error_model="numpy", _nrt=False)


@_compiled
def _is_new(size, whole, n_obs, p):
    """Whether a column has more left than rounding: |q_j| > max(M, p) 4u |x_j|."""
    return size > 0.0 and math.sqrt(size) > max(n_obs, p) * 4 * _U * math.sqrt(whole)


@_compiled
def _eliminate(work, n, rows, n_obs, columns, upper, sizes):
    """Gram-Schmidt done twice on the regressors, once on TARGET, their last column: X = Q R with R unit upper.

    ``upper`` is left as R with Q'y beside it, ``sizes`` as |Q_j|^2. False where a column is zero or repeats others.

    Returns
    -------
    fine, about_mean : bool, float
        The variation of the target about its span-weighted mean.
    """
    intercept, root, weight, made = rows
    p = sizes.shape[0]
    share = dot(work, root, TARGET, n) / dot(work, root, root, n)
    about_mean = remainder(work, SCALED, TARGET, share, root, root, n)[0]
    for j in range(p):
        columns[j] = root if intercept == 1 and j == 0 else made + j
        if columns[j] != root:
            sizes[j] = product(work, made + j, FIRST + j - intercept, weight, weight, n)[0]
    columns[p] = TARGET
    for i in range(p):
        basis = columns[i]
        whole, size = sizes[i], dot(work, basis, basis, n)
        if not (size > 0.0 and (basis == root or _is_new(size, whole, n_obs, p))):
            return False, np.nan
        sizes[i] = size
        for j in range(i + 1, p + 1):
            share = dot(work, basis, columns[j], n) / size
            left = remainder(work, columns[j], columns[j], share, basis, basis, n)[1]
            if j < p:
                left /= size
                remainder(work, columns[j], columns[j], left, basis, basis, n)
                share += left
            upper[i, j] = share
    return True, about_mean


@_compiled
def _eliminate_market(work, n, rows, n_obs, columns, upper, sizes):
    """``_eliminate`` for an intercept and one factor, in two passes, or three.

    The second sweep is for a factor of which the first takes most: what is left then is not quite orthogonal. Where a
    quarter stays, rounding is all that a second would find. The third number bounds the squared returns' sum.
    """
    _, root, weight, made = rows
    column = made + 1
    columns[0], columns[1] = root, column
    size = dot(work, root, root, n)
    along, target, whole, squares = scaled_pair(work, column, FIRST, TARGET, RETURN, weight, root, n)
    share, mean = along / size, target / size
    along, rest, both, about_mean = swept_pair(work, column, share, TARGET, mean, root, n)
    if not rest > 0.25 * whole:
        left = along / size
        _, rest, both, _ = swept_pair(work, column, left, TARGET, 0.0, root, n)
        share += left
    if not (size > 0.0 and _is_new(rest, whole, n_obs, 2)):
        return False, np.nan, 0.0
    sizes[0], sizes[1] = size, rest
    upper[0, 1], upper[0, 2], upper[1, 2] = share, mean, both / rest
    # no return covers more sessions than all of them do
    return True, about_mean, squares * size


@_compiled
def _back_substitute(upper, theta, inverse):
    """theta = R^-1 Q'y, and R^-1 itself."""
    p = theta.shape[0]
    if p == 2:
        theta[1] = upper[1, 2]
        theta[0] = upper[0, 2] - upper[0, 1] * theta[1]
        inverse[0, 0], inverse[0, 1], inverse[1, 1] = 1.0, -upper[0, 1], 1.0
        return
    for j in range(p - 1, -1, -1):
        theta[j] = upper[j, p]
        for k in range(j + 1, p):
            theta[j] -= upper[j, k] * theta[k]
    for j in range(p):
        inverse[j, j] = 1.0
        for i in range(j - 1, -1, -1):
            value = 0.0
            for k in range(i + 1, j + 1):
                value -= upper[i, k] * inverse[k, j]
            inverse[i, j] = value


@_compiled
def _errors(work, days, rows, theta):
    """ERROR = return less what the model expects, of every day; the residuals' sum of squares, SCALED times weight."""
    n, wide = days
    intercept, _, weight, _ = rows
    p = theta.shape[0]
    if intercept == 1 and p == 2:
        total = errors_pair(work, ERROR, RETURN, theta[0], SPAN, theta[1], FIRST, SCALED, weight, n)
        for d in range(n, wide):
            work[ERROR, d] = work[RETURN, d] - theta[0] * work[SPAN, d] - theta[1] * work[FIRST, d]
        return total
    before = RETURN
    for j in range(p):
        regressor = SPAN if intercept == 1 and j == 0 else FIRST + j - intercept
        remainder(work, ERROR, before, theta[j], regressor, regressor, wide)
        before = ERROR
    return product(work, SCALED, ERROR, weight, weight, n)[0]


@_compiled
def _adjusted(work, days, rows):
    """ERROR = return less the market's; the sum of squares about their span-weighted mean."""
    n, wide = days
    _, root, weight, _ = rows
    remainder(work, ERROR, RETURN, 1.0, FIRST, FIRST, wide)
    _, along = product(work, TARGET, ERROR, weight, root, n)
    covered = dot(work, root, root, n)
    mean = along / (covered if covered > 0.0 else 1.0)
    return remainder(work, SCALED, TARGET, mean, root, root, n)[0]


@_compiled
def _estimate(work, days, rows, adjusted, n_obs, room):
    """(fine, s2, zero, r_squared) of one event; ERROR holds the abnormal return of every day it has a return."""
    columns, upper, sizes, theta, inverse = room
    n, p = days[0], theta.shape[0]
    nu, r_squared, at_most = n_obs - (1 if adjusted else p), np.nan, np.inf
    if adjusted:
        unexplained = _adjusted(work, days, rows)
    else:
        fine, about_mean = n_obs > p, np.nan
        if fine:
            if p == 2 and rows[0] == 1:
                fine, about_mean, at_most = _eliminate_market(work, n, rows, n_obs, columns, upper, sizes)
            else:
                product(work, TARGET, RETURN, rows[2], rows[2], n)
                fine, about_mean = _eliminate(work, n, rows, n_obs, columns, upper, sizes)
        if not fine:
            return False, np.nan, False, np.nan
        _back_substitute(upper, theta, inverse)
        unexplained = _errors(work, days, rows, theta)
        r_squared = 1.0 - unexplained / about_mean if about_mean > 0.0 else np.nan
    s2 = unexplained / nu if nu > 0 else np.nan
    if s2 > _ZERO_VARIANCE * at_most and at_most > 0.0:
        return True, s2, False, r_squared
    size = product(work, TARGET, ERROR if adjusted else RETURN, USED, USED, n)[0] / max(n_obs, 1)
    zero = s2 <= _ZERO_VARIANCE * (size if size > 0.0 else 1.0)
    return True, 0.0 if zero else s2, zero, r_squared


@_compiled
def _blank(e, made):
    """An event that cannot be estimated has no numbers."""
    daily, car, theta, inverses, scaled, abnormal, moments, order = made
    for k in range(daily.shape[0]):
        daily[k, e, :] = np.nan
    for k in range(car.shape[0]):
        car[k, e, :] = np.nan
    theta[e, :] = np.nan
    inverses[0, e, :, :] = np.nan
    inverses[1, e, :, :] = np.nan
    for k in range(moments.shape[0]):
        moments[k, e] = np.nan
    for k in range(order.shape[0]):
        order[k, e] = np.nan
    if abnormal.shape[0]:
        scaled[0, e, :] = np.nan
        scaled[1, e, :] = np.nan
        abnormal[e, :] = np.nan


@_compiled
def _covariance(p, inverse, sizes, inverses, e):
    """(X'X)^-1 = R^-1 D^-1 R^-T, and R^-1 D^-1/2."""
    xtx_inv, half = inverses[0], inverses[1]
    for i in range(p):
        for j in range(p):
            half[e, i, j] = inverse[i, j] / math.sqrt(sizes[j])
        for j in range(i, p):
            value = 0.0
            for k in range(j, p):
                value += inverse[i, k] * inverse[j, k] / sizes[k]
            xtx_inv[e, i, j] = value
            xtx_inv[e, j, i] = value


# what a kernel reads, what it makes, and its scratch
READ = (
    readonly(types.float64, 2),  # returns (S, T)
    readonly(types.float64, 3),  # factors (S or 1, K, T)
    readonly(types.int16, 2),  # span (S, T)
    readonly(types.float64, 2),  # offset (S, T) or (0, 0)
    readonly(types.int64, 1),  # series (E,)
    readonly(types.int64, 1),  # session (E,)
    readonly(types.uint8, 2),  # masked (E or 1, D)
    readonly(types.int64, 2),  # windows (W, 2), days from the first of the event window
    readonly(types.int64, 1),  # layout: E1, N, D, first column of the event window, intercept, adjusted, strict, log
)
MADE = (
    types.int64[:, ::1],  # counts (4, E): observations, masked, first, last
    types.float64[:, ::1],  # moments (5, E): s2, nu, r_squared, share above zero, mean size of the residuals
    types.boolean[:, ::1],  # flags (2, E): rank_ok, zero_variance
    types.float64[:, ::1],  # theta (E, p)
    types.float64[:, :, :, ::1],  # (X'X)^-1 and R^-1 D^-1/2 (2, E, p, p)
    types.float64[:, :, ::1],  # daily (2 or 5, E, L): ar, v, expected, path, path_v
    types.float64[:, :, ::1],  # car (4, E, W): car, q, base, bhar
    types.float64[:, :, ::1],  # scaled (2, E, N): residual, leverage; or empty
    types.float64[:, ::1],  # abnormal (E, L) of one-session scale; or empty
    types.float64[:, ::1],  # order (2 + W, E): sums of e_t^2 and of e_t e_{t-1}, local variances; or empty
)
ROOM = (
    types.float64[:, ::1],  # rows (rows.FIRST + K + p, days filled up to whole lanes), zero
    types.float64[:, ::1],  # R and Q'y (p, p + 1)
    types.float64[:, ::1],  # R^-1 (p, p), zero
    types.float64[:, ::1],  # three vectors (3, p)
    types.int64[::1],  # columns (p + 1,)
    types.float64[::1],  # offset of the event window (L,), zero
)
# between them the events low to high
_SIGNATURE = types.void(*READ, types.int64, types.int64, *MADE, *ROOM)


def _built(helpers: str) -> Any:
    """The kernel, with a digest of the files it is made of.

    The cache on disk keys a function on its own file and on what it closes over, not on the functions it calls.
    """

    @njit(_SIGNATURE, nogil=True, cache=True, error_model="numpy", _nrt=False)
    def measure_events(
        returns, factors, span, offset, series, session, masked, windows, layout, low, high,
        counts, moments, flags, theta, inverses, daily, car, scaled, abnormal, order,
        work, upper, inverse, vectors, columns, own,
    ):  # fmt: skip
        """Measure the events ``low`` to ``high``. Each is written to its own place and depends on no other."""
        _ = helpers
        e1, n_est, n_days, first_day, intercept = layout[0], layout[1], layout[2], layout[3], layout[4]
        adjusted, rules = layout[5] != 0, (layout[6] != 0, layout[7] != 0)
        p, made = theta.shape[1], FIRST + factors.shape[1]
        n, wide = (n_est + LANES - 1) // LANES * LANES, work.shape[1]
        work[ESTIMATION, :n_est] = 1.0
        sizes, total, solution = vectors[0], vectors[1], vectors[2]
        solved = (inverse, sizes, total)
        most = 1 if rules[0] else LONGEST_SPAN
        for e in range(low, high):
            s, start = series[e], session[e] + e1
            if e + 1 < high:
                ahead(returns, span, series[e + 1], session[e + 1] + e1, n_days)
            gather((returns, factors, span), (s, s if factors.shape[0] > 1 else 0, start), (n_days, most), work)
            n_obs, n_masked, covered = used_days(masked[e if masked.shape[0] > 1 else 0], n_est, n, work)
            root, weight = weigh(work, n_est, n_obs, covered)
            rows = (intercept, root, weight, made)
            counts[0, e], counts[1, e] = n_obs, n_masked
            counts[2, e], counts[3, e] = reach(work, n_est, start, n_obs)
            fine, s2, zero, r_squared = _estimate(
                work, (n, wide), rows, adjusted, n_obs, (columns, upper, sizes, solution, inverse)
            )
            flags[0, e], flags[1, e] = fine, zero
            if fine:
                place = (e, first_day, intercept)
                put_back(offset, s, start + first_day, own)
                daily_returns(work, place, solved, daily)
                if daily.shape[0] > 2:
                    paths(work, place, solved, own, daily)
                car_sums(work, place, solved, own, windows, rules, car)
                moments[0, e], moments[2, e] = s2, r_squared
                for j in range(p):
                    theta[e, j] = solution[j]
                _covariance(p, inverse, sizes, inverses, e)
                if abnormal.shape[0]:
                    residual_rows(work, place, n_est, rows, (columns, sizes), (scaled, abnormal, moments))
                if order.shape[0]:
                    lagged(work, e, n_est, weight, order)
                    hidden = masked[e if masked.shape[0] > 1 else 0]
                    for w in range(windows.shape[0]):
                        order[2 + w, e] = local_variance(work, hidden, first_day + windows[w, 0])
            else:
                _blank(e, (daily, car, theta, inverses, scaled, abnormal, moments, order))
            moments[1, e] = n_obs - (1 if adjusted else p)

    return measure_events


SOURCES = "".join(inspect.getsource(module) for module in (gathering, simd, outcome, rows, sys.modules[__name__]))
SOURCES += f"{LOCAL_SESSIONS} {LONGEST_SPAN}"
measure_events = _built(sha256(SOURCES.encode()).hexdigest())
