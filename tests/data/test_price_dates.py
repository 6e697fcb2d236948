"""Dates of price columns: one reader for text, numbers, dates and moments, which never guesses."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventstudy.data.calendar import load_calendar
from eventstudy.data.date_readings import UnreadableDates
from eventstudy.data.price_dates import days_of
from tests.conftest import module_needs

module_needs("scale")
import pyarrow as pa  # noqa: E402

SESSIONS = load_calendar("XNYS", date(2024, 1, 2), date(2024, 12, 31)).sessions
FRANKFURT = load_calendar("XETR", date(2024, 1, 2), date(2024, 12, 31)).sessions
ISO = pd.Series(SESSIONS.astype(str))
STAMPS = pd.Series(SESSIONS.astype("datetime64[s]"))

SAME: dict[str, Any] = {
    "text": ISO.tolist(),
    "a frame's text": ISO,
    "categories": ISO.astype("category"),
    "dates": [date.fromisoformat(text) for text in ISO],
    "numpy days": SESSIONS,
    "stamps at midnight": STAMPS,
    "midnight in New York": STAMPS.dt.tz_localize("America/New_York"),
    "midnight in UTC": STAMPS.dt.tz_localize("UTC"),
    "midnight in UTC, written in New York's time": STAMPS.dt.tz_localize("UTC").dt.tz_convert("America/New_York"),
    "midnight of Tokyo as written": (ISO + " 00:00:00+09:00").tolist(),
    "opening bells in UTC": (STAMPS.dt.tz_localize("America/New_York") + pd.Timedelta("9h30min")).dt.tz_convert("UTC"),
    "closing bells as text": (ISO + " 16:00:00-05:00").tolist(),
    "Z with milliseconds": (ISO + "T00:00:00.000Z").tolist(),
    "compact text": ISO.str.replace("-", "").tolist(),
    "compact numbers": ISO.str.replace("-", "").astype(int),
    "compact floats": ISO.str.replace("-", "").astype(float),
    "Arrow dates": pa.array(SESSIONS),
    "Arrow text": pa.array(ISO.tolist()),
    "Arrow dictionary": pa.array(ISO.tolist()).dictionary_encode(),
    "Arrow stamps": pa.array(STAMPS),
    "Arrow stamps in UTC": pa.array(STAMPS.dt.tz_localize("UTC")),
    "Arrow numbers": pa.array(ISO.str.replace("-", "").astype(int)),
    "objects of datetime": np.array(STAMPS.dt.tz_localize("America/New_York").tolist(), dtype=object),
}


@pytest.mark.parametrize("form", SAME)
def test_each_form_gives_the_days_it_states(form: str) -> None:
    found = days_of(SAME[form], "XNYS")
    assert found.dates.tolist() == SESSIONS.tolist() and found.running == -1


@pytest.mark.parametrize("kind", ["moments", "text", "Arrow"])
def test_a_moment_is_the_day_of_the_exchange(kind: str) -> None:
    """Berlin's midnights in UTC are 22:00 or 23:00 of the day before."""
    stamps = pd.Series(FRANKFURT.astype("datetime64[s]")).dt.tz_localize("Europe/Berlin").dt.tz_convert("UTC")
    values = {"moments": stamps, "text": stamps.astype(str).tolist(), "Arrow": pa.array(stamps)}[kind]
    assert days_of(values, "XETR").dates.tolist() == FRANKFURT.tolist()
    assert days_of(["2023-08-09 22:00:00+00:00", "2023-08-10 22:00:00+00:00"], "XETR").dates[0] == np.datetime64(
        "2023-08-10"
    )


REFUSED: dict[str, tuple[Any, str]] = {
    "month first": (STAMPS.dt.strftime("%m/%d/%Y"), "only one reading of the column is possible, MM/DD/YYYY"),
    "day first": (STAMPS.dt.strftime("%d/%m/%Y"), "format='%d/%m/%Y'"),
    "points": (STAMPS.dt.strftime("%d.%m.%Y"), "DD.MM.YYYY: pd.to_datetime(df[column], format='%d.%m.%Y')"),
    "names of months": (STAMPS.dt.strftime("%d %b %Y"), "format='%d %b %Y'"),
    "both readings": (["03/04/2024", "04/04/2024", "05/04/2024"], "only DD/MM/YYYY gives rows in order"),
    "two-digit years": (["10-11-12", "11-11-12"], "is ambiguous"),
    "mixed text": (["2024-04-16", "04/17/2024", "2024-04-18"], "is in another form than the rows that read as YYYY"),
    "compact in ISO": (["2024-04-16", "2024-04-17", "20240418"], "is in another form"),
    "clocks without offset": (STAMPS + pd.Timedelta("22h"), "tz_localize('UTC').dt.tz_convert('America/New_York')"),
    "clock text without offset": ((ISO + " 16:00:00").tolist(), "without an offset"),
    "a moment among dates": (["2024-04-16", "2024-04-17 10:00:00-04:00", "2024-04-18"], "mixes dates and moments"),
    "spreadsheet": ([45398, 45399], "origin='1899-12-30'"),
    "spreadsheet text": (["45398", "45399"], "origin='1899-12-30'"),
    "seconds": (pd.Series([1713225600, 1713312000]), "unit='s'"),
    "milliseconds": (np.array([1713225600000.0]), "unit='ms'"),
    "microseconds": (np.array([1713225600000000]), "unit='us'"),
    "nanoseconds": (pa.array([1713225600000000000]), "unit='ns'"),
    "days since 1970": ([19828, 19829], "unit='D'"),
    "numbers of two kinds": ([20240416, 45399], "other rows are written YYYYMMDD"),
    "no day of the calendar": (["2024-02-30"], "is not a date"),
    "no number of a day": ([20240230], "is not a date"),
    "words": (["tomorrow"], "is not a date"),
    "far years": (["9999-01-01"], "is outside 1800 to 2199"),
    "periods": (pd.period_range("2024-01-02", periods=3).to_series(), "to_timestamp"),
    "truths": (pd.Series([True, False]), "true and false"),
    "objects of two kinds": (np.array([date(2024, 4, 16), "2024-04-17"], dtype=object), "mixes dates and text"),
    "other objects": (np.array([{1}], dtype=object), "holds set"),
    "Arrow lists": (pa.array([[1]]), "is of type"),
}


@pytest.mark.parametrize("form", REFUSED)
def test_other_forms_are_refused_with_the_line_that_reads_them(form: str) -> None:
    values, words = REFUSED[form]
    with pytest.raises(UnreadableDates) as caught:
        days_of(values, "XNYS")
    assert words in " ".join(message for _, _, message in caught.value.problems)


def test_each_line_of_code_reads_what_it_is_given_for() -> None:
    """The advice, carried out: the column it makes is read to the days that were meant."""
    stamps = STAMPS.dt.strftime("%d/%m/%Y")
    with pytest.raises(UnreadableDates) as caught:
        days_of(stamps, "XNYS")
    line = str(caught.value).partition(": ")[2]
    made = eval(line, {"pd": pd, "df": {"column": stamps}, "column": "column"})
    assert days_of(made, "XNYS").dates.tolist() == SESSIONS.tolist()


def test_a_last_row_inside_the_session_is_running() -> None:
    plain = ["2025-04-15", "2025-04-16"]
    for clock, running in (("11:32:08-04:00", 2), ("16:00:00-04:00", -1), ("09:30:00-04:00", -1), ("15:32:08Z", 2)):
        found = days_of([*plain, f"2025-04-17 {clock}"], "XNYS")
        assert found.running == running and found.dates[2] == np.datetime64("2025-04-17")
    # on an early close the session ends at 13:00
    assert days_of([*plain, "2025-07-03 13:05:00-04:00"], "XNYS").running == -1
    opens = pd.Series(pd.to_datetime(plain)).dt.tz_localize("America/New_York") + pd.Timedelta("9h30min")
    live = pd.concat([opens, pd.Series([pd.Timestamp("2025-04-17 11:32:08", tz="America/New_York")])])
    assert days_of(live.dt.tz_convert("UTC"), "XNYS").running == 2
    assert days_of(opens, "XNYS").running == -1, "a row at the hour of the others is not a running session"


def test_empty_cells_are_no_days() -> None:
    for values in (
        ["", "2024-04-16"],
        pd.Series([None, "2024-04-16"]),
        pa.array([None, 20240416]),
        ["NaT", "2024-04-16"],
    ):
        found = days_of(values, "XNYS").dates
        assert np.isnat(found[0]) and str(found[1]) == "2024-04-16"
    assert len(days_of([], "XNYS").dates) == 0
    assert np.isnat(days_of(np.array([pd.NaT, datetime(2024, 4, 16)], dtype=object), "XNYS").dates[0])


def test_a_layout_s_form_reads_text_in_that_form_only() -> None:
    assert days_of(["03/04/2025", "03/05/2025"], "XNYS", "%m/%d/%Y").dates[1] == np.datetime64("2025-03-05")
    with pytest.raises(UnreadableDates, match="MM/DD/YYYY"):
        days_of(["03/04/2025", "13/04/2025"], "XNYS", "%m/%d/%Y")


@given(st.lists(st.dates(date(1800, 1, 1), date(2199, 12, 31)), min_size=1, max_size=30))
def test_what_is_written_is_read_back(days: list[date]) -> None:
    """ISO text, compact text, numbers, dates and stamps of one list are the same days."""
    wanted = [np.datetime64(day, "D") for day in days]
    for values in (
        [day.isoformat() for day in days],
        [f"{day:%Y}{day:%m}{day:%d}".zfill(8) for day in days],
        [int(f"{day.year:04d}{day.month:02d}{day.day:02d}") for day in days],
        days,
        np.array(wanted),
        pa.array(days),
    ):
        assert days_of(values, "XNYS").dates.tolist() == [day.item() for day in wanted]


@given(st.lists(st.text(max_size=12), min_size=1, max_size=5))
def test_any_text_is_read_or_refused(texts: list[str]) -> None:
    try:
        found = days_of(texts, "XNYS")
    except UnreadableDates as error:
        assert error.problems and all(message for _, _, message in error.problems)
    else:
        assert len(found.dates) == len(texts)


@pytest.mark.parametrize("cell", ["2025-01-14 abc", "9999-12-31025-02-21", "2025-02-30", "2025-01-14 25:61"])
def test_text_that_begins_like_a_date_is_refused_with_its_row(cell: str) -> None:
    with pytest.raises(UnreadableDates) as caught:
        days_of(["2025-01-13", cell, "2025-01-15"], "XNYS")
    assert caught.value.problems[0][:2] == (1, cell)
