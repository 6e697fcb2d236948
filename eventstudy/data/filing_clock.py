"""Clocks of filings: a time with a Z that may be New York's, and would then move day 0."""

from __future__ import annotations

import numpy as np
import pandas as pd

from eventstudy.data.calendar import place_many
from eventstudy.data.event_index import EventIndex

NEW_YORK = "America/New_York"
LISTED = 5
HOWTO = "docs/howto/date-a-filing.md says which clock a filing carries"


def clock_warnings(index: EventIndex) -> list[str]:
    """A sentence for every row whose time is stated in UTC and would have another day 0 if it were a New York clock.

    In text such a time ends in Z or +00:00; a column of timestamps says so by its time zone.

    Returns
    -------
    list of str
        The first rows one by one, then how many more there are.
    """
    announced, exchange = index.events.announced, index.exchange()
    in_utc = announced.in_utc
    if not in_utc.any():
        return []
    stamps = pd.Series(np.where(in_utc, announced.instant, np.datetime64("NaT", "us")))
    local = stamps.dt.tz_localize(NEW_YORK, ambiguous="NaT", nonexistent="shift_forward")
    as_local = local.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy().astype("datetime64[us]")
    usable = in_utc & ~np.isnat(as_local)
    found: list[str] = []
    n = 0
    for number, code in enumerate(index.codes):
        calendar = index.calendars[code]
        rows = np.flatnonzero((exchange == number) & usable[announced.codes])
        if not len(rows) or not len(calendar.sessions):
            continue
        used, of_row = np.unique(announced.codes[rows], return_inverse=True)
        day, late = np.full(len(used), np.datetime64("NaT", "D")), np.zeros(len(used), dtype=bool)
        first = place_many(calendar, announced.instant[used], day, late)
        other = place_many(calendar, as_local[used], day, late)
        hit = np.flatnonzero(((first != other) & (np.minimum(first, other) >= 0))[of_row])
        n += len(hit)
        for at in hit[: LISTED - len(found)].tolist():
            row, one, two = int(rows[at]), *(calendar.sessions[days[of_row[at]]] for days in (first, other))
            text = _text(index, row)
            clock = pd.Timestamp(announced.instant[announced.codes[row]], tz="UTC").tz_convert(NEW_YORK)
            name = f"{' '.join(index.name(row))} ({index.events.unit} {int(index.events.lines[row])})"
            found.append(
                f"{name}: {text} is {clock:%H:%M} in New York, day 0 {one}; if it is a New York clock with a Z or "
                f"+00:00, day 0 is {two}: write {local[int(announced.codes[row])].isoformat()} then"
            )
    if n > len(found):
        found.append(f"{n - len(found):,} more rows in UTC would have another day 0 as New York clocks")
    return [f"{sentence}; {HOWTO}" if at == 0 else sentence for at, sentence in enumerate(found)]


def _text(index: EventIndex, row: int) -> str:
    """A moment as the file writes it; of a column of timestamps its ISO text with a Z."""
    announced = index.events.announced
    if announced.written is not None:
        return announced.written[int(announced.codes[row])]
    return f"{pd.Timestamp(announced.instant[announced.codes[row]]).isoformat()}Z"
