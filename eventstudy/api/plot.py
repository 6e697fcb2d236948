"""Plots of a result on Matplotlib axes, or as an interactive figure: what is drawn is decided before who draws it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from eventstudy.api.averages import ALL
from eventstudy.engine.panel import Floats
from eventstudy.engine.significance.distributions import t_quantile
from eventstudy.errors import UsageError, flat
from eventstudy.report.escape import clean
from eventstudy.spelling import meant

if TYPE_CHECKING:
    import pandas as pd

    from eventstudy.api.result import StudyResult

BACKENDS = ("matplotlib", "plotly")
# rows of a forest; of more, those with the smallest p values
MOST = 60
# colours that stay apart for people who see few, on light and on dark paper
COLOURS = ("#3b7dd8", "#e07b39", "#3a9b6f", "#b35fb3", "#8c6d46", "#d24d57", "#5b6abf", "#7a9a01")


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One line with its interval, or one row of a forest each.

    Attributes
    ----------
    label : str
    x : list
        Days, or labels of rows.
    y, low, high : float64 (n,)
        In percent.
    """

    label: str
    x: list[Any]
    y: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Contents of a plot.

    Attributes
    ----------
    title, x_label, y_label : str
    series : tuple of Series
    forest : bool
        Rows below each other instead of lines over days.
    colours : tuple of str
        Of the rows of a forest; empty is one for all.
    """

    title: str
    x_label: str
    y_label: str
    series: tuple[Series, ...]
    forest: bool = False
    colours: tuple[str, ...] = ()


def paths(result: StudyResult, event_id: str | None, groups: Sequence[str] | None, ticker: str | None) -> Picture:
    """The CAAR path of groups, or the CAR paths of one announcement.

    Raises
    ------
    UsageError
        For an unknown event, ticker or group, or where there is no path.
    """
    if event_id is not None:
        return _event_paths(result, event_id, ticker)
    aar = result.aar
    known = list(dict.fromkeys(aar["group"].astype(str)))
    if not known:
        ids = list(dict.fromkeys(result.windows["event_id"]))
        if len(ids) == 1:
            return _event_paths(result, ids[0], ticker)
        raise UsageError("no group has two events, so there is no average path", "", "plot('EVENT_ID') draws one event")
    wanted = list(groups) if groups is not None else [ALL] if ALL in known else known
    for name in wanted:
        if name not in known:
            raise UsageError(
                f"there is no group {flat(str(name), 80)!r}", " | ".join(known[:20]), meant(str(name), known)
            )
    level = result.spec.level
    series = []
    for name in wanted:
        part = aar[aar["group"] == name]
        n = part["n"].to_numpy(dtype=np.float64)
        half = t_quantile(np.maximum(n - 1, 1), 0.5 + level / 2) * part["caar_std_error"].to_numpy(dtype=np.float64)
        label = f"{name} ({int(n.max())} events)"
        series.append(_series(label, part["day"], part["caar"].to_numpy(dtype=np.float64), half))
    return Picture(
        title=f"CAAR, {100 * level:g} % cross-sectional interval",
        x_label="day relative to the event",
        y_label="CAAR, %",
        series=tuple(series),
    )


def _event_paths(result: StudyResult, event_id: str, ticker: str | None) -> Picture:
    daily = result.abnormal_returns
    chosen = daily[daily["event_id"] == event_id]
    if chosen.empty:
        known = list(dict.fromkeys(daily["event_id"]))
        raise UsageError(
            f"event {event_id[:80]!r} was not studied", "an event_id of result.windows", meant(event_id, known)
        )
    tickers = list(dict.fromkeys(chosen["ticker"]))
    if ticker is not None and ticker not in tickers:
        raise UsageError(f"{event_id} has no studied ticker {ticker!r}", " | ".join(tickers), meant(ticker, tickers))
    models = result.models
    level, series = result.spec.level, []
    for name in [ticker] if ticker is not None else tickers:
        part = chosen[chosen["ticker"] == name]
        own = models[(models["event_id"] == event_id) & (models["ticker"] == name)]
        df = max(float(own["n_estimation"].iloc[0]) - 2, 1.0)
        half = float(t_quantile(np.array([df]), 0.5 + level / 2)[0]) * part["car_std_error"].to_numpy(dtype=np.float64)
        series.append(_series(str(name), part["day"], part["car"].to_numpy(dtype=np.float64), half))
    return Picture(
        title=f"{event_id}: CAR, {100 * level:g} % interval",
        x_label="day relative to the event",
        y_label="CAR, %",
        series=tuple(series),
    )


def _series(label: str, days: pd.Series, value: Floats, half: Floats) -> Series:
    return Series(
        label=label, x=[int(day) for day in days], y=100 * value, low=100 * (value - half), high=100 * (value + half)
    )


def forest(result: StudyResult, event_id: str | None) -> Picture:
    """The CAR over the primary window of every event with its interval; of many, those with the smallest p values.

    Raises
    ------
    UsageError
        Where no event has one.
    """
    windows = result.windows
    chosen = windows[windows["primary"] & windows["car"].notna()]
    if event_id is not None:
        chosen = chosen[chosen["event_id"] == event_id]
    if chosen.empty:
        raise UsageError("no event has a CAR over its primary window", "", "result.excluded gives the reasons")
    total = len(chosen)
    if total > MOST:
        chosen = chosen.nsmallest(MOST, "p_t").sort_index()
    rows = [f"{one.event_id} {one.ticker} {one.window}" for one in chosen.itertuples()]
    values = (100 * chosen[name].to_numpy(dtype=np.float64) for name in ("car", "ci_low", "ci_high"))
    y, low, high = values
    some = f", {MOST} of {total:,} with the smallest p" if total > MOST else ""
    return Picture(
        title=f"CAR over the primary window, {100 * result.spec.level:g} % interval{some}",
        x_label="CAR, %",
        y_label="",
        series=(Series(label="", x=rows, y=y, low=low, high=high),),
        forest=True,
    )


def drawn(picture: Picture, ax: Any, backend: str) -> Any:
    """The picture on axes, or as a plotly figure.

    Raises
    ------
    UsageError
        For an unknown backend, axes of plotly, or a backend that is not installed.
    """
    if backend not in BACKENDS:
        raise UsageError(
            f"backend {flat(str(backend), 80)!r} is unknown", " | ".join(BACKENDS), meant(str(backend), BACKENDS)
        )
    if backend == "plotly":
        if ax is not None:
            raise UsageError("ax belongs to matplotlib", "", "leave ax out; plotly returns a figure")
        return _plotly(picture)
    if ax is not None and not hasattr(ax, "fill_between"):
        raise UsageError(f"ax is a {type(ax).__name__}", "matplotlib Axes", "fig, ax = plt.subplots()")
    return _matplotlib(picture, ax)


def _matplotlib(picture: Picture, ax: Any) -> Any:
    """Axes with the picture; nothing global is changed."""
    if ax is None:
        import matplotlib.pyplot as plt

        height = 1.2 + 0.28 * len(picture.series[0].x) if picture.forest else 4.0
        _, ax = plt.subplots(figsize=(7.5, height), layout="constrained")
    if picture.forest:
        (rows,) = picture.series
        colours = picture.colours or (COLOURS[0],) * len(rows.x)
        at = np.arange(len(rows.x))[::-1]
        ax.hlines(at, rows.low, rows.high, colors=colours)
        ax.scatter(rows.y, at, s=16, c=colours, zorder=3)
        ax.axvline(0, color="0.5", linewidth=0.8)
        ax.set_yticks(at, [_plain(label) for label in rows.x])
    else:
        for number, one in enumerate(picture.series):
            colour = COLOURS[number % len(COLOURS)]
            ax.fill_between(one.x, one.low, one.high, color=colour, alpha=0.2, linewidth=0)
            ax.plot(one.x, one.y, color=colour, label=_plain(one.label), marker=".", markersize=4)
        ax.axhline(0, color="0.5", linewidth=0.8)
        ax.axvline(0, color="0.5", linewidth=0.8, linestyle=":")
        ax.legend(frameon=False)
    ax.set_title(_plain(picture.title), loc="left", fontsize="medium")
    ax.set_xlabel(picture.x_label)
    ax.set_ylabel(picture.y_label)
    return ax


def drawn_forest(
    labels: list[Any], y: Floats, low: Floats, high: Floats, *, colours: Sequence[str], title: str, ax: Any
) -> Any:
    """Estimates below each other with their intervals, in percent, on Matplotlib axes."""
    rows = Series(label="", x=labels, y=y, low=low, high=high)
    shown = Picture(title=title, x_label="CAR, %", y_label="", series=(rows,), forest=True, colours=tuple(colours))
    return drawn(shown, ax, "matplotlib")


def _plain(text: str) -> str:
    """Text of a file unchanged: a dollar sign does not start a formula."""
    return clean(text).replace("$", r"\$")


def _plotly(picture: Picture) -> Any:
    try:
        import plotly.graph_objects as go
    except ImportError:
        from eventstudy.extras import missing

        raise missing("backend='plotly'", "plotly", "interactive") from None
    from eventstudy.report.escape import html

    figure = go.Figure()
    for number, one in enumerate(picture.series):
        colour = COLOURS[number % len(COLOURS)]
        if picture.forest:
            error = {"type": "data", "symmetric": False, "array": one.high - one.y, "arrayminus": one.y - one.low}
            labels = [html(label) for label in one.x]
            figure.add_scatter(x=one.y, y=labels, mode="markers", error_x=error, marker_color=colour)
            continue
        band = {"line_width": 0, "showlegend": False, "hoverinfo": "skip", "mode": "lines"}
        figure.add_scatter(x=one.x, y=one.high, **band)
        figure.add_scatter(x=one.x, y=one.low, fill="tonexty", fillcolor=_faint(colour), **band)
        figure.add_scatter(x=one.x, y=one.y, name=html(one.label), line_color=colour, mode="lines+markers")
    figure.update_layout(title=html(picture.title), xaxis_title=picture.x_label, yaxis_title=picture.y_label)
    if picture.forest:
        figure.update_yaxes(autorange="reversed")
    return figure


def _faint(colour: str) -> str:
    parts = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
    return f"rgba({parts[0]},{parts[1]},{parts[2]},0.2)"
