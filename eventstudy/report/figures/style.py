"""Canvas, colours and the finishing of every figure."""

from __future__ import annotations

import io
import json
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from html import unescape
from typing import TYPE_CHECKING, Any

from eventstudy.libraries import import_matplotlib
from eventstudy.report import escape

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

# Okabe & Ito's palette: told apart by most colour-blind readers; order keeps neighbours distinct.
BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY = "#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7", "#56B4E9"
COLOURS = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY)
MARKERS = ("o", "s", "^", "D", "v", "P")
INK, MUTED, GRID, PAPER = "#222222", "#595959", "#D9D9D9", "#FFFFFF"
# As SVG writes them; a page that has a dark side of its own replaces them.
COLOUR_NAMES = {
    colour.lower(): name
    for colour, name in {
        BLUE: "blue",
        VERMILION: "vermilion",
        GREEN: "green",
        ORANGE: "orange",
        PURPLE: "purple",
        SKY: "sky",
        INK: "ink",
        MUTED: "muted",
        GRID: "grid",
        PAPER: "paper",
    }.items()
}
# of a PNG, enough for a slide across a whole screen
PIXELS = 1920
# whether a PNG is wanted too, and the significant digits of the numbers that a figure carries
_TWINS: ContextVar[bool] = ContextVar("twins", default=False)
_DIGITS: ContextVar[int | None] = ContextVar("digits", default=None)
_SETTINGS: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "eventstudy",
    "text.parse_math": False,
    "font.family": ["sans-serif"],
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9.5,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    # a fixed place: matplotlib would lay out every label once more to look for ticks above
    "axes.titley": 1.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "text.color": INK,
    "figure.facecolor": PAPER,
    "axes.facecolor": "none",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A finished figure.

    Attributes
    ----------
    name : str
        File name without ending.
    svg : str
    title, description : str
        For readers and for screen readers.
    data : dict
        The plotted numbers, as JSON can hold them.
    columns, rows
        The same numbers as a table of plain text, for those who do not see the figure; the first column names the row.
    png : bytes
        The same picture for slides; empty unless it was ``finished_as`` PNG too.
    """

    name: str
    svg: str
    title: str
    description: str
    data: dict[str, Any]
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    png: bytes = b""

    def files(self) -> dict[str, bytes]:
        """What a report folder holds of it: relative POSIX path -> bytes."""
        twin = {f"figures/{self.name}.png": self.png} if self.png else {}
        return {f"figures/{self.name}.svg": self.svg.encode(), **twin}


@contextmanager
def finished_as(png: bool, digits: int | None) -> Iterator[None]:
    """Every figure that is finished within also has its PNG, where that is wanted, and carries numbers of so many
    significant digits (None: all of them).
    """
    twins, held = _TWINS.set(png), _DIGITS.set(digits)
    try:
        yield
    finally:
        _TWINS.reset(twins)
        _DIGITS.reset(held)


@contextmanager
def canvas(width: float, height: float, legend: float = 0.0) -> Iterator[Canvas]:
    """A matplotlib figure in the house style, without pyplot's global state.

    Margins are fixed in inches: matplotlib's own layout engines draw everything twice. ``legend`` leaves room below.
    """
    import_matplotlib()
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure as MatplotlibFigure

    settings: Any = {**_as_shipped(), **_SETTINGS}
    with matplotlib.rc_context(settings), warnings.catch_warnings():
        # a letter that the font lacks is drawn as a box; the page beside the figure has the text
        warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from font", UserWarning)
        figure = MatplotlibFigure(figsize=(width, height))
        figure.subplots_adjust(
            left=0.95 / width,
            right=1 - 0.12 / width,
            bottom=(0.52 + legend) / height,
            top=1 - 0.34 / height,
            wspace=0.08,
        )
        FigureCanvasSVG(figure)
        yield figure


def _as_shipped() -> dict[str, Any]:
    """Settings that somebody's own file or program has changed, as the library ships them: for equal bytes."""
    from matplotlib import rcParams, rcParamsDefault

    # asking for the backend would choose one
    names = rcParamsDefault.keys() - {"backend"}
    return {name: rcParamsDefault[name] for name in names if rcParams[name] != rcParamsDefault[name]}


def percent_axis(axes: Axes) -> None:
    """y in percent, with a zero line."""
    from matplotlib.ticker import PercentFormatter

    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=None))
    axes.axhline(0, color=MUTED, linewidth=0.8)


def finish(
    drawn: Canvas,
    name: str,
    title: str,
    description: str,
    data: dict[str, Any],
    columns: tuple[str, ...] = (),
    rows: tuple[tuple[str, ...], ...] = (),
) -> Figure:
    """Render to SVG without a clock, and add title, description and the plotted numbers.

    Must be called within ``canvas``: the settings belong to the rendering.
    """
    out = io.StringIO()
    drawn.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    text = out.getvalue()
    start = text.index("<svg")
    end = text.index(">", start)
    head = re.sub(r'\s(width|height)="[\d.]+pt"', "", text[start:end])
    ident = re.sub(r"[^A-Za-z0-9_-]", "_", name)
    inside = (
        f'\n <title id="{ident}-title">{escape.html(title)}</title>'
        f'\n <desc id="{ident}-desc">{escape.html(description)}</desc>'
        f'\n <metadata id="{ident}-data">{escape.json_dumps(data, _DIGITS.get())}</metadata>'
    )
    label = f' role="img" aria-labelledby="{ident}-title {ident}-desc">'
    svg = head + label + inside + _without_own_metadata(text[end + 1 :])
    return Figure(
        name=name,
        svg=_unique_ids(svg, ident),
        title=title,
        description=description,
        data=data,
        columns=columns,
        rows=rows,
        png=_png(drawn) if _TWINS.get() else b"",
    )


def _png(drawn: Canvas) -> bytes:
    """The picture as pixels: no clock and no version within, so that equal numbers give equal bytes."""
    out = io.BytesIO()
    drawn.savefig(out, format="png", dpi=PIXELS / drawn.get_figwidth(), metadata={"Software": None})
    return out.getvalue()


def _without_own_metadata(body: str) -> str:
    return re.sub(r"\s*<metadata>.*?</metadata>", "", body, count=1, flags=re.S)


def _unique_ids(svg: str, ident: str) -> str:
    """Prefix matplotlib's ids, so that many figures can stand in one page."""
    svg = re.sub(r'id="(?!' + re.escape(ident) + r'-)([^"]+)"', rf'id="{ident}-\1"', svg)
    svg = re.sub(r'xlink:href="#([^"]+)"', rf'xlink:href="#{ident}-\1"', svg)
    return re.sub(r"url\(#([^)]+)\)", rf"url(#{ident}-\1)", svg)


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
        raise ValueError("the SVG's numbers are no object")
    return found
