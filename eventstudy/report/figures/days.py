"""Own moves by day, each with the band of an ordinary day."""

from __future__ import annotations

import math
from collections.abc import Sequence

from eventstudy.evaluate.around import Around
from eventstudy.report.figures.marks import Figure, Label, Line, Mark, Panel, box, listed_data
from eventstudy.report.figures.scale import Scale, finite, rows_grid, ticks
from eventstudy.report.moves import Share
from eventstudy.report.wording import signed, span

REACH = 5


def bands(around: Around, row: int, share: Share) -> list[tuple[int, float, float, float, bool]]:
    """(day, own, low, high, outside) of the days -5 to +5 that are known; day 0 has the band of the headline p where
    it is the window."""
    found = []
    for k, day in enumerate(around.days.tolist()):
        own, half = float(around.own[row, k]), float(around.half[row, k])
        if abs(day) > REACH or not math.isfinite(own) or not math.isfinite(half):
            continue
        low = -math.inf if share.whole.side == "greater" else -half
        high = math.inf if share.whole.side == "less" else half
        outside = not low < own < high
        if day == 0 and (share.window.start, share.window.end) == (0, 0):
            (low, high), outside = share.whole.band, share.whole.outside
        found.append((day, own, low, high, outside))
    return found


def days_figure(name: str, shares: Sequence[Share], rows: Sequence[int], around: Around) -> Figure:
    """A panel a share on one scale."""
    known = [bands(around, row, share) for share, row in zip(shares, rows, strict=True)]
    every = finite([value for mine in known for _, own, low, high, _ in mine for value in (own, low, high)])
    marks = ticks(min([*every, -0.01]), max([*every, 0.01]), 4)
    panels = tuple(
        _panel(share, mine, marks, titled=len(shares) > 1) for share, mine in zip(shares, known, strict=True)
    )
    return Figure(
        name=name,
        title="Own move by day",
        caption="Own move on each day, in percent. Shaded: the band of an ordinary day. Coloured: outside it.",
        panels=panels,
        data={
            "shares": {
                s.ticker: [{"day": d, "own": o, "low": a, "high": b, "outside": out} for d, o, a, b, out in mine]
                for s, mine in zip(shares, known, strict=True)
            }
        },
        columns=("share", "day", "own move", "an ordinary day", "outside"),
        rows=tuple(
            (s.name, f"{d:+d}" if d else "0", signed(o), span(a, b), "yes" if out else "no")
            for s, mine in zip(shares, known, strict=True)
            for d, o, a, b, out in mine
        ),
    )


def _panel(
    share: Share,
    known: list[tuple[int, float, float, float, bool]],
    marks: list[float],
    *,
    titled: bool,
) -> Panel:
    left, right, top, bottom = 34.0, 352.0, 28.0, 150.0
    y = Scale(marks[0], marks[-1], bottom, top)
    step = (right - left) / (2 * REACH + 1)

    def x(day: int) -> float:
        return left + (day + REACH) * step

    drawn: list[Mark] = [Label("t", 0, 13, share.name if titled else "Own move by day, percent")]
    if known:
        boxes = tuple(box(x(d), y(high), step, y(low) - y(high)) for d, _, low, high, _ in known)
        drawn.append(Line("band", boxes, closed=True))
    drawn += rows_grid(y, marks, left, right)
    for day, own, low, high, outside in known:
        bar = box(x(day) + 0.18 * step, min(y(own), y(0)), 0.64 * step, max(abs(y(own) - y(0)), 0.5))
        style = "hit" if outside else "day0" if day == 0 else "calm"
        title = f"day {day:+d}: " if day else "day 0: "
        title += f"own {signed(own)} ({span(low, high)})"
        drawn.append(Line(style, (bar,), closed=True, title=title))
        middle = x(day) + step / 2
        if day == 0:
            place = y(own) + 13 if own < 0 else y(own) - 5
            drawn.append(Label(f"{'o' if outside else 'b'} m", middle, place, signed(own, 1).removesuffix(" %")))
            drawn.append(Label("b m", middle, bottom + 23, "day 0"))
        elif abs(day) in (3, 5):
            drawn.append(Label("m", middle, bottom + 23, f"{day:+d}"))
    out = [day for day, *_, outside in known if outside]
    words = ", ".join("day 0" if not d else f"{d:+d}" for d in out) or "none"
    return Panel(
        kind="own-by-day",
        label=f"{share.name}: own move by day. Days outside the band of an ordinary day: {words}.",
        width=360,
        height=180,
        marks=tuple(drawn),
        data={
            "own": listed_data([own for _, own, *_ in known]),
            "band": listed_data([bound for _, _, low, high, _ in known for bound in (low, high)]),
            "days": ",".join(str(day) for day, *_ in known),
            "outside": ",".join(map(str, out)),
            "ticker": share.ticker,
        },
    )
