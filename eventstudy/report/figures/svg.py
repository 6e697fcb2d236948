"""Figures as SVG text, byte for byte the same for the same numbers; a file also carries the numbers it plots."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import Any

from eventstudy.report import escape
from eventstudy.report.figures.marks import Dot, Figure, Label, Line, Mark, Panel
from eventstudy.report.figures.styles import FILE_STYLE

# between panels of a file
GUTTER = 24.0


def number(value: float) -> str:
    """A coordinate with one decimal, as short as it goes."""
    text = f"{value:.1f}"
    return "0" if text in ("-0.0", "0.0") else text.removesuffix(".0")


def panel_svg(panel: Panel, at: float | None = None) -> str:
    """A panel as an ``svg`` element; ``at`` places it within another."""
    place = "" if at is None else f' x="{number(at)}" width="{number(panel.width)}" height="{number(panel.height)}"'
    data = "".join(f' data-{name}="{escape.html(value)}"' for name, value in panel.data.items())
    inside = "".join(map(_mark, panel.marks))
    return (
        f'<svg viewBox="0 0 {number(panel.width)} {number(panel.height)}"{place} role="img" '
        f'aria-label="{escape.html(signs(panel.label))}" data-kind="{panel.kind}"{data}>{inside}</svg>'
    )


def _mark(mark: Mark) -> str:
    if isinstance(mark, Label):
        where = f'x="{number(mark.x)}" y="{number(mark.y)}"'
        style = f'class="{mark.style}" ' if mark.style else ""
        return f"<text {style}{where}>{escape.html(signs(mark.text))}</text>"
    title = f"<title>{escape.html(signs(mark.title))}</title>" if mark.title else ""
    if isinstance(mark, Dot):
        shape = f'circle class="{mark.style}" cx="{number(mark.x)}" cy="{number(mark.y)}" r="{number(mark.r)}"'
        return f"<{shape}>{title}</circle>" if title else f"<{shape}/>"
    width = f' stroke-width="{number(mark.width)}"' if mark.width else ""
    shape = f'path class="{mark.style}"{width} d="{_path(mark)}"'
    return f"<{shape}>{title}</path>" if title else f"<{shape}/>"


def _path(line: Line) -> str:
    """Parts of a line, each point from the one before it in whole tenths, so that no rounding adds up."""
    drawn: list[str] = []
    x = y = 0
    for part in line.parts:
        letter, points = "m" if drawn else "M", [(round(10 * a), round(10 * b)) for a, b in part]
        for a, b in points:
            drawn.append(_step(letter, a - x, b - y))
            letter, x, y = "l", a, b
        # a part of one point is closed where it is: a dot of round caps
        if line.closed or len(points) == 1:
            drawn.append("z")
            x, y = points[0]
    return "".join(drawn)


def _step(letter: str, across: int, down: int) -> str:
    if letter not in "Mm" and not (across and down):
        return f"h{_tenths(across)}" if across else f"v{_tenths(down)}"
    first, second = _tenths(across), _tenths(down)
    return f"{letter}{first}{second}" if second.startswith("-") else f"{letter}{first},{second}"


def _tenths(value: int) -> str:
    """A number of tenths as a decimal, as short as it goes."""
    sign, (whole, rest) = "-" if value < 0 else "", divmod(abs(value), 10)
    return f"{sign}{whole or ''}.{rest}" if rest else f"{sign}{whole}"


def signs(text: str) -> str:
    """A true minus before numbers."""
    return re.sub(r"(?<![\w.\-])-(?=\d)", "\u2212", text)


def file_svg(figure: Figure, digits: int | None = None) -> str:
    """A figure as a file of its own: panels side by side, style, title, description and the plotted numbers."""
    ident = re.sub(r"[^A-Za-z0-9_-]", "_", figure.name)
    width = sum(panel.width for panel in figure.panels) + GUTTER * max(0, len(figure.panels) - 1)
    height = max((panel.height for panel in figure.panels), default=10.0)
    at, parts = 0.0, []
    for panel in figure.panels:
        parts.append(panel_svg(panel, at))
        at += panel.width + GUTTER
    margin = 8.0
    box = f"{-margin:g} {-margin:g} {number(width + 2 * margin)} {number(height + 2 * margin)}"
    size = f'width="{number(width + 2 * margin)}" height="{number(height + 2 * margin)}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}" {size} role="img" '
        f'aria-labelledby="{ident}-title {ident}-desc">\n'
        f'<title id="{ident}-title">{escape.html(signs(figure.title))}</title>\n'
        f'<desc id="{ident}-desc">{escape.html(signs(figure.caption))}</desc>\n'
        f'<metadata id="{ident}-data">{escape.json_dumps(figure.data, digits)}</metadata>\n'
        f"<style>{FILE_STYLE}</style>\n" + "\n".join(parts) + "\n</svg>\n"
    )


def read_metadata(svg: str) -> dict[str, Any]:
    """The numbers a figure carries.

    Raises
    ------
    ValueError
        If the SVG carries none.
    """
    match = re.search(r"<metadata[^>]*>(.*?)</metadata>", svg, re.S)
    if not match:
        raise ValueError("the SVG carries no numbers")
    found = json.loads(unescape(match[1]))
    if not isinstance(found, dict):
        raise ValueError("the SVG's numbers are not an object")
    return found
