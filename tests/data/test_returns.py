"""Prices to returns: dividends, holes, gaps of the benchmark, openings; all worked by hand."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from eventstudy.data.calendar import load_calendar
from eventstudy.data.files import read_prices
from eventstudy.data.prices import Daily, PriceTable, Supplied, make_series
from eventstudy.data.quality import bad_tick, benchmark_gap, missing, stale
from eventstudy.data.returns import AlignedSeries, align
from eventstudy.data.sessions import Range, marked_off
from eventstudy.data.sources import open_source, source_from_frame
from eventstudy.data.stacks import Stack
from eventstudy.errors import InputFileError, UsageError
from eventstudy.spec import StudySpec

CALENDAR = load_calendar("XNYS", date(2025, 4, 7), date(2025, 4, 30))
DAYS = CALENDAR.sessions


def table(**closes: list[float]) -> PriceTable:
    """Series on the first sessions; NaN is a hole."""
    made = {}
    for symbol, values in closes.items():
        array = np.array(values)
        kept = np.isfinite(array)
        made[symbol] = make_series(symbol, DAYS[: len(array)][kept], Daily(array[kept]), Supplied("t", "t"))
    return PriceTable(made, {})


def aligned(kind: str = "simple", **closes: list[float]) -> AlignedSeries:
    return align(table(**closes), "A", [name for name in closes if name != "A"], CALENDAR, kind)


def test_a_hole_is_no_zero_and_the_next_trade_carries_it() -> None:
    nan = np.nan
    series = aligned(A=[100, 110, nan, 121, 121], M=[10, 11, 12, 13.2, 13.2])
    np.testing.assert_allclose(series.total[1:5], [0.10, nan, 0.10, 0.0])
    np.testing.assert_array_equal(series.span[:5], [0, 1, 0, 2, 1])
    np.testing.assert_allclose(series.factors[0, 1:5], [0.10, nan, 0.20, 0.0])
    assert missing(Stack.of([series]))[0][2] and missing(Stack.of([series]))[0].sum() == 1


def test_a_gap_of_the_benchmark_spans_both() -> None:
    series = aligned(A=[100, 110, 121, 133.1], M=[10, np.nan, 12, 12])
    np.testing.assert_allclose(series.total[1:4], [np.nan, 0.21, 0.10])
    np.testing.assert_allclose(series.factors[0, 1:4], [np.nan, 0.20, 0.0])
    np.testing.assert_array_equal(series.span[:4], [0, 0, 2, 1])
    assert benchmark_gap(Stack.of([series]))[0][1] and benchmark_gap(Stack.of([series]))[0].sum() == 1


def test_a_long_hole_is_not_bridged(monkeypatch: pytest.MonkeyPatch) -> None:
    # a hole of one session is bridged, one of two is not
    monkeypatch.setattr("eventstudy.data.returns.LONG_HOLE", 1)
    nan = np.nan
    series = aligned(A=[100, nan, 110, nan, nan, 121, 133.1], M=[10, 11, 12, 12, 12, 12, 12])
    np.testing.assert_array_equal(series.span[:7], [0, 0, 2, 0, 0, 0, 1])
    np.testing.assert_allclose(series.total[2:7], [0.10, nan, nan, nan, 0.10])
    np.testing.assert_allclose(series.price[2:7], [0.10, nan, nan, nan, 0.10])


def test_dividends_also_in_a_hole() -> None:
    close = np.array([100.0, 99.0, 98.0])
    paid = np.array([0.0, 1.0, 0.0])
    full = make_series("A", DAYS[:3], Daily(close, dividend=paid), Supplied("t", "t"))
    holed = make_series("A", DAYS[[0, 2]], Daily(close[[0, 2]], dividend=np.array([0, 1.0])), Supplied("t", "t"))
    whole = align(PriceTable({"A": full}, {}), "A", [], CALENDAR, "simple")
    np.testing.assert_allclose(whole.total[1:3], [0.0, 98 / 99 - 1])
    np.testing.assert_allclose(whole.price[1:3], [-0.01, 98 / 99 - 1])
    after = align(PriceTable({"A": holed}, {}), "A", [], CALENDAR, "simple")
    assert after.total[2] == pytest.approx((98 + 1) / 100 - 1)


def test_adjusted_closes_instead_of_dividends() -> None:
    adjusted = np.array([99.0, 99.0, 98.0])
    series = make_series("A", DAYS[:3], Daily(np.array([100.0, 99.0, 98.0]), adj_close=adjusted), Supplied("t", "t"))
    found = align(PriceTable({"A": series}, {}), "A", [], CALENDAR, "simple")
    np.testing.assert_allclose(found.total[1:3], [0.0, 98 / 99 - 1])
    np.testing.assert_allclose(found.price[1:3], [-0.01, 98 / 99 - 1])


def test_log_returns() -> None:
    series = aligned("log", A=[100, 110], M=[10, 11])
    assert series.total[1] == pytest.approx(np.log(1.1))
    assert series.factors[0, 1] == pytest.approx(np.log(1.1))


def test_the_day_cut_at_the_opening_multiplies_to_the_whole() -> None:
    prices = open_source(StudySpec(source="snapshot")).fetch(["NVDA", "SPY"], date(2021, 7, 1), date(2025, 6, 30))
    calendar = load_calendar("XNYS", date(2021, 7, 1), date(2025, 6, 30))
    series = align(prices, "NVDA", ["SPY"], calendar, "simple")
    at = int(np.searchsorted(calendar.sessions, np.datetime64("2025-04-16")))
    assert series.price[at] == pytest.approx(104.49 / 112.20 - 1, rel=1e-13)
    assert series.overnight[at] == pytest.approx(104.55 / 112.20 - 1, rel=1e-13)
    assert series.intraday[at] == pytest.approx(104.49 / 104.55 - 1, rel=1e-13)
    known = np.isfinite(series.overnight)
    np.testing.assert_allclose(
        (1 + series.overnight[known]) * (1 + series.intraday[known]),
        1 + series.total[known],
        atol=1e-3,  # the dividend is earned overnight, so the parts compound it
    )
    assert known.sum() == 1002 and not missing(Stack.of([series]))[0].any()


def test_what_deserves_a_second_look() -> None:
    quiet = [100.0, 101.0, 100.0]
    tick = aligned(A=[*quiet, 150.0, 100.5, 101.0], M=[10.0] * 6)
    assert list(np.flatnonzero(bad_tick(Stack.of([tick]))[0])) == [3]
    real = aligned(A=[*quiet, 150.0, 151.0, 149.0], M=[10.0] * 6)
    assert not bad_tick(Stack.of([real]))[0].any()
    still = aligned(A=[99.0, *[100.0] * 5, 101.0], M=[10.0] * 7)
    assert list(np.flatnonzero(stale(Stack.of([still]))[0])) == [1, 2, 3, 4, 5]
    assert not stale(Stack.of([aligned(A=[99.0, *[100.0] * 4, 101.0], M=[10.0] * 6)]))[0].any()


def test_rows_off_the_calendar_are_counted() -> None:
    days = np.array(["2025-04-17", "2025-04-18", "2025-04-21"], dtype="datetime64[D]")
    series = make_series("A", days, Daily(np.array([1.0, 2.0, 3.0])), Supplied("t", "t"))
    found = marked_off(series, CALENDAR, Range(days[0], days[-1]))
    assert found.provenance.off_calendar == 1 and found.provenance.off_calendar_first == "2025-04-18", "Good Friday"


FILE = "Date,Open,High,Low,Close,Volume,Dividends,Stock Splits\n"


def test_csv_files_in_yahoos_words(tmp_path: Path) -> None:
    rows = "2025-04-16,1,12,0.5,10,10,100,0,0\n2025-04-15,1,12,0.5,9,9,100,0,0\n2025-04-17,,,,,,,0,0\n"
    headings = "Date,Open,High,Low,Close,Adj Close,Volume,Dividends,Stock Splits\n"
    (tmp_path / "abc.CSV").write_text(headings.upper() + rows)
    source = open_source(StudySpec(source=f"csv:{tmp_path}"))
    found = source.fetch(["ABC", "XYZ"], date(2025, 1, 1), date(2025, 12, 31))
    series = found.series["ABC"]
    assert [str(day) for day in series.dates] == ["2025-04-15", "2025-04-16"]
    assert list(series.close) == [9, 10] and series.provenance.returns_from == "dividends"
    assert "XYZ" in found.unknown


def test_a_dividend_on_a_day_without_a_close_is_not_lost(tmp_path: Path) -> None:
    rows = "2025-04-17,11,0\n2025-04-15,10,0\n2025-04-16,,0.5\n"
    (tmp_path / "A.csv").write_text("Date,Close,Dividends\n" + rows)
    series = read_prices(tmp_path / "A.csv", "A")
    assert list(series.close) == [10, 11] and list(series.dividend) == [0, 0.5]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("2025-04-15,1,1,1,0,1,0,0\n", ("line 2", "positive")),
        ("2025-04-15,1,1,1,ten,1,0,0\n", ("line 2", "not a number")),
        ("15.4.2025,1,1,1,1,1,0,0\n", ("line 2", "YYYY-MM-DD")),
        ("2025-04-15,1,1,1,1,1,0,0\n2025-04-15,1,1,1,1,1,0,0\n", ("line 3", "already in line 2")),
        ("2025-04-15,1,1,1,inf,1,0,0\n", ("line 2", "not a number")),
    ],
)
def test_csv_files_with_problems(tmp_path: Path, rows: str, words: tuple[str, ...]) -> None:
    (tmp_path / "A.csv").write_text(FILE + rows)
    with pytest.raises(InputFileError) as caught:
        read_prices(tmp_path / "A.csv", "A")
    for word in words:
        assert word in str(caught.value)


def test_sources_by_name(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="snapshot"):
        open_source(StudySpec(source="snapshop"))
    with pytest.raises(UsageError, match="no such folder"):
        open_source(StudySpec(source=f"csv:{tmp_path}/none"))
    snapshot = open_source(StudySpec(source="snapshot")).fetch(["NVDA", "TSM"], date(2021, 1, 1), date(2025, 1, 1))
    assert snapshot.series["NVDA"].provenance.rows == 1003
    assert list(snapshot.unknown) == ["TSM"]


def test_equal_figures_have_equal_hashes() -> None:
    a, b = table(A=[1, 2, 3]).series["A"], table(A=[1, 2, 3]).series["A"]
    c = table(A=[1, 2, 3.0000001]).series["A"]
    assert a.provenance.sha256 == b.provenance.sha256 != c.provenance.sha256


def test_frames_as_prices() -> None:
    frame = pd.DataFrame({"ticker": ["A", "A"], "date": ["2025-04-15", "2025-04-16"], "close": [1.0, 2.0]})
    assert list(source_from_frame(frame).fetch(["A"], date(2025, 1, 1), date(2025, 1, 2)).series["A"].close) == [1, 2]
    assert "positive" in source_from_frame(frame.assign(close=[1.0, -2.0])).table.refused["A"]
    with pytest.raises(InputFileError):
        source_from_frame(frame.drop(columns="close"))


def test_an_empty_adjusted_close_is_a_hole() -> None:
    series = make_series(
        "A",
        DAYS[:4],
        Daily(np.array([100.0, 101.0, 99.0, 99.0]), adj_close=np.array([98.0, np.nan, 99.0, 99.0])),
        Supplied("t", "t"),
    )
    found = align(PriceTable({"A": series}, {}), "A", [], CALENDAR, "simple")
    np.testing.assert_allclose(found.total[1:4], [np.nan, 99 / 98 - 1, 0.0])
    np.testing.assert_array_equal(found.span[:4], [0, 0, 2, 1])
