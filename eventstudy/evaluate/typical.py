"""How large moves are: those of all events, and of ordinary spans of the same shares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from eventstudy.engine.block import select
from eventstudy.roster import REPORTED

if TYPE_CHECKING:
    from eventstudy.engine.panel import Bools, Floats, Ints
    from eventstudy.results import Studied

# events whose ordinary spans are looked at: of more, evenly spaced ones in file order
SAMPLED, AT_ONCE = 4_096, 1_024


@dataclass(frozen=True, slots=True, kw_only=True)
class Typical:
    """Moves over the primary windows.

    Attributes
    ----------
    at : int64 (n,)
        Studied rows: of direct and peer events, each firm and session once.
    moves : float64 (n,)
        CARs over the primary windows.
    ordinary : float64 (k,)
        Moves of spans as long as the window that most events have, in the estimation windows of the events (of 4,096 of
        them where there are more).
    """

    at: Ints
    moves: Floats
    ordinary: Floats


def typical(studied: Studied, counted: Bools) -> Typical:
    """Moves of the events that count, and ordinary ones.

    Parameters
    ----------
    studied : Studied
    counted : bool (E,)
        Studied rows that count.

    Missing-data rule: spans with a masked or missing session are left out.
    """
    assert studied.measured is not None, "rows were studied"
    rows = np.arange(len(studied.rows))
    moves = studied.measured.windows["car"][rows, studied.primary]
    at = rows[counted & studied.measured.events.marked(REPORTED) & np.isfinite(moves)]
    some = at[:: max(1, -(-len(at) // SAMPLED))]
    parts = [_spans(studied, some[start : start + AT_ONCE]) for start in range(0, len(some), AT_ONCE)]
    return Typical(at=at, moves=moves[at], ordinary=np.concatenate(parts) if parts else np.empty(0))


def _spans(studied: Studied, at: Ints) -> Floats:
    """Sums of residuals over consecutive estimation sessions, as many as the window has, on the scale of predictions:
    the variance of a CAR over that of the sum of as many fitted residuals."""
    assert studied.block is not None, "rows were studied"
    block = select(studied.block, at)
    design, fits, found = block.design, block.fits, block.measures
    primary = studied.primary[at]
    w = int(np.bincount(primary).argmax())
    length = studied.spec.windows[w].length
    used = fits.used
    residual = np.where(used, fits.residual[:, design.estimation], np.nan)
    if residual.shape[1] < length:
        return np.empty(0)
    sums = np.lib.stride_tricks.sliding_window_view(residual, length, axis=1).sum(axis=2)
    q = np.where(np.isfinite(found.q[:, w]), found.q[:, w], length)
    scale = np.sqrt(q / length * found.n_obs / np.maximum(found.nu, 1))
    values = (sums * scale[:, None]).ravel()
    return np.asarray(values[np.isfinite(values)])
