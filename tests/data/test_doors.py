"""One table through every door: a CSV file, a Parquet file and a frame give the same series, whatever holds its figures."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from eventstudy.data.calendar import load_calendar
from eventstudy.data.prices import PriceTable
from eventstudy.data.sources import open_source, source_from_frame
from eventstudy.spec import StudySpec
from eventstudy.study import run
from tests.conftest import module_needs

module_needs("scale")
import pyarrow as pa  # noqa: E402

DOORS = ("csv", "parquet", "frame")
DAYS = pd.bdate_range("2025-01-02", periods=40)
CLOSES = [round(float(value), 4) for value in 100 + np.cumsum(np.random.default_rng(7).normal(0, 1, len(DAYS)))]
START, END = date(2025, 1, 1), date(2025, 12, 31)


def fetched(folder: Path, door: str, table: pd.DataFrame, symbols: Sequence[str]) -> PriceTable:
    if door == "frame":
        return source_from_frame(table).fetch(symbols, START, END)
    path = folder / f"p.{door}"
    if door == "csv":
        table.to_csv(path, index=False)
    else:
        table.to_parquet(path)
    return open_source(StudySpec(source=f"{door}:{path}")).fetch(symbols, START, END)


def long(closes: Sequence[Any], names: Sequence[Any] | str = "ABC", heading: str = "ticker") -> pd.DataFrame:
    named = [names] * len(DAYS) if isinstance(names, str) else list(names)
    return pd.DataFrame({heading: named, "date": DAYS.strftime("%Y-%m-%d"), "close": closes})


HELD = {
    "decimals": lambda value: Decimal(str(value)),
    "texts": str,
    "objects": lambda value: np.float64(value),
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("held", HELD)
def test_figures_are_the_same_whatever_holds_them(tmp_path: Path, door: str, held: str, missing: bool) -> None:
    kept = [at for at in range(len(DAYS)) if not missing or at not in (0, 7, 8)]
    cells = [HELD[held](value) if at in kept else None for at, value in enumerate(CLOSES)]
    table = long(pd.Series(cells, dtype=object))
    table["volume"] = pd.Series([Decimal(1000 + at) for at in range(len(DAYS))], dtype=object)
    found = fetched(tmp_path, door, table, ["ABC"])
    assert not found.refused, found.refused
    series = found.series["ABC"]
    assert series.close.tolist() == [CLOSES[at] for at in kept]
    assert series.volume is not None and series.volume.tolist() == [1000.0 + at for at in kept]


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("first", [None, Decimal("NaN"), Decimal("101.5")])
def test_decimals_in_wide_tables(tmp_path: Path, door: str, first: Any) -> None:
    cells = [first, *(Decimal(str(value)) for value in CLOSES[1:])]
    table = pd.DataFrame({"date": DAYS, "ABC": cells, "XYZ": CLOSES})
    if door == "parquet":
        table["ABC"] = [None if cell is None or cell.is_nan() else cell for cell in cells]
    series = fetched(tmp_path, door, table, ["ABC", "XYZ"]).series
    whole = first is not None and not first.is_nan()
    assert series["ABC"].close.tolist() == ([101.5] if whole else []) + CLOSES[1:]
    assert series["XYZ"].close.tolist() == CLOSES


def test_frames_of_other_numbers_and_of_mixed_cells() -> None:
    for cells in (
        [Fraction(1, 2) + at for at in range(len(DAYS))],
        [Decimal("0.5") + at if at % 2 else float(at) + 0.5 for at in range(len(DAYS))],
        [Decimal("0.5") + at if at % 2 else f"{at}.5" for at in range(len(DAYS))],
        pd.Series([Decimal("0.5") + at for at in range(len(DAYS))]).astype(pd.ArrowDtype(pa.decimal128(10, 2))),
    ):
        table = long(pd.Series(cells)) if not isinstance(cells, pd.Series) else long(cells)
        found = source_from_frame(table).fetch(["ABC"], START, END)
        assert found.series["ABC"].close.tolist() == [at + 0.5 for at in range(len(DAYS))]
    two = pd.DataFrame({("Close", "ABC"): [Decimal(str(value)) for value in CLOSES]}, index=DAYS)
    assert source_from_frame(two).fetch(["ABC"], START, END).series["ABC"].close.tolist() == CLOSES


def test_a_study_of_decimals_is_that_of_floats() -> None:
    days = pd.DatetimeIndex(load_calendar("XNYS", date(2024, 1, 2), date(2025, 6, 30)).sessions)
    rng = np.random.default_rng(3)
    walks = {name: np.round(100 * np.exp(np.cumsum(rng.normal(0, 0.01, len(days)))), 4) for name in ("ABC", "SPY")}
    events = pd.DataFrame({"ticker": ["ABC"], "announced_at": ["2025-03-12"], "timing": ["dmh"]})
    cars = []
    for held in (float, lambda value: Decimal(str(value))):
        parts = [
            pd.DataFrame({"ticker": name, "date": days, "close": pd.Series([held(v) for v in walk], dtype=object)})
            for name, walk in walks.items()
        ]
        spec = StudySpec(estimation=120, tests=("ar-t",))
        cars.append(run(events, pd.concat(parts, ignore_index=True), spec).windows["car"].tolist())
    assert cars[0] == cars[1] and cars[0]


@pytest.mark.parametrize("cell", ["1,234", "soon", "12 USD", "-3"])
def test_texts_that_are_no_closes_are_refused_alike(tmp_path: Path, cell: str) -> None:
    table = long([*map(str, CLOSES[:5]), cell, *map(str, CLOSES[6:])])
    said = []
    for door in DOORS:
        found = fetched(tmp_path, door, table, ["ABC"])
        assert not found.series and cell.replace(",", "") in found.refused["ABC"].replace(",", ""), (door, found)
        said.append(found.refused["ABC"].rpartition(": ")[2])
    assert said[1] == said[2], "those without lines"


ALTERNATE = ["abc" if at % 2 else "ABC" for at in range(len(DAYS))]


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("names", [ALTERNATE, ["Abc", *["ABC"] * 39], ["abc"] * 20 + ["Abc"] * 20])
def test_tickers_that_differ_in_case_are_one_series_with_a_note(tmp_path: Path, door: str, names: list[str]) -> None:
    table = pd.concat([long(CLOSES, names), long(CLOSES[::-1], "XYZ")], ignore_index=True)
    found = fetched(tmp_path, door, table, ["ABC", "XYZ"]).series
    assert found["ABC"].close.tolist() == CLOSES and found["XYZ"].close.tolist() == CLOSES[::-1]
    assert "differ in case alone, are one series" in found["ABC"].provenance.notice
    assert all(name in found["ABC"].provenance.notice for name in set(names))
    assert "differ in case" not in found["XYZ"].provenance.notice


@pytest.mark.parametrize("door", DOORS)
def test_tickers_that_differ_in_case_on_one_day_are_refused(tmp_path: Path, door: str) -> None:
    table = pd.concat([long(CLOSES, "abc"), long(CLOSES[::-1], "ABC"), long(CLOSES, "XYZ")], ignore_index=True)
    found = fetched(tmp_path, door, table, ["ABC", "XYZ"])
    assert list(found.series) == ["XYZ"] and "the date is already in" in found.refused["ABC"]
    assert (
        "and 36 more problems" in found.refused["ABC"] or "ABC and abc are read as one ticker" in found.refused["ABC"]
    )


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("number", [10107, 10107.0, "10107"])
@pytest.mark.parametrize("heading", ["permno", "PERMNO", "tic"])
def test_permanent_numbers_name_the_series_of_a_long_table(
    tmp_path: Path, door: str, number: Any, heading: str
) -> None:
    table = pd.concat(
        [long(CLOSES, [number] * 40, heading), long(CLOSES[::-1], [type(number)("14593")] * 40, heading)],
        ignore_index=True,
    )
    found = fetched(tmp_path, door, table, ["10107", "14593"]).series
    assert found["10107"].close.tolist() == CLOSES and found["14593"].close.tolist() == CLOSES[::-1]


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("figure", ["close", "ret"])
@pytest.mark.parametrize("zone", ["+00:00", "+12:00"])
def test_rows_after_today_are_not_final(
    tmp_path: Path, door: str, figure: str, zone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    today = datetime.fromisoformat(f"2025-02-10T12:00:00{zone}").astimezone(UTC)
    monkeypatch.setattr("eventstudy.data.clock.utc_now", lambda: today)
    values = CLOSES if figure == "close" else [value / 10_000 - 0.0101 for value in CLOSES]
    table = long(values).rename(columns={"close": figure})
    table.loc[3, "date"] = "2052-01-07"
    series = fetched(tmp_path, door, table, ["ABC"]).series["ABC"]
    expected = [day for at, day in enumerate(DAYS) if day <= pd.Timestamp("2025-02-10") and at != 3]
    assert pd.DatetimeIndex(series.dates).tolist() == expected
    later = len(DAYS) - len(expected)
    assert f"{later} rows dated after today left out (2025-02-11, " in series.provenance.notice
    table.loc[4:, "date"] = table.loc[4:, "date"].str.replace("2025", "2024")
    alone = fetched(tmp_path, door, table, ["ABC"]).series["ABC"]
    assert "1 row dated after today left out (2052-01-07): no close is final yet" in alone.provenance.notice
    table["date"] = table["date"].str.replace("^20..", "2031", regex=True)
    nothing = fetched(tmp_path, door, table.drop(index=3), ["ABC"])
    assert not nothing.series and "no other row is left: correct the dates" in nothing.refused["ABC"]


def test_a_row_of_the_year_to_come_leaves_a_hole_that_is_told() -> None:
    """A year mistyped on the day before the event: the day is missing, the row is named."""
    days = pd.DatetimeIndex(load_calendar("XNYS", date(2024, 1, 2), date(2025, 6, 30)).sessions)
    rng = np.random.default_rng(3)
    parts = []
    for name in ("ABC", "SPY"):
        walk = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, len(days))))
        parts.append(pd.DataFrame({"ticker": name, "date": days.strftime("%Y-%m-%d"), "close": walk}))
    table = pd.concat(parts, ignore_index=True)
    table.loc[(table["ticker"] == "ABC") & (table["date"] == "2025-03-11"), "date"] = "2095-03-11"
    events = pd.DataFrame({"ticker": ["ABC"], "announced_at": ["2025-03-12"], "timing": ["dmh"]})
    result = run(events, table, StudySpec(estimation=120, tests=("ar-t",)))
    assert any("2095-03-11" in notice for notice in result.notices)
    assert result.windows["flags"].str.contains("missing_day").any()
