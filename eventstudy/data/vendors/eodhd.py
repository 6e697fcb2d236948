"""EODHD's daily prices: raw closes, dividends and splits, each asked for by itself; also other markets and indices."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np

from eventstudy.data.calendar import NEW_YORK, SUFFIXES, ZONES, suffix_of
from eventstudy.data.http import Reply, Web
from eventstudy.data.keys import hidden, key_of
from eventstudy.data.markets import currency_of
from eventstudy.data.prices import Floats
from eventstudy.data.vendors.figures import contradiction, on_sessions
from eventstudy.data.vendors.service import Service
from eventstudy.data.vintage import (
    CONTRADICTION,
    FOREIGN_DIVIDENDS,
    NOTHING,
    PRICES,
    UNKNOWN,
    Bars,
    Vintage,
    no_bars,
)
from eventstudy.errors import MalformedResponse, RateLimited, SourceUnavailable

NAME, TITLE, KEY = "eodhd", "EODHD", "EODHD_API_KEY"
API = "https://eodhd.com/api"
FIELDS = {
    "open": "open", "high": "high", "low": "low", "close": "close", "adjusted_close": "adj_close", "volume": "volume",
}  # fmt: skip
# Yahoo's suffix -> EODHD's code of the exchange; others are not asked for, because the codes are not known for sure
CODES = {
    "AS": "AS", "AX": "AU", "BR": "BR", "CO": "CO", "DE": "XETRA", "F": "F", "HE": "HE", "HK": "HK", "IR": "IR",
    "KQ": "KQ", "KS": "KO", "L": "LSE", "LS": "LS", "MC": "MC", "MX": "MX", "OL": "OL", "PA": "PA", "SA": "SA",
    "SS": "SHG", "ST": "ST", "SW": "SW", "SZ": "SHE", "TO": "TO", "TW": "TW", "V": "V", "VI": "VI",
}  # fmt: skip
_DAY = re.compile(r"(\d{4}-\d{2}-\d{2})")
_SPLIT = re.compile(r"([0-9.]+)/([0-9.]+)")
SLACK = timedelta(days=10)
# A dividend per old share and the same on today's shares agree up to this relative difference.
SAME = 0.02


@dataclass(slots=True)
class EodhdClient:
    """Asks EODHD, one symbol after the other."""

    service: Service

    @classmethod
    def with_key(cls) -> EodhdClient:
        """With the key of the environment. EODHD takes it in the address alone, so addresses are in no message. Raises
        ``UsageError`` if there is none."""
        secret = key_of(KEY, TITLE)
        web = Web(service=TITLE, domains=("eodhd.com",), secret_query={"api_token": secret}, per_second=4.0)
        return cls(Service(name=NAME, title=TITLE, web=web, keys=[secret], refusal=refusal, fields=FIELDS, stamp=_DAY))

    def ask(self, symbol: str, start: date, end: date) -> Vintage:
        """Everything EODHD has of a symbol from start to end, both included, as far as it is final. Raises
        ``RateLimited`` after a cap was reached; further calls raise it without asking. Raises ``SourceUnavailable`` or
        ``MalformedResponse`` if EODHD refuses, or sends something that is not an answer.

        Returns
        -------
        Vintage
            With outcome ``prices``, ``unknown`` or ``nothing``. Closes are raw, dividends of old shares.
        """
        service, asked = self.service, (start, end)
        code, zone = eodhd_code(symbol), zone_of(symbol)
        if not code:
            return service.vintage(symbol, asked, None, UNKNOWN, f"{TITLE}'s name of {symbol} is not known here")
        query = {"from": start.isoformat(), "to": end.isoformat(), "period": "d", "fmt": "json"}
        reply = service.get(f"{API}/eod/{code}", query, symbol)
        if reply.status == 404:
            return service.vintage(symbol, asked, reply, UNKNOWN, f"{TITLE} knows no symbol {code}")
        rows = service.rows(reply, symbol)
        bars = service.bars(rows, symbol).within(np.datetime64(start), np.datetime64(end)) if rows else no_bars()
        if not len(bars.dates):
            return service.vintage(symbol, asked, reply, NOTHING, f"{TITLE} has no prices of {code} in the range")
        since = {"from": start.isoformat(), "fmt": "json"}
        paid, split = (service.get(f"{API}/{what}/{code}", since, symbol) for what in ("div", "splits"))
        bars, note = _with_actions(bars, service.rows(paid, symbol), service.rows(split, symbol), symbol)
        bars, left_out = on_sessions(bars, zone)
        said = "; ".join(part for part in (note, left_out) if part)
        exchange, currency = code.rpartition(".")[2], currency_of(symbol)
        return service.vintage(
            symbol, asked, reply, PRICES, said, bars=bars, zone=zone, exchange=exchange, currency=currency
        )


def eodhd_code(symbol: str) -> str:
    """EODHD's name of a symbol; empty where it is not known for sure."""
    if symbol.startswith("^"):
        return f"{symbol[1:]}.INDX"
    if symbol.endswith("=X"):
        return f"{symbol[:-2]}.FOREX" if len(symbol) == 8 else ""
    suffix = suffix_of(symbol)
    if not suffix or suffix in NEW_YORK:
        return f"{symbol.rsplit('.', 1)[0] if suffix else symbol}.US"
    return f"{symbol.rsplit('.', 1)[0]}.{CODES[suffix]}" if suffix in CODES else ""


def zone_of(symbol: str) -> str:
    """Time zone of a listing, by its suffix; of currencies London's, and empty for an index of another market."""
    from eventstudy.data.markets import index_exchange

    if symbol.endswith("=X"):
        return "Europe/London"
    exchange = index_exchange(symbol) if symbol.startswith("^") else SUFFIXES.get(suffix_of(symbol), "XNYS")
    return next((zone for zone, code in ZONES.items() if code == exchange), "")


def refusal(reply: Reply, symbol: str, keys: list[str]) -> SourceUnavailable | None:
    """Why a reply is not an answer; None where it is one, or says that the symbol is unknown."""
    said = hidden(reply.text[:200], keys)
    if reply.status == 200 and reply.body.lstrip()[:1] in (b"[", b"{"):
        return None
    if reply.status == 404 and "not found" in said.lower() and not reply.is_page:
        return None
    if reply.status in (402, 429):
        return RateLimited(
            f"{TITLE} refuses more requests for now: {said or 'the quota is used up'}",
            hint="the free plan allows 20 requests per day; --offline uses what is here",
        )
    if reply.status == 401:
        return SourceUnavailable(f"{TITLE} does not accept the key: {said}", hint=f"correct {KEY}")
    if reply.status == 403:
        return SourceUnavailable(
            f"the plan of the key does not include {symbol} ({TITLE}: {said})", hint="another --source"
        )
    kind = "a web page" if reply.is_page else said[:120] or "nothing"
    return MalformedResponse(
        f"{TITLE}'s reply for {symbol} cannot be read (status {reply.status}: {kind})", hint="try again later"
    )


def _with_actions(bars: Bars, paid: list[dict[str, Any]], split: list[dict[str, Any]], symbol: str) -> tuple[Bars, str]:
    """The bars with what was paid and split, volumes as traded, and a sentence on what the columns say against it.

    EODHD states volumes of today's shares beside raw closes. Its adjusted close takes a dividend before a later split
    off more than once, so it is compared with the others after the last split only, and not kept.
    """
    currency = currency_of(symbol)
    try:
        splits = {str(row["date"]): _ratio(str(row["split"])) for row in split}
        cash: dict[str, float] = {}
        foreign = sorted({str(row["currency"]) for row in paid if row.get("currency")} - {currency, ""})
        doubtful = ""
        for row in paid:
            day, value = str(row["date"]), float(row["value"])
            later = float(np.prod([ratio for when, ratio in splits.items() if when > day] or [1.0]))
            own = float(row["unadjustedValue"]) if row.get("unadjustedValue") is not None else value * later
            if abs(own - value * later) > SAME * max(own, value * later):
                doubtful = doubtful or f"{day}: a dividend of {own:g} a share, and {value:g} on today's shares"
            cash[day] = cash.get(day, 0.0) + own
    except (KeyError, TypeError, ValueError) as error:
        raise MalformedResponse(
            f"{TITLE}'s dividends or splits of {symbol} cannot be read ({type(error).__name__})", hint="try again later"
        ) from None
    joined = _placed(bars, cash, splits)
    if doubtful:
        return joined, f"{CONTRADICTION}{doubtful}"
    last = max((np.datetime64(day) for day in splits), default=joined.dates[0])
    wrong = contradiction(joined.within(last, joined.dates[-1]), taken_off=True)
    joined.columns["adj_close"][:] = np.nan
    if wrong:
        return joined, f"{CONTRADICTION}{wrong}"
    return joined, f"{FOREIGN_DIVIDENDS} ({', '.join(foreign)})" if foreign else ""


def _ratio(text: str) -> float:
    match = _SPLIT.fullmatch(text.strip())
    ratio = float(match[1]) / float(match[2]) if match and float(match[2]) else 0.0
    if not 0 < ratio < 1e6:
        raise ValueError(f"split {text[:40]!r}")
    return ratio


def _placed(bars: Bars, cash: dict[str, float], splits: dict[str, float]) -> Bars:
    """Actions on their days; a day without a bar becomes a row without prices."""
    first, last = bars.dates[0], bars.dates[-1]
    named = np.array(sorted({*cash, *splits}), dtype="datetime64[D]")
    further = named[(named >= first) & (named <= last) & ~np.isin(named, bars.dates)]
    dates = np.concatenate([bars.dates, further])
    order = np.argsort(dates, kind="stable")
    columns: dict[str, Floats] = {
        name: np.concatenate([values, np.full(len(further), np.nan)])[order] for name, values in bars.columns.items()
    }
    dates = dates[order]
    for name, actions in (("dividend", cash), ("split", splits), ("capital_gain", {})):
        columns[name] = np.array([actions.get(str(day), 0.0) for day in dates])
    ratio = np.where(columns["split"] > 0, columns["split"], 1.0)
    # splits after each day
    later = np.concatenate([np.cumprod(ratio[::-1])[::-1][1:], [1.0]])
    beyond = float(np.prod([value for day, value in splits.items() if np.datetime64(day) > last] or [1.0]))
    columns["volume"] = columns["volume"] / (later * beyond)
    return Bars(dates, columns)
