"""A vintage: what one request for one symbol brought, never mixed with another request's figures."""

from __future__ import annotations

import hashlib
import math
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

import numpy as np

from eventstudy.data.calendar import ZONES, TradingCalendar, last_final_date, load_calendar
from eventstudy.data.intake import accept
from eventstudy.data.prices import Dates, Floats, PriceSeries, Refusal
from eventstudy.data.raw import COLUMNS as RAW_COLUMNS
from eventstudy.data.raw import RawSeries

# Our names of a bar's figures -> Yahoo's headings, which exported files carry too
HEADINGS = {
    "open": "Open",
    "high": "High",
    "low": "Low",
    "close": "Close",
    "adj_close": "Adj Close",
    "volume": "Volume",
    "dividend": "Dividends",
    "split": "Stock Splits",
    "capital_gain": "Capital Gains",
}
COLUMNS = tuple(HEADINGS)
# Two replies agree on a figure up to this relative difference: Yahoo prints some prices in single precision.
AGREEMENT = 1e-6
FOREIGN_DIVIDENDS = "dividends in another currency"
# How a note begins where the vendor's columns contradict each other: the series is refused with it.
CONTRADICTION = "the source's columns contradict each other; "
# Sources whose closes are as traded, with dividends and splits of their day -> name of their layout
RAW_SOURCES = {"tiingo": "Tiingo", "eodhd": "EODHD"}
_WITHOUT_ADJUSTED = (
    "dividends are paid in another currency than the prices, and the source states no adjusted close: there is no "
    "total return; a file of your own with an adjusted close is read with --source csv:DIR"
)
PRICES, UNKNOWN, NOTHING = "prices", "unknown", "nothing"


@dataclass(frozen=True, slots=True)
class Bars:
    """Daily figures as the source sent them, oldest first; a row without a close is a hole it admits.

    Attributes
    ----------
    dates : datetime64[D] (n,)
        Strictly increasing, in exchange time.
    columns : dict
        Each of ``COLUMNS`` -> float64 (n,). Prices are adjusted for splits, ``adj_close`` also for dividends; dividend
        and capital gain are cash per share on the same split basis (0 on other days), split is new shares per old
        (0 on other days). NaN where the source sent nothing.
    """

    dates: Dates
    columns: dict[str, Floats]

    def digest(self) -> str:
        """sha256 over dates and every column: equal figures, equal digest."""
        whole = hashlib.sha256(self.dates.astype("datetime64[D]").astype(np.int64).tobytes())
        for name in COLUMNS:
            # one bit pattern for every NaN
            values = np.where(np.isnan(self.columns[name]), np.nan, self.columns[name])
            whole.update(name.encode() + np.ascontiguousarray(values, dtype=np.float64).tobytes())
        return whole.hexdigest()

    def within(self, start: Dates | np.datetime64, end: Dates | np.datetime64) -> Bars:
        """The rows dated from start to end, both included."""
        kept = (self.dates >= start) & (self.dates <= end)
        return Bars(self.dates[kept], {name: values[kept] for name, values in self.columns.items()})

    def closed(self) -> Dates:
        """Dates that have a close."""
        return self.dates[np.isfinite(self.columns["close"])]


def no_bars() -> Bars:
    """No rows at all."""
    return Bars(np.array([], dtype="datetime64[D]"), {name: np.array([]) for name in COLUMNS})


@dataclass(frozen=True, slots=True, kw_only=True)
class Vintage:
    """One fetch with its provenance.

    Attributes
    ----------
    id : int
        Row of the store; 0 where it was not kept.
    outcome : {"prices", "unknown", "nothing"}
        Prices came; the source knows no such symbol; it has nothing in the range.
    requested_start, requested_end : date
        Both included.
    fetched_at : datetime
        UTC.
    status : int
        Of the HTTP reply.
    body_sha256 : str
        Of the reply as it came.
    timezone, exchange, currency, instrument : str
        As the source says them.
    extends : int
        The vintage whose older rows this one continues, after their overlap was seen to agree; 0 for none.
    bars : Bars
        Of an extension: with the older rows.
    """

    id: int = 0
    symbol: str
    source: str
    outcome: str
    requested_start: date
    requested_end: date
    fetched_at: datetime
    status: int
    body_sha256: str
    client: str
    client_version: str
    timezone: str = ""
    exchange: str = ""
    currency: str = ""
    instrument: str = ""
    extends: int = 0
    note: str = ""
    bars: Bars


@lru_cache(maxsize=16)
def _years(code: str, first: int, last: int) -> TradingCalendar:
    """Whole years with a month around them: few calendars serve many ranges."""
    return load_calendar(code, date(first - 1, 12, 1), date(last + 1, 1, 31))


def market_calendar(timezone: str, start: date, end: date) -> TradingCalendar | None:
    """The calendar that listings and indices of a time zone follow, or None where none is known.

    It reaches a month beyond both dates, so that there are sessions before and after.
    """
    if timezone not in ZONES:
        return None
    return _years(ZONES[timezone], min(start, end).year, max(start, end).year)


def last_final(timezone: str, start: date, end: date, now: datetime) -> date:
    """The last session up to ``end`` whose bar is final at a moment: it closed half an hour ago or more.

    Where no calendar is known for the zone, any date counts as a session, and is final when it is over everywhere.
    """
    calendar = market_calendar(timezone, min(start, now.date()), now.date())
    if calendar is None:
        return min(end, (now - timedelta(hours=36)).date())
    before = calendar.sessions[0].item() - timedelta(days=1)
    final = min(end, last_final_date(calendar, now) or before)
    at = int(np.searchsorted(calendar.sessions, np.datetime64(final), side="right")) - 1
    found: date = calendar.sessions[at].item() if at >= 0 else before
    return found


def only_final(bars: Bars, timezone: str, start: date, now: datetime) -> Bars:
    """The bars from a date on whose session is final."""
    return bars.within(np.datetime64(start), np.datetime64(last_final(timezone, start, now.date(), now)))


def gaps(vintage: Vintage, start: date, end: date) -> Dates:
    """Sessions from the later of ``start`` and the first close up to ``end`` that have no close: datetime64[D] (n,)."""
    closed = vintage.bars.closed()
    calendar = market_calendar(vintage.timezone, start, max(end, start))
    if calendar is None:
        return np.array([], dtype="datetime64[D]")
    first = max(np.datetime64(start), closed[0]) if len(closed) else np.datetime64(start)
    sessions = calendar.sessions[(calendar.sessions >= first) & (calendar.sessions <= np.datetime64(end))]
    return sessions[~np.isin(sessions, closed)]


def was_asked(vintage: Vintage, start: date, end: date, now: datetime) -> bool:
    """Whether the source was asked for every final session of the range after it was final: what is not there, the
    source did not have."""
    answered = last_final(vintage.timezone, start, vintage.requested_end, vintage.fetched_at)
    return vintage.requested_start <= start and answered >= last_final(vintage.timezone, start, end, now)


def covers(vintage: Vintage, start: date, end: date, now: datetime) -> bool:
    """Whether it holds every session from the later of ``start`` and the source's first one to ``end``, as far as
    those are final; an earlier start than the source's own is not a hole."""
    if vintage.outcome != PRICES or not was_asked(vintage, start, end, now):
        return False
    return not len(gaps(vintage, start, last_final(vintage.timezone, start, end, now)))


def extended(base: Vintage, reply: Vintage) -> Vintage | None:
    """A reply for the newest sessions as the continuation of a vintage, or None where that would be a splice.

    It continues only where every overlapping close and adjusted close agrees, and nothing was paid or split since.
    """
    overlap, at_base, at_reply = np.intersect1d(base.bars.dates, reply.bars.dates, return_indices=True)
    if not len(overlap) or reply.timezone != base.timezone or reply.currency != base.currency:
        return None
    if base.note.startswith(CONTRADICTION) or reply.note.startswith(CONTRADICTION):
        return None
    for name in ("close", "adj_close", "dividend", "split", "capital_gain"):
        old, new = base.bars.columns[name][at_base], reply.bars.columns[name][at_reply]
        filled = np.isnan(old) & (name in ("close", "adj_close"))
        if not (np.isclose(new, old, rtol=AGREEMENT, atol=0, equal_nan=True) | filled).all():
            return None
    since = reply.bars.dates > base.bars.dates[-1]
    if any(
        (np.nan_to_num(reply.bars.columns[name][since]) != 0).any() for name in ("dividend", "split", "capital_gain")
    ):
        return None
    return replace(
        reply,
        extends=base.id,
        requested_start=base.requested_start,
        bars=joined(base.bars, reply.bars),
        note="; ".join(
            [
                f"continues vintage {base.id}: {len(overlap)} overlapping sessions agree",
                *([FOREIGN_DIVIDENDS] if pays_in_another_currency(base) or pays_in_another_currency(reply) else []),
            ]
        ),
    )


def joined(older: Bars, newer: Bars) -> Bars:
    """The newer rows, and before them the older ones."""
    before = older.dates < newer.dates[0]
    return Bars(
        np.concatenate([older.dates[before], newer.dates]),
        {name: np.concatenate([older.columns[name][before], newer.columns[name]]) for name in COLUMNS},
    )


def to_series(vintage: Vintage, origin: str) -> PriceSeries | Refusal:
    """A vintage as prices for a study, or why its figures are refused.

    Total returns are made from dividends; from the adjusted close where that contradicts them, and where the source
    says that dividends are paid in another currency than the prices.
    """
    if vintage.note.startswith(CONTRADICTION):
        return Refusal(vintage.symbol, vintage.note)
    columns = {name: values for name, values in vintage.bars.columns.items() if name in RAW_COLUMNS}
    layout = RAW_SOURCES.get(vintage.source)
    if pays_in_another_currency(vintage):
        if layout is not None or not np.isfinite(columns["adj_close"]).any():
            return Refusal(vintage.symbol, _WITHOUT_ADJUSTED)
        columns.pop("dividend")
    elif layout is None:
        columns["dividend"] = distributions(vintage.bars)
    raw = RawSeries(
        symbol=vintage.symbol,
        dates=vintage.bars.dates,
        columns=columns,
        layout=layout or "Yahoo",
        heading_basis="raw" if layout else "split-adjusted",
        source=vintage.source,
        origin=origin,
        fetched_at=vintage.fetched_at.isoformat(timespec="seconds"),
        currency=vintage.currency,
    )
    return accept(raw, trust_adjusted=layout is None)


def pays_in_another_currency(vintage: Vintage) -> bool:
    """Whether the source says that dividends are in another currency than the prices."""
    return FOREIGN_DIVIDENDS in vintage.note


def distributions(bars: Bars) -> Floats:
    """Cash per share of each day: float64 (n,).

    Funds' capital gains are beside their dividends, and sometimes inside them as well; of the two readings the one
    that the adjusted close agrees with counts.
    """
    dividend, gain = np.nan_to_num(bars.columns["dividend"]), np.nan_to_num(bars.columns["capital_gain"])
    paid: Floats = dividend.copy()
    close, adjusted = bars.columns["close"], bars.columns["adj_close"]
    for at in np.flatnonzero(gain):
        if at == 0:
            continue
        with np.errstate(invalid="ignore", divide="ignore"):
            implied = close[at - 1] * (1 - (adjusted[at - 1] / close[at - 1]) / (adjusted[at] / close[at]))
        both = dividend[at] + gain[at]
        paid[at] = dividend[at] if abs(dividend[at] - implied) < abs(both - implied) else both
    return paid


def described(vintage: Vintage) -> dict[str, Any]:
    """A vintage as one record of plain values, without its bars."""
    closed = vintage.bars.closed()
    return {
        "symbol": vintage.symbol,
        "vintage": vintage.id,
        "outcome": vintage.outcome,
        "rows": len(closed),
        "first": str(closed[0]) if len(closed) else "",
        "last": str(closed[-1]) if len(closed) else "",
        "currency": vintage.currency,
        "exchange": vintage.exchange,
        "timezone": vintage.timezone,
        "source": vintage.source,
        "client": f"{vintage.client} {vintage.client_version}",
        "requested": [vintage.requested_start.isoformat(), vintage.requested_end.isoformat()],
        "fetched_at": vintage.fetched_at.isoformat(timespec="seconds"),
        "status": vintage.status,
        "body_sha256": vintage.body_sha256,
        "note": vintage.note,
    }


@dataclass(frozen=True, slots=True)
class Revision:
    """Differences between two vintages of a symbol on common dates.

    Attributes
    ----------
    older, newer : int
        Their ids.
    n_dates : int
        Dates on which the column differs.
    first, last : str
        ISO dates of the first and last difference.
    largest : float
        Largest relative difference; absolute for dividends, splits and capital gains.
    """

    symbol: str
    older: int
    newer: int
    column: str
    n_dates: int
    first: str
    last: str
    largest: float


def revisions(older: Vintage, newer: Vintage) -> list[Revision]:
    """Differences of a later vintage, column by column."""
    dates, at_old, at_new = np.intersect1d(older.bars.dates, newer.bars.dates, return_indices=True)
    found = []
    for name in COLUMNS:
        old, new = older.bars.columns[name][at_old], newer.bars.columns[name][at_new]
        cash = name in ("dividend", "split", "capital_gain")
        with np.errstate(invalid="ignore", divide="ignore"):
            size = np.abs(new - old) if cash else np.abs(new / old - 1)
        one_sided = np.isnan(old) != np.isnan(new)
        differs = one_sided | (np.nan_to_num(size) > AGREEMENT)
        if differs.any():
            where = dates[differs]
            largest = float(np.nanmax(size[differs])) if np.isfinite(size[differs]).any() else float("nan")
            found.append(
                Revision(
                    older.symbol, older.id, newer.id, name, int(differs.sum()), str(where[0]), str(where[-1]), largest
                )
            )
    return found


def as_record(revision: Revision) -> dict[str, Any]:
    """A revision as plain values; an unknown size is None."""
    return {**asdict(revision), "largest": None if math.isnan(revision.largest) else revision.largest}
