"""The returns of a study on exchange calendars: arrays in memory when it is small, mapped files when it is large.

Files of a folder: ``returns.npy`` float64 (S, T), ``factors.npy`` float64 (S, K, T), ``span.npy`` int16 (S, T),
``offset.npy`` float64 (S, T) where a model subtracts something, ``bits.npy`` uint32 (S, T), ``series.npz`` with one
entry a series.
"""

from __future__ import annotations

import mmap
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from eventstudy.data.returns import AlignedSeries
from eventstudy.engine.panel import Floats, Ints, ReturnPanel

Bits = np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesFacts:
    """One entry a series.

    Attributes
    ----------
    calendar : int64 (S,)
        Number of the series' exchange.
    last, benchmark_last : int64 (S,)
        Positions of the last close of the ticker and of its benchmarks.
    start : int64 (C,)
        Place of each exchange's first session when all calendars are end to end.
    days : int64 (P,)
        Days since 1970 of all sessions of all calendars, end to end.
    """

    calendar: Ints
    last: Ints
    benchmark_last: Ints
    start: Ints
    days: Ints

    def place(self, series: Ints, session: Ints) -> Ints:
        """Position in ``days`` of a session of a series."""
        return np.asarray(self.start[self.calendar[series]] + session)

    def day(self, series: Ints, session: Ints) -> Ints:
        """Days since 1970 of a session of a series."""
        return np.asarray(self.days[self.place(series, session)])

    def day_numbers(self, width: int) -> Ints:
        """Calendar day of every session of every series, -1 behind a calendar's end; int64 (S, width)."""
        ends = np.append(self.start[1:], len(self.days))
        rows = np.full((len(self.start), width), -1, dtype=np.int64)
        for number, (start, end) in enumerate(zip(self.start, ends, strict=True)):
            rows[number, : end - start] = self.days[start:end]
        if len(rows) == 1:
            return np.broadcast_to(rows, (len(self.calendar), width))
        return np.asarray(rows[self.calendar])


@dataclass(frozen=True, kw_only=True)
class Panel:
    """Returns of S series on T sessions, and what is known of each session.

    Attributes
    ----------
    returns, factors, span, offset
        As in ``ReturnPanel``; rows of series without prices are empty.
    bits : uint32 (S, T)
        Bits of ``quality`` and of ``event_index``.
    folder : Path or None
        Of the files, where the arrays are mapped.
    """

    returns: Floats
    factors: Floats
    span: np.ndarray
    offset: Floats | None
    bits: Bits
    facts: SeriesFacts
    folder: Path | None = None

    @classmethod
    def open(cls, folder: Path) -> Panel:
        """Map the files of a folder; nothing is read yet but one entry per series."""
        with np.load(folder / "series.npz") as stored:
            facts = SeriesFacts(**{name: stored[name] for name in SeriesFacts.__slots__})
        mapped = {
            name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("returns", "factors", "span", "bits")
        }
        offset = folder / "offset.npy"
        found = np.load(offset, mmap_mode="r") if offset.exists() else None
        return cls(**mapped, offset=found, facts=facts, folder=folder)

    def let_go(self) -> None:
        """Hand the pages of mapped files back to the system, which has them when they are read again."""
        for values in (self.returns, self.factors, self.span, self.bits, self.offset):
            if isinstance(values, np.memmap) and hasattr(mmap, "MADV_DONTNEED"):
                values.base.madvise(mmap.MADV_DONTNEED)  # type: ignore[union-attr]

    @cached_property
    def of_returns(self) -> ReturnPanel:
        """The arrays that the engine reads."""
        return ReturnPanel(
            returns=self.returns,
            factors=self.factors,
            span=self.span,
            day_number=self.facts.day_numbers(self.returns.shape[1]),
            offset=self.offset,
        )


@dataclass(slots=True)
class PanelWriter:
    """Takes series one after the other: into memory, or into files so that the panel is never held whole.

    Attributes
    ----------
    folder : Path or None
        None keeps the arrays in memory.
    n_series, width : int
        S and T.
    n_factors : int
        K, as the first series has it; 0 before.
    arrays : dict
        Name -> array or open file.
    files : ExitStack
        Closes the files where an error ends the work before ``close``.
    """

    folder: Path | None
    n_series: int
    width: int
    files: ExitStack
    with_offset: bool = False
    n_factors: int = 0
    arrays: dict[str, Any] = field(default_factory=dict)
    added: int = 0

    def _open(self, n_factors: int) -> None:
        """Empty arrays, or files with their headings, once the number of factors is known."""
        s, t, self.n_factors = self.n_series, self.width, n_factors
        plan: dict[str, tuple[tuple[int, ...], str]] = {
            "returns": ((s, t), "<f8"),
            "factors": ((s, n_factors, t), "<f8"),
            "span": ((s, t), "<i2"),
        }
        if self.with_offset:
            plan["offset"] = ((s, t), "<f8")
        if self.folder is not None:
            self.folder.mkdir(parents=True, exist_ok=True)
        for name, (size, kind) in plan.items():
            if self.folder is None:
                self.arrays[name] = np.empty(size, dtype=kind)
                continue
            handle = self.files.enter_context((self.folder / f"{name}.npy").open("wb"))
            np.lib.format.write_array_header_1_0(handle, {"descr": kind, "fortran_order": False, "shape": size})
            self.arrays[name] = handle
        skipped, self.added = self.added, 0
        for _ in range(skipped):
            self._write_nothing()

    def add(self, series: AlignedSeries) -> None:
        """Append a series."""
        if not self.arrays:
            self._open(len(series.factors))
        self._write(
            returns=padded(series.total, self.width, np.nan),
            factors=padded(series.factors, self.width, np.nan),
            span=padded(series.span.astype(np.int16), self.width, 0),
            offset=padded(series.offset, self.width, 0.0),
        )

    def add_nothing(self) -> None:
        """Append a series without prices."""
        if self.arrays:
            self._write_nothing()
        else:
            self.added += 1

    def _write_nothing(self) -> None:
        self._write(
            returns=np.full(self.width, np.nan),
            factors=np.full((self.n_factors, self.width), np.nan),
            span=np.zeros(self.width, dtype=np.int16),
            offset=np.zeros(self.width),
        )

    def _write(self, **rows: np.ndarray) -> None:
        for name, target in self.arrays.items():
            if self.folder is None:
                target[self.added] = rows[name]
            else:
                target.write(np.ascontiguousarray(rows[name]).data)
        self.added += 1

    def spans(self) -> np.ndarray:
        """The part of ``span`` written so far; int16 (S, T)."""
        if not self.arrays:
            self._open(1)
        if self.folder is None:
            return np.asarray(self.arrays["span"])
        self.arrays["span"].flush()
        return np.asarray(np.load(self.folder / "span.npy", mmap_mode="r"))

    def close(self, bits: Bits, facts: SeriesFacts) -> Panel:
        """The panel, once its bits are known."""
        if not self.arrays:
            self._open(1)
        if self.folder is None:
            offset = self.arrays.pop("offset", None)
            return Panel(**self.arrays, offset=offset, bits=bits, facts=facts)
        for handle in self.arrays.values():
            handle.close()
        np.save(self.folder / "bits.npy", bits)
        np.savez(self.folder / "series.npz", **{name: getattr(facts, name) for name in SeriesFacts.__slots__})
        return Panel.open(self.folder)


def padded(values: np.ndarray, width: int, fill: float) -> np.ndarray:
    """Values with a last axis of ``width``, the further cells filled."""
    room = [(0, 0)] * (values.ndim - 1) + [(0, width - values.shape[-1])]
    return np.pad(values, room, constant_values=fill) if width > values.shape[-1] else values
