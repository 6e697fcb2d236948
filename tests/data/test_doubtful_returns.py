"""Figures that are possible and wrong: another unit, a missing delisting return, dividends that closes do not show."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from eventstudy.data.doubtful import unordered
from eventstudy.data.sources import source_from_frame
from eventstudy.errors import EventStudyError
from eventstudy.results import StudyResult
from eventstudy.study import run
from tests.data.test_doubtful import studied
from tests.data.test_heading_words import DAY0, WAYS, frame
from tests.data.test_layouts import EVENTS, SPEC, TRUTH

AT = int(np.flatnonzero(frame()["Date"] == DAY0)[0])


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("rows", [80, 200])
def test_shuffled_closes_within_the_window_are_flagged(tmp_path: Path, way: str, rows: int) -> None:
    table = frame()
    part = slice(AT - 20 - rows, AT - 21)
    table.loc[part, "Close"] = table.loc[part, "Close"].sample(frac=1, random_state=4).to_numpy()
    assert "doubtful_closes" in studied(tmp_path, table, way)[1]


def test_closes_in_their_order_have_an_order() -> None:
    rng = np.random.default_rng(8)
    walks = 100 * np.exp(np.cumsum(rng.normal(0, 0.015, (200, 1500)), axis=1))
    assert not any(unordered(np.round(walk, 2)).any() for walk in walks)
    # a price that goes to and fro between few values is not judged
    assert not unordered(np.round(rng.choice([0.10, 0.11, 0.12], 500), 2)).any()
    assert not unordered(np.linspace(1, 2, 59)).any()


@pytest.mark.parametrize("way", WAYS)
def test_percent_returns_of_a_quiet_asset_are_flagged(tmp_path: Path, way: str) -> None:
    table = frame()
    table["ret"] = table.pop("Close").pct_change() * 0.04
    car, flags = studied(tmp_path, table, way, input="returns")
    assert "doubtful_closes" not in flags
    table["ret"] *= 100
    folder = tmp_path / "percent"
    folder.mkdir()
    wrong, flags = studied(folder, table, way, input="returns")
    assert "doubtful_closes" in flags and abs(wrong) > 10 * abs(car)


@pytest.mark.parametrize(
    ("factor", "said"), [(100, "in percent; divide by 100"), (10_000, "in basis points; divide by 10,000")]
)
def test_a_unit_is_refused_with_one_cure(tmp_path: Path, factor: float, said: str) -> None:
    table = frame()
    table["ret"] = table.pop("Close").pct_change() * factor
    with pytest.raises(EventStudyError) as caught:
        studied(tmp_path, table, "csv", input="returns")
    assert said in str(caught.value) and "total loss" not in str(caught.value)


def paying(table: pd.DataFrame, factor: float) -> pd.DataFrame:
    """Raw closes of a payer of 3 % on day 0 and twice before, and a column that states the dividends times a factor."""
    paid = pd.Series(0.0, index=table.index)
    for at in (AT - 126, AT - 63, AT):
        paid[at] = round(0.03 * table["Close"][at - 1], 2)
        table.loc[at:, "Close"] *= 1 - paid[at] / table["Close"][at - 1]
    return table.assign(Close=table["Close"].round(2), Dividends=(paid * factor).round(4))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("factor", [0.1, 10.0])
def test_dividends_in_another_unit_are_refused_or_flagged(tmp_path: Path, way: str, factor: float) -> None:
    right, _ = studied(tmp_path, paying(frame(), 1.0), way)
    # a dividend taken off after the return makes the return of the day smaller by its share of it
    assert right == pytest.approx(TRUTH * 0.97, abs=1e-3)
    folder = tmp_path / "other"
    folder.mkdir()
    try:
        wrong, flags = studied(folder, paying(frame(), factor), way)
    except EventStudyError as error:
        assert "the dividends; correct the column" in str(error)
    else:
        assert abs(wrong - right) > 0.02 and "basis_by_heading" in flags


@pytest.mark.parametrize("way", WAYS)
def test_a_day_0_dividend_by_headings_alone_is_flagged(tmp_path: Path, way: str) -> None:
    table = frame()
    table["Dividends"] = 0.0
    table.loc[AT, "Dividends"] = 2.0
    for name in ("Open", "High", "Low"):
        table[name] = table["Close"]
    table = table.assign(Volume=1000)[["Date", "Open", "High", "Low", "Close", "Volume", "Dividends"]]
    table["Stock Splits"] = 0.0
    _, flags = studied(tmp_path, table, way)
    assert "basis_by_heading" in flags
    # far from the event it decides nothing
    folder = tmp_path / "other"
    folder.mkdir()
    table["Dividends"] = table["Dividends"].to_numpy()[::-1]
    assert "basis_by_heading" not in studied(folder, table, way)[1]


def of_crsp(code: str) -> StudyResult:
    """ABC of CRSP with its last trade on day 0 and a code in place of the delisting return."""
    rows = []
    for number, symbol in ((1, "ABC"), (2, "SPY")):
        table = frame(symbol)
        table = table.iloc[: AT + 1] if symbol == "ABC" else table
        returns = table["Close"].pct_change()
        for day, value in zip(table["Date"], returns, strict=True):
            last = symbol == "ABC" and day == DAY0
            rows.append((number, day, symbol, "" if np.isnan(value) else f"{value:.9f}", code if last else ""))
    long = pd.DataFrame(rows, columns=["PERMNO", "date", "TICKER", "RET", "DLRET"])
    return run(EVENTS, source_from_frame(long), SPEC)


@pytest.mark.parametrize("code", ["A", "-88", "-99"])
def test_a_delisting_return_that_is_missing_by_code_is_no_zero(code: str) -> None:
    plain = of_crsp("").windows.set_index("window")
    assert plain.loc["[0,0]", "car"] == pytest.approx(TRUTH, abs=1e-6)
    unknown = of_crsp(code)
    assert not len(unknown.windows) and list(unknown.excluded["reason"]) == ["day0_not_observed"]
    assert any("the delisting return is missing" in text for text in unknown.notices)
    loss = of_crsp("-0.3").windows.set_index("window")
    assert loss.loc["[0,0]", "car"] < TRUTH - 0.25
