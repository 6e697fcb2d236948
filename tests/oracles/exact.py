"""The market model without any rounding: sums of whole numbers, quotients as fractions, roots to sixty digits.

Doubles are whole multiples of a power of two, so every sum and product below is exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np

# every double from 2^-200 on is a whole multiple of this
GRID = 200
DIGITS = 60


@dataclass(frozen=True)
class Exact:
    """Beta, sigma and, of each test window, CAR and SCAR."""

    beta: Decimal
    sigma: Decimal
    car: tuple[Decimal, ...]
    scar: tuple[Decimal, ...]


def whole(values: Sequence[float] | np.ndarray) -> list[int]:
    """Doubles as multiples of 2^-200."""
    found = []
    for value in np.asarray(values, dtype=np.float64).tolist():
        over, under = value.as_integer_ratio()
        assert (1 << GRID) % under == 0, f"{value} is finer than the grid"
        found.append(over * ((1 << GRID) // under))
    return found


def decimal(value: Fraction) -> Decimal:
    """A fraction to sixty digits."""
    return Decimal(value.numerator) / Decimal(value.denominator)


def market_model(y: np.ndarray, x: np.ndarray, windows: Sequence[tuple[np.ndarray, np.ndarray]]) -> Exact:
    """Least squares of y on a constant and x, and the abnormal returns of windows given as (y, x)."""
    ys, xs, n = whole(y), whole(x), len(y)
    sx, sy = sum(xs), sum(ys)
    sxx, sxy, syy = (sum(a * b for a, b in zip(*pair, strict=True)) for pair in ((xs, xs), (xs, ys), (ys, ys)))
    d, c = n * sxx - sx * sx, n * sxy - sx * sy
    unit = Fraction(1, 1 << GRID)
    beta = Fraction(c, d)
    alpha = (sy - beta * sx) / n
    s2 = Fraction(syy * n * d - sy * sy * d - c * c, n * d) / (n - 2)
    with localcontext() as context:
        context.prec = DIGITS
        sigma = decimal(s2 * unit * unit).sqrt()
        car, scar = [], []
        for wy, wx in windows:
            length, ty, tx = len(wy), sum(whole(wy)), sum(whole(wx))
            total = (ty - length * alpha - beta * tx) * unit
            q = length + Fraction(length * length, n) + Fraction((n * tx - length * sx) ** 2, n * d)
            car.append(decimal(total))
            scar.append(decimal(total) / (sigma * decimal(q).sqrt()))
        return Exact(decimal(beta), sigma, tuple(car), tuple(scar))
