"""Mistakes that published event-study programs have made on ordinary input; none of them may happen here.

Each test is a small study whose right answer is known by hand or by a few lines of numpy.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from eventstudy.data.calendar import load_calendar
from eventstudy.results import StudyResult
from eventstudy.spec import StudySpec, Window
from eventstudy.study import run

SESSIONS = load_calendar("XNYS", date(2022, 1, 3), date(2024, 6, 28)).sessions.astype("datetime64[D]")
N = len(SESSIONS)
WINDOWS = (Window(0, 0), Window(-1, 1), Window(-5, 5))
SPEC = StudySpec(estimation=120, windows=WINDOWS, windows_given=True)
AT = 400


def market(seed: int = 1) -> dict[str, np.ndarray]:
    """Returns of four firms and the index, all sessions."""
    rng = np.random.default_rng(seed)
    index = rng.normal(4e-4, 0.01, N)
    own = {name: 0.8 * index + rng.normal(0, 0.015, N) for name in ("A", "B", "C", "D")}
    return {**own, "SPY": index}


def frame(returns: dict[str, np.ndarray], drop: dict[str, list[int]] | None = None) -> pd.DataFrame:
    """Prices that have these returns; ``drop`` leaves out rows."""
    parts = []
    for name, values in returns.items():
        close = 100 * np.cumprod(1 + values)
        part = pd.DataFrame({"ticker": name, "date": SESSIONS, "close": close})
        parts.append(part.drop(index=(drop or {}).get(name, [])))
    return pd.concat(parts, ignore_index=True)


def events(*rows: tuple[str, str, str], **columns: Any) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["event_id", "ticker", "announced_at"]).assign(timing="bmo", **columns)


def study(rows: pd.DataFrame, prices: pd.DataFrame, spec: StudySpec = SPEC) -> StudyResult:
    return run(rows, prices, spec)


def day(offset: int = 0) -> str:
    return str(SESSIONS[AT + offset])


def test_events_of_one_firm_stay_apart() -> None:
    """Pooling or joining by firm multiplied rows and crossed results."""
    returns = market()
    rows = events(("one", "A", day(-60)), ("two", "A", day()), ("three", "B", day()))
    together = study(rows, frame(returns), SPEC.with_changes(exclude="none")).windows
    assert len(together) == 3 * len(WINDOWS)
    for name in ("one", "two", "three"):
        row = rows[rows["event_id"] == name]
        alone = study(row, frame(returns), SPEC.with_changes(exclude="none")).windows
        kept = together[together["event_id"] == name].reset_index(drop=True)
        pd.testing.assert_frame_equal(kept.drop(columns="flags"), alone.drop(columns="flags"))
    table = study(rows, frame(returns)).aggregate
    assert set(table[table["group"] == "all"]["n_events"]) == {3}


def test_news_of_a_saturday_is_monday_s_and_stops_nobody() -> None:
    """One weekend event aborted a run, was dropped, or was dated to the session before."""
    saturday = "2023-08-12"
    rows = events(("weekend", "A", saturday), ("weekday", "B", day()))
    found = study(rows, frame(market()))
    days = found.windows.drop_duplicates("event_id").set_index("event_id")["day0"]
    assert days["weekend"] == "2023-08-14" and days["weekday"] == day()


def test_a_firm_without_an_event_is_no_error() -> None:
    found = study(events(("x", "A", day())), frame(market()))
    assert len(found.windows) == len(WINDOWS) and found.excluded.empty


def test_an_event_beyond_the_prices_is_a_row_with_a_reason() -> None:
    """A calendar that ended early made later events vanish without a word."""
    rows = events(("old", "A", "2021-06-01"), ("good", "A", day()), ("late", "A", "2024-09-03"), ("none", "ZZZ", day()))
    found = study(rows, frame(market()))
    reasons = found.excluded.set_index("event_id")["reason"].to_dict()
    assert reasons == {"old": "before_prices", "late": "day0_not_observed", "none": "no_prices"}
    assert found.n_read == 4 == len(found.studied.reported) + len(found.exclusions)


def test_returns_divide_by_the_price_before() -> None:
    """A gain of 10 % is 10 %, not 9.09 %; a loss of 10 % is not 11.11 %."""
    for move in (0.10, -0.10):
        returns = market()
        returns["A"][AT] = move
        found = study(events(("x", "A", day())), frame(returns)).abnormal_returns.set_index("day")
        assert found.loc[0, "return"] == pytest.approx(move, rel=1e-9)


@pytest.mark.parametrize("offset", [-5, 0, 5])
def test_a_return_of_zero_moves_no_other_day(offset: int) -> None:
    """Trimming zeros shifted the index by one session against the stock."""
    returns = market()
    returns["A"][AT + offset] = 0.0
    found = study(events(("x", "A", day())), frame(returns)).abnormal_returns.set_index("day")
    estimation = slice(AT - 10 - 10 - 120, AT - 10 - 10)
    slope, intercept, *_ = stats.linregress(returns["SPY"][estimation], returns["A"][estimation])
    for at in range(-10, 11):
        expected = returns["A"][AT + at] - intercept - slope * returns["SPY"][AT + at]
        assert found.loc[at, "abnormal_return"] == pytest.approx(expected, abs=1e-12), at


def test_the_estimation_window_counts_sessions_and_holds_what_was_asked_for() -> None:
    """Calendar days cut 120 sessions to 87; a later window start slid the estimation past day 0."""
    for windows in ((Window(0, 0),), (Window(2, 4),)):
        spec = SPEC.with_changes(windows=windows, event_window=Window(min(0, windows[0].start), 4))
        model = study(events(("x", "A", day())), frame(market()), spec).models.iloc[0]
        assert model["n_estimation"] == 120
        assert model["estimation_end"] == str(SESSIONS[AT - 11]), "ten sessions between, whatever the window"


def test_a_missing_day_is_one_thing_everywhere() -> None:
    """One gap was a NaN in the CAR, a smaller mean in the CAAR, and a zero in its dispersion."""
    returns = market()
    rows = events(("x", "A", day()), ("y", "B", day(40)), ("z", "C", day(80)))
    holed = study(rows, frame(returns, {"A": [AT + 1]}), SPEC.with_changes(missing="strict"))
    cars = holed.windows[holed.windows["window"] == "[-1,1]"].set_index("event_id")["car"]
    assert np.isnan(cars["x"]) and cars[["y", "z"]].notna().all()
    line = holed.aggregate[(holed.aggregate["group"] == "all") & (holed.aggregate["window"] == "[-1,1]")]
    csect = line[line["test"] == "csect-t"].iloc[0]
    assert csect["n_events"] == 2 and csect["caar"] == pytest.approx(cars[["y", "z"]].mean(), rel=1e-12)
    expected = stats.ttest_1samp(cars[["y", "z"]], 0)
    assert csect["statistic"] == pytest.approx(expected.statistic, rel=1e-9)
    flags = holed.windows[holed.windows["event_id"] == "x"]["flags"]
    assert flags.str.contains("missing_day").any()


def test_a_missing_return_is_never_zero() -> None:
    returns = market()
    full = study(events(("x", "A", day())), frame(returns)).models.iloc[0]
    holes = list(range(AT - 100, AT - 40, 3))
    holed = study(events(("x", "A", day())), frame(returns, {"A": holes})).models.iloc[0]
    assert holed["n_estimation"] == full["n_estimation"] - len(holes)
    assert holed["sigma"] > 0.8 * full["sigma"] and holed["beta"] > 0.6, "zeros would pull both down"


def test_dates_are_joined_never_counted() -> None:
    """Rows of stock and index matched by number instead of date."""
    returns = market()
    shuffled = frame(returns).sample(frac=1.0, random_state=3)
    shuffled = shuffled[["close", "date", "ticker"]]
    one = study(events(("x", "A", day())), frame(returns)).windows
    two = study(events(("x", "A", day())), shuffled).windows
    pd.testing.assert_frame_equal(one, two)
    late = frame(returns, {"SPY": list(range(50))})
    three = study(events(("x", "A", day())), late).windows
    np.testing.assert_allclose(three["car"], one["car"], rtol=1e-9)


def test_statistics_differ_from_window_to_window_and_day_to_day() -> None:
    """A scalar was recycled, so that every day carried the first day's statistic."""
    rows = events(("x", "A", day()), ("y", "B", day(40)), ("z", "C", day(80)), ("u", "D", day(120)))
    found = study(rows, frame(market()))
    daily = found.abnormal_returns
    for name in ("abnormal_return", "std_error", "t", "p_value", "car", "car_std_error"):
        assert daily[daily["event_id"] == "x"][name].nunique() == 21, name
    table = found.aggregate[(found.aggregate["group"] == "all") & (found.aggregate["applicable"] != "no")]
    for test in ("csect-t", "patell", "bmp", "corrado", "cumrank-t", "grank-raw", "crude-dependence"):
        assert table[table["test"] == test]["statistic"].nunique() == len(WINDOWS), test


def test_one_kind_of_return_on_both_sides() -> None:
    """BHARs were in the AR column and were cumulated a second time."""
    returns = market()
    found = study(events(("x", "A", day())), frame(returns))
    window = found.windows[found.windows["window"] == "[-5,5]"].iloc[0]
    daily = found.abnormal_returns.set_index("day").loc[-5:5]
    assert window["car"] == pytest.approx(daily["abnormal_return"].sum(), rel=1e-9)
    bhar = np.prod(1 + daily["return"]) - np.prod(1 + daily["expected_return"])
    assert window["bhar"] == pytest.approx(bhar, rel=1e-9)


def test_the_p_value_knows_its_degrees_of_freedom() -> None:
    """Nine instead of 118, or the normal distribution: the window's length has nothing to do with it."""
    found = study(events(("x", "A", day())), frame(market())).windows
    assert set(found["df"]) == {118.0}
    np.testing.assert_allclose(found["p_t"], 2 * stats.t.sf(found["t"].abs(), 118), rtol=1e-9)


def test_a_band_of_95_percent_is_two_sided() -> None:
    """``t.ppf(level)`` made a band of 90 % out of 95 %."""
    found = study(events(("x", "A", day())), frame(market())).windows
    half = (found["ci_high"] - found["ci_low"]) / 2
    np.testing.assert_allclose(half / found["std_error"], stats.t.ppf(0.975, 118), rtol=1e-9)


def test_market_adjusted_returns_have_the_deviation_of_returns() -> None:
    """Not that of their squares, and about the estimation window's mean alone."""
    returns = market()
    row = study(events(("x", "A", day())), frame(returns), SPEC.with_changes(model="market-adjusted")).models.iloc[0]
    excess = (returns["A"] - returns["SPY"])[AT - 140 : AT - 20]
    assert row["sigma"] == pytest.approx(excess.std(ddof=1), rel=1e-9)
    mean = study(events(("x", "A", day())), frame(returns), SPEC.with_changes(model="constant-mean")).models.iloc[0]
    assert mean["sigma"] == pytest.approx(returns["A"][AT - 140 : AT - 20].std(ddof=1), rel=1e-9)


def test_signed_ranks_of_seven() -> None:
    """W+ = 27 of seven has the exact two-sided p of .031 and W+ = 23 that of .156; one program starred both wrongly."""
    from eventstudy.engine.significance.ranks import _signed_rank_p

    assert _signed_rank_p(27, 7, "two-sided") == pytest.approx(4 / 128)
    assert _signed_rank_p(23, 7, "two-sided") == pytest.approx(20 / 128)
    assert (
        round(_signed_rank_p(27, 7, "two-sided"), 3) == 0.031 and round(_signed_rank_p(23, 7, "two-sided"), 3) == 0.156
    )


def test_the_first_day_of_a_window_counts() -> None:
    """A window that began one session late lost its first abnormal return."""
    returns = market()
    base = study(events(("x", "A", day())), frame(returns)).windows.set_index("window")["car"]
    for offset in (-5, 5):
        moved = {**returns, "A": returns["A"].copy()}
        moved["A"][AT + offset] += 0.05
        after = study(events(("x", "A", day())), frame(moved)).windows.set_index("window")["car"]
        assert after["[-5,5]"] - base["[-5,5]"] == pytest.approx(0.05, abs=1e-12)
        assert after["[-1,1]"] == pytest.approx(base["[-1,1]"], abs=1e-12)


def test_two_runs_are_one_result() -> None:
    """The same input identified 145, 147 and 149 events from run to run."""
    rows = events(("x", "A", day()), ("y", "B", day(40)), ("z", "C", day(80)))
    spec = SPEC.with_changes(tests=("all",))
    one, two = study(rows, frame(market()), spec), study(rows, frame(market()), spec)
    for name, table in one.tables.items():
        pd.testing.assert_frame_equal(table, two.tables[name], check_exact=True, obj=name)


def test_a_few_sessions_are_no_estimation_window() -> None:
    """An event with half its estimation sessions was used without a notice."""
    returns = market()
    half = study(events(("x", "A", day())), frame(returns, {"A": list(range(AT - 140, AT - 60, 1))}))
    assert half.excluded["reason"].tolist() == ["insufficient_estimation"]
    assert "40 valid" in half.excluded["detail"].item() or "39 valid" in half.excluded["detail"].item()
    short = study(events(("x", "A", day())), frame(returns, {"A": list(range(AT - 140, AT - 95))}))
    assert short.models["flags"].str.contains("short_estimation").all()
