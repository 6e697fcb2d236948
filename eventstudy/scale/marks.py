"""What is known of each event before it is measured: its group, whether it counts, what happened around it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from eventstudy.data.coded import Coded, first_of, repeated
from eventstudy.data.events import EventColumns
from eventstudy.engine.panel import Ints
from eventstudy.errors import UsageError
from eventstudy.evaluate.groups import ALL
from eventstudy.scale.panel_file import CONFOUNDED, MASKING, OTHER
from eventstudy.scale.roster import Listing
from eventstudy.spec import MASKING_KINDS, StudySpec
from eventstudy.spelling import meant

# one bit each, of an event
UNCERTAIN, SHARED, NEAR_DAY0, DIRECT, COUNTS_IN_ALL, COUNTS_IN_OWN, OWN_BENCHMARK = (1 << bit for bit in range(7))


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Roster:
    """Admitted events in the order of (series, session, row); arrays are (N,).

    Attributes
    ----------
    row : int32
        Row of the events file.
    series, session : int8, int16 or int32
        As small as they go; int32 in a part.
    marks : uint8
        See the constants of this module.
    group : int16
        Position of the event's own group in ``Groups.names``.
    """

    row: np.ndarray
    series: np.ndarray
    session: np.ndarray
    marks: np.ndarray
    group: np.ndarray

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
        )


def roster(found: Listing, rows: np.ndarray, marks: np.ndarray, own: np.ndarray, names: Sequence[str]) -> Roster:
    """The admitted rows, sorted, with what counts once in each group marked.

    Parameters
    ----------
    found : Listing
    rows : int (N,)
        Admitted rows, in file order.
    marks : uint8 (n,)
        ``marked``; changed in place.
    own : int16 (n,)
        Code of each row's own group, of ``names``.
    """
    identity = _identity(found, rows, len(names))
    direct = marks[rows] & DIRECT > 0
    marks[rows[direct]] |= np.where(first_of(identity[direct]), np.uint8(COUNTS_IN_ALL), np.uint8(0))
    identity += own[rows]
    marks[rows] |= np.where(first_of(identity), np.uint8(COUNTS_IN_OWN), np.uint8(0))
    del identity, direct
    key = found.series[rows].astype(np.int64)
    key <<= 32
    key |= found.session[rows]
    order = np.argsort(key, kind="stable")
    del key
    row = rows[order].astype(np.int32)
    del order
    return Roster(row=row, series=found.series[row], session=found.session[row], marks=marks[row], group=own[row])


def groups_of(made: Roster, names: tuple[str, ...]) -> Groups:
    """The groups' names, and which of them has the members of ``all``."""
    first, in_own = made.marks & COUNTS_IN_ALL > 0, made.marks & COUNTS_IN_OWN > 0
    same = [code for code in np.unique(made.group).tolist() if np.array_equal(in_own & (made.group == code), first)]
    return Groups(names=names, same_as_all=same[0] if same else -1)


def marked(events: EventColumns, found: Listing, near: np.ndarray, spec: StudySpec) -> np.ndarray:
    """What is known of every row by itself; uint8 (n,).

    Parameters
    ----------
    events, found
    near : bool (n,)
        Whether a confounder falls on the row's day 0 that is not the announcement itself.
    spec
    """
    marks = np.zeros(len(events), dtype=np.uint8)
    direct = events.columns["role"].where(lambda role: role == "direct")
    uncertain = ~events.announced.has_clock & events.columns["timing"].where(lambda timing: not timing)
    known = ((UNCERTAIN, uncertain), (SHARED, _shared(found)), (NEAR_DAY0, near), (DIRECT, direct))
    for bit, where in (*known, (OWN_BENCHMARK, _own_benchmark(events, spec))):
        marks |= np.where(where, np.uint8(bit), np.uint8(0))
    return marks


def own_group(events: EventColumns, spec: StudySpec, rows: np.ndarray, most: int) -> tuple[np.ndarray, tuple[str, ...]]:
    """Code of each row's own group, and the names: ``all`` first, the others sorted.

    Raises
    ------
    UsageError
        If the ``--by`` column is not there, or makes more groups than can be tallied.
    """
    if spec.by in ("event_id", "announced_at"):
        raise UsageError(f"--by {spec.by} makes a group of every event", "a column with few values, such as role")
    if spec.by not in events.columns:
        raise UsageError(
            f"--by {spec.by!r} is no column of the events file",
            ", ".join(events.columns),
            meant(spec.by, events.columns),
        )
    column: Coded = events.columns[spec.by].replaced(lambda text: text or "(empty)")
    if len(column.values) > most:
        raise UsageError(
            f"--by {spec.by} makes {len(column.values):,} groups",
            f"at most {most:,} in a study of this size",
            "name a column with fewer values",
        )
    present = {column.values[code] for code in np.unique(column.codes[rows]).tolist()}
    names = (ALL, *sorted(present - {ALL}))
    number = {name: i for i, name in enumerate(names)}
    return np.array([number.get(value, 0) for value in column.values], dtype=np.int16)[column.codes], names


def _own_benchmark(events: EventColumns, spec: StudySpec) -> np.ndarray:
    """Rows whose ticker is one of their benchmarks; bool (n,)."""
    ticker, own = events.columns["ticker"], events.columns["benchmark"]
    sets = [set(text.split(";")) if text else set(spec.benchmarks) for text in own.values]
    among = {symbol for symbols in sets for symbol in symbols}
    found = ticker.where(lambda symbol: symbol in among)
    rows = np.flatnonzero(found)
    pairs = zip(ticker.take(rows), own.codes[rows].tolist(), strict=True)
    found[rows] = [symbol in sets[code] for symbol, code in pairs]
    return found


def _identity(found: Listing, rows: np.ndarray, room: int) -> Ints:
    """One number for each (ticker, date of day 0) of some rows, a multiple of ``room``: what counts once in a group."""
    tickers: dict[str, int] = {}
    ticker = np.array([tickers.setdefault(symbol, len(tickers)) for symbol, _ in found.pairs], dtype=np.int64)
    # a ticker takes its place, a day its, and the group what is left below
    key = ticker[found.pair[rows]]
    key *= 200_000
    exchange = found.exchange()[rows]
    for i, code in enumerate(found.codes):
        own = exchange == i
        days = found.calendars[code].sessions.astype(np.int64) + 100_000
        key[own] += days[found.session[rows[own]]]
    key *= room
    return np.asarray(key)


def _shared(found: Listing) -> np.ndarray:
    """Rows with another announcement of the firm on the same day 0; bool (n,)."""
    placed = np.flatnonzero(found.session >= 0)
    shared = np.zeros(len(found.session), dtype=bool)
    shared[placed] = repeated(found.pair[placed].astype(np.int64) << 32 | found.session[placed])
    return shared


def event_bits(
    bits: np.ndarray,
    events: EventColumns,
    found: Listing,
    confounders: Mapping[tuple[str, str], Sequence[tuple[int, str, str]]],
    spec: StudySpec,
) -> np.ndarray:
    """Mark in the panel's bits the sessions of other announcements and of confounders.

    Parameters
    ----------
    bits : uint16 (S, T)
        Changed in place.
    events, found, confounders, spec

    Returns
    -------
    bool (n,)
        Rows with a confounder on their day 0 that is not the announcement itself: a confounder of the announcement's
        own category on its own day is taken to be the announcement.
    """
    other = (found.session >= 0) & events.columns["role"].where(lambda role: role != "placebo")
    kind = OTHER | (MASKING if spec.exclude != "none" else 0)
    of_pair: dict[tuple[str, str], list[int]] = {}
    for number, key in enumerate(found.keys):
        of_pair.setdefault((key.ticker, key.exchange), []).append(number)
    # a firm measured against several benchmarks has several series, and an event of one is an event of all
    several = {pair: numbers for pair, numbers in of_pair.items() if len(numbers) > 1}
    bits[found.series[other], found.session[other]] |= np.uint16(kind)
    for numbers in several.values():
        bits[numbers] |= np.bitwise_or.reduce(bits[numbers] & np.uint16(kind), axis=0)
    on_day0: dict[tuple[int, int], set[str]] = {}
    width = bits.shape[1]
    for number, pair in enumerate(found.pairs):
        for session, what, _ in confounders.get(pair, ()):
            if not 0 <= session < width:
                continue
            masks = what in MASKING_KINDS and spec.exclude != "none"
            bits[of_pair[pair], session] |= np.uint16(CONFOUNDED | (MASKING if masks else 0))
            on_day0.setdefault((number, session), set()).add(what)
    near = np.zeros(len(events), dtype=bool)
    if not on_day0:
        return near
    category = events.columns["category"]
    for row in np.flatnonzero((found.session >= 0) & (bits[found.series, found.session] & CONFOUNDED > 0)).tolist():
        kinds = on_day0.get((int(found.pair[row]), int(found.session[row])), set())
        near[row] = bool(kinds - {category.values[category.codes[row]]})
    return near
