"""Exports with notes below them, two rows of headings, two levels of columns, decimal commas; CRSP without returns."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from eventstudy.data.files import read_prices
from eventstudy.data.sources import source_from_frame
from eventstudy.errors import InputFileError
from eventstudy.study import run
from tests.data.layout_writers import own
from tests.data.test_layouts import EVENTS, SPEC, TRUTH, base, folder_of, is_truth, studied

FIELDS = ("Close", "High", "Low", "Open", "Volume")


def read(tmp_path: Path, text: str) -> str:
    """The notice of a file, or why it is refused."""
    path = tmp_path / "ABC.csv"
    path.write_text(text, encoding="utf-8")
    try:
        return read_prices(path, "ABC").provenance.notice
    except InputFileError as error:
        return f"refused: {error}"


@pytest.mark.parametrize(
    "note", ["Downloaded from the terminal", "Data provided by the exchange,,", "Total,,", "Source: us"]
)
def test_notes_below_a_table_are_left_out_and_named(tmp_path: Path, note: str) -> None:
    folder = folder_of(tmp_path, {symbol: own(base(symbol)) + note + "\n" for symbol in ("ABC", "SPY")})
    is_truth(studied(f"csv:{folder}"))
    said = read(tmp_path, own(base("ABC")) + note + "\n")
    assert f"1 line below the table left out: {note.rstrip(',')!r}" in said


@pytest.mark.parametrize("note", ["Downloaded 2025-06-30 from the terminal", "As of 30 June 2025"])
def test_a_note_that_may_be_a_row_is_refused_with_its_line(tmp_path: Path, note: str) -> None:
    text = own(base("ABC"))
    line = text.count("\n") + 1
    said = read(tmp_path, text + note + "\n")
    assert f"line {line}" in said and "remove the line where it is a note" in said and note in said
    said = read(tmp_path, text + note + ",,\n")
    assert "refused" in said and f"line {line}" in said, "with the commas that a sheet adds"


def test_a_row_that_was_cut_off_is_no_note(tmp_path: Path) -> None:
    text = own(base("ABC")).splitlines()
    said = read(tmp_path, "\n".join([*text[:-1], text[-1][:10]]) + "\n")
    assert "refused" in said and f"line {len(text)}" in said
    # in the middle words are not a note
    said = read(tmp_path, "\n".join([*text[:5], "see below", *text[5:]]) + "\n")
    assert "refused" in said and "line 6" in said


def levels(*, by_ticker: bool, index: bool) -> pd.DataFrame:
    """Both series as yfinance's download gives them."""
    own_bars, market = base("ABC"), base("SPY")
    days = pd.DatetimeIndex([str(day) for day in own_bars.days], name="Date")
    columns = {}
    for bars in (own_bars, market):
        known = dict(zip(bars.days, bars.close, strict=True))
        for field in FIELDS:
            figures = [known.get(day, np.nan) if field != "Volume" else 100.0 for day in own_bars.days]
            columns[(bars.symbol, field) if by_ticker else (field, bars.symbol)] = figures
    table = pd.DataFrame(columns, index=days)
    table.columns = pd.MultiIndex.from_tuples(columns, names=["Ticker", "Price"] if by_ticker else ["Price", "Ticker"])
    return table if index else table.reset_index()


@pytest.mark.parametrize("index", [True, False])
@pytest.mark.parametrize("by_ticker", [True, False])
@pytest.mark.parametrize("way", ["csv", "parquet", "frame"])
def test_two_levels_of_columns(tmp_path: Path, way: str, by_ticker: bool, index: bool) -> None:
    table, place = levels(by_ticker=by_ticker, index=index), tmp_path / f"both.{way}"
    if way == "frame":
        result = run(EVENTS, source_from_frame(table), SPEC)
        car = result.windows.set_index("window").loc["[0,0]", "car"]
        assert car == pytest.approx(TRUTH, abs=1e-7)
        return
    if way == "csv":
        table.to_csv(place, index=index)
    else:
        table.to_parquet(place)
    is_truth(studied(f"{way}:{place}"))


@pytest.mark.parametrize("named", [True, False])
def test_a_file_of_one_ticker_with_two_rows_of_headings(tmp_path: Path, named: bool) -> None:
    def text(symbol: str) -> str:
        rows = own(base(symbol)).splitlines()[1:]
        start = ("Price", "Ticker") if named else ("Date", "")
        return "\n".join([f"{start[0]},Close,Volume", f"{start[1]},{symbol},{symbol}", *rows]) + "\n"

    is_truth(studied(f"csv:{folder_of(tmp_path, {symbol: text(symbol) for symbol in ('ABC', 'SPY')})}"))


def test_two_levels_without_closes_are_refused_by_their_headings(tmp_path: Path) -> None:
    table = levels(by_ticker=False, index=True)[["Volume"]]
    table.to_parquet(tmp_path / "p.parquet")
    with pytest.raises(InputFileError, match="do not match a known layout"):
        studied(f"parquet:{tmp_path / 'p.parquet'}")


def crsp(symbol: str, *, sign: int = 1, factor: float | None = None) -> str:
    """PRC and no RET; before row 300 the shares are ``factor`` old ones."""
    head = "PERMNO,date,TICKER,PRC,VOL" + (",CFACPR" if factor else "")
    rows = []
    for at, (day, close) in enumerate(zip(base(symbol).days, base(symbol).close, strict=True)):
        by = factor if factor and at < 300 else 1.0
        price = sign * close * by if at % 7 == 3 else close * by
        rows.append(f"10001,{day:%Y%m%d},{symbol},{price!r},100" + (f",{by!r}" if factor else ""))
    return "\n".join([head, *rows]) + "\n"


@pytest.mark.parametrize("way", ["csv", "parquet", "frame"])
@pytest.mark.parametrize("sign", [1, -1])
def test_prices_of_crsp_without_returns(tmp_path: Path, way: str, sign: int) -> None:
    text = {"ABC": crsp("ABC", sign=sign, factor=4.0), "SPY": crsp("SPY", sign=sign, factor=1.0)}
    folder = folder_of(tmp_path, text)
    if way == "csv":
        is_truth(studied(f"csv:{folder}"), within=1e-6)
    else:
        both = pd.concat([pd.read_csv(folder / f"{symbol}.csv").assign(PERMNO=at) for at, symbol in enumerate(text)])
        if way == "parquet":
            both.to_parquet(tmp_path / "p.parquet", index=False)
            is_truth(studied(f"parquet:{tmp_path / 'p.parquet'}"), within=1e-6)
        else:
            car = run(EVENTS, source_from_frame(both), SPEC).windows.set_index("window").loc["[0,0]", "car"]
            assert car == pytest.approx(TRUTH, abs=1e-6)
    one = read_prices(folder / "ABC.csv", "ABC").provenance
    assert one.basis == "split-adjusted" and "CRSP (legacy format) without RET" in one.layout
    assert "without dividends" in one.notice and ("midpoints" in one.notice) == (sign < 0)


def test_prices_of_crsp_without_a_factor_are_raw_and_say_so(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, {symbol: crsp(symbol) for symbol in ("ABC", "SPY")})
    is_truth(studied(f"csv:{folder}"), within=1e-6)
    one = read_prices(folder / "ABC.csv", "ABC").provenance
    assert one.basis == "raw" and "no column states splits" in one.notice
    flags = run(EVENTS, spec=SPEC.with_changes(source=f"csv:{folder}")).windows["flags"]
    assert all("splits_unknown" in one for one in flags)


@pytest.mark.parametrize("cell", ["102,31", "1.102,31", "102,314"])
def test_decimal_commas_are_one_problem_of_a_file(tmp_path: Path, cell: str) -> None:
    rows = "".join(f'2025-04-{day},"{cell}","{cell}"\n' for day in range(14, 18))
    said = read(tmp_path, "Date,Open,Close\n" + rows)
    assert said.count("line ") == 1 and "(8 cells)" in said and "1 problem" in said and "decimal" in said


def test_other_problems_stand_beside_decimal_commas(tmp_path: Path) -> None:
    said = read(tmp_path, 'Date,Close\n2025-04-14,"102,31"\n2025-04-15,"102,32"\n2025-04-16,abc\n')
    assert "2 problems" in said and "abc" in said and "(2 cells)" in said
