"""Keys of rows, whole numbers: which come first, which come again, how many differ; little is held at a time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from eventstudy.engine.panel import Bools, Floats, Ints

ROWS_AT_ONCE = 65_536
# keys that are sorted at once, about, and the most parts
KEYS_AT_ONCE, RESIDUES = 1 << 21, 16


def blocks_of(n: int) -> Iterator[Ints]:
    """Row numbers 0 to n - 1 in blocks."""
    return (np.arange(at, min(at + ROWS_AT_ONCE, n)) for at in range(0, n, ROWS_AT_ONCE))


def residues(keys: Ints) -> Iterator[Ints]:
    """Rows, ascending, cut by their key's remainder: equal keys stay together, and little is held at a time."""
    parts = min(-(-len(keys) // KEYS_AT_ONCE), RESIDUES)
    if parts <= 1:
        yield np.arange(len(keys))
        return
    remainder = np.empty(len(keys), dtype=np.uint8)
    for rows in blocks_of(len(keys)):
        remainder[rows] = keys[rows] % parts
    for part in range(parts):
        yield np.flatnonzero(remainder == part)


def first_of(keys: Ints) -> Bools:
    """Whether a row is the first with its key; bool (n,)."""
    first = np.zeros(len(keys), dtype=bool)
    for rows in residues(keys):
        order, starts = runs(keys[rows])
        if len(starts):
            first[rows[np.minimum.reduceat(order, starts)]] = True
    return first


def repeated(keys: Ints) -> Bools:
    """Whether another row has the same key; bool (n,)."""
    several = np.zeros(len(keys), dtype=bool)
    for rows in residues(keys):
        order, starts = runs(keys[rows])
        count = np.diff(starts, append=len(order))
        several[rows[order]] = np.repeat(count > 1, count)
    return several


def n_distinct(keys: Ints) -> int:
    """Number of different keys; they are sorted, which is a hundred times faster than a table of millions of them."""
    ordered = np.sort(keys)
    return int((ordered[1:] != ordered[:-1]).sum()) + 1 if len(keys) else 0


def lowest(values: Floats, n: int) -> Ints:
    """Positions of the n smallest values in ascending order, of equal ones the first; NaN is the largest. (<= n,)."""
    if n < len(values) and (highest := np.partition(values, n - 1)[n - 1]) == highest:
        at = np.flatnonzero(values <= highest)
    else:
        at = np.arange(len(values))
    return at[np.argsort(values[at], kind="stable")[:n]]


def runs(keys: Ints) -> tuple[Ints, Ints]:
    """Positions in the order of their keys, those of one key in any order, and where each key starts among them."""
    order = np.argsort(keys)
    ordered = keys[order]
    return order, np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]])[: len(keys)])
