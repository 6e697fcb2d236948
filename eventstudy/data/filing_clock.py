"""Clocks whose offset may be wrong: a Z that may stand for New York, an offset of summer in winter; both move day 0."""

from __future__ import annotations

import numpy as np
import pandas as pd

from eventstudy.data.calendar import place_many
from eventstudy.data.event_index import EventIndex

NEW_YORK = "America/New_York"
LISTED = 5
HOWTO = "docs/howto/date-a-filing.md says which clock a filing carries"


def clock_warnings(index: EventIndex) -> list[str]:
    """A sentence for every row whose clock would have another day 0 with the offset that it should have had.

    These are times in UTC that may be a New York clock (in text they end in Z or +00:00; a column of timestamps says so
    by its time zone), and times with the offset that the exchange has in the other half of the year.

    Returns
    -------
    list of str
        The first rows one by one, then how many more there are.
    """
    announced, exchange = index.events.announced, index.exchange()
    offset = announced.offset
    known = np.isfinite(offset)
    if not known.any():
        return []
    clock = announced.instant + np.nan_to_num(offset).astype("timedelta64[m]")
    found: list[str] = []
    n = 0
    for number, code in enumerate(index.codes):
        calendar = index.calendars[code]
        rows = np.flatnonzero((exchange == number) & known[announced.codes])
        if not len(rows) or not len(calendar.sessions):
            continue
        used, of_row = np.unique(announced.codes[rows], return_inverse=True)
        stated = offset[used]
        local = _in_zone(clock[used], calendar.zone)
        doubtful = np.isin(stated, _offsets(local)) & (stated != 0)
        meant = np.where(stated == 0, _moments(_in_zone(clock[used], NEW_YORK)), _moments(local))
        usable = ((stated == 0) | doubtful) & ~np.isnat(meant) & (meant != announced.instant[used])
        rows, of_row = rows[usable[of_row]], (np.cumsum(usable) - 1)[of_row[usable[of_row]]]
        used, meant = used[usable], meant[usable]
        day, late = np.full(len(used), np.datetime64("NaT", "D")), np.zeros(len(used), dtype=bool)
        first = place_many(calendar, announced.instant[used], day, late)
        other = place_many(calendar, meant, day, late)
        hit = np.flatnonzero(((first != other) & (np.minimum(first, other) >= 0))[of_row])
        n += len(hit)
        for at in hit[: LISTED - len(found)].tolist():
            row, one, two = int(rows[at]), *(calendar.sessions[days[of_row[at]]] for days in (first, other))
            value = int(announced.codes[row])
            zone = NEW_YORK if offset[value] == 0 else calendar.zone
            place = zone.rpartition("/")[2].replace("_", " ")
            shown = pd.Timestamp(announced.instant[value], tz="UTC").tz_convert(zone)
            write = pd.Timestamp(clock[value]).tz_localize(zone).isoformat()
            a_zone = "a Z or +00:00" if offset[value] == 0 else "the offset of the other half of the year"
            name = f"{' '.join(index.name(row))} ({index.events.unit} {int(index.events.lines[row])})"
            found.append(
                f"{name}: {_text(index, row)} is {shown:%H:%M} in {place}, day 0 {one}; if it is a "
                f"{place} clock with {a_zone}, day 0 is {two}: write {write} then"
            )
    if n > len(found):
        found.append(f"{n - len(found):,} more rows would have another day 0 with the other offset")
    return [f"{sentence}; {HOWTO}" if at == 0 else sentence for at, sentence in enumerate(found)]


def _in_zone(clock: np.ndarray, zone: str) -> pd.DatetimeIndex:
    """Clocks of a place; NaT where that hour occurs twice."""
    return pd.DatetimeIndex(clock).tz_localize(zone, ambiguous="NaT", nonexistent="shift_forward")


def _moments(local: pd.DatetimeIndex) -> np.ndarray:
    """The same moments in UTC; datetime64[us]."""
    return np.asarray(local.tz_convert("UTC").tz_localize(None).to_numpy().astype("datetime64[us]"))


def _offsets(local: pd.DatetimeIndex) -> list[float]:
    """Minutes east of UTC that the place has in January and in July of the last year."""
    last = local.max()
    if pd.isna(last):
        return []
    days = (last.replace(month=month, day=1, hour=12) for month in (1, 7))
    return [day.utcoffset().total_seconds() / 60 for day in days]


def _text(index: EventIndex, row: int) -> str:
    """A moment as the file writes it; of a column of timestamps its ISO text with a Z."""
    announced = index.events.announced
    if announced.written is not None:
        return announced.written[int(announced.codes[row])]
    return f"{pd.Timestamp(announced.instant[announced.codes[row]]).isoformat()}Z"
