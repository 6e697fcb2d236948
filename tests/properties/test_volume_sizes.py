"""Sizes of the tests of abnormal volume under the autocorrelation that volumes have; full figures in docs/methods.md."""

from __future__ import annotations

import numpy as np
import pytest

from eventstudy.evaluate.volume import ACROSS_EVENTS, OF_ONE_EVENT
from tests.properties.volume_validation import across, alone

REPLICATIONS = 2000


@pytest.mark.parametrize("length", [1, 3])
def test_one_event(length: int) -> None:
    """Within four standard errors of 5 %; the plain t must fail as soon as it adds days up."""
    rates = alone(11, REPLICATIONS, length)
    for name in OF_ONE_EVENT:
        assert abs(rates[name] - 0.05) <= 4 * np.sqrt(0.0475 / REPLICATIONS), rates
    assert (rates["car-t"] > 0.12) == (length > 1), rates


@pytest.mark.slow
def test_across_events() -> None:
    """Tests that compare events with each other keep their size; those that count on independent days must fail."""
    error = 4 * np.sqrt(0.0475 / 400)
    day, days = across(12, 400, 20, 1), across(12, 400, 20, 3)
    assert all(abs(day[name] - 0.05) <= error for name in ACROSS_EVENTS), day
    assert all(abs(days[name] - 0.05) <= error for name in ("csect-t", "bmp")), days
    assert days["corrado"] > 0.1 and days["patell"] > 0.1, days


def test_a_planted_effect_is_found() -> None:
    """Volume half as high again, twenty events."""
    assert across(13, 40, 20, 1, effect=0.4)["bmp"] > 0.9
