"""What it costs to write a large table as CSV: 500,000 rows of windows with twenty columns of numbers.

``python -m bench.tables`` writes the same rows in three ways by turns: cell by cell with Python's csv module; as the
package does without Arrow; and as it does through Arrow. Processor time: medians of interleaved rounds, with the lowest
and highest one. All three have equal bytes, which is checked first.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from functools import partial

import numpy as np

from bench.harness import interleaved, machine, ratio
from eventstudy.report import csv_rows
from eventstudy.report.columns import COLUMNS, TEXTS, WHOLE
from eventstudy.report.csv_rows import CsvColumn, Whole
from eventstudy.report.event_tables import Words

ROWS, BLOCK, BLOCKS, FILLED, ROUNDS = 500_000, 10_240, 5, 20, 5


def windows(n: int) -> list[CsvColumn]:
    """Columns of windows as a study of many events makes them: five windows an event, columns of other tests empty."""
    rng = np.random.default_rng(0)
    names = [f"event{number:07d}" for number in range(n // 5)]
    columns: list[CsvColumn] = []
    filled = 0
    for name in COLUMNS["windows"]:
        if name == "event_id":
            columns.append(Words(np.repeat(np.arange(n // 5), 5), names))
        elif name in TEXTS:
            columns.append(Words(rng.integers(0, 250, n), [f"{name}{code}" for code in range(250)]))
        elif name == "n_estimation":
            columns.append(Whole(rng.integers(200, 251, n)))
        elif name in WHOLE or filled == FILLED:
            columns.append(None)
        else:
            filled += 1
            made = rng.random(n) if name.startswith("p_") else 0.05 * rng.standard_normal(n)
            columns.append(np.full(n, 248.0) if name == "df" else made)
    return columns


def cell_by_cell(columns: list[CsvColumn], n: int, digits: int | None) -> bytes:
    """The rows through Python's csv module, each number formatted by itself."""
    cells: list[list[str]] = []
    for column in columns:
        if column is None:
            cells.append([""] * n)
        elif isinstance(column, Words):
            cells.append(column.cells())
        elif isinstance(column, Whole):
            cells.append([str(value) for value in column.values.tolist()])
        else:
            assert isinstance(column, np.ndarray)
            values = column.tolist()
            cells.append([repr(v if digits is None else float(f"{v:.{digits}g}")) for v in values])
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(zip(*cells, strict=True))
    return out.getvalue().encode()


def repeated(way: Callable[[int | None], bytes], digits: int | None) -> None:
    """Write a few blocks."""
    for _ in range(BLOCKS):
        way(digits)


def main() -> None:
    """Print the ratios."""
    print(machine())
    columns = windows(BLOCK)
    ways: dict[str, Callable[[int | None], bytes]] = {
        "through Arrow": lambda digits: csv_rows._rows_by_arrow(columns, BLOCK, digits),
        "without Arrow": lambda digits: csv_rows._rows_by_python(columns, BLOCK, digits),
        "csv module": lambda digits: cell_by_cell(columns, BLOCK, digits),
    }
    for digits in (10, None):
        if len({way(digits) for way in ways.values()}) != 1:
            raise SystemExit("the ways differ in their bytes")
        spent = interleaved({name: partial(repeated, way, digits) for name, way in ways.items()}, ROUNDS)
        print(f"{digits or 'all'} digits, {FILLED} columns of numbers, seconds for {ROWS:,} rows:")
        for name, rounds in spent.items():
            middle, low, high = ratio(spent["csv module"], rounds)
            cost = float(np.median(rounds)) / BLOCKS * ROWS / BLOCK
            print(f"  {name}: {cost:.2f} s, csv module / this {middle:.2f}, rounds {low:.2f} to {high:.2f}", flush=True)


if __name__ == "__main__":
    main()
