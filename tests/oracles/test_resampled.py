"""Resampled distributions of the mean against enumeration and against draws of another generator."""

from __future__ import annotations

import itertools
import math
import random

import numpy as np
import pytest
from scipy import stats

from eventstudy.engine.windows import Design, WindowPlan
from tests.engine.battery_sample import battery, panel_design
from tests.oracles.naive_battery import Event
from tests.oracles.test_battery import ragged

DRAWS = 4000


def cross_sectional(x: list[float]) -> float:
    mean = math.fsum(x) / len(x)
    return math.sqrt(len(x)) * mean / math.sqrt(math.fsum((v - mean) ** 2 for v in x) / (len(x) - 1))


def adjusted(x: list[float], centre: float) -> float:
    """sqrt(n) (S + g S^2/3 + g/(6 n)), a term at a time (methods 10.2)."""
    n, mean = len(x), math.fsum(x) / len(x)
    sd = math.sqrt(math.fsum((v - mean) ** 2 for v in x) / (n - 1))
    s, g = (mean - centre) / sd, math.fsum((v - mean) ** 3 for v in x) / (n * sd**3)
    return math.sqrt(n) * (s + g * s * s / 3 + g / (6 * n))


def apart(design: Design, events: list[Event]) -> np.ndarray:
    """A date of its own for every event."""
    return np.arange(len(events))[:, None] * 10_000 + np.arange(design.plan.n_days)


@pytest.mark.parametrize("seed", [1, 2])
def test_wild_bootstrap_is_a_sample_of_all_sign_patterns(seed: int) -> None:
    """Fourteen dates have 16,384 patterns; 999 of them estimate the share that is as extreme."""
    design, _, events, _ = ragged(seed)
    assert len(events) > 12
    found = battery(design, 0, 1, day_number=apart(design, events))["wild-bootstrap"]
    x = [event.car([0, 1]) for event in events]
    own = cross_sectional(x)
    assert found.statistic == pytest.approx(own, rel=1e-9)
    patterns = itertools.product((1, -1), repeat=len(x))
    extreme = [abs(cross_sectional([s * v for s, v in zip(p, x, strict=True)])) >= abs(own) - 1e-12 for p in patterns]
    share = sum(extreme) / len(extreme)
    assert abs(found.p - share) < 4 * math.sqrt(share * (1 - share) / 999) + 2 / 1000


@pytest.mark.parametrize("side", ["two-sided", "less", "greater"])
def test_the_bootstrap_of_holding_returns_is_that_of_another_generator(side: str) -> None:
    """The statistic to the digit; the p value of a thousand resamples within what chance allows."""
    design, _, events, _ = ragged(5, n=40)
    found = battery(design, 0, 2, side, day_number=apart(design, events))["lbt-bootstrap"]
    x = [event.bhar([0, 1, 2]) for event in events]
    own, mean = adjusted(x, 0.0), math.fsum(x) / len(x)
    assert found.statistic == pytest.approx(own, rel=1e-9)
    draw = random.Random(8)
    drawn = [adjusted(draw.choices(x, k=10), mean) for _ in range(DRAWS)]
    lower, upper = sum(v <= own for v in drawn) / DRAWS, sum(v >= own for v in drawn) / DRAWS
    p = {"less": lower, "greater": upper, "two-sided": min(1.0, 2 * min(lower, upper))}[side]
    tail = min(lower, upper)
    error = math.sqrt(max(tail, 0.01) * (1 - tail) * (1 / DRAWS + 1 / 1000)) * (2 if side == "two-sided" else 1)
    assert abs(found.p - p) < 4.5 * error + 0.003, (found.p, p)
    # a distribution that is not skewed enough would miss by more: the plain t differs from the adjusted one
    assert found.statistic != pytest.approx(math.sqrt(len(x)) * mean / stats.tstd(x), rel=1e-6)


def test_an_effect_that_no_draw_reaches_has_the_smallest_p_there_is() -> None:
    """The +1 rule to the digit: one of a thousand where 999 draws of signs, and 2 of 1,001 where 1,000 resamples, fall short."""
    plan = WindowPlan(estimation=60, gap=0, start=0, end=0)
    rng = np.random.default_rng(12)
    market = rng.normal(0, 0.01, plan.n_days)
    returns = market + rng.normal(0, 0.01, (40, plan.n_days))
    returns[:, plan.column(0)] += 0.5
    design = panel_design(returns, market, plan, plan.column(0))
    found = battery(design, 0, 0, day_number=np.arange(40)[:, None] * 1_000 + np.arange(plan.n_days))
    assert found["wild-bootstrap"].df == "999" and found["wild-bootstrap"].p == 1 / 1000
    assert found["lbt-bootstrap"].df == "1000" and found["lbt-bootstrap"].p == 2 / 1001
