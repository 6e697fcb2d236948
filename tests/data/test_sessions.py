"""Sessions as prices prove them: the cases people hold, and others of their kind; numbers by plain least squares."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from eventstudy.data.calendar import INDICES, SUFFIXES, exchange_of, load_calendar
from eventstudy.data.calendar_fit import best_calendars
from eventstudy.data.event_columns import EventColumns
from eventstudy.data.events import events_from_frame
from eventstudy.data.sessions import Range, wrong_calendar
from eventstudy.data.sources import source_from_frame
from eventstudy.engine_options import window_plan
from eventstudy.results import StudyResult
from eventstudy.scale.limits import Limits
from eventstudy.spec import StudySpec
from eventstudy.study import run
from eventstudy.study_report import Order, study_into

FORMS = Path(__file__).parent / "forms" / "sessions"
# case -> (ticker, benchmark, announced, timing, day 0, CAR, its standard error)
CASES = {
    "index_holiday": ("^GDAXI", "^STOXX50E", "2025-05-26", "bmo", "2025-05-26", 0.0189729, 0.0141991),
    "crypto_saturday": ("ETH-USD", "BTC-USD", "2025-03-01", "dmh", "2025-03-01", 0.1811197, 0.0200267),
    "typhoon": ("2330.TW", "^TWII", "2024-10-31", "bmo", "2024-11-01", -0.0427654, 0.0108445),
}


def held(case: str) -> pd.DataFrame:
    """A case's closes, one column a symbol."""
    return pd.read_csv(FORMS / f"{case}.csv", parse_dates=["date"]).set_index("date")


def long(table: pd.DataFrame) -> pd.DataFrame:
    frame = table.rename_axis("date").reset_index().melt(id_vars="date", var_name="ticker", value_name="close")
    return frame.dropna(subset=["close"])[["ticker", "date", "close"]]


def event(ticker: str, announced: str, timing: str = "bmo", **more: str) -> pd.DataFrame:
    return pd.DataFrame([{"event_id": "x", "ticker": ticker, "announced_at": announced, "timing": timing, **more}])


def study(table: pd.DataFrame, events: pd.DataFrame, benchmark: str, **choices: object) -> StudyResult:
    # asked for, so that it is the benchmark of a listing abroad too, even where it is the default
    spec = StudySpec(benchmarks=(benchmark,), benchmarks_given=True, spec_curve="off", **choices)  # type: ignore[arg-type]
    return run(events, long(table), spec)


def day0(result: StudyResult) -> pd.Series:
    return result.windows[result.windows["window"] == "[0,0]"].iloc[0]


def truth(table: pd.DataFrame, day: str) -> tuple[float, float]:
    """CAR over [0,0] and its standard error by the market model, on the rows of a table, unchanged."""
    y, x = (table.iloc[:, i].pct_change().to_numpy() for i in (0, 1))
    at = table.index.get_loc(pd.Timestamp(day))
    plan = window_plan(StudySpec())
    rows, estimation = slice(at + plan.estimation_start, at + plan.estimation_end + 1), plan.estimation
    slope, level = np.polyfit(x[rows], y[rows], 1)
    left = y[rows] - level - slope * x[rows]
    spread = (x[rows] - x[rows].mean()) ** 2
    s2 = (left**2).sum() / (estimation - 2)
    error = np.sqrt(s2 * (1 + 1 / estimation + (x[at] - x[rows].mean()) ** 2 / spread.sum()))
    return y[at] - level - slope * x[at], error


@pytest.mark.parametrize("case", CASES)
def test_the_cases_of_sessions_have_their_true_numbers(case: str, tmp_path: Path) -> None:
    ticker, benchmark, announced, timing, day, car, error = CASES[case]
    table = held(case)
    found = day0(study(table, event(ticker, announced, timing), benchmark))
    assert str(found["day0"])[:10] == day
    assert found["car"] == pytest.approx(car, abs=6e-8) and found["std_error"] == pytest.approx(error, abs=6e-8)
    # the same figures by least squares on the closes, where every row is a session
    own = table.dropna()
    if len(own) == len(table):
        assert truth(own, day) == pytest.approx((found["car"], found["std_error"]), rel=1e-9)
    streamed(event(ticker, announced, timing), table, benchmark, tmp_path)
    row = pd.read_csv(tmp_path / "out" / "windows.csv").iloc[0]
    assert (
        (row["car"], row["std_error"]) == (found["car"], found["std_error"]) and row["flags"] == found["flags"]
    ) or (pd.isna(row["flags"]) and not found["flags"])


def streamed(events: pd.DataFrame, table: pd.DataFrame, benchmark: str, folder: Path) -> None:
    """The study as many events are studied, block by block."""
    columns: EventColumns = events_from_frame(events)
    spec = StudySpec(benchmarks=(benchmark,), precision="full", spec_curve="off")
    order = Order(out=folder / "out", formats=("csv",), limits=Limits(kept=0))
    study_into(columns, spec, order, prices=source_from_frame(long(table)))


def test_a_closure_is_said_and_flagged_and_a_padded_one_too() -> None:
    table = held("typhoon")
    rows = event("2330.TW", "2024-10-31")
    plain = study(table, rows, "^TWII")
    assert "calendar_corrected" in day0(plain)["flags"].split(";")
    assert [n for n in plain.notices if "XTAI" in n and "closed on 2024-10-31" in n]
    # the vendor repeats the closes of the day before
    padded = table.reindex(table.index.union([pd.Timestamp("2024-10-31")])).ffill()
    same = study(padded, rows, "^TWII")
    assert day0(same)["car"] == day0(plain)["car"] and day0(same)["flags"] == day0(plain)["flags"]
    # another series that traded then proves the exchange open
    other = table.assign(**{"2317.TW": table["2330.TW"] * 1.5})
    other.loc[pd.Timestamp("2024-10-31")] = [np.nan, np.nan, 333.3]
    open_then = study(other.sort_index(), pd.concat([rows, event("2317.TW", "2024-12-02")]), "^TWII")
    assert not [n for n in open_then.notices if "closed" in n]


NEW_YORK = load_calendar("XNYS", date(2022, 1, 3), date(2024, 12, 31)).sessions
DAY = str(NEW_YORK[500])


def market(days: np.ndarray = NEW_YORK, seed: int = 3, names: tuple[str, ...] = ("A", "SPY")) -> pd.DataFrame:
    """Closes of a stock on its benchmark, made up."""
    rng = np.random.default_rng(seed)
    index = rng.standard_t(5, len(days)) * 0.008
    own = 0.9 * index + rng.standard_t(5, len(days)) * 0.012
    closes = {name: 100 * np.cumprod(1 + x) for name, x in zip(names, (own, index), strict=True)}
    return pd.DataFrame(closes, index=pd.DatetimeIndex(days.astype("datetime64[ns]")))


def with_day(
    table: pd.DataFrame, day: str, move: float = 1.013, columns: tuple[str, ...] = ("A", "SPY")
) -> pd.DataFrame:
    """A row more, moved in some columns and without a close in the others."""
    before = table[table.index < day].iloc[-1]
    row = {name: before[name] * move if name in columns else np.nan for name in table}
    return pd.concat([table, pd.DataFrame(row, index=[pd.Timestamp(day)])]).sort_index()


SATURDAYS = ("2023-12-16", "2024-01-06", "2024-02-03", "2024-03-02", "2024-04-06", "2024-05-04")


def test_a_day_that_stock_and_benchmark_prove_is_a_session() -> None:
    table = with_day(market(), SATURDAYS[0])
    # the Saturday is day 0 itself, its return that of one session
    found = study(table, event("A", SATURDAYS[0], "dmh"), "SPY")
    row = day0(found)
    assert str(row["day0"])[:10] == SATURDAYS[0] and "calendar_corrected" in row["flags"]
    assert (row["car"], row["std_error"]) == pytest.approx(truth(table, SATURDAYS[0]), rel=1e-9)
    assert [n for n in found.notices if SATURDAYS[0] in n and "counted as sessions" in n]
    # news of that day at noon in New York and after the close there
    clock = study(table, event("A", f"{SATURDAYS[0]}T12:00:00-05:00", ""), "SPY")
    late = study(table, event("A", f"{SATURDAYS[0]}T17:00:00-05:00", ""), "SPY")
    assert str(day0(clock)["day0"])[:10] == SATURDAYS[0] and str(day0(late)["day0"])[:10] == "2023-12-18"


def test_more_than_three_days_a_year_correct_nothing() -> None:
    table = market()
    for day in SATURDAYS[1:5]:
        table = with_day(table, day)
    found = study(table, event("A", "2024-02-05"), "SPY")
    assert not [n for n in found.notices if "counted as sessions" in n]
    assert "off_calendar" in day0(found)["flags"].split(";")
    assert "A: 4 rows are not sessions of XNYS and left out (2024-01-06" in "; ".join(found.notices)


def test_a_row_without_a_benchmark_row_is_left_out() -> None:
    clean, table = market(), with_day(market(), SATURDAYS[0], columns=("A",))
    before, after = (study(t, event("A", DAY), "SPY") for t in (clean, table))
    assert day0(before)["car"] == day0(after)["car"]
    inside = "off_calendar" in day0(after)["flags"].split(";")
    assert inside and "off_calendar" not in day0(before)["flags"]
    (own,) = (p for p in after.provenance if p.symbol == "A")
    assert (own.off_calendar, own.off_calendar_first) == (1, SATURDAYS[0]) and "1 row is not a session" in own.notice


def test_padded_rows_are_no_sessions_and_no_error() -> None:
    table = market()
    every = pd.date_range(table.index[0], table.index[-1], freq="B")
    padded = table.reindex(every).ffill()
    before, after = study(table, event("A", DAY), "SPY"), study(padded, event("A", DAY), "SPY")
    pd.testing.assert_frame_equal(before.windows, after.windows, check_exact=True)
    notice = next(n for n in after.notices if n.startswith("A:"))
    assert "all repeat the close before" in notice and "(2022-01-17, 2022-02-21" in notice
    # a holiday is still none: news of it belong to the next session
    assert str(day0(study(padded, event("A", "2024-01-01"), "SPY"))["day0"])[:10] == "2024-01-02"


WRONG = {
    "XETR": ("2024-01-02", {"XETR", "XFRA"}),
    "XTKS": ("2024-01-05", {"XTKS"}),
    "XSAU": ("2024-01-03", {"XSAU"}),
    "24/7": ("2024-01-03", {"24/7"}),
}


@pytest.mark.parametrize("code", WRONG)
def test_a_wrong_calendar_is_excluded_and_better_ones_named(code: str) -> None:
    day, best = WRONG[code]
    days = load_calendar(code, date(2022, 1, 3), date(2024, 12, 31)).sessions
    table = market(days)
    lost = study(table, event("A", day), "SPY").excluded
    assert lost["reason"].tolist() == ["wrong_calendar"], lost["detail"].tolist()
    assert all(name in lost["detail"].iloc[0] for name in best) and "`calendar` column" in lost["detail"].iloc[0]
    cured = study(table, event("A", day, calendar=code), "SPY")
    on_rows = study(table, event("A", day, calendar="data"), "SPY")
    assert (day0(cured)["car"], day0(cured)["std_error"]) == pytest.approx(truth(table, day), rel=1e-9)
    assert day0(on_rows)["car"] == day0(cured)["car"] and day0(on_rows)["day0"] == day0(cured)["day0"]


@pytest.mark.parametrize("code", ["24/7", "XTKS", "XBOM"])
def test_a_calendar_with_too_many_sessions_is_excluded_too(code: str) -> None:
    lost = study(market(), event("A", "2024-01-10", calendar=code), "SPY").excluded
    assert lost["reason"].tolist() == ["wrong_calendar"] and "XNYS" in lost["detail"].iloc[0]


def test_prices_of_every_day_of_a_week_need_their_calendar() -> None:
    """240 of 761 rows were once lost without a word."""
    table = held("crypto_saturday").rename(columns={"ETH-USD": "COIN", "BTC-USD": "CHAIN"})
    # the same weekdays of the years that the other tests ask every calendar for
    table = table.set_axis(table.index - pd.Timedelta(weeks=52))
    lost = study(table, event("COIN", "2024-03-02", "dmh"), "CHAIN").excluded
    assert lost["reason"].tolist() == ["wrong_calendar"] and "24/7" in lost["detail"].iloc[0]
    for calendar in ("24/7", "data"):
        found = day0(study(table, event("COIN", "2024-03-02", "dmh", calendar=calendar), "CHAIN"))
        assert found["car"] == pytest.approx(0.1811197, abs=6e-8)


def test_the_rows_of_each_row_s_own_benchmark_are_its_sessions() -> None:
    table = market().assign(B=lambda t: t["A"] * 2, M=lambda t: t["SPY"].where(t.index != "2023-12-27"))
    rows = pd.concat(
        [event("A", "2023-12-27", calendar="data"), event("B", "2023-12-27", calendar="data", benchmark="M")]
    )
    found = study(table, rows, "SPY").windows.set_index(["ticker", "window"])["day0"].astype(str)
    assert found["A", "[0,0]"][:10] == "2023-12-27" and found["B", "[0,0]"][:10] == "2023-12-28"


SYMBOLS = {
    "^GDAXI": "XETR", "^FTSE": "XLON", "^N225": "XTKS", "^HSI": "XHKG", "^TWII": "XTAI", "^AEX": "XAMS", "^GSPC": "XNYS",
    "^KS11": "XKRX", "^BVSP": "BVMF", "^SSMI": "XSWX", "BTC-USD": "24/7", "ETH-EUR": "24/7", "EURUSD=X": "24/5",
    "JPY=X": "24/5", "BRK-B": "XNYS", "RDS-A": "XNYS", "OPAP.AT": "ASEX", "TEVA.TA": "XTAE", "TCS.NS": "XBOM",
}  # fmt: skip


@pytest.mark.parametrize(("symbol", "code"), SYMBOLS.items())
def test_symbols_know_their_sessions(symbol: str, code: str) -> None:
    assert exchange_of(symbol) == code and exchange_of(symbol.lower()) == code


def test_the_calendar_of_every_suffix_and_index_is_built() -> None:
    for code in sorted({*SUFFIXES.values(), *INDICES.values(), "24/7", "24/5"}):
        calendar = load_calendar(code, date(2022, 1, 1), date(2024, 12, 31))
        assert 700 < len(calendar.sessions) <= 1096 and (np.diff(calendar.sessions.astype(int)) > 0).all(), code
        assert (calendar.opens < calendar.closes).all(), code


@pytest.mark.parametrize(
    ("code", "sessions", "closed"),
    [
        # budget Saturdays and a drill of Bombay, Saturdays moved in Moscow, the week of Tel Aviv until 2026
        ("XBOM", ["2024-01-20", "2025-02-01"], ["2024-01-27", "2025-02-08", "2024-01-22"]),
        ("XMOS", ["2024-04-27", "2024-11-02", "2024-12-28"], ["2024-05-01", "2024-05-04"]),
        ("XTAE", ["2024-01-07", "2025-12-28", "2026-01-09"], ["2024-01-05", "2026-01-11", "2024-04-23", "2024-10-03"]),
        # Orthodox Good Friday and Easter Monday
        ("ASEX", ["2024-04-05", "2025-04-22"], ["2024-05-03", "2024-05-06", "2025-04-18", "2025-04-21"]),
    ],
)
def test_special_sessions(code: str, sessions: list[str], closed: list[str]) -> None:
    found = set(load_calendar(code, date(2023, 1, 1), date(2026, 3, 31)).sessions.astype(str))
    assert set(sessions) <= found and not found & set(closed)


@pytest.mark.parametrize("code", ["XNYS", "XLON", "XETR", "XTKS", "XHKG", "XASX", "XSAU", "XBOM", "24/5", "24/7"])
@pytest.mark.parametrize("holes", [0.0, 0.05])
def test_rows_of_a_calendar_fit_it_best(code: str, holes: float) -> None:
    rng = np.random.default_rng(7)
    rows = load_calendar(code, date(2022, 1, 3), date(2024, 12, 31)).sessions
    rows = rows[rng.random(len(rows)) >= holes]
    assert code in best_calendars(rows) or "XETR" in best_calendars(rows)
    assert "XNYS" not in best_calendars(rows) or code == "XNYS"


def test_a_foreign_benchmark_is_not_called_shifted() -> None:
    """New York's week from Monday to Friday is Riyadh's from Sunday to Thursday, a day later."""
    days = load_calendar("XSAU", date(2022, 1, 3), date(2024, 12, 31)).sessions
    own, index = market(days)["A"].rename("2222.SR"), market()["SPY"]
    found = study(pd.concat([own, index], axis=1, sort=True), event("2222.SR", "2024-01-10"), "SPY")
    assert not len(found.excluded) and np.isfinite(day0(found)["car"])


def test_currency_days_are_london_s_and_crypto_days_are_utc() -> None:
    days = pd.bdate_range("2024-06-03", periods=40)
    for symbol, zone in (("EURUSD=X", "Europe/London"), ("BTC-USD", "UTC")):
        stamps = days.tz_localize(zone).tz_convert("UTC")
        frame = pd.DataFrame({"ticker": symbol, "date": stamps, "close": np.arange(1.0, 41.0)})
        series = source_from_frame(frame).fetch([symbol], date(2024, 1, 1), date(2024, 12, 31)).series[symbol]
        assert series.dates.astype(str).tolist() == days.strftime("%Y-%m-%d").tolist()


def test_one_event_uses_the_corrected_calendar() -> None:
    closed, after = str(NEW_YORK[500]), str(NEW_YORK[501])
    table = market(names=("A", "SPY")).assign(B=market(seed=4)["A"], C=market(seed=5)["A"])
    table = table[table.index != pd.Timestamp(closed)]
    rows = pd.DataFrame(
        {
            "event_id": ["a", "b", "c"],
            "ticker": ["A", "B", "C"],
            "announced_at": [closed, after, after],
            "timing": "bmo",
        }
    )
    spec = StudySpec(benchmarks=("SPY",))
    every, alone = run(rows, long(table), spec), run(rows, long(table), spec, only=["a"])
    assert str(day0(alone)["day0"])[:10] == after and len(every.clusters)
    assert repr(alone.clusters) == repr(every.clusters)


@pytest.mark.parametrize("rows", ["W-WED", "BMS"])
def test_weekly_and_monthly_rows_fit_no_calendar(rows: str) -> None:
    prices = market()
    some = prices[prices.index.isin(pd.date_range(prices.index[0], prices.index[-1], freq=rows))]
    own, benchmark = (source_from_frame(long(some)).table.series[name] for name in ("A", "SPY"))
    within = Range(NEW_YORK[0], NEW_YORK[-1])
    calendar = load_calendar("XNYS", date(2022, 1, 3), date(2024, 12, 31))
    assert "the rows are not daily" in wrong_calendar(own, benchmark, calendar, within)
    assert not wrong_calendar(own, source_from_frame(long(prices)).table.series["SPY"], calendar, within)
