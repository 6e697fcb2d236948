"""The company of the SEC that a ticker belongs to, kept with the dates on which the SEC listed it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from eventstudy.atomic_write import write_whole
from eventstudy.data import clock
from eventstudy.errors import MalformedResponse
from eventstudy.opening import RECORD, content

# The list changes daily; once a day is often enough to ask.
ASK_AGAIN_DAYS = 1.0
# The SEC lists some ten thousand tickers; a list of a handful is not a list.
FEWEST = 1


@dataclass(frozen=True, slots=True)
class Standing:
    """A ticker and the company that it belonged to.

    Attributes
    ----------
    cik : int
        The SEC's number of the company.
    first, last : str
        ISO dates of the first and the last list that said so.
    """

    cik: int
    name: str
    first: str
    last: str


@dataclass(slots=True)
class Companies:
    """Every list so far.

    Attributes
    ----------
    known : dict
        Ticker -> its companies, the latest last.
    listed_on : str
        ISO date of the latest list; empty before the first.
    """

    known: dict[str, list[Standing]]
    listed_on: str = ""
    fetched_at: str = ""

    def young(self) -> bool:
        """Whether the latest list need not be asked for again."""
        if not self.fetched_at:
            return False
        age = clock.utc_now() - datetime.fromisoformat(self.fetched_at)
        # a clock that was set back makes nothing young
        return 0 <= age.total_seconds() < 86_400 * ASK_AGAIN_DAYS

    def now(self, ticker: str) -> list[Standing]:
        """The companies that the latest list names for a ticker; more than one where it is ambiguous."""
        return [one for one in self.known.get(ticker, []) if one.last == self.listed_on]

    def before(self, ticker: str) -> list[Standing]:
        """Companies that only earlier lists name for a ticker."""
        return [one for one in self.known.get(ticker, []) if one.last != self.listed_on]

    def add(self, listed: Mapping[str, list[tuple[int, str]]], day: str, fetched_at: str) -> None:
        """Take over a list of a day."""
        for ticker, companies in listed.items():
            held = {one.cik: one for one in self.known.get(ticker, [])}
            for cik, name in companies:
                first = held[cik].first if cik in held else day
                held[cik] = Standing(cik, name, first, day)
            self.known[ticker] = sorted(held.values(), key=lambda one: (one.last, one.first))
        self.listed_on, self.fetched_at = day, fetched_at


def read_tickers(body: bytes) -> dict[str, list[tuple[int, str]]]:
    """The SEC's ``company_tickers.json``: ticker -> CIK and name of each company listed under it.

    Raises
    ------
    MalformedResponse
        If it is not such a list.
    """
    found: dict[str, list[tuple[int, str]]] = {}
    try:
        for row in json.loads(body).values():
            cik, ticker = int(row["cik_str"]), str(row["ticker"]).upper()
            companies = found.setdefault(ticker, [])
            if cik not in (known for known, _ in companies):
                companies.append((cik, str(row["title"])))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise MalformedResponse(
            f"the SEC's list of tickers cannot be read ({type(error).__name__})", hint="try again later"
        ) from None
    if len(found) < FEWEST:
        raise MalformedResponse("the SEC's list of tickers is empty", hint="try again later")
    return found


def load_companies(path: Path) -> Companies:
    """Stored companies; empty where the file is absent or damaged."""
    try:
        record = json.loads(content(path, RECORD, links=False))
        known = {
            str(ticker): [Standing(int(c), str(name), str(first), str(last)) for c, name, first, last in rows]
            for ticker, rows in record["tickers"].items()
        }
        datetime.fromisoformat(record["fetched_at"])
        return Companies(known, str(record["listed_on"]), str(record["fetched_at"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return Companies({})


def keep_companies(path: Path, companies: Companies) -> None:
    """Keep every list so far.

    Raises
    ------
    OSError
        If the folder cannot be written.
    """
    record: dict[str, Any] = {
        "listed_on": companies.listed_on,
        "fetched_at": companies.fetched_at,
        "tickers": {
            ticker: [[one.cik, one.name, one.first, one.last] for one in rows]
            for ticker, rows in sorted(companies.known.items())
        },
    }
    write_whole(path, (json.dumps(record) + "\n").encode())
