"""What each event weighs in a value-weighted average: a column of the events file over the level of the index (A7)."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from eventstudy.data.categorical import coded
from eventstudy.errors import InputFileError, Problem, UsageError
from eventstudy.reading import decimal
from eventstudy.roster import check_column

if TYPE_CHECKING:
    from eventstudy.data.batches import Batches
    from eventstudy.data.event_columns import EventColumns
    from eventstudy.data.event_index import EventIndex
    from eventstudy.engine.panel import Floats, Ints
    from eventstudy.spec import StudySpec


def check_columns(events: EventColumns, spec: StudySpec) -> None:
    """Raise a UsageError where the events file has no column that makes groups or weights, an InputFileError where a
    cell is not a weight, before any price is asked for."""
    check_column("by", spec.by, events)
    if spec.weight:
        check_column("weight", spec.weight, events)
        stated_weights(events, np.arange(len(events)), spec.weight)


def stated_weights(events: EventColumns, rows: Ints, column: str) -> Floats:
    """The column as numbers, float64 (n,); NaN where a cell is empty.

    Raises
    ------
    InputFileError
        For every cell that is not a number above zero.
    """
    found = coded(events.cells(column, rows))
    numbers = np.array([_number(text) for text in found.values])
    wrong = np.flatnonzero((numbers == 0)[found.codes])
    if len(wrong):
        problems = [
            Problem(int(events.lines[rows[at]]), column, found.values[found.codes[at]], "is not a number above zero")
            for at in wrong.tolist()
        ]
        raise InputFileError(events.path, problems, events.unit)
    return np.asarray(numbers[found.codes], dtype=np.float64)


def _number(text: str) -> float:
    """A weight; NaN of an empty cell, 0 of what is none."""
    if not text.strip():
        return np.nan
    try:
        value = decimal(text.strip())
    except ValueError:
        return 0.0
    return value if 0 < value < np.inf else 0.0


def value_weights(index: EventIndex, rows: Ints, batches: Batches, series: Ints) -> Floats:
    """What each admitted row weighs, float64 (N,); NaN where it has no weight; (0,) where no column is named.

    Events of several dates: over the level of the index at the last close before day 0, relative to that of the first
    date, so that late events do not weigh more because the market has risen. One index for all: the first benchmark of
    most rows. ``--convention weight=as-given`` leaves the column as it is.

    Parameters
    ----------
    rows, series : int (N,)
        Admitted rows, and the series of each.

    Raises
    ------
    UsageError
        If events have several dates and the prices hold no level of the index before one of them.

    Checked against
    ---------------
    The price file and numpy's weighted mean (tests/oracles/test_value_weights.py).
    """
    spec = batches.spec
    if not spec.weight:
        return np.empty(0)
    stated, day = stated_weights(index.events, rows, spec.weight), index.day0(rows)
    if spec.chosen("weight") == "as-given" or len(np.unique(day)) < 2:
        return stated
    keys = batches.series.keys
    named: Counter[str] = Counter()
    for number, n in zip(*np.unique(series, return_counts=True), strict=True):
        named.update(dict.fromkeys(keys[number].benchmarks[:1], int(n)))
    market = min(named, key=lambda symbol: (-named[symbol], symbol), default=spec.benchmarks[0])
    found = batches.of_benchmarks().series.get(market)
    at = np.searchsorted(found.dates.astype(np.int64), day) - 1 if found is not None else np.full(len(day), -1)
    if found is None or (at < 0).any():
        raise UsageError(
            f"weights of several dates are divided by the level of {market}, which has no price before the first",
            "prices of the index from before the first announcement",
            "--convention weight=as-given takes the column as it is",
        )
    level = found.close[at]
    return np.asarray(stated / (level / level[int(np.argmin(day))]))
