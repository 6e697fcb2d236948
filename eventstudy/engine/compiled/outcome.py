"""Outputs of the compiled kernel for an estimated event: abnormal returns, CARs, residuals, each into its own place."""

# mypy: disable-error-code="no-untyped-def, no-any-return, untyped-decorator"

from __future__ import annotations

import math

import numpy as np
from numba import njit

from eventstudy.engine.compiled.rows import ERROR, FIRST, OBSERVED, RETURN, SCALED, SPAN, TARGET, USED
from eventstudy.engine.compiled.simd import LANES, dot
from eventstudy.engine.windows import LOCAL_SESSIONS

_compiled = njit(error_model="numpy", _nrt=False)


@_compiled
def _quadratic(total, inverse, sizes):
    """x' (X'X)^-1 x as the squared length of D^-1/2 R^-T x."""
    if sizes.shape[0] == 2:
        part = total[1] + inverse[0, 1] * total[0]
        return total[0] * total[0] / sizes[0] + part * part / sizes[1]
    found = 0.0
    for j in range(sizes.shape[0]):
        part = total[j]
        for i in range(j):
            part += inverse[i, j] * total[i]
        found += part * part / sizes[j]
    return found


@_compiled
def daily_returns(work, place, solved, daily):
    """AR and its variance factor on each day of the event window.

    ``place`` is the event, the column of the window's first day and whether there is an intercept; ``solved`` is R^-1,
    |Q_j|^2 and scratch for a sum of regressors.
    """
    (e, first_day, intercept), (inverse, sizes, x) = place, solved
    n, p = daily.shape[2], sizes.shape[0]
    ar, v = daily[0, e], daily[1, e]
    seen, error, span = work[OBSERVED, first_day:], work[ERROR, first_day:], work[SPAN, first_day:]
    for t in range(n):
        ar[t] = error[t] if seen[t] != 0.0 else np.nan
    if intercept == 1 and p == 2:
        # the market model, in one loop that vectorises
        factor, along = work[FIRST, first_day:], inverse[0, 1]
        first, second = 1.0 / sizes[0], 1.0 / sizes[1]
        for t in range(n):
            part = factor[t] + along * span[t]
            v[t] = span[t] + (span[t] * span[t] * first + part * part * second) if seen[t] != 0.0 else np.nan
        return
    for t in range(n):
        for j in range(p):
            x[j] = work[SPAN if intercept == 1 and j == 0 else FIRST + j - intercept, first_day + t]
        v[t] = span[t] + _quadratic(x, inverse, sizes) if seen[t] != 0.0 else np.nan


@_compiled
def paths(work, place, solved, offset, daily):
    """Expected return, and the CAR from the first day of the event window on with its variance factor."""
    (e, first_day, intercept), (inverse, sizes, total) = place, solved
    p = sizes.shape[0]
    path, covered = 0.0, 0.0
    for j in range(p):
        total[j] = 0.0
    for t in range(daily.shape[2]):
        d = first_day + t
        if work[OBSERVED, d] == 0.0:
            for k in range(2, 5):
                daily[k, e, t] = np.nan
            continue
        path += work[ERROR, d]
        covered += work[SPAN, d]
        for j in range(p):
            total[j] += work[SPAN if intercept == 1 and j == 0 else FIRST + j - intercept, d]
        daily[2, e, t] = work[RETURN, d] + offset[t] - work[ERROR, d]
        daily[3, e, t] = path
        daily[4, e, t] = covered + _quadratic(total, inverse, sizes)


@_compiled
def car_sums(work, place, solved, offset, windows, rules, car):
    """CAR, q, base and BHAR of each test window."""
    (e, first_day, intercept), (inverse, sizes, total) = place, solved
    p = sizes.shape[0]
    strict, log = rules
    for w in range(windows.shape[0]):
        start, end = windows[w, 0], windows[w, 1]
        n_seen, cumulated, covered, last, linked = 0, 0.0, 0.0, start - 1, True
        product, expected = (0.0, 0.0) if log else (1.0, 1.0)
        for t in range(start, end + 1):
            d = first_day + t
            if work[OBSERVED, d] != 0.0:
                n_seen += 1
                linked &= t - work[SPAN, d] <= last
                last = t
                ar, value = work[ERROR, d], work[RETURN, d] + offset[t]
                cumulated += ar
                covered += work[SPAN, d]
                if log:
                    product += value
                    expected += value - ar
                else:
                    product *= 1.0 + value
                    expected *= 1.0 + (value - ar)
        for j in range(p):
            row, along = SPAN if intercept == 1 and j == 0 else FIRST + j - intercept, 0.0
            for d in range(first_day + start, first_day + end + 1):
                along += work[row, d] if work[OBSERVED, d] != 0.0 else 0.0
            total[j] = along
        if log:
            product, expected = math.exp(product), math.exp(expected)
        whole = n_seen == end - start + 1 if strict else linked and last == end
        car[0, e, w] = cumulated if whole else np.nan
        car[1, e, w] = covered + _quadratic(total, inverse, sizes) if whole else np.nan
        car[2, e, w] = covered if whole else np.nan
        car[3, e, w] = product - expected if whole else np.nan


@_compiled
def residual_rows(work, place, n_est, rows, basis, made):
    """Residuals and abnormal returns of one-session scale, leverages, the share above zero and the mean size."""
    (e, first_day, _), (_, root, weight, _) = place, rows
    (columns, sizes), (scaled, abnormal, moments) = basis, made
    n = (n_est + LANES - 1) // LANES * LANES
    for d in range(n):
        work[SCALED, d] = work[ERROR, d] * work[weight, d]
    for d in range(n):
        work[TARGET, d] = abs(work[SCALED, d])
    size = dot(work, TARGET, root, n)
    for d in range(n_est):
        work[TARGET, d] = 0.0
    for j in range(sizes.shape[0]):
        share, column = 1.0 / sizes[j], columns[j]
        for d in range(n_est):
            work[TARGET, d] += work[column, d] * work[column, d] * share
    n_used, n_positive = 0, 0
    for d in range(n_est):
        used = work[USED, d] != 0.0
        scaled[0, e, d] = work[SCALED, d] if used else np.nan
        n_used += used
        n_positive += used & (work[SCALED, d] > 0.0)
    for d in range(n_est):
        scaled[1, e, d] = work[TARGET, d] if work[USED, d] != 0.0 else np.nan
    for t in range(abnormal.shape[1]):
        d = first_day + t
        covered = work[SPAN, d]
        value = work[ERROR, d] if covered == 1.0 else work[ERROR, d] / math.sqrt(covered)
        abnormal[e, t] = value if work[OBSERVED, d] != 0.0 else np.nan
    moments[3, e] = n_positive / max(n_used, 1)
    moments[4, e] = size / max(n_used, 1)


@_compiled
def lagged(work, e, n_est, weight, order):
    """Sums of the squared residuals, and of the products of neighbours; a day that is not used breaks the pair."""
    n = (n_est + LANES - 1) // LANES * LANES
    for d in range(n):
        work[TARGET, d] = work[ERROR, d] * work[weight, d]
    for d in range(n - 1):
        work[SCALED, d] = work[TARGET, d + 1]
    work[SCALED, n - 1] = 0.0
    order[0, e] = dot(work, TARGET, TARGET, n)
    order[1, e] = dot(work, TARGET, SCALED, n)


@_compiled
def local_variance(work, masked, before):
    """Mean square of the latest one-session errors before a day, of sessions observed and not masked."""
    total, n = 0.0, 0
    for back in range(before):
        d = before - 1 - back
        if masked[d] == 0 and work[OBSERVED, d] != 0.0:
            error = work[ERROR, d]
            total += error * error / work[SPAN, d]
            n += 1
            if n == LOCAL_SESSIONS:
                return total / LOCAL_SESSIONS
    return np.nan
