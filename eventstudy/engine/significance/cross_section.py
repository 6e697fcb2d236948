"""Parametric tests across events (methods 7.1, 6.7, 8, 9.2): the finalising step of a ``Summary``."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy import special

from eventstudy.engine.moments import Moments
from eventstudy.engine.panel import Ints
from eventstudy.engine.significance.dispersion import risen
from eventstudy.engine.significance.distributions import Alternative, normal_p_value, t_p_value
from eventstudy.engine.significance.result import TestResult, computed, undefined
from eventstudy.engine.significance.summary import Summary, mean_relative_correlation

FEW_EVENTS = 10
FEW_FOR_VARIANCE = 20
RISEN_VARIANCE_P = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependence:
    """Dependence of events in calendar time.

    Attributes
    ----------
    n_dates : int
        Distinct day-0 dates.
    n_overlapping : int
        Pairs of events whose test windows have a day in common.
    mean_overlap_correlation : float
        rbar_o: mean over all pairs of r_ij times the share of common window days.
    mean_overlap : float
        tau: mean over all pairs of that share.
    mean_correlation : float
        r: mean correlation over pairs whose windows overlap and that have 30 common estimation days.
    variance : float
        c'Omega c of the equally weighted mean CAR; NaN where it was not asked for.
    weighted_variance : float
        w'Omega w of the value-weighted mean CAR; NaN where it was not asked for.
    dates, cluster : int64 (G,)
        As in ``Overlap``.
    """

    n_dates: int
    n_overlapping: int = 0
    mean_overlap_correlation: float = 0.0
    mean_overlap: float = 0.0
    mean_correlation: float = 0.0
    variance: float = np.nan
    weighted_variance: float = np.nan
    min_nu: float = np.nan
    dates: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64), compare=False)
    cluster: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64), compare=False)

    def shared(self, n: int) -> list[str]:
        """The sentence against tests that need independent events."""
        if self.n_overlapping:
            on = f"{n} events on {self.n_dates} dates: " if self.n_dates < n else ""
            return [f"{on}windows of {self.n_overlapping} pairs overlap, so events are correlated"]
        return [f"{n} events on {self.n_dates} dates: events of one date are correlated"] if self.n_dates < n else []


def csect_t(moments: Moments, n_dates: int, alternative: Alternative = "two-sided") -> TestResult:
    """``csect-t``: sqrt(N) mean / sd with N - 1 degrees of freedom (methods 7.1).

    Assumes events independent of one another: with rho = 0.3 on one date it rejects 33 % (N = 10) at nominal 5 %.

    Parameters
    ----------
    moments : Moments
        Of the CARs, one per (ticker, day 0).
    n_dates : int
        Distinct day-0 sessions among them.
    """
    warnings = Dependence(n_dates=n_dates).shared(moments.count)
    return _mean_over_deviation("csect-t", moments, alternative, [*warnings, *_few(moments.count)])


def cross_sectional(summary: Summary, dependence: Dependence, side: Alternative) -> TestResult:
    """``csect-t`` of a summary."""
    warnings = [*dependence.shared(summary.n), *_few(summary.n)]
    return _mean_over_deviation("csect-t", summary.car, side, warnings)


def bmp(summary: Summary, dependence: Dependence, side: Alternative) -> TestResult:
    """``bmp``: the standardised cross-section (Boehmer, Musumeci & Poulsen 1991) with t_{N-1}.

    Holds under event-induced variance; needs independence. N(0,1) in place of t_{N-1} would reject 17 % at N = 3.
    """
    warnings = dependence.shared(summary.n) + (["N = 2"] if summary.n == 2 else [])
    return _mean_over_deviation("bmp", summary.scar, side, warnings)


def _mean_over_deviation(test: str, moments: Moments, side: Alternative, warnings: list[str]) -> TestResult:
    n = moments.count
    if n < 2:
        return undefined(test, "t", f"N = {n}: a cross-section needs two events")
    if not moments.sum_of_squares > 0:
        return undefined(test, "t", "the cross-section has no variance")
    t = moments.mean / (moments.standard_deviation / np.sqrt(n))
    return computed(test, t, "t", str(n - 1), _t(t, n - 1, side), warnings)


def patell(summary: Summary, dependence: Dependence, side: Alternative) -> TestResult:
    """``patell`` (1976): sum of SCAR over sqrt(sum of nu/(nu - 2)), N(0,1), with the exact variance of each CAR.

    Needs independence and no event-induced variance: 16 % at doubled variance.
    """
    z, trouble = _patell_z(summary)
    return _normal("patell", z, side, [*dependence.shared(summary.n), *risen_variance(summary)], trouble)


def patell_sum(summary: Summary, dependence: Dependence, side: Alternative) -> TestResult:
    """``patell-sum``: the daily form, (1/sqrt N) sum CSAR/sqrt(L Q). It ignores that window days share parameters."""
    n, _ = _patell_parts(summary)
    z = float(summary.sums["patell_csar"]) / np.sqrt(n) if n else np.nan
    warnings = [*dependence.shared(summary.n), *risen_variance(summary)]
    return _normal("patell-sum", z, side, warnings, "" if n else "no event has more than two degrees of freedom")


def stouffer_t(summary: Summary, dependence: Dependence, side: Alternative) -> TestResult:
    """``stouffer-t``: sum of Phi^-1(F_t(SCAR)) over sqrt(N): exact under normality for any M and N."""
    z = float(summary.sums["stouffer"]) / np.sqrt(summary.n)
    return _normal("stouffer-t", z, side, [*dependence.shared(summary.n), *risen_variance(summary)])


def skew_t_johnson(summary: Summary, dependence: Dependence, side: Alternative) -> TestResult:
    """``skew-t-johnson`` (1978): the t corrected for skewness; not monotone in the mean."""
    return _skewed("skew-t-johnson", summary, dependence, side, cubic=False)


def skew_t_hall(summary: Summary, dependence: Dependence, side: Alternative) -> TestResult:
    """``skew-t-hall`` (1992): Johnson's with the term that makes it monotone; t_{N-1}."""
    return _skewed("skew-t-hall", summary, dependence, side, cubic=True)


def _skewed(test: str, summary: Summary, dependence: Dependence, side: Alternative, *, cubic: bool) -> TestResult:
    n, moments = summary.n, summary.car
    if n < 3:
        return undefined(test, "t", f"N = {n}: skewness needs three events")
    if not moments.sum_of_squares > 0:
        return undefined(test, "t", "the cross-section has no variance")
    s, g = moments.mean / moments.standard_deviation, moments.skewness
    t = np.sqrt(n) * (s + g * s**2 / 3 + (g**2 * s**3 / 27 if cubic else 0.0) + g / (6 * n))
    return computed(test, t, "t", str(n - 1), _t(t, n - 1, side), [*dependence.shared(n), *_few(n)])


def adj_patell(summary: Summary, dependence: Dependence, side: Alternative) -> TestResult:
    """``adj-patell``: Patell's Z over sqrt(1 + (N - 1) rbar_o) (Kolari & Pynnonen 2010, by overlap; methods 6.7, 8).

    Not robust to event-induced variance (15-17 % at doubled variance).
    """
    z, trouble = _patell_z(summary)
    factor, notes = _inflation(summary.n, _correlation(summary, dependence))
    return _normal("adj-patell", z / np.sqrt(factor), side, [*notes, *risen_variance(summary)], trouble)


def kolari_pynnonen(summary: Summary, dependence: Dependence, side: Alternative) -> TestResult:
    """``kolari-pynnonen`` (2010): BMP's t times sqrt((1 - rbar_o)/(1 + (N - 1) rbar_o)), t_{N-1}."""
    return _kolari("kolari-pynnonen", summary, _correlation(summary, dependence), side)


def _correlation(summary: Summary, dependence: Dependence) -> float:
    """rbar_o, or with ``correlation=relative`` the mean correlation in event time, whatever the dates."""
    return mean_relative_correlation(summary) if "relative" in summary.sums else dependence.mean_overlap_correlation


def kpp(summary: Summary, dependence: Dependence, side: Alternative) -> TestResult:
    """``kpp``: the same with r tau, mean correlation times mean overlap (Kolari, Pape & Pynnonen 2018, as known)."""
    return _kolari("kpp", summary, dependence.mean_correlation * dependence.mean_overlap, side)


def _kolari(test: str, summary: Summary, r: float, side: Alternative) -> TestResult:
    base = _mean_over_deviation("bmp", summary.scar, side, [])
    if base.applicable == "no":
        return undefined(test, "t", base.reason)
    n = summary.n
    factor, warnings = _inflation(n, r)
    t = base.statistic * np.sqrt((1 - max(r, 0.0)) / factor)
    if n <= 3:
        warnings.append(f"N = {n}: right size, little power")
    return computed(test, t, "t", str(n - 1), _t(t, n - 1, side), warnings)


def calendar_cov(summary: Summary, dependence: Dependence, side: Alternative) -> TestResult:
    """``calendar-cov``: the mean CAR over the root of c'Omega c, each pair's covariance from the days it shares
    (methods 8, 2.5); t with the smallest nu."""
    if not dependence.variance > 0:
        return undefined("calendar-cov", "t", "cov_not_psd: c'Omega c is not positive")
    t = summary.car.mean / np.sqrt(dependence.variance)
    return computed(
        "calendar-cov", t, "t", f"{dependence.min_nu:g}", _t(t, dependence.min_nu, side), risen_variance(summary)
    )


def crude_dependence(summary: Summary, n_estimation: int, days: slice, side: Alternative) -> TestResult:
    """``crude-dependence`` (Brown & Warner 1980, 1985): the window's AAR over the deviation of the estimation AARs.

    Uses the average's own time series, so events of one date may be correlated; ignores the estimation error of the
    model (5.1-6.7 %).

    Parameters
    ----------
    n_estimation : int
        Estimation days.
    days : slice
        Columns of the test window within the event window.
    """
    total, count = summary.sums["aar_sum"], summary.sums["aar_n"]
    aar = np.where(count > 0, total / np.where(count > 0, count, 1.0), np.nan)
    before, window = aar[:n_estimation], aar[n_estimation:][days]
    before, window = before[np.isfinite(before)], window[np.isfinite(window)]
    if len(before) < 2 or not before.std() > 0 or not len(window):
        return undefined("crude-dependence", "t", "the estimation AARs do not vary")
    t = float(window.sum() / (np.sqrt(len(window)) * before.std(ddof=1)))
    df = len(before) - 1
    return computed("crude-dependence", t, "t", str(df), _t(t, df, side), risen_variance(summary))


def vol_ratio_csect(summary: Summary, dependence: Dependence, side: Alternative) -> TestResult:
    """``vol-ratio-csect``: cross-sectional variance of SCAR over its expectation, chi-squared, upper tail (9.2, A10).

    What events share does not vary between them, so the expectation is mean nu/(nu - 2) times 1 - rbar_o. A ratio above
    one means that the event raised the variance. Not robust to fat tails, and needs N >= 20.
    """
    del side
    r = max(dependence.mean_overlap_correlation, 0.0)
    ratio, n = variance_ratio(summary) / (1 - r) if r < 1 else np.nan, summary.n
    if not np.isfinite(ratio):
        return undefined("vol-ratio-csect", "chi2", "no event has more than two degrees of freedom")
    warnings = [f"N = {n} is small"] if n < FEW_FOR_VARIANCE else []
    p = float(special.chdtrc(n - 1, ratio * (n - 1)))
    return computed("vol-ratio-csect", ratio, "chi2", str(n - 1), p, warnings)


def variance_ratio(summary: Summary) -> float:
    """Cross-sectional variance of SCAR over mean nu/(nu - 2); NaN below two events."""
    n, q = _patell_parts(summary)
    return summary.scar.standard_deviation**2 / (q / n) if n > 1 and q > 0 else np.nan


def risen_variance(summary: Summary, read: str = "kolari-pynnonen or bmp") -> list[str]:
    """A sentence where the events visibly raised the variance, which tests on estimated variances do not survive: by
    ``conformal-dispersion`` where it was computed, else by the variance of SCAR. ``read`` names tests that do."""
    by_days = risen(summary.sums, read)
    return by_days if by_days is not None else risen_ratio(variance_ratio(summary), summary.n)


def risen_ratio(ratio: float, n: int) -> list[str]:
    """The same from the ratio of N events' variances."""
    if n < FEW_FOR_VARIANCE or not np.isfinite(ratio) or special.chdtrc(n - 1, ratio * (n - 1)) > RISEN_VARIANCE_P:
        return []
    return [f"event-induced variance: standardised CARs vary {ratio:.2g} times as much as before the events"]


def _patell_parts(summary: Summary) -> tuple[float, float]:
    return float(summary.sums["patell_n"]), float(summary.sums["patell_q"])


def _patell_z(summary: Summary) -> tuple[float, str]:
    n, q = _patell_parts(summary)
    if not n:
        return np.nan, "no event has more than two degrees of freedom"
    return float(summary.sums["patell_z"]) / np.sqrt(q), ""


def _inflation(n: int, r: float) -> tuple[float, list[str]]:
    """1 + (N - 1) r with a negative r taken as 0: dependence may never add significance."""
    if r < 0:
        return 1.0, [f"the mean correlation {r:.3f} is negative and taken as 0"]
    return 1 + (n - 1) * r, []


def _few(n: int) -> list[str]:
    return [f"N = {n} is small"] if n < FEW_EVENTS else []


def _t(t: float, df: float, side: Alternative) -> float:
    return float(t_p_value(np.array(t), np.array(float(df)), side))


def _normal(test: str, z: float, side: Alternative, warnings: list[str], trouble: str = "") -> TestResult:
    if trouble:
        return undefined(test, "normal", trouble)
    return computed(test, z, "normal", "", normal_p_value(z, side), warnings)
