"""Count, mean and centred sum of squares: the mergeable summary behind cross-sectional statistics."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eventstudy.engine.panel import Floats, Ints

CHUNK = 2048


@dataclass(frozen=True, slots=True)
class Moments:
    """Summary of a set of values.

    Attributes
    ----------
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
        """With divisor count - 1; NaN below two values, or where their squares overflow."""
        known = self.count > 1 and np.isfinite(self.sum_of_squares)
        return float(np.sqrt(self.sum_of_squares / (self.count - 1))) if known else np.nan

    @property
    def skewness(self) -> float:
        """N/((N-1)(N-2)) sum((x - mean)/sd)^3; NaN below three values, without variance, or where cubes overflow."""
        n, sd = self.count, self.standard_deviation
        if n < 3 or not self.sum_of_squares > 0 or not np.isfinite(self.sum_of_cubes):
            return np.nan
        return n / ((n - 1) * (n - 2)) * (self.sum_of_cubes / sd / sd / sd)

    def merge(self, other: Moments) -> Moments:
        """Summary of the union (Chan, Golub & LeVeque 1983; third moment by Terriberry's form of it)."""
        if not self.count or not other.count:
            return other if not self.count else self
        count = self.count + other.count
        delta = other.mean - self.mean
        # products of floats overflow to an infinity, where powers raise
        square = delta * delta
        return Moments(
            count=count,
            mean=self.mean + delta * other.count / count,
            sum_of_squares=self.sum_of_squares + other.sum_of_squares + square * self.count * other.count / count,
            positive=self.positive + other.positive,
            sum_of_cubes=self.sum_of_cubes
            + other.sum_of_cubes
            + square * delta * self.count * other.count * (self.count - other.count) / count**2
            + 3 * delta * (self.count * other.sum_of_squares - other.count * self.sum_of_squares) / count,
        )


def summarise(values: Floats) -> Moments:
    """Summary of the finite values, in fixed chunks merged in order, so that any partition gives the same digits."""
    finite = values[np.isfinite(values)]
    total = Moments()
    for at in range(0, len(finite), CHUNK):
        chunk = finite[at : at + CHUNK]
        # what overflows is not finite, and no test takes it
        with np.errstate(over="ignore", invalid="ignore"):
            mean = float(chunk.mean())
            about = chunk - mean
            squares = about * about
            # a power of three is thirty times slower than two products
            cubes = float((squares * about).sum())
        total = total.merge(Moments(len(chunk), mean, float(squares.sum()), int((chunk > 0).sum()), cubes))
    return total


@dataclass(frozen=True, slots=True)
class ColumnMoments:
    """Summaries of the columns of a table; float64 (C,) each, as in ``Moments``.

    Attributes
    ----------
    count, mean, sum_of_squares, positive, sum_of_cubes : float64 (C,)
    """

    count: Floats
    mean: Floats
    sum_of_squares: Floats
    positive: Floats
    sum_of_cubes: Floats

    def merge(self, other: ColumnMoments) -> ColumnMoments:
        """Summaries of the rows of both, by the formulas of ``Moments.merge``."""
        n, m = self.count, other.count
        count = n + m
        safe = np.where(count > 0, count, 1.0)
        delta = np.where((n > 0) & (m > 0), other.mean - self.mean, 0.0)
        mean = np.where(n > 0, self.mean + delta * m / safe, other.mean)
        with np.errstate(over="ignore", invalid="ignore"):
            square = self.sum_of_squares + other.sum_of_squares + delta**2 * n * m / safe
            cube = (
                self.sum_of_cubes
                + other.sum_of_cubes
                + delta**3 * n * m * (n - m) / safe**2
                + 3 * delta * (n * other.sum_of_squares - m * self.sum_of_squares) / safe
            )
        return ColumnMoments(
            count=count, mean=mean, sum_of_squares=square, positive=self.positive + other.positive, sum_of_cubes=cube
        )

    def part(self, columns: slice) -> ColumnMoments:
        """The summaries of some columns."""
        return ColumnMoments(
            count=self.count[columns],
            mean=self.mean[columns],
            sum_of_squares=self.sum_of_squares[columns],
            positive=self.positive[columns],
            sum_of_cubes=self.sum_of_cubes[columns],
        )

    def column(self, k: int) -> Moments:
        """The summary of one column."""
        return Moments(
            count=int(self.count[k]),
            mean=float(self.mean[k]),
            sum_of_squares=float(self.sum_of_squares[k]),
            positive=int(self.positive[k]),
            sum_of_cubes=float(self.sum_of_cubes[k]),
        )


def summarise_columns(values: Floats) -> ColumnMoments:
    """Summaries of the finite values of each column of at most one chunk of rows; (n, C)."""
    lost, known = np.nonzero(~np.isfinite(values)), values.copy()
    known[lost] = 0.0
    return summarise_known(known, lost)


def summarise_known(known: Floats, lost: tuple[Ints, ...]) -> ColumnMoments:
    """The same of values of which those at ``lost`` (rows, columns) do not count, and are zero."""
    count = len(known) - np.bincount(lost[1], minlength=known.shape[1]).astype(np.float64)
    mean = known.sum(axis=0) / np.where(count > 0, count, 1.0)
    about = known - mean
    about[lost] = 0.0
    # what overflows is not finite, and no test takes it
    with np.errstate(over="ignore", invalid="ignore"):
        squares = about * about
        square, cube = squares.sum(axis=0), (squares * about).sum(axis=0)
    return ColumnMoments(
        count=count,
        mean=mean,
        sum_of_squares=square,
        # of so few rows the sum needs no 64 bits
        positive=(known > 0).sum(axis=0, dtype=np.int32).astype(np.float64),
        sum_of_cubes=cube,
    )
