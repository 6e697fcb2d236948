"""A stand-in for the factor library on loopback, met as an HTTP proxy by the real pandas-datareader."""

from __future__ import annotations

import base64
import io
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np

from eventstudy.data.french import FIVE, MOMENTUM, THREE

NAMES = {THREE: ("Mkt-RF", "SMB", "HML", "RF"), FIVE: ("Mkt-RF", "SMB", "HML", "RMW", "CMA", "RF"), MOMENTUM: ("Mom",)}


class Library:
    """Factors in percent by day, as the library zips them; ``fault`` says what goes wrong."""

    def __init__(self, days: np.ndarray, vintage: str = "202509") -> None:
        self.vintage, self.fault, self.asked = vintage, "", 0
        # sent with status 302 where it says where to look instead
        self.leads = ""
        self.requested: list[str] = []
        # headers of the requests, decoded where they hold a password
        self.sent: list[str] = []
        self.days = days
        rng = np.random.default_rng(9)
        names = sorted({name for columns in NAMES.values() for name in columns})
        # two decimals, as the library prints them
        self.figures = {name: np.round(rng.normal(0.03, 1.0, len(days)), 2) for name in names}
        self.figures["RF"] = np.full(len(days), 0.02)

    def text(self, dataset: str) -> str:
        scale = 0.01 if self.fault == "decimals" else 1.0
        columns = NAMES[dataset][: -1 if self.fault == "column" else None]
        figures = [scale * self.figures[name] for name in columns]
        lines = [
            f"{str(day).replace('-', '')},{','.join(f'{values[i]:8.4f}' for values in figures)}"
            for i, day in enumerate(self.days)
        ]
        if self.fault == "twice":
            lines.append(lines[-1])
        if self.fault == "missing":
            day, *rest = lines[-1].split(",")
            lines[-1] = ",".join([day, *("  -99.99" for _ in rest)])
        head = f"This file was created by using the {self.vintage} CRSP database.\r\nSimple daily returns.\r\n\r\n"
        return head + "," + ",".join(columns) + "\r\n" + "\r\n".join(lines) + "\r\n\r\nCopyright\r\n"

    def body(self, url: str) -> tuple[int, bytes]:
        self.asked += 1
        self.requested.append(url)
        if self.leads:
            return 302, b""
        if self.fault == "bomb":
            out = io.BytesIO()
            with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr("x.csv", bytes(50_000_000))
            return 200, out.getvalue()
        if self.fault == "long":
            return 200, bytes(40_000_000)
        if self.fault == "503":
            return 503, b"<html>closed</html>"
        if self.fault == "page":
            return 200, b"<html>We have moved</html>"
        dataset = next((name for name in NAMES if f"/{name}_CSV.zip" in url), "")
        if not dataset:
            return 404, b"no such file"
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr(f"{dataset}.csv", "" if self.fault == "empty" else self.text(dataset))
        body = out.getvalue()
        return 200, body[: len(body) // 2] if self.fault == "cut" else body


def _decoded(header: str) -> str:
    kind, _, value = header.partition(" ")
    return base64.b64decode(value).decode() if kind == "Basic" else header


@contextmanager
def library(days: np.ndarray) -> Iterator[tuple[Library, dict[str, str]]]:
    """A running library, and the environment in which a process meets it."""
    shelf = Library(days)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            shelf.sent.append(_decoded(self.headers.get("Authorization", "")))
            status, body = shelf.body(self.path)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            if shelf.leads:
                self.send_header("Location", shelf.leads)
            self.end_headers()
            # the client may have had enough
            with suppress(OSError):
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    address = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield shelf, {"HTTP_PROXY": address, "http_proxy": address, "NO_PROXY": "", "no_proxy": ""}
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
