"""Events of any number -> integer columns in the order of (series, session): who is studied, and who is not and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np

from eventstudy import ledger
from eventstudy.data.calendar import TradingCalendar, exchange_of, place_many
from eventstudy.data.catalogue import HISTORY_SESSIONS, calendars_over
from eventstudy.data.coded import smallest
from eventstudy.data.events import EventColumns
from eventstudy.data.market import SeriesKey, key_of
from eventstudy.engine.panel import Bools
from eventstudy.spec import StudySpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Every row of the events file on its exchange.

    Attributes
    ----------
    keys : tuple of SeriesKey
        Series, sorted by ticker, exchange and benchmarks.
    series : int8, int16 or int32 (n,)
        Series of each row.
    session : int16 or int32 (n,)
        Position of day 0 on its calendar; -1 outside.
    pair : int8, int16 or int32 (n,)
        Number of each row's (ticker, exchange).
    pairs : tuple of (ticker, exchange)
    codes : tuple of str
        Exchanges.
    calendars : dict
    """

    keys: tuple[SeriesKey, ...]
    series: np.ndarray
    session: np.ndarray
    pair: np.ndarray
    pairs: tuple[tuple[str, str], ...]
    codes: tuple[str, ...]
    calendars: dict[str, TradingCalendar]

    def exchange(self) -> np.ndarray:
        """Number of each row's exchange in ``codes``; int8 (n,)."""
        number = {code: i for i, code in enumerate(self.codes)}
        return np.asarray(np.array([number[code] for _, code in self.pairs], dtype=np.int8)[self.pair])


def listing(events: EventColumns, spec: StudySpec) -> Listing:
    """Day 0 and series of every row.

    Raises
    ------
    UsageError
        If a suffix or an exchange code is unknown.
    """
    pair, pairs = _pairs(events)
    codes = tuple(dict.fromkeys(code for _, code in pairs))
    number = {code: i for i, code in enumerate(codes)}
    exchange = np.array([number[code] for _, code in pairs], dtype=np.int8)[pair]
    when = np.where(
        np.isnat(events.announced.day), events.announced.instant.astype("datetime64[D]"), events.announced.day
    )
    spans = {}
    for i, code in enumerate(codes):
        days = when[np.unique(events.announced.codes[exchange == i])]
        spans[code] = (days.min().item(), days.max().item())
    calendars = calendars_over(spans, reach=spec.hold)
    session = _sessions(events, exchange, [calendars[code] for code in codes])
    series, keys = _series(events, pair, pairs, spec)
    return Listing(keys=keys, series=series, session=session, pair=pair, pairs=pairs, codes=codes, calendars=calendars)


def _combined(first: np.ndarray, second: np.ndarray, n_second: int) -> tuple[np.ndarray, np.ndarray]:
    """Distinct pairs of two coded columns as one number each, and every row's position among them."""
    if n_second == 1:
        return np.arange(int(first.max(initial=-1)) + 1), first
    known, where = np.unique(first.astype(np.int64) * n_second + second, return_inverse=True)
    return known, smallest(where, len(known))


def _pairs(events: EventColumns) -> tuple[np.ndarray, tuple[tuple[str, str], ...]]:
    ticker, calendar = events.columns["ticker"], events.columns["calendar"]
    n = len(calendar.values)
    known, where = _combined(ticker.codes, calendar.codes, n)
    named = []
    for code in known.tolist():
        symbol = ticker.values[code // n]
        named.append((symbol, exchange_of(symbol, calendar.values[code % n])))
    order = {pair: i for i, pair in enumerate(sorted(set(named)))}
    return smallest(np.array([order[pair] for pair in named], dtype=np.int32), len(order))[where], tuple(order)


def _sessions(events: EventColumns, exchange: np.ndarray, calendars: Sequence[TradingCalendar]) -> np.ndarray:
    """Day 0 by exchange: each distinct moment is placed once."""
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


def _series(
    events: EventColumns, pair: np.ndarray, pairs: Sequence[tuple[str, str]], spec: StudySpec
) -> tuple[np.ndarray, tuple[SeriesKey, ...]]:
    own = events.columns["benchmark"]
    n = len(own.values)
    known, where = _combined(pair, own.codes, n)
    named = []
    for code in known.tolist():
        text, (ticker, exchange) = own.values[code % n], pairs[code // n]
        named.append(key_of(ticker, exchange, tuple(text.split(";")) if text else spec.benchmarks, spec))
    order = {key: i for i, key in enumerate(sorted(set(named), key=lambda k: (k.ticker, k.exchange, k.benchmarks)))}
    return smallest(np.array([order[key] for key in named], dtype=np.int32), len(order))[where], tuple(order)


def asked_range(found: Listing, spec: StudySpec) -> tuple[date, date]:
    """Dates that prices are wanted for, as a small study asks for them."""
    starts, ends = [], []
    reach, exchange = max(spec.event_window.end, 0), found.exchange()
    for i, code in enumerate(found.codes):
        sessions = found.calendars[code].sessions
        placed = found.session[(exchange == i) & (found.session >= 0)]
        if len(placed):
            starts.append(sessions[max(0, int(placed.min()) - HISTORY_SESSIONS)])
            ends.append(sessions[min(len(sessions) - 1, int(placed.max()) + reach)])
    if not starts:
        calendars = list(found.calendars.values())
        starts, ends = [c.sessions[0] for c in calendars], [c.sessions[-1] for c in calendars]
    return min(starts).item(), max(ends).item()


# how an excluded row came to be excluded: what its sentence is made from
UNDATED, UNPRICED, OUTSIDE, NO_GAP_RETURN, FEW, DEFICIENT = range(6)


@dataclass(slots=True)
class Excluded:
    """Rows that are not studied, as numbers; their sentences are made when they are written.

    Attributes
    ----------
    blocks : list of arrays (5, m) int32
        Row of the events file, kind, series, session, valid estimation observations.
    """

    blocks: list[np.ndarray] = field(default_factory=list)

    def add(
        self,
        rows: np.ndarray,
        kind: int | np.ndarray,
        series: np.ndarray,
        session: np.ndarray,
        n_obs: int | np.ndarray = 0,
    ) -> None:
        """Exclude some rows."""
        columns = np.broadcast_arrays(rows, kind, series, session, n_obs)
        self.blocks.append(np.stack([column.astype(np.int32) for column in columns]))

    def ordered(self) -> np.ndarray:
        """All of them in file order; int32 (5, m). Millions are held once: the blocks give way to what is returned."""
        if len(self.blocks) != 1 or (np.diff(self.blocks[0][0]) < 0).any():
            everything = np.concatenate([np.zeros((5, 0), dtype=np.int32), *self.blocks], axis=1)
            self.blocks.clear()
            order = np.argsort(everything[0], kind="stable")
            for column in everything:
                column[:] = column[order]
            self.blocks.append(everything)
        return self.blocks[0]


def admit(found: Listing, reach: Sequence[ledger.Reach | None], gap: Bools | None, excluded: Excluded) -> np.ndarray:
    """Rows whose day 0 lies within the prices, in file order; the others are excluded.

    Parameters
    ----------
    found : Listing
    reach : sequence of Reach or None
        Of each series; None without prices.
    gap : bool (n,) or None
        Under ``--missing strict``, rows whose day 0 has no one-session return.
    excluded : Excluded
        Added to.
    """
    first = np.array([-1 if r is None else r.first for r in reach], dtype=np.int32)
    end = np.array([-1 if r is None else r.end for r in reach], dtype=np.int32)
    priced = np.array([r is not None for r in reach], dtype=bool)[found.series]
    dated = found.session >= 0
    # nothing lies after the last session of a series without prices
    inside = (found.session >= np.maximum(first, 0)[found.series]) & (found.session <= end[found.series])
    good = dated & priced & inside
    lost = [(~dated, UNDATED), (dated & ~priced, UNPRICED), (dated & priced & ~inside, OUTSIDE)]
    if gap is not None:
        lost.append((good & gap, NO_GAP_RETURN))
        good &= ~gap
    for where, kind in lost:
        rows = np.flatnonzero(where)
        excluded.add(rows, kind, found.series[rows], found.session[rows])
    return np.flatnonzero(good).astype(np.int32)
