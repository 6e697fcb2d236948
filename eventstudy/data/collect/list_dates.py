"""Dates of lists: one order of day, month and year for the whole list, said by the person who holds it."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from eventstudy.data.dates import EARLIEST, LATEST, is_midnight

ORDERS = ("ymd", "mdy", "dmy")
# a column of numbers with a hole becomes one of floats
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:\.0+)?", re.ASCII)
_ISO = re.compile(r"(\d{4})[/.-](\d{1,2})[/.-](\d{1,2})", re.ASCII)
_SLASHED = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})", re.ASCII)
_SHORT = re.compile(r"\d{1,2}[/.-]\d{1,2}[/.-]\d{2}", re.ASCII)
_CLOCK = re.compile(r"(.+?)[T ](\d{1,2}:\d{2}(?::\d{2})?)(Z|[+-]\d{2}:?\d{2})?", re.ASCII)
_HOUR = re.compile(
    r"(?:\d{4}-?\d{2}-?\d{2}[T ])?(\d{1,2})(?:[:.h](\d{2}))?(?::(\d{2})(?:\.\d+)?)? ?(?:([ap])\.?m\.?)? ?"
    r"(Z|[+-]\d{2}:?\d{2})?",
    re.ASCII | re.I,
)
_NAMED = re.compile(r"(\d{1,2})[- ]?([A-Za-z]{3,9})[-, ]*(\d{4})|([A-Za-z]{3,9})[-. ]+(\d{1,2})[-, ]+(\d{4})", re.ASCII)
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
MIDNIGHT = ("00:00", "00:00:00", "0:00", "0:00:00")
UTC_OFFSETS = (None, "Z", "+00:00", "+0000")


def read_moment(text: str, order: str, zone: ZoneInfo | None) -> str:
    """A date or a moment as an events file has it.

    Parameters
    ----------
    order : {"", "ymd", "mdy", "dmy"}
        Of dates that could be read in two ways; empty where not given.
    zone : ZoneInfo or None
        Whose clock a moment without an offset has. Midnight, as written or in UTC, is not a clock.

    Raises
    ------
    ValueError
        With a sentence that says what to do.
    """
    clock = _CLOCK.fullmatch(text)
    if clock is None:
        return read_day(text, order).isoformat()
    day, hour, offset = read_day(clock[1], order), clock[2], clock[3]
    if hour in MIDNIGHT:
        return day.isoformat()
    if offset is None and zone is None:
        raise ValueError("has a clock without a zone; --zone America/New_York says whose clock it is")
    stamp = f"{day}T{hour:0>5}" if len(hour) < 6 else f"{day}T{hour:0>8}"
    try:
        moment = datetime.fromisoformat(f"{stamp}{'+00:00' if offset == 'Z' else offset or ''}")
    except ValueError:
        raise ValueError("has a clock that does not exist") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
        # an hour that a change of clocks skips, or has twice, is not a moment
        if moment.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != moment.replace(tzinfo=None):
            raise ValueError(f"is an hour that the clocks of {zone} skipped")
    return moment.astimezone(UTC).date().isoformat() if is_midnight(moment) else moment.isoformat()


def with_clock(text: str, clock: str) -> str:
    """A date with the clock of another column, as ``read_moment`` reads it; a clock of its own counts.

    The offset of the clock counts, then that of the date; a date in UTC is a bare one.

    Raises
    ------
    ValueError
        If the clock does not exist, or its zone is written in letters.
    """
    own = _CLOCK.fullmatch(text)
    if own is not None and own[2] not in MIDNIGHT:
        return text
    found = _HOUR.fullmatch(clock)
    if found is None:
        raise ValueError(f"has the clock {clock!r} beside it, which is not read; write HH:MM, and the zone with --zone")
    hour, half = int(found[1]), (found[4] or "").lower()
    if half and not 1 <= hour <= 12:
        raise ValueError(f"has the clock {clock!r} beside it, which does not exist")
    hour = hour % 12 + 12 * (half == "p") if half else hour
    offset = found[5] or (own[3] if own is not None and own[3] not in UTC_OFFSETS else "") or ""
    return f"{own[1] if own else text} {hour:02d}:{found[2] or '00'}:{found[3] or '00'}{offset.upper()}"


def is_day(text: str) -> bool:
    """Whether a text is a day, or a moment, in some order."""
    clock = _CLOCK.fullmatch(text)
    day = clock[1] if clock else text
    for order in ("mdy", "dmy"):
        try:
            read_day(day, order)
        except ValueError:
            continue
        return True
    return False


def read_day(text: str, order: str) -> date:
    """A day; see ``read_moment``."""
    if match := _COMPACT.fullmatch(text):
        return _made(match[1], match[2], match[3])
    if match := _ISO.fullmatch(text):
        return _made(match[1], match[2], match[3])
    if match := _NAMED.fullmatch(text):
        name, day, year = (match[2], match[1], match[3]) if match[2] else (match[4], match[5], match[6])
        if name[:3].lower() not in MONTHS:
            raise ValueError("is not a date: its month has no such name")
        return _made(year, str(MONTHS.index(name[:3].lower()) + 1), day)
    if match := _SLASHED.fullmatch(text):
        if order == "mdy":
            return _made(match[3], match[1], match[2])
        if order == "dmy":
            return _made(match[3], match[2], match[1])
        if order == "ymd":
            raise ValueError("does not begin with the year, as --dates ymd says")
        raise ValueError("can be month/day or day/month; --dates mdy or --dates dmy says which")
    if _SHORT.fullmatch(text):
        raise ValueError("has a year of two digits; write four")
    if re.fullmatch(r"\d+(?:\.\d*)?", text):
        raise ValueError(
            "is a number, not a date: a count of days (CRSP, SAS, Excel) is not read; export dates as YYYY-MM-DD"
        )
    raise ValueError("is not a date" if text else "is empty; a date is needed")


def _made(year: str, month: str, day: str) -> date:
    try:
        found = date(int(year), int(month), int(day))
    except ValueError:
        raise ValueError("is not a day of the calendar in this order") from None
    if not EARLIEST <= found.year <= LATEST:
        raise ValueError(f"is outside {EARLIEST} to {LATEST}; check the year")
    return found
