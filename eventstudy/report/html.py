"""A page as one self-contained HTML file: no network, light and dark, readable on a phone, on paper and by ear.

``assets/page.css`` is its style; ``assets/page.js`` sorts and filters tables, and the page is complete without it.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from pathlib import Path

from eventstudy.report.document import NUMBERS, Card, Page, Section, Statement, Table, numbers
from eventstudy.report.escape import html as plain
from eventstudy.report.figures import Figure
from eventstudy.report.figures.style import COLOUR_NAMES

# cells up to this length do not wrap; those beyond the second are sentences
SHORT_CELL, LONG_CELL = 44, 80
# figures narrower than this fit a phone
NARROW = 460.0
_MINUS = re.compile(r"(?<![\w.\-−])-(?=\d)")
_TOGETHER = re.compile(r"(?<=\d) (?=%)|(?<=\bp) (?=\d)")


def report_page(page: Page) -> str:
    """The page as HTML; every text is escaped here."""
    page = _with_links_that_lead(page)
    body = "".join(_section(section) for section in page.sections)
    lead = "".join(f"<p>{_text(text)}</p>" for text in page.lead)
    banner = f'<p class="banner" role="note">{_text(page.banner)}</p>' if page.banner else ""
    note = f"<footer><p>{_text(page.generated_note)}</p></footer>\n" if page.generated_note else ""
    script = f"<script>\n{_asset('page.js')}</script>"
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{plain(page.title)}</title>\n<style>\n{_asset('page.css')}</style>\n</head>\n<body>\n"
        '<a class="skip" href="#main">Skip to the report</a>\n<div class="frame">\n'
        f'<header class="masthead"><h1>{_text(page.title)}</h1>{banner}{lead}{_facts(page.facts)}</header>\n'
        f'<div class="layout">\n{_contents(page)}<main id="main" tabindex="-1">\n{body}</main>\n</div>\n'
        f"{note}</div>\n{script}\n</body>\n</html>\n"
    )


def _with_links_that_lead(page: Page) -> Page:
    """The page with links of tables to what stands on it: the page of a large study has no cards."""
    known = {card.id for section in page.sections for card in section.cards}

    def linked(table: Table) -> Table:
        return replace(table, links=tuple(link if link in known else "" for link in table.links))

    sections = [replace(section, tables=tuple(map(linked, section.tables))) for section in page.sections]
    return replace(page, sections=tuple(sections))


@cache
def _asset(name: str) -> str:
    return (Path(__file__).parent / "assets" / name).read_text(encoding="utf-8")


def _text(text: str) -> str:
    """Escaped text with a true minus before numbers, and no line break between a number and what it belongs to."""
    return _TOGETHER.sub("\u00a0", _MINUS.sub("\u2212", plain(text)))


def _contents(page: Page) -> str:
    def entry(section: Section) -> str:
        cards = "".join(f'<li><a href="#{plain(c.id)}">{_text(c.label or c.id)}</a></li>' for c in section.cards)
        inner = f"<ol>{cards}</ol>" if cards else ""
        return f'<li><a href="#{plain(section.id)}">{_text(section.title)}</a>{inner}</li>\n'

    entries = "".join(entry(section) for section in page.sections)
    return f'<nav class="toc" aria-labelledby="toc-title"><h2 id="toc-title">Contents</h2><ol>\n{entries}</ol></nav>\n'


def _section(section: Section) -> str:
    parts = [f"<p>{_text(text)}</p>" for text in section.intro]
    if section.statements:
        parts.append(f'<ul class="findings">{"".join(map(_statement, section.statements))}</ul>')
    parts += [_figure(figure) for figure in section.figures]
    parts += [_table(table) for table in section.tables]
    parts += [_card(card) for card in section.cards]
    ident = plain(section.id)
    heading = f'<h2 id="{ident}-title">{_text(section.title)}</h2>'
    return f'<section id="{ident}" aria-labelledby="{ident}-title">\n{heading}\n' + "\n".join(parts) + "\n</section>\n"


def _statement(statement: Statement) -> str:
    heading = f"<h3>{_text(statement.headline)}</h3>" if statement.headline else ""
    tone = f" {statement.tone}" if statement.tone in ("good", "bad") else ""
    return f'<li class="finding{tone}">{heading}{_facts(statement.facts)}<p>{_text(statement.text)}</p></li>'


def _facts(facts: tuple[tuple[str, str], ...]) -> str:
    pairs = "".join(f"<div><dt>{_text(label)}</dt><dd>{_text(value)}</dd></div>" for label, value in facts)
    return f'<dl class="facts">{pairs}</dl>' if pairs else ""


def _card(card: Card) -> str:
    ident = plain(card.id)
    subtitle = f'<p class="subtitle">{_text(card.subtitle)}</p>' if card.subtitle else ""
    tags = "".join(f"<li>{_text(tag)}</li>" for tag in card.tags)
    parts = [subtitle, f'<ul class="tags" aria-label="Flags">{tags}</ul>' if tags else ""]
    parts += [f"<p>{_text(text)}</p>" for text in card.paragraphs]
    parts += [_figure(figure) for figure in card.figures]
    parts += [_table(table) for table in card.tables]
    points = "".join(
        f"<dt>{_text(label)}</dt>" + "".join(f"<dd>{_text(text)}</dd>" for text in texts)
        for label, texts in card.points
    )
    parts.append(f'<dl class="points">{points}</dl>' if points else "")
    if card.more:
        closer = "".join(_figure(figure) for figure in card.more)
        parts.append(
            '<details class="fold"><summary>Estimation and uneventful days</summary>'
            f'<div class="closer">{closer}</div></details>'
        )
    inside, heading = "".join(parts), f'<h3 id="{ident}-title">{_text(card.title)}</h3>'
    if card.folded:
        inside = f'<div class="inside">{inside}</div>'
        return f'<details class="card" id="{ident}"><summary>{heading}</summary>{inside}</details>'
    return f'<article class="card" id="{ident}" aria-labelledby="{ident}-title">{heading}{inside}</article>'


def _figure(figure: Figure) -> str:
    svg = figure.svg
    for colour, name in COLOUR_NAMES.items():
        svg = svg.replace(colour, f"var(--fig-{name})")
    width = re.search(r'viewBox="[\d.]+ [\d.]+ ([\d.]+)', svg)
    if width and float(width[1]) < NARROW:
        svg = svg.replace("<svg", '<svg class="narrow"', 1)
    label = plain(figure.title)
    table = numbers(figure)
    beneath = (
        ""
        if table is None
        else f'<details class="fold numbers"><summary>{NUMBERS}</summary>{_scroll(table, "")}</details>'
    )
    return (
        f'<figure><div class="plot" role="group" tabindex="0" aria-label="{label}">{svg}</div>'
        f"<figcaption>{_text(figure.description)}</figcaption>{beneath}</figure>"
    )


def _table(table: Table) -> str:
    note = f'<p class="note">{_text(table.note)}</p>' if table.note else ""
    inside = _scroll(table, "data") + note
    if table.folded:
        return f'<details class="fold"><summary>{_text(table.caption)}</summary>{inside}</details>'
    return inside


def _scroll(table: Table, kind: str) -> str:
    """The table in a region of its own, which the keyboard can scroll where it is wider than the page."""
    head = "".join(
        f'<th scope="col"{_classes(table, i, name)}>{_text(name)}</th>' for i, name in enumerate(table.columns)
    )
    links = table.links or ("",) * len(table.rows)
    rows = "\n".join(_row(table, row, link) for row, link in zip(table.rows, links, strict=True))
    label = plain(table.caption)
    name = f' class="{kind}"' if kind else ""
    return (
        f'<div class="scroll" role="group" tabindex="0" aria-label="{label}"><table{name}>'
        f"<caption>{_text(table.caption)}</caption><thead><tr>{head}</tr></thead><tbody>\n{rows}\n</tbody></table></div>"
    )


def _row(table: Table, row: tuple[str, ...], link: str) -> str:
    first = f'<a href="#{plain(link)}">{_text(row[0])}</a>' if link else _text(row[0])
    cells = "".join(f"<td{_classes(table, i, cell)}>{_text(cell)}</td>" for i, cell in enumerate(row) if i)
    return f'<tr><th scope="row"{_classes(table, 0, row[0])}>{first}</th>{cells}</tr>'


def _classes(table: Table, i: int, text: str) -> str:
    names = ["number"] if i in table.numeric else []
    if len(text) <= SHORT_CELL:
        names.append("short")
    elif len(text) > LONG_CELL:
        names.append("long")
    return f' class="{" ".join(names)}"' if names else ""
