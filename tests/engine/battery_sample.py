"""Samples for the battery from arrays, as the study builds them."""

from __future__ import annotations

import numpy as np

from eventstudy.engine.abnormal import abnormal_returns, cars
from eventstudy.engine.models import fit
from eventstudy.engine.panel import ReturnPanel
from eventstudy.engine.significance.battery import GROUP_TESTS, run_battery
from eventstudy.engine.significance.dependence import dependence
from eventstudy.engine.significance.evidence import Sample, gather_evidence, window_weights
from eventstudy.engine.significance.result import TestResult
from eventstudy.engine.significance.single import car_t
from eventstudy.engine.significance.summary import Summary
from eventstudy.engine.windows import Design, gather


def build(
    design: Design,
    start: int,
    end: int,
    *,
    model: str = "market-model",
    day_number: np.ndarray | None = None,
    series: np.ndarray | None = None,
    common_days: int = 30,
    shares: np.ndarray | None = None,
    weight: np.ndarray | None = None,
) -> tuple[Sample, object]:
    """The sample of all events of a design over one window, and what its events share."""
    fits = fit(design, model)
    abnormal = abnormal_returns(design, fits, model)
    result = cars(design, fits, model, [(start, end)])
    exact = car_t(fits, result, 0.95, "two-sided")
    n = len(design.y)
    rows = np.flatnonzero(np.isfinite(result.car[:, 0]) & np.isfinite(exact.std_error[:, 0]))
    days = np.broadcast_to(np.arange(design.plan.n_days), (n, design.plan.n_days)) if day_number is None else day_number
    sample = Sample(
        rows=rows,
        car=result.car[rows, 0],
        scar=exact.t[rows, 0],
        std_error=exact.std_error[rows, 0],
        bhar=result.bhar[rows, 0],
        q=result.q[rows, 0],
        days=slice(start - design.plan.start, end - design.plan.start + 1),
        start=start,
        end=end,
        dates=days[rows, design.plan.column(0)],
        series=(np.arange(n) if series is None else series)[rows],
        evidence=gather_evidence(design, fits, abnormal.v),
        weight=np.ones(len(rows)) if weight is None else weight[rows],
    )
    weights, _ = window_weights(design, fits, model, rows, start, end)
    shared = dependence(sample, days[rows], weights, design.days(start, end), fits.theta.shape[1], common_days, shares)
    return sample, shared


def battery(design: Design, start: int, end: int, side: str = "two-sided", **settings: object) -> dict[str, TestResult]:
    """Every test by its name."""
    sample, shared = build(design, start, end, **settings)  # type: ignore[arg-type]
    _, results = run_battery(sample, shared, tuple(GROUP_TESTS), side)  # type: ignore[arg-type]
    return {result.test: result for result in results}


def summary_of(design: Design, start: int, end: int) -> Summary:
    """What the tests finalise."""
    sample, shared = build(design, start, end)
    return run_battery(sample, shared, (), "two-sided")[0]  # type: ignore[arg-type]


def panel_design(
    returns: np.ndarray, market: np.ndarray, plan: object, session: int, masked: np.ndarray | None = None
) -> Design:
    """Events as rows of a panel with the same position of day 0; market (T,) or (n, T)."""
    n, width = returns.shape
    factors = np.broadcast_to(market, (n, width))[:, None, :]
    observed = np.isfinite(returns) & np.isfinite(factors[:, 0])
    panel = ReturnPanel(
        returns=returns,
        factors=factors,
        span=observed.astype(np.int64),
        day_number=np.broadcast_to(np.arange(width), (n, width)),
    )
    mask = np.zeros((n, plan.n_days), bool) if masked is None else masked  # type: ignore[attr-defined]
    return gather(panel, np.arange(n), np.full(n, session), mask, plan)  # type: ignore[arg-type]
