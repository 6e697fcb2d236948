"""Which series of returns each row of an events file is studied on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eventstudy.data.calendar import DEFAULT_EXCHANGE
from eventstudy.data.categorical import combined, smallest
from eventstudy.data.event_index import EventIndex
from eventstudy.data.markets import MARKETS
from eventstudy.engine.models import MODELS
from eventstudy.engine.panel import Ints
from eventstudy.spec import StudySpec


@dataclass(frozen=True, slots=True)
class SeriesKey:
    """Key of the returns of an event: two events with equal keys share one series.

    Attributes
    ----------
    benchmarks : tuple of str
        Those the model uses.
    made_for : str
        The model whose regressors are prepared from them; empty where the benchmarks themselves are the regressors.
    """

    ticker: str
    exchange: str
    benchmarks: tuple[str, ...]
    made_for: str = ""


def key_of(ticker: str, exchange: str, benchmarks: tuple[str, ...], spec: StudySpec) -> SeriesKey:
    """The returns a listing is studied on: ``constant-mean`` uses no benchmark, models without a sector the first."""
    model = MODELS[spec.model]
    if model.factors == "none":
        return SeriesKey(ticker, exchange, ())
    if model.factors == "made":
        peers = spec.peers if "peers" in model.needs else ()
        return SeriesKey(ticker, exchange, (*benchmarks[:1], *peers), spec.model)
    return SeriesKey(ticker, exchange, benchmarks if model.factors == "all" else benchmarks[:1])


@dataclass(frozen=True, slots=True)
class SeriesIndex:
    """Which returns each row is studied on under a spec.

    Attributes
    ----------
    keys : tuple of SeriesKey
        Sorted by ticker, exchange and benchmarks.
    series : int8, int16 or int32 (n,)
        Position of each row's key.
    pair : int64 (S,)
        Firm of each key.
    """

    keys: tuple[SeriesKey, ...]
    series: np.ndarray
    pair: Ints


def series_of(index: EventIndex, spec: StudySpec, rows: Ints | None = None) -> SeriesIndex:
    """The series of some rows, None for every row: its firm against its own benchmarks, else the study's."""
    own = index.events.columns["benchmark"]
    n = len(own.values)
    if rows is None:
        known, where = combined(index.pair, own.codes, n)
    else:
        known, where = np.unique(index.pair[rows].astype(np.int64) * n + own.codes[rows], return_inverse=True)
    named, firm = [], {}
    for code in known.tolist():
        text, (ticker, exchange) = own.values[code % n], index.pairs[code // n]
        named.append(key_of(ticker, exchange, benchmarks_of(text, exchange, spec), spec))
        firm[named[-1]] = code // n
    keys = sorted(firm, key=lambda k: (k.ticker, k.exchange, k.benchmarks))
    order = {key: i for i, key in enumerate(keys)}
    return SeriesIndex(
        keys=tuple(keys),
        series=smallest(np.array([order[key] for key in named], dtype=np.int32), len(order))[where],
        pair=np.array([firm[key] for key in keys], dtype=np.int64),
    )


def benchmarks_of(named: str, exchange: str, spec: StudySpec) -> tuple[str, ...]:
    """Benchmarks of a listing: those that its row names, else those asked for, else the broad index of its exchange.

    Parameters
    ----------
    named : str
        The row's column ``benchmark``.
    """
    if named:
        return tuple(named.split(";"))
    local = MARKETS.get(exchange)
    if spec.benchmarks_given or exchange == DEFAULT_EXCHANGE or local is None or not local.index:
        return spec.benchmarks
    return (local.index,)


def unnamed(index: EventIndex, spec: StudySpec) -> frozenset[str]:
    """Tickers with a row without a named benchmark."""
    if spec.benchmarks_given:
        return frozenset()
    rows = index.events.columns["benchmark"].where(lambda text: not text)
    return frozenset(index.pairs[number][0] for number in np.unique(index.pair[rows]).tolist())


def row_benchmarks(index: EventIndex, row: int, spec: StudySpec) -> tuple[str, ...]:
    """Benchmarks of a row; see ``benchmarks_of``."""
    return benchmarks_of(index.text(row, "benchmark"), index.firm(row)[1], spec)


def series_key(index: EventIndex, row: int, spec: StudySpec) -> SeriesKey:
    """The returns a row is studied on."""
    return key_of(*index.firm(row), row_benchmarks(index, row, spec), spec)
