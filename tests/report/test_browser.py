"""report.html in a real browser: no error, no sideways scrolling, no serious accessibility finding, usable by keyboard."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from eventstudy.report.summary_page import summary_page

from eventstudy.report.html import report_page
from eventstudy.results import StudyResult

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine (Debian package chromium)")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip


@pytest.fixture(scope="module")
def page_file(sample: StudyResult, sample_figures: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(report_page(summary_page(sample, sample_figures, None)), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with api.sync_playwright() as p:
        opened = p.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield opened
        opened.close()


@pytest.mark.parametrize(
    ("width", "scheme"),
    [
        (390, "dark"),
        *(pytest.param(*pair, marks=pytest.mark.slow) for pair in ((390, "light"), (1280, "light"), (1280, "dark"))),
    ],
)
def test_it_fits_says_nothing_and_everybody_can_read_it(browser: Any, page_file: Path, width: int, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page, said = context.new_page(), []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(page_file.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    found = axe.Axe().run(page).response["violations"]
    assert [v["id"] for v in found if v["impact"] in ("serious", "critical")] == []
    assert said == []
    context.close()


def test_tables_sort_and_filter_by_keyboard(browser: Any, page_file: Path) -> None:
    page = browser.new_page()
    page.goto(page_file.as_uri())
    first = "#events table.data tbody tr:first-child td:nth-child(6)"
    before = page.inner_text(first)
    page.locator("#events th button", has_text="CAR").focus()
    page.keyboard.press("Enter")
    assert page.locator("#events th[aria-sort=ascending]").count() == 1
    shown = page.locator("#events table.data tbody td:nth-child(6)").all_inner_texts()
    values = [float(text.replace("\u2212", "-").split()[0]) for text in shown]
    assert values == sorted(values) and page.inner_text(first) != before
    page.locator("#events .filter input").focus()
    page.keyboard.type("h20_license_8k")
    assert page.locator("#events table.data tbody tr:visible").count() == 3
    assert "3 of" in page.inner_text("#events .filter [role=status]")
    page.close()


@pytest.mark.slow
def test_it_is_complete_without_script(browser: Any, page_file: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(page_file.as_uri())
    assert page.locator("#events table.data tbody tr:visible").count() > 8
    assert page.locator("#announcements article").count() > 8
    assert page.locator(".filter").count() == 0
    context.close()
