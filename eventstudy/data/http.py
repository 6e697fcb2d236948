"""Requests over https to one service: redirects stay with it, bodies are bounded, errors are sentences."""

from __future__ import annotations

import hashlib
import random
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

from eventstudy.data import clock
from eventstudy.data.network import Service, refusal
from eventstudy.errors import MalformedResponse, SourceUnavailable

# Numbers of libcurl's errors: proxy and host not resolved, refused, timed out, TLS, certificate
NO_NAME, REFUSED, TIMED_OUT, TLS = (5, 6), (7, 97), (28,), (35, 51, 58, 60, 77, 83, 90, 91)
REDIRECTS = (301, 302, 303, 307, 308)
MOST_REDIRECTS = 5
# Printable ASCII without a backslash, which some parsers read as a slash.
_PLAIN = re.compile(r"[!-\[\]-~]+")
LARGEST_BODY = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, whatever its status.

    Attributes
    ----------
    headers : dict
        Names in lower case.
    body : bytes
        Decoded; up to the mark where the request named one.
    host : str
        Which answered, after redirects.
    at : datetime
        UTC.
    """

    status: int
    headers: dict[str, str]
    body: bytes
    host: str
    at: datetime

    @property
    def text(self) -> str:
        """The body as text; bytes that are not UTF-8 are replaced."""
        return self.body.decode("utf-8", errors="replace")

    @property
    def sha256(self) -> str:
        """Of the body."""
        return hashlib.sha256(self.body).hexdigest()

    @property
    def is_page(self) -> bool:
        """Whether it is a web page."""
        start = self.body[:2000].lstrip().lower()
        return start.startswith((b"<!doctype", b"<html")) or b"<html" in start


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Time limits and numbers of tries for a service; seconds.

    Attributes
    ----------
    tries : int
        Per request, where the connection breaks off or the service has trouble of its own.
    pause : float
        Before the second try; doubled before each further one, and spread at random by half.
    """

    connect: float = 5.0
    reply: float = 30.0
    tries: int = 3
    pause: float = 0.5


@dataclass(slots=True, kw_only=True)
class Web:
    """One service.

    Attributes
    ----------
    service : str
        As messages call it.
    domains : tuple of str
        Redirects stay at these hosts and those below them.
    headers : mapping
        Of every request.
    secret_headers : mapping
        Sent to the host that was asked, never along with a redirect to another.
    secret_query : mapping
        Parameters added to every request and named in no message.
    per_second : float
        Most requests per second.
    browser : bool
        Whether the service answers browsers alone.
    sleep, jitter, now : callable
        Pauses; random numbers in [0, 1); seconds of a clock that never goes back.
    """

    service: str
    domains: tuple[str, ...]
    headers: Mapping[str, str] = field(default_factory=dict)
    secret_headers: Mapping[str, str] = field(default_factory=dict)
    secret_query: Mapping[str, str] = field(default_factory=dict)
    per_second: float = 5.0
    browser: bool = False
    patience: Patience = field(default_factory=Patience)
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random
    now: Callable[[], float] = time.monotonic
    requests: int = 0
    _session: Any = None
    _free_from: float = 0.0

    def get(self, url: str, query: Mapping[str, str] | None = None, *, until: bytes = b"") -> Reply:
        """Ask for a resource, again where that may help.

        Parameters
        ----------
        url : str
            https.
        query : mapping or None
        until : bytes
            The body is read up to and with this mark, not further.

        Returns
        -------
        Reply
            Of any status below 500.

        Raises
        ------
        SourceUnavailable
            After every try that may help.
        MalformedResponse
            A redirect elsewhere, or a body larger than ``LARGEST_BODY``.
        """
        for attempt in range(self.patience.tries):
            last = attempt + 1 == self.patience.tries
            try:
                reply = self._followed(url, {**(query or {}), **self.secret_query}, until)
            except _Broken as error:
                if last or not error.again:
                    raise SourceUnavailable(error.found, hint=error.hint) from None
            else:
                if reply.status < 500:
                    return reply
                if last:
                    found = f"{self.service} has trouble of its own (status {reply.status})"
                    raise SourceUnavailable(found, hint="try again in some minutes")
            self.sleep(self.patience.pause * float(2**attempt) * (0.75 + 0.5 * self.jitter()))
        raise AssertionError("the last try returned or raised")

    def _followed(self, url: str, query: Mapping[str, str], until: bytes) -> Reply:
        asked = urlsplit(url).hostname
        target = f"{url}?{urlencode(query)}" if query else url
        for _ in range(MOST_REDIRECTS):
            if not may_go(target, self.domains):
                raise MalformedResponse(
                    f"{self.service} redirects to {urlsplit(target).hostname or 'no host'}, which is not its own",
                    hint="a portal or proxy may answer instead",
                )
            own = urlsplit(target).hostname == asked
            reply = self._once(target, {**self.headers, **(self.secret_headers if own else {})}, until)
            if reply.status not in REDIRECTS or not reply.headers.get("location"):
                return reply
            said = reply.headers["location"]
            # joining would drop line breaks and blanks, and then another address would be judged than the one sent
            target = urljoin(target, said) if _PLAIN.fullmatch(said) else said
        raise MalformedResponse(f"{self.service} redirects without end", hint="try again later")

    def _once(self, target: str, headers: Mapping[str, str], until: bytes) -> Reply:
        self._wait_for_turn()
        self.requests += 1
        session = self._opened()
        try:
            reply = session.request(
                "GET",
                target,
                headers=dict(headers),
                timeout=(self.patience.connect, self.patience.reply),
                allow_redirects=False,
                stream=True,
            )
        except Exception as error:
            raise broken(error, self.service) from None
        try:
            body = self._body(reply, until)
        except MalformedResponse:
            raise
        except Exception as error:
            raise broken(error, self.service) from None
        finally:
            reply.close()
        named = {str(name).lower(): str(value) for name, value in reply.headers.items()}
        host = urlsplit(target).hostname or ""
        return Reply(int(reply.status_code), named, body, host, clock.utc_now().astimezone(UTC))

    def _body(self, reply: Any, until: bytes) -> bytes:
        held = bytearray()
        for part in reply.iter_content():
            held += part
            if until and (at := held.find(until)) >= 0:
                return bytes(held[: at + len(until)])
            if len(held) > LARGEST_BODY:
                raise MalformedResponse(
                    f"{self.service} sends more than {LARGEST_BODY >> 20} MiB", hint="try again later"
                )
        return bytes(held)

    def _wait_for_turn(self) -> None:
        """The gate: a pause until the next request may be sent."""
        now = self.now()
        if now < self._free_from:
            self.sleep(self._free_from - now)
        self._free_from = max(now, self._free_from) + 1 / self.per_second

    def _opened(self) -> Any:
        if self._session is None:
            try:
                from curl_cffi import requests
            except ImportError as error:
                raise SourceUnavailable(
                    f"the client of {self.service} cannot be loaded: {error}", hint="install curl_cffi"
                ) from error
            self._session = requests.Session(impersonate="chrome") if self.browser else requests.Session()
        return self._session


class _Broken(Exception):
    """No answer came."""

    def __init__(self, found: str, hint: str, *, again: bool) -> None:
        super().__init__(found)
        self.found, self.hint, self.again = found, hint, again


def may_go(url: str, domains: tuple[str, ...]) -> bool:
    """Whether a request may be sent: ``network.refusal`` judges every request and every redirect."""
    return not refusal(url, Service("", domains))


def broken(error: Exception, service: str) -> _Broken:
    """Why a request brought no reply; without the request itself, which may hold a key."""
    code = int(getattr(error, "code", 0) or 0)
    if code in NO_NAME:
        found = f"{service} cannot be reached: its name is not found (no network, or no DNS)"
        return _Broken(found, "`eventstudy doctor` looks closer", again=False)
    if code in REFUSED or "CONNECT tunnel failed" in str(error) or type(error).__name__ == "ProxyError":
        found = f"{service} cannot be reached: the connection, or the proxy in between, refuses"
        return _Broken(found, "check HTTPS_PROXY; `eventstudy doctor` looks closer", again=False)
    if code in TIMED_OUT:
        return _Broken(f"{service} does not answer: no reply in time", "try again later", again=False)
    if code in TLS:
        found = f"{service} cannot be trusted: its certificate does not verify"
        hint = "a proxy may replace certificates; name its authority with REQUESTS_CA_BUNDLE=FILE"
        return _Broken(found, hint, again=False)
    return _Broken(f"the connection to {service} broke off ({type(error).__name__})", "try again", again=True)
