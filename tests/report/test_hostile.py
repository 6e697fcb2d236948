"""Text from an events file is hostile until escaped: it reaches no format as markup."""

from __future__ import annotations

import csv
import html.parser
import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from eventstudy.cli.console import printable
from eventstudy.report import escape
from eventstudy.report.figures import read_metadata
from tests.cli.conftest import Outcome, run_in

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "a|b",
    "=cmd()|' /C calc'!A0",
    "+1+1",
    "@SUM(A1)",
    "`rm -rf`",
    "[x](http://example.invalid)",
    "![x](http://example.invalid/x.png)",
    r"$\alpha$ and $500B",
    "right\u202eleft\u2066",
    "\x1b[31mred\x1b[0m",
    "line\nbreak",
    "&lt;b&gt;",
    "</title></svg>",
    "🚀",
    "x" * 10_000,
]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    folder = tmp_path_factory.mktemp("hostile")
    with (folder / "events.csv").open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(
            ["event_id", "ticker", "announced_at", "timing", "category", "title", "source", "notes", "group"]
        )
        for n, text in enumerate(HOSTILE):
            writer.writerow([f"h{n}", "NVDA", "2025-04-15", "amc", text[:200], text, text, text, text[:200]])
    outcome = run_in(folder, "run", "--by", "group", "--window", "0:0", "--tests", "car-t")
    assert outcome.code == 0, outcome.err
    return outcome


class Tags(html.parser.HTMLParser):
    """Counts elements and attributes that could act."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = {name for name, _ in attrs}
        if tag in ("script", "img", "iframe", "b", "object") or any(name.startswith("on") for name in names):
            self.found.append(tag)


def text_of(outcome: Outcome, name: str) -> str:
    return (outcome.folder / "reports" / name).read_text(encoding="utf-8")


def test_html(hostile: Outcome) -> None:
    tags = Tags()
    page = text_of(hostile, "report.html")
    tags.feed(page)
    assert tags.found == ["script"], "the page's own, at its end"
    assert page.count("<script") == 1 and page.index("<script") > page.index("</main>")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "\u202e" not in page and "\x1b" not in page


def test_markdown(hostile: Outcome) -> None:
    for name in ("summary.md", *(f"events/h{n}.md" for n in range(len(HOSTILE)))):
        page = text_of(hostile, name)
        assert "<script" not in page and "<img" not in page and "\x1b" not in page and "\u202e" not in page
        assert re.search(r"(?<!\\)\]\(http", page) is None, "no link, no image"
        for row in re.findall(r"^\|.*\|$", page, re.M):
            assert "a|b" not in row
        assert re.search(r"(?<!\\)`rm", page) is None


def test_csv_holds_no_formula(hostile: Outcome) -> None:
    for path in (hostile.folder / "reports").glob("*.csv"):
        with path.open(encoding="utf-8", newline="") as handle:
            for row in csv.reader(handle):
                for cell in row:
                    plain = re.fullmatch(r"[+-]?\d+(\.\d*)?(e[+-]?\d+)?", cell)
                    assert plain or cell[:1] not in ("=", "+", "-", "@"), f"{path.name}: {cell[:40]}"


def test_json_can_stand_in_a_page(hostile: Outcome) -> None:
    text = text_of(hostile, "results.json")
    assert not set("<>&") & set(text)
    json.loads(text)


def test_svg_is_well_formed_and_says_what_it_shows(hostile: Outcome) -> None:
    paths = sorted((hostile.folder / "reports" / "figures").glob("*.svg"))
    assert len(paths) >= len(HOSTILE)
    for path in paths:
        text = path.read_text(encoding="utf-8")
        root = ElementTree.fromstring(text)
        space = "{http://www.w3.org/2000/svg}"
        assert root.get("role") == "img"
        assert root.find(f"{space}title") is not None and root.find(f"{space}desc") is not None
        assert root.find(f".//{space}script") is None
        assert read_metadata(text)


def test_terminal(hostile: Outcome) -> None:
    for n in (0, 10, 11):
        shown = run_in(hostile.folder, "event", f"h{n}")
        assert shown.code == 0, shown.err
        assert "\x1b" not in shown.out and "\u202e" not in shown.out
    assert printable("a\x1b[2Jb\nc") == "a\ufffd[2Jb\nc"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("=1+1", "'=1+1"), ("-0.07", "-0.07"), ("<-0.06", "<-0.06"), ("-x", "'-x"), ("@a", "'@a"), ("a", "a"), ("", "")],
)
def test_spreadsheet(text: str, expected: str) -> None:
    assert escape.spreadsheet(text) == expected


def test_json_dumps_knows_no_nan() -> None:
    assert json.loads(escape.json_dumps({"a": float("nan"), "b": [float("inf"), 1.5, "<&>"]})) == {
        "a": None,
        "b": [None, 1.5, "<&>"],
    }


def test_an_output_folder_that_is_a_trap(tmp_path: Path) -> None:
    """A link inside the report folder leads nothing outside; a manifest cannot name files elsewhere."""
    (tmp_path / "events.csv").write_text("event_id,ticker,announced_at,timing\nx,NVDA,2025-04-15,amc\n")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("precious")
    out = tmp_path / "reports"
    out.mkdir()
    (out / "events").symlink_to(outside)
    done = run_in(tmp_path, "run")
    assert done.code == 2 and "link" in done.err
    assert {path.name for path in outside.iterdir()} == {"precious"}
    (out / "events").unlink()
    names = ["../outside/precious", str(outside / "precious"), "events/../../outside/precious"]
    (out / "manifest.json").write_text(json.dumps({"files": dict.fromkeys(names, "0")}))
    done = run_in(tmp_path, "run", "--formats", "csv")
    assert done.code == 0, done.err
    assert (outside / "precious").read_text() == "precious"
