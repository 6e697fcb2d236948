"""Live factors: the real reader against a library on loopback, what is kept of it, and everything that goes wrong."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from eventstudy.data import clock, french
from eventstudy.errors import MalformedResponse, SourceUnavailable, UsageError
from eventstudy.results import StudyResult
from eventstudy.spec import StudySpec
from eventstudy.study import run
from tests.cli.conftest import copy_study, run_in
from tests.conftest import ROOT, module_needs
from tests.network.library import Library, library

module_needs("factors")
PRICES = pd.read_csv(ROOT / "eventstudy" / "data" / "snapshot" / "prices.csv")
DAYS = PRICES.loc[PRICES["ticker"] == "NVDA", "date"].to_numpy(dtype="datetime64[D]")


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch) -> Iterator[Library]:
    """The library as this process meets it; nothing waits."""
    with library(DAYS) as (found, environment):
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr("pandas_datareader.base.time.sleep", lambda _: None)
        yield found


def spec(folder: Path, **changes: object) -> StudySpec:
    chosen = StudySpec(source="snapshot", factors="live", model="ff3", store=str(folder), tests=("car-t",))
    return chosen.with_changes(**changes)


def studied(spec: StudySpec) -> StudyResult:
    """Two announcements of the sample."""
    return run(ROOT / "events.csv", spec=spec, only=["h20_license_8k", "deepseek_shock"])


@pytest.mark.parametrize("model", ["capm", "ff3", "carhart", "ff5", "ff5-mom"])
def test_live_equals_the_same_figures_from_a_file(shelf: Library, tmp_path: Path, model: str) -> None:
    """Percent become decimals; every number of the study is that of a file of decimals."""
    columns = {"date": DAYS.astype(str)}
    columns |= {name.lower().replace("-", "_"): values / 100 for name, values in shelf.figures.items()}
    pd.DataFrame(columns).to_csv(tmp_path / "decimals.csv", index=False)
    live = studied(spec(tmp_path, model=model))
    filed = studied(spec(tmp_path, model=model, factors=str(tmp_path / "decimals.csv")))
    for name in ("windows", "abnormal_returns", "models"):
        pd.testing.assert_frame_equal(live.tables[name], filed.tables[name])
    table = live.studied.market.factors
    assert table is not None and table.unit == "percent, divided by 100"
    wanted = french.FIVE if model.startswith("ff5") else french.THREE
    assert table.vintage.startswith(f"{wanted} 202509")
    assert ("Momentum" in table.vintage) == (model in ("carhart", "ff5-mom"))


def test_stored_factors_serve_offline(shelf: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = studied(spec(tmp_path))
    asked = shelf.asked
    again = studied(spec(tmp_path, offline=True))
    young = studied(spec(tmp_path))
    assert shelf.asked == asked, "kept within the day: not asked again"
    for other in (again, young):
        pd.testing.assert_frame_equal(first.windows, other.windows)
        assert not any("did not answer" in notice for notice in other.notices)
    monkeypatch.setattr(clock, "utc_now", lambda: datetime.now(UTC) + timedelta(days=3))
    shelf.fault = "503"
    old = studied(spec(tmp_path))
    assert shelf.asked > asked
    pd.testing.assert_frame_equal(first.windows, old.windows)
    assert any("did not answer: factors of an earlier answer" in notice for notice in old.notices)
    shelf.fault, shelf.vintage = "", "202510"
    fresh = studied(spec(tmp_path)).studied.market.factors
    assert fresh is not None and "202510" in fresh.vintage and not fresh.notice


def test_a_damaged_copy_is_no_figures(shelf: Library, tmp_path: Path) -> None:
    """Any byte changed, anything cut: the copy is as good as absent."""
    french.live_factors(spec(tmp_path), ("mkt_rf",))
    path = tmp_path / "factors" / f"{french.THREE}.json"
    whole = path.read_bytes()
    rng = np.random.default_rng(4)
    for _ in range(60):
        spoilt = bytearray(whole)
        at = int(rng.integers(len(spoilt)))
        spoilt[at] ^= int(rng.integers(1, 128))
        path.write_bytes(bytes(spoilt))
        found = french.load(path.parent, french.THREE)
        if found is not None:
            # a stamp is not covered, figures are
            np.testing.assert_array_equal(found.columns["mkt_rf"], shelf.figures["Mkt-RF"] / 100)
    path.write_bytes(whole[: len(whole) // 2])
    assert french.load(path.parent, french.THREE) is None
    with pytest.raises(SourceUnavailable, match="offline"):
        french.live_factors(spec(tmp_path, offline=True), ("mkt_rf",))


@pytest.mark.parametrize("fault", ["503", "page", "cut", "empty", "decimals", "twice", "column"])
def test_every_fault_is_an_error_with_advice(shelf: Library, tmp_path: Path, fault: str) -> None:
    shelf.fault = fault
    with pytest.raises(SourceUnavailable) as caught:
        french.live_factors(spec(tmp_path), ("mkt_rf",))
    assert caught.value.exit_code == 4 and "library" in str(caught.value)
    assert isinstance(caught.value, MalformedResponse) == (fault != "503")
    assert not (tmp_path / "factors").exists(), "nothing wrong is kept"


AUTHORITIES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")


@pytest.mark.parametrize("name", [*AUTHORITIES, ""])
def test_only_a_host_with_a_trusted_certificate_is_believed(
    shelf: Library, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """The user's own authorities keep working; without one, the stand-in is a stranger under the library's name."""
    authority = os.environ["REQUESTS_CA_BUNDLE"]
    for other in AUTHORITIES:
        monkeypatch.delenv(other, raising=False)
    if name:
        monkeypatch.setenv(name, authority)
        assert len(french.fetch(french.THREE).dates) == len(DAYS)
        return
    with pytest.raises(SourceUnavailable, match=r"certificate verify failed.*REQUESTS_CA_BUNDLE"):
        french.fetch(french.THREE)
    assert not shelf.requested


def test_what_the_library_lacks_is_missing(shelf: Library, tmp_path: Path) -> None:
    """-99.99 is not a return of minus a hundred per cent."""
    shelf.fault = "missing"
    found = french.live_factors(spec(tmp_path), ("mkt_rf",)).columns["mkt_rf"]
    assert np.isnan(found[-1]) and np.isfinite(found[:-1]).all() and np.nanmin(found) > -0.1


def test_a_folder_that_cannot_be_written_costs_only_the_copy(shelf: Library, tmp_path: Path) -> None:
    (tmp_path / "factors").write_text("a file where the folder should be")
    assert len(french.live_factors(spec(tmp_path), ("mkt_rf",)).dates) == len(DAYS)


def test_without_the_package_there_is_an_install_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pandas_datareader.famafrench", None)
    with pytest.raises(UsageError, match="pandas-datareader") as caught:
        french.live_factors(spec(tmp_path), ("mkt_rf",))
    assert "[factors]" in str(caught.value)


def test_the_command_names_unit_and_vintage_and_exits_4_offline(tmp_path: Path) -> None:
    copy_study(tmp_path)
    (tmp_path / "eventstudy.toml").unlink()
    words = (
        "run",
        "--event",
        "h20_license_8k",
        "--source",
        "snapshot",
        "--model",
        "ff3",
        "--factors",
        "live",
        "--store",
        "store",
    )
    refused = run_in(tmp_path, *words, "--offline")
    assert refused.code == 4 and "run once without --offline" in refused.err and "Traceback" not in refused.err
    assert not (tmp_path / "reports" / "manifest.json").exists()
    with library(DAYS) as (_, environment):
        done = run_in(tmp_path, *words, "--formats", "csv,md,json", env={**environment, "EVENTSTUDY_OFFLINE": "no"})
    assert done.code == 0, done.err
    recorded = json.loads((tmp_path / "reports" / "manifest.json").read_text())["factors"]
    assert recorded["unit"] == "percent, divided by 100" and "202509" in recorded["vintage"] and recorded["fetched_at"]
    assert recorded["rows"] == len(DAYS)
    text = (tmp_path / "reports" / "summary.md").read_text()
    assert "202509" in text and "divided by 100" in text
    again = run_in(tmp_path, *words, "--offline", "--formats", "csv", "-o", "again")
    assert again.code == 0, again.err
    name = "windows.csv"
    assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "reports" / name).read_bytes()
