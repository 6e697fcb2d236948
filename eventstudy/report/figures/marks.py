"""One description of a figure: marks with the names of their styles. ``svg`` writes it for pages and files, ``raster``
draws it with Matplotlib where PNG or PDF is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Line:
    """Polylines of one style, together one path; a polyline of one point is a round dot.

    Attributes
    ----------
    parts : tuple of polylines
    closed : bool
        Whether each is an area.
    title : str
        What shows on hover.
    width : float
        Of the stroke; 0 takes the style's.
    """

    style: str
    parts: tuple[tuple[Point, ...], ...]
    closed: bool = False
    title: str = ""
    width: float = 0.0


@dataclass(frozen=True, slots=True)
class Dot:
    """A circle."""

    style: str
    x: float
    y: float
    r: float
    title: str = ""


@dataclass(frozen=True, slots=True)
class Label:
    """A text; ``style`` holds ``m`` (middle), ``r`` (ends here), ``b`` (bold) and others."""

    style: str
    x: float
    y: float
    text: str


Mark = Line | Dot | Label


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One picture.

    Attributes
    ----------
    label : str
        What it shows in one sentence, for those who do not see it.
    marks : tuple of Mark
        In the order in which they are drawn.
    data : mapping
        ``own``, ``band`` and ``outside`` and what else the picture states, as attributes ``data-NAME``.
    """

    kind: str
    label: str
    width: float
    height: float
    marks: tuple[Mark, ...]
    data: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """Panels side by side with one caption: a figure of a page, and a file.

    Attributes
    ----------
    name : str
        File name without ending.
    data : dict
        The plotted numbers, as JSON can hold them.
    columns, rows
        The same numbers as a table of plain text; the first column names the row.
    """

    name: str
    title: str
    caption: str
    panels: tuple[Panel, ...]
    data: dict[str, Any]
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


def box(x: float, y: float, width: float, height: float) -> tuple[Point, ...]:
    """A rectangle as a polyline to close."""
    return ((x, y), (x + width, y), (x + width, y + height), (x, y + height))


def segment(x1: float, y1: float, x2: float, y2: float) -> tuple[Point, ...]:
    """A straight line."""
    return ((x1, y1), (x2, y2))


def listed_data(values: Sequence[float]) -> str:
    """Numbers of a ``data-`` attribute."""
    return ",".join(f"{value:.6f}" for value in values)
