"""The rows of a study's tables, as the evaluation makes them and the report writes them."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from eventstudy.engine.moments import Moments
from eventstudy.engine.panel import Bools, Floats, Ints
from eventstudy.engine.significance.headline import unusual
from eventstudy.engine.significance.result import TestResult
from eventstudy.engine.significance.value_weighted import NO_MEAN, WeightedMean
from eventstudy.spec import Window

# In place of a window's label: each event's own.
OWN = "own"
# shares of specifications that reject from which a window is unusual, and up to which it is ordinary
MOST, FEW = 0.9, 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusion:
    """An event that could not be studied: a row with a reason.

    Attributes
    ----------
    row : int
        Row of the events table.
    stage : str
        ``dated``, ``priced`` or ``estimated``.
    reason : str
        One of the documented reasons.
    detail : str
        The figures behind it, and what to do.
    """

    row: int
    stage: str
    reason: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RobustRows:
    """The primary window of events under each model, with and without masking; (n,) each.

    Attributes
    ----------
    models : tuple of str
        What ``model`` counts.
    row : int64
        Row of the events table.
    window, model : int64
        Positions in ``spec.windows`` and in ``models``.
    rescaled : float64
        CAR / (1 - beta w), w the firm's share of the index, for the market model; NaN without a share.
    """

    models: tuple[str, ...]
    row: Ints
    window: Ints
    model: Ints
    masked: Bools
    car: Floats
    std_error: Floats
    t: Floats
    p: Floats
    n_estimation: Ints
    rescaled: Floats

    def __len__(self) -> int:
        return len(self.row)

    def take(self, at: Ints) -> RobustRows:
        """Some of the rows."""
        return replace(self, **{f.name: getattr(self, f.name)[at] for f in fields(self) if f.name != "models"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Specification:
    """One choice of everything that does not change the question."""

    model: str
    estimation: int
    gap: int
    masked: bool
    returns: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecCurve:
    """One window of one event under K specifications; arrays are (K,).

    Attributes
    ----------
    row : int
        Row of the events table.
    part : {"day", "overnight", "intraday"}
    car, std_error, t, df, p, ci_low, ci_high : float64 (K,)
        Each with its own exact t; NaN bounds of a one-sided study are infinite.
    n_estimation : int64 (K,)
    headline : int
        Position of the study's own specification; -1 where it is not among them.
    median_z, p_median_z : float
        The joint test: the median of the specifications' z in the direction of the test, and its p value among the
        curves of uneventful sessions; NaN with fewer than 39 of them.
    n_placebo, n_joint : int
        Uneventful sessions, below 199 of which the p value has a warning; and specifications of the joint test: those
        whose estimation windows so many uneventful sessions have a history for.
    left_out : tuple of str
        Estimation lengths that are left out of the curve or of the joint test, and why.
    market : float
        Return of the benchmark on day 0, or over its part.
    """

    row: int
    part: str
    window: Window
    cells: tuple[Specification, ...]
    car: Floats
    std_error: Floats
    t: Floats
    df: Floats
    p: Floats
    ci_low: Floats
    ci_high: Floats
    n_estimation: Ints
    headline: int
    level: float
    median_z: float
    p_median_z: float
    n_placebo: int
    n_joint: int
    left_out: tuple[str, ...]
    market: float

    @property
    def rejects(self) -> Bools:
        """Specifications that reject."""
        return unusual(self.p, self.level)

    @property
    def share(self) -> float:
        """Share of the specifications that reject."""
        return float(self.rejects.mean())

    @property
    def verdict(self) -> str:
        """``unusual`` where at least 90 % of the specifications reject, ``ordinary`` where at most 10 % do, else
        ``depends``."""
        return "unusual" if self.share >= MOST else "ordinary" if self.share <= FEW else "depends"

    @property
    def order(self) -> Ints:
        """Positions of the cells in order of their estimates."""
        return np.argsort(self.car, kind="stable")


@dataclass(frozen=True, slots=True, kw_only=True)
class PartRow:
    """Overnight or intraday part of an event's day 0.

    Attributes
    ----------
    part : {"overnight", "intraday"}
    total, expected, abnormal : float
        Returns.
    std_error, t, df, p, ci_low, ci_high, mde : float
        The exact t.
    tests : dict of str to float
        Column of windows.csv -> its value for the part, of the tests of single events that were computed.
    p_family : float
        Romano & Wolf over the parts of all firms of the session; NaN with fewer than 39 common sessions.
    n_family : int
        Members of that family.
    """

    row: int
    part: str
    total: float
    expected: float
    abnormal: float
    std_error: float
    t: float
    df: float
    p: float
    ci_low: float
    ci_high: float
    mde: float
    tests: dict[str, float]
    p_family: float
    n_family: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JointRow:
    """Night, day, their sum or both together, on both parts of the benchmark.

    ``part`` is ``overnight``, ``intraday``, ``sum`` (t each) or ``both`` (F); ``correlation`` is that of the residuals
    of night and day.
    """

    row: int
    part: str
    abnormal: float
    std_error: float
    statistic: float
    null: str
    df: str
    p: float
    correlation: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterRow:
    """One test on the firms that share a day 0; ``result.member`` points into ``firms`` for per-firm tests."""

    day0: np.datetime64
    event_ids: tuple[str, ...]
    firms: tuple[str, ...]
    window: Window
    result: TestResult


@dataclass(frozen=True, slots=True, kw_only=True)
class DollarRow:
    """A CAR in money: of one event, or of all firms of a session together; no ``currency`` where it is not known."""

    event_ids: tuple[str, ...]
    tickers: tuple[str, ...]
    day0: np.datetime64
    window: Window
    market_value: float
    dollar: float
    std_error: float
    ci_low: float
    ci_high: float
    t: float
    df: float
    p: float
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeRow:
    """Abnormal volume of one event over one window.

    Attributes
    ----------
    row : int
        Row of the events table.
    measure : str
        ``log-volume``, or ``log-turnover`` where the shares outstanding are known.
    avol : float
        Sum over the window of the logarithm's excess over what was expected.
    ratio : float
        exp of its mean: volume a session as a multiple of the expected.
    standardised : float
        Mean excess over the residual standard deviation of the estimation window (Landsman & Maydew 2002).
    std_error, t, df, p_ar1 : float
        Of ``avol`` under first-order autocorrelation; phi is its coefficient.
    reason : str
        Why there are no numbers.
    """

    row: int
    window: Window
    measure: str
    avol: float
    ratio: float
    standardised: float
    std_error: float
    t: float
    df: float
    p_ar1: float
    p_conformal: float
    phi: float
    n_estimation: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeDay:
    """Log volume of one event on one day: observed, expected, and their difference."""

    row: int
    day: int
    session: np.datetime64
    observed: float
    expected: float
    abnormal: float
    std_error: float


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRow:
    """One test on a group of events, one CAR per (ticker, day 0); with ``own`` over the window that each row names."""

    group: str
    window: Window
    n_rows: int
    n_dates: int
    n_overlapping: int
    car: Moments
    bhar: Moments
    precision_weighted: float
    variance_weighted: float
    result: TestResult
    own: bool = False
    value_weighted: WeightedMean = NO_MEAN

    @property
    def label(self) -> str:
        """The window as tables write it; ``own`` where each event has the one its row names."""
        return OWN if self.own else self.window.label


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeResult:
    """Abnormal volume of a study: by window, by day, and across events (``car`` of a group is its ``avol``)."""

    model: str
    rows: tuple[VolumeRow, ...]
    days: tuple[VolumeDay, ...]
    groups: tuple[GroupRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DifferenceRow:
    """One test of the difference of two groups' mean CARs; ``one`` and ``two`` are those of ``group`` and ``other``."""

    group: str
    other: str
    window: Window
    n_dates: int
    one: Moments
    two: Moments
    std_error: float
    result: TestResult


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarRow:
    """One test on the calendar-time portfolio of a group over its holding period; alpha is a return a session."""

    group: str
    window: Window
    n_events: int
    n_rows: int
    n_dates: int
    n_sessions: int
    mean_firms: float
    alpha: float
    std_error: float
    beta: float
    result: TestResult


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupDay:
    """Average abnormal return of a group on one event day, and the average path up to it."""

    group: str
    day: int
    ar: Moments
    car: Moments


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimRow:
    """A claim compared with the data; ``note`` says what the observed return is where it is not that of day 0 alone."""

    row: int
    kind: str
    claimed: str
    observed: float
    difference: float
    verdict: str
    expected: float
    abnormal: float
    p: float
    p_headline: float
    note: str = ""
