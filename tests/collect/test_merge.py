"""Joining rows to a file: what is there stays to the byte, nothing is doubled, and the order of collecting does not matter."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eventstudy.data.collect.merge import CONFOUNDERS, EVENTS, difference, kind_of, merged, write
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
