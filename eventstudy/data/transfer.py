"""The store as a folder of files, out and in: ``SYMBOL.csv`` that ``csv:DIR`` reads, and a manifest of provenance."""

from __future__ import annotations

import csv
import io
import json
import os
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np

from eventstudy.data.store import Store, StoreDamaged
from eventstudy.data.store_rows import Header
from eventstudy.data.vintage import HEADINGS, PRICES, Bars, Vintage, pays_in_another_currency
from eventstudy.errors import InputFileError, Problem, UsageError
from eventstudy.spec import is_ticker

MANIFEST = "manifest.json"
FORMAT = 1
FOREIGN = "Foreign Dividends"
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


def export_folder(store: Store, folder: Path, source: str = "") -> list[str]:
    """Write the newest readable vintage with prices of every symbol, all of one source.

    Parameters
    ----------
    store : Store
    folder : Path
    source : str
        Empty where the store holds prices of one source only.

    Returns
    -------
    list of str
        The symbols, sorted.

    Raises
    ------
    UsageError
        If there is nothing to write or the folder cannot be written.
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
                f"the store {store.path} holds a series named {symbol!r}, which can be no file name",
                "tickers",
                "`eventstudy cache clear` with that name",
            )
    if not newest:
        raise UsageError(f"the store {store.path} holds no prices", "a store with prices", "`eventstudy fetch`")
    listed = {"format": FORMAT, "series": [_record(newest[symbol]) for symbol in sorted(newest)]}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for symbol, vintage in newest.items():
            _write(folder / f"{symbol}.csv", _csv_text(vintage.bars, _headings(vintage)))
        # the manifest last: a folder without it is unfinished
        _write(folder / MANIFEST, json.dumps(listed, indent=1) + "\n")
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
        If the folder is no export.
    InputFileError
        If a file is not the one that was exported: its figures do not have the digest of the manifest.
    """
    vintages = [_read(folder, record) for record in _manifest(folder)]
    known = {(h.vintage.symbol, h.vintage.fetched_at, h.vintage.body_sha256) for h in store.headers()}
    kept, there = [], []
    for vintage in vintages:
        if (vintage.symbol, vintage.fetched_at, vintage.body_sha256) in known:
            there.append(vintage.symbol)
        else:
            kept.append(store.record(vintage).symbol)
    return kept, there


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


def _write(path: Path, text: str) -> None:
    """Aside, then moved: a reader never sees half a file."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with aside.open("w", encoding="utf-8", newline="") as handle:
            handle.write(text)
            handle.flush()
            os.fsync(handle.fileno())
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)


def _manifest(folder: Path) -> list[dict[str, Any]]:
    path = folder / MANIFEST
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        series = found["series"] if found["format"] == FORMAT else None
    except OSError as error:
        raise UsageError(
            f"{folder} is no exported folder: {MANIFEST}: {error.strerror}",
            "a folder that `cache export` wrote",
            "files of your own are read with --source csv:DIR",
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise InputFileError(str(path), [Problem(0, "", "", f"is no manifest of an export: {error}")]) from error
    if not isinstance(series, list):
        raise InputFileError(str(path), [Problem(0, "format", "", "another version of the program wrote this export")])
    return series


def _read(folder: Path, record: Any) -> Vintage:
    path = folder / MANIFEST
    try:
        texts: dict[str, Any] = {name: str(record[name]) for name in _TEXTS}
        dates: dict[str, Any] = {
            name: date.fromisoformat(record[name]) for name in ("requested_start", "requested_end")
        }
        moment = datetime.fromisoformat(record["fetched_at"]).astimezone(UTC)
        status, digest = int(record["status"]), str(record["rows_sha256"])
    except (KeyError, TypeError, ValueError) as error:
        raise InputFileError(str(path), [Problem(0, "series", "", f"cannot be read: {error!r}")]) from error
    if not is_ticker(texts["symbol"]) or texts["outcome"] != PRICES:
        raise InputFileError(str(path), [Problem(0, "symbol", texts["symbol"], "is no ticker with prices")])
    file = folder / f"{texts['symbol']}.csv"
    bars = _bars(file)
    if bars.digest() != digest:
        raise InputFileError(
            str(file),
            [Problem(0, "", "", "its figures are not those that were exported; --source csv:DIR reads changed files")],
        )
    return Vintage(**texts, **dates, fetched_at=moment, status=status, bars=bars)


def _bars(path: Path) -> Bars:
    try:
        rows = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"))))
        if not rows or [name.replace(FOREIGN, HEADINGS["dividend"]) for name in rows[0]] != [
            "Date",
            *HEADINGS.values(),
        ]:
            raise ValueError(f"the header is not Date,{','.join(HEADINGS.values())}")
        dates = np.array([row[0] for row in rows[1:]], dtype="datetime64[D]")
        columns = {
            name: np.array([float(row[at]) if row[at] else np.nan for row in rows[1:]], dtype=np.float64)
            for at, name in enumerate(HEADINGS, start=1)
        }
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}", "the exported file") from error
    except (ValueError, IndexError) as error:
        raise InputFileError(str(path), [Problem(0, "", "", f"is not the exported file: {error}")]) from error
    return Bars(dates, columns)
