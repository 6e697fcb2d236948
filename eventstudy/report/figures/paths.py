"""Own moves added up outward from the close before day 0: of shares, and on average over a group."""

from __future__ import annotations

import math
from collections.abc import Sequence

from eventstudy.report.figures.marks import Dot, Figure, Label, Line, Mark, Panel, box, listed_data
from eventstudy.report.figures.scale import Scale, finite, rows_grid, ticks
from eventstudy.report.format import NOTHING
from eventstudy.report.wording import signed, span

# one point of a path: day, value, half-width of its interval
Point = tuple[int, float, float]


def path_figure(
    name: str, title: str, paths: Sequence[tuple[str, Sequence[Point]]], window: tuple[int, int], caption: str
) -> Figure | None:
    """A panel a path, on one scale; None where no path has a point.

    Parameters
    ----------
    paths : sequence of (heading, points)
        Points in order of days; the close of day -1 is 0 and need not be among them.
    window : (start, end)
        Days that are marked.
    """
    known = [(heading, [p for p in points if math.isfinite(p[1])]) for heading, points in paths]
    known = [(heading, points) for heading, points in known if points]
    if not known:
        return None
    bounds = [b for _, points in known for _, v, h in points for b in (v, v - h, v + h)]
    marks = ticks(min([*finite(bounds), 0.0]), max([*finite(bounds), 0.0]), 4)
    return Figure(
        name=name,
        title=title,
        caption=caption,
        panels=tuple(_panel(heading, points, window, marks) for heading, points in known),
        data={
            "paths": {h: [{"day": d, "value": v, "half": w} for d, v, w in points] for h, points in known},
        },
        columns=("day", *(heading if len(known) > 1 else "added up" for heading, _ in known)),
        rows=_numbers([points for _, points in known]),
    )


def _numbers(paths: Sequence[Sequence[Point]]) -> tuple[tuple[str, ...], ...]:
    held = [{d: f"{signed(v)} ({span(v - h, v + h, 2)})" for d, v, h in points} for points in paths]
    days = sorted(set().union(*held))
    return tuple((f"{d:+d}" if d else "0", *(one.get(d, NOTHING) for one in held)) for d in days)


def _panel(heading: str, points: Sequence[Point], window: tuple[int, int], marks: list[float]) -> Panel:
    left, right, top, bottom = 40.0, 350.0, 34.0, 214.0
    whole = sorted([*(p for p in points if p[0] != -1), (-1, 0.0, 0.0)])
    x, y = Scale(whole[0][0], max(whole[-1][0], 0), left, right), Scale(marks[0], marks[-1], bottom, top)
    drawn: list[Mark] = [Label("t", 0, 13, heading)]
    start = x(max(window[0] - 1, whole[0][0]))
    drawn.append(Line("night", (box(start, top, x(window[1]) - start, bottom - top),), closed=True))
    sure = [p for p in whole if math.isfinite(p[2])]
    if len(sure) > 1:
        up = tuple((x(d), y(v + h)) for d, v, h in sure)
        down = tuple((x(d), y(v - h)) for d, v, h in reversed(sure))
        drawn.append(Line("band", ((*up, *down),), closed=True))
    drawn += rows_grid(y, marks, left, right, unit=" %")
    drawn.append(Line("act", (tuple((x(d), y(v)) for d, v, _ in whole),)))
    end = next((p for p in whole if p[0] == window[1]), None)
    outside = False
    if end is not None:
        outside = math.isfinite(end[2]) and abs(end[1]) > end[2]
        place = y(end[1] + (end[2] if math.isfinite(end[2]) else 0)) - 6
        drawn.append(Dot("hit" if outside else "hole", x(end[0]), y(end[1]), 4))
        drawn.append(Label("o r" if outside else "b r", x(end[0]) + 4, max(place, top + 10), signed(end[1], 1)))
    ends = {whole[0][0], -1, window[1], whole[-1][0]}
    drawn += [Label("m", min(x(d), right - 6), bottom + 15, f"{d:+d}" if d else "0") for d in sorted(ends)]
    drawn.append(Label("m b", (start + x(window[1])) / 2, bottom + 30, "event"))
    own, half = (end[1], end[2]) if end is not None else (math.nan, math.nan)
    return Panel(
        kind="path",
        label=f"{heading}: own move added up from the close of day -1, {signed(own, 1)} at day {window[1]:+d}.",
        width=360,
        height=250,
        marks=tuple(drawn),
        data={"own": f"{own:.6f}", "band": listed_data([-half, half]), "outside": str(int(outside))},
    )
