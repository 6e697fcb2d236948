"""Profits of trading on events, date by date, among those of placebo dates."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from eventstudy.report.figures.marks import Figure, Label, Line, Mark, Panel, box, listed_data, segment
from eventstudy.report.figures.scale import Scale, rows_grid, tick_text, ticks
from eventstudy.report.format import interval, percent

Floats = NDArray[np.float64]
BAND = (0.05, 0.95)


def equity(
    dates: list[str], net: Floats, gross: Floats, placebos: Floats, mean: float, drawn: Floats, rule: str
) -> Figure:
    """Running sum of one profit a date, before and after costs, over the band of placebo runs; their means beside it.

    Parameters
    ----------
    dates : list of str
        Of the events, oldest first.
    net, gross : float64 (G,)
        Profit of each date, 0 where nothing was traded.
    placebos : float64 (B, G)
        Net profits on the placebo dates of the same events; B may be 0.
    mean : float
        Mean net profit per traded date; NaN if nothing was traded.
    drawn : float64 (B,)
        The same of each placebo run; NaN where one did not trade.
    """
    known = drawn[np.isfinite(drawn)]
    after, before = np.cumsum(net), np.cumsum(gross)
    data: dict[str, object] = {"dates": dates, "net": after.tolist(), "gross": before.tolist()}
    band: tuple[Floats, Floats] | None = None
    if len(placebos) > 1:
        low, high = np.quantile(np.cumsum(placebos, axis=1), BAND, axis=0)
        band = (low, high)
        data |= {"placebo_low": low.tolist(), "placebo_high": high.tolist()}
    panels = [_sums(dates, after, before, band, rule, traded=bool(np.isfinite(mean)))]
    if len(known) > 1:
        panel, found = _histogram(known, mean)
        panels.append(panel)
        data |= found
    return Figure(
        name="equity",
        title="Trading on the announcements",
        caption=(
            f"Running sum of the profits of {rule} over {len(dates)} event dates, one profit a date: at the end "
            f"{percent(float(net.sum()))} after (line) and {percent(float(gross.sum()))} before costs (dashed). "
            "Shaded: nine of ten runs on placebo dates."
        ),
        panels=tuple(panels),
        data=data,
        columns=("date", "after costs", "before costs", *(("placebo dates, 90 %",) if band is not None else ())),
        rows=_rows(dates, after, before, band),
    )


def _sums(
    dates: list[str], after: Floats, before: Floats, band: tuple[Floats, Floats] | None, rule: str, *, traded: bool
) -> Panel:
    left, right, top, bottom = 44.0, 520.0, 28.0, 190.0
    every = np.concatenate([[0.0], after, before, *(band or ())])
    marks = ticks(float(every.min()), float(every.max()), 5)
    y = Scale(marks[0], marks[-1], bottom, top)
    x = Scale(0.5, len(dates) + 0.5, left, right)
    place = [x(k + 1) for k in range(len(dates))]
    drawn: list[Mark] = [Label("t", 0, 13, f"{rule}: one profit a date{'' if traded else ' (it never traded)'}")]
    if band is not None:
        up = tuple((a, y(b)) for a, b in zip(place, band[1], strict=True))
        down = tuple((a, y(b)) for a, b in zip(reversed(place), reversed(band[0]), strict=True))
        drawn.append(Line("band", ((*up, *down),), closed=True))
    drawn += rows_grid(y, marks, left, right, unit=" %")
    drawn.append(Line("expl", (tuple((a, y(b)) for a, b in zip(place, before, strict=True)),)))
    drawn.append(Line("act", (tuple((a, y(b)) for a, b in zip(place, after, strict=True)),)))
    step = max(1, -(-len(dates) // 5))
    drawn += [Label("m", place[k], bottom + 15, dates[k][:7]) for k in range(0, len(dates), step)]
    end = float(after[-1]) if len(after) else 0.0
    outside = band is not None and not float(band[0][-1]) <= end <= float(band[1][-1])
    return Panel(
        kind="equity",
        label=f"{rule}: {percent(end)} after costs over {len(dates)} dates.",
        width=530,
        height=212,
        marks=tuple(drawn),
        data={
            "own": f"{end:.6f}",
            "band": listed_data([float(b[-1]) for b in band]) if band is not None else "",
            "outside": str(int(outside)),
        },
    )


def _histogram(known: Floats, mean: float) -> tuple[Panel, dict[str, object]]:
    left, right, top, bottom = 6.0, 290.0, 40.0, 190.0
    both = np.append(known, mean) if np.isfinite(mean) else known
    edges = np.linspace(both.min(), both.max() + 1e-9, 16)
    counts, _ = np.histogram(known, bins=edges)
    x, y = Scale(float(edges[0]), float(edges[-1]), left, right), Scale(0.0, float(counts.max()), bottom, top)
    bars = tuple(
        box(x(a), y(n), x(b) - x(a) - 1, bottom - y(n))
        for a, b, n in zip(edges[:-1], edges[1:], counts, strict=True)
        if n
    )
    drawn: list[Mark] = [
        Label("t", 0, 13, f"{len(known)} placebo runs"),
        Label("", 0, 29, "mean profit a date"),
        Line("near", bars, closed=True),
        Line("axis", (segment(left, bottom, right, bottom),)),
    ]
    inner = [v for v in ticks(float(edges[0]), float(edges[-1]), 3) if edges[0] <= v <= edges[-1]]
    drawn += [Label("m", x(v), bottom + 15, f"{tick_text(v)} %") for v in inner]
    outside = False
    if np.isfinite(mean):
        low, high = np.quantile(known, BAND)
        outside = bool(not low <= mean <= high)
        drawn.append(Line("ow" if outside else "in", (segment(x(mean), top - 6, x(mean), bottom),), width=2.2))
    found = {"counts": counts.tolist(), "edges": edges.tolist(), "mean": mean if np.isfinite(mean) else None}
    panel = Panel(
        kind="placebo-runs",
        label=f"Mean profits of {len(known)} placebo runs; the events {percent(mean)}.",
        width=300,
        height=212,
        marks=tuple(drawn),
        data={"own": f"{mean:.6f}", "band": "", "outside": str(int(outside))},
    )
    return panel, found


def _rows(
    dates: list[str], after: Floats, before: Floats, band: tuple[Floats, Floats] | None
) -> tuple[tuple[str, ...], ...]:
    """The sums up to each date."""
    rows = [(date, percent(a), percent(b)) for date, a, b in zip(dates, after, before, strict=True)]
    if band is None:
        return tuple(rows)
    bands = [interval(a, b) for a, b in zip(*band, strict=True)]
    return tuple((*row, one) for row, one in zip(rows, bands, strict=True))
