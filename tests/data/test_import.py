"""`cache import` judges a folder as it judges Yahoo's replies: whoever wrote the folder could write its digests as well."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eventstudy.data.store import open_store
from eventstudy.data.transfer import MANIFEST, export_folder, import_folder
from eventstudy.data.vintage import COLUMNS, HEADINGS, Bars, Vintage
from eventstudy.errors import InputFileError, UsageError

DAYS = np.array(["2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05", "2024-01-08"], dtype="datetime64[D]")


def vintage(**changes: Any) -> Vintage:
    columns = {name: np.zeros(5) for name in COLUMNS}
    for name in ("open", "high", "low", "close", "adj_close", "volume"):
        columns[name] = np.array([10.0, 10.5, 10.2, 10.4, 10.1])
    given: dict[str, Any] = {
        "symbol": "NVDA", "source": "yahoo", "outcome": "prices", "requested_start": date(2024, 1, 2),
        "requested_end": date(2024, 1, 8), "fetched_at": datetime(2024, 2, 1, tzinfo=UTC), "status": 200,
        "body_sha256": "ab", "client": "yfinance", "client_version": "1", "timezone": "America/New_York",
        "exchange": "NMS", "currency": "USD", "instrument": "EQUITY", "bars": Bars(DAYS, columns),
    }  # fmt: skip
    return Vintage(**{**given, **changes})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    store = open_store(tmp_path / "first", lambda line: None)
    store.record(vintage())
    export_folder(store, tmp_path / "export")
    return tmp_path / "export"


def imported(folder: Path) -> tuple[list[str], list[str]]:
    store = open_store(folder.parent / "second", lambda line: None)
    try:
        return import_folder(folder, store)
    finally:
        assert len(store.headers()) <= 1
        store.close()


def sealed(folder: Path, change: Callable[[dict[str, np.ndarray]], None], days: np.ndarray = DAYS) -> None:
    """Other figures, with the digest that belongs to them, as somebody writes who knows how."""
    columns = {name: values.copy() for name, values in vintage().bars.columns.items()}
    change(columns)
    lines = [",".join(["Date", *HEADINGS.values()])]
    lines += [",".join([str(day), *(repr(float(columns[n][at])) for n in COLUMNS)]) for at, day in enumerate(days)]
    (folder / "NVDA.csv").write_text("\n".join(lines) + "\n")
    listed = json.loads((folder / MANIFEST).read_text())
    listed["series"][0]["rows_sha256"] = Bars(days, columns).digest()
    (folder / MANIFEST).write_text(json.dumps(listed))


def relisted(folder: Path, **changes: Any) -> None:
    listed = json.loads((folder / MANIFEST).read_text())
    listed["series"][0] |= changes
    (folder / MANIFEST).write_text(json.dumps(listed))


def test_what_was_exported_comes_back(folder: Path) -> None:
    assert imported(folder) == (["NVDA"], [])
    assert imported(folder) == ([], ["NVDA"])


def _put(name: str, value: float, at: int = 2) -> Callable[[dict[str, np.ndarray]], None]:
    def change(columns: dict[str, np.ndarray]) -> None:
        columns[name][at] = value

    return change


@pytest.mark.parametrize(
    "name,value",
    [("close", -5.0), ("close", 0.0), ("close", 1e300), ("open", -1.0), ("adj_close", 1e-300), ("dividend", 1e300),
     ("split", -2.0), ("capital_gain", 1e300)],
)  # fmt: skip
def test_figures_that_no_fetch_keeps(folder: Path, name: str, value: float) -> None:
    sealed(folder, _put(name, value))
    with pytest.raises(InputFileError, match="no fetch keeps such figures"):
        imported(folder)


@pytest.mark.parametrize("text", ["inf", "-inf", "1e999", "1_0", "nan", "\u0661", "0x10", "=1+1", "", "10,5"])
def test_cells_that_are_no_decimals(folder: Path, text: str) -> None:
    lines = (folder / "NVDA.csv").read_text().splitlines()
    cells = lines[3].split(",")
    cells[4] = text
    (folder / "NVDA.csv").write_text("\n".join([*lines[:3], ",".join(cells), *lines[4:]]) + "\n")
    with pytest.raises(InputFileError):
        imported(folder)


@pytest.mark.parametrize(
    "days",
    [DAYS[::-1], DAYS[[0, 0, 1, 2, 3]], DAYS + 365, DAYS - 9000,
     np.array(["2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05", "9999-12-31"], dtype="datetime64[D]")],
    ids=["backwards", "twice", "later than asked", "earlier than asked", "year 9999"],
)  # fmt: skip
def test_days_that_no_fetch_brings(folder: Path, days: np.ndarray) -> None:
    sealed(folder, lambda columns: None, days)
    with pytest.raises(InputFileError):
        imported(folder)


@pytest.mark.parametrize(
    "changes",
    [{"requested_end": "9999-12-31"}, {"requested_start": "0001-01-01"}, {"requested_start": "2024-02-01"},
     {"fetched_at": "9999-12-31T23:59:59-23:59"}, {"fetched_at": "0001-01-01T00:00:00+23:59"},
     {"fetched_at": "2190-01-01T00:00:00+00:00"}, {"fetched_at": 5}, {"status": 1e999}, {"status": 10**30},
     {"status": "x"}, {"status": None}, {"symbol": "../../x"}, {"symbol": ["NVDA"]}, {"symbol": {"a": 1}},
     {"note": "x" * 10_000}, {"currency": None}, {"outcome": "unknown"}, {"timezone": "Mars/Olympus\0"}, {"rows_sha256": 1}],
    ids=str,
)  # fmt: skip
def test_a_record_that_no_export_wrote(folder: Path, changes: dict[str, Any]) -> None:
    relisted(folder, **changes)
    if changes == {"timezone": "Mars/Olympus\0"}:
        # a zone without a calendar: any date counts as a session
        assert imported(folder)[0] == ["NVDA"]
        return
    with pytest.raises(InputFileError):
        imported(folder)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "null", "5", '{"format": 1}', '{"format": 1, "series": {"a": 1}}', '{"format": 1, "series": [5]}',
     '{"format": 1, "series": [[]]}', "[" * 100_000, '{"format": 1, "series": ' + "[" * 5_000 + "]" * 5_000 + "}",
     '{"format": 1, "series": [' + "9" * 5_000 + "]}", "\0", "\ufeff{", '{"format": 1e999, "series": []}'],
    ids=lambda text: text[:30],
)  # fmt: skip
def test_a_manifest_that_is_none(folder: Path, text: str) -> None:
    (folder / MANIFEST).write_text(text)
    with pytest.raises((InputFileError, UsageError)):
        imported(folder)


def test_a_series_listed_twice(folder: Path) -> None:
    listed = json.loads((folder / MANIFEST).read_text())
    (folder / MANIFEST).write_text(json.dumps({**listed, "series": listed["series"] * 2}))
    with pytest.raises(InputFileError, match="occurs twice"):
        imported(folder)


@pytest.mark.parametrize("name", [MANIFEST, "NVDA.csv"])
@pytest.mark.parametrize("kind", ["device", "pipe", "link", "nowhere", "folder", "binary", "large"])
def test_what_stands_in_the_place_of_a_file(folder: Path, name: str, kind: str) -> None:
    path = folder / name
    text = path.read_text()
    path.unlink()
    if kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "link":
        (folder.parent / "elsewhere").write_text(text)
        path.symlink_to(folder.parent / "elsewhere")
    elif kind == "nowhere":
        path.symlink_to(folder.parent / "nothing")
    elif kind == "folder":
        path.mkdir()
    elif kind == "binary":
        path.write_bytes(b"Date\0,\xff\xfe")
    else:
        with path.open("wb") as handle:
            handle.truncate(2**31)
    with pytest.raises((InputFileError, UsageError)):
        imported(folder)


def test_an_export_replaces_what_an_export_wrote(folder: Path, tmp_path: Path) -> None:
    """The same rule as for a report: listed, or the heading of an export; a file of the user's own ends it."""
    store = open_store(tmp_path / "first", lambda line: None)
    own = tmp_path / "own"
    own.mkdir()
    (own / "NVDA.csv").write_text("Date,Open,High,Low,Close,Adj Close,Volume\n2024-01-02,1,1,1,1,1,1\n")
    before = (own / "NVDA.csv").read_bytes()
    with pytest.raises(UsageError, match=r"NVDA\.csv would be replaced"):
        export_folder(store, own)
    assert (own / "NVDA.csv").read_bytes() == before and not (own / MANIFEST).exists()
    assert export_folder(store, own, force=True) == ["NVDA"]
    (own / "NVDA.csv").write_text("listed, and therefore ours\n")
    export_folder(store, own)
    (own / MANIFEST).unlink()
    export_folder(store, own)
    (own / MANIFEST).write_text('{"name": "mine"}')
    with pytest.raises(UsageError, match=r"manifest\.json would be replaced"):
        export_folder(store, own)
    assert (own / MANIFEST).read_text() == '{"name": "mine"}'
