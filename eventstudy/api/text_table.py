"""A small table as text, Markdown, LaTeX or HTML: what ``summary`` and ``etable`` return."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eventstudy.errors import UsageError
from eventstudy.report import escape
from eventstudy.report.format import NOTHING
from eventstudy.spelling import meant

FORMS = ("text", "markdown", "latex", "html")
# other words for the same
SAME = {"md": "markdown", "tex": "latex", "txt": "text"}


class Text(str):
    """A text that a notebook and a terminal show unchanged, without quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallTable:
    """A table that fits a page.

    Attributes
    ----------
    title : str
    head : sequence of str
    rows : sequence of sequences of str
        An empty sequence draws a line.
    notes : sequence of str
    """

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()

    def render(self, form: str) -> Text:
        """The table in one of ``FORMS``.

        Raises
        ------
        UsageError
            For an unknown form.
        """
        name = checked_form(form)
        made = {"text": self._text, "markdown": self._markdown, "latex": self._latex, "html": self._html}
        return Text(made[name]())

    def _text(self) -> str:
        table = [self.head, *self.rows]
        cells = [[escape.clean(cell) for cell in row] for row in table]
        widths = [max((len(row[at]) for row in cells if len(row) > at), default=0) for at in range(len(self.head))]
        line = "-" * (sum(widths) + 2 * (len(widths) - 1))
        lines = [
            line if not row else "  ".join(_aligned(cell, widths[at], at) for at, cell in enumerate(row)).rstrip()
            for row in cells
        ]
        said = [escape.clean(note) for note in self.notes]
        title = [escape.clean(self.title)] if self.title else []
        return "\n".join([*title, line, lines[0], line, *lines[1:], line, *said])

    def _markdown(self) -> str:
        rows = [row for row in self.rows if row]
        lines = [
            "| " + " | ".join(map(_markdown_cell, self.head)) + " |",
            "|---|" + "--:|" * (len(self.head) - 1),
            *("| " + " | ".join(map(_markdown_cell, row)) + " |" for row in rows),
        ]
        notes = [f"\n{_markdown_cell(note)}" for note in self.notes]
        title = f"**{_markdown_cell(self.title)}**" if self.title else ""
        return "\n".join([title, "", *lines, *notes])

    def _latex(self) -> str:
        def tex(row: Sequence[str]) -> str:
            cells = ("--" if cell == NOTHING else escape.latex(cell) for cell in row)
            return " & ".join(cells) + r" \\" if row else r"\midrule"

        notes = ". ".join(escape.latex(note.rstrip(".")) for note in self.notes)
        return "\n".join(
            [
                r"% \usepackage{booktabs}",
                r"\begin{table}[htbp]",
                r"\centering",
                *([rf"\caption{{{escape.latex(self.title)}}}"] if self.title else []),
                rf"\begin{{tabular}}{{l{'r' * (len(self.head) - 1)}}}",
                r"\toprule",
                tex(self.head),
                r"\midrule",
                *map(tex, self.rows),
                r"\bottomrule",
                r"\end{tabular}",
                *([rf"\par\smallskip\footnotesize {notes}."] if notes else []),
                r"\end{table}",
            ]
        )

    def _html(self) -> str:
        def cells(row: Sequence[str], tag: str) -> str:
            right = "text-align:right"
            made = [
                f'<{tag} style="{right if at else "text-align:left"}">{escape.html(cell)}</{tag}>'
                for at, cell in enumerate(row)
            ]
            return f"<tr>{''.join(made)}</tr>"

        body = "".join(cells(row, "td") for row in self.rows if row)
        notes = "".join(f"<p>{escape.html(note)}</p>" for note in self.notes)
        caption = f"<caption>{escape.html(self.title)}</caption>" if self.title else ""
        return f"<table>{caption}<thead>{cells(self.head, 'th')}</thead><tbody>{body}</tbody></table>{notes}"


def checked_form(form: str) -> str:
    """The form asked for.

    Raises
    ------
    UsageError
        For an unknown one.
    """
    name = SAME.get(str(form).lower(), str(form).lower())
    if name not in FORMS:
        raise UsageError(f"form {str(form)[:80]!r} is unknown", " | ".join(FORMS), meant(str(form), FORMS))
    return name


def _aligned(cell: str, width: int, at: int) -> str:
    return cell.ljust(width) if at == 0 else cell.rjust(width)


def _markdown_cell(cell: str) -> str:
    return escape.markdown(cell).replace("\n", " ")
