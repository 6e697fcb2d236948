"""What the fuzzers found in readers, each as a sentence."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from eventstudy.cli.console import printable
from eventstudy.cli.settings import resolve, study_spec
from eventstudy.data.claims import parse_claim
from eventstudy.data.dates import parse_when
from eventstudy.data.events import events_from_frame, read_events
from eventstudy.data.factors import read_factors
from eventstudy.data.files import read_prices
from eventstudy.errors import EventStudyError, InputFileError, UsageError
from eventstudy.evaluate.claims import verdict
from eventstudy.review.account import page, text
from eventstudy.review.difference import difference
from eventstudy.review.folder import read_folder
from eventstudy.review.gate import hold, mean
from eventstudy.spec import StudySpec, Window
from tests.cli.conftest import run_in
from tests.review.reports import MANIFEST, make

NOW = datetime(2025, 7, 10, 12, tzinfo=UTC)


def saved(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


# ---- tables


@pytest.mark.parametrize("name", ["line", "instant", "date"])
def test_a_column_of_the_file_never_replaces_one_that_was_read(tmp_path: Path, name: str) -> None:
    path = saved(tmp_path, "events.csv", f"ticker,announced_at,{name}\nNVDA,2025-04-15,2001-01-01\n")
    with pytest.raises(InputFileError, match=f"{name}.*rename"):
        read_events(path)
    read_events(saved(tmp_path, "other.csv", f"ticker,announced_at,{name}s\nNVDA,2025-04-15,2001-01-01\n"))


def test_ids_made_of_two_tickers_that_would_be_one_file(tmp_path: Path) -> None:
    rows = "ticker,announced_at\nA=B,2025-04-15\nA_B,2025-04-15\n"
    with pytest.raises(InputFileError, match=r"line 3.*A=B in line 2.*event_id"):
        read_events(saved(tmp_path, "events.csv", rows))
    apart = "ticker,announced_at\nA=B,2025-04-15\nA_B,2025-04-16\nA=B,2025-04-17\n"
    assert len(read_events(saved(tmp_path, "events.csv", apart)).frame()) == 3


def test_tickers_of_one_announcement_that_differ_in_case(tmp_path: Path) -> None:
    rows = "event_id,ticker,announced_at\nx,brk,2025-04-15\nx,BRK,2025-04-15\n"
    with pytest.raises(InputFileError, match=r"line 3.*only in case from brk in line 2"):
        read_events(saved(tmp_path, "events.csv", rows))


def test_frames_that_no_file_could_hold() -> None:
    with pytest.raises(InputFileError, match="twice"):
        events_from_frame(pd.DataFrame([["NVDA", "2025-04-15", "x"]], columns=["ticker", "announced_at", "ticker"]))
    torn = pd.DataFrame(
        {"ticker": ["A"], "announced_at": ["2025-04-15"], "title": pd.Series(["a\ud800"], dtype=object)}
    )
    with pytest.raises(InputFileError, match=r"title.*surrogate"):
        events_from_frame(torn)
    missing = pd.DataFrame({"ticker": ["A"], "announced_at": ["2025-04-15"], "title": [pd.NA]})
    assert events_from_frame(missing).frame()["title"].tolist() == [""]


@pytest.mark.parametrize(
    "text_", ["now", "today", "NaT", "", "2020", "2020-01", "99999999999-01-01", "-500-01-01", "0001-01-01"]
)
def test_a_factor_of_no_day(tmp_path: Path, text_: str) -> None:
    """NumPy reads `today` as the day of the run, nothing as no time at all and 20250415 as a year."""
    with pytest.raises(InputFileError, match=r"line 2.*date"):
        read_factors(saved(tmp_path, "f.csv", f"date,rf\n{text_},0.1\n"))


def test_days_of_daily_figures(tmp_path: Path) -> None:
    rows = "20250415,0.1\n20250416,0.2\n20250417,0.3\n"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        factors = read_factors(saved(tmp_path, "f.csv", "date,rf\n" + rows))
    prices = read_prices(saved(tmp_path, "A.csv", "Date,Close\n" + rows), "A")
    assert factors.dates.tolist() == prices.dates.tolist() == [date(2025, 4, day) for day in (15, 16, 17)]
    for word in ("2025-W16-3", "0001-01-01", "9999-12-31"):
        with pytest.raises(InputFileError, match="line 2"):
            read_prices(saved(tmp_path, "A.csv", f"Date,Close\n{word},1\n"), "A")


@pytest.mark.parametrize("text_", ["1_000", "１２", "٣", "infinity", "-nan", "0x10", "1e", "."])
def test_what_python_takes_for_a_number_and_a_table_does_not(tmp_path: Path, text_: str) -> None:
    with pytest.raises(InputFileError, match="not a number"):
        read_prices(saved(tmp_path, "A.csv", f"Date,Close\n2025-04-15,{text_}\n"), "A")
    with pytest.raises(InputFileError, match="not a number"):
        read_factors(saved(tmp_path, "f.csv", f"date,rf\n2025-04-15,{text_}\n"))
    with pytest.raises(UsageError):
        StudySpec(shares=(f"A={text_}",)).outstanding  # noqa: B018
    with pytest.raises(ValueError, match="not a claim"):
        parse_claim(text_)


def test_claims_of_more_digits_than_decimal_arithmetic_has_by_itself() -> None:
    claim = parse_claim("0." + "0" * 5 + "1" * 40)
    assert verdict(claim, 0.5) == "differs" and verdict(claim, claim.value or 0.0) == "agrees"
    assert verdict(parse_claim("0.5"), 1e300) == "differs"
    for text_ in ("9" * 5000, "-" + "9" * 400, "9" * 400 + "%"):
        with pytest.raises(ValueError, match="not a claim"):
            parse_claim(text_)


def test_other_scripts_are_no_digits() -> None:
    with pytest.raises(ValueError, match="not a date"):
        parse_when("٢٠٢٥-٠١-٠١")
    with pytest.raises(UsageError):
        Window.parse("-٩:٩")
    with pytest.raises(ValueError, match="write YYYY-MM-DD"):
        parse_when("00/00/0000")
    with pytest.raises(ValueError, match=r"write 2025-01-31$"):
        parse_when("31/01/2025")


# ---- configuration

BROKEN = {
    "level = " + "9" * 5000: "digits",
    "level = 0x" + "f" * 5000: "18 digits",
    "level = [[0x" + "f" * 5000 + "]]": "18 digits",
    "x = " + "[" * 100_000: "TOML",
    'out = "\\u0000"': "NUL",
    "max_age = inf": "not a number",
    "max_age = 1e300": "max-age",
    'estimation = "2_5_0"': "not a number",
    'estimation = "٢٥٠"': "not a number",
    'level = "' + "x" * 100_000 + '"': "not a number",
    '"a\\n::error::x" = 1': "unknown key",
}


@pytest.mark.parametrize("content", BROKEN, ids=[f"{n}" for n in range(len(BROKEN))])
def test_a_configuration_that_broke_its_reader(tmp_path: Path, content: str) -> None:
    with pytest.raises(EventStudyError, match=BROKEN[content]) as caught:
        study_spec(resolve({}, saved(tmp_path, "eventstudy.toml", content)))
    said = str(caught.value)
    assert len(said) < 2000 and not any(row.lstrip().startswith("::") for row in said.splitlines())


def test_a_configuration_named_by_no_path() -> None:
    with pytest.raises(InputFileError):
        resolve({}, Path("a\0b"))


# ---- report folders of somebody else


def edited(key: str, content: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        document = json.loads((folder / "manifest.json").read_text())
        saved(folder, "manifest.json", json.dumps({**document, key: content}))

    return change


def raw(name: str, content: str | bytes) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        if name == "windows.csv":
            (folder / "manifest.json").unlink()
        saved(folder, name, content)

    return change


def deep(n: int) -> Any:
    found: Any = 1
    for _ in range(n):
        found = [found]
    return found


HEAD = "event_id,ticker,window,primary,car\n"
HOSTILE: dict[str, Callable[[Path], None]] = {
    "a count of 400 digits": edited("counts", {"excluded": int("9" * 400)}),
    "a negative count": edited("counts", {"studied": -1}),
    "a count that is text": edited("counts", {"read": "many"}),
    "series that are numbers": edited("series", [1, 2]),
    "a benchmark that is a number": edited("spec", {"benchmarks": 5}),
    "settings nested 450 deep": edited("spec", {"x": deep(450)}),
    "an engine nested 450 deep": edited("engine", deep(450)),
    "versions that are lists": edited("versions", {"numpy": [1]}),
    "hashes that are numbers": edited("files", {"windows.csv": 5}),
    "a hundred thousand brackets": raw("manifest.json", "[" * 100_000),
    "a key twice": raw("manifest.json", '{"schema_version": 1, "schema_version": 1}'),
    "NaN": raw("manifest.json", '{"schema_version": 1, "spec": {"level": NaN}}'),
    "an integer of 5,000 digits": raw("results.json", f'{{"schema_version": 1, "counts": {{"read": {"9" * 5000}}}}}'),
    "a list": raw("results.json", "[]"),
    "tables of lists": raw("results.json", '{"schema_version": 1, "tables": {"windows": [[1]]}}'),
    "cells that are lists": raw("results.json", '{"schema_version": 1, "tables": {"windows": [{"car": [1]}]}}'),
    "a name that opens a command": raw("results.json", '{"schema_version": 1, "tables": {"\\n::error::x": 1}}'),
    "a column twice": raw("windows.csv", 'event_id,ticker,window,primary,car,car\na,A,"[0,0]",yes,1,2\n'),
    "a heading that opens a command": raw("windows.csv", HEAD.replace("car", '"car\n::error::x"') + 'a,A,"[0,0]",yes,x\n'),
    "a number with an underscore": raw("windows.csv", HEAD + 'a,A,"[0,0]",yes,1_0\n'),
    "a quote that does not end": raw("windows.csv", HEAD + '"a,A'),
    "bytes": raw("manifest.json", b"\xff\xfe\x00"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_report_of_somebody_else(tmp_path: Path, name: str) -> None:
    folder, plain = make(tmp_path / "r"), make(tmp_path / "plain")
    HOSTILE[name](folder)
    for read in (
        lambda: hold(read_folder(folder), ["mean(car) > 0", "excluded > 0", "data_age_days > 1"], NOW),
        lambda: difference(read_folder(plain), read_folder(folder)),
    ):
        with pytest.raises(EventStudyError) as caught:
            read()
        said = str(caught.value)
        assert str(folder) in said or "--fail-if" in said
        assert len(said) < 2000 and not any(row.lstrip().startswith("::") for row in said.splitlines())


def test_names_that_a_manifest_lists_are_looked_for_inside_the_folder_alone(tmp_path: Path) -> None:
    folder, plain = make(tmp_path / "r"), make(tmp_path / "plain")
    secret = saved(tmp_path, "secret", "x")
    names = ["a" * 5000, "a\0b", "../secret", str(secret), "events/../../secret", "/dev/zero"]
    import hashlib

    edited("files", dict.fromkeys(names, hashlib.sha256(b"x").hexdigest()))(folder)
    read = read_folder(folder)
    assert not any(read.is_as_written(name) for name in names)
    assert text(page(read_folder(plain), read, difference(read_folder(plain), read), 20))


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    folder = make(tmp_path / "r")
    (folder / "manifest.json").unlink()
    (folder / "manifest.json").mkdir()
    with pytest.raises(InputFileError, match="not a file"):
        read_folder(folder)
    if hasattr(os, "mkfifo"):
        (folder / "manifest.json").rmdir()
        os.mkfifo(folder / "manifest.json")
        with pytest.raises(InputFileError, match="not a file"):
            read_folder(folder)


def test_megabytes_in_a_manifest_fill_no_terminal(tmp_path: Path) -> None:
    folder, plain = make(tmp_path / "r"), make(tmp_path / "plain")
    edited("spec", {**MANIFEST["spec"], "x": "y" * 3_000_000, "z" * 1_000_000: 1})(folder)
    edited("written_at", "w" * 1_000_000)(folder)
    before, after = read_folder(plain), read_folder(folder)
    assert len(text(page(before, after, difference(before, after), 20))) < 20_000


def test_a_mean_of_numbers_whose_sum_no_float_holds(tmp_path: Path) -> None:
    rows = "".join(
        f'{name},A,"[0,0]",yes,{car}\n' for name, car in zip("abc", ("1.7e308", "1.7e308", "1.7e308"), strict=True)
    )
    folder = make(tmp_path / "r", manifest=None, windows=HEAD + rows)
    (verdict_,) = hold(read_folder(folder), ["mean(car) > 1e308"], NOW)
    assert verdict_.tripped and mean([1.7e308, -1.7e308]) == 0.0 and mean([1.0, 2.0]) == 1.5


def test_cells_that_our_own_run_may_write_can_be_read_back(tmp_path: Path) -> None:
    rows = f'a,A,"[0,0]",yes,1,{"c" * 500_000}\n'
    folder = make(tmp_path / "r", manifest=None, windows=HEAD.replace("car", "car,category") + rows)
    (found,) = hold(read_folder(folder), ["car > 0"], NOW)
    assert found.tripped


# ---- logs of CI runs


def test_no_text_becomes_a_command_of_a_log() -> None:
    for text_ in ("::error::x", "a\n  ::add-mask::x", "x ##[error]y", "\r::stop-commands::x", "a\u2028::error::x"):
        for row in printable(text_).split("\n"):
            assert not row.lstrip().startswith("::") and "##[" not in row


@pytest.mark.parametrize("output", ["text", "github"])
def test_names_in_a_gate(tmp_path: Path, output: str) -> None:
    hostile = '"a\n::error::x\n##[warning]y%0A::error::z"'
    make(tmp_path / "r", manifest=None, windows=HEAD + f'{hostile},"A\r\nTRUE  b","[0,0]",yes,1\n')
    done = run_in(tmp_path, "check", "r", "--fail-if", "car > 0", "--output-format", output)
    assert done.code == 5, done.err
    commands = [row for row in (done.out + done.err).splitlines() if row.lstrip().startswith("::") or "##[" in row]
    assert len(commands) == (output == "github") and all(row.startswith("::error ") for row in commands)
    assert sum(row.startswith("TRUE") for row in done.out.splitlines()) == (output == "text")


def test_numbers_are_those_of_the_file(tmp_path: Path) -> None:
    frame = read_events(saved(tmp_path, "e.csv", "ticker,announced_at,size\nNVDA,2025-04-15,1_0\n")).frame()
    assert frame["size"].tolist() == ["1_0"], "extra columns stay text"
    assert np.isfinite(parse_claim("-0.0687").value or 0)
