"""New rows joined to an events or confounders file: known rows stay as they are, and nothing is doubled."""

from __future__ import annotations

import csv
import difflib
import io
import os
import re
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from eventstudy.atomic_write import write_whole
from eventstudy.data.collect.headers import ACCESSION
from eventstudy.data.dates import parse_when
from eventstudy.data.event_headings import ALIASES, OPTIONAL, REQUIRED, headings_of
from eventstudy.data.event_timing import NEW_YORK, bucket_of, may_be_timing
from eventstudy.data.layouts import fold
from eventstudy.errors import InputFileError, UsageError
from eventstudy.opening import TABLE, content, opened_text
from eventstudy.reading import large_cells

EVENTS, CONFOUNDERS = "events", "confounders"
EVENT_COLUMNS = (
    "event_id", "ticker", "announced_at", "timing", "role", "category", "claimed_return", "claimed_open_return",
    "title", "source", "notes",
)  # fmt: skip
CONFOUNDER_COLUMNS = ("at", "timing", "tickers", "kind", "title", "source")
# Two dates of one ticker's results within so many days are one announcement.
SAME_RESULTS = timedelta(days=10)
Row = dict[str, str]


@dataclass(slots=True)
class Merged:
    """A file and what joins it.

    Attributes
    ----------
    kind : {"events", "confounders"}
    text : str
        The whole file with the new rows.
    added : list of dict
        New rows, in the order in which they are appended.
    known : list of dict
        Collected rows that the file has already; they are left as they are there.
    notes : list of str
        Known rows whose date differs from the collected one.
    columns : list of str
        Added to the file on the right.
    """

    path: Path
    kind: str
    text: str
    added: list[Row] = field(default_factory=list)
    known: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)


def kind_of(path: Path) -> str:
    """Whether a file is one of events or of confounders: by its headings, where it is there, else by its name."""
    with suppress(OSError, UnicodeDecodeError), opened_text(path, TABLE) as handle:
        names = {fold(name) for name in next(csv.reader([handle.readline()]), [])}
        if "kind" in names and "at" in names:
            return CONFOUNDERS
        if "announced at" in names or names & {*ALIASES["announced_at"]}:
            return EVENTS
    return CONFOUNDERS if "confounder" in path.name.lower() else EVENTS


def merged(path: Path, rows: Sequence[Row]) -> Merged:
    """Join collected rows to a file, which may not be there yet.

    Parameters
    ----------
    rows : sequence of dict
        Columns of the kind of file that ``kind_of`` finds; cells that are missing are empty.

    Raises
    ------
    InputFileError
        If the file, or the file with the new rows, would not pass ``validate``.
    """
    kind = kind_of(path)
    base = list(EVENT_COLUMNS if kind == EVENTS else CONFOUNDER_COLUMNS)
    text = _text(path)
    if len(text.strip().splitlines()) > 1:
        check(path, kind, text)
    header, held = _table(text) if text.strip() else ([], [])
    out = Merged(path, kind, text)
    folded = _columns(header, held, kind)
    there = [dict(zip(folded, (cell.strip() for cell in row), strict=False)) for row in held]
    find = _known_events(there, rows) if kind == EVENTS else _known_confounders(there)
    for row in sorted(rows, key=_order):
        same = find(row)
        if same is None:
            out.added.append(row)
        else:
            out.known.append(row)
            out.notes += [same] if same else []
    names, folded = header or base, folded or base
    needed = [name for name in dict.fromkeys(n for row in out.added for n in row) if name not in folded]
    out.columns = [name for name in needed if any(row.get(name) for row in out.added)] if header else []
    further = out.columns or [name for name in needed if any(row.get(name) for row in out.added)]
    if out.added:
        names, folded = [*names, *further], [*folded, *further]
        cells = [[row.get(name, "") for name in folded] for row in out.added]
        out.text = _joined(text, names, held if out.columns else None, cells)
        check(path, kind, out.text)
    return out


def write(found: Merged) -> None:
    """Write the file, whole or not at all.

    Raises
    ------
    UsageError
        If it cannot be written.
    """
    if not found.added:
        return
    try:
        write_whole(found.path, found.text.encode("utf-8"), through_links=True)
    except OSError as error:
        raise UsageError(
            f"cannot write {found.path}: {error.strerror or error}", "a place that can be written", "name another file"
        ) from error


def difference(found: Merged) -> str:
    """Unified difference between the file and what would be written; empty without changes."""
    before, after = (text.splitlines(keepends=True) for text in (_text(found.path), found.text))
    shown = difflib.unified_diff(before, after, str(found.path), f"{found.path} (new)", n=0)
    return "".join(line if line.endswith("\n") else f"{line}\n" for line in shown)


def check(path: Path, kind: str, text: str) -> None:
    """Whether a text would pass ``validate``.

    Raises
    ------
    InputFileError
        With every problem, under the name of the file.
    """
    from eventstudy.data.confounders import read_confounders
    from eventstudy.data.events import read_events

    read: Callable[[str], object] = read_events if kind == EVENTS else read_confounders
    with tempfile.TemporaryDirectory(prefix="eventstudy-") as folder:
        aside = os.path.join(folder, "file.csv")
        Path(aside).write_bytes(text.encode("utf-8"))
        try:
            read(aside)
        except InputFileError as error:
            raise InputFileError(str(path), error.problems, error.unit) from None


def _text(path: Path) -> str:
    try:
        return content(path, TABLE).decode("utf-8")
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not UTF-8", "an events or confounders file", "save the file as UTF-8") from None
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}", "an events or confounders file") from error


def _table(text: str) -> tuple[list[str], list[list[str]]]:
    with large_cells():
        rows = [row for row in csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")) if row]
    return rows[0], rows[1:]


def _joined(text: str, names: list[str], held: list[list[str]] | None, cells: list[list[str]]) -> str:
    """The old text with lines behind it; rewritten only where it gets columns."""
    end = "\r\n" if "\r\n" in text else "\n"
    out = io.StringIO()
    writer = csv.writer(out, lineterminator=end)
    if not text.strip():
        writer.writerow(names)
        text = ""
    elif held is not None:
        out.write("\ufeff" if text.startswith("\ufeff") else "")
        writer.writerow(names)
        # rows that are too short or long have been refused
        writer.writerows([[*row, *[""] * (len(names) - len(row))] for row in held])
        text = ""
    elif not text.endswith(("\n", "\r")):
        text += end
    writer.writerows(cells)
    return text + out.getvalue()


def _order(row: Row) -> tuple[str, str, str]:
    return (
        row.get("announced_at") or row.get("at", ""),
        row.get("ticker") or row.get("tickers", ""),
        row.get("source", ""),
    )


def _columns(header: list[str], held: list[list[str]], kind: str) -> list[str]:
    """The column that each heading is, as the readers of the file take it."""
    names = [name.strip() for name in header]
    if kind == CONFOUNDERS:
        return [name.lower() for name in names]
    named = headings_of(names, 1).names
    folded = [named[name] for name in names]
    if "timing" not in folded:
        cells = [[row[at].strip() if at < len(row) else "" for row in held] for at in range(len(names))]
        others = [at for at, name in enumerate(folded) if name not in (*REQUIRED, *OPTIONAL)]
        hours = [at for at in others if may_be_timing(names[at], cells[at]) and any(map(bucket_of, cells[at]))]
        folded = ["timing" if [at] == hours else name for at, name in enumerate(folded)]
    return folded


def _known_events(held: Sequence[Row], rows: Sequence[Row]) -> Callable[[Row], str | None]:
    """Function that returns None for a new row, and a note, maybe empty, for a known one.

    A filing is known by its number, whatever else of its row was edited; anything else by event_id and ticker, or
    because the file has a row of the same ticker and date, for results a date some days away. A row of the file
    is one announcement.
    """
    numbers: set[tuple[str, str]] = set()
    ids: dict[tuple[str, str], Row] = {}
    free: dict[str, list[Row]] = {}
    named = {_key(row) for row in rows}
    for row in held:
        ticker = row.get("ticker", "").upper()
        numbers |= {(number, ticker) for number in _numbers(row)}
        ids[_key(row)] = row
        if _key(row) not in named:
            free.setdefault(ticker, []).append(row)

    def find(row: Row) -> str | None:
        ticker = row["ticker"].upper()
        mine = _numbers(row)
        if any((number, ticker) in numbers for number in mine):
            return ""
        if (same := ids.get(_key(row))) is None:
            same = next((one for one in free.get(ticker, []) if _same_announcement(one, row)), None)
            if same is not None:
                free[ticker].remove(same)
        if same is not None:
            return _differs(same, row)
        numbers.update((number, ticker) for number in mine)
        ids[_key(row)] = row
        return None

    return find


def _key(row: Row) -> tuple[str, str]:
    ticker = row.get("ticker", "").upper()
    return (row.get("event_id") or f"{ticker}-{row.get('announced_at', '')[:10]}").lower(), ticker


def _numbers(row: Row) -> list[str]:
    return ACCESSION.findall(f"{row.get('event_id', '')} {row.get('source', '')}")


def _is_results(row: Row) -> bool:
    """Whether a row is one of results: by its category, or by the item of the filing."""
    return row.get("category", "").lower() == "earnings" or "2.02" in row.get("category", "").split()


def _same_announcement(held: Row, row: Row) -> bool:
    """Whether a row of the file and a collected one of its ticker, under other names, are one announcement.

    Filings of a day may be many: they are the announcement of another row only where both are results.
    """
    results = _is_results(held) and _is_results(row)
    of_items = any(len(one.get("category", "").split()) > 1 for one in (held, row) if _numbers(one))
    if (_numbers(row) and (_numbers(held) or not results)) or (of_items and not results):
        return False
    return _apart(held["announced_at"], row["announced_at"]) <= (SAME_RESULTS if results else timedelta(0))


def _differs(held: Row, row: Row) -> str:
    """Note on a row that the file has already; empty where both agree."""
    where = f"{row['ticker']}: the file has"
    if _apart(held["announced_at"], row["announced_at"]):
        what = "results on " if _is_results(row) else ""
        return f"{where} {what}{held['announced_at']}, the source says {row['announced_at']}"
    for name in ("category", "title"):
        mine, other = held.get(name, ""), row.get(name, "")
        if mine and other and mine != other and not (_is_results(held) and _is_results(row)):
            return f"{where} {mine!r} on {held['announced_at']}, so {other!r} of that date is not added"
    return ""


def _apart(first: str, second: str) -> timedelta:
    """Distance of two dates or moments in days; a moment in UTC is on its day in New York, too."""
    gaps = [abs(one - other) for one in _days(first) for other in _days(second)]
    return min(gaps, default=timedelta.max)


def _days(text: str) -> set[date]:
    day = _day(text)
    with suppress(ValueError):
        moment, _ = parse_when(text)
        if moment is not None and text.endswith(("Z", "+00:00")):
            return {moment.date(), moment.astimezone(NEW_YORK).date()}
    return {day} if day else set()


def _known_confounders(held: Sequence[Row]) -> Callable[[Row], str | None]:
    """The same for confounders: results of a ticker within some days of each other are one announcement."""
    results: list[tuple[str, date, str]] = []
    for row in held:
        day = _day(row.get("at", ""))
        if day is not None and row.get("kind") == "earnings":
            results += [(ticker.upper(), day, row.get("at", "")) for ticker in row.get("tickers", "").split(";")]

    def find(row: Row) -> str | None:
        day = _day(row["at"])
        ticker = row["tickers"].upper()
        for known, other, written in results:
            if day is not None and known == ticker and abs(other - day) <= SAME_RESULTS:
                same = other == day
                return "" if same else f"{ticker}: the file has results on {written}, the source says {row['at']}"
        if day is not None:
            results.append((ticker, day, row["at"]))
        return None

    return find


def _day(text: str) -> date | None:
    match = re.match(r"(\d{4})-?(\d{2})-?(\d{2})", text)
    try:
        return date(int(match[1]), int(match[2]), int(match[3])) if match else None
    except ValueError:
        return None
