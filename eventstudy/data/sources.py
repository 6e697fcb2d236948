"""Where prices come from: one small interface, and the registry of sources behind it."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from eventstudy.errors import InputFileError, Problem, UsageError

Floats = NDArray[np.float64]
Dates = NDArray[np.datetime64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where a series comes from.

    Attributes
    ----------
    symbol, source, origin : str
        Origin is the file or request behind the source; it may be a path.
    fetched_at : str
        When, as far as it is known.
    rows : int
    first, last : str
        ISO dates.
    sha256 : str
        Over the canonical bytes of the series: equal figures, equal hash.
    basis : str
        What total returns are made from: ``dividends``, ``adj_close`` or ``price``.
    currency : str
        Empty where the source does not say.
    """

    symbol: str
    source: str
    origin: str
    fetched_at: str
    rows: int
    first: str
    last: str
    sha256: str
    basis: str
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceSeries:
    """Daily figures of one symbol, oldest first; a date without a close is absent.

    Attributes
    ----------
    symbol : str
    dates : datetime64[D] (n,)
        Strictly increasing.
    close : float64 (n,)
        Adjusted for splits only, positive.
    open, volume, adj_close : float64 (n,) or None
        None where the source has no such column; NaN where a cell is empty.
    dividend : float64 (n,)
        Cash per share with this ex-date, on the same split basis; 0 on other days.
    provenance : Provenance
    """

    symbol: str
    dates: Dates
    close: Floats
    open: Floats | None
    volume: Floats | None
    adj_close: Floats | None
    dividend: Floats
    provenance: Provenance


@dataclass(frozen=True, slots=True)
class PriceTable:
    """What a source delivered.

    Attributes
    ----------
    series : dict
        Symbol -> PriceSeries.
    unknown : dict
        Symbol -> why the source has no prices for it.
    """

    series: dict[str, PriceSeries]
    unknown: dict[str, str]


class PriceSource(Protocol):
    """Anything that can deliver daily prices."""

    @property
    def name(self) -> str:
        """How provenance and messages call it."""

    def fetch(self, symbols: Sequence[str], start: date, end: date) -> PriceTable:
        """Prices of the symbols within [start, end], as far as the source has them.

        Symbols it does not know are listed in ``unknown``, never raised.
        """


def make_series(
    symbol: str,
    dates: Dates,
    close: Floats,
    *,
    source: str,
    origin: str,
    fetched_at: str,
    opens: Floats | None = None,
    volume: Floats | None = None,
    adj_close: Floats | None = None,
    dividend: Floats | None = None,
    currency: str = "",
) -> PriceSeries:
    """A series in canonical form, with its hash. Rows must already be valid; they are sorted here."""
    order = np.argsort(dates, kind="stable")
    days = dates[order].astype("datetime64[D]")
    columns: Mapping[str, Floats | None] = {
        "close": close[order],
        "open": None if opens is None else opens[order],
        "volume": None if volume is None else volume[order],
        "adj_close": None if adj_close is None else adj_close[order],
        "dividend": None if dividend is None else dividend[order],
    }
    digest = hashlib.sha256(days.astype(np.int64).tobytes())
    for name, values in columns.items():
        if values is not None:
            digest.update(name.encode() + np.ascontiguousarray(values, dtype=np.float64).tobytes())
    basis = "dividends" if dividend is not None else "adj_close" if adj_close is not None else "price"
    paid = columns["dividend"]
    return PriceSeries(
        symbol=symbol,
        dates=days,
        close=close[order],
        open=columns["open"],
        volume=columns["volume"],
        adj_close=columns["adj_close"],
        dividend=np.zeros(len(days)) if paid is None else np.nan_to_num(paid),
        provenance=Provenance(
            symbol=symbol,
            source=source,
            origin=origin,
            fetched_at=fetched_at,
            rows=len(days),
            first=str(days[0]) if len(days) else "",
            last=str(days[-1]) if len(days) else "",
            sha256=digest.hexdigest(),
            basis=basis,
            currency=currency,
        ),
    )


def _snapshot(argument: str) -> PriceSource:
    from eventstudy.data.snapshot import SnapshotSource

    if argument:
        raise UsageError(f"source snapshot:{argument} takes no argument", "snapshot")
    return SnapshotSource()


def _csv(argument: str) -> PriceSource:
    from eventstudy.data.files import CsvSource

    return CsvSource.open(argument)


SOURCES: dict[str, Callable[[str], PriceSource]] = {"snapshot": _snapshot, "csv": _csv}


def open_source(text: str) -> PriceSource:
    """A source by its name on the command line, such as ``snapshot`` or ``csv:DIR``.

    Raises
    ------
    UsageError
        If the name is unknown or its argument is wrong.
    """
    name, _, argument = text.partition(":")
    if name not in SOURCES:
        close = difflib.get_close_matches(name, SOURCES, n=1)
        hint = f"did you mean {close[0]}?" if close else ""
        raise UsageError(f"source {text!r} is unknown", "snapshot or csv:DIR", hint)
    return SOURCES[name](argument)


@dataclass(frozen=True, slots=True)
class FrameSource:
    """Prices a caller already holds."""

    table: PriceTable
    name: str = "frame"

    def fetch(self, symbols: Sequence[str], start: date, end: date) -> PriceTable:
        """The wanted symbols; dates outside [start, end] stay, they do no harm."""
        del start, end
        series = {symbol: self.table.series[symbol] for symbol in symbols if symbol in self.table.series}
        return PriceTable(series, {s: "not in the price frame" for s in symbols if s not in series})


def source_from_frame(frame: pd.DataFrame) -> FrameSource:
    """A long frame ``ticker, date, close`` (and ``open, volume, dividend, adj_close``) as a source.

    Missing rule: rows without a close are holes.

    Raises
    ------
    InputFileError
        Missing columns, unreadable or duplicate dates, prices that are not positive.
    """
    absent = [name for name in ("ticker", "date", "close") if name not in frame.columns]
    if absent:
        raise InputFileError("<prices>", [Problem(0, name, "", "this column is needed") for name in absent])
    try:
        days = pd.to_datetime(frame["date"]).to_numpy().astype("datetime64[D]")
        numbers = {
            name: pd.to_numeric(frame[name]).to_numpy(dtype=np.float64)
            for name in ("close", "open", "volume", "dividend", "adj_close")
            if name in frame.columns
        }
    except (ValueError, TypeError) as error:
        raise InputFileError("<prices>", [Problem(0, "", "", str(error))]) from error
    tickers, problems, series = frame["ticker"].astype(str).to_numpy(), [], {}
    for symbol in dict.fromkeys(tickers):
        rows = np.flatnonzero((tickers == symbol) & ~np.isnan(numbers["close"]))
        if (numbers["close"][rows] <= 0).any():
            problems.append(Problem(0, "close", symbol, "closes must be positive"))
        if len(np.unique(days[rows])) < len(rows):
            problems.append(Problem(0, "date", symbol, "a date stands twice"))
        cut = {name: values[rows] for name, values in numbers.items()}
        series[symbol] = make_series(
            symbol,
            days[rows],
            cut["close"],
            source="frame",
            origin="frame",
            fetched_at="",
            opens=cut.get("open"),
            volume=cut.get("volume"),
            adj_close=cut.get("adj_close"),
            dividend=cut.get("dividend"),
        )
    if problems:
        raise InputFileError("<prices>", problems)
    return FrameSource(PriceTable(series, {}))
