"""events.csv -> EventTable: one row per announcement and ticker, every problem reported at once."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import pandas as pd

from eventstudy.data.claims import parse_claim
from eventstudy.data.dates import parse_when
from eventstudy.data.tabular import TextTable, read_table
from eventstudy.errors import InputFileError, Problem

REQUIRED = ("ticker", "announced_at")
OPTIONAL = (
    "event_id",
    "timing",
    "role",
    "category",
    "claimed_return",
    "claimed_open_return",
    "title",
    "source",
    "notes",
    "benchmark",
    "calendar",
)
TIMINGS = ("", "bmo", "dmh", "amc")
ROLES = ("direct", "peer", "placebo")
_EVENT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
TICKER = re.compile(r"[A-Za-z0-9^][A-Za-z0-9.^=_-]{0,31}")
_CALENDAR = re.compile(r"[A-Z0-9]{4}")
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)

Check = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class EventTable:
    """Announcements, one row per (event_id, ticker).

    Attributes
    ----------
    frame : DataFrame
        ``line`` (int, of the file), ``event_id``, ``ticker``, ``announced_at`` (as written), ``instant`` (UTC, NaT for
        a bare date), ``date`` (NaT where there is an instant), ``timing``, ``role``, ``category``, ``claimed_return``,
        ``claimed_open_return``, ``title``, ``source``, ``notes``, ``benchmark``, ``calendar`` (text, empty if none),
        then extra columns as text.
    path : str
    """

    frame: pd.DataFrame
    path: str


def read_events(path: str | Path) -> EventTable:
    """Read an events file.

    Raises
    ------
    InputFileError
        With every problem: line, column, value, what to write instead.
    """
    return _build(read_table(path, REQUIRED))


def events_from_frame(frame: pd.DataFrame, path: str = "<frame>") -> EventTable:
    """The same table and the same checks from a pandas frame; missing values count as empty cells.

    Raises
    ------
    InputFileError
        As ``read_events``; lines count from 2, as if the frame were a file.
    """
    if frame.empty:
        raise InputFileError(path, [Problem(0, "", "", "holds no row")])
    columns = {str(name): [_cell(value) for value in frame[name]] for name in frame.columns}
    missing = [Problem(1, name, "", "this column is needed and missing") for name in REQUIRED if name not in columns]
    if missing:
        raise InputFileError(path, missing)
    return _build(TextTable(path, columns, list(range(2, len(frame) + 2))))


def _cell(value: object) -> str:
    if value is None or value is pd.NaT or (isinstance(value, float) and value != value):
        return ""
    if isinstance(value, datetime):
        midnight = value.tzinfo is None and (value.hour, value.minute, value.second) == (0, 0, 0)
        return value.date().isoformat() if midnight else value.isoformat()
    return value.isoformat() if isinstance(value, date) else str(value).strip()


def _build(table: TextTable) -> EventTable:
    n = len(table.lines)
    columns = {name: table.columns.get(name, [""] * n) for name in (*REQUIRED, *OPTIONAL)}
    columns["event_id"] = [
        own or default_id(ticker, when)
        for own, ticker, when in zip(columns["event_id"], columns["ticker"], columns["announced_at"], strict=True)
    ]
    columns["role"] = [role or "direct" for role in columns["role"]]
    problems: list[Problem] = []
    for name, check in CHECKS.items():
        problems += check_column(name, columns[name], table.lines, check)
    moments, dates = _moments(columns["announced_at"], table.lines, problems)
    problems += _timing_with_clock(columns["timing"], moments, table.lines)
    problems += _repeats(columns["event_id"], columns["ticker"], table.lines)
    if problems:
        raise InputFileError(table.path, sorted(problems, key=lambda problem: problem.line))
    extra = {name: cells for name, cells in table.columns.items() if name not in columns}
    frame = pd.DataFrame(
        {
            "line": table.lines,
            **{name: columns[name] for name in ("event_id", "ticker", "announced_at")},
            "instant": pd.Series(pd.to_datetime(moments, utc=True)).dt.as_unit("ns"),
            "date": pd.Series(pd.to_datetime(dates)).dt.as_unit("s"),
            **{name: columns[name] for name in OPTIONAL[1:]},
            **extra,
        }
    )
    return EventTable(frame, table.path)


def default_id(ticker: str, when: str) -> str:
    """TICKER-DATE, characters that an event_id cannot hold replaced by ``_``."""
    text = re.sub(r"[^A-Za-z0-9._-]", "_", f"{ticker}-{when[:10]}")[:64]
    return text if text[:1].isalnum() else f"x{text}"[:64]


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


def check_event_id(text: str) -> None:
    """An event_id becomes a file name, so it must be one everywhere."""
    if not _EVENT_ID.fullmatch(text):
        raise ValueError("write 1 to 64 of A-Z a-z 0-9 . _ - beginning with a letter or digit: it becomes a file name")
    if _DEVICE.fullmatch(text) or text.endswith("."):
        raise ValueError("is no file name on every system; choose another")


def check_ticker(text: str) -> None:
    """A ticker as data vendors write it."""
    if not TICKER.fullmatch(text) or ".." in text:
        raise ValueError("is no ticker; write a symbol such as NVDA, ASML.AS or ^GSPC")


def check_timing(text: str) -> None:
    """A bucket of the day."""
    _choose(text, TIMINGS, "write bmo, dmh or amc, or leave it empty if the hour is unknown")


def _check_role(text: str) -> None:
    _choose(text, ROLES, "write direct, peer or placebo")


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


def _check_calendar(text: str) -> None:
    if text and not _CALENDAR.fullmatch(text):
        raise ValueError("is no exchange code; write four capitals such as XNYS or XAMS")


CHECKS: dict[str, Check] = {
    "event_id": check_event_id,
    "ticker": check_ticker,
    "timing": check_timing,
    "role": _check_role,
    "claimed_return": _check_claim,
    "claimed_open_return": _check_claim,
    "benchmark": _check_benchmark,
    "calendar": _check_calendar,
}


def _moments(
    cells: Sequence[str], lines: Sequence[int], problems: list[Problem]
) -> tuple[list[datetime | None], list[date | None]]:
    return parse_moments("announced_at", cells, lines, problems)


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


def _timing_with_clock(
    timings: Sequence[str], moments: Sequence[datetime | None], lines: Sequence[int]
) -> list[Problem]:
    message = "belongs to a bare date; the row has a clock, so leave it empty"
    return [
        Problem(line, "timing", timing, message)
        for timing, moment, line in zip(timings, moments, lines, strict=True)
        if timing and moment is not None
    ]


def _repeats(ids: Sequence[str], tickers: Sequence[str], lines: Sequence[int]) -> list[Problem]:
    """Pairs that stand twice, and ids that differ only in case (one file on some systems)."""
    problems: list[Problem] = []
    pairs: dict[tuple[str, str], int] = {}
    spelling: dict[str, tuple[str, int]] = {}
    for event_id, ticker, line in zip(ids, tickers, lines, strict=True):
        if (event_id, ticker) in pairs:
            message = f"with ticker {ticker} stands in line {pairs[event_id, ticker]} already; remove one"
            problems.append(Problem(line, "event_id", event_id, message))
        pairs.setdefault((event_id, ticker), line)
        first, where = spelling.setdefault(event_id.lower(), (event_id, line))
        if first != event_id:
            message = f"differs only in case from {first} in line {where}; spell them alike or apart"
            problems.append(Problem(line, "event_id", event_id, message))
    return problems
