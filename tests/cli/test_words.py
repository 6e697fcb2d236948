"""Pages and terminal text say what was found in plain words: significant, reject and null are terms of tables and docs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cli.conftest import copy_study, run_in

FORBIDDEN = re.compile(r"\b(?:\w*significan\w*|reject\w*|over-reject\w*|null)\b", re.IGNORECASE)
SOME = "--event h20_license_8k --event mar_a_lago_dinner"
COMMANDS = {
    "run": f"run {SOME} --calibrated --audit --volume constant-mean",
    "again": f"run {SOME} --gap 20 -o other",
    "many": "run --event stargate_500b --event tsmc_100b --event us_ai_chip_rule_2022_8k --tests all -o third",
    "calibrate": "calibrate --event mar_a_lago_dinner --effect 0.03",
    "backtest": "backtest --placebos 9",
    "regress": "regress",
    "event": "event h20_license_8k -v",
    "diff": "diff reports other",
    "diff-markdown": "diff reports other --output-format md",
    "validate": "validate",
    "check": "check reports --fail-if excluded>10",
}


def visible(page: str) -> str:
    """What a page says: without headings of columns, which keep the field's terms, and without links."""
    page = re.sub(r'<th scope="col".*?(?=<th|</thead>)', " ", page, flags=re.S)
    page = re.sub(r"(?m)^\|.*\|\n(?=\|[ :|-]+\|$)", "", page)
    return re.sub(r"\]\([^)]*\)|href=\"[^\"]*\"", "", page)


def test_no_page_and_no_command_speaks_of_rejections(tmp_path: Path) -> None:
    copy_study(tmp_path)
    said = {}
    for name, line in COMMANDS.items():
        done = run_in(tmp_path, *line.split())
        assert done.code == 0, (name, done.err)
        said[name] = done.out + done.err
    pages = [path for path in tmp_path.rglob("*") if path.suffix in (".md", ".html")]
    names = {path.name for path in pages}
    assert {"summary.md", "report.html", "calibration.md", "backtest.md", "h20_license_8k.html"} <= names
    said |= {str(path.relative_to(tmp_path)): path.read_text(encoding="utf-8") for path in pages}
    found = {
        name: [text[max(0, m.start() - 40) : m.end() + 20] for m in FORBIDDEN.finditer(text)]
        for name, text in ((name, visible(text)) for name, text in said.items())
    }
    assert not {name: words for name, words in found.items() if words}


@pytest.mark.parametrize("word", ["not significant", "rejects", "the null", "significance"])
def test_the_words_would_be_seen(word: str) -> None:
    assert FORBIDDEN.search(visible(f"<p>it is {word}</p>"))
    assert not FORBIDDEN.search(visible(f'<thead><tr><th scope="col">{word}</thead>'))
