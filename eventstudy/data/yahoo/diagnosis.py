"""Diagnosis of the connection to Yahoo, step by step."""

from __future__ import annotations

import os
import platform
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

from eventstudy.data import clock
from eventstudy.data.store import FILE, open_store
from eventstudy.data.yahoo.wire import CLOCK_TOLERANCE
from eventstudy.errors import EventStudyError, RateLimited
from eventstudy.opening import can_be_written, exists, is_file

HOST = "query2.finance.yahoo.com"
PROXIES = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")
AUTHORITIES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
PACKAGES = ("numpy", "scipy", "pandas", "exchange_calendars", "yfinance", "curl_cffi", "typer")
# A fortnight long past: whatever the hour, Yahoo has it.
PROBE, PROBE_START, PROBE_END = "SPY", date(2024, 1, 2), date(2024, 1, 12)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes
    ----------
    state : {"ok", "warn", "fail", "skipped"}
    text : str
        What was found.
    advice : str
        What to do about it; empty when all is well.
    """

    topic: str
    state: str
    text: str
    advice: str = ""


def diagnose(folder: Path, *, offline: bool) -> Iterator[Finding]:
    """Versions, store, calendars, proxy, certificates, name, and one request to Yahoo with the clock it shows."""
    yield _versions()
    yield store_finding(folder)
    yield _calendar()
    yield from environment(os.environ)
    if offline:
        yield Finding("yahoo", "skipped", "not asked (--offline)")
        return
    yield _name()
    yield from _request(folder)


def _versions() -> Finding:
    from importlib.metadata import PackageNotFoundError, version

    found = []
    for name in PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            return Finding("versions", "fail", f"{name} is not installed", "install the program again")
    return Finding("versions", "ok", f"Python {platform.python_version()}, {', '.join(found)}")


def store_finding(folder: Path) -> Finding:
    """Whether the store can be used; looking makes none."""
    if not exists(folder / FILE):
        return _room_for_store(folder)
    said: list[str] = []
    try:
        store = open_store(folder, said.append)
        headers = store.headers()
        store.close()
    except (EventStudyError, OSError) as error:
        return Finding("store", "fail", _first_line(error), "name another folder with --store DIR")
    text = f"{folder / FILE}: {len(headers)} vintages of {len({h.vintage.symbol for h in headers})} symbols"
    if said:
        return Finding("store", "warn", "; ".join([*said, text]), "`eventstudy fetch` fills it again")
    if not store.writable:
        return Finding("store", "warn", f"{text}; it cannot be written", "name another folder with --store DIR")
    return Finding("store", "ok", text)


def _room_for_store(folder: Path) -> Finding:
    if not can_be_written(folder):
        return Finding("store", "fail", f"{folder} cannot be made", "name another folder with --store DIR")
    return Finding("store", "ok", f"none yet; it would be {folder / FILE}")


def _calendar() -> Finding:
    from eventstudy.data.vintage import market_calendar

    today = clock.utc_now().date()
    calendar = market_calendar("America/New_York", today, today)
    assert calendar is not None, "New York has a calendar"
    if calendar.sessions[-1] <= today:
        return Finding(
            "calendars", "fail", f"sessions are known up to {calendar.sessions[-1]}", "update exchange_calendars"
        )
    return Finding("calendars", "ok", f"New York's sessions are known up to {calendar.sessions[-1]}")


def environment(variables: os._Environ[str] | dict[str, str]) -> Iterator[Finding]:
    """Proxy and certificate settings, passwords left out."""
    proxy = next((name for name in PROXIES if variables.get(name)), None)
    if proxy is None:
        yield Finding("proxy", "ok", "none set")
    else:
        parts = urlsplit(variables[proxy])
        place = f"{parts.scheme}://{'***@' if parts.username else ''}{parts.hostname or ''}:{_port(parts)}"
        yield Finding("proxy", "ok", f"{proxy} = {place}")
    named = [name for name in AUTHORITIES if variables.get(name)]
    for name in named:
        path = Path(variables[name])
        if not is_file(path):
            yield Finding(
                "certificates", "fail", f"{name} names {path}, which is not a file", f"correct or unset {name}"
            )
        else:
            yield Finding("certificates", "ok", f"{name} = {path}")
    if not named:
        yield Finding("certificates", "ok", "those of the client")


def _port(parts: object) -> str:
    try:
        return str(getattr(parts, "port", "") or "")
    except ValueError:
        return "?"


def _name() -> Finding:
    if any(os.environ.get(name) for name in PROXIES):
        return Finding("dns", "skipped", f"the proxy looks up {HOST}")
    try:
        found = socket.getaddrinfo(HOST, 443, type=socket.SOCK_STREAM)
    except OSError as error:
        return Finding("dns", "fail", f"{HOST} is not found ({error})", "is there a network? is its DNS up?")
    return Finding("dns", "ok", f"{HOST} is {found[0][4][0]}")


def _request(folder: Path) -> Iterator[Finding]:
    from eventstudy.data.yahoo.client import YahooClient
    from eventstudy.data.yahoo.wire import Limits

    client = YahooClient(folder / "yfinance", Limits(tries=1, waiting=0.0))
    try:
        vintage = client.ask(PROBE, PROBE_START, PROBE_END)
    except RateLimited as error:
        yield Finding("yahoo", "fail", f"reached, but rate limited: {error.found}", error.hint)
    except (EventStudyError, OSError) as error:
        hint = error.hint if isinstance(error, EventStudyError) else "name another folder with --store DIR"
        # this is the closer look
        advice = "; ".join(part for part in hint.split("; ") if "eventstudy doctor" not in part)
        yield Finding("yahoo", "fail", _first_line(error), advice)
    else:
        closed = vintage.bars.closed()
        text = f"{len(closed)} sessions of {PROBE}" if len(closed) else vintage.note
        yield Finding("yahoo", "ok" if len(closed) else "warn", f"reached in {client.requests} requests; {text}")
    yield clock_finding(client.server_date())


def clock_finding(server: str) -> Finding:
    """This machine's clock against the ``Date`` of Yahoo's reply."""
    try:
        theirs = parsedate_to_datetime(server)
    except ValueError:
        return Finding("clock", "skipped", "no reply to compare with")
    gap = clock.utc_now() - theirs
    text = f"{abs(gap.total_seconds()):.0f} s {'ahead of' if gap.total_seconds() > 0 else 'behind'} Yahoo's"
    if abs(gap) > CLOCK_TOLERANCE:
        return Finding(
            "clock", "fail", text, "set this machine's clock: finality of sessions and certificates depend on it"
        )
    return Finding("clock", "ok", text)


def _first_line(error: EventStudyError | OSError) -> str:
    return (error.in_lines() if isinstance(error, EventStudyError) else str(error)).splitlines()[0]
