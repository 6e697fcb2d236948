"""Lists that people hold become an events file: every form of the field, and nothing is guessed."""

from __future__ import annotations

import csv
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from eventstudy.data.collect.list_dates import read_day, read_moment
from tests.cli.conftest import Cli
from tests.conftest import needs
from tests.docs.schemas import fits


def rows(folder: Path, name: str = "events.csv") -> list[dict[str, str]]:
    with (folder / name).open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def pairs(folder: Path) -> list[tuple[str, str]]:
    return [(row["ticker"], row["announced_at"]) for row in rows(folder)]


def test_a_list_of_wrds_or_eventus(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("90001 20250415\n90002   20250416\n\n90003 20250417 20250420 extra\n")
    refused = cli("import", "list.txt")
    assert refused.code == 2 and "--id permno or --id ticker" in refused.err and "90001, 90002, 90003" in refused.err
    done = cli("import", "list.txt", "--id", "permno")
    assert done.code == 0, done.err
    assert pairs(tmp_path) == [("90001", "2025-04-15"), ("90002", "2025-04-16"), ("90003", "2025-04-17")]
    assert "ticker from column 1; announced_at from column 2" in done.err and "left out: column 3, column 4" in done.err
    assert cli("validate").code == 0
    before = (tmp_path / "events.csv").read_bytes()
    again = cli("import", "list.txt", "--id", "permno", "--json")
    assert fits("import", again.out)["known"] == 3 and (tmp_path / "events.csv").read_bytes() == before


def test_order_of_day_and_month_is_said_and_never_guessed(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "l.txt").write_text("MADE 04/05/2025\nNEXT 04/13/2025\n")
    refused = cli("import", "l.txt", "--id", "ticker")
    assert refused.code == 2 and "--dates mdy or --dates dmy" in refused.err and "line 2" in refused.err
    assert not (tmp_path / "events.csv").exists()
    wrong = cli("import", "l.txt", "--id", "ticker", "--dates", "dmy")
    assert wrong.code == 2 and "line 2" in wrong.err and "not a day of the calendar in this order" in wrong.err
    assert cli("import", "l.txt", "--id", "ticker", "--dates", "mdy").code == 0
    assert pairs(tmp_path) == [("MADE", "2025-04-05"), ("NEXT", "2025-04-13")]
    assert cli("import", "l.txt", "--id", "ticker", "--dates", "ydm").code == 2


def test_one_line_without_headings_is_data(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text("90001,2025-04-15\n")
    assert cli("import", "one.csv", "--id", "permno").code == 0 and pairs(tmp_path) == [("90001", "2025-04-15")]


def test_a_request_of_eventstudytools(cli: Cli, tmp_path: Path) -> None:
    text = "1;MADE;^GSPC;15.04.2025;g1;-5;5;-11;120\n2;NEXT;^GSPC;16.04.2025;gr\xe4;-5;5;-11;120\n"
    (tmp_path / "request.csv").write_bytes(text.encode("cp1252"))
    done = cli("import", "request.csv")
    assert done.code == 0, done.err
    found = rows(tmp_path)
    assert [
        (r["event_id"], r["ticker"], r["announced_at"], r["benchmark"], r["window"], r["category"]) for r in found
    ] == [
        ("1", "MADE", "2025-04-15", "^GSPC", "-5:5", "g1"),
        ("2", "NEXT", "2025-04-16", "^GSPC", "-5:5", "gr\u00e4"),
    ]
    assert "not UTF-8" in done.err and "left out: column 8, column 9" in done.err


def test_key_developments_with_their_clock_in_utc(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "ciq.csv").write_text(
        "keydevid,companyname,tic,headline,mostimportantdateutc,eventtype\n"
        '71,Made Up Inc,MADE,"Results, again",2025-04-15 20:10:00,Announcements of Earnings\n'
        "72,Next Co,NEXT,Leaves,2025-04-16 00:00:00,Executive Changes\n"
    )
    assert cli("import", "ciq.csv").code == 0
    found = rows(tmp_path)
    assert found[0]["announced_at"] == "2025-04-15T20:10:00+00:00" and found[0]["title"] == "Results, again"
    assert found[1]["announced_at"] == "2025-04-16", "midnight is not a clock, and the date is New York's"
    assert found[1]["category"] == "Executive Changes"


def test_buckets_of_a_table_of_results(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "k.csv").write_text(
        "symbol,date,qtr,release_time\nMADE,2025-02-04,12/2024,post\nNEXT,2025-02-05,12/2024,pre\n"
    )
    assert cli("import", "k.csv").code == 0
    assert [(r["ticker"], r["timing"]) for r in rows(tmp_path)] == [("MADE", "amc"), ("NEXT", "bmo")]
    (tmp_path / "k.csv").write_text("symbol,date,release_time\nMADE,2025-02-04,teatime\n")
    assert "not a known hour" in cli("import", "k.csv").err


def test_columns_that_are_not_clear_are_asked_for(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("Ticker,PERMNO,rdq,event_date\nMADE,90001,2025-04-15,2025-04-16\n")
    refused = cli("import", "a.csv")
    assert refused.code == 2 and "a ticker and a PERMNO" in refused.err
    refused = cli("import", "a.csv", "--id", "permno")
    assert refused.code == 2 and "'rdq' and 'event_date'" in refused.err.replace(
        "'event_date' and 'rdq'", "'rdq' and 'event_date'"
    )
    assert cli("import", "a.csv", "--id", "permno", "--column", "announced_at=RDQ").code == 0
    assert pairs(tmp_path) == [("90001", "2025-04-15")]
    (tmp_path / "b.csv").write_text("firm,when,what\nMADE,2025-04-15,=1+1\n")
    refused = cli("import", "b.csv")
    assert refused.code == 2 and "'firm', 'when', 'what'" in refused.err
    done = cli(
        "import",
        "b.csv",
        "-o",
        "b2.csv",
        "--column",
        "ticker=1",
        "--column",
        "announced_at=when",
        "--column",
        "title=what",
    )
    assert done.code == 0 and rows(tmp_path, "b2.csv")[0]["title"] == "=1+1"
    for option, words in (
        (("--column", "colour=what"), "NAME=HEADING"),
        (("--column", "title=absent"), "no such column"),
        (("--column", "title"), "NAME=HEADING"),
        (("--zone", "Mars/North"), "--zone 'Mars/North' is unknown"),
        (("--id", "cusip"), "--id 'cusip' is unknown"),
        (("--sheet", "x"), "belongs to a workbook"),
    ):
        wrong = cli("import", "b.csv", *option)
        assert wrong.code == 2 and words in wrong.err, wrong.err


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ("037833100 20250417", "is a CUSIP"),
        ("03783310 20250417", "is a CUSIP"),
        ("12345678901 20250417", "five digits"),
        ("90001 16000", "count of days"),
        ("90001 45762", "count of days"),
        ("90001 20251345", "not a day of the calendar"),
        ("90001 15/04/25", "year of two digits"),
        ("90001 2150-01-01", "outside 1900 to 2100"),
        ("90001 soon", "is not a date"),
        ("90001", "is empty"),
        ("MADE 20250417", "is not a PERMNO"),
    ],
)
def test_cells_that_are_none_are_told_with_their_line(cli: Cli, tmp_path: Path, cells: str, words: str) -> None:
    (tmp_path / "l.txt").write_text(f"90009 20250101\n{cells}\n")
    done = cli("import", "l.txt", "--id", "permno")
    assert done.code == 2 and "line 2" in done.err and words in done.err, done.err
    assert not (tmp_path / "events.csv").exists()


def test_identifiers_that_a_spreadsheet_has_changed(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "f.csv").write_text("permno,date\n90001.0,2025-04-15\n")
    assert cli("import", "f.csv").code == 0 and pairs(tmp_path) == [("90001", "2025-04-15")]
    for cell, words in (
        ("90001", "number, not a ticker"),
        ("37833100", "number, not a ticker"),
        ("RDS/A", "write RDS-A"),
    ):
        (tmp_path / "f.csv").write_text(f"ticker,date\n{cell},2025-04-15\n")
        done = cli("import", "f.csv", "-o", "other.csv")
        assert done.code == 2 and words in done.err, done.err


def test_several_events_of_a_firm_on_a_day(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "l.csv").write_text(
        "ticker,date,headline\nMADE,2025-04-15,one\nMADE,2025-04-15,two\nMADE,2025-04-15,one\nmade,2025-04-15,three\n"
    )
    done = cli("import", "l.csv")
    assert done.code == 2 or len({(r["event_id"], r["ticker"]) for r in rows(tmp_path)}) == 3
    (tmp_path / "l.csv").write_text(
        "ticker,date,headline\nMADE,2025-04-15,one\nMADE,2025-04-15,two\nMADE,2025-04-15,one\n"
    )
    done = cli("import", "l.csv", "-o", "e.csv")
    assert done.code == 0 and "1 rows occur twice in the list" in done.err
    assert [r["event_id"] for r in rows(tmp_path, "e.csv")] == ["MADE-2025-04-15", "MADE-2025-04-15-2"]


def test_clocks_need_a_zone(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("ticker,date\nMADE,2025-04-15 16:05\nNEXT,2025-01-15 16:05:30\nBARE,2025-01-16\n")
    refused = cli("import", "c.csv")
    assert refused.code == 2 and "--zone America/New_York" in refused.err
    assert cli("import", "c.csv", "--zone", "America/New_York").code == 0
    assert sorted(pairs(tmp_path)) == [
        ("BARE", "2025-01-16"),
        ("MADE", "2025-04-15T16:05:00-04:00"),
        ("NEXT", "2025-01-15T16:05:30-05:00"),
    ]


def test_a_rehearsal_and_merging(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text("event_id,ticker,announced_at,mine\nMADE-2025-04-15,MADE,2025-04-15,kept\n")
    (tmp_path / "l.txt").write_text("MADE 20250415\nNEXT 20250416\n")
    before = (tmp_path / "events.csv").read_text()
    shown = cli("import", "l.txt", "--id", "ticker", "--dry-run")
    assert "+NEXT-2025-04-16,NEXT,2025-04-16," in shown.out and (tmp_path / "events.csv").read_text() == before
    assert cli("import", "l.txt", "--id", "ticker").code == 0
    assert (tmp_path / "events.csv").read_text() == before + "NEXT-2025-04-16,NEXT,2025-04-16,\n"
    (tmp_path / "events.csv").write_text("event_id,ticker,announced_at\na,MADE,4/15/2025\n")
    broken = cli("import", "l.txt", "--id", "ticker")
    assert broken.code == 2 and "events.csv" in broken.err and "line 2" in broken.err


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b"ticker,date\n", "no row"),
        (b"ticker,date\nMADE\n", "has 1 cells"),
        (b"a\0b 20250415\n", "NUL"),
        (b"justone\n20250415\n", "no single column"),
    ],
)
def test_files_that_are_none(cli: Cli, tmp_path: Path, data: bytes, words: str) -> None:
    (tmp_path / "x.txt").write_bytes(data)
    done = cli("import", "x.txt", "--id", "ticker")
    assert done.code == 2 and words in done.err, done.err


def test_other_files_that_are_none(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "x.dta").write_bytes(b"not stata")
    (tmp_path / "x.xlsx").write_bytes(b"not excel")
    (tmp_path / "x.xls").write_bytes(b"old")
    for name, words in (("x.dta", "not a Stata file"), ("x.xls", ".xlsx"), ("absent.txt", "no such file")):
        done = cli("import", name)
        assert done.code == 2 and words in done.err, done.err


def test_a_stata_file(cli: Cli, tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "permno": [90001.0, 90002.0],
            "edate": pd.to_datetime(["2025-04-15", "2025-04-16"]),
            "kind": pd.Categorical(["merger", "split"]),
        }
    )
    frame.to_stata(tmp_path / "l.dta", write_index=False, convert_dates={"edate": "td"})
    done = cli("import", "l.dta", "--column", "announced_at=edate", "--column", "category=kind")
    assert done.code == 0, done.err
    assert pairs(tmp_path) == [("90001", "2025-04-15"), ("90002", "2025-04-16")]
    assert [row["category"] for row in rows(tmp_path)] == ["merger", "split"]


def workbook(path: Path, sheets: dict[str, list[list[Any]]]) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, cells in sheets.items():
        page = book.create_sheet(name)
        for row in cells:
            page.append(row)
    book.save(path)


@needs("xlsx")
def test_a_sheet_with_titles_above_its_headings(cli: Cli, tmp_path: Path) -> None:
    workbook(
        tmp_path / "l.xlsx",
        {
            "Screen": [
                ["Screening report"],
                [None],
                ["Company Name(s)", "Key Developments By Date", "Key Development Headline"],
                ["Made Up Inc. (NasdaqGS:MADE)", datetime(2025, 4, 15), "Results"],
                ["Next Co (NYSE:NEXT)", "Apr-16-2025", "Chief leaves"],
                [None, None, None],
            ],
            "Plain": [["MADE", date(2025, 4, 15)], ["NEXT", date(2025, 4, 16)]],
            "Clock": [["ticker", "date"], ["MADE", datetime(2025, 4, 15, 16, 5)]],
            "Serial": [["ticker", "date"], ["MADE", 45762]],
        },
    )
    done = cli("import", "l.xlsx")
    assert done.code == 0, done.err
    assert pairs(tmp_path) == [("MADE", "2025-04-15"), ("NEXT", "2025-04-16")]
    assert "above the headings in row 3" in done.err and "sheet 'Screen'" in done.err
    assert cli("import", "l.xlsx", "--sheet", "Plain", "--id", "ticker", "-o", "p.csv").code == 0
    assert cli("import", "l.xlsx", "--sheet", "Clock", "--zone", "America/New_York", "-o", "c.csv").code == 0
    assert rows(tmp_path, "c.csv")[0]["announced_at"] == "2025-04-15T16:05:00-04:00"
    serial = cli("import", "l.xlsx", "--sheet", "Serial", "-o", "s.csv")
    assert serial.code == 2 and "count of days" in serial.err and "row 2" in serial.err
    assert "Screen, Plain, Clock, Serial" in cli("import", "l.xlsx", "--sheet", "None").err
    (tmp_path / "x.xlsx").write_bytes(b"not excel")
    assert "not a workbook" in cli("import", "x.xlsx").err


FORMS = [
    ("2025-04-05", ""), ("20250405", ""), ("2025/04/05", ""), ("05APR2025", ""), ("5-Apr-2025", ""), ("Apr-05-2025", ""),
    ("April 5, 2025", ""), ("04/05/2025", "mdy"), ("05/04/2025", "dmy"), ("05.04.2025", "dmy"), ("2025-04-05", "dmy"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "order"), FORMS)
def test_forms_of_a_day(text: str, order: str) -> None:
    assert read_day(text, order) == date(2025, 4, 5)


def test_days_are_those_of_another_reader() -> None:
    """Oracle: pandas with the form named."""
    for stamp in pd.date_range("1990-01-01", "2029-12-31", freq="97D"):
        for form, order in (
            ("%m/%d/%Y", "mdy"),
            ("%d/%m/%Y", "dmy"),
            ("%d.%m.%Y", "dmy"),
            ("%Y%m%d", ""),
            ("%d%b%Y", ""),
        ):
            text = stamp.strftime(form)
            assert read_day(text, order) == pd.to_datetime(text, format=form).date()


def test_an_hour_that_is_none() -> None:
    from zoneinfo import ZoneInfo

    with pytest.raises(ValueError, match="skipped"):
        read_moment("2025-03-09 02:30", "", ZoneInfo("America/New_York"))
    assert read_moment("2025-04-15T20:10:00Z", "", None) == "2025-04-15T20:10:00+00:00"
    assert read_moment("2025-04-15T16:10-0400", "", None) == "2025-04-15T16:10:00-04:00"


def test_two_columns_of_dates_are_asked_about(cli: Cli, tmp_path: Path) -> None:
    """The day of a report beside the end of its period; a heading that any date may have is sure only alone."""
    for headings in ("report_date,date", "date,report_date", "date,Earnings Date", "date,filed", "reportedDate,date"):
        (tmp_path / "l.csv").write_text(
            f"symbol,{headings},before_after_market\nMADE,2025-01-30,2024-12-31,AfterMarket\n"
        )
        refused = cli("import", "l.csv")
        assert refused.code == 2 and "may be the date" in refused.err and "--column announced_at" in refused.err, (
            headings
        )
        assert "'date'" in refused.err and not (tmp_path / "events.csv").exists()
    (tmp_path / "l.csv").write_text("symbol,date,report_date,time\nMADE,2024-12-31,2025-01-30,AfterMarket\n")
    assert cli("import", "l.csv", "--column", "announced_at=report_date").code == 0
    assert pairs(tmp_path) == [("MADE", "2025-01-30")] and rows(tmp_path)[0]["timing"] == "amc"
    for name in ("report_date", "Earnings Date", "announced", "reportedDate"):
        (tmp_path / "one.csv").write_text(f"symbol,{name},qtr\nMADE,2025-01-30,12/2024\n")
        assert cli("import", "one.csv", "-o", f"{name}.csv").code == 0, name
    # the same words in `run`
    (tmp_path / "events.csv").write_text("symbol,date,report_date\nMADE,2024-12-31,2025-01-30\n")
    refused = cli("validate")
    assert refused.code == 2 and "'date' or 'report_date' may be it" in refused.out


def test_tickers_of_ibes_are_asked_about(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "ibes.csv").write_text("TICKER,OFTIC,CNAME,ANNDATS,VALUE\nFBK1,MADE,MADE UP,2025-01-29,8\n")
    refused = cli("import", "ibes.csv")
    assert refused.code == 2 and "'TICKER' and 'OFTIC' may be the ticker" in refused.err and "IBES" in refused.err
    assert cli("import", "ibes.csv", "--column", "ticker=OFTIC").code == 0
    assert pairs(tmp_path) == [("MADE", "2025-01-29")]
    (tmp_path / "events.csv").write_text((tmp_path / "ibes.csv").read_text())
    refused = cli("validate")
    assert refused.code == 2 and "'OFTIC' may be it" in refused.out and "IBES" in refused.out
    (tmp_path / "ibes.csv").write_text("TICKER,CNAME,ANNDATS\nFBK1,MADE UP,2025-01-29\n")
    told = cli("import", "ibes.csv", "-o", "alone.csv")
    assert told.code == 0 and "IBES's own code" in told.err
    (tmp_path / "ibes.csv").write_text("OFTIC,CNAME,ANNDATS\nMADE,MADE UP,2025-01-29\n")
    told = cli("import", "ibes.csv", "-o", "official.csv")
    assert told.code == 0 and "IBES" not in told.err and rows(tmp_path, "official.csv")[0]["ticker"] == "MADE"


CLOCKS = [
    ("ticker,date,time", "2025-02-04,16:05", "2025-02-04T16:05:00-05:00"),
    ("OFTIC,ANNDATS,ANNTIMS", "20250704,16:05:30", "2025-07-04T16:05:30-04:00"),
    ("ticker,date,starts", "2025-02-04,4:05 PM", "2025-02-04T16:05:00-05:00"),
    ("ticker,date,starts", "2025-02-04,12:05 AM", "2025-02-04T00:05:00-05:00"),
    ("ticker,date,hour", "2025-02-04,16:05+01:00", "2025-02-04T16:05:00+01:00"),
    ("ticker,date,time", "2025-02-04T00:00:00+01:00,16:05", "2025-02-04T16:05:00+01:00"),
    ("ticker,date,time", "2025-02-04T00:00:00Z,16:05", "2025-02-04T16:05:00-05:00"),
    ("ticker,date,time", "2025-02-04 09:31,16:05", "2025-02-04T09:31:00-05:00"),
    ("tic,mostimportantdateutc,mostimportanttimeutc", "2025-02-04,21:05:00", "2025-02-04T21:05:00+00:00"),
]


@pytest.mark.parametrize(("headings", "cells", "moment"), CLOCKS)
def test_a_clock_in_a_column_of_its_own_is_not_lost(
    cli: Cli, tmp_path: Path, headings: str, cells: str, moment: str
) -> None:
    (tmp_path / "c.csv").write_text(f"{headings}\nMADE,{cells}\n")
    if "+01:00" not in cells and "utc" not in headings:
        refused = cli("import", "c.csv")
        assert refused.code == 2 and "--zone America/New_York" in refused.err, refused.err
    done = cli("import", "c.csv", "--zone", "America/New_York")
    assert done.code == 0, done.err
    assert pairs(tmp_path) == [("MADE", moment)] and "are joined to the dates" in done.err
    assert cli("validate").code == 0


def test_words_beside_clocks_and_two_columns_of_hours(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text(
        "ticker,date,time,note\nMADE,2025-02-04,16:05,a\nNEXT,2025-02-05,After Close,b\nLAST,2025-02-06,00:00:00,c\n"
    )
    assert cli("import", "c.csv", "--zone", "America/New_York").code == 0
    assert [(row["announced_at"], row["timing"]) for row in rows(tmp_path)] == [
        ("2025-02-04T16:05:00-05:00", ""), ("2025-02-05", "amc"), ("2025-02-06", ""),
    ]  # fmt: skip
    (tmp_path / "c.csv").write_text("ticker,date,time,release_time\nMADE,2025-02-04,16:05,post\n")
    refused = cli("import", "c.csv")
    assert refused.code == 2 and "'time' and 'release_time' may be the hour" in refused.err
    assert cli("import", "c.csv", "--column", "timing=release_time", "-o", "chosen.csv").code == 0
    (tmp_path / "c.csv").write_text("ticker,date,time\nMADE,2025-02-04,16:05 ET\n")
    assert "the zone with --zone" in cli("import", "c.csv", "-o", "letters.csv").err


def test_rows_of_numbers_are_no_headings(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "w.csv").write_text("90001.0,20250415.0\n90002.0,20250416.0\n")
    done = cli("import", "w.csv", "--id", "permno")
    assert done.code == 0 and pairs(tmp_path) == [("90001", "2025-04-15"), ("90002", "2025-04-16")]
    for text in ("90001 18000 1\n90002 18001 1\n", "90001.0,18000.0\n90002.0,18001.0\n"):
        (tmp_path / "w.txt").write_text(text)
        refused = cli("import", "w.txt", "--id", "permno", "-o", "n.csv")
        assert refused.code == 2 and "count of days (CRSP" in refused.err and "line 1" in refused.err
    (tmp_path / "w.csv").write_text("ticker,date,2024\nMADE,2025-04-15,1.5\n")
    done = cli("import", "w.csv", "-o", "h.csv")
    assert done.code == 0 and pairs(tmp_path)[0] and rows(tmp_path, "h.csv")[0]["ticker"] == "MADE", done.err


@needs("xlsx")
def test_a_sheet_of_numbers_and_cells_that_name_two_listings(cli: Cli, tmp_path: Path) -> None:
    workbook(
        tmp_path / "l.xlsx",
        {
            "Plain": [[90001, 20250415], [90002, 20250416]],
            "Two": [
                ["Company Name(s)", "Key Developments By Date"],
                ["Made Up Inc. (NasdaqGS:MADE); Next Co (NYSE:NEXT)", date(2025, 4, 15)],
            ],
            "Home": [
                ["Company Name(s)", "Key Developments By Date"],
                ["Home Ltd. (LSE:HOM) and its ADR (NYSE:HMD)", date(2025, 4, 15)],
            ],
        },
    )
    assert cli("import", "l.xlsx", "--sheet", "Plain", "--id", "permno").code == 0
    assert pairs(tmp_path) == [("90001", "2025-04-15"), ("90002", "2025-04-16")]
    for sheet in ("Two", "Home"):
        refused = cli("import", "l.xlsx", "--sheet", sheet, "-o", "two.csv")
        assert refused.code == 2 and "names two listings" in refused.err
