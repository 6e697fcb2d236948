"""Totals of a study for its pages; their size does not depend on the number of events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from eventstudy.data.categorical import Texts
from eventstudy.data.row_keys import n_distinct
from eventstudy.engine.panel import Ints
from eventstudy.roster import REPORTED

if TYPE_CHECKING:
    from eventstudy.prepare import Prepared
    from eventstudy.scale.first_pass import FirstPass


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Counts of a whole study, whatever its size.

    Attributes
    ----------
    n_read, n_studied : int
        Rows that are reported.
    n_announcements : int
        event_ids with a studied row.
    tickers : tuple of str
        Those with a studied row, sorted.
    flags : int
        Bits of ``flags.FLAGS`` that some primary window has.
    window : int
        Position in ``spec.windows`` of the primary window of most studied rows; 0 without any.
    category : str
        The one of all studied rows; empty where they have several.
    days : tuple of datetime64[D]
        Day 0 of the first and the last studied row; empty without any.
    """

    n_read: int
    n_studied: int
    n_announcements: int
    tickers: tuple[str, ...]
    flags: int
    window: int = 0
    category: str = ""
    days: tuple[np.datetime64, ...] = ()


def totals_of(prepared: Prepared, first: FirstPass) -> Totals:
    """Totals of the whole study for its pages."""
    events, index = prepared.roster, prepared.index
    at = np.flatnonzero(first.kept & events.marked(REPORTED))
    rows, series = events.row[at], np.asarray(prepared.series.pair)
    tickers = np.array([symbol for symbol, _ in index.pairs])
    days = prepared.panel.facts.day(events.series[at], events.session[at]).astype("datetime64[D]")
    category = index.events.columns["category"]
    kinds = np.unique(category.codes[rows]) if len(category.values) > 1 else np.zeros(1, dtype=np.int64)
    return Totals(
        n_read=prepared.n_read,
        n_studied=len(at),
        n_announcements=_distinct(index.events.ids, rows),
        tickers=tuple(sorted(set(tickers[np.unique(series[events.series[at]])].tolist()))),
        flags=first.flags,
        window=int(np.bincount(first.primary[at].astype(np.int64)).argmax()) if len(at) else 0,
        category=category.values[int(kinds[0])] if len(kinds) == 1 and category.values else "",
        days=(days.min(), days.max()) if len(at) else (),
    )


def _distinct(ids: Texts, rows: Ints) -> int:
    """Number of different texts, of which a number of eight bytes each is held."""
    found = [
        np.fromiter(map(hash, ids.take(some)), dtype=np.int64, count=len(some))
        for some in np.array_split(rows, 1 + len(rows) // 65_536)
    ]
    return n_distinct(np.concatenate(found))
