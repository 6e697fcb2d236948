"""Keys of rows against plain Python, also of more rows than are looked at once."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from eventstudy.data import row_keys
from eventstudy.data.row_keys import first_of, lowest, n_distinct, repeated


@pytest.fixture(params=[0, 1, 50, 3_000], autouse=True)
def keys(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    """Keys of both signs, many of which come again; the largest table is cut."""
    monkeypatch.setattr(row_keys, "ROWS_AT_ONCE", 700)
    monkeypatch.setattr(row_keys, "KEYS_AT_ONCE", 700)
    return np.random.default_rng(request.param).integers(-900, 900, request.param)


def test_the_first_row_of_each_key_is_marked(keys: np.ndarray) -> None:
    """As a set that grows row by row says."""
    seen: set[int] = set()
    said = [key not in seen and not seen.add(key) for key in keys.tolist()]  # type: ignore[func-returns-value]
    assert first_of(keys).tolist() == said


def test_every_row_of_a_key_that_comes_again_is_marked(keys: np.ndarray) -> None:
    """As counting says."""
    count = Counter(keys.tolist())
    assert repeated(keys).tolist() == [count[key] > 1 for key in keys.tolist()]


def test_different_keys_are_counted(keys: np.ndarray) -> None:
    """As a set says."""
    assert n_distinct(keys) == len(set(keys.tolist()))


@pytest.mark.parametrize("n", [1, 7, 2_999, 3_000, 4_000])
def test_lowest_values_are_those_of_a_whole_sort(keys: np.ndarray, n: int) -> None:
    """Ties in the order of the rows, and what is not known last, however many there are."""
    values = keys / 100.0
    for share in (0.0, 0.3, 1.0):
        values[np.random.default_rng(1).random(len(values)) < share] = np.nan
        assert lowest(values, n).tolist() == np.argsort(values, kind="stable")[:n].tolist()
