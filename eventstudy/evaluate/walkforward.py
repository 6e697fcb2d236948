"""Forecasts of an event's outcome from the past of its type alone, walking forward (methods 13.1)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eventstudy.engine.panel import Bools, Floats, Ints

# Dates of a type that must be over before it is forecast, and degrees of freedom behind the spread of all types.
FEWEST_DATES = 3
FEWEST_FREEDOM = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Events:
    """N events in any order, as far as forecasting needs them.

    Attributes
    ----------
    kind : int64 (N,)
        Type, numbered from 0.
    date : int64 (N,)
        Calendar day of day 0; events of one date count as one.
    cutoff : int64 (N,)
        Only events that were over before this calendar day may be used to forecast this one.
    closed : int64 (N,)
        Calendar day on which the outcome was known.
    outcome : float64 (N,)
        What is forecast; NaN where there is none.
    z2 : float64 (N,)
        Outcome squared over its estimation variance, in units of the t distribution's own variance; NaN where there is
        none.
    """

    kind: Ints
    date: Ints
    cutoff: Ints
    closed: Ints
    outcome: Floats
    z2: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecasts:
    """Information known before each event; (N,) arrays.

    Attributes
    ----------
    made : bool
        Enough of the past was over; elsewhere the numbers below are NaN or 0.
    mean, variance : float64
        Posterior of the type's mean outcome.
    base : float64
        Mean outcome of all types.
    share_positive : float64
        Share of positive outcomes among all types.
    inflation : float64
        By how much the squared outcomes of past events exceeded what their estimation windows promised; at least 1.
    past : int64
        Dates of the type that were over.
    """

    made: Bools
    mean: Floats
    variance: Floats
    base: Floats
    share_positive: Floats
    inflation: Floats
    past: Ints


@dataclass(frozen=True, slots=True)
class _Cells:
    """Events of one type and one date, averaged: the unit that the past is made of."""

    kind: Ints
    closed: Ints
    mean: Floats
    z2: Floats


def walk_forward(events: Events) -> Forecasts:
    """Forecast each event from the types' past: normal-normal shrinkage of date means towards zero.

    Before the cutoff of an event, type k has G_k dates with mean m_k; the spread W of date means about their type's
    mean is pooled over types, V_k = W / G_k. The variance between types is DerSimonian and Laird's with the mean zero:
    tau² = max(0, (sum m_k²/V_k - K) / sum 1/V_k). The forecast is tau²/(tau² + V_k) m_k with variance
    tau² V_k/(tau² + V_k).

    Missing rule: an event without an outcome is forecast and teaches nothing.

    Checked against
    ---------------
    A loop over lists written from the formulas (tests/oracles/test_backtest.py); altering an outcome changes no
    forecast with an earlier cutoff.
    """
    n = len(events.kind)
    cells, n_kinds = _cells(events), int(events.kind.max()) + 1 if n else 0
    found = Forecasts(
        made=np.zeros(n, dtype=bool),
        mean=np.full(n, np.nan),
        variance=np.full(n, np.nan),
        base=np.full(n, np.nan),
        share_positive=np.full(n, np.nan),
        inflation=np.full(n, np.nan),
        past=np.zeros(n, dtype=np.int64),
    )
    order = np.argsort(events.cutoff, kind="stable")
    cuts, starts = np.unique(events.cutoff[order], return_index=True)
    for cut, rows in zip(cuts, np.split(order, starts[1:]), strict=True):
        over = cells.closed < cut
        count = np.bincount(cells.kind[over], minlength=n_kinds)
        kinds = events.kind[rows]
        found.past[rows] = count[kinds]
        if int(count.sum() - (count > 0).sum()) < FEWEST_FREEDOM:
            continue
        mean, variance = _posterior(cells.kind[over], cells.mean[over], count)
        found.made[rows] = (count[kinds] >= FEWEST_DATES) & np.isfinite(mean[kinds])
        found.mean[rows], found.variance[rows] = mean[kinds], variance[kinds]
        found.base[rows] = cells.mean[over].mean()
        found.share_positive[rows] = (cells.mean[over] > 0).mean()
        found.inflation[rows] = max(1.0, float(cells.z2[over].mean()))
    return found


def _cells(events: Events) -> _Cells:
    known = np.isfinite(events.outcome)
    pairs = np.column_stack([events.kind[known], events.date[known]])
    unique, which = np.unique(pairs, axis=0, return_inverse=True)
    which = which.ravel()
    size = np.bincount(which, minlength=len(unique))
    closed = np.full(len(unique), np.iinfo(np.int64).min)
    # a date teaches when the last of its events is over
    np.maximum.at(closed, which, events.closed[known])
    z2 = np.nan_to_num(events.z2[known], nan=1.0)
    return _Cells(
        kind=unique[:, 0].astype(np.int64),
        closed=closed,
        mean=np.bincount(which, events.outcome[known], len(unique)) / size,
        z2=np.bincount(which, z2, len(unique)) / size,
    )


def _posterior(kind: Ints, value: Floats, count: Ints) -> tuple[Floats, Floats]:
    """Posterior mean and variance of every type; NaN for a type without a past."""
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.bincount(kind, value, len(count)) / count
        within = ((value - mean[kind]) ** 2).sum() / (count.sum() - (count > 0).sum())
        own = within / count
    seen = count > 0
    if not within > 0:
        return np.where(seen, mean, np.nan), np.where(seen, 0.0, np.nan)
    weight = 1 / own[seen]
    between = max(0.0, float(((weight * mean[seen] ** 2).sum() - seen.sum()) / weight.sum()))
    shrunk = between / (between + np.where(seen, own, 1.0))
    return np.where(seen, shrunk * mean, np.nan), np.where(seen, shrunk * np.where(seen, own, 1.0), np.nan)
