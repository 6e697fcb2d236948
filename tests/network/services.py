"""Services on loopback: any host of a few behind a proxy with a throw-away authority, met by environment variables alone.

The program has no switch for tests: the client on the other side is the real one over real TLS. Each service is a function
from a request to an answer; faults of the transport depend on the name of a host.
"""

from __future__ import annotations

import gzip
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import trustme

from tests.network.spoilt import send

HOSTS = (
    "www.sec.gov",
    "data.sec.gov",
    "finance.yahoo.com",
    "consent.yahoo.com",
    "finnhub.io",
    "api.tiingo.com",
    "eodhd.com",
    "mba.tuck.dartmouth.edu",
)


@dataclass(frozen=True)
class Request:
    """What a client asked."""

    host: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    at: float


@dataclass(frozen=True)
class Answer:
    """What it gets."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[Request], Answer]
# faults of the transport that every service shares: kind of `send` -> words of the sentence that tells it
TRANSPORT = {
    "drop": "broke off",
    "reset": "broke off",
    "closed": "broke off",
    "lencut": "broke off",
    "notls": "broke off",
    "wronggzip": "broke off",
    "slow": "no reply in time",
    "elsewhere": "redirects to",
    "plain": "redirects to",
    "loop": "redirects without end",
    "500": "trouble of its own",
    "503": "trouble of its own",
}


class Services:
    """The proxy and, behind every tunnel, the services."""

    def __init__(self, folder: Path) -> None:
        self.handlers: dict[str, Handler] = {}
        self.faults: dict[str, list[str]] = {}
        self.log: list[Request] = []
        authority = trustme.CA()
        self.authority = folder / "authority.pem"
        authority.cert_pem.write_to_path(str(self.authority))
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(*HOSTS).configure_cert(self._tls)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._ended = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def environment(self) -> dict[str, str]:
        """What a process needs to meet the services."""
        return {"HTTPS_PROXY": f"http://127.0.0.1:{self.port}", "REQUESTS_CA_BUNDLE": str(self.authority)}

    def fault(self, host: str, kind: str, *, times: int = 99) -> None:
        """Let the next answers of a host go wrong on their way."""
        assert kind in TRANSPORT, kind
        self.faults[host] = [kind] * times

    def forget(self) -> None:
        """Nothing is served, nothing goes wrong, nothing was asked."""
        self.handlers, self.faults, self.log = {}, {}, []

    def asked(self, part: str) -> list[Request]:
        """Requests whose path holds a text."""
        return [one for one in self.log if part in one.path]

    def close(self) -> None:
        self._ended.set()
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
            with client.makefile("rb") as stream:
                line = stream.readline().decode()
                while stream.readline().strip():
                    pass
            host = line.split()[1].rsplit(":", 1)[0]
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            with self._tls.wrap_socket(client, server_side=True) as tunnel, tunnel.makefile("rb") as stream:
                while line := stream.readline().decode():
                    headers = {}
                    while field_line := stream.readline().decode().strip():
                        name, _, value = field_line.partition(":")
                        headers[name.lower()] = value.strip()
                    if not self._reply(tunnel, host, line.split()[1], headers):
                        return
        except (OSError, ssl.SSLError, IndexError):
            # the client went away, or does not trust us: both are cases under test
            return
        finally:
            client.close()

    def _reply(self, tunnel: ssl.SSLSocket, host: str, target: str, headers: dict[str, str]) -> bool:
        parts = urlsplit(target)
        query = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        request = Request(host, unquote(parts.path), query, headers, time.monotonic())
        self.log.append(request)
        kind = self.faults[host].pop(0) if self.faults.get(host) else ""
        answer = self.handlers[host](request) if host in self.handlers else Answer(404, b"<html>nothing here</html>")
        if kind in ("500", "503"):
            answer = Answer(int(kind), b"<html>trouble</html>")
        elif kind == "elsewhere":
            answer = Answer(302, b"", {"Location": f"https://portal.example.org/?from={target}"})
        elif kind == "plain":
            answer = Answer(302, b"", {"Location": f"http://{host}{target}"})
        elif kind == "loop":
            answer = Answer(302, b"", {"Location": target})
        elif kind == "wronggzip":
            answer = Answer(200, b"\x1f\x8b\x08 this is not a gzip", {"Content-Encoding": "gzip"})
        elif "gzip" in headers.get("accept-encoding", "") and answer.status == 200:
            answer = Answer(200, gzip.compress(answer.body, 1), {**answer.headers, "Content-Encoding": "gzip"})
        reply = (answer.status, answer.body, dict(answer.headers))
        return send(kind, tunnel, reply, date="Sun, 29 Nov 2026 12:00:00 GMT", pause=30.0, ended=self._ended)
