"""`eventstudy diff`: what changed and why, worked by hand on small folders and met in real runs."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Cli, Outcome, copy_study, run_in
from tests.cli.test_check import SPOILT, _spoil
from tests.review.reports import ABNORMAL, CLAIMS, EXCLUDED, MANIFEST, MODELS, SERIES, SPEC, WINDOWS, make


def other(**changes: Any) -> dict[str, Any]:
    return {**MANIFEST, **changes}


def found(cli: Cli, *arguments: str) -> dict[str, Any]:
    outcome = cli("diff", *arguments, "--json")
    assert outcome.code == 0, outcome.err
    return json.loads(outcome.out)


def test_nothing_changed(cli: Cli, tmp_path: Path) -> None:
    make(tmp_path / "a")
    make(tmp_path / "b", manifest=other(written_at="2025-07-02T06:17:00+00:00"))
    said = found(cli, "a", "b")
    assert said["same_numbers"] and not any(said["totals"].values()) and not said["notes"] and said["compared"] == 3
    text = cli("diff", "a", "b")
    assert text.code == 0 and "The numbers of both reports agree" in text.out and len(text.out.splitlines()) == 3


def test_settings_are_named_as_typed(cli: Cli, tmp_path: Path) -> None:
    make(tmp_path / "a")
    spec = {
        **SPEC,
        "gap": 20,
        "offline": True,
        "benchmarks": ["MKT", "SEC"],
        "windows": [{"start": -1, "end": 1}],
        "event_window": {"start": -5, "end": 5},
        "max_age": 3,
        "windows_given": False,
    }
    make(tmp_path / "b", manifest=other(spec=spec))
    settings = {s["name"]: (s["before"], s["after"]) for s in found(cli, "a", "b")["settings"]}
    assert settings == {
        "--gap": ("10", "20"),
        "--offline": ("no", "yes"),
        "--benchmark": ("MKT", "MKT SEC"),
        "--window": ("0:0 0:1", "-1:1"),
        "--event-window": ("-10:10", "-5:5"),
        "--max-age": ("none", "3"),
    }


def test_every_choice_of_a_study_is_an_option() -> None:
    from dataclasses import fields

    from eventstudy.cli.settings import OPTIONS
    from eventstudy.review.options import NOT_OPTIONS, REPORTING, option_name
    from eventstudy.spec import StudySpec

    named = {f.name for f in fields(StudySpec)} - set(NOT_OPTIONS)
    unknown = {name for name in named if option_name(name)[2:].replace("-", "_") not in OPTIONS}
    assert not unknown, "name the option of these fields in review/options.py: OPTION_OF, or NOT_OPTIONS"
    assert {f.name for f in fields(StudySpec)} >= REPORTING


def _series(**changes: dict[str, Any]) -> list[dict[str, Any]]:
    return [{**series, **changes.get(series["symbol"], {})} for series in SERIES]


def test_prices_revised_longer_added_and_removed(cli: Cli, tmp_path: Path) -> None:
    make(tmp_path / "a")
    series = _series(
        AAA={"sha256": "x"},
        BBB={"sha256": "y", "rows": 501, "last": "2025-07-01"},
        MKT={"sha256": "z", "currency": "EUR"},
    )
    series = [*series, {**SERIES[0], "symbol": "NEW"}]
    make(
        tmp_path / "b",
        manifest=other(series=series),
        abnormal_returns=ABNORMAL.replace("2025-04-16,-0.05,", "2025-04-16,-0.051,"),
    )
    prices = {p["symbol"]: p for p in found(cli, "a", "b")["prices"]}
    assert {s: p["kind"] for s, p in prices.items()} == {
        "AAA": "revised", "BBB": "range", "MKT": "revised", "NEW": "added",
    }  # fmt: skip
    aaa = prices["AAA"]
    assert (aaa["compared"], aaa["differing"], aaa["session"]) == (2, 1, "2025-04-16")
    assert (aaa["return_before"], aaa["return_after"]) == (-0.05, -0.051)
    assert prices["MKT"]["compared"] == 0, "a benchmark's returns are not in a report"
    text = cli("diff", "a", "b").out
    assert "revised, currency None -> EUR" in text and "none to compare" in text
    assert "1 of 2 differ, most on 2025-04-16: -5.0000 % -> -5.1000 %" in text
    assert "500 -> 501" in text and "all 1 agree" in text and "cache verify" in text
    back = {p["symbol"]: p["kind"] for p in found(cli, "b", "a")["prices"]}
    assert back["NEW"] == "removed"


def test_other_kinds_of_return_are_no_revision(cli: Cli, tmp_path: Path) -> None:
    make(tmp_path / "a")
    make(
        tmp_path / "b",
        manifest=other(spec={**SPEC, "returns": "log"}),
        abnormal_returns=ABNORMAL.replace("-0.05", "-0.0513"),
    )
    said = found(cli, "a", "b")
    assert not said["prices"] and any("different kinds" in note for note in said["notes"])


def test_events_added_removed_moved_excluded(cli: Cli, tmp_path: Path) -> None:
    make(tmp_path / "a")
    lines = WINDOWS.splitlines()
    moved = [line.replace("2025-04-16", "2025-04-17") for line in lines[1:3]]
    swapped = [lines[3].replace('"[0,0]",no', '"[0,0]",yes'), lines[4].replace('"[0,1]",yes', '"[0,1]",no')]
    new = 'e,EEE,direct,,2025-05-05,"[0,0]",yes,0.1,0.01,0.001,0.001,'
    windows = "\n".join([lines[0], *moved, *swapped, new]) + "\n"
    make(
        tmp_path / "b",
        manifest=other(counts={"read": 4, "studied": 3, "excluded": 1}),
        windows=windows,
        excluded=EXCLUDED.replace("d,ZZZ,priced,no_prices", "c,AAA,priced,day0_not_observed"),
    )
    events = {(e["event_id"], e["kind"]): (e["before"], e["after"]) for e in found(cli, "a", "b")["events"]}
    assert events == {
        ("a", "moved"): ("day 0 2025-04-16", "day 0 2025-04-17"),
        ("b", "window"): ("[0,1]", "[0,0]"),
        ("c", "excluded"): ("day 0 2025-06-30", "excluded (day0_not_observed)"),
        ("d", "removed"): ("excluded (no_prices)", ""),
        ("e", "added"): ("", "day 0 2025-05-05"),
    }
    back = {(e["event_id"], e["kind"]) for e in found(cli, "b", "a")["events"]}
    assert ("c", "studied") in back and ("e", "removed") in back and ("d", "added") in back


def test_effects_with_what_can_have_moved_them(cli: Cli, tmp_path: Path) -> None:
    make(tmp_path / "a")
    windows = WINDOWS.replace("yes,-0.02,0.01,0.04", "yes,-0.015,0.01,0.14").replace("yes,0.001,0.01", "yes,0.002,0.01")
    models = MODELS.replace("247,3", "244,6")
    series = _series(AAA={"sha256": "x"}, MKT={"sha256": "z"})
    make(tmp_path / "b", manifest=other(series=series), windows=windows, models=models)
    first, second = found(cli, "a", "b")["effects"]
    assert (first["event_id"], first["significance"]) == ("a", "lost"), "significance comes first"
    assert first["car"] == [-0.02, -0.015] and first["p_t"] == [0.04, 0.14]
    assert first["reasons"] == ["prices of AAA", "prices of MKT", "masked sessions 3 -> 6"]
    assert second["reasons"] == ["prices of AAA", "prices of MKT"] and second["significance"] == ""


def test_a_level_moves_significance_alone(cli: Cli, tmp_path: Path) -> None:
    make(tmp_path / "a")
    make(tmp_path / "b", manifest=other(spec={**SPEC, "level": 0.99}))
    said = found(cli, "a", "b")
    assert [(e["event_id"], e["significance"]) for e in said["effects"]] == [("a", "lost"), ("b", "lost")]
    assert said["same_numbers"] and said["levels"] == [0.95, 0.99]


def test_versions_engine_and_claims(cli: Cli, tmp_path: Path) -> None:
    make(tmp_path / "a")
    versions = {**MANIFEST["versions"], "numpy": "2.5.0", "statsmodels": "0.15.0"}
    claims = CLAIMS.replace("-0.051,-0.001,close", "-0.0502,-0.0002,agrees")
    make(tmp_path / "b", manifest=other(versions=versions, engine="numba"), claims=claims)
    said = found(cli, "a", "b")
    assert [(v["name"], v["before"], v["after"]) for v in said["versions"]] == [
        ("numpy", "2.4.6", "2.5.0"),
        ("engine", "numpy", "numba"),
    ]
    (claim,) = said["claims"]
    assert claim["verdict"] == ["close", "agrees"] and claim["observed"] == [-0.051, -0.0502]
    assert "close -> agrees" in cli("diff", "a", "b").out


def test_tables_count_rows_and_name_columns(cli: Cli, tmp_path: Path) -> None:
    make(tmp_path / "a")
    grown = (
        WINDOWS.replace("flags\n", "flags,p_new\n").replace(",\n", ",,\n").replace("n\n", "n,\n").replace("e\n", "e,\n")
    )
    make(tmp_path / "b", windows=grown, abnormal_returns=ABNORMAL.replace("0.05\n", "0.0500000000001\n"))
    tables = {t["table"]: t for t in found(cli, "a", "b")["tables"]}
    assert tables == {"windows": {"table": "windows", "removed": 0, "added": 0, "differing": 0, "columns": ["p_new"]}}


def test_folders_of_different_make(full_run: Outcome, cli: Cli, tmp_path: Path) -> None:
    """A committed sample without a manifest, results.json alone, and a whole folder say the same."""
    whole = full_run.folder / "reports"
    shutil.copytree(whole, tmp_path / "sample")
    (tmp_path / "sample" / "manifest.json").unlink()
    (tmp_path / "only").mkdir()
    shutil.copy(whole / "results.json", tmp_path / "only")
    for one in ("sample", "only"):
        for pair in ((one, str(whole)), (str(whole), one)):
            said = found(cli, *pair)
            assert said["same_numbers"] and not any(said["totals"].values()), (pair, said["totals"], said["tables"])
            assert any("no manifest.json" in note for note in said["notes"])
    assert found(cli, "only", "sample")["same_numbers"]


def test_a_real_revision(tmp_path: Path) -> None:
    """One close of NVDA is rewritten in a folder of prices: the day and the one after it differ, and CARs move."""
    copy_study(tmp_path)
    (tmp_path / "eventstudy.toml").unlink()
    prices = tmp_path / "prices"
    prices.mkdir()
    snapshot = Path(__file__).parent.parent.parent / "eventstudy" / "data" / "snapshot" / "prices.csv"
    rows: dict[str, list[str]] = {}
    for symbol, day, _, close, _ in list(csv.reader(snapshot.read_text().splitlines()))[1:]:
        rows.setdefault(symbol, ["Date,Close"]).append(f"{day},{close}")
    for symbol, lines in rows.items():
        (prices / f"{symbol}.csv").write_text("\n".join(lines) + "\n")
    few = ("--event", "h20_license_8k", "--event", "deepseek_shock")
    run = ("run", *few, "--source", "csv:prices", "--formats", "csv", "-q")
    assert run_in(tmp_path, *run, "-o", "a").code == 0
    text = (prices / "NVDA.csv").read_text()
    line = next(line for line in text.splitlines() if line.startswith("2025-04-16"))
    close = float(line.split(",")[1])
    (prices / "NVDA.csv").write_text(text.replace(line, f"2025-04-16,{close * 1.01}"))
    assert run_in(tmp_path, *run, "-o", "b", "--gap", "11").code == 0
    said = json.loads(run_in(tmp_path, "diff", "a", "b", "--json").out)
    (price,) = said["prices"]
    assert price["symbol"] == "NVDA" and price["kind"] == "revised" and price["differing"] == 2
    before = float(rows["NVDA"][rows["NVDA"].index(line) - 1].split(",")[1])
    after = float(rows["NVDA"][rows["NVDA"].index(line) + 1].split(",")[1])
    by_hand = {
        "2025-04-16": (close / before - 1, close * 1.01 / before - 1),
        "2025-04-17": (after / close - 1, after / (close * 1.01) - 1),
    }
    worst = max(by_hand, key=lambda day: abs(by_hand[day][0] - by_hand[day][1]))
    assert price["session"] == worst
    assert [price["return_before"], price["return_after"]] == pytest.approx(by_hand[worst], rel=1e-9)
    assert [(s["name"], s["before"], s["after"]) for s in said["settings"]] == [("--gap", "10", "11")]
    effect = next(e for e in said["effects"] if (e["event_id"], e["ticker"]) == ("h20_license_8k", "NVDA"))
    assert effect["car"][1] - effect["car"][0] == pytest.approx(
        by_hand["2025-04-16"][1] - by_hand["2025-04-16"][0], abs=2e-3
    )
    assert effect["reasons"][:2] == ["prices of NVDA", "--gap"]


def test_golden_text(cli: Cli, tmp_path: Path) -> None:
    make(tmp_path / "a", manifest=other(spec={**SPEC, "windows": [{"start": 0, "end": 0}]}))
    series = _series(AAA={"sha256": "x"}, BBB={"sha256": "y", "rows": 501, "last": "2025-07-01"})
    lines = WINDOWS.splitlines()
    windows = "\n".join([lines[0], lines[1].replace("-0.02,0.01,0.04", "-0.021,0.01,0.03"), *lines[2:5]]) + "\n"
    make(
        tmp_path / "b",
        manifest=other(
            written_at="2025-07-02T06:17:00+00:00",
            spec={**SPEC, "gap": 20, "level": 0.99, "max_age": 3},
            series=series,
            counts={"read": 5, "studied": 3, "excluded": 2},
        ),
        windows=windows.replace("yes,0.07,0.03,0.02", "yes,0.07,0.03,0.002"),
        claims=CLAIMS.replace("close,-0.03", "differs,-0.03"),
        abnormal_returns=ABNORMAL.replace("2025-04-16,-0.05,", "2025-04-16,-0.051,"),
    )
    outcome = cli("diff", "a", "b")
    assert outcome.code == 0 and not outcome.err
    wanted = Path(__file__).with_name("golden_diff.txt").read_text(encoding="utf-8")
    assert outcome.out == wanted
    md = cli("diff", "a", "b", "--output-format", "md").out
    assert md == Path(__file__).with_name("golden_diff.md").read_text(encoding="utf-8")


def test_hostile_text_reaches_every_format_harmlessly(cli: Cli, tmp_path: Path) -> None:
    nasty = '"<script>|`x`\n\x1b[31m\u202e"'
    make(tmp_path / "a")
    make(tmp_path / "b", windows=WINDOWS.replace("a,AAA", f"{nasty},AAA"), claims=CLAIMS.replace("close,", f"{nasty},"))
    for form in ("text", "md", "json"):
        out = cli("diff", "a", "b", "--output-format", form).out
        assert form == "json" or ("\x1b" not in out and "\u202e" not in out)
        assert form == "text" or "<script>" not in out
    md = cli("diff", "a", "b", "--output-format", "md").out
    assert all(
        line.count("|") - line.count("\\|") == 6 for line in md.splitlines() if "script" in line and "added" in line
    )
    text = cli("diff", "a", "b").out
    assert any("added" in line and "script" in line for line in text.splitlines()), "one row stays one line"


def test_what_was_edited_is_compared_and_said(cli: Cli, tmp_path: Path) -> None:
    make(tmp_path / "a")
    make(tmp_path / "b")
    (tmp_path / "b" / "windows.csv").write_text(WINDOWS.replace("yes,-0.02", "yes,-0.03"))
    said = found(cli, "a", "b")
    assert not said["same_numbers"] and any(
        "windows.csv of b: not what manifest.json lists" in n for n in said["notes"]
    )


def test_a_table_of_one_folder_alone_is_said(cli: Cli, tmp_path: Path) -> None:
    make(tmp_path / "a")
    make(tmp_path / "b", manifest=None)
    (tmp_path / "b" / "models.csv").unlink()
    said = found(cli, "a", "b")
    assert "models.csv is only in a" in said["notes"]


@pytest.mark.parametrize("how", [how for how in SPOILT if how not in ("edited", "other columns")])
@pytest.mark.parametrize("side", [0, 1])
def test_a_folder_that_cannot_be_compared_is_exit_2(cli: Cli, tmp_path: Path, how: str, side: int) -> None:
    names = ["good", "good"]
    names[side] = "bad"
    make(tmp_path / "good")
    _spoil(tmp_path / "bad", how)
    outcome = cli("diff", *names)
    assert outcome.code == 2 and "Traceback" not in outcome.err and not outcome.out
    for word in SPOILT[how]:
        assert word in outcome.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), ("A",)),
        (("a",), ("B",)),
        (("a", "a", "a"), ("unexpected",)),
        (("a", "a", "--output-format", "markdown"), ("markdown", "text, md, json")),
    ],
)
def test_usage(cli: Cli, tmp_path: Path, arguments: tuple[str, ...], words: tuple[str, ...]) -> None:
    make(tmp_path / "a")
    outcome = cli("diff", *arguments)
    assert outcome.code == 2 and "Traceback" not in outcome.err
    for word in words:
        assert word in outcome.err
