"""The battery of multi-event tests against the estimation it follows, on 20,000 events, NumPy only.

Both halves run by turns in one process; what counts is the ratio of their processor time and the peak memory. Bars: 10x
the estimation alone and 1 GB. Tests that resample and tests that read pairs of events are timed apart: they are not
part of the bar. Pairs are formed only where windows overlap.
"""

from __future__ import annotations

import os
import platform
import resource
import statistics
import sys
import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np

from eventstudy.engine.abnormal import abnormal_returns, cars
from eventstudy.engine.models import Fits, fit
from eventstudy.engine.panel import ReturnPanel
from eventstudy.engine.significance.battery import GROUP_TESTS, run_battery
from eventstudy.engine.significance.cross_section import Dependence
from eventstudy.engine.significance.dependence import dependence
from eventstudy.engine.significance.evidence import Sample, gather_evidence, window_weights
from eventstudy.engine.significance.single import car_t
from eventstudy.engine.windows import Design, WindowPlan, gather

EVENTS, SERIES, SESSIONS, ROUNDS = 20_000, 500, 2_900, 5
MODEL, WINDOW = "market-model", (0, 1)
PLAN = WindowPlan(estimation=250, gap=10, start=-10, end=10)
BATTERY = (
    "csect-t", "patell", "stouffer-t", "bmp", "corrado", "cumrank-t", "cumrank-z", "grank-t", "sign",
    "generalized-sign", "wilcoxon", "skew-t-hall",
)  # fmt: skip
PAIRWISE = tuple(name for name, entry in GROUP_TESTS.items() if entry.cost == "pairs")
RESAMPLED = ("wild-bootstrap", "lbt-bootstrap")
Made = TypeVar("Made")


def simulated() -> tuple[Design, np.ndarray]:
    """20,000 events of 500 firms on random sessions: market, slopes and fat-tailed errors of usual size."""
    rng = np.random.default_rng(20250416)
    market = rng.normal(4e-4, 0.01, SESSIONS)
    returns = rng.uniform(0.8, 1.5, (SERIES, 1)) * market + rng.standard_t(4, (SERIES, SESSIONS)) * 0.014
    panel = ReturnPanel(
        returns=returns,
        factors=np.broadcast_to(market, (SERIES, 1, SESSIONS)),
        span=np.ones((SERIES, SESSIONS), dtype=np.int64),
        day_number=np.broadcast_to(np.arange(SESSIONS), (SERIES, SESSIONS)),
    )
    series = rng.integers(0, SERIES, EVENTS)
    session = rng.integers(-PLAN.estimation_start, SESSIONS - PLAN.end, EVENTS)
    design = gather(panel, series, session, np.zeros((EVENTS, PLAN.n_days), dtype=bool), PLAN)
    return design, np.stack([series, session])


def sampled(design: Design, fits: Fits, placed: np.ndarray) -> Sample:
    """What a study hands to the battery, ranks and standardised values included."""
    abnormal, car = abnormal_returns(design, fits, MODEL), cars(design, fits, MODEL, [WINDOW])
    exact = car_t(fits, car, 0.95, "two-sided")
    first = WINDOW[0] - PLAN.start
    return Sample(
        rows=np.arange(EVENTS),
        car=car.car[:, 0],
        scar=exact.t[:, 0],
        std_error=exact.std_error[:, 0],
        bhar=car.bhar[:, 0],
        q=car.q[:, 0],
        days=slice(first, first + WINDOW[1] - WINDOW[0] + 1),
        start=WINDOW[0],
        end=WINDOW[1],
        dates=placed[1],
        series=placed[0],
        evidence=gather_evidence(design, fits, abnormal.v),
    )


def clocked(task: Callable[[], Made]) -> tuple[float, Made]:
    """Processor seconds of a task, and what it made."""
    start = time.process_time()
    made = task()
    return time.process_time() - start, made


def together(design: Design, fits: Fits, sample: Sample, placed: np.ndarray) -> Dependence:
    """Correlations and covariances of all pairs whose windows overlap."""
    weights, _ = window_weights(design, fits, MODEL, sample.rows, *WINDOW)
    days = placed[1][:, None] + np.arange(PLAN.estimation_start, PLAN.end + 1)
    return dependence(sample, days, weights, design.days(*WINDOW), 2)


def one_round(design: Design, placed: np.ndarray) -> tuple[float, float]:
    """Processor seconds of the estimation and of the battery after it."""
    estimation, fits = clocked(lambda: fit(design, MODEL))
    gathering, sample = clocked(lambda: sampled(design, fits, placed))
    testing, _ = clocked(lambda: run_battery(sample, Dependence(n_dates=EVENTS), BATTERY, "two-sided"))
    return estimation, gathering + testing


def peak() -> float:
    """Most memory this process ever held, in MB."""
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return held / (1024**2 if sys.platform == "darwin" else 1024)


def main() -> None:
    """Print the ratios."""
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, NumPy {np.__version__}")
    before = peak()
    design, placed = simulated()
    rounds = [one_round(design, placed) for _ in range(ROUNDS)]
    estimation, battery = [a for a, _ in rounds], [b for _, b in rounds]
    pairs = sorted(b / e for e, b in rounds)
    print(
        f"{len(BATTERY)} tests with AR, CAR, ranks and standardised values of {EVENTS} events against estimating them: "
        f"{statistics.median(battery) / statistics.median(estimation):.2f}x of processor time (bar 10x); "
        f"rounds {pairs[0]:.2f} to {pairs[-1]:.2f}; medians {statistics.median(battery):.2f} and "
        f"{statistics.median(estimation):.2f} s"
    )
    print(f"peak memory {peak():.0f} MB, {before:.0f} of it imports (bar 1024)")
    base, fits = statistics.median(estimation), fit(design, MODEL)
    sample, apart = sampled(design, fits, placed), Dependence(n_dates=EVENTS)
    seconds, shared = clocked(lambda: together(design, fits, sample, placed))
    possible = EVENTS * (EVENTS - 1) // 2
    print(
        f"{', '.join(PAIRWISE)}: {seconds / base:.1f}x, {shared.n_overlapping} of {possible} pairs overlap; "
        f"peak memory now {peak():.0f} MB"
    )
    seconds, _ = clocked(lambda: run_battery(sample, apart, RESAMPLED, "two-sided"))
    print(f"{', '.join(RESAMPLED)} with the summary they share: {seconds / base:.1f}x")
    seconds, _ = clocked(lambda: run_battery(sample, apart, ("avar",), "two-sided"))
    print(f"avar with the same summary: {seconds / base:.1f}x")


if __name__ == "__main__":
    main()
