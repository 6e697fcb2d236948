"""Average abnormal returns per group: the average path with its interval above, the days beneath."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from eventstudy.engine.significance.laws import t_quantile
from eventstudy.report.escape import clean
from eventstudy.report.figures.style import COLOURS, INK, MUTED, Figure, canvas, finish, percent_axis
from eventstudy.report.words import interval, percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from eventstudy.engine.moments import Moments
    from eventstudy.records import GroupDay

Floats = NDArray[np.float64]
MOST_GROUPS = 6
LONGEST_NAME = 24


@dataclass(frozen=True, slots=True)
class _Averages:
    """Mean, half-width of its interval and number of events of each day; NaN where nothing is known."""

    mean: Floats
    half: Floats
    n: Floats


def group_caar(days: Sequence[GroupDay], level: float) -> Figure:
    """CAAR as a line with the interval of each day, AAR as bars with theirs, a column of panels a group (the largest
    six).

    Parameters
    ----------
    days : sequence of GroupDay
        Every day of every group.
    level : float
        Of the intervals: Student's t on the cross-section, one degree of freedom less than events on that day.
    """
    groups = _largest(days)
    data: dict[str, object] = {"level": level, "groups": groups}
    rows: list[tuple[str, ...]] = []
    with canvas(max(5.2, 2.9 * len(groups)), 4.4) as figure:
        figure.subplots_adjust(hspace=0.16, bottom=0.66 / 4.4)
        panels = figure.subplots(2, len(groups), sharex="col", sharey="row", squeeze=False, height_ratios=[2, 1])
        for column, group, colour in zip(panels.T, groups, COLOURS, strict=False):
            own = [day for day in days if day.group == group]
            at = np.array([day.day for day in own], dtype=np.float64)
            aar, caar = (_averages([getattr(day, name) for day in own], level) for name in ("ar", "car"))
            _draw(column, at, aar, caar, colour)
            column[0].set_title(f"{clean(group)[:LONGEST_NAME]} (N = {int(aar.n.max())})")
            data[f"group {group}"] = _plotted(at, aar, caar)
            rows += _table_rows(group, at, aar, caar)
        panels[0, 0].set_ylabel("CAAR")
        panels[1, 0].set_ylabel("AAR")
        description = (
            f"Above: average cumulative abnormal return; the band is its {100 * level:g} % interval at each day. "
            "Below: average abnormal return of the day, with its interval; under a day the number of events that have "
            "it. The intervals take the events for independent and so are too narrow where dates are shared."
        )
        return finish(
            figure,
            "caar-groups",
            "Average abnormal returns per group",
            description,
            data,
            ("group", "day", "events", "AAR", "AAR interval", "CAAR", "CAAR interval"),
            tuple(rows),
        )


def _largest(days: Sequence[GroupDay]) -> list[str]:
    """The names of the groups with the most events, in the order they came."""
    most: dict[str, int] = {}
    for day in days:
        most[day.group] = max(most.get(day.group, 0), day.ar.count)
    kept = set(sorted(most, key=lambda group: -most[group])[:MOST_GROUPS])
    return [group for group in most if group in kept]


def _averages(moments: Sequence[Moments], level: float) -> _Averages:
    n = np.array([m.count for m in moments], dtype=np.float64)
    mean = np.array([m.mean if m.count else np.nan for m in moments])
    deviation = np.array([m.standard_deviation for m in moments])
    several = np.where(n > 1, n, np.nan)
    return _Averages(mean, t_quantile(several - 1, 0.5 + level / 2) * deviation / np.sqrt(several), n)


def _draw(column: Sequence[Axes], at: Floats, aar: _Averages, caar: _Averages, colour: str) -> None:
    upper, lower = column
    for panel in column:
        percent_axis(panel)
        panel.axvline(0, color=INK, linewidth=0.8, linestyle=(0, (3, 3)))
    upper.fill_between(at, caar.mean - caar.half, caar.mean + caar.half, color=colour, alpha=0.15, linewidth=0)
    upper.plot(at, caar.mean, color=colour, linewidth=1.8, marker="o", markersize=2.6)
    lower.bar(at, np.nan_to_num(aar.mean), 0.7, color=colour, alpha=0.75)
    lower.vlines(at, aar.mean - aar.half, aar.mean + aar.half, color=MUTED, linewidth=0.9)
    ticks = _ticks(at)
    counted = {int(day): int(n) for day, n in zip(at, aar.n, strict=True)}
    lower.set_xticks(ticks, [f"{_minus(day)}\nn {counted[day]}" for day in ticks])
    lower.set_xlabel("sessions from day 0")


def _ticks(at: Floats) -> list[int]:
    """A few days, day 0 among them where there is one."""
    first, last = int(at.min()), int(at.max())
    step = max(1, -(-(last - first) // 4))
    step = next((nice for nice in (1, 2, 5, 10, 20, 25, 50, 100, 250, 500, 1000) if nice >= step), step)
    known = {int(day) for day in at}
    return [day for day in range(-(-first // step) * step, last + 1, step) if day in known]


def _minus(day: int) -> str:
    return f"{day}".replace("-", "\u2212")


def _plotted(at: Floats, aar: _Averages, caar: _Averages) -> dict[str, list[float | None]]:
    """What was drawn, as JSON can hold it."""
    columns = {
        "day": at,
        "n": aar.n,
        "aar": aar.mean,
        "aar_half": aar.half,
        "caar": caar.mean,
        "caar_half": caar.half,
    }
    return {name: [v if np.isfinite(v) else None for v in values.tolist()] for name, values in columns.items()}


def _table_rows(group: str, at: Floats, aar: _Averages, caar: _Averages) -> list[tuple[str, ...]]:
    name = clean(group)[:LONGEST_NAME]
    return [
        (
            name,
            _minus(int(day)),
            str(int(aar.n[k])),
            percent(aar.mean[k]),
            interval(aar.mean[k] - aar.half[k], aar.mean[k] + aar.half[k]),
            percent(caar.mean[k]),
            interval(caar.mean[k] - caar.half[k], caar.mean[k] + caar.half[k]),
        )
        for k, day in enumerate(at)
    ]
