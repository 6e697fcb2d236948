"""Which exchange calendars the rows of a series fit: what names the right one where a series is on another."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from eventstudy.data.calendar import load_calendar
from eventstudy.data.calendar_library import library
from eventstudy.data.prices import Dates
from eventstudy.data.shifted import FEWEST_HOLES, MARGIN, MOST_HOLES, STRAY
from eventstudy.errors import UnknownExchange

# days by which a calendar may begin or end inside the rows: a holiday season
SLACK = 15
# calendars of futures and other markets that no listing follows
NO_LISTINGS = ("CMES", "IEPA", "us_futures")


def best_calendars(rows: Dates) -> tuple[str, ...]:
    """The calendars that some rows fit best, every one within a likelihood ratio of 1,000 of the best.

    Parameters
    ----------
    rows : datetime64[D] (n,)
        Increasing; rows that repeat the close of the row before on a holiday are left out.

    Checked against
    ---------------
    tests/data/test_sessions.py: rows of every calendar, with and without holes.
    """
    found = {code: fit(rows, sessions) for code, sessions in _calendars(*_years(rows))}
    best = max(found.values(), default=-np.inf)
    return tuple(sorted(code for code, score in found.items() if score > best - MARGIN))


def fits_better(rows: Dates, sessions: Dates) -> bool:
    """Whether some calendar fits the rows better than these sessions by a likelihood ratio of 1,000."""
    own = fit(rows, sessions)
    return any(fit(rows, other) > own + MARGIN for _, other in _calendars(*_years(rows)))


def fit(rows: Dates, sessions: Dates) -> float:
    """Log likelihood of rows under sessions: a session has a row except for holes, another day has no row except for
    strays."""
    first, last = rows[0], rows[-1]
    inside = sessions[np.searchsorted(sessions, first) : np.searchsorted(sessions, last, side="right")]
    if not len(inside):
        return -np.inf
    hits = int(np.isin(rows, inside).sum())
    missing, extra = len(inside) - hits, len(rows) - hits
    quiet = int((last - first).astype(np.int64)) + 1 - len(inside) - extra
    hole = float(np.clip(missing / len(inside), FEWEST_HOLES, MOST_HOLES))
    missed = hits * np.log(1 - hole) + missing * np.log(hole)
    return float(missed + extra * np.log(STRAY) + max(quiet, 0) * np.log(1 - STRAY))


def _years(rows: Dates) -> tuple[int, int]:
    years = rows[[0, -1]].astype("datetime64[Y]").astype(int) + 1970
    return int(years[0]), int(years[1])


@lru_cache(maxsize=16)
def _calendars(first: int, last: int) -> Sequence[tuple[str, Dates]]:
    """Every calendar of listings that can be built and covers some whole years."""
    start, end = np.datetime64(f"{first}-01-01", "D"), np.datetime64(f"{last}-12-31", "D")
    found = []
    for code in sorted(library().get_calendar_names(include_aliases=False)):
        if code in NO_LISTINGS:
            continue
        try:
            sessions = load_calendar(code, start.item(), end.item()).sessions
        except UnknownExchange:
            continue
        if len(sessions) and sessions[0] <= start + SLACK and sessions[-1] >= end - SLACK:
            found.append((code, sessions))
    return found
