"""Troubled prices: whichever cell is empty has its flag or reason, and a hole changes nothing that it does not touch."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from eventstudy.data.files import read_prices
from eventstudy.data.parquet_prices import ParquetPrices
from eventstudy.errors import InputFileError
from eventstudy.flags import FLAGS
from eventstudy.results import StudyResult
from eventstudy.scale.limits import Limits
from eventstudy.spec import StudySpec, Window
from eventstudy.study import run
from tests.conftest import needs
from tests.test_flags import DAY, SESSIONS, drop, prices

# DAY for A, apart from every window of B
OTHER = DAY + 60
EVENTS = pd.DataFrame(
    {
        "event_id": ["x", "y"],
        "ticker": ["A", "B"],
        "announced_at": [str(SESSIONS[DAY]), str(SESSIONS[OTHER])],
        "timing": "bmo",
    }
)
TESTS = ("car-t-ar1", "ar-t-local", "sq", "conformal", "rank-exact", "window-f")
SPEC = StudySpec(tests=TESTS, engine="numpy")


def studied(frame: pd.DataFrame, spec: StudySpec = SPEC, events: pd.DataFrame = EVENTS) -> StudyResult:
    return run(events, frame, spec)


def blank(frame: pd.DataFrame, ticker: str, *positions: int) -> pd.DataFrame:
    """NaN in place of closes, where `drop` leaves the rows out."""
    holed = frame.copy()
    holed.loc[(frame["ticker"] == ticker) & frame["date"].isin(SESSIONS[list(positions)]), "close"] = np.nan
    return holed


def rows(result: StudyResult, table: str, event: str) -> pd.DataFrame:
    frame = result.tables[table]
    return frame[frame["event_id"] == event].reset_index(drop=True)


@pytest.fixture(scope="module")
def whole() -> pd.DataFrame:
    return prices()


POSITIONS = (*range(DAY - 11, DAY + 13), DAY - 200, DAY - 60, OTHER + 30)


@pytest.mark.parametrize("engine", ["numpy", pytest.param("numba", marks=needs("fast"))])
def test_a_nan_at_every_position_changes_no_number_that_it_does_not_touch(whole: pd.DataFrame, engine: str) -> None:
    spec = SPEC.with_changes(engine=engine, spec_curve="off")
    before = studied(whole, spec)
    for at in POSITIONS if engine == "numpy" else POSITIONS[::4]:
        after = studied(blank(whole, "A", at), spec)
        for table in ("windows", "models", "abnormal_returns"):
            pd.testing.assert_frame_equal(rows(after, table, "y"), rows(before, table, "y"), check_exact=True)
        # the return of the day is gone and the next one covers both: what holds neither is what it was
        estimation = DAY - 261 <= at <= DAY - 20
        days = {at - DAY, at - DAY + 1}
        for (_, old), (_, new) in zip(
            rows(before, "windows", "x").iterrows(), rows(after, "windows", "x").iterrows(), strict=True
        ):
            window = Window.parse(old["window"])
            inside = {day for day in days if window.start <= day <= window.end}
            if not inside and not estimation:
                assert new["car"] == old["car"] and new["std_error"] == old["std_error"] and new["p_t"] == old["p_t"], (
                    at,
                    window,
                )
                assert set(new["flags"].split(";")) - {"stale_prices"} == set(old["flags"].split(";")), (at, window)
            if at - DAY == window.end:
                assert np.isnan(new["car"]) and np.isnan(new["p_t"]), "a window that ends in a hole has no CAR"
            if inside:
                assert "missing_day" in new["flags"] or at - DAY + 1 == window.start, (at, window, new["flags"])


def test_a_row_without_a_close_and_no_row_are_the_same(whole: pd.DataFrame) -> None:
    for at in (DAY - 100, DAY - 1, DAY, DAY + 1):
        nan, gone = studied(blank(whole, "A", at)), studied(drop(whole, "A", at))
        for name, table in nan.tables.items():
            pd.testing.assert_frame_equal(table, gone.tables[name], check_exact=True, obj=name)


def announced(*days: int, ticker: str = "A") -> pd.DataFrame:
    names = [f"e{n}" for n in range(len(days))]
    return pd.DataFrame(
        {"event_id": names, "ticker": ticker, "announced_at": [str(SESSIONS[d]) for d in days], "timing": "bmo"}
    )


def ticked(frame: pd.DataFrame) -> pd.DataFrame:
    bent = frame.copy()
    bent.loc[(bent["ticker"] == "A") & (bent["date"] == SESSIONS[DAY - 60]), "close"] *= 1.8
    return bent


def still(frame: pd.DataFrame, first: int, last: int) -> pd.DataFrame:
    bent = frame.copy()
    bent.loc[(bent["ticker"] == "A") & bent["date"].isin(SESSIONS[first:last]), "close"] = 77.0
    return bent


# trouble -> prices, announcements, flags that some window must carry or the reason of the excluded row
TROUBLES = {
    "a bad tick": (ticked, announced(DAY), {"bad_tick"}, ""),
    "stale prices": (lambda f: still(f, DAY - 50, DAY - 40), announced(DAY), {"stale_prices"}, ""),
    "stale prices over day 0": (lambda f: still(f, DAY - 8, DAY + 8), announced(DAY), {"stale_prices"}, ""),
    "no variance": (lambda f: still(f, 0, len(SESSIONS)), announced(DAY), {"zero_variance", "stale_prices"}, ""),
    "a missing benchmark day": (lambda f: drop(f, "SPY", DAY), announced(DAY), {"benchmark_gap"}, ""),
    "a delisting in the window": (lambda f: drop(f, "A", *range(DAY + 4, len(SESSIONS))), announced(DAY), {"delisted"}, ""),
    "a halt on day 0": (lambda f: drop(f, "A", DAY), announced(DAY), {"no_trade_day0", "missing_day"}, ""),
    "a week's halt": (lambda f: drop(f, "A", *range(DAY - 1, DAY + 5)), announced(DAY), {"no_trade_day0", "missing_day"}, ""),
    "overlapping windows": (lambda f: f, announced(DAY, DAY + 3), {"overlap"}, ""),
    "one announcement twice": (lambda f: f, announced(DAY, DAY), {"shared_session"}, ""),
    "an index that is the stock": (lambda f: f, announced(DAY, ticker="SPY"), {"benchmark_is_ticker", "zero_variance"}, ""),
    "no benchmark at all": (lambda f: f[f["ticker"] != "SPY"], announced(DAY), set(), "no_benchmark"),
    "no prices at all": (lambda f: f[f["ticker"] != "A"], announced(DAY), set(), "no_prices"),
    "prices that begin later": (lambda f: drop(f, "A", *range(DAY + 1)), announced(DAY), set(), "before_prices"),
    "prices that end before": (lambda f: f[f["date"] < SESSIONS[DAY]], announced(DAY), set(), "day0_not_observed"),
    "a short history": (lambda f: drop(f, "A", *range(DAY - 60)), announced(DAY), set(), "insufficient_estimation"),
    "a constant benchmark": (lambda f: f.assign(close=f["close"].where(f["ticker"] != "SPY", 50.0)), announced(DAY), set(), "rank_deficient"),
}  # fmt: skip
# cells that may be empty whatever the prices: what was not asked for, and what a short sample does not have
REASONED = ("car", "std_error", "p_t")


def explained(result: StudyResult) -> None:
    """No infinite cell anywhere; an empty CAR, error or p has a flag; an empty p of a group or a day has its reason."""
    for name, table in result.tables.items():
        numbers = table.select_dtypes("number")
        assert not np.isinf(numbers.to_numpy(dtype=float)).any(), name
    windows = result.tables["windows"]
    for column in REASONED:
        silent = windows[windows[column].isna() & (windows["flags"] == "")]
        assert silent.empty, f"{column}\n{silent[['event_id', 'window', 'flags']]}"
    assert set(";".join(windows["flags"]).split(";")) - {""} <= set(FLAGS)
    for name in ("clusters", "aggregate"):
        table = result.tables[name]
        silent = table[table["p_value"].isna() & ((table["reason"] == "") | (table["applicable"] != "no"))]
        assert silent.empty, f"{name}\n{silent[['test', 'applicable', 'reason']]}"
        assert (table[table["applicable"] == "no"]["p_value"].isna()).all(), name
    assert (result.tables["excluded"]["reason"] != "").all()


@pytest.mark.parametrize("engine", ["numpy", pytest.param("numba", marks=needs("fast"))])
@pytest.mark.parametrize("trouble", TROUBLES)
def test_every_trouble_has_its_flag_or_reason(whole: pd.DataFrame, trouble: str, engine: str) -> None:
    bend, events, wanted, reason = TROUBLES[trouble]
    result = studied(bend(whole), SPEC.with_changes(engine=engine), events)
    explained(result)
    flags = set(";".join(result.tables["windows"]["flags"]).split(";"))
    assert wanted <= flags, flags
    assert set(result.tables["excluded"]["reason"]) == ({reason} if reason else set())


def test_the_same_in_a_streamed_study(whole: pd.DataFrame, tmp_path: Path) -> None:
    """All troubles of one firm each in one file: the streamed tables carry the flags and reasons of single studies."""
    frames, tables, expected, gone = [whole[whole["ticker"] == "SPY"]], [], [], {}
    per_firm = ("a bad tick", "stale prices", "stale prices over day 0", "no variance", "a delisting in the window", "a halt on day 0",
                "a week's halt", "overlapping windows", "one announcement twice", "no prices at all", "a short history")  # fmt: skip
    for n, trouble in enumerate(per_firm):
        bend, events, _, reason = TROUBLES[trouble]
        bent, name = bend(whole), f"F{n}"
        single = studied(bent, SPEC, events)
        frames.append(bent[bent["ticker"] == "A"].assign(ticker=name))
        renamed = events.assign(ticker=name, event_id=[f"{name}-{row}" for row in events["event_id"]])
        tables.append(renamed)
        table = single.tables["windows"]
        expected += [(f"{name}-{row.event_id}", row.window, row.flags, row.car, row.p_t) for row in table.itertuples()]
        if reason:
            gone[f"{name}-{events['event_id'].iloc[0]}"] = reason
    from tests.scale.test_bulk import bulk

    path = tmp_path / "events.csv"
    pd.concat(tables).to_csv(path, index=False)
    folder = tmp_path / "prices"
    folder.mkdir()
    for frame in frames:
        if len(frame):
            frame.rename(columns={"date": "Date", "close": "Close"}).to_csv(
                folder / f"{frame['ticker'].iloc[0]}.csv", index=False
            )
    bulk(path, tmp_path / "out", SPEC.with_changes(source=f"csv:{folder}"), limits=Limits(block=2048, kept=0))
    found = pd.read_csv(tmp_path / "out" / "windows.csv", keep_default_na=False).set_index(["event_id", "window"])
    assert len(found) == len(expected)
    for event, window, flags, car, p in expected:
        row = found.loc[(event, window)]
        assert row["flags"] == flags, (event, window)
        for name, number in (("car", car), ("p_t", p)):
            assert (row[name] == "") == bool(np.isnan(number)), (event, window, name)
            assert row[name] == "" or float(row[name]) == pytest.approx(number, rel=1e-9, abs=1e-12)
    out = pd.read_csv(tmp_path / "out" / "excluded.csv", keep_default_na=False)
    assert dict(zip(out["event_id"], out["reason"], strict=True)) == gone


@needs("scale")
@pytest.mark.parametrize("figure", [1e308, 1e16, 5e-324, 1e-13])
def test_figures_of_no_market(whole: pd.DataFrame, tmp_path: Path, figure: float) -> None:
    """Their returns overflow where they are squared: tables said `inf`."""
    bent = whole.copy()
    bent.loc[(bent["ticker"] == "A") & (bent["date"] == SESSIONS[DAY - 60]), "close"] = figure
    refused = [e for e in studied(bent).exclusions if e.reason == "prices_refused"]
    assert refused and all("1e-12 to 1e+15" in e.detail for e in refused)
    own = bent[bent["ticker"] == "A"]
    own.rename(columns={"date": "Date", "close": "Close"}).to_csv(tmp_path / "A.csv", index=False)
    with pytest.raises(InputFileError, match=r"line 342.*1e-12 to 1e\+15"):
        read_prices(tmp_path / "A.csv", "A")
    own.to_parquet(tmp_path / "A.parquet", index=False)
    found = ParquetPrices.open(str(tmp_path / "A.parquet")).fetch(["A"], date(2022, 1, 1), date(2023, 1, 1))
    assert "1e-12 to 1e+15" in found.refused["A"] and not found.series


@pytest.mark.parametrize("figure", [1e15, 1e-12])
def test_the_widest_figures_that_are_read_overflow_nowhere(whole: pd.DataFrame, figure: float) -> None:
    bent = whole.copy()
    bent.loc[(bent["ticker"] == "A") & (bent["date"] == SESSIONS[DAY - 60]), "close"] = figure
    explained(studied(bent, events=EVENTS))
