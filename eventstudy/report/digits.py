"""Numbers rounded to the significant digits that tables hold, whole arrays at a time."""

from __future__ import annotations

import numpy as np

from eventstudy.engine.panel import Floats

# 10^0 to 10^22 are exact in float64; a factor of 10^power is one of the two, and the other one is 1
_LAST = 22
_UP = np.array([float(10 ** max(power, 0)) for power in range(-_LAST, _LAST + 1)])
_DOWN = _UP[::-1].copy()


def rounded_number(value: float, digits: int | None) -> float:
    """The float64 nearest to a number's decimal form of ``digits`` significant digits; None leaves it as it is.

    Zeros keep their sign; infinities and NaN stay.
    """
    return value if digits is None else float(f"{value:.{digits}g}")


def rounded(values: Floats, digits: int | None) -> Floats:
    """Each number as ``rounded_number`` gives it, at the cost of a few passes over the array.

    A number is scaled to a whole number of ``digits`` digits, rounded, and scaled back. Both scalings are one operation
    with an exact power of ten, so the second one gives the nearest float64. The first one may round a number onto or
    across the middle between two whole numbers; numbers that near to a middle, and those whose power of ten is not
    exact, are rounded one by one.

    Parameters
    ----------
    values : float64 (n,)
    digits : int or None
        1 to 15; None leaves every number as it is.

    Returns
    -------
    float64 (n,)

    Checked against
    ---------------
    Python's formatting of each number (tests/report/test_digits.py).
    """
    if digits is None or not len(values):
        return values
    size = np.abs(values)
    lowest, highest = 10.0 ** (digits - _LAST), 10.0 ** (digits + _LAST - 2)
    usual = (size >= lowest) & (size < highest)
    size = np.where(usual, size, 1.0)
    power = _LAST + digits - 1 - np.floor(np.log10(size)).astype(np.int64)
    up, down = _UP.take(power), _DOWN.take(power)
    scaled = size * up / down
    result = np.where(usual, np.copysign(np.rint(scaled) / up * down, values), values)
    middle = np.abs(scaled - np.floor(scaled) - 0.5) <= np.spacing(10.0**digits)
    # the logarithm of a number next to a power of ten may fall on the other side of a whole number
    other_power = (scaled < 10.0 ** (digits - 1)) | (scaled >= 10.0**digits)
    unusual = ~usual & np.isfinite(values) & (values != 0)
    for at in np.flatnonzero(middle & usual | other_power & usual | unusual).tolist():
        result[at] = rounded_number(float(values[at]), digits)
    return result
