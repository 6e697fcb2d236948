"""Count, mean and centred sum of squares: the mergeable summary behind cross-sectional statistics."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eventstudy.engine.panel import Floats

CHUNK = 2048


@dataclass(frozen=True, slots=True)
class Moments:
    """Summary of a set of values.

    Attributes
    ----------
    count : int
    mean : float
        0 for an empty set.
    sum_of_squares : float
        About the mean.
    positive : int
        Values above zero; zero counts as not positive.
    sum_of_cubes : float
        About the mean.
    """

    count: int = 0
    mean: float = 0.0
    sum_of_squares: float = 0.0
    positive: int = 0
    sum_of_cubes: float = 0.0

    @property
    def standard_deviation(self) -> float:
        """With divisor count - 1; NaN below two values."""
        return float(np.sqrt(self.sum_of_squares / (self.count - 1))) if self.count > 1 else np.nan

    @property
    def skewness(self) -> float:
        """N/((N-1)(N-2)) sum((x - mean)/sd)^3; NaN below three values or without variance."""
        n = self.count
        if n < 3 or not self.sum_of_squares > 0:
            return np.nan
        return n / ((n - 1) * (n - 2)) * self.sum_of_cubes / self.standard_deviation**3

    def merge(self, other: Moments) -> Moments:
        """Summary of the union (Chan, Golub & LeVeque 1983; third moment by Terriberry's form of it)."""
        if not self.count or not other.count:
            return other if not self.count else self
        count = self.count + other.count
        delta = other.mean - self.mean
        return Moments(
            count=count,
            mean=self.mean + delta * other.count / count,
            sum_of_squares=self.sum_of_squares + other.sum_of_squares + delta**2 * self.count * other.count / count,
            positive=self.positive + other.positive,
            sum_of_cubes=self.sum_of_cubes
            + other.sum_of_cubes
            + delta**3 * self.count * other.count * (self.count - other.count) / count**2
            + 3 * delta * (self.count * other.sum_of_squares - other.count * self.sum_of_squares) / count,
        )


def summarise(values: Floats) -> Moments:
    """Summary of the finite values, in fixed chunks merged in order, so that any partition gives the same digits."""
    finite = values[np.isfinite(values)]
    total = Moments()
    for at in range(0, len(finite), CHUNK):
        chunk = finite[at : at + CHUNK]
        mean = float(chunk.mean())
        about = chunk - mean
        squares, cubes = float((about**2).sum()), float((about**3).sum())
        total = total.merge(Moments(len(chunk), mean, squares, int((chunk > 0).sum()), cubes))
    return total
