"""Placebo dates on real firms: a seeded slice of the last part of docs/validation.md."""

from __future__ import annotations

import pytest

from tests.properties.real_placebos import RealCell, folder, rates_of

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(folder() is None, reason="EVENTSTUDY_TEST_DATA names no folder with panel.parquet"),
]


def test_one_event_keeps_near_its_level() -> None:
    """Fat tails and all: within 4 to 8 % over four thousand events; permutations stay nearest."""
    rates = rates_of(RealCell(1, False, 1), 0, 4000)
    assert all(0.035 < rates[name] < 0.085 for name in ("car-t", "car-t-ar1", "sq", "conformal", "rank-exact")), rates
    window = rates_of(RealCell(1, False, 3), 0, 4000)
    assert window["window-f"] > window["vol-conformal"] + 0.01, "fat tails are taken for a risen variance"


def test_on_one_date_firms_are_not_independent() -> None:
    """What counts fifty firms as fifty observations must fail; what knows their correlation does not."""
    rates = rates_of(RealCell(50, True, 1), 80, 0)
    assert rates["csect-t"] > 0.1 and rates["patell"] > 0.1, rates
    assert rates["kolari-pynnonen"] < 0.2 and rates["adj-patell"] < 0.2, rates
    assert rates["csect-t"] > rates["kolari-pynnonen"], rates
