"""What a fault makes of a reply: its status, its headers, its text, the figures inside, and the bytes on the wire."""

from __future__ import annotations

import gzip
import json
import random
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from typing import Any

Reply = tuple[int, bytes, dict[str, str]]

# Replies that carry no figures: kind -> what the stand-in sends in place of the chart.
STATUS = ("401", "403", "404", "404page", "429", "500", "502", "503", "badperiod")
TEXT = ("html", "consent", "down", "blank", "textcut", "notjson", "jsonlist", "gzip", "redirect", "leads", "bomb")
# Bytes: the reply breaks off, comes late or is longer than it says.
WIRE = ("drop", "closed", "reset", "lencut", "lenlong", "lenshort", "drip", "slow", "notls", "endless")
# JSON that is not a chart.
SHAPE = (
    "nullresult", "emptyresult", "charterror", "empty", "nometa", "nocurrency", "nozone", "badzone", "notype",
    "noindicators", "noquote", "noclose", "novolume", "noadjclose", "nostamps", "nullstamps", "unequal", "words",
    "events",
)  # fmt: skip
# Charts whose figures are wrong or not all there.
FIGURES = (
    "nan", "nanword", "infinite", "somenull", "missing", "taillost", "duplicate", "unsorted", "negative", "zero",
    "absurd", "tiny", "absurdopen", "unsplit", "halfsplit", "halfadjusted", "othersymbol", "othercurrency",
    "granularity", "wrongperiod",
)  # fmt: skip
KINDS = (*STATUS, *TEXT, *WIRE, *SHAPE, *FIGURES)
SPLIT = 10.0


@lru_cache(maxsize=1)
def bomb() -> bytes:
    """A reply of 100 kB that unpacks to 100 MB."""
    return gzip.compress(bytes(100_000_000), compresslevel=9)


def chart_error(code: str, description: str, root: str = "chart") -> bytes:
    """An error as Yahoo words it."""
    return json.dumps({root: {"result": None, "error": {"code": code, "description": description}}}).encode()


def spoilt(kind: str, reply: Reply, chance: random.Random) -> Reply:
    """The reply as a fault makes it."""
    status, body, headers = reply
    page = {"Content-Type": "text/html"}
    fixed: dict[str, Reply] = {
        "429": (429, b"Edge: Too Many Requests", page),
        "401": (401, chart_error("Unauthorized", "Invalid Crumb", "finance"), headers),
        "403": (403, b"<html><body>Forbidden</body></html>", page),
        "404": (404, chart_error("Not Found", "No data found, symbol may be delisted"), headers),
        "404page": (404, b"<html>no such page</html>", page),
        "badperiod": (400, chart_error("Bad Request", "Data doesn't exist for startDate = 1, endDate = 2"), headers),
        "html": (200, b"<!DOCTYPE html><html><body>Please accept cookies</body></html>", page),
        "consent": (200, b"<form><input name=csrfToken value=1><input name=sessionId value=2></form>", page),
        "down": (status, b"<html><body>Will be right back...</body></html>", headers),
        "blank": (200, b"", headers),
        "notjson": (200, b"\xff\xfe\x00 no JSON", headers),
        "jsonlist": (200, b"[1, 2, 3]", headers),
        "gzip": (200, body, {**headers, "Content-Encoding": "gzip"}),
        "redirect": (302, b"", {"Location": "https://guce.yahoo.com/consent"}),
        "leads": (302, b"", {"Location": "http://127.0.0.1:9/v8/finance/chart/NVDA"}),
        "nullresult": (200, b'{"chart":{"result":null,"error":null}}', headers),
        "emptyresult": (200, b'{"chart":{"result":[],"error":null}}', headers),
        "charterror": (200, chart_error("Internal Server Error", "Something went wrong"), headers),
        "textcut": (200, body[: len(body) // 2], headers),
    }
    if kind in ("500", "502", "503"):
        return int(kind), b"<html><body>trouble</body></html>", page
    if kind == "bomb":
        return 200, bomb(), {**headers, "Content-Encoding": "gzip"}
    if kind in fixed:
        return fixed[kind]
    if kind in (*SHAPE, *FIGURES):
        try:
            found = json.loads(body)
            result = found["chart"]["result"][0]
        except (ValueError, KeyError, TypeError):
            # cookie, crumb and refusals hold no chart to twist
            return reply
        quote = result["indicators"]["quote"][0]
        if result.get("timestamp") or kind in ON_META:
            TWISTS[kind](result, quote, chance)
        return status, json.dumps(found).encode(), headers
    return status, body, headers


Twist = Callable[[dict[str, Any], dict[str, list[Any]], random.Random], None]
PRICES = ("open", "high", "low", "close")


def _everywhere(value: Any) -> Twist:
    def twist(result: dict[str, Any], quote: dict[str, list[Any]], chance: random.Random) -> None:
        del chance
        for name in PRICES:
            quote[name] = [value] * len(result["timestamp"])

    return twist


def _somewhere(name: str, change: Callable[[float], Any]) -> Twist:
    def twist(result: dict[str, Any], quote: dict[str, list[Any]], chance: random.Random) -> None:
        del result
        at = chance.randrange(len(quote["close"]))
        quote[name][at] = change(quote[name][at] or 1.0)

    return twist


def _without(*path: str) -> Twist:
    def twist(result: dict[str, Any], quote: dict[str, list[Any]], chance: random.Random) -> None:
        del chance
        inner: Any = quote if path[0] == "quote" else result
        for name in path[:-1] if path[0] != "quote" else ():
            inner = inner[name]
        inner.pop(path[-1], None)

    return twist


def _meta(name: str, value: Any) -> Twist:
    def twist(result: dict[str, Any], quote: dict[str, list[Any]], chance: random.Random) -> None:
        del quote, chance
        result["meta"][name] = value

    return twist


def _empty(result: dict[str, Any], quote: dict[str, list[Any]], chance: random.Random) -> None:
    del quote, chance
    result.pop("timestamp", None)
    result["indicators"] = {"quote": [{}], "adjclose": [{}]}


def _no_meta(result: dict[str, Any], quote: dict[str, list[Any]], chance: random.Random) -> None:
    del quote, chance
    result["meta"] = {}


def _null_stamps(result: dict[str, Any], quote: dict[str, list[Any]], chance: random.Random) -> None:
    del quote
    result["timestamp"][chance.randrange(len(result["timestamp"]))] = None


def _unequal(result: dict[str, Any], quote: dict[str, list[Any]], chance: random.Random) -> None:
    del result, chance
    quote["close"].pop()


def _words(result: dict[str, Any], quote: dict[str, list[Any]], chance: random.Random) -> None:
    del result
    at = chance.randrange(len(quote["close"]))
    quote["close"][at] = "n/a"


def _bad_events(result: dict[str, Any], quote: dict[str, list[Any]], chance: random.Random) -> None:
    del quote
    at = chance.choice(result["timestamp"])
    broken: list[Any] = [{"dividends": {str(at): {"date": at}}}, {"dividends": [1]}, {"splits": {str(at): None}}]
    result["events"] = chance.choice(broken)


def _some_null(result: dict[str, Any], quote: dict[str, list[Any]], chance: random.Random) -> None:
    for at in chance.sample(range(len(quote["close"])), k=min(3, len(quote["close"]))):
        for name in PRICES:
            quote[name][at] = None
        result["indicators"]["adjclose"][0]["adjclose"][at] = None


def _columns(result: dict[str, Any], quote: dict[str, list[Any]]) -> list[list[Any]]:
    adjusted = result["indicators"]["adjclose"][0]["adjclose"]
    return [result["timestamp"], adjusted, *(quote[name] for name in (*PRICES, "volume"))]


def _missing(result: dict[str, Any], quote: dict[str, list[Any]], chance: random.Random) -> None:
    n = len(result["timestamp"])
    gone = set(chance.sample(range(n), k=min(chance.randint(1, 15), n - 1)))
    for column in _columns(result, quote):
        column[:] = [value for at, value in enumerate(column) if at not in gone]


def _tail_lost(result: dict[str, Any], quote: dict[str, list[Any]], chance: random.Random) -> None:
    n = len(result["timestamp"])
    left = max(1, n - chance.randint(1, 30))
    for column in _columns(result, quote):
        del column[left:]


def _duplicate(result: dict[str, Any], quote: dict[str, list[Any]], chance: random.Random) -> None:
    at = chance.randrange(len(result["timestamp"]))
    factor = chance.choice([1.0, 1.5])
    for name, column in zip(("stamp", "adjusted", *PRICES, "volume"), _columns(result, quote), strict=True):
        again = column[at]
        column.insert(at, again if name == "stamp" or again is None else again * factor)


def _unsorted(result: dict[str, Any], quote: dict[str, list[Any]], chance: random.Random) -> None:
    order = list(range(len(result["timestamp"])))
    chance.shuffle(order)
    for column in _columns(result, quote):
        column[:] = [column[at] for at in order]


def _split_event(result: dict[str, Any], at: int) -> None:
    stamp = result["timestamp"][at]
    split = {"date": stamp, "numerator": SPLIT, "denominator": 1.0, "splitRatio": "10:1"}
    result.setdefault("events", {})["splits"] = {str(stamp): split}


def _unsplit(result: dict[str, Any], quote: dict[str, list[Any]], chance: random.Random) -> None:
    """A split is listed, and the prices before it (or before an earlier day) are still those of old shares."""
    n = len(result["timestamp"])
    if n < 3:
        return
    at = chance.randrange(2, n)
    _split_event(result, at)
    _old_shares(result, quote, at)


def _half_split(result: dict[str, Any], quote: dict[str, list[Any]], chance: random.Random) -> None:
    n = len(result["timestamp"])
    if n < 3:
        return
    at = chance.randrange(2, n)
    _split_event(result, at)
    _old_shares(result, quote, chance.randrange(1, at))


def _old_shares(result: dict[str, Any], quote: dict[str, list[Any]], until: int) -> None:
    for name in PRICES:
        quote[name][:until] = [None if v is None else v * SPLIT for v in quote[name][:until]]
    adjusted = result["indicators"]["adjclose"][0]["adjclose"]
    adjusted[:until] = [None if v is None else v * SPLIT for v in adjusted[:until]]


def _half_adjusted(result: dict[str, Any], quote: dict[str, list[Any]], chance: random.Random) -> None:
    """The split reached the closes and not the adjusted closes."""
    n = len(result["timestamp"])
    if n < 3:
        return
    at = chance.randrange(2, n)
    _split_event(result, at)
    adjusted = result["indicators"]["adjclose"][0]["adjclose"]
    adjusted[:at] = [None if v is None else v * SPLIT for v in adjusted[:at]]


def _wrong_period(result: dict[str, Any], quote: dict[str, list[Any]], chance: random.Random) -> None:
    del quote, chance
    result["timestamp"] = [stamp - 20 * 365 * 86400 for stamp in result["timestamp"]]
    result.pop("events", None)


ON_META = ("nometa", "nocurrency", "nozone", "badzone", "notype", "othersymbol", "othercurrency", "granularity")
TWISTS: dict[str, Twist] = {
    "empty": _empty,
    "nometa": _no_meta,
    "nocurrency": _without("meta", "currency"),
    "nozone": _without("meta", "exchangeTimezoneName"),
    "badzone": _meta("exchangeTimezoneName", "Mars/Olympus"),
    "notype": _without("meta", "instrumentType"),
    "noindicators": _without("indicators"),
    "noquote": _without("indicators", "quote"),
    "noclose": _without("quote", "close"),
    "novolume": _without("quote", "volume"),
    "noadjclose": _without("indicators", "adjclose"),
    "nostamps": _without("timestamp"),
    "nullstamps": _null_stamps,
    "unequal": _unequal,
    "words": _words,
    "events": _bad_events,
    "nan": _everywhere(None),
    "nanword": _somewhere("close", lambda _: float("nan")),
    "infinite": _somewhere("close", lambda _: float("inf")),
    "somenull": _some_null,
    "missing": _missing,
    "taillost": _tail_lost,
    "duplicate": _duplicate,
    "unsorted": _unsorted,
    "negative": _somewhere("close", lambda close: -close),
    "zero": _somewhere("close", lambda _: 0.0),
    "absurd": _somewhere("close", lambda _: 1e300),
    "tiny": _somewhere("close", lambda _: 1e-300),
    "absurdopen": _somewhere("open", lambda _: 1e300),
    "unsplit": _unsplit,
    "halfsplit": _half_split,
    "halfadjusted": _half_adjusted,
    "othersymbol": _meta("symbol", "OTHER"),
    "othercurrency": _meta("currency", "EUR"),
    "granularity": _meta("dataGranularity", "1mo"),
    "wrongperiod": _wrong_period,
}  # fmt: skip
# a kind without a twist of its own is answered with fixed text
assert set(TWISTS) | {"nullresult", "emptyresult", "charterror"} == {*SHAPE, *FIGURES}


def send(kind: str, tunnel: ssl.SSLSocket, reply: Reply, *, date: str, pause: float, ended: threading.Event) -> bool:
    """A reply onto the wire as a fault leaves it; whether the connection goes on."""
    status, body, own = reply
    if kind == "drop":
        return _reset(tunnel)
    if kind == "closed":
        # the goodbye of TLS, and not a byte of an answer
        tunnel.unwrap()
        return False
    if kind == "notls":
        # in the middle of the secured connection: bytes that are none of it
        raw = socket.socket(fileno=tunnel.detach())
        raw.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        raw.close()
        return False
    if kind == "slow":
        ended.wait(pause)
        return False
    if kind == "endless":
        return _endless(tunnel, ended)
    length = len(body) + {"lenlong": 1000, "lenshort": -(len(body) // 3)}.get(kind, 0)
    headers = {"Content-Length": str(length), **own, "Date": date}
    lines = [f"HTTP/1.1 {status} X", *(f"{name}: {value}" for name, value in headers.items())]
    sent = body[: len(body) // 2] if kind in ("lencut", "reset") else body
    data = "\r\n".join(lines).encode() + b"\r\n\r\n" + sent
    if kind == "drip":
        # a hundredth of the pause between a few bytes: done in the tenth of it, or not before the client gives up
        step = max(1, len(data) // 10)
        for at in range(0, len(data), step):
            if ended.wait(pause / 100):
                return False
            tunnel.sendall(data[at : at + step])
        return True
    tunnel.sendall(data)
    if kind == "reset":
        return _reset(tunnel)
    return kind not in ("lencut", "lenlong")


def _endless(tunnel: ssl.SSLSocket, ended: threading.Event) -> bool:
    """A body without an announced length that goes on until the client has had enough."""
    with suppress(OSError):
        tunnel.sendall(b"HTTP/1.1 200 X\r\nContent-Type: application/json\r\n\r\n{")
        while not ended.is_set():
            tunnel.sendall(b" " * 2**20)
    return False


def _reset(tunnel: ssl.SSLSocket) -> bool:
    tunnel.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return False
