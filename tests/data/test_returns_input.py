"""Returns as input: the goldens of the methods, gaps that are stated and gaps that are not, CRSP's delistings."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from eventstudy.data.calendar import load_calendar
from eventstudy.data.files import CsvSource
from eventstudy.data.prices import PriceTable
from eventstudy.data.returns import align
from eventstudy.data.sources import source_from_frame
from eventstudy.errors import InputFileError, UsageError
from eventstudy.results import StudyResult
from eventstudy.spec import StudySpec, Window
from eventstudy.study import run
from tests.conftest import needs
from tests.oracles.golden import DATA

MARKET, R1, R2 = np.array(DATA)[:, 1:4].T
CALENDAR = load_calendar("XNYS", date(2025, 1, 2), date(2025, 6, 30))
# row t of the golden table; its day 0 is t = 25
DAYS = CALENDAR.sessions[5:32]
SPEC = StudySpec(
    benchmarks=("M",),
    event_window=Window(-1, 1),
    windows=(Window(-1, 1), Window(0, 0), Window(1, 1), Window(0, 1)),
    estimation=24,
    gap=0,
    min_estimation=20,
    spec_curve="off",
)
EVENTS = pd.DataFrame({"event_id": ["e"], "ticker": ["A"], "announced_at": [str(DAYS[25])], "timing": ["bmo"]})


def long(returns: np.ndarray, keep: np.ndarray | None = None, **columns: object) -> pd.DataFrame:
    """Firm A with some rows and further columns, and the index M with all."""
    keep = np.ones(27, dtype=bool) if keep is None else keep
    firm = pd.DataFrame({"ticker": "A", "date": DAYS.astype(str), "ret": returns, **columns})[keep]
    market = pd.DataFrame({"ticker": "M", "date": DAYS.astype(str), "ret": MARKET})
    return pd.concat([firm, market], ignore_index=True)


def forms(frame: pd.DataFrame, tmp_path: Path, **choices: object) -> list[StudyResult]:
    """The study on a frame, on a long CSV file, on a folder and on Parquet."""
    frame.to_csv(tmp_path / "long.csv", index=False)
    frame.to_parquet(tmp_path / "long.parquet", index=False)
    folder = tmp_path / "folder"
    folder.mkdir(exist_ok=True)
    for symbol, own in frame.groupby("ticker"):
        own.drop(columns="ticker").to_csv(folder / f"{symbol}.csv", index=False)
    sources = (f"csv:{tmp_path / 'long.csv'}", f"csv:{folder}", f"parquet:{tmp_path / 'long.parquet'}")
    spec = SPEC.with_changes(**choices)
    found = [run(EVENTS, spec=spec.with_changes(source=source)) for source in sources]
    return found if choices.get("input", "auto") != "auto" else [run(EVENTS, frame, spec), *found]


def cell(result: StudyResult, window: str, column: str) -> float:
    rows = result.windows.set_index("window")
    return float(rows.loc[window, column])


def test_the_first_return_is_not_lost(tmp_path: Path) -> None:
    for result in forms(long(R1), tmp_path):
        model = result.models.iloc[0]
        assert model["n_estimation"] == 24
        assert model["beta"] == pytest.approx(1.07397615, abs=5e-9)
        assert cell(result, "[-1,1]", "car") == pytest.approx(0.02073189, abs=5e-9)
        assert cell(result, "[-1,1]", "t") == pytest.approx(0.95604006, abs=5e-9)
        assert any("the source states returns" in notice for notice in result.notices)


def test_logarithms_are_declared_and_read_as_such(tmp_path: Path) -> None:
    frame = long(R1)
    frame["ret"] = np.log1p(frame["ret"])
    for result in forms(frame, tmp_path, input="log-returns"):
        assert cell(result, "[-1,1]", "car") == pytest.approx(0.02073189, abs=5e-9)


def test_percent_is_refused(tmp_path: Path) -> None:
    frame = long(R1)
    frame["ret"] *= 100
    with pytest.raises(InputFileError, match="percent"):
        run(EVENTS, frame, SPEC)


def without(*rows: int) -> np.ndarray:
    keep = np.ones(27, dtype=bool)
    keep[list(rows)] = False
    return keep


def test_a_stated_span_settles_a_gap(tmp_path: Path) -> None:
    returns, span = R2.copy(), np.ones(27)
    returns[26], span[26] = (1 + R2[25]) * (1 + R2[26]) - 1, 2
    for result in forms(long(returns, without(25), span=span), tmp_path):
        days = result.abnormal_returns.set_index("day")
        assert days.loc[1, "return"] == pytest.approx(0.03172772, abs=5e-9)
        assert days.loc[1, "abnormal_return"] == pytest.approx(0.02876976, abs=5e-9)
        assert days.loc[1, "t"] == pytest.approx(1.51081397, abs=5e-8)
        assert cell(result, "[0,1]", "car") == pytest.approx(0.02876976, abs=5e-9)
        assert np.isnan(days.loc[0, "abnormal_return"])


def test_a_gap_without_a_span_is_not_guessed(tmp_path: Path) -> None:
    for result in forms(long(R2, without(25)), tmp_path):
        days = result.abnormal_returns.set_index("day")
        assert np.isnan(days.loc[1, "abnormal_return"]) and np.isfinite(days.loc[-1, "abnormal_return"])
        for window in ("[-1,1]", "[0,1]", "[1,1]"):
            assert np.isnan(cell(result, window, "car")) and np.isnan(cell(result, window, "bhar"))
            assert "missing_day" in str(result.windows.set_index("window").loc[window, "flags"]) or window == "[1,1]"


@pytest.mark.parametrize("engine", ["numpy", pytest.param("numba", marks=needs("fast"))])
@pytest.mark.parametrize("missing", ["trade-to-trade", "strict"])
def test_a_window_over_an_uncovered_hole_has_no_number(engine: str, missing: str) -> None:
    spec = SPEC.with_changes(
        engine=engine, missing=missing, windows=(Window(-1, 3), Window(2, 3)), event_window=Window(-1, 3), estimation=22
    )
    events = EVENTS.assign(announced_at=str(DAYS[23]))
    result = run(events, long(R2, without(24)), spec)
    assert np.isnan(cell(result, "[-1,3]", "car")) and np.isnan(cell(result, "[-1,3]", "bhar"))
    frame = long(R2)
    whole = run(events, frame, spec)
    assert np.isfinite(cell(whole, "[-1,3]", "car"))
    # the row after the gap is the day 2 of this event; the window after it is not touched
    if missing == "trade-to-trade":
        late = run(events, long(R2, without(24)), spec.with_changes(windows=(Window(3, 3),)))
        assert np.isfinite(cell(late, "[3,3]", "car"))


def test_an_index_must_have_every_session_of_a_span() -> None:
    returns, span = R2.copy(), np.ones(27)
    returns[26], span[26] = (1 + R2[25]) * (1 + R2[26]) - 1, 2
    frame = long(returns, without(25), span=span)
    holed = frame[~((frame["ticker"] == "M") & (frame["date"] == str(DAYS[25])))].assign(span=np.nan)
    holed.loc[(holed["ticker"] == "A") & (holed["date"] == str(DAYS[26])), "span"] = 2
    table = source_from_frame(holed).table
    found = align(table, "A", ["M"], CALENDAR, "simple")
    at = int(np.searchsorted(CALENDAR.sessions, DAYS[26]))
    assert np.isfinite(found.total[at]) and np.isnan(found.factors[0, at])


def crsp(returns: np.ndarray, delisting: str, **rows: str) -> str:
    lines = ["PERMNO,date,TICKER,PRC,RET,DLRET"]
    for t, day in enumerate(DAYS.astype(str)):
        ret = rows.get(f"t{t}", f"{returns[t]:.4f}")
        lines.append(f"1,{day.replace('-', '')},A,10,{ret},{delisting if t == 26 else ''}")
    return "\n".join(lines) + "\n"


def crsp_folder(tmp_path: Path, text: str) -> Path:
    (tmp_path / "A.csv").write_text(text)
    market = pd.DataFrame({"date": DAYS.astype(str), "ret": MARKET})
    market.to_csv(tmp_path / "M.csv", index=False)
    return tmp_path


def test_a_delisting_return_counts_once(tmp_path: Path) -> None:
    result = run(EVENTS, spec=SPEC.with_changes(source=f"csv:{crsp_folder(tmp_path, crsp(R1, '-0.30'))}"))
    days = result.abnormal_returns.set_index("day")
    assert days.loc[1, "return"] == pytest.approx(-0.29027, abs=1e-9)
    assert cell(result, "[-1,1]", "car") == pytest.approx(-0.28343811, abs=5e-9)
    assert cell(result, "[-1,1]", "bhar") == pytest.approx(-0.29128695, abs=5e-9)


def test_a_delisting_row_spans_the_days_since_the_last_trade(tmp_path: Path) -> None:
    kept = "\n".join(crsp(R1, "").splitlines()[:26]) + "\n"
    late = str(DAYS[26]).replace("-", "")
    text = kept + f"1,{late},A,,,-0.30\n"
    table = CsvSource.open(str(crsp_folder(tmp_path, text))).fetch(["A", "M"], date.min, date.max)
    found = align(table, "A", ["M"], CALENDAR, "simple")
    at = int(np.searchsorted(CALENDAR.sessions, DAYS[26]))
    assert found.span[at] == 2 and found.total[at] == pytest.approx(-0.30)
    # on a Saturday it is earned by the next session
    friday = np.datetime64("2025-02-07")
    place = int(np.searchsorted(CALENDAR.sessions, friday))
    rows = [f"1,{d},A,10,0.01,".replace("-", "") for d in CALENDAR.sessions[place - 9 : place + 1].astype(str)]
    (tmp_path / "A.csv").write_text("PERMNO,date,TICKER,PRC,RET,DLRET\n" + "\n".join(rows) + "\n1,20250208,A,,,-0.30\n")
    weekend = CsvSource.open(str(tmp_path)).fetch(["A"], date.min, date.max)
    found = align(weekend, "A", [], CALENDAR, "simple")
    assert found.total[place + 1] == pytest.approx(-0.30) and found.span[place + 1] == 1


@pytest.mark.parametrize("code", ["-66", "-77", "-88", "-99.0", "B", "C", "", "."])
def test_codes_of_crsp_are_missing_values(tmp_path: Path, code: str) -> None:
    table = CsvSource.open(str(crsp_folder(tmp_path, crsp(R1, "", t10=code)))).fetch(["A", "M"], date.min, date.max)
    series = table.series["A"]
    assert len(series.dates) == 26 and DAYS[10] not in series.dates
    found = align(PriceTable(table.series, {}), "A", ["M"], CALENDAR, "simple")
    at = int(np.searchsorted(CALENDAR.sessions, DAYS[10]))
    assert np.isnan(found.total[at : at + 2]).all() and np.isfinite(found.total[at + 2])
    assert ("codes of CRSP" in series.provenance.notice) == (code not in ("", "."))


def test_ciz_states_the_delisting_in_a_row_of_its_own(tmp_path: Path) -> None:
    text = (
        "PERMNO,DlyCalDt,DlyPrc,DlyPrcFlg,DlyRet,DlyRetMissFlg,DlyVol,ShrOut,DlyDelFlg\n"
        "90001,2025-01-13,10.50,TR,0.010000,,1000,5000,N\n"
        "90001,2025-01-14,10.40,BA,-0.009524,,0,5000,N\n"
        "90001,2025-01-14,10.40,BA,-0.009524,,0,5000,N\n"
        "90001,2025-01-15,,MP,,MP,,5000,N\n"
        "90001,2025-01-16,6.37,DP,-0.300000,,,,Y\n"
    )
    (tmp_path / "A.csv").write_text(text)
    table = CsvSource.open(str(tmp_path)).fetch(["A"], date.min, date.max)
    found = align(table, "A", [], CALENDAR, "simple")
    at = int(np.searchsorted(CALENDAR.sessions, np.datetime64("2025-01-16")))
    assert found.total[at] == pytest.approx(-0.3) and found.span[at] == 2, "twins are one row, and the gap is covered"


def test_a_return_below_a_total_loss_is_refused_outside_crsp() -> None:
    table = source_from_frame(long(np.where(np.arange(27) == 3, -1.5, R1))).table
    assert "below a total loss" in table.refused["A"] and list(table.series) == ["M"]


def test_closes_are_used_unless_returns_are_requested() -> None:
    frame = long(R1)
    frame["close"] = np.concatenate([100 * np.cumprod(1 + R1), 100 * np.cumprod(1 + MARKET)])
    table = source_from_frame(frame).table
    assert table.series["A"].provenance.basis != "returns" and "is not used" in table.series["A"].provenance.notice
    assert source_from_frame(frame, "returns").table.series["A"].provenance.basis == "returns"


def test_only_files_and_frames_may_hold_returns() -> None:
    with pytest.raises(UsageError, match="snapshot has prices"):
        run(EVENTS, spec=SPEC.with_changes(source="snapshot", input="returns"))


def test_a_frame_of_crsp_is_found_by_ticker_and_by_number() -> None:
    frame = (
        long(R1)
        .rename(columns={"ret": "RET", "ticker": "TICKER"})
        .assign(PERMNO=lambda f: (f["TICKER"] == "A") + 90000)
    )
    for ticker in ("A", "90001"):
        result = run(EVENTS.assign(ticker=ticker), frame, SPEC)
        assert cell(result, "[-1,1]", "car") == pytest.approx(0.02073189, abs=5e-9)


def test_parts_that_need_prices_say_that_there_are_none() -> None:
    events = EVENTS.assign(claimed_return="-0.05")
    result = run(events, long(R1), SPEC.with_changes(shares=("A=1e9",)))
    assert result.claims[0].verdict == "no_data" and not result.dollars and not result.parts
    assert any("no prices for claims, openings" in notice for notice in result.notices)


@needs("scale")
@pytest.mark.parametrize(("zeros", "stale"), [(3, False), (4, True), (10, True)])
def test_returns_of_zero_in_a_row_are_stale_prices(tmp_path: Path, zeros: int, stale: bool) -> None:
    """As the closes that they come from are: five of them alike are four returns of 0."""
    returns = R1.copy()
    returns[25 - zeros : 25] = 0.0  # day 0, the 26th, moves
    closes = pd.DataFrame({"ticker": "A", "date": DAYS.astype(str), "close": 100 * np.cumprod(1 + returns)})
    market = pd.DataFrame({"ticker": "M", "date": DAYS.astype(str), "close": 100 * np.cumprod(1 + MARKET)})
    of_closes = run(EVENTS, pd.concat([closes, market], ignore_index=True), SPEC)
    for found in (of_closes, *forms(long(returns), tmp_path), *forms(long(returns), tmp_path, returns="log")):
        assert found.windows["flags"].str.contains("stale_prices").any() == stale
