"""Every request over the network passes here: which hosts may be asked, where a redirect may lead, how long a reply is.

A client of a service (Yahoo's, the factor library's, a later one's) hands its requests to ``follow``, which follows
redirects itself, so that one place decides about each address before a byte is sent to it. What a page says (a meta
refresh, a script) is never followed, because nothing here reads pages.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

MOST_REDIRECTS = 5
REDIRECTS = (301, 302, 303, 307, 308)
# Bytes of a reply, as sent and unpacked: sixty years of daily prices of one symbol take three million.
LARGEST_REPLY = 2**25
# Seconds that one reply may take as a whole, however slowly and steadily it comes.
LONGEST_REPLY = 60.0
_STEP = 2**16
# What CURLOPT_WRITEFUNCTION returns to end a transfer.
_CURL_STOP = 0xFFFFFFFF
# CURLE_FILESIZE_EXCEEDED: what CURLOPT_MAXFILESIZE_LARGE stops, which counts before unpacking.
_CURL_TOO_LARGE = 63
# Printable ASCII without a backslash, which some parsers read as a slash.
_PLAIN = re.compile(r"[!-\[\]-~]+")
# Nothing before the host, so no name and password; a host of plain letters, so no look-alikes from other scripts.
_ADDRESS = re.compile(r"(https?)://([a-z0-9-]+(?:\.[a-z0-9-]+)+)(?::([0-9]{1,5}))?(?:[/?].*)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Service:
    """A service that may be asked.

    Attributes
    ----------
    name : str
        As messages call it.
    domains : tuple of str
        Its hosts are these and their subdomains.
    """

    name: str
    domains: tuple[str, ...]


YAHOO = Service("Yahoo", ("yahoo.com",))
FRENCH = Service("Kenneth French's data library", ("mba.tuck.dartmouth.edu",))


class NotAllowed(OSError):
    """A request that may not be made: another host, no TLS, or an address that is read in two ways."""


class TooLarge(OSError):
    """A reply longer than any that the service has a reason to send."""


def refusal(url: str, service: Service) -> str:
    """Why an address may not be asked, as the end of a sentence; empty where it may."""
    found = _ADDRESS.fullmatch(url) if _PLAIN.fullmatch(url) else None
    if found is None:
        return "has an address that cannot be read in one way only"
    scheme, host, port = found[1].lower(), found[2].lower(), found[3]
    if not any(host == domain or host.endswith(f".{domain}") for domain in service.domains):
        return f"leads to another host ({host[:80]})"
    if scheme == "http":
        return "leads away from TLS"
    if port not in (None, "443"):
        return f"leads to another port ({port})"
    return ""


def follow(send: Callable[..., Any], method: str, url: str, service: Service, **options: Any) -> Any:
    """Send a request and follow its redirects, each address judged before it is asked.

    Parameters
    ----------
    send : callable
        ``send(method, url, **options)``; follows nothing itself and returns a reply with ``status_code`` and
        ``headers``.
    method, url, options
        Of the first request. A redirect is asked without the parameters and the body of the first request, unless its
        status asks for the body again.

    Raises
    ------
    NotAllowed
        An address outside the service, and more than five redirects.
    """
    for number in range(MOST_REDIRECTS + 1):
        if why := refusal(url, service):
            raise NotAllowed(f"{service.name}'s reply {why}" if number else f"the request {why}")
        reply = send(method, url, **options)
        target = str(reply.headers.get("Location") or "")
        if reply.status_code not in REDIRECTS or not target:
            return reply
        if not _PLAIN.fullmatch(target):
            # urljoin would drop line breaks and blanks, and then judge another address than the one that was sent
            raise NotAllowed(f"{service.name}'s reply has an address that cannot be read in one way only")
        url = urljoin(url, target)
        options.pop("params", None)
        if reply.status_code == 303 or (reply.status_code in (301, 302) and method.upper() == "POST"):
            method = "GET"
            for body in ("data", "json", "content"):
                options.pop(body, None)
    raise NotAllowed(f"{service.name}'s reply leads on and on: more than {MOST_REDIRECTS} redirects")


def bounded_curl(request: Callable[..., Any], service: Service) -> Callable[..., Any]:
    """The ``request`` of a session of curl_cffi that follows no redirect and stops at the largest reply."""

    def send(method: str, url: str, **options: Any) -> Any:
        parts: list[bytes] = []
        size = 0

        def take(part: bytes) -> int:
            nonlocal size
            size += len(part)
            if size > LARGEST_REPLY:
                parts.clear()
                return _CURL_STOP
            parts.append(part)
            return len(part)

        try:
            # the pieces are unpacked already, so that a small reply cannot become a large one
            reply = request(method, url, **{**options, "allow_redirects": False, "content_callback": take})
        except Exception as error:
            if size > LARGEST_REPLY or getattr(error, "code", 0) == _CURL_TOO_LARGE:
                raise _too_large(service) from error
            raise
        reply.content = b"".join(parts)
        return reply

    return send


def bounded_requests(service: Service, inspect: Callable[[bytes], None]) -> Any:
    """A session of requests that asks one service, sends no password of a ``.netrc``, and stops at the largest reply.

    Parameters
    ----------
    inspect : callable
        Raises where a body must not reach the client, such as an archive that unpacks to far more.

    Returns
    -------
    requests.Session
    """
    import requests

    class Session(requests.Session):
        """Every verb of a session goes through ``request``."""

        def request(self, method: str | bytes, url: str | bytes, *_: Any, **options: Any) -> Any:
            """As ``follow``, over TLS: pandas-datareader's addresses begin with http."""
            secure = re.sub("^http:", "https:", str(url), flags=re.IGNORECASE)
            return follow(self._once, str(method), secure, service, **options)

        def _once(self, method: str, url: str, **options: Any) -> Any:
            reply = super().request(method, url, **{**options, "allow_redirects": False, "stream": True})
            reply._content = _read(reply, service)
            inspect(reply._content)
            return reply

    session = Session()
    # without one of its own, requests looks into the .netrc of the user; proxies and certificates stay the user's
    session.auth = lambda request: request
    # requests reads REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE itself
    session.verify = os.environ.get("SSL_CERT_FILE") or True
    return session


def _read(reply: Any, service: Service) -> bytes:
    parts, size, end = [], 0, time.monotonic() + LONGEST_REPLY
    with reply:
        for part in reply.iter_content(_STEP):
            size += len(part)
            if max(size, reply.raw.tell()) > LARGEST_REPLY:
                raise _too_large(service)
            if time.monotonic() > end:
                raise TimeoutError(f"{service.name}'s reply takes longer than {LONGEST_REPLY:.0f} s")
            parts.append(part)
    return b"".join(parts)


def _too_large(service: Service) -> TooLarge:
    return TooLarge(f"{service.name}'s reply is larger than {LARGEST_REPLY >> 20} MiB")
