"""Observed sizes and powers of the tests of one event and of one session: a seeded slice of docs/validation.md."""

from __future__ import annotations

import pytest

from eventstudy.spec import CLUSTER_TESTS, SINGLE_TESTS
from tests.properties.single_validation import (
    SINGLE_CELLS,
    judged_single,
    simulate_single,
    single_named,
)
from tests.properties.validation import bound

SLICE = 300


@pytest.mark.parametrize("name", [cell.name for cell in SINGLE_CELLS if cell.in_suite])
def test_sizes(name: str) -> None:
    """Within three standard errors (Bonferroni) of 5 % or of the documented size."""
    cell = single_named(name)
    lines = judged_single(cell, simulate_single(cell, SLICE), SLICE, bound())
    assert lines and all(line.within for line in lines), "\n".join(str(line) for line in lines if not line.within)


def test_a_planted_effect_is_found() -> None:
    """A move of five standard deviations; the volatility tests see it as well."""
    found = simulate_single(single_named("one event, L=1"), 50, effect=5.0)
    assert all(rate > 0.9 for rate in found.values()), found
    joint = simulate_single(single_named("3 firms, rho=.5 L=1"), 50, effect=2.0)
    assert all(rate > 0.9 for rate in joint.values()), joint


def test_what_must_fail_fails() -> None:
    """The joint F tests on fat tails; the t of the mean where the event raised the variance."""
    fat = simulate_single(single_named("3 firms, rho=.5 L=1 t4"), 1500)
    assert fat["hotelling"] > 0.06, fat
    risen = simulate_single(single_named("one event, L=11 variance x4"), 100)
    assert risen["car-t"] > 0.15 and risen["vol-bf"] > 0.5 and risen["vol-conformal"] > 0.5, risen


def test_every_identifier_has_a_size() -> None:
    """``placebo-time`` needs years of one series and has its simulation in test_sizes.py, ``placebo-space`` needs donors
    and has it in tests/oracles/test_synthetic.py."""
    documented = {name for cell in SINGLE_CELLS for name in cell.valid}
    assert documented | {"placebo-time", "placebo-space"} >= {*SINGLE_TESTS, *CLUSTER_TESTS}
