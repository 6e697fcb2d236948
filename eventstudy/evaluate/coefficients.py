"""The sample of a regression, and one coefficient of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from eventstudy.engine.panel import Floats, Ints
from eventstudy.engine.significance.multiple import holm
from eventstudy.evaluate.regressors import INTERCEPT

# Clustered t tests over-reject with fewer clusters than this.
FEW_DATES = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Coefficient:
    """One coefficient under one variance.

    Attributes
    ----------
    estimator : str
        ``ols`` or ``wls``.
    variance : str
        ``hc3``, ``hc1``, ``cluster``, ``wild-cluster``, ``cluster-two-way``, ``wild-two-way`` or ``freedman-lane``.
    null, df : str
        ``t`` and its degrees of freedom, or ``enumeration`` or ``bootstrap`` and the number of sign patterns.
    p_holm : float
        Holm (1979) over the terms that are not the constant.
    ci_low, ci_high : float
        At the study's level; of ``wild-cluster`` by inversion; NaN for ``wild-two-way`` and for the whole line.
    applicable, reason : str
        As for every test.
    """

    estimator: str
    variance: str
    term: str
    estimate: float
    std_error: float
    statistic: float
    null: str
    df: str
    p: float
    p_holm: float = math.nan
    ci_low: float
    ci_high: float
    applicable: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Rows of one regression: response, design with its names, variance of each CAR, date and firm."""

    y: Floats
    x: Floats
    names: tuple[str, ...]
    variance: Floats
    cluster: Ints
    n_dropped: int
    firm: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    @property
    def n_firms(self) -> int:
        """Different firms."""
        return int(self.firm.max()) + 1 if len(self.firm) else 0

    def two_way(self, dates: int) -> bool:
        """Whether firms and dates both repeat."""
        return 1 < dates < len(self.y) and 1 < self.n_firms < len(self.y)


def adjusted(lines: Sequence[Coefficient]) -> list[Coefficient]:
    """Holm's adjustment over everything but the constant."""
    p = np.array([math.nan if line.term == INTERCEPT else line.p for line in lines])
    return [replace(line, p_holm=float(value)) for line, value in zip(lines, holm(p), strict=True)]
