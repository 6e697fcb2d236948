"""Day 0: the first session whose close is strictly after the news."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from eventstudy.data.calendar import exchange_of, load_calendar, place
from eventstudy.data.calendar_library import _dates, built, library
from eventstudy.errors import UsageError

NEW_YORK = load_calendar("XNYS", date(2023, 1, 3), date(2025, 12, 31))
AMSTERDAM = load_calendar("XAMS", date(2023, 1, 3), date(2025, 12, 31))
NAT = pd.NaT


def at(text: str, calendar: object = NEW_YORK) -> tuple[str, str]:
    placed = place(calendar, pd.Timestamp(text).tz_convert("UTC"), NAT, "")  # type: ignore[arg-type]
    assert placed is not None
    return str(placed.date), placed.timing_class


def on(text: str, timing: str) -> tuple[str, str, bool]:
    placed = place(NEW_YORK, NAT, pd.Timestamp(text), timing)
    assert placed is not None
    return str(placed.date), placed.timing_class, placed.uncertain


@pytest.mark.parametrize(
    ("moment", "day", "timing"),
    [
        ("2025-04-16T08:30-04:00", "2025-04-16", "bmo"),
        ("2025-04-16T09:30-04:00", "2025-04-16", "dmh"),
        ("2025-04-16T15:59:59-04:00", "2025-04-16", "dmh"),
        ("2025-04-15T16:00:00-04:00", "2025-04-16", "amc"),
        ("2025-04-15T17:10-04:00", "2025-04-16", "amc"),
        ("2025-04-17T17:10-04:00", "2025-04-21", "amc"),  # Good Friday
        ("2024-07-03T12:59-04:00", "2024-07-03", "dmh"),  # early close at 13:00
        ("2024-07-03T13:00-04:00", "2024-07-05", "amc"),
        ("2025-01-11T10:00-05:00", "2025-01-13", "closed"),  # Saturday
        ("2025-01-09T10:00-05:00", "2025-01-10", "closed"),  # day of mourning
        ("2025-04-16T07:00+02:00", "2025-04-16", "bmo"),
    ],
)
def test_moments_in_new_york(moment: str, day: str, timing: str) -> None:
    assert at(moment) == (day, timing)


@pytest.mark.parametrize(
    ("day", "timing", "expected"),
    [
        ("2025-04-15", "amc", ("2025-04-16", "amc", False)),
        ("2025-04-16", "bmo", ("2025-04-16", "bmo", False)),
        ("2025-04-16", "dmh", ("2025-04-16", "dmh", False)),
        ("2025-04-09", "", ("2025-04-09", "unknown", True)),
        ("2025-04-18", "bmo", ("2025-04-21", "bmo", False)),
        ("2025-04-18", "amc", ("2025-04-21", "amc", False)),
        ("2025-04-19", "", ("2025-04-21", "unknown", True)),
        ("2024-07-03", "amc", ("2024-07-05", "amc", False)),
    ],
)
def test_dates_with_a_bucket(day: str, timing: str, expected: tuple[str, str, bool]) -> None:
    assert on(day, timing) == expected


@pytest.mark.parametrize("moment", ["2025-04-14T12:00-04:00", "2025-03-11T12:00-04:00", "2024-11-01T12:00-04:00"])
def test_noon_in_new_york_is_too_late_for_amsterdam(moment: str) -> None:
    """18:00 in Amsterdam; 17:00 in the weeks between the two changes of the clocks, still before its close."""
    new_york, amsterdam = at(moment), at(moment, AMSTERDAM)
    local = pd.Timestamp(moment).tz_convert("Europe/Amsterdam")
    assert new_york[0] == moment[:10]
    assert (amsterdam[0] == moment[:10]) == (local.hour < 17 or (local.hour == 17 and local.minute < 30))


def test_amsterdam_closes_early_on_christmas_eve() -> None:
    assert at("2024-12-24T14:04+01:00", AMSTERDAM)[0] == "2024-12-24"
    assert at("2024-12-24T14:06+01:00", AMSTERDAM)[0] == "2024-12-27"


def test_outside_the_calendar_there_is_no_day_0() -> None:
    assert place(NEW_YORK, NAT, pd.Timestamp("2030-01-01"), "bmo") is None
    assert place(NEW_YORK, NAT, pd.Timestamp("2001-01-01"), "bmo") is None


def test_the_rule_is_told() -> None:
    placed = place(NEW_YORK, pd.Timestamp("2024-07-03T13:30-04:00").tz_convert("UTC"), NAT, "")
    assert placed is not None
    assert "13:30 America/New_York" in placed.rule and "13:00 early close" in placed.rule


def test_exchanges_by_suffix() -> None:
    assert [exchange_of(t) for t in ("NVDA", "^GSPC", "BRK-B", "ASML.AS", "7203.T")] == [
        "XNYS",
        "XNYS",
        "XNYS",
        "XAMS",
        "XTKS",
    ]
    assert exchange_of("NVDA", "XLON") == "XLON"
    with pytest.raises(UsageError, match="calendar"):
        exchange_of("X.QQQ")
    with pytest.raises(UsageError, match="did you mean XNYS"):
        exchange_of("NVDA", "XNYX")


def test_every_suffix_has_a_calendar() -> None:
    import exchange_calendars

    from eventstudy.data.calendar import SUFFIXES

    assert set(SUFFIXES.values()) <= set(exchange_calendars.get_calendar_names())


def test_sessions_are_increasing_and_utc() -> None:
    assert (np.diff(NEW_YORK.sessions.astype(int)) > 0).all()
    assert (NEW_YORK.opens < NEW_YORK.closes).all()
    early = {str(day) for day in NEW_YORK.sessions[NEW_YORK.early]}
    assert {"2024-07-03", "2024-11-29", "2024-12-24"} <= early


@pytest.mark.parametrize("code", ["XSHG", "XTKS"])
@pytest.mark.parametrize(("first", "last"), [(1980, 1981), (2040, 2041), (2024, 2040)])
def test_a_range_beyond_what_is_known_of_an_exchange_is_cut(code: str, first: int, last: int) -> None:
    """Some exchanges' holidays are known for certain years only; asking for more is not an error."""
    calendar = load_calendar(code, date(first, 1, 1), date(last, 12, 31))
    assert len(calendar.sessions) and (np.diff(calendar.sessions.astype(int)) > 0).all()


def test_no_day_0_where_the_calendar_ends() -> None:
    shanghai = load_calendar("XSHG", date(2023, 1, 1), date(2040, 12, 31))
    last = shanghai.sessions[-1]
    placed = place(shanghai, NAT, pd.Timestamp(last), "bmo")
    assert placed is not None and placed.date == last
    assert place(shanghai, NAT, pd.Timestamp(last), "amc") is None
    assert place(shanghai, NAT, pd.Timestamp("2039-06-01"), "") is None


def test_a_calendar_that_cannot_be_built_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    import exchange_calendars

    def broken(*args: object, **named: object) -> None:
        raise ValueError("special dates are not sessions")

    monkeypatch.setattr(exchange_calendars, "get_calendar", broken)
    with pytest.raises(UsageError, match="XTAE"):
        load_calendar("XTAE", date(2023, 1, 1), date(2023, 2, 1))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("code", ["XNYS", "XTKS", "XTAE", "XBOM", "XKRX", "ASEX"])
def test_holidays_of_a_few_years_are_those_of_all(code: str) -> None:
    """What is built lays out the holidays of its own years; the library by itself those from 1970 to 2200."""
    start, end = pd.Timestamp("2019-12-28"), pd.Timestamp("2021-01-03")
    found, whole = built(code, start, end), library().get_calendar(code, start=start, end=end + pd.Timedelta(days=1))
    assert found.sessions.equals(whole.sessions[whole.sessions <= end])
    assert found.early_closes.equals(whole.early_closes[whole.early_closes <= end])


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("code", ["XNYS", "XTKS", "XTAE", "XLON", "XKRX", "ASEX", "XHKG"])
def test_each_holiday_falls_on_the_days_of_pandas(code: str) -> None:
    """Years are laid out here; pandas applies a rule to every year since its first one."""
    start, end = pd.Timestamp("1968-03-01"), pd.Timestamp("2031-11-30")
    holidays = library().get_calendar(code, start="2019-01-02", end="2021-01-04").regular_holidays
    for rule in holidays.rules:
        whole = rule.dates(start, end)
        assert _dates(rule, start, end).tolist() == whole.to_numpy("datetime64[ns]").tolist(), rule


@pytest.mark.parametrize("code", ["XNYS", "XHKG", "XTAE", "XSHG", "24/7"])
@pytest.mark.parametrize(("start", "end"), [("2019-03-05", "2024-08-11"), ("2024-12-25", "2027-06-07")])
def test_ranges_of_one_calendar_are_those_of_the_library(code: str, start: str, end: str) -> None:
    """Whole years are built and cut; the library knows Shanghai's holidays for some years only."""
    found = load_calendar(code, date.fromisoformat(start), date.fromisoformat(end))
    whole = built(code, pd.Timestamp(start), pd.Timestamp(end))
    assert found.sessions.tolist() == [day.date() for day in whole.sessions]
    assert (found.closes == whole.closes.dt.tz_localize(None).to_numpy()).all()
    assert found.sessions[found.early].tolist() == [day.date() for day in whole.early_closes]
