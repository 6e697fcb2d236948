"""What a block of events leaves behind for its groups: mergeable, and of the same size however many events there are.

Chunks of 2,048 events are merged in order within their block, blocks in order of their number: a fixed tree of
additions, so that threads, workers and lost workers change no digit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from eventstudy.engine.moments import ColumnMoments, summarise_columns
from eventstudy.engine.panel import Floats, Ints
from eventstudy.engine.significance.evidence import Sample
from eventstudy.engine.significance.summary import SecondPass, Spread, Summary, one_chunk, spread_of

GroupWindow = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Days:
    """Averages of a group by event day; see ``ColumnMoments``.

    Attributes
    ----------
    n_rows : int
        Studied rows before duplicates are counted once.
    n_members : int
        Events, duplicates counted once.
    ar, path : ColumnMoments
        Of abnormal returns and of the CAR path.
    """

    n_rows: int
    n_members: int
    ar: ColumnMoments
    path: ColumnMoments

    def merge(self, other: Days) -> Days:
        """Both, this one first."""
        return Days(
            n_rows=self.n_rows + other.n_rows,
            n_members=self.n_members + other.n_members,
            ar=self.ar.merge(other.ar),
            path=self.path.merge(other.path),
        )


@dataclass(frozen=True, slots=True)
class Tested:
    """Of a group and a test window.

    Attributes
    ----------
    summary : Summary
    spread : Spread or None
        Where something is standardised again.
    """

    summary: Summary
    spread: Spread | None

    def merge(self, other: Tested) -> Tested:
        """Both, this one first."""
        spread = None
        if self.spread is not None and other.spread is not None:
            pairs = zip(self.spread.sar, other.spread.sar, strict=True)
            spread = Spread(
                scar=self.spread.scar.merge(other.spread.scar), sar=tuple(one.merge(two) for one, two in pairs)
            )
        return Tested(self.summary.merge(other.summary), spread)


@dataclass(frozen=True, slots=True)
class Tally:
    """What a block leaves behind.

    Attributes
    ----------
    days : dict
        Group -> Days.
    tested : dict
        (group, window) -> Tested.
    places : dict
        (group, window) -> int64 (P,): events of the sample by the place of their day 0 on the calendars.
    """

    days: dict[int, Days]
    tested: dict[GroupWindow, Tested]
    places: dict[GroupWindow, Ints]


def days_of(ar: Floats, members: Ints, n_rows: int) -> Days:
    """The averages of some events of a chunk; ``ar`` is (E, L)."""
    values = ar[members]
    seen = np.isfinite(values)
    path = np.where(seen, np.cumsum(np.where(seen, values, 0.0), axis=1), np.nan)
    return Days(n_rows, len(members), summarise_columns(values), summarise_columns(path))


def tested_of(sample: Sample, parts: frozenset[str], *, spread: bool) -> Tested:
    """The light part of a summary of a chunk's sample, and its spread where a second pass will need it."""
    return Tested(one_chunk(sample, None, 0.0, parts, values=False), spread_of(sample) if spread else None)


def added(totals: dict[int, Days], group: int, more: Days) -> None:
    """Add a chunk's averages to a running total."""
    totals[group] = totals[group].merge(more) if group in totals else more


def added_test(totals: dict[GroupWindow, Tested], key: GroupWindow, more: Tested) -> None:
    """Add a chunk's summary to a running total."""
    totals[key] = totals[key].merge(more) if key in totals else more


def merge_into(total: Tally, part: Tally) -> None:
    """Add a block to a running total, in place."""
    for group, days in part.days.items():
        added(total.days, group, days)
    for key, test in part.tested.items():
        added_test(total.tested, key, test)
    for key, places in part.places.items():
        total.places[key] = total.places[key] + places if key in total.places else places


def with_ranks(tally: Tally, ranks: Mapping[GroupWindow, SecondPass]) -> dict[GroupWindow, Summary]:
    """The summaries of the first pass, completed by the sums of the second."""
    found = {}
    for key, test in tally.tested.items():
        own = ranks.get(key)
        found[key] = (
            test.summary
            if own is None
            else replace(test.summary, sums=own.sums | test.summary.sums, volatility=own.volatility)
        )
    return found
