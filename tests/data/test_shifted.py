"""Dates moved by one day are recognised on the calendar, and other weeks of trading are not taken for them."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from eventstudy.data.calendar import load_calendar
from eventstudy.data.shifted import shifted

CODES = ("XNYS", "XLON", "XETR", "XTKS", "XHKG", "XASX", "XBOM", "BVMF", "XJSE", "XSWX")
START, END = date(2015, 1, 1), date(2024, 12, 31)


def some_rows(code: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Two years of sessions with holes and stray days, and the calendar."""
    sessions = load_calendar(code, START, END).sessions
    rng = np.random.default_rng([seed, *code.encode()])
    first = int(rng.integers(0, len(sessions) - 504))
    rows = sessions[first : first + 504]
    rows = rows[rng.random(len(rows)) > rng.choice([0.0, 0.01, 0.05])]
    others = np.setdiff1d(np.arange(rows[0], rows[-1]), sessions)
    return np.union1d(rows, others[rng.random(len(others)) < 0.002]), sessions


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("seed", range(5))
def test_correct_dates_raise_no_alarm_and_moved_ones_do(code: str, seed: int) -> None:
    rows, sessions = some_rows(code, seed)
    assert shifted(rows, sessions, code) == ""
    for days, word, cure in ((-1, "before", "+"), (1, "after", "-")):
        found = shifted(rows + days, sessions, code)
        assert f"one day {word} the sessions of {code}" in found and f"{cure} pd.Timedelta(days=1)" in found


@pytest.mark.parametrize("code", ["XLON", "XETR", "XNYS"])
def test_a_summer_or_a_month_that_is_moved_is_found(code: str) -> None:
    sessions = load_calendar(code, date(2022, 1, 1), date(2024, 12, 31)).sessions
    rows = sessions[:504]
    month = rows.astype("datetime64[M]").astype(int) % 12
    summer = np.unique(np.where((month >= 3) & (month < 10), rows - 1, rows))
    assert "one day before" in shifted(summer, sessions, code)
    start = np.datetime64("2022-09-05")
    within = (rows >= start) & (rows < start + 35)
    found = shifted(np.unique(np.where(within, rows - 1, rows)), sessions, code)
    assert "one day before" in found and "2022-09" in found


WEEKS = {"Sunday to Thursday": (6, 0, 1, 2, 3), "Sunday to Friday": (6, 0, 1, 2, 3, 4), "every day": tuple(range(7))}


@pytest.mark.parametrize("week", WEEKS)
def test_another_week_of_trading_is_no_shift(week: str) -> None:
    """Tel Aviv, currencies and crypto against New York's calendar: the calendar is wrong, not the dates."""
    days = np.arange("2021-01-01", "2023-06-01", dtype="datetime64[D]")
    rng = np.random.default_rng(5)
    rows = days[np.isin((days.astype(int) + 3) % 7, WEEKS[week]) & (rng.random(len(days)) > 0.03)]
    assert shifted(rows, load_calendar("XNYS", date(2020, 1, 1), END).sessions, "XNYS") == ""


def test_rows_padded_over_holidays_and_few_rows_are_left_alone() -> None:
    sessions = load_calendar("XNYS", START, END).sessions
    weekdays = np.arange(sessions[300], sessions[900])
    weekdays = weekdays[(weekdays.astype(int) + 3) % 7 < 5]
    assert shifted(weekdays, sessions, "XNYS") == ""
    assert shifted(sessions[:5] - 1, sessions, "XNYS") == ""
    assert shifted(sessions[:0], sessions, "XNYS") == "" == shifted(sessions[:9], sessions[:0], "XNYS")
