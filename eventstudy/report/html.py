"""A page as one self-contained HTML file: no network, no script, light and dark, readable on a phone and on paper."""

from __future__ import annotations

from eventstudy.report.document import Card, Page, Section, Table
from eventstudy.report.escape import html as escape
from eventstudy.report.figures import Figure

# cells up to this length do not wrap; longer ones are sentences
SHORT_CELL = 24
_STYLE = """
:root { color-scheme: light dark; --ink: #1b1b1b; --paper: #ffffff; --muted: #555555; --line: #d0d0d0; --soft: #f4f5f7;
  --link: #0b5cad; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #ececec; --paper: #16181c; --muted: #b4b8bf; --line: #3c4048; --soft: #20242b; --link: #8ec5ff; }
  figure svg { filter: invert(1) hue-rotate(180deg); }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 92rem; padding: 1rem; color: var(--ink); background: var(--paper);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; overflow-wrap: anywhere; }
h1 { line-height: 1.15; margin: 0.6rem 0; } h2 { margin-top: 2.6rem; border-bottom: 2px solid var(--line); }
h3 { margin-bottom: 0.2rem; } a { color: var(--link); }
nav ul { display: flex; flex-wrap: wrap; gap: 0.3rem 1.1rem; list-style: none; padding: 0; }
p { max-width: 48rem; } .subtitle, .note, footer { color: var(--muted); font-size: 0.92rem; }
.scroll { overflow-x: auto; margin: 1rem 0; } .scroll:focus-visible, a:focus-visible { outline: 3px solid var(--link); }
table { border-collapse: collapse; font-size: 0.88rem; font-variant-numeric: tabular-nums; min-width: 100%; }
caption { text-align: left; font-weight: 600; padding: 0.3rem 0; }
th, td { padding: 0.28rem 0.6rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top;
  overflow-wrap: normal; }
th { background: var(--soft); } .number { text-align: right; }
.short { white-space: nowrap; }
figure { margin: 1rem 0; max-width: 56rem; } figure svg { width: 100%; height: auto; }
figcaption { color: var(--muted); font-size: 0.92rem; }
.banner { border: 2px solid #b34700; border-radius: 0.5rem; padding: 0.5rem 1rem; font-weight: 600; max-width: none; }
article { border: 1px solid var(--line); border-radius: 0.5rem; padding: 0.2rem 1rem 0.8rem; margin: 1rem 0; }
@media print { nav { display: none; } body { max-width: none; } article, figure, tr { break-inside: avoid; }
  .scroll { overflow: visible; } }
"""


def report_page(page: Page) -> str:
    """The page as HTML; every text is escaped here."""
    links = "".join(f'<li><a href="#{escape(s.id)}">{escape(s.title)}</a></li>' for s in page.sections)
    body = "".join(_section(section) for section in page.sections)
    lead = "".join(f"<p>{escape(text)}</p>" for text in page.lead)
    banner = f'<p class="banner" role="note">{escape(page.banner)}</p>' if page.banner else ""
    note = f"<footer><p>{escape(page.generated_note)}</p></footer>" if page.generated_note else ""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(page.title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<header><h1>{escape(page.title)}</h1>{banner}{lead}\n"
        f'<nav aria-label="Sections"><ul>{links}</ul></nav></header>\n<main>\n{body}</main>\n{note}</body>\n</html>\n'
    )


def _section(section: Section) -> str:
    parts = [f"<p>{escape(text)}</p>" for text in section.intro]
    parts += [_figure(figure) for figure in section.figures]
    parts += [_table(table) for table in section.tables]
    parts += [_card(card) for card in section.cards]
    ident = escape(section.id)
    heading = f'<h2 id="{ident}-title">{escape(section.title)}</h2>'
    return f'<section id="{ident}" aria-labelledby="{ident}-title">\n{heading}\n' + "\n".join(parts) + "\n</section>\n"


def _card(card: Card) -> str:
    subtitle = f'<p class="subtitle">{escape(card.subtitle)}</p>' if card.subtitle else ""
    parts = [_figure(figure) for figure in card.figures]
    parts += [f"<p>{escape(text)}</p>" for text in card.paragraphs]
    parts += [_table(table) for table in card.tables]
    return f'<article id="{escape(card.id)}"><h3>{escape(card.title)}</h3>{subtitle}' + "".join(parts) + "</article>"


def _figure(figure: Figure) -> str:
    return f"<figure>{figure.svg}<figcaption>{escape(figure.description)}</figcaption></figure>"


def _table(table: Table) -> str:
    def kind(i: int, text: str) -> str:
        names = [*(["number"] if i in table.numeric else []), *(["short"] if len(text) <= SHORT_CELL else [])]
        return f' class="{" ".join(names)}"' if names else ""

    head = "".join(f'<th scope="col"{kind(i, name)}>{escape(name)}</th>' for i, name in enumerate(table.columns))
    rows = "\n".join(
        "<tr>"
        + "".join(
            f'<th scope="row"{kind(i, cell)}>{escape(cell)}</th>'
            if i == 0
            else f"<td{kind(i, cell)}>{escape(cell)}</td>"
            for i, cell in enumerate(row)
        )
        + "</tr>"
        for row in table.rows
    )
    note = f'<p class="note">{escape(table.note)}</p>' if table.note else ""
    label = escape(table.caption)
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-label="{label}"><table><caption>{label}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>\n{rows}\n</tbody></table></div>{note}"
    )
