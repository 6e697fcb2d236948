"""What the Python API adds to the work: ``es.run`` on 300 events in memory beside the block step and its tests.

``python -m bench.api`` prints the medians of both, and their ratio; at most 1.3 is wanted. The block step and its tests
are ``first_pass`` and ``across_events`` of the same study, as the recipe calls them, timed within ``es.run``.
"""

from __future__ import annotations

import statistics
import sys
import time
import warnings
from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

import eventstudy as es
from eventstudy import study
from eventstudy.data.calendar import load_calendar

EVENTS, FIRMS, ROUNDS = 300, 60, 15
MOST = 1.3


def sample() -> tuple[pd.DataFrame, pd.DataFrame]:
    """300 events of 60 firms over seven years, and their prices."""
    rng = np.random.default_rng(7)
    days = pd.DatetimeIndex(load_calendar("XNYS", date(2018, 1, 2), date(2024, 12, 31)).sessions, name="date")
    market = rng.normal(0.0004, 0.01, len(days))
    columns = {"SPY": market} | {f"F{n:03d}": 1.1 * market + rng.normal(0, 0.02, len(days)) for n in range(FIRMS)}
    prices = pd.DataFrame({name: 100 * np.cumprod(1 + steps) for name, steps in columns.items()}, index=days)
    placed = rng.choice(np.arange(400, len(days) - 60), EVENTS, replace=False)
    events = pd.DataFrame(
        {
            "ticker": rng.choice(list(columns)[1:], EVENTS),
            "announced_at": days[placed].strftime("%Y-%m-%d"),
            "timing": "bmo",
        }
    )
    return events, prices


class Stopwatch:
    """Seconds that some functions of the recipe take, whoever calls them."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, timed."""

        def timed(*given: Any, **named: Any) -> Any:
            began = time.perf_counter()
            try:
                return function(*given, **named)
            finally:
                self.seconds += time.perf_counter() - began

        return timed


def once(events: pd.DataFrame, prices: pd.DataFrame) -> tuple[float, float]:
    """Seconds of ``es.run``, and of the block step and its tests within it."""
    watch = Stopwatch()
    names = ("first_pass", "across_events", "group_rows", "day_rows")
    kept = {name: getattr(study, name) for name in names}
    for name, function in kept.items():
        setattr(study, name, watch.around(function))
    try:
        began = time.perf_counter()
        es.run(events, prices)
        return time.perf_counter() - began, watch.seconds
    finally:
        for name, function in kept.items():
            setattr(study, name, function)


def main() -> int:
    """Print the ratio; exit 1 where it is above the bar."""
    warnings.simplefilter("ignore", es.EventStudyWarning)
    events, prices = sample()
    long = prices.reset_index().melt("date", var_name="ticker", value_name="close")
    above = False
    for name, table in (("wide", prices), ("long", long)):
        once(events, table)
        rounds = [once(events, table) for _ in range(ROUNDS)]
        whole, block = (statistics.median(times) for times in zip(*rounds, strict=True))
        ratio = statistics.median(a / b for a, b in rounds)
        above |= ratio > MOST
        print(f"{name} prices: es.run {whole:.3f} s, block step and its tests {block:.3f} s, ratio {ratio:.2f}")
    return int(above)


if __name__ == "__main__":
    sys.exit(main())
