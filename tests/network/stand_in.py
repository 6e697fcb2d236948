"""A stand-in for Yahoo on loopback: cookie, crumb and chart behind a proxy with a throw-away authority.

The program meets it through environment variables alone (``HTTPS_PROXY``, ``REQUESTS_CA_BUNDLE``, ``XDG_CACHE_HOME``); it
has no switch for tests. The client on the other side is the real yfinance over real TLS.
"""

from __future__ import annotations

import csv
import json
import random
import socket
import ssl
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from zoneinfo import ZoneInfo

import trustme

from tests.network.spoilt import KINDS, chart_error, send, spoilt

SNAPSHOT = Path(__file__).parent.parent.parent / "eventstudy" / "data" / "snapshot"
NAMES = ("fc.yahoo.com", "query1.finance.yahoo.com", "query2.finance.yahoo.com", "guce.yahoo.com", "consent.yahoo.com")
Bar = tuple[float | None, float | None, float | None, float | None, float | None]


@dataclass(frozen=True)
class Listing:
    """What the stand-in knows of a symbol: bars are (open, high, low, close, volume) by date."""

    symbol: str
    bars: dict[date, Bar]
    dividends: dict[date, float] = field(default_factory=dict)
    splits: dict[date, float] = field(default_factory=dict)
    gains: dict[date, float] = field(default_factory=dict)
    currency: str | None = "USD"
    zone: str = "America/New_York"
    exchange: str = "NMS"
    kind: str = "EQUITY"
    opens_at: tuple[int, int] = (9, 30)
    paid_in: str = ""

    def stamp(self, day: date) -> int:
        moment = datetime(day.year, day.month, day.day, *self.opens_at, tzinfo=ZoneInfo(self.zone))
        return int(moment.timestamp())

    def adjusted(self) -> dict[date, float | None]:
        """Yahoo's adjusted close: every later payment takes its share of the close before it."""
        days = sorted(self.bars)
        out: dict[date, float | None] = {}
        factor = 1.0
        for day, before in zip(reversed(days), [*reversed(days[:-1]), None], strict=True):
            close = self.bars[day][3]
            out[day] = None if close is None else close * factor
            paid = self.dividends.get(day, 0.0) + self.gains.get(day, 0.0)
            earlier = self.bars[before][3] if before else None
            if paid and earlier:
                factor *= 1 - paid / earlier
        return out

    def chart(self, start: int, end: int) -> dict[str, Any]:
        days = [day for day in sorted(self.bars) if start <= self.stamp(day) < end]
        adjusted = self.adjusted()
        meta = {
            "currency": self.currency,
            "symbol": self.symbol,
            "exchangeName": self.exchange,
            "fullExchangeName": self.exchange,
            "instrumentType": self.kind,
            "firstTradeDate": self.stamp(min(self.bars)),
            "regularMarketTime": self.stamp(max(self.bars)),
            "hasPrePostMarketData": True,
            "gmtoffset": -14400,
            "timezone": "EDT",
            "exchangeTimezoneName": self.zone,
            "regularMarketPrice": 1.0,
            "chartPreviousClose": 1.0,
            "priceHint": 2,
            "currentTradingPeriod": {
                name: {"timezone": "EDT", "start": 1, "end": 2, "gmtoffset": -14400}
                for name in ("pre", "regular", "post")
            },
            "dataGranularity": "1d",
            "range": "",
            "validRanges": ["1d", "5d", "1mo", "3mo", "6mo", "1y", "2y", "5y", "10y", "ytd", "max"],
        }
        if not days:
            return {"meta": meta, "indicators": {"quote": [{}], "adjclose": [{}]}}
        extra = {"currency": self.paid_in} if self.paid_in else {}
        inside = {day: self.stamp(day) for day in (*self.dividends, *self.splits, *self.gains)}
        inside = {day: at for day, at in inside.items() if start <= at < end}
        events = {
            "dividends": {
                str(at): {"amount": self.dividends[d], "date": at, **extra}
                for d, at in inside.items()
                if d in self.dividends
            },
            "splits": {
                str(at): {"date": at, "numerator": self.splits[d], "denominator": 1.0, "splitRatio": "n:1"}
                for d, at in inside.items()
                if d in self.splits
            },
            "capitalGains": {
                str(at): {"amount": self.gains[d], "date": at} for d, at in inside.items() if d in self.gains
            },
        }
        columns = [[self.bars[day][at] for day in days] for at in range(5)]
        return {
            "meta": meta,
            "timestamp": [self.stamp(day) for day in days],
            "events": {name: found for name, found in events.items() if found},
            "indicators": {
                "quote": [dict(zip(("open", "high", "low", "close", "volume"), columns, strict=True))],
                "adjclose": [{"adjclose": [adjusted[day] for day in days]}],
            },
        }


def snapshot_listings() -> dict[str, Listing]:
    """The package's snapshot as Yahoo would serve it."""
    bars: dict[str, dict[date, Bar]] = defaultdict(dict)
    paid: dict[str, dict[date, float]] = defaultdict(dict)
    with (SNAPSHOT / "prices.csv").open() as handle:
        for symbol, day, opened, close, volume in list(csv.reader(handle))[1:]:
            top, low = max(float(opened), float(close)), min(float(opened), float(close))
            count = float(volume) if volume else 0.0
            bars[symbol][date.fromisoformat(day)] = (float(opened), top, low, float(close), count)
    with (SNAPSHOT / "dividends.csv").open() as handle:
        for symbol, day, amount in list(csv.reader(handle))[1:]:
            paid[symbol][date.fromisoformat(day)] = float(amount)
    kinds = {"SPY": "ETF", "SOXX": "ETF"}
    return {s: Listing(s, bars[s], dividends=paid[s], kind=kinds.get(s, "EQUITY")) for s in bars}


def split_now(listing: Listing, ratio: float, day: date) -> Listing:
    """The listing after a split: Yahoo rewrites every earlier figure, and trading goes on at the new price."""
    bars = {
        d: (
            *(None if v is None else v / ratio for v in bar[:4]),
            None if bar[4] is None else bar[4] * ratio,
        )
        for d, bar in listing.bars.items()
    }
    paid = {d: amount / ratio if d < day else amount for d, amount in listing.dividends.items()}
    return replace(listing, bars=bars, dividends=paid, splits={**listing.splits, day: ratio})  # type: ignore[arg-type]


@dataclass
class Fault:
    """Something that goes wrong: for how many more requests (None: for ever); the seed says at which figures."""

    kind: str
    left: int | None = 1
    headers: dict[str, str] = field(default_factory=dict)
    seed: int = 0


class StandIn:
    """The proxy and, behind every tunnel, Yahoo."""

    def __init__(self, folder: Path, listings: dict[str, Listing]) -> None:
        self.listings = dict(listings)
        self.faults: dict[str, list[Fault]] = {}
        self.log: list[tuple[str, str, dict[str, list[str]]]] = []
        # every host and port that a tunnel was asked for
        self.tunnels: list[str] = []
        self.date_header: str = ""
        self.pause = 30.0
        authority = trustme.CA()
        self.authority = folder / "authority.pem"
        authority.cert_pem.write_to_path(str(self.authority))
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(*NAMES).configure_cert(self._tls)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._ended = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def environment(self, cache: Path) -> dict[str, str]:
        """What a process needs to meet the stand-in instead of Yahoo."""
        return {
            "HTTPS_PROXY": f"http://127.0.0.1:{self.port}",
            "REQUESTS_CA_BUNDLE": str(self.authority),
            "XDG_CACHE_HOME": str(cache),
        }

    def fault(self, kind: str, target: str = "chart", *, times: int | None = 1, **headers: str) -> None:
        """Let the next replies (for ever with None) to a symbol, or to ``cookie``, ``crumb`` or ``chart``, go wrong."""
        self.faults[target] = []
        self.then(kind, target, times=times, **headers)

    def then(self, kind: str, target: str = "chart", *, times: int | None = 1, seed: int = 0, **headers: str) -> None:
        """One more fault, once those before it are used up."""
        assert kind in KINDS, kind
        named = {k.replace("_", "-"): v for k, v in headers.items()}
        self.faults.setdefault(target, []).append(Fault(kind, times, named, seed))

    def heal(self) -> None:
        self.faults.clear()

    def charts(self, symbol: str = "") -> int:
        """Chart requests so far."""
        return sum(path.startswith("/v8/finance/chart/" + symbol) for _, path, _ in self.log)

    def close(self) -> None:
        self._ended.set()
        # a blocked accept() holds a closed socket open; shutting it down does not
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _accept(self) -> None:
        while not self._ended.is_set():
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            head = self._head(client)
            if not head:
                return
            self.tunnels.append(head[0].split()[1])
            host = self.tunnels[-1].rsplit(":", 1)[0]
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            with self._tls.wrap_socket(client, server_side=True) as tunnel:
                while lines := self._head(tunnel):
                    if not self._reply(tunnel, host, lines[0].split()[1]):
                        return
        except (OSError, ssl.SSLError):
            # the client went away, or does not trust us: both are cases under test
            return
        finally:
            client.close()

    @staticmethod
    def _head(stream: socket.socket) -> list[str]:
        data = b""
        while not data.endswith(b"\r\n\r\n"):
            byte = stream.recv(1)
            if not byte:
                return []
            data += byte
        return data.decode().split("\r\n")

    def _reply(self, tunnel: ssl.SSLSocket, host: str, target: str) -> bool:
        parts = urlsplit(target)
        query, path = parse_qs(parts.query), unquote(parts.path)
        self.log.append((host, path, query))
        fault = self._fault(path)
        kind = fault.kind if fault else ""
        status, body, headers = self._content(host, path, query)
        reply = spoilt(kind, (status, body, headers), random.Random(fault.seed if fault else 0))
        reply = (reply[0], reply[1], {**reply[2], **(fault.headers if fault else {})})
        date = self.date_header or format_datetime(datetime.now(UTC), usegmt=True)
        return send(kind, tunnel, reply, date=date, pause=self.pause, ended=self._ended)

    def _fault(self, path: str) -> Fault | None:
        """The first fault of the target that is not used up."""
        if path.startswith("/v8/finance/chart/"):
            names = [path.rsplit("/", 1)[1], "chart"]
        else:
            names = ["crumb"] if "getcrumb" in path else ["cookie"]
        for name in names:
            for fault in self.faults.get(name, ()):
                if fault.left != 0:
                    if fault.left is not None:
                        fault.left -= 1
                    return fault
        return None

    def _content(self, host: str, path: str, query: dict[str, list[str]]) -> tuple[int, bytes, dict[str, str]]:
        if host == "fc.yahoo.com":
            return 404, b"", {"Set-Cookie": "A3=d=stand-in; Domain=.yahoo.com; Path=/; Max-Age=31536000; Secure"}
        if "getcrumb" in path:
            return 200, b"crumb.of.a.stand.in", {"Content-Type": "text/plain"}
        if not path.startswith("/v8/finance/chart/"):
            return 404, b"<html>nothing here</html>", {"Content-Type": "text/html"}
        kind = {"Content-Type": "application/json"}
        listing = self.listings.get(path.rsplit("/", 1)[1])
        if listing is None:
            return 404, chart_error("Not Found", "No data found, symbol may be delisted"), kind
        if "period1" in query:
            start, end = int(query["period1"][0]), int(query["period2"][0])
        else:
            start = listing.stamp(max(listing.bars))
            end = start + 1
        return 200, json.dumps({"chart": {"result": [listing.chart(start, end)], "error": None}}).encode(), kind


@contextmanager
def stand_in(folder: Path, listings: dict[str, Listing] | None = None) -> Iterator[StandIn]:
    """A running stand-in."""
    server = StandIn(folder, snapshot_listings() if listings is None else listings)
    try:
        yield server
    finally:
        server.close()


def weekdays(first: date, last: date) -> list[date]:
    """Every Monday to Friday."""
    days = (last - first).days + 1
    return [d for d in (first + timedelta(days=n) for n in range(days)) if d.weekday() < 5]


def wait_until(true: Any, seconds: float = 10.0) -> None:
    """Wait for a condition."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.01)
