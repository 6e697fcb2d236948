"""The admitted events of a study: what is known of each before it is measured, and where it counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields

import numpy as np

from eventstudy.data.categorical import Coded, coded, combined
from eventstudy.data.cells import OUTCOME
from eventstudy.data.event_columns import EventColumns
from eventstudy.data.event_index import EventIndex
from eventstudy.data.row_keys import first_of
from eventstudy.data.series_index import SeriesIndex, benchmarks_of
from eventstudy.engine.panel import Bools, Floats, Ints
from eventstudy.errors import UsageError
from eventstudy.spec import StudySpec, Window
from eventstudy.spelling import meant

# the group of all direct events
ALL = "all"
# one bit each, of an event
UNCERTAIN, SHARED, NEAR_DAY0, DIRECT, COUNTS_IN_ALL, COUNTS_IN_OWN, OWN_BENCHMARK, REPORTED = (
    1 << bit for bit in range(8)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Groups:
    """Groups of a study.

    Attributes
    ----------
    names : tuple of str
        ``all``, then the values of the ``--by`` column in order.
    same_as_all : int
        Code of the group that has the members of ``all``, -1 for none: it is tallied once.
    """

    names: tuple[str, ...]
    same_as_all: int

    @property
    def numbered(self) -> list[tuple[str, int]]:
        """(name, number in the tally) of every group."""
        return [(name, 0 if number == self.same_as_all else number) for number, name in enumerate(self.names)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Roster:
    """Admitted events in the order of the events file; arrays are (N,).

    Attributes
    ----------
    row : int32
        Row of the events file.
    series, session : int8, int16 or int32
        As small as they go; int32 in a part.
    marks : uint8
        See the constants of this module.
    group : int16
        Position of the event's own group in ``Groups.names``; 0 for events that are in none.
    own : int16
        Position in ``spec.windows`` of the window that the row names for itself; -1 where it names none.
    weight : float64
        In value-weighted averages; NaN where the row has no weight. (0,) where no column of weights is named.
    """

    row: np.ndarray
    series: np.ndarray
    session: np.ndarray
    marks: np.ndarray
    group: np.ndarray
    own: np.ndarray
    weight: Floats = field(default_factory=lambda: np.empty(0))

    def __len__(self) -> int:
        return len(self.row)

    def part(self, start: int, stop: int) -> Roster:
        """Events start to stop - 1."""
        cut = slice(start, stop)
        return Roster(
            row=self.row[cut],
            series=self.series[cut].astype(np.int32),
            session=self.session[cut].astype(np.int32),
            marks=self.marks[cut],
            group=self.group[cut],
            own=self.own[cut],
            weight=self.weight[cut],
        )

    def take(self, at: Ints) -> Roster:
        """Some of the events."""
        return Roster(
            row=self.row[at],
            series=self.series[at],
            session=self.session[at],
            marks=self.marks[at],
            group=self.group[at],
            own=self.own[at],
            weight=self.weight[at] if len(self.weight) else self.weight,
        )

    def marked(self, mark: int) -> Bools:
        """Events with a mark; bool (N,)."""
        return np.asarray(self.marks & mark > 0)


def end_to_end(parts: Sequence[Roster]) -> Roster:
    """The events of all parts, in order."""
    names = [item.name for item in fields(Roster)]
    return Roster(**{name: np.concatenate([getattr(one, name) for one in parts]) for name in names})


def roster(
    index: EventIndex, series: SeriesIndex, rows: np.ndarray, marks: np.ndarray, own: np.ndarray, spec: StudySpec,
    weight: Floats,
) -> Roster:  # fmt: skip
    """The admitted rows with what counts once in each group marked: the first reported row of a (ticker, day 0).

    Parameters
    ----------
    rows : int (N,)
        Admitted rows, in file order.
    marks : uint8 (n,)
        ``marked``; changed in place.
    own : int16 (N,)
        Code of each row's own group.
    spec : StudySpec
        With the windows that rows name behind its own.
    weight : float64 (N,) or (0,)
    """
    shown = marks[rows] & REPORTED > 0
    identity = _identity(index, rows, int(own.max(initial=0)) + 1)
    direct = (marks[rows] & DIRECT > 0) & shown
    marks[rows[direct]] |= np.where(first_of(identity[direct]), np.uint8(COUNTS_IN_ALL), np.uint8(0))
    counted = shown & ~index.outcomes()[rows]
    identity = (identity + own)[counted]
    marks[rows[counted]] |= np.where(first_of(identity), np.uint8(COUNTS_IN_OWN), np.uint8(0))
    row = rows.astype(np.int32)
    return Roster(
        row=row,
        series=series.series[row],
        session=index.session[row],
        marks=marks[row],
        group=own,
        own=own_windows(index.events, row, spec),
        weight=weight,
    )


def own_windows(events: EventColumns, rows: np.ndarray, spec: StudySpec) -> np.ndarray:
    """Position in ``spec.windows`` of the window that each row names for itself; -1 where it names none. int16 (m,)."""
    column, place = events.columns["window"], {window: w for w, window in enumerate(spec.windows)}
    known = [place[Window.parse(text)] if text else -1 for text in column.values]
    return np.asarray(np.array(known, dtype=np.int16)[column.codes[rows]])


def primary_windows(events: Roster, spec: StudySpec) -> Ints:
    """Index of each event's primary window: its own; else [0,0], or [0,1] where the hour is unknown; else the first."""
    windows, own = spec.windows, events.own.astype(np.int64)
    certain, unsure = (windows.index(w) if w in windows else 0 for w in (Window(0, 0), Window(0, 1)))
    return np.where(own >= 0, own, np.where(events.marked(UNCERTAIN), unsure, certain))


def groups_of(made: Roster, names: tuple[str, ...]) -> Groups:
    """The groups' names, and which of them has the members of ``all``."""
    first, in_own = made.marked(COUNTS_IN_ALL), made.marked(COUNTS_IN_OWN)
    same = [code for code in np.unique(made.group).tolist() if np.array_equal(in_own & (made.group == code), first)]
    return Groups(names=names, same_as_all=same[0] if same else -1)


def marked(index: EventIndex, reported: Bools, confounded: Bools, spec: StudySpec) -> np.ndarray:
    """Flags of every row by itself; uint8 (n,).

    Parameters
    ----------
    reported : bool (n,)
        Rows that tables show.
    confounded : bool (n,)
        Rows with a confounder on day 0 that is not the announcement itself.
    """
    marks = np.zeros(len(index), dtype=np.uint8)
    for bit, where in (
        (UNCERTAIN, index.uncertain()),
        (SHARED, index.shares_session()),
        (NEAR_DAY0, confounded),
        (DIRECT, index.events.columns["role"].where(lambda role: role == "direct")),
        (OWN_BENCHMARK, _own_benchmark(index, spec)),
        (REPORTED, reported),
    ):
        marks |= np.where(where, np.uint8(bit), np.uint8(0))
    return marks


def own_group(events: EventColumns, spec: StudySpec, rows: np.ndarray, most: int) -> tuple[np.ndarray, tuple[str, ...]]:
    """Code of each row's own group, and the names: ``all`` first, the others sorted. int16 (m,).

    Rows picked because of their outcome are in no group: their code is that of ``all``, which holds direct rows only.
    Raises ``UsageError`` if the ``--by`` column makes more groups than can be tallied."""
    column = _by(events, spec).replaced(lambda text: text or "(empty)")
    outside = events.columns["role"].where(lambda role: role == OUTCOME)[rows]
    present = {column.values[code] for code in np.unique(column.codes[rows[~outside]]).tolist()}
    if len(present) > most:
        raise UsageError(
            f"--by {spec.by} makes {len(present):,} groups", f"at most {most:,}", "name a column with fewer values"
        )
    names = (ALL, *sorted(present - {ALL}))
    number = {name: i for i, name in enumerate(names)}
    code = np.array([number.get(value, 0) for value in column.values], dtype=np.int16)[column.codes[rows]]
    return np.where(outside, np.int16(0), code), names


def check_column(option: str, name: str, events: EventColumns) -> None:
    """Raise a UsageError where the events file has no column that an option names, before any price is asked for."""
    if name not in events.names:
        raise UsageError(
            f"the events file has no column {name!r} (--{option})", ", ".join(events.filled), meant(name, events.filled)
        )


def _by(events: EventColumns, spec: StudySpec) -> Coded:
    if spec.by in events.columns:
        return events.columns[spec.by]
    return coded(events.cells(spec.by, np.arange(len(events))))


def _own_benchmark(index: EventIndex, spec: StudySpec) -> np.ndarray:
    """Rows whose ticker is one of their benchmarks; bool (n,)."""
    own = index.events.columns["benchmark"]
    n = len(own.values)
    known, where = combined(index.pair, own.codes, n)
    among = []
    for code in known.tolist():
        ticker, exchange = index.pairs[code // n]
        among.append(ticker in benchmarks_of(own.values[code % n], exchange, spec))
    return np.asarray(np.array(among, dtype=bool)[where])


def _identity(index: EventIndex, rows: np.ndarray, room: int) -> Ints:
    """One number for each (ticker, date of day 0) of some rows, a multiple of ``room``: what counts once in a group."""
    tickers: dict[str, int] = {}
    ticker = np.array([tickers.setdefault(symbol, len(tickers)) for symbol, _ in index.pairs], dtype=np.int64)
    # a ticker takes its place, a day its own, and the group what is left below
    return np.asarray((ticker[index.pair[rows]] * 200_000 + index.day0(rows) + 100_000) * room)
