"""What can be shared out: processor time of a study by one process, threads and workers, and where it goes.

``python -m bench.shares [SIZES ...]``. A shared machine hides what a second core gains, so that the clock is left out:
the least time on two free cores follows from processor time. What one process does before and after the blocks runs
alone; within the blocks the time of all is divided by two, and is at least that of the thread that writes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from bench import large
from bench.harness import machine, users_environment

SIZES = (10_000, 30_000, 100_000, 1_000_000)
WAYS = {"one process": (), "two threads": ("--threads", "2"), "two workers": ("--workers", "2")}
LIGHT = ("--tests", "csect-t", "--formats", "parquet")


def child(command: list[str]) -> None:
    """Run the command line and print where its processor time went."""
    import resource

    from eventstudy import study
    from eventstudy.cli.app import main as command_line

    usual, marks = study.first_pass, []

    def timed(*given: object, **named: object) -> object:
        marks.append((time.process_time(), time.thread_time()))
        try:
            return usual(*given, **named)  # type: ignore[arg-type]
        finally:
            marks.append((time.process_time(), time.thread_time()))

    study.first_pass = timed  # type: ignore[assignment]
    sys.argv = ["eventstudy", *command]
    try:
        command_line()
    except SystemExit as error:
        if error.code:
            raise
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    (began, main_began), (ended, main_ended) = marks[0], marks[-1]
    print(
        json.dumps(
            {
                "before": began,
                "within": ended - began,
                "main": main_ended - main_began,
                "after": time.process_time() - ended,
                "others": used.ru_utime + used.ru_stime,
            }
        )
    )


def measured(folder: Path, n: int, more: tuple[str, ...]) -> dict[str, float]:
    """Where the processor seconds of one study went, and the least time on two free cores."""
    given = ["run", f"events{n}.parquet", "--source", "parquet:prices.parquet", "--benchmark", large.MARKET]
    command = [*given, "--exclude", "none", *LIGHT, *more, "-q", "-o", "out", "--force"]
    environment = users_environment()
    environment["PYTHONPATH"] = os.getcwd()
    made = [sys.executable, "-m", "bench.shares", "--child", *command]
    done = subprocess.run(made, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    shared = max(found["main"], (found["within"] + found["others"]) / (2 if more else 1))
    return {**found, "least": found["before"] + shared + found["after"]}


def main() -> None:
    """Print every size."""
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2:])
        return
    sizes = [int(text) for text in sys.argv[1:]] or list(SIZES)
    print(machine(), flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder, rng = Path(name), np.random.default_rng(0)
        large.write_prices(folder / "prices.parquet")
        for n in sizes:
            large.write_events(folder / f"events{n}.parquet", n)
            found = {way: measured(folder, n, WAYS[way]) for way in rng.permutation(list(WAYS))}
            alone = found["one process"]["least"]
            for way in WAYS:
                parts = ", ".join(f"{part} {seconds:.2f}" for part, seconds in found[way].items())
                print(f"{n:>9,} events, {way}: {parts}; {alone / found[way]['least']:.2f}x", flush=True)


if __name__ == "__main__":
    main()
