"""Bad input at scale: counted by reason, the first hundred listed, and nothing half-written on a disk that is full."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench import large
from tests.cli.conftest import run_in
from tests.conftest import module_needs

module_needs("scale")
import pyarrow  # noqa: E402
import pyarrow.parquet as parquet  # noqa: E402

SECURITIES, MANY, FEW = 20, 1_000_000, 12_000
# rows that fill a disk of some megabytes
FULL_DISK = 24_000
# rows that cannot be studied, by what is wrong with them
PLANTED = {"no_prices": 4000, "before_prices": 3000, "day0_not_observed": 2000, "insufficient_estimation": 1000}


def events(n: int, bad: dict[str, int]) -> dict[str, list[str]]:
    """n announcements in any order, of which so many cannot be studied."""
    rng, days = np.random.default_rng(11), large.sessions()
    # the odd securities miss no day, so that every good row has its observations
    ticker = np.array([large.ticker(k) for k in 1 + 2 * rng.integers(0, SECURITIES // 2, n)], dtype=object)
    day = np.datetime_as_string(days[rng.integers(300, len(days) - 20, n)]).astype(object)
    free = iter(rng.permutation(n).tolist())
    for reason, count in bad.items():
        where = [next(free) for _ in range(count)]
        if reason == "no_prices":
            ticker[where] = "NONE"
        else:
            day[where] = {
                "before_prices": "2013-06-03",
                "day0_not_observed": "2025-06-02",
                # forty sessions after the first price
                "insufficient_estimation": str(days[40]),
            }[reason]
    return {
        "event_id": [f"e{k}" for k in range(n)],
        "ticker": ticker.tolist(),
        "announced_at": day.tolist(),
        "timing": ["bmo"] * n,
    }


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Prices of twenty securities."""
    folder = tmp_path_factory.mktemp("ledger")
    large.write_prices(folder / "prices.parquet", SECURITIES)
    return folder


def run(place: Path, name: str, *more: str, prices: str = "prices.parquet", out: str = "out") -> tuple[int, str]:
    """Exit code of a streamed study, and what it said."""
    done = run_in(
        place,
        *("run", name, "--source", f"parquet:{prices}", "-o", out),
        *("--benchmark", large.MARKET, "--tests", "csect-t", "--window", "0:0", "--exclude", "none"),
        *("--spec-curve", "off"),
        *(more if "--formats" in more else ("--formats", "parquet,json", *more)),
    )
    return done.code, done.out + done.err


@pytest.mark.slow
def test_ten_thousand_bad_rows_among_a_million(place: Path) -> None:
    table = events(MANY, PLANTED)
    parquet.write_table(pyarrow.table(table), place / "million.parquet")
    code, said = run(place, "million.parquet", "--formats", "md,html,parquet,json")
    assert code == 0 and "1,000,000 rows read, 990,000 studied, 10,000 excluded" in said, said
    found = json.loads((place / "out" / "results.json").read_text())
    assert found["counts"] == {"read": MANY, "studied": MANY - 10_000, "excluded": 10_000}
    assert {row["reason"]: row["count"] for row in found["reasons"]} == PLANTED
    excluded = parquet.read_table(place / "out" / "excluded.parquet").to_pylist()
    assert len(excluded) == 10_000
    bad = {row["event_id"] for row in excluded}
    # every row is either studied or excluded, once
    windows = parquet.read_table(place / "out" / "windows.parquet", columns=["event_id"])["event_id"].to_pylist()
    assert len(windows) == MANY - 10_000 and bad.isdisjoint(windows) and len(bad | set(windows)) == MANY
    page = (place / "out" / "report.html").read_text()
    listed = [row["event_id"] for row in excluded[:31]]
    assert all(f">{name}<" in page for name in listed[:30]) and f">{listed[30]}<" not in page
    assert "10,000" in page and "insufficient_estimation" in page


def test_a_security_without_prices_and_one_whose_prices_end(place: Path) -> None:
    everything = parquet.read_table(place / "prices.parquet").to_pydict()
    # the first odd security ends in 2019, the second has nothing
    ended, nothing = large.ticker(1), large.ticker(3)
    kept = [
        k
        for k, (name, day) in enumerate(zip(everything["ticker"], everything["date"], strict=True))
        if not (name == nothing or (name == ended and day.year > 2019))
    ]
    pruned = {name: [column[k] for k in kept] for name, column in everything.items()}
    parquet.write_table(pyarrow.table(pruned), place / "pruned.parquet")
    table = events(FEW, {})
    parquet.write_table(pyarrow.table(table), place / "events.parquet")
    code, said = run(place, "events.parquet", prices="pruned.parquet", out="pruned")
    assert code == 0, said
    pairs = list(zip(table["ticker"], table["announced_at"], strict=True))
    wanted = {
        "no_prices": sum(ticker == nothing for ticker, _ in pairs),
        "day0_not_observed": sum(ticker == ended and day > "2019-12-31" for ticker, day in pairs),
    }
    found = json.loads((place / "pruned" / "results.json").read_text())
    assert {row["reason"]: row["count"] for row in found["reasons"]} == wanted and min(wanted.values()) > 500
    assert found["counts"]["studied"] == FEW - sum(wanted.values())


WRONG: dict[str, tuple[str, Any, str]] = {
    "numbers for tickers": ("ticker", list(range(FEW)), "ticker 'int64': is not a column of text"),
    "lists of tickers": ("ticker", [["A"]] * FEW, "ticker 'list<"),
    "numbers for days": ("announced_at", [1.5] * FEW, "announced_at 'double': is not a column of dates"),
    "a ticker that is not there": ("ticker", [None] + ["S00001"] * (FEW - 1), "row 1  ticker: is not a ticker"),
}


@pytest.mark.parametrize("what", WRONG)
def test_events_of_wrong_types_are_named_with_their_column(place: Path, what: str) -> None:
    column, values, message = WRONG[what]
    parquet.write_table(pyarrow.table({**events(FEW, {}), column: values}), place / "wrong.parquet")
    code, said = run(place, "wrong.parquet", out="wrong")
    assert code == 2 and message in said and "nothing was run" in said, said
    assert "Traceback" not in said and not (place / "wrong").exists()


PRICES: dict[str, tuple[str, Any, str]] = {
    "closes that are true": ("close", lambda close: True, "close 'bool': is not a column of numbers"),
    "dates as numbers": ("date", lambda day: 1.5, "date 'MKT row 1 1.5': is not a date"),
    "tickers in records": ("ticker", lambda name: {"a": name}, "ticker 'struct<"),
}


@pytest.mark.parametrize("what", PRICES)
def test_prices_of_wrong_types_are_named_with_their_column(place: Path, what: str) -> None:
    column, change, message = PRICES[what]
    some = parquet.read_table(place / "prices.parquet").slice(0, 5000).to_pydict()
    some[column] = [change(value) for value in some[column]]
    parquet.write_table(pyarrow.table(some), place / "wrong-prices.parquet")
    parquet.write_table(pyarrow.table(events(FEW, {})), place / "events.parquet")
    code, said = run(place, "events.parquet", prices="wrong-prices.parquet", out="wrong")
    assert code == 2 and "wrong-prices.parquet" in said and message in said, said
    assert "Traceback" not in said and not (place / "wrong").exists()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of three megabytes of its own."""
    mount, unmount = shutil.which("mount"), shutil.which("umount")
    if mount is None or unmount is None or not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("only root can make a file system")
    disk = tmp_path / "disk"
    disk.mkdir()
    made = subprocess.run([mount, "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(disk)], capture_output=True)
    if made.returncode:
        pytest.skip("no file system can be made here")
    try:
        yield disk
    finally:
        subprocess.run([unmount, "-l", str(disk)], check=True)


def whole(folder: Path) -> dict[str, str]:
    """sha256 of every file of a report, which its manifest must know."""
    listed = json.loads((folder / "manifest.json").read_text())["files"]
    held = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in listed}
    assert held == listed
    assert {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()} == {*listed, "manifest.json"}
    return held


@pytest.mark.slow
def test_a_disk_that_is_full_while_rows_are_written(place: Path, small_disk: Path) -> None:
    parquet.write_table(pyarrow.table(events(FULL_DISK, {})), place / "events.parquet")
    # the panel of a few events fits, and their rows; it is the report of before
    few = pyarrow.table({name: column[:50] for name, column in events(FULL_DISK, {}).items()})
    parquet.write_table(few, place / "few.parquet")
    code, said = run(place, "few.parquet", "--formats", "csv,json", out=str(small_disk / "out"))
    assert code == 0, said
    before = whole(small_disk / "out")
    code, said = run(place, "events.parquet", out=str(small_disk / "out"))
    assert code == 2 and "No space left on device" in said and "free some space" in said, said
    assert "Traceback" not in said and "Exception ignored" not in said
    assert whole(small_disk / "out") == before
    # a folder that the failed run made is gone
    code, said = run(place, "events.parquet", out=str(small_disk / "other"))
    assert code == 2 and not (small_disk / "other").exists()
