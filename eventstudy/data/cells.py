"""Valid cells of events and confounder files, with the cure for each invalid one."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from datetime import date, datetime

import pandas as pd

from eventstudy.data.calendar import calendar_names
from eventstudy.data.categorical import Check
from eventstudy.data.claims import parse_claim
from eventstudy.data.dates import parse_when
from eventstudy.errors import Problem, UsageError
from eventstudy.spec import Window, is_ticker

TIMINGS = ("", "bmo", "dmh", "amc")
# a day picked because of what the price did
OUTCOME = "outcome"
ROLES = ("direct", "peer", "placebo", OUTCOME)
# Bloomberg's code of a market -> the suffix of a listing there
BLOOMBERG: dict[str, str] = {
    "US": "", "UN": "", "UW": "", "UQ": "", "LN": ".L", "NA": ".AS", "GY": ".DE", "GR": ".DE", "FP": ".PA",
    "SW": ".SW", "SE": ".SW", "IM": ".MI", "SM": ".MC", "BB": ".BR", "SS": ".ST", "DC": ".CO", "NO": ".OL", "FH": ".HE",
    "JT": ".T", "JP": ".T", "HK": ".HK", "KS": ".KS", "TT": ".TW", "AU": ".AX", "AT": ".AX", "CN": ".TO", "CT": ".TO",
    "IN": ".NS", "IS": ".NS", "IB": ".BO", "SP": ".SI", "PL": ".LS", "ID": ".IR", "AV": ".VI", "PW": ".WA",
}  # fmt: skip
_BLOOMBERG = re.compile(r"([A-Za-z0-9/]+) ([A-Z]{2})(?: Equity)?")
_PREFIXED = re.compile(r"(?:NASDAQ|NYSE|NYSEARCA|NYSEAMERICAN|AMEX|BATS|OTC):([A-Za-z0-9.-]+)", re.IGNORECASE)
_EVENT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_CALENDAR = re.compile(r"[A-Z0-9]{4}")
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE | re.ASCII)
# the rules of both, for many texts at once, a line each; nothing is tried twice, so that millions cost no memory
_EVENT_IDS = re.compile(
    r"(?:(?>(?!(?i:con|prn|aux|nul|com[0-9]|lpt[0-9])[.\n])[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9_-])?\n))*+"
)


def check_column(name: str, cells: Sequence[str], lines: Sequence[int], check: Check) -> list[Problem]:
    """Problems of one column; each distinct value is checked once."""
    verdicts: dict[str, str] = {}
    for cell in dict.fromkeys(cells):
        try:
            check(cell)
        except ValueError as error:
            verdicts[cell] = str(error)
    return [
        Problem(line, name, cell, verdicts[cell]) for cell, line in zip(cells, lines, strict=True) if cell in verdicts
    ]


def are_event_ids(texts: Sequence[str]) -> bool:
    """Whether every text can name an event and its files; a tenth of the time of asking one by one."""
    lines = "\n".join([*texts, ""])
    return lines.count("\n") == len(texts) and _EVENT_IDS.fullmatch(lines) is not None


def check_event_id(text: str) -> None:
    """An event_id becomes a file name, so it must be one everywhere."""
    if not _EVENT_ID.fullmatch(text):
        raise ValueError("write 1 to 64 of A-Z a-z 0-9 . _ - beginning with a letter or digit: it becomes a file name")
    if _DEVICE.fullmatch(text) or text.endswith("."):
        raise ValueError("is not a file name on every system; choose another")


def check_ticker(text: str) -> None:
    """A ticker as data vendors write it."""
    if not is_ticker(text):
        meant = likely_ticker(text)
        raise ValueError(f"is not a ticker; write {meant or 'a symbol such as NVDA, ASML.AS or ^GSPC'}")


def likely_ticker(text: str) -> str:
    """The ticker meant by other programs' notation: ``RDS/A``, ``$ABC``, ``NASDAQ:AAPL``, ``VOD LN Equity``;
    empty where none is sure."""
    bare = text.strip().removeprefix("$")
    if match := _PREFIXED.fullmatch(bare):
        bare = match[1]
    if match := _BLOOMBERG.fullmatch(bare):
        suffix = BLOOMBERG.get(match[2])
        bare = "" if suffix is None else f"{match[1].rstrip('/')}{suffix}"
    bare = re.sub(r"[/ .]([A-E])$", r"-\1", bare)
    return bare if bare != text and is_ticker(bare) else ""


def check_timing(text: str) -> None:
    """A bucket of the day; the nearest word is not suggested, for AM is not amc, and the other bucket moves day 0."""
    if text not in TIMINGS:
        raise ValueError("is unknown; write bmo, dmh or amc, or leave it empty if the hour is unknown")


def _check_role(text: str) -> None:
    _choose(text, ROLES, "write direct, peer, placebo or outcome")


def _choose(text: str, allowed: Sequence[str], wanted: str) -> None:
    if text not in allowed:
        close = difflib.get_close_matches(text.lower(), [name for name in allowed if name], n=1)
        raise ValueError(f"is unknown; {f'did you mean {close[0]}? ' if close else ''}{wanted}")


def _check_claim(text: str) -> None:
    if text:
        parse_claim(text)


def _check_benchmark(text: str) -> None:
    for symbol in text.split(";") if text else ():
        check_ticker(symbol)


def _check_uncertain(text: str) -> None:
    if text not in ("", "yes", "no"):
        raise ValueError("write yes where the hour is not certain although a clock is given, or leave it empty")


def _check_window(text: str) -> None:
    if text:
        try:
            Window.parse(text)
        except UsageError:
            raise ValueError("is not a window; write START:END in sessions, such as -1:1") from None


def _check_calendar(text: str) -> None:
    if text and not _CALENDAR.fullmatch(text) and text not in calendar_names():
        raise ValueError("is not an exchange code; write four capitals such as XNYS or XAMS, 24/7, 24/5 or data")


# event_id has a check of its own: it has as many values as rows
CHECKS: dict[str, Check] = {
    "ticker": check_ticker,
    "timing": check_timing,
    "role": _check_role,
    "claimed_return": _check_claim,
    "claimed_open_return": _check_claim,
    "benchmark": _check_benchmark,
    "calendar": _check_calendar,
    "window": _check_window,
    "uncertain": _check_uncertain,
}


def parse_moments(
    name: str, cells: Sequence[str], lines: Sequence[int], problems: list[Problem]
) -> tuple[list[datetime | None], list[date | None]]:
    """Moments and bare dates of a column; unreadable cells become problems."""
    read: dict[str, tuple[datetime | None, date | None]] = {}
    broken: dict[str, str] = {}
    for cell in dict.fromkeys(cells):
        try:
            read[cell] = parse_when(cell)
        except ValueError as error:
            read[cell] = (None, None)
            broken[cell] = str(error)
    problems += [
        Problem(line, name, cell, broken[cell]) for cell, line in zip(cells, lines, strict=True) if cell in broken
    ]
    return [read[cell][0] for cell in cells], [read[cell][1] for cell in cells]


def cell_text(value: object) -> str:
    """A cell of a frame as the text a file would hold; empty where it is missing."""
    if value is None or value is pd.NaT or value is pd.NA or (isinstance(value, float) and value != value):
        return ""
    if isinstance(value, datetime):
        midnight = value.tzinfo is None and (value.hour, value.minute, value.second) == (0, 0, 0)
        # a Z as files write it: both readings of such a time are reported
        utc = value.tzinfo is not None and value.tzname() == "UTC"
        text = value.isoformat()
        return value.date().isoformat() if midnight else text.replace("+00:00", "Z") if utc else text
    return value.isoformat() if isinstance(value, date) else str(value).strip()
