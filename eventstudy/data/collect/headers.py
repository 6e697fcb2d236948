"""The header of a filing at the SEC: its clock, and a folder in which each header is kept once it was read."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from eventstudy.atomic_write import write_whole
from eventstudy.data import clock
from eventstudy.errors import MalformedResponse
from eventstudy.opening import RECORD, content

NEW_YORK = ZoneInfo("America/New_York")
END = b"</SEC-HEADER>"
# The SEC takes filings between these hours of New York.
OPENS, SHUTS = 6, 22
ACCESSION = re.compile(r"\d{10}-\d{2}-\d{6}")
_ROOT = re.compile(r"^<(?:SEC|IMS)-HEADER>", re.MULTILINE)
_ACCEPTED = re.compile(r"^<ACCEPTANCE-DATETIME>\s*(\S*)", re.MULTILINE)
_NUMBER = re.compile(r"^(?:<ACCESSION-NUMBER>|ACCESSION NUMBER:)\s*(\S+)", re.MULTILINE)
_FORM = re.compile(r"^(?:<TYPE>|CONFORMED SUBMISSION TYPE:)[ \t]*(.+?)\s*$", re.MULTILINE)
_FILED = re.compile(r"^(?:<FILING-DATE>|FILED AS OF DATE:)\s*(\d{8})", re.MULTILINE)
_ITEM = re.compile(r"^<ITEMS>\s*(\S+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Header:
    """Contents of a header.

    Attributes
    ----------
    accepted : datetime or None
        With New York's offset of that day; None in headers before 2002, which have no clock.
    filed : date or None
        The SEC's date of filing.
    """

    accession: str
    accepted: datetime | None
    filed: date | None
    form: str
    items: tuple[str, ...]


def read_header(body: bytes, accession: str) -> Header:
    """Read a header in the tagged form (``.hdr.sgml``) or the text form on top of a filing (``.txt``).

    Parameters
    ----------
    accession : str
        Of the filing that was asked for.

    Raises
    ------
    MalformedResponse
        A page, no header at all, that of another filing, or an invalid clock.
    """
    text = body.decode("latin-1").replace("\r\n", "\n")
    root = _ROOT.search(text)
    if root is None:
        raise MalformedResponse(f"the answer for {accession} is not a header of a filing", hint="try again later")
    text = text[root.start() :]
    number = _NUMBER.search(text)
    if number is None or number[1] != accession:
        said = number[1][:40] if number else "none"
        raise MalformedResponse(
            f"the header that came for {accession} is that of another filing ({said})", hint="try again later"
        )
    stamp, form, filed = _ACCEPTED.search(text), _FORM.search(text), _FILED.search(text)
    return Header(
        accession,
        _moment(stamp[1], accession) if stamp else None,
        _day(filed[1]) if filed else None,
        form[1] if form else "",
        tuple(dict.fromkeys(_ITEM.findall(text))),
    )


def _moment(stamp: str, accession: str) -> datetime:
    """New York's clock with the offset of its day."""
    try:
        if not re.fullmatch(r"\d{14}", stamp):
            raise ValueError(stamp)
        return datetime.strptime(stamp, "%Y%m%d%H%M%S").replace(tzinfo=NEW_YORK)
    except ValueError:
        raise MalformedResponse(
            f"the header of {accession} has a clock that cannot be read ({stamp[:40]!r})", hint="look at the filing"
        ) from None


def _day(text: str) -> date | None:
    try:
        return datetime.strptime(text, "%Y%m%d").date()
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class KeptHeaders:
    """Headers that were read, one file each; headers do not change, so each is asked for once."""

    folder: Path

    def load(self, accession: str) -> bytes | None:
        """The bytes of a kept header; None where there is none, or what is there is damaged."""
        try:
            record = json.loads(content(self._path(accession), RECORD, links=False))
            body = str(record["body"]).encode("latin-1")
            known = record["accession"] == accession and record["sha256"] == hashlib.sha256(body).hexdigest()
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None
        return body if known else None

    def keep(self, accession: str, body: bytes) -> None:
        """Keep the bytes of a header with their hash and the hour.

        Raises
        ------
        OSError
            If the folder cannot be written.
        """
        record = {
            "accession": accession,
            "fetched_at": clock.utc_now().isoformat(timespec="seconds"),
            "sha256": hashlib.sha256(body).hexdigest(),
            "body": body.decode("latin-1"),
        }
        write_whole(self._path(accession), (json.dumps(record) + "\n").encode())

    def _path(self, accession: str) -> Path:
        return self.folder / accession[:10] / f"{accession}.json"
