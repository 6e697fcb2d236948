"""A page as Markdown, with every free text escaped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventstudy.report.document import NUMBERS, Card, Page, Section, Table, numbers
from eventstudy.report.escape import markdown as escape

if TYPE_CHECKING:
    from eventstudy.report.figures import Figure


def render(page: Page, figures_at: str = "figures", *, tables: bool = False) -> str:
    """The page as GitHub-flavoured Markdown.

    Parameters
    ----------
    page : Page
    figures_at : str
        Relative folder of the SVG files.
    tables : bool
        Whether a folded table beneath each figure gives its numbers.
    """
    banner = [f"> **{escape(page.banner)}**"] if page.banner else []
    parts = [f"# {escape(page.title)}", *banner, *(escape(text) for text in page.lead)]
    for section in page.sections:
        parts += _section(section, figures_at, tables)
    if page.generated_note:
        parts += ["---", escape(page.generated_note)]
    return "\n\n".join(parts) + "\n"


def _section(section: Section, figures_at: str, tables: bool) -> list[str]:
    parts = [f"## {escape(section.title)}", *(escape(text) for text in section.intro)]
    parts += [escape(statement.text) for statement in section.statements]
    parts += [_table(table) for table in section.tables]
    parts += [_figure(figure, figures_at, tables) for figure in section.figures]
    for card in section.cards:
        parts += _card(card, figures_at, tables)
    return parts


def _card(card: Card, figures_at: str, tables: bool) -> list[str]:
    parts = [f"### {escape(card.title)}"]
    if card.subtitle:
        parts.append(f"*{escape(card.subtitle)}*")
    parts += [escape(text) for text in card.paragraphs]
    parts += [_table(table) for table in card.tables]
    parts += [_point(label, texts) for label, texts in card.points]
    return parts + [_figure(figure, figures_at, tables) for figure in card.figures]


def _point(label: str, texts: tuple[str, ...]) -> str:
    if len(texts) == 1:
        return f"**{escape(label)}.** {escape(texts[0])}"
    return f"**{escape(label)}.**\n\n" + "\n".join(f"- {escape(text)}" for text in texts)


def _figure(figure: Figure, figures_at: str, tables: bool) -> str:
    picture = f"![{escape(figure.title)}]({figures_at}/{figure.name}.svg)"
    table = numbers(figure) if tables else None
    if table is None:
        return picture
    # blank lines within, or the table would not be read as Markdown
    return f"{picture}\n\n<details><summary>{NUMBERS}</summary>\n\n{_table(table)}\n\n</details>"


def _table(table: Table) -> str:
    rule = ["--:" if i in table.numeric else "---" for i in range(len(table.columns))]
    lines = [_line([escape(c) for c in table.columns]), _line(rule)]
    lines += [_line([escape(cell) for cell in row]) for row in table.rows]
    text = f"**{escape(table.caption)}**\n\n" + "\n".join(lines)
    return f"{text}\n\n{escape(table.note)}" if table.note else text


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
