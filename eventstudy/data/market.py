"""Prices of a study and the returns made from them, ready for the engine."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import numpy as np

from eventstudy.data.calendar import TradingCalendar
from eventstudy.data.catalogue import HISTORY_SESSIONS, Catalogue, event_mask, history_mask, masking_sessions
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
from eventstudy.data.prices import PriceSource, PriceTable, Provenance
from eventstudy.data.quality import Quality, inspect
from eventstudy.data.returns import AlignedSeries, align
from eventstudy.data.shifted import shifted
from eventstudy.engine.models import MODELS
from eventstudy.engine.panel import Floats, ReturnPanel
from eventstudy.engine.partition import Placed, window_plan
from eventstudy.errors import InputFileError, Problem, UsageError
from eventstudy.spec import LIVE, StudySpec

# Reason of rows whose prices contradict themselves.
REFUSED = "prices_refused"
RETURNS, NEED_PRICES = "returns", "claims, openings (overnight.csv) and money (dollar.csv)"
MOST_NOTICES = 20
# Sessions by which the market is shifted: the one before, its own, the one after.
DIMSON_SHIFTS = (-1, 0, 1)
_PARTS = {
    "total": ("total", "factors"),
    "overnight": ("overnight", "overnight_factors"),
    "intraday": ("intraday", "intraday_factors"),
}


@dataclass(frozen=True, slots=True)
class SeriesKey:
    """What identifies the returns of an event: two events with equal keys share one series.

    Attributes
    ----------
    ticker, exchange : str
    benchmarks : tuple of str
        Those the model uses.
    made_for : str
        The model whose regressors are prepared from them; empty where the benchmarks themselves are the regressors.
    """

    ticker: str
    exchange: str
    benchmarks: tuple[str, ...]
    made_for: str = ""


@dataclass(frozen=True, slots=True)
class Market:
    """Price series, and aligned returns made on first use.

    Attributes
    ----------
    prices : PriceTable
    catalogue : Catalogue
    factors : FactorTable or None
    n_peers : int
    index_weights : dict
        Ticker -> its decimal share of the market index.
    """

    prices: PriceTable
    catalogue: Catalogue
    factors: FactorTable | None = None
    n_peers: int = 0
    index_weights: dict[str, float] = field(default_factory=dict)
    _made: dict[tuple[SeriesKey, str], AlignedSeries] = field(default_factory=dict)
    _inspected: dict[tuple[SeriesKey, str], Quality] = field(default_factory=dict)

    def series(self, key: SeriesKey, returns: str) -> AlignedSeries:
        """Aligned returns of a key; both the ticker and its benchmarks must be in ``prices``."""
        if (key, returns) not in self._made:
            calendar = self.catalogue.calendars[key.exchange]
            self._made[key, returns] = aligned_series(
                self.prices, key, calendar, returns, self.factors, self.n_peers, self.index_weights
            )
        return self._made[key, returns]

    def quality(self, key: SeriesKey, returns: str) -> Quality:
        """What deserves a second look in the series of a key."""
        if (key, returns) not in self._inspected:
            self._inspected[key, returns] = inspect(self.series(key, returns))
        return self._inspected[key, returns]

    def trouble(self, key: SeriesKey) -> tuple[str, str] | None:
        """(reason, detail) where prices of the key are missing altogether."""
        return missing_prices(self.prices, key)

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
            return reason, f"{symbol}: {prices.unknown.get(symbol, 'the source does not know it')}"
    return None


def with_dates_checked(
    prices: PriceTable, keys: Iterable[SeriesKey], calendars: Mapping[str, TradingCalendar]
) -> PriceTable:
    """The prices, without those whose dates lie a day before or after the sessions of their listing."""
    exchanges = {(symbol, key.exchange) for key in keys for symbol in (key.ticker, *key.benchmarks)}
    refused = dict(prices.refused)
    for symbol, exchange in sorted(exchanges):
        if symbol in prices.series and (
            why := shifted(prices.series[symbol].dates, calendars[exchange].sessions, exchange)
        ):
            refused[symbol] = why
    kept = {symbol: series for symbol, series in prices.series.items() if symbol not in refused}
    return replace(prices, series=kept, refused=refused)


def basis_line(series: Iterable[Provenance]) -> str:
    """One sentence on the layout of each series, what its closes are and how that was decided."""
    same: dict[tuple[str, str, str], list[str]] = {}
    for one in series:
        same.setdefault((one.layout, one.basis, one.basis_why), []).append(one.symbol)
    return "; ".join(
        f"{_listed(names)}: {f'read as {layout}, ' if layout else ''}"
        f"{basis if basis == RETURNS else f'{basis} closes'} ({why})"
        for (layout, basis, why), names in same.items()
    )


def basis_notices(series: Iterable[Provenance]) -> list[str]:
    """What was corrected, left out or read by its headings alone, one sentence a series and at most twenty."""
    series = list(series)
    found = [f"{one.symbol}: {one.notice}" for one in series if one.notice]
    more = len(found) - MOST_NOTICES
    returns = [one.symbol for one in series if one.basis == RETURNS]
    without = f"{_listed(returns)}: the source states returns, so there are no prices for {NEED_PRICES}"
    found = [*([without] if returns else []), *found]
    return [*found[:MOST_NOTICES], *([f"{more:,} more series have notes in manifest.json"] if more > 0 else [])]


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5:,} more"


def check_something_left(missing: Collection[tuple[str, str] | None], source: str) -> None:
    """Raise an InputFileError where no series is left and prices were refused: nothing can be run."""
    refused = dict.fromkeys(lost[1] for lost in missing if lost is not None and lost[0] == REFUSED)
    if refused and all(lost is not None for lost in missing):
        raise InputFileError(source, [Problem(0, "", "", detail) for detail in refused])


def aligned_series(
    prices: PriceTable,
    key: SeriesKey,
    calendar: TradingCalendar,
    returns: str,
    factors: FactorTable | None = None,
    n_peers: int = 0,
    index_weights: Mapping[str, float] | None = None,
) -> AlignedSeries:
    """Returns of a key, with the regressors of a model that makes its own."""
    series = align(prices, key.ticker, key.benchmarks, calendar, returns)
    if not key.made_for:
        return series
    model = MODELS[key.made_for]
    if model.columns:
        assert factors is not None, "checked when the study began"
        return with_factors(series, factors, model.columns)
    if model.ex_self:
        return without_self(series, (index_weights or {}).get(series.ticker, 0.0))
    if model.simplex:
        return with_donors(series, n_peers)
    if model.peers:
        return with_peers(series, n_peers, market=model.n_made == 2)
    if model.instrument:
        return with_shifts(series, (-1, 0, 1), instrument=True)
    return with_shifts(series, DIMSON_SHIFTS)


def _pad(values: Floats, width: int, fill: float = np.nan) -> Floats:
    if values.shape[-1] == width:
        return values
    room = [(0, 0)] * (values.ndim - 1) + [(0, width - values.shape[-1])]
    return np.pad(values, room, constant_values=fill)


def row_benchmarks(catalogue: Catalogue, row: int, spec: StudySpec) -> tuple[str, ...]:
    """Benchmarks of a row: its own column, else the study's."""
    own = catalogue.benchmarks[row]
    return tuple(own.split(";")) if own else spec.benchmarks


def series_key(catalogue: Catalogue, row: int, spec: StudySpec) -> SeriesKey:
    """The returns a row is studied on."""
    return key_of(*catalogue.keys[row], row_benchmarks(catalogue, row, spec), spec)


def key_of(ticker: str, exchange: str, benchmarks: tuple[str, ...], spec: StudySpec) -> SeriesKey:
    """The returns a listing is studied on. Models without a sector use the first benchmark only.

    ``constant-mean`` is aligned with the market too, so that all models speak of the same sessions.
    """
    model = MODELS[spec.model]
    if model.factors == "made":
        peers = spec.peers if model.peers else ()
        return SeriesKey(ticker, exchange, (*benchmarks[:1], *peers), spec.model)
    return SeriesKey(ticker, exchange, benchmarks if model.factors == "all" else benchmarks[:1])


def load_market(catalogue: Catalogue, wanted: Sequence[int], source: PriceSource, spec: StudySpec) -> Market:
    """Fetch every ticker and benchmark that the wanted rows need, in one request.

    Raises
    ------
    InputFileError
        If no row has prices left and some were refused.
    """
    start, end = asked_range(catalogue, spec)
    table = factor_table(spec)
    prices = source.fetch(wanted_symbols(catalogue, wanted, spec), start, end)
    keys = list(dict.fromkeys(series_key(catalogue, row, spec) for row in wanted))
    prices = with_dates_checked(prices, keys, catalogue.calendars)
    check_something_left([missing_prices(prices, key) for key in keys], source.name)
    return Market(prices, catalogue, table, len(spec.peers), spec.weights)


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


def wanted_symbols(catalogue: Catalogue, wanted: Sequence[int], spec: StudySpec) -> list[str]:
    """Every ticker and benchmark of the rows, sorted."""
    benchmarks = [row_benchmarks(catalogue, row, spec) for row in wanted]
    return symbols_of((catalogue.keys[row][0] for row in wanted), benchmarks, spec)


def symbols_of(tickers: Iterable[str], benchmarks: Iterable[tuple[str, ...]], spec: StudySpec) -> list[str]:
    """Tickers, benchmarks and the peers of the model, sorted."""
    named = {symbol for symbols in benchmarks for symbol in symbols}
    return sorted({*tickers, *named, *(spec.peers if MODELS[spec.model].peers else ())})


def asked_range(catalogue: Catalogue, spec: StudySpec) -> tuple[date, date]:
    """Dates that prices are wanted for: from 1,050 sessions before the first event of the file to the end of the last
    one's event window or holding period. The whole file counts, so that one event and all of them ask the same."""
    starts, ends = [], []
    reach = max(spec.event_window.end, spec.hold, 0)
    for row, placement in enumerate(catalogue.placements):
        if placement is not None:
            sessions = catalogue.calendars[catalogue.exchange[row]].sessions
            starts.append(sessions[max(0, placement.session - HISTORY_SESSIONS)])
            ends.append(sessions[min(len(sessions) - 1, placement.session + reach)])
    if not starts:
        calendars = list(catalogue.calendars.values())
        starts, ends = [c.sessions[0] for c in calendars], [c.sessions[-1] for c in calendars]
    return min(starts).item(), max(ends).item()


def place_rows(catalogue: Catalogue, rows: Sequence[int], spec: StudySpec) -> tuple[list[SeriesKey], Placed]:
    """Panel coordinates and masks of studied rows, and the keys in panel order."""
    plan, mates = window_plan(spec), catalogue.mates
    keys = list(dict.fromkeys(series_key(catalogue, row, spec) for row in rows))
    place = {key: i for i, key in enumerate(keys)}
    width = max(len(catalogue.calendars[key.exchange].sessions) for key in keys)
    pairs = dict.fromkeys(catalogue.keys[row] for row in rows)
    sessions = {pair: masking_sessions(catalogue, pair, mates[pair], spec) for pair in pairs}
    position = np.array([session_of(catalogue, row) for row in rows], dtype=np.int64)
    masks = [event_mask(sessions[catalogue.keys[row]], int(at), plan) for row, at in zip(rows, position, strict=True)]
    return keys, Placed(
        series=np.array([place[series_key(catalogue, row, spec)] for row in rows], dtype=np.int64),
        session=position,
        masked=np.array(masks),
        seed=np.array([event_seed(catalogue, row) for row in rows], dtype=np.int64),
        history_mask=np.stack([history_mask(sessions[key.ticker, key.exchange], width) for key in keys]),
    )


def event_seed(catalogue: Catalogue, row: int) -> int:
    """A number from the event's name and ticker alone, so that neither order nor parallelism changes a draw."""
    return seed_of(catalogue.event_ids[row], catalogue.keys[row][0])


def seed_of(event_id: str, ticker: str) -> int:
    """The same from the two names."""
    return int.from_bytes(hashlib.sha256(f"{event_id}|{ticker}".encode()).digest()[:6], "big")


def session_of(catalogue: Catalogue, row: int) -> int:
    """Position of a placed row's day 0 on its calendar.

    Raises
    ------
    ValueError
        If the row has no day 0; such rows are excluded before this is asked.
    """
    placement = catalogue.placements[row]
    if placement is None:
        raise ValueError(f"row {row} of the events table has no day 0")
    return placement.session
