"""Prices in dollars: closes, dividends and index times the rate of their day, and nothing carried forward."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from eventstudy.data.currency import pair_of
from eventstudy.data.markets import MARKETS
from eventstudy.errors import UsageError
from eventstudy.spec import StudySpec
from eventstudy.study import run
from tests.cli.conftest import run_in
from tests.data.test_markets import study, walk

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
    days = pd.bdate_range(date(2024, 1, 2), date(2025, 6, 30))
    rng = np.random.default_rng(4)

    def path(scale: float) -> np.ndarray:
        return scale * np.exp(np.cumsum(rng.normal(0, 0.01, len(days))))

    frame = pd.DataFrame(
        {"VOD.L": path(70), "7203.T": path(3000), "SPY": path(500), "GBPUSD=X": path(1.25), "JPY=X": path(150)},
        index=days,
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
