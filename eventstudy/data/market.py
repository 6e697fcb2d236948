"""Prices of a study and the returns made from them, ready for the engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from eventstudy.data.calendar import DEFAULT_EXCHANGE, TradingCalendar
from eventstudy.data.checked_prices import REFUSED, WRONG_CALENDAR
from eventstudy.data.event_index import EventIndex
from eventstudy.data.factors import (
    FactorTable,
    check_columns,
    read_factors,
    with_donors,
    with_factors,
    with_peers,
    with_shifts,
    without_self,
)
from eventstudy.data.prices import PriceTable
from eventstudy.data.returns import AlignedSeries, PlacedBenchmarks, align
from eventstudy.data.series_index import SeriesKey, row_benchmarks
from eventstudy.engine.models import MODELS
from eventstudy.engine.panel import Bools, Floats, ReturnPanel
from eventstudy.errors import UsageError
from eventstudy.spec import LIVE, StudySpec

# Sessions by which the market is shifted: the one before, its own, the one after.
SHIFTS = (-1, 0, 1)
# Aligned series that are held, about 0.4 MB each: more are made again, 0.2 ms each.
HELD = 64
_PARTS = {
    "total": ("total", "factors"),
    "overnight": ("overnight", "overnight_factors"),
    "intraday": ("intraday", "intraday_factors"),
}


@dataclass(frozen=True, slots=True)
class Market:
    """Price series, and aligned returns of them; those made last are held.

    Attributes
    ----------
    calendars : mapping
        Exchange -> TradingCalendar.
    index_weights : dict
        Ticker -> its decimal share of the market index.
    """

    prices: PriceTable
    calendars: Mapping[str, TradingCalendar]
    factors: FactorTable | None = None
    n_peers: int = 0
    index_weights: dict[str, float] = field(default_factory=dict)
    _made: dict[tuple[SeriesKey, str], AlignedSeries] = field(default_factory=dict)
    _placed: PlacedBenchmarks = field(default_factory=PlacedBenchmarks)

    def series(self, key: SeriesKey, returns: str) -> AlignedSeries:
        """Aligned returns of a key; both the ticker and its benchmarks must be in ``prices``."""
        if (found := self._made.get((key, returns))) is None:
            while len(self._made) >= HELD:
                del self._made[next(iter(self._made))]
            found = self._made[key, returns] = self._aligned(key, returns)
        return found

    def _aligned(self, key: SeriesKey, returns: str) -> AlignedSeries:
        """Returns of a key, with the regressors of a model that makes its own."""
        calendar = self.calendars[key.exchange]
        series = align(self.prices, key.ticker, key.benchmarks, calendar, returns, self._placed)
        if not key.made_for:
            return series
        model = MODELS[key.made_for]
        makers: dict[str, Callable[[], AlignedSeries]] = {
            "factors": lambda: with_factors(series, self.factors, model.columns),  # type: ignore[arg-type]
            "ex-self": lambda: without_self(series, self.index_weights.get(series.ticker, 0.0)),
            "donors": lambda: with_donors(series, self.n_peers),
            "peers": lambda: with_peers(series, self.n_peers, market=False),
            "market-and-peers": lambda: with_peers(series, self.n_peers, market=True),
            "instrument": lambda: with_shifts(series, SHIFTS, instrument=True),
            "shifts": lambda: with_shifts(series, SHIFTS),
        }
        return makers[model.made_by]()

    def trouble(self, key: SeriesKey) -> tuple[str, str] | None:
        """(reason, detail) where prices of the key are missing altogether."""
        return missing_prices(self.prices, key)

    def has_parts(self, keys: Iterable[SeriesKey], returns: str) -> bool:
        """Whether one of the series at least has returns from close to open or from open to close."""
        made = (self.series(key, returns) for key in keys)
        return any(np.isfinite(one.overnight).any() or np.isfinite(one.intraday).any() for one in made)

    def stack(self, keys: Sequence[SeriesKey], returns: str, part: str = "total") -> ReturnPanel:
        """The series as one panel; shorter calendars are padded at the end with nothing."""
        return self.stacks(keys, returns, (part,))[0][0]

    def stacks(self, keys: Sequence[SeriesKey], returns: str, parts: Sequence[str]) -> tuple[list[ReturnPanel], Bools]:
        """The series as one panel for each part of the days, and the sessions on which the rows go on after a hole that
        no return bridges, bool (U, T). Each series is made once, and let go before the next."""
        lengths = [len(self.calendars[key.exchange].sessions) for key in keys]
        shape = len(keys), max(lengths)
        resumed, span = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=np.int16)
        day_number, offset = np.full(shape, -1, dtype=np.int64), np.zeros(shape) if "total" in parts else None
        values: list[Floats] = [np.full(shape, np.nan) for _ in parts]
        factors: list[Floats] = []
        for row, (key, n) in enumerate(zip(keys, lengths, strict=True)):
            one = self.series(key, returns)
            factors = factors or [np.full((len(keys), len(one.factors), shape[1]), np.nan) for _ in parts]
            resumed[row, :n], span[row, :n], day_number[row, :n] = one.resumed, one.span, one.calendar.sessions
            if offset is not None:
                offset[row, :n] = one.offset
            for k, part in enumerate(parts):
                own, others = _PARTS[part]
                values[k][row, :n], factors[k][row, :, :n] = getattr(one, own), getattr(one, others)
        panels = [
            ReturnPanel(
                returns=values[k],
                factors=factors[k],
                offset=offset if part == "total" else None,
                span=span if part == "total" else np.isfinite(values[k]).astype(np.int16),
                day_number=day_number,
            )
            for k, part in enumerate(parts)
        ]
        return panels, resumed


def missing_prices(prices: PriceTable, key: SeriesKey) -> tuple[str, str] | None:
    """(reason, detail) where a key has no prices, or they are refused."""
    for symbol, reason in ((key.ticker, "no_prices"), *((b, "no_benchmark") for b in key.benchmarks)):
        if symbol in prices.refused:
            return REFUSED, f"{symbol}: {prices.refused[symbol]}"
        if symbol not in prices.series:
            told = f"{symbol}: {prices.unknown.get(symbol, 'the source does not know it')}"
            told += f"; did you mean {symbol.upper()}?" if symbol != symbol.upper() else ""
            abroad = reason == "no_benchmark" and key.exchange != DEFAULT_EXCHANGE
            return reason, told + (
                "; the option --benchmark SPY, or the column benchmark, takes another" if abroad else ""
            )
    if (key.ticker, key.exchange) in prices.wrong:
        return WRONG_CALENDAR, prices.wrong[key.ticker, key.exchange]
    return None


def factor_table(spec: StudySpec) -> FactorTable | None:
    """The factors of a model that needs some, once they are known to hold what it needs; None for other models."""
    model = MODELS[spec.model]
    if not spec.factors:
        if model.columns:
            raise UsageError(
                f"{spec.model} needs daily factors",
                f"a CSV with date, {', '.join(model.columns)}, rf",
                "--factors FILE, or --factors live",
            )
        return None
    if spec.factors == LIVE:
        if not model.columns:
            return None
        from eventstudy.data.french import live_factors

        return live_factors(spec, model.columns)
    table = read_factors(Path(spec.factors))
    check_columns(table, model.columns, spec.model)
    return table


def wanted_symbols(index: EventIndex, wanted: Sequence[int], spec: StudySpec) -> list[str]:
    """Every ticker and benchmark of the rows, sorted."""
    benchmarks = {row_benchmarks(index, row, spec) for row in wanted}
    return symbols_of((index.firm(row)[0] for row in wanted), benchmarks, spec)


def symbols_of(tickers: Iterable[str], benchmarks: Iterable[tuple[str, ...]], spec: StudySpec) -> list[str]:
    """Tickers, benchmarks and the peers of the model, sorted."""
    named = {symbol for symbols in benchmarks for symbol in symbols}
    return sorted({*tickers, *named, *(spec.peers if "peers" in MODELS[spec.model].needs else ())})
