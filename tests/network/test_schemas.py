"""Objects that commands of the price store print fit their documented schemas."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

from tests.docs.schemas import fits
from tests.network.conftest import LISTINGS, Live
from tests.network.stand_in import StandIn


def test_fetch_and_cache(yahoo: StandIn, live: Live, tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text("ticker,announced_at,timing\nNVDA,2025-04-15,amc\nZZZZ,2025-04-15,amc\n")
    assert fits("fetch", live("fetch", "--json").out)["kept"] == 3
    spy = LISTINGS["SPY"]
    yahoo.listings["SPY"] = replace(spy, dividends={**spy.dividends, date(2025, 4, 21): 1.25})
    revised = fits("fetch", live("fetch", "--json").out)
    assert any(series["changed"] for series in revised["series"])
    yahoo.fault("429", times=None)
    refused = live("fetch", "--json")
    assert refused.code == 4 and fits("fetch", refused.out)["error"]
    assert len(fits("cache-info", live("cache", "info", "--json").out)["symbols"]) == 3
    assert fits("cache-verify", live("cache", "verify", "--json").out)["revisions"]
    assert fits("cache-export", live("cache", "export", "out", "--json").out)["symbols"] == ["NVDA", "SPY"]
    fits("cache-import", live("cache", "import", "out", "--json", "--store", "other").out)
    assert fits("cache-clear", live("cache", "clear", "NVDA", "--yes", "--json").out)["vintages_forgotten"] >= 1
