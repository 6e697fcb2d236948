"""The pages of a report and the figures on them, as files."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING

from eventstudy.report.announcement import announcement_page
from eventstudy.report.front import figures_of, front_page
from eventstudy.report.material import Material

if TYPE_CHECKING:
    from eventstudy.evaluate.audit import Audit
    from eventstudy.report.document import Page
    from eventstudy.report.figures.marks import Figure
    from eventstudy.results import StudyResult

PICTURES = ("png", "pdf")
SECONDS = 5.0


def page_files(
    result: StudyResult, formats: Sequence[str], audit: Audit | None, say: Callable[[str], None] | None = None
) -> dict[str, bytes]:
    """Every page and figure of a report, as relative POSIX path -> bytes.

    Parameters
    ----------
    formats : sequence of str
        ``md``, ``html``, ``tex``, ``png``, ``pdf``; others write no pages.
    say : callable or None
        Called with one line per page.
    """
    if not {"md", "html", "tex", *PICTURES} & set(formats):
        return {}
    material = Material(result=result.shown)
    page, figures = front_page(result, material, audit)
    files = _written(page, formats, "summary.md", "report.html", "figures", tables=False)
    if "tex" in formats:
        from eventstudy.report.latex import table_files

        files |= {name: text.encode() for name, text in table_files(page).items()}
    if {"md", "html", *PICTURES} & set(formats):
        events = result.detailed if material.moves.shares else []
        began = time.monotonic()
        for number, event_id in enumerate(events, start=1):
            files |= _announcement(material, event_id, formats, figures)
            if say is not None:
                say(_progress(number, len(events), time.monotonic() - began))
    return files | figure_files(figures.values(), formats, result.spec.digits)


def _progress(number: int, n: int, seconds: float) -> str:
    left = seconds / number * (n - number)
    words = f", {left / 60:.0f} min left" if left >= 90 else f", {left:.0f} s left" if left >= SECONDS else ""
    return f"page {number:,} of {n:,}{words}"


def _announcement(
    material: Material, event_id: str, formats: Sequence[str], figures: dict[str, Figure]
) -> dict[str, bytes]:
    """The page of one announcement; its figures are added to ``figures``."""
    page = announcement_page(material, event_id, image="png" in formats)
    found = figures_of(page)
    figures |= found
    files = _written(page, formats, f"events/{event_id}.md", f"events/{event_id}.html", "../figures", tables=True)
    if "png" in formats:
        from eventstudy.report.figures.share import share_png

        files[f"figures/share-{event_id}.png"] = share_png(page.title, material.moves.of(event_id))
    return files


def _written(
    page: Page, formats: Sequence[str], markdown: str, html: str, figures_at: str, *, tables: bool
) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    if "md" in formats:
        from eventstudy.report.markdown import render

        files[markdown] = render(page, figures_at, tables=tables).encode()
    if "html" in formats:
        from eventstudy.report.html import report_page

        files[html] = report_page(page).encode()
    return files


def figure_files(figures: Collection[Figure], formats: Sequence[str], digits: int | None) -> dict[str, bytes]:
    """Figures as SVG, and as PNG and PDF where they are asked for."""
    from eventstudy.report.figures.svg import file_svg

    files = {f"figures/{figure.name}.svg": file_svg(figure, digits).encode() for figure in figures}
    for kind in PICTURES:
        if kind in formats:
            from eventstudy.report.figures.raster import drawn

            files |= {f"figures/{figure.name}.{kind}": drawn(figure, kind) for figure in figures}
    return files
