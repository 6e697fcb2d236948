"""Rows that a table has been filled with: by the close before, by a straight line, by a return of 0."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from eventstudy.data.doubtful import interpolated
from eventstudy.data.quality import filled_forward
from eventstudy.data.sources import source_from_frame
from eventstudy.study import run
from tests.data.test_doubtful import DAY0, refusal, studied
from tests.data.test_heading_words import WAYS, frame
from tests.data.test_layouts import EVENTS, SPEC, TRUTH

PANEL = Path(os.environ.get("EVENTSTUDY_TEST_DATA", "")) / "panel.parquet"


def with_holes(share: float, seed: int = 1) -> pd.DataFrame:
    table = frame()
    lost = np.random.default_rng(seed).random(len(table)) < share
    lost[0] = lost[-1] = False
    return table.assign(Close=table["Close"].mask(lost))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("how", "flag"), [("ffill", "stale_prices"), ("interpolate", "doubtful_closes")])
def test_filled_rows_are_flagged(tmp_path: Path, way: str, how: str, flag: str) -> None:
    table = with_holes(0.1)
    table["Close"] = getattr(table["Close"], how)()
    car, flags = studied(tmp_path, table, way)
    assert abs(car - TRUTH) > 1e-4 and flag in flags


def test_rows_left_out_are_not(tmp_path: Path) -> None:
    assert not {"stale_prices", "doubtful_closes"} & studied(tmp_path, with_holes(0.1), "csv")[1]


@pytest.mark.parametrize("days", ["D", "B"])
@pytest.mark.parametrize("how", ["ffill", "bfill"])
@pytest.mark.parametrize("of", ["ABC", "both"])
def test_rows_filled_off_the_calendar_are_left_out(
    tmp_path: Path, days: str, how: str, of: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Holidays and weekends that hold the close before or after: the sessions beside them keep their returns."""

    def filled(table: pd.DataFrame) -> pd.DataFrame:
        closes = table.assign(Date=pd.to_datetime(table["Date"])).set_index("Date").asfreq(days)
        return getattr(closes, how)().reset_index().assign(Date=lambda rows: rows["Date"].dt.strftime("%Y-%m-%d"))

    market = frame("SPY")
    monkeypatch.setattr("tests.data.test_doubtful.frame", lambda symbol: filled(market) if of == "both" else market)
    car, flags = studied(tmp_path, filled(frame()), "frame")
    assert abs(car - TRUTH) < 1e-7 and not flags & {"stale_prices", "calendar_corrected", "off_calendar"}


def test_interpolated_weekends_are_named(tmp_path: Path) -> None:
    table = frame()
    closes = table.assign(Date=pd.to_datetime(table["Date"])).set_index("Date")["Close"]
    table = closes.asfreq("D").interpolate().reset_index()
    table["Date"] = table["Date"].dt.strftime("%Y-%m-%d")
    both = pd.concat([table.assign(ticker="ABC"), frame("SPY").assign(ticker="SPY")])
    result = run(EVENTS, source_from_frame(both), SPEC)
    assert "as interpolated rows do: leave them out" in result.excluded["detail"].iloc[0]


def test_returns_filled_with_0_are_flagged(tmp_path: Path) -> None:
    table = frame()
    table["ret"] = table.pop("Close").pct_change()
    clean = studied(tmp_path, table, "frame", input="returns")
    table.loc[np.random.default_rng(1).random(len(table)) < 0.1, "ret"] = 0.0
    found = studied(tmp_path, table, "csv", input="returns")
    assert "stale_prices" not in clean[1] and "stale_prices" in found[1]


@pytest.mark.parametrize("of", ["ABC", "SPY"])
def test_a_day_0_that_repeats_the_close_before_is_flagged(
    tmp_path: Path, of: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    table, market = frame(), frame("SPY")
    held = table if of == "ABC" else market
    held["Close"] = held["Close"].mask(held["Date"] == DAY0).ffill()
    monkeypatch.setattr("tests.data.test_doubtful.frame", lambda symbol="ABC": market if symbol == "SPY" else table)
    car, flags = studied(tmp_path, table, "frame")
    assert abs(car - TRUTH) > 1e-2 and "stale_prices" in flags


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("down", [False, True])
def test_sorted_closes_are_flagged(tmp_path: Path, way: str, down: bool) -> None:
    table = frame()
    table["Close"] = np.sort(table["Close"])[:: -1 if down else 1]
    assert "doubtful_closes" in studied(tmp_path, table, way)[1]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("what", ["close", "high", "low", "mean"])
def test_closes_that_are_another_column_are_flagged(tmp_path: Path, way: str, what: str) -> None:
    table = frame()
    spread = np.random.default_rng(2).uniform(0.001, 0.02, (2, len(table)))
    high, low = table["Close"] * (1 + spread[0]), table["Close"] * (1 - spread[1])
    table = table.assign(High=high, Low=low)
    table["Close"] = {"close": table["Close"], "high": high, "low": low, "mean": (high + low) / 2}[what]
    assert ("doubtful_closes" in studied(tmp_path, table, way)[1]) == (what != "close")


def test_a_range_made_of_open_and_close_is_not(tmp_path: Path) -> None:
    """Half of the closes are its highs and the others its lows."""
    table = frame()
    table["Open"] = table["Close"] * np.exp(np.random.default_rng(3).normal(0.002, 0.01, len(table)))
    table = table.assign(High=table[["Open", "Close"]].max(axis=1), Low=table[["Open", "Close"]].min(axis=1))
    assert (table["Low"] == table["Close"]).mean() > 0.52
    assert "doubtful_closes" not in studied(tmp_path, table, "csv")[1]


@pytest.mark.parametrize("what", ["another series", "a row late", "logarithms"])
def test_an_adjusted_close_that_moves_apart_is_refused(tmp_path: Path, what: str) -> None:
    table = frame()
    closes = table["Close"]
    table["Adj Close"] = {
        "another series": frame("SPY")["Close"].to_numpy(),
        "a row late": closes.shift(1).bfill(),
        "logarithms": np.log(closes),
    }[what]
    said = refusal(tmp_path, table, "csv")
    assert "they move apart on" in said and "leave out the column that is wrong" in said


def test_an_adjusted_close_of_a_weekly_payer_is_taken(tmp_path: Path) -> None:
    table = frame()
    paid = np.where(np.arange(len(table)) % 5 == 0, 0.002, 0.0)
    table["Adj Close"] = (table["Close"] * np.cumprod(1 + paid)).round(4)
    assert not studied(tmp_path, table, "csv")[1]


def test_the_ticks_of_a_cheap_stock_explain_its_repeats() -> None:
    rng = np.random.default_rng(3)
    closes = np.round(2 * np.exp(np.cumsum(rng.normal(0, 0.02, 500))), 2)
    moves = (closes[1:] / closes[:-1] - 1)[None]
    assert np.count_nonzero(moves == 0) > 25 and not filled_forward(moves[None]).any()
    assert not interpolated(closes).any()
    closes[rng.random(500) < 0.15] = np.nan
    moves = pd.Series(closes).ffill().pct_change().to_numpy()[None]
    assert filled_forward(moves[None]).sum() > 60


def test_only_the_years_that_repeat_are_found() -> None:
    rng = np.random.default_rng(4)
    moves = rng.normal(0, 0.02, (2, 1000))
    moves[1, 250:500][rng.random(250) < 0.2] = 0.0
    moves[1, 700] = 0.0
    found = np.flatnonzero(filled_forward(moves[None]))
    assert len(found) > 30 and found.min() >= 250 and found.max() < 500


@pytest.mark.skipif(not PANEL.is_file(), reason="EVENTSTUDY_TEST_DATA names no folder with panel.parquet")
def test_real_firms_raise_no_alarm() -> None:
    """Two were quoted and hardly traded for years: their closes are stale."""
    rng = np.random.default_rng(0)
    stale, straight, missed = set(), set(), 0
    for ticker, rows in pd.read_parquet(PANEL).groupby("ticker", observed=True):
        closes = rows["adj_close"].to_numpy(float)
        if filled_forward((closes[1:] / closes[:-1] - 1)[None, None]).any():
            stale.add(ticker)
        if interpolated(closes).any():
            straight.add(ticker)
        last = pd.Series(closes[-460:]).mask(rng.random(min(460, len(closes))) < 0.1)
        missed += not filled_forward(last.ffill().pct_change().to_numpy()[None, None]).any()
        missed += not interpolated(last.interpolate().bfill().to_numpy()).any()
    assert stale == {"AMCR", "SW"} and not straight and not missed
