"""Confidence sets of a synthetic control: golden values, a grid with SLSQP, coverage, and where the line is whole."""

from __future__ import annotations

import math

import numpy as np
import pytest

from eventstudy.engine.models import fit
from eventstudy.engine.panel import ReturnPanel
from eventstudy.engine.significance.inversion import conformal_set, first_exit, space_set
from eventstudy.engine.windows import Design, WindowPlan, gather
from tests.engine.single_sample import single_block
from tests.oracles.golden import DATA
from tests.oracles.test_spans import PLAN, gathered
from tests.oracles.test_synthetic import by_enumeration, by_slsqp


def golden() -> Design:
    """The first firm on the other three."""
    table = np.array(DATA)
    y = table[:, 2:].T
    return gathered(y[:1], y[None, 1:], np.ones((1, 27)), 25, PLAN)


def test_the_golden_sets() -> None:
    design = golden()
    fits = fit(design, "synthetic")
    np.testing.assert_allclose(fits.theta[0], [0.53094911, 0.17843738, 0.29061350], rtol=0, atol=6e-9)
    for level, expected in ((0.75, (-0.00336168, 0.01852407)), (0.5, (-0.00073343, 0.01589583))):
        found = single_block(design, fits, "synthetic", [(-1, 1)], ["placebo-space"], level=level)
        columns = {name: float(values[0, 0]) for name, values in found.columns.items()}
        assert (columns["space_low"], columns["space_high"]) == pytest.approx(expected, abs=6e-9)
        assert found.measures.car[0, 0] == pytest.approx(0.00758120, abs=6e-9)
        assert np.sqrt(fits.s2[0]) == pytest.approx(0.01262566, abs=6e-9)
    found = single_block(design, fits, "synthetic", [(-1, 1)], ["placebo-space", "conformal"], level=0.9)
    assert found.columns["p_conformal"][0, 0] == pytest.approx(0.74074074, abs=6e-9)
    ends = found.columns["ci_low"][0, 0], found.columns["ci_high"][0, 0]
    assert ends == pytest.approx((-0.03806677, 0.04728971), abs=6e-9)
    assert np.isnan(found.columns["space_low"][0, 0]), "three donors reject nothing at 10 %"


def naive_p(design: Design, rows: list[int], days: list[int], effect: float, weights: object = by_enumeration) -> float:
    """p of an effect taken off the window in proportion to the sessions covered, weights by another solver."""
    span = design.span[0]
    total = math.fsum(span[t] for t in days)
    y = [design.y[0, t] - (effect * span[t] / total if t in days else 0.0) for t in rows]
    root = np.sqrt(span[rows])
    x = design.x[0, rows] / root[:, None]
    z = np.array(y) / root
    z = z - x @ weights(z, x)  # type: ignore[operator]
    k = len(days)
    sums = [abs(math.fsum(math.sqrt(span[d]) * z[(t + j) % len(z)] for j, d in enumerate(days))) for t in range(len(z))]
    own = sums[len(z) - k]
    return sum(s >= own - 1e-12 for s in sums) / len(z)


def donors(seed: int, width: int, count: int, holes: tuple[int, ...] = ()) -> Design:
    rng = np.random.default_rng(seed)
    market = rng.normal(0, 0.01, width)
    x = market + rng.normal(0, 0.01, (count, width))
    y, n = x[:3].mean(axis=0) + rng.normal(0, 0.01, width), np.ones(width)
    for t in holes:
        y[t + 1] += y[t]
        x[:, t + 1] += x[:, t]
        y[t], n[t], n[t + 1] = np.nan, 0, 2
    plan = WindowPlan(estimation=width - 5, gap=2, start=0, end=2)
    return gathered(y[None], x[None], n[None], width - 3, plan)


@pytest.mark.parametrize("holes", [(), (9, 66)])
def test_a_conformal_set_by_a_grid_and_other_solvers(holes: tuple[int, ...]) -> None:
    """Inside the set no effect near its ends is rejected, beyond them it is; holes in the window and before it."""
    design = donors(4, 69, 4, holes)
    fits = fit(design, "synthetic")
    window = (0, 2)
    found = single_block(design, fits, "synthetic", [window], ["placebo-space"], level=0.9)
    low, high, car = (float(v[0, 0]) for v in (found.columns["ci_low"], found.columns["ci_high"], found.measures.car))
    assert low < car < high
    days = [t for t in range(*design.days(*window).indices(design.plan.n_days)) if design.observed[0, t]]
    rows = list(np.flatnonzero(design.observed[0, : design.plan.estimation]).tolist()) + days
    width = high - low
    for end, out in ((low, -1), (high, 1)):
        assert naive_p(design, rows, days, end - out * 1e-4 * width) > 0.1
        assert naive_p(design, rows, days, end + out * 1e-4 * width) <= 0.1
        assert naive_p(design, rows, days, end + out * 0.3 * width, by_slsqp) <= 0.1
    assert naive_p(design, rows, days, car) > 0.1


def test_where_the_set_is_the_whole_line() -> None:
    design = donors(5, 25, 3)
    fits = fit(design, "synthetic")
    found = single_block(design, fits, "synthetic", [(0, 0)], ["placebo-space"], level=0.99).columns
    assert all(np.isnan(found[name][0, 0]) for name in ("ci_low", "ci_high", "space_low", "space_high"))
    assert math.isnan(first_exit(lambda effect: 1.0, 0.0, 1.0, 0.05))
    assert first_exit(lambda effect: float(effect < math.pi), 0.0, 1.0, 0.05) == pytest.approx(math.pi, rel=1e-9)
    assert all(math.isnan(v) for v in space_set(0.1, 0.01, np.ones(18), 0.05))
    assert space_set(0.1, 0.01, np.arange(19.0), 0.05) == pytest.approx((0.1 - 0.18, 0.1 + 0.18))
    none = conformal_set(design, 0, design.observed[0], design.days(0, 0), math.nan, 0.05)
    assert all(math.isnan(v) for v in none)


def test_coverage_and_a_planted_effect() -> None:
    """Nineteen exchangeable donors, 95 %: both sets cover the truth, planted or none, and miss a wrong one."""
    rng = np.random.default_rng(12)
    events, width = 120, 64
    everyone = rng.normal(0, 0.01, (events, 1, width)) + rng.normal(0, 0.01, (events, 20, width))
    plan = WindowPlan(estimation=59, gap=4, start=0, end=0)
    y = everyone[:, 0].copy()
    y[:, -1] += 0.05
    panel = ReturnPanel(
        returns=y,
        factors=everyone[:, 1:],
        span=np.ones((events, width), dtype=np.int64),
        day_number=np.broadcast_to(np.arange(width), (events, width)),
    )
    zero = np.zeros((events, plan.n_days), dtype=bool)
    design = gather(panel, np.arange(events), np.full(events, width - 1), zero, plan)
    found = single_block(design, fit(design, "synthetic"), "synthetic", [(0, 0)], ["placebo-space"]).columns
    error = math.sqrt(0.05 * 0.95 / events)
    for name in ("ci", "space"):
        low, high = found[f"{name}_low"][:, 0], found[f"{name}_high"][:, 0]
        covered = ((low <= 0.05) & (high >= 0.05)).mean()
        assert covered > 0.95 - 4 * error, (name, covered)
        assert ((low <= 0.0) & (high >= 0.0)).mean() < 0.5, "a set that holds everything says nothing"
