"""One symbol from Yahoo: asked, judged, asked again where that helps, and turned into a vintage."""

from __future__ import annotations

import atexit
import itertools
import logging
import random
import re
import shutil
import tempfile
import time
import warnings
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from eventstudy.data import clock
from eventstudy.data.network import LARGEST_REPLY, YAHOO, bounded_curl
from eventstudy.data.vintage import (
    FOREIGN_DIVIDENDS,
    NOTHING,
    PRICES,
    UNKNOWN,
    Bars,
    Vintage,
    gaps,
    last_final,
    no_bars,
    only_final,
)
from eventstudy.data.yahoo.figures import bars_of, impossible
from eventstudy.data.yahoo.wire import Limits, Received, Verdict, Wire
from eventstudy.errors import (
    MalformedResponse,
    NoDataInRange,
    RateLimited,
    SourceUnavailable,
    UnknownSymbol,
)
from eventstudy.opening import check_regular

SOURCE = "yahoo"
_ISIN = re.compile(r"[A-Z]{2}[A-Z0-9]{9}[0-9]")
# More sessions than this without a close are the market's doing (a delisting, another calendar), not a lapse of Yahoo.
LAPSE = 10
# Of this process, not of one client: an answer to one client must not be used by another.
_ASKED = itertools.count(1)


@dataclass(slots=True)
class YahooClient:
    """Asks Yahoo, one symbol after the other.

    Attributes
    ----------
    cache : Path
        Folder for the client's own cookies and time zones.
    sleep, jitter : callable
        Pauses, and random numbers in [0, 1).
    """

    cache: Path
    limits: Limits = field(default_factory=Limits)
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random
    _wire: Wire | None = None
    _session: Any = None
    _closed_by: RateLimited | None = None
    _waited: float = 0.0

    def ask(self, symbol: str, start: date, end: date) -> Vintage:
        """Everything Yahoo has of a symbol from start to end, both included, as far as it is final. Raises
        ``RateLimited`` after a refusal for too many requests; further calls raise it without asking. Raises
        ``MalformedResponse`` or ``SourceUnavailable`` after every try that may help.

        Returns
        -------
        Vintage
            With outcome ``prices``, ``unknown`` or ``nothing``; the last two only where Yahoo itself says so.
        """
        if self._closed_by is not None:
            raise self._closed_by
        if _ISIN.fullmatch(symbol):
            # the client would look it up in a search and take what it likes
            return self._said(symbol, start, end, UNKNOWN, f"{symbol} is an ISIN; Yahoo needs its ticker", 0)
        best: Vintage | None = None
        for attempt in range(self.limits.tries):
            last = attempt + 1 == self.limits.tries
            try:
                found = self._once(symbol, start, end)
            except UnknownSymbol as error:
                return self._said(symbol, start, end, UNKNOWN, error.found, 404)
            except NoDataInRange as error:
                return self._said(symbol, start, end, NOTHING, error.found, 400)
            except RateLimited as error:
                if attempt or not self._may_wait(error.retry_after):
                    self._closed_by = error
                    raise
                continue
            except SourceUnavailable:
                if best is not None:
                    return best
                if not self._wire_of().verdict.again or last or not self._may_wait(self._pause(attempt)):
                    raise
                continue
            best = _fuller(best, found)
            missing = len(_lapses(best, start, end))
            if attempt or not 0 < missing <= LAPSE or not self._may_wait(self._pause(attempt)):
                return best
        assert best is not None, "the last try returned or raised"
        return best

    def server_date(self) -> str:
        """The ``Date`` header of Yahoo's last reply; empty before one."""
        return self._wire.server_date if self._wire else ""

    @property
    def requests(self) -> int:
        """Requests sent so far."""
        return self._wire.requests if self._wire else 0

    def _pause(self, attempt: int) -> float:
        return self.limits.pause * float(2**attempt) * (0.75 + 0.5 * self.jitter())

    def _may_wait(self, seconds: float | None) -> bool:
        """Wait, if the time budget of the run allows it; whether it did."""
        if seconds is None or self._waited + seconds > self.limits.waiting:
            return False
        self._waited += seconds
        self.sleep(seconds)
        return True

    def _said(self, symbol: str, start: date, end: date, outcome: str, note: str, status: int) -> Vintage:
        return Vintage(
            symbol=symbol,
            source=SOURCE,
            outcome=outcome,
            requested_start=start,
            requested_end=end,
            fetched_at=clock.utc_now(),
            status=status,
            body_sha256="",
            client="yfinance",
            client_version=_version(),
            note=note,
            bars=no_bars(),
        )

    def _wire_of(self) -> Wire:
        """The watched session, made on first use: this is where the client is imported."""
        if self._wire is None:
            session = _session()
            self._wire = Wire(bounded_curl(session.request, YAHOO), self.limits)
            # one seam: every verb of the session goes through `request`
            session.request = self._wire.send
            self._session = session
            _prepare(self.cache)
        return self._wire

    def _once(self, symbol: str, start: date, end: date) -> Vintage:
        """One try: the client's own way to the prices, and our judgement of what went over the wire."""
        import yfinance

        wire = self._wire_of()
        wire.begin(symbol)
        trouble: Exception | None = None
        frame = None
        with warnings.catch_warnings():
            # the client installs a filter that shows the deprecations of pandas it runs into
            warnings.simplefilter("ignore")
            try:
                frame = yfinance.Ticker(symbol, session=self._session).history(
                    start=start.isoformat(),
                    end=(end + timedelta(days=1)).isoformat(),
                    interval="1d",
                    prepost=False,
                    actions=True,
                    auto_adjust=False,
                    back_adjust=False,
                    repair=False,
                    keepna=True,
                    rounding=False,
                    # part of the key under which the client remembers replies: another number, another request
                    timeout=self.limits.reply + next(_ASKED) / 1000,
                )
            except Exception as error:
                # whatever the client raises, the wire knows what happened
                trouble = error
            finally:
                _close_zones()
        if wire.verdict.error is not None:
            raise wire.verdict.error
        if trouble is not None or frame is None or wire.received is None:
            raise self._unusable(
                f"Yahoo's reply for {symbol} cannot be used ({_sentence(trouble)})",
                "try again; if it stays so, the program or yfinance needs an update",
            ) from trouble
        return self._vintage(symbol, start, end, frame, wire.received)

    def _vintage(self, symbol: str, start: date, end: date, frame: Any, received: Received) -> Vintage:
        zone = str(received.meta["exchangeTimezoneName"])
        try:
            bars = bars_of(frame, received.events, zone, adjusted=received.adjusted)
        except (ValueError, TypeError, KeyError, AttributeError, ArithmeticError, OSError) as error:
            raise self._unusable(
                f"Yahoo's reply for {symbol} cannot be used ({_sentence(error)})", "try again"
            ) from error
        inside = bars.within(np.datetime64(start), np.datetime64(end))
        final = only_final(inside, zone, start, received.at)
        self._check(symbol, start, end, inside)
        currency = str(received.meta["currency"] or "")
        paid = (received.events.get("dividends") or {}).values()
        foreign = sorted({str(d["currency"]) for d in paid if d.get("currency")} - {currency})
        return Vintage(
            symbol=symbol,
            source=SOURCE,
            outcome=PRICES,
            requested_start=start,
            requested_end=end,
            fetched_at=received.at,
            status=received.status,
            body_sha256=received.body_sha256,
            client="yfinance",
            client_version=_version(),
            timezone=zone,
            exchange=str(received.meta.get("exchangeName", "")),
            currency=currency,
            instrument=str(received.meta["instrumentType"]),
            note=f"{FOREIGN_DIVIDENDS} ({', '.join(foreign)})" if foreign else "",
            bars=final,
        )

    def _check(self, symbol: str, start: date, end: date, bars: Bars) -> None:
        if not len(bars.dates):
            raise self._unusable(f"Yahoo answered for {symbol} with another period than {start} to {end}", "try again")
        if wrong := impossible(bars):
            raise self._unusable(
                f"Yahoo's reply for {symbol} holds {wrong}",
                f"try again later; Yahoo corrects such figures. If it is true, --source csv:DIR takes a {symbol}.csv",
            )

    def _unusable(self, found: str, hint: str) -> MalformedResponse:
        """A reply that looked right on the wire and is not; asking again may help."""
        error = MalformedResponse(found, hint=hint)
        self._wire_of().verdict = Verdict(error, again=True)
        return error


def _session() -> Any:
    try:
        from curl_cffi import CurlOpt, requests
    except ImportError as error:
        raise SourceUnavailable(
            f"the client of Yahoo cannot be loaded: {error}",
            hint="install curl_cffi, or use --source snapshot or csv:DIR",
        ) from error
    return requests.Session(impersonate="chrome", curl_options={CurlOpt.MAXFILESIZE_LARGE: LARGEST_REPLY})


def _prepare(cache: Path) -> None:
    """The client's folder and its silence: this program reports what happened."""
    import yfinance

    try:
        cache.mkdir(parents=True, exist_ok=True)
        for kept in cache.iterdir():
            check_regular(kept, links=False)
    except OSError:
        # a failure here is harmless: zones are requested again
        cache = Path(tempfile.mkdtemp(prefix="eventstudy-"))
        atexit.register(shutil.rmtree, cache, ignore_errors=True)
    yfinance.set_tz_cache_location(str(cache))
    # otherwise the client goes on with the folder of an earlier one in this process
    yfinance.cache._TzCacheManager._tz_cache = None
    _without_kept_cookies()
    logging.getLogger("yfinance").setLevel(logging.CRITICAL + 1)


def _close_zones() -> None:
    """The client leaves its database of time zones open; it opens it again when it needs it."""
    from yfinance.cache import _TzDBManager

    _TzDBManager.close_db()


class _Cookies:
    """The client's cookies, held by this process: in place of its table of them, with the same two methods."""

    def __init__(self) -> None:
        self.held: dict[str, tuple[Any, datetime]] = {}

    def lookup(self, strategy: str) -> dict[str, Any] | None:
        """A copy of a cookie and its age; None where there is none."""
        if strategy not in self.held:
            return None
        cookie, since = self.held[strategy]
        return {"cookie": deepcopy(cookie), "age": clock.utc_now() - since}

    def store(self, strategy: str, cookie: Any) -> None:
        """Keep a copy; None forgets."""
        self.held.pop(strategy, None)
        if cookie is not None:
            self.held[strategy] = deepcopy(cookie), clock.utc_now()


def _without_kept_cookies() -> None:
    """The client keeps cookies as pickles, and a pickle runs what it says when it is read: none is read nor written.

    The process itself holds them, for without any the client would ask for one again before each request.
    """
    from yfinance.cache import _CookieCacheManager

    _CookieCacheManager._Cookie_cache = _Cookies()


def _version() -> str:
    from importlib.metadata import version

    return version("yfinance")


def _lapses(vintage: Vintage, start: date, end: date) -> Any:
    """Sessions that are final and have no close."""
    if vintage.outcome != PRICES:
        return ()
    return gaps(vintage, start, last_final(vintage.timezone, start, end, vintage.fetched_at))


def _fuller(before: Vintage | None, now: Vintage) -> Vintage:
    """Of two replies to one question the one with more closes; the later one when equal."""
    if before is None or len(now.bars.closed()) >= len(before.bars.closed()):
        return now
    return before


def _sentence(trouble: Exception | None) -> str:
    if trouble is None:
        return "the client could not read it"
    text = str(trouble).splitlines()[0] if str(trouble) else ""
    return f"{type(trouble).__name__}: {text[:120]}"
