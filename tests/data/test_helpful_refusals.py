"""What a refusal says: the name that the source has instead, the kind of file, the line that is a title."""

from __future__ import annotations

import gzip
from pathlib import Path

import pandas as pd
import pytest

import eventstudy as es
from eventstudy.data.sources import source_from_frame
from eventstudy.spelling import holding
from eventstudy.study import run
from tests.data.test_layouts import EVENTS, SPEC, TRUTH, folder_of

TABLE = "Date,Close\n2025-04-15,10\n2025-04-16,11\n"


@pytest.mark.parametrize(
    ("name", "known", "said"),
    [
        ("AMD", ["amd_us_d.csv", "AMDX.csv", "SPY.csv"], ", which has amd_us_d.csv"),
        ("AMD", ["AMD.O", "AMD UW Equity", "SPY.P"], ", which has AMD.O, AMD UW Equity"),
        ("BRK-B", ["BRK.A", "brk_b (1).csv", "B.csv"], ", which has brk_b (1).csv"),
        ("AMD", ["AMDX", "XAMD", ""], ""),
        ("^", ["A"], ""),
    ],
)
def test_names_that_hold_another(name: str, known: list[str], said: str) -> None:
    assert holding([name], known) == {name: said}


@pytest.mark.parametrize("file", ["ABC.txt", "abc_us_d.csv", "ABC (1).csv", "ABC.xlsx"])
def test_a_folder_names_the_file_that_it_has(tmp_path: Path, file: str) -> None:
    place = folder_of(tmp_path, {"SPY": TABLE})
    (place / file).write_text(TABLE)
    result = run(EVENTS, spec=SPEC.with_changes(source=f"csv:{place}"))
    assert result.excluded["detail"].iloc[0] == f"ABC: no ABC.csv in prices, which has {file}"


def test_tables_name_the_ticker_that_they_have(tmp_path: Path) -> None:
    path = tmp_path / "all.csv"
    long = "Date,Ticker,Close\n" + "".join(f"2025-04-1{day},{name},10\n" for name in ("ABC.X", "SPY") for day in (5, 6))
    for text, said in (
        (long, "no prices in all.csv, which has ABC.X"),
        ("Date,ABC.X,SPY\n2025-04-15,1,2\n2025-04-16,1,2\n", "no column ABC in all.csv, which has ABC.X"),
    ):
        path.write_text(text)
        result = run(EVENTS, spec=SPEC.with_changes(source=f"csv:{path}"))
        assert result.excluded["detail"].iloc[0] == f"ABC: {said}"
        result = run(EVENTS, source_from_frame(pd.read_csv(path)), SPEC)
        assert result.excluded["detail"].iloc[0] == "ABC: not in the price frame, which has ABC.X"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (TABLE.encode("utf-16"), "is UTF-16"),
        (b"PK\x03\x04\0\0", "is a workbook or an archive"),
        (b"PAR1\0\0PAR1", "is a Parquet file"),
        (gzip.compress(TABLE.encode(), mtime=0), "is compressed"),
        (TABLE.encode() + b"\0", "holds a NUL byte"),
        (b"No data\n", "'No data': is the only line"),
        (b"Prices of ABC\n\nDay,Last\n2025-04-15,10\n2025-04-16,11\n", "remove lines above the headings"),
    ],
)
def test_files_that_are_not_tables(tmp_path: Path, data: bytes, said: str) -> None:
    place = folder_of(tmp_path, {"SPY": TABLE})
    (place / "ABC.csv").write_bytes(data)
    with pytest.raises(es.InputFileError) as caught:
        run(EVENTS, spec=SPEC.with_changes(source=f"csv:{place}"))
    assert said in str(caught.value) and str(caught.value).count("line") <= 3
    (tmp_path / "events.csv").write_bytes(data)
    with pytest.raises(es.InputFileError, match=said):
        es.run(tmp_path / "events.csv")


@pytest.mark.parametrize("named", [True, False])
def test_a_wide_frame_in_any_case_with_dates_of_python(named: bool) -> None:
    from tests.data.test_heading_words import frame

    own, market = frame(), frame("SPY")
    wide = pd.DataFrame({"abc": own["Close"].to_numpy(), "spy": market["Close"].to_numpy()})
    wide.index = pd.Index([pd.Timestamp(day).date() for day in own["Date"]], name="date" if named else None)
    result = run(EVENTS, source_from_frame(wide), SPEC)
    row = result.windows.set_index("window").loc["[0,0]"]
    assert abs(float(row["car"]) - TRUTH) < 1e-7
