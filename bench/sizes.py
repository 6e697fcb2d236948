"""Whole studies by one command with default settings: processor time and peak memory from one event to a million.

``python -m bench.sizes`` prints every part; ``python -m bench.sizes steps real`` some of them. Real earnings dates need
the tables that ``EVENTSTUDY_TEST_DATA`` names; the others are made up (``bench/large.py``). Ratios are those of
processes run by turns in one round.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bench import large
from bench.harness import machine, users_environment

MADE = ("--source", "parquet:prices.parquet", "--benchmark", large.MARKET, "--exclude", "none")
STEPS = ((50, 51), (500, 501), (19_999, 20_000), (20_000, 20_001))
GROWTH = (100, 1_000, 10_000, 100_000, 1_000_000)
MANY = 1_000_000


def process(folder: Path, command: Sequence[str]) -> tuple[float, float]:
    """Processor seconds and peak memory in MB of a process."""
    environment = users_environment()
    environment["PYTHONPATH"] = os.getcwd()
    with (folder / "said.txt").open("w") as said:
        child = subprocess.Popen(command, cwd=folder, env=environment, stdout=said, stderr=subprocess.STDOUT)
        _, status, used = os.wait4(child.pid, 0)
    if status:
        raise SystemExit((folder / "said.txt").read_text()[-2000:])
    return used.ru_utime + used.ru_stime, used.ru_maxrss * 1024 / 1e6


def rounds(jobs: dict[str, list[str]], folder: Path, n: int) -> dict[str, list[tuple[float, float]]]:
    """What each command takes in each round; the order within a round is drawn."""
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in jobs}
    rng, names = np.random.default_rng(0), list(jobs)
    for _ in range(n):
        for at in rng.permutation(len(names)):
            found[names[at]].append(process(folder, jobs[names[at]]))
    return found


def compared(title: str, above: list[tuple[float, float]], below: list[tuple[float, float]], bar: str) -> None:
    """One line on the ratio of two commands."""
    each = sorted(a / b for (a, _), (b, _) in zip(above, below, strict=True))
    seconds = [statistics.median(cpu for cpu, _ in times) for times in (above, below)]
    peak = [max(peak for _, peak in times) for times in (above, below)]
    print(
        f"{title}: {statistics.median(each):.2f}x, {len(each)} rounds {each[0]:.2f} to {each[-1]:.2f} (bar {bar}); "
        f"{seconds[0]:.1f} s against {seconds[1]:.1f} s, {peak[0]:.0f} MB against {peak[1]:.0f} MB",
        flush=True,
    )


def study(events: str, *more: str) -> list[str]:
    """The command of a study."""
    return [sys.executable, "-m", "eventstudy", "run", events, *more, "-o", "out", "--force"]


def steps(folder: Path, n: int) -> None:
    """One event more where the program used to change."""
    for few, more in STEPS:
        jobs = {str(size): study(made(folder, size), *MADE) for size in (few, more)}
        found = rounds(jobs, folder, n)
        compared(f"{more:,} events / {few:,}", found[str(more)], found[str(few)], "1.2x")


def growth(folder: Path, n: int) -> None:
    """Cost of an event from a hundred to a million, tables alone."""
    jobs = {str(size): study(made(folder, size), *MADE, "--formats", "csv") for size in GROWTH}
    found = rounds(jobs, folder, n)
    for size in GROWTH:
        cpu = statistics.median(cpu for cpu, _ in found[str(size)])
        peak = max(peak for _, peak in found[str(size)])
        print(f"{size:>9,} events: {cpu:.1f} s, {1e6 * cpu / size:,.0f} us an event, {peak:.0f} MB", flush=True)


def formats(folder: Path, n: int) -> None:
    """A million events as CSV and as Parquet."""
    jobs = {kind: study(made(folder, MANY), *MADE, "--formats", kind) for kind in ("csv", "parquet")}
    found = rounds(jobs, folder, n)
    compared("a million events as CSV / as Parquet", found["csv"], found["parquet"], "1.6x")


def real(folder: Path, n: int) -> None:
    """The real earnings dates with default tables, against reading their prices and estimating alone."""
    tables = Path(os.environ.get("EVENTSTUDY_TEST_DATA", ""))
    if not (tables / "panel_events.csv").is_file():
        print("real earnings dates: not measured; EVENTSTUDY_TEST_DATA names no folder with panel_events.csv")
        return
    import pandas as pd

    table = pd.read_csv(tables / "panel_events.csv")
    table = table[(table["in_source_a"] == 1) & (table["in_source_b"] == 1)]
    pd.DataFrame({"ticker": table["ticker"], "announced_at": table["event_date"]}).to_csv(
        folder / "real.csv", index=False
    )
    source = f"parquet:{tables.resolve()}/panel.parquet"
    jobs = {
        "study": study("real.csv", "--source", source),
        "alone": [sys.executable, "-m", "bench.sizes", "--estimate", "real.csv", source],
    }
    found = rounds(jobs, folder, n)
    title = f"{len(table):,} real earnings dates, default tables / reading prices and estimating alone"
    compared(title, found["study"], found["alone"], "5x and 600 MB")


def estimate(events: str, source: str) -> None:
    """Read the prices of a study and estimate its events, and nothing else."""
    from eventstudy.data.event_index import index_events
    from eventstudy.data.events import read_events
    from eventstudy.data.sources import open_source
    from eventstudy.engine.measure import measure
    from eventstudy.engine_options import options_of
    from eventstudy.prepare import Asked, Storage, placed_events, prepare
    from eventstudy.spec import StudySpec
    from eventstudy.study import silent

    spec = StudySpec(source=source)
    index = index_events(read_events(events), None)
    every = np.arange(len(index))
    found = prepare(
        index, Asked(reported=every >= 0, rows=every), open_source(spec, silent, silent), spec,
        Storage(keep_prices=False), silent,
    )  # fmt: skip
    options = options_of(spec, "numpy")
    for at in range(0, len(found.roster), 2048):
        placed, _ = placed_events(found.panel, found.roster.part(at, at + 2048), spec, None)
        measure(found.panel.of_returns, placed, options)


def made(folder: Path, n: int) -> str:
    """A file of n made-up events."""
    name = f"events{n}.parquet"
    if not (folder / name).exists():
        large.write_events(folder / name, n)
    return name


def main() -> None:
    """Print everything."""
    options = argparse.ArgumentParser()
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--estimate", nargs=2, metavar=("EVENTS", "SOURCE"))
    options.add_argument("parts", nargs="*", default=["steps", "real", "formats", "growth"])
    asked = options.parse_args()
    if asked.estimate:
        estimate(*asked.estimate)
        return
    print(machine(), flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        large.write_prices(folder / "prices.parquet")
        made_parts = {"steps": steps, "real": real, "formats": formats, "growth": growth}
        for part in asked.parts:
            made_parts[part](folder, asked.rounds)


if __name__ == "__main__":
    main()
