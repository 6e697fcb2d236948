"""`eventstudy calibrate` and `--calibrated`, as a user types them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pandas as pd
import pytest

from eventstudy.report.figures.svg import read_metadata
from tests.cli.conftest import Cli, Outcome, copy_study, run_in

QUICK = ("--window", "0:0", "--tests", "sq,holm")


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """A report, then calibrate into the same folder."""
    folder = tmp_path_factory.mktemp("calibrate")
    copy_study(folder)
    first = run_in(folder, "run", "--formats", "csv", *QUICK)
    assert first.code == 0, first.err
    (folder / "before.json").write_text(json.dumps(hashes(folder / "reports")))
    outcome = run_in(folder, "calibrate", *QUICK, "--effect", "0.03", "--effect", "0.08")
    assert outcome.code == 0, outcome.err
    return outcome


def hashes(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "manifest.json"
    }


def test_it_adds_its_files_and_removes_nothing(done: Outcome) -> None:
    before, after = json.loads((done.folder / "before.json").read_text()), hashes(done.folder / "reports")
    assert {name: after[name] for name in before} == before
    added = {"calibration.csv", "calibration.md", "calibration.html", "figures/calibration.svg"}
    assert set(after) - set(before) == added
    manifest = json.loads((done.folder / "reports" / "manifest.json").read_text())
    assert manifest["added"]["calibrate"]["files"] == {name: after[name] for name in added}
    assert set(manifest["files"]) == set(before)


def test_a_run_afterwards_leaves_it_alone_and_the_same_inputs_give_the_same_bytes(
    done: Outcome, tmp_path: Path
) -> None:
    copy_study(tmp_path)
    assert run_in(tmp_path, "calibrate", *QUICK, "--effect", "0.08,0.03").code == 0
    first, again = hashes(done.folder / "reports"), hashes(tmp_path / "reports")
    assert again == {name: first[name] for name in again} and len(again) == 4
    assert run_in(tmp_path, "run", "--formats", "json", *QUICK).code == 0
    assert set(again) < set(hashes(tmp_path / "reports"))


def test_the_table_the_page_the_figure_and_the_terminal_agree(done: Outcome) -> None:
    table = pd.read_csv(done.folder / "reports" / "calibration.csv")
    without = {"^TWII", "^HSI"}
    assert set(table["ticker"]) == {"AMD", "ASML", "NVDA", "(all)", "AMD;ASML;NVDA", "AMD;NVDA", *without}
    assert (table[table["ticker"].isin(without)]["applicable"] == "no").all()
    table = table[~table["ticker"].isin(without)]
    assert set(table["test"]) == {"car-t", "sq", "holm"}
    assert set(table["part"]) == {"day", "overnight", "intraday"}
    table = table[table["part"] == "day"]
    chosen = table[(table["regime"] == "all") & (table["level"] == 0.05) & (table["effect"] == 0)]
    line = chosen[(chosen["ticker"] == "NVDA") & (chosen["test"] == "car-t")].iloc[0]
    shown = f"{100 * line['rate']:.1f} %"
    assert line["rate"] == pytest.approx(line["rejections"] / line["n"]) and line["n_apart"] == line["n"]
    page = (done.folder / "reports" / "calibration.md").read_text()
    assert f"| NVDA | car-t | {line['n']} |" in page and shown in page
    assert "figures/calibration.svg" in page
    plotted = read_metadata((done.folder / "reports" / "figures" / "calibration.svg").read_text())
    assert plotted["NVDA"]["all"]["car-t"] == pytest.approx([line["rate"], line["ci_low"], line["ci_high"]])
    said = next(text for text in done.out.splitlines() if text.startswith("NVDA") and "car-t" in text)
    assert shown in said and "finds 3%" in done.out
    power = table[(table["ticker"] == "NVDA") & (table["test"] == "car-t") & (table["level"] == 0.05)]
    rates = power[power["regime"] == "all"].set_index("effect")["rate"]
    assert rates[0.0] < rates[0.03] < rates[0.08]


def test_one_object_for_programs(cli: Cli, tmp_path: Path) -> None:
    copy_study(tmp_path)
    outcome = cli("calibrate", "--json", "-q", *QUICK, "--event", "cuda_launch_2006", "--formats", "csv", "-o", "other")
    assert outcome.code == 0, outcome.err
    found = json.loads(outcome.out)
    assert found["files"] == ["calibration.csv", "manifest.json"] and found["schema_version"] == 1
    assert found["counts"]["studied"] == 0, (
        "there are no prices of 2006, and both tickers can be calibrated all the same"
    )
    assert {(line["ticker"], line["test"]) for line in found["rates"]} >= {("NVDA", "car-t"), ("(all)", "sq")}
    assert {line["ticker"] for line in found["rates"]} == {"AMD", "NVDA", "(all)"} and outcome.err == ""


def test_history_that_is_too_short_is_a_reason_and_exit_3(cli: Cli, tmp_path: Path) -> None:
    copy_study(tmp_path)
    outcome = cli("calibrate", *QUICK, "--estimation", "1300", "--formats", "csv")
    assert outcome.code == 3 and "no ticker could be calibrated" in outcome.err
    table = pd.read_csv(tmp_path / "reports" / "calibration.csv")
    assert (table["applicable"] == "no").all() and table["reason"].str.contains("shorter --estimation").any()
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize("size", ["5%", "2", "0", "-0.03"])
def test_an_effect_that_is_none_is_exit_2_and_nothing_is_written(cli: Cli, tmp_path: Path, size: str) -> None:
    copy_study(tmp_path)
    outcome = cli("calibrate", f"--effect={size}")
    assert outcome.code == 2 and "effect" in outcome.err and "Traceback" not in outcome.err
    assert not (tmp_path / "reports").exists()


def test_rates_stand_behind_p_values(cli: Cli, tmp_path: Path) -> None:
    copy_study(tmp_path)
    few = ("--event", "h20_license_8k", "--event", "deepseek_shock")
    done = cli("run", "--calibrated", *few, *QUICK, "--formats", "md,csv,json", "--json")
    assert done.code == 0, done.err
    windows = pd.read_csv(tmp_path / "reports" / "windows.csv")
    rate = windows.loc[windows["ticker"] == "NVDA", "placebo_rate_t"].iloc[0]
    assert 0 < rate < 0.2 and windows["placebo_rate_conformal"].isna().all()
    page = (tmp_path / "reports" / "events" / "h20_license_8k.md").read_text()
    assert f"({100 * rate:.1f} %)" in page and "In brackets" in page
    summary = (tmp_path / "reports" / "summary.md").read_text()
    assert f"({100 * rate:.1f} %)" in summary
    assert json.loads(done.out)["primary"][0]["placebo_rate_t"] > 0
    shown = cli("event", "h20_license_8k", "--ticker", "NVDA", "--calibrated", *QUICK)
    assert "uneventful sessions" in " ".join(shown.out.split()) and f"{100 * rate:.1f} %" in shown.out
    assert "uneventful" not in cli("event", "h20_license_8k", "--ticker", "NVDA", *QUICK).out
