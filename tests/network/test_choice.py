"""What a run takes its prices from: the store, Yahoo, the snapshot; evenings, extensions, revisions, other exchanges."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from eventstudy.data.calendar import load_calendar
from eventstudy.data.live import LiveSource, refresh
from eventstudy.data.prices import PriceTable
from eventstudy.data.store import Store, history, open_store
from eventstudy.data.store_session import Access
from eventstudy.data.yahoo.client import YahooClient
from eventstudy.errors import SourceUnavailable
from eventstudy.results import StudyResult
from eventstudy.spec import StudySpec, Window
from eventstudy.study import run
from tests.network.conftest import LISTINGS, shorter
from tests.network.stand_in import Listing, StandIn, split_now

START, END = date(2024, 1, 2), date(2025, 4, 30)
BOTH = ("NVDA", "SPY")
At = Callable[[str], None]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "store"


def source(folder: Path, name: str = "auto", client: YahooClient | None = None, **access: object) -> LiveSource:
    return LiveSource(name, Access(folder=folder, benchmark="SPY", **access), client)  # type: ignore[arg-type]


def opened(folder: Path) -> Store:
    return open_store(folder, lambda line: pytest.fail(line))


def same(one: PriceTable, other: PriceTable) -> None:
    assert one.series.keys() == other.series.keys()
    for symbol, series in one.series.items():
        assert series.provenance.sha256 == other.series[symbol].provenance.sha256, symbol


def test_the_store_answers_when_it_covers_everything(yahoo: StandIn, folder: Path) -> None:
    first = source(folder).fetch(BOTH, START, END)
    assert first.choice and first.choice.source == "yahoo"
    asked = len(yahoo.log)
    second = source(folder).fetch(BOTH, START, END)
    assert second.choice and second.choice.source == "store" and len(yahoo.log) == asked
    inner = source(folder).fetch(("NVDA",), date(2024, 6, 3), date(2024, 12, 31))
    assert inner.choice and inner.choice.source == "store", "a smaller range of fewer symbols is covered too"
    same(first, second)
    yahoo.close()
    same(first, source(folder).fetch(BOTH, START, END))


def test_an_earlier_start_than_the_source_s_own_is_no_hole(yahoo: StandIn, folder: Path) -> None:
    early = date(2015, 1, 2)
    source(folder).fetch(BOTH, early, END)
    asked = len(yahoo.log)
    again = source(folder).fetch(BOTH, early, END)
    assert again.choice and again.choice.source == "store" and len(yahoo.log) == asked
    wider = source(folder).fetch(BOTH, date(2014, 1, 2), END)
    assert wider.choice and wider.choice.source == "yahoo", "nobody has asked for 2014 yet"


def test_only_what_is_missing_is_asked_for(yahoo: StandIn, folder: Path) -> None:
    source(folder).fetch(("SPY",), START, END)
    asked = yahoo.charts("SPY")
    source(folder).fetch(BOTH, START, END)
    assert yahoo.charts("SPY") == asked


def test_a_failure_half_way_drops_yahoo_for_every_series(yahoo: StandIn, folder: Path) -> None:
    yahoo.fault("429", "SPY", times=None)
    table = source(folder).fetch(BOTH, START, END)
    assert table.choice and table.choice.source == "snapshot"
    assert {s.provenance.source for s in table.series.values()} == {"snapshot"}
    assert "too many requests" in " ".join(table.choice.why)
    kept = opened(folder)
    assert [h.vintage.symbol for h in kept.headers()] == ["NVDA"], "what came is not thrown away"
    kept.close()
    yahoo.heal()
    again = source(folder).fetch(BOTH, START, END)
    assert again.choice and again.choice.source == "yahoo"


def test_the_snapshot_serves_only_with_benchmark_and_a_ticker(yahoo: StandIn, folder: Path) -> None:
    yahoo.fault("429", times=None)
    for symbols in (("TSM", "SPY"), ("NVDA", "QQQ")):
        access = Access(folder=folder, benchmark=symbols[1])
        with pytest.raises(SourceUnavailable) as caught:
            LiveSource("auto", access).fetch(symbols, START, END)
        assert "too many requests" in str(caught.value) and "snapshot does not hold" in str(caught.value)
    with pytest.raises(SourceUnavailable):
        source(folder, "yahoo").fetch(BOTH, START, END)
    partly = source(folder).fetch(("NVDA", "TSM", "SPY"), START, END)
    assert partly.choice and partly.choice.source == "snapshot" and set(partly.unknown) == {"TSM"}


def test_an_unknown_symbol_is_excluded_and_the_others_stay(yahoo: StandIn, folder: Path) -> None:
    table = source(folder).fetch((*BOTH, "ZZZZ"), START, END)
    assert table.choice and table.choice.source == "yahoo"
    assert set(table.series) == set(BOTH) and "knows no symbol ZZZZ" in table.unknown["ZZZZ"]
    before = yahoo.charts("NVDA")
    source(folder).fetch((*BOTH, "ZZZZ"), START, END)
    assert yahoo.charts("NVDA") == before, "only the unknown one is asked for again"
    yahoo.listings["ZZZZ"] = replace(LISTINGS["NVDA"], symbol="ZZZZ")
    assert set(source(folder).fetch((*BOTH, "ZZZZ"), START, END).series) == {*BOTH, "ZZZZ"}
    yahoo.close()


def test_what_yahoo_once_called_unknown_stays_so_while_it_cannot_be_asked(yahoo: StandIn, folder: Path) -> None:
    source(folder).fetch((*BOTH, "ZZZZ"), START, END)
    yahoo.close()
    table = source(folder, "yahoo").fetch((*BOTH, "ZZZZ"), START, END)
    assert table.choice and table.choice.source == "store" and set(table.unknown) == {"ZZZZ"}


def test_offline_means_what_is_here(yahoo: StandIn, folder: Path) -> None:
    table = source(folder, offline=True).fetch(BOTH, START, END)
    assert table.choice and table.choice.source == "snapshot" and not yahoo.log
    assert not folder.exists(), "looking makes no store"
    with pytest.raises(SourceUnavailable, match="store holds no prices of NVDA, SPY"):
        source(folder, "yahoo", offline=True).fetch(BOTH, START, END)
    source(folder).fetch(BOTH, START, date(2025, 3, 31))
    before = len(yahoo.log)
    store = source(folder, "yahoo", offline=True).fetch((*BOTH, "AMD"), START, END)
    assert store.choice and store.choice.source == "store" and len(yahoo.log) == before
    assert str(store.series["NVDA"].dates[-1]) == "2025-03-31" and "eventstudy fetch" in store.unknown["AMD"]


def test_a_hole_is_back_filled_by_the_next_run(yahoo: StandIn, folder: Path) -> None:
    whole = LISTINGS["NVDA"]
    day = date(2025, 4, 16)
    yahoo.listings["NVDA"] = replace(whole, bars={d: b for d, b in whole.bars.items() if d != day})
    holed = source(folder).fetch(BOTH, START, END)
    assert np.datetime64(day) not in holed.series["NVDA"].dates
    yahoo.fault("500", times=None)
    yahoo.fault("429", "NVDA", times=None)
    kept = source(folder).fetch(BOTH, START, END)
    assert kept.choice and kept.choice.source == "store", "Yahoo had nothing more when it was asked"
    same(holed, kept)
    yahoo.heal()
    yahoo.listings["NVDA"] = whole
    filled = source(folder).fetch(BOTH, START, END)
    assert filled.choice and filled.choice.source == "yahoo"
    assert np.datetime64(day) in filled.series["NVDA"].dates
    store = opened(folder)
    found = history(store)
    assert {(r.symbol, r.first) for r in found} == {("NVDA", str(day))} or not found
    store.close()


def test_new_sessions_continue_a_vintage_where_the_overlap_agrees(yahoo: StandIn, folder: Path, at: At) -> None:
    at("2025-04-02T23:00:00+00:00")
    yahoo.listings.update({s: shorter(LISTINGS[s], "2025-04-02") for s in BOTH})
    source(folder).fetch(BOTH, START, END)
    at("2025-04-16T23:00:00+00:00")
    yahoo.listings.update({s: shorter(LISTINGS[s], "2025-04-16") for s in BOTH})
    longer = source(folder).fetch(BOTH, START, END)
    asked = [query for _, path, query in yahoo.log if path.endswith("NVDA") and "period1" in query]
    assert int(asked[-1]["period1"][0]) > int(asked[0]["period1"][0]), "the overlap and what is new, not everything"
    store = opened(folder)
    newest = store.headers("NVDA")[-1]
    assert newest.vintage.extends == 1 and newest.rows < 30
    whole = store.load(newest)
    store.close()
    assert whole.requested_start == START and "agree" in whole.note
    fresh = source(folder / "other").fetch(BOTH, START, END)
    same(longer, fresh)
    assert str(longer.series["NVDA"].dates[-1]) == "2025-04-16"


@pytest.mark.parametrize("what", ["split", "dividend", "correction"])
def test_a_rewritten_history_is_fetched_whole(yahoo: StandIn, folder: Path, at: At, what: str) -> None:
    at("2025-04-02T23:00:00+00:00")
    yahoo.listings.update({s: shorter(LISTINGS[s], "2025-04-02") for s in BOTH})
    source(folder).fetch(BOTH, START, END)
    at("2025-04-16T23:00:00+00:00")
    now = shorter(LISTINGS["NVDA"], "2025-04-16")
    if what == "split":
        now = split_now(now, 4.0, date(2025, 4, 10))
    elif what == "dividend":
        now = replace(now, dividends={**now.dividends, date(2025, 4, 10): 1.0})
    else:
        day = date(2025, 3, 28)
        opened_at, high, low, close, volume = now.bars[day]
        now = replace(now, bars={**now.bars, day: (opened_at, high, low, close * 1.01, volume)})  # type: ignore[operator]
    yahoo.listings.update({"NVDA": now, "SPY": shorter(LISTINGS["SPY"], "2025-04-16")})
    table = source(folder).fetch(BOTH, START, END)
    served = [bar[3] for _, bar in sorted(now.bars.items())][-len(table.series["NVDA"].close) :]
    np.testing.assert_allclose(table.series["NVDA"].close, served, rtol=1e-12)
    store = opened(folder)
    newest = store.headers("NVDA")[-1].vintage
    assert newest.extends == 0, "two histories are never spliced"
    assert store.headers("SPY")[-1].vintage.extends > 0
    columns = {r.column for r in history(store) if r.symbol == "NVDA"}
    store.close()
    assert (
        columns
        >= {
            "split": {"close", "adj_close", "volume"},
            "dividend": {"adj_close"},
            "correction": {"close", "adj_close"},
        }[what]
    )
    assert ("dividend" in columns) == (
        what == "split" and any(d < date(2025, 4, 2) and d >= START for d in now.dividends)
    )


def test_a_long_chain_of_evenings_is_begun_anew(
    yahoo: StandIn, folder: Path, at: At, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eventstudy.data.live.LONGEST_CHAIN", 2)
    for day in (1, 2, 3, 4, 7):
        at(f"2025-04-{day:02d}T23:00:00+00:00")
        yahoo.listings.update({s: shorter(LISTINGS[s], f"2025-04-{day:02d}") for s in BOTH})
        source(folder).fetch(BOTH, START, END)
    store = opened(folder)
    assert [h.vintage.extends > 0 for h in store.headers("NVDA")] == [False, True, True, False, True]
    store.close()


def test_refresh_makes_vintages_and_says_what_changed(yahoo: StandIn, folder: Path) -> None:
    done, error = refresh(source(folder), BOTH, START, END)
    assert error is None and [f.had_before for f in done] == [False, False]
    again, error = refresh(source(folder), BOTH, START, END)
    assert error is None and not any(f.changed for f in again) and all(f.had_before for f in again)
    yahoo.listings["NVDA"] = split_now(LISTINGS["NVDA"], 2.0, date(2025, 4, 30))
    revised, error = refresh(source(folder), BOTH, START, END)
    changed = {r.column: r for f in revised for r in f.changed}
    assert {"open", "high", "low", "close", "adj_close", "volume", "dividend", "split"} == set(changed)
    assert changed["close"].n_dates == len(revised[0].vintage.bars.closed())
    assert changed["close"].largest == pytest.approx(0.5)
    store = opened(folder)
    assert len(store.headers("NVDA")) == 3
    store.close()


def test_refresh_keeps_what_came_before_a_refusal(yahoo: StandIn, folder: Path) -> None:
    yahoo.fault("429", "SPY", times=None)
    done, error = refresh(source(folder), BOTH, START, END)
    assert [f.vintage.symbol for f in done] == ["NVDA"] and error is not None and "too many" in error.found
    young, error = refresh(source(folder, max_age=1.0), ("NVDA",), START, END)
    assert error is None and young[0].vintage.id == done[0].vintage.id, "young and complete: not asked for again"


def test_old_prices_are_asked_for_again_or_carry_a_banner(yahoo: StandIn, folder: Path, at: At) -> None:
    at("2025-06-02T23:00:00+00:00")
    source(folder, max_age=7.0).fetch(BOTH, START, END)
    asked = len(yahoo.log)
    at("2025-06-08T23:00:00+00:00")
    source(folder, max_age=7.0).fetch(BOTH, START, END)
    assert len(yahoo.log) == asked, "six days are not too old"
    at("2025-06-10T23:00:00+00:00")
    yahoo.fault("429", times=None)
    table = source(folder, max_age=7.0).fetch(BOTH, START, END)
    assert table.choice and table.choice.source == "store"
    assert (
        "Stale prices" in table.choice.stale and "7 days" in table.choice.stale and "2025-04-30" in table.choice.stale
    )
    assert not source(folder).fetch(BOTH, START, END).choice.stale  # type: ignore[union-attr]
    yahoo.heal()
    assert source(folder, max_age=7.0).fetch(BOTH, START, END).choice.source == "yahoo"  # type: ignore[union-attr]


# --- the evening of an announcement


def study(folder: Path, events: list[dict[str, str]], **spec: object) -> StudyResult:
    chosen = StudySpec(source="yahoo", store=str(folder), estimation=120, **spec)  # type: ignore[arg-type]
    return run(pd.DataFrame(events), spec=chosen)


ANNOUNCED = {"event_id": "h20", "ticker": "NVDA", "announced_at": "2025-04-15", "timing": "amc"}


def test_day_0_counts_half_an_hour_after_the_close(yahoo: StandIn, folder: Path, at: At) -> None:
    # Yahoo already serves a bar for the running session
    yahoo.listings.update({s: shorter(LISTINGS[s], "2025-04-16") for s in BOTH})
    at("2025-04-16T20:29:00+00:00")
    early = study(folder, [ANNOUNCED])
    (row,) = early.excluded.to_dict("records")
    assert row["reason"] == "day0_not_observed"
    assert "2025-04-16" in row["detail"] and "prices end 2025-04-15" in row["detail"]
    assert "2025-04-16T20:30Z" in row["detail"], "the moment to wait for"
    at("2025-04-16T20:30:00+00:00")
    late = study(folder, [ANNOUNCED])
    windows = late.windows.set_index("window")
    assert len(late.excluded) == 0
    assert windows.loc["[0,0]", "car"] == pytest.approx(-0.009, abs=0.02)
    assert np.isfinite(windows.loc["[0,0]", "p_t"]) and np.isfinite(windows.loc["[-1,1]", "car"]) == np.False_
    assert (
        "window_incomplete" in windows.loc["[0,10]", "flags"]
        and "window_incomplete" not in windows.loc["[0,0]", "flags"]
    )
    days = late.abnormal_returns
    assert days["day"].max() == 0, "paths show the days there are"
    assert set(late.aggregate.get("window", [])) <= {"[0,0]"}


def test_the_numbers_of_the_evening_are_those_of_next_year(yahoo: StandIn, folder: Path, at: At) -> None:
    yahoo.listings.update({s: shorter(LISTINGS[s], "2025-04-16") for s in BOTH})
    at("2025-04-16T22:00:00+00:00")
    evening = study(folder, [ANNOUNCED]).windows.set_index("window").loc["[0,0]"]
    yahoo.listings.update(LISTINGS)
    at("2026-04-16T22:00:00+00:00")
    later = study(folder, [ANNOUNCED]).windows.set_index("window")
    assert later.loc["[0,0]", "car"] == evening["car"] and later.loc["[0,0]", "p_t"] == evening["p_t"]
    assert np.isfinite(later.loc["[0,10]", "car"])


def test_an_early_close_is_final_early(yahoo: StandIn, folder: Path, at: At) -> None:
    event = {"event_id": "half", "ticker": "NVDA", "announced_at": "2024-07-03", "timing": "bmo"}
    yahoo.listings.update({s: shorter(LISTINGS[s], "2024-07-03") for s in BOTH})
    at("2024-07-03T17:29:00+00:00")
    (row,) = study(folder, [event]).excluded.to_dict("records")
    assert "2024-07-03T17:30Z" in row["detail"], "that session closes at 13:00 in New York"
    at("2024-07-03T17:30:00+00:00")
    assert len(study(folder, [event]).excluded) == 0


def test_a_late_bar_is_waited_for_without_a_failure(yahoo: StandIn, folder: Path, at: At) -> None:
    yahoo.listings.update({s: shorter(LISTINGS[s], "2025-04-15") for s in BOTH})
    at("2025-04-16T20:45:00+00:00")
    (row,) = study(folder, [ANNOUNCED]).excluded.to_dict("records")
    assert row["reason"] == "day0_not_observed"
    yahoo.listings.update({s: shorter(LISTINGS[s], "2025-04-16") for s in BOTH})
    assert len(study(folder, [ANNOUNCED]).excluded) == 0


# --- other listings


def walk(symbol: str, code: str, zone: str, seed: int, *, without: tuple[str, ...] = (), **about: object) -> Listing:
    """A seeded random walk on an exchange's own sessions."""
    rng = random.Random(seed)
    sessions = load_calendar(code, date(2022, 1, 3), date(2025, 6, 30)).sessions
    bars, close = {}, 600.0
    for day in sessions.tolist():
        begun = close * (1 + rng.gauss(0, 0.005))
        close = begun * (1 + rng.gauss(0, 0.012))
        if str(day) not in without:
            bars[day] = (begun, max(begun, close), min(begun, close), close, 1e6)
    settings = {"currency": "EUR", "exchange": "AMS", "opens_at": (9, 0), **about}
    return Listing(symbol, bars, zone=zone, **settings)  # type: ignore[arg-type]


def amsterdam(yahoo: StandIn, last: str = "2025-06-30", without: tuple[str, ...] = ()) -> None:
    zone = "Europe/Amsterdam"
    yahoo.listings["ASML.AS"] = shorter(walk("ASML.AS", "XAMS", zone, 1), last)
    yahoo.listings["^AEX"] = shorter(walk("^AEX", "XAMS", zone, 2, without=without, kind="INDEX"), last)


RESULTS = {"event_id": "q1", "ticker": "ASML.AS", "announced_at": "2025-04-16T07:00:00+02:00", "benchmark": "^AEX"}


def test_a_listing_in_amsterdam_has_its_own_sessions_and_currency(yahoo: StandIn, folder: Path, at: At) -> None:
    amsterdam(yahoo)
    result = study(folder, [RESULTS, {**ANNOUNCED, "benchmark": ""}])
    assert len(result.excluded) == 0
    currencies = {p.symbol: p.currency for p in result.provenance}
    assert currencies == {"ASML.AS": "EUR", "^AEX": "EUR", "NVDA": "USD", "SPY": "USD"}
    days = result.abnormal_returns
    own = days[days["ticker"] == "ASML.AS"].set_index("day")["session"]
    assert own[2] == "2025-04-22" and days[days["ticker"] == "NVDA"].set_index("day")["session"][2] == "2025-04-21", (
        "Amsterdam is closed on Easter Monday, New York is not"
    )
    served = yahoo.listings["ASML.AS"].bars
    observed = days[(days["ticker"] == "ASML.AS") & (days["day"] == 0)]["return"].item()
    assert observed == pytest.approx(served[date(2025, 4, 16)][3] / served[date(2025, 4, 15)][3] - 1, rel=1e-12)  # type: ignore[operator]


def test_amsterdam_against_new_york_gets_a_warning(yahoo: StandIn, folder: Path) -> None:
    amsterdam(yahoo)
    result = study(folder, [{**RESULTS, "benchmark": ""}, ANNOUNCED], benchmarks_given=True)
    (notice,) = result.notices
    assert notice.startswith("ASML.AS trades on XAMS and is measured against SPY")
    (large,) = study(folder, [RESULTS, ANNOUNCED]).notices
    assert large.startswith("ASML.AS is about a seventh of ^AEX") and "--index-weight ASML.AS=W" in large
    assert not study(folder, [RESULTS, ANNOUNCED], index_weights=("ASML.AS=0.14",)).notices


def test_a_listing_abroad_is_measured_against_the_index_of_its_exchange(yahoo: StandIn, folder: Path) -> None:
    amsterdam(yahoo)
    named, taken = study(folder, [RESULTS]), study(folder, [{**RESULTS, "benchmark": ""}])
    pd.testing.assert_frame_equal(named.abnormal_returns, taken.abnormal_returns)
    assert taken.notices[0].startswith("ASML.AS is measured against ^AEX, the broad index of its exchange (price index")
    assert yahoo.charts("SPY") == 0, "New York is not asked for"


def test_amsterdam_is_final_by_its_own_clock(yahoo: StandIn, folder: Path, at: At) -> None:
    amsterdam(yahoo, "2025-04-16")
    at("2025-04-16T15:59:00+00:00")
    (row,) = study(folder, [RESULTS]).excluded.to_dict("records")
    assert row["reason"] == "day0_not_observed" and "16:0" in row["detail"], row["detail"]
    at("2025-04-16T16:06:00+00:00")
    assert len(study(folder, [RESULTS]).excluded) == 0, "New York is still open"


def test_an_index_that_is_missing_on_a_session_of_the_stock(yahoo: StandIn, folder: Path) -> None:
    amsterdam(yahoo, without=("2025-04-17",))
    result = study(folder, [RESULTS], windows=(Window(0, 0), Window(0, 2)), windows_given=True)
    flags = result.windows.set_index("window")["flags"]
    assert all("benchmark_gap" in text for text in flags)
    days = result.abnormal_returns.set_index("day")
    assert np.isnan(days.loc[1, "abnormal_return"]) and np.isfinite(days.loc[2, "abnormal_return"])
    own, index = (yahoo.listings[s].bars for s in ("ASML.AS", "^AEX"))
    two = own[date(2025, 4, 22)][3] / own[date(2025, 4, 16)][3] - 1  # type: ignore[operator]
    assert days.loc[2, "return"] == pytest.approx(two, rel=1e-12), "from trade to trade, stock and index alike"
    assert date(2025, 4, 17) in own and date(2025, 4, 17) not in index


def test_an_earlier_answer_used_offline_past_max_age_is_stale(yahoo: StandIn, folder: Path, at: At) -> None:
    at("2025-04-02T23:00:00+00:00")
    yahoo.listings.update({s: shorter(LISTINGS[s], "2025-04-02") for s in BOTH})
    source(folder).fetch(BOTH, START, END)
    at("2025-04-16T23:00:00+00:00")
    access = source(folder).access
    for max_age, words in ((7.0, "their last session is 2025-04-02"), (30.0, "")):
        table = LiveSource("yahoo", replace(access, offline=True, max_age=max_age)).fetch(BOTH, START, END)
        assert table.choice is not None and table.choice.source == "store"
        assert words in table.choice.stale and bool(words) == bool(table.choice.stale)


def test_another_currency_than_before_is_said(yahoo: StandIn, folder: Path) -> None:
    source(folder).fetch(BOTH, START, END)
    yahoo.listings["NVDA"] = replace(LISTINGS["NVDA"], currency="EUR")
    lines: list[str] = []
    done, error = refresh(source(folder, "yahoo", warn=lines.append), BOTH, START, END)
    assert error is None and len(done) == 2
    assert lines == ["NVDA: Yahoo now quotes it in EUR, before in USD"]


def test_prices_from_the_future_are_not_young(yahoo: StandIn, folder: Path, at: At) -> None:
    """A clock that was set back must not keep them for ever."""
    at("2025-06-02T22:00:00+00:00")
    source(folder).fetch(BOTH, START, END)
    at("2025-05-05T22:00:00+00:00")
    asked = yahoo.charts()
    again = source(folder, max_age=7.0).fetch(BOTH, START, END)
    assert yahoo.charts() > asked and again.choice and again.choice.source == "yahoo"
    asked = yahoo.charts()
    assert source(folder, max_age=1e300).fetch(BOTH, START, END).choice, "any number of days is a number of days"
    assert yahoo.charts() == asked
