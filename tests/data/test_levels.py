"""Levels, holes and tails of prices: what each flag sees, what it must not see, and that none excludes a row."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from eventstudy.data.levels import level_marks
from eventstudy.data.prices import Daily, PriceTable, Supplied, make_series
from eventstudy.data.quality import against_benchmark, bad_tick
from eventstudy.data.returns import AlignedSeries, align
from eventstudy.data.stacks import Stack
from eventstudy.data.stale_tail import without_tail
from eventstudy.report.write import build_files
from eventstudy.results import StudyResult
from tests.data.test_sessions import DAY, NEW_YORK, day0, event, held, market, study, truth

AT = 500
FIRST = ("level_break", "huge_move", "stale_tail", "long_gap")


def flags(result: StudyResult) -> list[str]:
    return [flag for flag in str(day0(result)["flags"]).split(";") if flag]


def test_a_change_of_units_on_day_0_is_flagged_first() -> None:
    found = study(held("pence_pounds"), event("EZJ.L", "2025-04-16"), "^FTSE")
    assert flags(found)[0] == "level_break" and not len(found.excluded)
    assert day0(found)["std_error"] == pytest.approx(0.0142347, abs=6e-8)
    # the truth once the pounds are pence again
    table = held("pence_pounds")
    table.loc["2025-04-16":, "EZJ.L"] *= 100
    mended = study(table, event("EZJ.L", "2025-04-16"), "^FTSE")
    assert day0(mended)["car"] == pytest.approx(-0.0635255, abs=6e-8) and not flags(mended)


BREAKS = {
    "pounds to pence": 100.0,
    "pence to pounds": 0.01,
    "a thousand": 1e-3,
    "six noughts": 1e-6,
    "4:1": 1 / 4,
    "2:1": 1 / 2,
    "1:10": 10.0,
    "3:2": 2 / 3,
    "190:1": 190.0,
}


PLACES = {"day 0": AT, "estimation": AT - 100, "event window": AT + 3}


@pytest.mark.parametrize(
    ("name", "where", "column"),
    [
        *((name, AT, "A") for name in BREAKS),
        *(("4:1", where, "A") for where in PLACES.values()),
        *((name, AT - 100, "SPY") for name in ("4:1", "a thousand", "3:2")),
    ],
)
def test_every_break_is_flagged_on_every_row_that_it_touches(name: str, where: int, column: str) -> None:
    table = market()
    table.iloc[where:, table.columns.get_loc(column)] *= BREAKS[name]
    found = study(table, event("A", DAY), "SPY", tests=("car-t",))
    assert flags(found)[0] in ("level_break", "huge_move") and not len(found.excluded)
    if abs(np.log(BREAKS[name])) > 0.5:
        assert flags(found)[0] == "level_break"
    # an event a year later does not see it any more
    if where < AT:
        assert not set(FIRST) & set(flags(study(table, event("A", str(NEW_YORK[-5])), "SPY", tests=("car-t",))))


@pytest.mark.parametrize(("move", "said"), [(1.55, ["huge_move"]), (0.55, ["huge_move"]), (1.3, []), (0.72, [])])
def test_a_move_beyond_a_factor_of_1_5_is_flagged(move: float, said: list[str]) -> None:
    table = market()
    table.iloc[AT:, 0] *= move
    assert flags(study(table, event("A", DAY), "SPY", tests=("car-t",))) == said


def series_of(table: pd.DataFrame) -> AlignedSeries:
    from eventstudy.data.calendar import load_calendar

    calendar = load_calendar("XNYS", date(2022, 1, 3), date(2024, 12, 31))
    made = {
        name: make_series(
            name,
            table.index[table[name].notna()].to_numpy().astype("datetime64[D]"),
            Daily(table[name].dropna().to_numpy()),
            Supplied("t", "t"),
        )
        for name in table
    }
    return align(PriceTable(made, {}), "A", ["SPY"], calendar, "simple")


@pytest.mark.parametrize(("size", "seen"), [(0.30, True), (0.50, True), (1.0, True), (0.03, False)])
def test_a_spike_that_goes_back_is_a_bad_tick(size: float, seen: bool) -> None:
    table = market()
    # two quiet sessions: what else moves does not hide it
    table.iloc[AT - 1 : AT + 2] = table.iloc[AT - 1].to_numpy()
    table.iloc[AT, 0] *= 1 + size
    found = level_marks(Stack.of([series_of(table)])).spiked[0]
    assert found[AT] == seen and found.sum() == int(seen)
    # half of it stays: news, and no tick
    table.iloc[AT + 1 :, 0] *= 1 + size / 2
    assert not level_marks(Stack.of([series_of(table)])).spiked.any()


def test_a_break_that_does_not_stay_or_calm_down_is_a_huge_move() -> None:
    table = market()
    table.iloc[AT : AT + 3, 0] *= 100
    found = level_marks(Stack.of([series_of(table)]))
    assert not found.broken.any() and found.huge[0, [AT, AT + 3]].all() and found.huge.sum() == 2


# a hole before the event: sessions without rows, whether it is bridged
@pytest.mark.parametrize(("missing", "bridged"), [(19, True), (20, True), (21, False), (60, False)])
@pytest.mark.parametrize("column", ["A", "SPY"])
def test_no_return_and_no_regression_crosses_a_long_hole(missing: int, bridged: bool, column: str) -> None:
    table = market()
    hole = slice(AT - 150, AT - 150 + missing)
    table.iloc[hole, table.columns.get_loc(column)] = np.nan
    found = study(table, event("A", DAY), "SPY")
    n = int(found.models["n_estimation"].iloc[0])
    assert ("long_gap" in flags(found)) == (not bridged)
    if bridged:
        assert n == 250 - missing
        return
    # the same study on the rows after the hole alone
    after = study(table.iloc[AT - 150 + missing :], event("A", DAY), "SPY")
    assert n == int(after.models["n_estimation"].iloc[0]) == 150 - missing - 1 - (DAYS_BEFORE - 1)
    assert day0(found)["car"] == day0(after)["car"] and day0(found)["std_error"] == day0(after)["std_error"]
    assert not np.isfinite(day0(found)["p_placebo"])
    # nor one of another model, whether other events are masked or not
    rows = found.robustness
    # the mean of a stock's own returns needs no benchmark
    across = np.array([column == "A" or rows.models[m] != "constant-mean" for m in rows.model.tolist()])
    assert set(rows.masked.tolist()) == {True, False} and set(rows.n_estimation[across].tolist()) == {n}


# sessions between the last of the estimation window and day 0
DAYS_BEFORE = 21


def test_two_companies_of_one_symbol_are_not_joined() -> None:
    one, other = market(seed=3), market(seed=9)
    table = one.copy()
    table["A"] = np.nan
    table.iloc[: AT - 200, 0] = one["A"].iloc[: AT - 200]
    table.iloc[AT - 100 :, 0] = 7 * other["A"].iloc[AT - 100 :]
    found, alone = (study(t, event("A", DAY), "SPY") for t in (table, table.iloc[AT - 100 :]))
    assert day0(found)["car"] == day0(alone)["car"] and "long_gap" in flags(found)


def test_a_tail_of_repeated_closes_is_dropped() -> None:
    table = market()
    table.iloc[AT + 2 :, 0] = table.iloc[AT + 1, 0]
    found = study(table, event("A", DAY), "SPY")
    whole = study(table.iloc[: AT + 2], event("A", DAY), "SPY")
    own = found.windows.set_index("window")
    assert own.loc["[0,0]", "car"] == whole.windows.set_index("window").loc["[0,0]", "car"]
    assert "stale_tail" in flags(found) and np.isnan(own.loc["[0,10]", "car"])
    # an event in the tail has no prices
    lost = study(table, event("A", str(NEW_YORK[AT + 50])), "SPY").excluded
    assert lost["reason"].tolist() == ["day0_not_observed"] and str(NEW_YORK[AT + 1]) in lost["detail"].iloc[0]


def test_a_short_tail_or_that_of_a_thin_stock_stays() -> None:
    rng = np.random.default_rng(1)
    days = NEW_YORK[:400]
    moving = 50 * np.cumprod(1 + rng.normal(0, 0.01, 400))
    thin = moving[np.maximum.accumulate(np.where(rng.random(400) < 0.5, np.arange(400), 0))]

    def made(close: np.ndarray) -> object:
        return make_series("A", days, Daily(close), Supplied("t", "t"))

    market = made(moving[::-1].copy())
    five = np.append(moving[:-5], [moving[-6]] * 5)
    six = np.append(moving[:-6], [moving[-7]] * 6)
    for close, kept in ((moving, 400), (np.append(moving[:-4], [moving[-5]] * 4), 400), (five, 395), (six, 394)):
        assert len(without_tail(made(close), market).dates) == kept  # type: ignore[arg-type]
    thin[-8:] = thin[-9]
    assert len(without_tail(made(thin), market).dates) == 400, "nine unchanged closes of a stock that often has some"  # type: ignore[arg-type]
    # a market that stands still has closed: nothing is stale
    still = make_series("M", days, Daily(np.append(moving[:-20], [moving[-21]] * 20)), Supplied("t", "t"))
    assert len(without_tail(made(six), still).dates) == 400  # type: ignore[arg-type]


def test_pages_list_these_flags_first() -> None:
    table = market()
    table.iloc[AT - 100 :, 0] /= 4
    table.iloc[AT - 200 : AT - 195, 0] = table.iloc[AT - 201, 0]
    found = study(table, event("A", DAY, ""), "SPY")
    assert flags(found)[0] == "level_break" and len(flags(found)) > 2
    text = build_files(found, ("md",), None)["summary.md"].decode()
    assert text.index("level_break") < text.index("stale_prices") and text.index("level_break") < text.index("timing_")


TABLES = Path(os.environ.get("EVENTSTUDY_TEST_DATA", "") or "/nowhere")
# rises and falls of 3:2 and more that were news: nothing else of 1.4 million moves is called a level that changes
NEWS = (
    "CNC 2025-07-02", "DG 2024-08-29", "ENPH 2015-11-04", "EW 2024-07-25", "NFLX 2022-04-20", "PCG 2019-10-10",
    "SMCI 2026-03-20", "TEAM 2022-11-04", "TTD 2025-02-13", "TTD 2025-08-08", "WMB 2016-02-08", "ZS 2026-05-27",
)  # fmt: skip
HUGE = (
    "ALGN 2025-07-31", "AMD 2016-04-22", "APA 2020-03-09", "BLDR 2015-04-13", "CZR 2020-03-12", "DHR 2016-07-05",
    "DVN 2020-03-09", "DXCM 2024-07-26", "EPAM 2022-02-28", "FANG 2020-03-09", "GL 2024-04-11", "HAL 2020-03-09",
    "MGM 2020-03-16", "NCLH 2020-03-12", "OKE 2020-03-09", "OXY 2020-03-09", "PAYC 2023-11-01", "PCG 2019-01-14",
    "PCG 2019-01-24", "PDD 2022-03-16", "SHOP 2015-05-21", "SMCI 2018-10-04", "SNPS 2025-09-10", "TRGP 2020-03-09",
    "TRGP 2020-03-18", "WST 2025-02-13",
)  # fmt: skip
TICKS = ("AVGO 2020-03-18", "EIX 2018-11-15", "OKE 2020-03-18", "PCG 2018-11-15", "TRGP 2020-03-18", "ZTS 2015-06-25")


@pytest.mark.skipif(not (TABLES / "panel.parquet").is_file(), reason="EVENTSTUDY_TEST_DATA names no panel.parquet")
def test_real_firms_have_only_the_flags_that_were_checked() -> None:
    """Every flag was looked at: earnings, buy-outs, the spring of 2020, and one defect of the vendor (DHR 2016)."""
    from eventstudy.data.calendar import load_calendar
    from eventstudy.data.proven_calendars import judged
    from eventstudy.data.series_index import SeriesKey
    from eventstudy.data.sessions import Range
    from eventstudy.data.sources import open_source
    from eventstudy.spec import StudySpec

    path = TABLES / "panel.parquet"
    symbols = sorted(pd.read_parquet(path, columns=["ticker"])["ticker"].unique())
    start, end = date(2015, 1, 1), date(2026, 8, 31)
    table = open_source(StudySpec(source=f"parquet:{path}")).fetch(symbols, start, end)
    calendar = load_calendar("XNYS", start, end)
    keys = [SeriesKey(symbol, "XNYS", ("SPY",)) for symbol in symbols if symbol != "SPY"]
    every = Range(np.datetime64(start, "D"), np.datetime64(end, "D"))
    table = judged(table, keys, {"XNYS": calendar}, dict.fromkeys(keys, every))
    assert not table.refused and not table.wrong and len(keys) >= 500
    found: dict[str, list[str]] = {"level": [], "huge": [], "tick": [], "other": []}
    for key in keys:
        series = align(table, key.ticker, key.benchmarks, calendar, "simple")
        stack = Stack.of([series])
        level = level_marks(stack)
        marks = {"level": level.broken, "huge": level.huge & ~level.broken, "tick": level.spiked | bad_tick(stack)}
        marks["other"] = series.dropped | series.hole | against_benchmark(stack)
        for name, where in marks.items():
            found[name] += [f"{key.ticker} {day}" for day in calendar.sessions[where.ravel()]]
    assert tuple(found["level"]) == NEWS and tuple(found["huge"]) == HUGE and tuple(found["tick"]) == TICKS
    assert not found["other"]


def test_price_ranges_come_from_the_options() -> None:
    """An event once had 1,071 observations alone and 2,500 beside an older row of another firm."""
    from eventstudy.data.calendar import load_calendar

    days = load_calendar("XNYS", date(2010, 1, 4), date(2024, 12, 31)).sessions
    table = market(days).assign(B=lambda t: t["A"] * 1.01)
    rows = event("A", DAY)
    alone = study(table, rows, "SPY", estimation=2500)
    beside = study(table, pd.concat([rows, event("B", "2012-06-01")]), "SPY", estimation=2500)
    assert int(alone.models["n_estimation"].iloc[0]) == 2500 == int(beside.models["n_estimation"].iloc[0])
    own = beside.windows[beside.windows["ticker"] == "A"].reset_index(drop=True)
    pd.testing.assert_frame_equal(alone.windows, own, check_exact=True)
    assert any("of 1 of 2 events, such as B on 2012-06-01" in notice for notice in beside.notices)


def test_the_truth_is_that_of_plain_least_squares() -> None:
    table = market()
    found = day0(study(table, event("A", DAY), "SPY"))
    assert (found["car"], found["std_error"]) == pytest.approx(truth(table, DAY), rel=1e-9)
