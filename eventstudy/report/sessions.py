"""Sessions on which two or more firms have an event: one observation of the market, tested jointly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from eventstudy.report.announcement import Figures, rates_note
from eventstudy.report.document import Card, Section, Table
from eventstudy.report.words import NOTHING, count, listed, number, p_value, rated
from eventstudy.results import LISTED

if TYPE_CHECKING:
    from eventstudy.results import StudyResult

# one test that assumes normal errors and one that does not; the others stand on the card
SHOWN = ("portfolio-t", "hotelling", "conformal-hotelling", "conformal-max")


def sessions_section(result: StudyResult, figures: Figures) -> Section | None:
    """An overview of all shared sessions, then a card each: those with several announcements open."""
    clusters = result.tables["clusters"]
    if clusters.empty:
        return None
    first = clusters[clusters["window"] == clusters["window"].iloc[0]]
    days = [(str(day), lines) for day, lines in first.groupby("day0", sort=True)]
    ranked = sorted(days, key=lambda item: -len(_announcements(item[1])))
    kept, detailed = sorted(ranked[:LISTED], key=lambda item: item[0]), set(result.detailed)
    shown = [(day, lines) for day, lines in ranked if detailed & set(_announcements(lines))]
    cards = [_card(day, lines, figures, result.spec.level) for day, lines in shown]
    return Section(
        id="clusters",
        title="Firms that share a session",
        intro=(
            "Several announcements on one session are one observation of the market, not several, and the firms of one "
            "session are correlated: tests that take them for independent reject far too often. These do not.",
        ),
        tables=(_overview(kept, rates_note(result)),),
        cards=tuple(cards),
    )


def _announcements(lines: pd.DataFrame) -> list[str]:
    return str(lines["event_ids"].iloc[0]).split(";")


def _overview(days: list[tuple[str, pd.DataFrame]], brackets: str) -> Table:
    rows = []
    for day, lines in days:
        joint = lines[lines["ticker"] == ""].drop_duplicates("test")
        shown = {c.test: rated(c.p_value, c.placebo_rate) for c in joint.itertuples()}
        p = [shown.get(test, NOTHING) for test in SHOWN]
        tickers = str(lines["tickers"].iloc[0]).replace(";", ", ")
        rows.append((day, listed(_announcements(lines)), tickers, str(lines["window"].iloc[0]), *p))
    return Table(
        caption="Sessions with two or more firms, tested jointly",
        columns=("session", "announcements", "tickers", "window", *(f"p {test}" for test in SHOWN)),
        rows=tuple(rows),
        numeric=frozenset(range(4, 4 + len(SHOWN))),
        note="portfolio-t: the average of the firms; hotelling: any of them; the conformal ones need no normal errors. "
        f"Every window stands in clusters.csv. {brackets}".rstrip(),
        links=tuple(f"session-{day}" for day, _ in days),
    )


def _card(day: str, lines: pd.DataFrame, figures: Figures, level: float) -> Card:
    joint, own = lines[lines["ticker"] == ""], lines[lines["ticker"] != ""]
    ids, tickers = _announcements(lines), str(lines["tickers"].iloc[0]).split(";")
    several = len(ids) > 1
    figure = figures.get(f"cluster-{day}")
    return Card(
        id=f"session-{day}",
        label=day,
        title=f"{day}: {listed(tickers)}",
        subtitle=f"{count(len(ids), 'announcement')} on this session: {listed(ids)}.",
        paragraphs=tuple(_sentences(joint, several, level)),
        tables=(_tests_table(day, joint), *([_firms_table(day, own)] if len(own) else [])),
        figures=(figure,) if figure is not None else (),
        folded=not several,
    )


def _sentences(joint: pd.DataFrame, several: bool, level: float) -> list[str]:
    known = joint[joint["test"].isin(SHOWN) & joint["p_value"].notna()].drop_duplicates("test")
    alpha = 1 - level
    low = [f"{c.test} {p_value(c.p_value)}" for c in known.itertuples() if c.p_value < alpha]
    high = [f"{c.test} {p_value(c.p_value)}" for c in known.itertuples() if not c.p_value < alpha]
    said = []
    if low and high:
        said.append(f"Taken together the firms are unusual by {listed(low)}, not by {listed(high)}.")
    elif low:
        said.append(f"Taken together the firms are unusual by every joint test ({', '.join(low)}).")
    elif high:
        said.append(f"Taken together the firms cannot be told from an ordinary session ({', '.join(high)}).")
    if several:
        said.append("What each of the announcements did cannot be split with daily prices.")
    return said


def _tests_table(day: str, joint: pd.DataFrame) -> Table:
    reasons = dict.fromkeys(str(reason) for reason in joint["reason"] if reason)
    return Table(
        caption=f"Joint tests on {day}",
        columns=("test", "window", "statistic", "df", "p", "applicable"),
        rows=tuple(
            (
                c.test,
                c.window,
                number(c.statistic),
                c.df.replace(";", ", "),
                rated(c.p_value, c.placebo_rate),
                c.applicable,
            )
            for c in joint.itertuples()
        ),
        numeric=frozenset({2, 4}),
        note="; ".join(f"warn: {reason}" for reason in reasons),
    )


def _firms_table(day: str, own: pd.DataFrame) -> Table:
    tests = list(dict.fromkeys(own["test"]))
    rows = []
    for ticker in dict.fromkeys(own["ticker"]):
        mine = own[own["ticker"] == ticker].drop_duplicates("test").set_index("test")["p_value"]
        rows.append((str(ticker), *(p_value(float(mine.get(test, float("nan")))) for test in tests)))
    return Table(
        caption=f"Each firm on {day}: p adjusted for testing them all",
        columns=("ticker", *tests),
        rows=tuple(rows),
        numeric=frozenset(range(1, len(tests) + 1)),
    )
