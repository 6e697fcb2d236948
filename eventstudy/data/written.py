"""Precision of written figures, and whether prices are on the grid of an exchange."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from eventstudy.data.prices import Floats

FINEST = 8
_POWERS, FEW = np.array([10.0**places for places in range(FINEST + 1)]), 16
# prices printed from single precision are off by so much
SINGLE = 1.3e-7
CENT = 0.01
# an exchange's grid is known from so many rows
GRID_ROWS, ON_GRID, OFF_GRID = 20, 0.97, 0.5
# places from which a column is written more finely than prices are
FINELY = 4
# rows before the action that settle it
ROWS_BEFORE = 14


def places_of(values: Floats) -> int:
    """Decimal places in which a column is written; ``FINEST + 1`` where it is written more finely than any number of
    places up to ``FINEST``."""
    there = np.isfinite(values)
    known = values if there.all() else values[there]
    # most columns show by a few figures that they are written more finely
    few = known[:: max(1, len(known) // FEW)]
    for places in np.flatnonzero(_whole(few * _POWERS[:, None]).all(axis=1)).tolist():
        if _whole(known * _POWERS[places]).all():
            return int(places)
    return FINEST + 1


def _whole(scaled: Floats) -> NDArray[np.bool_]:
    return np.asarray(np.abs(scaled - np.rint(scaled)) <= 1e-9 + 4e-16 * np.abs(scaled))


def half_of(places: int) -> float:
    """Half of the last place written: how far a figure may be from what it was rounded from."""
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
