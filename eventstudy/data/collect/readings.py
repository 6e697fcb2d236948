"""Readings of a source on a day of results: its date, and the part of the day."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from eventstudy.data.calendar import DEFAULT_EXCHANGE, exchange_of
from eventstudy.errors import UnknownExchange

# Words of vendors -> bucket. Not supplied, not confirmed and projected are not hours.
BUCKETS: dict[str, str] = {
    **dict.fromkeys(
        ("bmo", "before market open", "before open", "before market", "beforemarket", "pre", "pre-market", "premarket",
         "time-pre-market", "bto", "before hours"), "bmo",
    ),
    **dict.fromkeys(
        ("amc", "after market close", "after close", "after market", "aftermarket", "post", "post-market", "postmarket",
         "time-after-hours", "after hours", "after-hours"), "amc",
    ),
    **dict.fromkeys(("dmh", "during market hours", "during market", "during-market", "duringmarket"), "dmh"),
    **dict.fromkeys(
        ("", "--", "-", "tns", "tas", "tmc", "time-not-supplied", "not supplied", "none", "null", "nan", "n/a",
         "unknown"),
        "",
    ),
}  # fmt: skip
# Yahoo's hours: from here on after the close; within these before the open; between them, and midnight, mean nothing.
AFTER_CLOSE, BEFORE_OPEN = 16, range(1, 9)


ABROAD = "{ticker}: hours are those of New York and no bucket of its own exchange"


@dataclass(frozen=True, slots=True)
class Reading:
    """One source on one day of results.

    Attributes
    ----------
    day : date
        In the listing's own time.
    bucket : {"", "bmo", "dmh", "amc"}
    said : str
        As the source writes it.
    reported : bool
        Whether there are figures beside it.
    """

    ticker: str
    day: date
    bucket: str
    said: str
    source: str
    reported: bool = False


@dataclass(slots=True)
class Answer:
    """Readings of a source for a ticker.

    Attributes
    ----------
    notes : list of str
        What was left out or read otherwise, and why.
    """

    readings: list[Reading] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def is_home(ticker: str) -> bool:
    """Whether the listing is in New York, whose hours every vendor means."""
    try:
        return exchange_of(ticker) == DEFAULT_EXCHANGE
    except UnknownExchange:
        return False


def bucket_of(word: str) -> str | None:
    """The bucket of a vendor's word for the hour; None for an unknown word."""
    return BUCKETS.get(" ".join(word.strip().lower().replace("_", " ").split()))


def bucket_of_hour(hour: int) -> str:
    """The bucket of an hour of New York, for a page that writes hours alone."""
    if hour >= AFTER_CLOSE:
        return "amc"
    return "bmo" if hour in BEFORE_OPEN else ""
