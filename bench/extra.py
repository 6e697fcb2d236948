"""A small study with the extra ``[fast]`` installed against one without it: three tickers, ten announcements.

Two fresh virtual environments with the versions of constraints.txt; whole processes by the clock, by turns. Bar 1.1x:
nobody pays for what a small study does not use.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from bench.harness import machine
from bench.startup import ROOT, interleaved, report

DAYS = (
    "2022-08-24", "2022-11-16", "2023-02-22", "2023-05-24", "2023-08-23", "2023-11-21", "2024-02-21", "2024-05-22",
    "2024-08-28", "2024-11-20",
)  # fmt: skip


def environment(folder: Path, what: str) -> str:
    """A virtual environment with the package and some of its extras; its ``eventstudy``."""
    place = folder / (what.strip("[]") or "plain")
    subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
    python = str(place / "bin" / "python")
    subprocess.run(
        [python, "-m", "pip", "install", "-q", "--constraint", str(ROOT / "constraints.txt"), f"{ROOT}{what}"],
        check=True,
    )
    # what is compiled on the first run is there on every other
    subprocess.run([str(place / "bin" / "eventstudy"), "--help"], check=True, capture_output=True)
    return str(place / "bin" / "eventstudy")


def main() -> None:
    """Print the ratio."""
    print(machine())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = [f"{ticker}-{day},{ticker},{day},amc" for day in DAYS for ticker in ("NVDA", "AMD", "ASML")]
        (folder / "events.csv").write_text("\n".join(["event_id,ticker,announced_at,timing", *rows]) + "\n")
        plain, fast = environment(folder, ""), environment(folder, "[fast]")
        words = ["run", "--source", "snapshot", "--benchmark", "SPY", "--formats", "csv,json"]
        report(
            "run on three tickers and ten announcements, with [fast] against without",
            *interleaved([fast, *words], [plain, *words], name),
            1.1,
        )


if __name__ == "__main__":
    main()
