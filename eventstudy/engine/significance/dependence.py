"""What events share in calendar time: correlations of residuals, common window days, covariances of CARs (methods 8).

Pairs are formed only where test windows overlap. Events with the same window days are one group, and every pair of
groups is a handful of matrix products, so the cost follows the overlaps and not the square of the events.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eventstudy.engine.panel import Bools, Floats, Ints
from eventstudy.engine.significance.cross_section import Dependence
from eventstudy.engine.significance.evidence import Sample

COMMON_DAYS = 30
# Events that one matrix product takes on either side: however many share a date, memory stays bounded.
LARGEST_GROUP = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class _Group:
    """Events with the same window days, laid out on consecutive calendar places."""

    first: int
    residual: Floats
    known: Bools
    weight: Floats
    share: Floats
    window: Ints
    series: Ints
    parameters: float

    @property
    def stop(self) -> int:
        """Place after the last one."""
        return self.first + int(self.residual.shape[1])


def dependence(
    sample: Sample,
    day_number: Ints,
    weights: Floats,
    window_columns: slice,
    n_parameters: int,
    common_days: int = COMMON_DAYS,
    shares: Floats | None = None,
) -> Dependence:
    """Mean correlations, overlaps and c'Omega c of a sample.

    Parameters
    ----------
    sample : Sample
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
    """
    n = sample.n
    c = np.ones(n) if shares is None else shares
    groups = _groups(sample, day_number, weights, window_columns, n_parameters, c)
    overlap = correlated = correlations = covariance = 0.0
    n_overlapping = n_correlated = 0
    for a, one in enumerate(groups):
        for other in groups[a:]:
            common = len(np.intersect1d(one.window, other.window))
            if not common:
                if other.window[0] > one.window[-1]:
                    break
                continue
            share = common / max(len(one.window), 1)
            pairs = np.ones((len(one.series), len(other.series)), dtype=bool)
            if one is other:
                pairs = np.triu(pairs, 1)
            r, sigma, both = _between(one, other, common_days)
            usable = pairs & np.isfinite(r)
            n_overlapping += int(pairs.sum())
            n_correlated += int(usable.sum())
            overlap += share * float(pairs.sum())
            correlations += float(r[usable].sum())
            correlated += share * float(r[usable].sum())
            covariance += 2 * float((sigma * both * np.outer(one.share, other.share))[usable].sum())
    total = n * (n - 1) / 2
    evidence = sample.evidence
    own = float((c**2 * evidence.scale[sample.rows] ** 2 * sample.q).sum())
    scale = n**2 if shares is None else 1
    return Dependence(
        n_dates=sample.n_dates,
        n_overlapping=n_overlapping,
        mean_overlap_correlation=correlated / total if total else 0.0,
        mean_overlap=overlap / total if total else 0.0,
        mean_correlation=correlations / n_correlated if n_correlated else 0.0,
        variance=(own + covariance) / scale if n else np.nan,
        min_nu=float(evidence.nu[sample.rows].min()) if n else np.nan,
    )


def _groups(
    sample: Sample, day_number: Ints, weights: Floats, window_columns: slice, n_parameters: int, shares: Floats
) -> list[_Group]:
    """Events by their window days, in order of the first of them; a crowd on one window makes several groups."""
    window = day_number[:, window_columns]
    days, membership = np.unique(window, axis=0, return_inverse=True)
    membership = membership.ravel()
    residual = sample.evidence.residual
    n_estimation = residual.shape[1]
    calendar = np.unique(day_number)
    order = np.argsort(membership, kind="stable")
    starts = np.searchsorted(membership[order], np.arange(len(days) + 1))
    pieces = [
        (g, order[at : min(at + LARGEST_GROUP, starts[g + 1])])
        for g in range(len(days))
        for at in range(starts[g], starts[g + 1], LARGEST_GROUP)
    ]
    found = []
    for window_number, members in pieces:
        place = np.searchsorted(calendar, day_number[members])
        first, width = int(place.min()), int(place.max() - place.min() + 1)
        rows = np.arange(len(members))[:, None]
        e, known, weight = (np.zeros((len(members), width)) for _ in range(3))
        at = place - first
        own = residual[sample.rows[members]]
        e[rows, at[:, :n_estimation]] = np.nan_to_num(own)
        known[rows, at[:, :n_estimation]] = np.isfinite(own)
        weight[rows, at] = weights[members]
        found.append(
            _Group(
                first=first,
                residual=e,
                known=known.astype(bool),
                weight=weight,
                share=shares[members],
                window=days[window_number],
                series=sample.series[members],
                parameters=float(n_parameters),
            )
        )
    return found


def _between(one: _Group, other: _Group, common_days: int) -> tuple[Floats, Floats, Floats]:
    """Pairwise r, sigma and the product of CAR weights of two groups, over the calendar places both have.

    r is centred over the common estimation days; 1 for two events of one firm; NaN below ``common_days``.
    """
    lo, hi = max(one.first, other.first), min(one.stop, other.stop)
    cut_one, cut_other = slice(lo - one.first, hi - one.first), slice(lo - other.first, hi - other.first)
    x, y = one.residual[:, cut_one], other.residual[:, cut_other]
    wx, wy = one.known[:, cut_one].astype(np.float64), other.known[:, cut_other].astype(np.float64)
    m = wx @ wy.T
    sx, sy = x @ wy.T, wx @ y.T
    xx, yy, xy = (x * x) @ wy.T, wx @ (y * y).T, x @ y.T
    with np.errstate(invalid="ignore", divide="ignore"):
        covariance = xy - sx * sy / m
        r = covariance / np.sqrt((xx - sx**2 / m) * (yy - sy**2 / m))
        sigma = xy / (m - one.parameters)
    enough = m >= max(common_days, one.parameters + 2)
    same = one.series[:, None] == other.series[None, :]
    r = np.where(enough, np.where(same, 1.0, r), np.nan)
    return r, np.where(enough, sigma, 0.0), one.weight[:, cut_one] @ other.weight[:, cut_other].T
