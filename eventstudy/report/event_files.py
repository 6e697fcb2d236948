"""The tables that have a row or more for each event, onto the disk block by block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from eventstudy.exclusions import Sentences
from eventstudy.measured import MeasuredEvents
from eventstudy.report.columns import COLUMNS
from eventstudy.report.event_tables import Column, EventTables, n_rows, some_rows
from eventstudy.report.streams import TableStream, open_stream
from eventstudy.roster import REPORTED

ROWS_OF_TEXT = 16_384
TABLES = ("windows", "models", "abnormal_returns", "excluded")


class EventFiles:
    """Files of windows, models, abnormal returns and exclusions that grow with each block of events.

    Parameters
    ----------
    folder : Path
        Where the files are built.
    formats : sequence of str
        Of which ``csv`` and ``parquet`` are written here.
    tables : EventTables
    daily : bool
        Whether abnormal returns by day are wanted; without them that table has its heading alone.
    """

    def __init__(self, folder: Path, formats: Sequence[str], tables: EventTables, *, daily: bool) -> None:
        self.tables, self.daily = tables, daily
        columns = {name: COLUMNS[name] for name in TABLES} | {"models": tables.model_columns()}
        self.streams: dict[tuple[str, str], TableStream] = {
            (table, kind): open_stream(kind, folder, table, columns[table], tables.spec.digits)
            for table in TABLES
            for kind in ("csv", "parquet")
            if kind in formats
        }

    def add(self, found: MeasuredEvents) -> None:
        """Append the rows of some studied events, those that are reported."""
        reported = found.events.marked(REPORTED)
        shown = found if reported.all() else found.take(np.flatnonzero(reported))
        self.add_rows(shown, self.tables.windows(shown))

    def add_rows(self, shown: MeasuredEvents, windows: Mapping[str, Column]) -> None:
        """Append the rows of some events, whose rows of windows are made already."""
        if not self.streams:
            return
        self._add("windows", windows)
        self._add("models", self.tables.models(shown))
        if self.daily:
            self._add("abnormal_returns", self.tables.daily(shown))

    def add_excluded(self, lost: np.ndarray, sentences: Sentences) -> None:
        """Append excluded rows, as ``Excluded.ordered`` has them."""
        if not self.streams:
            return
        for at in range(0, lost.shape[1], ROWS_OF_TEXT):
            some = lost[:, at : at + ROWS_OF_TEXT]
            self._add("excluded", self.tables.excluded(some[0], sentences.troubles(some)))

    def _add(self, table: str, columns: Mapping[str, Column]) -> None:
        n = n_rows(columns)
        for (name, kind), stream in self.streams.items():
            if name == table and kind == "parquet":
                stream.add(columns, n)
            elif name == table:
                for at in range(0, n, ROWS_OF_TEXT):
                    stop = min(at + ROWS_OF_TEXT, n)
                    stream.add(some_rows(columns, at, stop), stop - at)

    def close(self) -> dict[str, str]:
        """Finish the files; the sha256 of each."""
        return {stream.name: stream.close() for stream in self.streams.values()}
