"""Tiingo's daily prices: raw closes, cash dividends and split factors; the adjusted close is the check."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from eventstudy.data import clock
from eventstudy.data.calendar import DEFAULT_EXCHANGE, exchange_of
from eventstudy.data.http import Reply, Web
from eventstudy.data.keys import hidden, key_of
from eventstudy.data.vendors.figures import contradiction, on_sessions
from eventstudy.data.vendors.service import Service
from eventstudy.data.vintage import (
    CONTRADICTION,
    NOTHING,
    PRICES,
    UNKNOWN,
    Bars,
    Vintage,
)
from eventstudy.errors import MalformedResponse, RateLimited, SourceUnavailable, UnknownExchange

NAME, TITLE, KEY = "tiingo", "Tiingo", "TIINGO_API_KEY"
DAILY = "https://api.tiingo.com/tiingo/daily"
ZONE = "America/New_York"
# Tiingo corrects the bar of a day until this hour of New York.
SETTLED = time(20, 0)
# Tiingo's name -> ours; prices are as traded, the factor is new shares per old and 1 on other days.
FIELDS = {
    "open": "open", "high": "high", "low": "low", "close": "close", "volume": "volume", "adjClose": "adj_close",
    "divCash": "dividend", "splitFactor": "split",
}  # fmt: skip
_STAMP = re.compile(r"(\d{4}-\d{2}-\d{2})(?:T00:00:00(?:\.0+)?(?:Z|[+-]\d{2}:?\d{2})?)?")
# The first bar may lie so many days after the first day asked for: holidays and weekends.
SLACK = timedelta(days=10)


@dataclass(slots=True)
class TiingoClient:
    """Asks Tiingo, one symbol after the other."""

    service: Service

    @classmethod
    def with_key(cls) -> TiingoClient:
        """With the key of the environment, which is sent in a header and never in an address. Raises ``UsageError`` if
        there is none."""
        secret = f"Token {key_of(KEY, TITLE)}"
        web = Web(
            service=TITLE,
            domains=("tiingo.com",),
            headers={"Accept": "application/json"},
            secret_headers={"Authorization": secret},
            per_second=4.0,
        )
        return cls(
            Service(name=NAME, title=TITLE, web=web, keys=[secret], refusal=refusal, fields=FIELDS, stamp=_STAMP)
        )

    def ask(self, symbol: str, start: date, end: date) -> Vintage:
        """Everything Tiingo has of a symbol from start to end, both included, as far as it is settled. Raises
        ``RateLimited`` after a cap was reached; further calls raise it without asking. Raises ``SourceUnavailable`` or
        ``MalformedResponse`` if Tiingo refuses, or sends something that is not an answer.

        Returns
        -------
        Vintage
            With outcome ``prices``, ``unknown`` or ``nothing``; the last two only where Tiingo itself says so, or has
            no such market. Closes are raw.
        """
        service = self.service
        end = min(end, _settled_until(clock.utc_now()))
        if why := _elsewhere(symbol):
            return service.vintage(symbol, (start, end), None, UNKNOWN, why)
        meta_reply = service.get(f"{DAILY}/{symbol.lower()}", None, symbol)
        if meta_reply.status == 404:
            return service.vintage(symbol, (start, end), meta_reply, UNKNOWN, f"{TITLE} knows no symbol {symbol}")
        meta = _object(meta_reply, symbol)
        query = {"startDate": start.isoformat(), "endDate": end.isoformat(), "format": "json", "resampleFreq": "daily"}
        reply = service.get(f"{DAILY}/{symbol.lower()}/prices", query, symbol)
        rows = service.rows(reply, symbol)
        if not rows:
            return service.vintage(
                symbol, (start, end), reply, NOTHING, f"{TITLE} has no prices of {symbol} in the range"
            )
        bars, note = self._bars(rows, meta, symbol, start, end)
        return service.vintage(
            symbol,
            (start, end),
            reply,
            PRICES,
            note,
            bars=bars,
            zone=ZONE,
            exchange=str(meta.get("exchangeCode") or "")[:40],
            currency="USD",
            instrument=str(meta.get("name") or "")[:80],
        )

    def _bars(
        self, rows: list[dict[str, Any]], meta: dict[str, Any], symbol: str, start: date, end: date
    ) -> tuple[Bars, str]:
        bars = self.service.bars(rows, symbol)
        bars = bars.within(np.datetime64(start), np.datetime64(end))
        if not len(bars.dates):
            raise MalformedResponse(f"{TITLE} answered for {symbol} with another period", hint="try again")
        begins = _day(meta.get("startDate"))
        first = bars.dates[0].item()
        if first > max(start, begins or start) + SLACK:
            raise MalformedResponse(
                f"{TITLE} answered for {symbol} with {len(bars.dates)} bars from {first} on, and has them from "
                f"{begins or start} on",
                hint="try again",
            )
        bars, left_out = on_sessions(bars, ZONE)
        said = [left_out] if left_out else []
        if begins is not None and begins > start + SLACK:
            said.append(
                f"{TITLE}'s series of {str(meta.get('name') or symbol)[:60]} begins on {begins}: another company may "
                "have had the ticker before"
            )
        if wrong := contradiction(bars, taken_off=False):
            said.insert(0, f"{CONTRADICTION}{wrong}")
        return bars, "; ".join(said)


def _settled_until(now: datetime) -> date:
    """The last day whose bar Tiingo does not correct any more."""
    here = now.astimezone(ZoneInfo(ZONE))
    return here.date() if here.time() >= SETTLED else here.date() - timedelta(days=1)


def _elsewhere(symbol: str) -> str:
    """Why Tiingo cannot have a symbol, as a sentence; empty where it may."""
    if symbol.startswith("^"):
        return f"{TITLE} has no indices; a fund serves as the benchmark: --benchmark SPY"
    if "=" in symbol:
        return f"{TITLE}'s daily prices hold no currencies"
    try:
        home = exchange_of(symbol) == DEFAULT_EXCHANGE
    except UnknownExchange:
        home = False
    return (
        ""
        if home
        else f"{TITLE} has listings of the United States; {symbol} is unknown there, which is not a delisting"
    )


def refusal(reply: Reply, symbol: str, keys: list[str]) -> SourceUnavailable | None:
    """Why a reply is not an answer; None where it is one, or says that the symbol is unknown.

    The cap of a month comes with status 200 and a sentence, that of an hour with 429: neither is an unknown symbol.
    """
    said, detail = hidden(reply.text[:300], keys), ""
    try:
        found = json.loads(reply.body)
        if isinstance(found, dict) and "detail" in found:
            detail = hidden(str(found["detail"])[:300], keys)
        if reply.status == 200 and not detail:
            return None
    except (ValueError, RecursionError):
        pass
    lower = (detail or said).lower()
    if reply.status == 429 or "run over your" in lower or ("over your" in lower and "allocation" in lower):
        wait = "the cap of a month" if "month" in lower else "the cap of an hour, which ends with it"
        return RateLimited(
            f"{TITLE} refuses more requests for now: {detail or said}",
            hint=f"it is {wait}; --offline uses what is here, and another --source may be asked",
        )
    if reply.status in (401, 403) or "token" in lower or "permission" in lower:
        return SourceUnavailable(f"{TITLE} does not accept the key: {detail or said}", hint=f"correct {KEY}")
    if reply.status == 404 and "not found" in lower:
        return None
    kind = "a web page" if reply.is_page else said[:120] or "nothing"
    return MalformedResponse(
        f"{TITLE}'s reply for {symbol} cannot be read (status {reply.status}: {kind})",
        hint="try again; a portal or proxy may answer instead",
    )


def _object(reply: Reply, symbol: str) -> dict[str, Any]:
    found = json.loads(reply.body)
    if not isinstance(found, dict) or str(found.get("ticker", "")).upper() != symbol.upper():
        raise MalformedResponse(f"{TITLE} answered for another symbol than {symbol}", hint="try again")
    return found


def _day(value: object) -> date | None:
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        return None
