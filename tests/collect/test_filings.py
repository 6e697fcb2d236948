"""Filings from the SEC: the hour of the header alone counts, nothing is lost, and every refusal has its name."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from tests.collect.conftest import Asking, some
from tests.collect.sec import BLOCK, IDENTITY, NO_KEY, NO_OBJECT, TOO_FAST, UNDECLARED, Company, Paper, Sec
from tests.docs.schemas import fits
from tests.network.services import TRANSPORT, Answer, Services

RESULTS = Paper("0000999001-25-000007", "8-K", "2025-05-01 16:21:40", "2025-05-01", "2025-05-01", "2.02,9.01")
EVENING = Paper("0000999001-25-000006", "8-K", "2025-04-15 18:05:10", "2025-04-16", "2025-04-09", "8.01")
OTHER = Paper("0000999001-25-000005", "8-K", "2025-04-01 07:01:00", "2025-04-01", "2025-04-01", "5.02")
AMENDED = Paper("0000999001-25-000004", "8-K/A", "2025-03-20 09:00:00", "2025-03-20", "2025-03-20", "2.02")
BEFORE_COLUMBUS = Paper("0000999001-25-000009", "8-K", "2025-10-10 18:05:00", "2025-10-14", "2025-10-10", "8.01")
OLD = Paper("0000999001-21-000001", "8-K", "2021-02-03 16:05:00", "2021-02-03", "2021-02-03", "2.02")
ANCIENT = Paper("0000999001-01-000001", "8-K", None, "2001-05-04", "2001-05-04", "12")
SIX = Paper("0000999002-25-000003", "6-K", "2025-07-16 06:02:11", "2025-07-16", "2025-06-30")
MADE = Company(
    999001,
    "MADE UP <INC> & CO",
    ("MADE", "MADE-B"),
    [BEFORE_COLUMBUS, RESULTS, EVENING, OTHER, AMENDED],
    [("2019-01-01", "2021-12-31", [AMENDED, OLD]), ("1999-01-01", "2001-12-31", [ANCIENT])],
)
DUTCH = Company(999002, "DUTCH NV", ("DTCH",), [SIX])
ASK = ("collect", "filings", "--identity", IDENTITY, "--since", "2025-01-01")


@pytest.fixture
def sec(services: Services) -> Iterator[Sec]:
    served = Sec([MADE, DUTCH])
    services.handlers |= {"www.sec.gov": served, "data.sec.gov": served}
    yield served


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def by_number(path: Path) -> dict[str, dict[str, str]]:
    return {row["event_id"].split("_")[-1]: row for row in rows(path)}


def test_a_ticker_becomes_rows_with_the_headers_clock(sec: Sec, asking: Asking, tmp_path: Path) -> None:
    done = asking(*ASK, "MADE", "DTCH")
    assert done.code == 0, done.err
    found = by_number(tmp_path / "events.csv")
    assert set(found) == {p.number for p in (RESULTS, EVENING, OTHER, BEFORE_COLUMBUS, SIX)}
    row = found[RESULTS.number]
    assert row["announced_at"] == "2025-05-01T16:21:40-04:00" and row["timing"] == row["notes"] == ""
    assert row["category"] == "8-K 2.02 9.01" and row["role"] == "direct" and row["ticker"] == "MADE"
    assert row["source"].endswith(
        "/Archives/edgar/data/999001/000099900125000007/0000999001-25-000007-index.html"
    ) and row["source"].startswith("SEC 0000999001-25-000007 https://www.sec.gov/")
    assert "Results of Operations" in row["title"] and "Exhibits" not in row["title"]
    evening = found[EVENING.number]
    assert evening["window"] == "-5:0" and "2025-04-09, 4 business days before" in evening["notes"]
    assert "after 17:30" in evening["notes"] and evening["uncertain"] == "", "both readings give 16 April"
    monday = found[BEFORE_COLUMBUS.number]
    assert monday["uncertain"] == "yes"
    assert "Day 0 by acceptance is 2025-10-13, by publication 2025-10-14" in monday["notes"]
    assert found[SIX.number]["announced_at"] == "2025-07-16T06:02:11-04:00"
    assert found[SIX.number]["window"] == "", "a 6-K reports a period, no event"
    assert "wrong for the listing at home" in " ".join(done.err.split())
    assert "MADE: the index lists 4 filings of 8-K, 6-K" in done.err
    checked = asking("validate", "--json")
    assert checked.code == 0, checked.out
    assert IDENTITY not in (tmp_path / "events.csv").read_text() and "person@" not in done.err + done.out


@pytest.mark.parametrize("convention", ["utc", "new-york", "later", "mixed"])
def test_the_hour_of_the_index_is_never_used(sec: Sec, asking: Asking, tmp_path: Path, convention: str) -> None:
    sec.companies = [Company(MADE.cik, MADE.name, MADE.tickers, MADE.papers, convention=convention)]
    assert asking(*ASK, "MADE").code == 0
    found = by_number(tmp_path / "events.csv")
    assert [found[p.number]["announced_at"] for p in (RESULTS, OTHER)] == [
        "2025-05-01T16:21:40-04:00",
        "2025-04-01T07:01:00-04:00",
    ]


def test_items_forms_amendments_and_older_pages(sec: Sec, asking: Asking, services: Services, tmp_path: Path) -> None:
    done = asking(*ASK, "MADE", "DTCH", "--items", "2.02", "--since", "2000", "--amendments", "--trust-acceptance")
    assert done.code == 0, done.err
    found = by_number(tmp_path / "events.csv")
    assert set(found) == {p.number for p in (RESULTS, AMENDED, OLD, ANCIENT, SIX)}, "12 was 2.02 once; 6-Ks stay"
    assert len(services.asked("submissions-001")) == len(services.asked("submissions-002")) == 1
    ancient = found[ANCIENT.number]
    assert (ancient["announced_at"], ancient["uncertain"]) == ("2001-05-04", "yes") and "no clock" in ancient["notes"]
    assert found[OLD.number]["announced_at"] == "2021-02-03T16:05:00-05:00", "winter"
    assert "6-Ks have no items" in done.err
    services.log.clear()
    assert asking(*ASK, "MADE", "-o", "other.csv", "--forms", "8-K", "--trust-acceptance").code == 0
    assert not services.asked("submissions-0") and "window" not in rows(tmp_path / "other.csv")[0]
    assert len(services.asked("hdr.sgml")) == 3, "each header is asked for once"


def test_a_second_run_adds_what_is_new_and_keeps_edits(
    sec: Sec, asking: Asking, services: Services, tmp_path: Path
) -> None:
    sec.companies = [Company(MADE.cik, MADE.name, MADE.tickers, [OTHER])]
    path = tmp_path / "events.csv"
    path.write_bytes(
        b'\xef\xbb\xbfevent_id,ticker,announced_at,title\r\nmine,MADE,2025-02-03,"by hand, with; marks"\r\n'
    )
    assert asking(*ASK, "MADE").code == 0
    text = path.read_text(encoding="utf-8-sig").replace(OTHER.number + ",", "renamed_by_hand,", 1)
    path.write_text(text.replace("2025-04-01T07:01:00-04:00", "2025-04-01T07:00:00-04:00"), encoding="utf-8")
    before = path.read_bytes()
    sec.companies = [MADE]
    rehearsed = asking(*ASK, "MADE", "--dry-run")
    assert path.read_bytes() == before and rehearsed.code == 0
    gone = rehearsed.out.count("\n-MADE_8-K_")
    assert rehearsed.out.count("\n+MADE_8-K_") - gone == 3 and "would be added" in rehearsed.err
    services.log.clear()
    assert asking(*ASK, "MADE").code == 0
    assert len(services.asked("hdr.sgml")) == 0, "the rehearsal has read and kept them"
    found = rows(path)
    assert [row["event_id"] for row in found[:2]] == ["mine", "MADE_8-K_renamed_by_hand"]
    assert found[0]["title"] == "by hand, with; marks" and found[1]["announced_at"] == "2025-04-01T07:00:00-04:00"
    assert len(found) == 5
    again = path.read_bytes()
    assert asking(*ASK, "MADE").code == 0 and path.read_bytes() == again, "nothing new, not a byte"
    fits("collect-filings", asking(*ASK, "MADE", "--json").out)


def test_share_classes_numbers_and_unclear_tickers(sec: Sec, asking: Asking, tmp_path: Path) -> None:
    assert asking(*ASK, "MADE.B", "-o", "b.csv").code == 0
    assert asking(*ASK, "GONE=999002", "-o", "c.csv").code == 0
    assert rows(tmp_path / "c.csv")[0]["ticker"] == "GONE"
    done = asking(*ASK, "NOPE", "DTCH.AS", "x y", "--dry-run")
    assert done.code == 2 and not (tmp_path / "events.csv").exists()
    for words in ("no ticker NOPE", "outside New York", "not when the news reached the exchange at home", "x y"):
        assert words in done.err
    sec.companies = [MADE, Company(999003, "TWIN CORP", ("MADE",), [])]
    (tmp_path / "store" / "edgar" / "tickers.json").unlink()
    twice = asking(*ASK, "MADE")
    assert twice.code == 2 and "MADE=999001" in twice.err and "MADE=999003 (TWIN CORP)" in twice.err


def test_a_ticker_that_went_is_known_with_its_date(
    sec: Sec, asking: Asking, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from datetime import datetime

    from eventstudy.data import clock

    assert asking(*ASK, "DTCH", "-o", "a.csv").code == 0
    monkeypatch.setattr(clock, "utc_now", lambda: datetime.fromisoformat("2026-03-01T12:00:00+00:00"))
    sec.companies = [MADE]
    done = asking(*ASK, "DTCH")
    assert done.code == 2 and "until 2026-02-20 it belonged to DUTCH NV: write DTCH=999002" in done.err
    monkeypatch.setattr(clock, "utc_now", lambda: datetime.fromisoformat("2026-04-01T12:00:00+00:00"))
    sec.companies = [MADE, Company(999004, "NEW OWNER", ("DTCH",), [])]
    done = asking(*ASK, "DTCH")
    assert "DTCH belongs to NEW OWNER since 2026-04-01; before, it belonged to DUTCH NV" in done.err
    sec.spoil["company_tickers"] = Answer(404, NO_KEY)
    monkeypatch.setattr(clock, "utc_now", lambda: datetime.fromisoformat("2026-05-01T12:00:00+00:00"))
    assert "the list of tickers is that of 2026-04-01" in asking(*ASK, "MADE").err


def wrong_header(paper: Paper, old: str, new: str) -> Answer:
    assert old in paper.header().decode()
    return Answer(200, paper.header().replace(old.encode(), new.encode()))


HEADER = f"{RESULTS.number}.hdr.sgml"
# part of a path -> an invalid answer, and words of the sentence about it; the other filings are read
ONE_HEADER: dict[str, tuple[str, Answer, str]] = {
    "page": (HEADER, Answer(200, b"<!DOCTYPE html><html>welcome</html>"), "a web page came"),
    "other": (HEADER, wrong_header(RESULTS, "<ACCESSION-NUMBER>0000999001-25-000007", "<ACCESSION-NUMBER>0000999001-25-000001"), "another filing"),
    "clock": (HEADER, wrong_header(RESULTS, "20250501162140", "20259901162140"), "cannot be read"),
    "stub": (HEADER, Answer(200, b"soon"), "not a header"),
    "empty": (HEADER, Answer(200, b""), "not a header"),
    "blocked": (HEADER, Answer(403, BLOCK), "Access Denied"),
    "gone": ("000099900125000007", Answer(403, NO_OBJECT), "no such file"),
    "teapot": (HEADER, Answer(418, b"short and stout"), "status 418"),
}  # fmt: skip


@pytest.mark.parametrize("kind", some(ONE_HEADER, "page", "other", "gone"))
def test_a_header_that_is_none_costs_its_row_alone(sec: Sec, asking: Asking, tmp_path: Path, kind: str) -> None:
    part, answer, words = ONE_HEADER[kind]
    sec.spoil[part] = answer
    done = asking(*ASK, "MADE", "--json")
    assert done.code == 4 and words in done.err and RESULTS.number in done.err
    told = fits("collect-filings", done.out)
    assert (told["listed"], told["read"], len(told["failed"])) == (4, 3, 1)
    assert set(by_number(tmp_path / "events.csv")) == {p.number for p in (EVENING, OTHER, BEFORE_COLUMBUS)}
    sec.spoil.clear()
    assert asking(*ASK, "MADE").code == 0 and len(rows(tmp_path / "events.csv")) == 4, "healed"


def test_without_a_header_file_the_filing_itself_is_read_as_far_as_its_header(
    sec: Sec, asking: Asking, tmp_path: Path
) -> None:
    sec.spoil["hdr.sgml"] = Answer(403, NO_OBJECT)
    assert asking(*ASK, "MADE").code == 0
    assert by_number(tmp_path / "events.csv")[RESULTS.number]["announced_at"] == "2025-05-01T16:21:40-04:00"
    kept = list((tmp_path / "store" / "edgar" / "headers").rglob("*.json"))
    assert len(kept) == 4 and all(path.stat().st_size < 2000 for path in kept)


INDEX = f"CIK{MADE.cik:010d}.json"
BROKEN: dict[str, tuple[str, Answer, str]] = {
    "undeclared": ("", Answer(403, UNDECLARED), "does not accept the identity"),
    "too fast": ("", Answer(403, TOO_FAST), "too many requests"),
    "429": ("", Answer(429, b"slow down"), "too many requests"),
    "cloud": ("", Answer(403, BLOCK), "refuses this address"),
    "bare 403": ("", Answer(403, b""), "status 403"),
    "no list": ("company_tickers", Answer(200, b"<html>hello</html>"), "list of tickers cannot be read"),
    "empty list": ("company_tickers", Answer(200, b"{}"), "list of tickers is empty"),
    "no index": (INDEX, Answer(404, NO_KEY), "no such file"),
    "page": (INDEX, Answer(200, b"<html>hello</html>"), "a web page"),
    "half": (INDEX, Answer(200, MADE.index()[:200]), "half of it"),
    "no column": (INDEX, Answer(200, MADE.index().replace(b'"reportDate"', b'"dateOfReport"')), "no column reportDate"),
    "unequal": (INDEX, Answer(200, MADE.index().replace(b'"form": ["8-K", ', b'"form": [')), "different lengths"),
    "schema": (INDEX, Answer(200, MADE.index().replace(b'"recent"', b'"newest"')), "another form"),
    "other company": (INDEX, Answer(200, DUTCH.index()), "index of CIK"),
    "dates": (INDEX, Answer(200, MADE.index().replace(b"2025-05-01", b"May 1 2025")), "another form"),
    "numbers": (INDEX, Answer(200, MADE.index().replace(b"0000999001-25-000007", b"../../etc/passwd")), "number of a filing"),
}  # fmt: skip


@pytest.mark.parametrize(
    "kind", some(BROKEN, "undeclared", "too fast", "429", "bare 403", "no index", "unequal", "no column")
)
def test_a_refusal_or_a_changed_index_is_told_and_writes_nothing(
    sec: Sec, asking: Asking, services: Services, tmp_path: Path, kind: str
) -> None:
    part, answer, words = BROKEN[kind]
    sec.spoil[part] = answer
    done = asking(*ASK, "MADE")
    assert done.code == 4 and words in " ".join(done.err.split()), done.err
    assert "hint:" in done.err and "Traceback" not in done.err
    assert not (tmp_path / "events.csv").exists()
    if "too many" in words:
        assert len(services.log) == 1 and "ten minutes" in done.err, "a refusal is not answered by asking again"


def test_a_refusal_half_way_keeps_what_came_and_goes_on_later(
    sec: Sec, asking: Asking, services: Services, tmp_path: Path
) -> None:
    sec.spoil[EVENING.number] = Answer(403, TOO_FAST)
    done = asking(*ASK, "MADE", "DTCH", "--json")
    assert done.code == 4 and fits("collect-filings", done.out)["read"] == 2
    assert "MADE: 2 of 4 filings, from 2025-04-16 back" in done.err and "DTCH: not asked" in done.err
    assert set(by_number(tmp_path / "events.csv")) == {RESULTS.number, BEFORE_COLUMBUS.number}
    sec.spoil.clear()
    services.log.clear()
    assert asking(*ASK, "MADE", "DTCH").code == 0
    assert len(services.asked("hdr.sgml")) == 3, "the two that were read are not asked for again"


def test_a_page_that_is_listed_and_missing_is_told(sec: Sec, asking: Asking, tmp_path: Path) -> None:
    sec.spoil["submissions-001"] = Answer(404, NO_KEY)
    done = asking(*ASK, "MADE", "--since", "2020")
    assert done.code == 4 and "older filings of MADE UP <INC> & CO from 2019-01-01 to 2021-12-31" in done.err
    assert len(rows(tmp_path / "events.csv")) == 4


@pytest.mark.parametrize("kind", some(TRANSPORT, "drop", "wronggzip", "elsewhere"))
def test_faults_of_the_transport(sec: Sec, asking: Asking, services: Services, pauses: list[float], kind: str) -> None:
    services.fault("www.sec.gov", kind)
    done = asking(*ASK, "MADE", "--json")
    assert done.code == 4 and TRANSPORT[kind] in done.err and "the SEC" in done.err
    assert "person@" not in done.err and "Traceback" not in done.err
    services.faults.clear()
    services.fault("www.sec.gov", kind, times=1)
    if kind not in ("slow", "elsewhere", "plain", "loop"):
        assert asking(*ASK, "MADE").code == 0, "asking again helps"


# accepted, dated by the SEC -> uncertain, words
CLOCKS = [
    ("2025-06-03 17:29:59", "2025-06-03", "", ""),
    ("2025-06-03 17:30:00", "2025-06-03", "", ""),
    ("2025-06-03 17:30:01", "2025-06-04", "", "Day 0 is 2025-06-04 by both"),
    ("2025-06-03 21:59:59", "2025-06-04", "", "Day 0 is 2025-06-04 by both"),
    ("2025-06-03 22:00:00", "2025-06-04", "yes", "takes no filings"),
    ("2025-06-03 03:00:00", "2025-06-03", "yes", "takes no filings"),
    ("2025-11-10 18:00:00", "2025-11-12", "yes", "by acceptance is 2025-11-11, by publication 2025-11-12"),
    ("2026-04-02 18:00:00", "2026-04-03", "", "Day 0 is 2026-04-06 by both"),
    ("2025-12-24 14:00:00", "2025-12-24", "", ""),
    ("2025-06-03 18:00:00", "2025-06-03", "", ""),
    ("2025-06-03 12:00:00", "2025-06-04", "yes", "before 17:30"),
    ("2025-06-03 12:00:00", "2025-05-04", "yes", "but dated 2025-05-04"),
]


@pytest.mark.parametrize(("accepted", "filed", "uncertain", "words"), CLOCKS)
def test_what_the_clock_of_a_header_leaves_open(accepted: str, filed: str, uncertain: str, words: str) -> None:
    row = dated_row(Paper("0000999001-25-000001", "8-K", accepted, filed, accepted[:10], "8.01"))
    assert row["uncertain"] == uncertain and words in row["notes"] and bool(words) == bool(row["notes"])
    assert row["announced_at"].startswith(accepted.replace(" ", "T"))


# reported, accepted, dated -> window, words
LAGS = [
    ("2025-06-03", "2025-06-03 16:30:00", "2025-06-03", "", ""),
    ("2025-06-02", "2025-06-03 16:30:00", "2025-06-03", "-2:0", "1 business day before"),
    ("2025-06-02", "2025-06-03 08:30:00", "2025-06-03", "-1:0", "1 business day before"),
    ("2025-05-31", "2025-06-02 08:30:00", "2025-06-02", "", ""),
    ("2025-05-31", "2025-06-02 18:30:00", "2025-06-03", "-1:0", "1 business day before"),
    ("2025-05-27", "2025-06-02 08:30:00", "2025-06-02", "-4:0", "4 business days before"),
    ("2025-05-23", "2025-06-02 08:30:00", "2025-06-02", "", "5 business days before the filing was accepted: more"),
    ("2025-07-03", "2025-07-10 08:30:00", "2025-07-10", "-4:0", "4 business days"),
    ("2025-10-10", "2025-10-17 08:30:00", "2025-10-17", "-5:0", "4 business days"),
    ("2025-06-10", "2025-06-03 08:30:00", "2025-06-03", "", ""),
]


@pytest.mark.parametrize(("reported", "accepted", "filed", "window", "words"), LAGS)
def test_news_that_may_be_older_than_the_filing(
    reported: str, accepted: str, filed: str, window: str, words: str
) -> None:
    paper = Paper("0000999001-25-000001", "8-K", accepted, filed, reported, "8.01")
    row = dated_row(paper)
    assert row["window"] == window and words in row["notes"]
    six = dated_row(Paper("0000999001-25-000001", "6-K", accepted, filed, reported))
    assert six["window"] == "" and "business day" not in six["notes"].replace("next business day", "")


def dated_row(paper: Paper) -> dict[str, str]:
    from eventstudy.data.collect.edgar import Filing
    from eventstudy.data.collect.filings import dated
    from eventstudy.data.collect.headers import read_header

    filing = Filing(
        1, "X", paper.number, paper.form, date.fromisoformat(paper.filed), date.fromisoformat(paper.reported), ("8.01",)
    )
    return dated("X", filing, read_header(paper.header(), paper.number), trust_acceptance=False)


def test_business_days_are_those_of_another_library() -> None:
    """Oracle: pandas' offset of federal business days, one step after the other."""
    import random
    from datetime import timedelta

    import pandas as pd
    from pandas.tseries.holiday import USFederalHolidayCalendar
    from pandas.tseries.offsets import CustomBusinessDay

    from eventstudy.data.collect.filings import business_days

    step, draw = CustomBusinessDay(calendar=USFederalHolidayCalendar()), random.Random(23)
    for _ in range(40):
        first = date(2019, 1, 1) + timedelta(days=draw.randrange(3000))
        last = first + timedelta(days=draw.randrange(15))
        counted = len(pd.date_range(first + timedelta(days=1), last, freq=step)) if last > first else 0
        assert business_days(first, last) == counted


@pytest.mark.parametrize(
    "text", ["", "   ", "nobody", "a@b", "jane@example.org", "Jane\nX: y jane@example.org", "Jané jane@example.org"]
)
def test_an_identity_is_needed_and_never_made_up(asking: Asking, services: Services, text: str) -> None:
    done = asking("collect", "filings", "MADE", "--identity", text)
    assert done.code == 2 and "EDGAR_IDENTITY" in done.err + "EDGAR_IDENTITY" * bool(text.strip())
    assert not services.log and "e-mail" in done.err


def test_the_gate_keeps_below_ten_requests_a_second(pauses: list[float]) -> None:
    """With a clock that only pauses move, forty requests take as long as the rate says."""
    from eventstudy.data.collect.edgar import edgar_web

    now = [100.0]

    def pause(seconds: float) -> None:
        now[0] += seconds

    web, sent = edgar_web(IDENTITY), []
    web.sleep, web.now = pause, lambda: now[0]
    for _ in range(40):
        web._wait_for_turn()
        sent.append(now[0])
    assert all(sum(start <= one < start + 1 for one in sent) <= 10 for start in sent)
    assert 38 / 8 <= sent[-1] - sent[0] <= 41 / 8


@pytest.mark.slow
def test_requests_a_second_on_the_wire(sec: Sec, services: Services, tmp_path: Path) -> None:
    from eventstudy.data.collect.edgar import Edgar, edgar_web
    from eventstudy.data.collect.filings import Wanted
    from eventstudy.data.collect.gather import gather_filings

    many = [
        Paper(f"0000999001-25-{at:06d}", "8-K", "2025-05-01 16:21:40", "2025-05-01", "2025-05-01", "8.01")
        for at in range(30)
    ]
    sec.companies = [Company(999001, "MANY", ("MADE",), many)]
    edgar = Edgar(edgar_web(IDENTITY), tmp_path / "edgar", lambda line: None)
    wanted = Wanted(forms=("8-K",), since=date(2025, 1, 1), until=date(2026, 1, 1))
    assert len(gather_filings(edgar, ["MADE"], wanted, lambda line: None).rows) == 30
    times = [one.at for one in services.log]
    assert all(sum(start <= one < start + 1 for one in times) <= 10 for start in times)
    assert all(one.headers["user-agent"] == IDENTITY for one in services.log)
