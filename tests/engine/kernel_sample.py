"""Panels and events that give a kernel trouble: missing days, masks, ties, gaps, edges of the panel."""

from __future__ import annotations

from typing import Any

import numpy as np

from eventstudy.engine.options import Options
from eventstudy.engine.panel import Placed, ReturnPanel
from eventstudy.engine.windows import WindowPlan

PLAN = WindowPlan(estimation=120, gap=10, start=-10, end=10)
WINDOWS = ((0, 0), (0, 1), (-1, 1), (-5, 5), (0, 10))
S, T, K = 12, 700, 5


def options(model: str = "market-model", **more: Any) -> Options:
    """The layout of the hard events, and what else is asked."""
    return Options(**{"plan": PLAN, "model": model, "windows": WINDOWS, "min_estimation": 60, **more})


def hard_panel(seed: int, *, own_factors: bool = False) -> ReturnPanel:
    """Returns of 12 series: plain, with holes (the next return covers them), tied, with outliers, short."""
    rng = np.random.default_rng(seed)
    factors = rng.normal(4e-4, 0.01, (K, T))
    factors[1, 350] = np.nan
    returns = rng.uniform(0.2, 1.5, (S, K)) @ np.nan_to_num(factors) + rng.standard_t(4, (S, T)) * 0.015
    returns[3] = np.round(returns[3], 2)
    returns[4, rng.random(T) < 0.3] = 0.0
    returns[5, rng.integers(0, T, 9)] *= 1e4
    span = np.ones((S, T), dtype=np.int64)
    for s, share in ((1, 0.02), (2, 0.2), (6, 0.02), (7, 0.5)):
        _punch(returns, span, s, rng.random(T) < share)
    returns[8, :300], span[8, :300] = np.nan, 0
    returns[9] = 2.0 * factors[0]
    returns[10] = 0.0
    returns[11, 500:], span[11, 500:] = np.nan, 0
    shared = np.broadcast_to(factors, (S, K, T))
    return ReturnPanel(
        returns=returns,
        factors=shared * rng.uniform(0.9, 1.1, (S, 1, 1)) if own_factors else shared,
        span=span,
        day_number=np.broadcast_to(np.arange(T), (S, T)),
        offset=np.full((S, T), 1e-4) if own_factors else None,
    )


def _punch(returns: np.ndarray, span: np.ndarray, s: int, hole: np.ndarray) -> None:
    """Take days out; the return after a hole covers it."""
    wait = 0
    for t in range(returns.shape[1]):
        if hole[t]:
            returns[s, t], span[s, t], wait = np.nan, 0, wait + 1
        else:
            span[s, t], wait = 1 + wait, 0


def hard_events(seed: int, n: int = 150, *, masks: bool = True) -> Placed:
    """Events anywhere, edges of the panel included, some with masked days."""
    rng = np.random.default_rng(seed + 1)
    series, session = rng.integers(0, S, n), rng.integers(100, T, n)
    masked = np.zeros((n, PLAN.n_days), dtype=bool)
    if masks:
        masked[: n // 2] = rng.random((n // 2, PLAN.n_days)) < 0.05
    return Placed(
        series=series,
        session=session,
        masked=masked,
        history_mask=np.zeros((S, T), dtype=bool),
        seed=np.arange(n),
    )
