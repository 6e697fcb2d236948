"""Every request that the client makes, watched: what may be asked, how long to wait, and what a reply really means.

The client reports one cause under many names ("possibly delisted" for a refusal, a page or half a reply) and remembers
failures within a process. So each reply is judged here, from its status and body, and what is not an answer never
reaches the client: it is raised, which the client cannot remember.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from eventstudy.data import clock
from eventstudy.data.network import YAHOO, NotAllowed, TooLarge, follow, refusal
from eventstudy.errors import (
    EventStudyError,
    MalformedResponse,
    NoDataInRange,
    RateLimited,
    SourceUnavailable,
    UnknownSymbol,
)

CHART = "/v8/finance/chart/"
# What a chart request may need beside itself; everything else the client might try is not worth a request.
SIDE_HOSTS = ("fc.yahoo.com", "guce.yahoo.com", "consent.yahoo.com")
SIDE_PATHS = ("/v1/test/getcrumb",)
NOT_FOUND = "Not Found"
OUT_OF_RANGE = "Data doesn't exist"
# Numbers of libcurl's errors: proxy and host not resolved, refused, timed out, TLS, certificate
_NO_NAME, _REFUSED, _TIMED_OUT, _TLS = (5, 6), (7, 97), (28,), (35, 51, 58, 60, 77, 83, 90, 91)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why a reply is not an answer.

    Attributes
    ----------
    error : EventStudyError or None
        None: it is an answer.
    again : bool
        Whether asking again may help.
    cookie : bool
        Whether the client's own second try, with another cookie, may help.
    """

    error: EventStudyError | None
    again: bool = False
    cookie: bool = False


FINE = Verdict(None)
# A clock that is off by more makes sessions final too early or certificates invalid.
CLOCK_TOLERANCE = timedelta(minutes=5)


class Blocked(OSError):
    """Raised inside the client in place of a request that is pointless or of a reply that is not an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Time limits and numbers of tries for Yahoo; seconds.

    Attributes
    ----------
    first_reply : float
        From the first request to the first reply.
    reply : float
        For every later one.
    tries : int
        Per symbol.
    pause : float
        Before the second try; doubled before each further one, and spread at random by half.
    waiting : float
        All pauses of a run together.
    """

    connect: float = 3.0
    first_reply: float = 8.0
    reply: float = 20.0
    tries: int = 4
    pause: float = 0.5
    waiting: float = 30.0


@dataclass(frozen=True, slots=True)
class Received:
    """A good reply of the chart, as it came.

    Attributes
    ----------
    at : datetime
        UTC; see ``_moment``.
    events : dict
        Dividends, splits and capital gains as the reply has them.
    adjusted : bool
        Whether it holds adjusted closes.
    """

    status: int
    body_sha256: str
    at: datetime
    meta: dict[str, Any]
    events: dict[str, Any]
    adjusted: bool


@dataclass(slots=True)
class Wire:
    """The state of the conversation with Yahoo; its ``send`` replaces the session's ``request``.

    Attributes
    ----------
    original : callable
        The session's own ``request``, bounded; see ``network.bounded_curl``.
    symbol : str
        Being asked for.
    verdict : Verdict
        On the symbol so far.
    received : Received or None
        The last good reply that holds prices.
    answered : bool
        Whether Yahoo's chart has replied at all in this run.
    server_date : str
        The ``Date`` of the last reply.
    """

    original: Callable[..., Any]
    limits: Limits
    symbol: str = ""
    verdict: Verdict = FINE
    received: Received | None = None
    answered: bool = False
    requests: int = 0
    server_date: str = ""
    _started: float = field(default=0.0)
    _side_failed: bool = False
    _refusals: int = 0

    def begin(self, symbol: str) -> None:
        """Forget the last symbol."""
        self.symbol, self.verdict, self.received, self._refusals = symbol, FINE, None, 0

    def send(self, method: str, url: str, **options: Any) -> Any:
        """One request of the client.

        Raises
        ------
        Blocked
            Instead of a request that is not needed, and instead of a reply that is not an answer.
        """
        parts = urlsplit(url)
        chart = parts.path.startswith(CHART)
        side = parts.hostname in SIDE_HOSTS or parts.path in SIDE_PATHS
        decided = self.verdict.error is not None and (not self.verdict.cookie or self._refusals > 1)
        # a form of a page may name any address, and the client would post to it
        if decided or refusal(url, YAHOO) or not (chart or side) or (side and self._side_failed):
            raise Blocked(f"{parts.hostname}{parts.path} is not asked")
        options["timeout"] = self._patience()
        self.requests += 1
        try:
            reply = follow(self.original, method, url, YAHOO, **options)
        except Exception as error:
            if not chart:
                # prices come without cookie and crumb as well, and without more waiting for them
                self._side_failed = True
                raise
            self.verdict = transport_failure(error, self.symbol)
            raise Blocked(str(error)) from error
        self.server_date = str(reply.headers.get("Date", ""))
        if chart:
            self.answered = True
            self._judge(reply, bars_wanted="period1" in (options.get("params") or {}))
        return reply

    def _patience(self) -> tuple[float, float]:
        """Seconds to connect, and then for the reply."""
        if self.answered:
            return self.limits.connect, self.limits.reply
        self._started = self._started or time.monotonic()
        left = max(0.2, self.limits.first_reply - (time.monotonic() - self._started))
        connect = min(self.limits.connect, left / 2)
        return connect, left - connect

    def _judge(self, reply: Any, *, bars_wanted: bool) -> None:
        body = bytes(reply.content)
        self.verdict = reply_failure(int(reply.status_code), dict(reply.headers), body, self.symbol)
        if self.verdict.error is None and bars_wanted:
            result = json.loads(body)["chart"]["result"][0]
            self.verdict = content_failure(result, self.symbol)
            self.received = _received(int(reply.status_code), body, result, self.server_date)
        # the client's second try with another cookie costs one request and may help; nothing else it could do would,
        # and a refusal that it is handed twice it remembers
        self._refusals += self.verdict.cookie
        if self.verdict.error is not None and (not self.verdict.cookie or self._refusals > 1):
            raise Blocked(str(self.verdict.error))


def transport_failure(error: Exception, symbol: str) -> Verdict:
    """Why a request brought no reply at all."""
    if isinstance(error, NotAllowed | TooLarge):
        hint = "a portal or proxy may answer instead; `eventstudy doctor` looks closer"
        return Verdict(MalformedResponse(f"{error} ({symbol})", hint=hint), again=isinstance(error, NotAllowed))
    code = int(getattr(error, "code", 0) or 0)
    closer = "`eventstudy doctor` looks closer; --offline uses what is already here"
    if code in _NO_NAME:
        found = f"Yahoo cannot be reached for {symbol}: its name is not found (no network, or no DNS)"
        return Verdict(SourceUnavailable(found, hint=closer))
    if code in _REFUSED or "CONNECT tunnel failed" in str(error) or type(error).__name__ == "ProxyError":
        found = f"Yahoo cannot be reached for {symbol}: the connection, or the proxy in between, refuses"
        return Verdict(SourceUnavailable(found, hint=f"check HTTPS_PROXY; {closer}"))
    if code in _TIMED_OUT:
        found = f"Yahoo does not answer for {symbol}: no reply in time"
        return Verdict(SourceUnavailable(found, hint=f"try again later; {closer}"))
    if code in _TLS:
        found = f"Yahoo cannot be trusted for {symbol}: its certificate does not verify"
        hint = "a proxy may replace certificates; name its authority with REQUESTS_CA_BUNDLE=FILE"
        return Verdict(SourceUnavailable(found, hint=hint))
    found = f"the connection to Yahoo broke off for {symbol} ({type(error).__name__})"
    return Verdict(SourceUnavailable(found, hint="try again"), again=True)


def reply_failure(status: int, headers: dict[str, str], body: bytes, symbol: str) -> Verdict:
    """The error of a reply of the chart that is not an answer."""
    if status == 429:
        return _limited({name.lower(): value for name, value in headers.items()}.get("retry-after", ""), symbol)
    if status >= 500:
        found = f"Yahoo has trouble of its own ({symbol}: status {status})"
        return Verdict(SourceUnavailable(found, hint="try again in some minutes"), again=True)
    if b"Will be right back" in body[:20_000]:
        found = f"Yahoo is down for maintenance ({symbol})"
        return Verdict(SourceUnavailable(found, hint="try again later"), again=True)
    chart = _chart(body)
    if status in (401, 403):
        return _refused(status, symbol)
    if chart is None:
        start = body[:2000].lower()
        kind = "a web page" if b"<html" in start or b"<!doctype" in start else "no JSON, or half of it"
        return _useless(
            f"Yahoo's reply for {symbol} cannot be read ({kind}, {len(body)} bytes, status {status})",
            "a portal or proxy may answer instead; `eventstudy doctor` looks closer",
        )
    error = chart.get("error") or {}
    code, said = str(error.get("code", "")), str(error.get("description", ""))[:200]
    if status == 404 and code == NOT_FOUND:
        found = f"Yahoo knows no symbol {symbol} ({said})"
        return Verdict(UnknownSymbol(found, hint="check the spelling and the suffix"))
    if OUT_OF_RANGE in said:
        return Verdict(NoDataInRange(f"Yahoo has no prices of {symbol} in the range asked for ({said})"))
    if status >= 400 or error:
        found = f"Yahoo rejects the request for {symbol} (status {status}{': ' + said if said else ''})"
        hint = "try again; if it stays so, the program or yfinance needs an update"
        return Verdict(MalformedResponse(found, hint=hint))
    result = chart.get("result")
    if not isinstance(result, list) or not result or not isinstance(result[0], dict):
        return _useless(f"Yahoo's reply for {symbol} is empty (no result)")
    meta = result[0].get("meta")
    if not isinstance(meta, dict) or not {"currency", "exchangeTimezoneName", "instrumentType"} <= meta.keys():
        return _useless(f"Yahoo's reply for {symbol} does not say what it is (currency, zone or type is missing)")
    return FINE


def _received(status: int, body: bytes, result: dict[str, Any], server_date: str) -> Received:
    events, adjusted = result.get("events") or {}, (result.get("indicators") or {}).get("adjclose")
    return Received(
        status,
        hashlib.sha256(body).hexdigest(),
        _moment(server_date),
        result["meta"],
        events if isinstance(events, dict) else {},
        bool(isinstance(adjusted, list) and adjusted and isinstance(adjusted[0], dict) and adjusted[0].get("adjclose")),
    )


def _moment(server_date: str) -> datetime:
    """Now; by Yahoo's clock where this machine's is ahead of it, for a session is not final because a clock says so."""
    now = clock.utc_now()
    try:
        theirs = parsedate_to_datetime(server_date)
    except ValueError:
        return now
    theirs = theirs if theirs.tzinfo else theirs.replace(tzinfo=UTC)
    return theirs.astimezone(UTC) if now - theirs > CLOCK_TOLERANCE else now


def content_failure(result: dict[str, Any], symbol: str) -> Verdict:
    """Problems of the bars of a well-formed reply."""
    meta = result["meta"]
    named = str(meta.get("symbol", symbol))
    if named.upper() != symbol.upper():
        return _useless(f"Yahoo answered for {named[:40]} when asked for {symbol}")
    step = str(meta.get("dataGranularity", "1d"))
    if step != "1d":
        return _useless(f"Yahoo answered for {symbol} with bars of {step[:10]}, daily ones were asked for")
    quote = ((result.get("indicators") or {}).get("quote") or [{}])[0] or {}
    stamps, closes = result.get("timestamp") or [], quote.get("close") or []
    if not stamps or not any(close is not None for close in closes):
        return _useless(
            f"Yahoo's reply for {symbol} holds no prices although it knows the symbol",
            "Yahoo often fills such replies later; try again",
        )
    if any(len(quote.get(name) or []) != len(stamps) for name in ("open", "high", "low", "close", "volume")):
        return _useless(f"Yahoo's reply for {symbol} is cut (columns of unequal length)")
    by_day: dict[Any, Any] = {}
    for day, close in zip(_days(stamps, meta), closes, strict=True):
        # the client keeps one of two bars of a session; it cannot know which is right
        if by_day.setdefault(day, close) != close and close is not None:
            return _useless(f"Yahoo's reply for {symbol} holds two closes of one session ({by_day[day]} and {close})")
    return FINE


def _days(stamps: list[Any], meta: dict[str, Any]) -> list[Any]:
    """The exchange's day of each bar; the last one keeps its moment, for a running session has a bar of its own."""
    try:
        zone = ZoneInfo(str(meta["exchangeTimezoneName"]))
        days = [datetime.fromtimestamp(int(stamp), zone).date() for stamp in stamps[:-1]]
    except (ValueError, TypeError, KeyError, OSError, OverflowError):
        # what is wrong with the zone or a stamp is reported where the bars are made
        return stamps
    return [*days, stamps[-1]]


def _useless(found: str, hint: str = "try again") -> Verdict:
    """Something came, and it is not an answer; the next reply may be one."""
    return Verdict(MalformedResponse(found, hint=hint), again=True)


def _limited(header: str, symbol: str) -> Verdict:
    wait = retry_after(header)
    said = f"; it asks for a pause of {wait:.0f} s" if wait is not None else ""
    return Verdict(
        RateLimited(
            f"Yahoo refuses requests from this address for now ({symbol}: too many requests){said}",
            hint="wait some minutes, or use prices that are already here: --offline, --source snapshot or csv:DIR",
            retry_after=wait,
        )
    )


def retry_after(text: str) -> float | None:
    """Seconds of a ``Retry-After`` header, which holds seconds or a date; None without a usable one."""
    if not text:
        return None
    try:
        return max(0.0, float(text))
    except ValueError:
        # then it is a date
        pass
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - clock.utc_now()).total_seconds())


def _refused(status: int, symbol: str) -> Verdict:
    error = SourceUnavailable(
        f"Yahoo refuses the request for {symbol} (status {status})",
        hint="Yahoo blocks many cloud addresses; use prices that are already here: --offline, snapshot or csv:DIR",
    )
    return Verdict(error, cookie=True)


def _chart(body: bytes) -> dict[str, Any] | None:
    try:
        whole = json.loads(body)
    except (ValueError, RecursionError):
        return None
    # the reply to a bad crumb is named after the site, not the chart
    found = whole.get("chart") or whole.get("finance") if isinstance(whole, dict) else None
    return found if isinstance(found, dict) else None
