"""Tests across events whose distribution is resampled (methods 7.1, 10.2), with fixed seeds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eventstudy.engine.panel import Floats, Ints
from eventstudy.engine.significance.cross_section import FEW_EVENTS, Dependence
from eventstudy.engine.significance.distributions import Alternative, extreme_count
from eventstudy.engine.significance.result import TestResult, computed, undefined
from eventstudy.engine.significance.summary import Summary

ENUMERATED_UP_TO = 12
DRAWS = 999
LBT_DRAWS = 1000
SEED = 20250416
# numbers held at once
LARGEST_DRAW = 250_000


def sign_flip(summary: Summary, dependence: Dependence, side: Alternative) -> TestResult:
    """``sign-flip``: every pattern of signs, one sign a date, on the cross-sectional t: exact under symmetry.

    The p value is a count over all 2^G patterns, the observed one included.
    """
    del dependence
    flipped, trouble = _flipping(summary)
    if flipped is None:
        return undefined("sign-flip", "enumeration", trouble)
    g = flipped.n_dates
    if g > ENUMERATED_UP_TO:
        return undefined("sign-flip", "enumeration", f"{g} dates: too many to enumerate, see wild-bootstrap")
    bits = (np.arange(2**g)[:, None] >> np.arange(g)[None, :]) & 1
    drawn, statistic = flipped.t(1 - 2 * bits), _t(summary.values["car"])
    p = extreme_count(np.round(drawn, 10), round(statistic, 10), side) / len(drawn)
    warnings = [f"{g} dates: smallest p is {2 / 2**g:.3g}"] if g < 6 else []
    return computed("sign-flip", statistic, "enumeration", str(len(drawn)), p, warnings)


@dataclass(frozen=True, slots=True)
class _Flipping:
    """Sums that determine the t of CARs whose dates change sign together: by date, and of squares.

    Signs leave the squares as they are, so that a draw costs as many products as there are dates.
    """

    totals: Floats
    squares: float
    n: int

    @property
    def n_dates(self) -> int:
        return len(self.totals)

    def t(self, signs: Ints) -> Floats:
        """Cross-sectional t under each row of signs, (B, dates)."""
        mean = signs @ self.totals / self.n
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(
                np.sqrt(self.n) * mean / np.sqrt(np.maximum(self.squares - self.n * mean**2, 0.0) / (self.n - 1))
            )


def _flipping(summary: Summary) -> tuple[_Flipping | None, str]:
    """The sample by date, or why its signs are not changed."""
    if summary.n < 2 or not summary.car.sum_of_squares > 0:
        return None, "the cross-section has no variance"
    x = summary.values["car"]
    _, cluster = np.unique(summary.values["date"], return_inverse=True)
    return _Flipping(np.asarray(np.bincount(cluster, x), dtype=np.float64), float((x * x).sum()), summary.n), ""


def wild_bootstrap(summary: Summary, dependence: Dependence, side: Alternative) -> TestResult:
    """``wild-bootstrap``: random signs, one per date, on the cross-sectional t, p with the +1 rule.

    Heals unequal variances and shared dates, not skewness.
    """
    flipped, trouble = _flipping(summary)
    if flipped is None:
        return undefined("wild-bootstrap", "bootstrap", trouble)
    g = flipped.n_dates
    if g <= ENUMERATED_UP_TO:
        return undefined("wild-bootstrap", "bootstrap", f"{g} dates: sign-flip enumerates all patterns")
    rng = np.random.default_rng(np.random.SeedSequence([SEED, summary.n, g]))
    # the sample as it is, by the lines of the draws: where all signs agree, |t*| is |t| to the last bit
    observed = float(flipped.t(np.ones((1, g), dtype=np.int64))[0])
    more, block = 0, max(1, LARGEST_DRAW // g)
    for at in range(0, DRAWS, block):
        flips = 1 - 2 * rng.integers(0, 2, (min(block, DRAWS - at), g))
        more += extreme_count(flipped.t(flips), observed, side)
    overlapping = [] if dependence.n_dates < summary.n else dependence.shared(summary.n)
    p = (1 + more) / (DRAWS + 1)
    return computed("wild-bootstrap", _t(summary.values["car"]), "bootstrap", str(DRAWS), p, overlapping)


def _t(x: Floats) -> float:
    """Cross-sectional t."""
    return float(np.sqrt(len(x)) * x.mean() / x.std(ddof=1))


def lbt_bootstrap(summary: Summary, dependence: Dependence, side: Alternative) -> TestResult:
    """``lbt-bootstrap``: skewness-adjusted t of the BHARs against its own bootstrap (Lyon, Barber & Tsai 1999).

    Resamples of a quarter of the events; p by the resampled percentiles, each tail doubled for two sides. Needs
    independent events and is meant for N of 50 and more.
    """
    x = summary.values["bhar"]
    n = len(x)
    if n < 8 or not summary.bhar.sum_of_squares > 0:
        return undefined(
            "lbt-bootstrap", "bootstrap", f"N = {n}: resamples of a quarter of the events need at least eight events"
        )
    size = max(2, round(n / 4))
    statistic = _adjusted(x[None], 0.0)[0]
    rng = np.random.default_rng(np.random.SeedSequence([SEED + 1, n]))
    centre, block = float(x.mean()), max(1, LARGEST_DRAW // size)
    drawn = np.concatenate(
        [
            _adjusted(x[rng.integers(0, n, (min(block, LBT_DRAWS - at), size))], centre)
            for at in range(0, LBT_DRAWS, block)
        ]
    )
    drawn = drawn[np.isfinite(drawn)]
    lower = (1 + np.count_nonzero(drawn <= statistic)) / (len(drawn) + 1)
    upper = (1 + np.count_nonzero(drawn >= statistic)) / (len(drawn) + 1)
    p = {"less": lower, "greater": upper}.get(side, min(1.0, 2 * min(lower, upper)))
    warnings = dependence.shared(n) + ([f"N = {n} is small"] if n < 5 * FEW_EVENTS else [])
    return computed("lbt-bootstrap", float(statistic), "bootstrap", str(len(drawn)), float(p), warnings)


def _adjusted(x: Floats, centre: float) -> Floats:
    """sqrt(n) (S + g S^2/3 + g/(6 n)) of each row about a centre; g with divisor n, sd with n - 1."""
    n = x.shape[1]
    mean = x.mean(axis=1)
    about = x - mean[:, None]
    # without variance, or where squares and cubes overflow, it is NaN
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        squares = about * about
        deviation = np.sqrt(squares.sum(axis=1) / (n - 1))
        s = (mean - centre) / deviation
        # a product: a power of floats takes many times as long
        g = (squares * about).sum(axis=1) / (n * deviation**3)
    return np.asarray(np.sqrt(n) * (s + g * s**2 / 3 + g / (6 * n)))
