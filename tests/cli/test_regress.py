"""`eventstudy regress` as a user types it."""

from __future__ import annotations

import csv
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from eventstudy.report import escape
from tests.cli.conftest import Cli, Outcome, copy_study, run_in


@pytest.fixture(scope="module")
def regressed(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    folder = tmp_path_factory.mktemp("regress")
    copy_study(folder)
    outcome = run_in(folder, "regress", "--formula", "car ~ C(role)")
    assert outcome.code == 0, outcome.err
    return outcome


def test_it_prints_a_table_and_adds_two_files(regressed: Outcome) -> None:
    assert "C(role)[T.peer]" in regressed.out
    assert "39 rows on 16 dates" in regressed.out
    names = {name for name in regressed.listing() if name.startswith("reports/")}
    assert names == {f"reports/{n}" for n in ("manifest.json", "regression.csv", "regression.tex")}
    manifest = json.loads((regressed.folder / "reports" / "manifest.json").read_text())
    assert set(manifest["added"]["regress"]["files"]) == {"regression.csv", "regression.tex"}


def test_the_table_is_complete(regressed: Outcome) -> None:
    with (regressed.folder / "reports" / "regression.csv").open(encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    pairs = [(row["estimator"], row["variance"]) for row in rows]
    two_way = ("cluster-two-way", "wild-two-way")
    assert {pair: pairs.count(pair) for pair in pairs} == {
        **{(estimator, variance): 3 for estimator in ("ols", "wls") for variance in ("hc3", "cluster")},
        **{("ols", variance): 3 for variance in ("wild-cluster", *two_way, "freedman-lane")},
    }
    assert {row["term"] for row in rows if row["main"] == "yes"} == {
        "Intercept",
        "C(role)[T.peer]",
        "C(role)[T.placebo]",
    }
    # a permutation does not test the constant
    assert all(float(row["p_value"]) > 0 for row in rows if row["applicable"] != "no")


def test_it_removes_nothing_and_run_leaves_it_alone(tmp_path: Path) -> None:
    copy_study(tmp_path)
    few = ("--event", "h20_license_8k", "--event", "deepseek_shock", "--event", "mar_a_lago_dinner")
    arguments = (*few, "--formats", "csv", "--tests", "car-t", "--window", "0:0")
    assert run_in(tmp_path, "run", *arguments).code == 0
    before = {path.name for path in (tmp_path / "reports").iterdir()}
    outcome = run_in(tmp_path, "regress", *arguments)
    assert outcome.code == 0, outcome.err
    assert {path.name for path in (tmp_path / "reports").iterdir()} == before | {"regression.csv", "regression.tex"}
    assert run_in(tmp_path, "run", *arguments).code == 0
    assert (tmp_path / "reports" / "regression.csv").exists()


def test_the_default_is_the_mean_and_it_says_so(cli: Cli, tmp_path: Path) -> None:
    copy_study(tmp_path)
    outcome = cli("regress", "--json", "--window", "0:0")
    found = json.loads(outcome.out)
    assert (outcome.code, found["schema_version"], found["formula"]) == (0, 1, "car ~ 1")
    assert [c["term"] for c in found["coefficients"]] == ["Intercept"]
    assert "the mean CAR" in outcome.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--formula", "car ~ __import__('os')"), "not among the functions"),
        (("--formula", "car ~ categori"), "did you mean category"),
        (("--formula", ""), "right side is empty"),
        (("--formula", "car ~ C(ticker) + C(category)", "--event", "h20_license_8k"), "on every row"),
        (("--window", "-30:0"), "does not fit the event window"),
    ],
)
def test_bad_input_is_a_sentence(cli: Cli, tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    copy_study(tmp_path)
    outcome = cli("regress", *arguments)
    assert outcome.code == 2
    assert words in outcome.err
    assert "Traceback" not in outcome.err
    assert not (tmp_path / "reports").exists()


def test_audit_and_strict_are_heard(cli: Cli, tmp_path: Path) -> None:
    copy_study(tmp_path)
    for command in (("regress",), ("backtest", "--placebos", "0")):
        outcome = cli(*command, "--audit", "--strict", "--formats", "csv")
        assert outcome.code == 3, outcome.err
        assert "rows and statsmodels agree" in outcome.err
        assert "could not be studied (--strict)" in outcome.err
        assert (tmp_path / "reports" / "manifest.json").exists()


HOSTILE = [
    "a_b",
    "100%",
    "$x$",
    "a&b",
    r"\input{/etc/passwd}",
    "{",
    "}",
    "#1",
    "~^",
    "é",
    "🚀",
    "<b>",
    "a|b",
    '"q"',
    "²",
]


def tex(tmp_path: Path) -> str:
    rows = []
    for i, kind in enumerate(HOSTILE * 2):
        quoted = kind.replace('"', '""')
        rows.append(
            f'{("NVDA", "AMD", "ASML")[i % 3]},{2024 + i // 15}-{1 + i // 2 % 8:02d}-{8 + 7 * (i % 2):02d},bmo,"{quoted}"'
        )
    (tmp_path / "events.csv").write_text("ticker,announced_at,timing,kind\n" + "\n".join(rows) + "\n", encoding="utf-8")
    outcome = run_in(tmp_path, "regress", "--source", "snapshot", "--formula", "C(kind)", "--gap", "0", "--allow-small")
    assert outcome.code == 0, outcome.err
    return (tmp_path / "reports" / "regression.tex").read_text(encoding="utf-8")


def test_latex_is_escaped(tmp_path: Path) -> None:
    text = tex(tmp_path)
    assert r"\input" not in text
    assert r"\textbackslash{}input\{/etc/passwd\}" in text
    # outside of our own commands no special character is bare
    body = re.sub(r"\\[A-Za-z]+|\\[{}$&#%_\\]|[{}$&]", "", text.split("\n", 1)[1])
    assert not set(body) & set("#%~\\")
    assert all(c.isascii() or "À" <= c <= "ÿ" for c in text)
    assert text.count("{") - text.count(r"\{") == text.count("}") - text.count(r"\}")


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_latex_compiles(tmp_path: Path) -> None:
    tex(tmp_path)
    document = r"\documentclass{article}\usepackage{booktabs}\begin{document}\input{reports/regression}\end{document}"
    (tmp_path / "page.tex").write_text(document, encoding="utf-8")
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "page.tex"],
        cwd=tmp_path,
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout.decode(errors="replace")[-2000:]


def test_latex_text() -> None:
    assert escape.latex("50% of $3 & a_b^2 ~ {x} \\y") == (
        r"50\% of \$3 \& a\_b\textasciicircum{}2 \textasciitilde{} \{x\} \textbackslash{}y"
    )
    assert escape.latex("déjà 🚀\n") == "déjà ? "
