"""The default benchmark follows the listing: the row's own, then the one asked for, then the index of its exchange."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from eventstudy.data.calendar import SUFFIXES, load_calendar
from eventstudy.data.markets import LARGE, MARKETS, currency_of, market_of
from eventstudy.spec import StudySpec
from tests.cli.conftest import Outcome, run_in
from tests.conftest import ROOT

START, END = date(2024, 1, 2), date(2025, 6, 30)
# symbols that Yahoo answers for without closes
DEAD = {"^PSI20", "^WIG20", "^PX", "^BUX", "^IPSA"}


def walk(folder: Path, symbol: str, exchange: str, seed: int) -> None:
    """Made-up prices on the sessions of an exchange."""
    days = load_calendar(exchange, START, END).sessions
    close = 100 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 0.01, len(days))))
    rows = [f"{day},{value:.4f}" for day, value in zip(days, close, strict=True)]
    (folder / f"{symbol}.csv").write_text("Date,Close\n" + "\n".join(rows) + "\n")


@pytest.fixture
def prices(tmp_path: Path) -> Path:
    folder = tmp_path / "prices"
    folder.mkdir()
    named = (
        ("ASML.AS", "XAMS"),
        ("^AEX", "XAMS"),
        ("2330.TW", "XTAI"),
        ("^TWII", "XTAI"),
        ("NVDA", "XNYS"),
        ("SPY", "XNYS"),
    )
    for seed, (symbol, exchange) in enumerate(named):
        walk(folder, symbol, exchange, seed)
    return folder


def study(folder: Path, events: Iterable[str], *more: str) -> Outcome:
    (folder / "events.csv").write_text("ticker,announced_at,timing,benchmark\n" + "\n".join(events) + "\n")
    words = ("--source", "csv:prices", "--formats", "csv", "--tests", "ar-t", "--estimation", "120")
    return run_in(folder, "run", *words, "--spec-curve", "off", *more)


def used(folder: Path) -> dict[str, str]:
    with (folder / "reports" / "models.csv").open() as handle:
        return {row["ticker"]: row["benchmark"] for row in csv.DictReader(handle)}


ROWS = ("ASML.AS,2025-04-16,bmo,", "2330.TW,2025-04-16,bmo,", "NVDA,2025-04-16,bmo,")


def test_each_listing_has_the_index_of_its_exchange(prices: Path, tmp_path: Path) -> None:
    done = study(tmp_path, ROWS)
    assert done.code == 0, done.err
    assert used(tmp_path) == {"ASML.AS": "^AEX", "2330.TW": "^TWII", "NVDA": "SPY"}
    assert "2330.TW is measured against ^TWII, the broad index of its exchange (price index" in done.err
    assert "2330.TW is more than a third of ^TWII" in done.err and "--index-weight 2330.TW=W" in done.err
    assert "NVDA is measured" not in done.err
    weighed = study(tmp_path, ROWS, "--index-weight", "2330.TW=0.4")
    assert "more than a third" not in weighed.err and "2330.TW is measured against ^TWII" in weighed.err


def test_what_is_asked_for_wins_and_the_row_wins_over_that(prices: Path, tmp_path: Path) -> None:
    assert study(tmp_path, [*ROWS[1:], "ASML.AS,2025-04-16,bmo,^AEX"], "--benchmark", "SPY").code == 0
    assert used(tmp_path) == {"ASML.AS": "^AEX", "2330.TW": "SPY", "NVDA": "SPY"}
    assert study(tmp_path, [*ROWS[:1], "2330.TW,2025-04-16,bmo,^AEX"]).code == 0
    assert used(tmp_path) == {"ASML.AS": "^AEX", "2330.TW": "^AEX"}


def test_an_index_that_the_source_lacks_excludes_its_rows(prices: Path, tmp_path: Path) -> None:
    (prices / "^TWII.csv").unlink()
    done = study(tmp_path, ROWS)
    assert done.code == 0, done.err
    with (tmp_path / "reports" / "excluded.csv").open() as handle:
        (lost,) = csv.DictReader(handle)
    assert (lost["ticker"], lost["reason"]) == ("2330.TW", "no_benchmark")
    assert "^TWII" in lost["detail"] and "--benchmark SPY" in lost["detail"]


def test_an_index_as_the_ticker_needs_a_benchmark_in_its_row(prices: Path, tmp_path: Path) -> None:
    done = study(tmp_path, [*ROWS, "^TWII,2025-04-16,bmo,"])
    assert done.code == 2 and "line 5" in done.err and "an index is a market of its own" in done.err
    found = run_in(tmp_path, "validate", "events.csv")
    assert found.code == 2 and "line 5" in found.out and "an index is a market of its own" in found.out
    assert study(tmp_path, [*ROWS, "^TWII,2025-04-16,bmo,SPY"]).code == 0
    walk(prices, "^SOX", "XNYS", 12)
    assert study(tmp_path, [*ROWS, "^SOX,2025-04-16,bmo,"]).code == 0, "an index of a sector of New York"
    assert used(tmp_path)["^SOX"] == "SPY"
    assert study(tmp_path, [*ROWS, "^TWII,2025-04-16,bmo,"], "--benchmark", "SPY").code == 0


def test_the_study_is_that_of_the_named_index(prices: Path, tmp_path: Path) -> None:
    """Oracle: the same rows with the index in their own column, which is another way to the same numbers."""
    assert study(tmp_path, ROWS[:2]).code == 0
    mine = (tmp_path / "reports" / "abnormal_returns.csv").read_text()
    assert (
        study(tmp_path, ["ASML.AS,2025-04-16,bmo,^AEX", "2330.TW,2025-04-16,bmo,^TWII"], "--benchmark", "SPY").code == 0
    )
    assert (tmp_path / "reports" / "abnormal_returns.csv").read_text() == mine


def test_a_receipt_and_its_line_at_home(prices: Path, tmp_path: Path) -> None:
    walk(prices, "ASML", "XNYS", 8)
    walk(prices, "TSM", "XNYS", 9)
    text = "event_id,ticker,announced_at\n" + "".join(
        f"{event},{ticker},{moment}\n"
        for event, moment, tickers in (
            ("results", "2025-04-16T07:00:00+02:00", ("ASML", "ASML.AS")),
            ("rule", "2025-03-10T12:00:00-04:00", ("TSM", "2330.TW", "NVDA")),
        )
        for ticker in tickers
    )
    (tmp_path / "events.csv").write_text(text)
    done = run_in(
        tmp_path, "run", "--source", "csv:prices", "--formats", "csv", "--tests", "ar-t", "--estimation", "120"
    )
    assert done.code == 0, done.err
    flat = " ".join(done.err.split())
    assert (
        "results: ASML could react from 13:30 to 20:00 UTC of its day 0, 2025-04-16 (XNYS); ASML.AS could react from 07:00 to "
        "15:30 UTC of its day 0, 2025-04-16 (XAMS)"
    ) in flat
    assert "rule: TSM could react from 13:30 to 20:00 UTC of its day 0, 2025-03-10" in flat
    assert "2330.TW could react from 01:00 to 05:30 UTC of its day 0, 2025-03-11 (XTAI)" in flat


def test_the_table_of_markets() -> None:
    assert set(SUFFIXES.values()) == set(MARKETS) - {"XNYS"}, "every exchange of a suffix, and New York"
    for code, market in MARKETS.items():
        assert market.currency and market.index not in DEAD, code
        assert bool(market.index) == bool(market.kind), code
    assert set(LARGE) <= {market.index for market in MARKETS.values()}
    text = (ROOT / "docs" / "howto" / "several-markets.md").read_text()
    assert all(f"| {code} | {f'`{m.index}`' if m.index else 'none'}" in text for code, m in MARKETS.items())
    found = market_of("ASML.AS")
    assert found is not None and found.index == "^AEX" and market_of("NVDA") == MARKETS["XNYS"]
    symbols = {
        "VOD.L": "GBp", "SMSN.IL": "USD", "7203.T": "JPY", "AAPL": "USD", "BRK-B": "USD", "^TWII": "TWD", "^NONE": "",
        "EURUSD=X": "USD", "JPY=X": "JPY", "EURGBP=X": "GBP", "BTC-USD": "USD", "BTC-EUR": "EUR", "ETH-BTC": "BTC",
    }  # fmt: skip
    assert {symbol: currency_of(symbol) for symbol in symbols} == symbols


def test_a_spec_from_python() -> None:
    assert not StudySpec().benchmarks_given and StudySpec(benchmarks=("^AEX",)).benchmarks_given
    assert StudySpec(benchmarks_given=True).benchmarks == ("SPY",)
