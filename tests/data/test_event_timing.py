"""The hour of an announcement under other headings and in other words is read or refused, never left out without a message."""

from __future__ import annotations

from datetime import time
from pathlib import Path

import pandas as pd
import pytest

from eventstudy.data.event_timing import bucket_of, is_clock
from eventstudy.data.events import event_notes, events_from_frame, read_events
from eventstudy.errors import InputFileError
from eventstudy.study import run
from tests.data.test_layouts import BASE, SPEC

WAYS = ("csv", "parquet", "frame")


def events(tmp_path: Path, text: str, way: str) -> object:
    path = tmp_path / "events.csv"
    path.write_text(text)
    if way == "csv":
        return read_events(path)
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    if way == "frame":
        return events_from_frame(frame)
    frame.to_parquet(tmp_path / "events.parquet", index=False)
    return read_events(tmp_path / "events.parquet")


@pytest.mark.parametrize(
    ("word", "bucket"),
    [
        ("AMC", "amc"),
        ("Bmo", "bmo"),
        ("After Market Close", "amc"),
        ("after the close", "amc"),
        ("After-Hours", "amc"),
        ("time-after-hours", "amc"),
        ("post-market", "amc"),
        ("after the bell", "amc"),
        ("before open", "bmo"),
        ("Before Market Open", "bmo"),
        ("Before the market opens", "bmo"),
        ("PRE-MARKET", "bmo"),
        ("time-pre-market", "bmo"),
        ("During Market Hours", "dmh"),
        ("intraday", "dmh"),
        ("time-not-supplied", ""),
        ("TAS", ""),
        ("--", ""),
        ("N/A", ""),
        ("morning", None),
        ("after", None),
        ("pre", None),
        ("after market", "amc"),
        ("before trading", "bmo"),
        ("after earnings", None),
        ("open", None),
        ("Q1", None),
        ("16:05", None),
    ],
)
def test_words(word: str, bucket: str | None) -> None:
    assert bucket_of(word) == bucket


def test_clocks() -> None:
    for text in (
        "16:05",
        "4:05 PM",
        "4 pm",
        "16:05:00",
        "16:05 ET",
        "16:05:00-04:00",
        "9.30",
        "16h05",
        "12:00",
        "2025-04-16T16:05:00Z",
    ):
        assert is_clock(text), text
    for text in ("2025", "Q1", "amc", "1605", "16:5", "", "2025-04-16"):
        assert not is_clock(text), text


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "heading", ["time", "Session", "timing", "TIMING", "Report Time", "hour", "earnings_call_time"]
)
@pytest.mark.parametrize(("word", "bucket"), [("AMC", "amc"), ("before open", "bmo"), ("After Market Close", "amc")])
def test_words_under_any_heading_are_the_timing(tmp_path: Path, way: str, heading: str, word: str, bucket: str) -> None:
    found = events(tmp_path, f"ticker,announced_at,{heading}\nABC,2025-04-16,{word}\nABC,2025-05-16,\n", way)
    assert found.frame()["timing"].tolist() == [bucket, ""]  # type: ignore[attr-defined]
    said = " ".join(event_notes(found))  # type: ignore[arg-type]
    assert (f"column '{heading}' is read as timing" in said) or (heading.lower() == "timing" and repr(word) in said)
    assert heading == "timing" or heading not in found.frame().columns or heading.lower() == "timing"  # type: ignore[attr-defined]


@pytest.mark.parametrize("way", WAYS)
def test_cells_that_say_so_need_no_heading(tmp_path: Path, way: str) -> None:
    found = events(tmp_path, "ticker,announced_at,startdatetimetype\nABC,2025-04-16,AMC\nABC,2025-05-16,TAS\n", way)
    assert found.frame()["timing"].tolist() == ["amc", ""]  # type: ignore[attr-defined]
    with pytest.raises(InputFileError, match="4:05 PM"):
        events(tmp_path, "ticker,announced_at,When (ET)\nABC,2025-04-16,4:05 PM\n", way)
    found = events(tmp_path, "ticker,announced_at,sector\nABC,2025-04-16,after\nABC,2025-05-16,bmo x\n", way)
    assert found.frame()["sector"].tolist() == ["after", "bmo x"] and not event_notes(found)  # type: ignore[attr-defined,arg-type]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("clock", ["16:05", "4:05 PM", "16:05:00", "08:00 ET"])
def test_a_clock_apart_from_its_date_is_refused_with_the_moment_to_write(tmp_path: Path, way: str, clock: str) -> None:
    with pytest.raises(InputFileError) as caught:
        events(tmp_path, f"ticker,announced_at,time\nABC,2025-04-16,{clock}\nABC,2025-01-16,\n", way)
    said = str(caught.value)
    assert clock in said and "2025-04-16T17:10:00-04:00" in said and "1 problem" in said


def test_times_of_python_and_of_parquet_are_clocks(tmp_path: Path) -> None:
    frame = pd.DataFrame({"ticker": ["ABC"], "announced_at": ["2025-01-16"], "time": [time(16, 5)]})
    frame.to_parquet(tmp_path / "e.parquet", index=False)
    for read in (lambda: events_from_frame(frame), lambda: read_events(tmp_path / "e.parquet")):
        with pytest.raises(InputFileError, match="2025-01-16T17:10:00-05:00"):
            read()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("moment", ["2025-04-15T17:10:00-04:00", "2025-04-15 21:10:00Z", "20250415T17:10"])
def test_a_moment_in_a_column_of_hours_is_refused(tmp_path: Path, way: str, moment: str) -> None:
    with pytest.raises(InputFileError, match="is a clock outside announced_at"):
        events(tmp_path, f"ticker,announced_at,release time\nABC,2025-04-15,{moment}\n", way)
    # under a heading that names no hour it may be anything
    found = events(tmp_path, f"ticker,announced_at,fetched_at\nABC,2025-04-15,{moment}\n", way)
    assert found.frame()["timing"].tolist() == [""]  # type: ignore[attr-defined]


@pytest.mark.parametrize("way", WAYS)
def test_a_timestamp_beside_a_date_is_not_left_out(tmp_path: Path, way: str) -> None:
    text = "ticker,{}timestamp\nABC,{}2025-04-15T17:10:00-04:00\n"
    with pytest.raises(InputFileError, match="'date' or 'timestamp' may be it; rename one"):
        events(tmp_path, text.format("date,", "2025-04-15,"), way)
    assert len(events(tmp_path, text.format("", ""), way)) == 1  # type: ignore[arg-type]


@pytest.mark.parametrize("way", WAYS)
def test_a_row_with_a_clock_of_its_own_needs_no_other(tmp_path: Path, way: str) -> None:
    text = "ticker,announced_at,time\nABC,2025-04-16T16:05:00-04:00,16:05\nABC,2025-05-16,\n"
    assert events(tmp_path, text, way).frame()["timing"].tolist() == ["", ""]  # type: ignore[attr-defined]
    text = "ticker,announced_at,session\nABC,2025-04-16T16:05:00-04:00,amc\nABC,2025-05-16,bmo\n"
    found = events(tmp_path, text, way)
    assert found.frame()["timing"].tolist() == ["", "bmo"]  # type: ignore[attr-defined]
    assert "1 row has a clock in announced_at" in " ".join(event_notes(found))  # type: ignore[arg-type]


@pytest.mark.parametrize("way", WAYS)
def test_other_cells(tmp_path: Path, way: str) -> None:
    with pytest.raises(InputFileError, match=r"'morning'.*neither bmo, dmh or amc nor a clock"):
        events(tmp_path, "ticker,announced_at,session\nABC,2025-04-16,amc\nABC,2025-05-16,morning\n", way)
    found = events(tmp_path, "ticker,announced_at,session\nABC,2025-04-16,Q1\nABC,2025-05-16,Q2\n", way)
    assert found.frame()["session"].tolist() == ["Q1", "Q2"]  # type: ignore[attr-defined]
    assert "'session' is kept as an extra one" in " ".join(event_notes(found))  # type: ignore[arg-type]
    with pytest.raises(InputFileError, match="may both be timing"):
        events(tmp_path, "ticker,announced_at,session,hour\nABC,2025-04-16,amc,bmo\n", way)
    # a clock beside the word: the word counts, and where there is none the clock is refused
    found = events(tmp_path, "ticker,announced_at,session,time\nABC,2025-04-16,amc,16:05\n", way)
    assert found.frame()["timing"].tolist() == ["amc"]  # type: ignore[attr-defined]
    with pytest.raises(InputFileError, match="16:05"):
        events(tmp_path, "ticker,announced_at,session,time\nABC,2025-04-16,amc,\nABC,2025-05-16,,16:05\n", way)
    # midnight is where there is no clock
    found = events(tmp_path, "ticker,announced_at,time\nABC,2025-04-16,00:00\nABC,2025-05-16,00:00:00\n", way)
    assert found.frame()["timing"].tolist() == ["", ""]  # type: ignore[attr-defined]


def test_the_day_follows_the_word() -> None:
    for word, day in (("AMC", "2025-04-17"), ("before open", "2025-04-16"), ("during market hours", "2025-04-16")):
        table = pd.DataFrame({"ticker": ["ABC"], "announced_at": ["2025-04-16"], "session": [word]})
        result = run(table, spec=SPEC.with_changes(source=f"csv:{BASE}"))
        assert str(result.windows.iloc[0]["day0"])[:10] == day
        assert "timing_uncertain" not in result.windows.iloc[0]["flags"]
