"""The SEC as it answers: made-up companies in the real form, with the real announcements of the sample's clock."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from tests.network.services import Answer, Request

NEW_YORK = ZoneInfo("America/New_York")
IDENTITY = "Test Person person@example.org"
UNDECLARED = (
    b"<!DOCTYPE html><html><head><title>SEC.gov | Request Rate Threshold Exceeded</title></head><body><h1>Your Request "
    b"Originates from an Undeclared Automated Tool</h1><p>Please declare your traffic by updating your user agent.</p>"
)
TOO_FAST = (
    b"<!DOCTYPE html><html><head><title>SEC.gov | Request Rate Threshold Exceeded</title></head><body><p>Your request rate "
    b"has exceeded the SEC's maximum number of requests per second.</p></body></html>"
)
NO_KEY = b'<?xml version="1.0" encoding="UTF-8"?><Error><Code>NoSuchKey</Code><Message>gone</Message></Error>'
NO_OBJECT = b'<?xml version="1.0" encoding="UTF-8"?><Error><Code>AccessDenied</Code><Message>no</Message></Error>'
BLOCK = b"<html><head><title>Access Denied</title></head><body>You don't have permission. Reference #18.2</body></html>"


@dataclass(frozen=True)
class Paper:
    """A filing: accepted in New York's clock, `2025-04-15 17:10:04`; None for a header without one."""

    number: str
    form: str
    accepted: str | None
    filed: str
    reported: str
    items: str = ""

    @property
    def moment(self) -> datetime:
        return datetime.fromisoformat(self.accepted or f"{self.filed} 12:00:00").replace(tzinfo=NEW_YORK)

    def header(self) -> bytes:
        """The tagged form, as `.hdr.sgml` has it."""
        day = self.filed.replace("-", "")
        lines = [f"<SEC-HEADER>{self.number}.hdr.sgml : {day}"]
        if self.accepted is not None:
            lines.append(f"<ACCEPTANCE-DATETIME>{self.moment:%Y%m%d%H%M%S}")
        lines += [f"<ACCESSION-NUMBER>{self.number}", f"<TYPE>{self.form}", "<PUBLIC-DOCUMENT-COUNT>1"]
        if self.reported:
            lines.append(f"<PERIOD>{self.reported.replace('-', '')}")
        lines += [f"<ITEMS>{item}" for item in self.items.split(",") if item]
        lines += [f"<FILING-DATE>{day}", "<DATE-OF-FILING-DATE-CHANGE>" + day, "<FILER>", "</SEC-HEADER>"]
        return "\n".join(lines).encode()

    def whole(self) -> bytes:
        """The text form on top of a filing, and what follows it."""
        day = self.filed.replace("-", "")
        stamp = [] if self.accepted is None else [f"<ACCEPTANCE-DATETIME>{self.moment:%Y%m%d%H%M%S}"]
        top = [
            f"<SEC-DOCUMENT>{self.number}.txt : {day}",
            f"<SEC-HEADER>{self.number}.hdr.sgml : {day}",
            *stamp,
            f"ACCESSION NUMBER:\t\t{self.number}",
            f"CONFORMED SUBMISSION TYPE:\t{self.form}",
            f"FILED AS OF DATE:\t\t{day}",
            "</SEC-HEADER>",
        ]
        return "\n".join(top).encode() + b"\n<ACCEPTANCE-DATETIME>19990101000000\n" + b"exhibit " * 40_000


# how the index writes the hour of acceptance: true UTC; New York with a Z; later than the truth by New York's offset
CONVENTIONS: dict[str, Callable[[datetime], datetime]] = {
    "utc": lambda moment: moment.astimezone(UTC),
    "new-york": lambda moment: moment.replace(tzinfo=UTC),
    "later": lambda moment: moment.astimezone(UTC) - (moment.utcoffset() or timedelta()),
}


@dataclass
class Company:
    """A company and its filings, newest first; ``older`` are pages of (first, last, filings)."""

    cik: int
    name: str
    tickers: tuple[str, ...]
    papers: list[Paper]
    older: list[tuple[str, str, list[Paper]]] = field(default_factory=list)
    convention: str = "utc"

    def columns(self, papers: list[Paper]) -> dict[str, list[str]]:
        kinds = list(CONVENTIONS)
        stamps = [
            CONVENTIONS[kinds[at % 3] if self.convention == "mixed" else self.convention](paper.moment)
            for at, paper in enumerate(papers)
        ]
        return {
            "accessionNumber": [paper.number for paper in papers],
            "filingDate": [paper.filed for paper in papers],
            "reportDate": [paper.reported for paper in papers],
            "acceptanceDateTime": [f"{stamp:%Y-%m-%dT%H:%M:%S}.000Z" for stamp in stamps],
            "act": ["34"] * len(papers),
            "form": [paper.form for paper in papers],
            "items": [paper.items for paper in papers],
            "core_type": [paper.form for paper in papers],
            "primaryDocument": ["d.htm"] * len(papers),
        }

    def index(self) -> bytes:
        pages = [
            {"name": self.page(at), "filingCount": len(papers), "filingFrom": first, "filingTo": last}
            for at, (first, last, papers) in enumerate(self.older, start=1)
        ]
        filings = {"recent": self.columns(self.papers), "files": pages}
        return json.dumps({"cik": f"{self.cik:010d}", "name": self.name, "filings": filings}).encode()

    def page(self, at: int) -> str:
        return f"CIK{self.cik:010d}-submissions-{at:03d}.json"


@dataclass
class Sec:
    """The two hosts; ``spoil`` maps part of a path to an answer that replaces the right one."""

    companies: list[Company]
    spoil: dict[str, Answer] = field(default_factory=dict)
    tickers: bytes = b""

    def __call__(self, request: Request) -> Answer:
        agent = request.headers.get("user-agent", "")
        if "@" not in agent:
            return Answer(403, UNDECLARED, {"Content-Type": "text/html"})
        for part, answer in self.spoil.items():
            if part in request.path:
                return answer
        if request.path == "/files/company_tickers.json":
            return Answer(200, self.tickers or self.list())
        papers = {
            p.number: p for c in self.companies for p in [*c.papers, *(q for _, _, more in c.older for q in more)]
        }
        for company in self.companies:
            if request.path == f"/submissions/CIK{company.cik:010d}.json":
                return Answer(200, company.index())
            for at, (_, _, older) in enumerate(company.older, start=1):
                if request.path == f"/submissions/{company.page(at)}":
                    return Answer(200, json.dumps(company.columns(older)).encode())
        name = request.path.rsplit("/", 1)[-1]
        number, _, kind = name.partition(".")
        if number in papers:
            assert f"/{number.replace('-', '')}/" in request.path or kind == "txt", request.path
            return Answer(200, papers[number].header() if kind == "hdr.sgml" else papers[number].whole())
        return Answer(404, NO_KEY) if request.host == "data.sec.gov" else Answer(403, NO_OBJECT)

    def list(self) -> bytes:
        rows = [(c.cik, ticker, c.name) for c in self.companies for ticker in c.tickers]
        return json.dumps(
            {str(at): {"cik_str": cik, "ticker": t, "title": name} for at, (cik, t, name) in enumerate(rows)}
        ).encode()
