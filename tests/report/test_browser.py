"""Pages in a real browser, with every fold open: nothing overflows from 320 to 1280 pixels, no finding of axe, no word
on the console, and what is on the first screen."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine (Debian package chromium)")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip
OPEN = "document.querySelectorAll('details').forEach(d => { d.open = true; })"
# what is beyond the page and scrolls in no region of its own
BEYOND = (
    "w => [...document.querySelectorAll('h1,h2,h3,p,dt,dd,li,figcaption,summary,td,th,svg')]"
    ".filter(e => !e.closest('.scroll') && !e.closest('.vh') && e.getBoundingClientRect().right > w + 1)"
    ".map(e => e.tagName + ' ' + e.textContent.slice(0, 40))"
)


@pytest.fixture(scope="module")
def folder(sample_pages: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("pages")
    for name in ("report.html", "events/h20_license_8k.html", "events/mar_a_lago_dinner.html"):
        (place / name).parent.mkdir(exist_ok=True)
        (place / name).write_text(sample_pages[name], encoding="utf-8")
    return place


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with api.sync_playwright() as p:
        opened = p.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield opened
        opened.close()


@pytest.mark.parametrize(
    ("name", "width", "scheme"),
    [
        ("report.html", 390, "dark"),
        ("events/mar_a_lago_dinner.html", 390, "light"),
        *(
            pytest.param(name, width, scheme, marks=pytest.mark.slow)
            for name in ("report.html", "events/h20_license_8k.html")
            for width in (390, 1280)
            for scheme in ("light", "dark")
        ),
    ],
)
def test_everybody_can_read_it(browser: Any, folder: Path, name: str, width: int, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page, said = context.new_page(), []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto((folder / name).as_uri())
    page.evaluate(OPEN)
    found = axe.Axe().run(page).response["violations"]
    assert [(v["id"], v["nodes"][0]["html"][:120]) for v in found] == []
    assert said == []
    context.close()


def test_nothing_overflows(browser: Any, folder: Path) -> None:
    for name in ("report.html", "events/mar_a_lago_dinner.html"):
        page = browser.new_page()
        page.goto((folder / name).as_uri())
        page.evaluate(OPEN)
        for width in (320, 360, 390, 480, 672, 768, 896, 1024, 1280):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (name, width)
            assert page.evaluate(BEYOND, width) == [], (name, width)
        page.close()


def test_no_column_of_the_table_is_lost_on_a_phone(browser: Any, folder: Path) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto((folder / "report.html").as_uri())
    seen = page.evaluate(
        "[...document.querySelectorAll('#events table.all tr')].filter(r => r.cells.length > 2).map("
        "r => [...r.cells].every(c => { const b = c.getBoundingClientRect(); return b.width > 8 && b.right <= 390; }))"
    )
    assert len(seen) > 40 and all(seen)
    page.close()


def test_the_first_screen(browser: Any, folder: Path) -> None:
    """Finding, lead, leading picture and the first claims within 1280 x 800; finding and lead within 390 x 844."""

    def bottom(page: Any, selector: str) -> float:
        return float(page.evaluate(f"document.querySelector('{selector}').getBoundingClientRect().bottom"))

    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto((folder / "report.html").as_uri())
    assert bottom(page, "h1") < 200 and bottom(page, "figure .panels") < 640
    assert bottom(page, "#claims-title") < 800
    page.set_viewport_size({"width": 390, "height": 844})
    assert bottom(page, ".lead") < 844
    smallest = page.evaluate(
        "Math.min(...[...document.querySelectorAll('figure svg text')].map(t => {"
        " const s = t.ownerSVGElement; return parseFloat(getComputedStyle(t).fontSize)"
        " * s.getBoundingClientRect().width / s.viewBox.baseVal.width; }))"
    )
    assert smallest >= 10.5
    page.close()


def test_links_lead_somewhere(folder: Path) -> None:
    import re

    page = (folder / "report.html").read_text(encoding="utf-8")
    targets = set(re.findall(r'href="#([^"]+)"', page))
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert targets <= set(ids) and len(ids) == len(set(ids))


@pytest.mark.slow
def test_a_link_opens_its_fold(browser: Any, folder: Path) -> None:
    page = browser.new_page()
    page.goto((folder / "report.html").as_uri() + "#apple_500b")
    assert page.evaluate("document.getElementById('apple_500b').closest('details').open")
    page.close()
