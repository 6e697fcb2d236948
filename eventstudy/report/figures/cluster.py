"""Firms that share a session: what each returned, what its model expects, what is left."""

from __future__ import annotations

import numpy as np
import pandas as pd

from eventstudy.report.figures.style import BLUE, INK, MUTED, VERMILION, Figure, canvas, finish, percent_axis
from eventstudy.report.words import interval, percent

# firms from which their names stand upright
CROWDED = 8


def cluster(day0: str, rows: pd.DataFrame) -> Figure:
    """Paired bars a ticker: the part the market explains and the abnormal part with its interval.

    Parameters
    ----------
    day0 : str
    rows : DataFrame
        One line a ticker: ``ticker, return, expected_return, abnormal_return, ci_low, ci_high``.
    """
    columns = ["ticker", "return", "expected_return", "abnormal_return", "ci_low", "ci_high"]
    lines = rows[columns].to_dict("records")
    at = np.arange(len(lines))
    crowded = len(lines) > CROWDED
    with canvas(max(5.2, (0.6 if crowded else 1.7) * len(lines) + 1.6), 3.6, legend=0.5 if crowded else 0.1) as figure:
        axes = figure.subplots()
        percent_axis(axes)
        axes.bar(at - 0.2, rows["expected_return"], 0.36, color=MUTED, label="expected by the model")
        axes.bar(at + 0.2, rows["abnormal_return"], 0.36, color=BLUE, label="abnormal, with its interval")
        centre = rows["abnormal_return"].to_numpy()
        error = np.abs(np.vstack([centre - rows["ci_low"], rows["ci_high"] - centre]))
        axes.errorbar(at + 0.2, centre, yerr=error, fmt="none", ecolor=INK, capsize=3, linewidth=1.0)
        axes.plot(at, rows["return"], "D", color=VERMILION, markersize=6, label="return of the day")
        axes.set_xticks(at, [str(line["ticker"]) for line in lines], rotation=90 if crowded else 0)
        axes.grid(axis="x", visible=False)
        axes.set_ylabel("day-0 return")
        axes.set_title(f"Session of {day0}")
        figure.legend(loc="lower center", ncols=3, frameon=False)
        description = f"Day-0 return of {len(lines)} firms on {day0}, split into what the model expects and the rest."
        shown = tuple(
            (
                str(line["ticker"]),
                *(percent(line[name]) for name in columns[1:4]),
                interval(line["ci_low"], line["ci_high"]),
            )
            for line in lines
        )
        return finish(
            figure,
            f"cluster-{day0}",
            f"Firms on {day0}",
            description,
            {"day0": day0, "rows": lines},
            ("ticker", "return", "expected", "abnormal", "interval"),
            shown,
        )
