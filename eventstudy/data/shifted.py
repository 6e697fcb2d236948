"""Dates of a price series that lie a day before or after the sessions they belong to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eventstudy.data.prices import Dates, Floats
from eventstudy.engine.panel import Bools, Ints

# log likelihood by which one reading of the dates must beat another
MARGIN = np.log(1000.0)
# chance of a row off the calendar; bounds of the chance of a session without a row
STRAY, FEWEST_HOLES, MOST_HOLES = 0.001, 0.002, 0.6
# days of a block, days from one to the next, rows it needs, and shifted blocks that refuse a series
BLOCK, STEP, BLOCK_ROWS, BLOCKS = 28, 7, 8, 2
# rows off the calendar below which nothing is shifted for a month
FEWEST_OFF = 3
# trading weeks that look like a shifted week from Monday to Friday: Sunday is day 6
WEEKS = ((6, 0, 1, 2, 3), (5, 6, 0, 1, 2), (6, 0, 1, 2, 3, 4), (0, 1, 2, 3, 4, 5), (0, 1, 2, 3, 4, 5, 6))
SHIFTS = (-1, 0, 1)


def shifted(dates: Dates, sessions: Dates, exchange: str) -> str:
    """Whether the dates of a series are those of its sessions moved by one day, throughout or for a month or more.

    Parameters
    ----------
    dates : datetime64[D] (n,)
        Increasing.
    sessions : datetime64[D] (T,)
        Of the listing's exchange; dates outside its range are left out.
    exchange : str
        Its code, for the sentence.

    Returns
    -------
    str
        Why the series is refused, with the days and the cure; empty where the dates fit.
    """
    if not len(sessions) or not len(dates) or np.array_equal(dates, sessions):
        return ""
    rows = dates[(dates >= sessions[0]) & (dates <= sessions[-1])]
    off = rows[sessions[np.searchsorted(sessions, rows)] != rows]
    if len(rows) < BLOCK_ROWS or len(off) < FEWEST_OFF:
        return ""
    days = _Days.of(rows, sessions)
    fits = {shift: days.scores(days.session(shift)) for shift in SHIFTS}
    weeks = max(float(days.scores(days.week(week)).sum()) for week in WEEKS)
    by_part = float(np.maximum.reduce(list(fits.values())).sum())
    if weeks > by_part:
        # another week of trading: the calendar is wrong, not the dates
        return ""
    also = " or to an exchange with other trading days" if weeks > by_part - MARGIN else ""
    for shift in (-1, 1):
        if fits[shift].sum() > fits[0].sum() + MARGIN and fits[shift].sum() > fits[-shift].sum():
            return _sentence(rows, off, shift, exchange, also)
    for shift in (-1, 1):
        found = days.starts()[fits[shift] > fits[0] + MARGIN]
        if len(found) >= BLOCKS:
            first, last = days.first + int(found[0]), days.first + int(found[-1]) + BLOCK
            kept = [values[(values >= first) & (values <= last)] for values in (rows, off)]
            return _sentence(kept[0], kept[1], shift, exchange, also)
    return ""


def _sentence(rows: Dates, off: Dates, shift: int, exchange: str, also: str) -> str:
    where, cure = ("before", "+") if shift < 0 else ("after", "-")
    return (
        f"{off[0]}: from {rows[0]} to {rows[-1]} the dates lie one day {where} the sessions of {exchange} that they "
        f"belong to{also} ({len(off)} of {len(rows)} rows are not sessions, and are sessions when they are moved); "
        f"midnights "
        f"were converted to another time zone: write df[column] {cure} pd.Timedelta(days=1) for these rows"
    )


@dataclass(frozen=True, slots=True)
class _Days:
    """Every day from the first to the last row: whether it has a row, and whether it is a session.

    ``sessions`` reaches one day beyond on each side.
    """

    first: np.datetime64
    row: Bools
    sessions: Bools

    @classmethod
    def of(cls, rows: Dates, sessions: Dates) -> _Days:
        first = rows[0]
        n = int((rows[-1] - first).astype(np.int64)) + 1
        row, session = np.zeros(n, dtype=bool), np.zeros(n + 2, dtype=bool)
        row[(rows - first).astype(np.int64)] = True
        place = (sessions - first).astype(np.int64) + 1
        session[place[(place >= 0) & (place < n + 2)]] = True
        return cls(first, row, session)

    def session(self, shift: int) -> Bools:
        """The days on which sessions lie whose dates are moved by ``shift``."""
        return self.sessions[1 - shift : 1 - shift + len(self.row)]

    def week(self, days: tuple[int, ...]) -> Bools:
        """The days that belong to a trading week; Monday is 0."""
        first = (int(self.first.astype(np.int64)) + 3) % 7
        return np.isin((np.arange(len(self.row)) + first) % 7, days)

    def starts(self) -> Ints:
        """First days of the blocks that have rows enough to judge; int64 (B,)."""
        every = np.arange(0, max(1, len(self.row) - BLOCK + STEP), STEP)
        return every[_within(self.row, every) >= BLOCK_ROWS]

    def scores(self, session: Bools) -> Floats:
        """Log likelihood of the rows of each block under sessions; float64 (B,)."""
        starts = self.starts()
        hits, missing = _within(self.row & session, starts), _within(~self.row & session, starts)
        extra, quiet = _within(self.row & ~session, starts), _within(~self.row & ~session, starts)
        hole = np.clip(missing / np.maximum(hits + missing, 1), FEWEST_HOLES, MOST_HOLES)
        found = hits * np.log(1 - hole) + missing * np.log(hole)
        return np.asarray(found + extra * np.log(STRAY) + quiet * np.log(1 - STRAY))


def _within(where: Bools, starts: Ints) -> Ints:
    """Number of marked days of each block; int64 (B,)."""
    total = np.concatenate([[0], np.cumsum(where)])
    return np.asarray(total[np.minimum(starts + BLOCK, len(where))] - total[starts])
