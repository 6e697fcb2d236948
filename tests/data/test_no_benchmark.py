"""``constant-mean`` needs no benchmark: neither an option nor a series."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import eventstudy as es
from eventstudy.data.calendar import load_calendar
from eventstudy.data.events import read_events
from eventstudy.data.prices import PriceTable
from eventstudy.data.snapshot import SnapshotSource
from eventstudy.errors import SourceUnavailable
from eventstudy.report.pages import page_files
from eventstudy.spec import StudySpec
from eventstudy.study import run
from tests.conftest import ROOT

WITHOUT = "there is no benchmark"


@pytest.fixture(scope="module")
def prices() -> pd.DataFrame:
    """Closes and opens of one share."""
    rng = np.random.default_rng(3)
    days = pd.DatetimeIndex(load_calendar("XNYS", date(2022, 1, 3), date(2024, 12, 31)).sessions)
    close = 100 * np.cumprod(1 + rng.normal(0.0003, 0.02, len(days)))
    opens = close * (1 + rng.normal(0, 0.005, len(days)))
    return pd.DataFrame({"Date": days.strftime("%Y-%m-%d"), "Open": opens, "Close": close})


EVENT = {"ticker": ["F001"], "announced_at": ["2024-05-14"], "timing": ["bmo"]}


def by_hand(prices: pd.DataFrame) -> tuple[float, float]:
    """Own move and t: the return of day 0 less the mean of the 250 before the gap and the ten days of the window."""
    r = prices["Close"].pct_change().to_numpy()
    at = prices["Date"].tolist().index("2024-05-14")
    past = r[at - 270 : at - 20]
    own = r[at] - past.mean()
    return own, own / (past.std(ddof=1) * np.sqrt(1 + 1 / 250))


def test_a_folder_and_a_frame(prices: pd.DataFrame, tmp_path: Path) -> None:
    prices.to_csv(tmp_path / "F001.csv", index=False)
    frame = prices.rename(columns={"Date": "date", "Close": "close"}).assign(ticker="F001")
    from_folder = run_quietly(pd.DataFrame(EVENT), source=f"csv:{tmp_path}")
    from_frame = run_quietly(pd.DataFrame(EVENT), frame[["ticker", "date", "close"]])
    own, t = by_hand(prices)
    for result in (from_folder, from_frame):
        row = result.windows.iloc[0]
        assert row["car"] == pytest.approx(own, rel=1e-10) and row["t"] == pytest.approx(t, rel=1e-10)
        assert set(result.robustness["model"]) == {"constant-mean"} and result.curves.empty
        assert any(WITHOUT in note for note in result.notices)


def run_quietly(*given: Any, **choices: Any) -> es.StudyResult:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", es.EventStudyWarning)
        return es.run(*given, model="constant-mean", **choices)


def test_other_models_need_one(prices: pd.DataFrame) -> None:
    frame = prices.rename(columns={"Date": "date", "Close": "close"}).assign(ticker="F001")[["ticker", "date", "close"]]
    for model in ("market-model", "market-adjusted"):
        with pytest.warns(es.EventStudyWarning, match="no_benchmark"):
            es.run(pd.DataFrame(EVENT), frame, model=model)


class WithoutSpy(SnapshotSource):
    """A vendor that delivers every series or none, and has no series of the market."""

    def fetch(self, symbols: Any, start: date, end: date) -> PriceTable:
        if "SPY" in symbols:
            raise SourceUnavailable("no price source covers the study: SPY", "prices", "")
        return super().fetch(symbols, start, end)


def test_a_vendor_without_the_market() -> None:
    events = read_events(ROOT / "events.csv")
    spec = StudySpec(source="snapshot", model="constant-mean")
    found = run(events, WithoutSpy(), spec, only=["mar_a_lago_dinner"])
    with_market = run(events, spec=spec, only=["mar_a_lago_dinner"])
    assert found.windows.equals(with_market.windows)
    assert len(with_market.robustness) > len(found.robustness) > 0
    with pytest.raises(SourceUnavailable):
        run(events, WithoutSpy(), replace(spec, model="market-model"), only=["mar_a_lago_dinner"])


def test_pages_speak_of_the_usual_day() -> None:
    spec = StudySpec(source="snapshot", model="constant-mean")
    found = run(ROOT / "events.csv", WithoutSpy(), spec, only=["h20_license_8k"])
    for name, data in page_files(found, ("md", "html"), None).items():
        if not name.endswith((".md", ".html")):
            continue
        page = re.split("## Words|<section id=.words", data.decode())[0]
        page = re.sub('title="[^"]*"', "", page)
        assert "usual day" in page and "market explains" not in page and "that of SPY" not in page, name
    assert WITHOUT in page_files(found, ("md",), None)["summary.md"].decode()
