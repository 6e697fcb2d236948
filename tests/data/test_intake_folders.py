"""Studies in the forms people hold them, from files written by others: the truth was computed without the engine.

They lie beside the larger tables (``EVENTSTUDY_TEST_DATA``); every kind among them is also built by the tests of this
folder, which need no file.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pytest

from eventstudy.errors import EventStudyError
from eventstudy.results import StudyResult
from eventstudy.spec import StudySpec
from eventstudy.study import run

FOLDER = Path(os.environ.get("EVENTSTUDY_TEST_DATA", "")).parent / "intake"
pytestmark = pytest.mark.skipif(
    not (os.environ.get("EVENTSTUDY_TEST_DATA") and FOLDER.is_dir()), reason="EVENTSTUDY_TEST_DATA has no intake beside"
)

BASE = (-0.0550632, 0.0146070)
SAME_AS_BASE = [
    "00-base",
    "01-yfinance-multiindex",
    "02-nasdaq-com",
    "03-investing-com",
    "03c-investing-thousands",
    "04-stooq-web",
    "04b-stooq-bulk",
    "07-bloomberg",
    "08-lseg",
    "09-yahoo-web",
    "11-compustat",
    "21a-reverse-split-in-estimation",
    "21b-split-on-day0",
    "42-live-bar",
]


class Case(NamedTuple):
    """Day 0, CAR and standard error over [0,0] of one row, and flags that the row must have."""

    folder: str
    ticker: str
    day0: str
    car: float
    std_error: float
    flags: frozenset[str] = frozenset()


OTHERS = (
    Case("20b-history-auto-adjusted", "ABC", "2025-04-16", -0.0568010, 0.0146076),
    Case("31-index-on-us-holiday", "^GDAXI", "2025-05-26", 0.0189729, 0.0141991),
    Case("32-crypto-saturday", "ETH-USD", "2025-03-01", 0.1811197, 0.0200267),
    Case("33-brk-b", "BRK.B", "2025-04-16", *BASE),
    Case("33-brk-b", "BRK-B", "2025-04-16", *BASE),
    Case("33c-three-unknown-suffixes", "ABC", "2025-04-16", *BASE),
    Case("38-utc-midnight-earnings", "GOOG", "2025-02-05", -0.0722753, 0.0139011),
    Case("39-typhoon-closure", "2330.TW", "2024-11-01", -0.0427654, 0.0108445, frozenset({"calendar_corrected"})),
)


def studied(folder: str, events: str = "events.csv", prices: str = "prices", benchmark: str = "SPY") -> StudyResult:
    place = FOLDER / folder
    return run(
        place / events, spec=StudySpec(source=f"csv:{place / prices}", benchmarks=(benchmark,), spec_curve="off")
    )


def rows(result: StudyResult) -> pd.DataFrame:
    return result.windows[result.windows["window"] == "[0,0]"].set_index("event_id", drop=False)


@pytest.mark.parametrize(
    "case", [*(Case(name, "ABC", "2025-04-16", *BASE) for name in SAME_AS_BASE), *OTHERS], ids=lambda case: case.folder
)
def test_a_study_as_people_hold_it_gives_the_truth(case: Case) -> None:
    found = rows(studied(case.folder))
    row = found[(found["ticker"] == case.ticker) & (found["day0"].astype(str) == case.day0)].iloc[0]
    assert (row["car"], row["std_error"]) == pytest.approx((case.car, case.std_error), abs=6e-8)
    assert case.flags <= set(str(row["flags"]).split(";"))


def test_returns_of_crsp_have_six_decimals() -> None:
    row = rows(studied("05-crsp")).iloc[0]
    assert (row["car"], row["std_error"]) == pytest.approx(BASE, abs=1e-6)


def test_a_dividend_against_the_adjusted_close_is_refused() -> None:
    with pytest.raises(EventStudyError, match=r"2024-05-10: a dividend of 5 .* imply a dividend of 0\.5"):
        studied("20c-dividends-contradict-adjclose")


def test_pounds_after_pence_are_flagged() -> None:
    row = rows(studied("22b-pence-pounds-day0")).iloc[0]
    assert "level_break" in row["flags"], "the CAR of -98 % is arithmetic on two units"


def test_padded_rows_are_counted() -> None:
    result = studied("23a-datastream-padded")
    assert any("22 rows" in text and "ABC" in text for text in result.notices), result.notices
    assert len(rows(result)) == 3


def test_tickers_without_prices_are_excluded_one_by_one() -> None:
    result = studied("33c-three-unknown-suffixes")
    assert set(result.excluded["reason"]) == {"no_prices"} and len(result.excluded) == 3


def test_a_vendors_own_split_column_is_applied() -> None:
    window = studied("44-tiingo-split").windows.set_index("window")
    assert abs(window.loc["[0,1]", "car"]) < 0.1, "-0.48 with the split left in"


def test_a_day_0_of_four_sessions_is_flagged_and_rescaled() -> None:
    row = rows(studied("45-returns-over-holes", "ev2.csv", "p1", "MKT")).loc["h903"]
    assert "multi_session" in row["flags"]
    assert row["p_conformal"] == pytest.approx(0.251, abs=6e-4)


def test_day_first_text_in_a_frame_is_refused_with_a_cure() -> None:
    frame = pd.read_csv(FOLDER / "frame-dayfirst.csv")
    event = pd.DataFrame({"event_id": ["news"], "ticker": ["ABC"], "announced_at": ["2025-04-16"], "timing": ["bmo"]})
    with pytest.raises(EventStudyError, match="to_datetime"):
        run(event, frame, StudySpec(benchmarks=("SPY",)))


@pytest.mark.parametrize(
    "name",
    ["blank-rows-from-excel", "caps-headings", "date-heading", "symbol-heading", "yyyymmdd", "us-date", "dot-date"],
)
def test_events_files_are_read_or_refused_with_the_cure(name: str) -> None:
    path = FOLDER / "events" / f"{name}.csv"
    source = f"csv:{FOLDER / '00-base' / 'prices'}"
    try:
        result = run(path, spec=StudySpec(source=source, benchmarks=("SPY",)))
    except EventStudyError as error:
        assert name in ("us-date", "dot-date") and "2025-04-1" in str(error), str(error)
    else:
        assert name not in ("us-date", "dot-date")
        assert all(len(f"{day}") == 10 for day in rows(result)["day0"])
