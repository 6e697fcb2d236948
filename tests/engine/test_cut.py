"""Sessions around events, cut out of a panel, against one cell at a time."""

from __future__ import annotations

import numpy as np
import pytest

from eventstudy.engine.windows import cut

N_SERIES, N_SESSIONS = 3, 40
STARTS = (-60, -12, -11, -1, 0, 1, 27, 28, 29, 39, 40, 75)


def cell(values: np.ndarray, series: int, session: int, fill: object) -> object:
    """A session of a series, or ``fill`` outside the calendar."""
    return values[series, ..., session] if 0 <= session < values.shape[-1] else np.full(values.shape[1:-1], fill)


@pytest.mark.parametrize("width", [1, 12, 40, 41, 90])
@pytest.mark.parametrize(
    ("factors", "kind", "fill"), [((), "f8", np.nan), ((), "u4", 0), ((1,), "f8", 0), ((2,), "i2", 7)]
)
def test_cut_against_single_cells(width: int, factors: tuple[int, ...], kind: str, fill: float) -> None:
    values = np.random.default_rng(1).integers(1, 1_000, (N_SERIES, *factors, N_SESSIONS)).astype(kind)
    series, start = np.arange(len(STARTS)) % N_SERIES, np.array(STARTS)
    found = cut(values, series, start, width, values.dtype.type(fill))
    assert found.dtype == values.dtype
    for event, (row, first) in enumerate(zip(series, STARTS, strict=True)):
        for day in range(width):
            np.testing.assert_array_equal(found[event, ..., day], cell(values, row, first + day, fill))


def test_cut_of_whole_windows_alone_is_the_same() -> None:
    values = np.random.default_rng(2).normal(size=(N_SERIES, N_SESSIONS))
    series, start = np.array([2, 0, 1]), np.array([0, 30, 17])
    alone = cut(values, series, start, 10, np.float64(np.nan))
    beside = cut(values, np.append(series, 0), np.append(start, 35), 10, np.float64(np.nan))
    np.testing.assert_array_equal(alone, beside[:3])
    assert np.isnan(beside[3, 5:]).all()


def test_cut_of_no_event_has_its_shape() -> None:
    none = np.zeros(0, dtype=np.int64)
    assert cut(np.zeros((2, 3, 20)), none, none, 5, np.float64(0)).shape == (0, 3, 5)
