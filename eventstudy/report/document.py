"""What a page says, before it is HTML, Markdown, LaTeX or lines of a terminal. All strings are plain text; renderers
escape."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

from eventstudy.report.figures.marks import Figure

# what every page says of itself, unseen
MADE_BY = "made by eventstudy"
# what opens the table below a figure
NUMBERS = "The numbers of this figure"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A cell of a table that is more than its text.

    Attributes
    ----------
    note : str
        What belongs to it in smaller type, such as its interval.
    strong : bool
        Whether it stands out: a value outside its band.
    link : str
        Where its text leads: ``#id`` on the page, or a file.
    bar : tuple (low, middle, high) or None
        Drawn on the table's scale instead of text; formats without pictures leave its column out.
    """

    text: str = ""
    note: str = ""
    strong: bool = False
    link: str = ""
    bar: tuple[float, float, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A line across a table that names the rows after it; ``part`` opens a part of the table."""

    text: str
    note: str = ""
    link: str = ""
    part: bool = False


Row = tuple[str | Cell, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table of plain-text cells.

    Attributes
    ----------
    rows : tuple of rows or Group
    numeric : frozenset of int
        Columns to align right.
    note : str
        One line below.
    folded : bool
        Whether a page that can fold shows the caption alone until asked.
    scale : tuple (low, high)
        Of the bars among the cells.
    fit : bool
        Whether the table is as wide as its cells and every column shows at any width; others scroll in themselves.
    """

    caption: str
    columns: tuple[str, ...]
    rows: tuple[Row | Group, ...]
    numeric: frozenset[int] = frozenset()
    note: str = ""
    folded: bool = False
    scale: tuple[float, float] = (0.0, 0.0)
    fit: bool = False

    @property
    def notes(self) -> tuple[int, ...]:
        """Length of the longest note of each column."""
        rows = [row for row in self.rows if not isinstance(row, Group)]
        return tuple(
            max((len(row[i].note) for row in rows if isinstance(row[i], Cell)), default=0)  # type: ignore[union-attr]
            for i in range(len(self.columns))
        )


@dataclass(frozen=True, slots=True)
class Note:
    """A remark in smaller type."""

    text: str


@dataclass(frozen=True, slots=True)
class Links:
    """Links to other files: (words, file)."""

    items: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading within a section."""

    text: str
    id: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """A list of short texts."""

    items: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One claim: its text, the verdict, and its two parts as a bar.

    Attributes
    ----------
    parts : tuple (market, own, full) or None
        Sizes of both parts and the longest sum of all items.
    strong : bool
        Whether the own part lies outside its band.
    """

    lead: str
    quote: str
    verdict: str
    text: str
    parts: tuple[float, float, float] | None = None
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Items:
    """Claims side by side."""

    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """What a page that can fold shows only when asked: a summary line, and blocks."""

    title: str
    lead: str = ""
    note: str = ""
    id: str = ""
    blocks: tuple[Block, ...] = ()


@dataclass(frozen=True, slots=True)
class Columns:
    """Figures under a heading each, side by side."""

    items: tuple[tuple[str, Figure], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of a page; ``quiet`` sets its title small."""

    id: str
    title: str
    blocks: tuple[Block, ...] = ()
    quiet: bool = False


Block = str | Note | Links | Heading | Listing | Items | Fold | Columns | Table | Figure | Section


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A whole page.

    Attributes
    ----------
    title : str
        The finding.
    kicker : str
        What was studied.
    banner : str
        What a reader must know before the rest, such as stale prices.
    lead : tuple of str
        How sure the finding is, and what it depends on.
    caveat : tuple (words, text)
        A warning that precedes every number, such as a day picked by its outcome; empty for none.
    opening : tuple of blocks
        The rest of the first screen.
    beside : bool
        Whether the first figure of ``opening`` is beside the title where there is room.
    further : tuple of (words, file)
        Links to files, at the end of the links within the page.
    words : bool
        Whether the list of terms is at the end.
    closing : str
        Where the numbers come from; never a clock, so that equal inputs give equal bytes.
    image : str
        The picture that a link to the page shows; empty for none.
    """

    title: str
    kicker: str = ""
    banner: str = ""
    lead: tuple[str, ...] = ()
    caveat: tuple[str, str] = ("", "")
    opening: tuple[Block, ...] = ()
    beside: bool = False
    sections: tuple[Section, ...] = field(default=())
    further: tuple[tuple[str, str], ...] = ()
    words: bool = False
    closing: str = ""
    image: str = ""


def text_of(cell: str | Cell) -> str:
    """A cell as one line of text."""
    if isinstance(cell, str):
        return cell
    return f"{cell.text} ({cell.note})" if cell.note else cell.text


def has_bars(table: Table, column: int) -> bool:
    """Whether a column holds pictures and no text."""
    rows = [row for row in table.rows if not isinstance(row, Group)]
    return any(isinstance(row[column], Cell) and row[column].bar is not None for row in rows)  # type: ignore[union-attr]


def numbers(figure: Figure) -> Table | None:
    """What a figure shows, for those who do not see it; columns without a word in them are aligned right. A name that
    several rows have is above them."""
    if not figure.rows:
        return None
    columns, found = figure.columns, figure.rows
    rows: list[Row | Group] = list(found)
    if len({row[0] for row in found}) < len(found):
        columns, rows = columns[1:], []
        for name, mine in itertools.groupby(found, key=lambda row: row[0]):
            rows += [Group(text=name), *(row[1:] for row in mine)]
        found = tuple(row[1:] for row in found)
    return Table(
        caption=f"The numbers: {figure.title}",
        columns=columns,
        rows=tuple(rows),
        numeric=frozenset(k for k in range(1, len(columns)) if all(_is_number(row[k]) for row in found)),
    )


def _is_number(cell: str) -> bool:
    return cell[:1].isdigit() or cell[:1] in "+-\u2212–"
