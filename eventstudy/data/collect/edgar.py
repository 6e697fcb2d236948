"""The SEC's public files: the company of a ticker, its filings, and the header of each."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from eventstudy.data import clock
from eventstudy.data.calendar import NEW_YORK as NEW_YORK_CODES
from eventstudy.data.calendar import SHARE_CLASSES, suffix_of
from eventstudy.data.collect.companies import Companies, keep_companies, load_companies, read_tickers
from eventstudy.data.collect.headers import ACCESSION, END, Header, KeptHeaders, read_header
from eventstudy.data.http import Reply, Web
from eventstudy.data.tickers import yahoo_spelling
from eventstudy.errors import EventStudyError, MalformedResponse, RateLimited, SourceUnavailable, UsageError

SEC = "the SEC"
TICKERS = "https://www.sec.gov/files/company_tickers.json"
SUBMISSIONS = "https://data.sec.gov/submissions"
ARCHIVES = "https://www.sec.gov/Archives/edgar/data"
# The SEC allows ten requests per second from all machines of a person together.
PER_SECOND = 8.0
COLUMNS = ("accessionNumber", "filingDate", "reportDate", "form", "items")
_PAGE = re.compile(r"CIK\d{10}-submissions-\d{3}\.json")
_IDENTITY = re.compile(r"[^\s@]+ .*?[^\s@]+@[^\s@]+\.[^\s@]+|[^\s@]+@[^\s@]+\.[^\s@]+ .*[^\s@]+")
_WAIT = "wait ten minutes without asking; what was read is kept, and the next run goes on from there"


@dataclass(frozen=True, slots=True)
class Filing:
    """A filing as the index lists it.

    Attributes
    ----------
    reported : date or None
        An 8-K: the day of the earliest event; a 6-K: the end of the period.
    """

    cik: int
    company: str
    accession: str
    form: str
    filed: date
    reported: date | None
    items: tuple[str, ...]

    @property
    def link(self) -> str:
        """The page of the filing for people."""
        return f"{ARCHIVES}/{self.cik}/{self.accession.replace('-', '')}/{self.accession}-index.html"


@dataclass(slots=True)
class Index:
    """The filings of a company from a date on.

    Attributes
    ----------
    filings : list of Filing
        Newest first, every form.
    failed : list of str
        Pages that could not be read, as sentences.
    """

    cik: int
    company: str
    filings: list[Filing] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


def checked_identity(text: str) -> str:
    """A name and an address as the SEC requires them; none is ever made up.

    Raises
    ------
    UsageError
        If there is no identity, or it is not valid.
    """
    wanted = "a name and an e-mail address, such as `Jane Doe jane@example.org`"
    if not text.strip():
        raise UsageError(
            "the SEC requires a name and an e-mail address from every client",
            wanted,
            "--identity TEXT, or the variable EDGAR_IDENTITY",
        )
    if not text.isascii() or not text.isprintable() or len(text) > 200 or not _IDENTITY.fullmatch(text.strip()):
        raise UsageError("the identity for the SEC is not a name with an e-mail address", wanted, "--identity TEXT")
    return text.strip()


def edgar_web(identity: str) -> Web:
    """The SEC as a service; every request carries the identity."""
    return Web(
        service=SEC,
        domains=("sec.gov",),
        headers={"User-Agent": identity, "Accept-Encoding": "gzip, deflate"},
        per_second=PER_SECOND,
    )


@dataclass(slots=True)
class Edgar:
    """The SEC, with what was read kept in a folder.

    Attributes
    ----------
    warn : callable
        Lines that a person should see.
    """

    web: Web
    folder: Path
    warn: Callable[[str], None]
    _companies: Companies | None = None
    _told: bool = False

    def company(self, ticker: str) -> tuple[int, str]:
        """CIK and name of the company of a ticker, or of TICKER=CIK.

        Raises
        ------
        UsageError
            If the SEC's list does not name exactly one, with what to write instead.
        """
        symbol, _, number = ticker.partition("=")
        if number:
            if not re.fullmatch(r"\d{1,10}", number):
                raise UsageError(f"{ticker!r} names no company", "TICKER=CIK, such as ASML=937966")
            return int(number), ""
        spelling = yahoo_spelling(symbol).upper()
        if (suffix := suffix_of(symbol)) and suffix not in (*NEW_YORK_CODES, *SHARE_CLASSES):
            raise UsageError(
                f"{ticker} is a listing outside New York, and the SEC lists tickers of New York",
                f"the company's ticker there, or {ticker}=CIK",
                "the clock of a 6-K says when New York could read it, not when the news reached the exchange at home",
            )
        companies = self._known_companies()
        now, before = companies.now(spelling), companies.before(spelling)
        if len(now) > 1:
            listed = " or ".join(f"{symbol}={one.cik} ({one.name})" for one in now)
            raise UsageError(f"the SEC lists {symbol} for {len(now)} companies", listed)
        if not now:
            was = "".join(
                f"; until {one.last} it belonged to {one.name}: write {symbol}={one.cik}" for one in before[-1:]
            )
            raise UsageError(
                f"the SEC's list of {companies.listed_on} has no ticker {symbol}{was}",
                f"a current ticker of New York, or {symbol}=CIK",
                "the list holds current tickers only: delisted and renamed ones need their CIK",
            )
        if before:
            self.warn(
                f"{symbol} belongs to {now[0].name} since {now[0].first}; before, it belonged to {before[-1].name} "
                f"({symbol}={before[-1].cik})"
            )
        return now[0].cik, now[0].name

    def index(self, cik: int, since: date) -> Index:
        """Filings of a company from a date on, with the pages of older filings that reach it.

        Raises
        ------
        SourceUnavailable, MalformedResponse
            If the index itself cannot be read; a page that cannot is listed in ``failed``.
        """
        reply = self._asked(f"{SUBMISSIONS}/CIK{cik:010d}.json", f"the filings of CIK {cik}")
        whole = _json(reply, f"the index of CIK {cik}")
        try:
            if int(whole["cik"]) != cik:
                raise MalformedResponse(f"the SEC sent the index of CIK {whole['cik']} for {cik}", hint="try again")
            company, recent, pages = str(whole.get("name") or ""), whole["filings"]["recent"], whole["filings"]["files"]
            older = [(str(page["name"]), str(page["filingFrom"]), str(page["filingTo"])) for page in pages or []]
        except (KeyError, TypeError, ValueError) as error:
            raise _changed(f"the index of CIK {cik}", error) from None
        found = Index(cik, company)
        rows = {one.accession: one for one in _filings(recent, cik, company)}
        for name, first, last in older:
            if last < since.isoformat():
                continue
            try:
                if not _PAGE.fullmatch(name):
                    raise MalformedResponse(f"the index names a page {name[:60]!r}")
                page = _json(self._asked(f"{SUBMISSIONS}/{name}", f"the page {name}"), f"the page {name}")
                rows |= {one.accession: one for one in _filings(page, cik, company) if one.accession not in rows}
            except RateLimited:
                raise
            except SourceUnavailable as error:
                found.failed.append(f"older filings of {company or cik} from {first} to {last}: {error.found}")
        found.filings = sorted(
            (one for one in rows.values() if one.filed >= since), key=lambda one: (one.filed, one.accession)
        )[::-1]
        return found

    def header(self, filing: Filing) -> Header:
        """The header of a filing, from the folder where it was read before.

        Raises
        ------
        SourceUnavailable, MalformedResponse
            If it cannot be had.
        """
        kept = KeptHeaders(self.folder / "headers")
        if (body := kept.load(filing.accession)) is not None:
            with suppress(MalformedResponse):
                return read_header(body, filing.accession)
        where = f"{ARCHIVES}/{filing.cik}/{filing.accession.replace('-', '')}/{filing.accession}"
        what, reply = f"the header of {filing.accession}", self.web.get(f"{where}.hdr.sgml")
        if no_such_object(reply):
            # the filing itself begins with the same header; what follows it is not read
            reply = self.web.get(f"{where}.txt", until=END)
        if (error := refusal(reply, what)) is not None:
            raise error
        if reply.is_page:
            raise MalformedResponse(f"a web page came for the header of {filing.accession}", hint="try again later")
        header = read_header(reply.body, filing.accession)
        try:
            kept.keep(filing.accession, reply.body)
        except OSError as fault:
            if not self._told:
                self.warn(f"headers of filings are not kept: {kept.folder}: {fault.strerror}")
            self._told = True
        return header

    def _known_companies(self) -> Companies:
        if self._companies is not None:
            return self._companies
        path = self.folder / "tickers.json"
        companies = load_companies(path)
        if not companies.young():
            try:
                reply = self._asked(TICKERS, "its list of tickers")
                companies.add(
                    read_tickers(reply.body), reply.at.date().isoformat(), clock.utc_now().isoformat(timespec="seconds")
                )
            except SourceUnavailable as error:
                if not companies.listed_on:
                    raise
                self.warn(f"the list of tickers is that of {companies.listed_on}: {error.found}")
            else:
                # a full or read-only disk costs the copy, never the answer
                with suppress(OSError):
                    keep_companies(path, companies)
        self._companies = companies
        return companies

    def _asked(self, url: str, what: str) -> Reply:
        reply = self.web.get(url)
        if (error := refusal(reply, what)) is not None:
            raise error
        return reply


def no_such_object(reply: Reply) -> bool:
    """Whether a reply says that the SEC has no such file: a 404, or a 403 with the notice of its storage."""
    said = reply.text[:2000].lower()
    return reply.status == 404 or (reply.status == 403 and ("<code>nosuchkey" in said or "<code>accessdenied" in said))


def refusal(reply: Reply, what: str) -> EventStudyError | None:
    """Why a reply of the SEC is not an answer; its 403 has several meanings, and the body tells them apart."""
    if reply.status == 200:
        return None
    said = reply.text[:20_000].lower()
    if "undeclared automated tool" in said or "declare your traffic" in said:
        hint = "--identity with your name and e-mail address"
        return SourceUnavailable(f"the SEC refuses {what}: it does not accept the identity", hint=hint)
    if reply.status == 429 or "maximum number of requests" in said or "rate threshold exceeded" in said:
        return RateLimited(f"the SEC refuses {what}: too many requests from this address", hint=_WAIT)
    if no_such_object(reply):
        return SourceUnavailable(f"the SEC has no such file for {what}", hint="look at the filing's page")
    if reply.status == 403 and "access denied" in said:
        return SourceUnavailable(
            f"the SEC answers 'Access Denied' for {what}: it has no such file, or it refuses this address",
            hint="the SEC refuses addresses of many clouds; try from another network",
        )
    if reply.status in (401, 403):
        hint = "the SEC refuses addresses of many clouds; try from another network"
        return SourceUnavailable(f"the SEC refuses {what} (status {reply.status})", hint=hint)
    return MalformedResponse(f"the SEC answers with status {reply.status} for {what}", hint="try again later")


def _json(reply: Reply, what: str) -> dict[str, Any]:
    try:
        found = json.loads(reply.body)
    except (ValueError, RecursionError):
        kind = "a web page" if reply.is_page else "no JSON, or half of it"
        raise MalformedResponse(f"{what} cannot be read ({kind}, {len(reply.body)} bytes)", hint="try again") from None
    if not isinstance(found, dict):
        raise _changed(what, TypeError("no object"))
    return found


def _filings(columns: dict[str, Any], cik: int, company: str) -> list[Filing]:
    """Rows of the index; columns that are not needed are ignored, one that is missing is named."""
    what = f"the index of CIK {cik}"
    if absent := [name for name in COLUMNS if not isinstance(columns.get(name), list)]:
        raise MalformedResponse(f"{what} has no column {', '.join(absent)}", hint="the program needs an update")
    if len({len(columns[name]) for name in COLUMNS}) > 1:
        raise MalformedResponse(f"{what} is cut: its columns have different lengths", hint="try again")
    found = []
    for number, filed, reported, form, items in zip(*(columns[name] for name in COLUMNS), strict=True):
        if not ACCESSION.fullmatch(str(number)):
            raise MalformedResponse(f"{what} holds {str(number)[:40]!r} as a number of a filing", hint="try again")
        try:
            day = datetime.strptime(str(filed), "%Y-%m-%d").date()
            event = datetime.strptime(str(reported), "%Y-%m-%d").date() if reported else None
        except ValueError as error:
            raise _changed(what, error) from None
        split = tuple(item for item in re.split(r"[,;\s]+", str(items or "")) if item)
        found.append(Filing(cik, company, str(number), str(form), day, event, split))
    return found


def _changed(what: str, error: Exception) -> MalformedResponse:
    return MalformedResponse(
        f"{what} has another form than it had ({type(error).__name__}: {str(error)[:80]})",
        hint="try again; if it stays so, the program needs an update",
    )
