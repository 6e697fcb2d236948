"""What a panel of returns takes and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

from eventstudy.engine.panel import ReturnPanel

SHAPE = (2, 5)


def panel(**other: np.ndarray) -> ReturnPanel:
    """Zeros of one shape, with some arrays exchanged."""
    parts = {
        "returns": np.zeros(SHAPE),
        "factors": np.zeros((2, 1, 5)),
        "span": np.ones(SHAPE, dtype=np.int64),
        "day_number": np.zeros(SHAPE, dtype=np.int64),
    }
    return ReturnPanel(**(parts | other))


def test_spans_are_made_short_and_stay_what_they_are() -> None:
    span = np.array([[0, 1, 2, 300, 32_767]] * 2)
    made = panel(span=span).span
    assert made.dtype == np.int16
    np.testing.assert_array_equal(made, span)
    assert panel(span=made).span is made, "a short array is taken as it is"


@pytest.mark.parametrize("value", [32_768, 65_537, -40_000])
def test_a_span_that_does_not_fit_is_refused_not_wrapped(value: int) -> None:
    with pytest.raises(ValueError, match="0 to 32767"):
        panel(span=np.full(SHAPE, value))


@pytest.mark.parametrize("name", ["returns", "span", "day_number"])
def test_arrays_of_other_shapes_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="differ"):
        panel(**{name: np.zeros((3, 5))})
    with pytest.raises(ValueError, match="do not fit"):
        panel(factors=np.zeros((2, 1, 4)))
