"""Suggestions of commands that improve a study."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventstudy.api.result import StudyResult, record_of

if TYPE_CHECKING:
    from eventstudy.data.event_index import EventIndex

# Tickers in one suggestion; calendar days of a session, with holidays.
MOST, DAYS_OF_A_SESSION = 10, 1.47


def missing_results(result: StudyResult) -> str:
    """The command that collects dates of results, for tickers of which the study knows none; empty where it knows all.

    Results that are not catalogued are not masked, and widen the error of everything else.
    """
    studied, spec = record_of(result).studied, result.spec
    index = studied.index
    lacking = {} if spec.exclude == "none" else _without_results(index, studied.rows.tolist())
    if not lacking:
        return ""
    import numpy as np

    first = index.day0(np.array([row for rows in lacking.values() for row in rows])).min()
    before = int((spec.estimation + spec.gap - spec.event_window.start) * DAYS_OF_A_SESSION)
    year = str(np.datetime64(int(first) - before, "D"))[:4]
    names = list(lacking)
    more = f" (and {len(names) - MOST} more)" if len(names) > MOST else ""
    return (
        f"no dates of results of {', '.join(names[:MOST])}{more}, so none are masked: "
        f"`eventstudy collect earnings {' '.join(names[:MOST])} --since {year}` adds them to confounders.csv"
    )


def _without_results(index: EventIndex, rows: list[int]) -> dict[str, list[int]]:
    """Tickers of firms that no confounder and no row gives a day of results -> their rows."""
    category = index.events.columns["category"]
    results = category.where(lambda text: "earnings" in text or "2.02" in text)
    known = {index.firm(row)[0] for row in range(len(index)) if results[row]} if results.any() else set()
    known |= {pair[0] for pair, items in index.confounders.items() if any(kind == "earnings" for _, kind, _ in items)}
    found: dict[str, list[int]] = {}
    for row in rows:
        ticker = index.firm(row)[0]
        # indices, currencies and futures report nothing
        if ticker not in known and not set("^=") & set(ticker):
            found.setdefault(ticker, []).append(row)
    return found
