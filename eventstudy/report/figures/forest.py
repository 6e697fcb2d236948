"""Every event's primary window in one figure: CAR with its interval, in order of date."""

from __future__ import annotations

import numpy as np
import pandas as pd

from eventstudy.report.figures.style import BLUE, MUTED, ORANGE, VERMILION, Figure, canvas, finish
from eventstudy.report.words import interval, percent
from eventstudy.results import LISTED

MOST_ROWS = 80
ROLES = {"direct": (BLUE, "o"), "peer": (ORANGE, "s"), "placebo": (MUTED, "D"), "outcome": (VERMILION, "x")}


def forest(windows: pd.DataFrame, level: float, n_events: int | None = None) -> Figure:
    """CARs with intervals, a line an event; the latest eighty where there are more.

    Parameters
    ----------
    windows : DataFrame
        Primary lines of windows.csv with a CAR and an interval.
    level : float
    n_events : int or None
        Events of the study, where these are those with the smallest p values; None where these are all.
    """
    total = len(windows) if n_events is None or n_events <= LISTED else n_events
    chosen = "" if total == len(windows) else ", chosen by the smallest p"
    lines = windows.sort_values("day0", kind="stable").tail(MOST_ROWS)
    at = np.arange(len(lines))[::-1]
    names = [f"{e[:28]} {t}" for e, t in zip(lines["event_id"], lines["ticker"], strict=True)]
    with canvas(8.2, 1.1 + 0.19 * len(lines), legend=0.1) as figure:
        figure.subplots_adjust(left=0.34)
        axes = figure.subplots()
        axes.axvline(0, color=MUTED, linewidth=0.8)
        for role, (colour, marker) in ROLES.items():
            mine = (lines["role"] == role).to_numpy()
            axes.hlines(at[mine], lines["ci_low"][mine], lines["ci_high"][mine], color=colour, linewidth=1.4)
            axes.plot(lines["car"][mine], at[mine], marker, color=colour, markersize=4, label=role)
        axes.set_yticks(at, names, fontsize=8)
        axes.set_ylim(-1, len(lines))
        axes.xaxis.set_major_formatter(lambda value, _: f"{100 * value:g}%")
        axes.grid(axis="y", visible=False)
        axes.set_title("CAR over the primary window")
        figure.legend(loc="lower center", ncols=4, frameon=False)
        keys = ["event_id", "ticker", "role", "day0", "car", "ci_low", "ci_high"]
        rows = tuple(
            (n, str(d), percent(c), interval(a, b))
            for n, d, c, a, b in zip(names, *(lines[k] for k in keys[3:]), strict=True)
        )
        return finish(
            figure,
            "forest",
            "Every event: CAR over the primary window",
            f"CAR over the primary window with its {100 * level:g} % interval, in order of date; {len(lines)} of "
            f"{total:,} events{chosen}.",
            {"rows": lines[keys].to_dict("records")},
            ("event", "day 0", "CAR", "interval"),
            rows,
        )
