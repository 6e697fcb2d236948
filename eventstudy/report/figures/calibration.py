"""Observed rates of finding something on uneventful sessions against what they should be: a panel a ticker or
cluster."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from eventstudy.report.figures.marks import Dot, Figure, Label, Line, Mark, Panel, listed_data, segment
from eventstudy.report.figures.scale import Scale, ticks
from eventstudy.report.format import share

if TYPE_CHECKING:
    import pandas as pd

MOST_PANELS = 4
# regime -> styles of line and dot, place within its row, label
_LOOKS = {
    "calm": ("bs", "near", -5.0, "calmest tenth"),
    "all": ("in", "day0", 0.0, "all sessions"),
    "turbulent": ("ow", "hit", 5.0, "most turbulent tenth"),
}
_ROW = 22.0


def calibration(
    rows: pd.DataFrame, tickers: Sequence[str], clusters: Sequence[str], window: str, level: float
) -> Figure:
    """Dots with intervals: the share of uneventful sessions on which each test rejects; the nominal level is a line.

    Parameters
    ----------
    rows : DataFrame
        Lines of calibration.csv without planted effects, of one window and level.
    tickers, clusters : sequences of str
        Values of ``ticker``: one panel each, at most four of each kind; of more tickers the last (all together) stays.
    """
    some = list(tickers) if len(tickers) <= MOST_PANELS else [*tickers[: MOST_PANELS - 1], tickers[-1]]
    shown = [*some, *clusters[:MOST_PANELS]]
    most = min(1.0, 1.04 * float(rows["ci_high"].max()))
    data: dict[str, object] = {"window": window, "level": level}
    panels = []
    for subject in shown:
        lines = rows[rows["ticker"] == subject]
        panel, drawn = _panel(_title(subject, lines), lines, level, most)
        panels.append(panel)
        data[subject] = drawn
    return Figure(
        name="calibration",
        title=f"Uneventful sessions called unusual, window {window}",
        caption=(
            f"Share of uneventful sessions that the tests of window {window} call unusual at the {100 * level:g} % "
            "level (dashed line), with 95 % intervals: over all sessions (black) and in the tenths with the lowest "
            "(grey) and the highest (brown) volatility of the 20 sessions before. Panels: "
            f"{', '.join(name.replace(';', ' and ') for name in shown)}."
        ),
        panels=tuple(panels),
        data=data,
        columns=("tickers", "test", "sessions", "number", "unusual", "interval"),
        rows=_rows(rows, shown),
    )


def _rows(rows: pd.DataFrame, shown: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """The dots, a line each."""
    found: list[tuple[str, ...]] = []
    for subject in shown:
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


def _panel(
    title: str, lines: pd.DataFrame, level: float, most: float
) -> tuple[Panel, dict[str, dict[str, list[float]]]]:
    """Dots and intervals of one subject; and what was drawn, by regime and test: rate, low, high."""
    tests = list(dict.fromkeys(lines["test"]))
    left, right, top = 150.0, 350.0, 34.0
    bottom = top + _ROW * len(tests)
    x = Scale(0.0, most, left, right)
    at = [v for v in ticks(0.0, most, 4) if v <= most]
    drawn: list[Mark] = [
        Label("t", 0, 13, title),
        Line("grid", tuple(segment(x(v), top, x(v), bottom) for v in at)),
        Line("expl", (segment(x(level), top - 4, x(level), bottom),)),
        *(Label("m", x(v), bottom + 15, f"{100 * v:g} %") for v in at),
        *(Label("r", left - 8, top + _ROW * (k + 0.5) + 4, test) for k, test in enumerate(tests)),
    ]
    data: dict[str, dict[str, list[float]]] = {}
    outside = 0
    for regime, (line, dot, offset, label) in _LOOKS.items():
        own = lines[lines["regime"] == regime].drop_duplicates("test").set_index("test")
        values = {
            test: [float(own.at[test, name]) for name in ("rate", "ci_low", "ci_high")]
            for test in tests
            if test in own.index
        }
        for test, (rate, low, high) in values.items():
            y = top + _ROW * (tests.index(test) + 0.5) + offset
            drawn.append(Line(line, (segment(x(low), y, x(high), y),), width=1.6 if regime == "all" else 1.0))
            drawn.append(Dot(dot, x(rate), y, 3.6 if regime == "all" else 3.0, f"{test}, {label}: {share(rate)}"))
            outside += regime == "all" and not low <= level <= high
        data[regime] = values
    panel = Panel(
        kind="calibration",
        label=f"{title}: share of uneventful sessions that each test calls unusual; {outside} of {len(tests)} do not "
        "hold.",
        width=360,
        height=bottom + 26,
        marks=tuple(drawn),
        data={
            "own": listed_data([v[0] for v in data["all"].values()]),
            "band": f"{level:.6f}",
            "outside": str(outside),
        },
    )
    return panel, data


def _title(subject: str, lines: pd.DataFrame) -> str:
    whole = lines.loc[lines["regime"] == "all", "n"]
    n = f" (n = {int(whole.max())})" if len(whole) else ""
    return f"{'all tickers' if subject == '(all)' else subject.replace(';', ', ')}{n}"
