"""What pages say of a whole study, in numbers whose size does not depend on how many events it has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from eventstudy.data.coded import Texts, first_of
from eventstudy.engine.panel import Ints
from eventstudy.roster import REPORTED
from eventstudy.spec import StudySpec

if TYPE_CHECKING:
    from eventstudy.prepare import Prepared
    from eventstudy.scale.first_pass import FirstPass


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What is said of a whole study, whatever its size.

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
    distinct, unusual : int
        Primary windows of direct and peer rows, one a firm and session, that have a p value, and those of them whose
        ``p_t`` lies below the level.
    """

    n_read: int
    n_studied: int
    n_announcements: int
    tickers: tuple[str, ...]
    distinct: int
    unusual: int
    flags: int


def totals_of(prepared: Prepared, first: FirstPass, spec: StudySpec) -> Totals:
    """What pages say of the whole study, in numbers of one size."""
    events, index = prepared.roster, prepared.index
    at = np.flatnonzero(first.kept & events.marked(REPORTED))
    rows, placebo = events.row[at], index.events.columns["role"].where(lambda role: role == "placebo")
    tested = at[~placebo[rows] & np.isfinite(first.primary_p[at])]
    pair = np.asarray(prepared.series.pair)[events.series[tested]]
    tickers = np.array([symbol for symbol, _ in index.pairs])
    day = prepared.panel.facts.day(events.series[tested], events.session[tested])
    number = np.unique(tickers, return_inverse=True)[1][pair] if len(tickers) else pair
    # one number for each firm, day and window, without a copy of millions of rows of three
    identity = ((number * 200_000 + day + 100_000) * len(spec.windows) + first.primary[tested]).astype(np.int64)
    p = first.primary_p[tested][first_of(identity)]
    return Totals(
        n_read=prepared.n_read,
        n_studied=len(at),
        n_announcements=_distinct(index.events.ids, rows),
        tickers=tuple(sorted(set(tickers[np.unique(np.asarray(prepared.series.pair)[events.series[at]])].tolist()))),
        unusual=int((p < 1 - spec.level).sum()),
        distinct=len(p),
        flags=first.flags,
    )


def _distinct(ids: Texts, rows: Ints) -> int:
    """Number of different texts, of which a number of eight bytes each is held."""
    found = [
        np.array([hash(text) for text in ids.take(some)]) for some in np.array_split(rows, 1 + len(rows) // 65_536)
    ]
    return len(np.unique(np.concatenate(found))) if len(rows) else 0
