"""Tables of the summary for a paper: LaTeX with booktabs, the same cells as the page."""

from __future__ import annotations

from eventstudy.report.document import Cell, Group, Items, Page, Section, Table, has_bars, text_of
from eventstudy.report.escape import latex

PACKAGES = "% \\usepackage{booktabs,longtable}\n"


def table_files(page: Page) -> dict[str, str]:
    """Every table of a page's sections as ``tables/SECTION.tex``, further ones ``SECTION-2.tex``."""
    files = {}
    for section in (*(block for block in page.opening if isinstance(block, Section)), *page.sections):
        tables = [_claims(block) if isinstance(block, Items) else block for block in section.blocks]
        for number, table in enumerate((block for block in tables if isinstance(block, Table)), start=1):
            name = section.id if number == 1 else f"{section.id}-{number}"
            files[f"tables/{name}.tex"] = table_tex(table)
    return files


def _claims(items: Items) -> Table:
    rows = tuple((item.lead, item.quote, item.verdict, item.text) for item in items.items)
    return Table(caption="Claims, held against prices", columns=("share", "claim", "verdict", "what it is"), rows=rows)


def table_tex(table: Table) -> str:
    """One table: it may run over pages, its head is repeated, numbers are aligned right; every text is escaped here."""
    kept = [i for i in range(len(table.columns)) if not has_bars(table, i)]
    columns = "".join("r" if i in table.numeric else "l" for i in kept)
    head = " & ".join(rf"\textbf{{{latex(table.columns[i])}}}" for i in kept) + r" \\"
    body = [_group(row, len(kept)) if isinstance(row, Group) else _row(row, kept) for row in table.rows]
    note = [rf"\par\smallskip{{\footnotesize {latex(table.note)}}}"] if table.note else []
    return PACKAGES + "\n".join(
        (
            rf"\begin{{longtable}}{{{columns}}}",
            rf"\caption{{{latex(table.caption)}}}\\",
            r"\toprule",
            head,
            r"\midrule",
            r"\endfirsthead",
            r"\toprule",
            head,
            r"\midrule",
            r"\endhead",
            r"\bottomrule",
            r"\endlastfoot",
            *body,
            r"\end{longtable}",
            *note,
            "",
        )
    )


def _row(row: tuple[str | Cell, ...], kept: list[int]) -> str:
    return " & ".join(_cell(text_of(row[i])) for i in kept) + r" \\"


def _group(group: Group, columns: int) -> str:
    note = f" {latex(group.note)}" if group.note else ""
    return rf"\multicolumn{{{columns}}}{{l}}{{\textit{{{latex(group.text)}}}{note}}} \\"


def _cell(text: str) -> str:
    """A cell; a row that began with a bracket would be read as the row before's spacing."""
    escaped = latex(text)
    return f"{{}}{escaped}" if escaped[:1] in ("[", "*") else escaped
