"""Every known layout is read to the figures that were written in it; anything else is refused in one sentence."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eventstudy.data.files import CsvSource, read_prices
from eventstudy.data.layouts import LAYOUTS
from eventstudy.data.prices import PriceTable
from eventstudy.data.sources import source_from_frame
from eventstudy.errors import InputFileError
from eventstudy.spec import StudySpec
from eventstudy.study import run
from tests.data.layout_writers import WRITERS, Bars

BASE = Path(__file__).parent / "forms"
# the CAR of the made study, its standard error and beta, by a few lines of NumPy from the clean closes
TRUTH, SE, BETA = -0.0550632, 0.0146070, 1.3709557
# what is read of these studies are tables of single events; curves would take most of their time
SPEC = StudySpec(source="", tests=("car-t",), spec_curve="off")
EVENTS = pd.DataFrame({"event_id": ["news"], "ticker": ["ABC"], "announced_at": ["2025-04-16"], "timing": ["bmo"]})


def base(symbol: str) -> Bars:
    with (BASE / f"{symbol}.csv").open() as handle:
        rows = list(csv.DictReader(handle))
    days = [date.fromisoformat(row["Date"]) for row in rows]
    return Bars(symbol, days, [float(row["Close"]) for row in rows], [int(row.get("Volume") or 100) for row in rows])


def folder_of(tmp_path: Path, text: dict[str, str]) -> Path:
    folder = tmp_path / "prices"
    folder.mkdir()
    for symbol, content in text.items():
        (folder / f"{symbol}.csv").write_text(content, encoding="utf-8")
    return folder


def studied(source: str, **choices: object) -> tuple[float, float, float]:
    result = run(EVENTS, spec=SPEC.with_changes(source=source, **choices))
    row = result.windows[result.windows["window"] == "[0,0]"].iloc[0]
    return row["car"], row["std_error"], result.models.iloc[0]["beta"]


def is_truth(found: tuple[float, float, float], within: float = 1e-7) -> None:
    assert found[0] == pytest.approx(TRUTH, abs=within)
    assert found[1] == pytest.approx(SE, abs=within)
    assert found[2] == pytest.approx(BETA, abs=max(within, 1e-7) * 10)


@pytest.mark.parametrize("form", WRITERS)
def test_each_layout_gives_the_true_car_and_names_itself(tmp_path: Path, form: str) -> None:
    write, name = WRITERS[form]
    folder = folder_of(tmp_path, {symbol: write(base(symbol)) for symbol in ("ABC", "SPY")})
    is_truth(studied(f"csv:{folder}"))
    assert read_prices(folder / "ABC.csv", "ABC").provenance.layout == name


def crsp(bars: Bars, dates: str = "%Y%m%d") -> str:
    """Midpoints below zero on every fifth day, a letter in place of the first return, returns to six places."""
    out = ["PERMNO,date,TICKER,PRC,VOL,RET,DLRET"]
    for i, (day, close) in enumerate(zip(bars.days, bars.close, strict=True)):
        ret = "C" if i == 0 else f"{close / bars.close[i - 1] - 1:.6f}"
        out.append(f"10107,{day.strftime(dates)},{bars.symbol},{-close if i % 5 == 0 else close},1,{ret},")
    return "\n".join(out) + "\n"


def ciz(bars: Bars) -> str:
    out = ["PERMNO,DlyCalDt,Ticker,DlyPrc,DlyPrcFlg,DlyRet,DlyRetMissFlg,DlyVol,DlyDelFlg,DlyFacPrc"]
    for i, (day, close) in enumerate(zip(bars.days, bars.close, strict=True)):
        ret = "" if i == 0 else f"{close / bars.close[i - 1] - 1:.6f}"
        out.append(f"10107,{day},{bars.symbol},{close},TR,{ret},{'NS' if i == 0 else ''},1,N,1")
    return "\n".join(out) + "\n"


@pytest.mark.parametrize("write", [crsp, ciz, lambda bars: crsp(bars, "%Y-%m-%d"), lambda bars: crsp(bars, "%d%b%Y")])
def test_crsp_is_read_as_returns(tmp_path: Path, write: object) -> None:
    text = {symbol: write(base(symbol)) for symbol in ("ABC", "SPY")}  # type: ignore[operator]
    folder = folder_of(tmp_path, text)
    is_truth(studied(f"csv:{folder}"), within=2e-6)
    series = read_prices(folder / "ABC.csv", "ABC")
    assert series.provenance.basis == "returns" and series.provenance.layout.startswith("CRSP")
    prices = studied(f"csv:{folder}", input="prices")
    is_truth(prices)


def test_one_long_file_of_each_layout_with_a_column_of_symbols(tmp_path: Path) -> None:
    for form in ("stooq bulk", "compustat", "lseg"):
        write = WRITERS[form][0]
        head, *rows = write(base("ABC")).splitlines()
        path = tmp_path / f"{form}.csv"
        path.write_text("\n".join([head, *rows, *write(base("SPY")).splitlines()[1:]]) + "\n")
        frame = EVENTS if form == "compustat" else EVENTS.assign(ticker="ABC.N" if form == "lseg" else "ABC.US")
        market = {"lseg": "SPY.N", "stooq bulk": "SPY.US", "compustat": "SPY"}[form]
        result = run(frame, spec=SPEC.with_changes(source=f"csv:{path}", benchmarks=(market,)))
        assert result.windows.iloc[0]["car"] == pytest.approx(TRUTH, abs=1e-7)


def wide(index: str = "Date") -> pd.DataFrame:
    columns = {symbol: pd.Series(base(symbol).close, index=base(symbol).days) for symbol in ("ABC", "SPY")}
    return pd.DataFrame(columns).rename_axis(index)


@pytest.mark.parametrize("index", ["Date", "date", "index"])
def test_a_wide_table_as_csv_parquet_and_frame(tmp_path: Path, index: str) -> None:
    table = wide(index)
    table.to_csv(tmp_path / "w.csv")
    is_truth(studied(f"csv:{tmp_path / 'w.csv'}"))
    table.set_axis(pd.DatetimeIndex(table.index, name=index)).to_parquet(tmp_path / "w.parquet")
    is_truth(studied(f"parquet:{tmp_path / 'w.parquet'}"))
    for frame in (table.set_axis(pd.DatetimeIndex(table.index, name=index)), table.reset_index()):
        result = run(EVENTS, frame, SPEC)
        assert result.windows.iloc[0]["car"] == pytest.approx(TRUTH, abs=1e-7)


def test_a_wide_table_of_returns(tmp_path: Path) -> None:
    table = wide().pct_change().iloc[1:]
    table.to_csv(tmp_path / "r.csv")
    is_truth(studied(f"csv:{tmp_path / 'r.csv'}", input="returns"))
    np.log1p(table).to_csv(tmp_path / "l.csv")
    is_truth(studied(f"csv:{tmp_path / 'l.csv'}", input="log-returns"))
    with pytest.raises(InputFileError, match="percent"):
        (table * 100).to_csv(tmp_path / "p.csv")
        studied(f"csv:{tmp_path / 'p.csv'}", input="returns")


@pytest.mark.parametrize("form", ["own", "tiingo", "eodhd", "history", "alpha vantage adjusted", "massive"])
def test_the_same_layouts_as_frames_and_parquet(tmp_path: Path, form: str) -> None:
    frames = []
    for symbol in ("ABC", "SPY"):
        frame = pd.read_csv(io.StringIO(WRITERS[form][0](base(symbol))))
        frames.append(frame.assign(ticker=symbol))
    long = pd.concat(frames, ignore_index=True)
    assert run(EVENTS, long, SPEC).windows.iloc[0]["car"] == pytest.approx(TRUTH, abs=1e-7)
    long.to_parquet(tmp_path / "p.parquet", index=False)
    is_truth(studied(f"parquet:{tmp_path / 'p.parquet'}"))


def test_a_frame_of_yfinances_download(tmp_path: Path) -> None:
    for order in (("Price", "Ticker"), ("Ticker", "Price")):
        columns = {}
        for symbol in ("ABC", "SPY"):
            bars = base(symbol)
            for field in ("Close", "High", "Low", "Open"):
                key = (field, symbol) if order[0] == "Price" else (symbol, field)
                columns[key] = pd.Series(bars.close, index=pd.DatetimeIndex(bars.days))
        frame = pd.DataFrame(columns).rename_axis(columns=list(order)).rename_axis("Date")
        assert run(EVENTS, frame, SPEC).windows.iloc[0]["car"] == pytest.approx(TRUTH, abs=1e-7)
        path = tmp_path / f"{order[0]}.csv"
        frame.to_csv(path)
        is_truth(studied(f"csv:{path}"))


FIGURES = st.lists(st.tuples(st.integers(1, 10**8), st.integers(0, 10**9)), min_size=30, max_size=60)


@pytest.mark.parametrize("form", WRITERS)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(figures=FIGURES, start=st.integers(0, 3000))
def test_figures_written_and_read_back_are_the_same(
    tmp_path: Path, form: str, figures: list[tuple[int, int]], start: int
) -> None:
    days: list[date] = []
    day = date(2015, 1, 1) + timedelta(days=start)
    while len(days) < len(figures):
        if day.weekday() < 5:
            days.append(day)
        day += timedelta(days=1)
    bars = Bars("ABC", days, [cents / 100 for cents, _ in figures], [volume for _, volume in figures])
    write, name = WRITERS[form]
    path = tmp_path / "ABC.csv"
    path.write_text(write(bars), encoding="utf-8")
    series = read_prices(path, "ABC")
    assert series.provenance.layout == name
    assert series.dates.tolist() == days
    np.testing.assert_array_equal(series.close, bars.close)
    np.testing.assert_array_equal(series.volume, bars.volume)  # type: ignore[arg-type]


def refused(tmp_path: Path, text: str) -> str:
    (tmp_path / "ABC.csv").write_text(text, encoding="utf-8")
    with pytest.raises(InputFileError) as caught:
        read_prices(tmp_path / "ABC.csv", "ABC")
    return str(caught.value)


def test_an_unknown_layout_is_refused_in_one_sentence(tmp_path: Path) -> None:
    said = refused(tmp_path, "Day,Last,Turnover\n2025-04-15,1,2\n")
    assert len(said.splitlines()) == 1 and "'Day', 'Last', 'Turnover'" in said and "wanted Date and Close" in said
    assert all(layout.name in said for layout in LAYOUTS.values())
    assert "separated by semicolons" in refused(tmp_path, "Date;Close\n2025-04-15;1\n")
    assert "'Datum', 'Zuletzt'" in refused(tmp_path, '"Datum","Zuletzt"\n"30.06.2025","102,31"\n')


def test_commas_of_thousands_and_decimal_commas(tmp_path: Path) -> None:
    (tmp_path / "ABC.csv").write_text('Date,Close\n2025-04-15,"5,266.69"\n2025-04-16,"5,300"\n')
    assert read_prices(tmp_path / "ABC.csv", "ABC").close.tolist() == [5266.69, 5300.0]
    said = refused(tmp_path, 'Date,Close\n2025-04-15,"5,266"\n2025-04-16,"5,300"\n')
    assert "may be a decimal comma or thousands" in said
    assert "not a number" in refused(tmp_path, 'Date,Close\n2025-04-15,"102,31"\n')


def test_a_foreign_layout_keeps_day_and_month(tmp_path: Path) -> None:
    head = '"Date","Price","Open","High","Low","Vol.","Change %"\n'
    said = refused(tmp_path, head + '"30/06/2025","1","1","1","1","1M","0%"\n')
    assert "form of this layout" in said
    swapped = "".join(f'"0{d}/06/2025","1","1","1","1","1M","0%"\n' for d in (6, 5, 4, 3, 2))
    assert "out of order" in refused(tmp_path, head + swapped)


def test_a_column_the_study_does_not_use_stops_nothing(tmp_path: Path) -> None:
    text = "No.,Date,Close,High,Volume,Analyst,Analyst\n1,2025-04-15,10,high,lots,x,y\n2,2025-04-16,11,12,3,x,y\n"
    (tmp_path / "ABC.csv").write_text(text)
    table = CsvSource.open(str(tmp_path)).fetch(["ABC"], date(2025, 1, 1), date(2025, 12, 31))
    assert table.series["ABC"].close.tolist() == [10, 11] and not table.refused
    strict = CsvSource.open(str(tmp_path), volume=True).fetch(["ABC"], date(2025, 1, 1), date(2025, 12, 31))
    assert "volume 'lots'" in strict.refused["ABC"], "with --volume the study uses it"


def test_a_file_of_several_symbols_gives_its_own(tmp_path: Path) -> None:
    rows = "2025-04-15,ABC,1\n2025-04-16,ABC,2\n2025-04-15,XYZ,5\n2025-04-16,XYZ,6\n"
    (tmp_path / "ABC.csv").write_text("Date,Ticker,Close\n" + rows)
    assert read_prices(tmp_path / "ABC.csv", "ABC").close.tolist() == [1, 2]
    with pytest.raises(InputFileError, match="several symbols"):
        read_prices(tmp_path / "ABC.csv", "QQQ")


def test_a_ticker_of_two_firms_is_refused(tmp_path: Path) -> None:
    rows = "1,20230103,FB,0.01\n1,20230104,META,0.02\n2,20230103,OLD,0.03\n3,20240103,OLD,0.04\n"
    (tmp_path / "c.csv").write_text("PERMNO,date,TICKER,RET\n" + rows)
    table: PriceTable = CsvSource.open(str(tmp_path / "c.csv")).fetch(["META", "OLD", "3"], date.min, date.max)
    assert len(table.series["META"].dates) == 2 and len(table.series["3"].dates) == 1
    assert "has the numbers 2 and 3" in table.refused["OLD"]


def test_compustat_factors_and_prices_carried_forward(tmp_path: Path) -> None:
    rows = [("2024-01-02", 10.5, 1, "", 3), ("2024-01-03", 5.2, 0.5, 1.01, 3), ("2024-01-04", 5.2, 0.5, 1.01, 4)]
    text = "gvkey,datadate,prccd,ajexdi,trfd,prcstd\n" + "".join(f"1,{d},{p},{a},{t},{s}\n" for d, p, a, t, s in rows)
    (tmp_path / "A.csv").write_text(text)
    series = read_prices(tmp_path / "A.csv", "A")
    assert series.close.tolist() == [10.5, 10.4] and "carried forward" in series.provenance.notice
    np.testing.assert_allclose(series.adj_close, [10.5, 10.4 * 1.01])  # type: ignore[arg-type]
    assert "ajexdi is 0" in refused(tmp_path, text.replace(",0.5,1.01,3", ",0.000000,1.01,3"))


def test_bars_that_are_not_daily_are_refused(tmp_path: Path) -> None:
    head = "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>\n"
    assert "<PER> holds 60" in refused(tmp_path, head + "ABC.US,60,20230601,100000,1,1,1,1,1,0\n")


def test_a_frame_of_text_dates_is_never_guessed() -> None:
    bars = base("ABC")
    text = [day.strftime("%d/%m/%Y") for day in bars.days]
    frame = pd.DataFrame({"ticker": "ABC", "date": text, "close": bars.close})
    table = source_from_frame(frame).table
    assert not table.series and "%d/%m/%Y" in table.refused["ABC"]


SIDE_BY_SIDE = {
    "Bloomberg": "Date,PX_LAST,Date,PX_LAST",
    "closes": "Date,Close,Date,Close",
    "by pandas": "Date,Close,Date.1,Close.1",
    "LSEG": "Instrument,Date,Price Close,Instrument,Date,Price Close",
}


@pytest.mark.parametrize("head", SIDE_BY_SIDE.values(), ids=SIDE_BY_SIDE)
@pytest.mark.parametrize("form", ["folder", "file"])
def test_tables_side_by_side_are_refused_with_the_cure(tmp_path: Path, head: str, form: str) -> None:
    row = ",".join(
        {"date": "2025-04-15", "instrument": "ABC.N"}.get(name.lower()[:10], "1") for name in head.split(",")
    )
    row = row.replace("1,1,1", "1,2025-04-15,1")
    place = tmp_path / ("ABC.csv" if form == "folder" else "prices.csv")
    place.write_text(f"ABC US Equity,,SPY US Equity,\n{head}\n{row}\n", encoding="utf-8")
    source = CsvSource.open(str(tmp_path if form == "folder" else place))
    try:
        said = source.fetch(["ABC"], date(2025, 1, 1), date(2025, 12, 31)).refused["ABC"]
    except InputFileError as error:
        said = str(error)
    assert head.split(",")[0] in said and "tables side by side" in said and "save each as SYMBOL.csv" in said


def test_closes_without_an_adjusted_close_are_named(tmp_path: Path) -> None:
    days = [f"2025-04-{d:02d}" for d in (14, 15, 16, 17)]
    adjusted = ["", "", "11.5", "11.7"]
    rows = "".join(f"{day},{close},{adj}\n" for day, close, adj in zip(days, (10, 11, 12, 12.2), adjusted, strict=True))
    (tmp_path / "ABC.csv").write_text("Date,Close,Adj Close\n" + rows)
    notice = read_prices(tmp_path / "ABC.csv", "ABC").provenance.notice
    assert "empty on 2 days from 2025-04-14 to 2025-04-15" in notice and "complete the column" in notice
    (tmp_path / "ABC.csv").write_text("Date,Close,Adj Close\n" + rows.replace("11,\n", "11,10.5\n"))
    assert "empty on 2025-04-14, where" in read_prices(tmp_path / "ABC.csv", "ABC").provenance.notice
    (tmp_path / "ABC.csv").write_text("Date,Close,Adj Close,Dividends\n" + rows.replace("\n", ",0\n"))
    assert not read_prices(tmp_path / "ABC.csv", "ABC").provenance.notice, "dividends tell what it would"
