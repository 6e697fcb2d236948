"""Scales and grids of panels."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from eventstudy.report.figures.marks import Label, Line, Mark, segment


@dataclass(frozen=True, slots=True)
class Scale:
    """A straight scale from values to units of the drawing."""

    low: float
    high: float
    at_low: float
    at_high: float

    def __call__(self, value: float) -> float:
        """Position of a value; values beyond the scale are drawn on its edge."""
        held = min(max(value, self.low), self.high)
        return self.at_low + (held - self.low) / (self.high - self.low) * (self.at_high - self.at_low)


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Round values from at or below ``low`` to at or above ``high``."""
    if not (math.isfinite(low) and math.isfinite(high)) or high <= low:
        high = low + 1.0 if math.isfinite(low) else 1.0
        low = low if math.isfinite(low) else 0.0
    rough = (high - low) / most
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(unit * m for m in (1, 2, 2.5, 5, 10) if unit * m >= rough * 0.999)
    first = math.floor(low / step + 1e-9)
    last = math.ceil(high / step - 1e-9)
    return [round(step * k, 10) for k in range(first, max(last, first + 1) + 1)]


def finite(values: Iterable[float]) -> list[float]:
    """Those that are numbers."""
    return [value for value in values if math.isfinite(value)]


def rows_grid(scale: Scale, values: list[float], left: float, right: float, *, unit: str = "") -> list[Mark]:
    """Level lines with their labels at the left, percent of a decimal; zero is the axis; the top one has the unit."""
    marks: list[Mark] = []
    lines = tuple(segment(left, scale(v), right, scale(v)) for v in values if v)
    if lines:
        marks.append(Line("grid", lines))
    if 0.0 in values:
        marks.append(Line("axis", (segment(left, scale(0.0), right, scale(0.0)),)))
    for v in values:
        text = tick_text(v) + (unit if v == values[-1] else "")
        marks.append(Label("r", left - 5, scale(v) + 4, text))
    return marks


def tick_text(value: float) -> str:
    """A tick in percent with its sign: ``+5``, ``0``, ``-2.5``."""
    text = f"{100 * value:+.10g}"
    return "0" if float(text) == 0 else text
