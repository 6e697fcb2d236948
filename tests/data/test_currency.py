"""Prices in dollars: closes, dividends and index times the rate of their day, and nothing carried forward."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from eventstudy.data.calendar import load_calendar
from eventstudy.data.currency import pair_of
from eventstudy.data.markets import MARKETS
from eventstudy.errors import EventStudyError, UsageError
from eventstudy.results import StudyResult
from eventstudy.spec import StudySpec
from eventstudy.study import run
from tests.cli.conftest import run_in
from tests.data.test_markets import study, walk

# rows on the holidays of New York would be held against every calendar there is
SESSIONS = pd.DatetimeIndex(load_calendar("XNYS", date(2024, 1, 2), date(2025, 6, 30)).sessions)
ROWS = ("ASML.AS,2025-04-16,bmo,", "NVDA,2025-04-16,bmo,")


@pytest.fixture
def prices(tmp_path: Path) -> Path:
    folder = tmp_path / "prices"
    folder.mkdir()
    for seed, (symbol, exchange) in enumerate(
        (("ASML.AS", "XAMS"), ("^AEX", "XAMS"), ("NVDA", "XNYS"), ("SPY", "XNYS"))
    ):
        walk(folder, symbol, exchange, seed)
    # currencies are quoted on every weekday
    days = pd.bdate_range("2024-01-02", "2025-06-30")
    rate = 1.1 * np.exp(np.cumsum(np.random.default_rng(9).normal(0, 0.005, len(days))))
    pd.DataFrame({"Date": days.date, "Close": rate.round(6)}).to_csv(folder / "EURUSD=X.csv", index=False)
    frame = pd.read_csv(folder / "ASML.AS.csv")
    frame["Open"] = frame["Close"]
    frame["Dividends"] = np.where(frame["Date"].isin(["2025-02-10", "2025-04-15"]), 1.5, 0.0)
    frame.to_csv(folder / "ASML.AS.csv", index=False)
    return folder


def returns(folder: Path, ticker: str) -> dict[str, tuple[float, float]]:
    with (folder / "reports" / "abnormal_returns.csv").open() as handle:
        return {
            row["session"]: (float(row["return"]), float(row["expected_return"]))
            for row in csv.DictReader(handle)
            if row["ticker"] == ticker and row["return"]
        }


@pytest.mark.slow
def test_returns_in_dollars_are_those_of_pandas(prices: Path, tmp_path: Path) -> None:
    """Oracle: a join and two divisions in pandas, and statsmodels' line through them."""
    import statsmodels.api as sm

    done = study(tmp_path, ROWS, "--currency", "USD", "--precision", "full")
    assert done.code == 0, done.err
    read = {name: pd.read_csv(prices / f"{name}.csv", index_col="Date") for name in ("ASML.AS", "^AEX", "EURUSD=X")}
    rate = read["EURUSD=X"]["Close"]
    own = read["ASML.AS"].join(rate.rename("rate")).dropna()
    index = read["^AEX"].join(rate.rename("rate")).dropna()
    total = ((own["Close"] + own["Dividends"]) * own["rate"]) / (own["Close"] * own["rate"]).shift() - 1
    market = (index["Close"] * index["rate"]).pct_change()
    found = returns(tmp_path, "ASML.AS")
    assert len(found) == 21
    for day, (value, _) in found.items():
        assert value == pytest.approx(total[day], abs=1e-12)
    days = list(total.index)
    zero = days.index("2025-04-16")
    window = days[zero - 10 - 10 - 120 : zero - 10 - 10]
    fit = sm.OLS(total[window], sm.add_constant(market[window])).fit()
    with (tmp_path / "reports" / "models.csv").open() as handle:
        mine = next(row for row in csv.DictReader(handle) if row["ticker"] == "ASML.AS")
    assert float(mine["beta"]) == pytest.approx(fit.params.iloc[1], rel=1e-9)
    assert "by EURUSD=X" in done.err and "London's midnight" in done.err and "NVDA: closes in USD" not in done.err
    local = study(tmp_path, ROWS, "--precision", "full")
    assert local.code == 0 and "London" not in local.err
    assert returns(tmp_path, "ASML.AS") != found


def test_a_day_without_a_rate_is_a_hole_and_its_dividend_is_kept(prices: Path, tmp_path: Path) -> None:
    path = prices / "EURUSD=X.csv"
    kept = [line for line in path.read_text().splitlines() if not line.startswith("2025-04-15")]
    path.write_text("\n".join(kept) + "\n")
    done = study(tmp_path, ROWS, "--currency", "USD", "--precision", "full")
    assert done.code == 0 and "1 days without a rate left out" in done.err
    own = pd.read_csv(prices / "ASML.AS.csv", index_col="Date")
    rate = pd.read_csv(path, index_col="Date")["Close"]
    value = returns(tmp_path, "ASML.AS")["2025-04-16"][0]
    after, before = "2025-04-16", "2025-04-14"
    expected = (own["Close"][after] + 1.5) * rate[after] / (own["Close"][before] * rate[before]) - 1
    assert value == pytest.approx(expected, abs=1e-12)


def test_what_cannot_be_turned_is_refused_with_the_cure(prices: Path, tmp_path: Path) -> None:
    (prices / "EURUSD=X.csv").unlink()
    done = study(tmp_path, ROWS, "--currency", "USD")
    assert done.code == 0, done.err
    with (tmp_path / "reports" / "excluded.csv").open() as handle:
        (lost,) = csv.DictReader(handle)
    assert lost["reason"] == "prices_refused" and "EURUSD=X" in lost["detail"] and "--currency local" in lost["detail"]
    wrong = run_in(tmp_path, "run", "--currency", "EUR")
    assert wrong.code == 2 and "local | USD" in wrong.err
    with pytest.raises(UsageError):
        StudySpec(currency="eur")


def test_pence_and_inverse_rates(tmp_path: Path) -> None:
    """A hundredth and a rate of units a dollar, through the Python API with a frame."""
    rng = np.random.default_rng(4)

    def path(scale: float) -> np.ndarray:
        return scale * np.exp(np.cumsum(rng.normal(0, 0.01, len(SESSIONS))))

    frame = pd.DataFrame(
        {"VOD.L": path(70), "7203.T": path(3000), "SPY": path(500), "GBPUSD=X": path(1.25), "JPY=X": path(150)},
        index=SESSIONS,
    )
    frame.index.name = "date"
    events = pd.DataFrame(
        {
            "ticker": ["VOD.L", "7203.T"],
            "announced_at": ["2025-03-12"] * 2,
            "timing": ["dmh"] * 2,
            "calendar": ["XNYS"] * 2,
        }
    )
    spec = StudySpec(currency="USD", benchmarks_given=True, estimation=120, tests=("ar-t",))
    found = run(events, frame, spec)
    series = found.studied.market.prices.series
    shared = series["VOD.L"].dates
    at = pd.DatetimeIndex(shared)
    np.testing.assert_allclose(series["VOD.L"].close, (frame["VOD.L"] * frame["GBPUSD=X"] / 100)[at], rtol=1e-12)
    np.testing.assert_allclose(series["7203.T"].close, (frame["7203.T"] / frame["JPY=X"])[at], rtol=1e-12)
    np.testing.assert_allclose(series["SPY"].close, frame["SPY"][at], rtol=1e-12)


def test_every_currency_has_a_rate() -> None:
    pairs = {market.currency: pair_of(market.currency) for market in MARKETS.values()}
    assert pairs.pop("USD") == "" and all(pair.endswith("=X") for pair in pairs.values())
    assert (pairs["GBp"], pairs["ZAc"], pairs["ILA"], pairs["TWD"]) == ("GBPUSD=X", "ZAR=X", "ILS=X", "TWD=X")


DAYS = pd.bdate_range(date(2024, 1, 2), date(2025, 6, 30))


def drawn(seed: int, scale: float, size: float = 0.01, days: pd.DatetimeIndex = DAYS) -> pd.Series:
    steps = np.random.default_rng(seed).normal(0, size, len(days))
    return pd.Series(scale * np.exp(np.cumsum(steps)), index=days)


def in_dollars_of(ticker: str, benchmark: str, frame: pd.DataFrame, day: str = "2025-03-12") -> StudyResult:
    frame.index.name = "date"
    events = pd.DataFrame(
        {"ticker": [ticker], "announced_at": [day], "timing": ["dmh"], "benchmark": [benchmark], "calendar": ["data"]}
    )
    return run(events, frame, StudySpec(currency="USD", estimation=120, tests=("ar-t",)))


@pytest.mark.parametrize(
    ("symbol", "rate", "factor"),
    [
        ("BTC-EUR", "EURUSD=X", lambda rate: rate),
        ("BTC-JPY", "JPY=X", lambda rate: 1 / rate),
        ("ETH-BTC", "BTC-USD", lambda rate: rate),
        ("EURGBP=X", "GBPUSD=X", lambda rate: rate),
        ("EURUSD=X", "", lambda rate: 1.0),
        ("BTC-USD", "", lambda rate: 1.0),
        ("SMSN.IL", "", lambda rate: 1.0),
    ],
)
def test_pairs_know_what_they_are_quoted_in(symbol: str, rate: str, factor: Callable[[pd.Series], pd.Series]) -> None:
    frame = pd.DataFrame({symbol: drawn(1, 900.0), "SPY": drawn(2, 500.0)})
    if rate:
        frame[rate] = drawn(3, 1.1, 0.005)
    found = in_dollars_of(symbol, "SPY", frame).studied.market.prices.series[symbol]
    expected = frame[symbol] * factor(frame[rate] if rate else frame[symbol])
    np.testing.assert_allclose(found.close, expected[pd.DatetimeIndex(found.dates)], rtol=1e-12)


def test_a_dollar_in_another_currency_has_no_price_in_dollars() -> None:
    frame = pd.DataFrame({"JPY=X": drawn(1, 150.0), "SPY": drawn(2, 500.0)})
    with pytest.raises(EventStudyError, match="is the price of a dollar"):
        in_dollars_of("JPY=X", "SPY", frame)


@pytest.mark.parametrize("day", ["2025-04-15", "2025-04-16", "2025-04-17"])
def test_a_hole_of_the_rate_closes_no_exchange(prices: Path, tmp_path: Path, day: str) -> None:
    path = prices / "EURUSD=X.csv"
    path.write_text("\n".join(line for line in path.read_text().splitlines() if not line.startswith(day)) + "\n")
    done = study(tmp_path, ROWS, "--currency", "USD")
    assert done.code == 0 and "taken to have been closed" not in done.err, done.err
    with (tmp_path / "reports" / "windows.csv").open() as handle:
        rows = [row for row in csv.DictReader(handle) if row["ticker"] == "ASML.AS"]
    assert rows and {row["day0"] for row in rows} == {"2025-04-16"}
    flags = {flag for row in rows for flag in row["flags"].split(";")}
    assert "calendar_corrected" not in flags and ("no_trade_day0" in flags) == (day == "2025-04-16")


def test_many_holes_of_the_rate_are_no_other_calendar(prices: Path, tmp_path: Path) -> None:
    path = prices / "EURUSD=X.csv"
    lines = path.read_text().splitlines()
    path.write_text("\n".join(line for at, line in enumerate(lines) if at % 9 or at == 0) + "\n")
    done = study(tmp_path, ROWS, "--currency", "USD")
    assert done.code == 0 and "calendar" not in done.err, done.err
    with (tmp_path / "reports" / "excluded.csv").open() as handle:
        assert not list(csv.DictReader(handle))


def test_closes_that_repeat_stay_so_in_dollars(prices: Path, tmp_path: Path) -> None:
    """A holiday that the calendar does not know, padded with the close before: the rate moves and proves nothing."""
    for name in ("ASML.AS", "^AEX"):
        frame = pd.read_csv(prices / f"{name}.csv")
        at = frame.index[frame["Date"] == "2025-04-16"][0]
        frame.loc[at, "Close"] = frame.loc[at - 1, "Close"]
        frame.to_csv(prices / f"{name}.csv", index=False)
    said = [study(tmp_path, ROWS, "--currency", currency).err for currency in ("local", "USD")]
    assert all("XAMS: the exchange is taken to have been closed on 2025-04-16" in err for err in said), said


@pytest.mark.parametrize(
    ("first", "last", "flag"), [("2025-04-07", "2025-04-22", "stale_prices"), ("2025-04-22", "", "stale_tail")]
)
def test_closes_that_stand_still_are_told_in_dollars_as_at_home(
    prices: Path, tmp_path: Path, first: str, last: str, flag: str
) -> None:
    """A run of equal closes, and a file that goes on with the last close: the rate moves both."""
    frame = pd.read_csv(prices / "ASML.AS.csv")
    rows = (frame["Date"] >= first) & (frame["Date"] <= (last or "2099-01-01"))
    frame.loc[rows, "Close"] = frame.loc[rows, "Close"].iloc[0]
    frame.to_csv(prices / "ASML.AS.csv", index=False)
    told = []
    for currency in ("local", "USD"):
        assert study(tmp_path, ROWS, "--currency", currency).code == 0
        with (tmp_path / "reports" / "windows.csv").open() as handle:
            rows_of = [row for row in csv.DictReader(handle) if row["ticker"] == "ASML.AS"]
        with (tmp_path / "reports" / "excluded.csv").open() as handle:
            lost = [row["reason"] for row in csv.DictReader(handle)]
        told.append((sorted({one for row in rows_of for one in row["flags"].split(";")}), lost))
    assert told[0] == told[1] and flag in told[0][0]


def long(frame: pd.DataFrame, **stated: str) -> pd.DataFrame:
    table = frame.rename_axis("date").reset_index().melt("date", var_name="ticker", value_name="close")
    table["currency"] = table["ticker"].map(stated).fillna("")
    return table


@pytest.mark.parametrize("form", ["csv", "parquet", "frame"])
@pytest.mark.parametrize(
    ("stated", "factor"), [("", 0.01), ("GBp", 0.01), ("GBX", 0.01), ("GBP", 1.0), ("USD", 0.0), ("EUR", -1.0)]
)
def test_the_currency_that_a_file_states_wins(tmp_path: Path, form: str, stated: str, factor: float) -> None:
    frame = pd.DataFrame(
        {"VOD.L": drawn(1, 70.0), "SPY": drawn(2, 500.0), "GBPUSD=X": drawn(3, 1.3), "EURUSD=X": drawn(4, 1.1)}
    )
    table = long(frame, **{"VOD.L": stated})
    spec = StudySpec(currency="USD", estimation=120, tests=("ar-t",), source=f"{form}:{tmp_path / 'p'}.{form}")
    if form == "csv":
        table.to_csv(tmp_path / "p.csv", index=False)
    elif form == "parquet":
        table.to_parquet(tmp_path / "p.parquet")
    events = pd.DataFrame(
        {
            "ticker": ["VOD.L"],
            "announced_at": ["2025-03-12"],
            "timing": ["dmh"],
            "benchmark": ["SPY"],
            "calendar": ["data"],
        }
    )
    result = run(events, table, replace(spec, source="auto")) if form == "frame" else run(events, None, spec)
    series = result.studied.market.prices.series["VOD.L"]
    rate = {0.0: 1.0, -1.0: frame["EURUSD=X"]}.get(factor, factor * frame["GBPUSD=X"])
    np.testing.assert_allclose(series.close, (frame["VOD.L"] * rate)[pd.DatetimeIndex(series.dates)], rtol=1e-9)
    assert ("GBp is assumed" in series.provenance.notice) == (not stated)


def test_lines_whose_currency_is_not_stated_are_told() -> None:
    frame = pd.DataFrame({"SMSN.IL": drawn(1, 900.0), "SPY": drawn(2, 500.0)})
    result = in_dollars_of("SMSN.IL", "SPY", frame)
    assert any("SMSN.IL" in notice and "USD is assumed" in notice for notice in result.notices)


def test_closes_of_one_line_in_two_currencies_are_refused() -> None:
    closes = {"VOD.L": drawn(1, 70.0, days=SESSIONS), "SPY": drawn(2, 500.0, days=SESSIONS)}
    table = long(pd.DataFrame(closes), **{"VOD.L": "GBp"})
    table.loc[table.index[table["ticker"] == "VOD.L"][300:], "currency"] = "EUR"
    events = pd.DataFrame(
        {"ticker": ["VOD.L", "SPY"], "announced_at": ["2025-03-12"] * 2, "benchmark": ["SPY", "VOD.L"]}
    )
    with pytest.raises(EventStudyError, match="closes in EUR and GBp"):
        run(events, table, StudySpec(estimation=120, tests=("ar-t",)))
