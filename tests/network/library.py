"""A stand-in for the factor library on loopback, met over TLS by the real pandas-datareader."""

from __future__ import annotations

import base64
import io
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from eventstudy.data.french import FIVE, MOMENTUM, THREE
from tests.network.services import Answer, Request, Services

HOST = "mba.tuck.dartmouth.edu"
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

    def answer(self, request: Request) -> Answer:
        """What it sends for a request."""
        self.asked += 1
        self.requested.append(request.path)
        self.sent.append(_decoded(request.headers.get("authorization", "")))
        if self.leads:
            return Answer(302, b"", {"Location": self.leads})
        return Answer(*self.body(request.path))

    def body(self, path: str) -> tuple[int, bytes]:
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
        dataset = next((name for name in NAMES if f"/{name}_CSV.zip" in path), "")
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
    with tempfile.TemporaryDirectory() as folder:
        services = Services(Path(folder))
        services.handlers[HOST] = shelf.answer
        try:
            yield shelf, {**services.environment(), "NO_PROXY": "", "no_proxy": ""}
        finally:
            services.close()
