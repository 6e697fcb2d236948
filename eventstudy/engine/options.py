"""Options of the engine in one frozen record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from eventstudy.engine.models import MODELS, Model
from eventstudy.engine.significance.distributions import Alternative
from eventstudy.engine.windows import WindowPlan

Engine = Literal["numpy", "numba"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Conventions:
    """Conventions of standard errors; the defaults are exact.

    Attributes
    ----------
    sigma : {"m-p", "m-1", "m"}
        Divisor of the residual variance.
    car : {"exact", "sqrt-l", "per-day"}
        Variance of a CAR.
    robust : {"none", "hac"}
        Whether autocovariances of the estimation residuals enter the variance of a CAR.
    sar : {"exact", "plain"}
        Whether a day's standardised abnormal return has the forecast term, in tests across events.
    sign : {"mean", "pooled"}
        Share of positive residuals: mean over the events, or of all residuals together.
    correlation : {"calendar", "relative"}
        Time in which residuals of two events are correlated.
    """

    sigma: str = "m-p"
    car: str = "exact"
    robust: str = "none"
    sar: str = "exact"
    sign: str = "mean"
    correlation: str = "calendar"

    @property
    def exact_cars(self) -> bool:
        """Whether CARs have their exact variance."""
        return (self.sigma, self.car, self.robust) == ("m-p", "exact", "none")


EXACT = Conventions()


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options for measuring and testing a block of events.

    Attributes
    ----------
    model : str
        Key of ``MODELS``.
    windows : tuple of (start, end)
        Test windows, both ends included.
    strict, log : bool
        A return that covers several sessions is missing; returns are logarithmic.
    level, alternative
        Coverage of intervals and side of the tests.
    min_estimation : int or None
        Fewest valid estimation observations; None means ``max(60, 10 p)``.
    tests : frozenset of str
        Keys of ``SINGLE_TESTS`` that are wanted.
    engine : {"numpy", "numba"}
        What measures.
    paths, residuals, serial : bool
        Whether ``expected``, ``path`` and ``path_v``, ``evidence`` (about 10 kB an event) and ``serial`` are wanted.
    threads : int
        Chunks of the compiled kernel are shared out among as many threads; the result does not depend on it.
    """

    plan: WindowPlan
    model: str
    windows: tuple[tuple[int, int], ...]
    conventions: Conventions = EXACT
    strict: bool = False
    log: bool = False
    level: float = 0.95
    alternative: Alternative = "two-sided"
    min_estimation: int | None = None
    tests: frozenset[str] = frozenset()
    engine: Engine = "numpy"
    paths: bool = True
    residuals: bool = False
    serial: bool = False
    threads: int = 1

    @property
    def entry(self) -> Model:
        """The model."""
        return MODELS[self.model]

    def needed(self, n_benchmarks: int) -> int:
        """Valid estimation observations below which an event is excluded."""
        return fewest(self.model, n_benchmarks, self.min_estimation)


def fewest(model: str, n_benchmarks: int, asked: int | None) -> int:
    """Valid estimation observations below which an event is excluded: max(60, 10 p) unless a number is asked for, and
    always as many as leave two degrees of freedom."""
    p = MODELS[model].n_parameters(n_benchmarks)
    return max(60, 10 * p) if asked is None else max(asked, p + 2)
