"""`eventstudy event`, `eventstudy validate` and the front door."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from eventstudy.report.format import p_value, percent
from tests.cli.conftest import Cli, Outcome, clean_environment, copy_study, run_in
from tests.conftest import needs


def primary(full_run: Outcome, event_id: str, ticker: str) -> pd.Series:
    windows = pd.read_csv(full_run.folder / "reports" / "windows.csv")
    rows = windows[(windows["event_id"] == event_id) & (windows["ticker"] == ticker) & (windows["primary"] == "yes")]
    return rows.iloc[0]


def test_an_announcement_of_the_file_has_the_numbers_of_run(full_run: Outcome, tmp_path: Path) -> None:
    copy_study(tmp_path)
    outcome = run_in(tmp_path, "event", "h20_license_8k", "--ticker", "NVDA")
    assert outcome.code == 0, outcome.err
    row = primary(full_run, "h20_license_8k", "NVDA")
    line = next(text for text in outcome.out.splitlines() if text.startswith("  whole day"))
    cells = re.split(r"\s{2,}", line.strip())
    assert cells[:2] == ["whole day", "-6.87 %"] and cells[3] == percent(row["car"])
    low, high = (100 * row[name] for name in ("headline_low", "headline_high"))
    assert cells[4] == f"{low:+.1f} to {high:+.1f} %" and float(cells[5]) == pytest.approx(row["p_headline"], abs=0.005)
    assert "AMD" not in outcome.out.split("\n")[0]
    assert "The number is right: -6.87 %" in " ".join(outcome.out.split())
    every = run_in(tmp_path, "event", "h20_license_8k", "--ticker", "NVDA", "-v")
    told = " ".join(every.out.partition("*[0,0]")[2].split())
    for name in ("p_t", "p_t_ar1", "p_local", "p_sq", "p_conformal", "p_placebo"):
        assert p_value(row[name]) in told
    assert outcome.listing() == {"events.csv", "confounders.csv", "eventstudy.toml"}, "nothing is saved unasked"


def test_an_ad_hoc_event_uses_the_catalogue_of_the_folder(full_run: Outcome, tmp_path: Path) -> None:
    copy_study(tmp_path)
    arguments = ("event", "NVDA", "2025-04-15", "--timing", "amc", "--claim", "-0.07")
    outcome = run_in(tmp_path, *arguments, "--json")
    assert outcome.code == 0, outcome.err
    assert "masks from the announcements in events.csv" in outcome.err
    found = json.loads(outcome.out)
    row = primary(full_run, "h20_license_8k", "NVDA")
    (own,) = found["primary"]
    assert own["car"] == pytest.approx(row["car"], rel=1e-12)
    assert own["p_t"] == pytest.approx(row["p_t"], rel=1e-9)
    assert found["claims"][0]["verdict"] == "agrees"
    for name in ("p_headline", "headline_low", "headline_high"):
        assert own[name] == pytest.approx(row[name], rel=1e-9), name
    text = " ".join(run_in(tmp_path, *arguments).out.split())
    assert "On this session there was also: NVIDIA 8-K: H20 licence requirement" in text and "Which of" not in text


def test_other_announcements_of_the_session_are_named(tmp_path: Path) -> None:
    """AMD's own filing of the same session is in the file, though one announcement is asked for alone."""
    copy_study(tmp_path)
    text = " ".join(run_in(tmp_path, "event", "h20_license_8k", "--ticker", "AMD").out.split())
    assert "Which of the three announcements did it" in text and "AMD 8-K: MI308 licence requirement" in text
    # a catalogued item that is an announcement of the file already is named once
    assert run_in(tmp_path, "event", "h20_license_8k", "--ticker", "ASML").out.count("ASML Q1 2025 results") == 1
    placebo = run_in(tmp_path, "event", "huang_china_jan2024").out
    assert "Which of the" not in placebo and "On this session there was also" not in placebo


def test_a_one_sided_study_says_nothing_of_the_other_side(tmp_path: Path) -> None:
    """A fall is not called ordinary by tests that look for rises."""
    copy_study(tmp_path)
    text = " ".join(
        run_in(tmp_path, "event", "deepseek_shock", "--ticker", "NVDA", "--alternative", "greater").out.split()
    )
    assert "That is not unusually high; none of 64 variants calls it unusually high." in text
    assert "Tests look for own moves above zero only; one below zero is not tested." in text
    assert "could be" not in text and "went as far" not in text


def test_an_ad_hoc_event_needs_no_file_and_can_be_saved(cli: Cli, tmp_path: Path) -> None:
    outcome = cli("event", "NVDA", "2025-04-15", "--timing", "amc", "--claim", "-0.07", "--save", "--summary")
    assert outcome.code == 0, outcome.err
    assert "NVDA-2025-04-15" in outcome.out and "Adj. R-squared" in outcome.out
    assert "reports/events/NVDA-2025-04-15.md" in outcome.listing()
    assert "reports/figures/car-NVDA-2025-04-15.svg" in outcome.listing()


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (("event", "h20_licence_8k"), 2, "did you mean h20_license_8k"),
        (("event", "NVDA", "15.4.2025"), 2, "2025-04-15"),
        (("event", "NVDA", "2025-04-15", "--timing", "late"), 2, "timing"),
        (("event", "NVDA", "2025-04-15", "--claim", "7%"), 2, "0.07"),
        (("event", "h20_license_8k", "--ticker", "TSM"), 2, "NVDA, AMD, ASML"),
        (("event", "h20_license_8k", "--timing", "amc"), 2, "ad hoc"),
        (("event", "ZZZZ", "2025-04-15"), 3, "no_prices"),
        (("event", "NVDA", "2025-08-27", "--timing", "amc"), 3, "run again when that session is final"),
        (("event", "NVDA", "2025-08-27", "--timing", "amc"), 3, "the package's snapshot ends there"),
        (("nonsense",), 2, "nonsense"),
    ],
)
def test_wrong_arguments(tmp_path: Path, arguments: tuple[str, ...], code: int, word: str) -> None:
    copy_study(tmp_path)
    outcome = run_in(tmp_path, *arguments)
    assert outcome.code == code, outcome.err
    assert word in outcome.err and "Traceback" not in outcome.err


def test_event_without_a_file(cli: Cli) -> None:
    outcome = cli("event", "h20_license_8k")
    assert outcome.code == 2 and "no such file" in outcome.err


def test_validate_lists_day_0_and_its_rule(tmp_path: Path) -> None:
    copy_study(tmp_path)
    outcome = run_in(tmp_path, "validate", "--output-format", "json")
    assert outcome.code == 0, outcome.err
    rows = {(row["event_id"], row["ticker"]): row for row in json.loads(outcome.out)["rows"]}
    assert rows["h20_license_8k", "NVDA"]["day0"] == "2025-04-16"
    assert "after the close" in rows["h20_license_8k", "NVDA"]["rule"]
    assert "shared_session" in rows["h20_license_8k", "NVDA"]["flags"]
    assert rows["asml_q1_2025", "ASML"]["rule"].startswith("announced 01:00 America/New_York")
    assert "timing_uncertain" in rows["npr_h20_reprieve", "NVDA"]["flags"]
    text = run_in(tmp_path, "validate")
    assert "h20_license_8k NVDA: day 0 2025-04-16" in text.out


def test_listings_of_one_firm_can_have_different_day_0(cli: Cli, tmp_path: Path) -> None:
    when = "2025-04-14T12:00:00-04:00"
    (tmp_path / "events.csv").write_text(f"event_id,ticker,announced_at\nx,ASML,{when}\nx,ASML.AS,{when}\n")
    rows = json.loads(cli("validate", "--json").out)["rows"]
    assert [row["day0"] for row in rows] == ["2025-04-14", "2025-04-15"]


def test_validate_reports_problems_of_both_files_for_ci(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text("ticker,announced_at\nNVDA,4/15/2025\n")
    (tmp_path / "confounders.csv").write_text("at,kind\n2025-04-15,Earnings\n")
    outcome = cli("validate", "--output-format", "github")
    assert outcome.code == 2
    first, second = outcome.out.splitlines()
    assert first.startswith("::error file=events.csv,line=2::announced_at")
    assert second.startswith("::error file=confounders.csv,line=2::kind")
    assert len(json.loads(cli("validate", "--json").out)["problems"]) == 2


@needs("scale")
def test_validate_counts_rows_where_a_file_has_no_lines(cli: Cli, tmp_path: Path) -> None:
    frame = pd.DataFrame({"ticker": ["NVDA", "AMD"], "announced_at": ["2025-04-15", "4/16/2025"]})
    frame.to_parquet(tmp_path / "events.parquet", index=False)
    frame.to_csv(tmp_path / "events.csv", index=False)
    for name, place in (("events.parquet", "row 2"), ("events.csv", "line 3")):
        outcome = cli("validate", name)
        assert outcome.code == 2 and outcome.out.startswith(f"{name}: {place}  announced_at '4/16/2025'"), outcome.out


def test_the_front_door() -> None:
    for arguments, code, word in ((["--help"], 0, "validate"), (["--version"], 0, "eventstudy 0."), ([], 2, "Usage")):
        done = subprocess.run(
            [sys.executable, "-m", "eventstudy", *arguments], capture_output=True, text=True, env=clean_environment()
        )
        assert done.returncode == code
        assert word in done.stdout + done.stderr


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; sys.argv = ['eventstudy', '--help']\n"
        "from eventstudy.cli.app import app\n"
        "try:\n    app()\nexcept SystemExit:\n    pass\n"
        "heavy = {'numpy', 'pandas', 'scipy', 'matplotlib', 'statsmodels', 'exchange_calendars'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=clean_environment())
    assert done.returncode == 0, done.stderr


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    copy_study(tmp_path)
    command = f"{sys.executable} -m eventstudy validate | head -1"
    done = subprocess.run(
        command, shell=True, cwd=tmp_path, capture_output=True, text=True, env=clean_environment(), timeout=60
    )
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("encoding", "term"),
    [
        ("utf-8", "xterm"),
        ("ascii", "dumb"),
        *(
            pytest.param(*pair, marks=pytest.mark.slow)
            for pair in (("utf-8", "dumb"), ("ascii", "xterm"), ("cp1252", "xterm"), ("cp1252", "dumb"))
        ),
    ],
)
def test_every_terminal_gets_eighty_columns_and_no_error(tmp_path: Path, encoding: str, term: str) -> None:
    copy_study(tmp_path)
    env = clean_environment(PYTHONIOENCODING=f"{encoding}:strict", TERM=term)
    done = subprocess.run(
        [sys.executable, "-m", "eventstudy", "event", "h20_license_8k", "-v", "--source", "snapshot"],
        cwd=tmp_path,
        env={**env, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
    )
    assert done.returncode == 0 and b"UnicodeEncodeError" not in done.stderr, done.stderr
    lines = done.stdout.decode(encoding).splitlines()
    assert max(map(len, lines)) <= 80
    bars = any("█" in line for line in lines)
    assert bars == (encoding == "utf-8" and term == "xterm"), "what a terminal cannot show is not sent"
    assert bars or any("##" in line for line in lines)


def test_errors_are_objects_too(cli: Cli) -> None:
    for arguments, code in (
        (("event", "NVDA", "15.4.2025", "--json"), 2),
        (("run", "missing.csv", "--json"), 2),
        (("run", "--mdel", "x", "--json"), 2),
    ):
        outcome = cli(*arguments)
        assert outcome.code == code
        error = json.loads(outcome.out)["error"]
        assert error["code"] == code and error["message"] and "Traceback" not in outcome.err


def test_what_was_meant(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "MSFT.csv").write_text("Date,Close\n2024-01-02,1\n")
    for arguments, words in (
        (("event", "NVDA", "2025-04-15", "--model", "market_modle"), "did you mean market-model?"),
        (("event", "nvda", "2025-04-15", "--source", "snapshot"), "did you mean NVDA?"),
        (("event", "nvda", "2025-04-15", "--timing", "amc", "--offline"), "did you mean NVDA?"),
        (("event", "nvda"), "eventstudy event NVDA 2025-04-15 --timing amc"),
        (("event", "MSFT", "2025-04-15", "--source", "csv:MSFT.csv"), "--source csv:."),
        (("event", "MSFT", "2025-04-15", "--source", "csv:MSFTT.csv"), "did you mean MSFT.csv?"),
        (("event", "MSFT", "2025-04-15", "--offline"), "put MSFT.csv and SPY.csv (Date, Close) into a folder"),
    ):
        outcome = cli(*arguments)
        assert outcome.code in (2, 3, 4) and words in outcome.err, outcome.err


def test_help_stands_in_panels_and_no_summary_is_cut(cli: Cli) -> None:
    from eventstudy.cli.panels import PANELS
    from eventstudy.cli.settings import OPTIONS

    assert {name for names in PANELS.values() for name in names} == {*OPTIONS, "force"}
    front = cli("--help").out
    commands = front.partition("Commands:")[2]
    assert "..." not in commands and max(map(len, front.splitlines())) <= 80
    shown = cli("run", "--help").out
    assert [line[:-1] for line in shown.splitlines() if line in {f"{panel}:" for panel in PANELS}] == list(PANELS)
    assert "--workers" in shown and "--workers" not in cli("event", "--help").out
    # a configuration file may hold it, so the command takes it
    assert cli("event", "NVDA", "2025-04-15", "--timing", "amc", "--source", "snapshot", "--threads", "1").code == 0
