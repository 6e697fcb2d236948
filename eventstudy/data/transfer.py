"""The store as a folder of files, out and in: ``SYMBOL.csv`` that ``csv:DIR`` reads, and a manifest of provenance."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from eventstudy.atomic_write import write_whole
from eventstudy.data import clock
from eventstudy.data.dates import EARLIEST, LATEST, parse_day
from eventstudy.data.store import Store, StoreDamaged
from eventstudy.data.store_rows import Header
from eventstudy.data.vintage import HEADINGS, PRICES, Bars, Vintage, only_final, pays_in_another_currency
from eventstudy.data.yahoo.figures import impossible
from eventstudy.errors import InputFileError, Problem, UsageError
from eventstudy.opening import RECORD, TABLE, opened_text, text
from eventstudy.reading import decimal, large_cells
from eventstudy.spec import is_ticker

MANIFEST = "manifest.json"
FORMAT = 1
# of a text in the manifest, and sessions of a series: three hundred years of them
LONGEST_TEXT, MOST_DAYS, MOST_SERIES = 2_000, 100_000, 100_000
# how far the clocks of two machines may be apart
AHEAD = timedelta(days=1)
# before it there was no such program, nor its source
FIRST = datetime(2000, 1, 1, tzinfo=UTC)
FOREIGN = "Foreign Dividends"
_HEAD = ",".join(["Date", *HEADINGS.values()])
_HEADS = (_HEAD, _HEAD.replace(HEADINGS["dividend"], FOREIGN))
_TEXTS: tuple[str, ...] = (
    "symbol",
    "source",
    "outcome",
    "body_sha256",
    "client",
    "client_version",
    "timezone",
    "exchange",
    "currency",
)
_TEXTS += ("instrument", "note")


def export_folder(store: Store, folder: Path, source: str = "", *, force: bool = False) -> list[str]:
    """Write the newest readable vintage with prices of every symbol, all of one source.

    Parameters
    ----------
    source : str
        Empty where the store holds prices of one source only.
    force : bool
        Replace files of somebody's own as well.

    Returns
    -------
    list of str
        The symbols, sorted.

    Raises
    ------
    UsageError
        If there is nothing to write, the folder cannot be written, or it holds a file of somebody's own in the place of
        one of these and ``force`` is not set.
    """
    newest: dict[str, Vintage] = {}
    sources = sorted({header.vintage.source for header in store.headers() if header.vintage.outcome == PRICES})
    if source not in sources and (source or len(sources) > 1):
        raise UsageError(
            f"the store {store.path} holds {f'no prices of {source}' if source else 'prices of several sources'}",
            f"one of {', '.join(sources) or 'none'}",
            "--from SOURCE names it",
        )
    for header in store.headers():
        if source and header.vintage.source != source:
            continue
        if header.vintage.outcome == PRICES and (vintage := _readable(store, header)) is not None:
            newest[header.vintage.symbol] = vintage
    for symbol in newest:
        if not is_ticker(symbol):
            raise UsageError(
                f"the store {store.path} holds a series named {symbol!r}, which cannot be a file name",
                "tickers",
                "`eventstudy cache clear` with that name",
            )
    if not newest:
        raise UsageError(f"the store {store.path} holds no prices", "a store with prices", "`eventstudy fetch`")
    if not force:
        _check_replaced(folder, sorted(newest))
    listed = {"format": FORMAT, "series": [_record(newest[symbol]) for symbol in sorted(newest)]}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for symbol, vintage in newest.items():
            write_whole(folder / f"{symbol}.csv", _csv_text(vintage.bars, _headings(vintage)).encode())
        # the manifest last: a folder without it is unfinished
        write_whole(folder / MANIFEST, (json.dumps(listed, indent=1) + "\n").encode())
    except OSError as error:
        raise UsageError(f"cannot write to {folder}: {error.strerror}", "a folder that can be written") from error
    return sorted(newest)


def import_folder(folder: Path, store: Store) -> tuple[list[str], list[str]]:
    """Read an exported folder into the store.

    Returns
    -------
    list of str, list of str
        Symbols that became vintages, and symbols whose vintage the store already had.

    Raises
    ------
    UsageError
        If the folder is not an export.
    InputFileError
        If a file is not the one that was exported: its figures do not have the digest of the manifest.
    """
    vintages = [_read(folder, record) for record in _manifest(folder)]
    if twice := next((s for s, n in Counter(v.symbol for v in vintages).items() if n > 1), ""):
        raise InputFileError(str(folder / MANIFEST), [Problem(0, "symbol", twice, "occurs twice")])
    known = {(h.vintage.symbol, h.vintage.fetched_at, h.vintage.body_sha256) for h in store.headers()}
    kept, there = [], []
    for vintage in vintages:
        if (vintage.symbol, vintage.fetched_at, vintage.body_sha256) in known:
            there.append(vintage.symbol)
        else:
            kept.append(store.record(vintage).symbol)
    return kept, there


def _check_replaced(folder: Path, symbols: list[str]) -> None:
    """Look at every file that an export would replace, before the first one is."""
    try:
        listed = {record["symbol"] for record in _manifest(folder) if isinstance(record, dict) and "symbol" in record}
    except UsageError:
        listed = set()
    except InputFileError as error:
        raise _in_the_way(folder / MANIFEST) from error
    for symbol in symbols:
        path = folder / f"{symbol}.csv"
        # a link is replaced and what it leads to stays
        if symbol in listed or path.is_symlink() or not path.exists():
            continue
        with suppress(OSError), opened_text(path, TABLE) as lines:
            if lines.readline(LONGEST_TEXT).strip() in _HEADS:
                continue
        raise _in_the_way(path)


def _in_the_way(path: Path) -> UsageError:
    return UsageError(
        f"{path} would be replaced, and no export wrote it", "a folder without it", "name another, or --force replaces"
    )


def _readable(store: Store, header: Header) -> Vintage | None:
    try:
        return store.load(header)
    except StoreDamaged:
        return None


def _record(vintage: Vintage) -> dict[str, Any]:
    return {
        **{name: getattr(vintage, name) for name in _TEXTS},
        "status": vintage.status,
        "requested_start": vintage.requested_start.isoformat(),
        "requested_end": vintage.requested_end.isoformat(),
        "fetched_at": vintage.fetched_at.isoformat(),
        "rows": len(vintage.bars.dates),
        "rows_sha256": vintage.bars.digest(),
    }


def _headings(vintage: Vintage) -> list[str]:
    """Column headings; dividends in another currency than the prices must not be taken for dividends."""
    names = {**HEADINGS, "dividend": FOREIGN} if pays_in_another_currency(vintage) else HEADINGS
    return ["Date", *names.values()]


def _csv_text(bars: Bars, headings: list[str]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(headings)
    columns = [["" if v != v else repr(v) for v in bars.columns[name].tolist()] for name in HEADINGS]
    writer.writerows(zip(bars.dates.astype(str).tolist(), *columns, strict=True))
    return out.getvalue()


def _manifest(folder: Path) -> list[Any]:
    path = folder / MANIFEST
    try:
        found = json.loads(text(path, RECORD, links=False))
        series = found["series"] if found["format"] == FORMAT else None
    except OSError as error:
        raise UsageError(
            f"{folder} is not an exported folder: {MANIFEST}: {error.strerror}",
            "a folder that `cache export` wrote",
            "files of your own are read with --source csv:DIR",
        ) from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputFileError(str(path), [Problem(0, "", "", f"is not a manifest of an export: {error}")]) from error
    if not isinstance(series, list) or len(series) > MOST_SERIES:
        raise InputFileError(str(path), [Problem(0, "format", "", "another version of the program wrote this export")])
    return series


def _read(folder: Path, record: Any) -> Vintage:
    """A listed series, judged as a reply of Yahoo's is: whoever wrote the folder could write the digests as well."""
    path = folder / MANIFEST
    try:
        texts: dict[str, Any] = {name: _short(record[name]) for name in _TEXTS}
        start, end = (date.fromisoformat(_short(record[name])) for name in ("requested_start", "requested_end"))
        moment = datetime.fromisoformat(_short(record["fetched_at"])).astimezone(UTC)
        status, digest = int(record["status"]), str(record["rows_sha256"])
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise InputFileError(str(path), [Problem(0, "series", "", f"cannot be read: {error!r}")]) from error
    symbol = texts["symbol"]
    if not is_ticker(symbol) or texts["outcome"] != PRICES:
        raise InputFileError(str(path), [Problem(0, "symbol", symbol, "is not a ticker with prices")])
    possible = (
        start.year >= EARLIEST and start <= end and end.year <= LATEST and FIRST <= moment <= clock.utc_now() + AHEAD
    )
    if not possible or not 0 <= status <= 999:
        raise InputFileError(str(path), [Problem(0, symbol, "", "has a date or a status that no fetch can have had")])
    file = folder / f"{symbol}.csv"
    bars = _bars(file)
    if bars.digest() != digest:
        raise InputFileError(
            str(file),
            [Problem(0, "", "", "its figures are not those that were exported; --source csv:DIR reads changed files")],
        )
    if wrong := impossible(bars) or _outside(bars, texts["timezone"], start, end, moment):
        raise InputFileError(str(file), [Problem(0, "", "", f"holds {wrong}; no fetch keeps such figures")])
    return Vintage(**texts, requested_start=start, requested_end=end, fetched_at=moment, status=status, bars=bars)


def _short(value: Any) -> str:
    if not isinstance(value, str) or len(value) > LONGEST_TEXT:
        raise ValueError(f"a text of at most {LONGEST_TEXT} characters is wanted")
    return value


def _outside(bars: Bars, timezone: str, start: date, end: date, moment: datetime) -> str:
    """Impossible figures of a fetch of that range at that moment, as the end of a sentence."""
    final = only_final(bars, timezone, start, moment).within(np.datetime64(start), np.datetime64(end))
    if not len(bars.closed()):
        return "no close"
    return "" if len(final.dates) == len(bars.dates) else "sessions outside the range and the moment of its fetch"


def _bars(path: Path) -> Bars:
    try:
        with opened_text(path, TABLE, links=False) as lines, large_cells():
            rows = csv.reader(lines, strict=True)
            if [name.replace(FOREIGN, HEADINGS["dividend"]) for name in next(rows, [])] != ["Date", *HEADINGS.values()]:
                raise ValueError(f"the header is not Date,{','.join(HEADINGS.values())}")
            days: list[str] = []
            figures: list[list[float]] = []
            for row in rows:
                if len(row) != len(HEADINGS) + 1 or len(days) == MOST_DAYS:
                    raise ValueError(f"line {rows.line_num} has {len(row)} cells, or is one too many")
                days.append(parse_day(row[0]))
                figures.append([decimal(cell) if cell else np.nan for cell in row[1:]])
    except (FileNotFoundError, PermissionError) as error:
        raise UsageError(f"cannot read {path}: {error.strerror}", "the exported file") from error
    except OSError as error:
        raise InputFileError(str(path), [Problem(0, "", "", f"cannot be read: {error.strerror}")]) from error
    except (ValueError, csv.Error) as error:
        raise InputFileError(str(path), [Problem(0, "", "", f"is not the exported file: {error}")]) from error
    table = np.array(figures, dtype=np.float64).reshape(len(days), len(HEADINGS))
    columns = {name: table[:, at].copy() for at, name in enumerate(HEADINGS)}
    return Bars(np.array(days, dtype="datetime64[D]"), columns)
