"""Columns of text as integers: each distinct value is kept, checked and parsed once, however many rows repeat it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from eventstudy.data.row_keys import blocks_of, residues, runs
from eventstudy.engine.panel import Bools, Ints
from eventstudy.errors import Problem

# Of one kind; a million are not readable, and more would fill the memory.
MOST_PROBLEMS = 1_000_000
Check = Callable[[str], None]


class Texts(Protocol):
    """Many texts that may be stored apart from Python's own strings."""

    def __len__(self) -> int:
        """Number of values."""

    def take(self, rows: Ints) -> list[str]:
        """The texts of some rows."""

    def texts(self, rows: Ints) -> Sequence[str]:
        """The same as a sequence, which may be cheaper where each is looked at once."""


@dataclass(frozen=True, slots=True)
class PlainTexts:
    """Texts as Python strings."""

    cells: list[str]

    def __len__(self) -> int:
        return len(self.cells)

    def take(self, rows: Ints) -> list[str]:
        """The texts of some rows."""
        return [self.cells[row] for row in rows.tolist()]

    def texts(self, rows: Ints) -> Sequence[str]:
        """The same."""
        return self.take(rows)


@dataclass(frozen=True, slots=True)
class Coded:
    """A column of text.

    Attributes
    ----------
    codes : int8, int16 or int32 (n,)
        Position of each row's text in ``values``; of the smallest type that holds them all.
    values : tuple of str
        Every distinct text, in order of first appearance.
    """

    codes: np.ndarray
    values: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.codes)

    def take(self, rows: Ints) -> list[str]:
        """The texts of some rows."""
        return [self.values[code] for code in self.codes[rows].tolist()]

    def cells(self) -> list[str]:
        """The text of every row."""
        return [self.values[code] for code in self.codes.tolist()]

    def replaced(self, change: Callable[[str], str]) -> Coded:
        """The column with every distinct value changed; values that become equal share a code."""
        known: dict[str, int] = {}
        moved = np.array([known.setdefault(change(value), len(known)) for value in self.values], dtype=np.int32)
        if len(known) == 1:
            return constant(next(iter(known)), len(self.codes))
        return Coded(smallest(moved, len(known))[self.codes] if len(moved) else self.codes, tuple(known))

    def where(self, test: Callable[[str], bool]) -> Bools:
        """Rows whose text passes a test; bool (n,)."""
        passed = np.array([test(value) for value in self.values], dtype=bool)
        return passed[self.codes] if len(passed) else np.zeros(len(self.codes), dtype=bool)


def constant(text: str, n: int) -> Coded:
    """A column that says the same everywhere; it takes no memory a row."""
    return Coded(_zeros(n), (text,))


def smallest(codes: np.ndarray, n_values: int) -> np.ndarray:
    """Codes from 0 to n_values - 1 in the smallest type that holds them; all zeros take no memory a row."""
    if n_values == 1:
        return _zeros(len(codes))
    kind = np.int8 if n_values <= 1 << 7 else np.int16 if n_values <= 1 << 15 else np.int32
    return codes.astype(kind, copy=False)


def _zeros(n: int) -> np.ndarray:
    """One zero, seen n times."""
    return np.broadcast_to(np.zeros(1, dtype=np.int8), (n,))


@dataclass(slots=True)
class Coder:
    """Builds a ``Coded`` block by block."""

    known: dict[str, int]
    blocks: list[np.ndarray]

    @classmethod
    def empty(cls) -> Coder:
        """Nothing coded yet."""
        return cls({}, [])

    def add(self, cells: Sequence[str]) -> None:
        """Append the cells of a block."""
        known = self.known
        codes = (known.setdefault(cell, len(known)) for cell in cells)
        self.append(np.fromiter(codes, dtype=np.int32, count=len(cells)))

    def append(self, codes: np.ndarray) -> None:
        """Append a block that is coded already."""
        self.blocks.append(smallest(codes, len(self.known)))

    def done(self) -> Coded:
        """The column."""
        if len(self.known) == 1:
            return constant(next(iter(self.known)), sum(map(len, self.blocks)))
        codes = np.concatenate(self.blocks) if self.blocks else np.zeros(0, dtype=np.int8)
        return Coded(codes, tuple(self.known))


def coded(cells: Sequence[str]) -> Coded:
    """A column of cells, coded."""
    coder = Coder.empty()
    coder.add(cells)
    return coder.done()


def combined(first: np.ndarray, second: np.ndarray, n_second: int) -> tuple[np.ndarray, np.ndarray]:
    """Distinct pairs of two coded columns as one number each, and every row's position among them."""
    if n_second == 1:
        return np.arange(int(first.max(initial=-1)) + 1), first
    known, where = np.unique(first.astype(np.int64) * n_second + second, return_inverse=True)
    return known, smallest(where, len(known))


def column_problems(name: str, column: Coded, lines: Ints, check: Check) -> list[Problem]:
    """Problems of a column; each distinct value is checked once."""
    verdicts: dict[int, str] = {}
    for code, value in enumerate(column.values):
        try:
            check(value)
        except ValueError as error:
            verdicts[code] = str(error)
    if not verdicts:
        return []
    rows = np.flatnonzero(np.isin(column.codes, list(verdicts)))[:MOST_PROBLEMS]
    codes = column.codes[rows].tolist()
    return [
        Problem(int(lines[row]), name, column.values[code], verdicts[code])
        for row, code in zip(rows.tolist(), codes, strict=True)
    ]


def repeats(
    names: Texts, other: Coded, lines: Ints, say_pair: Callable[[str, int], str], say_case: Callable[[str, int], str]
) -> list[Problem]:
    """Pairs (name, other) that occur twice, and names that differ only in case, in row order.

    Hashes find the candidates, their texts decide.

    Parameters
    ----------
    lines : int64 (n,)
    say_pair : callable
        Sentence from the other text and the line of the first.
    say_case : callable
        Sentence from the first spelling and its line.
    """
    exact, folded = (np.empty(len(names), dtype=np.int64) for _ in range(2))
    for rows in blocks_of(len(names)):
        texts = names.take(rows)
        exact[rows] = np.fromiter(map(hash, texts), dtype=np.int64, count=len(texts))
        folded[rows] = np.fromiter(map(hash, map(str.lower, texts)), dtype=np.int64, count=len(texts))
    found: list[Problem] = []
    for rows in residues(exact):
        for same in _equal_groups(exact[rows] * 31 + other.codes[rows].astype(np.int64) * 1_000_003):
            first: dict[tuple[str, str], int] = {}
            own = rows[same]
            for row, name, text in zip(own.tolist(), names.take(own), other.take(own), strict=True):
                if (name, text) in first and len(found) < MOST_PROBLEMS:
                    found.append(Problem(int(lines[row]), "event_id", name, say_pair(text, first[name, text])))
                first.setdefault((name, text), int(lines[row]))
    for rows in residues(folded):
        for same in _equal_groups(folded[rows], unless=exact[rows]):
            seen: dict[str, tuple[str, int]] = {}
            own = rows[same]
            for row, name in zip(own.tolist(), names.take(own), strict=True):
                spelling, line = seen.setdefault(name.lower(), (name, int(lines[row])))
                if spelling != name and len(found) < MOST_PROBLEMS:
                    found.append(Problem(int(lines[row]), "event_id", name, say_case(spelling, line)))
    return found


def _equal_groups(key: Ints, unless: Ints | None = None) -> Iterator[Ints]:
    """Rows with equal keys, ascending, for every key that occurs twice; not where ``unless`` is equal throughout."""
    order, starts = runs(key)
    stops = np.append(starts[1:], len(key))
    chosen = stops - starts > 1
    if unless is not None and len(key):
        changes = np.concatenate([[0], np.cumsum(unless[order][1:] != unless[order][:-1])])
        chosen &= changes[stops - 1] > changes[starts]
    for start, stop in zip(starts[chosen].tolist(), stops[chosen].tolist(), strict=True):
        yield np.sort(order[start:stop])
