"""Parquet in: the same events and the same prices as from CSV, and what is wrong named with its column."""

from __future__ import annotations

import builtins
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from eventstudy.data.categorical import PlainTexts, coded, repeats
from eventstudy.data.events import read_events
from eventstudy.data.parquet_prices import ParquetPrices
from eventstudy.data.snapshot import SnapshotSource
from eventstudy.errors import InputFileError, UsageError
from eventstudy.extras import install_command
from tests.conftest import module_needs

module_needs("scale")
import pyarrow as pa  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402

ROOT = Path(__file__).parent.parent.parent
EVENTS = {
    "event_id": ["one", "two", None],
    "ticker": ["NVDA", "AMD", "NVDA"],
    "announced_at": ["2025-04-15T17:10:00-04:00", "2025-04-16", "2024-05-20"],
    "timing": ["", "amc", None],
    "claimed_return": ["-0.07", None, None],
}


def write(path: Path, columns: dict[str, Any], **kwargs: Any) -> Path:
    pq.write_table(pa.table(columns), path, **kwargs)
    return path


def problems(call: Any, *arguments: Any) -> str:
    with pytest.raises(InputFileError) as caught:
        call(*arguments)
    return str(caught.value)


def test_events_as_parquet_are_the_table_of_the_csv(tmp_path: Path) -> None:
    text = pd.read_csv(ROOT / "events.csv", dtype=str, keep_default_na=False)
    text.to_parquet(tmp_path / "events.parquet", row_group_size=7)
    one, other = read_events(ROOT / "events.csv").frame(), read_events(tmp_path / "events.parquet").frame()
    pd.testing.assert_frame_equal(one.drop(columns="line"), other.drop(columns="line"))
    assert other["line"].tolist() == list(range(1, len(text) + 1))


def test_timestamps_dates_and_numbers_are_read_as_their_text(tmp_path: Path) -> None:
    zone = pd.to_datetime(["2025-04-15T21:10:00Z", "2025-04-16T12:00:00Z"]).as_unit("us").tz_convert("America/New_York")
    moments = {"ticker": ["NVDA", "AMD"], "announced_at": pa.array(zone), "claimed_return": [-0.07, None]}
    read = read_events(write(tmp_path / "a.parquet", moments)).frame()
    assert [str(at) for at in read["instant"]] == ["2025-04-15 21:10:00+00:00", "2025-04-16 12:00:00+00:00"]
    assert read["date"].isna().all() and read["event_id"].tolist() == ["NVDA-2025-04-15", "AMD-2025-04-16"]
    assert read["claimed_return"].tolist() == ["-0.07", ""]
    days = {
        "ticker": ["NVDA", "AMD"],
        "announced_at": pa.array(np.array(["2025-04-15", "2025-04-16"], "datetime64[D]")),
    }
    naive = {**days, "announced_at": pa.array(pd.to_datetime(["2025-04-15", "2025-04-16"]).as_unit("ns"))}
    for columns in (days, naive):
        read = read_events(write(tmp_path / "b.parquet", columns)).frame()
        assert read["date"].dt.strftime("%Y-%m-%d").tolist() == ["2025-04-15", "2025-04-16"]
        assert read["instant"].isna().all() and read["announced_at"].tolist() == ["2025-04-15", "2025-04-16"]


def test_every_wrong_cell_and_type_of_an_events_file_is_named(tmp_path: Path) -> None:
    said = problems(read_events, write(tmp_path / "a.parquet", {"ticker": [1, 2], "when": ["x", "y"]}))
    assert (
        "announced_at: this column is needed and missing" in said and "ticker 'int64': is not a column of text" in said
    )
    wrong = {**EVENTS, "ticker": ["NVDA", "../x", None], "timing": ["bmo", "noon", None]}
    said = problems(read_events, write(tmp_path / "b.parquet", wrong))
    for place in ("row 2  ticker '../x'", "row 3  ticker", "row 2  timing 'noon'", "row 1  timing 'bmo': belongs to"):
        assert place in said
    stamps = pa.array(np.array(["2025-04-15T17:10", "NaT", "1776-07-04"], "datetime64[us]"))
    said = problems(
        read_events, write(tmp_path / "c.parquet", {**EVENTS, "announced_at": stamps, "timing": ["amc", "amc", "amc"]})
    )
    for place in ("row 1  announced_at '2025-04-15T17:10:00.000000': has no offset", "row 2", "is outside 1900"):
        assert place in said
    assert said.count("row 1 ") == 1, "one trouble is reported once: its timing is not what is wrong"
    (tmp_path / "d.parquet").write_text("ticker,announced_at\n")
    assert "cannot be read as Parquet" in problems(read_events, tmp_path / "d.parquet")
    assert "no such file" in problems(read_events, tmp_path / "e.parquet")
    pq.write_table(pa.table(EVENTS).slice(0, 0), tmp_path / "f.parquet")
    assert "holds no row" in problems(read_events, tmp_path / "f.parquet")
    nested = {**EVENTS, "surprise": [[1.0], [2.0], None]}
    assert "surprise 'list" in problems(read_events, write(tmp_path / "g.parquet", nested))


def test_ten_thousand_bad_rows_are_counted_by_reason_and_a_hundred_listed(tmp_path: Path) -> None:
    n = 40_000
    when = np.where(np.arange(n) % 4 == 0, "4/15/2025", "2025-04-15")
    columns = {"event_id": [f"e{i}" for i in range(n)], "ticker": ["NVDA"] * n, "announced_at": when.tolist()}
    said = problems(read_events, write(tmp_path / "a.parquet", columns))
    assert "10,000 problems; nothing was run" in said.splitlines()[0]
    assert sum(line.startswith("  row ") for line in said.splitlines()) == 100
    assert "10,000 x announced_at is not ISO text and can only be one day" in said and len(said.splitlines()) == 103


def test_repeats_are_found_by_text_whatever_the_hashes_say() -> None:
    names, other = ["a", "b", "A", "a", "b", "c"], ["X", "X", "X", "X", "Y", "X"]
    lines = np.arange(2, 8)
    found = repeats(PlainTexts(names), coded(other), lines, lambda t, n: f"pair {t} {n}", lambda t, n: f"case {t} {n}")
    assert sorted((p.line, p.message) for p in found) == [(4, "case a 2"), (5, "pair X 2")]


def test_a_large_file_costs_no_python_string_a_row(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.parquet", {"event_id": ["a", "b"], "ticker": ["X", "Y"], "announced_at": ["2025-04-15"] * 2}
    )
    columns = read_events(path)
    assert type(columns.ids).__name__ == "ArrowTexts" and columns.columns["ticker"].codes.dtype == np.int8
    assert columns.ids.take(np.array([1, 0])) == ["b", "a"]


LONG = {"date": ["2025-04-15", "2025-04-16", "2025-04-15"], "ticker": ["A", "A", "B"], "close": [1.0, 2.0, 3.0]}


@pytest.fixture(scope="module")
def snapshot() -> Any:
    return SnapshotSource().fetch(["NVDA", "SPY", "AMD"], None, None)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["date", "timestamp", "zone", "text"])
def test_long_prices_are_the_series_they_came_from(tmp_path: Path, snapshot: Any, kind: str) -> None:
    frames = []
    for symbol, s in snapshot.series.items():
        stamp = pd.Series(s.dates.astype("datetime64[us]"))
        written = {
            "date": pd.Series(s.dates.astype(object)),
            "timestamp": stamp,
            "zone": stamp.dt.tz_localize("Asia/Tokyo"),
            "text": stamp.dt.strftime("%Y-%m-%d"),
        }[kind]
        frames.append(
            pd.DataFrame({"Date": written, "Ticker": symbol, "close": s.close, "open": s.open, "dividend": s.dividend})
        )
    shuffled = pd.concat(frames).sample(frac=1, random_state=1)
    shuffled.to_parquet(tmp_path / "p.parquet", row_group_size=500)
    read = ParquetPrices.open(str(tmp_path / "p.parquet")).fetch(["NVDA", "SPY", "GONE"], None, None)  # type: ignore[arg-type]
    assert set(read.series) == {"NVDA", "SPY"} and read.unknown == {"GONE": "no prices in p.parquet"}
    for symbol, series in read.series.items():
        for name in ("dates", "close", "open", "dividend"):
            np.testing.assert_array_equal(getattr(series, name), getattr(snapshot.series[symbol], name))
        assert series.provenance.returns_from == "dividends" and series.provenance.source == "parquet"


def test_wide_prices_and_adjusted_prices(tmp_path: Path, snapshot: Any) -> None:
    wide = pd.DataFrame(
        {s: pd.Series(x.close, index=x.dates.astype("datetime64[ns]")) for s, x in snapshot.series.items()}
    )
    wide.iloc[3, 0] = np.nan
    wide.to_parquet(tmp_path / "w.parquet")
    read = ParquetPrices.open(str(tmp_path / "w.parquet")).fetch(["NVDA", "SPY"], None, None)  # type: ignore[arg-type]
    np.testing.assert_array_equal(read.series["SPY"].close, snapshot.series["SPY"].close)
    assert len(read.series[wide.columns[0]].close if wide.columns[0] in read.series else []) in (0, len(wide) - 1)
    adjusted = {
        "ticker": ["A", "A"],
        "date": ["2025-04-15", "2025-04-16"],
        "adj_close": pa.array([1.0, 2.0], pa.float32()),
    }
    only = ParquetPrices.open(str(write(tmp_path / "x.parquet", adjusted))).fetch(["A"], None, None)  # type: ignore[arg-type]
    assert only.series["A"].provenance.returns_from == "adj_close" and only.series["A"].close.tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({**LONG, "close": [True, False, True]}, "close 'bool': is not a column of numbers"),
        ({**LONG, "ticker": [1, 2, 3]}, "ticker 'int64': is not a column of text"),
        ({**LONG, "date": [True, False, True]}, "date 'bool': is not a column of dates"),
        ({"ticker": ["A"], "price": [1.0]}, "date: this column is needed and missing"),
        ({"ticker": ["A"], "date": ["2025-04-15"], "price": [1.0]}, "close or adj_close is needed and missing"),
        ({"A": [1.0], "B": [2.0]}, "has no column of dates; wanted long"),
        ({"date": pa.array([0], pa.date32()), "A": ["x"]}, "A 'string': is not a column of numbers; a wide file"),
    ],
)
def test_price_files_of_the_wrong_shape_name_the_column(tmp_path: Path, columns: Any, said: str) -> None:
    assert said in problems(ParquetPrices.open, str(write(tmp_path / "p.parquet", columns)))


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({**LONG, "close": [1.0, -2.0, 3.0]}, "close 'A row 2 -2': a price must be positive"),
        ({**LONG, "close": [1.0, float("inf"), 3.0]}, "close 'A row 2 inf': is not finite"),
        ({**LONG, "volume": [1, -2, 3]}, "volume 'A row 2 -2': must not be negative"),
        (
            {**LONG, "date": ["2025-04-15", "2025-04-15", "2025-04-15"]},
            "date 'A 2025-04-15': the date is already in row 1",
        ),
        ({**LONG, "date": ["2025-04-15", "16.4.2025", "2025-04-15"]}, "date 'A row 2 16.4.2025'"),
        ({**LONG, "date": ["2025-04-15", None, "2025-04-15"]}, "date 'A row 2': is empty; write YYYY-MM-DD"),
    ],
)
def test_figures_that_cannot_be_refuse_their_symbol_alone(tmp_path: Path, columns: Any, said: str) -> None:
    source = ParquetPrices.open(str(write(tmp_path / "p.parquet", columns)))
    found = source.fetch(["A", "B"], None, None)  # type: ignore[arg-type]
    assert list(found.refused) == ["A"] and said in found.refused["A"]
    assert list(found.series) == ["B"]


def test_rows_without_a_ticker_end_the_run(tmp_path: Path) -> None:
    source = ParquetPrices.open(str(write(tmp_path / "p.parquet", {**LONG, "ticker": ["A", None, "B"]})))
    assert "1 row without a ticker" in problems(source.fetch, ["A", "B"], None, None)


def test_prices_of_symbols_nobody_asked_for_do_no_harm(tmp_path: Path) -> None:
    source = ParquetPrices.open(str(write(tmp_path / "p.parquet", {**LONG, "close": [1.0, 2.0, -3.0]})))
    assert list(source.fetch(["A"], None, None).series) == ["A"]  # type: ignore[arg-type]


def test_without_the_extra_the_install_line_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name.split(".")[0] == "pyarrow":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    for call in (lambda: ParquetPrices.open("x.parquet"), lambda: read_events("x.parquet")):
        with pytest.raises(UsageError, match="needs the package pyarrow") as caught:
            call()
        assert caught.value.exit_code == 2 and caught.value.hint == install_command("scale")


def test_the_real_panel_has_the_prices_of_the_other_table() -> None:
    folder = os.environ.get("EVENTSTUDY_TEST_DATA")
    if not folder:
        pytest.skip("EVENTSTUDY_TEST_DATA names no folder of larger tables")
    panel = ParquetPrices.open(f"{folder}/panel.parquet").fetch(["NVDA", "SPY"], None, None)  # type: ignore[arg-type]
    prices = pd.read_csv(Path(folder) / "prices.csv", parse_dates=["date"])
    for symbol, series in panel.series.items():
        own = prices[prices["ticker"] == symbol].set_index("date")["adj_close"]
        other = pd.Series(series.close, index=pd.DatetimeIndex(series.dates.astype("datetime64[ns]")))
        both = pd.concat([own.pct_change(), other.pct_change()], axis=1, join="inner").dropna()
        assert len(both) > 1000 and np.abs(both.iloc[:, 0] - both.iloc[:, 1]).max() < 2e-4


@pytest.mark.parametrize(
    ("cells", "bare"),
    [
        (["a", "b c", "x.y-z"], True),
        (["a", " b"], False),
        (["a", "b\t"], False),
        (["a", None], False),
        (["a", ""], False),
        (["a", "é"], False),
        (["a\x1c"], False),
    ],
)
def test_texts_are_stripped_whether_arrow_keeps_them_or_not(cells: list[str | None], bare: bool) -> None:
    import pyarrow

    from eventstudy.data.parquet import ArrowTexts

    texts = ArrowTexts.of(pyarrow.array(cells, pyarrow.string()))
    assert texts.bare == bare
    rows = np.arange(len(cells))[::-1]
    expected = [(cell or "").strip() for cell in cells][::-1]
    assert texts.take(rows) == expected == list(texts.texts(rows))
    assert [texts.texts(rows)[k] for k in range(len(cells))] == expected
