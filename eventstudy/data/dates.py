"""When something was announced: a bare date, or a moment with its offset. Nothing is guessed."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:?\d{2})?")
_SLASHED = re.compile(r"(\d{1,2})[/.](\d{1,2})[/.](\d{4})")
EARLIEST, LATEST = 1900, 2100
WANTED = "write YYYY-MM-DD, or a moment with its offset such as 2025-04-15T17:10:00-04:00"


def parse_when(text: str) -> tuple[datetime | None, date | None]:
    """A moment in UTC, or a bare date; exactly one of the two.

    Raises
    ------
    ValueError
        With a sentence that says what to write instead.
    """
    if not text:
        raise ValueError(f"is empty; {WANTED}")
    if _DATE.fullmatch(text):
        return None, _within(_date(text))
    if _MOMENT.fullmatch(text):
        return _moment(text), None
    if match := _SLASHED.fullmatch(text):
        first, second, year = match.groups()
        readings = {f"{year}-{int(m):02d}-{int(d):02d}" for m, d in ((first, second), (second, first)) if int(m) <= 12}
        raise ValueError(f"is ambiguous; write {' or '.join(sorted(readings)) or 'YYYY-MM-DD'}")
    raise ValueError(f"is no date; {WANTED}")


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"is no day of the calendar; {WANTED}") from None


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"is no moment of the calendar; {WANTED}") from None
    if moment.tzinfo is None:
        raise ValueError(
            f"has no offset; write {text.replace(' ', 'T')}-04:00 (the offset of the place whose clock it is), or "
            "the date "
            "alone with timing bmo, dmh or amc"
        )
    _within(moment.date())
    return moment.astimezone(UTC)


def _within(day: date) -> date:
    if not EARLIEST <= day.year <= LATEST:
        raise ValueError(f"lies outside {EARLIEST} to {LATEST}; check the year")
    return day
