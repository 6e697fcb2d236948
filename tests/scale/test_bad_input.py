"""Bad input to a streamed study, by the command line: every row is accounted for, every bad file refused with its place.

What ten thousand bad rows among a million do is held by ``test_ledger``. Here are every reason for exclusion, more
excluded rows than are written at once (with EVENTSTUDY_REPLICATIONS of 4000 or more, 900,000 of a million), files that
cannot be read at all, and disks that fill up at every stage of a run.
"""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench import large
from tests.cli.conftest import Outcome, run_in
from tests.conftest import module_needs
from tests.scale.test_ledger import FEW, FULL_DISK, SECURITIES, events, whole

module_needs("scale")
import pyarrow  # noqa: E402
import pyarrow.compute as compute  # noqa: E402
import pyarrow.parquet as parquet  # noqa: E402

FULL = int(os.environ.get("EVENTSTUDY_REPLICATIONS", "0")) >= 4000
LISTED = 100
# excluded rows that a page shows
SHOWN = 30
PAGES = "md,html,parquet,json"
Columns = dict[str, Any]


@pytest.fixture(scope="module")
def prices(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Prices of a market and twenty securities."""
    path = tmp_path_factory.mktemp("prices") / "prices.parquet"
    return parquet.read_table(large.write_prices(path, SECURITIES))


@pytest.fixture(scope="module")
def good() -> Columns:
    """Announcements that can all be studied."""
    return events(FEW, {})


def run(folder: Path, table: Columns, prices: Any, *more: str, out: str = "out") -> Outcome:
    """A streamed study of a Parquet events file on a Parquet price file."""
    parquet.write_table(pyarrow.table(table), folder / "events.parquet")
    parquet.write_table(prices, folder / "prices.parquet")
    return again(folder, *more, out=out)


def again(folder: Path, *more: str, name: str = "events.parquet", out: str = "out") -> Outcome:
    """The same command on the files that are there."""
    return run_in(
        folder,
        *("run", name, "--source", "parquet:prices.parquet", "--benchmark", large.MARKET, "-o", out),
        *("--tests", "csect-t", "--window", "0:0", "--exclude", "none", "--spec-curve", "off"),
        *(more if "--formats" in more else ("--formats", "parquet,json", *more)),
    )


def refused(done: Outcome, file: str, lines: list[str]) -> None:
    """The run ended as documented, said exactly this, and left the folder as it was."""
    problems = f"{len(lines)} problem{'' if len(lines) == 1 else 's'}"
    assert done.code == 2, done.err
    assert done.err.rstrip().splitlines() == [f"error: {file}: {problems}; nothing was run", *(f"  {x}" for x in lines)]
    assert not done.out and done.listing() == {"events.parquet", "prices.parquet"}


def first_null(values: list[Any]) -> list[Any]:
    return [None, *values[1:]]


DATES, MOMENT = "dates, timestamps or text", "YYYY-MM-DD, or a moment with its offset such as 2025-04-15T17:10:00-04:00"
TEXT = "is not a column of text"
EVENTS: dict[str, tuple[Callable[[Columns], Columns], list[str]]] = {
    "every column at once": (
        lambda good: {
            "ticker": list(range(FEW)),
            "announced_at": [1.5] * FEW,
            "timing": [True] * FEW,
            "claimed_return": [[0.1]] * FEW,
            "desk": [{"name": "A"}] * FEW,
        },
        [
            f"file  ticker 'int64': {TEXT}",
            f"file  announced_at 'double': is not a column of {DATES}",
            f"file  timing 'bool': {TEXT}",
            "file  claimed_return 'list<element: double>': is not a column of text or numbers",
            "file  desk 'struct<name: string>': is not a column of text, numbers or dates",
        ],
    ),
    "ids that are numbers": (lambda good: {"event_id": list(range(FEW))}, [f"file  event_id 'int64': {TEXT}"]),
    "records of tickers": (
        lambda good: {"ticker": [{"name": x} for x in good["ticker"]]},
        [f"file  ticker 'struct<name: string>': {TEXT}"],
    ),
    "lists of days": (
        lambda good: {"announced_at": [[x] for x in good["announced_at"]]},
        [f"file  announced_at 'list<element: string>': is not a column of {DATES}"],
    ),
    "a column of days without a day": (
        lambda good: {"announced_at": pyarrow.nulls(FEW)},
        [f"file  announced_at 'null': is not a column of {DATES}"],
    ),
    "a ticker that is not there": (
        lambda good: {"ticker": first_null(good["ticker"])},
        ["row 1  ticker: is not a ticker; write a symbol such as NVDA, ASML.AS or ^GSPC"],
    ),
    "a text that is not there": (
        lambda good: {"announced_at": first_null(good["announced_at"])},
        [f"row 1  announced_at: is empty; write {MOMENT}"],
    ),
    "a day that is not there": (
        lambda good: {"announced_at": first_null([datetime.fromisoformat(x).date() for x in good["announced_at"]])},
        ["row 1  announced_at 'NaT': is empty; every row needs a date or a timestamp"],
    ),
    "a clock without a zone": (
        lambda good: {
            "announced_at": [datetime(2020, 1, 2, 9, 30), *map(datetime.fromisoformat, good["announced_at"][1:])],
            "timing": ["", *good["timing"][1:]],
        },
        [
            "row 1  announced_at '2020-01-02T09:30:00.000000': has no offset; make it a timestamp with a zone, "
            "or a date with timing bmo, dmh or amc"
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", EVENTS)
def test_events_of_wrong_types_are_refused(tmp_path: Path, good: Columns, prices: Any, what: str) -> None:
    change, lines = EVENTS[what]
    refused(run(tmp_path, {**good, **change(good)}, prices), "events.parquet", lines)


def unknown(column: Any) -> Any:
    """The column without its first value."""
    return pyarrow.chunked_array([pyarrow.nulls(1, column.type), column.combine_chunks().slice(1)])


PRICES: dict[str, tuple[Callable[[Any], Columns], list[str]]] = {
    "every column at once": (
        lambda table: {
            "ticker": compute.make_struct(table["ticker"], field_names=["name"]),
            "date": pyarrow.array([1.5] * len(table)),
            "close": pyarrow.array([True] * len(table)),
            "volume": pyarrow.array([True] * len(table)),
        },
        [
            f"file  ticker 'struct<name: string>': {TEXT}",
            "file  close 'bool': is not a column of numbers",
            "file  volume 'bool': is not a column of numbers",
        ],
    ),
    "a ticker that is not there": (
        lambda table: {"ticker": unknown(table["ticker"])},
        ["file  ticker: 1 row without a ticker"],
    ),
    "a day that is not there": (
        lambda table: {"date": unknown(table["date"])},
        ["file: MKT: prices.parquet: date 'MKT row 1': is empty; write YYYY-MM-DD"],
    ),
    "an invalid day": (
        lambda table: {"date": pyarrow.array(["soon", *table["date"].cast(pyarrow.string()).to_pylist()[1:]])},
        ["file: MKT: prices.parquet: date 'MKT row 1 soon': is not a date; remove the line where it is a total or a note, or write YYYY-MM-DD"],
    ),
    "a price below zero": (
        lambda table: {"close": pyarrow.array([-1.0, *table["close"].to_pylist()[1:]])},
        [
            "file: MKT: prices.parquet: close 'MKT row 1 -1': a price must be positive; leave the cell empty if there is none"
        ],
    ),
}  # fmt: skip


def changed(table: Any, columns: Columns) -> Any:
    """A table with some columns put in place of its own."""
    kept = {name: table[name] for name in table.column_names}
    return pyarrow.table({**kept, **columns})


@pytest.mark.parametrize("what", PRICES)
def test_prices_of_wrong_types_are_refused(tmp_path: Path, good: Columns, prices: Any, what: str) -> None:
    change, lines = PRICES[what]
    # what is wrong with the file ends the run; what is wrong with a series refuses it, here the benchmark of every row
    source = "parquet:prices.parquet" if lines[0].startswith("file: MKT") else "prices.parquet"
    refused(run(tmp_path, good, changed(prices, change(prices))), source, lines)


def test_a_column_of_closes_that_holds_nothing_is_told(tmp_path: Path, good: Columns, prices: Any) -> None:
    done = run(tmp_path, good, changed(prices, {"close": pyarrow.nulls(len(prices))}))
    assert done.code in (2, 3) and "close" in done.err and "Traceback" not in done.err


def test_bad_input_leaves_an_earlier_report_as_it_was(tmp_path: Path, good: Columns, prices: Any) -> None:
    assert run(tmp_path, {name: cells[:200] for name, cells in good.items()}, prices).code == 0
    before = whole(tmp_path / "out")
    assert run(tmp_path, {**good, "ticker": list(range(FEW))}, prices).code == 2
    assert run(tmp_path, good, changed(prices, {"date": pyarrow.array([1.5] * len(prices))})).code == 2
    assert whole(tmp_path / "out") == before


# what is planted -> (column, what it holds then, the reason, how many)
PLANTED: dict[str, tuple[str, str, str, int]] = {
    "a ticker without prices": ("ticker", "NONE", "no_prices", 1500),
    "a benchmark without prices": ("benchmark", "NOBODY", "no_benchmark", 1400),
    "a benchmark that never moves": ("benchmark", "FLAT", "rank_deficient", 1300),
    "the year before": ("announced_at", "2013-06-03", "before_prices", 1200),
    "the year after": ("announced_at", "2025-06-02", "day0_not_observed", 1100),
    "forty sessions after the first price": ("announced_at", "2014-03-03", "insufficient_estimation", 1000),
    "a century ago": ("announced_at", "1905-01-03", "before_prices", 900),
    "two generations on": ("announced_at", "2099-01-02", "day0_not_observed", 800),
    "no close on the day": ("announced_at", "", "missing_day0", 700),
}


def unstudied(prices: Any) -> tuple[Columns, dict[str, str]]:
    """Announcements, and the reason of each that cannot be studied by its id."""
    table = {name: np.array(cells, dtype=object) for name, cells in events(FEW, {}).items()}
    table["benchmark"] = np.full(FEW, "", dtype=object)
    free = np.random.default_rng(2).permutation(FEW)
    # the even securities miss some days
    seen = prices.filter(compute.equal(prices["ticker"], large.ticker(0)))["date"].to_numpy().astype("datetime64[D]")
    missed = np.setdiff1d(large.sessions()[300:2500], seen).astype(str).astype(object)
    reasons, at = {}, 0
    for column, cell, reason, count in PLANTED.values():
        rows, at = free[at : at + count], at + count
        if reason == "missing_day0":
            table["ticker"][rows] = large.ticker(0)
        table[column][rows] = cell or np.resize(missed, count)
        reasons |= dict.fromkeys(table["event_id"][rows], reason)
    return {name: cells.tolist() for name, cells in table.items()}, reasons


def with_flat(prices: Any) -> Any:
    """The prices, and a benchmark that never moves."""
    days = large.sessions()
    flat = {"ticker": ["FLAT"] * len(days), "date": pyarrow.array(days), "close": [50.0] * len(days)}
    return pyarrow.concat_tables([prices, pyarrow.table(flat, schema=prices.schema)])


def reconciled(out: Path, reasons: dict[str, str], every: list[str], found: list[dict[str, Any]]) -> None:
    """The ledger of a report: counts, reasons, excluded rows in the order of the file, and the page."""
    counts = {"read": len(every), "studied": len(every) - len(reasons), "excluded": len(reasons)}
    results, manifest = (json.loads((out / name).read_text()) for name in ("results.json", "manifest.json"))
    assert results["counts"] == manifest["counts"] == counts
    assert {row["reason"]: row["count"] for row in results["reasons"]} == Counter(reasons.values())
    order = [name for name in every if name in reasons]
    assert [(row["event_id"], row["reason"]) for row in found] == [(name, reasons[name]) for name in order]
    assert all(row["detail"] for row in found)
    ledger = f"{counts['read']:,} rows read, {counts['studied']:,} studied, {counts['excluded']:,} left out."
    for name, cell in (("report.html", r">(e\d+)<"), ("summary.md", r"(?m)^\| \S+ \((e\d+)\) \|")):
        page = (out / name).read_text()
        assert ledger in page, name
        # the table of what was excluded
        listed = re.findall(cell, page.split("Rows that could not be studied")[-1])
        assert listed and listed == order[: len(listed)] and len(listed) == min(SHOWN, len(order)), name


def test_every_reason_for_exclusion_is_counted(tmp_path: Path, prices: Any) -> None:
    table, reasons = unstudied(prices)
    done = run(tmp_path, table, with_flat(prices), "--missing", "strict", "--strict", "--json", "--formats", PAGES)
    assert done.code == 3 and f"{len(reasons):,} events could not be studied (--strict)" in done.err, done.err
    assert "Traceback" not in done.err
    said = json.loads(done.out)
    assert {row["reason"]: row["count"] for row in said["reasons"]} == Counter(reasons.values())
    found = parquet.read_table(tmp_path / "out" / "excluded.parquet").to_pylist()
    reconciled(tmp_path / "out", reasons, table["event_id"], found)
    windows = parquet.read_table(tmp_path / "out" / "windows.parquet")["event_id"].to_pylist()
    assert Counter(windows) == Counter(name for name in table["event_id"] if name not in reasons)
    # as text it is the same table
    assert again(tmp_path, "--missing", "strict", "--formats", "csv,json", out="text").code == 0
    with (tmp_path / "text" / "excluded.csv").open(newline="") as handle:
        assert list(csv.DictReader(handle)) == found


@pytest.mark.slow
def test_only_events_without_prices_are_excluded(tmp_path: Path, good: Columns, prices: Any) -> None:
    nothing, ended, last = large.ticker(3), large.ticker(1), "2019-12-31"
    late = compute.greater(prices["date"], compute.strptime(last, "%Y-%m-%d", "s").cast(pyarrow.date32()))
    gone = compute.or_(
        compute.equal(prices["ticker"], nothing), compute.and_(compute.equal(prices["ticker"], ended), late)
    )
    done = run(tmp_path, good, prices.filter(compute.invert(gone)), "--formats", PAGES)
    assert done.code == 0, done.err
    reasons = {}
    for name, ticker, day in zip(good["event_id"], good["ticker"], good["announced_at"], strict=True):
        if ticker == nothing:
            reasons[name] = "no_prices"
        elif ticker == ended and day > last:
            reasons[name] = "day0_not_observed"
    assert set(reasons.values()) == {"no_prices", "day0_not_observed"}
    found = parquet.read_table(tmp_path / "out" / "excluded.parquet").to_pylist()
    reconciled(tmp_path / "out", reasons, good["event_id"], found)
    for row in found:
        if row["ticker"] == nothing:
            assert row["detail"] == f"{nothing}: no prices in prices.parquet"
        else:
            assert (
                f"prices of {ended} end {last}, those of its benchmark do not" in row["detail"]
                and row["ticker"] == ended
            )


def test_where_nothing_can_be_studied_the_report_says_why(tmp_path: Path, good: Columns, prices: Any) -> None:
    table = {**good, "ticker": ["NONE"] * FEW}
    done = run(tmp_path, table, prices, "--formats", PAGES)
    assert done.code == 3 and "no event could be studied" in done.err and "the table excluded" in done.err, done.err
    assert "Traceback" not in done.err
    found = parquet.read_table(tmp_path / "out" / "excluded.parquet").to_pylist()
    reconciled(tmp_path / "out", dict.fromkeys(table["event_id"], "no_prices"), table["event_id"], found)


@pytest.mark.slow
def test_more_excluded_rows_than_are_written_at_once(tmp_path: Path, prices: Any) -> None:
    n, scale = (1_000_000, 6) if FULL else (200_000, 1)
    bad = {
        "no_prices": 80_000 * scale,
        "before_prices": 30_000 * scale,
        "day0_not_observed": 20_000 * scale,
        "insufficient_estimation": 20_000 * scale,
    }
    table = events(n, bad)
    done = run(tmp_path, table, prices, "--formats", PAGES)
    assert done.code == 0 and f"{n:,} rows read, {n - sum(bad.values()):,} studied" in done.out, done.err
    assert {r["reason"]: r["count"] for r in json.loads((tmp_path / "out/results.json").read_text())["reasons"]} == bad
    found = parquet.read_table(tmp_path / "out" / "excluded.parquet").to_pylist()
    reasons = {row["event_id"]: row["reason"] for row in found}
    reconciled(tmp_path / "out", reasons, table["event_id"], found)
    windows = parquet.read_table(tmp_path / "out" / "windows.parquet", columns=["event_id"])["event_id"].to_pylist()
    assert len(windows) == n - sum(bad.values()) and reasons.keys().isdisjoint(windows)


# rows that no events file may have: column -> (what is there, what is said of it, how many)
INVALID: dict[str, tuple[str, str, int]] = {
    "timing": ("noon", "is unknown; write bmo, dmh or amc, or leave it empty if the hour is unknown", 4000),
    "announced_at": ("soon", f"is not a date; remove the line where it is a total or a note, or write {MOMENT}", 3000),
    "event_id": (
        "../{}",
        "write 1 to 64 of A-Z a-z 0-9 . _ - beginning with a letter or digit: it becomes a file name",
        3000,
    ),
}
MANY = 200_000


def invalid() -> tuple[Columns, dict[int, str]]:
    """Announcements some of which no file may hold, and what is said of each by its row, counted from 1."""
    table = {name: list(cells) for name, cells in events(MANY, {}).items()}
    free, said = iter(np.random.default_rng(5).permutation(MANY).tolist()), {}
    for column, (cell, message, count) in INVALID.items():
        for _ in range(count):
            row = next(free)
            table[column][row] = cell.format(row)
            said[row + 1] = f"{column} {table[column][row]!r}: {message}"
    return table, said


@pytest.mark.parametrize("kind", ["parquet", pytest.param("csv", marks=pytest.mark.slow)])
def test_invalid_rows_are_counted_and_a_hundred_listed(tmp_path: Path, prices: Any, kind: str) -> None:
    table, said = invalid()
    parquet.write_table(prices, tmp_path / "prices.parquet")
    name, unit, header = (f"events.{kind}", "row", 0) if kind == "parquet" else (f"events.{kind}", "line", 1)
    if kind == "parquet":
        parquet.write_table(pyarrow.table(table), tmp_path / name)
    else:
        with (tmp_path / name).open("w", newline="") as handle:
            csv.writer(handle).writerows([list(table), *zip(*table.values(), strict=True)])
    begun = time.process_time()
    done = again(tmp_path, name=name)
    # about a second; a message made of ten thousand lines or a search for each would show
    assert time.process_time() - begun < 30
    assert done.code == 2 and not done.out
    head, *lines = done.err.rstrip().splitlines()
    assert head == f"error: {name}: 10,000 problems; nothing was run"
    assert lines[:LISTED] == [f"  {unit} {row + header}  {said[row]}" for row in sorted(said)[:LISTED]]
    assert lines[LISTED] == "  and 9,900 more; all of them by reason:"
    assert sorted(lines[LISTED + 1 :]) == sorted(
        f"  {count:,} x {column} {message.split(';')[0]}" for column, (_, message, count) in INVALID.items()
    )
    assert done.listing() == {name, "prices.parquet"}


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[tuple[Path, Callable[[int], None]]]:
    """A file system of its own, and how it is given so many kB."""
    mount, unmount = shutil.which("mount"), shutil.which("umount")
    if mount is None or unmount is None or not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("only root can make a file system")
    folder = tmp_path / "disk"
    folder.mkdir()
    if subprocess.run([mount, "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(folder)], capture_output=True).returncode:
        pytest.skip("no file system can be made here")

    def resize(size: int) -> None:
        subprocess.run([mount, "-o", f"remount,size={size}k", str(folder)], check=True, capture_output=True)

    try:
        yield folder, resize
    finally:
        subprocess.run([unmount, "-l", str(folder)], check=True)


# KiB left on the disk: room for nothing, for a part of the panel, for the panel and some rows of events, for nearly all
ROOMS = (64, 300, 1700, 2900)


@pytest.mark.parametrize(
    ("rooms", "rows", "more"),
    [
        (ROOMS[2:3], FEW, ()),
        pytest.param(ROOMS, FULL_DISK, (), marks=pytest.mark.slow),
        pytest.param(
            ROOMS,
            FULL_DISK,
            ("--tests", "csect-t,corrado", "--formats", "csv,json", "--threads", "2"),
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_full_disk_at_any_stage_keeps_the_old_report(
    tmp_path: Path,
    prices: Any,
    disk: tuple[Path, Callable[[int], None]],
    rooms: tuple[int, ...],
    rows: int,
    more: tuple[str, ...],
) -> None:
    folder, resize = disk
    out = folder / "out"
    many = events(rows, {})
    few = {name: cells[:50] for name, cells in many.items()}
    done = run(tmp_path, few, prices, "--formats", "csv,json", out=str(out))
    assert done.code == 0, done.err
    before = whole(out)
    used = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) // 1024
    parquet.write_table(pyarrow.table(many), tmp_path / "events.parquet")
    for room in rooms:
        resize(used + room)
        done = again(tmp_path, *more, out=str(out))
        assert done.code == 2, (room, done.err)
        error, hint = done.err.splitlines()
        assert error.startswith(f"error: cannot write to {out}: No space left on device"), error
        assert hint == "  hint: free some space, or -o DIR elsewhere" and not done.out
        assert whole(out) == before, "complete, and nothing beside it"
    if rooms != ROOMS:
        return
    # with room it goes through, and the report of before gives way
    resize(256 * 1024)
    done = again(tmp_path, *more, out=str(out))
    assert done.code == 0, done.err
    assert whole(out) != before
