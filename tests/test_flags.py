"""Numbers under stress: each trouble in the prices is a flag or a reason, and no NaN becomes a number."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from eventstudy.data.calendar import load_calendar
from eventstudy.results import StudyResult
from eventstudy.spec import StudySpec
from eventstudy.study import run

SESSIONS = load_calendar("XNYS", date(2022, 1, 3), date(2023, 12, 29)).sessions
DAY = 400


def prices() -> pd.DataFrame:
    rng = np.random.default_rng(42)
    market = rng.normal(4e-4, 0.01, len(SESSIONS))
    frames = []
    for ticker in ("A", "B", "SPY"):
        own = market + (0 if ticker == "SPY" else rng.normal(0, 0.015, len(SESSIONS)))
        frames.append(pd.DataFrame({"ticker": ticker, "date": SESSIONS, "close": 100 * np.cumprod(1 + own)}))
    return pd.concat(frames, ignore_index=True)


def drop(frame: pd.DataFrame, ticker: str, *positions: int) -> pd.DataFrame:
    gone = (frame["ticker"] == ticker) & frame["date"].isin(SESSIONS[list(positions)])
    return frame[~gone]


def study(frame: pd.DataFrame, ticker: str = "A", at: int = DAY, **spec: object) -> StudyResult:
    events = pd.DataFrame(
        {"event_id": ["x"], "ticker": [ticker], "announced_at": [str(SESSIONS[at])], "timing": ["bmo"]}
    )
    return run(events, frame, StudySpec(**spec))  # type: ignore[arg-type]


def flags(result: StudyResult, window: str = "[0,0]") -> set[str]:
    table = result.windows
    return set(table[table["window"] == window]["flags"].iloc[0].split(";"))


def car(result: StudyResult, window: str) -> float:
    table = result.windows
    return float(table[table["window"] == window]["car"].iloc[0])


def test_a_quiet_series_has_no_flag() -> None:
    result = study(prices())
    assert all(text == "" for text in result.windows["flags"])


def test_a_halt_on_day_0_is_carried_by_the_next_trade() -> None:
    whole, halted = study(prices()), study(drop(prices(), "A", DAY))
    assert {"no_trade_day0", "missing_day"} <= flags(halted)
    assert np.isnan(car(halted, "[0,0]"))
    assert car(halted, "[0,1]") == pytest.approx(car(whole, "[0,1]"), abs=2e-3), "the two sessions are carried together"
    daily = halted.abnormal_returns.set_index("day")
    assert np.isnan(daily.loc[0, "return"]) and np.isfinite(daily.loc[1, "return"])
    excluded = study(drop(prices(), "A", DAY), missing="strict").excluded
    assert list(excluded["reason"]) == ["missing_day0"]


def test_strict_empties_every_window_with_a_hole() -> None:
    holed = drop(prices(), "A", DAY + 3)
    tolerant, strict = study(holed), study(holed, missing="strict")
    assert np.isfinite(car(tolerant, "[0,10]")) and np.isnan(car(strict, "[0,10]"))
    assert car(strict, "[0,1]") == car(tolerant, "[0,1]")
    assert "missing_day" in flags(tolerant, "[0,10]") and "missing_day" not in flags(tolerant, "[0,1]")


def test_a_delisting_inside_the_window() -> None:
    gone = drop(prices(), "A", *range(DAY + 4, len(SESSIONS)))
    result = study(gone)
    assert "delisted" in flags(result, "[0,10]") and "delisted" not in flags(result)
    assert np.isnan(car(result, "[0,10]")) and np.isfinite(car(result, "[-1,1]"))


def test_a_window_that_reaches_past_the_last_session() -> None:
    last = len(SESSIONS) - 1
    result = study(prices(), at=last - 2)
    assert "window_incomplete" in flags(result, "[0,10]") and np.isnan(car(result, "[0,10]"))
    assert np.isfinite(car(result, "[-1,1]"))
    assert result.abnormal_returns["day"].max() == 2, "paths show the days there are"


def test_the_evening_before_day_0_is_final() -> None:
    short = prices()[lambda f: f["date"] < SESSIONS[DAY]]
    excluded = study(short).excluded
    assert list(excluded["reason"]) == ["day0_not_observed"]
    detail = excluded["detail"].iloc[0]
    assert str(SESSIONS[DAY]) in detail and "run again when that session is final" in detail


def test_a_listing_that_ended_is_not_told_to_wait() -> None:
    table = prices()
    ended = table[(table["ticker"] == "SPY") | (table["date"] < SESSIONS[DAY])]
    excluded = study(ended).excluded
    assert list(excluded["reason"]) == ["day0_not_observed"]
    detail = excluded["detail"].iloc[0]
    assert f"day 0 is {SESSIONS[DAY]}; prices of" in detail and f"end {SESSIONS[DAY - 1]}" in detail
    assert "the listing ended" in detail and "run again" not in detail


def test_one_missing_day_of_the_benchmark() -> None:
    result = study(drop(prices(), "SPY", DAY - 100))
    assert "benchmark_gap" in flags(result)
    assert int(result.models["n_estimation"].iloc[0]) == 249
    on_day_0 = study(drop(prices(), "SPY", DAY))
    assert np.isnan(car(on_day_0, "[0,0]")) and np.isfinite(car(on_day_0, "[0,1]"))


def claimed(frame: pd.DataFrame, claim: str) -> tuple[StudyResult, pd.Series]:
    events = pd.DataFrame(
        {
            "event_id": ["x"],
            "ticker": ["A"],
            "announced_at": [str(SESSIONS[DAY])],
            "timing": ["bmo"],
            "claimed_return": [claim],
        }
    )
    result = run(events, frame, StudySpec())
    return result, result.claims_table.iloc[0]


@pytest.mark.parametrize("lost", [1, 3])
def test_a_return_of_day_0_over_several_sessions(lost: int) -> None:
    """Flagged in windows and models; its claim is held against the return since the last close, with a note."""
    frame = prices()
    holed = drop(frame, "A", *range(DAY - lost, DAY))
    close = frame[frame["ticker"] == "A"]["close"].to_numpy()
    since = close[DAY] / close[DAY - lost - 1] - 1
    result, claim = claimed(holed, f"{since:.4f}")
    assert "multi_session" in flags(result) and "multi_session" in result.models["flags"].iloc[0].split(";")
    assert claim["verdict"] == "agrees" and claim["observed_return"] == pytest.approx(since, rel=1e-12)
    assert f"covers {lost + 1} sessions" in claim["note"]
    whole, same = claimed(frame, f"{since:.4f}")
    assert "multi_session" not in flags(whole) and same["note"] == ""
    assert same["observed_return"] == pytest.approx(close[DAY] / close[DAY - 1] - 1, rel=1e-12)
    other, beside = claimed(drop(frame, "SPY", *range(DAY - lost, DAY)), f"{since:.4f}")
    assert "multi_session" in flags(other) and f"abnormal return covers {lost + 1} sessions" in beside["note"]
    assert beside["observed_return"] == same["observed_return"]
    later = study(drop(frame, "A", DAY + 1))
    assert "multi_session" not in flags(later, "[0,10]"), "only day 0 counts"


def test_an_index_that_is_the_stock() -> None:
    result = study(prices(), ticker="SPY")
    assert {"benchmark_is_ticker", "zero_variance"} <= flags(result)
    assert result.windows["p_t"].isna().all() and result.windows["p_conformal"].isna().all()
    assert (result.windows["car"].abs() < 1e-12).all()


def test_a_suspended_stock_is_stale_and_a_constant_one_has_no_variance() -> None:
    frame = prices()
    still = (frame["ticker"] == "A") & frame["date"].isin(SESSIONS[DAY - 50 : DAY - 40])
    frame.loc[still, "close"] = 77.0
    assert "stale_prices" in flags(study(frame))
    frame.loc[frame["ticker"] == "A", "close"] = 77.0
    constant = study(frame)
    assert {"zero_variance", "stale_prices"} <= flags(constant)
    assert constant.windows["t"].isna().all()


def test_a_bad_tick() -> None:
    frame = prices()
    tick = (frame["ticker"] == "A") & (frame["date"] == SESSIONS[DAY - 60])
    frame.loc[tick, "close"] *= 1.8
    assert "bad_tick" in flags(study(frame))


def test_short_history() -> None:
    start = prices()[lambda f: (f["ticker"] != "A") | (f["date"] >= SESSIONS[DAY - 120])]
    result = study(start)
    assert "short_estimation" in flags(result)
    assert int(result.models["n_estimation"].iloc[0]) == 99
    later = prices()[lambda f: (f["ticker"] != "A") | (f["date"] >= SESSIONS[DAY - 60])]
    assert list(study(later).excluded["reason"]) == ["insufficient_estimation"]


def test_a_constant_benchmark() -> None:
    frame = prices()
    frame.loc[frame["ticker"] == "SPY", "close"] = 50.0
    assert list(study(frame).excluded["reason"]) == ["rank_deficient"]


def test_overlapping_windows_and_masks() -> None:
    days = [str(SESSIONS[at]) for at in (DAY - 100, DAY, DAY + 3)]
    events = pd.DataFrame({"event_id": ["a", "b", "c"], "ticker": "A", "announced_at": days, "timing": "bmo"})
    result = run(events, prices())
    table = result.windows.set_index(["event_id", "window"])["flags"]
    assert "overlap" in table["b", "[-5,5]"] and "overlap" not in table["b", "[-1,1]"]
    masked = result.models.set_index("event_id")["n_masked"]
    assert masked["b"] == 3 and masked["a"] == 0
    unmasked = run(events, prices(), StudySpec(exclude="none"))
    assert (unmasked.models["n_masked"] == 0).all()
    assert unmasked.windows["flags"].equals(result.windows["flags"]), "nothing is masked, but all is flagged"


def test_log_returns_compound_exactly() -> None:
    result = study(prices(), returns="log")
    daily = result.abnormal_returns
    inside = daily[(daily["day"] >= 0) & (daily["day"] <= 1)]
    closes = prices()[lambda f: f["ticker"] == "A"]["close"].to_numpy()
    assert inside["return"].sum() == pytest.approx(np.log(closes[DAY + 1] / closes[DAY - 1]), rel=1e-12)


# tables with rows of single events, and how many of their rows have the flags of the event
OF_ROWS = ("windows", "models", "abnormal_returns", "robustness", "curves", "overnight", "day_parts", "claims", "volume",
           "abnormal_volume")  # fmt: skip


@pytest.mark.parametrize("lost", [0, 2])
def test_every_table_of_single_events_has_the_flags(lost: int) -> None:
    frame = prices().assign(open=lambda table: table["close"])
    frame["volume"] = np.random.default_rng(1).uniform(1e5, 1e6, len(frame))
    events = pd.DataFrame(
        [
            {
                "event_id": "x",
                "ticker": "A",
                "announced_at": str(SESSIONS[DAY]),
                "timing": "bmo",
                "claimed_return": "0.01",
            }
        ]
    )
    holed = drop(frame, "A", *range(DAY - lost, DAY)) if lost else frame
    tables = run(events, holed, StudySpec(volume="constant-mean")).tables
    assert {name for name, table in tables.items() if "flags" in table} == set(OF_ROWS)
    for name in OF_ROWS:
        table = tables[name]
        rows = table[table["day"] == 0] if name == "abnormal_returns" else table
        assert all(("multi_session" in cell.split(";")) == bool(lost) for cell in rows["flags"]), name
        assert name in ("overnight", "day_parts") or len(rows), name
        if name == "abnormal_returns":
            assert set(table[table["day"] != 0]["flags"]) == {""}
