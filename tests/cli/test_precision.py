"""`--precision`: how many digits files hold, what holds them all, and how `diff` compares reports of different precision."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eventstudy.errors import UsageError
from eventstudy.report.figures.svg import read_metadata
from eventstudy.review.tables import same
from eventstudy.spec import StudySpec
from tests.cli.conftest import Outcome, copy_study, run_in

STUDY = ("--event", "h20_license_8k", "--window", "0:0", "--window", "-1:1")
FORMATS = ("--formats", "md,csv,json,parquet")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One study written with ten digits, with six, and in full."""
    found = tmp_path_factory.mktemp("precision")
    copy_study(found)
    for name, choice in (("ten", ()), ("six", ("--precision", "6")), ("full", ("--precision", "full"))):
        outcome = run_in(found, "run", *STUDY, *FORMATS, *choice, "-o", name)
        assert outcome.code == 0, outcome.err
    return found


def cells(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.reader(handle))


def each(a: Any, b: Any, check: Callable[[Any, Any], None]) -> int:
    """Call ``check`` with every number of two JSON values of one form; how many there were."""
    if isinstance(a, dict):
        assert list(a) == list(b)
        return sum(each(a[key], b[key], check) for key in a)
    if isinstance(a, list):
        return sum(each(x, y, check) for x, y in zip(a, b, strict=True))
    if isinstance(a, float):
        check(a, b)
        return 1
    assert a == b
    return 0


@pytest.mark.parametrize(("name", "digits"), [("ten", 10), ("six", 6)])
def test_tables_hold_the_digits_asked_for(folder: Path, name: str, digits: int) -> None:
    shortened = 0
    for path in sorted((folder / "full").glob("*.csv")):
        for wanted, found in zip(cells(path), cells(folder / name / path.name), strict=True):
            for full, short in zip(wanted, found, strict=True):
                if re.fullmatch(r"-?\d+\.\d+(e[+-]\d+)?|-?\d+e[+-]\d+", full):
                    assert short == repr(float(f"{float(full):.{digits}g}"))
                    shortened += full != short
                else:
                    assert short == full
    assert shortened > 300


def test_results_and_figures_have_the_numbers_of_the_tables(folder: Path) -> None:
    def rounded(full: float, short: float) -> None:
        assert short == float(f"{full:.10g}")

    full, ten = (json.loads((folder / name / "results.json").read_text(encoding="utf-8")) for name in ("full", "ten"))
    assert full["spec"].pop("precision") == "full" and ten["spec"].pop("precision") == "10"
    assert each(full, ten, rounded) > 300
    drawn = sorted((folder / "full" / "figures").glob("*.svg"))
    assert drawn
    for path in drawn:
        texts = [(folder / name / "figures" / path.name).read_text(encoding="utf-8") for name in ("full", "ten")]
        assert each(*map(read_metadata, texts), rounded) > 0


def test_parquet_and_the_study_have_full_precision(folder: Path) -> None:
    pytest.importorskip("pyarrow")
    for path in sorted((folder / "full").glob("*.parquet")):
        assert path.read_bytes() == (folder / "six" / path.name).read_bytes()
    said = [
        json.loads((folder / name / "manifest.json").read_text(encoding="utf-8")) for name in ("ten", "six", "full")
    ]
    assert [manifest["spec"]["precision"] for manifest in said] == ["10", "6", "full"]
    assert len({manifest["spec_sha256"] for manifest in said}) == 1


@pytest.mark.parametrize(
    ("a", "b", "within"),
    [
        ("full", "ten", "1e-9 relative"),
        ("six", "full", "one unit of the last of 6 digits"),
        ("ten", "six", "one unit of the last of 6 digits"),
    ],
)
@pytest.mark.parametrize("manifest", [True, False], ids=["manifest", "results"])
def test_reports_of_different_precision_agree(
    folder: Path, tmp_path: Path, a: str, b: str, within: str, manifest: bool
) -> None:
    for name in (a, b):
        for path in (folder / name).glob("*.*"):
            if manifest or path.name != "manifest.json":
                (tmp_path / name).mkdir(exist_ok=True)
                (tmp_path / name / path.name).write_bytes(path.read_bytes())
    found = json.loads(run_in(tmp_path, "diff", a, b, "--json").out)
    assert found["same_numbers"] and not found["effects"] and not found["claims"] and not found["prices"]
    assert within in found["verdict"]
    precision = {"full": "full", "ten": "10", "six": "6"}
    assert found["settings"] == [{"name": "--precision", "before": precision[a], "after": precision[b]}]


@pytest.mark.parametrize(
    ("other", "change", "seen"), [("full", 3e-5, True), ("full", 1e-7, False), ("ten", 4e-9, True)]
)
def test_a_changed_number_is_found_at_the_coarser_precision(
    folder: Path, tmp_path: Path, other: str, change: float, seen: bool
) -> None:
    first, second = ("six", "full") if other == "full" else ("full", "ten")
    for name in (first, second):
        (tmp_path / name).mkdir()
        for path in (folder / name).glob("*.*"):
            (tmp_path / name / path.name).write_bytes(path.read_bytes())
    path = tmp_path / second / "models.csv"
    rows = cells(path)
    at = rows[0].index("sigma")
    rows[1][at] = repr(float(rows[1][at]) * (1 + change))
    with path.open("w", encoding="utf-8", newline="") as handle:
        csv.writer(handle, lineterminator="\n").writerows(rows)
    tables = json.loads(run_in(tmp_path, "diff", first, second, "--json").out)["tables"]
    assert [(table["table"], table["columns"]) for table in tables] == ([("models", ["sigma"])] if seen else [])


@pytest.mark.parametrize(
    ("a", "b", "digits", "agree"),
    [
        (1.0, 1.000000001, 10, True),  # one unit of the tenth digit
        (1.0, 1.000000002, 10, False),
        (9.999999999, 10.0, 10, True),
        (0.123456, 0.123457, 6, True),
        (0.123456, 0.123458, 6, False),
        (0.12345649, 0.123457, 6, True),
        (-0.05, 0.05, 6, False),
        (0.0, 1e-5, 6, False),
        (0.0, 1e-13, 6, True),
        (1.0, 1.000000002, None, False),
        (1.0, 1.0 + 1e-10, None, True),
        (1.0, None, 6, False),
        (None, None, 6, True),
        ("a", "b", 6, False),
    ],
)
def test_cells_agree_to_the_last_digit_of_the_coarser(a: Any, b: Any, digits: int | None, agree: bool) -> None:
    assert same(a, b, digits) is agree
    assert same(b, a, digits) is agree


@pytest.mark.parametrize("value", ["5", "16", "0", "-1", "ten", "10.0"])
def test_another_precision_is_refused(tmp_path: Path, value: str) -> None:
    copy_study(tmp_path)
    outcome = run_in(tmp_path, "run", f"--precision={value}")
    assert outcome.code == 2 and "6 to 15 significant digits, or full" in outcome.err
    assert not (tmp_path / "reports").exists()


def at_most(digits: int, text: str) -> None:
    """Every decimal of a CSV or JSON text has at most so many significant digits."""
    found = re.findall(r"(?<![\w.\"-])-?(\d+\.\d+)(?:e[+-]?\d+)?(?![\w.])", text)
    assert found
    for number in found:
        assert len(number.replace(".", "").strip("0")) <= digits, number


WRITTEN = {
    "regress": ("regression.csv",),
    "backtest": ("backtest.csv", "trades.csv"),
    "event": ("windows.csv", "models.csv", "abnormal_returns.csv", "results.json"),
}


def test_other_commands_write_the_same_digits(tmp_path: Path) -> None:
    copy_study(tmp_path)
    commands: tuple[tuple[str, ...], ...] = (
        ("regress", "--formats", "csv", "--json"),
        ("backtest", "--placebos", "0", "--formats", "csv,md", "--json"),
        ("event", "h20_license_8k", "--tests", "car-t", "--save", "--formats", "csv,json", "--json"),
    )
    for command in commands:
        outcome: Outcome = run_in(tmp_path, *command, "-o", command[0])
        assert outcome.code == 0, outcome.err
        at_most(10, outcome.out)
        for name in WRITTEN[command[0]]:
            at_most(10, (tmp_path / command[0] / name).read_text(encoding="utf-8"))
    svg = (tmp_path / "backtest" / "figures" / "equity.svg").read_text(encoding="utf-8")
    at_most(10, json.dumps(read_metadata(svg)))


def test_the_configuration_file_takes_a_number(tmp_path: Path) -> None:
    copy_study(tmp_path)
    path = tmp_path / "eventstudy.toml"
    path.write_text(path.read_text(encoding="utf-8") + "\nprecision = 12\n", encoding="utf-8")
    outcome = run_in(tmp_path, "run", "--event", "h20_license_8k", "--tests", "car-t", "--formats", "csv")
    assert outcome.code == 0, outcome.err
    rows = cells(tmp_path / "reports" / "windows.csv")
    cars = [row[rows[0].index("car")] for row in rows[1:]]
    digits = [car.partition("e")[0].replace(".", "").lstrip("-0") for car in cars]
    assert max(map(len, digits)) == 12
    assert np.isfinite([float(car) for car in cars]).all()


def test_python_may_name_a_number() -> None:
    assert StudySpec(precision=12) == StudySpec(precision="12")
    assert [StudySpec(precision=text).digits for text in ("6", "10", "15", "full")] == [6, 10, 15, None]
    with pytest.raises(UsageError, match="precision '3' is unknown"):
        StudySpec(precision=3)
