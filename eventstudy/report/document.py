"""What a page says, before it is Markdown or HTML. All strings are plain text; renderers escape."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eventstudy.report.figures import Figure

# what opens the table beneath a figure
NUMBERS = "The numbers of this figure"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table of plain-text cells.

    Attributes
    ----------
    caption : str
    columns : tuple of str
    rows : tuple of tuples of str
    numeric : frozenset of int
        Columns to align right.
    note : str
        One line beneath.
    links : tuple of str
        Per row the id on this page that its first cell leads to, or empty; nothing at all means no links.
    folded : bool
        Whether a page that can fold shows the caption alone until asked.
    """

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: frozenset[int] = frozenset()
    note: str = ""
    links: tuple[str, ...] = ()
    folded: bool = False


def numbers(figure: Figure) -> Table | None:
    """What a figure shows, for those who do not see it; columns without a word in them stand right."""
    if not figure.rows:
        return None
    columns = range(1, len(figure.columns))
    return Table(
        caption=f"The numbers: {figure.title}",
        columns=figure.columns,
        rows=figure.rows,
        numeric=frozenset(k for k in columns if all(_is_number(row[k]) for row in figure.rows)),
    )


def _is_number(cell: str) -> bool:
    return cell[:1].isdigit() or cell[:1] in "+-\u2212–"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One finding: a sentence that says all of it, and its figures for a page that can set them large.

    Attributes
    ----------
    text : str
        Complete by itself.
    headline : str
        A few words.
    facts : tuple of (label, value)
        The figures of ``text``.
    tone : str
        ``good`` (holds), ``bad`` (does not) or empty.
    """

    text: str
    headline: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    tone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One announcement, or one session, on a page.

    Attributes
    ----------
    id, title, subtitle : str
    tags : tuple of str
        Words that qualify it, such as flags.
    paragraphs : tuple of str
    points : tuple of (label, texts)
        Labelled remarks.
    tables, figures
    more : tuple of Figure
        Figures for those who look closer.
    folded : bool
        Whether a page that can fold shows the title alone until asked.
    label : str
        Its name in a table of contents; empty means the id.
    """

    id: str
    title: str
    subtitle: str = ""
    tags: tuple[str, ...] = ()
    paragraphs: tuple[str, ...] = ()
    points: tuple[tuple[str, tuple[str, ...]], ...] = ()
    tables: tuple[Table, ...] = ()
    figures: tuple[Figure, ...] = ()
    more: tuple[Figure, ...] = ()
    folded: bool = False
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of a page: statements and paragraphs, then figures, tables and cards."""

    id: str
    title: str
    intro: tuple[str, ...] = ()
    statements: tuple[Statement, ...] = ()
    tables: tuple[Table, ...] = ()
    figures: tuple[Figure, ...] = ()
    cards: tuple[Card, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A whole page.

    Attributes
    ----------
    title : str
    banner : str
        What a reader must know before the rest, such as stale prices.
    generated_note : str
        Where the numbers come from; never a clock, so that equal inputs give equal bytes.
    lead : tuple of str
    facts : tuple of (label, value)
        The study in a few figures, for a page that can set them large; ``lead`` says them too.
    sections : tuple of Section
    """

    title: str
    banner: str = ""
    generated_note: str = ""
    lead: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    sections: tuple[Section, ...] = field(default=())
