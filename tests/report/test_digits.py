"""Rounding to significant digits, held against Python's own formatting of each number."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from eventstudy.report.digits import rounded, rounded_number

CORNERS = np.array(
    [
        0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 5e-324, -5e-324, 2.2250738585072014e-308, 1.7976931348623157e308,
        1e300, 1e-300, 0.99999999995, 0.99999999994999, 9999999999.5, 9999999998.5, 1.00000000005, 2.5, 0.5, 1e22, 1e23,
    ]
)  # fmt: skip


def expected(values: np.ndarray, digits: int) -> np.ndarray:
    """Each number formatted and read back."""
    return np.array([float(f"{value:.{digits}g}") for value in values.tolist()])


def assert_same_bits(found: np.ndarray, wanted: np.ndarray) -> None:
    """Equal to the sign of zero; NaN equals NaN."""
    np.testing.assert_array_equal(found, wanted)
    known = ~np.isnan(wanted)
    np.testing.assert_array_equal(np.signbit(found)[known], np.signbit(wanted)[known])


@settings(max_examples=500, deadline=None)
@given(arrays(np.float64, st.integers(0, 40), elements=st.floats(width=64)), st.integers(1, 15))
def test_every_float_is_what_python_prints(values: np.ndarray, digits: int) -> None:
    assert_same_bits(rounded(values, digits), expected(values, digits))


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.integers(10**9, 10**10 - 1), min_size=1, max_size=40),
    st.integers(-40, 40),
    st.integers(-3, 3),
)
def test_numbers_at_and_beside_the_middle_between_two(whole: list[int], power: int, steps: int) -> None:
    values = np.array([float(f"{n}5e{power}") for n in whole])
    for _ in range(abs(steps)):
        values = np.nextafter(values, np.inf if steps > 0 else 0.0)
    assert_same_bits(rounded(values, 10), expected(values, 10))


@pytest.mark.parametrize("digits", [1, 6, 10, 15])
def test_corners_and_powers_of_ten(digits: int) -> None:
    powers = np.array([float(f"1e{power}") for power in range(-323, 309)])
    values = np.concatenate([CORNERS, powers, -powers, np.nextafter(powers, 0), np.nextafter(powers, np.inf)])
    # the middle between two numbers of so many digits, exact in binary
    exact = (np.arange(1, 4000) + 0.5) / 2.0 ** np.arange(1, 4000)[::-1].clip(0, 30)
    assert_same_bits(rounded(values, digits), expected(values, digits))
    assert_same_bits(rounded(exact, digits), expected(exact, digits))


def test_many_of_every_size() -> None:
    rng = np.random.default_rng(3)
    values = rng.standard_normal(200_000) * 10.0 ** rng.integers(-60, 60, 200_000)
    found = rounded(values, 10)
    assert_same_bits(found, expected(values, 10))
    assert_same_bits(rounded(found, 10), found)
    assert max(np.abs(found / values - 1)) <= 5.0000001e-10


def test_without_digits_nothing_changes() -> None:
    assert rounded(CORNERS, None) is CORNERS
    assert rounded_number(1 / 3, None) == 1 / 3
    assert rounded_number(1 / 3, 10) == 0.3333333333


def test_the_array_given_stays() -> None:
    values = CORNERS.copy()
    rounded(values, 6)
    assert_same_bits(values, CORNERS)
