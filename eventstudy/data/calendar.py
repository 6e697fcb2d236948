"""Exchange calendars as arrays, and the rule that gives an announcement its day 0."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from eventstudy.data.calendar_library import built, known_throughout, library
from eventstudy.errors import UnknownExchange, UsageError
from eventstudy.lists import listed

DEFAULT_EXCHANGE = "XNYS"
# the code of a calendar whose sessions are the benchmark's own rows
DATA = "data"
ALWAYS, WEEKDAYS = "24/7", "24/5"
# Yahoo's suffix of a listing -> market identifier code
SUFFIXES: dict[str, str] = listed("exchanges")["suffixes"]
# Indices whose symbols have no suffix -> the exchange whose sessions they follow; New York's are left out
INDICES: dict[str, str] = listed("exchanges")["indices"]
# Currencies in which crypto symbols are quoted: BTC-USD. No share class has three letters.
QUOTED_IN = (
    "AUD", "BRL", "BTC", "CAD", "CHF", "CNY", "ETH", "EUR", "GBP", "HKD", "INR", "JPY", "KRW", "TRY", "USD", "USDC",
    "USDT",
)  # fmt: skip
FX = "=X"
# Codes of New York's exchanges that other programs write behind a ticker: AAPL.US (Stooq, EODHD), AAPL.O (LSEG)
NEW_YORK = ("US", "N", "O", "OQ")
# Letters of share classes, BRK.B: no suffix of a listing is one of them
SHARE_CLASSES = ("A", "B", "C", "D", "E")
# Time zone of an exchange -> the calendar its listings and indices follow
ZONES: dict[str, str] = listed("exchanges")["zones"]
# A closing price is taken as final this long after the close: auctions and late prints are in by then.
FINAL_AFTER = np.timedelta64(30, "m")


@dataclass(frozen=True, slots=True)
class TradingCalendar:
    """Sessions of one exchange.

    Attributes
    ----------
    code, zone : str
        Market identifier code and IANA time zone.
    sessions : datetime64[D] (T,)
    opens, closes : datetime64[s] (T,)
        UTC.
    early : bool (T,)
        Sessions that close early.
    corrected : datetime64[D] (C,)
        Sessions that prices added to the calendar, and those after a session that prices took out of it.
    """

    code: str
    zone: str
    sessions: NDArray[np.datetime64]
    opens: NDArray[np.datetime64]
    closes: NDArray[np.datetime64]
    early: NDArray[np.bool_]
    corrected: NDArray[np.datetime64] = field(default_factory=lambda: np.zeros(0, dtype="datetime64[D]"))


@dataclass(frozen=True, slots=True)
class Placement:
    """Day 0 of an announcement.

    Attributes
    ----------
    session : int
        Position on the calendar.
    date : datetime64[D]
    timing_class : str
        ``bmo``, ``dmh``, ``amc``, ``closed`` (no session that day) or ``unknown``.
    rule : str
        The rule used, as a sentence.
    uncertain : bool
        The hour is unknown, so day 0 may be the next session.
    """

    session: int
    date: np.datetime64
    timing_class: str
    rule: str
    uncertain: bool


def suffix_of(ticker: str) -> str:
    """The suffix after the last point of a ticker, in capitals; empty without one."""
    return ticker.rsplit(".", 1)[1].upper() if "." in ticker else ""


def exchange_of(ticker: str, override: str = "") -> str:
    """Calendar code of a listing: the override, else its suffix or that of an index, else New York.

    Crypto symbols such as BTC-USD trade on every day, currencies such as EURUSD=X on every weekday.

    Raises
    ------
    UnknownExchange
        If no exchange is known for the suffix.
    UsageError
        If the code of the override is unknown.
    """
    if override:
        return _known(override)
    symbol = ticker.upper()
    if symbol.startswith("^") and symbol[1:] in INDICES:
        return INDICES[symbol[1:]]
    if symbol.endswith(FX):
        return WEEKDAYS
    if "-" in symbol and symbol.rsplit("-", 1)[1] in QUOTED_IN:
        return ALWAYS
    suffix = suffix_of(ticker)
    if not suffix or suffix in NEW_YORK or suffix in SHARE_CLASSES:
        return DEFAULT_EXCHANGE
    if suffix not in SUFFIXES:
        stem = ticker.rsplit(".", 1)[0]
        close = difflib.get_close_matches(suffix, SUFFIXES, n=1, cutoff=0.5)
        meant = f"; did you mean {stem}.{close[0]}?" if close else ""
        raise UnknownExchange(
            f"ticker {ticker!r}: no exchange is known for the suffix .{suffix}{meant}",
            f"a suffix such as .AS or .L, a share class as {stem}-B, or the bare ticker for New York",
            "give the exchange code in a `calendar` column, such as XAMS",
        )
    return SUFFIXES[suffix]


def of_benchmark(ticker: str, cell: str) -> str:
    """Calendar code of a ticker on its benchmark's own rows: ``data``, the listing's code for its hours, and the
    benchmark where the row names one."""
    try:
        listing = exchange_of(ticker)
    except UnknownExchange:
        listing = ALWAYS
    return ":".join(filter(None, (DATA, listing, cell.partition(":")[2])))


def listing_of(code: str) -> str:
    """The code whose hours a calendar has: its own, or for ``data:XNYS:SPY`` that of the listing."""
    return code.split(":")[1] if code.startswith(f"{DATA}:") else code


def calendar_names() -> list[str]:
    """Every name that a ``calendar`` cell may have."""
    return [*library().get_calendar_names(), DATA]


@lru_cache(maxsize=64)
def _known(code: str) -> str:
    names = calendar_names()
    if code not in names:
        close = difflib.get_close_matches(code, names, n=1)
        hint = f"did you mean {close[0]}?" if close else "codes are those of exchange_calendars, such as XNYS, XAMS"
        raise UsageError(f"calendar {code!r} is unknown", "a market identifier code, 24/7, 24/5 or data", hint)
    return code


@lru_cache(maxsize=128)
def load_calendar(code: str, start: date, end: date) -> TradingCalendar:
    """Sessions of an exchange between two dates, both included, as arrays.

    Some exchanges' holidays are known for certain years only; the calendar then ends where that knowledge ends, and
    ``place`` finds no day 0 outside it.

    Raises
    ------
    UnknownExchange
        If the library cannot build this exchange's calendar at all.
    """
    years = _years(code, start.year, end.year)
    if years is None:
        return _as_arrays(code, built(code, pd.Timestamp(start), pd.Timestamp(end)))
    inside = slice(*np.searchsorted(years.sessions, [np.datetime64(start), np.datetime64(end) + 1]))
    parts = {name: getattr(years, name)[inside] for name in ("sessions", "opens", "closes", "early")}
    return replace(years, **parts)


@lru_cache(maxsize=32)
def _years(code: str, first: int, last: int) -> TradingCalendar | None:
    """The sessions of whole years, for every range in them; None where the library does not know them to the end."""
    calendar = known_throughout(code, pd.Timestamp(first, 1, 1), pd.Timestamp(last, 12, 31))
    return None if calendar is None else _as_arrays(code, calendar)


def _as_arrays(code: str, calendar: Any) -> TradingCalendar:
    sessions = calendar.sessions.to_numpy().astype("datetime64[D]")
    early = np.isin(sessions, calendar.early_closes.to_numpy().astype("datetime64[D]"))
    return TradingCalendar(
        code=code,
        zone=str(calendar.tz.key if hasattr(calendar.tz, "key") else calendar.tz),
        sessions=sessions,
        opens=_utc(calendar.opens),
        closes=_utc(calendar.closes),
        early=early,
    )


def with_sessions(
    calendar: TradingCalendar, added: NDArray[np.datetime64], removed: NDArray[np.datetime64]
) -> TradingCalendar:
    """The calendar with days added, which open and close at the hours of the session nearest to them, and without
    others; the sessions that this touches are in ``corrected``."""
    kept = ~np.isin(calendar.sessions, removed)
    base, extra = calendar.sessions[kept], np.setdiff1d(added, calendar.sessions)
    at = np.concatenate([np.flatnonzero(kept), _nearest(calendar.sessions, extra)])
    sessions = np.concatenate([base, extra])
    order = np.argsort(sessions, kind="stable")
    shift = np.concatenate([np.zeros(len(base), dtype=np.int64), extra.astype(np.int64)])
    shift[len(base) :] -= calendar.sessions[at[len(base) :]].astype(np.int64)
    sessions = sessions[order]
    after = np.searchsorted(sessions, np.intersect1d(removed, calendar.sessions))
    return TradingCalendar(
        code=calendar.code,
        zone=calendar.zone,
        sessions=sessions,
        opens=_moved(calendar.opens[at], shift, calendar.zone)[order],
        closes=_moved(calendar.closes[at], shift, calendar.zone)[order],
        early=calendar.early[at][order],
        corrected=np.union1d(np.union1d(calendar.corrected, extra), sessions[after[after < len(sessions)]]),
    )


def of_rows(listing: TradingCalendar, code: str, days: NDArray[np.datetime64]) -> TradingCalendar:
    """A calendar whose sessions are given days, with the hours of a listing's sessions nearest to them."""
    found = with_sessions(listing, days, np.setdiff1d(listing.sessions, days))
    return replace(found, code=code, corrected=found.corrected[:0])


def _nearest(sessions: NDArray[np.datetime64], days: NDArray[np.datetime64]) -> NDArray[np.int64]:
    """Position of the session nearest to each day."""
    after = np.minimum(np.searchsorted(sessions, days), len(sessions) - 1)
    before = np.maximum(after - 1, 0)
    return np.asarray(np.where(days - sessions[before] <= sessions[after] - days, before, after))


def _moved(moments: NDArray[np.datetime64], days: NDArray[np.int64], zone: str) -> NDArray[np.datetime64]:
    """Moments (UTC) at the same local clock some days later."""
    found = moments.copy()
    for at in np.flatnonzero(days):
        local = datetime.fromisoformat(f"{moments[at]}+00:00").astimezone(ZoneInfo(zone))
        later = (local + timedelta(days=int(days[at]))).astimezone(UTC)
        found[at] = np.datetime64(later.replace(tzinfo=None), "s")
    return found


def _utc(times: pd.Series) -> NDArray[np.datetime64]:
    return np.asarray(times.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy().astype("datetime64[s]"))


def final_from(calendar: TradingCalendar, session: int) -> np.datetime64:
    """The moment (UTC) from which the closing price of a session counts as final."""
    moment: np.datetime64 = calendar.closes[session] + FINAL_AFTER
    return moment


def last_final_date(calendar: TradingCalendar, now: datetime) -> date | None:
    """Date of the last session whose closing price is final at a moment; None before the calendar's first.

    Parameters
    ----------
    calendar : TradingCalendar
        Must reach the moment.
    now : datetime
        With its zone.
    """
    moment = np.datetime64(now.astimezone(UTC).replace(tzinfo=None), "s")
    at = int(np.searchsorted(calendar.closes + FINAL_AFTER, moment, side="right")) - 1
    found: date | None = calendar.sessions[at].item() if at >= 0 else None
    return found


def place(calendar: TradingCalendar, instant: pd.Timestamp, day: pd.Timestamp, timing: str) -> Placement | None:
    """Day 0: the first session whose close is strictly after the moment the news was public.

    Parameters
    ----------
    instant : Timestamp
        UTC moment, or NaT for a bare date.
    day : Timestamp
        Bare date in exchange time, or NaT.
    timing : {"", "bmo", "dmh", "amc"}
        Bucket of a bare date; empty is unknown.

    Returns
    -------
    Placement or None
        None outside the calendar.
    """
    if len(calendar.sessions) == 0:
        return None
    if pd.isna(day):
        return _place_instant(calendar, instant)
    return _place_date(calendar, np.datetime64(day.date(), "D"), timing)


def place_many(
    calendar: TradingCalendar,
    instant: NDArray[np.datetime64],
    day: NDArray[np.datetime64],
    after_close: NDArray[np.bool_],
) -> NDArray[np.int64]:
    """Position of day 0 of many announcements, by the rule of ``place``; -1 outside the calendar.

    Parameters
    ----------
    instant : datetime64 (n,)
        UTC moments, NaT for a bare date.
    day : datetime64[D] (n,)
        Bare dates, NaT where there is a moment.
    after_close : bool (n,)
        The bare date's timing is ``amc``.

    Checked against
    ---------------
    ``place``, one by one (tests/scale).
    """
    sessions, n = calendar.sessions, len(calendar.sessions)
    found = np.full(len(day), -1, dtype=np.int64)
    if not n:
        return found
    bare = ~np.isnat(day)
    at = np.searchsorted(sessions, day[bare])
    hit = at < n
    hit[hit] = sessions[at[hit]] == day[bare][hit]
    at = at + (after_close[bare] & hit)
    found[bare] = np.where((at < n) & (day[bare] >= sessions[0]), at, -1)
    moments = instant[~bare].astype("datetime64[s]")
    at = np.searchsorted(calendar.closes, moments, side="right")
    local = pd.DatetimeIndex(moments, tz="UTC").tz_convert(calendar.zone).tz_localize(None)
    today = local.to_numpy().astype("datetime64[D]")
    found[~bare] = np.where((at < n) & (today >= sessions[0]), at, -1)
    return found


def _place_instant(calendar: TradingCalendar, instant: pd.Timestamp) -> Placement | None:
    moment = np.datetime64(instant.tz_convert("UTC").tz_localize(None).floor("s").to_datetime64(), "s")
    local = instant.tz_convert(calendar.zone)
    today = np.datetime64(local.date(), "D")
    if today < calendar.sessions[0]:
        return None
    at = int(np.searchsorted(calendar.closes, moment, side="right"))
    if at >= len(calendar.sessions):
        return None
    clock = f"announced {local:%H:%M} {calendar.zone}"
    same = int(np.searchsorted(calendar.sessions, today))
    if same >= len(calendar.sessions) or calendar.sessions[same] != today:
        return _made(calendar, at, "closed", f"{clock}, no session that day: next session")
    if at == same:
        before = moment < calendar.opens[same]
        rule = f"{clock}, before the open: that session" if before else f"{clock}, during the session: that session"
        return _made(calendar, at, "bmo" if before else "dmh", rule)
    close = _local_clock(calendar.closes[same], calendar.zone)
    kind = "early close" if calendar.early[same] else "close"
    if moment < calendar.opens[same]:
        # the calendar's session for this local date has not begun; only possible around overnight markets
        return _made(calendar, at, "bmo", f"{clock}, before the open: that session")
    return _made(calendar, at, "amc", f"{clock}, at or after the {close} {kind}: next session")


def _place_date(calendar: TradingCalendar, day: np.datetime64, timing: str) -> Placement | None:
    if day < calendar.sessions[0]:
        return None
    same = int(np.searchsorted(calendar.sessions, day))
    if same >= len(calendar.sessions):
        return None
    open_that_day = calendar.sessions[same] == day
    where = "that session" if open_that_day else "no session that day: next session"
    if timing == "amc" and open_that_day:
        same, where = same + 1, "next session"
        if same >= len(calendar.sessions):
            return None
    words = {
        "bmo": "dated before the open",
        "dmh": "dated during the session",
        "amc": "dated after the close",
        "": "hour unknown",
    }
    rule = f"{words[timing]}, {where}"
    return _made(calendar, same, timing or "unknown", rule, uncertain=not timing)


def _made(
    calendar: TradingCalendar, session: int, timing_class: str, rule: str, *, uncertain: bool = False
) -> Placement:
    return Placement(session, calendar.sessions[session], timing_class, rule, uncertain)


def _local_clock(moment: np.datetime64, zone: str) -> str:
    utc = datetime.fromisoformat(f"{moment}+00:00")
    return f"{utc.astimezone(ZoneInfo(zone)):%H:%M}"
