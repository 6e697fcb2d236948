"""Digits against arithmetic without rounding, on data that takes them away; others' digits as the measure."""

from __future__ import annotations

import numpy as np
import pytest

from bench.accuracy import METHODS, Data, errors, kinds
from tests.conftest import needs
from tests.oracles.exact import Exact, market_model

KINDS = kinds(25)
ENGINES = ["NumPy", pytest.param("compiled", marks=needs("fast"))]
# what a double can hold of the residuals of a fit whose residuals are a ten millionth of the returns
HARD = {"near-perfect fit": (1e-14, 1e-9, 1e-7), "near-constant market": (1e-12, 1e-11, 1e-10)}
PLAIN = (1e-14, 1e-14, 5e-12)


@pytest.fixture(scope="module")
def truths() -> dict[str, list[Exact]]:
    """Without rounding."""
    return {name: [market_model(*data.cut(int(s))) for s in data.sessions] for name, data in KINDS.items()}


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("engine", ENGINES)
def test_both_engines_hold_the_digits_that_doubles_can_hold(
    name: str, engine: str, truths: dict[str, list[Exact]]
) -> None:
    data = KINDS[name]
    own = errors(METHODS[engine](data), truths[name])
    assert all(error <= bar for error, bar in zip(own, HARD.get(name, PLAIN), strict=True)), own
    # and never ten times as far off as the singular value decomposition of statsmodels
    theirs = errors(METHODS["statsmodels"](data), truths[name])
    assert all(error <= 10 * max(other, 1e-15) for error, other in zip(own, theirs, strict=True)), (own, theirs)


def test_a_bad_tick_outside_the_window_changes_no_digit() -> None:
    plain, *bad = (METHODS["NumPy"](KINDS[name]) for name in KINDS if name == "regular" or "tick" in name)
    assert len(bad) == 2
    for found in bad:
        for one, other in zip(plain, found, strict=True):
            np.testing.assert_array_equal(one, other)


def test_normal_equations_fail_where_they_must(truths: dict[str, list[Exact]]) -> None:
    """The negative control: the reference sees what is wrong."""
    name = "near-constant market"
    with np.errstate(all="ignore"):
        beta, _, scar = errors(METHODS["normal equations"](KINDS[name]), truths[name])
    assert beta > 1e-8 and scar > 1e-8


def test_the_reference_by_hand() -> None:
    """Four days: y = 1 + 2 x with errors (1, -1, -1, 1) orthogonal to x, which is why beta is 2 exactly."""
    x, e = np.array([-3.0, -1.0, 1.0, 3.0]), np.array([1.0, -1.0, -1.0, 1.0])
    found = market_model(1 + 2 * x + e, x, [(np.array([9.0]), np.array([2.0])), (np.array([4.0, 0.0]), np.zeros(2))])
    assert float(found.beta) == 2.0 and float(found.sigma) == np.sqrt(2.0)
    assert [float(value) for value in found.car] == [4.0, 2.0]
    # q = 1 + 1/4 + 4/20, and 2 + 4/4
    assert [float(value) for value in found.scar] == pytest.approx([4 / np.sqrt(2 * 1.45), 2 / np.sqrt(6)], rel=1e-15)


def test_the_data_are_what_they_are_called() -> None:
    data: Data = KINDS["50 % missing"]
    assert 0.4 < np.isnan(data.y).mean() < 0.6
    assert np.std(KINDS["near-constant market"].x) < 2e-7 and KINDS["price levels about 1e5"].x.min() > 1e4
