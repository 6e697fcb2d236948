"""Inputs of the compiled kernel for an event: its days from the panel, which of them are used, and their weights."""

# mypy: disable-error-code="no-untyped-def, no-any-return, untyped-decorator"

from __future__ import annotations

import math

from numba import njit

from eventstudy.engine.compiled.rows import ESTIMATION, FIRST, OBSERVED, RETURN, ROOT, SPAN, USED, WEIGHT
from eventstudy.engine.compiled.simd import VECTOR, fetch_ahead, product, take_factor, take_returns

_compiled = njit(error_model="numpy", _nrt=False)


@_compiled
def gather(panel, where, layout, work):
    """Rows RETURN, SPAN and OBSERVED and the factors of one event.

    A day without a return keeps its factors and one without a factor its return: OBSERVED decides.
    """
    returns, factors, span = panel
    s, f, start = where
    n_days, most = layout
    low, high = max(0, -start), min(n_days, returns.shape[1] - start)
    n = high - low
    if n < n_days:
        for row in range(FIRST + factors.shape[1]):
            if row != ESTIMATION:
                for d in range(n_days):
                    work[row, d] = 1.0 if row == SPAN else 0.0
    if n <= 0:
        return
    whole = n // VECTOR * VECTOR
    take_returns(work, RETURN, SPAN, OBSERVED, low, returns, span, s, start + low, whole, most)
    for d in range(low + whole, high):
        value, covered = returns[s, start + d], span[s, start + d]
        fine = value - value == 0.0 and 0 < covered <= most
        work[RETURN, d] = value if fine else 0.0
        work[SPAN, d] = float(covered) if covered > 0 else 1.0
        work[OBSERVED, d] = 1.0 if fine else 0.0
    for k in range(factors.shape[1]):
        take_factor(work, FIRST + k, OBSERVED, low, factors, f, k, start + low, whole)
        for d in range(low + whole, high):
            value = factors[f, k, start + d]
            fine = value - value == 0.0
            work[FIRST + k, d] = value if fine else 0.0
            work[OBSERVED, d] = work[OBSERVED, d] if fine else 0.0


@_compiled
def ahead(returns, span, s, start, n_days):
    """The next event's days, as far as the panel has them."""
    low, high = max(0, start), min(start + n_days, returns.shape[1])
    fetch_ahead(returns, span, s, low, high - low)


@_compiled
def used_days(masked, n_est, n, work):
    """Row USED, observed and not masked; how many days are used, how many left out for another event, and the sessions
    that the days used cover."""
    n_obs, covered = product(work, USED, OBSERVED, ESTIMATION, SPAN, n)
    any_masked = 0
    for d in range(n_est):
        any_masked |= masked[d]
    if any_masked == 0:
        return int(n_obs), 0, covered
    n_masked = 0
    for d in range(n_est):
        if masked[d] != 0 and work[USED, d] != 0.0:
            work[USED, d] = 0.0
            covered -= work[SPAN, d]
            n_masked += 1
    return int(n_obs) - n_masked, n_masked, covered


@_compiled
def weigh(work, n_est, n_obs, covered):
    """Rows that hold sqrt(span) and 1/sqrt(span) on the days used, zero elsewhere: USED itself without gaps."""
    if covered == n_obs:
        return USED, USED
    for d in range(n_est):
        work[ROOT, d] = work[USED, d]
        work[WEIGHT, d] = work[USED, d]
        if work[USED, d] != 0.0 and work[SPAN, d] != 1.0:
            root = math.sqrt(work[SPAN, d])
            work[ROOT, d] = root
            work[WEIGHT, d] = 1.0 / root
    return ROOT, WEIGHT


@_compiled
def reach(work, n_est, start, n_obs):
    """Panel positions of the first and last day used; -1 without one."""
    if n_obs == 0:
        return -1, -1
    first, last = 0, n_est - 1
    while work[USED, first] == 0.0:
        first += 1
    while work[USED, last] == 0.0:
        last -= 1
    return start + first, start + last


@_compiled
def put_back(offset, s, start, own):
    """The part subtracted from the returns of the event window; zero outside the panel."""
    if offset.shape[0] > 0:
        for t in range(own.shape[0]):
            own[t] = 0.0
        for t in range(max(0, -start), min(own.shape[0], offset.shape[1] - start)):
            value = offset[s, start + t]
            own[t] = value if value - value == 0.0 else 0.0
