"""Observed sizes and powers of calendar-time portfolios and of differences: a seeded slice of docs/validation.md."""

from __future__ import annotations

import pytest

from eventstudy.spec import DIFFERENCE_TESTS, LONG_RUN_TESTS
from tests.properties.longrun_validation import (
    DIFFERENCE_CELLS,
    LONG_CELLS,
    LONG_CONTROLS,
    LongCell,
    judged_long,
    long_named,
    simulate_long,
)
from tests.properties.validation import bound

CELLS = (*LONG_CELLS, *DIFFERENCE_CELLS)


SLOW = {"10 dates of 5, rho=.3, H=60"}
IN_SUITE = [
    pytest.param(cell.name, marks=pytest.mark.slow) if cell.name in SLOW else cell.name
    for cell in CELLS
    if cell.in_suite
]


@pytest.mark.parametrize("name", IN_SUITE)
def test_sizes_and_what_must_fail(name: str) -> None:
    """Within three standard errors (Bonferroni) of 5 %; what ignores the dependence fails in the same cell."""
    cell = long_named(name)
    replications = 150 if isinstance(cell, LongCell) else 300
    rates = simulate_long(cell, replications)
    lines = judged_long(cell, rates, replications, bound())
    assert lines and all(line.within for line in lines), "\n".join(str(line) for line in lines if not line.within)
    for control in LONG_CONTROLS:
        if control.cell == name:
            assert control.broken(rates), (control, rates)


def test_a_planted_effect_is_found() -> None:
    """0.2 % a session over sixty sessions; a difference of eight per cent."""
    drift = simulate_long(long_named("10 dates of 5, rho=.3, H=60"), 40, effect=0.005)
    assert all(drift[name] > 0.9 for name in LONG_RUN_TESTS), drift
    moved = simulate_long(long_named("10 and 20 events apart"), 40, effect=0.08)
    assert all(moved[name] > 0.9 for name in DIFFERENCE_TESTS), moved


def test_every_identifier_has_a_size() -> None:
    assert {name for cell in CELLS for name in cell.valid} == {*DIFFERENCE_TESTS, *LONG_RUN_TESTS}
