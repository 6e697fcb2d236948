"""The firms of an events file: each ticker with the calendar that its rows name or its symbol implies."""

from __future__ import annotations

import numpy as np

from eventstudy.data.calendar import DATA, exchange_of, of_benchmark
from eventstudy.data.categorical import Coded, combined, smallest
from eventstudy.data.event_columns import EventColumns
from eventstudy.errors import UnknownExchange

Pair = tuple[str, str]


def firms_of(events: EventColumns) -> tuple[np.ndarray, tuple[Pair, ...], dict[str, str]]:
    """Number of each row's firm, the firms, and what to write instead of tickers whose exchange is unknown."""
    ticker, calendar = events.columns["ticker"], _calendar_cells(events)
    n = len(calendar.values)
    known, where = combined(ticker.codes, calendar.codes, n)
    named, unlisted = [], {}
    for code in known.tolist():
        symbol, cell = ticker.values[code // n], calendar.values[code % n]
        try:
            exchange = of_benchmark(symbol, cell) if cell.startswith(DATA) else exchange_of(symbol, cell)
        except UnknownExchange as error:
            exchange, unlisted[symbol] = "", error.advice
        named.append((symbol, exchange))
    order = {pair: i for i, pair in enumerate(sorted(set(named)))}
    numbers = smallest(np.array([order[pair] for pair in named], dtype=np.int32), len(order))[where]
    return numbers, tuple(order), unlisted


def _calendar_cells(events: EventColumns) -> Coded:
    """The calendar column, with the row's own benchmark behind ``data``: its rows are the sessions."""
    calendar, benchmark = events.columns["calendar"], events.columns["benchmark"]
    if DATA not in calendar.values:
        return calendar
    n = len(benchmark.values)
    known, where = combined(calendar.codes, benchmark.codes, n)
    cells = []
    for code in known.tolist():
        cell, first = calendar.values[code // n], benchmark.values[code % n].split(";")[0]
        cells.append(f"{DATA}:{first}" if cell == DATA and first else cell)
    values = tuple(dict.fromkeys(cells))
    place = np.array([values.index(cell) for cell in cells], dtype=calendar.codes.dtype)
    return Coded(place[where], values)
