"""Columns that change returns are read under the headings that vendors give them, or refused; never left out."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from eventstudy.data.sources import source_from_frame
from eventstudy.errors import InputFileError
from eventstudy.study import run
from tests.data.test_layouts import EVENTS, SPEC, TRUTH, base, folder_of, is_truth, studied

DAY0 = "2025-04-16"
PAID = 6.36


def frame(symbol: str = "ABC") -> pd.DataFrame:
    bars = base(symbol)
    return pd.DataFrame({"Date": [str(day) for day in bars.days], "Close": bars.close})


def raw_split(heading: str, kind: str) -> pd.DataFrame:
    """Closes of the old shares before a split of 4:1 on day 0, which a column states."""
    table = frame()
    clean, old = table["Close"].copy(), table["Date"] < DAY0
    table.loc[old, "Close"] = (clean[old] * 4).round(2)
    table[heading] = clean if kind == "adjusted" else (table["Date"] == DAY0) * 3.0 + 1.0
    return table


def car(tmp_path: Path, table: pd.DataFrame, way: str) -> float:
    """CAR of day 0 from a folder of CSV, a Parquet file or a frame."""
    if way == "csv":
        folder = folder_of(tmp_path, {"ABC": table.to_csv(index=False), "SPY": frame("SPY").to_csv(index=False)})
        return studied(f"csv:{folder}")[0]
    both = pd.concat([table.assign(ticker="ABC"), frame("SPY").assign(ticker="SPY")])
    if way == "parquet":
        both.to_parquet(tmp_path / "p.parquet", index=False)
        return studied(f"parquet:{tmp_path / 'p.parquet'}")[0]
    result = run(EVENTS, source_from_frame(both), SPEC)
    return float(result.windows.set_index("window").loc["[0,0]", "car"])


WAYS = ("csv", "parquet", "frame")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "heading", ["Split Ratio", "split_factor", "splitFactor", "8. split coefficient", "Stock Split"]
)
def test_splits_under_other_headings(tmp_path: Path, heading: str, way: str) -> None:
    assert car(tmp_path, raw_split(heading, "ratio"), way) == pytest.approx(TRUTH, abs=1e-4)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "heading", ["Adj. Close", "Adj Close**", "Close (adj)", "close_adj", "Adjusted", "adjusted_price"]
)
def test_adjusted_closes_under_other_headings(tmp_path: Path, heading: str, way: str) -> None:
    assert car(tmp_path, raw_split(heading, "adjusted"), way) == pytest.approx(TRUTH, abs=1e-6)


@pytest.mark.parametrize(
    "heading", ["Ex-Dividend", "Dividend Amount", "divCash", "cash_dividend", "Div", "Dividends per share"]
)
def test_dividends_under_other_headings(tmp_path: Path, heading: str) -> None:
    def paid(name: str) -> float:
        table = frame()
        table[name] = (table["Date"] == DAY0) * PAID
        folder = tmp_path / name.replace(" ", "")
        folder.mkdir()
        return car(folder, table, "csv")

    assert paid(heading) == paid("Dividends") != pytest.approx(TRUTH, abs=1e-3)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("heading", ["Adj Factor", "Split adjustment", "cumulative splits", "Dividend (gross)"])
def test_an_unknown_heading_that_may_state_splits_is_refused(tmp_path: Path, heading: str, way: str) -> None:
    table = frame()
    table[heading] = 1.0
    with pytest.raises(InputFileError) as caught:
        car(tmp_path, table, way)
    assert heading in str(caught.value) and "rename it to Stock Splits" in str(caught.value)


def test_other_columns_stop_nothing(tmp_path: Path) -> None:
    table = frame()
    for name in ("Adj. Open", "adjVolume", "dividend_yield", "Ex-Dividend Date", "Dividend Type", "Bid", "Notes"):
        table[name] = "x"
    assert car(tmp_path, table, "csv") == pytest.approx(TRUTH, abs=1e-7)


def test_the_second_of_two_columns_is_not_left_out(tmp_path: Path) -> None:
    """pandas numbers columns of one name; which of them is meant is not guessed."""
    table = frame()
    table["Close.1"] = table["Close"] * 2
    with pytest.raises(InputFileError, match="remove one column"):
        car(tmp_path, table, "csv")


def test_points_between_thousands_are_not_decimal_points(tmp_path: Path) -> None:
    table = frame("SPY")
    levels = (table["Close"] / table["Close"].median() * 1000).round().astype(int)
    assert (levels < 1000).any() and (levels >= 1000).any()
    table["Close"] = [f"{level:,}".replace(",", ".") for level in levels]
    folder = folder_of(tmp_path, {"ABC": frame().to_csv(index=False), "SPY": table.to_csv(index=False)})
    with pytest.raises(InputFileError, match="may be thousands"):
        studied(f"csv:{folder}")
    # decimals of other lengths beside them are decimals
    table["Close"] = [f"{level / 1000:g}" for level in levels]
    (folder / "SPY.csv").write_text(table.to_csv(index=False))
    assert studied(f"csv:{folder}")[0] == pytest.approx(TRUTH, abs=2e-3)


@pytest.mark.parametrize("way", ["csv", "parquet"])
def test_tickers_in_small_letters(tmp_path: Path, way: str) -> None:
    both = pd.concat([frame().assign(ticker="abc"), frame("SPY").assign(ticker="spy")])
    if way == "csv":
        both.to_csv(tmp_path / "p.csv", index=False)
    else:
        both.to_parquet(tmp_path / "p.parquet", index=False)
    found = studied(f"{way}:{tmp_path / f'p.{way}'}")
    assert found[0] == pytest.approx(TRUTH, abs=1e-7)
    is_truth(found)


def test_returns_that_are_none_name_the_cure(tmp_path: Path) -> None:
    table = frame()
    returns = table["Close"].pct_change()
    gross = pd.DataFrame({"Date": table["Date"], "ret": 1 + returns})
    folder = folder_of(tmp_path, {"ABC": gross.to_csv(index=False), "SPY": frame("SPY").to_csv(index=False)})
    with pytest.raises(InputFileError, match=r"gross returns \(1 \+ r\); subtract 1"):
        studied(f"csv:{folder}")
    wide = pd.DataFrame({"Date": table["Date"], "ABC": returns, "SPY": frame("SPY")["Close"].pct_change()})
    wide.iloc[1:].to_csv(tmp_path / "w.csv", index=False)
    with pytest.raises(InputFileError, match=r"give input=.returns"):
        studied(f"csv:{tmp_path / 'w.csv'}")


def test_an_empty_adjusted_close_in_the_window_is_flagged(tmp_path: Path) -> None:
    table = frame()
    table["Adj Close"] = table["Close"].where((table["Date"] > DAY0) | (table["Date"] < "2025-04-01"))
    folder = folder_of(tmp_path, {"ABC": table.to_csv(index=False), "SPY": frame("SPY").to_csv(index=False)})
    row = run(EVENTS, spec=SPEC.with_changes(source=f"csv:{folder}")).windows.set_index("window").loc["[0,0]"]
    assert pd.isna(row["car"]) and "missing_day" in row["flags"]


def test_raw_closes_without_splits_are_told(tmp_path: Path) -> None:
    table = frame().rename(columns={"Date": "datadate", "Close": "prccd"}).assign(tic="ABC")
    folder = folder_of(tmp_path, {"ABC": table.to_csv(index=False), "SPY": frame("SPY").to_csv(index=False)})
    result = run(EVENTS, spec=SPEC.with_changes(source=f"csv:{folder}"))
    assert any("no column states splits" in notice for notice in result.notices)
    assert set(result.windows["flags"]) == {"splits_unknown"}
    table["ajexdi"] = 1.0
    (folder / "ABC.csv").write_text(table.to_csv(index=False))
    assert set(run(EVENTS, spec=SPEC.with_changes(source=f"csv:{folder}")).windows["flags"]) == {""}


def test_closes_one_session_late_are_flagged(tmp_path: Path) -> None:
    """Every date is a session; only the benchmark tells."""
    table = frame()
    late = table.assign(Close=table["Close"].shift(1)).iloc[1:]
    flags = {}
    for name, prices in (("right", table), ("late", late)):
        (tmp_path / name).mkdir()
        folder = folder_of(
            tmp_path / name, {"ABC": prices.to_csv(index=False), "SPY": frame("SPY").to_csv(index=False)}
        )
        flags[name] = set(run(EVENTS, spec=SPEC.with_changes(source=f"csv:{folder}")).windows["flags"])
    assert flags == {"right": {""}, "late": {"dates_against_benchmark"}}
