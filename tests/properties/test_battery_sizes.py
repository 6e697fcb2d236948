"""Observed sizes of the multi-event tests over the designs of docs/validation.md, their power, and what must fail.

`make calibrate` runs the full table and writes docs/validation.md; the suite runs a seeded slice of it.
"""

from __future__ import annotations

import os

import pytest

from eventstudy.engine.significance.battery import GROUP_TESTS
from tests.properties.validation import CELLS, CONTROLS, Observed, cell_named, judged, simulate

FULL = int(os.environ.get("EVENTSTUDY_REPLICATIONS", "0"))
SLICE = 300


@pytest.fixture(scope="module")
def slices() -> dict[str, Observed]:
    return {}


def observed(slices: dict[str, Observed], name: str) -> Observed:
    if name not in slices:
        slices[name] = simulate(cell_named(name), SLICE)
    return slices[name]


@pytest.mark.parametrize("name", [cell.name for cell in CELLS if cell.in_suite])
def test_sizes(slices: dict[str, Observed], name: str) -> None:
    """Every test that is valid in the cell lies within three standard errors (Bonferroni) of its documented size."""
    misses = [line for line in judged(observed(slices, name)) if not line.within]
    assert not misses, "\n".join(map(str, misses))


@pytest.mark.parametrize("control", CONTROLS, ids=lambda c: f"{c.test} in {c.cell}")
def test_negative_controls_fail(slices: dict[str, Observed], control: object) -> None:
    found = observed(slices, control.cell)  # type: ignore[attr-defined]
    assert control.broken(found.rates), (control, found.rates)  # type: ignore[attr-defined]


def test_a_planted_effect_is_found() -> None:
    found = simulate(cell_named("N=20 L=1"), SLICE, effect=0.01).rates
    assert 0.40 < found["patell"] < 0.66 and 0.36 < found["bmp"] < 0.60 and 0.38 < found["corrado"] < 0.62
    assert 0.26 < found["csect-t"] < 0.49 and 0.22 < found["generalized-sign"] < 0.45
    strong = simulate(cell_named("N=20 L=1"), 60, effect=0.05).rates
    undetecting = {"vol-ratio-csect", "avar", "grank-t-clu", "sign-flip"}
    assert all(rate > 0.9 for name, rate in strong.items() if name not in undetecting), strong


def test_every_identifier_has_a_size() -> None:
    # these read days and weights that the designs here do not have: test_groups_sizes.py observes them
    elsewhere = {"conformal-dispersion", "vw-csect", "vw-patell", "vw-bmp", "vw-kp", "vw-calendar-cov"}
    assert {name for cell in CELLS for name in cell.valid} | elsewhere >= set(GROUP_TESTS)
