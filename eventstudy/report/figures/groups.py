"""Average abnormal returns per group: bars a day, the average path as a line."""

from __future__ import annotations

import pandas as pd

from eventstudy.report.escape import clean
from eventstudy.report.figures.style import COLOURS, INK, SKY, Figure, canvas, finish, percent_axis

MOST_GROUPS = 6
LONGEST_NAME = 24


def group_caar(aar: pd.DataFrame) -> Figure:
    """AAR as bars and CAAR as a line with two standard errors, a panel a group (the largest six).

    Parameters
    ----------
    aar : DataFrame
        Lines of aar.csv.
    """
    largest = aar.groupby("group", sort=False)["n"].max().sort_values(ascending=False, kind="stable")
    groups = [group for group in dict.fromkeys(aar["group"]) if group in set(largest.index[:MOST_GROUPS])]
    data: dict[str, object] = {"groups": [str(group) for group in groups]}
    with canvas(max(5.2, 2.9 * len(groups)), 3.3) as figure:
        axes = figure.subplots(1, len(groups), sharey=True, squeeze=False)[0]
        for panel, group, colour in zip(axes, groups, COLOURS, strict=False):
            lines = aar[aar["group"] == group]
            known = lines[lines["caar"].notna()]
            half = 1.96 * known["caar_std_error"].fillna(0.0)
            percent_axis(panel)
            panel.bar(lines["day"], lines["aar"].fillna(0.0), 0.7, color=SKY)
            panel.fill_between(known["day"], known["caar"] - half, known["caar"] + half, color=colour, alpha=0.15, lw=0)
            panel.plot(known["day"], known["caar"], color=colour, linewidth=1.8)
            panel.axvline(0, color=INK, linewidth=0.8, linestyle=(0, (3, 3)))
            panel.set_title(f"{clean(str(group))[:LONGEST_NAME]} (N = {int(lines['n'].max())})")
            panel.set_xlabel("sessions from day 0")
            data[f"group {group}"] = known[["day", "aar", "caar"]].to_numpy().tolist()
        axes[0].set_ylabel("average abnormal return")
        description = (
            "Bars: average abnormal return of the day. Line: average cumulative abnormal return with two "
            "cross-sectional "
            "standard errors, which take events of one date for independent and so are too small where dates are "
            "shared."
        )
        return finish(figure, "caar-groups", "Average abnormal returns per group", description, data)
