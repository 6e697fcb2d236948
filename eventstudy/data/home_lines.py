"""A receipt in New York and the line at home, side by side: the hours in which each could react to one announcement."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from eventstudy.data.calendar import DEFAULT_EXCHANGE
from eventstudy.data.event_index import EventIndex

MOST = 5
# receipts whose ticker is not that of the line at home
HOME = {
    "TSM": "2330.TW",
    "NVO": "NOVO-B.CO",
    "BABA": "9988.HK",
    "TM": "7203.T",
    "SONY": "6758.T",
    "HMC": "7267.T",
    "NVS": "NOVN.SW",
    "SHOP": "SHOP.TO",
}


def home_line_notices(index: EventIndex, rows: Sequence[int]) -> list[str]:
    """One sentence an announcement that has a receipt and its line at home: day 0 and hours of both, in UTC.

    Parameters
    ----------
    rows : sequence of int
        That are studied.
    """
    abroad = {ticker: 0 for ticker, exchange in index.pairs if exchange not in ("", DEFAULT_EXCHANGE)}
    both = {
        name
        for ticker, exchange in index.pairs
        if exchange == DEFAULT_EXCHANGE and (home := _home_of(ticker, abroad))
        for name in (ticker, home)
    }
    if not both:
        return []
    found: list[str] = []
    lines: dict[str, dict[str, int]] = {}
    numbers = [number for number, (ticker, _) in enumerate(index.pairs) if ticker in both]
    every = np.asarray(rows, dtype=np.int64)
    for row in every[np.isin(index.pair[every], numbers) & (index.session[every] >= 0)].tolist():
        event, ticker = index.name(row)
        lines.setdefault(event, {})[ticker] = row
    n = 0
    for event, tickers in lines.items():
        for ticker, row in tickers.items():
            home = _home_of(ticker, tickers) if index.firm(row)[1] == DEFAULT_EXCHANGE else ""
            if home:
                n += 1
                if len(found) < MOST:
                    found.append(f"{event}: {_hours(index, row)}; {_hours(index, tickers[home])}")
    return [
        *found,
        *([f"{n - len(found)} more announcements have a receipt and a line at home"] if n > len(found) else []),
    ]


def _home_of(ticker: str, others: dict[str, int]) -> str:
    """The line at home among some tickers; empty where there is none."""
    known = HOME.get(ticker)
    return next((one for one in others if one == known or ("." in one and one.rsplit(".", 1)[0] == ticker)), "")


def _hours(index: EventIndex, row: int) -> str:
    ticker, exchange = index.firm(row)
    calendar, at = index.calendars[exchange], int(index.session[row])
    opens, closes = (
        str(np.datetime_as_string(times[at], unit="m"))[11:] for times in (calendar.opens, calendar.closes)
    )
    return f"{ticker} could react from {opens} to {closes} UTC of its day 0, {calendar.sessions[at]} ({exchange})"
