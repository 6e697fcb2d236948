"""Filings as rows of an events file: which are wanted, what their clock says, and what it leaves open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

import numpy as np
import pandas as pd

from eventstudy.data.calendar import TradingCalendar, load_calendar
from eventstudy.data.collect.edgar import Filing
from eventstudy.data.collect.headers import NEW_YORK, OPENS, SHUTS, Header

AMENDED = "/A"
# What is accepted later than this has the next business day as its date, and most forms are posted about 06:00 then.
LATE, POSTED = time(17, 30), time(6, 0)
# An 8-K may follow the event by this many business days of the federal calendar.
DEADLINE = 4
# Items before 2004-08-23 and what they are called since
OLD_ITEMS = {"12": "2.02", "9": "7.01", "5": "8.01", "7": "9.01", "1": "5.01", "2": "2.01", "3": "1.03", "4": "4.01"}
TITLES = {
    "1.01": "Material Definitive Agreement",
    "1.02": "Termination of a Material Definitive Agreement",
    "1.03": "Bankruptcy or Receivership",
    "1.05": "Material Cybersecurity Incidents",
    "2.01": "Completion of Acquisition or Disposition",
    "2.02": "Results of Operations and Financial Condition",
    "2.03": "Creation of a Direct Financial Obligation",
    "2.05": "Costs of Exit or Disposal Activities",
    "2.06": "Material Impairments",
    "3.01": "Notice of Delisting",
    "4.01": "Changes in Certifying Accountant",
    "4.02": "Non-Reliance on Earlier Statements",
    "5.01": "Changes in Control",
    "5.02": "Departure or Election of Directors or Officers",
    "5.03": "Amendments to Articles or Bylaws",
    "5.07": "Votes of Security Holders",
    "7.01": "Regulation FD Disclosure",
    "8.01": "Other Events",
    "9.01": "Financial Statements and Exhibits",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which filings become rows.

    Attributes
    ----------
    items : tuple of str
        Of 8-Ks: any of these; empty means all. Other forms have no items.
    since, until : date
        By the SEC's date of filing, both included.
    trust_acceptance : bool
        Take the hour of acceptance for the hour of the news.
    """

    forms: tuple[str, ...]
    items: tuple[str, ...] = ()
    since: date
    until: date
    amendments: bool = False
    trust_acceptance: bool = False

    def takes(self, filing: Filing) -> bool:
        """Whether a filing is wanted, as far as the index says."""
        form = filing.form.removesuffix(AMENDED)
        named = filing.form in self.forms or (self.amendments and form in self.forms)
        return named and filing.filed <= self.until and self.has_item(filing.form, filing.items)

    def has_item(self, form: str, items: Sequence[str]) -> bool:
        """Whether the items are among those asked for; an 8-K without any is not left out unseen."""
        if not self.items or not items or not form.startswith("8-K"):
            return True
        return bool(set(self.items) & {item if "." in item else OLD_ITEMS.get(item, item) for item in items})


@dataclass(slots=True)
class Dated:
    """A filing with its hour.

    Attributes
    ----------
    row : dict
        Columns of an events file.
    """

    row: dict[str, str]
    notes: list[str] = field(default_factory=list)


def dated(ticker: str, filing: Filing, header: Header, *, trust_acceptance: bool) -> dict[str, str]:
    """The row of a filing.

    Parameters
    ----------
    trust_acceptance : bool
        Take the hour of acceptance for the hour of the news.

    Returns
    -------
    dict
        Columns of an events file. ``notes`` says what the clock leaves open; ``uncertain`` is ``yes`` where another
        session may be day 0; ``window`` is set where the news may be older than the filing.
    """
    items = filing.items or header.items
    filing = replace(filing, items=items, filed=header.filed or filing.filed)
    out = Dated(
        {
            "event_id": f"{_word(ticker)}_{_word(filing.form)}_{filing.accession}",
            "ticker": ticker,
            "announced_at": "",
            "timing": "",
            "role": "direct",
            "category": " ".join([filing.form, *items]),
            "title": _title(filing),
            "source": f"SEC {filing.accession} {filing.link}",
            "window": "",
            "uncertain": "",
        }
    )
    if header.form and header.form != filing.form:
        out.notes.append(f"The index calls the form {filing.form}, its header {header.form}.")
    if filing.form.startswith("8-K") and not items:
        out.notes.append("The SEC lists no item for this 8-K.")
    if header.accepted is None:
        out.row["announced_at"] = filing.filed.isoformat()
        out.row["uncertain"] = "yes"
        out.notes.append(
            "The header has no clock: the date is the SEC's date of filing, and the filing may have been accepted "
            "after 17:30 New York on the business day before."
        )
    else:
        out.row["announced_at"] = header.accepted.isoformat()
        _clock(out, filing, header.accepted)
        if filing.form.startswith("8-K") and not trust_acceptance:
            _older_news(out, filing, header.accepted)
    if filing.form.startswith("6-K"):
        out.notes.append(
            "The clock of a 6-K says when New York could read it; for the listing at home leave the timing empty."
        )
    out.row["notes"] = " ".join(out.notes)
    return out.row


def _word(text: str) -> str:
    """Text as part of an event_id."""
    return "".join(c if c.isascii() and (c.isalnum() or c in ".-") else "_" for c in text)[:16]


def _title(filing: Filing) -> str:
    """Title of the filing; text of the SEC without line breaks and control characters."""
    company = "".join(c if c.isprintable() else " " for c in filing.company)[:80].strip()
    said = [TITLES.get(item if "." in item else OLD_ITEMS.get(item, item), f"Item {item}") for item in filing.items]
    said = [title for title in said if title != TITLES["9.01"]] or said
    return f"{filing.form}{f' of {company}' if company else ''}{': ' if said else ''}{'; '.join(said)}"


def _clock(out: Dated, filing: Filing, accepted: datetime) -> None:
    if not OPENS <= accepted.hour < SHUTS:
        out.row["uncertain"] = "yes"
        out.notes.append(f"Accepted {accepted:%H:%M} New York, when the SEC takes no filings: look at the filing.")
    if not timedelta(0) <= filing.filed - accepted.date() <= timedelta(days=7):
        out.row["uncertain"] = "yes"
        out.notes.append(f"Accepted {accepted:%Y-%m-%d %H:%M} New York, but dated {filing.filed} by the SEC.")
        return
    if filing.filed == accepted.date():
        return
    if accepted.time() <= LATE:
        out.row["uncertain"] = "yes"
        out.notes.append(
            f"Accepted {accepted:%Y-%m-%d %H:%M} New York, before 17:30, but dated {filing.filed} by the SEC: look at "
            "the filing."
        )
        return
    public = datetime.combine(filing.filed, POSTED, NEW_YORK)
    calendar = _sessions(accepted.year)
    first, second = day_zero(calendar, accepted), day_zero(calendar, public)
    said = (
        f"Accepted {accepted:%Y-%m-%d %H:%M} New York, after 17:30: usually public about 06:00 on {filing.filed}, the "
        "SEC's next business day."
    )
    if first != second:
        out.row["uncertain"] = "yes"
        said += f" Day 0 by acceptance is {first}, by publication {second}."
    else:
        said += f" Day 0 is {first} by both."
    out.notes.append(said)


def _older_news(out: Dated, filing: Filing, accepted: datetime) -> None:
    """Widen the window of an 8-K back to the day of the event that it reports."""
    reported = filing.reported
    if reported is None or reported >= accepted.date():
        return
    late = business_days(reported, accepted.date())
    calendar = _sessions(accepted.year)
    sessions = calendar.sessions
    zero = int(np.searchsorted(sessions, np.datetime64(day_zero(calendar, accepted))))
    first = int(np.searchsorted(sessions, np.datetime64(reported)))
    if zero <= first:
        return
    days = f"{late} business day{'' if late == 1 else 's'}"
    if late > DEADLINE:
        out.row["uncertain"] = "yes"
        out.notes.append(
            f"The event is dated {reported}, {days} before the filing was accepted: more than the {DEADLINE} allowed, "
            "so the news may be older than the filing; look for its own date."
        )
        return
    out.row["window"] = f"{first - zero}:0"
    out.notes.append(
        f"The event is dated {reported}, {days} before the filing was accepted: the news may be older than the filing, "
        f"so the window begins on that day ({first - zero}:0)."
    )


def day_zero(calendar: TradingCalendar, moment: datetime) -> date:
    """The first session whose close is after a moment."""
    at = np.searchsorted(calendar.closes, np.datetime64(moment.astimezone(UTC).replace(tzinfo=None), "s"), side="right")
    found: date = calendar.sessions[at].item()
    return found


def business_days(first: date, last: date) -> int:
    """Business days of the federal calendar after ``first`` up to and with ``last``."""
    holidays = _federal(min(first, last).year, max(first, last).year)
    return int(np.busday_count(first + timedelta(days=1), last + timedelta(days=1), holidays=holidays))


@lru_cache(maxsize=64)
def _sessions(year: int) -> TradingCalendar:
    return load_calendar("XNYS", date(year - 1, 12, 1), date(year + 1, 1, 31))


@lru_cache(maxsize=64)
def _federal(first: int, last: int) -> tuple[np.datetime64, ...]:
    from pandas.tseries.holiday import USFederalHolidayCalendar

    # a New Year's Day on a Saturday is kept in the year before
    found = USFederalHolidayCalendar().holidays(pd.Timestamp(first, 1, 1), pd.Timestamp(last + 1, 1, 3))
    return tuple(found.to_numpy().astype("datetime64[D]"))
