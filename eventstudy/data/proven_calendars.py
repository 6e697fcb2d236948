"""The calendars of a study as its prices prove them, and prices that are checked against them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from eventstudy.data.batches import Batches
from eventstudy.data.calendar import DATA, TradingCalendar, exchange_of, listing_of, load_calendar, of_rows
from eventstudy.data.event_index import EventIndex, days_of, on_calendars, sessions_before
from eventstudy.data.prices import Dates, PriceTable
from eventstudy.data.row_keys import ROWS_AT_ONCE
from eventstudy.data.series_index import SeriesIndex, SeriesKey
from eventstudy.data.sessions import (
    Evidence,
    Range,
    between,
    correction_notices,
    in_own_currency,
    marked_off,
    wrong_calendar,
)
from eventstudy.data.shifted import shifted
from eventstudy.engine_options import window_plan
from eventstudy.errors import UnknownExchange
from eventstudy.spec import StudySpec

# days after the last event that calendars and checks look at besides its window
AHEAD = 90


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """An events file on the calendars that its prices prove.

    Attributes
    ----------
    listed : dict
        Exchange -> its calendar before the prices corrected it.
    ranges : dict
        Series -> the dates that its events look at.
    """

    index: EventIndex
    listed: Mapping[str, TradingCalendar]
    ranges: Mapping[SeriesKey, Range]
    notices: tuple[str, ...]

    def checked(self, prices: PriceTable, keys: Iterable[SeriesKey]) -> PriceTable:
        """The prices with rows off the calendars reported, without shifted series, and with series on other calendars
        named in ``wrong``."""
        keys = list(keys)
        found = judged(prices, keys, self.listed, self.ranges)
        marked, spans = dict(found.series), _spans(self.ranges, keys)
        for name in sorted(_listed(keys)):
            symbol, exchange = name
            if symbol in marked and name not in found.wrong and exchange in self.index.calendars:
                marked[symbol] = marked_off(marked[symbol], self.index.calendars[exchange], spans[name])
        return replace(found, series=marked)


def prove(batches: Batches) -> Proven:
    """Calendars that reach over what the source holds, corrected where benchmark and stocks agree that they are wrong.

    Sources that deliver series some at a time are asked for the benchmarks first, and for the stocks twice only where
    the benchmarks leave a question open.
    """
    index, keys = batches.index, batches.keys()
    ranges = ranges_of(index, batches.series, batches.used, batches.spec)
    benchmarks = batches.of_benchmarks()
    listed = _extended(index, keys, benchmarks, ranges, batches.spec)
    before = on_calendars(index, listed)
    evidence = {
        code: Evidence(listed[code], _hull([ranges[key] for key in keys if key.exchange == code]))
        for code in sorted({key.exchange for key in keys if not key.exchange.startswith(DATA)})
        if code in listed
    }
    good = judged(benchmarks, keys, listed, ranges)
    near = {}
    for code, one in evidence.items():
        for symbol in sorted({symbol for key in keys if key.exchange == code for symbol in key.benchmarks}):
            if symbol in good.series and symbol not in good.refused:
                near[code, symbol] = one.add_benchmark(in_own_currency(good.series[symbol]))
    if any(one.open_question for one in evidence.values()):
        for numbers, prices in batches:
            _add_stocks(evidence, near, batches.keys(numbers), judged(prices, batches.keys(numbers), listed, ranges))
    calendars = dict(listed)
    for code, one in evidence.items():
        calendars[code] = one.corrected()
    corrected = any(calendars[code] is not listed[code] for code in calendars)
    return Proven(
        index=on_calendars(index, calendars) if corrected else before,
        listed=listed,
        ranges=ranges,
        notices=tuple(correction_notices((listed[code], calendars[code]) for code in sorted(calendars))),
    )


def _add_stocks(
    evidence: Mapping[str, Evidence],
    near: Mapping[tuple[str, str], np.ndarray],
    keys: Sequence[SeriesKey],
    prices: PriceTable,
) -> None:
    """Count the rows of a batch of stocks, except those that are refused or on another calendar."""
    for key in keys:
        symbol, benchmark = key.ticker, key.benchmarks[0] if key.benchmarks else ""
        if symbol in prices.refused or symbol not in prices.series or symbol == benchmark:
            continue
        if (key.exchange, benchmark) in near and (symbol, key.exchange) not in prices.wrong:
            own = in_own_currency(prices.series[symbol])
            evidence[key.exchange].add_stock(own, near[key.exchange, benchmark])


def judged(
    prices: PriceTable,
    keys: Sequence[SeriesKey],
    calendars: Mapping[str, TradingCalendar],
    ranges: Mapping[SeriesKey, Range],
) -> PriceTable:
    """The prices, without those whose dates lie a day before or after the sessions of their listing, and with what is
    on another calendar named in ``wrong``."""
    refused, wrong = dict(prices.refused), dict(prices.wrong)
    tickers = {(key.ticker, key.exchange) for key in keys}
    for (symbol, exchange), within in sorted(_spans(ranges, keys).items(), key=lambda item: item[0]):
        if symbol not in prices.series or symbol in refused or exchange not in calendars:
            continue
        if why := _shifted(prices.series[symbol].dates, calendars[exchange], within):
            own = exchange if (symbol, exchange) in tickers else _own_exchange(symbol, exchange)
            # a benchmark from elsewhere trades on other days: it must be off its own exchange's sessions too
            if own == exchange or _shifted(prices.series[symbol].dates, _over(own, within), within):
                refused[symbol] = why
    kept = {symbol: series for symbol, series in prices.series.items() if symbol not in refused}
    quoted = {symbol: in_own_currency(series) for symbol, series in kept.items()}
    for key in keys:
        if key.ticker in kept and key.exchange in calendars and not key.exchange.startswith(DATA):
            market = next((quoted[symbol] for symbol in key.benchmarks if symbol in kept), None)
            market = None if key.ticker in key.benchmarks[:1] else market
            if why := wrong_calendar(quoted[key.ticker], market, calendars[key.exchange], ranges[key]):
                wrong[key.ticker, key.exchange] = why
    return replace(prices, series=kept, refused=refused, wrong=wrong)


def _shifted(dates: Dates, calendar: TradingCalendar, within: Range) -> str:
    sessions = calendar.sessions
    rows = dates[between(dates, within.first, within.last)]
    return shifted(rows, sessions[between(sessions, within.first, within.last)], calendar.code)


def _own_exchange(symbol: str, otherwise: str) -> str:
    try:
        return exchange_of(symbol)
    except UnknownExchange:
        return otherwise


def _over(code: str, within: Range) -> TradingCalendar:
    return load_calendar(code, _day(within.first), _day(within.last))


def ranges_of(index: EventIndex, series: SeriesIndex, used: Sequence[int], spec: StudySpec) -> dict[SeriesKey, Range]:
    """The dates that the events of each series look at."""
    n = len(series.keys)
    first, last = np.full(n, np.iinfo(np.int64).max), np.full(n, -1)
    for at in range(0, len(index), ROWS_AT_ONCE):
        session = index.session[at : at + ROWS_AT_ONCE].astype(np.int64)
        placed = np.flatnonzero(session >= 0)
        own = series.series[at : at + ROWS_AT_ONCE][placed].astype(np.int64)
        np.minimum.at(first, own, session[placed])
        np.maximum.at(last, own, session[placed])
    before, after = days_of(sessions_before(spec)), days_after(spec)
    found = {}
    for number in used:
        key = series.keys[number]
        sessions = index.calendars[key.exchange].sessions
        low, high = (first[number], last[number]) if last[number] >= 0 else (0, len(sessions) - 1)
        found[key] = Range(sessions[low] - before, sessions[high] + after)
    return found


def unfit_notices(
    index: EventIndex, rows: np.ndarray, series: np.ndarray, first: np.ndarray, spec: StudySpec
) -> list[str]:
    """Notes on events whose estimation window begins before their prices.

    Parameters
    ----------
    rows : int (m,)
        Rows that have a day 0 within their prices.
    series : int (n,)
        Of every row of the file.
    first : int (S,)
        Position of the first return of each series.
    """
    plan, found, left = window_plan(spec), 0, (-1, 0)
    for at in range(0, len(rows), ROWS_AT_ONCE):
        some = rows[at : at + ROWS_AT_ONCE]
        start = first[series[some]]
        held = index.session[some].astype(np.int64) + plan.estimation_end + 1 - start
        short = np.flatnonzero((held < spec.estimation) & (start >= 0))
        if len(short) and not found:
            left = int(some[short[0]]), max(0, int(held[short[0]]))
        found += len(short)
    if not found:
        return []
    placement = index.placement(left[0])
    assert placement is not None, "the row has a day 0"
    return [
        f"the estimation window of {spec.estimation:,} sessions begins before the prices of {found:,} of "
        f"{len(rows):,} events, such as {index.name(left[0])[1]} on {placement.date}: {left[1]:,} sessions are left"
    ]


def days_after(spec: StudySpec) -> int:
    """Calendar days after an event that its windows and the checks of its prices look at."""
    return AHEAD + days_of(max(spec.event_window.end, spec.hold, 0))


def _extended(
    index: EventIndex,
    keys: Sequence[SeriesKey],
    benchmarks: PriceTable,
    ranges: Mapping[SeriesKey, Range],
    spec: StudySpec,
) -> dict[str, TradingCalendar]:
    """Every calendar over all that its benchmarks hold and its events look at; ``data`` has the benchmark's rows."""
    found = dict(index.calendars)
    for code, calendar in index.calendars.items():
        own = [key for key in keys if key.exchange == code]
        if not own or not len(calendar.sessions):
            continue
        held = [benchmarks.series[s].dates for key in own for s in key.benchmarks[:1] if s in benchmarks.series]
        held = [dates for dates in held if len(dates)]
        first = min(calendar.sessions[0], *(ranges[key].first for key in own), *(dates[0] for dates in held))
        last = max(calendar.sessions[-1], *(ranges[key].last for key in own), *(dates[-1] for dates in held))
        found[code] = load_calendar(listing_of(code), _day(first), _day(last))
        if code.startswith(DATA):
            named = code.split(":")[2:] or list(spec.benchmarks[:1])
            if named and named[0] in benchmarks.series:
                found[code] = of_rows(found[code], code, in_own_currency(benchmarks.series[named[0]]).dates)
            else:
                found[code] = replace(found[code], code=code)
    return found


def _day(moment: np.datetime64) -> date:
    found: date = moment.astype("datetime64[D]").item()
    return found


def _listed(keys: Iterable[SeriesKey]) -> set[tuple[str, str]]:
    """(symbol, exchange) of what is listed there: tickers, and benchmarks of the same exchange."""
    found = {(key.ticker, key.exchange) for key in keys}
    named = {(symbol, key.exchange) for key in keys for symbol in key.benchmarks}
    return found | {(symbol, exchange) for symbol, exchange in named if _own_exchange(symbol, "") == exchange}


def _spans(ranges: Mapping[SeriesKey, Range], keys: Iterable[SeriesKey]) -> dict[tuple[str, str], Range]:
    """(symbol, exchange) -> the dates that the events look at which are studied on it there."""
    found: dict[tuple[str, str], list[Range]] = {}
    for key in keys:
        for symbol in (key.ticker, *key.benchmarks):
            found.setdefault((symbol, key.exchange), []).append(ranges[key])
    return {name: _hull(some) for name, some in found.items()}


def _hull(ranges: Sequence[Range]) -> Range:
    return Range(min(one.first for one in ranges), max(one.last for one in ranges))
