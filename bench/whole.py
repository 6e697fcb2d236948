"""Whole processes of large studies: the price of one event more, memory, growth, threads and a Dask cluster.

``python -m bench.whole`` makes its files in a temporary folder (about 150 MB). ``--most N`` sets the largest study
(five million by default). Processor time and peak memory are those of the child process and its children, as the
system counts them; wall time only where work is shared out, and only from quiet windows.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench import large
from bench.harness import busy_seconds, machine, users_environment
from bench.kernels import BY_HAND, by_statsmodels, simulated
from eventstudy.engine.panel import Placed, ReturnPanel

TESTS = "csect-t,patell,bmp"
FEW, MANY, ROUNDS = 30_000, 1_000_000, 5
BATTERY = "csect-t,patell,bmp,corrado,grank-t"


@dataclass(frozen=True)
class Run:
    """One process: processor and wall seconds, peak memory in MB, and the share of the machine that others used."""

    cpu: float
    wall: float
    peak: float
    foreign: float


def run(folder: Path, events: int, *more: str, tests: str = TESTS) -> Run:
    """A study of so many events by the command line."""
    command = [
        *(sys.executable, "-m", "eventstudy", "run", f"events{events}.parquet", "--source", "parquet:prices.parquet"),
        # made-up events are so close that they would empty each other's estimation windows
        *("--benchmark", large.MARKET, "--tests", tests, "--exclude", "none", "-o", "out", *more),
    ]
    environment = users_environment()
    busy, began = busy_seconds(), time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    said: list[bytes] = []
    reader = threading.Thread(target=lambda: said.append(process.stdout.read()))  # type: ignore[union-attr]
    reader.start()
    _, status, used = os.wait4(process.pid, 0)
    reader.join()
    wall = time.perf_counter() - began
    if status:
        raise SystemExit(b"".join(said).decode()[-2000:])
    cpu = used.ru_utime + used.ru_stime
    return Run(cpu, wall, used.ru_maxrss / 1024, (busy_seconds() - busy - cpu) / wall)


def marginal(folder: Path) -> None:
    """An event more against an ordinary least squares fit of statsmodels, by turns in one run."""
    panel, placed = simulated(10_000)
    by_statsmodels(panel, placed)
    costs, fits, battery, peaks = [], [], [], []
    rng = np.random.default_rng(0)
    for _ in range(ROUNDS):
        spent = {}
        # fits between all runs of a round, or a short quiet or busy moment would decide the whole round
        taken = _fitted(panel, placed)
        for job in rng.permutation(["few", "many", "few ranked", "many ranked"]):
            size = FEW if job.startswith("few") else MANY
            spent[job] = run(folder, size, tests=BATTERY if "ranked" in job else TESTS)
            taken += _fitted(panel, placed)
        fits.append(taken / 5)
        costs.append((spent["many"].cpu - spent["few"].cpu) / (MANY - FEW))
        battery.append((spent["many ranked"].cpu - spent["few ranked"].cpu) / (MANY - FEW))
        peaks.append(spent["many"].peak)
    for name, each in ((TESTS, costs), (BATTERY, battery)):
        ratios = sorted(a / b for a, b in zip(fits, each, strict=True))
        print(
            f"whole process, {name}: {1e6 * statistics.median(each):.1f} us for one event more of a million with five "
            f"windows and their rows in Parquet; statsmodels {1e6 * statistics.median(fits):.0f} us; "
            f"{statistics.median(ratios):.1f}x, rounds {ratios[0]:.1f} to {ratios[-1]:.1f} (bar 20x, aim 60x)"
        )
    print(f"peak memory of a million events: {max(peaks):.0f} MB")


def _fitted(panel: ReturnPanel, placed: Placed, times: int = 4) -> float:
    """Processor seconds of one ordinary least squares fit of statsmodels."""
    began = time.process_time()
    for _ in range(times):
        by_statsmodels(panel, placed)
    return (time.process_time() - began) / (times * BY_HAND)


def growth(folder: Path, most: int) -> None:
    """Seconds and memory from a thousand events to the most."""
    for events in (1000, 10_000, 100_000, 1_000_000, most):
        large.write_events(folder / f"events{events}.parquet", events)
        found = [run(folder, events, "--formats", "csv" if events <= 20_000 else "parquet") for _ in range(2)]
        best = min(found, key=lambda one: one.cpu)
        print(
            f"{events:>9,} events: {best.cpu:7.1f} s of processor, {best.wall:7.1f} s by the clock, "
            f"{max(one.peak for one in found):5.0f} MB at the peak"
            + (" (bar 600 MB)" if events == most >= 5_000_000 else "")
        )


def break_even(folder: Path) -> None:
    """From how many events on the compiled engine saves more than loading it costs."""
    saved: dict[int, list[float]] = {25_000: [], 50_000: [], 100_000: []}
    for events in saved:
        large.write_events(folder / f"events{events}.parquet", events)
    for _ in range(3):
        for events, each in saved.items():
            plain, fast = (run(folder, events, "--engine", engine).cpu for engine in ("numpy", "numba"))
            each.append(plain - fast)
    sizes, gains = np.array(list(saved)), np.array([statistics.median(each) for each in saved.values()])
    slope, start = np.polyfit(sizes, gains, 1)
    words = ", ".join(f"{n:,} events {gain:+.1f} s" for n, gain in zip(sizes, gains, strict=True))
    print(f"processor time that the compiled engine saves: {words}; nothing at about {-start / slope:,.0f} events")


def shared(folder: Path, quiet: float = 0.15) -> None:
    """One process against two threads and two Dask workers, by the clock, quiet rounds only."""
    walls: dict[str, list[float]] = {"": [], "--threads 2": [], "--workers 2": []}
    for _ in range(ROUNDS):
        for option, times in walls.items():
            one = run(folder, MANY, *option.split(), tests=BATTERY)
            if one.foreign <= quiet and len(times) < ROUNDS:
                times.append(one.wall)
    for option, times in list(walls.items())[1:]:
        if min(len(times), len(walls[""])) < 3:
            print(f"one process against {option}: not measured ({len(walls[''])} and {len(times)} quiet rounds)")
        else:
            print(
                f"{option}: {statistics.median(walls['']) / statistics.median(times):.2f}x one process by the clock, "
                f"whole studies of a million events ({len(walls[''])} and {len(times)} quiet rounds)"
            )


def main() -> None:
    """Print everything."""
    options = argparse.ArgumentParser()
    options.add_argument("--most", type=int, default=5_000_000)
    options.add_argument("parts", nargs="*", default=["marginal", "break-even", "growth", "shared"])
    asked = options.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        large.write_prices(folder / "prices.parquet")
        for events in (FEW, MANY):
            large.write_events(folder / f"events{events}.parquet", events)
        run(folder, FEW, tests=BATTERY)
        if "marginal" in asked.parts:
            marginal(folder)
        if "break-even" in asked.parts:
            break_even(folder)
        if "growth" in asked.parts:
            growth(folder, asked.most)
        if "shared" in asked.parts:
            shared(folder)


if __name__ == "__main__":
    main()
