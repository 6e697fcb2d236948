"""Values with their intervals as a row each: the shares of a session, the averages of groups."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from eventstudy.report.figures.marks import Dot, Figure, Label, Line, Mark, Panel, listed_data, segment
from eventstudy.report.figures.scale import Scale, finite, tick_text, ticks
from eventstudy.report.wording import signed, span


@dataclass(frozen=True, slots=True)
class DotRow:
    """A value with its interval; ``aside`` is at the right, ``first`` rows are set apart."""

    name: str
    value: float
    low: float
    high: float
    outside: bool
    aside: str = ""
    first: bool = False


def dots_figure(name: str, title: str, rows: Sequence[DotRow], caption: str) -> Figure | None:
    """The rows from top to bottom; None where none has a value."""
    known = [row for row in rows if math.isfinite(row.value)]
    if not known:
        return None
    left, right = 130.0, 350.0
    bounds = finite([b for row in known for b in (row.value, row.low, row.high)])
    marks = ticks(min([*bounds, 0.0]), max([*bounds, 0.0]), 4)
    x = Scale(marks[0], marks[-1], left, right)
    drawn: list[Mark] = [Label("t", 0, 13, title)]
    at, spots = 44.0, []
    for row in known:
        spots.append(at)
        at += 26.0 if row.first else 18.0
    bottom = spots[-1] + 12
    drawn.append(Line("grid", tuple(segment(x(v), 34, x(v), bottom) for v in marks if v)))
    drawn.append(Line("axis", (segment(x(0.0), 34, x(0.0), bottom),)))
    for row, y in zip(known, spots, strict=True):
        drawn.append(Label("b r" if row.first else "i r", left - 10, y + 4, row.name))
        low = marks[0] if math.isnan(row.low) else row.low
        high = marks[-1] if math.isnan(row.high) else row.high
        drawn.append(
            Line("ow" if row.outside else "in", (segment(x(low), y, x(high), y),), width=2.2 if row.outside else 1.4)
        )
        title_ = f"{row.name}: {signed(row.value)} ({span(row.low, row.high)})"
        drawn.append(Dot("hit" if row.outside else "hole", x(row.value), y, 3.8, title_))
        if row.aside:
            drawn.append(Label("r", 360, y + 4, row.aside))
    drawn += [Label("m", x(v), bottom + 15, tick_text(v) + (" %" if v == marks[-1] else "")) for v in marks]
    return Figure(
        name=name,
        title=title,
        caption=caption,
        panels=(
            Panel(
                kind="dots",
                label=f"{title}: " + "; ".join(f"{row.name} {signed(row.value, 1)}" for row in known[:12]) + ".",
                width=360,
                height=bottom + 24,
                marks=tuple(drawn),
                data={
                    "own": listed_data([row.value for row in known]),
                    "band": listed_data([b for row in known for b in (row.low, row.high)]),
                    "outside": ",".join(str(int(row.outside)) for row in known),
                },
            ),
        ),
        data={"rows": [{"name": r.name, "value": r.value, "low": r.low, "high": r.high} for r in known]},
        columns=("group", "own move", "interval"),
        rows=tuple((row.name, signed(row.value), span(row.low, row.high, 2)) for row in known),
    )
