"""The summary's tables for LaTeX: the page's cells, escaped, and a document that compiles."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from eventstudy.report.document import Table
from eventstudy.report.latex import table_tex
from eventstudy.report.write import build_files
from eventstudy.results import StudyResult

HOSTILE = Table(
    caption=r"\input{/etc/passwd} & 50% of #1 _x_ ^ ~ $1 {",
    columns=("a_b", r"\end{longtable}", "p"),
    rows=(("[0,0]", "<script>|`=cmd()`", "1.0e-04"), ("*", "\u202egnp.exe \U0001f680 \x1b[31m", "-6.87 %")),
    numeric=frozenset({2}),
    note="100 % of { } \\",
)


@pytest.fixture(scope="module")
def files(sample: StudyResult) -> dict[str, str]:
    made = build_files(sample, ("tex",), None)
    return {name: data.decode() for name, data in made.items()}


def test_every_table_of_the_summary_is_there(files: dict[str, str]) -> None:
    assert {"tables/claims.tex", "tables/events.tex", "tables/clusters.tex", "tables/groups.tex"} <= set(files)
    assert "The number is right: -6.87 \\%" in files["tables/claims.tex"]
    # each share and session once: three announcements of 16 April are once
    assert files["tables/events.tex"].count(r" \\") >= 42


def test_text_is_escaped() -> None:
    text = table_tex(HOSTILE)
    assert r"\input" not in text and "\x1b" not in text and "\u202e" not in text
    assert text.count(r"\end{longtable}") == 1, "the table ends where we end it"
    assert r"50\% of \#1" in text and r"\textbackslash{}" in text
    assert "{}[0,0] &" in text and "\n{}* &" in text
    body = re.sub(r"\\[A-Za-z]+|\\[{}$&#%_\\]|[{}&]", "", text.split("\n", 1)[1])
    assert not set(body) & set("#%~$^\\")


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_they_compile(files: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "tables").mkdir()
    inputs = []
    for name, text in {**files, "tables/hostile.tex": table_tex(HOSTILE)}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
        inputs.append(rf"\input{{{name}}}")
    document = (
        r"\documentclass{article}\usepackage[utf8]{inputenc}\usepackage[T1]{fontenc}"
        r"\usepackage{booktabs,longtable}\begin{document}\tiny " + "\n".join(inputs) + r"\end{document}"
    )
    (tmp_path / "page.tex").write_text(document, encoding="utf-8")
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "page.tex"],
        cwd=tmp_path,
        capture_output=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout.decode(errors="replace")[-2500:]
