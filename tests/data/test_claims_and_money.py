"""Claims and money where closes are not plain local prices: adjusted for dividends, in pence, in another currency."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from eventstudy.results import StudyResult
from eventstudy.study import run
from tests.data.test_heading_words import frame
from tests.data.test_layouts import SPEC, folder_of


def studied(tmp_path: Path, table: pd.DataFrame, symbol: str = "ABC", **choices: object) -> StudyResult:
    market = frame("SPY")
    folder = folder_of(tmp_path, {symbol: table.to_csv(index=False), "SPY": market.to_csv(index=False)})
    events = pd.DataFrame(
        [
            {
                "ticker": symbol,
                "announced_at": "2025-04-16",
                "timing": "bmo",
                "claimed_return": "-0.05",
                "benchmark": "SPY",
                "calendar": "XNYS",
            }
        ]
    )
    return run(events, spec=SPEC.with_changes(source=f"csv:{folder}", **choices))


@pytest.mark.parametrize(("heading", "said"), [("Adj Close", True), ("Close", False)])
def test_a_claim_against_adjusted_closes_says_what_is_observed(tmp_path: Path, heading: str, said: bool) -> None:
    claims = studied(tmp_path, frame().rename(columns={"Close": heading})).tables["claims"]
    assert claims["verdict"].tolist() != ["no_data"]
    assert ("the closes are adjusted for dividends" in claims["note"].iloc[0]) == said


@pytest.mark.parametrize(
    ("symbol", "unit", "currency"),
    [("VOD.L", 100, "GBP"), ("ABC", 1, "USD"), ("NPN.JO", 100, "ZAR"), ("2330.TW", 1, "TWD")],
)
def test_money_is_in_whole_units_of_a_named_currency(tmp_path: Path, symbol: str, unit: int, currency: str) -> None:
    money = studied(tmp_path, frame(), symbol, shares=(f"{symbol}=1000000",)).tables["dollar"]
    row = money.iloc[0]
    close = frame().set_index("Date")["Close"]
    before = close.iloc[close.index.get_loc(str(row["day0"])[:10]) - 1]
    assert row["currency"] == currency and row["market_value"] == pytest.approx(1e6 * before / unit)
