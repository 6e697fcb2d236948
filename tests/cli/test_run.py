"""`eventstudy run`: the files of the contract, their columns, and what never changes."""

from __future__ import annotations

import csv
import hashlib
import json
import re
from pathlib import Path

import pandas as pd
import pytest

from tests.cli.conftest import Outcome, copy_study, run_in, run_process
from tests.compare_reports import compare

COLUMNS = {
    "abnormal_returns.csv": "event_id,ticker,day,session,return,expected_return,abnormal_return,std_error,t,p_value,car,"
    "car_std_error",
    "windows.csv": "event_id,ticker,role,category,day0,window,primary,car,std_error,ci_low,ci_high,t,df,p_t,p_t_ar1,"
    "p_local,p_sq,p_conformal,p_placebo,p_min_sq,p_min_conformal,p_min_placebo,mde80,bhar,flags",
    "models.csv": "event_id,ticker,day0,model,benchmark,alpha,beta,sigma,r_squared,n_estimation,n_masked,estimation_start,"
    "estimation_end,flags",
    "robustness.csv": "event_id,ticker,window,model,masked,car,std_error,t,p_t,n_estimation",
    "overnight.csv": "event_id,ticker,part,return,expected_return,abnormal_return,std_error,t,p_t",
    "clusters.csv": "day0,event_ids,tickers,window,test,ticker,statistic,null,df,p_value,applicable,reason",
    "aggregate.csv": "group,window,n_events,n_rows,n_dates,caar,pw_caar,test,statistic,null,df,p_value,applicable,reason",
    "aar.csv": "group,day,n,aar,std_error,caar,caar_std_error,share_positive",
    "claims.csv": "event_id,ticker,kind,claimed_return,observed_return,difference,verdict,expected_return,abnormal_return,"
    "p_t",
    "excluded.csv": "event_id,ticker,stage,reason,detail",
}


def reports(outcome: Outcome) -> Path:
    return outcome.folder / "reports"


def ten(value: float) -> float:
    """A number with the ten significant digits that tables hold."""
    return float(f"{value:.10g}")


def table(outcome: Outcome, name: str) -> pd.DataFrame:
    return pd.read_csv(reports(outcome) / name, keep_default_na=False, na_values=[""])


@pytest.mark.parametrize("name", COLUMNS)
def test_columns_are_those_of_the_contract(full_run: Outcome, name: str) -> None:
    with (reports(full_run) / name).open(encoding="utf-8", newline="") as handle:
        header = next(csv.reader(handle))
    wanted = COLUMNS[name].split(",")
    assert header[: len(wanted)] == wanted, "columns may be added on the right only"


def test_pages_figures_and_machine_files_are_there(full_run: Outcome) -> None:
    found = {path.relative_to(reports(full_run)).as_posix() for path in reports(full_run).rglob("*") if path.is_file()}
    for name in ("summary.md", "report.html", "results.json", "manifest.json", "events/h20_license_8k.md"):
        assert name in found
    for name in ("car-h20_license_8k", "cluster-2025-04-16", "caar-groups", "placebo-h20_license_8k"):
        assert f"figures/{name}.svg" in found


def test_the_claims(full_run: Outcome) -> None:
    claims = table(full_run, "claims.csv").set_index(["event_id", "ticker", "kind"])
    observed = claims["observed_return"]
    assert observed["h20_license_8k", "NVDA", "close"] == pytest.approx(ten(104.49 / 112.20 - 1), rel=1e-12)
    assert observed["amd_mi308_8k", "AMD", "close"] == pytest.approx(ten(88.29 / 95.29 - 1), rel=1e-12)
    assert observed["asml_q1_2025", "ASML", "close"] == pytest.approx(ten(634.93 / 683.16 - 1), rel=1e-12)
    assert observed["h20_license_8k", "NVDA", "open"] == pytest.approx(ten(104.55 / 112.20 - 1), rel=1e-12)
    elsewhere = claims["verdict"].loc["asian_markets_apr2025"]
    assert set(elsewhere) == {"no_data"} and len(elsewhere) == 2, "the snapshot has no prices of other exchanges"
    assert set(claims["verdict"].drop("asian_markets_apr2025", level="event_id")) == {"agrees"}
    lines = [line for line in full_run.out.splitlines() if "NVDA close" in line]
    assert "observed -6.87 % (agrees)" in lines[0]


def test_day_0_of_both_filings_is_the_session_after_the_filing(full_run: Outcome) -> None:
    models = table(full_run, "models.csv").set_index(["event_id", "ticker"])["day0"]
    assert models["h20_license_8k", "NVDA"] == "2025-04-16"
    assert models["us_ai_chip_rule_2022_8k", "NVDA"] == "2022-09-01"


def test_nvidia_fell_17_percent_on_the_deepseek_monday(full_run: Outcome) -> None:
    daily = table(full_run, "abnormal_returns.csv")
    row = daily[(daily["event_id"] == "deepseek_shock") & (daily["ticker"] == "NVDA") & (daily["day"] == 0)].iloc[0]
    assert row["session"] == "2025-01-27"
    assert row["return"] == pytest.approx(ten(118.42 / 142.62 - 1), rel=1e-12)


def test_the_ledger_reconciles(full_run: Outcome) -> None:
    manifest = json.loads((reports(full_run) / "manifest.json").read_text(encoding="utf-8"))
    counts = manifest["counts"]
    with (full_run.folder / "events.csv").open(encoding="utf-8") as handle:
        assert counts["read"] == len(list(csv.DictReader(handle)))
    assert counts["read"] == counts["studied"] + counts["excluded"]
    assert counts["studied"] == len(table(full_run, "models.csv"))
    assert counts["excluded"] == len(table(full_run, "excluded.csv"))
    reasons = table(full_run, "excluded.csv").set_index(["event_id", "ticker"])["reason"]
    assert reasons["wassenaar_1996", "AMD"] == "before_prices"


def test_the_manifest_names_every_file_and_its_hash(full_run: Outcome) -> None:
    manifest = json.loads((reports(full_run) / "manifest.json").read_text(encoding="utf-8"))
    for name, digest in manifest["files"].items():
        assert hashlib.sha256((reports(full_run) / name).read_bytes()).hexdigest() == digest
    assert manifest["audit"]["agrees"] and 0 < manifest["audit"]["largest_gap"] < 1e-9
    assert {series["symbol"] for series in manifest["series"]} == {"NVDA", "AMD", "ASML", "SPY", "SOXX"}
    assert all(re.fullmatch("[0-9a-f]{64}", series["sha256"]) for series in manifest["series"])


def test_no_file_but_the_manifest_holds_a_path_or_a_clock(full_run: Outcome) -> None:
    written = json.loads((reports(full_run) / "manifest.json").read_text(encoding="utf-8"))["written_at"]
    for path in reports(full_run).rglob("*"):
        if path.is_file() and path.name != "manifest.json":
            text = path.read_text(encoding="utf-8")
            assert str(full_run.folder) not in text
            assert written[:10] not in text
            assert "\r" not in text


def files(outcome: Outcome) -> dict[Path, bytes]:
    return {p.relative_to(reports(outcome)): p.read_bytes() for p in reports(outcome).rglob("*") if p.is_file()}


@pytest.mark.slow
def test_the_whole_study_gives_the_same_bytes_again(full_run: Outcome, tmp_path: Path) -> None:
    """In a process of its own, with another seed of hashes."""
    copy_study(tmp_path)
    again = run_process(tmp_path, "run", "--audit")
    assert again.code == 0, again.err
    left, right = files(full_run), files(again)
    assert left.keys() == right.keys()
    assert not [name for name in left if name.name != "manifest.json" and left[name] != right[name]]


def test_the_same_inputs_give_the_same_bytes_and_old_files_go(tmp_path: Path) -> None:
    """Two announcements in every format that needs no extra, here and in a process of its own with other hashes."""
    few = ("run", "--audit", "--event", "h20_license_8k", "--event", "deepseek_shock")
    folders = [tmp_path / name for name in ("here", "there")]
    for folder in folders:
        folder.mkdir()
        copy_study(folder)
    here, first = run_in(folders[0], *few), run_process(folders[1], *few)
    assert first.code == here.code == 0, first.err
    left, right = files(here), files(first)
    assert left.keys() == right.keys() and len(left) > 20
    assert not [name for name in left if name.name != "manifest.json" and left[name] != right[name]]
    (reports(first) / "mine.txt").write_text("mine")
    (reports(first) / "events" / "mine.md").write_text("mine")
    again = run_in(folders[1], "run", "--event", "h20_license_8k", "--formats", "csv,json")
    assert again.code == 0, again.err
    kept = {p.relative_to(reports(first)).as_posix() for p in reports(first).rglob("*") if p.is_file()}
    assert "mine.txt" in kept and "events/mine.md" in kept, "what the program did not write stays"
    assert "summary.md" not in kept and "events/h20_license_8k.md" not in kept
    assert not [name for name in kept if name.startswith(".eventstudy-")]


def test_restricting_what_is_reported_changes_no_number(full_run: Outcome, tmp_path: Path) -> None:
    copy_study(tmp_path)
    part = run_in(tmp_path, "run", "--event", "h20_license_8k", "--formats", "csv")
    assert part.code == 0, part.err
    for name in ("windows.csv", "abnormal_returns.csv", "models.csv", "robustness.csv", "overnight.csv"):
        whole = table(full_run, name)
        expected = whole[whole["event_id"] == "h20_license_8k"].reset_index(drop=True)
        pd.testing.assert_frame_equal(table(part, name), expected, check_exact=True)
    clusters = table(full_run, "clusters.csv")
    expected = clusters[clusters["day0"] == "2025-04-16"].reset_index(drop=True)
    pd.testing.assert_frame_equal(table(part, "clusters.csv"), expected, check_exact=True)


def test_one_object_for_programs(full_run: Outcome, tmp_path: Path) -> None:
    copy_study(tmp_path)
    light = ("--tests", "car-t", "--window", "0:0", "--spec-curve", "off")
    outcome = run_in(tmp_path, "run", "--json", "--formats", "csv", "-q", *light)
    found = json.loads(outcome.out)
    assert found["schema_version"] == 1
    assert found["counts"] == {"read": 55, "studied": 49, "excluded": 6}
    assert outcome.err == ""
    assert "manifest.json" in found["files"]


def test_a_list_of_tests_leaves_curves_out_and_says_so(tmp_path: Path) -> None:
    copy_study(tmp_path)
    light = ("--tests", "car-t", "--window", "0:0", "--formats", "csv", "--event", "h20_license_8k")
    outcome = run_in(tmp_path, "run", *light)
    assert outcome.code == 0 and "--spec-curve primary asks for them" in outcome.err
    assert not len(table(outcome, "curves.csv"))
    outcome = run_in(tmp_path, "run", *light, "--spec-curve", "primary")
    assert "--spec-curve" not in outcome.err and len(table(outcome, "curves.csv"))


def test_the_committed_sample_is_what_the_command_makes(full_run: Outcome) -> None:
    sample = Path(__file__).parent.parent.parent / "reports"
    assert compare(sample, reports(full_run)) == []


def test_the_comparison_notices_every_kind_of_change(full_run: Outcome, tmp_path: Path) -> None:
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(reports(full_run), copy)
    assert compare(reports(full_run), copy) == []
    text = (copy / "models.csv").read_text(encoding="utf-8")
    number = re.search(r"0\.\d{10,}", text)
    assert number
    (copy / "models.csv").write_text(text.replace(number[0], repr(float(number[0]) * (1 + 1e-6)), 1), encoding="utf-8")
    (copy / "aar.csv").unlink()
    page = (copy / "summary.md").read_text(encoding="utf-8")
    (copy / "summary.md").write_text(page.replace("unusual", "ordinary", 1), encoding="utf-8")
    figure = (copy / "figures" / "caar-groups.svg").read_text(encoding="utf-8")
    start = figure.index("<metadata")
    changed = figure[:start] + re.sub(r"0\.0(\d)", r"0.1\1", figure[start:], count=1)
    (copy / "figures" / "caar-groups.svg").write_text(changed, encoding="utf-8")
    found = " ".join(compare(reports(full_run), copy))
    for name in ("models.csv", "aar.csv", "summary.md", "figures/caar-groups.svg"):
        assert name in found
