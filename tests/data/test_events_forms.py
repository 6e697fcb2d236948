"""Events files as people hold them: headings, empty rows, dates, tickers of other programs, clocks that are none."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from eventstudy.cli.settings import resolve, study_spec
from eventstudy.data.calendar import exchange_of, load_calendar
from eventstudy.data.cells import likely_ticker
from eventstudy.data.dates import parse_when
from eventstudy.data.event_index import index_events
from eventstudy.data.events import event_notes, events_from_frame, read_events
from eventstudy.data.filing_clock import clock_warnings
from eventstudy.data.prices import Daily, PriceTable, Supplied, make_series
from eventstudy.data.sources import source_from_frame
from eventstudy.data.tickers import spelled, spellings, yahoo_spelling
from eventstudy.errors import InputFileError, UnknownExchange, UsageError
from eventstudy.spec import StudySpec, is_ticker
from eventstudy.study import run
from tests.data.test_layouts import BASE, EVENTS, SPEC, TRUTH, base


def saved(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "events.csv"
    path.write_text(text)
    return path


def both(tmp_path: Path, text: str) -> list[pd.DataFrame]:
    """The events of a CSV file, of the Parquet file and of the frame that pandas makes of it."""
    path = saved(tmp_path, text)
    frame = pd.read_csv(path, dtype=str).dropna(how="all")
    frame.to_parquet(tmp_path / "events.parquet", index=False)
    tables = (read_events(path), read_events(tmp_path / "events.parquet"), events_from_frame(frame))
    return [table.frame() for table in tables]


@pytest.mark.parametrize(
    ("header", "note"),
    [
        ("Ticker,Announced_At,Timing", ""),
        ("TICKER,ANNOUNCED_AT,TIMING", ""),
        ("Symbol,announced_at,timing", "column 'Symbol' is read as ticker"),
        ("ticker,date,timing", "column 'date' is read as announced_at"),
        ("Symbol,event_date,timing", "column 'event_date' is read as announced_at"),
        ("ticker,Announcement Date,timing", "column 'Announcement Date' is read as announced_at"),
    ],
)
def test_headings_in_other_words(tmp_path: Path, header: str, note: str) -> None:
    for frame in both(tmp_path, f"{header}\nABC,2025-04-16,bmo\n"):
        assert frame["ticker"].tolist() == ["ABC"] and frame["date"].iat[0] == pd.Timestamp("2025-04-16")
        assert frame["timing"].tolist() == ["bmo"]
    notes = event_notes(read_events(tmp_path / "events.csv"))
    assert (note in notes) if note else not notes


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("ticker,date,event_date", "'date' or 'event_date' may be it"),
        ("firm,announced_at,x", "ticker: this column is needed and missing; the headings are 'firm'"),
        ("Ticker,ticker,announced_at", "is ticker as 'Ticker' is; rename one"),
    ],
)
def test_headings_that_may_be_two_things(tmp_path: Path, header: str, said: str) -> None:
    with pytest.raises(InputFileError) as caught:
        read_events(saved(tmp_path, f"{header}\nABC,2025-04-16,2025-04-16\n"))
    assert said in str(caught.value)


def test_empty_rows_of_excel_are_left_out_and_counted(tmp_path: Path) -> None:
    path = saved(tmp_path, "ticker,announced_at,timing\n,,\nABC,2025-04-16,bmo\n,,\n , ,\n")
    events = read_events(path)
    assert events.lines.tolist() == [3] and event_notes(events) == ["3 empty rows left out"]
    frame = pd.DataFrame({"ticker": [None, "ABC", None], "announced_at": [None, "2025-04-16", None]})
    table = events_from_frame(frame)
    assert table.frame()["line"].tolist() == [3] and event_notes(table) == ["2 empty rows left out"]
    for stamps in (frame["announced_at"], pd.to_datetime(frame["announced_at"]).astype("datetime64[us]")):
        frame.assign(announced_at=stamps).to_parquet(tmp_path / "e.parquet", index=False)
        events = read_events(tmp_path / "e.parquet")
        assert events.lines.tolist() == [2] and event_notes(events) == ["2 empty rows left out"]
    with pytest.raises(InputFileError, match="no row"):
        read_events(saved(tmp_path, "ticker,announced_at\n,\n"))


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (["04/16/2025"], "write 2025-04-16"),
        (["16.04.2025"], "write 2025-04-16"),
        (["04/05/2025"], "is ambiguous; write 2025-04-05 or 2025-05-04"),
        (["04/05/2025", "04/16/2025"], "only MM/DD/YYYY reads every row of the column: write 2025-04-05"),
        (["04/05/2025", "16/04/2025"], "only DD/MM/YYYY reads every row of the column: write 2025-05-04"),
        (["31/31/2025"], "write YYYY-MM-DD"),
    ],
)
def test_dates_in_other_forms_are_suggested_and_never_guessed(tmp_path: Path, cells: list[str], said: str) -> None:
    rows = "".join(f"ABC,{cell}\n" for cell in cells)
    with pytest.raises(InputFileError) as caught:
        read_events(saved(tmp_path, f"ticker,announced_at\n{rows}"))
    assert said in str(caught.value)


def test_eight_digits_are_a_date(tmp_path: Path) -> None:
    for frame in both(tmp_path, "ticker,announced_at\nABC,20250416\n"):
        assert frame["date"].iat[0] == pd.Timestamp("2025-04-16") and frame["event_id"].tolist() == ["ABC-2025-04-16"]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2025-02-03 19:00:00-05:00", "2025-02-04"),
        ("2025-07-03T20:00:00-04:00", "2025-07-04"),
        ("2025-02-04T00:00:00Z", "2025-02-04"),
        ("2025-02-04T01:00:00+01:00", "2025-02-04"),
    ],
)
def test_midnight_in_utc_is_a_date_without_a_clock(tmp_path: Path, text: str, day: str) -> None:
    path = saved(tmp_path, f"ticker,announced_at\nABC,{text}\n")
    events = read_events(path)
    assert not events.announced.has_clock.any() and str(events.announced.day[0]) == day
    assert any("midnight UTC" in note and day in note for note in event_notes(events))
    stamp = pd.DataFrame({"ticker": ["ABC"], "announced_at": [pd.Timestamp(text)]})
    stamp.to_parquet(tmp_path / "e.parquet")
    again = read_events(tmp_path / "e.parquet")
    assert str(again.announced.day[0]) == day and any("midnight UTC" in note for note in event_notes(again))
    assert events_from_frame(stamp).frame()["date"].iat[0] == pd.Timestamp(day)


@pytest.mark.parametrize("offset", ["-04:00", "+09:00", "-0500", "+01:00", "+00:00", "Z"])
@pytest.mark.parametrize("clock", ["T00:00:00", " 00:00", "T00:00:00.000"])
def test_midnight_as_written_is_a_date_without_a_clock(tmp_path: Path, offset: str, clock: str) -> None:
    """What a date becomes where a program gives it a zone; whose zone it is does not move the date."""
    text = f"2025-04-16{clock}{offset}"
    events = read_events(saved(tmp_path, f"ticker,announced_at\nABC,{text}\n"))
    stamp = pd.DataFrame({"ticker": ["ABC"], "announced_at": [pd.Timestamp(text)]})
    stamp.to_parquet(tmp_path / "e.parquet")
    for found in (events, read_events(tmp_path / "e.parquet"), events_from_frame(stamp)):
        assert not found.announced.has_clock.any() and str(found.announced.day[0]) == "2025-04-16"
        (note,) = event_notes(found)
        assert "midnight as written" in note and "read as the date 2025-04-16 with an unknown hour" in note


def test_a_column_of_dates_with_the_zone_of_the_exchange(tmp_path: Path) -> None:
    """Summer, winter, a clock among them, and midnight in UTC, which stays the date of UTC."""
    texts = ["2025-04-16 00:00", "2025-01-16 00:00", "2025-01-17 16:05", "2025-02-03 19:00", "2025-03-09 00:00"]
    days = ["2025-04-16", "2025-01-16", "NaT", "2025-02-04", "2025-03-09"]
    stamp = pd.DataFrame({"ticker": "ABC", "announced_at": pd.to_datetime(texts).tz_localize("America/New_York")})
    stamp.to_parquet(tmp_path / "e.parquet")
    for found in (read_events(tmp_path / "e.parquet"), events_from_frame(stamp)):
        assert [str(found.announced.day[code]) for code in found.announced.codes] == days
        assert any(note.startswith("4 rows are at exactly midnight") for note in event_notes(found))


@pytest.mark.parametrize("text", ["2025-04-16T00:00:00Z", "2025-04-16T00:00:00-04:00", "2025-04-15T20:00:00-04:00"])
def test_the_note_on_midnights_asks_for_no_timing_that_is_there(tmp_path: Path, text: str) -> None:
    rows = "event_id,ticker,announced_at,timing\na,ABC,{0},amc\n"
    path = saved(tmp_path, rows.format(text))
    pd.DataFrame({"ticker": ["ABC"], "announced_at": [pd.Timestamp(text)], "timing": ["amc"]}).to_parquet(
        tmp_path / "e.parquet"
    )
    for events in (read_events(path), read_events(tmp_path / "e.parquet")):
        (note,) = event_notes(events)
        assert "read as the date 2025-04-16 with the hour of its timing" in note and "timing_uncertain" not in note
    (note,) = event_notes(read_events(saved(tmp_path, rows.format(text) + f"b,ABC,{text},\n")))
    assert "2 rows are" in note and "1 of them with an unknown hour (timing_uncertain); add timing" in note


@pytest.mark.parametrize("text", ["2025-02-03T19:00:01-05:00", "2025-02-03T18:00:00-05:00", "2025-02-04T00:01:00Z"])
def test_a_clock_is_a_clock(tmp_path: Path, text: str) -> None:
    events = read_events(saved(tmp_path, f"ticker,announced_at\nABC,{text}\n"))
    assert events.announced.has_clock.all() and not event_notes(events)


def test_an_earnings_date_without_a_clock_is_uncertain() -> None:
    events = pd.DataFrame({"ticker": ["ABC"], "announced_at": ["2025-02-03 19:00:00-05:00"]})
    prices = pd.concat(
        [pd.DataFrame({"ticker": s, "date": base(s).days, "close": base(s).close}) for s in ("ABC", "SPY")]
    )
    result = run(events, prices, SPEC)
    row = result.windows[result.windows["primary"] == "yes"].iloc[0]
    assert row["day0"] == "2025-02-04" and row["window"] == "[0,1]" and "timing_uncertain" in row["flags"]
    assert any("midnight UTC" in notice for notice in result.notices)


XNYS = load_calendar("XNYS", date(2025, 1, 2), date(2025, 12, 31))


def warned(*texts: str) -> list[str]:
    frame = pd.DataFrame({"event_id": [f"e{k}" for k in range(len(texts))], "ticker": "ABC", "announced_at": texts})
    return clock_warnings(index_events(events_from_frame(frame), None))


def test_the_offset_of_utc_is_named_as_its_z_is() -> None:
    for offset in ("+00:00", "+0000", "-00:00"):
        (said,) = warned(f"2025-05-01T16:21:59{offset}", "2025-05-01T16:21:59+01:00")
        assert f"16:21:59{offset} is 12:21 in New York, day 0 2025-05-01" in said and "day 0 is 2025-05-02" in said


def test_a_doubtful_utc_clock_is_named_with_both_readings() -> None:
    (said,) = warned("2025-05-01T16:21:59Z", "2025-05-01T16:21:59-04:00", "2025-05-01T12:00:00Z", "2025-05-01")
    assert "day 0 2025-05-01" in said and "day 0 is 2025-05-02" in said and "2025-05-01T16:21:59-04:00" in said
    assert "12:21 in New York" in said and "date-a-filing" in said
    # in winter the offset is another
    (said,) = warned("2025-01-15T16:21:59Z")
    assert "11:21" in said and "2025-01-15T16:21:59-05:00" in said


def test_an_offset_of_the_other_half_year_is_named() -> None:
    """Whoever copies -04:00 into January moves the clock by an hour, and what came after the close before it."""
    (said,) = warned(
        "2025-01-24T16:30:00-04:00", "2025-01-24T16:30:00-05:00", "2025-01-24T18:30:00-04:00", "2025-01-24"
    )
    assert (
        "is 15:30 in New York, day 0 2025-01-24" in said
        and "day 0 is 2025-01-27: write 2025-01-24T16:30:00-05:00" in said
    )
    (said,) = warned("2025-07-24T15:30:00-05:00")
    assert (
        "is 16:30 in New York, day 0 2025-07-25" in said
        and "day 0 is 2025-07-24: write 2025-07-24T15:30:00-04:00" in said
    )
    # the offset of another place says whose clock it is
    assert not warned("2025-01-24T22:30:00+01:00", "2025-07-24T15:30:00-07:00")
    # by the clock of the listing's exchange
    frame = pd.DataFrame({"event_id": "e", "ticker": "ABC.DE", "announced_at": ["2025-01-24T18:00:00+02:00"]})
    (said,) = clock_warnings(index_events(events_from_frame(frame), None))
    assert "is 17:00 in Berlin" in said and "write 2025-01-24T18:00:00+01:00" in said


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("2025-01-24 16:30", "2025-01-24T16:30:00-05:00"), ("2025-04-15T17:10:00", "2025-04-15T17:10:00-04:00")],
)
def test_the_offset_that_is_suggested_is_that_of_the_day(text: str, wanted: str) -> None:
    with pytest.raises(ValueError, match=f"has no offset; write {wanted} if the clock is New York's"):
        parse_when(text)


@pytest.mark.parametrize("way", ["frame", "parquet"])
def test_timestamps_in_utc_are_named_as_text_with_a_z_is(tmp_path: Path, way: str) -> None:
    moments = pd.to_datetime(["2025-05-01T16:21:59Z", "2025-05-01T08:00:00Z", "2025-05-03T00:00:00Z"])
    table = pd.DataFrame({"event_id": ["a", "b", "c"], "ticker": "ABC", "announced_at": moments})

    def said(frame: pd.DataFrame) -> list[str]:
        if way == "frame":
            return clock_warnings(index_events(events_from_frame(frame), None))
        frame.to_parquet(tmp_path / "e.parquet", index=False)
        return clock_warnings(index_events(read_events(tmp_path / "e.parquet"), None))

    (one,) = said(table)
    (text,) = warned("2025-05-01T16:21:59Z")
    assert one.split(": ", 1)[1] == text.split(": ", 1)[1]
    # a time zone of its own says whose clock it is
    assert not said(table.assign(announced_at=moments.tz_convert("America/New_York")))
    assert not said(table.assign(announced_at=moments.tz_convert("Europe/London")))


def test_times_whose_readings_agree_are_not_named() -> None:
    assert not warned("2025-05-01T23:30:00Z", "2025-05-01T08:00:00Z", "2025-05-01T00:00:00Z", "2025-05-03T16:30:00Z")


def test_many_such_times_are_counted() -> None:
    said = warned(*(f"2025-05-01T16:{minute}:00Z" for minute in range(21, 41)))
    assert len(said) == 6 and said[-1].startswith("15 more rows")


@pytest.mark.parametrize(
    ("ticker", "code"),
    [
        ("BRK.B", "XNYS"), ("BF.A", "XNYS"), ("AAPL.US", "XNYS"), ("AAPL.O", "XNYS"), ("aapl.us", "XNYS"),
        ("035720.KQ", "XKRX"), ("M&M.NS", "XBOM"), ("asml.as", "XAMS"), ("VOD.L", "XLON"), ("7203.T", "XTKS"),
    ],
)  # fmt: skip
def test_the_exchange_of_a_ticker(ticker: str, code: str) -> None:
    assert is_ticker(ticker) and exchange_of(ticker) == code


@pytest.mark.parametrize("ticker", ["ABC.XX", "ABC.QQ", "A.B.ZZZ"])
def test_a_suffix_of_no_exchange_says_what_to_write(ticker: str) -> None:
    with pytest.raises(UnknownExchange, match="no exchange is known") as caught:
        exchange_of(ticker)
    assert "calendar" in caught.value.hint and caught.value.wanted


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("RDS/A", "RDS-A"), ("$ABC", "ABC"), ("NASDAQ:AAPL", "AAPL"), ("NYSE:BRK.B", "BRK-B"), ("VOD LN", "VOD.L"),
        ("AAPL US Equity", "AAPL"), ("BRK/B US Equity", "BRK-B"), ("ASML NA", "ASML.AS"), ("ABC ZZ", ""), ("a/../b", ""),
    ],
)  # fmt: skip
def test_other_notations_get_the_ticker_to_write(text: str, meant: str) -> None:
    assert likely_ticker(text) == meant


def test_spellings() -> None:
    assert spellings("BRK.B") == ("BRK.B", "BRK-B", "BRK/B") and spellings("BRK-B") == ("BRK-B", "BRK.B", "BRK/B")
    assert spellings("AAPL.US") == ("AAPL.US", "AAPL") and spellings("ABC") == ("ABC",)
    assert [yahoo_spelling(t) for t in ("BRK.B", "BRK.B.US", "AAPL.O", "ASML.AS", "M&M.NS")] == [
        "BRK-B", "BRK-B", "AAPL", "ASML.AS", "M&M.NS",
    ]  # fmt: skip
    series = make_series("BRK-B", XNYS.sessions[:2], Daily(np.ones(2)), Supplied("t", "t"))
    table = spelled(PriceTable({"BRK-B": series}, {"AAPL": "gone"}), {"BRK.B": "BRK-B", "AAPL.US": "AAPL"})
    assert list(table.series) == ["BRK.B"] and table.unknown == {"AAPL.US": "gone"}


@pytest.mark.parametrize(("asked", "held"), [("BRK.B", "BRK-B"), ("BRK-B", "BRK.B"), ("ABC.US", "ABC"), ("abc", "ABC")])
def test_a_share_class_is_found_under_the_name_the_source_has(tmp_path: Path, asked: str, held: str) -> None:
    text = {held: (BASE / "ABC.csv").read_text(), "SPY": (BASE / "SPY.csv").read_text()}
    folder = tmp_path / "prices"
    folder.mkdir()
    frames = []
    for symbol, content in text.items():
        (folder / f"{symbol}.csv").write_text(content)
        frames.append(pd.read_csv(folder / f"{symbol}.csv").assign(ticker=symbol))
    frame = pd.concat(frames, ignore_index=True)
    frame.to_parquet(tmp_path / "p.parquet", index=False)
    frame.to_csv(tmp_path / "p.csv", index=False)
    events = EVENTS.assign(ticker=asked)
    sources = [f"csv:{folder}", f"csv:{tmp_path / 'p.csv'}"] + (
        [] if asked == "abc" else [f"parquet:{tmp_path / 'p.parquet'}"]
    )
    for source in sources:
        result = run(events, spec=SPEC.with_changes(source=source))
        assert result.windows.iloc[0]["car"] == pytest.approx(TRUTH, abs=1e-7), source
    if asked != "abc":
        assert run(events, source_from_frame(frame), SPEC).windows.iloc[0]["car"] == pytest.approx(TRUTH, abs=1e-7)


def test_a_textbooks_thirty_sessions(tmp_path: Path) -> None:
    spec = SPEC.with_changes(source=f"csv:{BASE}", estimation=30, min_estimation=30)
    result = run(EVENTS, spec=spec)
    assert result.models.iloc[0]["n_estimation"] == 30
    closes = {symbol: np.array(base(symbol).close) for symbol in ("ABC", "SPY")}
    at = base("ABC").days.index(date(2025, 4, 16))
    y, x = (closes[s][1:] / closes[s][:-1] - 1 for s in ("ABC", "SPY"))
    rows = slice(at - 1 - 10 - 10 - 30, at - 1 - 10 - 10)
    beta, alpha = np.polyfit(x[rows], y[rows], 1)
    row = result.windows[result.windows["window"] == "[0,0]"].iloc[0]
    assert row["car"] == pytest.approx(y[at - 1] - alpha - beta * x[at - 1], abs=1e-12)
    with pytest.raises(UsageError, match="too short"):
        run(EVENTS, spec=SPEC.with_changes(source=f"csv:{BASE}", estimation=30))
    for wrong in (2, 31):
        with pytest.raises(UsageError, match="min-estimation"):
            StudySpec(estimation=30, min_estimation=wrong)


def test_the_options_reach_the_study() -> None:
    flags = {"input": "log-returns", "min_estimation": "30", "estimation": "40"}
    spec = study_spec(resolve(flags, None))
    assert (spec.input, spec.min_estimation, spec.estimation) == ("log-returns", 30, 40)
    assert study_spec(resolve({}, None)).min_estimation is None and study_spec(resolve({}, None)).input == "auto"
    with pytest.raises(UsageError, match="whole number"):
        study_spec(resolve({"min_estimation": "30.5"}, None))
    with pytest.raises(UsageError, match="input 'percent' is unknown"):
        study_spec(resolve({"input": "percent"}, None))


def test_a_folder_that_does_not_exist_names_its_cause(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such folder") as caught:
        run(EVENTS, spec=SPEC.with_changes(source=f"csv:{tmp_path / 'gone'}"))
    assert caught.value.exit_code == 2
