"""The part of the day of an announcement, in the words and under the headings that other programs use."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np

from eventstudy.data.announced import Announced
from eventstudy.data.categorical import Coded, coded, constant
from eventstudy.data.event_headings import OPTIONAL, REQUIRED
from eventstudy.engine.panel import Bools, Ints
from eventstudy.errors import Problem

if TYPE_CHECKING:
    from eventstudy.data.event_columns import RawEvents

HEADINGS = (
    "time", "session", "hour", "when", "release time", "report time", "reporting time", "announcement time",
    "announce time", "event time", "earnings time", "earnings call time", "call time", "time of day", "time type",
    "market session", "market time", "market timing", "timing type", "bmo amc", "amc bmo", "before after market",
    "pre post market", "reporttime", "timeoftheday", "event start type", "anntims",
)  # fmt: skip
_BEFORE = ("bmo", "premarket", "pre market")
_DURING = ("dmh", "dmt", "intraday", "midday", "market hours")
_AFTER = ("amc", "postmarket", "post market", "aftermarket", "after hours", "afterhours")
_UNKNOWN = (
    "", "tns", "tas", "unknown", "not supplied", "not specified", "unspecified", "na", "n a", "none", "nan", "null",
)  # fmt: skip
WORDS = {
    **dict.fromkeys(_BEFORE, "bmo"), **dict.fromkeys(_DURING, "dmh"), **dict.fromkeys(_AFTER, "amc"),
    **dict.fromkeys(_UNKNOWN, ""),
}  # fmt: skip
# alone these do not say of what; beside the words that follow they do
_BESIDE = {"before": "bmo", "bef": "bmo", "pre": "bmo", "during": "dmh", "after": "amc", "aft": "amc", "post": "amc"}
_FILLING = re.compile(r"\b(time|the|regular|market|markets|mkt|trading|stock|hours?|session)\b")
_PLACES = {
    "bmo": re.compile(r"before (open|opening|opens|bell)|pre open"),
    "amc": re.compile(r"after (close|closing|closes|bell)|post close"),
}
_HALF = r"(?: ?[ap]\.?m\.?)"
_ZONE = r"(?: ?[A-Za-z/_]{1,20}| ?[+-]\d{2}:?\d{2})"
_DATE = r"(?:\d{4}-?\d{2}-?\d{2}[T ])"
_CLOCK = re.compile(rf"{_DATE}?(?:\d{{1,2}}[:.h]\d{{2}}(?::\d{{2}}(?:\.\d+)?)?{_HALF}?|\d{{1,2}}{_HALF}){_ZONE}?", re.I)
_MIDNIGHT = re.compile(rf"{_DATE}?(?:0?0:00(:00(\.0+)?)?|12:00(:00)? ?a\.?m\.?)", re.I)
NEITHER = "is neither bmo, dmh or amc nor a clock; write bmo, dmh or amc, or leave it empty if the hour is unknown"
NEW_YORK = ZoneInfo("America/New_York")


@dataclass(slots=True)
class Timing:
    """The column ``timing`` of an events file.

    Attributes
    ----------
    heading : str
        The column of the file that it was made from; empty where that is ``timing`` itself, or there is none.
    """

    column: Coded
    heading: str = ""
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def bucket_of(text: str) -> str | None:
    """``bmo``, ``dmh`` or ``amc`` in any words; empty where the text says that the hour is unknown, None where it says
    something else."""
    words = " ".join(re.sub(r"[^a-z0-9]+", " ", text.lower()).split())
    if words in WORDS:
        return WORDS[words]
    bare = " ".join(_FILLING.sub(" ", words).split())
    for bucket, form in _PLACES.items():
        if form.fullmatch(bare):
            return bucket
    # "during market hours" is left as "during", "time-not-supplied" as "not supplied"
    return (WORDS | _BESIDE).get(bare) if bare and bare != words else None


def is_clock(text: str) -> bool:
    """Whether a cell holds a time of day, alone or behind a date."""
    return _CLOCK.fullmatch(text.strip()) is not None


def timing_of(raw: RawEvents, announced: Announced) -> Timing:
    """The column ``timing``: the file's own, or one of another name that holds the same.

    A column of clocks is not timing: a clock counts with its date and its offset, in ``announced_at``. Where a row has
    a clock there, it counts, and the other column is not read.
    """
    n, own = len(raw.lines), raw.columns.get("timing")
    if own is not None and any(own.values):
        return _in_our_words(own)
    bare = ~announced.has_clock
    found = Timing(constant("", n))
    others = {name: column for name, column in raw.columns.items() if name not in (*REQUIRED, *OPTIONAL)}
    named = {name: column for name, column in others.items() if may_be_timing(name, column.values)}
    told = [name for name, column in named.items() if any(bucket_of(value) for value in column.values)]
    clocks = {name: column for name, column in named.items() if name not in told and has_clocks(column.values)}
    if len(told) > 1:
        listed = " and ".join(map(repr, told))
        found.problems.append(Problem(_header(raw), told[1], "", f"{listed} may both be timing; rename one to timing"))
    elif told:
        _read_words(raw, told[0], bare, found)
    for name, column in clocks.items():
        _refuse_clocks(raw, name, column, bare & found.column.where(lambda text: not text), announced, found)
    for name in named:
        if name not in told and name not in clocks and any(named[name].values):
            found.notes.append(
                f"column {name!r} is kept as an extra one: its cells are neither bmo, dmh or amc nor clocks"
            )
    return found


def may_be_timing(heading: str, values: Sequence[str]) -> bool:
    """Whether a column may say when in the day something came: by its heading, or because every cell that is not empty
    is a part of the day, or every one a clock, whatever the heading says."""
    if _folded(heading) in HEADINGS:
        return True
    cells = [value for value in values if value]
    # in this order: among millions of other texts the first decides
    words = all(bucket_of(cell) is not None for cell in cells) and any(map(bucket_of, cells))
    # a moment with its date may be anything, such as when a row was fetched: there the heading decides
    return bool(cells) and (
        words or all(":" in cell and not re.match(_DATE, cell) and is_clock(cell) for cell in cells)
    )


def _folded(heading: str) -> str:
    return " ".join(re.sub(r"[^a-z0-9]+", " ", heading.lower()).split())


def _header(raw: RawEvents) -> int:
    return 0 if raw.unit == "row" else 1


def _in_our_words(own: Coded) -> Timing:
    """The file's own column, its words as ours; what says something else stays, and is refused with the other cells."""
    words = {value: bucket_of(value) for value in own.values}
    changed = [value for value, bucket in words.items() if bucket is not None and bucket != value]
    if not changed:
        return Timing(own)
    listed = ", ".join(f"{value!r} is read as {words[value] or 'an unknown hour'}" for value in changed[:5])
    more = f", and {len(changed) - 5} more words likewise" if len(changed) > 5 else ""
    column = own.replaced(lambda value: value if words[value] is None else str(words[value]))
    return Timing(column, notes=[f"timing: {listed}{more}"])


def has_clocks(values: Sequence[str]) -> bool:
    """Whether there are clocks other than midnight, which programs write where there is no clock."""
    return any(is_clock(value) and not _MIDNIGHT.fullmatch(value) for value in values)


def _read_words(raw: RawEvents, name: str, bare: Bools, found: Timing) -> None:
    """Take a column of another name as timing, for the rows that have no clock."""
    column = raw.columns[name]
    wrong = bare & column.where(lambda text: bucket_of(text) is None and not _MIDNIGHT.fullmatch(text))
    _add(raw, name, column, wrong, NEITHER, found)
    words = column.replaced(lambda text: bucket_of(text) or "")
    found.heading = name
    found.notes.append(f"column {name!r} is read as timing")
    if not bare.all():
        cells = [text if alone else "" for text, alone in zip(words.cells(), bare.tolist(), strict=True)]
        n = int((~bare).sum())
        rows = "1 row has" if n == 1 else f"{n:,} rows have"
        found.notes.append(f"{rows} a clock in announced_at, which counts there, not {name!r}")
        words = coded(cells)
    found.column = words


def _refuse_clocks(raw: RawEvents, name: str, column: Coded, rows: Bools, announced: Announced, found: Timing) -> None:
    """A problem for every row whose clock is not in the column of its date."""
    at = np.flatnonzero(rows & column.where(lambda text: is_clock(text) and not _MIDNIGHT.fullmatch(text)))
    days = announced.day[announced.codes[at]]
    for row, text, day in zip(at.tolist(), column.take(at), days, strict=True):
        example = "2025-04-15T17:10:00-04:00" if np.isnat(day) else _example(str(day))
        message = (
            "is a clock outside announced_at; write date, clock and offset in announced_at, such as "
            f"{example} for ten past five in New York, or bmo, dmh or amc in a column timing"
        )
        found.problems.append(Problem(int(raw.lines[row]), name, text, message))


def _example(day: str) -> str:
    return datetime.fromisoformat(f"{day}T17:10:00").replace(tzinfo=NEW_YORK).isoformat()


def _add(raw: RawEvents, name: str, column: Coded, rows: Bools, message: str, found: Timing) -> None:
    at: Ints = np.flatnonzero(rows)
    lines = raw.lines[at]
    found.problems += [
        Problem(int(line), name, text, message) for line, text in zip(lines, column.take(at), strict=True)
    ]
