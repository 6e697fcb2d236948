"""Observed sizes of the tests of abnormal volume: log volume is strongly autocorrelated and far from zero."""

from __future__ import annotations

import numpy as np

from eventstudy.engine.abnormal import cars
from eventstudy.engine.models import fit
from eventstudy.engine.panel import ReturnPanel
from eventstudy.engine.significance import single
from eventstudy.engine.significance.battery import run_battery
from eventstudy.engine.windows import Design, WindowPlan, gather
from eventstudy.evaluate.volume import ACROSS_EVENTS
from tests.engine.battery_sample import build
from tests.engine.single_sample import p_values as single_p

PHI, LEVEL, DEVIATION = 0.6, 16.0, 0.4


def volumes(rng: np.random.Generator, n: int, length: int, m: int, *, effect: float = 0.0) -> Design:
    """Log volumes of n independent events: a level, and errors of first-order autocorrelation."""
    plan = WindowPlan(estimation=m, gap=10, start=0, end=length - 1)
    width = plan.n_days
    e = rng.normal(size=(n, width)) * DEVIATION
    e[:, 0] /= np.sqrt(1 - PHI**2)
    for t in range(1, width):
        e[:, t] += PHI * e[:, t - 1]
    e[:, plan.column(0) :] += effect
    values = rng.normal(LEVEL, 2, (n, 1)) + e * rng.uniform(0.5, 1.5, (n, 1))
    panel = ReturnPanel(
        returns=values,
        factors=np.zeros((n, 1, width)),
        span=np.ones((n, width), dtype=np.int64),
        day_number=np.broadcast_to(np.arange(width), (n, width)),
    )
    day0 = np.full(n, -plan.estimation_start)
    return gather(panel, np.arange(n), day0, np.zeros((n, plan.n_days), bool), plan, strict=True)


def across(seed: int, replications: int, n: int, length: int, m: int = 250, effect: float = 0.0) -> dict[str, float]:
    """Rejection rates at 5 % of the tests across events, and of ``patell``, which independence misleads."""
    wanted = (*ACROSS_EVENTS, "patell")
    hits = dict.fromkeys(wanted, 0)
    for replication in range(replications):
        design = volumes(np.random.default_rng([seed, replication]), n, length, m, effect=effect)
        sample, shared = build(design, 0, length - 1, model="constant-mean", day_number=_apart(n, design.plan.n_days))
        for result in run_battery(sample, shared, wanted, "two-sided")[1]:  # type: ignore[arg-type]
            hits[result.test] += result.p <= 0.05
    return {name: count / replications for name, count in hits.items()}


def _apart(n: int, width: int) -> np.ndarray:
    """Calendar days that no two events share."""
    return np.arange(n)[:, None] * 10_000 + np.arange(width)


def alone(seed: int, replications: int, length: int, m: int = 250) -> dict[str, float]:
    """Rejection rates of the tests of one event, and of the plain t, which independence misleads."""
    design = volumes(np.random.default_rng(seed), replications, length, m)
    windows = [(0, length - 1)]
    fits = fit(design, "constant-mean")
    result = cars(design, fits, "constant-mean", windows, strict=True, log=True)
    p = {
        **single_p(design, fits, "constant-mean", windows, ("car-t-ar1", "conformal"), strict=True, log=True),
        "car-t": single.car_t(fits, result, 0.95, "two-sided").p,
    }
    return {name: float((values[:, 0] <= 0.05).mean()) for name, values in p.items()}
