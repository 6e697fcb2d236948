"""Figures as PNG and PDF, drawn with Matplotlib from the same marks as the SVG."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from eventstudy.libraries import import_matplotlib
from eventstudy.report.escape import clean
from eventstudy.report.figures.marks import Dot, Figure, Label, Line, Mark
from eventstudy.report.figures.styles import BOLD, LABELS, LIGHT, SIZES, STYLES
from eventstudy.report.figures.svg import GUTTER, signs

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

# of a PNG, enough for a slide across a whole screen
PIXELS = 1920
MARGIN = 12.0
# units of a drawing an inch: a label of 12 units is then one of 9 points
UNITS = 96.0
SETTINGS: dict[str, Any] = {
    "svg.fonttype": "none",
    "pdf.fonttype": 42,
    "text.parse_math": False,
    "font.family": ["sans-serif"],
    "font.sans-serif": ["DejaVu Sans"],
}


def drawn(figure: Figure, kind: str) -> bytes:
    """The figure as bytes of a PNG or a PDF: no clock and no version within, so that equal numbers give equal bytes."""
    width = sum(panel.width for panel in figure.panels) + GUTTER * (len(figure.panels) - 1) + 2 * MARGIN
    height = max(panel.height for panel in figure.panels) + 2 * MARGIN
    with canvas(width / UNITS, height / UNITS) as page:
        at = MARGIN
        for panel in figure.panels:
            axes = page.add_axes((0.0, 0.0, 1.0, 1.0))
            axes.set_xlim(-at, width - at)
            axes.set_ylim(height - MARGIN, -MARGIN)
            axes.axis("off")
            for mark in panel.marks:
                _draw(axes, mark)
            at += panel.width + GUTTER
        return finished(page, kind, PIXELS / (width / UNITS))


def finished(page: Canvas, kind: str, dpi: float) -> bytes:
    """The page as bytes."""
    out = io.BytesIO()
    known = {"Software": None} if kind == "png" else {"Creator": None, "Producer": None, "CreationDate": None}
    page.savefig(out, format=kind, dpi=dpi, metadata=known)
    return out.getvalue()


@contextmanager
def canvas(width: float, height: float) -> Iterator[Canvas]:
    """A Matplotlib figure of so many inches, without pyplot's global state and without anybody's own settings."""
    import_matplotlib()
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as MatplotlibFigure

    settings: Any = {**_as_shipped(), **SETTINGS}
    with matplotlib.rc_context(settings), warnings.catch_warnings():
        # a letter that the font lacks is drawn as a box; the page beside the figure has the text
        warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from font", UserWarning)
        page = MatplotlibFigure(figsize=(width, height), facecolor=LIGHT["paper"])
        FigureCanvasAgg(page)
        yield page


def _as_shipped() -> dict[str, Any]:
    """Settings that somebody's own file or program has changed, as the library ships them: for equal bytes."""
    from matplotlib import rcParams, rcParamsDefault

    # asking for the backend would choose one
    names = rcParamsDefault.keys() - {"backend"}
    return {name: rcParamsDefault[name] for name in names if rcParams[name] != rcParamsDefault[name]}


def _draw(axes: Any, mark: Mark) -> None:
    if isinstance(mark, Label):
        _label(axes, mark)
        return
    style = STYLES[mark.style]
    fill = LIGHT[style.fill] if style.fill else "none"
    stroke = LIGHT[style.stroke] if style.stroke else "none"
    points = 72 / UNITS
    if isinstance(mark, Dot):
        from matplotlib.patches import Circle

        axes.add_patch(
            Circle((mark.x, mark.y), mark.r, facecolor=fill, edgecolor=stroke, linewidth=style.width * points)
        )
        return
    _line(axes, mark, fill, stroke, (mark.width or style.width) * points, style.dash)


def _line(axes: Any, mark: Line, fill: str, stroke: str, width: float, dash: str) -> None:
    from matplotlib.collections import LineCollection, PolyCollection

    if mark.closed:
        axes.add_collection(
            PolyCollection(mark.parts, facecolors=fill, edgecolors=stroke, linewidths=width), autolim=False
        )
        return
    spots = [part[0] for part in mark.parts if len(part) == 1]
    lines = [part for part in mark.parts if len(part) > 1]
    if spots:
        axes.scatter(*zip(*spots, strict=True), s=width**2, color=stroke, linewidths=0)
    if lines:
        kind = (0, tuple(float(length) for length in dash.split())) if dash else "solid"
        axes.add_collection(LineCollection(lines, colors=stroke, linewidths=width, linestyles=[kind]), autolim=False)


def _label(axes: Any, mark: Label) -> None:
    names = mark.style.split()
    size = next((SIZES[name] for name in names if name in SIZES), 12.0)
    colour = next((LABELS[name] for name in names if name in LABELS), "soft")
    place = "center" if "m" in names else "right" if "r" in names else "left"
    axes.text(
        mark.x,
        mark.y,
        signs(clean(mark.text)),
        fontsize=size * 72 / UNITS,
        color=LIGHT[colour],
        fontweight="bold" if BOLD & set(names) else "normal",
        ha=place,
        va="baseline",
    )
