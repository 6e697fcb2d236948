"""Observed rejection rates against what they should be: a panel a ticker, beneath them one a cluster."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from eventstudy.report.figures.style import BLUE, GREEN, INK, VERMILION, Figure, canvas, finish
from eventstudy.report.words import share

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_PANELS = 4
# regime -> colour, marker, place within its row, label
_LOOKS = {
    "calm": (GREEN, "^", -0.24, "calmest tenth"),
    "all": (BLUE, "o", 0.0, "all sessions"),
    "turbulent": (VERMILION, "s", 0.24, "most turbulent tenth"),
}
# inches: a row of dots, a panel's title and axis, room for the names of tests, a panel's width
_ROW, _FRAME, _NAMES, _WIDE = 0.33, 0.85, 1.5, 2.5


def calibration(
    rows: pd.DataFrame, tickers: Sequence[str], clusters: Sequence[str], window: str, level: float
) -> Figure:
    """Dots with intervals: the share of uneventful sessions on which each test rejects; the nominal level is a line.

    Parameters
    ----------
    rows : DataFrame
        Lines of calibration.csv without planted effects, of one window and level.
    tickers, clusters : sequences of str
        Values of ``ticker``: one panel each, at most four a row; of more tickers the last (all together) stays.
    window : str
    level : float
    """
    shown = [list(tickers) if len(tickers) <= MOST_PANELS else [*tickers[: MOST_PANELS - 1], tickers[-1]]]
    shown = [row for row in (*shown, list(clusters[:MOST_PANELS])) if row]
    data: dict[str, object] = {"window": window, "level": level}
    tests = [list(dict.fromkeys(rows.loc[rows["ticker"].isin(row), "test"])) for row in shown]
    heights = [_ROW * len(names) for names in tests]
    columns = max(len(row) for row in shown)
    wide, high = _NAMES + _WIDE * columns + 0.15, sum(heights) + _FRAME * len(shown) + 0.35
    most = min(1.0, 1.04 * float(rows["ci_high"].max()))
    with canvas(wide, high) as figure:
        above = 0.4
        for names, height, row in zip(tests, heights, shown, strict=True):
            grid = figure.add_gridspec(
                1,
                columns,
                left=_NAMES / wide,
                right=1 - 0.15 / wide,
                top=1 - above / high,
                bottom=1 - (above + height) / high,
                wspace=0.09,
            )
            above += height + _FRAME
            for k, subject in enumerate(row):
                panel = figure.add_subplot(grid[0, k])
                lines = rows[rows["ticker"] == subject]
                data[subject] = _draw(panel, lines, names, level)
                _dress(panel, names if k == 0 else [""] * len(names), _title(subject, lines), most)
                if k == 0:
                    panel.set_xlabel(f"share of sessions rejected at {100 * level:g} %")
        figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="lower center", ncols=3, frameon=False)
        panels = ", ".join(name.replace(";", " and ") for row in shown for name in row)
        description = (
            f"Share of uneventful sessions on which each test of the window {window} rejects at the {100 * level:g} % "
            "level (dashed line), with 95 % intervals: over all sessions and in the tenths with the lowest and the "
            f"highest volatility of the 20 sessions before. Panels: {panels}."
        )
        title = f"Rejections on uneventful sessions, window {window}"
        heads = ("tickers", "test", "sessions", "number", "rejected", "interval")
        return finish(figure, "calibration", title, description, data, heads, _rows(rows, shown))


def _rows(rows: pd.DataFrame, shown: Sequence[Sequence[str]]) -> tuple[tuple[str, ...], ...]:
    """The dots, a line each."""
    found: list[tuple[str, ...]] = []
    for subject in (name for row in shown for name in row):
        lines = rows[(rows["ticker"] == subject) & rows["regime"].isin(list(_LOOKS))]
        found += [
            (
                subject.replace(";", ", "),
                str(line["test"]),
                str(line["regime"]),
                str(int(line["n"])),
                share(line["rate"]),
                f"{share(line['ci_low'])} to {share(line['ci_high'])}",
            )
            for line in lines.drop_duplicates(["test", "regime"]).to_dict("records")
        ]
    return tuple(found)


def _draw(panel: Axes, lines: pd.DataFrame, tests: Sequence[str], level: float) -> dict[str, dict[str, list[float]]]:
    """Dots and intervals of one subject; what was drawn, by regime and test: rate, low, high."""
    drawn: dict[str, dict[str, list[float]]] = {}
    panel.axvline(level, color=INK, linewidth=1.0, linestyle=(0, (4, 3)))
    for regime, (colour, marker, offset, label) in _LOOKS.items():
        own = lines[lines["regime"] == regime].drop_duplicates("test").set_index("test")
        known = [test for test in tests if test in own.index]
        values = {test: [float(own.at[test, name]) for name in ("rate", "ci_low", "ci_high")] for test in known}
        panel.errorbar(
            [rate for rate, _, _ in values.values()],
            [tests.index(test) + offset for test in known],
            # a rate of 0 or 1 may stand a rounding error outside its own interval
            xerr=[
                [max(r - low, 0.0) for r, low, _ in values.values()],
                [max(top - r, 0.0) for r, _, top in values.values()],
            ],
            fmt=marker,
            color=colour,
            markersize=5 if regime == "all" else 4,
            linewidth=1.6 if regime == "all" else 1.0,
            label=label,
            clip_on=False,
        )
        drawn[regime] = values
    return drawn


def _title(subject: str, lines: pd.DataFrame) -> str:
    whole = lines.loc[lines["regime"] == "all", "n"]
    n = f" (n = {int(whole.max())})" if len(whole) else ""
    return f"{'all tickers' if subject == '(all)' else subject.replace(';', ', ')}{n}"


def _dress(panel: Axes, names: Sequence[str], title: str, most: float) -> None:
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    panel.set_yticks(range(len(names)), names)
    panel.set_ylim(len(names) - 0.5, -0.5)
    panel.set_xlim(0, most)
    panel.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    panel.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    panel.grid(axis="x", visible=True)
    panel.grid(axis="y", visible=False)
    panel.set_title(title, fontsize=9.5)
