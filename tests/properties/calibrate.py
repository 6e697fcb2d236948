"""``make calibrate``: every size, power and negative control at full length, written to docs/validation.md.

The work is cut into pieces with seeds of their own, so any number of workers prints the same table. What a miss is and
what it means is decided before: seeds are never changed.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eventstudy.engine.significance.battery import GROUP_TESTS
from tests.properties import longrun_validation as long
from tests.properties import single_validation as single
from tests.properties.validation import (
    ALTERNATIVES,
    CELLS,
    CONTROLS,
    Line,
    Observed,
    bound,
    cell_named,
    judged,
    simulate,
)

PIECE = 100
KEEP = "\n## Real data"
Rates = dict[str, float]


@dataclass(frozen=True)
class Task:
    """A piece of a simulation: what, from which replication, how many."""

    kind: str
    name: str
    first: int
    count: int


def run_piece(task: Task) -> Rates:
    """Rejection rates of one piece."""
    if task.kind == "size":
        return simulate(cell_named(task.name), task.count, first=task.first).rates
    if task.kind == "power":
        found = next(item for item in ALTERNATIVES if item.name == task.name)
        return simulate(cell_named(found.cell), task.count, found.effect, task.first).rates
    if task.kind == "long":
        return long.simulate_long(long.long_named(task.name), task.count, first=task.first)
    return single.simulate_single(single.single_named(task.name), task.count, first=task.first)


def pooled(tasks: list[Task], rates: list[Rates]) -> dict[tuple[str, str], Rates]:
    """Rates of the whole of every (kind, name), over the tests that every piece has."""
    groups: dict[tuple[str, str], list[tuple[Task, Rates]]] = {}
    for task, found in zip(tasks, rates, strict=True):
        groups.setdefault((task.kind, task.name), []).append((task, found))
    whole = {}
    for key, parts in groups.items():
        names = [n for n in parts[0][1] if all(n in found for _, found in parts)]
        total = sum(task.count for task, _ in parts)
        whole[key] = {n: sum(found[n] * task.count for task, found in parts) / total for n in names}
    return whole


def everything(replications: int, workers: int) -> dict[tuple[str, str], Rates]:
    """Every cell and every alternative."""
    names = [
        *(("size", cell.name) for cell in CELLS),
        *(("power", item.name) for item in ALTERNATIVES),
        *(("single", cell.name) for cell in single.SINGLE_CELLS),
        *(("long", cell.name) for cell in (*long.LONG_CELLS, *long.DIFFERENCE_CELLS)),
    ]
    tasks = [
        Task(kind, name, at, min(PIECE, replications - at))
        for kind, name in names
        for at in range(0, replications, PIECE)
    ]
    with ProcessPoolExecutor(workers) as pool:
        return pooled(tasks, list(pool.map(run_piece, tasks)))


HEAD = """# Validation

Observed rejections at nominal 5 % when nothing happened, by simulation: {replications} replications a cell (standard error
of a 5 % rate: {error:.2f} points), M = 120, market and errors as in `tests/properties/validation.py`, seeds fixed. Written
by `make calibrate`; the suite repeats a slice with {slice} replications.

A test that is valid in a cell must lie within {bound:.2f} standard errors (three, Bonferroni over the {entries} entries) of
5 % or of the size documented for it. Entries: observed; in brackets the documented size where it is not 5; `!` marks a
miss; `-` is not applicable; entries in italics belong to tests whose assumptions the cell breaks.
"""


def grid(
    columns: list[tuple[str, Rates]],
    tests: tuple[str, ...],
    write: Callable[[str, str, Rates], str],
    first: str = "test",
) -> str:
    """A table with a line a test and a column a cell."""
    text = f"\n| {first} | " + " | ".join(name for name, _ in columns) + " |\n|---|" + "--:|" * len(columns) + "\n"
    for test in tests:
        text += f"| `{test}` | " + " | ".join(write(name, test, rates) for name, rates in columns) + " |\n"
    return text


def entry(lines: list[Line]) -> Callable[[str, str, Rates], str]:
    """How an observed size is written beside its documented ones."""
    known = {(line.cell, line.test): line for line in lines}

    def write(cell: str, test: str, rates: Rates) -> str:
        if test not in rates:
            return "-"
        value, line = f"{100 * rates[test]:.1f}", known.get((cell, test))
        if line is None:
            return f"*{value}*"
        other = [f"{d:.3g}" for d in line.documented if d != 5.0]
        return value + (f" ({', '.join(other)})" if other else "") + ("" if line.within else " !")

    return write


def group_sizes(found: dict[tuple[str, str], Rates], lines: list[Line]) -> str:
    """The tables of the multi-event tests."""
    columns = [(cell.name, found["size", cell.name]) for cell in CELLS]
    parts = (columns[:6], columns[6:9], columns[9:])
    return "\n## Groups of events\n" + "".join(grid(part, tuple(GROUP_TESTS), entry(lines)) for part in parts)


def single_sizes(found: dict[tuple[str, str], Rates], lines: list[Line]) -> str:
    """The tables of the tests of one event and of one session."""
    own = [(c.name, found["single", c.name]) for c in single.SINGLE_CELLS if c.firms == 1]
    joint = [(c.name, found["single", c.name]) for c in single.SINGLE_CELLS if c.firms > 1]
    text = "\n## One event\n\n" + ONE_EVENT + grid(own, (*single.ONE_DAY, "vol-bf"), entry(lines))
    text += "\n## Several firms on one session\n\n" + ONE_SESSION
    return text + grid(joint, (*single.JOINT, *single.FAMILY), entry(lines))


ONE_EVENT = """`sq`, `rank-exact` and the conformal tests are discrete: in brackets the largest size they can attain. `window-f` and
`vol-f` under t3 errors, and every test of the mean where the variance rises with the event, reject too often: with one
event nothing can separate the two. `boot-block` and `boot-stationary` join ends of blocks that never met.
"""
ONE_SESSION = """Of the tests over firms (`romano-wolf`, `holm`, `bonferroni`, `bh`, `by`) the rate is that of any rejection at all. `hotelling`,
`equality` and `mv-window` need normal errors.
"""


def long_sizes(found: dict[tuple[str, str], Rates], lines: list[Line]) -> str:
    """The tables of differences between groups and of calendar-time portfolios."""
    between = [(c.name, found["long", c.name]) for c in long.DIFFERENCE_CELLS]
    months = [(c.name, found["long", c.name]) for c in long.LONG_CELLS]
    text = "\n## Between two groups\n\n" + BETWEEN + grid(between, long.DIFFERENCES, entry(lines))
    return text + "\n## Months after the event\n\n" + MONTHS + grid(months, (*long.LONG_TESTS, "csect-t"), entry(lines))


BETWEEN = """Events apart: errors of the first group vary twice as much. On two dates each group has a date of its own, which
`difference-welch` does not survive; events of both groups on one date share what is common, and it cancels.
"""
MONTHS = """Holding periods overlap and several firms share a date. `csect-t` of the CARs over the holding period is beside the
calendar-time tests: it must not be used.
"""


def powers(found: dict[tuple[str, str], Rates]) -> str:
    """The table of powers."""
    columns = [(item.name, found["power", item.name]) for item in ALTERNATIVES]
    documented = {(item.name, test): value for item in ALTERNATIVES for test, value in item.seen.items()}

    def write(name: str, test: str, rates: Rates) -> str:
        other = f" ({documented[name, test]:g})" if (name, test) in documented else ""
        return f"{100 * rates[test]:.0f}{other}" if test in rates else "-"

    text = "\n## Power: a planted effect is found\n\nRejections at 5 % in percent; in brackets what another implementation of the formulas saw.\n"
    return text + grid(columns, tuple(GROUP_TESTS), write)


def controls(found: dict[tuple[str, str], Rates]) -> str:
    """What must fail."""
    text = "\n## Negative controls\n\nThese must fail, and do.\n\n| test | cell | observed | why |\n|---|---|--:|---|\n"
    for control in (*CONTROLS, *long.LONG_CONTROLS):
        rates = found["long" if control in long.LONG_CONTROLS else "size", control.cell]
        verdict = "" if control.broken(rates) else " (did NOT fail)"
        text += f"| `{control.test}` | {control.cell} | {100 * rates[control.test]:.1f} %{verdict} | {control.why} |\n"
    return text


def entries() -> int:
    """Entries that must hold, over the whole page."""
    return sum(len(cell.valid) for cell in (*CELLS, *single.SINGLE_CELLS, *long.LONG_CELLS, *long.DIFFERENCE_CELLS))


def verdicts(found: dict[tuple[str, str], Rates], replications: int) -> list[Line]:
    """Every documented entry, judged."""
    allowed = bound(entries())
    lines = [line for cell in CELLS for line in judged(Observed(cell, replications, found["size", cell.name]), allowed)]
    for cell in single.SINGLE_CELLS:
        lines += single.judged_single(cell, found["single", cell.name], replications, allowed)
    for other in (*long.LONG_CELLS, *long.DIFFERENCE_CELLS):
        lines += long.judged_long(other, found["long", other.name], replications, allowed)
    return lines


def page(found: dict[tuple[str, str], Rates], replications: int) -> str:
    """docs/validation.md up to the part about real data."""
    lines = verdicts(found, replications)
    text = HEAD.format(
        replications=replications,
        error=100 * np.sqrt(0.0475 / replications),
        bound=bound(entries()),
        entries=entries(),
        slice=300,
    )
    text += group_sizes(found, lines) + single_sizes(found, lines) + long_sizes(found, lines) + powers(found)
    misses = [line for line in lines if not line.within]
    text += "\n## Misses\n\n" + ("\n".join(f"- {line}" for line in misses) if misses else "None.") + "\n"
    return text + controls(found)


def main() -> int:
    """Simulate, write, and print the misses."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replications", type=int, default=4000)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--out", type=Path, default=Path("docs/validation.md"))
    chosen = parser.parse_args()
    began = time.monotonic()
    found = everything(chosen.replications, chosen.workers)
    before = chosen.out.read_text(encoding="utf-8").split(KEEP, 1) if chosen.out.exists() else [""]
    tail = KEEP + before[1] if len(before) > 1 else ""
    chosen.out.write_text(page(found, chosen.replications) + tail, encoding="utf-8")
    misses = [line for line in verdicts(found, chosen.replications) if not line.within]
    print(f"{chosen.replications} replications, {time.monotonic() - began:.0f} s; misses: {len(misses)}")
    for line in misses:
        print(" ", line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
