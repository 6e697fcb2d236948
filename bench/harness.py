"""How pairs are measured: interleaved in one run, processor time for ratios, quiet windows for threads."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping

import numpy as np

Job = Callable[[], object]


def machine() -> str:
    """What the figures were made on."""
    return f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, NumPy {np.__version__}"


def users_environment() -> dict[str, str]:
    """The environment of a process without settings of this program, and with bytecode kept between processes, as an
    installed package has it: a checkout that keeps none is compiled again by every process."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("EVENTSTUDY_")}
    ours.pop("PYTHONDONTWRITEBYTECODE", None)
    return ours


def interleaved(jobs: Mapping[str, Job], rounds: int, seed: int = 0) -> dict[str, list[float]]:
    """Processor seconds of each job in each round; the order within a round is drawn."""
    rng = np.random.default_rng(seed)
    names = list(jobs)
    for name in names:
        jobs[name]()
    spent: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(rounds):
        for at in rng.permutation(len(names)):
            began = time.process_time()
            jobs[names[at]]()
            spent[names[at]].append(time.process_time() - began)
    return spent


def ratio(slow: list[float], fast: list[float], scale: float = 1.0) -> tuple[float, float, float]:
    """Median, lowest and highest ratio of the rounds; ``scale`` brings both to one event."""
    each = sorted(scale * a / b for a, b in zip(slow, fast, strict=True))
    return statistics.median(each), each[0], each[-1]


def busy_seconds() -> float:
    """Processor seconds that the whole machine has spent, as far as the system tells."""
    with open("/proc/stat", encoding="ascii") as handle:
        fields = [float(field) for field in handle.readline().split()[1:]]
    # idle and waiting for a disk are not work
    return (sum(fields[:8]) - fields[3] - fields[4]) / os.sysconf("SC_CLK_TCK")


def quiet_wall(job: Job, most_foreign: float = 0.12) -> float | None:
    """Wall seconds of a job; None where others used more than a share of the machine, or that is unknown."""
    if not os.path.exists("/proc/stat"):
        return None
    busy, own, wall = busy_seconds(), time.process_time(), time.perf_counter()
    job()
    wall = time.perf_counter() - wall
    foreign = (busy_seconds() - busy) - (time.process_time() - own)
    return wall if foreign <= most_foreign * wall else None
