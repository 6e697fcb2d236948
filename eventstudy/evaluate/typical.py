"""Sizes of moves: of all events, and of ordinary spans of the same shares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from eventstudy.engine.block import Block
    from eventstudy.engine.panel import Floats, Ints
    from eventstudy.results import Studied
    from eventstudy.spec import StudySpec

# events whose ordinary spans are looked at, evenly spaced in file order; and the largest that are shown
SAMPLED, LARGEST = 1_024, 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Typical:
    """Moves over the primary windows of direct and peer events, each firm and session once, whatever their number.

    Attributes
    ----------
    moves : float32 (n,)
        CARs over the primary windows.
    days : int
        Sessions of the window that most of them have.
    ordinary : float64 (k,)
        Moves of spans as long as that, in the estimation windows of 1,024 of them.
    largest : Studied
        The ten with the largest moves.
    """

    moves: np.ndarray
    days: int
    ordinary: Floats
    largest: Studied


def ordinary_spans(block: Block, primary: Ints, spec: StudySpec) -> Floats:
    """Sums of residuals over consecutive estimation sessions, as many as the window has that most events have, on the
    scale of predictions: the variance of a CAR over that of the sum of as many fitted residuals.

    Missing-data rule: spans with a masked or missing session are left out.

    Checked against
    ---------------
    Another solver, by hand (tests/report/test_many_events.py).
    """
    design, fits, found = block.design, block.fits, block.measures
    w = int(np.bincount(primary).argmax())
    length = spec.windows[w].length
    residual = np.where(fits.used, fits.residual[:, design.estimation], np.nan)
    if residual.shape[1] < length:
        return np.empty(0)
    sums = np.lib.stride_tricks.sliding_window_view(residual, length, axis=1).sum(axis=2)
    q = np.where(np.isfinite(found.q[:, w]), found.q[:, w], length)
    values = (sums * np.sqrt(q / length * found.n_obs / np.maximum(found.nu, 1))[:, None]).ravel()
    return np.asarray(values[np.isfinite(values)])
