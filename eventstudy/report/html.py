"""A page as one self-contained HTML file: no script, no network, light and dark, readable on a phone, on paper and by
ear. ``assets/page.css`` is its style."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from eventstudy.report import document, glossary
from eventstudy.report.escape import html as plain
from eventstudy.report.figures.marks import Figure
from eventstudy.report.figures.scale import Scale
from eventstudy.report.figures.styles import COLOURS, MARKS
from eventstudy.report.figures.svg import number, panel_svg

_MINUS = re.compile(r"(?<![\w.\-−])-(?=\d)")
_TOGETHER = re.compile(r"(?<=\d) (?=%)|(?<=\bp) (?=\d)")
# cells longer than this are sentences, which wrap
SENTENCE = 40
# notes of cells up to this length fit into a narrow place
SHORT_NOTE = 12
BAR_WIDTH, BAR_HEIGHT = 152.0, 17.0


def report_page(page: document.Page) -> str:
    """The page as HTML; every text is escaped here."""
    return _Writer(words=page.words).page(page)


@cache
def _style() -> str:
    own = (Path(__file__).parent / "assets" / "page.css").read_text(encoding="utf-8")
    return _short(COLOURS + MARKS + own)


def text(words: str) -> str:
    """Escaped text with a true minus before numbers, and no line break between a number and what it belongs to."""
    return _TOGETHER.sub("\u00a0", _MINUS.sub("\u2212", plain(words)))


@dataclass(slots=True)
class _Writer:
    """Writes one page; terms lead to the list of words at their first use in each section."""

    words: bool
    known: set[str] = field(default_factory=set)
    told: set[str] = field(default_factory=set)

    def page(self, page: document.Page) -> str:
        head = self._head(page)
        banner = f'<p class="banner" role="note">{text(page.banner)}</p>' if page.banner else ""
        kicker = f'<header><p class="kick">{text(page.kicker)}</p></header>' if page.kicker else "<header></header>"
        sections = "".join(self._section(section) for section in page.sections)
        words = self._glossary() if page.words else ""
        closing = f"<footer><p>{text(page.closing)}</p></footer>" if page.closing else ""
        return (
            f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head>\n'
            f'<body><a class="skip" href="#main">Skip to the finding</a>{kicker}\n'
            f'<main id="main" tabindex="-1">{banner}{self._opening(page)}{_contents(page)}\n'
            f"{sections}{words}</main>\n{closing}</body></html>\n"
        )

    def _head(self, page: document.Page) -> str:
        said = " ".join(page.lead)[:300]
        parts = [
            '<meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">',
            f'<meta name="generator" content="{document.MADE_BY}"><title>{text(page.title)}</title>',
            f'<meta name="description" content="{text(said)}">' if said else "",
            f'<meta property="og:type" content="article"><meta property="og:title" content="{text(page.title)}">',
            f'<meta property="og:description" content="{text(said)}">' if said else "",
        ]
        if page.image:
            parts.append(
                f'<meta property="og:image" content="{plain(page.image)}"><meta property="og:image:width" '
                'content="1200"><meta property="og:image:height" content="630">'
                '<meta name="twitter:card" content="summary_large_image">'
            )
        return "".join(parts) + f"<style>{_style()}</style>"

    def _opening(self, page: document.Page) -> str:
        lead = "".join(f'<p class="lead">{self._text(words)}</p>' for words in page.lead)
        if page.caveat[0]:
            lead += f'<p class="note caveat"><strong>{text(page.caveat[0])}</strong> {self._text(page.caveat[1])}</p>'
        title = f"<h1>{text(page.title)}</h1>{lead}"
        blocks = list(page.opening)
        if page.beside and blocks and isinstance(blocks[0], Figure):
            title = f'<div class="two"><div>{title}</div>{self._block(blocks.pop(0))}</div>'
        return title + "".join(map(self._block, blocks))

    def _section(self, section: document.Section) -> str:
        self.known = set()
        ident, quiet = plain(section.id), ' class="quiet"' if section.quiet else ""
        inside = "".join(map(self._block, section.blocks))
        return (
            f'<section id="{ident}" aria-labelledby="{ident}-title"><h2 id="{ident}-title"{quiet}>'
            f"{text(section.title)}</h2>{inside}</section>\n"
        )

    def _glossary(self) -> str:
        terms = "".join(
            f'<dt id="w-{term.id}">{text(term.name)}</dt><dd>{text(term.text)}</dd>' for term in glossary.TERMS
        )
        return (
            '<section id="words" aria-labelledby="words-title"><h2 id="words-title">Words</h2>'
            f'<dl class="words">{terms}</dl></section>\n'
        )

    def _text(self, words: str) -> str:
        escaped = text(words)
        return glossary.linked(escaped, self.known, self._term) if self.words else escaped

    def _term(self, term: glossary.Term, words: str) -> str:
        """A link to the list of words; its text shows on hover where the page uses the term first."""
        title = "" if term.id in self.told else f' title="{plain(term.text)}"'
        self.told.add(term.id)
        return f'<a href="#w-{term.id}"{title}>{words}</a>'

    def _block(self, block: document.Block) -> str:
        match block:
            case str():
                return f"<p>{self._text(block)}</p>"
            case document.Note():
                return f'<p class="note">{self._text(block.text)}</p>'
            case document.Heading():
                ident = f' id="{plain(block.id)}"' if block.id else ""
                return f"<h3{ident}>{text(block.text)}</h3>"
            case document.Listing():
                items = "".join(f"<li>{self._text(item)}</li>" for item in block.items)
                return f'<ul class="tight">{items}</ul>'
            case document.Links():
                links = " · ".join(f'<a href="{plain(file)}">{text(words)}</a>' for words, file in block.items)
                return f'<p class="note">{links}</p>'
            case document.Items():
                return self._items(block)
            case document.Fold():
                return self._fold(block)
            case document.Columns():
                parts = "".join(
                    f"<div>{f'<h3>{text(title)}</h3>' if title else ''}{self._figure(figure, inner=True)}</div>"
                    for title, figure in block.items
                )
                return f'<div class="panels">{parts}</div>'
            case document.Table():
                return self._table(block)
            case Figure():
                return self._figure(block)
            case document.Section():
                return self._section(block)

    def _fold(self, fold: document.Fold) -> str:
        self.known = set()
        ident = f' id="{plain(fold.id)}"' if fold.id else ""
        lead = f"<strong>{text(fold.lead)}</strong> " if fold.lead else ""
        note = f' <span class="soft">{text(fold.note)}</span>' if fold.note else ""
        inside = "".join(map(self._block, fold.blocks))
        return f"<details{ident}><summary>{lead}{text(fold.title)}{note}</summary><div>{inside}</div></details>"

    def _items(self, items: document.Items) -> str:
        parts = "".join(map(self._item, items.items))
        key = ""
        if any(item.parts for item in items.items):
            key = (
                '<p class="note key">'
                + " ".join(
                    f'<span><svg viewBox="0 0 26 12" aria-hidden="true"><path class="{style}" d="M1,1H25V11H1Z"/>'
                    f"</svg> {words}</span>"
                    for style, words in (
                        ("mk", "expected"),
                        ("hole", "own move, inside the usual band"),
                        ("hit", "own move, outside it"),
                    )
                )
                + "</p>"
            )
        return f'<ul class="claims">{parts}</ul>{key}'

    def _item(self, item: document.Item) -> str:
        bar = ""
        if item.parts:
            market, own, full = item.parts
            unit = 220 / full if full else 0.0
            wide, at = unit * abs(market), unit * abs(market) + 2
            style = "hit" if item.strong else "hole"
            bar = (
                f'<svg viewBox="0 0 230 16" aria-hidden="true"><path class="mk" d="M0,0H{number(wide)}V16H0Z"/>'
                f'<path class="{style}" d="M{number(at)},1h{number(unit * abs(own))}v14H{number(at)}Z"/></svg>'
            )
        quote = f" {text(item.quote)}" if item.quote else ""
        return (
            f'<li><p class="q"><strong>{text(item.lead)}</strong>{quote}</p>{bar}'
            f'<p class="note"><strong>{text(item.verdict)}</strong> {self._text(item.text)}</p></li>'
        )

    def _figure(self, figure: Figure, *, inner: bool = False) -> str:
        panels = "".join(panel_svg(panel) for panel in figure.panels)
        single = len(figure.panels) == 1
        held = panels if single else f'<div class="panels">{panels}</div>'
        shape = ' class="single"' if single and not inner else ""
        table = document.numbers(figure)
        below = "" if table is None else self._fold(document.Fold(title=document.NUMBERS, blocks=(table,)))
        return f"<figure{shape}>{held}<figcaption>{self._text(figure.caption)}</figcaption>{below}</figure>"

    def _table(self, table: document.Table) -> str:
        note = f'<p class="note">{self._text(table.note)}</p>' if table.note else ""
        inside = self._grid(table) + note
        if table.folded:
            return f"<details><summary>{text(table.caption)}</summary><div>{inside}</div></details>"
        return inside

    def _grid(self, table: document.Table) -> str:
        head = "".join(
            f'<th scope="col"{_classes(table, i)}>{self._column(name)}' for i, name in enumerate(table.columns)
        )
        bodies: list[str] = []
        for row in table.rows:
            if isinstance(row, document.Group):
                bodies.append(f"</tbody><tbody>{_group(row, len(table.columns))}")
            else:
                bodies.append(_row(table, row))
        body = f"<tbody>{''.join(bodies)}</tbody>".replace("<tbody></tbody>", "")
        kinds = [*(["all"] if table.fit else []), *(["num"] if _mostly_numbers(table) else [])]
        style = f' class="{" ".join(kinds)}"' if kinds else ""
        # what is folded is named by its summary
        caption = "" if table.folded and not table.fit else f"<caption>{self._text(table.caption)}</caption>"
        grid = f"<table{style}>{caption}<thead><tr>{head}</thead>{body}</table>"
        if table.fit:
            return grid
        # a region of its own, which the keyboard can scroll where it is wider than the page
        return f'<div class="scroll" role="group" tabindex="0" aria-label="{text(table.caption)}">{grid}</div>'

    def _column(self, name: str) -> str:
        if not name:
            return '<span class="vh">as a bar</span>'
        # outside of tags: what a term says is an attribute
        return re.sub(", (?![^<]*>)", ",<br>", self._text(name)) if len(name) < 30 else self._text(name)


def _short(style: str) -> str:
    """A style sheet without comments and blanks that mean nothing."""
    style = re.sub(r"/\*.*?\*/", "", style, flags=re.S)
    return re.sub(r"\s*([{};,])\s*", r"\1", re.sub(r"\s+", " ", style)).replace(": ", ":").replace(";}", "}")


def _contents(page: document.Page) -> str:
    entries = [f'<li><a href="#{plain(s.id)}">{text(s.title)}</a></li>' for s in page.sections if not s.quiet]
    entries += ['<li><a href="#words">Words</a></li>'] if page.words else []
    entries += [f'<li><a href="{plain(file)}">{text(words)}</a></li>' for words, file in page.further]
    return f'<nav aria-label="On this page"><ul>{"".join(entries)}</ul></nav>' if len(entries) > 1 else ""


def _group(group: document.Group, columns: int) -> str:
    name = text(group.text)
    name = (
        f'<a href="{plain(group.link)}">{name}</a>'
        if group.link
        else f"<strong>{name}</strong>"
        if group.part
        else name
    )
    note = f' <span class="soft">{text(group.note)}</span>' if group.note else ""
    style = "part" if group.part else "g"
    return f'<tr class="{style}"><th colspan="{columns}" scope="rowgroup">{name}{note}'


def _row(table: document.Table, row: document.Row) -> str:
    cells = "".join(_cell(table, i, cell) for i, cell in enumerate(row))
    # cells and rows end where the next begins: HTML leaves their end tags to the writer
    return f"<tr>{cells}"


def _cell(table: document.Table, i: int, cell: str | document.Cell) -> str:
    held = document.Cell(text=cell) if isinstance(cell, str) else cell
    if held.bar is not None:
        return f"<td>{_bar(held, table.scale)}"
    names = _side(table, i, head=not i) + (["long"] if i not in table.numeric and len(held.text) > SENTENCE else [])
    names += ["un"] if held.strong else []
    style = f' class="{" ".join(names)}"' if names else ""
    inside = f'<a href="{plain(held.link)}">{text(held.text)}</a>' if held.link else text(held.text)
    longest = 0 if isinstance(cell, str) else table.notes[i]
    size = "iv" if longest > SHORT_NOTE else "iv s"
    note = f' <span class="{size}">{text(held.note)}</span>' if held.note or (i and longest) else ""
    return f'<th scope="row"{style}>{inside}{note}' if not i else f"<td{style}>{inside}{note}"


def _bar(cell: document.Cell, scale: tuple[float, float]) -> str:
    """An interval with its middle on the table's scale, zero as a line."""
    assert cell.bar is not None, "only called with one"
    x = Scale(scale[0], scale[1], 4.0, BAR_WIDTH - 4)
    low, middle, high = cell.bar
    style, width, dot, r = ("ow", 3, "hit", 4) if cell.strong else ("bs", 2, "hole", 3.6)
    return (
        f'<svg viewBox="0 0 {BAR_WIDTH:g} {BAR_HEIGHT:g}" aria-hidden="true"><path class="grid" '
        f'd="M{number(x(0.0))},0V17"/><path class="{style}" stroke-width="{width}" '
        f'd="M{number(x(low))},8.5H{number(x(high))}"/>'
        f'<circle class="{dot}" cx="{number(x(middle))}" cy="8.5" r="{r}"/></svg>'
    )


def _classes(table: document.Table, i: int) -> str:
    names = _side(table, i, head=False)
    return f' class="{names[0]}"' if names else ""


def _mostly_numbers(table: document.Table) -> bool:
    """Whether numbers are the rule in a table, so that its cells of text are marked in their place."""
    return 2 * len(table.numeric) > len(table.columns)


def _side(table: document.Table, i: int, *, head: bool) -> list[str]:
    """The class that puts a cell to the side of its column; a ``head`` of a row is at the left by itself."""
    if i in table.numeric:
        return ["n"] if head or not _mostly_numbers(table) else []
    return ["x"] if _mostly_numbers(table) and not head else []
