"""Prices -> returns on an exchange calendar. Holes are found by the calendar and never filled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from eventstudy.data.calendar import TradingCalendar
from eventstudy.data.prices import PriceSeries, PriceTable
from eventstudy.data.stale_tail import without_tail

Floats = NDArray[np.float64]
# sessions without a row that one return may cover; beyond it two companies may have had the symbol
LONG_HOLE = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class AlignedSeries:
    """Returns of one ticker and its benchmarks on the T sessions of the ticker's calendar.

    Attributes
    ----------
    kind : str
        ``simple`` or ``log``; every return below is of this kind.
    total : float64 (T,)
        (P1 + dividends)/P0 - 1 since the last session on which the ticker and all benchmarks had a close; NaN where
        one of them has no price.
    price : float64 (T,)
        The same without dividends.
    span : int64 (T,)
        Sessions the return covers, 0 where there is none; none is made over more than ``LONG_HOLE`` sessions without a
        row.
    factors : float64 (K, T)
        Total returns of the benchmarks over the same sessions.
    overnight, intraday : float64 (T,)
        Previous close to open (with the dividend), open to close; NaN without an open or without the previous close.
    overnight_factors, intraday_factors : float64 (K, T)
    traded, benchmark_traded : bool (T,)
        The ticker has a close; all benchmarks have one.
    first, last, benchmark_last : int
        Positions of the ticker's first and last close and of the last session with all benchmarks, the ticker's own
        last without benchmarks; -1 if none.
    close : float64 (T,)
        Closes of the ticker; NaN throughout where the source states returns.
    quoted : float64 (T,)
        The same in their own currency.
    names : tuple of str
        What the rows of ``factors`` are.
    offset : float64 (T,)
        What was taken off ``total``: the risk-free return of a factor model, else 0.
    doubt : uint8 (T,)
        What is in doubt of the return that a session closes, the ticker's or a benchmark's: the bits of
        ``PriceSeries.doubt``.
    hole, resumed : bool (T,)
        Sessions of a hole that no return bridges; the session on which the rows go on.
    dropped : bool (T,)
        Sessions whose rows repeat the last close of the ticker or a benchmark and were dropped.
    """

    ticker: str
    benchmarks: tuple[str, ...]
    calendar: TradingCalendar
    kind: str
    total: Floats
    price: Floats
    span: NDArray[np.int64]
    factors: Floats
    overnight: Floats
    intraday: Floats
    overnight_factors: Floats
    intraday_factors: Floats
    traded: NDArray[np.bool_]
    benchmark_traded: NDArray[np.bool_]
    first: int
    last: int
    benchmark_last: int
    close: Floats
    quoted: Floats
    names: tuple[str, ...]
    offset: Floats
    doubt: NDArray[np.uint8]
    hole: NDArray[np.bool_]
    resumed: NDArray[np.bool_]
    dropped: NDArray[np.bool_]


# share of sessions that open at the close before, above which opens are not those of the first trade
LATE_OPENS = 0.05


@dataclass(frozen=True, slots=True)
class OnCalendar:
    """One symbol's figures on the sessions.

    ``paid`` is the running sum of dividends. ``adjusted`` of a source of returns is an index of them, linked within a
    ``chain`` only; a chain begins on the session before its first return, which is no ``row`` of the source.
    """

    close: Floats
    quoted: Floats
    open: Floats
    adjusted: Floats
    paid: Floats
    by_ratio: bool
    row: NDArray[np.bool_]
    chain: NDArray[np.int64]


def _on_calendar(series: PriceSeries, calendar: TradingCalendar) -> OnCalendar:
    n = len(calendar.sessions)
    at = np.searchsorted(calendar.sessions, series.dates)
    inside = at < n
    hit = np.zeros(len(at), dtype=bool)
    hit[inside] = calendar.sessions[at[inside]] == series.dates[inside]

    def spread(values: Floats | None) -> Floats:
        out = np.full(n, np.nan)
        if values is not None:
            out[at[hit]] = values[hit]
        return out

    # an ex-date without a close, or off the calendar, belongs to the next session
    dividend = np.zeros(n)
    paying = inside & (series.dividend != 0)
    np.add.at(dividend, at[paying], series.dividend[paying])
    by_ratio = series.provenance.returns_from == "adj_close"
    close = spread(series.close)
    adjusted = spread(series.adj_close) if by_ratio else close
    if series.spans is not None:
        return _index_on_calendar(series, calendar, at)
    return OnCalendar(
        close=close,
        quoted=close if series.local is None else spread(series.quoted),
        open=spread(series.open),
        adjusted=adjusted,
        paid=np.cumsum(dividend),
        by_ratio=by_ratio,
        row=np.isfinite(adjusted),
        chain=np.zeros(n, dtype=np.int64),
    )


def _index_on_calendar(series: PriceSeries, calendar: TradingCalendar, at: NDArray[np.int64]) -> OnCalendar:
    """An index of returns on the sessions; ``at`` is the session on or after each row.

    A return is linked to the row before where no session lies between them or it covers all that do. Else a chain
    begins with it, on the session before what it covers; where that is not stated, its return is not known.
    """
    assert series.spans is not None, "asked of returns only"
    sessions, n, spans = calendar.sessions, len(calendar.sessions), series.spans
    past = np.searchsorted(sessions, series.dates, side="right")
    between = np.concatenate([[-1], at[1:] - past[:-1]])
    linked = (between == 0) & ~(spans > 1)
    linked |= (between >= 0) & (np.isinf(spans) | (spans == between + 1))
    linked[:1] = False
    chains = np.cumsum(~linked)
    place = at.copy()
    # the return of a delisting may be dated on a day without a session: it is earned by the next one
    place[:-1][past[:-1] == at[:-1]] = n
    if len(place) and past[-1] == at[-1] and not np.isinf(spans[-1]):
        place[-1] = n
    inside = place < n
    adjusted, row, chain = np.full(n, np.nan), np.zeros(n, dtype=bool), np.full(n, -1, dtype=np.int64)
    adjusted[place[inside]], chain[place[inside]] = series.close[inside], chains[inside]
    row[place[inside]] = True
    for first in np.flatnonzero(~linked).tolist():
        covered = 1 if first == 0 and not np.isfinite(spans[first]) else spans[first]
        if not np.isfinite(covered) or place[first] >= n or (first and covered > between[first]):
            continue
        base = int(place[first]) - int(covered)
        if base >= 0:
            before = series.close[first - 1] if first else 1.0
            adjusted[base], chain[base] = before, chains[first]
    nothing = np.full(n, np.nan)
    return OnCalendar(nothing, nothing, nothing, adjusted, np.zeros(n), True, row, chain)


def _between(figures: OnCalendar, common: NDArray[np.int64]) -> Floats:
    """Simple total return between consecutive common sessions; entry k ends at ``common[k + 1]``."""
    now, before = common[1:], common[:-1]
    if figures.by_ratio:
        linked = figures.chain[now] == figures.chain[before]
        with np.errstate(divide="ignore", invalid="ignore"):
            # after a total loss there is nothing to earn a return on
            return np.where(linked, figures.adjusted[now] / figures.adjusted[before] - 1, np.nan)
    received = figures.paid[now] - figures.paid[before]
    return (figures.close[now] + received) / figures.close[before] - 1


def _parts(figures: OnCalendar) -> tuple[Floats, Floats]:
    """Overnight and intraday simple returns of every session whose previous session has a close. A listing whose open
    is often the close before, because its first trade came late, has no parts (methods A3)."""
    n = len(figures.close)
    if not np.isfinite(figures.open).any():
        return np.full(n, np.nan), np.full(n, np.nan)
    opens = np.isfinite(figures.open[1:]) & np.isfinite(figures.close[:-1])
    if np.count_nonzero(figures.open[1:] == figures.close[:-1]) > LATE_OPENS * np.count_nonzero(opens):
        return np.full(n, np.nan), np.full(n, np.nan)
    overnight, intraday = np.full(n, np.nan), figures.close / figures.open - 1
    if n > 1:
        if figures.by_ratio:
            total = figures.adjusted[1:] / figures.adjusted[:-1] - 1
            overnight[1:] = (1 + total) / (1 + intraday[1:]) - 1
        else:
            dividend = np.diff(figures.paid)
            overnight[1:] = (figures.open[1:] + dividend) / figures.close[:-1] - 1
    return overnight, intraday


@dataclass(slots=True)
class PlacedBenchmarks:
    """Benchmarks on calendars, which many firms share: each is placed once.

    A key is the place of two objects in memory; both are held with what was made of them.
    """

    known: dict[tuple[int, int], tuple[PriceSeries, TradingCalendar, OnCalendar, tuple[Floats, Floats]]] = field(
        default_factory=dict
    )

    def of(self, series: PriceSeries, calendar: TradingCalendar) -> tuple[OnCalendar, tuple[Floats, Floats]]:
        """The figures of a benchmark on the sessions, and its overnight and intraday returns."""
        key = id(series), id(calendar)
        if key not in self.known:
            made = _on_calendar(series, calendar)
            self.known[key] = series, calendar, made, _parts(made)
        return self.known[key][2:]


def align(
    prices: PriceTable,
    ticker: str,
    benchmarks: Sequence[str],
    calendar: TradingCalendar,
    kind: str,
    placed: PlacedBenchmarks | None = None,
) -> AlignedSeries:
    """Returns of a ticker and its benchmarks between consecutive common sessions.

    Parameters
    ----------
    prices : PriceTable
        Holds the ticker and every benchmark.
    ticker, benchmarks
        Benchmarks may trade on another calendar; only dates matter.
    calendar : TradingCalendar
        Of the ticker's listing.
    kind : {"simple", "log"}
    placed : PlacedBenchmarks or None
        Benchmarks that were placed before; filled here.

    Returns
    -------
    AlignedSeries
        After missing sessions the first return covers all of them, for the ticker and the benchmarks alike
        (trade-to-trade). Nothing is filled.
    """
    series, dropped = _without_tails(prices, ticker, benchmarks, calendar)
    own = _on_calendar(series[ticker], calendar)
    placed = placed or PlacedBenchmarks()
    others, other_parts = [], []
    for symbol in benchmarks:
        # a benchmark without its tail is one firm's own: to hold it would hold one a firm
        shared = placed if series[symbol] is prices.series[symbol] else PlacedBenchmarks()
        figures, parts = shared.of(series[symbol], calendar)
        others.append(figures)
        other_parts.append(parts)
    n, k = len(calendar.sessions), len(others)
    # of a source of returns the sessions with a row; of prices those with a close
    traded = own.row if series[ticker].spans is not None else np.isfinite(own.close)
    market = np.logical_and.reduce([other.row for other in others]) if others else np.ones(n, dtype=bool)
    common, far = _common(own, others)
    total, price, span, factors = _over_holes(own, others, common, far)
    hole, resumed = np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
    resumed[common[1:][far]] = True
    for start, stop in zip(common[:-1][far], common[1:][far], strict=True):
        hole[start + 1 : stop] = True
    overnight, intraday = _parts(own)
    shape = np.log1p if kind == "log" else np.asarray
    positions, market_positions = np.flatnonzero(traded), np.flatnonzero(market if others else traded)
    return AlignedSeries(
        ticker=ticker,
        benchmarks=tuple(benchmarks),
        calendar=calendar,
        kind=kind,
        total=shape(total),
        price=shape(price),
        span=span,
        factors=shape(factors),
        overnight=shape(overnight),
        intraday=shape(intraday),
        overnight_factors=shape(np.array([night for night, _ in other_parts]).reshape(k, n)),
        intraday_factors=shape(np.array([day for _, day in other_parts]).reshape(k, n)),
        traded=traded,
        benchmark_traded=market,
        first=int(positions[0]) if len(positions) else -1,
        last=int(positions[-1]) if len(positions) else -1,
        benchmark_last=int(market_positions[-1]) if len(market_positions) else -1,
        close=own.close,
        quoted=own.quoted,
        names=tuple(benchmarks),
        offset=np.zeros(n),
        doubt=_doubts([series[symbol] for symbol in (ticker, *benchmarks)], calendar, common),
        hole=hole,
        resumed=resumed,
        dropped=dropped,
    )


def _common(own: OnCalendar, others: Sequence[OnCalendar]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Sessions on which all have a close, and which of the later ones follow a hole that no return bridges."""
    # a close whose adjusted close is empty gives no total return: a hole, bridged like any other
    common = np.flatnonzero(np.logical_and.reduce([np.isfinite(one.adjusted) for one in (own, *others)]))
    return common, np.diff(common) > LONG_HOLE + 1


def _over_holes(
    own: OnCalendar, others: Sequence[OnCalendar], common: NDArray[np.int64], far: NDArray[np.bool_]
) -> tuple[Floats, Floats, NDArray[np.int64], Floats]:
    """Returns between consecutive common sessions: total and price returns, spans, factors; none over a long hole."""
    n, k = len(own.close), len(others)
    total, price = np.full(n, np.nan), np.full(n, np.nan)
    factors, span = np.full((k, n), np.nan), np.zeros(n, dtype=np.int64)
    if len(common) > 1:
        now = common[1:]
        total[now] = _between(own, common)
        price[now] = own.close[now] / own.close[common[:-1]] - 1
        # no return is known where a chain of returns ends
        span[now] = np.where(np.isfinite(total[now]), np.diff(common), 0)
        for row, other in enumerate(others):
            factors[row, now] = _between(other, common)
        total[now[far]], price[now[far]], span[now[far]] = np.nan, np.nan, 0
        factors[:, now[far]] = np.nan
    return total, price, span, factors


def _without_tails(
    prices: PriceTable, ticker: str, benchmarks: Sequence[str], calendar: TradingCalendar
) -> tuple[dict[str, PriceSeries], NDArray[np.bool_]]:
    """The series without rows at their ends that repeat the last close, and the sessions of those rows; bool (T,)."""
    dropped = np.zeros(len(calendar.sessions), dtype=bool)
    found = {}
    for symbol in (ticker, *benchmarks):
        other = next((prices.series[name] for name in (*benchmarks, ticker) if name != symbol), None)
        whole = prices.series[symbol]
        found[symbol] = kept = whole if other is None else without_tail(whole, other)
        if kept is not whole:
            first, last = np.searchsorted(calendar.sessions, (kept.dates[-1], whole.dates[-1]), side="right")
            dropped[first:last] = True
    return found, dropped


def _doubts(series: Sequence[PriceSeries], calendar: TradingCalendar, common: NDArray[np.int64]) -> NDArray[np.uint8]:
    """The doubts of several series on the sessions that close a return."""
    out = np.zeros(len(calendar.sessions), dtype=np.uint8)
    for one in series:
        if one.doubt is not None:
            at = np.searchsorted(calendar.sessions[common], one.dates)
            inside = at < len(common)
            np.bitwise_or.at(out, common[at[inside]], one.doubt[inside])
    return out
