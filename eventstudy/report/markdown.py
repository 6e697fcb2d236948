"""A page as GitHub-flavoured Markdown, with every free text escaped."""

from __future__ import annotations

from collections.abc import Iterator

from eventstudy.report import glossary
from eventstudy.report.document import (
    MADE_BY,
    NUMBERS,
    Block,
    Cell,
    Columns,
    Fold,
    Group,
    Heading,
    Items,
    Links,
    Listing,
    Note,
    Page,
    Section,
    Table,
    has_bars,
    numbers,
    text_of,
)
from eventstudy.report.escape import markdown as escape
from eventstudy.report.figures.marks import Figure


def render(page: Page, figures_at: str = "figures", *, tables: bool = False) -> str:
    """The page as Markdown.

    Parameters
    ----------
    figures_at : str
        Relative folder of the SVG files.
    tables : bool
        Whether a folded table below each figure gives its numbers.
    """
    parts = [f"# {escape(page.title)}", f"<!-- {MADE_BY} -->"]
    parts += [f"> **{escape(page.banner)}**"] if page.banner else []
    parts += [f"*{escape(page.kicker)}*"] if page.kicker else []
    parts += [escape(text) for text in page.lead]
    parts += [f"> **{escape(page.caveat[0])}** {escape(page.caveat[1])}"] if page.caveat[0] else []
    parts += [text for block in page.opening for text in _block(block, figures_at, tables)]
    parts += [text for section in page.sections for text in _block(section, figures_at, tables)]
    if page.words:
        terms = "\n".join(f"- **{escape(term.name)}**: {escape(term.text)}" for term in glossary.TERMS)
        parts += ["## Words", terms]
    if page.closing:
        parts += ["---", escape(page.closing)]
    return "\n\n".join(parts) + "\n"


def _block(block: Block, figures_at: str, tables: bool) -> Iterator[str]:
    match block:
        case str():
            yield escape(block)
        case Note():
            yield f"*{escape(block.text)}*"
        case Heading():
            yield f"### {escape(block.text)}"
        case Listing():
            yield "\n".join(f"- {escape(item)}" for item in block.items)
        case Links():
            # links to HTML pages lead nowhere from a job summary or a README
            pass
        case Items():
            yield "\n".join(
                f"- **{escape(i.lead)}** {escape(i.quote)}{': ' if i.quote else ''}{escape(i.verdict)} {escape(i.text)}"
                for i in block.items
            )
        case Fold():
            note = f" {escape(block.note)}" if block.note else ""
            lead = f"<b>{escape(block.lead)}</b> " if block.lead else ""
            # blank lines within, or what is inside would not be read as Markdown
            yield f"<details><summary>{lead}{escape(block.title)}{note}</summary>"
            for inner in block.blocks:
                yield from _block(inner, figures_at, tables)
            yield "</details>"
        case Columns():
            for title, figure in block.items:
                if title:
                    yield f"### {escape(title)}"
                yield from _figure(figure, figures_at, tables)
        case Table():
            yield from _folded(block) if block.folded else (_table(block),)
        case Figure():
            yield from _figure(block, figures_at, tables)
        case Section():
            yield f"## {escape(block.title)}"
            for inner in block.blocks:
                yield from _block(inner, figures_at, tables)


def _folded(table: Table) -> Iterator[str]:
    yield f"<details><summary>{escape(table.caption)}</summary>"
    yield _table(table)
    yield "</details>"


def _figure(figure: Figure, figures_at: str, tables: bool) -> Iterator[str]:
    yield f"![{escape(figure.title)}]({figures_at}/{figure.name}.svg)"
    yield f"*{escape(figure.caption)}*"
    table = numbers(figure) if tables else None
    if table is not None:
        yield f"<details><summary>{NUMBERS}</summary>"
        yield _table(table)
        yield "</details>"


def _table(table: Table) -> str:
    kept = [i for i in range(len(table.columns)) if not has_bars(table, i)]
    rule = ["--:" if i in table.numeric else "---" for i in kept]
    lines = [_line([escape(table.columns[i]) for i in kept]), _line(rule)]
    for row in table.rows:
        if isinstance(row, Group):
            note = f" {escape(row.note)}" if row.note else ""
            lines.append(_line([f"**{escape(row.text)}**{note}", *[""] * (len(kept) - 1)]))
        else:
            lines.append(_line([_cell(row[i]) for i in kept]))
    text = f"**{escape(table.caption)}**\n\n" + "\n".join(lines)
    return f"{text}\n\n{escape(table.note)}" if table.note else text


def _cell(cell: str | Cell) -> str:
    if isinstance(cell, Cell) and cell.strong:
        return f"**{escape(cell.text)}**" + (f" ({escape(cell.note)})" if cell.note else "")
    return escape(text_of(cell))


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
