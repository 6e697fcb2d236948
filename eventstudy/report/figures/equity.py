"""Profits of trading on events, date by date, among those of placebo dates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from eventstudy.report.figures.style import BLUE, MUTED, VERMILION, Figure, canvas, finish, percent_axis
from eventstudy.report.words import interval, percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes

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
    rule : str
    """
    known = drawn[np.isfinite(drawn)]
    with canvas(8.2 if len(known) > 1 else 5.6, 3.3, legend=0.3) as figure:
        axes = figure.subplots(1, 2, width_ratios=[2, 1]) if len(known) > 1 else [figure.subplots()]
        left = axes[0]
        percent_axis(left)
        place = np.arange(1, len(dates) + 1)
        data: dict[str, object] = {"dates": dates, "net": np.cumsum(net).tolist(), "gross": np.cumsum(gross).tolist()}
        low: Floats | None = None
        high: Floats | None = None
        if len(placebos) > 1:
            low, high = np.quantile(np.cumsum(placebos, axis=1), BAND, axis=0)
            left.fill_between(place, low, high, color=MUTED, alpha=0.2, linewidth=0, label="placebo dates, 90 %")
            data |= {"placebo_low": low.tolist(), "placebo_high": high.tolist()}
        left.plot(place, np.cumsum(gross), color=BLUE, linewidth=1.2, linestyle=(0, (4, 2)), label="before costs")
        left.plot(place, np.cumsum(net), color=BLUE, linewidth=2.0, label="after costs")
        _label_dates(left, dates)
        left.set_ylabel("sum of profits")
        never = "" if np.isfinite(mean) else " (it never traded)"
        left.set_title(f"{rule}: one profit a date{never}")
        left.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=3, frameon=False)
        if len(known) > 1:
            data |= _histogram(axes[1], known, mean)
            figure.subplots_adjust(wspace=0.32)
        description = (
            f"Running sum of the profits of {rule} over {len(dates)} event dates, one profit a date: at the end "
            f"{percent(float(net.sum()))} after and {percent(float(gross.sum()))} before costs."
        )
        return finish(
            figure,
            "equity",
            "Trading on the announcements",
            description,
            data,
            ("date", "after costs", "before costs", *(("placebo dates, 90 %",) if low is not None else ())),
            _rows(dates, np.cumsum(net), np.cumsum(gross), low, high),
        )


def _rows(
    dates: list[str], net: Floats, gross: Floats, low: Floats | None, high: Floats | None
) -> tuple[tuple[str, ...], ...]:
    """The sums up to each date."""
    rows = [(date, percent(a), percent(b)) for date, a, b in zip(dates, net, gross, strict=True)]
    if low is None or high is None:
        return tuple(rows)
    bands = [interval(a, b) for a, b in zip(low, high, strict=True)]
    return tuple((*row, band) for row, band in zip(rows, bands, strict=True))


def _label_dates(axes: Axes, dates: list[str]) -> None:
    """A few dates beneath the axis, which counts events."""
    every = max(1, -(-len(dates) // 5))
    at = range(0, len(dates), every)
    axes.set_xticks([n + 1 for n in at], [dates[n][:7] for n in at])


def _histogram(axes: Axes, known: Floats, mean: float) -> dict[str, object]:
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    both = np.append(known, mean) if np.isfinite(mean) else known
    edges = np.linspace(both.min(), both.max() + 1e-9, 16)
    counts, _ = np.histogram(known, bins=edges)
    axes.bar(edges[:-1], counts, np.diff(edges), align="edge", color=MUTED, alpha=0.55, linewidth=0)
    if np.isfinite(mean):
        axes.axvline(mean, color=VERMILION, linewidth=2.2)
    axes.set_title(f"{len(known)} placebo runs")
    axes.set_xlabel("mean profit a date")
    axes.xaxis.set_major_locator(MaxNLocator(3))
    axes.xaxis.set_major_formatter(PercentFormatter(1.0))
    return {"counts": counts.tolist(), "edges": edges.tolist(), "mean": mean if np.isfinite(mean) else None}
