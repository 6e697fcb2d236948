"""Tables for Excel and Stata, read back by other readers: the same figures, text that is never a formula."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from eventstudy.errors import UsageError
from eventstudy.report import sheets
from eventstudy.results import StudyResult
from tests.cli.conftest import copy_study, run_in
from tests.conftest import module_needs

module_needs("xlsx")

HOSTILE = ["=1+1", "+A1", "@SUM(A1)", "-2", "\x07bell\x1b[31m", "<b>&", "'quoted", "2025-13-01"]


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    n = len(HOSTILE)
    return pd.DataFrame(
        {
            "text": HOSTILE,
            "beta_^GSPC": [0.1 + at for at in range(n)],
            "some": [float("nan"), *range(1, n)],
            "day0": ["2025-04-16", "", None, *["2024-02-29"] * (n - 3)],
            "old": ["1899-12-31", *["2024-02-29"] * (n - 1)],
            "nothing": [None] * n,
            "n": list(range(n)),
        }
    )


def test_a_workbook_read_back(frame: pd.DataFrame) -> None:
    import openpyxl

    data = sheets.workbook_bytes({"windows": frame, "a name of more than thirty-one letters": frame[:0]})
    book = openpyxl.load_workbook(io.BytesIO(data))
    assert book.sheetnames == ["windows", "a name of more than thirty-one "]
    sheet = book["windows"]
    assert sheet.freeze_panes == "A2" and sheet.auto_filter.ref == f"A1:G{len(HOSTILE) + 1}"
    rows = [list(row) for row in sheet.iter_rows(min_row=2, values_only=True)]
    assert [cell.value for cell in sheet[1]] == list(frame.columns) and sheet["A1"].font.bold
    assert [row[0] for row in rows] == [re.sub("[\x07\x1b]", "\ufffd", text) for text in HOSTILE]
    assert {sheet.cell(at, 1).data_type for at in range(2, len(HOSTILE) + 2)} == {"s"}, "no formula"
    assert [row[1] for row in rows] == frame["beta_^GSPC"].tolist() and rows[0][2] is None
    assert [row[3].date() if row[3] else None for row in rows[:4]] == [date(2025, 4, 16), None, None, date(2024, 2, 29)]
    assert rows[0][4] == "1899-12-31", "a day that a sheet cannot count stays text"
    assert all(row[5] is None for row in rows) and [row[6] for row in rows] == frame["n"].tolist()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for name in archive.namelist():
            assert b"<f>" not in archive.read(name) and b"<f " not in archive.read(name)


def test_a_stata_file_read_back(frame: pd.DataFrame) -> None:
    long = frame.assign(text=[f"{text}{'x' * 3000}" for text in HOSTILE])
    data = sheets.stata_bytes(long)
    found = pd.read_stata(io.BytesIO(data))
    assert list(found.columns) == ["text", "beta__GSPC", "some", "day0", "old", "nothing", "n"]
    np.testing.assert_array_equal(found["beta__GSPC"], frame["beta_^GSPC"])
    assert np.isnan(found["some"][0]) and found["nothing"].isna().all() and found["n"].tolist() == frame["n"].tolist()
    assert [d.date() if d == d else None for d in found["day0"][:4]] == [
        date(2025, 4, 16),
        None,
        None,
        date(2024, 2, 29),
    ]
    assert found["old"][0].year == 1899 and found["text"][0].startswith("=1+1x")
    with pd.io.stata.StataReader(io.BytesIO(data)) as reader:
        assert reader.variable_labels()["beta__GSPC"] == "beta_^GSPC"
    empty = pd.read_stata(io.BytesIO(sheets.stata_bytes(frame[:0])))
    assert list(empty.columns) == list(found.columns) and empty.empty


def test_names_for_stata() -> None:
    made = sheets.stata_names(["a" * 40, "a" * 39 + "b", "2x", "A" * 32, "", "ok"])
    assert len({name.lower() for name in made}) == 6 and all(re.fullmatch(r"[A-Za-z_]\w{0,31}", name) for name in made)


def test_the_same_bytes_whatever_the_hour(frame: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    first = sheets.workbook_bytes({"t": frame}), sheets.stata_bytes(frame)
    import time

    real = time.localtime
    monkeypatch.setattr(time, "localtime", lambda *a: real(1e9))
    monkeypatch.setattr(time, "time", lambda: 1e9)
    assert (sheets.workbook_bytes({"t": frame}), sheets.stata_bytes(frame)) == first


def test_a_table_larger_than_a_sheet_is_refused(frame: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "MOST_ROWS", 5)
    with pytest.raises(UsageError, match="a sheet holds 4"):
        sheets.workbook_bytes({"t": frame})


@pytest.mark.slow
def test_a_run_and_a_regression(tmp_path: Path) -> None:
    import openpyxl

    copy_study(tmp_path)
    few = ("--event", "h20_license_8k", "--event", "deepseek_shock", "--tests", "ar-t", "--window", "0:0")
    done = run_in(tmp_path, "run", *few, "--formats", "csv,xlsx,dta", "--precision", "full")
    assert done.code == 0, done.err
    book = openpyxl.load_workbook(tmp_path / "reports" / "tables.xlsx", read_only=True)
    listed = {path.stem for path in (tmp_path / "reports").glob("*.csv")}
    assert set(book.sheetnames) == listed == {path.stem for path in (tmp_path / "reports").glob("*.dta")}
    text = pd.read_csv(tmp_path / "reports" / "windows.csv")
    rows = list(book["windows"].iter_rows(values_only=True))
    stata = pd.read_stata(tmp_path / "reports" / "windows.dta")
    at = rows[0].index("car")
    # the library writes sixteen digits
    np.testing.assert_allclose([row[at] for row in rows[1:]], text["car"], rtol=1e-15)
    np.testing.assert_array_equal(stata["car"], text["car"])
    assert str(stata["day0"][0].date()) == text["day0"][0]
    again = run_in(tmp_path, "run", *few, "--formats", "csv")
    assert again.code == 0 and not list((tmp_path / "reports").glob("*.dta")), "what the run before listed goes"
    done = run_in(tmp_path, "regress", "--formats", "xlsx,dta", *few[:4])
    assert done.code in (0, 2), done.err
    if done.code == 0:
        found = openpyxl.load_workbook(tmp_path / "reports" / "regression.xlsx")["regression"]
        read = pd.read_stata(tmp_path / "reports" / "regression.dta")
        assert found.max_row == len(read) + 1 > 1


def test_every_table_of_the_sample(sample: StudyResult) -> None:
    for name, table in sample.tables.items():
        found = pd.read_stata(io.BytesIO(sheets.stata_bytes(table.head(20))))
        assert len(found) == min(20, len(table)), name
