"""Finnhub's calendar of results."""

from __future__ import annotations

import json
from datetime import date, datetime

from eventstudy.data.collect.readings import ABROAD, Answer, Reading, bucket_of, is_home
from eventstudy.data.http import Reply, Web
from eventstudy.data.keys import hidden
from eventstudy.data.tickers import yahoo_spelling
from eventstudy.errors import MalformedResponse, RateLimited, SourceUnavailable

NAME = "Finnhub"
CALENDAR = "https://finnhub.io/api/v1/calendar/earnings"
KEY = "FINNHUB_API_KEY"
FREE = "its free plan goes back one month"


def finnhub_web(key: str) -> Web:
    """Finnhub as a service; the key is sent in a header."""
    return Web(
        service=NAME,
        domains=("finnhub.io",),
        headers={"Accept": "application/json"},
        secret_headers={"X-Finnhub-Token": key},
        per_second=1.0,
    )


def finnhub_readings(web: Web, ticker: str, since: date, today: date) -> Answer:
    """Days of results of a ticker, as far as the plan of the key reaches. Raises ``SourceUnavailable``,
    ``RateLimited`` or ``MalformedResponse`` if Finnhub refuses, or answers with something that is not a calendar."""
    symbol = yahoo_spelling(ticker)
    query = {"from": since.isoformat(), "to": today.isoformat(), "symbol": symbol}
    reply = web.get(CALENDAR, query)
    _refuse(reply, web)
    try:
        listed = json.loads(reply.body)["earningsCalendar"]
        rows = [(str(row["symbol"]), str(row["date"]), row) for row in listed or []]
    except (ValueError, KeyError, TypeError, RecursionError):
        kind = "a web page" if reply.is_page else f"{len(reply.body)} bytes"
        raise MalformedResponse(
            f"{NAME}'s answer for {symbol} is not a calendar ({kind})", hint="try again later"
        ) from None
    out, unknown, others = Answer(), set[str](), 0
    home, abroad = is_home(ticker), False
    for named, written, row in rows:
        if named.upper() != symbol.upper():
            others += 1
            continue
        try:
            day = datetime.strptime(written, "%Y-%m-%d").date()
        except ValueError:
            out.notes.append(f"{ticker}: a row of {NAME} with the date {written[:20]!r} left out")
            continue
        word = str(row.get("hour") or "")
        bucket = bucket_of(word)
        if bucket is None:
            unknown.add(word[:20])
        if bucket and not home:
            bucket, abroad = "", True
        if since <= day <= today:
            said = f"{written} {word}".strip()
            out.readings.append(Reading(ticker, day, bucket or "", said, NAME, row.get("epsActual") is not None))
    if abroad:
        out.notes.append(ABROAD.format(ticker=ticker))
    if unknown:
        out.notes.append(f"{ticker}: unknown words for the hour left empty: {', '.join(sorted(map(repr, unknown)))}")
    if others:
        out.notes.append(f"{ticker}: {others} rows of {NAME} are those of other symbols and left out")
    if not out.readings:
        out.notes.append(f"{ticker}: {NAME} lists nothing from {since} to {today}; {FREE}")
    elif (first := min(one.day for one in out.readings)) > since and (first - since).days > 100:
        out.notes.append(f"{ticker}: {NAME} lists nothing before {first}; {FREE}")
    return out


def _refuse(reply: Reply, web: Web) -> None:
    if reply.status == 200:
        return
    said = hidden(reply.text[:200], web.secret_headers.values())
    if reply.status == 429:
        raise RateLimited(
            f"{NAME} refuses for now: too many requests", hint="its free plan allows 60 a minute; wait one"
        )
    if reply.status == 401:
        raise SourceUnavailable(f"{NAME} does not accept the key ({said})", hint=f"correct {KEY}")
    if reply.status == 403:
        raise SourceUnavailable(
            f"the plan of the key does not include this ({NAME}: {said})", hint="--from yahoo or FILE"
        )
    raise MalformedResponse(f"{NAME} answers with status {reply.status} ({said})", hint="try again later")
