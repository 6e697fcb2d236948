"""Interval and smallest detectable effect at the scale of the estimation window and of the last 20 sessions, on both
sides of the test: the digits of the reference and scipy's distributions."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize, stats

from eventstudy.engine.models import fit
from eventstudy.engine.significance.headline import scale_moved
from eventstudy.engine.windows import Design, WindowPlan
from tests.engine.single_sample import single_block
from tests.oracles.golden import DATA

RMS = (0.01061490, 0.01280247, 0.01846520, 0.01826397)
HALF_LOCAL = (0.04083786, 0.04925392, 0.07103967, 0.07026552)
MDE_LOCAL = {
    "two-sided": (0.05766481, 0.06954865, 0.10031107, 0.09921794),
    "greater": (0.05041436, 0.06080399, 0.08769852, 0.08674283),
}
MDE = {
    "two-sided": (0.06357184, 0.06989733, 0.09705288, 0.10723812),
    "greater": (0.05565877, 0.06119690, 0.08497228, 0.09388971),
}
LOWER = (-0.01650467, -0.02249597, -0.03993620, -0.06383923)


def golden_design() -> Design:
    table = np.array(DATA)
    y, x = table[:, 2:].T, np.tile(table[:, 1], (4, 1))[:, :, None]
    whole = np.ones(y.shape, dtype=bool)
    plan = WindowPlan(estimation=24, gap=0, start=-1, end=1)
    return Design(y=y, x=x, span=np.ones(y.shape), observed=whole, masked=~whole, plan=plan, offset=np.zeros(y.shape))


@pytest.mark.parametrize("side", ["two-sided", "greater", "less"])
def test_the_digits_of_the_reference(side: str) -> None:
    design = golden_design()
    fits = fit(design, "market-model")
    block = single_block(design, fits, "market-model", [(-1, 1)], ["ar-t-local"], alternative=side)
    columns, exact, car = block.columns, block.exact, block.measures.car[:, 0]
    np.testing.assert_allclose(columns["local_scale"][:, 0] * np.sqrt(fits.s2), RMS, atol=6e-9)
    name = "greater" if side == "less" else side
    np.testing.assert_allclose(columns["mde80_local"][:, 0], MDE_LOCAL[name], atol=6e-9)
    np.testing.assert_allclose(exact.mde[:, 0], MDE[name], atol=6e-9)
    low, high = columns["local_low"][:, 0], columns["local_high"][:, 0]
    if side == "two-sided":
        np.testing.assert_allclose(high - car, HALF_LOCAL, atol=6e-9)
        np.testing.assert_allclose(car - low, HALF_LOCAL, atol=6e-9)
        return
    empty, known = (high, low) if side == "greater" else (low, high)
    assert np.isnan(empty).all() and np.isfinite(known).all()
    bound, other = (exact.ci_low, exact.ci_high) if side == "greater" else (exact.ci_high, exact.ci_low)
    assert np.isnan(other).all()
    sign = 1 if side == "greater" else -1
    if side == "greater":
        np.testing.assert_allclose(bound[:, 0], LOWER, atol=6e-9)
    half = stats.t.ppf(0.95, 22) * exact.std_error[:, 0]
    np.testing.assert_allclose(bound[:, 0], car - sign * half, rtol=1e-10)


def test_the_detectable_effect_by_scipy() -> None:
    """P(noncentral t > its critical value) = 0.8, found by a root finder, for 20 degrees of freedom."""
    for level, tail, wanted in ((0.95, 0.975, 2.94547011), (0.95, 0.95, 2.57512313)):
        delta = optimize.brentq(lambda d, q=tail: stats.nct.sf(stats.t.ppf(q, 20), 20, d) - 0.8, 0.5, 9)
        assert delta == pytest.approx(wanted, abs=6e-9), level


def test_a_scale_that_moved_by_more_than_a_quarter() -> None:
    moved = scale_moved(np.array([0.7, 0.76, 1.0, 1.24, 1.3, np.nan]))
    assert moved.tolist() == [True, False, False, False, True, False]
