"""Prices of a study and the returns made from them, ready for the engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from eventstudy.data.calendar import DEFAULT_EXCHANGE, TradingCalendar
from eventstudy.data.checked_prices import REFUSED, WRONG_CALENDAR
from eventstudy.data.event_index import EventIndex, happenings, seeds_of
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
from eventstudy.data.series_index import SeriesKey, row_benchmarks, series_of
from eventstudy.data.surroundings import RESUMED, Surroundings, masked_history
from eventstudy.engine.models import MODELS
from eventstudy.engine.panel import Floats, Ints, Placed, ReturnPanel
from eventstudy.engine.windows import WindowPlan
from eventstudy.engine_options import window_plan
from eventstudy.errors import UsageError
from eventstudy.spec import LIVE, StudySpec

# Sessions by which the market is shifted: the one before, its own, the one after.
SHIFTS = (-1, 0, 1)
_PARTS = {
    "total": ("total", "factors"),
    "overnight": ("overnight", "overnight_factors"),
    "intraday": ("intraday", "intraday_factors"),
}


@dataclass(frozen=True, slots=True)
class Market:
    """Price series, and aligned returns made on first use.

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
        if (key, returns) not in self._made:
            self._made[key, returns] = self._aligned(key, returns)
        return self._made[key, returns]

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

    def has_parts(self, keys: Sequence[SeriesKey], returns: str) -> bool:
        """Whether one of the series at least has returns from close to open or from open to close."""
        return any(
            np.isfinite(values).any()
            for key in keys
            for values in (self.series(key, returns).overnight, self.series(key, returns).intraday)
        )

    def stack(self, keys: Sequence[SeriesKey], returns: str, part: str = "total") -> ReturnPanel:
        """The series as one panel; shorter calendars are padded at the end with nothing."""
        chosen = [self.series(key, returns) for key in keys]
        width = max(len(s.total) for s in chosen)
        own, factors = _PARTS[part]
        values = np.stack([_pad(getattr(s, own), width) for s in chosen])
        span = np.stack([_pad(s.span.astype(np.float64), width, 0.0) for s in chosen]).astype(np.int16)
        return ReturnPanel(
            returns=values,
            factors=np.stack([_pad(getattr(s, factors), width) for s in chosen]),
            offset=np.stack([_pad(s.offset, width, 0.0) for s in chosen]) if part == "total" else None,
            span=span if part == "total" else np.isfinite(values).astype(np.int16),
            day_number=np.stack(
                [_pad(s.calendar.sessions.astype(np.int64).astype(np.float64), width, -1.0) for s in chosen]
            ).astype(np.int64),
        )


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


def _pad(values: Floats, width: int, fill: float = np.nan) -> Floats:
    if values.shape[-1] == width:
        return values
    room = [(0, 0)] * (values.ndim - 1) + [(0, width - values.shape[-1])]
    return np.pad(values, room, constant_values=fill)


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


def with_holes(bits: np.ndarray, market: Market, keys: Sequence[SeriesKey], returns: str) -> np.ndarray:
    """Bits of the sessions of some series, and ``RESUMED`` where a hole ends that no return bridges; uint32 (U, T)."""
    found = bits.astype(np.uint32)
    for row, key in enumerate(keys):
        resumed = market.series(key, returns).resumed
        if resumed.any():
            found[row, : len(resumed)] |= np.where(resumed, RESUMED, np.uint32(0))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsOnPanel:
    """Panel coordinates of n rows that have a day 0, and what lies around each.

    Attributes
    ----------
    keys : list of SeriesKey
        In panel order.
    series, session : int64 (n,)
    bits : uint32 (U, T)
        Of the sessions of each series.
    """

    keys: list[SeriesKey]
    series: Ints
    session: Ints
    bits: np.ndarray
    around: Surroundings
    plan: WindowPlan


def rows_on_panel(index: EventIndex, rows: Ints, spec: StudySpec, market: Market) -> RowsOnPanel:
    """Series and session of each row on the panel of its series, and the bits around it."""
    plan, found = window_plan(spec), series_of(index, spec)
    used, series = np.unique(found.series[rows], return_inverse=True)
    keys = [found.keys[number] for number in used]
    bits = with_holes(happenings(index)[found.pair[used]], market, keys, spec.returns)
    session, series = index.session[rows].astype(np.int64), series.astype(np.int64)
    around = Surroundings.of(bits, series, session, 1 - plan.estimation_start, max(plan.end + 1, 0))
    return RowsOnPanel(keys=keys, series=series, session=session, bits=bits, around=around, plan=plan)


def place_rows(
    index: EventIndex, rows: Sequence[int], spec: StudySpec, market: Market
) -> tuple[list[SeriesKey], Placed]:
    """Panel coordinates and masks of rows that have a day 0, and the keys in panel order."""
    at, catalogue = np.array(rows, dtype=np.int64), spec.exclude != "none"
    found = rows_on_panel(index, at, spec, market)
    width = max(len(index.calendars[key.exchange].sessions) for key in found.keys)
    return found.keys, Placed(
        series=found.series,
        session=found.session,
        masked=found.around.masked(found.plan, catalogue=catalogue),
        seed=seeds_of(index, at),
        history_mask=masked_history(found.bits, found.plan.n_days, catalogue=catalogue)[:, :width],
    )
