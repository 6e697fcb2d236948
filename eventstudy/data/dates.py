"""Dates of announcements: a bare date, or a moment with its offset. Nothing is guessed."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:?\d{2})?", re.ASCII)
_MIDNIGHT = re.compile(r".{11}00:00(:00(\.0+)?)?(Z|[+-]\d{2}:?\d{2})", re.ASCII)
_SLASHED = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})", re.ASCII)
_COMPACT = re.compile(r"\d{8}", re.ASCII)
# a day in a table of daily figures: with dashes or without, and then a clock that does not matter
_DAY = re.compile(r"(\d{4})-?(\d{2})-?(\d{2})([T ][\d:.+Z-]{1,32})?", re.ASCII)
EARLIEST, LATEST = 1900, 2100
# years between which daily figures can lie
FIRST_YEAR, LAST_YEAR = 1800, 2199
WANTED = "write YYYY-MM-DD, or a moment with its offset such as 2025-04-15T17:10:00-04:00"


def parse_when(text: str) -> tuple[datetime | None, date | None]:
    """A moment in UTC, or a bare date; exactly one of the two.

    A moment that is midnight to the second, as it is written or in UTC, is the date written, or that of UTC: whoever
    wrote it had no clock.

    Raises
    ------
    ValueError
        With a sentence that says what to write instead.
    """
    if not text:
        raise ValueError(f"is empty; {WANTED}")
    if _DATE.fullmatch(text):
        return None, _within(_date(text))
    if _COMPACT.fullmatch(text):
        return None, _within(_date(f"{text[:4]}-{text[4:6]}-{text[6:]}"))
    if _MOMENT.fullmatch(text):
        moment = _moment(text)
        if _MIDNIGHT.fullmatch(text):
            return None, _date(text[:10])
        return (None, moment.date()) if is_midnight(moment) else (moment, None)
    if readings := day_readings(text):
        found = sorted({day for day in readings if day})
        if len(found) == 1:
            raise ValueError(f"is not ISO text and can only be one day; write {found[0]}")
        raise ValueError(f"is ambiguous; write {' or '.join(found) or 'YYYY-MM-DD'}")
    raise ValueError(f"is not a date; {WANTED}")


def is_midnight(moment: datetime) -> bool:
    """Whether a moment is midnight in UTC, to the microsecond."""
    at = moment.astimezone(UTC)
    return (at.hour, at.minute, at.second, at.microsecond) == (0, 0, 0, 0)


def has_clock(text: str) -> bool:
    """Whether a text is a moment with a clock, as far as its form goes."""
    return _MOMENT.fullmatch(text) is not None


def day_readings(text: str) -> tuple[str, str] | None:
    """``04/05/2025`` as month/day/year and as day/month/year, in ISO; empty where that is not a day, else None."""
    match = _SLASHED.fullmatch(text)
    if not match:
        return None
    first, second, year = match.groups()
    readings = [f"{year}-{int(m):02d}-{int(d):02d}" for m, d in ((first, second), (second, first))]
    return (readings[0] if _is_day(readings[0]) else "", readings[1] if _is_day(readings[1]) else "")


def parse_day(text: str) -> str:
    """The day of a row of daily figures, in ISO: ``2025-04-16``, ``20250416`` or ``2025-04-16 00:00:00-04:00``.

    Raises
    ------
    ValueError
        With a sentence that says what to write instead.
    """
    match = _DAY.fullmatch(text)
    if not match:
        raise ValueError("is not a date; write YYYY-MM-DD")
    day, clock = "-".join(match.group(1, 2, 3)), match[4] or ""
    try:
        datetime.fromisoformat(day + clock)
    except ValueError:
        raise ValueError("is not a date; write YYYY-MM-DD") from None
    if not FIRST_YEAR <= int(day[:4]) <= LAST_YEAR:
        raise ValueError(f"is outside {FIRST_YEAR} to {LAST_YEAR}; check the year")
    return day


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"is not a day of the calendar; {WANTED}") from None


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"is not a moment of the calendar; {WANTED}") from None
    if moment.tzinfo is None:
        local = moment.replace(tzinfo=ZoneInfo("America/New_York")).isoformat()
        raise ValueError(
            f"has no offset; write {local} if the clock is New York's, else the offset of its place, or the date alone "
            "with timing bmo, dmh or amc"
        )
    _within(moment.date())
    return moment.astimezone(UTC)


def _within(day: date) -> date:
    if not EARLIEST <= day.year <= LATEST:
        raise ValueError(f"is outside {EARLIEST} to {LATEST}; check the year")
    return day
