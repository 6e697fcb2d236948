"""Text from an events file is hostile until escaped: it reaches no format as markup."""

from __future__ import annotations

import csv
import html.parser
import json
import re
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest

from eventstudy.cli.console import printable
from eventstudy.report import escape
from eventstudy.report.figures.svg import read_metadata
from tests.cli.conftest import Outcome, run_in
from tests.report.test_browser import CHROMIUM, FLAGS

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
    r"\input{/etc/passwd}",
    r"50 % & #1 ~ _x_ ^ {} \end{longtable}",
    "soft\u00adhyphen\u061cletter mark\U000e0041tag",
    "</td></tr></table><style>*{display:none}</style>",
    "' onfocus='alert(1)' autofocus='",
    "javascript:alert(1)",
    "::error file=a::said",
    "word " * 2_000,
]


def studied(folder: Path, texts: dict[int, str], formats: str) -> Outcome:
    """A study of announcements with these texts in every field of text, by their number."""
    with (folder / "events.csv").open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(
            ["event_id", "ticker", "role", "announced_at", "timing", "category", "title", "source", "notes", "group"]
        )
        for n, text in texts.items():
            # two firms, so that every group is tested
            for ticker, role in (("NVDA", "direct"), ("AMD", "peer")):
                said = (text[:200], text, text, text, text[:200])
                writer.writerow([f"h{n}", ticker, role, "2025-04-15", "amc", *said])
    outcome = run_in(
        folder, "run", "--by", "group", "--window", "0:0", "--tests", "car-t,csect-t", "--formats", formats
    )
    assert outcome.code == 0, outcome.err
    return outcome


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return studied(tmp_path_factory.mktemp("hostile"), dict(enumerate(HOSTILE)), "md,html,csv,json,tex")


class Tags(html.parser.HTMLParser):
    """Counts elements and attributes that could act, and those that our pages have no use for."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.styles = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = {name for name, _ in attrs}
        leads = [value or "" for name, value in attrs if name in ("href", "src", "xlink:href", "action")]
        acts = any(name.startswith("on") or name == "autofocus" for name in names)
        ours = all(re.fullmatch(r"#.+|events/h\d+\.html", v) for v in leads)
        if tag in ("script", "img", "iframe", "b", "object") or acts or not ours:
            self.found.append(tag)
        self.styles += tag == "style"


def text_of(outcome: Outcome, name: str) -> str:
    return (outcome.folder / "reports" / name).read_text(encoding="utf-8")


def test_html(hostile: Outcome) -> None:
    tags = Tags()
    page = text_of(hostile, "report.html")
    tags.feed(page)
    assert tags.found == [], "no script of anybody's"
    assert tags.styles == 1, "the page's own"
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "\u202e" not in page and "\x1b" not in page


def test_nothing_unseen_in_any_text(hostile: Outcome) -> None:
    """Marks that turn, hide or tag what a reader sees reach nothing that people read."""
    unseen = set("\x1b\u202e\u2066\u200f\u00ad\u061c\U000e0041")
    found = [
        path
        for path in (hostile.folder / "reports").rglob("*")
        if path.suffix in (".md", ".html", ".csv", ".svg", ".tex")
    ]
    assert {path.suffix for path in found} == {".md", ".html", ".csv", ".svg", ".tex"}
    for path in found:
        assert not unseen & set(path.read_text(encoding="utf-8")), path.name


def test_markdown(hostile: Outcome) -> None:
    for name in ("summary.md", *(f"events/h{n}.md" for n in range(len(HOSTILE)))):
        page = text_of(hostile, name)
        assert "<script" not in page and "<img" not in page and "\x1b" not in page and "\u202e" not in page
        assert re.search(r"(?<!\\)\]\(http", page) is None, "no link, no image"
        for table in re.findall(r"(?:^\|.*\|\n)+", page, re.M):
            widths = {len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()}
            assert len(widths) == 1, f"columns torn: {table[:300]}"
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


# Of what a font draws: a letter it lacks, marks that turn a line round, an escape, mathematics, 10,000 letters.
DRAWN = [r"$\alpha$ and $500B", "right\u202eleft\u2066", "\x1b[31mred\x1b[0m", "🚀", "x" * 10_000]


@pytest.mark.parametrize("texts", [DRAWN, pytest.param(HOSTILE, marks=pytest.mark.slow)], ids=["few", "all"])
def test_slides(tmp_path: Path, texts: list[str]) -> None:
    assert set(texts) <= set(HOSTILE)
    done = studied(tmp_path, {HOSTILE.index(text): text for text in texts}, "md,png")
    folder = done.folder / "reports" / "figures"
    pictures = {path.stem: path.read_bytes() for path in folder.glob("*.png")}
    shared = {f"share-h{HOSTILE.index(text)}" for text in texts}
    assert set(pictures) == {path.stem for path in folder.glob("*.svg")} | shared and len(pictures) >= len(texts)
    assert all(data.startswith(b"\x89PNG") for data in pictures.values())
    assert "Warning" not in done.err, "a letter that the font lacks is not a reason to talk"


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_latex_prints_it_as_it_is(hostile: Outcome, tmp_path: Path) -> None:
    tables = sorted((hostile.folder / "reports" / "tables").glob("*.tex"))
    assert {"groups.tex", "events.tex"} <= {path.name for path in tables}
    for path in tables:
        shutil.copy(path, tmp_path)
    document = (
        r"\documentclass{article}\usepackage[utf8]{inputenc}\usepackage[T1]{fontenc}"
        r"\usepackage[paperwidth=4000mm,paperheight=500mm,margin=5mm]{geometry}\usepackage{booktabs,longtable}"
        r"\begin{document}" + "".join(rf"\input{{{path.name}}}" for path in tables) + r"\end{document}"
    )
    (tmp_path / "page.tex").write_text(document, encoding="utf-8")
    command = ["pdflatex", "-no-shell-escape", "-interaction=nonstopmode", "-halt-on-error", "page.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=120)
    assert done.returncode == 0, done.stdout.decode(errors="replace")[-2500:]
    assert b"/etc/passwd" not in done.stdout, "not even looked for"
    if shutil.which("pdftotext"):
        subprocess.run(["pdftotext", "-layout", "page.pdf"], cwd=tmp_path, check=True, timeout=60)
        text = (tmp_path / "page.txt").read_text(encoding="utf-8")
        for literal in (r"\input{/etc/passwd}", r"50 % & #1 ~ _x_ ^ {} \end{longtable}", r"$\alpha$ and $500B", "a|b"):
            assert literal in text, literal


def test_terminal(hostile: Outcome) -> None:
    """No escape, nothing that turns the line around, no line of its own, and not ten thousand letters."""
    for n, text in enumerate(HOSTILE):
        if n not in (0, 10, 11, 12, 16, 19):
            continue
        shown = run_in(hostile.folder, "event", f"h{n}", "--tests", "car-t", "--window", "0:0")
        assert shown.code == 0, shown.err
        for said in (shown.out, shown.err):
            assert not set(said) & set("\x1b\u202e\u2066\u00ad\u061c\U000e0041")
            assert not any(line.startswith("break") for line in said.splitlines())
            assert max((len(line) for line in shown.out.splitlines()), default=0) <= 80, text[:40]
    checked = run_in(hostile.folder, "validate")
    assert checked.code == 0 and not set(checked.out + checked.err) & set("\x1b\u202e\u2066")
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
    (out / "manifest.json").write_text(json.dumps({"schema_version": 1, "files": dict.fromkeys(names, "0")}))
    done = run_in(tmp_path, "run", "--formats", "csv")
    assert done.code == 0, done.err
    assert (outside / "precious").read_text() == "precious"


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine (Debian package chromium)")
@pytest.mark.parametrize("width", [390, pytest.param(1280, marks=pytest.mark.slow)])
def test_the_page_fits_and_nothing_of_it_runs(hostile: Outcome, width: int) -> None:
    """Ten thousand letters without a space neither widen the page nor act."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with api.sync_playwright() as p:
        browser = p.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page, said = browser.new_page(viewport={"width": width, "height": 900}), []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("dialog", lambda dialog: (said.append("dialog"), dialog.dismiss()))
        page.on("request", lambda request: said.append(request.url) if not request.url.startswith("file:") else None)
        page.goto((hostile.folder / "reports" / "report.html").as_uri())
        page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        outside = page.evaluate(
            "w => [...document.querySelectorAll('h1,h2,h3,p,dt,dd,li,figcaption,summary')].filter(e => !e.closest('.scroll')"
            " && e.getBoundingClientRect().right > w + 1).map(e => e.tagName + ' ' + e.textContent.slice(0, 40))",
            width,
        )
        assert outside == [] and said == []
        # all of them on one session, which is once: two shares
        assert page.locator("#events table.all tbody tr:not(.g):not(.part):visible").count() == 2
        assert page.locator("section[id^=session-] h3[id^=h]").count() == len(HOSTILE)
        browser.close()
