"""What a page says, before it is Markdown or HTML. All strings are plain text; renderers escape."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eventstudy.report.figures import Figure


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
    """

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: frozenset[int] = frozenset()
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One announcement on a page."""

    id: str
    title: str
    subtitle: str = ""
    paragraphs: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    figures: tuple[Figure, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of a page: paragraphs, then tables, figures and cards."""

    id: str
    title: str
    intro: tuple[str, ...] = ()
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
    sections : tuple of Section
    """

    title: str
    banner: str = ""
    generated_note: str = ""
    lead: tuple[str, ...] = ()
    sections: tuple[Section, ...] = field(default=())
