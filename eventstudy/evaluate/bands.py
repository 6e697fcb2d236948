"""Half-widths of the bands around a CAR path, in standard errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from eventstudy.engine.models import MODELS
from eventstudy.engine.significance.band import path_correlation, shifted_quantile, simultaneous_quantile
from eventstudy.engine.significance.distributions import t_quantile

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
    block, level = studied.one(i), studied.spec.level
    nu = float(block.measures.nu[0])
    pointwise = float(t_quantile(np.array(nu), 0.5 + level / 2))
    if not MODELS[studied.spec.model].has_errors or not block.measures.s2[0] > 0:
        return Bands(pointwise, float("nan"))
    short = shifted_quantile(block.design, block.fits, 0, level)
    if np.isfinite(short):
        return Bands(pointwise, short)
    correlation = path_correlation(block.design, block.fits, studied.spec.model, 0)
    return Bands(pointwise, simultaneous_quantile(correlation, nu, level))
