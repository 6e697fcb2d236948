"""Figures that contradict themselves without another column: gross returns, copied blocks, exchanged columns, dividends."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from eventstudy.data.doubtful import exchanged, repeated, smoothed, unordered
from eventstudy.data.figures import GROSS_ROWS, gross_returns, without_order
from eventstudy.data.sources import source_from_frame
from eventstudy.study import run
from tests.data.test_heading_words import WAYS, frame
from tests.data.test_layouts import EVENTS, SPEC, TRUTH, folder_of

DAY0 = "2025-04-16"
PANEL = Path(os.environ.get("EVENTSTUDY_TEST_DATA", "")) / "panel.parquet"


def studied(tmp_path: Path, table: pd.DataFrame, way: str, **choices: object) -> tuple[float, set[str]]:
    """CAR and flags of a table of ABC beside a clean SPY."""
    spec = SPEC.with_changes(**choices)
    market = frame("SPY")
    if spec.input == "returns":
        market = market.assign(ret=market.pop("Close").pct_change())
    both = pd.concat([table.assign(ticker="ABC"), market.assign(ticker="SPY")])
    if way == "csv":
        folder = folder_of(tmp_path, {"ABC": table.to_csv(index=False), "SPY": market.to_csv(index=False)})
        result = run(EVENTS, spec=spec.with_changes(source=f"csv:{folder}"))
    elif way == "parquet":
        both.to_parquet(tmp_path / "p.parquet", index=False)
        result = run(EVENTS, spec=spec.with_changes(source=f"parquet:{tmp_path / 'p.parquet'}"))
    else:
        result = run(EVENTS, source_from_frame(both, spec.input), spec)
    row = result.windows.set_index("window").loc["[0,0]"]
    return float(row["car"]), set(filter(None, str(row["flags"]).split(";")))


def refusal(tmp_path: Path, table: pd.DataFrame, way: str, **choices: object) -> str:
    with pytest.raises(Exception, match="ABC") as caught:
        studied(tmp_path, table, way, **choices)
    return str(caught.value)


@pytest.mark.parametrize("way", WAYS)
def test_gross_returns_are_gross_returns(tmp_path: Path, way: str) -> None:
    table = frame()
    table["Close"] = table["Close"].pct_change().fillna(0.0) + 1
    said = refusal(tmp_path, table, way)
    assert "gross returns (1 + r)" in said and "subtract 1 and give input='returns'" in said
    # wide: a column per ticker
    wide = pd.DataFrame({"Date": table["Date"], "ABC": table["Close"]}).merge(
        frame("SPY").rename(columns={"Close": "SPY"})
    )
    place = tmp_path / f"wide.{'csv' if way == 'csv' else 'parquet'}"
    with pytest.raises(Exception, match="gross returns"):
        if way == "frame":
            run(EVENTS, source_from_frame(wide), SPEC)
        elif way == "csv":
            wide.to_csv(place, index=False)
            run(EVENTS, spec=SPEC.with_changes(source=f"csv:{place}"))
        else:
            wide.to_parquet(place, index=False)
            run(EVENTS, spec=SPEC.with_changes(source=f"parquet:{place}"))


def test_a_caller_who_says_prices_has_them_read(tmp_path: Path) -> None:
    table = frame()
    table["Close"] = table["Close"].pct_change().fillna(0.0) + 1
    assert np.isfinite(studied(tmp_path, table, "csv", input="prices")[0])


def test_prices_that_lie_about_one_are_prices() -> None:
    rng = np.random.default_rng(5)
    for n in (GROSS_ROWS, 250, 1500):
        walks = np.round(np.exp(np.cumsum(rng.normal(0, 0.01, (300, n)), axis=1)), 2)
        assert not any(without_order(walk / np.median(walk)) for walk in walks)
        assert sum(bool(gross_returns(1 + rng.normal(0, 0.01, n))) for _ in range(300)) >= 295


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("make", "said"), [("size", "no negative return"), ("tenths", "returns in percent")])
def test_returns_without_sign_or_in_another_unit_are_refused(tmp_path: Path, way: str, make: str, said: str) -> None:
    table = frame()
    returns = table.pop("Close").pct_change()
    table["ret"] = returns.abs() if make == "size" else returns * 10
    assert said in refusal(tmp_path, table, way, input="returns")


def test_the_returns_of_a_deposit_are_never_negative(tmp_path: Path) -> None:
    table = frame()
    table["ret"] = table.pop("Close").pct_change().abs() * 0 + 0.0001
    assert "zero_variance" in studied(tmp_path, table, "csv", input="returns")[1]


@pytest.mark.parametrize("way", WAYS)
def test_returns_about_a_hundred_are_gross_returns(tmp_path: Path, way: str) -> None:
    table = frame()
    shuffled = table.assign(Close=table["Close"].sample(frac=1, random_state=1).to_numpy())
    assert "doubtful_closes" in studied(tmp_path, shuffled, way)[1]
    folder = tmp_path / "other"
    folder.mkdir()
    said = refusal(folder, table.assign(Close=100 * (1 + table["Close"].pct_change().fillna(0.0))), way)
    assert "subtract 100, divide by 100" in said


def test_rows_are_sorted_before_they_are_checked(tmp_path: Path) -> None:
    table = frame().sample(frac=1, random_state=3)
    assert studied(tmp_path, table, "csv")[0] == pytest.approx(TRUTH, abs=1e-7)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("days", [2, 5, 20])
def test_means_over_several_days_are_flagged(tmp_path: Path, way: str, days: int) -> None:
    table = frame()
    table["Close"] = table["Close"].rolling(days, min_periods=1).mean()
    assert "doubtful_closes" in studied(tmp_path, table, way)[1]


@pytest.mark.parametrize("percent", [False, True])
def test_returns_of_both_signs_without_the_option_name_it(tmp_path: Path, percent: bool) -> None:
    table = frame()
    table["Close"] = table["Close"].pct_change().fillna(0.001) * (100 if percent else 1)
    said = refusal(tmp_path, table, "csv")
    assert "give input='returns'" in said and ("divide by 100" in said) == percent


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("to", [380, 420, 465])
def test_a_copied_block_of_closes_is_flagged(tmp_path: Path, way: str, to: int) -> None:
    table = frame()
    day0 = table.index[table["Date"] == DAY0][0]
    start = day0 - 470 + to
    table.loc[start : start + 19, "Close"] = table.loc[start - 60 : start - 41, "Close"].to_numpy()
    _, flags = studied(tmp_path, table, way)
    assert "doubtful_closes" in flags


def test_a_copied_block_of_returns_is_flagged(tmp_path: Path) -> None:
    table = frame()
    table = table.assign(ret=table.pop("Close").pct_change())
    assert "doubtful_closes" not in studied(tmp_path, table, "frame", input="returns")[1]
    table.loc[300:311, "ret"] = table.loc[330:341, "ret"].to_numpy()
    assert "doubtful_closes" in studied(tmp_path, table, "frame", input="returns")[1]


def test_nine_moves_again_are_too_few_and_ten_are_not() -> None:
    moves = np.random.default_rng(1).normal(0, 0.01, 500)
    for n, told in ((9, 0), (10, 20), (15, 30)):
        copied = moves.copy()
        copied[400 : 400 + n] = copied[100 : 100 + n]
        assert repeated(copied).sum() == told
        assert repeated(copied)[100] == bool(told)


def test_closes_that_rest_or_go_to_and_fro_are_no_copies() -> None:
    assert not repeated(np.zeros(300)).any()
    assert not repeated(np.tile([0.01, -0.0099], 150)).any()
    rng = np.random.default_rng(2)
    cheap = [np.maximum(np.round(np.exp(np.cumsum(rng.normal(0, 0.02, 1500))), 2), 0.01) for _ in range(100)]
    assert not any(repeated(one[1:] / one[:-1] - 1).any() for one in cheap)


@pytest.mark.parametrize("way", WAYS)
def test_exchanged_opens_and_closes_are_flagged(tmp_path: Path, way: str) -> None:
    table, rng = frame(), np.random.default_rng(3)
    table["Open"] = table["Close"].shift(1, fill_value=80.0) * np.exp(rng.normal(0, 0.007, len(table)))
    car, flags = studied(tmp_path, table, way)
    assert car == pytest.approx(TRUTH, abs=1e-7) and "doubtful_closes" not in flags
    folder = tmp_path / "other"
    folder.mkdir()
    wrong = table.rename(columns={"Open": "Close", "Close": "Open"})
    assert "doubtful_closes" in studied(folder, wrong, way)[1]


def test_opens_equal_to_closes_are_not_exchanged_columns() -> None:
    close = np.exp(np.cumsum(np.random.default_rng(4).normal(0, 0.01, 500)))
    assert not exchanged(close, close)
    assert not exchanged(np.append(close[:1], close[:-1]), close), "the close before"
    assert not exchanged(np.full(500, np.nan), close)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("adjusted", [False, True])
@pytest.mark.parametrize("share", [1.0, 1.5, 40.0])
def test_a_dividend_not_smaller_than_the_close_before_refuses(
    tmp_path: Path, way: str, adjusted: bool, share: float
) -> None:
    table = frame()
    at = 300
    before = table["Close"][at - 1]
    table["Dividends"] = 0.0
    table.loc[at, "Dividends"] = share * before
    if adjusted:
        table["Adj Close"] = table["Close"]
    said = refusal(tmp_path, table, way)
    assert f"{table['Date'][at]}: a dividend of {share * before:.6g}" in said and f"{before:.6g}" in said


@pytest.mark.skipif(not PANEL.is_file(), reason="EVENTSTUDY_TEST_DATA names no folder with panel.parquet")
def test_no_real_firm_is_doubtful() -> None:
    panel = pd.read_parquet(PANEL).sort_values(["ticker", "date"])
    for ticker, rows in panel.groupby("ticker"):
        close = rows["adj_close"].to_numpy(dtype=np.float64)
        close = close[np.isfinite(close)]
        moves = close[1:] / close[:-1] - 1
        assert not repeated(moves).any() and not smoothed(moves) and not without_order(close), ticker
        assert not unordered(close).any(), ticker
    prices = pd.read_csv(PANEL.parent / "prices.csv")
    for ticker, rows in prices.groupby("ticker"):
        opens, close = rows["open"].to_numpy(dtype=np.float64), rows["close"].to_numpy(dtype=np.float64)
        assert not exchanged(opens, close) and exchanged(close, opens), ticker
