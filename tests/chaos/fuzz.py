"""The campaign: every reader under seeded and coverage-guided fire, and a table of what became of it.

``python -m tests.chaos.fuzz --seed 1 --minutes 6`` shares the time between the readers. ``--inputs N`` gives each parser of the
project's own N inputs instead, and ends when they are read. The guided part needs atheris (``pip install --group fuzz``; Linux);
without it the table says so. Inputs that broke a reader are kept in ``--keep DIR``. Exit 1 if there was one.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.fuzz.targets import ACCEPTED, REFUSED, TARGETS, Target

ROOT = Path(__file__).parent.parent.parent
CORPUS = ROOT / "tests" / "fuzz" / "corpus"
LONGEST_SECONDS = 10.0
UNCAUGHT = "uncaught"


class Hang(BaseException):
    """A reader did not come back."""


@dataclass
class Tally:
    """What became of a reader's inputs."""

    counts: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    broken: dict[str, bytes] = field(default_factory=dict)

    @property
    def inputs(self) -> int:
        return self.counts.total()


@contextmanager
def bounded(seconds: float) -> Iterator[None]:
    """Raise ``Hang`` when the time is over, where the system has timers."""
    if not hasattr(signal, "setitimer"):
        yield
        return

    def stop(*_: object) -> None:
        raise Hang

    previous = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


def one(target: Target, data: bytes, tally: Tally) -> None:
    """Read one input and count what happened."""
    begun = time.perf_counter()
    try:
        with bounded(LONGEST_SECONDS):
            verdict = target.read(data)
    except (Exception, Hang) as error:
        verdict = UNCAUGHT
        last = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{type(error).__name__} {Path(last.filename).name}:{last.lineno} {str(error)[:100]}"
        tally.broken.setdefault(place, data)
    tally.counts[verdict] += 1
    tally.slowest = max(tally.slowest, time.perf_counter() - begun)


def seeded(target: Target, seed: int, seconds: float, inputs: int | None) -> Tally:
    """Inputs of the generator until the time is over or there were enough of them."""
    tally = Tally()
    rng = random.Random(f"{seed} {target.name}")
    for path in sorted((CORPUS / target.name).glob("*")):
        one(target, path.read_bytes(), tally)
    end = time.monotonic() + seconds
    while (inputs is None or tally.inputs < inputs) and (inputs is not None or time.monotonic() < end):
        one(target, target.make(rng), tally)
    return tally


def guided(target: Target, seed: int, seconds: float) -> Tally:
    """The same reader in a process of its own, led by the branches that inputs reach."""
    with tempfile.TemporaryDirectory() as folder:
        counts, broken = Path(folder) / "counts.json", Path(folder) / "broken"
        grown = Path(folder) / "grown"
        grown.mkdir()
        broken.mkdir()
        command = [
            sys.executable,
            "-m",
            "tests.fuzz.guided",
            target.name,
            str(counts),
            str(grown),
            str(CORPUS / target.name),
        ]
        limits = [
            f"-seed={seed}",
            f"-max_total_time={max(1, int(seconds))}",
            f"-artifact_prefix={broken}/",
            "-timeout=10",
        ]
        done = subprocess.run([*command, *limits, "-print_final_stats=1"], cwd=ROOT, capture_output=True, text=True)
        tally = Tally(Counter(json.loads(counts.read_text())) if counts.exists() else Counter())
        for path in broken.glob("*"):
            reason = next(
                (line for line in done.stderr.splitlines() if "Error" in line or "timeout" in line), path.name
            )
            tally.broken[f"guided: {reason.strip()[:140]}"] = path.read_bytes()
            tally.counts[UNCAUGHT] += 1
        if done.returncode and not tally.broken:
            tally.broken[f"guided: exit {done.returncode}: {done.stderr[-300:]}"] = b""
            tally.counts[UNCAUGHT] += 1
        return tally


def line(name: str, tally: Tally) -> str:
    """A row of the table."""
    counts = [tally.inputs, tally.counts[ACCEPTED], tally.counts[REFUSED], tally.counts[UNCAUGHT]]
    slowest = f"{tally.slowest:.2f}" if tally.slowest else "-"
    return f"| {name} | {' | '.join(f'{count:,}' for count in counts)} | {slowest} |"


def main() -> int:
    """Run the campaign and print its table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=6.0)
    parser.add_argument("--inputs", type=int, help="inputs of each parser of ours, whatever the time")
    parser.add_argument("--only", nargs="*", choices=sorted(TARGETS), default=sorted(TARGETS))
    parser.add_argument("--no-guided", action="store_true")
    parser.add_argument("--keep", type=Path, help="folder for inputs that broke a reader")
    asked = parser.parse_args()
    atheris = importlib.util.find_spec("atheris") is not None and not asked.no_guided
    share = 60 * asked.minutes / (len(asked.only) * (2 if atheris else 1))
    print("| target | inputs | accepted | refused | uncaught | slowest (s) |")
    print("|---|---:|---:|---:|---:|---:|")
    broken: list[tuple[str, str, bytes]] = []
    for name in (name for name in TARGETS if name in asked.only):
        target = TARGETS[name]
        tallies = {name: seeded(target, asked.seed, share, asked.inputs if target.ours else None)}
        if atheris:
            tallies[f"{name}, guided"] = guided(target, asked.seed, share)
        for label, tally in tallies.items():
            print(line(label, tally), flush=True)
            broken += [(name, place, data) for place, data in tally.broken.items()]
    if not atheris:
        why = "--no-guided" if asked.no_guided else "atheris is not installed here (pip install --group fuzz, on Linux)"
        print(f"\nNot coverage-guided: {why}.")
    for name, place, data in broken:
        print(f"\n{name}: {place}\n  {data[:300]!r}")
        if asked.keep:
            asked.keep.mkdir(parents=True, exist_ok=True)
            (asked.keep / f"{name}-{hashlib.sha256(data).hexdigest()[:12]}").write_bytes(data)
    return 1 if broken else 0


if __name__ == "__main__":
    # colours and settings of whoever runs this must not be part of an input
    for variable in [variable for variable in os.environ if variable.startswith("EVENTSTUDY_")]:
        del os.environ[variable]
    sys.exit(main())
