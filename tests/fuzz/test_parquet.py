"""Parquet that is not a table: what it says of itself is not believed, and what it costs is bounded."""

from __future__ import annotations

import io
import random
import resource
import struct
import subprocess
import sys
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from eventstudy.data.events import read_events
from eventstudy.data.parquet_prices import ParquetPrices
from eventstudy.errors import InputFileError
from tests.chaos.fuzz import ROOT
from tests.conftest import module_needs
from tests.fuzz import generate
from tests.fuzz.targets import _sound_files

module_needs("scale")
import pyarrow  # noqa: E402
import pyarrow.parquet  # noqa: E402

ROWS = 777


def events(n: int = ROWS) -> pyarrow.Table:
    return pyarrow.table(
        {"ticker": ["NVDA"] * n, "announced_at": ["2025-04-15"] * n, "event_id": [f"e{i}" for i in range(n)]}
    )


def prices(n: int = ROWS) -> pyarrow.Table:
    days = np.datetime64("2020-01-01") + np.arange(n)
    return pyarrow.table({"ticker": ["A"] * n, "date": pyarrow.array(days), "close": np.linspace(10, 20, n)})


def packed(table: pyarrow.Table, **options: object) -> bytes:
    out = io.BytesIO()
    pyarrow.parquet.write_table(table, out, **options)
    return out.getvalue()


def varint(n: int) -> bytes:
    """A positive number as the footer writes it: zigzag, seven bits a byte."""
    n, out = 2 * n, b""
    while n >= 128:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def declaring(data: bytes, rows: int) -> bytes:
    """The same file whose footer declares other counts of rows and values."""
    size = struct.unpack("<I", data[-8:-4])[0]
    footer = data[-8 - size : -8].replace(varint(ROWS), varint(rows))
    return data[: -8 - size] + footer + struct.pack("<I", len(footer)) + b"PAR1"


def fetched(path: Path) -> int:
    return len(ParquetPrices.open(str(path)).fetch(["A"], date(2020, 1, 1), date(2021, 1, 1)).series)


def refused(path: Path, what: str, content: bytes, words: str) -> None:
    path.write_bytes(content)
    with pytest.raises(InputFileError, match=words) as caught:
        (read_events if what == "events" else fetched)(path)
    assert len(str(caught.value)) < 2000


@pytest.mark.parametrize("rows", [10**7, 10**9, 10**15])
@pytest.mark.parametrize(("what", "table"), [("events", events), ("prices", prices)])
def test_a_billion_rows_that_are_not_there(tmp_path: Path, what: str, table: object, rows: int) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    refused(tmp_path / "x.parquet", what, declaring(packed(table()), rows), "says that it holds")  # type: ignore[operator]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 * 1024, "kilobytes"


def test_as_many_rows_of_a_ticker_as_there_are_not_days(tmp_path: Path) -> None:
    n = 2_000_000
    zeros = np.zeros(n, dtype=np.int32)
    table = pyarrow.table(
        {
            "ticker": pyarrow.DictionaryArray.from_arrays(zeros, ["A"]),
            "date": pyarrow.DictionaryArray.from_arrays(zeros, pyarrow.array([date(2020, 1, 1)])),
            "close": np.ones(n),
        }
    )
    data = packed(table)
    assert len(data) < 60_000
    refused(tmp_path / "x.parquet", "prices", data, "more rows than there are days")


@pytest.mark.parametrize("what", ["events", "prices"])
def test_a_few_bytes_that_unpack_to_a_hundred_megabytes(tmp_path: Path, what: str) -> None:
    long = pyarrow.array(["A" * 100_000_000])
    table = {"ticker": long, "announced_at": ["2025-04-15"], "date": ["2025-04-15"], "close": [1.0]}
    data = packed(pyarrow.table(table), compression="zstd")
    assert len(data) < 60_000
    refused(tmp_path / "x.parquet", what, data, "unpacks from")


@pytest.mark.parametrize("what", ["events", "prices"])
@pytest.mark.parametrize("name", ["ticker", "when", "event_id"])
def test_a_cell_no_csv_file_could_hold(tmp_path: Path, what: str, name: str) -> None:
    table = {"ticker": ["A"], "announced_at": ["2025-04-15"], "date": ["2025-04-15"], "close": [1.0], "event_id": ["x"]}
    for column in ("announced_at", "date") if name == "when" else (name,):
        table[column] = ["A" * 1_000_001]
    path = tmp_path / "x.parquet"
    if (what, name) == ("prices", "event_id"):
        path.write_bytes(packed(pyarrow.table(table)))
        assert fetched(path) == 1, "a column that is not read costs nothing"
        return
    del table["date" if what == "events" else "announced_at"]
    refused(path, what, packed(pyarrow.table(table)), "cell of 1,000,001 bytes")


SHAPES = {
    "lists of lists": lambda: pyarrow.array([[[1]]]),
    "structs": lambda: pyarrow.array([{"a": {"b": 1}}]),
    "maps": lambda: pyarrow.array([[("a", 1)]], pyarrow.map_(pyarrow.string(), pyarrow.int64())),
    "bytes": lambda: pyarrow.array([b"\xff\xfe"]),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("column", ["ticker", "announced_at", "date", "close"])
def test_columns_of_another_shape(tmp_path: Path, shape: str, column: str) -> None:
    table = {
        "ticker": ["A"],
        "announced_at": ["2025-04-15"],
        "date": ["2025-04-15"],
        "close": [1.0],
        column: SHAPES[shape](),
    }
    what = "events" if column in ("ticker", "announced_at") else "prices"
    del table["date" if what == "events" else "announced_at"]
    refused(tmp_path / "x.parquet", what, packed(pyarrow.table(table)), f"{column}.*is not a column")


def test_nesting_beyond_reason_columns_twice_and_too_many(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    kind, cell = pyarrow.int64(), 1
    for _ in range(60):
        kind, cell = pyarrow.list_(kind), [cell]  # type: ignore[assignment]
    base = {"ticker": ["A"], "announced_at": ["2025-04-15"]}
    refused(path, "events", packed(pyarrow.table({**base, "x": pyarrow.array([cell], kind)})), "nested|'list<")
    twice = pyarrow.Table.from_arrays([pyarrow.array(["A"])] * 3, names=["ticker", "ticker", "announced_at"])
    refused(path, "events", packed(twice), "ticker: this column occurs twice")
    refused(path, "prices", packed(twice), "ticker: this column occurs twice")
    wide = pyarrow.table({f"c{n}": [1.0] for n in range(10_001)})
    refused(path, "prices", packed(wide), "10,001 columns")


def test_footers_cut_anywhere(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    for data, what in ((packed(events(9)), "events"), (packed(prices(9)), "prices")):
        for at in range(1, len(data) - 1, 37):
            refused(path, what, data[:at] + data[at + 1 :], "Parquet|row|needed|no column")
        for content, words in (
            (b"", "Parquet"),
            (b"PAR1", "Parquet"),
            (b"PAR1" * 3, "Parquet"),
            (data[:-8] + b"\xff" * 4 + b"PAR1", "Parquet"),
        ):
            refused(path, what, content, words)


@pytest.mark.slow
def test_bytes_that_made_the_library_end_the_process() -> None:
    """Asking a damaged column for its statistics aborts within the library; so a row is read first."""
    program = (
        "import random, sys\n"
        "from tests.fuzz.targets import TARGETS\n"
        "target = TARGETS['parquet']\n"
        "rng = random.Random(20)\n"
        "for n in range(1500):\n"
        "    target.read(target.make(rng))\n"
        "print('alive')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0 and "alive" in done.stdout, done.stderr[-2000:]


def test_flipped_files_are_read_or_refused(tmp_path: Path) -> None:
    rng, path = random.Random(7), tmp_path / "x.parquet"
    found = {"read": 0, "refused": 0}
    for _ in range(300):
        whole = rng.choice(_sound_files())
        path.write_bytes(generate.flipped(rng, whole[1:]))
        try:
            (read_events if whole[:1] == b"e" else fetched)(path)
            found["read"] += 1
        except InputFileError:
            found["refused"] += 1
    assert min(found.values()) > 5
