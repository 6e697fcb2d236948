"""Events and confounders on exchange calendars: day 0, what is masked, what overlaps, what else happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
import pandas as pd

from eventstudy.data.calendar import Placement, TradingCalendar, exchange_of, load_calendar, place
from eventstudy.data.confounders import ConfounderTable
from eventstudy.data.events import EventTable
from eventstudy.engine.panel import Bools, Ints
from eventstudy.engine.windows import WindowPlan
from eventstudy.spec import MASKING_KINDS, StudySpec

MASK_REACH = 1
# Sessions needed before the first event: estimation windows and 750 sessions of pseudo-events.
HISTORY_SESSIONS = 1050


@dataclass(frozen=True, slots=True)
class Nearby:
    """A confounder in event time.

    Attributes
    ----------
    day : int
        Sessions after (negative: before) the event's day 0.
    kind, title : str
    """

    day: int
    kind: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """All events of a file on their calendars.

    Attributes
    ----------
    events : EventTable
    placements : tuple of Placement or None
        One per row; None where the exchange calendar does not reach.
    exchange : tuple of str
        Calendar code per row.
    calendars : dict
        Code -> TradingCalendar, each covering all of its rows with room on both sides.
    confounders : dict
        (ticker, exchange) -> ((session, kind, title), ...), sorted.
    keys : tuple of (ticker, exchange)
        Per row: what shares a series of prices.
    event_ids, roles, categories, benchmarks : tuple of str
        Per row, as the events file has them.
    mates : dict
        (ticker, exchange) -> its placed rows, in file order.
    """

    events: EventTable
    placements: tuple[Placement | None, ...]
    exchange: tuple[str, ...]
    calendars: dict[str, TradingCalendar]
    confounders: dict[tuple[str, str], tuple[tuple[int, str, str], ...]]
    keys: tuple[tuple[str, str], ...]
    event_ids: tuple[str, ...]
    roles: tuple[str, ...]
    categories: tuple[str, ...]
    benchmarks: tuple[str, ...]
    mates: dict[tuple[str, str], list[int]]


@dataclass(frozen=True, slots=True)
class _Placer:
    """Day 0 of each distinct moment on each calendar, worked out once."""

    calendars: dict[str, TradingCalendar]
    known: dict[tuple[str, pd.Timestamp, pd.Timestamp, str], Placement | None] = field(default_factory=dict)

    def place(self, code: str, instant: pd.Timestamp, day: pd.Timestamp, timing: str) -> Placement | None:
        key = (code, instant, day, timing)
        if key not in self.known:
            self.known[key] = place(self.calendars[code], instant, day, timing)
        return self.known[key]


def build_catalogue(
    events: EventTable, confounders: ConfounderTable | None, until: date | None = None, reach: int = 0
) -> Catalogue:
    """Place every event and confounder on the calendar of its listing.

    Parameters
    ----------
    events : EventTable
    confounders : ConfounderTable or None
    until : date or None
        Last date the calendars must reach besides the events themselves.
    reach : int
        Sessions after the last event that the calendars must hold.
    """
    frame = events.frame
    overrides = frame["calendar"].tolist()
    exchange = tuple(exchange_of(t, o) for t, o in zip(frame["ticker"].tolist(), overrides, strict=True))
    calendars = _calendars(frame, exchange, until, reach)
    placer = _Placer(calendars)
    columns = zip(exchange, frame["instant"], frame["date"], frame["timing"].tolist(), strict=True)
    placements = tuple(placer.place(*row) for row in columns)
    keys = tuple(zip(map(str, frame["ticker"]), exchange, strict=True))
    pairs = sorted(set(keys))
    mates: dict[tuple[str, str], list[int]] = {pair: [] for pair in pairs}
    for row, placement in enumerate(placements):
        if placement is not None:
            mates[keys[row]].append(row)
    return Catalogue(
        events=events,
        placements=placements,
        exchange=exchange,
        calendars=calendars,
        confounders=place_confounders(confounders, pairs, calendars),
        keys=keys,
        event_ids=tuple(map(str, frame["event_id"])),
        roles=tuple(frame["role"]),
        categories=tuple(frame["category"]),
        benchmarks=tuple(frame["benchmark"]),
        mates=mates,
    )


def _calendars(
    frame: pd.DataFrame, exchange: Sequence[str], until: date | None, reach: int
) -> dict[str, TradingCalendar]:
    """The calendar of every listing of a frame of events."""
    when = frame["date"].fillna(frame["instant"].dt.tz_localize(None).dt.floor("D"))
    codes, days = np.array(exchange), when.to_numpy().astype("datetime64[D]")
    spans = {
        code: (days[codes == code].min().item(), days[codes == code].max().item()) for code in dict.fromkeys(exchange)
    }
    return calendars_over(spans, until, reach)


def calendars_over(
    spans: Mapping[str, tuple[date, date]], until: date | None = None, reach: int = 0
) -> dict[str, TradingCalendar]:
    """One calendar a listing, from well before its first event to well after its last and ``reach`` sessions more."""
    return {
        code: load_calendar(
            code,
            first - timedelta(days=int(HISTORY_SESSIONS * 1.5)),
            max(last + timedelta(days=90 + int(reach * 1.5)), until or date.min),
        )
        for code, (first, last) in spans.items()
    }


def place_confounders(
    table: ConfounderTable | None, pairs: Sequence[tuple[str, str]], calendars: Mapping[str, TradingCalendar]
) -> dict[tuple[str, str], tuple[tuple[int, str, str], ...]]:
    """(ticker, exchange) -> its confounders as (session, kind, title), sorted."""
    placer = _Placer(dict(calendars))
    found: dict[tuple[str, str], tuple[tuple[int, str, str], ...]] = dict.fromkeys(pairs, ())
    if table is None:
        return found
    rows = list(table.frame[["instant", "date", "timing", "tickers", "kind", "title"]].itertuples(index=False))
    for ticker, code in pairs:
        placed = []
        for row in rows:
            if row.tickers and ticker not in row.tickers:
                continue
            placement = placer.place(code, row.instant, row.date, row.timing)
            if placement is not None:
                # kinds that mask do so only for the tickers they name
                kind = row.kind if row.tickers or row.kind not in MASKING_KINDS else f"{row.kind}_all"
                placed.append((placement.session, str(kind), str(row.title)))
        found[ticker, code] = tuple(sorted(placed))
    return found


def masking_sessions(
    catalogue: Catalogue, key: tuple[str, str], mates: Sequence[int], spec: StudySpec
) -> dict[int, int]:
    """Sessions whose neighbourhood is masked -> the catalogue row they come from (-1: a confounder)."""
    if spec.exclude == "none":
        return {}
    sessions: dict[int, int] = {}
    for row in mates:
        placement = catalogue.placements[row]
        if placement is not None and catalogue.roles[row] != "placebo":
            sessions.setdefault(placement.session, row)
    for session, kind, _ in catalogue.confounders[key]:
        if kind in MASKING_KINDS:
            sessions[session] = -1
    return sessions


def event_mask(sessions: dict[int, int], session: int, plan: WindowPlan) -> Bools:
    """Days (D,) that an event leaves out: one session around every other catalogued session of the firm.

    The event's own day 0 lies outside its estimation window, so it needs no exception here.
    """
    mask = np.zeros(plan.n_days, dtype=bool)
    others = np.array([other for other in sessions if other != session], dtype=np.int64)
    reach = np.arange(-MASK_REACH, MASK_REACH + 1)
    columns = (others[:, None] - session + reach - plan.estimation_start).ravel()
    mask[columns[(columns >= 0) & (columns < plan.n_days)]] = True
    return mask


def history_mask(sessions: dict[int, int], n_sessions: int) -> Bools:
    """The same sessions in calendar time (T,), for pseudo-events."""
    mask = np.zeros(n_sessions, dtype=bool)
    for session in sessions:
        mask[max(0, session - MASK_REACH) : session + MASK_REACH + 1] = True
    return mask


def nearby(catalogue: Catalogue, row: int, start: int, end: int) -> tuple[Nearby, ...]:
    """Confounders of a row from day ``start`` to day ``end``.

    A confounder of the announcement's own category on its own day 0 is taken to be the announcement itself.
    """
    placement = catalogue.placements[row]
    if placement is None:
        return ()
    category = catalogue.categories[row]
    return tuple(
        Nearby(session - placement.session, kind.removesuffix("_all"), title)
        for session, kind, title in catalogue.confounders[catalogue.keys[row]]
        if start <= session - placement.session <= end and not (session == placement.session and kind == category)
    )


def other_days(catalogue: Catalogue, row: int, mates: Sequence[int]) -> Ints:
    """Day 0 of the firm's other announcements (placebos left out), in this row's event time."""
    own = catalogue.placements[row]
    if own is None:
        return np.array([], dtype=np.int64)
    days = [
        placement.session - own.session
        for other in mates
        if other != row
        and catalogue.roles[other] != "placebo"
        and (placement := catalogue.placements[other]) is not None
    ]
    return np.array(sorted(days), dtype=np.int64)


def shares_session(catalogue: Catalogue, row: int, mates: Sequence[int]) -> bool:
    """Whether another announcement of the firm has the same day 0."""
    own = catalogue.placements[row]
    return own is not None and any(
        other != row and (placement := catalogue.placements[other]) is not None and placement.session == own.session
        for other in mates
    )
