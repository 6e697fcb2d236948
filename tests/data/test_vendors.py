"""The study on other vendors' records of the same sessions: equal conclusions, and every difference listed.

Needs the larger tables that ``EVENTSTUDY_TEST_DATA`` names; without them it is skipped.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from eventstudy.spec import StudySpec, Window
from eventstudy.study import run
from tests.conftest import ROOT

FOLDER = os.environ.get("EVENTSTUDY_TEST_DATA", "")
pytestmark = pytest.mark.skipif(
    not (Path(FOLDER) / "prices_crosscheck.csv").is_file() or not FOLDER,
    reason="EVENTSTUDY_TEST_DATA names no folder with prices_crosscheck.csv",
)
SPEC = StudySpec(estimation=200, spec_curve="off")
# that vendor's table holds one year only
SHORT = StudySpec(
    estimation=65,
    min_estimation=30,
    gap=0,
    spec_curve="off",
    event_window=Window(-1, 10),
    windows=(Window(0, 0), Window(0, 1), Window(-1, 1), Window(0, 10)),
)
# exchange closes, and one broker's own quotes
EXCHANGE = ("alphavantage", "nasdaq", "polygon", "tiingo")
BROKER = "dukascopy"
ALPHA = 0.05


@lru_cache(maxsize=1)
def yahoo() -> pd.DataFrame:
    return pd.read_csv(Path(FOLDER) / "prices.csv", usecols=["date", "ticker", "close"])


@lru_cache(maxsize=1)
def others() -> pd.DataFrame:
    return pd.read_csv(Path(FOLDER) / "prices_crosscheck.csv", usecols=["date", "ticker", "source", "close"])


def tables(vendor: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The vendor's closes, and Yahoo's for the same tickers and dates; the benchmark from Yahoo where the vendor lacks it."""
    theirs = others()[others()["source"] == vendor].drop(columns="source")
    ours = yahoo().merge(theirs[["date", "ticker"]], on=["date", "ticker"])
    if "SPY" not in set(theirs["ticker"]):
        market = yahoo()[yahoo()["ticker"] == "SPY"]
        market = market[market["date"].isin(theirs["date"])]
        theirs, ours = pd.concat([theirs, market]), pd.concat([ours, market])
    return theirs, ours


def windows(prices: pd.DataFrame, spec: StudySpec = SPEC) -> pd.DataFrame:
    found = run(ROOT / "events.csv", prices, spec).windows
    return found.set_index(["event_id", "ticker", "window"])


def disagreements(theirs: pd.DataFrame, ours: pd.DataFrame, column: str) -> pd.DataFrame:
    """Windows that one table calls significant and the other does not."""
    known = theirs[column].notna() & ours[column].notna()
    differs = ((theirs[column] < ALPHA) != (ours[column] < ALPHA)) & known
    return pd.DataFrame({"theirs": theirs.loc[differs, column], "ours": ours.loc[differs, column]})


@pytest.mark.parametrize("vendor", EXCHANGE)
def test_vendors_of_exchange_closes_give_the_same_conclusions(vendor: str) -> None:
    spec = SHORT if vendor == "polygon" else SPEC
    theirs, ours = (windows(table, spec) for table in tables(vendor))
    assert theirs.index.equals(ours.index) and len(theirs) >= 15
    gap = (theirs["car"] - ours["car"]).abs()
    print(f"{vendor}: {len(gap)} windows, largest difference of a CAR {gap.max():.1e} at {gap.idxmax()}")
    assert gap.max() < 2e-4, "a cent of rounding"
    for column in ("p_t", "p_local", "p_conformal", "p_placebo"):
        listed = disagreements(theirs, ours, column)
        assert listed.empty, f"{column}\n{listed}"


def test_a_broker_s_quotes_differ_where_they_are_known_to() -> None:
    theirs, ours = (windows(table) for table in tables(BROKER))
    shared = theirs.index.intersection(ours.index)
    theirs, ours = theirs.loc[shared], ours.loc[shared]
    gap = (theirs["car"] - ours["car"]).abs()
    listed = disagreements(theirs, ours, "p_t")
    print(f"{BROKER}: {len(gap)} windows, median difference of a CAR {gap.median():.1e}, largest {gap.max():.1e}")
    print(listed)
    assert 1e-5 < gap.median() < 2e-3 and gap.max() < 0.03, "other prices, the same market"
    assert len(listed) <= 0.05 * len(gap)


def test_another_record_of_yahoo_is_the_snapshot() -> None:
    theirs = windows(yahoo()[yahoo()["date"].between("2021-07-01", "2025-06-30")])
    from eventstudy.data.snapshot import SnapshotSource

    source = SnapshotSource()
    held = source.fetch(["NVDA", "AMD", "ASML", "SPY"], *(pd.Timestamp(d).date() for d in ("2021-07-01", "2025-06-30")))
    frame = pd.concat(
        pd.DataFrame({"ticker": s, "date": p.dates.astype(str), "close": p.close}) for s, p in held.series.items()
    )
    ours = windows(frame)
    assert theirs.index.equals(ours.index)
    np.testing.assert_allclose(theirs["car"], ours["car"], atol=1e-4)
    assert disagreements(theirs, ours, "p_t").empty
