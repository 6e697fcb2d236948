"""Dependence between the events of a sample: overlaps, mean correlations and c'Omega c, from sums over pairs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from eventstudy.engine.panel import Floats, Ints
from eventstudy.engine.significance.cross_section import Dependence
from eventstudy.engine.significance.evidence import Sample
from eventstudy.engine.significance.overlap import Overlap, clusters_of
from eventstudy.engine.significance.pairs import (
    COMMON_DAYS,
    Errors,
    Laid,
    PairSums,
    errors_of,
    in_blocks,
    merged_pairs,
    neighbours,
    summed_pairs,
)
from eventstudy.engine.significance.summary import weighted_sums


def dependence(
    sample: Sample,
    day_number: Ints,
    weights: Floats,
    window_columns: slice,
    n_parameters: int,
    common_days: int = COMMON_DAYS,
    shares: Floats | None = None,
) -> Dependence:
    """Mean correlations, overlaps and c'Omega c of one sample in memory.

    Parameters
    ----------
    day_number : int64 (n, D)
        Calendar day of every column of the events' designs.
    weights : float64 (n, D)
        How each day's error enters the CAR (``evidence.window_weights``).
    window_columns : slice
        Columns of the test window.
    n_parameters : int
        p of the model.
    common_days : int
        Estimation days that a pair must have in common for a correlation.
    shares : float64 (n,) or None
        c_i of each event in the sum that ``variance`` is of; None is the mean, 1/n.

    Checked against
    ---------------
    Groups of equal dates laid out whole, a loop over pairs (tests/oracles).
    """
    if not sample.n:
        return Dependence(n_dates=0)
    calendar, residual = np.unique(day_number), sample.evidence.residual[sample.rows]
    c = np.ones(sample.n) if shares is None else shares
    cuts = in_blocks(sample.dates)

    weighted = np.zeros(sample.n) if sample.weight is None else sample.weight

    def take(number: int) -> Errors:
        rows = cuts[number]
        return errors_of(
            Laid(day_number[rows], sample.series[rows], calendar),
            residual[rows],
            weights[None, rows],
            [window_columns],
            shares=[np.stack([c[rows], weighted[rows]], axis=1)],
            parameters=float(n_parameters),
        )

    window = day_number[:, window_columns]
    low, high = (np.array([part(window[rows]) for rows in cuts]) for part in (np.min, np.max))
    (sums,) = merged_pairs([summed_pairs(list(enumerate(neighbours(low, high))), take, common_days)])
    own, min_nu = float((c**2 * sample.std_error**2).sum()), float(sample.evidence.nu[sample.rows].min())
    scale = 1.0 if shares is not None else float(sample.n) ** 2
    size = sample.n, sample.length
    found = shared_days(_overlap(window, sample.dates), size, sums.column(0), own, scale, min_nu)
    if sample.weight is None:
        return found
    return with_weights(found, weighted_sums(sample, sample.weight), float(sums.column(1).covariance))


def with_weights(found: Dependence, sums: Floats, between: float) -> Dependence:
    """The same with w'Omega w of the weighted mean, from ``summary.weighted_sums`` and the covariances of pairs."""
    return replace(found, weighted_variance=float((sums[0] + between) / sums[2] ** 2))


def _overlap(window: Ints, date: Ints) -> Overlap:
    """The overlaps of windows given day by day, (n, L), of events on dates (n,)."""
    distinct, count = np.unique(window, axis=0, return_counts=True)
    days, place = np.unique(distinct, return_inverse=True)
    on = np.zeros((len(distinct), len(days)))
    on[np.arange(len(distinct))[:, None], place.reshape(distinct.shape)] = 1.0
    common = on @ on.T
    pairs = np.outer(count, count) - np.diag(count)
    dates, cluster = clusters_of(date, window.min(axis=1), window.max(axis=1))
    return Overlap(
        n_dates=len(dates),
        pairs=int(pairs[common > 0].sum()) // 2,
        common_days=float((pairs * common).sum()) / 2,
        dates=dates,
        cluster=cluster,
    )


def shared_days(
    overlap: Overlap, size: tuple[int, int], sums: PairSums, own: float, scale: float, min_nu: float
) -> Dependence:
    """Dependence between the events of a sample.

    Parameters
    ----------
    size : (events, L)
    sums : PairSums
        Of the sample: numbers.
    own : float
        sum of c_i^2 Var(CAR_i).
    scale : float
        What the variance of the sum is divided by: n^2 where every c_i is 1 and the mean is meant.
    """
    n, length = size
    total, count = n * (n - 1) / 2, float(sums.count)
    return Dependence(
        n_dates=overlap.n_dates,
        n_overlapping=overlap.pairs,
        mean_overlap_correlation=float(sums.overlap_correlation) / total if total else 0.0,
        mean_overlap=overlap.common_days / length / total if total else 0.0,
        mean_correlation=float(sums.correlation) / count if count else 0.0,
        variance=(own + float(sums.covariance)) / scale,
        min_nu=min_nu,
        dates=overlap.dates,
        cluster=overlap.cluster,
    )
