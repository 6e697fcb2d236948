"""Joining rows to a file: what is there stays to the byte, nothing is doubled, and the order of collecting does not matter."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eventstudy.data.collect.earnings import earnings_rows
from eventstudy.data.collect.merge import CONFOUNDERS, EVENTS, Merged, difference, kind_of, merged, write
from eventstudy.data.collect.readings import Reading
from eventstudy.data.events import read_events
from eventstudy.errors import InputFileError

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=12)
DAYS = st.dates(date(2001, 1, 1), date(2026, 1, 1))


def filing(number: int, day: date, title: str) -> dict[str, str]:
    accession = f"0000999001-25-{number:06d}"
    return {
        "event_id": f"MADE_8-K_{accession}",
        "ticker": "MADE",
        "announced_at": str(day),
        "category": "8-K",
        "title": title,
        "source": f"SEC {accession} https://www.sec.gov/x",
    }


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    held=st.lists(st.tuples(DAYS, TEXT), min_size=1, max_size=4),
    found=st.lists(st.tuples(st.integers(1, 9), DAYS, TEXT), max_size=6, unique_by=lambda one: one[0]),
    ending=st.sampled_from(["\n", "\r\n"]),
    open_end=st.booleans(),
)
def test_files_grow_and_keep_their_bytes(
    tmp_path: Path, held: list[tuple[date, str]], found: list[tuple[int, date, str]], ending: str, open_end: bool
) -> None:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator=ending)
    writer.writerow(["Ticker", "announced_at", "event_id", "category", "title", "source"])
    writer.writerows(["OWN", str(day), f"own{at}", "", title, ""] for at, (day, title) in enumerate(held))
    path, text = tmp_path / "e.csv", out.getvalue()
    text = text.removesuffix(ending) if open_end else text
    path.write_bytes(text.encode())
    rows = [filing(*one) for one in found]
    first = merged(path, rows)
    assert first.text.startswith(text) and len(first.added) == len(rows) and not first.columns
    write(first)
    once = path.read_bytes()
    assert merged(path, rows[::-1]).added == [] and difference(merged(path, rows)) == ""
    write(merged(path, rows))
    assert path.read_bytes() == once
    path.write_bytes(text.encode())
    for row in rows[::-1]:
        write(merged(path, [row]))
    assert sorted(path.read_bytes().splitlines()) == sorted(once.splitlines()), "one by one, or together"


def test_columns_that_are_needed_join_on_the_right(tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    path.write_bytes(b"\xef\xbb\xbfticker,announced_at\r\nOWN,2025-01-02\r\n")
    found = merged(path, [{**filing(1, date(2025, 5, 1), "x"), "uncertain": "yes", "window": ""}])
    assert found.columns == ["event_id", "category", "title", "source", "uncertain"]
    write(found)
    lines = path.read_bytes().decode("utf-8").split("\r\n")
    assert (
        lines[0] == "\ufeffticker,announced_at,event_id,category,title,source,uncertain"
        and lines[1] == "OWN,2025-01-02,,,,,"
    )


def test_a_file_that_would_not_pass_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    path.write_text("ticker,announced_at\nOWN,soon\n")
    with pytest.raises(InputFileError, match=r"events\.csv"):
        merged(path, [filing(1, date(2025, 5, 1), "x")])
    path.write_text("ticker,announced_at\nOWN,2025-01-02\n")
    with pytest.raises(InputFileError):
        merged(path, [{**filing(1, date(2025, 5, 1), "x"), "ticker": "no ticker"}])
    assert path.read_text() == "ticker,announced_at\nOWN,2025-01-02\n"


def test_kinds_of_files(tmp_path: Path) -> None:
    assert kind_of(tmp_path / "confounders.csv") == CONFOUNDERS and kind_of(tmp_path / "x.csv") == EVENTS
    (tmp_path / "confounders.csv").write_text("ticker,announced_at\n")
    (tmp_path / "x.csv").write_text("at,kind\n")
    assert kind_of(tmp_path / "confounders.csv") == EVENTS and kind_of(tmp_path / "x.csv") == CONFOUNDERS
    found = merged(tmp_path / "confounders.csv", [filing(1, date(2025, 5, 1), "x")])
    assert len(found.added) == 1, "headings without rows are a beginning"


def test_results_some_days_apart_are_one_announcement(tmp_path: Path) -> None:
    path = tmp_path / "confounders.csv"
    path.write_text("at,timing,tickers,kind\n2025-05-01,amc,MADE;OTHER,earnings\n")

    def row(day: date) -> dict[str, str]:
        return {"at": str(day), "timing": "", "tickers": "MADE", "kind": "earnings", "source": "s"}

    for days, known in ((0, True), (10, True), (-10, True), (11, False), (-11, False)):
        found = merged(path, [row(date(2025, 5, 1) + timedelta(days=days))])
        assert (len(found.known) == 1) == known and bool(found.notes) == (known and days != 0)


def results(kind: str, *days: str) -> list[dict[str, str]]:
    readings = [Reading("MADE", date.fromisoformat(day), "amc", day, "Yahoo", True) for day in days]
    return earnings_rows("MADE", readings, kind)[0]


def joined(path: Path, text: str, *days: str) -> Merged:
    path.write_text(text, newline="")
    return merged(path, results(EVENTS, *days))


HEAD = "event_id,ticker,announced_at,category,title\n"


@pytest.mark.parametrize(
    "text",
    [
        f"{HEAD}made-q4,MADE,2025-02-26,earnings,MADE results\n",
        f"{HEAD}made-q4,made,2025-02-26,,\n",
        "ticker,announced_at\nMADE,2025-02-26\n",
        "ticker,announced_at\nMADE,20250226\n",
        "ticker,announced_at\nMADE,2025-02-26T16:21:00-05:00\n",
        "ticker,announced_at\nMADE,2025-02-27T02:21:00Z\n",
        "Symbol,Date\nMADE,2025-02-26\n",
        '"ticker","announced_at"\n"MADE","2025-02-26"\n',
        f"{HEAD}MADE_8-K_0000999001-25-000001,MADE,2025-02-26T16:21:00-05:00,8-K 2.02 9.01,x\n",
    ],
)
def test_an_announcement_that_the_file_has_is_not_doubled(tmp_path: Path, text: str) -> None:
    found = joined(tmp_path / "events.csv", text, "2025-02-26", "2025-05-28")
    assert [row["announced_at"] for row in found.added] == ["2025-05-28"] and not found.notes
    write(found)
    assert not merged(found.path, results(EVENTS, "2025-02-26", "2025-05-28")).added


@pytest.mark.parametrize("name", ["MADE_results_2025-02-25", "MADE_results_2025-02-26", "mine"])
def test_a_moved_date_of_results_is_one_announcement(tmp_path: Path, name: str) -> None:
    found = joined(tmp_path / "events.csv", f"{HEAD}{name},MADE,2025-02-25,earnings,x\n", "2025-02-26")
    assert not found.added
    assert found.notes == ["MADE: the file has results on 2025-02-25, the source says 2025-02-26"]


def test_other_announcements_of_the_ticker_are_kept(tmp_path: Path) -> None:
    """A day away without a word on results, another item of a filing, another ticker: none is the announcement."""
    for text in (
        "ticker,announced_at\nMADE,2025-02-25\n",
        f"{HEAD}a,MADE,2025-02-25,merger,\n",
        f"{HEAD}a,OTHER,2025-02-26,earnings,\n",
        f"{HEAD}MADE_8-K_0000999001-25-000001,MADE,2025-02-26,8-K 5.02,x\n",
    ):
        assert len(joined(tmp_path / "events.csv", text, "2025-02-26").added) == 1, text
    found = joined(tmp_path / "events.csv", f"{HEAD}a,MADE,2025-02-26,merger,\n", "2025-02-26")
    assert not found.added and "the file has 'merger' on 2025-02-26, so 'earnings' of that date" in found.notes[0]


def test_a_filing_of_results_that_the_file_has_by_hand(tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    path.write_text(f"{HEAD}made-q4,MADE,2025-02-26,earnings,x\nmade-deal,MADE,2025-02-26,merger,y\n")
    report = filing(1, date(2025, 2, 26), "x") | {"category": "8-K 2.02 9.01"}
    other = filing(2, date(2025, 2, 26), "y") | {"category": "8-K 7.01"}
    assert [row["category"] for row in merged(path, [report, other]).added] == ["8-K 7.01"]


def test_a_row_of_the_file_stands_for_one_announcement(tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    path.write_text("ticker,announced_at,title\nMADE,2025-04-15,\n")
    listed = [
        {"event_id": f"MADE-2025-04-15{end}", "ticker": "MADE", "announced_at": "2025-04-15", "title": title}
        for end, title in (("", "one"), ("-2", "two"))
    ]
    found = merged(path, listed)
    assert [row["title"] for row in found.added] == ["two"]
    write(found)
    assert not merged(path, listed).added


@pytest.mark.parametrize(
    ("text", "timing"),
    [
        ("Symbol,Date,Timing\nOWN,2025-02-04,bmo\n", "bmo"),
        ("tic,Earnings Date,Time\nOWN,2025-02-04,pre-market\n", "bmo"),
        ("TICKER,Announced_At,Release Time\r\nOWN,2025-02-04,After Close\r\n", "amc"),
        ("Symbol,Date\nOWN,2025-02-04\n", ""),
    ],
)
def test_headings_that_run_accepts(tmp_path: Path, text: str, timing: str) -> None:
    path = tmp_path / "events.csv"
    found = joined(path, text, "2025-02-26")
    assert len(found.added) == 1 and found.text.splitlines()[0].startswith(text.splitlines()[0])
    write(found)
    frame = read_events(path).frame()
    assert frame["ticker"].tolist() == ["OWN", "MADE"]
    assert frame["announced_at"].tolist() == ["2025-02-04", "2025-02-26"]
    assert frame["timing"].tolist() == [timing, "amc"]


@pytest.mark.parametrize(
    "head", ['"at","timing","tickers","kind"', "At,Timing,Tickers,Kind", "\ufeff kind , at,tickers"]
)
def test_headings_of_confounders(tmp_path: Path, head: str) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(f"{head}\n", encoding="utf-8")
    assert kind_of(path) == CONFOUNDERS
    found = merged(path, results(CONFOUNDERS, "2025-02-26"))
    assert len(found.added) == 1
    write(found)
    assert not merged(path, results(CONFOUNDERS, "2025-02-26")).added
