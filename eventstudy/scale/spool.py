"""CARs of every event on the disk, for the tests that need them all at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eventstudy.engine.panel import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Spool:
    """CARs and BHARs of every studied event on the disk, for tests that need them all at once.

    Attributes
    ----------
    path : Path
        Blocks of float64 (3, W, n): CAR, BHAR, whether the event is in the sample.
    sizes : sequence of int
        Events of each block.
    row : int32 (n,)
        Row of the events file.
    group, counts_in_all, counts_in_own, day : arrays (n,)
        Of the studied events.
    n_windows : int
    """

    path: Path
    sizes: Sequence[int]
    row: np.ndarray
    group: np.ndarray
    counts_in_all: np.ndarray
    counts_in_own: np.ndarray
    day: np.ndarray
    n_windows: int

    def values(self, key: tuple[int, int]) -> dict[str, Floats]:
        """``car``, ``bhar`` and ``date`` of the sample of (group, window), in the order of the file."""
        group, w = key
        cars, bhars, members, at = [], [], [], 0
        with self.path.open("rb") as handle:
            for size in self.sizes:
                block = np.fromfile(handle, count=3 * self.n_windows * size).reshape(3, self.n_windows, size)
                cut = slice(at, at + size)
                member = self.counts_in_all[cut] if group == 0 else self.counts_in_own[cut] & (self.group[cut] == group)
                inside = member & (block[2, w] > 0)
                cars.append(block[0, w][inside])
                bhars.append(block[1, w][inside])
                members.append(at + np.flatnonzero(inside))
                at += size
        found = np.concatenate(members)
        order = np.argsort(self.row[found], kind="stable")
        return {
            "car": np.concatenate(cars)[order],
            "bhar": np.concatenate(bhars)[order],
            "date": self.day[found[order]].astype(np.float64),
        }
