"""Announcements as integer-coded columns: what every study works on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from eventstudy.data.announced import Announced
from eventstudy.data.categorical import Coded, PlainTexts, Texts, coded
from eventstudy.data.event_headings import OPTIONAL, REQUIRED
from eventstudy.engine.panel import Ints
from eventstudy.errors import Problem

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True)
class EventColumns:
    """Announcements, one row per (event_id, ticker), as integer-coded columns.

    Attributes
    ----------
    lines : int64 (n,)
        Line of the file (row of a Parquet file) of each announcement.
    ids : Texts
        ``event_id``.
    announced : Announced
        ``announced_at``, read.
    columns : dict
        Every other column of the contract and extra ones, coded; empty text where the file lacks the column.
    unit : str
        What ``lines`` counts.
    notes : tuple of str
        How the file was read where that is not plain: headings taken for others, rows left out, dates without a clock.
    """

    path: str
    lines: Ints
    ids: Texts
    announced: Announced
    columns: dict[str, Coded]
    unit: str = "line"
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.lines)

    @property
    def names(self) -> list[str]:
        """Columns that formulas and groups may name: those of the contract, then extra ones."""
        extra = [name for name in self.columns if name not in (*REQUIRED, *OPTIONAL)]
        return ["event_id", "ticker", "announced_at", *OPTIONAL[1:], *extra]

    @property
    def filled(self) -> list[str]:
        """Those of ``names`` in which a cell is not empty: what a message lists."""
        return [name for name in self.names if name not in self.columns or any(self.columns[name].values)]

    def cells(self, name: str, rows: Ints) -> list[str]:
        """The texts of a column in some rows; defaults are filled in. Raises ``KeyError`` without such a column."""
        if name == "event_id":
            return self.ids.take(rows)
        return self.announced.text(rows) if name == "announced_at" else self.columns[name].take(rows)

    def cell(self, row: int, name: str) -> str:
        """The text of one row; see ``cells``."""
        return self.cells(name, np.array([row]))[0]

    def joined(self, other: EventColumns) -> EventColumns:
        """These announcements and others behind them; a column that one side lacks is empty there."""
        names = dict.fromkeys([*self.columns, *other.columns])
        sides = [(side, np.arange(len(side))) for side in (self, other)]
        columns = {
            name: coded(
                [
                    cell
                    for side, rows in sides
                    for cell in (side.cells(name, rows) if name in side.columns else [""] * len(rows))
                ]
            )
            for name in names
        }
        return EventColumns(
            path=self.path,
            lines=np.concatenate([self.lines, other.lines]),
            ids=PlainTexts([name for side, rows in sides for name in side.ids.take(rows)]),
            announced=self.announced.joined(other.announced),
            columns=columns,
            unit=self.unit,
        )

    def frame(self) -> pd.DataFrame:
        """The announcements as a pandas frame: ``line``, ``event_id``, ``ticker``, ``announced_at`` (as written),
        ``instant`` (UTC, NaT for a bare date), ``date`` (NaT where there is an instant), the other columns of the
        contract and extra ones as text, empty where there is none."""
        import pandas as pd

        every = np.arange(len(self))
        first = {name: self.cells(name, every) for name in self.names[:3]}
        return pd.DataFrame(
            {
                "line": self.lines,
                **first,
                "instant": pd.Series(pd.to_datetime(self.announced.moments(), utc=True)).dt.as_unit("ns"),
                "date": pd.Series(pd.to_datetime(self.announced.dates())).dt.as_unit("s"),
                **{name: self.cells(name, every) for name in self.names[3:]},
            }
        )


@dataclass(frozen=True, slots=True)
class RawEvents:
    """An events file before its checks.

    Attributes
    ----------
    lines : int64 (n,)
    ids : Texts
        Empty where the file lacks the column.
    columns : dict
        Every other column, unchanged.
    moments : Announced or None
        ``announced_at`` where the file holds dates or timestamps and no text.
    problems : list of Problem
        Found while reading.
    unit : str
        What ``lines`` counts.
    notes : list of str
        As in ``EventColumns``.
    """

    path: str
    lines: Ints
    ids: Texts
    columns: dict[str, Coded]
    moments: Announced | None = None
    problems: list[Problem] = field(default_factory=list)
    unit: str = "line"
    notes: list[str] = field(default_factory=list)
