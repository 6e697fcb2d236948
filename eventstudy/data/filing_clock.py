"""Clocks of filings: a time with a Z that may be New York's, and would then move day 0."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

from eventstudy.data.calendar import TradingCalendar, place_many
from eventstudy.engine.panel import Ints

NEW_YORK = "America/New_York"
LISTED = 5
HOWTO = "docs/howto/date-a-filing.md says which clock a filing carries"


def clock_warnings(
    written: Sequence[str],
    codes: Ints,
    exchange: Ints,
    calendars: Sequence[TradingCalendar],
    name: Callable[[int], str],
) -> list[str]:
    """A sentence for every row whose time ends in Z and would have another day 0 if it were a New York clock.

    Parameters
    ----------
    written : sequence of str
        Distinct texts of ``announced_at``.
    codes : int (n,)
        Text of each row.
    exchange : int (n,)
        Calendar of each row; -1 where none is known.
    calendars : sequence of TradingCalendar
    name : callable
        What a row is called, from its number.

    Returns
    -------
    list of str
        The first rows one by one, then how many more there are.
    """
    ends = np.array([text.endswith(("Z", "z")) and len(text) > 10 for text in written], dtype=bool)
    if not ends.any():
        return []
    stamps = pd.to_datetime(
        pd.Series([t[:-1] if e else None for t, e in zip(written, ends, strict=True)]), format="ISO8601"
    )
    local = stamps.dt.tz_localize(NEW_YORK, ambiguous="NaT", nonexistent="shift_forward")
    as_written = stamps.to_numpy().astype("datetime64[us]")
    as_local = local.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy().astype("datetime64[us]")
    midnight = as_written.astype("datetime64[D]") == as_written
    usable = ends & ~midnight & ~np.isnat(as_written) & ~np.isnat(as_local)
    found: list[str] = []
    n = 0
    for number, calendar in enumerate(calendars):
        rows = np.flatnonzero((exchange == number) & usable[codes])
        if not len(rows) or not len(calendar.sessions):
            continue
        used = np.unique(codes[rows])
        day, late = np.full(len(used), np.datetime64("NaT", "D")), np.zeros(len(used), dtype=bool)
        first = place_many(calendar, as_written[used], day, late)
        other = place_many(calendar, as_local[used], day, late)
        pairs = zip(used.tolist(), first.tolist(), other.tolist(), strict=True)
        moved = {code: (one, two) for code, one, two in pairs if one != two and min(one, two) >= 0}
        hit = rows[np.isin(codes[rows], list(moved))]
        n += len(hit)
        for row in hit[: LISTED - len(found)].tolist():
            text = written[int(codes[row])]
            one, two = (calendar.sessions[at] for at in moved[int(codes[row])])
            clock = pd.Timestamp(text).tz_convert(NEW_YORK)
            found.append(
                f"{name(row)}: {text} is {clock:%H:%M} in New York, day 0 {one}; if it is a New York clock with a Z, "
                f"day 0 is {two}: write {local[int(codes[row])].isoformat()} then"
            )
    if n > len(found):
        found.append(f"{n - len(found):,} more rows with a Z would have another day 0 as New York clocks")
    return [f"{sentence}; {HOWTO}" if at == 0 else sentence for at, sentence in enumerate(found)]


def table_warnings(frame: pd.DataFrame, exchange: Sequence[str], calendars: Mapping[str, TradingCalendar]) -> list[str]:
    """The same for a frame of events, from the calendar of each row."""
    codes, written = pd.factorize(frame["announced_at"])
    order = {code: number for number, code in enumerate(calendars)}
    events, tickers, lines = frame["event_id"], frame["ticker"], frame["line"]
    return clock_warnings(
        [str(text) for text in written],
        codes,
        np.array([order.get(code, -1) for code in exchange], dtype=np.int64),
        list(calendars.values()),
        lambda row: f"{events.iat[row]} {tickers.iat[row]} (line {lines.iat[row]})",
    )
