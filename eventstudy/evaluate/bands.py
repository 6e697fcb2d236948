"""Half-widths of the bands around a CAR path, in standard errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from eventstudy.engine.models import MODELS
from eventstudy.engine.significance.band import path_correlation, simultaneous_quantile
from eventstudy.engine.significance.laws import t_quantile

if TYPE_CHECKING:
    from eventstudy.results import Studied


@dataclass(frozen=True, slots=True)
class Bands:
    """Of one event.

    Attributes
    ----------
    pointwise : float
        Holds an ordinary path at one session.
    simultaneous : float
        Holds a whole ordinary path; NaN where the model has no covariance of days.
    """

    pointwise: float
    simultaneous: float


def bands(studied: Studied, i: int) -> Bands:
    """The bands of studied row i at the study's level."""
    block, level = studied.block, studied.spec.level
    assert block is not None, "a studied row has a block"
    pointwise = float(t_quantile(block.fits.nu[i], 0.5 + level / 2))
    if MODELS[studied.spec.model].inference == "none" or not block.fits.s2[i] > 0:
        return Bands(pointwise, float("nan"))
    correlation = path_correlation(block.design, block.fits, studied.spec.model, i)
    return Bands(pointwise, simultaneous_quantile(correlation, float(block.fits.nu[i]), level))
