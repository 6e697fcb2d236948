"""The tables that have a row or more for each event, onto the disk block by block."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from eventstudy.data.panel import SeriesFacts
from eventstudy.engine.panel import Ints
from eventstudy.exclusions import Sentences
from eventstudy.measured import MeasuredEvents
from eventstudy.report.columns import COLUMNS
from eventstudy.report.event_tables import Column, EventTables
from eventstudy.report.streams import PARTS, JoinedStream, Table, TableStream, joined_stream, open_stream, write_part
from eventstudy.roster import REPORTED, Roster

ROWS_AT_ONCE = 16_384
MEASURED = ("windows", "models", "abnormal_returns")


class EventFiles:
    """Files of windows, models, abnormal returns and exclusions that grow with each block of events.

    Parameters
    ----------
    folder : Path
        Where the files are built.
    formats : sequence of str
        Of which ``csv`` and ``parquet`` are written here.
    tables : EventTables
    files : ExitStack
        Closes the files where an error ends the work before ``close``.
    daily : bool
        Whether abnormal returns by day are wanted; without them that table has its heading alone.
    apart : bool
        Whether other processes measure events: they write the rows of their blocks themselves, and a Parquet table is a
        data set of such parts.
    """

    def __init__(
        self,
        folder: Path,
        formats: Sequence[str],
        tables: EventTables,
        files: ExitStack,
        *,
        daily: bool,
        apart: bool = False,
    ) -> None:
        self.folder, self.tables, self.daily, self.apart = folder.resolve(), tables, daily, apart
        columns = {name: COLUMNS[name] for name in (*MEASURED, "excluded")} | {"models": tables.model_columns()}
        made = [
            Table(name, kind, tuple(columns[name]), tables.spec.digits)
            for name in columns
            for kind in ("csv", "parquet")
            if kind in formats
        ]
        self.joined: dict[Table, JoinedStream] = {
            table: joined_stream(folder, table, files) for table in made if apart and table.name in MEASURED
        }
        self.streams: dict[Table, TableStream] = {
            table: self.joined[table] if table in self.joined else open_stream(folder, table, files) for table in made
        }
        if apart:
            (folder / PARTS).mkdir()

    def add(self, found: MeasuredEvents) -> None:
        """Append the rows of some studied events, those that are reported."""
        if self.streams:
            shown = _reported(found)
            self.add_rows(shown, self.tables.windows(shown))

    def add_rows(self, shown: MeasuredEvents, windows: Mapping[str, Column]) -> None:
        """Append the rows of some events, whose rows of windows are made already."""
        if self.streams:
            for name, columns in _rows(self.tables, shown, windows, self.daily):
                self._add(name, columns)

    def writer(self, number: int, events: Roster) -> BlockWriter | None:
        """What writes the rows of a block where it is measured; None where it is handed back instead."""
        if not self.apart:
            return None
        return BlockWriter(
            folder=self.folder,
            number=number,
            files=tuple(self.joined),
            tables=self.tables.of_rows(events.row),
            rows=events.row,
            daily=self.daily,
        )

    def join(self, written: Mapping[tuple[str, str], tuple[str, str]]) -> None:
        """Append the rows that such a writer has written."""
        for table, stream in self.joined.items():
            if part := written.get((table.name, table.kind)):
                stream.join(*part)

    def add_excluded(self, lost: np.ndarray, sentences: Sentences) -> None:
        """Append excluded rows, as ``Excluded.ordered`` has them."""
        if not self.streams:
            return
        for at in range(0, lost.shape[1], ROWS_AT_ONCE):
            some = lost[:, at : at + ROWS_AT_ONCE]
            self._add("excluded", self.tables.excluded(some[0], sentences.troubles(some)))

    def _add(self, name: str, columns: Mapping[str, Column]) -> None:
        for table, stream in self.streams.items():
            if table.name == name:
                stream.add(columns)

    def close(self) -> dict[str, str]:
        """Finish the files; the sha256 of each."""
        return {name: digest for stream in self.streams.values() for name, digest in stream.close().items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockWriter:
    """Writes the rows of a block of events where it is measured.

    Attributes
    ----------
    folder : Path
        Where the report is built.
    number : int
        Of the block.
    tables : callable
        Makes the tables of the block's events from the facts of the series; see ``EventTables.of_rows``.
    rows : int32 (E,)
        Rows of the events file that the block holds, in order.
    """

    folder: Path
    number: int
    files: tuple[Table, ...]
    tables: Callable[..., EventTables]
    rows: Ints
    daily: bool

    def __call__(self, found: MeasuredEvents, facts: SeriesFacts) -> dict[tuple[str, str], tuple[str, str]]:
        """(table, format) -> name and sha256 of the part that holds the rows of the reported events."""
        shown, tables = _reported(found), self.tables(facts=facts)
        if not self.files or not len(shown):
            return {}
        # the tables hold this block's events alone
        events = replace(shown.events, row=np.searchsorted(self.rows, shown.events.row))
        shown = replace(shown, events=events)
        written = {}
        for name, columns in _rows(tables, shown, tables.windows(shown), self.daily):
            for table in self.files:
                if table.name == name:
                    written[name, table.kind] = write_part(self.folder, table, self.number, columns)
        return written


def _reported(found: MeasuredEvents) -> MeasuredEvents:
    reported = found.events.marked(REPORTED)
    return found if reported.all() else found.take(np.flatnonzero(reported))


def _rows(
    tables: EventTables, shown: MeasuredEvents, windows: Mapping[str, Column], daily: bool
) -> Iterator[tuple[str, Mapping[str, Column]]]:
    """Each table with its rows of some events."""
    yield "windows", windows
    yield "models", tables.models(shown)
    if daily:
        yield "abnormal_returns", tables.daily(shown)
