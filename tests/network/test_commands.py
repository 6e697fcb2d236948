"""The command line against the stand-in: what a user sees, the exit code, what the store holds, and the second try."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from eventstudy.data.store import FILE, open_store
from tests.cli.conftest import ROOT, clean_environment, copy_study
from tests.compare_reports import compare
from tests.network.conftest import LISTINGS, Live
from tests.network.stand_in import StandIn, snapshot_listings, split_now

EVENT = ("event", "NVDA", "2025-04-15", "--timing", "amc", "--claim", "-0.07")


def held(tmp_path: Path) -> dict[str, list[str]]:
    """Symbol -> outcomes of its vintages, oldest first."""
    store = open_store(tmp_path / "store", lambda line: pytest.fail(line))
    found: dict[str, list[str]] = {}
    for header in store.headers():
        found.setdefault(header.vintage.symbol, []).append(header.vintage.outcome)
    store.close()
    return found


ELSEWHERE = "asian_markets_apr2025"


def copy_snapshot_study(folder: Path) -> None:
    """The repository's study without the rows whose prices the snapshot, and so the stand-in, does not have."""
    copy_study(folder)
    lines = (folder / "events.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (folder / "events.csv").write_text("".join(line for line in lines if ELSEWHERE not in line), encoding="utf-8")


@pytest.mark.slow
def test_the_study_from_yahoo_is_the_study_from_the_snapshot(yahoo: StandIn, live: Live, tmp_path: Path) -> None:
    yahoo.listings = snapshot_listings()
    copy_snapshot_study(tmp_path)
    first = live("run", "--source", "auto", "-o", "first", "--audit")
    assert first.code == 0, first.err
    assert "prices: yahoo" in first.err
    assert held(tmp_path) == {symbol: ["prices"] for symbol in yahoo.listings}
    for path in sorted((ROOT / "reports").glob("*.csv")):
        theirs, ours = pd.read_csv(path), pd.read_csv(tmp_path / "first" / path.name)
        if "event_id" in theirs:
            theirs = theirs[theirs["event_id"] != ELSEWHERE].reset_index(drop=True)
        pd.testing.assert_frame_equal(ours, theirs, rtol=1e-9, atol=1e-12, obj=path.name)
    manifest = json.loads((tmp_path / "first" / "manifest.json").read_text())
    assert manifest["prices"]["chosen"] == "yahoo" and manifest["versions"]["yfinance"]
    assert {s["source"] for s in manifest["series"]} == {"yahoo"}
    assert all(s["fetched_at"] and len(s["sha256"]) == 64 and s["currency"] == "USD" for s in manifest["series"])

    asked = len(yahoo.log)
    second = live("run", "--source", "auto", "-o", "second", "--audit")
    assert second.code == 0 and "prices: store" in second.err and len(yahoo.log) == asked
    yahoo.close()
    third = live("run", "--source", "yahoo", "--offline", "-o", "third", "--audit")
    assert third.code == 0, third.err
    names = {p.relative_to(tmp_path / "first") for p in (tmp_path / "first").rglob("*.*")}
    assert len(names) > 40
    for name in names - {Path("manifest.json"), Path("results.json")}:
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes(), name
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "third" / name).read_bytes(), name
    assert not compare(tmp_path / "first", tmp_path / "second")


def test_a_part_of_the_study_from_yahoo_is_that_part_from_the_snapshot(
    yahoo: StandIn, live: Live, tmp_path: Path
) -> None:
    yahoo.listings = snapshot_listings()
    copy_snapshot_study(tmp_path)
    few = (
        "--event",
        "h20_license_8k",
        "--event",
        "deepseek_shock",
        "--window",
        "0:0",
        "--tests",
        "car-t",
        "--formats",
        "csv,json",
    )
    for source, said in (("snapshot", "snapshot"), ("auto", "yahoo"), ("auto", "store")):
        done = live("run", "--source", source, *few, "-o", f"from-{said}")
        assert done.code == 0 and (source == "snapshot" or f"prices: {said}" in done.err), done.err
    for path in sorted((tmp_path / "from-snapshot").glob("*.csv")):
        theirs, ours = pd.read_csv(path), pd.read_csv(tmp_path / "from-yahoo" / path.name)
        pd.testing.assert_frame_equal(ours, theirs, rtol=1e-9, atol=1e-12, obj=path.name)
    assert not compare(tmp_path / "from-yahoo", tmp_path / "from-store")


def test_an_evening_s_one_command(yahoo: StandIn, live: Live, tmp_path: Path) -> None:
    outcome = live(*EVENT, "--save")
    assert outcome.code == 0, outcome.err
    assert "The number is right: -6.87 %" in outcome.out and "prices: yahoo" in outcome.err
    assert (tmp_path / "reports" / "events" / "NVDA-2025-04-15.md").is_file()
    assert (tmp_path / "reports" / "figures" / "car-NVDA-2025-04-15.svg").is_file()


# fault -> (reply, words a user reads)
FAILURES = {
    "401": "refuses the request for NVDA (status 401)",
    "429": "Yahoo refuses requests from this address for now",
    "500": "Yahoo has trouble of its own (NVDA: status 500)",
    "404page": "cannot be read (a web page",
    "html": "cannot be read (a web page",
    "textcut": "half of it",
    "lencut": "broke off for NVDA",
    "drop": "broke off for NVDA",
    "empty": "holds no prices although it knows the symbol",
    "nullresult": "is empty (no result)",
    "nan": "holds no prices although it knows the symbol",
    "wrongperiod": "with another period than",
    "down": "maintenance",
    "slow": "no reply in time",
}


# its time-outs are waited for; tests/network/test_client.py has the same with short ones
WAITING = {"slow"}


@pytest.mark.parametrize("kind", [pytest.param(k, marks=pytest.mark.slow) if k in WAITING else k for k in FAILURES])
def test_a_failure_of_yahoo(yahoo: StandIn, live: Live, tmp_path: Path, kind: str) -> None:
    yahoo.fault(kind, "NVDA", times=None)
    outcome = live(*EVENT, "--source", "yahoo", "--save")
    assert outcome.code == 4, outcome.err
    assert outcome.err.count("error:") == 1 and FAILURES[kind] in outcome.err and "hint:" in outcome.err
    assert "Traceback" not in outcome.err and "delisted" not in outcome.err
    assert not outcome.out and not (tmp_path / "reports").exists(), "4 writes nothing"
    assert held(tmp_path) == {}, "no failure is kept"
    yahoo.heal()
    second = live(*EVENT, "--source", "yahoo", "--json", "-q")
    assert second.code == 0, second.err
    assert json.loads(second.out)["claims"][0]["verdict"] == "agrees"
    assert held(tmp_path) == {"NVDA": ["prices"], "SPY": ["prices"]}


def test_retry_after_is_waited_for(yahoo: StandIn, live: Live, pauses: list[float]) -> None:
    yahoo.fault("429", "NVDA", times=1, Retry_After="1")
    outcome = live(*EVENT, "--source", "yahoo", "-q")
    assert outcome.code == 0 and 1.0 in pauses, outcome.err
    yahoo.fault("429", "NVDA", times=None, Retry_After="900")
    outcome = live("fetch", env={"EVENTSTUDY_SOURCE": "auto"})
    assert outcome.code == 2, "there is no events file here"
    outcome = live(*EVENT, "--source", "yahoo", "--max-age", "0")
    assert outcome.code == 0 and "pause of 900 s" in outcome.err, "the store goes on, and says so"
    assert "note: Stale prices" in outcome.err


def test_a_symbol_that_yahoo_does_not_know(yahoo: StandIn, live: Live, tmp_path: Path) -> None:
    outcome = live("event", "ZZZZ", "2025-04-15", "--timing", "amc")
    assert outcome.code == 3 and "Yahoo knows no symbol ZZZZ" in outcome.err and "Traceback" not in outcome.err
    assert held(tmp_path) == {"SPY": ["prices"], "ZZZZ": ["unknown"]}
    yahoo.listings["ZZZZ"] = replace(LISTINGS["NVDA"], symbol="ZZZZ")
    assert live("event", "ZZZZ", "2025-04-15", "--timing", "amc").code == 0
    assert held(tmp_path)["ZZZZ"] == ["unknown", "prices"]


def test_a_range_that_yahoo_has_nothing_in(yahoo: StandIn, live: Live, tmp_path: Path) -> None:
    yahoo.fault("badperiod", "NVDA", times=None)
    outcome = live(*EVENT)
    assert outcome.code == 3 and "no_prices" in outcome.err and "Data doesn't exist" in outcome.err
    assert held(tmp_path) == {"NVDA": ["nothing"], "SPY": ["prices"]}
    yahoo.heal()
    assert live(*EVENT).code == 0


def test_auto_falls_back_to_the_snapshot_and_says_why(yahoo: StandIn, live: Live, tmp_path: Path) -> None:
    yahoo.fault("429", times=None)
    outcome = live(*EVENT)
    assert outcome.code == 0 and "prices: snapshot" in outcome.err and "too many requests" in outcome.err
    missing = live("event", "TSM", "2025-04-15", "--timing", "amc")
    assert missing.code == 4 and "too many requests" in missing.err and "snapshot does not hold" in missing.err
    yahoo.close()
    dead = live(*EVENT)
    assert dead.code == 0 and "prices: snapshot" in dead.err and "refuses" in dead.err


def test_a_hole_that_yahoo_fills_later(yahoo: StandIn, live: Live, tmp_path: Path) -> None:
    whole, day = LISTINGS["NVDA"], date(2025, 4, 16)
    yahoo.listings["NVDA"] = replace(whole, bars={**whole.bars, day: (None, None, None, None, whole.bars[day][4])})
    first = live(*EVENT, "--save")
    assert first.code == 0, first.err
    windows = pd.read_csv(tmp_path / "reports" / "windows.csv")
    assert windows["flags"].str.contains("no_trade_day0|missing_day").all()
    yahoo.listings["NVDA"] = whole
    second = live(*EVENT, "--json")
    assert second.code == 0 and json.loads(second.out)["claims"][0]["verdict"] == "agrees"
    assert held(tmp_path)["NVDA"] == ["prices", "prices"]


def test_fetch_tells_what_yahoo_revised_and_verify_remembers(yahoo: StandIn, live: Live, tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text("ticker,announced_at,timing\nNVDA,2025-04-15,amc\n")
    first = live("fetch")
    assert first.code == 0 and first.out.count("first vintage") == 2, first.err
    before = live("event", "NVDA-2025-04-15", "--json", "-q")
    yahoo.listings["NVDA"] = split_now(LISTINGS["NVDA"], 10.0, date(2025, 4, 28))
    spy = LISTINGS["SPY"]
    yahoo.listings["SPY"] = replace(spy, dividends={**spy.dividends, date(2025, 4, 21): 1.25})
    second = live("fetch", "--json")
    assert second.code == 0, second.err
    found = {row["symbol"]: {c["column"] for c in row["changed"]} for row in json.loads(second.out)["series"]}
    assert found["SPY"] == {"adj_close", "dividend"} and {"close", "open", "split"} <= found["NVDA"]
    verify = live("cache", "verify")
    assert verify.code == 0 and "NVDA       vintage 3 against 1: close differs on" in verify.out, verify.out
    assert "intact" in verify.err
    after = live("event", "NVDA-2025-04-15", "--json", "-q")
    assert after.code == 0
    one, two = (json.loads(text)["primary"][0] for text in (before.out, after.out))
    assert one["car"] == pytest.approx(two["car"], rel=1e-9), "a split moves no return"
    assert held(tmp_path) == {"NVDA": ["prices"] * 2, "SPY": ["prices"] * 2}
    young = live("fetch", "--max-age", "1")
    assert young.code == 0 and len(held(tmp_path)["NVDA"]) == 2


def test_fetch_that_is_refused_half_way(yahoo: StandIn, live: Live, tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text("ticker,announced_at,timing\nNVDA,2025-04-15,amc\nZZZZ,2025-04-15,amc\n")
    yahoo.fault("429", "SPY", times=None)
    outcome = live("fetch")
    assert outcome.code == 4 and "1 of 3 symbols are in the store" in outcome.err
    assert "too many requests" in outcome.err and "NVDA" in outcome.out
    yahoo.heal()
    again = live("fetch")
    assert again.code == 0 and "ZZZZ       unknown: Yahoo knows no symbol ZZZZ" in again.out
    assert live("fetch", "--offline").code == 2


def test_pages_carry_a_banner_when_prices_are_older_than_asked(yahoo: StandIn, live: Live, tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text("ticker,announced_at,timing\nNVDA,2025-04-15,amc\n")
    assert live("fetch", "-q").code == 0
    yahoo.fault("500", times=None)
    outcome = live("run", "--max-age", "0", "--formats", "md,html")
    assert outcome.code == 0, outcome.err
    for name in ("summary.md", "report.html", "events/NVDA-2025-04-15.md"):
        assert "Stale prices: those of NVDA, SPY are older than the 0 days" in (tmp_path / "reports" / name).read_text()
    assert json.loads((tmp_path / "reports" / "manifest.json").read_text())["prices"]["stale"]
    yahoo.heal()
    assert live("run", "--max-age", "0", "--formats", "md,html").code == 0
    assert "Stale" not in (tmp_path / "reports" / "summary.md").read_text()


@pytest.mark.parametrize("more", [(), pytest.param((["fetch", "-q"],), marks=pytest.mark.slow)], ids=["runs", "fetch"])
def test_two_processes_on_one_store(yahoo: StandIn, tmp_path: Path, more: tuple[list[str], ...]) -> None:
    yahoo.listings = snapshot_listings()
    (tmp_path / "events.csv").write_text(
        "ticker,announced_at,timing\nNVDA,2025-04-15,amc\nAMD,2025-04-15,amc\nASML,2025-04-15,amc\n"
    )
    settings = {"EVENTSTUDY_OFFLINE": "no", "EVENTSTUDY_STORE": str(tmp_path / "store")}
    env = clean_environment(**settings, **yahoo.environment(tmp_path / "home"))
    commands = [["run", "-q", "--formats", "csv", "-o", name] for name in ("one", "two")]
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "eventstudy", *command],
            cwd=tmp_path,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for command in [*commands, *more]
    ]
    for process in running:
        _, said = process.communicate(timeout=120)
        assert process.returncode == 0, said
        assert "not kept" not in said and "damaged" not in said
    outcomes = held(tmp_path)
    assert set(outcomes) == {"NVDA", "AMD", "ASML", "SPY"} and all(set(o) == {"prices"} for o in outcomes.values())
    assert (tmp_path / "one" / "windows.csv").read_bytes() == (tmp_path / "two" / "windows.csv").read_bytes()


@pytest.mark.parametrize("damage", ["noise", "cut", "foreign", "rows"])
def test_a_damaged_store_is_set_aside_and_said(yahoo: StandIn, live: Live, tmp_path: Path, damage: str) -> None:
    assert live(*EVENT, "-q").code == 0
    path = tmp_path / "store" / FILE
    if damage == "noise":
        path.write_bytes(b"this was a store once" * 500)
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:5000])
    elif damage == "foreign":
        path.unlink()
        with sqlite3.connect(path) as other:
            other.execute("CREATE TABLE letters (text TEXT)")
        other.close()
    else:
        with sqlite3.connect(path) as store:
            store.execute("UPDATE bar SET close = close * 1.1 WHERE fetch_id = 1 AND date = '2025-04-16'")
        store.close()
    for tail in ("-wal", "-shm"):
        if damage != "rows":
            path.with_name(path.name + tail).unlink(missing_ok=True)
    outcome = live(*EVENT)
    assert outcome.code == 0 and "The number is right: -6.87 %" in outcome.out, outcome.err
    assert "Traceback" not in outcome.err
    if damage == "rows":
        assert "are not those that were fetched" in outcome.err
        verify = live("cache", "verify")
        assert verify.code == 1 and "damaged in 1 places" in verify.err and "vintage 1" in verify.out
        assert live("cache", "info").code == 0
    else:
        assert "damaged" in outcome.err and "it is kept as prices.db.damaged-" in outcome.err
        assert len(list(path.parent.glob("prices.db.damaged-*"))) == 1
        assert live("cache", "verify").code == 0
    assert "prices: store" in live(*EVENT).err


def test_a_store_of_a_newer_version(yahoo: StandIn, live: Live, tmp_path: Path) -> None:
    assert live(*EVENT, "-q").code == 0
    with sqlite3.connect(tmp_path / "store" / FILE) as store:
        store.execute("PRAGMA user_version = 99")
    store.close()
    outcome = live(*EVENT)
    assert outcome.code == 2 and "newer version" in outcome.err and "--store" in outcome.err


@pytest.mark.parametrize("place", ["file/store", "file"])
def test_a_store_that_cannot_be_written_costs_a_note(yahoo: StandIn, live: Live, tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("no folder")
    outcome = live(*EVENT, "--store", place)
    assert outcome.code == 0 and "are not kept" in outcome.err and "prices: yahoo" in outcome.err
    (tmp_path / "events.csv").write_text("ticker,announced_at,timing\nNVDA,2025-04-15,amc\n")
    refused = live("fetch", "--store", place)
    assert refused.code == 2 and "cannot" in refused.err and "--store" in refused.err


def test_export_and_import_bring_the_same_prices(yahoo: StandIn, live: Live, tmp_path: Path) -> None:
    first = live(*EVENT, "--json", "-q")
    assert live("cache", "export", "pinned").code == 0
    assert {p.name for p in (tmp_path / "pinned").iterdir()} == {"NVDA.csv", "SPY.csv", "manifest.json"}
    from_files = live(*EVENT, "--json", "-q", "--source", "csv:pinned")
    one, two = (json.loads(text.out)["primary"][0] for text in (first, from_files))
    assert one == two
    imported = live("cache", "import", "pinned", "--store", "other")
    assert imported.code == 0 and imported.out.split() == ["NVDA", "SPY"]
    assert "were already in the store" in live("cache", "import", "pinned", "--store", "other").err
    yahoo.close()
    offline = live(*EVENT, "--json", "-q", "--store", "other", "--source", "yahoo")
    assert json.loads(offline.out)["primary"][0] == one
    text = (tmp_path / "pinned" / "NVDA.csv").read_text()
    (tmp_path / "pinned" / "NVDA.csv").write_text(text.replace("2025-04-16,", "2025-04-16,1", 1))
    changed = live("cache", "import", "pinned", "--store", "third")
    assert changed.code == 2 and "not those that were exported" in changed.err
    (tmp_path / "pinned" / "manifest.json").unlink()
    assert "--source csv:DIR" in live("cache", "import", "pinned", "--store", "third").err


def test_clearing_wants_consent(yahoo: StandIn, live: Live, tmp_path: Path) -> None:
    assert live("cache", "info").code == 2, "there is no store yet"
    assert not (tmp_path / "store").exists()
    assert live(*EVENT, "-q").code == 0
    assert live("cache", "path").out.strip() == str(tmp_path / "store" / FILE)
    assert live("cache", "clear").code == 2 and len(held(tmp_path)) == 2
    assert "holds no TSM" in live("cache", "clear", "TSM", "--yes").err
    assert live("cache", "clear", "NVDA", "--yes").code == 0 and list(held(tmp_path)) == ["SPY"]
    info = json.loads(live("cache", "info", "--json").out)
    assert [row["symbol"] for row in info["symbols"]] == ["SPY"] and info["symbols"][0]["rows"] > 900
    assert live("cache", "clear", "--yes").code == 0 and held(tmp_path) == {}


def findings(out: str) -> dict[str, dict[str, str]]:
    return {row["topic"]: row for row in json.loads(out)["findings"]}


def test_doctor_when_all_is_well(yahoo: StandIn, live: Live) -> None:
    outcome = live("doctor", "--json")
    assert outcome.code == 0, outcome.out
    found = findings(outcome.out)
    assert found["yahoo"]["state"] == found["clock"]["state"] == found["store"]["state"] == "ok"
    assert "none yet" in found["store"]["text"] and "yfinance 1." in found["versions"]["text"]
    text = live("doctor")
    assert text.code == 0 and "reached in" in text.out and "Traceback" not in text.err


@pytest.mark.parametrize(
    ("kind", "words"), [("429", "rate limited"), ("html", "web page"), ("drop", "broke off"), ("401", "status 401")]
)
def test_doctor_names_what_yahoo_does(yahoo: StandIn, live: Live, kind: str, words: str) -> None:
    yahoo.fault(kind, times=None)
    outcome = live("doctor")
    assert outcome.code == 4 and words in outcome.out and "-> " in outcome.out, outcome.out


def test_doctor_looks_at_clock_proxy_certificates_and_store(yahoo: StandIn, live: Live, tmp_path: Path) -> None:
    yahoo.date_header = "Mon, 01 Jan 2024 00:00:00 GMT"
    outcome = live("doctor", "--json")
    assert outcome.code == 2 and "set this machine's clock" in findings(outcome.out)["clock"]["advice"]
    secret = f"http://someone:secret@127.0.0.1:{yahoo.port}"
    outcome = live("doctor", env={"HTTPS_PROXY": secret})
    assert "***@127.0.0.1" in outcome.out and "secret" not in outcome.out + outcome.err
    outcome = live("doctor", env={"HTTPS_PROXY": "http://127.0.0.1:9"})
    assert outcome.code == 4 and "refuses" in outcome.out
    outcome = live("doctor", env={"REQUESTS_CA_BUNDLE": "nowhere.pem"})
    assert outcome.code == 2 and "REQUESTS_CA_BUNDLE names nowhere.pem" in outcome.out
    system = dict.fromkeys(("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"), "")
    outcome = live("doctor", env=system)
    assert outcome.code == 4 and "certificate does not verify" in outcome.out
    (tmp_path / "file").write_text("")
    outcome = live("doctor", "--offline", "--store", "file/store")
    assert outcome.code == 2 and "cannot be made" in outcome.out and "not asked" in outcome.out


def test_no_name_service_is_explained(live: Live) -> None:
    free = dict.fromkeys(("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"), "")
    outcome = live("doctor", env={**free, "ALL_PROXY": "socks5h://no-such-host.invalid:1"})
    assert outcome.code == 4 and ("not found" in outcome.out or "refuses" in outcome.out), outcome.out


def test_the_default_store_is_the_user_s_cache_folder(yahoo: StandIn, live: Live, tmp_path: Path) -> None:
    outcome = live("cache", "path", env={"EVENTSTUDY_STORE": ""})
    assert outcome.code == 0 and "eventstudy" in outcome.out and outcome.out.strip().endswith(FILE)
    if sys.platform == "linux":
        assert outcome.out.startswith(str(tmp_path / "home"))


def test_the_repository_s_own_study_does_not_ask_yahoo(yahoo: StandIn, live: Live, tmp_path: Path) -> None:
    copy_study(tmp_path)
    shutil.rmtree(tmp_path / "store", ignore_errors=True)
    assert live("run", "--event", "h20_license_8k", "--formats", "csv", "-q").code == 0
    assert not yahoo.log and not (tmp_path / "store").exists()
    assert os.listdir(tmp_path / "reports")
