"""`eventstudy event`, `eventstudy validate` and the front door."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from eventstudy.report.words import p_value, percent
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
    line = next(text for text in outcome.out.splitlines() if text.startswith(" *[0,0]"))
    for name in ("p_t", "p_t_ar1", "p_local", "p_sq", "p_conformal", "p_placebo"):
        assert p_value(row[name]) in line
    assert percent(row["car"]) in line
    assert "AMD" not in outcome.out.split("\n")[0]
    assert "observed -6.87 % -> agrees" in outcome.out
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
