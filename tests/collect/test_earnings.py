"""Days of results: the bucket is the source's or none, no date moves because of another row, and refusals have names."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pytest

from eventstudy.data.collect.earnings import earnings_rows
from eventstudy.data.collect.merge import CONFOUNDERS, EVENTS
from eventstudy.data.collect.readings import BUCKETS, Reading, bucket_of, bucket_of_hour
from tests.collect.conftest import Asking, some
from tests.docs.schemas import fits
from tests.network.services import TRANSPORT, Answer, Request, Services

HEADINGS = ("Symbol", "Company", "Earnings Date", "EPS Estimate", "Reported EPS", "Surprise (%)")
# (date as Yahoo writes it, reported EPS), newest first
TABLE = [
    ("May 7, 2026 at 4 PM EDT", "-"),
    ("February 4, 2026 at 4 PM EST", "1.10"),
    ("November 5, 2025 at 7 AM EST", "1.05"),
    ("August 6, 2025 at 12 PM EDT", "0.99"),
    ("May 7, 2025 at 12 AM EDT", "0.90"),
    ("February 5, 2025 at 9 AM EST", "0.80"),
    ("November 6, 2024 at 7 PM EST", "0.70"),
]
EXPECTED = {
    "2026-02-04": "amc",
    "2025-11-05": "bmo",
    "2025-08-06": "",
    "2025-05-07": "",
    "2025-02-05": "",
    "2024-11-06": "amc",
}
ASK = ("collect", "earnings", "--since", "2024")
KEY = "k3y-CANARY-d1cc0ba5e"


@dataclass
class Calendar:
    """Yahoo's page of one symbol, and what may be wrong with it."""

    rows: list[tuple[str, str]] = field(default_factory=lambda: list(TABLE))
    headings: tuple[str, ...] = HEADINGS
    symbol: str = ""
    answer: Answer | None = None
    stuck: bool = False
    decoy: str = "<table><tr><td>other</td></tr></table>"

    def __call__(self, request: Request) -> Answer:
        if self.answer is not None:
            return self.answer
        assert request.path == "/calendar/earnings" and request.query["size"] == "100"
        offset = 0 if self.stuck else int(request.query["offset"])
        shown = self.rows[offset : offset + 100]
        if not shown:
            return Answer(200, b"<html><p>We couldn't find any results.</p></html>")
        named = self.symbol or request.query["symbol"]
        cells = [
            dict(zip(HEADINGS, (named, "Made <b>Up</b> &amp; Co", day, "1.0", eps, "-"), strict=True))
            for day, eps in shown
        ]
        table = "".join(
            "<tr>" + "".join(f"<td>{row.get(h, 'new')}</td>" for h in self.headings) + "</tr>" for row in cells
        )
        head = "".join(f"<th>{heading}</th>" for heading in self.headings)
        page = f"<html>{self.decoy}<table><thead><tr>{head}</tr></thead><tbody>{table}</tbody></table>"
        return Answer(200, page.encode(), {"Content-Type": "text/html"})


@pytest.fixture
def calendar(services: Services) -> Iterator[Calendar]:
    served = Calendar()
    services.handlers["finance.yahoo.com"] = served
    yield served


def written(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def test_results_become_confounders_with_their_bucket(calendar: Calendar, asking: Asking, tmp_path: Path) -> None:
    done = asking(*ASK, "MADE")
    assert done.code == 0, done.err
    found = written(tmp_path / "confounders.csv")
    assert {row["at"]: row["timing"] for row in found} == EXPECTED
    assert [row["at"] for row in found] == sorted(EXPECTED)
    assert {(row["tickers"], row["kind"], row["source"]) for row in found} == {("MADE", "earnings", "Yahoo calendar")}
    assert (
        "1 coming dates are estimates" in done.err and "6 days of results" in done.err and "3 with a bucket" in done.err
    )
    before = (tmp_path / "confounders.csv").read_bytes()
    again = asking(*ASK, "MADE", "--json")
    assert fits("collect-earnings", again.out)["known"] == 6 and (tmp_path / "confounders.csv").read_bytes() == before
    assert asking(*ASK, "MADE", "--to", "events.csv").code == 0
    events = written(tmp_path / "events.csv")
    assert {row["announced_at"]: row["timing"] for row in events} == EXPECTED and events[0]["category"] == "earnings"
    assert asking("validate").code == 0


def test_known_results_are_not_doubled_and_other_dates_are_told(
    calendar: Calendar, asking: Asking, tmp_path: Path
) -> None:
    path = tmp_path / "confounders.csv"
    path.write_text(
        "at,timing,tickers,kind,title,source\n"
        "2026-02-03T21:05:00+00:00,,OTHER;MADE,earnings,by hand,mine\n"
        "2025-11-05,amc,MADE,earnings,by hand,mine\n"
        "2025-08-06,amc,MADE,press_report,by hand,mine\n"
    )
    before = path.read_text()
    done = asking(*ASK, "MADE")
    assert done.code == 0 and path.read_text().startswith(before)
    assert len(written(path)) == 3 + 4
    assert "the file has results on 2026-02-03T21:05:00+00:00, the source says 2026-02-04" in done.err


def test_these_rows_make_masking_work(calendar: Calendar, asking: Asking, tmp_path: Path) -> None:
    """The masks of a study are those of the dates collected: AMD's quarter before an event, from Yahoo's page alone."""
    calendar.rows = [("February 4, 2025 at 4 PM EST", "1"), ("October 29, 2024 at 4 PM EDT", "1")]
    (tmp_path / "events.csv").write_text("ticker,announced_at,timing\nAMD,2025-04-15,amc\n")
    run = ("run", "--source", "snapshot", "--formats", "csv", "--tests", "ar-t")
    suggested = asking(*run, "-o", "without")
    assert suggested.code == 0, suggested.err
    assert "eventstudy collect earnings AMD --since 2024" in suggested.err
    assert asking(*ASK, "AMD").code == 0
    done = asking(*run, "-o", "with")
    assert "collect earnings" not in done.err
    masked = [written(tmp_path / out / "models.csv")[0]["n_masked"] for out in ("without", "with")]
    assert masked == ["0", "6"], "three sessions around each"


def test_midnight_of_utc_is_the_following_date_without_an_hour(
    calendar: Calendar, asking: Asking, tmp_path: Path
) -> None:
    calendar.rows = [("February 4, 2026 at 7 PM EST", "1"), ("August 6, 2025 at 8 PM EDT", "1")]
    done = asking(*ASK, "MADE")
    assert "midnight UTC" in done.err
    assert {row["at"]: row["timing"] for row in written(tmp_path / "confounders.csv")} == {
        "2026-02-05": "",
        "2025-08-07": "",
    }


def test_one_hour_that_may_be_midnight_of_utc_is_named(calendar: Calendar, asking: Asking, tmp_path: Path) -> None:
    """Day 0 is the session after that evening under both readings; only the bucket may be wrong."""
    done = asking(*ASK, "MADE")
    assert "1 of 7 rows have the hour of midnight UTC (November 6, 2024 at 7 PM EST)" in done.err
    calendar.rows = [("February 4, 2026 at 4 PM EST", "1"), ("August 6, 2025 at 7 PM EDT", "1")]
    assert "midnight UTC" not in asking(*ASK, "MADE", "--to", "other.csv").err, "7 PM EDT is 23:00 UTC"


def test_a_row_without_a_date_moves_no_other(calendar: Calendar, asking: Asking, tmp_path: Path) -> None:
    calendar.rows.insert(3, ("-", "0.5"))
    done = asking(*ASK, "MADE")
    assert {row["at"]: row["timing"] for row in written(tmp_path / "confounders.csv")} == EXPECTED
    assert "1 row of Yahoo's calendar without a date left out" in done.err


def test_columns_may_move_and_join(calendar: Calendar, asking: Asking, tmp_path: Path) -> None:
    calendar.headings = ("Event", *HEADINGS[::-1], "More")
    assert asking(*ASK, "MADE").code == 0
    assert {row["at"]: row["timing"] for row in written(tmp_path / "confounders.csv")} == EXPECTED


def test_minutes_zones_and_listings_elsewhere(calendar: Calendar, asking: Asking, tmp_path: Path) -> None:
    calendar.rows = [
        ("February 4, 2026 at 4:30 PM EST", "1"),
        ("November 5, 2025 at 7 AM JST", "1"),
        ("August 6, 2025 at 7 AM BST", "1"),
        ("May 7, 2025", "1"),
    ]
    done = asking(*ASK, "MADE")
    found = {row["at"]: row["timing"] for row in written(tmp_path / "confounders.csv")}
    assert found == {"2026-02-04": "amc", "2025-11-05": "", "2025-08-06": "", "2025-05-07": ""}
    assert "hours in BST, JST" in done.err
    calendar.rows = TABLE
    done = asking(*ASK, "MADE.AS", "--to", "home.csv")
    assert all(row["timing"] == "" for row in written(tmp_path / "home.csv"))
    assert "no bucket of its own exchange" in done.err


def test_pages_are_read_until_the_first_day_asked_for(
    calendar: Calendar, asking: Asking, services: Services, tmp_path: Path
) -> None:
    months = [("February", "EST"), ("May", "EDT"), ("August", "EDT"), ("November", "EST")]
    calendar.rows = [(f"{m} 4, {y} at 4 PM {z}", "1") for y in range(2025, 1990, -1) for m, z in months[::-1]]
    assert asking(*ASK, "MADE", "--since", "1995").code == 0
    assert len(written(tmp_path / "confounders.csv")) == 31 * 4
    assert [one.query["offset"] for one in services.log] == ["0", "100"]
    services.log.clear()
    calendar.stuck = True
    done = asking(*ASK, "MADE", "--since", "1995", "--to", "stuck.csv")
    assert "page 1 twice" in done.err and len(services.log) == 2 and len(written(tmp_path / "stuck.csv")) == 100


def test_one_quarter_twice(calendar: Calendar, asking: Asking, tmp_path: Path) -> None:
    calendar.rows = [
        ("February 5, 2026 at 8 AM EST", "-"),
        ("February 4, 2026 at 4 PM EST", "1.1"),
        ("November 6, 2025 at 8 AM EST", "1.1"),
        ("November 5, 2025 at 4 PM EST", "1.1"),
    ]
    done = asking(*ASK, "MADE")
    found = {row["at"]: row for row in written(tmp_path / "confounders.csv")}
    assert {day: row["timing"] for day, row in found.items()} == {"2026-02-04": "amc", "2025-11-05": ""}
    assert "Yahoo calendar says November 6, 2025 at 8 AM EST" in found["2025-11-05"]["notes"]
    assert (
        "there are figures beside 2026-02-04" in found["2026-02-04"]["notes"] and "Two dates of one quarter" in done.err
    )


CONSENT = b'<html><form action="https://consent.yahoo.com/v2/collectConsent" class="consent-form"></form></html>'
REFUSALS: dict[str, tuple[Answer, str]] = {
    "consent": (Answer(200, CONSENT), "asks for consent"),
    "sent to consent": (Answer(302, b"", {"Location": "https://consent.yahoo.com/v2/x"}), "asks for consent"),
    "429": (Answer(429, b"Edge: Too Many Requests"), "too many requests"),
    "429 with 200": (Answer(200, b"Too Many Requests"), "too many requests"),
    "401": (Answer(401, b'{"finance":{"error":{"code":"Unauthorized"}}}'), "status 401"),
    "404": (Answer(404, b"<html>not here</html>"), "status 404"),
    "down": (Answer(200, b"<html><h1>Will be right back...</h1></html>"), "maintenance"),
    "no table": (Answer(200, b"<html><div id=app></div></html>"), "holds no calendar"),
    "empty": (Answer(200, b""), "holds no calendar"),
    "renamed": (Answer(200, b"<table><tr><th>Symbol</th><th>Report Day</th></tr><tr><td>A</td><td>B</td></tr></table>"), "no column 'earnings date'"),
    "cut": (Answer(200, b"<table><tr><th>Symbol</th><th>Earnings Date</th></tr><tr><td>MADE</td></tr></table>"), "row of 1 cells"),
}  # fmt: skip


@pytest.mark.parametrize("kind", some(REFUSALS, "consent", "429 with 200", "no table", "renamed"))
def test_yahoo_refuses(calendar: Calendar, asking: Asking, services: Services, tmp_path: Path, kind: str) -> None:
    answer, words = REFUSALS[kind]
    calendar.answer = answer
    services.handlers["consent.yahoo.com"] = lambda request: Answer(200, CONSENT)
    done = asking(*ASK, "MADE", "--json")
    assert done.code == 4 and words in " ".join(done.err.split()), done.err
    assert fits("collect-earnings", done.out)["failed"] and "delisted" not in done.err
    assert not (tmp_path / "confounders.csv").exists()


@pytest.mark.parametrize("kind", some(TRANSPORT, "drop"))
def test_faults_of_the_transport(calendar: Calendar, asking: Asking, services: Services, kind: str) -> None:
    services.fault("finance.yahoo.com", kind)
    done = asking(*ASK, "MADE")
    assert done.code == 4 and TRANSPORT[kind] in done.err and "Yahoo" in done.err


def test_rows_of_other_symbols_are_no_rows_of_this_one(calendar: Calendar, asking: Asking, tmp_path: Path) -> None:
    calendar.symbol = "OTHR"
    done = asking(*ASK, "MADE")
    assert "those of other symbols" in done.err and not (tmp_path / "confounders.csv").exists()


def test_nothing_but_coming_dates(calendar: Calendar, asking: Asking, tmp_path: Path) -> None:
    calendar.rows = TABLE[:1]
    done = asking(*ASK, "MADE")
    assert done.code == 0 and "coming dates are estimates" in done.err and not (tmp_path / "confounders.csv").exists()
    calendar.rows = []
    assert "does not say why" in asking(*ASK, "MADE").err


@dataclass
class Finnhub:
    """Finnhub's calendar; ``raw`` replaces the right answer."""

    rows: list[dict[str, object]] = field(default_factory=list)
    raw: Answer | None = None

    def __call__(self, request: Request) -> Answer:
        if request.headers.get("x-finnhub-token") != KEY:
            return Answer(401, json.dumps({"error": f"Invalid API key {KEY}"}).encode())
        assert KEY not in json.dumps(request.query)
        return self.raw or Answer(200, json.dumps({"earningsCalendar": self.rows}).encode())


@pytest.fixture
def finnhub(services: Services) -> Iterator[Finnhub]:
    served = Finnhub(
        [
            {"symbol": "MADE", "date": "2026-02-04", "hour": "amc", "epsActual": 1.1},
            {"symbol": "MADE", "date": "2025-11-05", "hour": "bmo", "epsActual": 1.0},
            {"symbol": "MADE", "date": "2025-08-06", "hour": "dmh", "epsActual": 1.0},
            {"symbol": "MADE", "date": "2025-05-07", "hour": "", "epsActual": 1.0},
        ]
    )
    services.handlers["finnhub.io"] = served
    yield served


def test_finnhubs_words_map_one_to_one(finnhub: Finnhub, asking: Asking, tmp_path: Path) -> None:
    done = asking(*ASK, "MADE", "--from", "finnhub", env={"FINNHUB_API_KEY": KEY})
    assert done.code == 0, done.err
    found = {row["at"]: row["timing"] for row in written(tmp_path / "confounders.csv")}
    assert found == {"2026-02-04": "amc", "2025-11-05": "bmo", "2025-08-06": "dmh", "2025-05-07": ""}


def test_finnhubs_hours_are_none_of_a_listing_abroad(finnhub: Finnhub, asking: Asking, tmp_path: Path) -> None:
    for row in finnhub.rows:
        row["symbol"] = "MADE.AS"
    done = asking(*ASK, "MADE.AS", "--from", "finnhub", env={"FINNHUB_API_KEY": KEY})
    rows = written(tmp_path / "confounders.csv")
    assert rows and all(row["timing"] == "" for row in rows)
    assert "no bucket of its own exchange" in done.err


FINNHUB: dict[str, tuple[Answer, int, str]] = {
    "429": (Answer(429, b'{"error":"API limit reached."}'), 4, "too many requests"),
    "403": (Answer(403, json.dumps({"error": f"You don't have access with {KEY}"}).encode()), 4, "plan of the key"),
    "401": (Answer(401, json.dumps({"error": f"bad {KEY}"}).encode()), 4, "does not accept the key"),
    "page": (Answer(200, b"<html>hello</html>"), 4, "a web page"),
    "cut": (Answer(200, b'{"earningsCalendar":[{"sym'), 4, "is not a calendar"),
    "null": (Answer(200, b'{"earningsCalendar":null}'), 0, "goes back one month"),
    "beyond the plan": (Answer(200, b'{"earningsCalendar":[]}'), 0, "goes back one month"),
    "schema": (Answer(200, b'{"calendar":[]}'), 4, "is not a calendar"),
    "no date": (Answer(200, b'{"earningsCalendar":[{"symbol":"MADE"}]}'), 4, "is not a calendar"),
    "odd date": (Answer(200, b'{"earningsCalendar":[{"symbol":"MADE","date":"02/04/2026"}]}'), 0, "'02/04/2026' left out"),
    "odd word": (Answer(200, b'{"earningsCalendar":[{"symbol":"MADE","date":"2026-02-04","hour":"noonish"}]}'), 0, "'noonish'"),
    "others": (Answer(200, b'{"earningsCalendar":[{"symbol":"OTHR","date":"2026-02-04","hour":"amc"}]}'), 0, "other symbols"),
    "418": (Answer(418, b"short"), 4, "status 418"),
}  # fmt: skip


@pytest.mark.parametrize("kind", some(FINNHUB, "429", "401", "beyond the plan", "odd word"))
def test_finnhub_refuses_and_the_key_is_told_nowhere(
    finnhub: Finnhub, asking: Asking, tmp_path: Path, kind: str
) -> None:
    finnhub.raw, code, words = FINNHUB[kind]
    done = asking(*ASK, "MADE", "--from", "finnhub", "--json", "-v", env={"FINNHUB_API_KEY": KEY})
    assert done.code == code and words in " ".join(done.err.split()), done.err
    texts = [done.out, done.err, *(p.read_text() for p in tmp_path.rglob("*") if p.is_file())]
    assert not any(KEY in text for text in texts)
    for row in written(tmp_path / "confounders.csv") if (tmp_path / "confounders.csv").exists() else []:
        assert row["timing"] == "", "no wrong bucket"


def test_without_a_key_nothing_is_asked(finnhub: Finnhub, asking: Asking, services: Services) -> None:
    done = asking(*ASK, "MADE", "--from", "finnhub")
    assert done.code == 2 and "FINNHUB_API_KEY is not set" in done.err and not services.log
    done = asking(*ASK, "MADE", "--from", "finnhub", env={"FINNHUB_API_KEY": f"two {KEY}"})
    assert done.code == 2 and KEY not in done.err


def test_two_sources_that_disagree(calendar: Calendar, finnhub: Finnhub, asking: Asking, tmp_path: Path) -> None:
    finnhub.rows[1]["hour"] = "amc"
    finnhub.rows[3]["date"] = "2025-05-08"
    both = ("--from", "yahoo", "--from", "finnhub")
    done = asking(*ASK, "MADE", *both, env={"FINNHUB_API_KEY": KEY})
    assert done.code == 0, done.err
    found = {row["at"]: row for row in written(tmp_path / "confounders.csv")}
    assert {day: row["timing"] for day, row in found.items()} == EXPECTED | {"2025-11-05": "", "2025-08-06": "dmh"}
    assert found["2025-11-05"]["notes"] == (
        "The sources disagree about the hour: Finnhub says 2025-11-05 amc; Yahoo calendar says November 5, 2025 at 7 AM EST."
    )
    assert (
        "the earlier one is taken" in found["2025-05-07"]["notes"]
        and found["2025-05-07"]["source"] == "Yahoo calendar, Finnhub"
    )
    filed = "event_id,ticker,announced_at,category,source\na,MADE,2025-05-08T16:05:00-04:00,8-K 2.02,SEC 0000999001-25-000007 x\n"
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "events.csv").write_text(filed)
    assert asking(*ASK, "MADE", *both, "--to", "study/confounders.csv", env={"FINNHUB_API_KEY": KEY}).code == 0
    assert "2025-05-08" in [row["at"] for row in written(tmp_path / "study" / "confounders.csv")], "the filing decides"


def test_a_table_of_ones_own(asking: Asking, services: Services, tmp_path: Path) -> None:
    (tmp_path / "kaggle.csv").write_text(
        "symbol,date,qtr,eps_est,eps,release_time\nMADE,2025-02-05,12/2024,1.0,1.1,post\nMADE,2024-11-06,9/2024,,0.4,pre\n"
        "NEXT,2025-02-06,12/2024,,0.4,pre\nMADE,2025-05-07,3/2025,,1,whenever\nMADE,2025-08-06,6/2025,,1,\n"
    )
    done = asking(*ASK, "MADE", "--from", "kaggle.csv")
    assert done.code == 0, done.err
    found = {row["at"]: row["timing"] for row in written(tmp_path / "confounders.csv")}
    assert found == {"2025-02-05": "amc", "2024-11-06": "bmo", "2025-05-07": "", "2025-08-06": ""}
    assert "'whenever' in line 5" in done.err
    (tmp_path / "eodhd.csv").write_text(
        "code,report_date,date,before_after_market\nMADE.US,2025-02-05,2024-12-31,AfterMarket\nMADE.US,2025-05-07,2025-03-31,\n"
    )
    assert asking(*ASK, "MADE.US", "--from", "eodhd.csv", "--to", "confounders2.csv").code == 0
    assert {r["at"]: r["timing"] for r in written(tmp_path / "confounders2.csv")} == {
        "2025-02-05": "amc",
        "2025-05-07": "",
    }
    for text, words in (
        ("a,b\n1,2\n", "no column of tickers"),
        ("ticker,b\n1,2\n", "no column of dates"),
        ("ticker,date\nMADE,5/7/2025\n", "ambiguous"),
        ("ticker,date\nMADE,2025-05-07T16:00:00-04:00\n", "has a clock"),
    ):
        (tmp_path / "bad.csv").write_text(text)
        bad = asking(*ASK, "MADE", "--from", "bad.csv")
        assert bad.code == 2 and words in bad.err
    for name, words in (("nasdaq", "no hour"), ("yahooo", "neither yahoo nor finnhub")):
        bad = asking(*ASK, "MADE", "--from", name)
        assert bad.code == 2 and words in bad.err
    assert not services.log


def test_the_day_of_a_report_beside_the_end_of_its_period(asking: Asking, tmp_path: Path) -> None:
    for headings in ("code,report_date,date,before_after_market", "symbol,reportedDate,date,timing"):
        (tmp_path / "v.csv").write_text(f"{headings}\nMADE,2025-01-30,2024-12-31,AfterMarket\n")
        done = asking(*ASK, "MADE", "--from", "v.csv", "--to", f"{headings[:4]}.csv")
        assert done.code == 0 and "'date' beside it is left out" in done.err
        assert [(row["announced_at"], row["timing"]) for row in written(tmp_path / f"{headings[:4]}.csv")] == [
            ("2025-01-30", "amc")
        ]
    (tmp_path / "v.csv").write_text("ticker,rdq,announcement_date\nMADE,2025-01-30,2025-01-31\n")
    refused = asking(*ASK, "MADE", "--from", "v.csv")
    assert refused.code == 2 and "'rdq' and 'announcement_date' may be the date" in refused.err


def test_hours_of_vendors_are_those_of_new_york(asking: Asking, tmp_path: Path) -> None:
    (tmp_path / "v.csv").write_text("ticker,date,timing\nASML.AS,2025-01-29,bmo\nMADE.US,2025-01-30,amc\n")
    done = asking(*ASK, "ASML.AS", "MADE", "--from", "v.csv", "--to", "c.csv")
    assert done.code == 0 and "ASML.AS: hours are those of New York" in done.err, done.err
    found = {row["ticker"]: row["timing"] for row in written(tmp_path / "c.csv")}
    assert found == {"ASML.AS": "", "MADE": "amc"}, "a bucket of New York is none of Amsterdam"


def test_words_and_hours() -> None:
    for word in ("BMO", "time-pre-market", "BeforeMarket", "pre-market", "before open", "BTO"):
        assert bucket_of(word) == "bmo", word
    for word in ("AMC", "time-after-hours", "AfterMarket", "post-market", "after close"):
        assert bucket_of(word) == "amc", word
    for word in ("TNS", "TAS", "TMC", "time-not-supplied", "", "null", "--"):
        assert bucket_of(word) == "", word
    assert bucket_of("teatime") is None and set(BUCKETS.values()) == {"", "bmo", "dmh", "amc"}
    assert [bucket_of_hour(hour) for hour in range(24)] == [""] + ["bmo"] * 8 + [""] * 7 + ["amc"] * 8


def test_agreement_does_not_depend_on_the_order_of_sources() -> None:
    one = Reading("A", date(2025, 1, 2), "amc", "x", "one", True)
    two = Reading("A", date(2025, 1, 2), "", "y", "two", True)
    three = Reading("A", date(2025, 1, 2), "bmo", "z", "three", True)
    for kind in (EVENTS, CONFOUNDERS):
        assert earnings_rows("A", [one, two], kind)[0] == earnings_rows("A", [two, one], kind)[0]
        assert earnings_rows("A", [one, two], kind)[0][0]["timing"] == "amc", "no reading is not a disagreement"
        rows, notes = earnings_rows("A", [three, two, one], kind)
        assert rows[0]["timing"] == "" and len(notes) == 1 and "one says x; three says z; two says y" in notes[0]
