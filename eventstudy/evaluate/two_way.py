"""Errors that firms and dates share: two-way clustered deviations and their wild bootstrap (methods A8)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from eventstudy.engine.panel import Floats, Ints
from eventstudy.engine.significance.distributions import t_p_value, t_quantile
from eventstudy.evaluate.coefficients import FEW_DATES, Coefficient, Sample, adjusted
from eventstudy.evaluate.wild import FEWEST_DATES, LARGEST_BLOCK, sign_patterns


@dataclass(frozen=True, slots=True)
class TwoWay:
    """Deviations of k coefficients under two-way clustering (Cameron, Gelbach & Miller 2011).

    Attributes
    ----------
    std_error : float64 (k,)
        NaN where the variance of a coefficient is negative before negative eigenvalues are set to zero.
    df : int
        The smaller number of clusters less one.
    eigen_fixed : bool
        An eigenvalue of the covariance was negative and set to 0.
    """

    std_error: Floats
    df: int
    eigen_fixed: bool


def two_way(x: Floats, e: Floats, firm: Ints, date: Ints) -> TwoWay:
    """V = V_firm + V_date - V_both, each with its own factor G/(G - 1) (N - 1)/(N - k).

    Parameters
    ----------
    x : float64 (N, k)
        Of full rank.
    e : float64 (N,)
        Residuals.
    firm, date : int64 (N,)
        0 to G - 1 each.

    Checked against
    ---------------
    statsmodels' ``cov_cluster_2groups`` and the golden values of the reference (tests/oracles/test_two_way.py).
    """
    inverse = np.linalg.inv(x.T @ x)
    total = np.zeros_like(inverse)
    for sign, cluster in _partitions(firm, date):
        score = np.zeros((int(cluster.max()) + 1, x.shape[1]))
        np.add.at(score, cluster, x * e[:, None])
        total += sign * _factor(cluster, *x.shape) * (inverse @ score.T @ score @ inverse)
    values, vectors = np.linalg.eigh(total)
    wrong = bool(values.min() < -1e-12 * np.abs(values).max())
    mended = (vectors * np.clip(values, 0.0, None)) @ vectors.T
    variance = np.where(np.diag(total) > 0, np.diag(mended), np.nan)
    return TwoWay(np.sqrt(variance), min(int(firm.max()), int(date.max())), wrong)


def _partitions(firm: Ints, date: Ints) -> list[tuple[float, Ints]]:
    """Sign and cluster of each row: by firm, by date, by both."""
    both = np.unique(firm * (int(date.max()) + 1) + date, return_inverse=True)[1].astype(np.int64)
    return [(1.0, firm), (1.0, date), (-1.0, both)]


def _factor(cluster: Ints, n: int, k: int) -> float:
    g = int(cluster.max()) + 1
    return g / (g - 1) * (n - 1) / (n - k)


def wild_two_way(y: Floats, x: Floats, firm: Ints, date: Ints, column: int) -> tuple[float, float, float, int]:
    """Test that one coefficient is zero where firms and dates both repeat (MacKinnon, Nielsen & Webb 2021).

    The null is imposed; signs are drawn for the clusters of the smaller dimension; the statistic is the coefficient
    over the root of the largest of its variances by firm, by date and two-way.

    Parameters
    ----------
    y : float64 (N,)
    x : float64 (N, k)
        Of full rank.
    firm, date : int64 (N,)

    Returns
    -------
    t, std_error, p, draws : float, float, float, int
        Two-sided, as ``wild_cluster``: all patterns up to twelve clusters, drawn ones with the +1 rule beyond.

    Checked against
    ---------------
    A loop that refits with statsmodels on every pattern (tests/oracles/test_two_way.py); sizes in tests/properties.
    """
    x = x / (scale := np.sqrt((x**2).sum(axis=0)))
    signed = firm if firm.max() < date.max() else date
    signs, complete = sign_patterns(int(signed.max()) + 1)
    others = np.delete(x, column, axis=1)
    r = y - others @ np.linalg.lstsq(others, y, rcond=None)[0] if others.shape[1] else y
    inverse = np.linalg.inv(x.T @ x)
    parts = [(sign * _factor(c, *x.shape), _sorted(c)) for sign, c in _partitions(firm, date)]

    def statistics(flips: Floats) -> tuple[Floats, Floats]:
        drawn = flips[:, signed] * r
        moved = drawn @ x @ inverse
        u = (drawn - moved @ x.T) * (x @ inverse[column])
        each = [
            weight * (np.add.reduceat(u[:, order], starts, axis=1) ** 2).sum(axis=1)
            for weight, (order, starts) in parts
        ]
        largest = np.maximum(np.maximum(each[0], each[1]), each[0] + each[1] + each[2])
        # rounding leaves a trace where the exact variance is zero
        least = 1e-20 * ((np.abs(r) @ np.abs(x @ inverse[column])) ** 2)
        with np.errstate(invalid="ignore", divide="ignore"):
            root = np.sqrt(np.where(largest > least, largest, np.nan))
            return moved[:, column] / root, root

    (observed,), (deviation,) = statistics(np.ones((1, signs.shape[1])))
    if not np.isfinite(observed):
        return np.nan, np.nan, np.nan, len(signs)
    block = max(1, LARGEST_BLOCK // len(y))
    drawn = np.concatenate([statistics(signs[at : at + block])[0] for at in range(0, len(signs), block)])
    more = int(np.count_nonzero(~(np.abs(drawn) < abs(observed) * (1 - 1e-9))))
    p = more / len(drawn) if complete else (1 + more) / (len(drawn) + 1)
    return float(observed), float(deviation / scale[column]), p, len(signs)


def _sorted(cluster: Ints) -> tuple[Ints, Ints]:
    """Rows in the order of their clusters, and where each begins."""
    order = np.argsort(cluster, kind="stable")
    return order, np.flatnonzero(np.append(True, np.diff(cluster[order]) != 0))


def two_way_lines(
    ols: Any, sample: Sample, dates: int, clustered: Sequence[Coefficient], level: float
) -> list[Coefficient]:
    """Every coefficient with its deviation clustered by firm and date; t with the smaller number of clusters less
    one."""
    found, lines = two_way(sample.x, np.asarray(ols.resid), sample.firm, sample.cluster), []
    fewest = min(dates, sample.n_firms)
    trouble = (
        [f"{fewest} clusters: finds effects too often below {FEW_DATES}, see wild-two-way"]
        if fewest < FEW_DATES
        else []
    )
    trouble += ["eigen_fixed: the covariance had a negative eigenvalue"] if found.eigen_fixed else []
    for j, beside in enumerate(clustered):
        error = float(found.std_error[j])
        defined = beside.applicable != "no" and error > 0
        t, df = np.array(beside.estimate / error if defined else math.nan), np.array(float(found.df))
        half = float(t_quantile(df, 0.5 + level / 2)) * error
        lines.append(
            replace(
                beside,
                variance="cluster-two-way",
                std_error=error if defined else math.nan,
                statistic=float(t),
                df=str(found.df) if defined else "",
                p=float(t_p_value(t, df)),
                ci_low=beside.estimate - half if defined else math.nan,
                ci_high=beside.estimate + half if defined else math.nan,
                applicable="no" if not defined else "warn" if trouble else "yes",
                reason="; ".join(trouble) if defined else f"{beside.term} has no two-way variance",
            )
        )
    return adjusted(lines)


def bootstrapped_lines(sample: Sample, dates: int, clustered: Sequence[Coefficient]) -> list[Coefficient]:
    """The wild bootstrap of every coefficient by signs of the smaller dimension."""
    fewest = min(dates, sample.n_firms)
    what = "firms" if sample.n_firms < dates else "dates"
    floor = f"{fewest} {what}: the smallest p is {2 / 2**fewest:.3g}, so nothing can be found at 5 %"
    lines = []
    for j, beside in enumerate(clustered):
        t, error, p, draws = wild_two_way(sample.y, sample.x, sample.firm, sample.cluster, j)
        defined = math.isfinite(p) and beside.applicable != "no"
        lines.append(
            replace(
                beside,
                variance="wild-two-way",
                std_error=error if defined else math.nan,
                statistic=t if defined else math.nan,
                null="enumeration" if draws == 2**fewest else "bootstrap",
                df=str(draws) if defined else "",
                p=p if defined else math.nan,
                ci_low=math.nan,
                ci_high=math.nan,
                applicable="no" if not defined else "warn" if fewest < FEWEST_DATES else "yes",
                reason=(floor if fewest < FEWEST_DATES else "")
                if defined
                else f"{beside.term} has no two-way variance",
            )
        )
    return adjusted(lines)
