"""Start-up and the small case, as ratios of whole processes measured side by side.

Pairs are interleaved, so that a busy machine slows both sides alike; the ratio of medians is what counts, and the
spread is printed beside it. Bars: `--help` 3x `import typer`; `run --formats csv,json` 2x its own imports; a figure at
most 120 ms.
"""

from __future__ import annotations

import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.harness import users_environment

ROOT = Path(__file__).parent.parent
ROUNDS = 9
IMPORTS = "import numpy, pandas, exchange_calendars, scipy.special, typer"


def seconds(command: list[str], folder: str) -> float:
    """Wall time of one process."""
    start = time.perf_counter()
    subprocess.run(command, cwd=folder, env=users_environment(), check=True, capture_output=True)
    return time.perf_counter() - start


def interleaved(ours: list[str], theirs: list[str], folder: str) -> tuple[list[float], list[float]]:
    """ROUNDS of both commands, taking turns; one of each first, to warm the disk."""
    seconds(ours, folder), seconds(theirs, folder)
    pairs = [(seconds(ours, folder), seconds(theirs, folder)) for _ in range(ROUNDS)]
    return [a for a, _ in pairs], [b for _, b in pairs]


def report(name: str, ours: list[float], theirs: list[float], bar: float) -> None:
    """One line: the ratio of medians and the spread of the pairwise ratios."""
    ratio = statistics.median(ours) / statistics.median(theirs)
    pairwise = sorted(a / b for a, b in zip(ours, theirs, strict=True))
    print(
        f"{name}: {ratio:.2f}x (bar {bar:g}x); pairs {pairwise[0]:.2f} to {pairwise[-1]:.2f}; "
        f"medians {statistics.median(ours):.2f} s and {statistics.median(theirs):.2f} s"
    )


def figure_cost() -> tuple[float, int]:
    """Seconds a figure adds to a report, within one process after the first one."""
    from eventstudy.report.pages import page_files
    from eventstudy.spec import StudySpec
    from eventstudy.study import run

    result = run(ROOT / "events.csv", spec=StudySpec(source="snapshot", benchmarks=("SPY", "SOXX")))
    _ = result.tables
    first = time.perf_counter()
    made = [name for name in page_files(result, ("html",), None) if name.endswith(".svg")]
    return (time.perf_counter() - first) / len(made), len(made)


def main() -> None:
    """Print every ratio."""
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, {ROUNDS} rounds")
    python, command = sys.executable, str(Path(sys.executable).parent / "eventstudy")
    with tempfile.TemporaryDirectory() as folder:
        for name in ("events.csv", "confounders.csv", "eventstudy.toml"):
            shutil.copy(ROOT / name, folder)
        report(
            "eventstudy --help against import typer",
            *interleaved([command, "--help"], [python, "-c", "import typer"], folder),
            3,
        )
        report(
            f"eventstudy run --formats csv,json against '{IMPORTS}'",
            *interleaved([command, "run", "--formats", "csv,json"], [python, "-c", IMPORTS], folder),
            2,
        )
    cost, n = figure_cost()
    print(f"a figure: {1000 * cost:.0f} ms on average over {n}, matplotlib's import included (bar 120 ms)")


if __name__ == "__main__":
    main()
