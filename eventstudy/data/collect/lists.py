"""Lists of identifiers and dates, of WRDS, Eventus and others, as rows of an events file; nothing is guessed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

from eventstudy.data.cells import check_ticker
from eventstudy.data.collect.list_dates import read_moment
from eventstudy.data.collect.readings import bucket_of
from eventstudy.data.collect.tables import ListTable, read_list
from eventstudy.data.layouts import fold
from eventstudy.errors import InputFileError, Problem, UsageError

IDS = ("ticker", "permno")
UTC_DATES = "mostimportantdateutc"
# column of an events file -> folded headings that other programs give it
HEADINGS: dict[str, tuple[str, ...]] = {
    "ticker": ("ticker", "symbol", "tic", "ticker symbol", "act symbol", "exchange:ticker", "company name(s)"),
    "permno": ("permno", "lpermno"),
    "announced_at": (
        "announced at", "event date", "eventdate", "announcement date", "announce date", "announcedate", "anndats",
        "rdq", "key developments by date", UTC_DATES, "date",
    ),
    "timing": ("timing", "release time", "before after market", "reporttime", "timeoftheday"),
    "event_id": ("event id",),
    "category": ("category", "eventtype", "key developments by type", "grouping"),
    "title": ("title", "headline", "key development headline"),
    "benchmark": ("benchmark", "market id"),
}  # fmt: skip
CUSIP = re.compile(r"[0-9]{3}[0-9A-Z]{5}[0-9]?")
_PERMNO = re.compile(r"(\d{5})(?:\.0+)?")
_LISTED = re.compile(r"\((?:N(?:ASDAQ|asdaq)\w*|NYSE\w*|AMEX|BATS):([A-Z][A-Z.-]{0,9})\)")
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
    notes : list of str
    """

    rows: list[Row]
    columns: dict[str, str]
    n: int
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the person who holds the list says of it.

    Attributes
    ----------
    identifier : {"", "ticker", "permno"}
    order : {"", "ymd", "mdy", "dmy"}
    zone : ZoneInfo or None
        Of clocks without an offset.
    columns : mapping
        Column of the events file -> heading, or place counted from 1.
    sheet : str
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
        notes.append(f"{doubled} rows stand in the list twice and are taken once")
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
    """Where each column of the events file stands, notes, and the order of day and month."""
    notes: list[str] = []
    places = {name: _named_place(table, name, heading) for name, heading in asked.columns.items()}
    if "ticker" in places and "announced_at" in places:
        return places, notes, asked.order
    if table.headings:
        return _by_headings(table, asked, places), notes, asked.order
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
    """Where a column that the person named stands."""
    if heading.isdigit() and 1 <= int(heading) <= table.width:
        return int(heading) - 1
    folded = [fold(one) for one in table.headings]
    if folded.count(fold(heading)) == 1:
        return folded.index(fold(heading))
    there = ", ".join(map(repr, table.headings)) or f"columns 1 to {table.width}"
    raise UsageError(f"--column {name}={heading}: {table.path} has no such column", there)


def _by_headings(table: ListTable, asked: Asked, places: dict[str, int]) -> dict[str, int]:
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
            raise UsageError(
                f"{table.path}: no single column of {what}; the headings are {there}",
                "a column ticker or permno",
                "--column ticker=HEADING names it",
            )
        places["ticker"] = found[chosen][0]
    if "announced_at" not in places:
        if len(found["announced_at"]) != 1:
            which = " and ".join(repr(table.headings[at]) for at in found["announced_at"])
            said = f"{which} may be the date" if which else f"no column of dates; the headings are {there}"
            raise UsageError(f"{table.path}: {said}", "one of them", "--column announced_at=HEADING names it")
        places["announced_at"] = found["announced_at"][0]
    for name, at in found.items():
        if name not in ("ticker", "permno", "announced_at") and len(at) == 1 and at[0] not in places.values():
            places.setdefault(name, at[0])
    return places


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
    for name, at in places.items():
        text = cells[at] if at < len(cells) else ""
        try:
            if name == "ticker":
                row[name] = _identifier(text, _holds(table, at, asked))
            elif name == "announced_at":
                utc = bool(table.headings) and fold(table.headings[at]) == UTC_DATES
                row[name] = read_moment(text, order, ZoneInfo("UTC") if utc else asked.zone)
            elif name == "timing":
                row[name] = _bucket(text)
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
    """What a column of identifiers holds."""
    if table.headings and fold(table.headings[at]) in HEADINGS["permno"]:
        return "permno"
    return asked.identifier or "ticker"


def _identifier(text: str, kind: str) -> str:
    if kind == "permno":
        if match := _PERMNO.fullmatch(text):
            return match[1]
        if CUSIP.fullmatch(text):
            raise ValueError("is a CUSIP and no PERMNO; WRDS translates CUSIPs (Tools, CUSIP converter)")
        raise ValueError("is no PERMNO, which has five digits")
    if match := _LISTED.search(text):
        return match[1]
    if re.fullmatch(r"\d+\.0+", text) or CUSIP.fullmatch(text) or re.fullmatch(r"\d{5}", text):
        raise ValueError("is a number and no ticker; --id permno reads permanent numbers, CUSIPs need a translation")
    check_ticker(text)
    return text


def _bucket(text: str) -> str:
    found = bucket_of(text)
    if found is None:
        raise ValueError("is no known hour; write bmo, dmh or amc, or leave the column out")
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
