"""Value-weighted means across events and their tests (methods A7)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eventstudy.engine.panel import Floats
from eventstudy.engine.significance.cross_section import Dependence, risen_variance
from eventstudy.engine.significance.distributions import Alternative, normal_p_value, t_p_value
from eventstudy.engine.significance.result import TestResult, computed, undefined
from eventstudy.engine.significance.summary import Summary

# share of one event above which the weighted mean is mostly that event
LARGEST = 0.5
# tests of weighted means that survive a risen variance
ROBUST = "vw-kp or vw-bmp"


@dataclass(frozen=True, slots=True)
class WeightedMean:
    """A weighted mean of CARs.

    Attributes
    ----------
    mean : float
        ``vwcaar``, sum w_i CAR_i.
    n_effective : float
        1 / sum w_i^2: so many events of equal weight vary as much.
    largest : float
        The largest w_i.
    reason : str
        Why there is none; the numbers are NaN then.
    """

    mean: float = np.nan
    n_effective: float = np.nan
    largest: float = np.nan
    reason: str = ""


NO_MEAN = WeightedMean()


def of_values(values: dict[str, Floats]) -> WeightedMean:
    """That of a sample whose events are all there."""
    return weighted_mean(values["car"], values["weight"])


def shares_of(weight: Floats) -> Floats:
    """w_i = weight over the sum of all; (n,)."""
    return np.asarray(weight / weight.sum())


def weighted_mean(car: Floats, weight: Floats) -> WeightedMean:
    """``vwcaar``, the effective number of events and the largest share; (n,) each.

    Missing rule: there is none where an event has no weight, because its share is not known.

    Checked against
    ---------------
    The golden values of the reference and numpy's average (tests/oracles/test_value_weights.py).
    """
    missing = int(np.isnan(weight).sum())
    if missing:
        return WeightedMean(reason=f"{missing} of {len(weight)} events have no weight")
    w = shares_of(weight)
    return WeightedMean(float(w @ car), float(1 / (w @ w)), float(w.max()))


def _read(test: str, law: str, summary: Summary) -> tuple[WeightedMean, list[str]] | TestResult:
    if "weight" not in summary.values:
        return undefined(test, law, "no column of weights is named")
    found = of_values(summary.values)
    if found.reason:
        return undefined(test, law, found.reason)
    if found.largest <= LARGEST:
        return found, []
    return found, [f"one event has {100 * found.largest:.0f} % of the weight"]


def vw_patell(summary: Summary, dependence: Dependence, side: Alternative) -> TestResult:
    """``vw-patell``: vwcaar over the root of sum w_i^2 S_i^2 Q_i, N(0,1); independent events, variance unchanged."""
    read = _read("vw-patell", "normal", summary)
    if isinstance(read, TestResult):
        return read
    found, warnings = read
    variance = float(summary.sums["weighted"][1]) / float(summary.sums["weighted"][2]) ** 2
    if not variance > 0:
        return undefined("vw-patell", "normal", "an event has two degrees of freedom or fewer")
    z = found.mean / np.sqrt(variance)
    notes = [*dependence.shared(summary.n), *risen_variance(summary, ROBUST), *warnings]
    return computed("vw-patell", z, "normal", "", normal_p_value(z, side), notes)


def vw_bmp(summary: Summary, dependence: Dependence, side: Alternative) -> TestResult:
    """``vw-bmp``: vwcaar over k times the root of sum w_i^2 S_i^2, k the deviation of SCAR; t_{N-1}.

    Holds under event-induced variance; needs independence: with a correlation of 0.3 on one date it rejects 14 to 53 %.
    """
    read = _read("vw-bmp", "t", summary)
    if isinstance(read, TestResult):
        return read
    found, warnings = read
    std_error = summary.scar.standard_deviation * np.sqrt(summary.sums["weighted"][0]) / summary.sums["weighted"][2]
    return _student("vw-bmp", found.mean, std_error, summary.n - 1, side, [*dependence.shared(summary.n), *warnings])


def vw_calendar_cov(summary: Summary, dependence: Dependence, side: Alternative) -> TestResult:
    """``vw-calendar-cov``: vwcaar over the root of w'Omega w, t with the smallest nu; the variance unchanged."""
    read = _read("vw-calendar-cov", "t", summary)
    if isinstance(read, TestResult):
        return read
    found, warnings = read
    std_error = np.sqrt(dependence.weighted_variance) if dependence.weighted_variance > 0 else np.nan
    notes = [*risen_variance(summary, ROBUST), *warnings]
    return _student("vw-calendar-cov", found.mean, std_error, dependence.min_nu, side, notes)


def vw_kp(summary: Summary, dependence: Dependence, side: Alternative) -> TestResult:
    """``vw-kp``: vwcaar over (k / sqrt(1 - rbar_o)) times the root of w'Omega w, t_{N-1}: correlated events whose
    variance the event changes."""
    read = _read("vw-kp", "t", summary)
    if isinstance(read, TestResult):
        return read
    found, warnings = read
    r = dependence.mean_overlap_correlation
    if r < 0:
        warnings = [*warnings, f"the mean correlation {r:.3f} is negative and taken as 0"]
    k = summary.scar.standard_deviation / np.sqrt(1 - max(r, 0.0)) if r < 1 else np.nan
    std_error = k * np.sqrt(dependence.weighted_variance) if dependence.weighted_variance > 0 else np.nan
    return _student("vw-kp", found.mean, std_error, summary.n - 1, side, warnings)


def vw_csect(summary: Summary, dependence: Dependence, side: Alternative) -> TestResult:
    """``vw-csect``: vwcaar over the root of sum c_i (CAR_i - vwcaar)^2, c_i = w_i^2 / (1 - 2 w_i + sum w^2), with
    Satterthwaite's degrees of freedom (Bell & McCaffrey 2002); with equal weights ``csect-t``.

    Valid for any variances of the events, and nearly powerless where few events carry the weight.
    """
    read = _read("vw-csect", "t", summary)
    if isinstance(read, TestResult):
        return read
    found, warnings = read
    w, car = shares_of(summary.values["weight"]), summary.values["car"]
    c = w**2 / (1 - 2 * w + w @ w)
    std_error = float(np.sqrt(c @ (car - found.mean) ** 2))
    # of A = M' diag(c) M with M = I - 1w': tr A = w'w, and tr A^2 from inner products
    a, b, d, whole = c @ c, c @ w, w @ w, c.sum()
    squares = (
        a + 2 * (whole * (c @ w**2) - 2 * (c**2 @ w)) + 2 * b**2 + 2 * a * d - 4 * whole * b * d + (whole * d) ** 2
    )
    df = float(d**2 / squares)
    return _student("vw-csect", found.mean, std_error, df, side, [*dependence.shared(summary.n), *warnings])


def _student(test: str, mean: float, std_error: float, df: float, side: Alternative, warnings: list[str]) -> TestResult:
    if not std_error > 0:
        return undefined(test, "t", "the variance of the weighted mean is not positive")
    t = float(mean / std_error)
    return computed(test, t, "t", f"{df:.6g}", float(t_p_value(np.array(t), np.array(float(df)), side)), warnings)
