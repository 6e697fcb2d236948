"""One announcement in plain words: what both the summary and its own page say about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from eventstudy.data.catalogue import nearby
from eventstudy.report.document import Card
from eventstudy.report.prose import limits, row_sentences
from eventstudy.report.words import listed

if TYPE_CHECKING:
    from eventstudy.report.figures import Figure
    from eventstudy.results import StudyResult

Figures = Mapping[str, "Figure"]


def of_event(frame: pd.DataFrame, event_id: str, ticker: str | None = None) -> pd.DataFrame:
    """The lines of a table that belong to an announcement, or to one of its tickers."""
    chosen = frame["event_id"] == event_id
    return frame[chosen] if ticker is None else frame[chosen & (frame["ticker"] == ticker)]


def primary_windows(result: StudyResult) -> pd.DataFrame:
    """The primary line of every event in windows.csv."""
    windows = result.tables["windows"]
    return windows[windows["primary"] == "yes"]


def announcement_card(result: StudyResult, event_id: str, figures: Figures) -> Card:
    """Day 0 and its rule, a paragraph a ticker, what cannot be known, the note of the events file."""
    studied, frame = result.studied, result.studied.catalogue.events.frame
    positions = [i for i in studied.reported if studied.text(i, "event_id") == event_id]
    row = int(studied.rows[positions[0]])
    windows = of_event(primary_windows(result), event_id)
    paragraphs = [_ticker_paragraph(result, event_id, str(ticker)) for ticker in windows["ticker"]]
    paragraphs.append(f"What cannot be known: {' '.join(_limits(result, event_id, positions))}")
    if notes := str(frame["notes"].iat[row]):
        paragraphs.append(f"Note in the events file: {notes}")
    placement = studied.catalogue.placements[row]
    days = listed(sorted(set(windows["day0"])))
    title, source = str(frame["title"].iat[row]), frame["source"].iat[row] or "none given"
    return Card(
        id=event_id,
        title=f"{event_id}: {title}" if title else event_id,
        subtitle=f"Day 0 {days}: {placement.rule if placement else ''}. Source: {source}.",
        paragraphs=tuple(paragraphs),
        figures=tuple(figure for name, figure in figures.items() if name == f"car-{event_id}"),
    )


def _ticker_paragraph(result: StudyResult, event_id: str, ticker: str) -> str:
    window = of_event(primary_windows(result), event_id, ticker).iloc[0]
    daily = of_event(result.tables["abnormal_returns"], event_id, ticker)
    day0 = daily[daily["day"] == 0]
    parts = of_event(result.tables["overnight"], event_id, ticker)
    robust = of_event(result.tables["robustness"], event_id, ticker)
    return " ".join(row_sentences(window, day0.iloc[0] if len(day0) else None, parts, robust, result.spec.level))


def _limits(result: StudyResult, event_id: str, positions: list[int]) -> list[str]:
    studied, primary = result.studied, primary_windows(result)
    windows = of_event(primary, event_id)
    others = sorted(set(primary[primary["day0"].isin(set(windows["day0"]))]["event_id"]) - {event_id})
    window = studied.spec.windows[int(studied.primary[positions[0]])]
    around = [
        item.title
        for i in positions
        for item in nearby(studied.catalogue, int(studied.rows[i]), window.start, window.end)
    ]
    return limits(windows, others, list(dict.fromkeys(around)))


def stale_banner(result: StudyResult) -> str:
    """What stands above everything else when older prices than asked for had to do; else empty."""
    choice = result.studied.market.prices.choice
    return f"{choice.stale}." if choice and choice.stale else ""


def rates_note(result: StudyResult) -> str:
    """What the percentages in brackets behind p values are; empty where there are none."""
    if result.rates is None:
        return ""
    return (
        f"In brackets: how often that test rejects at {100 * result.rates.level:.6g} % on uneventful sessions of the "
        "same firms; empty with fewer than 100 of them."
    )
