"""Every row of an events file as arrays: its exchange, its day 0, its firm, and what else happened to that firm."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import numpy as np
import pandas as pd

from eventstudy.data.calendar import Placement, TradingCalendar, listing_of, load_calendar, place, place_many
from eventstudy.data.cells import OUTCOME
from eventstudy.data.confounders import ConfounderTable
from eventstudy.data.event_columns import EventColumns
from eventstudy.data.firms import Pair, firms_of
from eventstudy.data.row_keys import repeated
from eventstudy.data.surroundings import CONFOUNDED, MASKING, OTHER
from eventstudy.engine.panel import Bools, Ints
from eventstudy.errors import UnknownExchange
from eventstudy.spec import MASKING_KINDS, StudySpec

# fewest sessions asked for before the first event, of them PSEUDO of pseudo-events, and SPARE for what looks around
HISTORY_SESSIONS, PSEUDO, SPARE = 1050, 750, 40


@dataclass(frozen=True, slots=True)
class Nearby:
    """A confounder in event time.

    Attributes
    ----------
    day : int
        Sessions after (negative: before) the event's day 0.
    """

    day: int
    kind: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EventIndex:
    """All n rows of an events file on their calendars.

    Attributes
    ----------
    pairs : tuple of (ticker, exchange)
        Firms, sorted.
    pair : int8, int16 or int32 (n,)
        Firm of each row.
    codes : tuple of str
        Exchanges.
    calendars : dict
        Code -> TradingCalendar, each covering all of its rows with room on both sides.
    session : int16 or int32 (n,)
        Position of day 0 on the calendar; -1 where the calendar does not reach.
    confounders : dict
        Firm -> ((session, kind, title), ...), sorted.
    unlisted : dict
        Ticker whose exchange is unknown or has no calendar -> what to write instead; it has no day 0.
    table : ConfounderTable or None
        The confounders as they were read.
    """

    events: EventColumns
    pairs: tuple[Pair, ...]
    pair: np.ndarray
    codes: tuple[str, ...]
    calendars: dict[str, TradingCalendar]
    session: np.ndarray
    confounders: dict[Pair, tuple[tuple[int, str, str], ...]]
    unlisted: dict[str, str] = field(default_factory=dict)
    table: ConfounderTable | None = None
    _rows_of: dict[int, Ints] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.events)

    @property
    def n_sessions(self) -> int:
        """Sessions of the longest calendar."""
        return max((len(calendar.sessions) for calendar in self.calendars.values()), default=0)

    def text(self, row: int, column: str) -> str:
        """A cell of the events file, as it is understood: defaults are filled in."""
        return self.events.cell(row, column)

    def name(self, row: int) -> tuple[str, str]:
        """(event_id, ticker) of a row."""
        return self.events.cell(row, "event_id"), self.pairs[int(self.pair[row])][0]

    def firm(self, row: int) -> Pair:
        """(ticker, exchange) of a row."""
        return self.pairs[int(self.pair[row])]

    def exchange(self) -> np.ndarray:
        """Number of each row's exchange in ``codes``, -1 where it is unknown; int8 (n,)."""
        return np.asarray(_exchanges(self.pairs, self.codes)[self.pair])

    def calendar(self, row: int) -> TradingCalendar:
        """Calendar of a row's listing."""
        return self.calendars[self.firm(row)[1]]

    def placement(self, row: int) -> Placement | None:
        """Day 0 of a row with the rule that gave it; None where the calendar does not reach."""
        if self.firm(row)[1] not in self.calendars:
            return None
        announced = self.events.announced
        code = int(announced.codes[row])
        instant, day = pd.Timestamp(announced.instant[code]), pd.Timestamp(announced.day[code])
        instant = instant if pd.isna(instant) else instant.tz_localize("UTC")
        return place(self.calendar(row), instant, day, self.text(row, "timing"))

    def day0(self, rows: Ints) -> np.ndarray:
        """Calendar day of day 0 of some rows that have one, days since 1970; int64."""
        found = np.empty(len(rows), dtype=np.int64)
        exchange, session = self.exchange()[rows], self.session[rows]
        for i, code in enumerate(self.codes):
            own = exchange == i
            found[own] = self.calendars[code].sessions.astype(np.int64)[session[own]]
        return found

    def uncertain(self) -> Bools:
        """Rows whose hour is unknown, a bare date without a bucket, or not certain, as the file says; bool (n,)."""
        said = self.events.columns["uncertain"].where(lambda text: text == "yes")
        unknown = self.events.columns["timing"].where(lambda timing: not timing)
        return (~self.events.announced.has_clock & unknown) | said

    def rows_of(self, pair: int) -> Ints:
        """Rows of a firm that have a day 0, in file order."""
        if not self._rows_of:
            order = np.argsort(self.pair, kind="stable")
            order = order[self.session[order] >= 0]
            stops = np.searchsorted(self.pair[order], np.arange(len(self.pairs)), side="right")
            self._rows_of.update(enumerate(np.split(order, stops[:-1])))
        return self._rows_of[pair]

    def shares_session(self) -> Bools:
        """Rows with another announcement of the firm on the same day 0; bool (n,)."""
        placed = np.flatnonzero(self.session >= 0)
        shared = np.zeros(len(self), dtype=bool)
        shared[placed] = repeated(self.pair[placed].astype(np.int64) << 32 | self.session[placed])
        return shared

    def on_session(self, row: int) -> Ints:
        """Rows of other announcements, of any firm of the exchange, with the day 0 of a row; in file order."""
        if self.session[row] < 0:
            return np.array([], dtype=np.int64)
        exchange = self.exchange()
        there = (self.session == self.session[row]) & (exchange == exchange[row]) & self.treated()
        there[row] = False
        return np.flatnonzero(there)

    def other_days(self, row: int) -> Ints:
        """Day 0 of the firm's other announcements, neither placebos nor outcomes, in event time of a row; sorted."""
        if self.session[row] < 0:
            return np.array([], dtype=np.int64)
        mates = self.rows_of(int(self.pair[row]))
        mates = mates[(mates != row) & self.treated()[mates]]
        return np.sort(self.session[mates].astype(np.int64) - int(self.session[row]))

    def treated(self) -> Bools:
        """Rows that are announcements: neither placebos nor days picked because of their outcome; bool (n,)."""
        return self.events.columns["role"].where(lambda role: role not in ("placebo", OUTCOME))

    def outcomes(self) -> Bools:
        """Rows picked because of what the price did: they are in no group and no test of several events; bool (n,)."""
        return self.events.columns["role"].where(lambda role: role == OUTCOME)

    def nearby(self, row: int, start: int, end: int) -> tuple[Nearby, ...]:
        """Confounders of a row from day ``start`` to day ``end``.

        A confounder of the announcement's own category on its own day 0 is taken to be the announcement itself.
        """
        at = int(self.session[row])
        if at < 0:
            return ()
        category = self.text(row, "category")
        return tuple(
            Nearby(session - at, kind.removesuffix("_all"), title)
            for session, kind, title in self.confounders[self.firm(row)]
            if start <= session - at <= end and not (session == at and kind == category)
        )


def index_events(events: EventColumns, confounders: ConfounderTable | None, reach: int = 0) -> EventIndex:
    """Place every event and confounder on the calendar of its listing. Raises ``UsageError`` if a code of the
    ``calendar`` column is unknown.

    Parameters
    ----------
    reach : int
        Sessions after the last event that the calendars must hold.
    """
    pair, pairs, unlisted = firms_of(events)
    named = tuple(dict.fromkeys(code for _, code in pairs if code))
    exchange = _exchanges(pairs, named)[pair]
    when = events.announced.dates_known()
    spans = {}
    for i, code in enumerate(named):
        days = when[np.unique(events.announced.codes[exchange == i])]
        spans[code] = (days.min().item(), days.max().item())
    calendars, unbuilt = _calendars_over(spans, reach)
    unlisted |= {ticker: unbuilt[code] for ticker, code in pairs if code in unbuilt}
    codes = tuple(calendars)
    exchange = _exchanges(pairs, codes)[pair]
    return EventIndex(
        events=events,
        pairs=pairs,
        pair=pair,
        codes=codes,
        calendars=calendars,
        session=sessions_on(events, exchange, [calendars[code] for code in codes]),
        confounders=place_confounders(confounders, pairs, calendars),
        unlisted=unlisted,
        table=confounders,
    )


def on_calendars(index: EventIndex, calendars: Mapping[str, TradingCalendar]) -> EventIndex:
    """The events and confounders on other calendars of the same exchanges: day 0 of each is recomputed."""
    found = dict(calendars)
    return replace(
        index,
        calendars=found,
        session=sessions_on(index.events, index.exchange(), [found[code] for code in index.codes]),
        confounders=place_confounders(index.table, index.pairs, found),
        _rows_of={},
    )


def _exchanges(pairs: Sequence[Pair], codes: Sequence[str]) -> np.ndarray:
    """Number of each firm's exchange, -1 where it is unknown; int8 (P,)."""
    number = {code: i for i, code in enumerate(codes)}
    return np.array([number.get(code, -1) for _, code in pairs], dtype=np.int8)


def sessions_on(events: EventColumns, exchange: np.ndarray, calendars: Sequence[TradingCalendar]) -> np.ndarray:
    """Day 0 by exchange, each distinct moment placed once; ``exchange`` is the place of each row's calendar, or -1."""
    announced, timing = events.announced, events.columns["timing"]
    late = timing.where(lambda text: text == "amc")
    most = max((len(calendar.sessions) for calendar in calendars), default=0)
    session = np.full(len(events), -1, dtype=np.int16 if most < 1 << 15 else np.int32)
    for i, calendar in enumerate(calendars):
        for after_close in (False, True):
            rows = (exchange == i) & (late == after_close)
            if rows.any():
                flags = np.full(len(announced.day), after_close)
                found = place_many(calendar, announced.instant, announced.day, flags).astype(session.dtype)
                session[rows] = found[announced.codes[rows]]
    return session


def _calendars_over(
    spans: Mapping[str, tuple[date, date]], reach: int
) -> tuple[dict[str, TradingCalendar], dict[str, str]]:
    """One calendar a listing, from well before its first event to well after its last and ``reach`` sessions more; and
    why others cannot be built."""
    calendars, unbuilt = {}, {}
    for code, (first, last) in spans.items():
        start = first - timedelta(days=days_of(HISTORY_SESSIONS))
        end = last + timedelta(days=90 + int(reach * 1.5))
        try:
            calendars[code] = load_calendar(listing_of(code), start, end)
        except UnknownExchange as error:
            unbuilt[code] = error.advice
    return calendars, unbuilt


def place_confounders(
    table: ConfounderTable | None, pairs: Sequence[Pair], calendars: Mapping[str, TradingCalendar]
) -> dict[Pair, tuple[tuple[int, str, str], ...]]:
    """Firm -> its confounders as (session, kind, title), sorted. Kinds that mask do so only for tickers they name."""
    found: dict[Pair, list[tuple[int, str, str]]] = {pair: [] for pair in pairs}
    if table is None:
        return dict.fromkeys(pairs, ())
    of_exchange: dict[str, list[Pair]] = {}
    of_ticker: dict[str, list[Pair]] = {}
    for pair in pairs:
        if pair[1] in calendars:
            of_exchange.setdefault(pair[1], []).append(pair)
            of_ticker.setdefault(pair[0], []).append(pair)
    for row in table.frame[["instant", "date", "timing", "tickers", "kind", "title"]].itertuples(index=False):
        named = [pair for ticker in row.tickers for pair in of_ticker.get(ticker, ())]
        kind = row.kind if row.tickers or row.kind not in MASKING_KINDS else f"{row.kind}_all"
        for code in {pair[1] for pair in named} if row.tickers else of_exchange:
            placement = place(calendars[code], row.instant, row.date, row.timing)
            if placement is not None:
                item = (placement.session, str(kind), str(row.title))
                for pair in (p for p in named if p[1] == code) if row.tickers else of_exchange[code]:
                    found[pair].append(item)
    return {pair: tuple(sorted(items)) for pair, items in found.items()}


def happenings(index: EventIndex) -> np.ndarray:
    """Announcements of each firm on each session, bits of ``MASKING``, ``OTHER`` and ``CONFOUNDED``; uint8 (P, T).

    ``OTHER`` is an announcement that is neither placebo nor outcome. ``MASKING`` is what leaves a session out of
    estimation windows: such announcements and confounders of the kinds in ``MASKING_KINDS``.
    """
    bits = np.zeros((len(index.pairs), index.n_sessions), dtype=np.uint8)
    other = (index.session >= 0) & index.treated()
    bits[index.pair[other], index.session[other]] = OTHER | MASKING
    for number, pair in enumerate(index.pairs):
        for session, kind, _ in index.confounders[pair]:
            if 0 <= session < index.n_sessions:
                bits[number, session] |= np.uint8(CONFOUNDED | (MASKING if kind in MASKING_KINDS else 0))
    return bits


def confounded_on_day0(index: EventIndex) -> Bools:
    """Rows with a confounder on day 0 that is not the announcement itself: of another category; bool (n,)."""
    on_day: dict[tuple[int, int], set[str]] = {}
    for number, pair in enumerate(index.pairs):
        for session, kind, _ in index.confounders[pair]:
            on_day.setdefault((number, session), set()).add(kind)
    found = np.zeros(len(index), dtype=bool)
    if not on_day:
        return found
    keys = np.array([pair << 32 | session for pair, session in on_day if session >= 0], dtype=np.int64)
    placed = np.flatnonzero(index.session >= 0)
    near = placed[np.isin(index.pair[placed].astype(np.int64) << 32 | index.session[placed], keys)]
    category = index.events.columns["category"]
    for row, own in zip(near.tolist(), category.take(near), strict=True):
        found[row] = bool(on_day[int(index.pair[row]), int(index.session[row])] - {own})
    return found


def sessions_before(spec: StudySpec) -> int:
    """Sessions before day 0 that an event can depend on: its windows, and pseudo-events with windows of their own."""
    first = min(spec.event_window.start, *(window.start for window in spec.windows))
    return max(HISTORY_SESSIONS, PSEUDO + SPARE + spec.estimation + spec.gap - min(first, 0))


def days_of(sessions: int) -> int:
    """Calendar days that surely hold so many sessions."""
    return int(sessions * 1.5)


def asked_range(index: EventIndex, spec: StudySpec) -> tuple[date, date]:
    """Dates that prices are wanted for: from the sessions that the options need before the first event of the file to
    the end of the last one's event window or holding period. The whole file counts, so that one event and all of them
    ask the same."""
    starts, ends = [], []
    reach, exchange = max(spec.event_window.end, spec.hold, 0), index.exchange()
    before = sessions_before(spec)
    for i, code in enumerate(index.codes):
        sessions = index.calendars[code].sessions
        placed = index.session[(exchange == i) & (index.session >= 0)]
        if len(placed):
            lacks = max(0, before - int(placed.min()))
            starts.append(sessions[int(placed.min()) - before if not lacks else 0] - days_of(lacks))
            ends.append(sessions[min(len(sessions) - 1, int(placed.max()) + reach)])
    if not starts:
        calendars = list(index.calendars.values())
        starts, ends = [c.sessions[0] for c in calendars], [c.sessions[-1] for c in calendars]
    return min(starts).item(), max(ends).item()


def seed_of(event_id: str, ticker: str) -> int:
    """A number from an event's name and ticker alone, so that neither order nor parallelism changes a draw."""
    return int.from_bytes(hashlib.sha256(f"{event_id}|{ticker}".encode()).digest()[:6], "big")


def seeds_of(index: EventIndex, rows: Ints) -> Ints:
    """``seed_of`` of some rows; int64."""
    ids, tickers = index.events.ids.take(rows), index.events.columns["ticker"].take(rows)
    return np.array([seed_of(*names) for names in zip(ids, tickers, strict=True)], dtype=np.int64)
