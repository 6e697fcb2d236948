"""How finely figures are written, and whether prices lie on the grid on which an exchange trades."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from eventstudy.data.prices import Floats

FINEST = 8
# prices printed from single precision are off by so much
SINGLE = 1.3e-7
CENT = 0.01
# an exchange's grid is known from so many rows, all but a fiftieth of them on it
GRID_ROWS, ON_GRID, OFF_GRID, ALL_ON = 20, 0.97, 0.5, 0.98
# rows before the action that settle it
ROWS_BEFORE = 14


def places_of(values: Floats) -> int:
    """Decimal places in which a column is written; ``FINEST + 1`` where it is written more finely than any number of
    places up to ``FINEST``."""
    known = values[np.isfinite(values)]
    for places in range(FINEST + 1):
        # most columns show by a few figures that they are written more finely
        if _in_places(known[:16], places) and _in_places(known, places):
            return places
    return FINEST + 1


def _in_places(values: Floats, places: int) -> bool:
    scaled = values * 10.0**places
    return bool((np.abs(scaled - np.rint(scaled)) <= 1e-9 + 4e-16 * np.abs(scaled)).all())


def half_place(values: Floats) -> float:
    """Half of the last place written: how far a figure may be from what it was rounded from."""
    places = places_of(values)
    return 0.0 if places > FINEST else 0.5 * 10.0**-places


def on_grid(prices: Floats, step: float, half: float) -> NDArray[np.bool_]:
    """Whether prices are multiples of a step, up to how finely they are written; bool (n,)."""
    off = np.abs(prices / step - np.rint(prices / step)) * step
    return np.asarray(off <= np.maximum(half if half < step / 2 else 0.0, SINGLE * prices) + 1e-12)


def grid_verdict(before: Floats, after: Floats, *, finer: bool) -> str:
    """Whether the closes before an action were divided by it: ``divided``, ``as traded`` or empty where it is unclear.

    Parameters
    ----------
    before, after : float64
        Closes before the action, and from it on.
    finer : bool
        Whether some price of the series is written with four or more places; rounded to cents, divided closes lie on
        the grid as well.
    """
    if len(after) < GRID_ROWS or len(before) < ROWS_BEFORE:
        return ""
    if on_grid(after, CENT, 0.0).mean() < ON_GRID:
        return ""
    share = float(on_grid(before, CENT, 0.0).mean())
    if share < OFF_GRID:
        return "divided"
    return "as traded" if finer and share >= ON_GRID else ""
