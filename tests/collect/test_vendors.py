"""Prices of other vendors: the same study as from the snapshot, every refusal by its name, and keys nowhere."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.collect.conftest import Asking, some
from tests.collect.vendors import KEY, Eodhd, Raw, Tiingo, listings
from tests.docs.schemas import fits
from tests.network.services import TRANSPORT, Answer, Services

SPLIT_ON = date(2024, 6, 10)
EVENTS = "ticker,announced_at,timing\nNVDA,2025-04-15,amc\nNVDA,2024-08-28,amc\n"
RUN = ("run", "--formats", "csv,json", "--tests", "ar-t")
KEYS = {"tiingo": "TIINGO_API_KEY", "eodhd": "EODHD_API_KEY"}
HOSTS = {"tiingo": "api.tiingo.com", "eodhd": "eodhd.com"}


@pytest.fixture
def vendors(services: Services, tmp_path: Path) -> Iterator[dict[str, Any]]:
    """Both vendors with NVDA split ten for one in 2024, as it was, and SPY."""
    raw = {"NVDA": Raw.of(listings()["NVDA"], 10.0, SPLIT_ON), "SPY": Raw.of(listings()["SPY"])}
    served = {"tiingo": Tiingo(dict(raw)), "eodhd": Eodhd({f"{name}.US": one for name, one in raw.items()})}
    for name, host in HOSTS.items():
        services.handlers[host] = served[name]
    (tmp_path / "events.csv").write_text(EVENTS)
    yield served


Study = Callable[..., Any]


@pytest.fixture
def study(asking: Asking) -> Study:
    """Run the study on a vendor."""
    return lambda name, *more, key=KEY: asking(*RUN, "--source", name, *more, env={KEYS[name]: key})


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def no_key(folder: Path, *texts: str) -> None:
    """The key appears nowhere: not in what was printed, not in a byte of a file, the store included."""
    for text in texts:
        assert KEY not in text
    for path in folder.rglob("*"):
        assert not path.is_file() or KEY.encode() not in path.read_bytes(), path


@pytest.mark.parametrize("name", KEYS)
def test_the_study_is_that_of_the_snapshot(
    vendors: dict[str, Any], study: Study, asking: Asking, tmp_path: Path, name: str
) -> None:
    done = study(name, "-o", "vendor", "-v")
    assert done.code == 0, done.err
    assert asking(*RUN, "--source", "snapshot", "-o", "snapshot").code == 0
    mine, theirs = (table(tmp_path / out / "abnormal_returns.csv") for out in ("vendor", "snapshot"))
    assert len(mine) == len(theirs) == 42
    for column in ("return", "abnormal_return", "std_error"):
        np.testing.assert_allclose(
            [float(row[column]) for row in mine], [float(row[column]) for row in theirs], rtol=1e-6, atol=1e-9
        )
    manifest = json.loads((tmp_path / "vendor" / "manifest.json").read_text())
    assert {one["source"] for one in manifest["series"]} == {name}
    no_key(tmp_path, done.out, done.err)


@pytest.mark.slow
@pytest.mark.parametrize("name", KEYS)
def test_vintages_are_kept_and_never_mixed(
    vendors: dict[str, Any], study: Study, asking: Asking, services: Services, tmp_path: Path, name: str
) -> None:
    env = {KEYS[name]: KEY}
    fetched = asking("fetch", "--source", name, "--json", env=env)
    assert fetched.code == 0 and fits("fetch", fetched.out)["kept"] == 2, fetched.err
    assert {one["source"] for one in json.loads(fetched.out)["series"]} == {name}
    services.log.clear()
    assert study(name).code == 0 and not services.log, "the store covers every series"
    assert study(name, "--offline").code == 0
    other = next(one for one in KEYS if one != name)
    refused = study(other, "--offline")
    assert refused.code == 4 and "the store holds no prices" in refused.err, "those of another vendor are not an answer"
    assert asking("fetch", "--source", other, env={KEYS[other]: KEY}).code == 0
    info = fits("cache-info", asking("cache", "info", "--json").out)
    assert sorted((one["symbol"], one["source"]) for one in info["symbols"]) == [
        (symbol, source) for symbol in ("NVDA", "SPY") for source in ("eodhd", "tiingo")
    ]
    assert fits("cache-verify", asking("cache", "verify", "--json").out)["revisions"] == []
    several = asking("cache", "export", "out")
    assert several.code == 2 and "--from SOURCE" in several.err
    assert asking("cache", "export", "out", "--from", name).code == 0
    assert asking(*RUN, "--source", "csv:out", "-o", "files").code == 0
    assert study(name, "--offline", "-o", "store").code == 0
    mine, theirs = (table(tmp_path / out / "windows.csv") for out in ("files", "store"))
    np.testing.assert_allclose([float(r["car"]) for r in mine], [float(r["car"]) for r in theirs], rtol=1e-9)
    no_key(tmp_path, fetched.out, fetched.err)


@pytest.mark.parametrize("name", KEYS)
@pytest.mark.parametrize("kind", some(TRANSPORT, "drop"))
def test_faults_of_the_transport(
    vendors: dict[str, Any], study: Study, services: Services, tmp_path: Path, name: str, kind: str
) -> None:
    services.fault(HOSTS[name], kind)
    done = study(name)
    assert done.code == 4 and TRANSPORT[kind] in done.err and "Traceback" not in done.err
    no_key(tmp_path, done.out, done.err)
    assert not (tmp_path / "reports").exists()


def detail(text: str) -> bytes:
    return json.dumps({"detail": text}).encode()


MONTH = b"You have run over your 500 symbol look up for this month. Please upgrade"
HOUR = detail("Error: You have run over your hourly request allocation. Then, ...")
REFUSALS: dict[str, dict[str, tuple[str, Answer, str]]] = {
    "tiingo": {
        "month": ("/nvda", Answer(200, MONTH), "the cap of a month"),
        "month as json": ("/nvda", Answer(200, detail(MONTH.decode())), "the cap of a month"),
        "hour": ("/nvda", Answer(429, HOUR), "the cap of an hour"),
        "bad key": ("/nvda", Answer(401, detail(f"Invalid token {KEY}.")), "does not accept the key: Invalid token ***"),
        "permission": ("/nvda", Answer(403, detail("You do not have permission")), "does not accept the key"),
        "page": ("/nvda", Answer(200, b"<html>hello</html>"), "a web page"),
        "404 page": ("/nvda", Answer(404, b"<html>gone</html>"), "a web page"),
        "cut": ("/nvda/prices", Answer(200, b'[{"date":"2025-'), "cannot be read"),
        "object": ("/nvda/prices", Answer(200, b'{"prices":[]}'), "no list of bars"),
        "other symbol": ("/nvda", Answer(200, b'{"ticker":"AMD"}'), "another symbol"),
        "no field": ("/nvda/prices", Answer(200, b'[{"date":"2025-01-02","close":1}]'), "bars without 'open'"),
    },
    "eodhd": {
        "quota": ("/eod/NVDA", Answer(402, b"You exceeded your daily API requests limit."), "refuses more requests"),
        "429": ("/eod/NVDA", Answer(429, b"Too many requests"), "refuses more requests"),
        "plan": ("/eod/NVDA", Answer(403, b"Only EOD data allowed for free users"), "plan of the key"),
        "bad key": ("/eod/NVDA", Answer(401, f"Unauthenticated {KEY}".encode()), "does not accept the key: Unauthenticated ***"),
        "page": ("/eod/NVDA", Answer(200, b"<html>hello</html>"), "a web page"),
        "csv": ("/eod/NVDA", Answer(200, b"Date,Open\n2025-01-02,1\n"), "cannot be read"),
        "cut": ("/eod/NVDA", Answer(200, b'[{"date":"2025-'), "half of one"),
        "object": ("/eod/NVDA", Answer(200, b'{"errors":"x"}'), "no list"),
        "no field": ("/eod/NVDA", Answer(200, b'[{"date":"2025-01-02","close":1}]'), "bars without 'open'"),
        "splits": ("/splits/NVDA", Answer(200, b'[{"date":"2024-06-10","split":"ten"}]'), "dividends or splits"),
        "zero split": ("/splits/NVDA", Answer(200, b'[{"date":"2024-06-10","split":"0/1"}]'), "dividends or splits"),
        "dividends": ("/div/NVDA", Answer(403, b"upgrade"), "plan of the key"),
        "odd dividend": ("/div/NVDA", Answer(200, b'[{"date":"2024-06-10","value":"x"}]'), "dividends or splits"),
    },
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "kind"),
    some(
        [(name, kind) for name, found in REFUSALS.items() for kind in found],
        ("tiingo", "month"),
        ("tiingo", "hour"),
        ("tiingo", "bad key"),
        ("eodhd", "bad key"),
    ),
)
def test_a_refusal_is_no_unknown_symbol(
    vendors: dict[str, Any], study: Study, asking: Asking, tmp_path: Path, name: str, kind: str
) -> None:
    part, answer, words = REFUSALS[name][kind]
    vendors[name].spoil[part] = answer
    done = study(name, "--json", "-v")
    assert done.code == 4 and words in " ".join(done.err.split()), done.err
    assert "knows no symbol" not in done.err and not (tmp_path / "reports").exists()
    fetched = asking("fetch", "--source", name, "--json", "-v", env={KEYS[name]: KEY})
    assert fetched.code == 4 and fits("fetch", fetched.out)["error"]
    no_key(tmp_path, done.out, done.err, fetched.out, fetched.err)
    vendors[name].spoil.clear()
    assert study(name).code == 0, "healed, and nothing wrong was kept"


def edit(day: str, **changes: Any) -> Callable[[list[dict[str, Any]]], list[dict[str, Any]]]:
    """The rows with one of them changed."""

    def change(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{**row, **changes} if str(row["date"])[:10] == day else row for row in rows]

    return change


WRONG: dict[str, tuple[Callable[[list[dict[str, Any]]], Any], str]] = {
    "one row": (lambda rows: rows[-1:], "has them from"),
    "negative": (edit("2025-02-03", close=-5.0), "impossible price"),
    "zero": (edit("2025-02-03", close=0), "impossible price"),
    "absurd": (edit("2025-02-03", close=1e12), "impossible price"),
    "words": (edit("2025-02-03", close="high"), "holds could not convert"),
    "twice": (lambda rows: [*rows, rows[-1]], "two bars of"),
    "clock": (edit("2025-02-03", date="2025-02-03T16:00:00.000Z"), "invalid date"),
    "no date": (edit("2025-02-03", date="soon"), "invalid date"),
    "split of none": (edit("2025-02-03", splitFactor=-1), "impossible split"),
    "dividend of none": (edit("2025-02-03", divCash=-1), "impossible dividend"),
    "other period": (lambda rows: [{**row, "date": "1999" + row["date"][4:]} for row in rows[:200]], "another period"),
}


@pytest.mark.parametrize("kind", some(WRONG, "one row", "twice"))
def test_bars_that_cannot_be(vendors: dict[str, Any], study: Study, tmp_path: Path, kind: str) -> None:
    vendors["tiingo"].change, words = WRONG[kind]
    done = study("tiingo")
    assert done.code == 4 and words in " ".join(done.err.split()), done.err


CONTRADICTIONS: dict[str, Callable[[list[dict[str, Any]]], Any]] = {
    "split without a jump": edit("2025-02-03", splitFactor=10.0),
    "jump without a split": edit("2024-06-10", splitFactor=1.0),
    "dividend": edit("2025-02-03", divCash=5.0),
    "no dividend": edit("2025-03-12", divCash=0.0),
    "adjusted": edit("2025-02-03", adjClose=1.0),
    "a tenth of a percent": lambda rows: [
        {**row, "adjClose": row["adjClose"] * 1.001} if row["date"] >= "2025-02-03" else row for row in rows
    ],
}


@pytest.mark.parametrize("kind", some(CONTRADICTIONS, "dividend", "jump without a split"))
def test_columns_that_contradict_each_other_refuse_the_series(
    vendors: dict[str, Any], study: Study, tmp_path: Path, kind: str
) -> None:
    vendors["tiingo"].change = CONTRADICTIONS[kind]
    (tmp_path / "events.csv").write_text(EVENTS + "SPY,2025-04-15,amc\n")
    done = study("tiingo", "-o", "out")
    rows = table(tmp_path / "out" / "excluded.csv")
    refused = [row for row in rows if row["ticker"] == "NVDA"]
    assert len(refused) == 2 and {row["reason"] for row in refused} == {"prices_refused"}, (done.err, rows)
    assert "contradict each other" in refused[0]["detail"] and "adjusted close" in refused[0]["detail"]


def test_the_check_is_crsps_formula(vendors: dict[str, Any]) -> None:
    """Both formulas on the real series: each vendor's own holds on every day, the other's fails on ex-dates."""
    from eventstudy.data.vendors.figures import bars_of, contradiction

    raw = vendors["tiingo"].series["SPY"]
    days = sorted(raw.bars)
    for mine in (False, True):
        adjusted = raw.adjusted(taken_off=mine)
        bars = bars_of(
            [str(day) for day in days],
            {
                "close": [raw.bars[day][0] for day in days],
                "adj_close": [adjusted[day] for day in days],
                "dividend": [raw.bars[day][1] for day in days],
            },
        )
        assert contradiction(bars, taken_off=mine) == ""
        assert "dividend" in contradiction(bars, taken_off=not mine)


@pytest.mark.slow
def test_order_offsets_holes_and_days_without_a_session(vendors: dict[str, Any], study: Study, tmp_path: Path) -> None:
    hole = "2025-02-04"

    def change(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        saturday = {**rows[-1], "date": "2025-02-08T00:00:00.000Z", "divCash": 0.0, "splitFactor": 1.0, "close": 77.0}
        kept = [{**row, "date": row["date"].replace("Z", "-05:00")} for row in rows if row["date"][:10] != hole]
        return [*kept, saturday][::-1]

    assert study("tiingo", "-o", "plain", "--store", "one").code == 0
    vendors["tiingo"].change = change
    done = study("tiingo", "-o", "changed", "--store", "two")
    assert done.code == 0, done.err
    mine, theirs = (table(tmp_path / out / "abnormal_returns.csv") for out in ("changed", "plain"))
    assert [(r["session"], r["return"]) for r in mine] == [(r["session"], r["return"]) for r in theirs]
    models = [table(tmp_path / out / "models.csv")[0]["n_estimation"] for out in ("changed", "plain")]
    assert int(models[0]) == int(models[1]) - 1, "the hole is a hole, the Saturday no session"


def test_markets_that_tiingo_does_not_have(
    vendors: dict[str, Any], study: Study, services: Services, tmp_path: Path
) -> None:
    rows = ("NVDA,,", "ASML.AS,,SPY", "ZZZZ,,", "^TWII,,SPY")
    text = "ticker,timing,benchmark,announced_at\n" + "".join(f"{row},2025-04-16\n" for row in rows)
    (tmp_path / "events.csv").write_text(text)
    done = study("tiingo", "-o", "out")
    assert done.code == 0, done.err
    why = {row["ticker"]: row["detail"] for row in table(tmp_path / "out" / "excluded.csv")}
    assert "unknown there, which is not a delisting" in why["ASML.AS"] and "knows no symbol ZZZZ" in why["ZZZZ"]
    assert not services.asked("asml") and not services.asked("twii")
    done = study("tiingo", "-o", "index", "--benchmark", "^GSPC")
    assert "has no indices" in done.err + json.dumps(table(tmp_path / "index" / "excluded.csv"))


@pytest.mark.slow
def test_nothing_in_the_range_and_another_company_under_the_ticker(
    vendors: dict[str, Any], study: Study, asking: Asking, tmp_path: Path
) -> None:
    vendors["tiingo"].spoil["/nvda/prices"] = Answer(200, b"[]")
    done = study("tiingo", "-o", "out")
    assert done.code == 3 and "has no prices of NVDA in the range" in (tmp_path / "out" / "excluded.csv").read_text()
    vendors["tiingo"].spoil.clear()
    env = {KEYS["tiingo"]: KEY}
    assert asking("fetch", "--source", "tiingo", env=env).code == 0
    vendors["tiingo"].names["NVDA"] = "Navado Holdings"
    again = asking("fetch", "--source", "tiingo", env=env)
    assert "Tiingo now calls it Navado Holdings, before NVDA Inc" in again.err
    vendors["tiingo"].begins = "2024-01-02"
    young = asking("fetch", "--source", "tiingo", env=env)
    assert "begins on 2024-01-02: another company may have had the ticker" in young.out


@pytest.mark.slow
def test_a_bar_that_tiingo_still_corrects_is_not_taken(
    vendors: dict[str, Any], asking: Asking, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from datetime import datetime

    from eventstudy.data import clock

    def last(moment: str) -> tuple[str, list[str]]:
        monkeypatch.setattr(clock, "utc_now", lambda: datetime.fromisoformat(moment))
        done = asking("fetch", "--source", "tiingo", "--json", env={KEYS["tiingo"]: KEY})
        series = {one["symbol"]: one for one in json.loads(done.out)["series"]}["NVDA"]
        return series["last"], [change["column"] for change in series["changed"]]

    (tmp_path / "events.csv").write_text("ticker,announced_at,timing\nNVDA,2025-03-05,amc\n")
    vendors["tiingo"].change = lambda rows: [{**r, "volume": 1} if r["date"][:10] == "2025-03-06" else r for r in rows]
    assert last("2025-03-06T18:30:00-05:00") == ("2025-03-05", []), "closed, but corrected until 20:00"
    vendors["tiingo"].change = None
    assert last("2025-03-06T20:30:00-05:00") == ("2025-03-06", [])
    vendors["tiingo"].change = edit("2025-03-03", close=1.23, adjClose=1.23)
    assert "close" in last("2025-03-06T21:30:00-05:00")[1], "a revision is reported"


EODHD: dict[str, tuple[Callable[[str, list[dict[str, Any]]], Any], str]] = {
    "adjusted": (
        lambda what, rows: [{**r, "adjusted_close": 1.0} if r["date"] == "2025-02-03" else r for r in rows] if what == "eod" else rows,
        "contradict each other",
    ),
    "ten times": (
        lambda what, rows: [{**r, "unadjustedValue": 10 * r["unadjustedValue"]} for r in rows] if what == "div" else rows,
        "on today's shares",
    ),
    "currency": (
        lambda what, rows: [{**r, "currency": "EUR"} for r in rows] if what == "div" else rows,
        "in another currency",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", some(EODHD, "ten times"))
def test_columns_of_eodhd_that_contradict(vendors: dict[str, Any], study: Study, tmp_path: Path, kind: str) -> None:
    change, words = EODHD[kind]
    vendors["eodhd"].change = lambda what, rows: change(what, rows)
    (tmp_path / "events.csv").write_text(EVENTS)
    done = study("eodhd", "-o", "out", "--benchmark", "SPY")
    text = done.err + "".join(p.read_text() for p in tmp_path.glob("out/excluded.csv"))
    assert done.code in (2, 3) and words in text, text


@pytest.mark.slow
def test_what_eodhd_does_when_it_is_asked_wrongly(vendors: dict[str, Any], study: Study, tmp_path: Path) -> None:
    """A first day that is not understood brings the whole history, and dividends may come without a currency."""
    assert study("eodhd", "-o", "plain", "--store", "one").code == 0
    vendors["eodhd"].currency = None
    vendors["eodhd"].change = lambda what, rows: [{**rows[0], "date": "1990-01-02"}, *rows] if what == "eod" else rows
    assert study("eodhd", "-o", "more", "--store", "two").code == 0
    one, two = ((tmp_path / out / "windows.csv").read_text() for out in ("plain", "more"))
    assert one == two


def test_names_of_other_markets() -> None:
    from eventstudy.data.vendors.eodhd import eodhd_code, zone_of

    assert [eodhd_code(s) for s in ("AAPL", "BRK-B", "ASML.AS", "VOD.L", "2330.TW", "^GSPC", "EURUSD=X", "7203.T")] == [
        "AAPL.US", "BRK-B.US", "ASML.AS", "VOD.LSE", "2330.TW", "GSPC.INDX", "EURUSD.FOREX", "",
    ]  # fmt: skip
    assert [zone_of(s) for s in ("AAPL", "ASML.AS", "2330.TW", "^GSPC", "^TWII", "^NONE", "EURUSD=X")] == [
        "America/New_York", "Europe/Amsterdam", "Asia/Taipei", "America/New_York", "Asia/Taipei", "", "Europe/London",
    ]  # fmt: skip


@pytest.mark.parametrize("name", KEYS)
def test_without_a_key_nothing_is_asked(vendors: dict[str, Any], asking: Asking, services: Services, name: str) -> None:
    done = asking(*RUN, "--source", name)
    assert done.code == 2 and f"{KEYS[name]} is not set" in done.err and not services.log
    wrong = asking(*RUN, "--source", name, env={KEYS[name]: "another-k3y"})
    assert wrong.code == 4 and "does not accept the key" in wrong.err and "another-k3y" not in wrong.err


def test_auto_names_what_could_be_asked_next(services: Services, asking: Asking, tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text("ticker,announced_at,timing\nMADE,2025-04-15,amc\n")
    done = asking(*RUN, "--source", "auto", env={"TIINGO_API_KEY": KEY})
    assert done.code == 4 and "TIINGO_API_KEY is set: --source tiingo asks Tiingo" in done.err
    assert "tiingo" not in asking(*RUN, "--source", "auto").err
    no_key(tmp_path, done.out, done.err)
