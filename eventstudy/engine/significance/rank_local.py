"""``rank-local``: a window in units of the volatility before it, among all earlier windows in units of the volatility
before them (methods A4)."""

from __future__ import annotations

import numpy as np

from eventstudy.engine.context import EventContext, SingleTest
from eventstudy.engine.panel import Floats
from eventstudy.engine.significance.conformal import circular_sums, rings
from eventstudy.engine.windows import LOCAL_SESSIONS

# windows below which a rank says nothing at 5 %, two-sided
FEWEST = 39


def local_moves(z: Floats, roots: Floats, trailing: int = LOCAL_SESSIONS) -> Floats:
    """W of every window: sum sqrt(m_i) z over the root mean square of the ``trailing`` rows before it.

    Parameters
    ----------
    z : float64 (T, ...)
        Residuals of one-session scale in order of time; the window's rows come last.
    roots : float64 (k, ...)
        Square roots of the sessions that the window's k rows cover; they stay in their places in every window.

    Returns
    -------
    float64 (K, ...)
        K = T - trailing - k + 1 windows, the observed one last; NaN where neither it nor the rows before it moved.
    """
    k, n = len(roots), len(z)
    if n < trailing + k:
        return np.empty((0, *z.shape[1:]))
    moves = circular_sums(z, roots)[trailing + k - 1 :]
    squares = circular_sums(z**2, np.ones(trailing))[trailing - 1 : n - k]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(moves / np.sqrt(squares / trailing))


def rank_local(context: EventContext) -> dict[str, Floats]:
    """The model is fitted on the estimation window and the test window together; unmasked sessions between them are
    predicted with the same coefficients and count as earlier days.

    Holds its size for any law of the errors and when their variance has moved before the event, where the exact t and
    ranks of days reject up to 30 %; one-sided p values hold under skewness.

    Returns
    -------
    p_rank_local, p_min_rank_local : float64 (E, W)
        Share of the K windows that went at least as far, itself among them; the smallest possible is 1/K. NaN with
        fewer than 39 windows.

    Checked against
    ---------------
    Plain loops and the golden values of the reference (tests/oracles/test_rank_local.py); sizes in tests/properties.
    """
    p, p_min, side = context.empty(), context.empty(), context.options.alternative
    design = context.design
    for w, window in enumerate(context.options.windows):
        (used, z), days = context.with_window(w), design.days(*window)
        before = used.copy()
        before[:, : days.start] = design.usable[:, : days.start]
        for rows, ring, roots in rings(z, before, design.span, np.flatnonzero(context.known(w)), days):
            moves = local_moves(ring, roots)
            if len(moves) < FEWEST:
                continue
            own = moves[-1]
            extreme = {"less": moves <= own, "greater": moves >= own}.get(side, np.abs(moves) >= np.abs(own))
            p[rows, w] = np.where(np.isfinite(own), extreme.mean(axis=0), np.nan)
            p_min[rows, w] = np.where(np.isfinite(own), 1 / len(moves), np.nan)
    return {"p_rank_local": p, "p_min_rank_local": p_min}


TESTS = {
    "rank-local": SingleTest(
        columns=("p_rank_local", "p_min_rank_local"),
        reads=frozenset({"days"}),
        cost=60.0,
        run=rank_local,
        defined=("exact", "asymptotic", "forecast", "none"),
    )
}
