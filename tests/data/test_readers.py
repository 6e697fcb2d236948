"""The readers of people's files: what they accept they write back and read again, and they never crash."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eventstudy.data.claims import parse_claim
from eventstudy.data.confounders import read_confounders
from eventstudy.data.dates import parse_when
from eventstudy.data.events import default_id, events_from_frame, likely_misspelt, read_events
from eventstudy.data.figures import parsed
from eventstudy.data.tabular import all_rows
from eventstudy.errors import InputFileError

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize(
    ("text", "kind", "value", "decimals"),
    [
        ("-0.07", "value", -0.07, 2),
        ("-0.0735", "value", -0.0735, 4),
        ("<-0.06", "below", -0.06, 2),
        (">0.1", "above", 0.1, 1),
        ("up", "up", None, 0),
        ("down", "down", None, 0),
        (".5", "value", 0.5, 1),
    ],
)
def test_claims(text: str, kind: str, value: float | None, decimals: int) -> None:
    claim = parse_claim(text)
    assert (claim.kind, claim.value, claim.decimals) == (kind, value, decimals)


@pytest.mark.parametrize(
    ("text", "advice"),
    [("7%", "0.07"), ("-6.9 %", "-0.069"), ("-7", "-0.07"), ("1e-2", "decimal"), ("nan", "decimal"), ("<", "decimal")],
)
def test_claims_that_need_another_form(text: str, advice: str) -> None:
    with pytest.raises(ValueError, match=advice):
        parse_claim(text)


def test_moments_and_dates() -> None:
    assert parse_when("2025-04-15T17:10:00-04:00")[0] == datetime(2025, 4, 15, 21, 10, tzinfo=UTC)
    assert parse_when("2025-04-15T21:10Z")[0] == datetime(2025, 4, 15, 21, 10, tzinfo=UTC)
    moment, day = parse_when("2025-04-15")
    assert moment is None and str(day) == "2025-04-15"


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("2025-04-15T17:10:00", "offset"),
        ("4/15/2025", "2025-04-15"),
        ("4/5/2025", "2025-04-05 or 2025-05-04"),
        ("2025-13-01", "not a day"),
        ("1815-06-18", "1900"),
        ("tomorrow", "YYYY-MM-DD"),
        ("2025-04-15T25:00:00Z", "not a moment"),
        ("", "empty"),
    ],
)
def test_dates_that_need_another_form(text: str, advice: str) -> None:
    with pytest.raises(ValueError, match=advice):
        parse_when(text)


def test_the_study_of_this_repository_reads() -> None:
    events = read_events(ROOT / "events.csv").frame()
    assert len(events) == 55 and events["event_id"].nunique() == 23
    assert set(events["role"]) == {"direct", "outcome", "peer", "placebo"}
    claims = events[events["claimed_return"] != ""].set_index(["event_id", "ticker"])["claimed_return"]
    assert dict(claims) == {
        ("h20_license_8k", "NVDA"): "-0.07",
        ("amd_mi308_8k", "AMD"): "-0.0735",
        ("asml_q1_2025", "ASML"): "down",
        ("asian_markets_apr2025", "^TWII"): "down",
        ("asian_markets_apr2025", "^HSI"): "down",
    }
    unknown = events[(events["date"].notna()) & (events["timing"] == "")]["event_id"].unique()
    assert {"npr_h20_reprieve", "stargate_500b", "trump_truth_permits"} <= set(unknown)
    assert (events["source"] != "").all()
    trips = events["event_id"].str.startswith("huang_") | events["event_id"].isin(
        ["mar_a_lago_dinner", "article_publication"]
    )
    assert set(events[trips]["role"]) == {"placebo"}
    confounders = read_confounders(ROOT / "confounders.csv").frame
    assert confounders["title"].str.contains("Alibaba").any()
    assert {"earnings", "preannouncement", "company_filing", "tariffs", "macro"} <= set(confounders["kind"])


def test_byte_order_mark_windows_lines_and_quoted_line_breaks(tmp_path: Path) -> None:
    text = '\ufeffticker,announced_at,title\r\nNVDA,2025-04-15,"two\r\nlines"\r\nAMD,2025-04-16,x\r\n'
    (tmp_path / "e.csv").write_bytes(text.encode())
    frame = read_events(tmp_path / "e.csv").frame()
    assert list(frame["line"]) == [2, 4]
    assert list(frame["event_id"]) == ["NVDA-2025-04-15", "AMD-2025-04-16"]


@settings(max_examples=300, deadline=None)
@given(text=st.text(alphabet="ab,;\n\r\t é\u2028\x0b\x0c\x1c\x85", max_size=60))
def test_files_without_quotes_read_as_the_csv_module_reads(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    """They are split at commas: every cell, and the line on which each row starts."""
    path = tmp_path_factory.getbasetemp() / "plain.csv"
    path.write_bytes(text.encode())
    with path.open(encoding="utf-8", newline="") as lines:
        reader = csv.reader(lines, strict=True)
        start, wanted = 1, []
        for row in reader:
            wanted += [(start, row)] if "".join(row).strip() else []
            start = reader.line_num + 1
    if text.strip():
        assert all_rows(path)[0] == wanted


@pytest.mark.parametrize("installed", [True, False])
def test_figures_are_those_of_python_to_the_last_bit(installed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    import eventstudy.data.figures as module

    if installed:
        pytest.importorskip("pyarrow")
    monkeypatch.setattr(module, "has_pyarrow", lambda: installed)
    rng = np.random.default_rng(5)
    texts = list(map(repr, (rng.uniform(-1, 1, 3000) * 10.0 ** rng.integers(-320, 300, 3000)).tolist()))
    texts += ["", "1.", ".5", "-.5", "+1.5", "1E5", "0", "-0", "5e-324", "2.47e-324", "1e400", "1e-400", "9" * 40]
    found = parsed(texts, "open").values
    wanted = np.array([float(text) if text else np.nan for text in texts])
    assert found.tobytes() == wanted.tobytes()
    for wrong in ("1e", ".", "-", "1.2.3", "--1", "1-2", "e5"):
        assert list(parsed(["1.5", wrong], "open").wrong) == [1]


def test_default_ids_are_file_names() -> None:
    assert default_id("^GSPC", "2025-04-15T17:10:00-04:00") == "x_GSPC-2025-04-15"
    assert default_id("BRK=B", "2025-04-15") == "BRK_B-2025-04-15"


def test_frames_and_files_read_alike(tmp_path: Path) -> None:
    frame = pd.read_csv(ROOT / "events.csv")
    pd.testing.assert_frame_equal(events_from_frame(frame).frame(), read_events(ROOT / "events.csv").frame())


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=200) | st.text(max_size=200).map(lambda t: t.encode("utf-8", "ignore")))
def test_any_bytes_are_read_or_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "any.csv"
    for head in (b"", b"ticker,announced_at\n", b"at,kind\n"):
        path.write_bytes(head + data)
        for read in (read_events, read_confounders):
            try:
                read(path)
            except InputFileError as error:
                assert str(error)


WORDS = st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(
        st.tuples(
            st.from_regex(r"[A-Z]{1,4}", fullmatch=True),
            st.dates(min_value=datetime(1950, 1, 1).date(), max_value=datetime(2050, 1, 1).date()),
            st.sampled_from(["", "bmo", "dmh", "amc"]),
            st.sampled_from(["direct", "peer", "placebo"]),
            st.sampled_from(["", "-0.07", "<-0.06", "up"]),
            WORDS,
        ),
        min_size=1,
        max_size=6,
        unique_by=lambda row: (row[0], row[1]),
    )
)
def test_what_is_accepted_is_written_back_and_read_again(tmp_path: Path, rows: list[tuple[object, ...]]) -> None:
    header = ["ticker", "announced_at", "timing", "role", "claimed_return", "title"]
    path = tmp_path / "e.csv"
    with path.open("w", encoding="utf-8", newline="") as handle:
        csv.writer(handle).writerows([header, *rows])
    first = read_events(path).frame()
    text = first.drop(columns=["line", "instant", "date"])
    with (tmp_path / "again.csv").open("w", encoding="utf-8", newline="") as handle:
        csv.writer(handle).writerows([text.columns, *text.itertuples(index=False)])
    second = read_events(tmp_path / "again.csv").frame()
    pd.testing.assert_frame_equal(first.drop(columns="line"), second.drop(columns="line"))


@pytest.mark.parametrize(
    ("column", "known"), [("rolle", "role"), ("Categroy", "category"), ("claimed_returns", "claimed_return")]
)
def test_a_misspelt_column_is_named(tmp_path: Path, column: str, known: str) -> None:
    path = tmp_path / "events.csv"
    path.write_text(f"ticker,announced_at,{column}\nNVDA,2025-04-15,peer\n")
    (sentence,) = likely_misspelt(read_events(path))
    assert repr(column) in sentence and f"did you mean {known}?" in sentence


def test_other_columns_are_nobody_s_mistake(tmp_path: Path) -> None:
    """A column of the user's own, and one that is near a known one which the file fills."""
    path = tmp_path / "events.csv"
    path.write_text("ticker,announced_at,sector,role,roles\nNVDA,2025-04-15,chips,peer,x\n")
    assert likely_misspelt(read_events(path)) == []
    # columns that pages read are not called misspelt
    path.write_text("ticker,announced_at,claim_text,claim_open_text,company\nNVDA,2025-04-15,nearly 7 %,,NVIDIA\n")
    assert likely_misspelt(read_events(path)) == []
