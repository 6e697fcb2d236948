"""Observed sizes and powers of the tests of one event and of one session: designs, documented sizes, simulation.

Single events: R independent events with their own market, M = 120. Sessions: N firms on one date, errors with equal
correlations, deviations from 1 % to 3 %.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from eventstudy.engine.abnormal import cars
from eventstudy.engine.models import fit
from eventstudy.engine.significance import cluster, multiple, single
from eventstudy.engine.significance.distributions import t_p_value
from eventstudy.engine.significance.single_tests import SINGLE_TESTS
from eventstudy.engine.windows import WindowPlan
from tests.engine.battery_sample import panel_design
from tests.engine.single_sample import p_values as single_p
from tests.properties.validation import GAP, LEVEL, Line, M, errors, line, sizes

BLOCK = 50


@dataclass(frozen=True)
class SingleCell:
    """One event at a time (``firms`` 1) or one session of several firms, and the documented sizes in percent.

    ``variance`` multiplies the variance of the window's errors; ``phi`` is their autocorrelation.
    """

    name: str
    length: int
    seed: int
    kind: str = "normal"
    firms: int = 1
    rho: float = 0.5
    phi: float = 0.0
    variance: float = 1.0
    valid: dict[str, tuple[float, ...]] = field(default_factory=dict)
    in_suite: bool = False


def steps(days: int) -> float:
    """Largest attainable size of a permutation test over so many equally likely days, in percent."""
    return 100 * np.floor(LEVEL * days) / days


# 111 windows have twenty sessions before them, whatever their length
LOCAL = steps(M + GAP - 19)
ONE_DAY = (
    "car-t", "car-t-ar1", "ar-t-local", "sq", "rank-exact", "conformal", "rank-local", "window-f", "vol-f",
    "vol-conformal", "boot-iid", "boot-block", "boot-stationary",
)  # fmt: skip
# every registered test that a simulated event can answer
OF_ONE_EVENT = tuple(name for name, entry in SINGLE_TESTS.items() if not entry.reads & {"history", "donors"})
WINDOWS = tuple(name for name in ONE_DAY if name not in ("sq", "rank-exact"))
JOINT = ("portfolio-t", "hotelling", "equality", "mv-window", "conformal-hotelling", "conformal-max", "romano-wolf")
FAMILY = ("holm", "bonferroni", "bh", "by")

SINGLE_CELLS: tuple[SingleCell, ...] = (
    SingleCell(
        "one event, L=1", 1, 101, in_suite=True,
        valid=sizes(ONE_DAY, sq=steps(121), rank_exact=steps(121), conformal=steps(121), rank_local=LOCAL, vol_conformal=steps(121)),
    ),
    SingleCell(
        "one event, L=3 t3", 3, 102, kind="t3",
        valid=sizes(tuple(name for name in WINDOWS if name != "ar-t-local"), conformal=steps(123), rank_local=LOCAL, window_f=7.9, vol_f=7.9, vol_conformal=(4.1, steps(123))),
    ),
    SingleCell(
        "one event, L=11", 11, 103, in_suite=True,
        valid=sizes((*WINDOWS, "vol-bf"), conformal=steps(131), rank_local=LOCAL, vol_conformal=steps(131)),
    ),
    SingleCell(
        "one event, L=11 phi=.2", 11, 104, phi=0.2,
        valid=sizes(("car-t-ar1",), conformal=steps(131), rank_local=LOCAL, vol_conformal=steps(131), car_t=9.4),
    ),
    SingleCell("one event, L=11 variance x4", 11, 105, variance=4.0),
    SingleCell("3 firms, rho=.5 L=1", 1, 111, firms=3, in_suite=True, valid=sizes((*JOINT, "holm"), holm=4.0)),
    SingleCell(
        "3 firms, rho=.5 L=3", 3, 112, firms=3,
        valid=sizes((*JOINT, "holm"), holm=4.0, conformal_hotelling=steps(123), conformal_max=steps(123)),
    ),
    SingleCell(
        "10 firms, rho=.3 L=2", 2, 113, firms=10, rho=0.3,
        valid=sizes(JOINT, conformal_hotelling=steps(122), conformal_max=steps(122)),
    ),
    SingleCell("3 firms, rho=0 L=1", 1, 114, firms=3, rho=0.0, valid=sizes((*JOINT, "bh"), holm=4.92, bonferroni=4.92, by=2.73)),
    SingleCell("3 firms, rho=.5 L=1 t4", 1, 115, firms=3, kind="t4",
               valid=sizes(("portfolio-t", "conformal-hotelling", "conformal-max", "romano-wolf"), hotelling=8.2,
                           romano_wolf=5.4)),
)  # fmt: skip


def single_named(name: str) -> SingleCell:
    return next(cell for cell in SINGLE_CELLS if cell.name == name)


def drawn(rng: np.random.Generator, cell: SingleCell, shape: tuple[int, int]) -> np.ndarray:
    """Errors of unit variance; autocorrelated where the cell says so."""
    e = errors(rng, cell.kind, shape)
    for t in range(1, shape[1] if cell.phi else 0):
        e[:, t] = cell.phi * e[:, t - 1] + np.sqrt(1 - cell.phi**2) * e[:, t]
    return e


def one_event_p(cell: SingleCell, block: int, effect: float) -> dict[str, np.ndarray]:
    """p values of BLOCK events; the effect is added to day 0, in the error's own deviations."""
    rng = np.random.default_rng([cell.seed, block])
    plan = WindowPlan(estimation=M, gap=GAP, start=0, end=cell.length - 1)
    market = rng.normal(4e-4, 0.01, (BLOCK, plan.n_days))
    noise = drawn(rng, cell, (BLOCK, plan.n_days))
    day0 = -plan.estimation_start
    noise[:, day0 : day0 + cell.length] *= np.sqrt(cell.variance)
    noise[:, day0] += effect
    returns = rng.uniform(0.8, 1.5, (BLOCK, 1)) * market + rng.uniform(0.01, 0.04, (BLOCK, 1)) * noise
    design, windows = panel_design(returns, market, plan, day0), [(0, cell.length - 1)]
    fits = fit(design, "market-model")
    result = cars(design, fits, "market-model", windows)
    seeds = rng.integers(0, 2**31, BLOCK)
    p = {
        "car-t": single.car_t(fits, result, 0.95, "two-sided").p,
        **single_p(design, fits, "market-model", windows, OF_ONE_EVENT, seed=seeds),
    }
    return {name: values[:, 0] for name, values in p.items()}


def one_session_p(cell: SingleCell, block: int, effect: float) -> dict[str, np.ndarray]:
    """p values of BLOCK sessions of N firms; of tests over firms the smallest adjusted one."""
    rng = np.random.default_rng([cell.seed, block])
    plan = WindowPlan(estimation=M, gap=GAP, start=0, end=cell.length - 1)
    n, day0 = cell.firms, -plan.estimation_start
    scale = np.linspace(0.01, 0.03, n)[:, None]
    found: dict[str, list[float]] = {name: [] for name in (*JOINT, *FAMILY)}
    for _ in range(BLOCK):
        market = rng.normal(4e-4, 0.01, plan.n_days)
        noise = np.sqrt(cell.rho) * errors(rng, cell.kind, (1, plan.n_days)) + np.sqrt(1 - cell.rho) * errors(
            rng, cell.kind, (n, plan.n_days)
        )
        noise[:, day0] += effect * np.arange(1, n + 1)
        built = cluster.build_cluster(
            panel_design(market + scale * noise, market, plan, day0), "market-model", 0, cell.length - 1, 60
        )
        assert not isinstance(built, str)
        for result in (
            cluster.portfolio_t(built), cluster.hotelling(built), cluster.equality(built), cluster.mv_window(built),
            cluster.conformal_hotelling(built), cluster.conformal_max(built),
        ):  # fmt: skip
            found[result.test].append(result.p)
        found["romano-wolf"].append(min(result.p for result in cluster.romano_wolf_firms(built)))
        t = built.car / np.sqrt(np.diagonal(built.covariance) * built.q)
        own = t_p_value(t, np.full(n, built.nu))
        for name, adjust in (
            ("holm", multiple.holm), ("bonferroni", multiple.bonferroni), ("bh", multiple.benjamini_hochberg),
            ("by", multiple.benjamini_yekutieli),
        ):  # fmt: skip
            found[name].append(float(adjust(own).min()))
    return {name: np.array(values) for name, values in found.items()}


def simulate_single(cell: SingleCell, replications: int, effect: float = 0.0, first: int = 0) -> dict[str, float]:
    """Rejection rates at 5 %; ``first`` and ``replications`` in multiples of BLOCK, so pieces add up to the whole."""
    assert replications % BLOCK == 0 and first % BLOCK == 0, "whole blocks"
    draw = one_event_p if cell.firms == 1 else one_session_p
    blocks = range(first // BLOCK, (first + replications) // BLOCK)
    parts = [draw(cell, block, effect) for block in blocks]
    pooled = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return {name: float((p <= LEVEL).mean()) for name, p in pooled.items() if np.isfinite(p).all()}


def judged_single(cell: SingleCell, rates: dict[str, float], replications: int, allowed: float) -> list[Line]:
    """Every documented entry of a cell with its verdict."""
    return [
        line(cell.name, test, rates[test], documented, replications, allowed)
        for test, documented in cell.valid.items()
        if test in rates
    ]
