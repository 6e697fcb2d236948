"""CSV through Arrow and without it: the same bytes, held against Python's own csv module and ``repr``."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from eventstudy.report import csv_rows as module
from eventstudy.report.columns import COLUMNS, TEXTS, WHOLE
from eventstudy.report.csv_rows import CsvColumn, Whole, cell_text, csv_heading, csv_rows, csv_text
from eventstudy.report.escape import spreadsheet
from eventstudy.report.event_tables import Words

pytest.importorskip("pyarrow")

NUMBERS = [
    0.0, -0.0, 1.0, -1.0, 248.0, 1e-05, -1e-05, 9.9999999995e-05, 1e-06, 1e-07, 1e-300, 5e-324, 1e15, 1e16, -1e16, 1e22,
    1e300, 1.7976931348623157e308, 999999999999999.9, 0.1, 1 / 3, -2e-4 / 3, 123456.789, 2.0**53, 0.99999999999,
    float("inf"), float("-inf"), float("nan"),
]  # fmt: skip
TEXTS_OF_CELLS = [
    "", "NVDA", "a,b", 'say "so"', '"', "two\nlines", "a\rb", "=1+1", "+x", "-0.5", "-x", "@sum", "'", " space ", "é, ü",
    "[0,1]", "\x07bell", "a\tb", "日本",
]  # fmt: skip
number = st.one_of(st.sampled_from(NUMBERS), st.floats(width=64))
whole = st.one_of(st.integers(-(2**53), 2**53), st.none())
text = st.one_of(st.sampled_from(TEXTS_OF_CELLS), st.text(st.characters(exclude_categories=["Cs"]), max_size=12))


def expected(cells: list[list[str]]) -> bytes:
    """What the csv module writes."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(zip(*cells, strict=True))
    return out.getvalue().encode()


def decimal_cell(value: float, digits: int | None) -> str:
    """A number as Python's own formatting rounds and writes it."""
    if value != value:
        return ""
    return repr(value if digits is None else float(f"{value:.{digits}g}"))


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[CsvColumn], list[list[str]], int, int | None]:
    """Columns, the cells they should become, the number of rows, and digits."""
    n, digits = draw(st.integers(1, 12)), draw(st.sampled_from([None, 10, 10, 6, 15]))
    columns: list[CsvColumn] = []
    cells: list[list[str]] = []
    for kind in draw(
        st.lists(st.sampled_from(["decimal", "whole", "words", "text", "nothing"]), min_size=1, max_size=6)
    ):
        if kind == "decimal":
            values = draw(st.lists(number, min_size=n, max_size=n))
            columns.append(np.array(values))
            cells.append([decimal_cell(value, digits) for value in values])
        elif kind == "whole":
            counts = draw(st.lists(whole, min_size=n, max_size=n))
            columns.append(Whole(np.array([np.nan if value is None else float(value) for value in counts])))
            cells.append(["" if value is None else str(value) for value in counts])
        elif kind == "words":
            known = draw(st.lists(text, min_size=1, max_size=20))
            codes = draw(st.lists(st.integers(0, len(known) - 1), min_size=n, max_size=n))
            columns.append(Words(np.array(codes), known))
            cells.append([spreadsheet(known[code]) for code in codes])
        elif kind == "text":
            made = list(map(spreadsheet, draw(st.lists(text, min_size=n, max_size=n))))
            columns.append(list(made))
            cells.append(made)
        else:
            columns.append(None)
            cells.append([""] * n)
    return columns, cells, n, digits


@settings(max_examples=400, deadline=None)
@given(tables())
@example(([np.array(NUMBERS)], [[decimal_cell(value, None) for value in NUMBERS]], len(NUMBERS), None))
@example(([np.array(NUMBERS), None], [[decimal_cell(v, 10) for v in NUMBERS], [""] * len(NUMBERS)], len(NUMBERS), 10))
def test_arrow_python_and_the_csv_module_write_the_same_bytes(
    table: tuple[list[CsvColumn], list[list[str]], int, int | None],
) -> None:
    columns, cells, n, digits = table
    without = module._rows_by_python(columns, n, digits)
    assert module._rows_by_arrow(columns, n, digits) == without == expected(cells)
    assert list(csv.reader(io.StringIO(without.decode(), newline=""))) == [
        list(row) for row in zip(*cells, strict=True)
    ]


def windows(n: int) -> dict[str, Any]:
    """A large table of the contract's columns, with gaps, whole numbers in float columns and tiny p values."""
    rng = np.random.default_rng(5)
    columns: dict[str, Any] = {}
    for at, name in enumerate(COLUMNS["windows"]):
        if name in TEXTS:
            columns[name] = Words(rng.integers(0, len(TEXTS_OF_CELLS), n), TEXTS_OF_CELLS)
        elif name in WHOLE:
            columns[name] = Whole(np.where(rng.random(n) < 0.2, np.nan, rng.integers(0, 300, n)))
        else:
            values = rng.standard_normal(n) * 10.0 ** rng.integers(-9, 3, n)
            values[rng.random(n) < 0.1] = np.nan
            columns[name] = None if at % 7 == 0 else np.rint(values) if at % 5 == 0 else values
    return columns


@pytest.mark.parametrize("digits", [10, None])
def test_a_large_block_takes_arrow_and_keeps_its_bytes(digits: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    n, taken = 3000, []
    columns = list(windows(n).values())
    by_arrow = module._rows_by_arrow
    monkeypatch.setattr(module, "_rows_by_arrow", lambda *table: taken.append(True) or by_arrow(*table))
    with_arrow = csv_rows(columns, n, digits)
    assert taken == [True]
    monkeypatch.setattr(module, "_arrow_serves", lambda: False)
    assert csv_rows(columns, n, digits) == with_arrow
    assert taken == [True]
    # line breaks inside text have become blanks
    assert with_arrow.count(b"\n") == n


def test_a_frame_and_its_columns_are_the_same_text() -> None:
    n = 50
    columns = windows(n)
    frame = pd.DataFrame(
        {
            name: column.cells() if isinstance(column, Words)
            else [None if v != v else int(v) for v in column.values.tolist()] if isinstance(column, Whole)
            else np.full(n, np.nan) if column is None else column
            for name, column in columns.items()
        },
        dtype=object,
    )  # fmt: skip
    for name, column in columns.items():
        if isinstance(column, np.ndarray):
            frame[name] = column
    assert csv_text(frame, 10).encode() == csv_heading(columns) + csv_rows(list(columns.values()), n, 10)


def test_no_decimal_has_more_digits_than_asked_for() -> None:
    n = 4000
    rng = np.random.default_rng(1)
    text = csv_rows([rng.standard_normal(n) * 10.0 ** rng.integers(-30, 30, n) for _ in range(8)], n, 10).decode()
    cells = re.split("[,\n]", text.strip())
    assert len(cells) == 8 * n
    for cell in cells:
        mantissa = cell.lstrip("-").partition("e")[0].replace(".", "").strip("0")
        assert 0 < len(mantissa) <= 10, cell


def test_a_table_without_rows_is_its_heading() -> None:
    assert csv_text(pd.DataFrame({"a": [], "b,c": []}), 10) == 'a,"b,c"\n'
    assert csv_rows([None, np.array([])], 0, 10) == b""


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (None, ""), (float("nan"), ""), (1, "1"), (1.0, "1.0"), (1 / 3, "0.3333333333"), (np.float64(2 / 3), "0.6666666667"),
        ("=1", "'=1"), ("3;211", "3;211"), (True, "1"), (1e-5, "1e-05"),
    ],
)  # fmt: skip
def test_a_cell(value: object, cell: str) -> None:
    assert cell_text(value, 10) == cell


@pytest.mark.parametrize(
    ("installed", "written", "serves"), [(True, "1", True), (True, "1.0", False), (False, "1", False)]
)
def test_arrow_serves_where_it_writes_numbers_as_known(
    installed: bool, written: str, serves: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "has_pyarrow", lambda: installed)
    monkeypatch.setattr(module, "_PROBE", {**module._PROBE, 1.0: written})
    module._arrow_serves.cache_clear()
    assert module._arrow_serves() is serves
    module._arrow_serves.cache_clear()
