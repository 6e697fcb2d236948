"""Summarise -> merge -> finalise: what a chunk of events contributes to every multi-event test.

A study is cut into chunks of 2,048 events in file order; each chunk is summarised alone and the summaries are merged in
order. So one process and any number of partitions run the same lines and print the same digits.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import reduce

import numpy as np
from scipy import special

from eventstudy.engine.moments import CHUNK, Moments, summarise
from eventstudy.engine.panel import Floats
from eventstudy.engine.significance.conformal import circular_sums
from eventstudy.engine.significance.evidence import Evidence, Sample, average_ranks, centred

NONE = Moments()
# What a summary may hold beside the moments and Patell's sums.
PARTS = frozenset(
    {
        *(
            "scores",
            "days",
            "daily",
            "ranks",
            "signs",
            "volatility",
            "grank",
            "grank-raw",
            "grank-clu",
            "zivney",
            "dispersion",
        ),
        *("pooled", "relative"),
    }
)
# Those that conventions for comparison read in place of others: added only where a convention asks for them.
CONVENTION_PARTS = frozenset({"pooled", "relative"})
# Those that need the whole sample's spread first.
SPREAD_PARTS = frozenset({"grank", "grank-clu", "zivney"})
# Those that need no residuals.
LIGHT_PARTS = frozenset({"scores", "days"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """First pass: cross-sectional moments, by which the second pass standardises again.

    Attributes
    ----------
    sar : tuple of Moments
        Of each day of the test window.
    """

    scar: Moments
    sar: tuple[Moments, ...]

    @property
    def sar_deviation(self) -> Floats:
        """Standard deviation of each day's SARs."""
        return np.array([moments.standard_deviation for moments in self.sar])


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Second pass: everything the finalising steps need, for any number of events.

    Attributes
    ----------
    sums : dict
        Additive arrays, each summed over events; see ``_sums``.
    values : dict
        Columns with one entry an event, in file order: ``car``, ``scar``, ``bhar``, ``date``, and ``weight``
        where it is asked for.
    volatility : Moments
        Of the events' volatility scores.
    """

    car: Moments
    scar: Moments
    bhar: Moments
    sums: dict[str, Floats]
    values: dict[str, Floats]
    volatility: Moments = NONE

    def merge(self, other: Summary) -> Summary:
        """The summary of both, this one first."""
        return Summary(
            car=self.car.merge(other.car),
            scar=self.scar.merge(other.scar),
            bhar=self.bhar.merge(other.bhar),
            sums={name: self.sums[name] + other.sums[name] for name in self.sums},
            values={name: np.concatenate([self.values[name], other.values[name]]) for name in self.values},
            volatility=self.volatility.merge(other.volatility),
        )

    @property
    def n(self) -> int:
        """Number of events."""
        return self.car.count


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondPass:
    """The part of a summary that needs residuals or the whole sample's spread; fields as in ``Summary``."""

    sums: dict[str, Floats]
    volatility: Moments = NONE

    def merge(self, other: SecondPass) -> SecondPass:
        """Both, this one first."""
        return SecondPass(
            sums={name: self.sums[name] + other.sums[name] for name in self.sums},
            volatility=self.volatility.merge(other.volatility),
        )


def chunks(sample: Sample) -> Iterable[Sample]:
    """The sample in fixed chunks, in order."""
    return (sample.part(at, at + CHUNK) for at in range(0, max(sample.n, 1), CHUNK))


def spread_of(sample: Sample) -> Spread:
    """Cross-sectional moments of SCAR and of each window day's SAR."""
    sar = sample.evidence.sar[sample.rows, sample.days]
    return Spread(scar=summarise(sample.scar), sar=tuple(summarise(sar[:, k]) for k in range(sar.shape[1])))


def summarised(
    sample: Sample, spread: Spread, correlation: float = 0.0, parts: Collection[str] = PARTS - CONVENTION_PARTS
) -> Summary:
    """The whole sample, chunk by chunk, merged in order.

    Parameters
    ----------
    spread : Spread
        Of the whole sample: re-standardising divides by the cross-section's own deviation.
    correlation : float
        Mean correlation of events on one date, for ``grank-t-clu``.
    parts : collection of str
        Which of ``PARTS`` are wanted.
    """
    return merged(chunk_summaries(sample, spread, correlation, parts))


def chunk_summaries(
    sample: Sample, spread: Spread, correlation: float = 0.0, parts: Collection[str] = PARTS - CONVENTION_PARTS
) -> list[Summary]:
    """Summaries of a partition: one per chunk, unmerged, because the order of additions fixes the digits."""
    return [one_chunk(chunk, spread, correlation, parts) for chunk in chunks(sample)]


def merged(summaries: Iterable[Summary]) -> Summary:
    """The summaries of all partitions, merged in file order."""
    return reduce(Summary.merge, summaries)


def one_chunk(
    sample: Sample, spread: Spread | None, correlation: float, parts: Collection[str], *, values: bool = True
) -> Summary:
    """The summary of at most 2,048 events; ``spread`` is read by ``SPREAD_PARTS`` alone."""
    sums = _standardised(sample)
    if "days" in parts:
        sums |= _sum_of_days(sample)
    if "scores" in parts:
        nu = sample.evidence.nu[sample.rows]
        sums["stouffer"] = np.array(_normal_scores(sample.scar, nu).sum())
    more = second_pass(sample, spread, correlation, parts)
    columns = {"car": sample.car, "scar": sample.scar, "bhar": sample.bhar, "date": sample.dates.astype(np.float64)}
    if sample.weight is not None:
        columns["weight"] = sample.weight
    return Summary(
        car=summarise(sample.car),
        scar=summarise(sample.scar),
        bhar=summarise(sample.bhar),
        sums=sums | more.sums,
        values=columns if values else {},
        volatility=more.volatility,
    )


def second_pass(sample: Sample, spread: Spread | None, correlation: float, parts: Collection[str]) -> SecondPass:
    """Sums of at most 2,048 events for the parts that need residuals; see ``one_chunk``."""
    sums: dict[str, Floats] = {}
    if "daily" in parts:
        sums |= _daily(sample)
    if "ranks" in parts:
        sums |= _ranks(sample)
    sums |= _granks(sample, spread, correlation, parts)
    if "zivney" in parts:
        sums |= _corrado_zivney(sample, _known(spread))
    if "signs" in parts:
        sums |= _signs(sample)
    if "pooled" in parts:
        m = sample.evidence.n_ranked[sample.rows]
        sums["pooled"] = np.array([(sample.evidence.share_positive[sample.rows] * m).sum(), m.sum()])
    if "relative" in parts:
        sums["relative"] = _relative(sample)
    scores = summarise(volatility_scores(sample)) if "volatility" in parts else NONE
    return SecondPass(sums=sums, volatility=scores)


def _daily(sample: Sample) -> dict[str, Floats]:
    """Sums of residuals and abnormal returns by event day, and how many events have each day."""
    evidence, rows = sample.evidence, sample.rows
    both = np.concatenate([evidence.residual[rows], evidence.abnormal[rows]], axis=1)
    return {"aar_sum": np.nansum(both, axis=0), "aar_n": np.isfinite(both).sum(axis=0).astype(np.float64)}


def _standardised(sample: Sample) -> dict[str, Floats]:
    """Patell's sums; events with nu <= 2 have no variance there and stay out."""
    evidence, z = sample.evidence, sample.scar
    nu = evidence.nu[sample.rows]
    known = nu > 2
    q = np.where(known, nu / np.where(known, nu - 2, 1.0), 0.0)
    weight = 1 / sample.std_error
    own = {} if sample.weight is None else {"weighted": weighted_sums(sample, sample.weight)}
    return own | {
        "patell_n": np.array(known.sum(), dtype=np.float64),
        "patell_q": np.array(q.sum()),
        "patell_z": np.array(z[known].sum()),
        "precision": np.array([weight.sum(), (weight * sample.car).sum()]),
        "variance_weight": np.array([(weight**2).sum(), (weight**2 * sample.car).sum()]),
    }


def _sum_of_days(sample: Sample) -> dict[str, Floats]:
    """Patell's sum over the days of the window, each day standardised alone; who stays out as in ``_standardised``."""
    nu = sample.evidence.nu[sample.rows]
    known = nu > 2
    q = np.where(known, nu / np.where(known, nu - 2, 1.0), 1.0)
    sar = sample.evidence.sar[sample.rows, sample.days]
    csar = np.nansum(sar, axis=1) / np.sqrt(np.maximum(np.isfinite(sar).sum(axis=1), 1) * q)
    return {"patell_csar": np.array(csar[known].sum())}


def weighted_sums(sample: Sample, weight: Floats) -> Floats:
    """Sums of weight^2 S^2, of weight^2 S^2 Q with Q = nu/(nu - 2), and of the weights: (3,). NaN where one is not
    known."""
    nu, own = sample.evidence.nu[sample.rows], (weight * sample.std_error) ** 2
    q = np.where(nu > 2, nu / np.where(nu > 2, nu - 2, 1.0), np.nan)
    return np.array([own.sum(), (own * q).sum(), weight.sum()])


def _normal_scores(z: Floats, nu: Floats) -> Floats:
    """Phi^-1(F_t(z)), from the nearer tail, so that large values keep their digits."""
    tail = special.stdtr(nu, -np.abs(z))
    return np.asarray(-np.sign(z) * special.ndtri(tail))


def _ranks(sample: Sample) -> dict[str, Floats]:
    """Corrado's ranks by day, and their sum over the window with its variance."""
    evidence, rows, n_estimation = sample.evidence, sample.rows, sample.evidence.residual.shape[1]
    u = evidence.corrado[rows]
    window = u[:, n_estimation:][:, sample.days]
    t = np.isfinite(u).sum(axis=1)
    length = np.isfinite(window).sum(axis=1)
    return {
        "corrado_u": np.nansum(u, axis=0),
        "corrado_n": np.isfinite(u).sum(axis=0).astype(np.float64),
        "cumrank": np.array([np.nansum(window), (length * (t - length) / (12 * (t + 1))).sum()]),
    }


def _known(spread: Spread | None) -> Spread:
    assert spread is not None, "re-standardising needs the whole sample's spread"
    return spread


def _granks(sample: Sample, spread: Spread | None, correlation: float, parts: Collection[str]) -> dict[str, Floats]:
    """One day more, the event's, ranked among the standardised estimation residuals: SCAR over its own deviation under
    normality, or over the cross-section's."""
    found: dict[str, Floats] = {}
    evidence, rows, z = sample.evidence, sample.rows, sample.scar
    days = {}
    if "grank-raw" in parts:
        nu = evidence.nu[rows]
        days["grank_raw"] = z / np.sqrt(np.where(nu > 2, nu / np.where(nu > 2, nu - 2, 1.0), np.nan))
    with np.errstate(invalid="ignore", divide="ignore"):
        if "grank" in parts:
            days["grank"] = z / _known(spread).scar.standard_deviation
        if "grank-clu" in parts:
            deviation = _known(spread).scar.standard_deviation
            days["grank_clu"] = z / (deviation / np.sqrt(max(1 - correlation, 1e-12)))
    for name, value in days.items():
        found |= _with_one_day(evidence, rows, value, name)
    return found


def _with_one_day(evidence: Evidence, rows: np.ndarray, value: Floats, name: str) -> dict[str, Floats]:
    """Centred ranks of one further day among the standardised estimation residuals, summed by day.

    The ranks of the estimation days are known; the further day moves those above it by one place.
    """
    standard = evidence.residual[rows] / evidence.scale[rows, None]
    with np.errstate(invalid="ignore"):
        above, equal = standard > value[:, None], standard == value[:, None]
    t = evidence.n_ranked[rows] + 1
    known = np.isfinite(value)
    u_days = (evidence.ranked[rows] + above + 0.5 * equal) / (t + 1)[:, None] - 0.5
    below = np.isfinite(standard).sum(axis=1) - above.sum(axis=1) - equal.sum(axis=1)
    u_day = (below + equal.sum(axis=1) / 2 + 1) / (t + 1) - 0.5
    return {
        f"{name}_u": np.nansum(u_days[known], axis=0),
        f"{name}_n": np.isfinite(u_days[known]).sum(axis=0).astype(np.float64),
        f"{name}_day": np.array([u_day[known].sum(), known.sum(), ((t - 1) / (t + 1))[known].sum()]),
    }


def _corrado_zivney(sample: Sample, spread: Spread) -> dict[str, Floats]:
    """Estimation days as e/s, window days as SAR over their own cross-sectional deviation, ranked together.

    The ranks of the estimation days are known; each day of the window moves those above it by one place.
    """
    evidence, rows = sample.evidence, sample.rows
    deviation = spread.sar_deviation
    with np.errstate(invalid="ignore"):
        window = evidence.sar[rows, sample.days] / np.where(deviation > 0, deviation, np.nan)
    standard = evidence.residual[rows] / evidence.scale[rows, None]
    days, own = evidence.ranked[rows].copy(), average_ranks(window)
    with np.errstate(invalid="ignore"):
        for k in range(window.shape[1]):
            value = window[:, k, None]
            below, equal = standard < value, standard == value
            days += (standard > value) + 0.5 * equal
            own[:, k] += below.sum(axis=1) + 0.5 * equal.sum(axis=1)
    u = centred(np.concatenate([days, own], axis=1))
    return {"zivney_u": np.nansum(u, axis=0), "zivney_n": np.isfinite(u).sum(axis=0).astype(np.float64)}


def _relative(sample: Sample) -> Floats:
    """Residuals of every event about their mean over their length, summed by event day; (N,)."""
    e = sample.evidence.residual[sample.rows]
    about = e - np.nanmean(e, axis=1, keepdims=True) if len(e) else e
    return np.asarray(np.nansum(about / np.sqrt(np.nansum(about**2, axis=1, keepdims=True)), axis=0))


def mean_relative_correlation(summary: Summary) -> float:
    """Mean over all pairs of events of the correlation of their residuals in event time; a day that one of the two has
    not counts as its mean."""
    n, total = summary.n, summary.sums["relative"]
    return float((total @ total - n) / (n * (n - 1)))


def volatility_scores(sample: Sample) -> Floats:
    """Of each event, Phi^-1 of the mid-rank of the window's sum of squares among the runs of the estimation window."""
    evidence, rows = sample.evidence, sample.rows
    with np.errstate(divide="ignore", invalid="ignore"):
        before = evidence.residual[rows] ** 2 / (evidence.scale[rows, None] ** 2 * (1 - evidence.leverage[rows]))
    own = evidence.sar[rows, sample.days] ** 2
    n, length = np.isfinite(before).sum(axis=1), np.isfinite(own).sum(axis=1)
    # in the order of time, as the runs are added
    total = np.cumsum(np.where(np.isfinite(own), own, 0.0), axis=1)[:, -1]
    together = np.take_along_axis(before, np.argsort(~np.isfinite(before), axis=1, kind="stable"), axis=1)
    place = np.full(len(rows), np.nan)
    for m, long in sorted({(m, long) for m, long in zip(n.tolist(), length.tolist(), strict=True) if m > long > 0}):
        at = np.flatnonzero((n == m) & (length == long))
        runs = circular_sums(together[at, :m].T, np.ones(long))
        place[at] = (0.5 + (runs < total[at]).sum(axis=0) + 0.5 * (runs == total[at]).sum(axis=0)) / (m + 1)
    return np.asarray(special.ndtri(place))


def _signs(sample: Sample) -> dict[str, Floats]:
    """Cowan's expected share of positive days, and the signs about each event's own median."""
    evidence, rows = sample.evidence, sample.rows
    found = {"share_positive": np.array(evidence.share_positive[rows].sum())}
    both = np.concatenate([evidence.residual[rows], evidence.abnormal[rows][:, sample.days][:, -1:]], axis=1)
    if sample.length == 1:
        sign = np.sign(both - np.nanmedian(both, axis=1, keepdims=True))
    else:
        sign = np.full(both.shape, np.nan)
    return {
        **found,
        "sign_u": np.nansum(sign, axis=0),
        "sign_n": np.isfinite(sign).sum(axis=0).astype(np.float64),
    }
