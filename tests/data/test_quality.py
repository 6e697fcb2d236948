"""Figures that deserve a second look: each threshold from both sides, worked by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from eventstudy.data.calendar import load_calendar
from eventstudy.data.prices import Daily, PriceTable, Supplied, make_series
from eventstudy.data.quality import (
    BAD_TICK,
    GAP,
    MISSING,
    STALE,
    TRADED,
    against_benchmark,
    bad_tick,
    benchmark_gap,
    missing,
    quality_bits,
    stale,
)
from eventstudy.data.returns import AlignedSeries, align
from eventstudy.data.stacks import Stack

CALENDAR = load_calendar("XNYS", date(2025, 4, 7), date(2025, 4, 30))
NAN = float("nan")


def aligned(own: list[float], market: list[float] | None = None, kind: str = "simple") -> AlignedSeries:
    closes = {"A": own, "M": market or [10.0] * len(own)}
    made = {
        symbol: make_series(symbol, CALENDAR.sessions[: len(values)], Daily(np.array(values)), Supplied("t", "t"))
        for symbol, values in closes.items()
    }
    return align(PriceTable(made, {}), "A", ["M"], CALENDAR, kind)


def one(check: Callable[[Stack], np.ndarray], series: AlignedSeries) -> np.ndarray:
    """What a check finds on the sessions of one series."""
    return check(Stack.of([series]))[0]


def where(found: np.ndarray) -> list[int]:
    return [int(position) for position in np.flatnonzero(found)]


@pytest.mark.parametrize(
    ("closes", "expected"),
    [
        ([100, 126, 100], [1]),  # +26 % and all of it back
        ([100, 74, 100], [1]),
        ([100, 125, 100], []),  # exactly 25 % is not beyond it
        ([100, 150, 104], [1]),  # 4 % stay, a tenth of the move is 5 %
        ([100, 150, 106], []),  # 6 % stay
        ([100, 150], []),  # nothing reverses it yet
        ([100, 150, 150], []),
        ([100, NAN, 150, 100], []),  # a two-session return is no one-session move
        ([100, 150, NAN, 100], []),  # not reversed by the next session
    ],
)
@pytest.mark.parametrize("kind", ["simple", "log"])
def test_bad_ticks(closes: list[float], expected: list[int], kind: str) -> None:
    assert where(one(bad_tick, aligned(closes, kind=kind))) == expected


@pytest.mark.parametrize(
    ("closes", "expected"),
    [
        ([9, 5, 5, 5, 5, 5, 9], [1, 2, 3, 4, 5]),
        ([9, 5, 5, 5, 5, 9], []),
        ([5, 5, 5, NAN, 5, 5], [0, 1, 2, 4, 5]),  # five closes in a row, the hole itself is not one
        ([5, 5, 5, 6, 5, 5], []),
    ],
)
def test_stale_prices(closes: list[float], expected: list[int]) -> None:
    assert where(one(stale, aligned(closes))) == expected


def test_missing_lies_between_the_first_and_the_last_close() -> None:
    assert where(one(missing, aligned([NAN, 5, NAN, NAN, 6, NAN]))) == [2, 3]
    assert where(one(missing, aligned([NAN, NAN]))) == []


def test_benchmark_gaps_need_a_trade_and_end_with_the_benchmark() -> None:
    series = aligned([5, 6, NAN, 7, 8, 9], [1, NAN, NAN, NAN, 2, NAN])
    assert where(one(benchmark_gap, series)) == [1, 3]
    assert where(one(benchmark_gap, aligned([5, 6], [NAN, NAN]))) == []


def test_all_of_them_as_bits() -> None:
    series = aligned([5, 5, 5, 5, 5, NAN, 9, 5], [1, 1, NAN, 1, 1, 1, 1, 1])
    (bits,) = quality_bits([series])
    assert where(bits & STALE > 0) == where(one(stale, series)) and where(bits & MISSING > 0) == [5]
    assert where(bits & GAP > 0) == [2] and where(bits & BAD_TICK > 0) == where(one(bad_tick, series))
    assert where(bits & TRADED > 0) == [0, 1, 2, 3, 4, 6, 7]


def test_series_are_judged_together_as_each_alone() -> None:
    """On two calendars, with holes, jumps and repeated closes; a long list is judged in parts."""
    rng, together = np.random.default_rng(8), []
    for length in (1000, 600, 600, *[1000] * 30):
        own, market = rng.standard_t(3, (2, length)) * np.array([[rng.choice([0.01, 0.06])], [0.008]])
        own = np.maximum(own, -0.9)
        own[50:58] = 0.0
        one_series = of_returns(np.roll(own + market, 1) if length == 600 else own, market)
        together.append(replace(one_series, calendar=CALENDAR) if length == 600 else one_series)
    for bits, series in zip(quality_bits(together), together, strict=True):
        assert bits.tolist() == quality_bits([series])[0].tolist()


LONG = load_calendar("XNYS", date(2021, 1, 4), date(2025, 4, 30))


def of_returns(own: np.ndarray, market: np.ndarray) -> AlignedSeries:
    made = {
        symbol: make_series(
            symbol,
            LONG.sessions[: len(x) + 1],
            Daily(50 * np.cumprod(np.append(1.0, 1 + x))),
            Supplied("t", "t"),
        )
        for symbol, x in {"A": own, "M": market}.items()
    }
    return align(PriceTable(made, {}), "A", ["M"], LONG, "simple")


@pytest.mark.parametrize("moved", [1, -1])
def test_returns_of_the_neighbouring_session_are_found(moved: int) -> None:
    rng = np.random.default_rng(5)
    market = rng.standard_t(4, 1000) * 0.008
    own = market + rng.standard_t(4, 1000) * 0.012
    assert not one(against_benchmark, of_returns(own, market)).any()
    assert one(against_benchmark, of_returns(np.roll(own, moved), market)).mean() > 0.9
    # a market of other hours, half of whose news comes a session later, is not taken for a shift
    assert not one(against_benchmark, of_returns(own + 0.3 * np.roll(market, moved), market)).any()
    # two years that were moved, in four: those sessions and few others
    part = np.append(own[:500], np.roll(own[500:], moved))
    found = one(against_benchmark, of_returns(part, market))
    assert found[510:].mean() > 0.9 and not found[:240].any()
    # a stock that goes against the market, and one whose windows are too short to tell
    assert not one(against_benchmark, of_returns(-0.4 * market + rng.normal(0, 0.01, 1000), market)).any()
    assert not one(against_benchmark, of_returns(np.roll(own, moved)[:240], market[:240])).any()


def test_noise_alone_gives_hardly_an_alarm() -> None:
    rng = np.random.default_rng(6)
    alarms = [one(against_benchmark, of_returns(*rng.normal(0, 0.01, (2, 1000)))).any() for _ in range(100)]
    assert sum(alarms) <= 3, "nine windows and two neighbours each; a z beyond 3 or 4"
