"""The returns of a large study as plain files in one folder, which every worker maps.

``returns.npy`` float64 (S, T), ``factors.npy`` float64 (S, K, T), ``span.npy`` int16 (S, T), ``bits.npy`` uint16
(S, T), ``offset.npy`` float64 (S, T) where a model takes something off, and ``series.npz`` with one entry a series.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from eventstudy.data.quality import inspect
from eventstudy.data.returns import AlignedSeries
from eventstudy.engine.panel import Floats, Ints, ReturnPanel

# what is known of a session of a series, one bit each
TRADED, STALE, BAD_TICK, GAP, MISSING, MASKING, OTHER, CONFOUNDED, UNCLEAR, BY_HEADING = (1 << bit for bit in range(10))
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
        Place of each exchange's first session when all calendars stand end to end.
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


@dataclass(slots=True)
class PanelWriter:
    """Writes the files one series after the other, so that the panel is never held whole.

    Parameters
    ----------
    folder : Path
    shape : (S, K, T)
    with_offset : bool
    """

    folder: Path
    shape: tuple[int, int, int]
    with_offset: bool
    handles: dict[str, Any]

    @classmethod
    def open(cls, folder: Path, shape: tuple[int, int, int], *, with_offset: bool) -> PanelWriter:
        """Empty files with their headings."""
        folder.mkdir(parents=True, exist_ok=True)
        s, k, t = shape
        plan: dict[str, tuple[tuple[int, ...], str]] = {
            "returns": ((s, t), "<f8"),
            "factors": ((s, k, t), "<f8"),
            "span": ((s, t), "<i2"),
        }
        if with_offset:
            plan["offset"] = ((s, t), "<f8")
        handles = {}
        for name, (size, kind) in plan.items():
            handle = (folder / f"{name}.npy").open("wb")
            header = {"descr": kind, "fortran_order": False, "shape": size}
            np.lib.format.write_array_header_1_0(handle, header)
            handles[name] = handle
        return cls(folder, shape, with_offset, handles)

    def add(self, series: AlignedSeries) -> Bits:
        """Append a series; returns its quality bits (T,)."""
        width = self.shape[2]
        self._write("returns", _padded(series.total, width, np.nan))
        self._write("factors", _padded(series.factors, width, np.nan))
        self._write("span", _padded(series.span.astype(np.int16), width, 0))
        if self.with_offset:
            self._write("offset", _padded(series.offset, width, 0.0))
        quality = inspect(series)
        bits = np.zeros(width, dtype=np.uint16)
        n = len(series.total)
        for bit, where in (
            (TRADED, series.traded),
            (STALE, quality.stale),
            (BAD_TICK, quality.bad_tick),
            (GAP, quality.benchmark_gap),
            (MISSING, quality.missing),
            (UNCLEAR, quality.split_unclear),
            (BY_HEADING, quality.basis_by_heading),
        ):
            bits[:n] |= np.where(where, np.uint16(bit), np.uint16(0))
        return bits

    def add_nothing(self) -> None:
        """Append a series without prices."""
        _, k, width = self.shape
        self._write("returns", np.full(width, np.nan))
        self._write("factors", np.full((k, width), np.nan))
        self._write("span", np.zeros(width, dtype=np.int16))
        if self.with_offset:
            self._write("offset", np.zeros(width))

    def _write(self, name: str, values: np.ndarray) -> None:
        self.handles[name].write(np.ascontiguousarray(values).tobytes())

    def close(self, bits: Bits, facts: SeriesFacts) -> None:
        """Write the bits and the facts, and close every file."""
        for handle in self.handles.values():
            handle.close()
        np.save(self.folder / "bits.npy", bits)
        np.savez(self.folder / "series.npz", **{name: getattr(facts, name) for name in SeriesFacts.__slots__})


def _padded(values: np.ndarray, width: int, fill: float) -> np.ndarray:
    room = [(0, 0)] * (values.ndim - 1) + [(0, width - values.shape[-1])]
    return np.pad(values, room, constant_values=fill) if width > values.shape[-1] else values


@dataclass(frozen=True, slots=True)
class PanelFile:
    """The files, mapped."""

    returns: Floats
    factors: Floats
    span: np.ndarray
    bits: Bits
    offset: Floats | None
    facts: SeriesFacts

    @classmethod
    def open(cls, folder: Path) -> PanelFile:
        """Map the files of a folder; nothing is read yet but one entry a series."""
        with np.load(folder / "series.npz") as stored:
            facts = SeriesFacts(**{name: stored[name] for name in SeriesFacts.__slots__})
        mapped = {
            name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("returns", "factors", "span", "bits")
        }
        offset = folder / "offset.npy"
        return cls(**mapped, offset=np.load(offset, mmap_mode="r") if offset.exists() else None, facts=facts)

    def cut(self, first: int, stop: int) -> ReturnPanel:
        """Series first to stop - 1 as a panel."""
        part = slice(first, stop)
        returns = np.array(self.returns[part])
        day_number = np.full(returns.shape, -1, dtype=np.int64)
        facts = self.facts
        ends = np.append(facts.start[1:], len(facts.days))
        for calendar in np.unique(facts.calendar[part]).tolist():
            days = facts.days[facts.start[calendar] : ends[calendar]]
            day_number[facts.calendar[part] == calendar, : len(days)] = days
        return ReturnPanel(
            returns=returns,
            factors=np.array(self.factors[part]),
            span=np.array(self.span[part]),
            day_number=day_number,
            offset=None if self.offset is None else np.array(self.offset[part]),
        )
