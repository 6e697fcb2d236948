"""Lists of identifiers and dates, of WRDS, Eventus and others, as rows of an events file; nothing is guessed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

from eventstudy.data.cells import check_ticker
from eventstudy.data.collect.list_dates import is_day, read_moment, with_clock
from eventstudy.data.collect.readings import bucket_of
from eventstudy.data.collect.tables import ListTable, read_list
from eventstudy.data.event_headings import ALIASES, EXCHANGE_TICKER, IBES
from eventstudy.data.event_timing import has_clocks, is_clock, may_be_timing
from eventstudy.data.layouts import fold
from eventstudy.errors import InputFileError, Problem, UsageError

IDS = ("ticker", "permno")
UTC_DATES = "mostimportantdateutc"
# column of an events file -> folded headings that other programs give it
HEADINGS: dict[str, tuple[str, ...]] = {
    "ticker": (
        "ticker", "symbol", "tic", "ticker symbol", "act symbol", "exchange:ticker", "company name(s)", EXCHANGE_TICKER,
    ),
    "permno": ("permno", "lpermno"),
    "announced_at": ("announced at", *ALIASES["announced_at"], "key developments by date", UTC_DATES),
    "timing": ("timing", "release time", "before after market", "reporttime", "timeoftheday"),
    "event_id": ("event id",),
    "category": ("category", "eventtype", "key developments by type", "grouping"),
    "title": ("title", "headline", "key development headline"),
    "benchmark": ("benchmark", "market id"),
}  # fmt: skip
# headings that any date may have
ANY_DATE = ("date", "datetime", "timestamp")
CUSIP = re.compile(r"[0-9]{3}[0-9A-Z]{5}[0-9]?")
_PERMNO = re.compile(r"(\d{5})(?:\.0+)?")
_LISTED = re.compile(r"\((?:N(?:ASDAQ|asdaq)\w*|NYSE\w*|AMEX|BATS):([A-Z][A-Z.-]{0,9})\)")
_LISTINGS = re.compile(r"\(\w+:[^()]+\)")
Row = dict[str, str]


@dataclass(slots=True)
class Imported:
    """A list as rows.

    Attributes
    ----------
    rows : list of dict
    columns : dict
        Column of the events file -> what it was read from.
    n : int
        Rows of the list.
    """

    rows: list[Row]
    columns: dict[str, str]
    n: int
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The user's statements on the list.

    Attributes
    ----------
    identifier : {"", "ticker", "permno"}
    order : {"", "ymd", "mdy", "dmy"}
    zone : ZoneInfo or None
        Of clocks without an offset.
    columns : mapping
        Column of the events file -> heading, or place counted from 1.
    """

    identifier: str = ""
    order: str = ""
    zone: ZoneInfo | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    sheet: str = ""


def import_list(path: Path, asked: Asked) -> Imported:
    """Read a list.

    Raises
    ------
    InputFileError
        With every problem of its cells.
    UsageError
        Where its columns could be read in two ways, with the option that decides.
    """
    table = read_list(path, asked.sheet, lambda cells: _is_heading(cells, asked))
    places, notes, order = _places(table, asked)
    columns = {name: table.name(at) for name, at in places.items()}
    problems: list[Problem] = []
    made: list[tuple[Row, int]] = []
    for line, cells in zip(table.lines, table.rows, strict=True):
        if table.headings and len(cells) != len(table.headings):
            message = f"has {len(cells)} cells, the headings are {len(table.headings)}"
            problems.append(Problem(line, "", "", message))
            continue
        row = _row(table, places, cells, asked, order, (line, problems))
        made.append((row, line))
    if problems:
        raise InputFileError(str(path), problems, table.unit)
    rows, doubled = _named([row for row, _ in made])
    if doubled:
        notes.append(f"{doubled} rows occur twice in the list and are used once")
    used = {*places.values(), *({places["window"] + 1} if _is_request(table) and "window" in places else ())}
    left = [table.name(at) for at in range(table.width) if at not in used]
    if left:
        notes.append(f"left out: {', '.join(left)}")
    return Imported(rows, columns, len(table.rows), [*table.notes, *notes])


def _is_heading(cells: Sequence[str], asked: Asked) -> bool:
    """Whether folded cells are a row of headings: those that the person named, or an identifier and a date."""
    wanted = [fold(name) for name in asked.columns.values() if not name.isdigit()]
    if wanted:
        return all(name in cells for name in wanted)
    ids = {*HEADINGS["ticker"], *HEADINGS["permno"]}
    return bool(ids & set(cells)) and bool(set(HEADINGS["announced_at"]) & set(cells))


def _places(table: ListTable, asked: Asked) -> tuple[dict[str, int], list[str], str]:
    """The place of each column of the events file, notes, and the order of day and month."""
    notes: list[str] = []
    places = {name: _named_place(table, name, heading) for name, heading in asked.columns.items()}
    if table.headings:
        return _by_headings(table, asked, places, notes), notes, asked.order
    if "ticker" in places and "announced_at" in places:
        return places, notes, asked.order
    if _is_request(table) and not places:
        notes.append("the list is a request of EventStudyTools: event, firm, market, date, group, window")
        return {"event_id": 0, "ticker": 1, "benchmark": 2, "announced_at": 3, "category": 4, "window": 5}, notes, "dmy"
    if table.width < 2:
        raise UsageError(
            f"{table.path} has one column",
            "an identifier and a date",
            "columns are separated by blanks, commas or tabs",
        )
    if not asked.identifier:
        shown = ", ".join(row[0] for row in table.rows[:3])
        raise UsageError(
            f"{table.path} has no headings; its first column holds {shown}",
            "what it holds",
            "--id permno or --id ticker",
        )
    return {"ticker": 0, "announced_at": 1} | places, notes, asked.order


def _named_place(table: ListTable, name: str, heading: str) -> int:
    if heading.isdigit() and 1 <= int(heading) <= table.width:
        return int(heading) - 1
    folded = [fold(one) for one in table.headings]
    if folded.count(fold(heading)) == 1:
        return folded.index(fold(heading))
    there = ", ".join(map(repr, table.headings)) or f"columns 1 to {table.width}"
    raise UsageError(f"--column {name}={heading}: {table.path} has no such column", there)


def _by_headings(table: ListTable, asked: Asked, places: dict[str, int], notes: list[str]) -> dict[str, int]:
    folded = [fold(heading) for heading in table.headings]
    found = {
        name: [at for known in names for at, heading in enumerate(folded) if heading == known]
        for name, names in HEADINGS.items()
    }
    there = ", ".join(map(repr, table.headings))
    ids = [name for name in IDS if found[name]]
    chosen = asked.identifier or (ids[0] if len(ids) == 1 else "")
    if "ticker" not in places:
        if not chosen and ids:
            raise UsageError(f"{table.path} has a ticker and a PERMNO", "one of them", "--id permno or --id ticker")
        if not chosen or len(found[chosen]) != 1:
            what = f"{chosen}s" if chosen else "identifiers"
            several = f"{_listed(table, found[chosen])} may be the {chosen}" if chosen and found[chosen] else ""
            several += f"; {IBES}" if several and EXCHANGE_TICKER in folded else ""
            raise UsageError(
                f"{table.path}: {several or f'no single column of {what}; the headings are {there}'}",
                "a column ticker or permno",
                "--column ticker=HEADING names it",
            )
        places["ticker"] = found[chosen][0]
        if folded[places["ticker"]] == "ticker" and "anndats" in folded:
            notes.append(IBES)
    if "announced_at" not in places:
        dates = _dates(table, folded, found["announced_at"], places)
        if len(dates) != 1:
            said = (
                f"{_listed(table, dates)} may be the date" if dates else f"no column of dates; the headings are {there}"
            )
            raise UsageError(f"{table.path}: {said}", "one of them", "--column announced_at=HEADING names it")
        places["announced_at"] = dates[0]
    if "timing" not in places:
        hours = [at for at in range(table.width) if at not in places.values() and _may_be_timing(table, folded, at)]
        if len(hours) > 1:
            said = f"{_listed(table, hours)} may be the hour"
            raise UsageError(f"{table.path}: {said}", "one of them", "--column timing=HEADING names it")
        if hours:
            places["timing"] = hours[0]
    if "timing" in places and has_clocks(table.cells(places["timing"])):
        notes.append(f"the clocks of {table.name(places['timing'])} are joined to the dates")
    for name, at in found.items():
        if name not in ("ticker", "permno", "announced_at", "timing") and len(at) == 1 and at[0] not in places.values():
            places.setdefault(name, at[0])
    return places


def _listed(table: ListTable, places: Sequence[int]) -> str:
    return " and ".join(table.name(at) for at in places)


def _dates(table: ListTable, folded: list[str], found: list[int], places: Mapping[str, int]) -> list[int]:
    """Columns that may be the day of the event; a heading that any date may have is not sure beside another column of
    dates, such as the end of a quarter beside the day of its report."""
    if len(found) != 1 or folded[found[0]] not in ANY_DATE:
        return found
    own = table.cells(found[0])
    others = [at for at in range(table.width) if at not in (found[0], *places.values())]
    return found + [at for at in others if _holds_dates(table.cells(at)) and table.cells(at) != own]


def _holds_dates(cells: Sequence[str]) -> bool:
    """Whether every cell that is not empty is a day, in any order."""
    held = [cell for cell in cells if cell]
    return bool(held) and all(is_day(cell) for cell in held)


def _may_be_timing(table: ListTable, folded: list[str], at: int) -> bool:
    cells = table.cells(at)
    if folded[at] in HEADINGS["timing"]:
        return any(cells)
    return may_be_timing(folded[at], cells) and (has_clocks(cells) or any(map(bucket_of, cells)))


def _is_request(table: ListTable) -> bool:
    """Whether a list without headings is a request of EventStudyTools."""
    first = table.rows[0]
    whole = re.compile(r"-?\d{1,4}")
    return len(first) in (8, 9) and bool(re.fullmatch(r"\d{1,2}\.\d{1,2}\.\d{4}", first[3])) and all(
        whole.fullmatch(cell) for cell in first[5:]
    )  # fmt: skip


def _row(
    table: ListTable,
    places: dict[str, int],
    cells: list[str],
    asked: Asked,
    order: str,
    told: tuple[int, list[Problem]],
) -> Row:
    """One row; what is wrong with it joins the problems."""
    line, problems = told
    row: Row = {}
    hour = cells[places["timing"]] if places.get("timing", len(cells)) < len(cells) else ""
    clock = hour if is_clock(hour) else ""
    for name, at in places.items():
        text = cells[at] if at < len(cells) else ""
        try:
            if name == "ticker":
                row[name] = _identifier(text, _holds(table, at, asked))
            elif name == "announced_at":
                utc = bool(table.headings) and fold(table.headings[at]) == UTC_DATES
                text = with_clock(text, clock) if clock else text
                row[name] = read_moment(text, order, ZoneInfo("UTC") if utc else asked.zone)
            elif name == "timing":
                row[name] = "" if clock else _bucket(text)
            elif name == "window" and not table.headings and _is_request(table):
                row[name] = f"{cells[5]}:{cells[6]}"
            else:
                row[name] = text
        except ValueError as error:
            problems.append(Problem(line, table.name(at).strip("'"), text, str(error)))
    if "T" in row.get("announced_at", "") and row.get("timing"):
        row["timing"] = ""
    return row


def _holds(table: ListTable, at: int, asked: Asked) -> str:
    if table.headings and fold(table.headings[at]) in HEADINGS["permno"]:
        return "permno"
    return asked.identifier or "ticker"


def _identifier(text: str, kind: str) -> str:
    if kind == "permno":
        if match := _PERMNO.fullmatch(text):
            return match[1]
        if CUSIP.fullmatch(text):
            raise ValueError("is a CUSIP, not a PERMNO; WRDS translates CUSIPs (Tools, CUSIP converter)")
        raise ValueError("is not a PERMNO, which has five digits")
    if len(_LISTINGS.findall(text)) > 1:
        raise ValueError("names two listings; write one row for each, with its ticker")
    if match := _LISTED.search(text):
        return match[1]
    if re.fullmatch(r"\d+\.0+", text) or CUSIP.fullmatch(text) or re.fullmatch(r"\d{5}", text):
        raise ValueError("is a number, not a ticker; --id permno reads permanent numbers, CUSIPs need a translation")
    check_ticker(text)
    return text


def _bucket(text: str) -> str:
    found = bucket_of(text)
    if found is None:
        raise ValueError("is not a known hour; write bmo, dmh or amc, or leave the column out")
    return found


def _named(rows: list[Row]) -> tuple[list[Row], int]:
    """The rows with an event_id each, twins taken once, and how many those were."""
    seen: dict[tuple[tuple[str, str], ...], None] = {}
    taken: dict[tuple[str, str], int] = {}
    out, doubled = [], 0
    for row in rows:
        key = tuple(sorted(row.items()))
        if key in seen:
            doubled += 1
            continue
        seen[key] = None
        name = row.get("event_id") or f"{row['ticker']}-{row['announced_at'][:10]}"
        name = re.sub(r"[^A-Za-z0-9._-]", "_", name)[:58]
        name = name if name[:1].isalnum() else f"x{name}"
        number = taken[name.lower(), row["ticker"].upper()] = taken.get((name.lower(), row["ticker"].upper()), 0) + 1
        out.append({**row, "event_id": name if number == 1 else f"{name}-{number}"})
    return out, doubled
