"""Filings, dates of results and lists of other programs -> rows of an events or confounders file."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eventstudy.errors import UsageError

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from eventstudy.data.collect.gather import Gathered
    from eventstudy.data.collect.merge import Merged

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """Rows for a file, joined with those it has; nothing is written yet.

    Attributes
    ----------
    merged : Merged
    gathered : Gathered or None
        What the sources said; None of a list.
    columns : mapping
        Of a list: column -> where it was found.
    n : int
        Rows of a list.
    notes : tuple of str
    """

    merged: Merged
    gathered: Gathered | None = None
    columns: Mapping[str, str]
    n: int = 0
    notes: tuple[str, ...] = ()

    def difference(self) -> str:
        """Unified difference between the file and what would be written."""
        from eventstudy.data.collect.merge import difference

        return difference(self.merged)

    def write(self) -> None:
        """Write the file."""
        from eventstudy.data.collect.merge import write

        write(self.merged)


def collect_filings(
    tickers: Sequence[str], out: Path, *, forms: Sequence[str], items: Sequence[str], days: tuple[date, date],
    amendments: bool, trust_acceptance: bool, identity: str, folder: Path, say: Say, warn: Say,
) -> Collected:  # fmt: skip
    """Filings at the SEC, each dated by the clock of its own header.

    Raises
    ------
    UsageError
        Without a name and an address for the SEC, or where ``out`` is a file of confounders.
    """
    from eventstudy.data.collect.edgar import Edgar, checked_identity, edgar_web
    from eventstudy.data.collect.filings import Wanted
    from eventstudy.data.collect.gather import gather_filings
    from eventstudy.data.collect.merge import merged

    known = checked_identity(identity or os.environ.get("EDGAR_IDENTITY", ""))
    wanted = Wanted(
        forms=tuple(forms),
        items=tuple(items),
        since=days[0],
        until=days[1],
        amendments=amendments,
        trust_acceptance=trust_acceptance,
    )
    check_events_file(out)
    gathered = gather_filings(Edgar(edgar_web(known), folder, warn), list(tickers), wanted, say)
    return Collected(merged=merged(out, gathered.rows), gathered=gathered, columns={})


def collect_earnings(tickers: Sequence[str], to: Path, *, sources: Sequence[str], days: tuple[date, date]) -> Collected:
    """Days of results with their part of the day."""
    from eventstudy.data.collect.gather import gather_earnings
    from eventstudy.data.collect.merge import kind_of, merged

    gathered = gather_earnings(list(tickers), tuple(sources), days, kind_of(to), to.parent)
    return Collected(merged=merged(to, gathered.rows), gathered=gathered, columns={})


def import_list(
    file: Path, out: Path, *, identifier: str, order: str, zone: str, columns: Mapping[str, str], sheet: str
) -> Collected:
    """A list of identifiers and dates: text, CSV, a workbook or a Stata file.

    Raises
    ------
    UsageError
        For an unknown zone, or where ``out`` is a file of confounders.
    """
    from eventstudy.data.collect.lists import Asked
    from eventstudy.data.collect.lists import import_list as read
    from eventstudy.data.collect.merge import merged

    check_events_file(out)
    asked = Asked(identifier=identifier, order=order, zone=_zone(zone), columns=dict(columns), sheet=sheet)
    found = read(file, asked)
    return Collected(merged=merged(out, found.rows), columns=found.columns, n=found.n, notes=tuple(found.notes))


def event_columns() -> tuple[str, ...]:
    """The columns of an events file."""
    from eventstudy.data.event_headings import OPTIONAL, REQUIRED

    return (*REQUIRED, *OPTIONAL)


def check_events_file(out: Path) -> None:
    """Raise a UsageError where a file of confounders is named in place of one of events."""
    from eventstudy.data.collect.merge import CONFOUNDERS, kind_of

    if kind_of(out) == CONFOUNDERS:
        raise UsageError(f"{out} is a file of confounders", "an events file", "-o events.csv")


def days_asked(since: str, until: str) -> tuple[date, date]:
    """First and last day; the year before today where neither is named.

    Raises
    ------
    UsageError
        For text that is not a day, or a first day after the last.
    """
    from eventstudy.data import clock

    today = clock.utc_now().date()

    def read(text: str, option: str) -> date:
        try:
            return date.fromisoformat(f"{text}-01-01" if text.isdigit() and len(text) == 4 else text)
        except ValueError:
            raise UsageError(f"{option} {text!r} is not a day", "YYYY-MM-DD, or a year such as 2023") from None

    first = read(since, "--since") if since else today - timedelta(days=365)
    last = read(until, "--until") if until else today
    if first > last:
        raise UsageError(f"--since {first} is after --until {last}", "a first day before the last")
    return first, last


def _zone(name: str) -> ZoneInfo | None:
    if not name:
        return None
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError) as error:
        raise UsageError(f"--zone {name!r} is unknown", "a zone such as America/New_York or UTC") from error


def summary_of(found: Collected) -> dict[str, Any]:
    """Readings of the sources as a record."""
    if found.gathered is not None:
        return found.gathered.summary()
    return {"columns": found.columns, "rows": found.n, "warnings": list(found.notes)}
