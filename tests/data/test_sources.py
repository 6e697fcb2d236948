"""Where prices come from: the snapshot's fixed points, folders of files, frames, hashes and every refusal."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from eventstudy.data.calendar import load_calendar
from eventstudy.data.files import read_prices
from eventstudy.data.prices import Daily, PriceTable, Supplied, make_series
from eventstudy.data.returns import align
from eventstudy.data.sessions import Range, marked_off
from eventstudy.data.sources import open_source, source_from_frame
from eventstudy.errors import InputFileError, UsageError
from eventstudy.spec import StudySpec

START, END = date(2021, 7, 1), date(2025, 6, 30)
CALENDAR = load_calendar("XNYS", START, END)
SYMBOLS = ["NVDA", "AMD", "ASML", "SPY", "SOXX"]


def at(day: str) -> int:
    return int(np.searchsorted(CALENDAR.sessions, np.datetime64(day)))


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("symbol", "day", "published"),
    [
        ("NVDA", "2025-04-16", -0.0687),
        ("AMD", "2025-04-16", -0.0735),
        ("ASML", "2025-04-16", -0.0706),
        ("SPY", "2025-04-16", -0.0222),
        ("NVDA", "2025-01-27", -0.1697),
    ],
)
def test_published_moves_stand_in_the_snapshot(symbol: str, day: str, published: float) -> None:
    prices = open_source(StudySpec(source="snapshot")).fetch([symbol, "SOXX"], START, END)
    series = align(prices, symbol, ["SOXX"], CALENDAR, "simple")
    assert round(float(series.price[at(day)]), 4) == published
    assert series.span[at(day)] == 1


def test_the_snapshot_holds_every_session_and_every_dividend() -> None:
    found = open_source(StudySpec(source="snapshot")).fetch(SYMBOLS, START, END).series
    for series in found.values():
        np.testing.assert_array_equal(series.dates, CALENDAR.sessions)
        assert marked_off(series, CALENDAR, Range(series.dates[0], series.dates[-1])) is series
    assert sum(int((series.dividend > 0).sum()) for series in found.values()) == 63
    assert found["SPY"].volume is None and found["NVDA"].volume is not None


def test_a_split_is_no_return() -> None:
    prices = open_source(StudySpec(source="snapshot")).fetch(["NVDA", "SOXX"], START, END)
    series = align(prices, "NVDA", ["SOXX"], CALENDAR, "simple")
    assert abs(series.price[at("2021-07-20")]) < 0.1 and abs(series.price[at("2024-06-10")]) < 0.1
    assert abs(series.factors[0, at("2024-03-07")]) < 0.1


def test_a_dividend_without_a_close_counts_at_the_next_close(tmp_path: Path) -> None:
    rows = "Date,Close,Dividends\n2025-04-14,100,0\n2025-04-15,,1\n2025-04-16,99,0.5\n2025-04-17,,7\n"
    series = read_prices(write(tmp_path, "A.csv", rows), "A")
    assert list(series.dividend) == [0.0, 1.5], "the last one is earned by no return"
    total = align(PriceTable({"A": series}, {}), "A", [], CALENDAR, "simple").total
    assert total[at("2025-04-16")] == pytest.approx((99 + 1.5) / 100 - 1, rel=1e-14)
    assert np.isnan(total[at("2025-04-15")])
    frame = pd.DataFrame(
        {"ticker": "A", "date": series.dates[[0, 0, 1]] + np.array([0, 1, 0]), "close": [100, None, 99]}
    )
    same = source_from_frame(frame.assign(dividend=[0, 1, 0.5])).table.series["A"]
    assert list(same.dividend) == [0.0, 1.5]


def test_rows_in_any_order_give_the_same_series_and_hash() -> None:
    days = np.array(["2025-04-14", "2025-04-15", "2025-04-16", "2025-04-17"], dtype="datetime64[D]")
    close, paid = np.array([10.0, np.nan, 12.0, 13.0]), np.array([0.0, 1.0, 0.0, 2.0])
    mixed = np.array([2, 1, 3, 0])
    a = make_series("A", days, Daily(close, dividend=paid), Supplied("t", "t"))
    b = make_series("B", days[mixed], Daily(close[mixed], dividend=paid[mixed]), Supplied("u", "v"))
    assert list(a.dividend) == list(b.dividend) == [0.0, 1.0, 2.0]
    assert a.provenance.sha256 == b.provenance.sha256
    assert (a.provenance.first, a.provenance.last, a.provenance.rows) == ("2025-04-14", "2025-04-17", 3)


def test_dividends_win_over_an_adjusted_close(tmp_path: Path) -> None:
    text = "date,CLOSE,adj close\n2025-04-14,100,99\n"
    assert read_prices(write(tmp_path, "A.csv", text), "A").provenance.returns_from == "adj_close"
    text = "Date,Close,Adj Close,Dividends\n2025-04-14,100,99,0\n"
    both = read_prices(write(tmp_path, "B.csv", text), "B")
    assert both.provenance.returns_from == "dividends" and both.adj_close is None
    text = "Date,Close\n2025-04-14,100\n"
    assert read_prices(write(tmp_path, "C.csv", text), "C").provenance.returns_from == "price"


def test_all_problems_of_a_file_at_once(tmp_path: Path) -> None:
    text = "Date,Close,Volume,Dividends\n2025-04-14,0,1,0\nsoon,1,1,0\n2025-04-16,1,-1,-0.5\n2025-04-14,1,1,0\n"
    with pytest.raises(InputFileError) as caught:
        read_prices(write(tmp_path, "A.csv", text), "A")
    assert [(p.line, p.column.lower(), p.value) for p in caught.value.problems] == [
        (2, "close", "0"),
        (3, "date", "soon"),
        (4, "volume", "-1"),
        (4, "dividend", "-0.5"),
        (5, "date", "2025-04-14"),
    ]


def test_files_are_found_in_any_case_the_exact_name_first(tmp_path: Path) -> None:
    write(tmp_path, "^gspc.csv", "Date,Close\n2025-04-14,5\n")
    write(tmp_path, "ZZ.csv", "Date,Close\n2025-04-14,1\n")
    write(tmp_path, "zz.csv", "Date,Close\n2025-04-14,2\n")
    if len(list(tmp_path.iterdir())) < 3:
        write(tmp_path, "ZZ.csv", "Date,Close\n2025-04-14,1\n")  # a file system that knows no case
    found = open_source(StudySpec(source=f"csv:{tmp_path}")).fetch(["ZZ", "^GSPC", "NONE"], START, END)
    assert list(found.series["ZZ"].close) == [1.0] and list(found.series["^GSPC"].close) == [5.0]
    assert list(found.unknown) == ["NONE"] and "NONE.csv" in found.unknown["NONE"]


@pytest.mark.parametrize("text", ["snapshop", "", "yahu", "snapshot:x", "csv:", "csv"])
def test_sources_that_do_not_exist(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        open_source(StudySpec(source=text))
    assert caught.value.wanted


FRAME = pd.DataFrame({"ticker": ["A", "A"], "date": ["2025-04-15", "2025-04-16"], "close": [1.0, 2.0]})


@pytest.mark.parametrize(
    "dates",
    [
        ["2025-04-15", "2025-04-16"],
        [date(2025, 4, 15), date(2025, 4, 16)],
        pd.to_datetime(["2025-04-15", "2025-04-16"]),
        pd.to_datetime(["2025-04-15", "2025-04-16"]).tz_localize("Asia/Tokyo"),
        pd.to_datetime(["2025-04-15", "2025-04-16"]).tz_localize("Europe/Amsterdam"),
        pd.to_datetime(["2025-04-15", "2025-04-16"]).tz_localize("America/New_York"),
        ["2025-04-15 00:00:00+09:00", "2025-04-16 00:00:00+09:00"],
        ["2025-04-15 00:00:00-05:00", "2025-04-16 00:00:00-04:00"],
        [datetime(2025, 4, day, tzinfo=timezone(timedelta(hours=9))) for day in (15, 16)],
    ],
    ids=["text", "dates", "naive", "tokyo", "amsterdam", "new york", "text tokyo", "clocks change", "moments"],
)
def test_dates_of_a_frame_are_the_dates_written(dates: object) -> None:
    series = source_from_frame(FRAME.assign(date=dates)).table.series["A"]
    assert [str(day) for day in series.dates] == ["2025-04-15", "2025-04-16"]


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("close", [1.0, np.inf]),
        ("close", [1.0, 0.0]),
        ("close", ["1", "ten"]),
        ("open", [-1.0, 1.0]),
        ("adj_close", [0.0, 1.0]),
        ("dividend", [-1.0, 0.0]),
        ("volume", [np.inf, 1.0]),
        ("date", ["2025-04-15", None]),
        ("date", ["2025-04-15", "soon"]),
        ("date", ["2025-04-15", "2025-04-15"]),
    ],
)
def test_frames_that_cannot_be_right(column: str, values: list[object]) -> None:
    found = source_from_frame(FRAME.assign(**{column: values})).table
    assert list(found.refused) == ["A"] and not found.series and column in found.refused["A"]
