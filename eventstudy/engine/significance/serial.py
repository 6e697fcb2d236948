"""Statistics of the order of an event's days: the autocorrelation of its residuals, and recent volatility."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from eventstudy.engine.least_squares import Fits
from eventstudy.engine.panel import Floats, Ints
from eventstudy.engine.windows import LOCAL_SESSIONS, Design


def autocorrelation(fits: Fits) -> Floats:
    """First-order autocorrelation of the estimation residuals, bias-corrected; (E,) float64.

    Pairs are adjacent sessions that are both valid: a masked or missing session breaks the pair. Clipped to
    [-0.95, 0.95].
    """
    e = np.where(fits.used, fits.scaled[:, : fits.used.shape[1]], 0.0)
    return corrected_autocorrelation((e**2).sum(axis=1), (e[:, 1:] * e[:, :-1]).sum(axis=1), fits.n_obs)


def corrected_autocorrelation(squares: Floats, products: Floats, n_obs: Ints) -> Floats:
    """phi = r1 + (1 + 4 r1)/M from the sums of e_t^2 and of e_t e_{t-1}. Source: methods 2.4 (Kendall's correction)."""
    r1 = products / np.where(squares > 0, squares, np.nan)
    return np.asarray(np.clip(r1 + (1 + 4 * r1) / n_obs, -0.95, 0.95))


def local_variances(design: Design, fits: Fits, windows: Sequence[tuple[int, int]]) -> Floats:
    """``local_variance`` before each test window; (E, W)."""
    each = [local_variance(design, fits, start) for start, _ in windows]
    return np.stack(each, axis=1) if each else np.empty((len(design.y), 0))


def local_variance(design: Design, fits: Fits, start: int) -> Floats:
    """Mean square of the 20 latest unmasked one-session errors before event day ``start``; (E,), NaN with fewer."""
    before = slice(0, design.plan.column(start))
    usable = design.usable[:, before]
    recent = usable & (np.cumsum(usable[:, ::-1], axis=1)[:, ::-1] <= LOCAL_SESSIONS)
    enough = recent.sum(axis=1) == LOCAL_SESSIONS
    squared = np.where(recent, fits.scaled[:, before] ** 2, 0.0)
    return np.where(enough, squared.sum(axis=1) / LOCAL_SESSIONS, np.nan)
