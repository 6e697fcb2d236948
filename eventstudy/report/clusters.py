"""Sessions on which two or more shares have an event: one observation of the market, tested jointly."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventstudy.report.announcement import rates_note
from eventstudy.report.document import Section, Table
from eventstudy.report.format import NOTHING, rated
from eventstudy.report.material import Material
from eventstudy.results import LISTED

if TYPE_CHECKING:
    import pandas as pd

# one test that assumes normal errors and one that does not; the others are in clusters.csv
SHOWN = ("portfolio-t", "hotelling", "conformal-hotelling", "conformal-max")


def clusters_section(material: Material) -> Section | None:
    """An overview of all shared sessions over the first test window; None where there is none."""
    result = material.result
    clusters = result.table("clusters")
    if clusters.empty:
        return None
    first = clusters[clusters["window"] == clusters["window"].iloc[0]]
    days = [(str(day), lines) for day, lines in first.groupby("day0", sort=True)]
    ranked = sorted(days, key=lambda item: -len(str(item[1]["event_ids"].iloc[0]).split(";")))[:LISTED]
    table = _overview(sorted(ranked, key=lambda item: item[0]), rates_note(result))
    return Section(
        id="clusters",
        title="Shares that share a session",
        blocks=(
            "Several announcements on one session are one observation of the market, not several, and the shares of "
            "one session move together: tests that take them for independent call far too much unusual. These do not.",
            table,
        ),
    )


def _overview(days: list[tuple[str, pd.DataFrame]], brackets: str) -> Table:
    rows = []
    for day, lines in days:
        joint = lines[lines["ticker"] == ""].drop_duplicates("test")
        shown = {c.test: rated(c.p_value, c.placebo_rate) for c in joint.itertuples()}
        tickers = str(lines["tickers"].iloc[0]).replace(";", ", ")
        n = str(len(str(lines["event_ids"].iloc[0]).split(";")))
        rows.append((day, tickers, n, *(shown.get(test, NOTHING) for test in SHOWN)))
    return Table(
        caption=f"Joint tests over the window {days[0][1]['window'].iloc[0]}",
        columns=("session", "shares", "announcements", *(f"p {test}" for test in SHOWN)),
        rows=tuple(rows),
        numeric=frozenset(range(2, 3 + len(SHOWN))),
        note="portfolio-t: the average of the shares; hotelling: any of them; the conformal ones need no normal "
        f"errors. Every window and test is in clusters.csv. {brackets}".rstrip(),
        folded=True,
    )
