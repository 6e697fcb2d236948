"""Registry of price sources, and prices that a caller already holds."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import partial
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from eventstudy.data.currency import USD, InDollars
from eventstudy.data.from_raw import read_series
from eventstudy.data.layouts import DATE_HEADINGS, Input, Recognised, download_layout, fold, recognised, wide_dates
from eventstudy.data.long_table import WIDE, LongTable
from eventstudy.data.prices import PriceSource, PriceTable
from eventstudy.data.raw import RawSeries
from eventstudy.data.raw_reader import Figures, Origin, figures_of, refuse_headings
from eventstudy.data.tickers import held_as, yahoo_spelling
from eventstudy.engine.models import MODELS
from eventstudy.errors import InputFileError, Problem, UsageError
from eventstudy.spec import StudySpec
from eventstudy.spelling import holding

Opener = Callable[[str, StudySpec, "Say", "Say"], PriceSource]

Say = Callable[[str], None]


def _silent(line: str) -> None:
    del line


def _live(name: str) -> Opener:
    def opened(argument: str, spec: StudySpec, say: Say, warn: Say) -> PriceSource:
        from eventstudy.data.live import LiveSource
        from eventstudy.data.store_session import Access

        if argument:
            raise UsageError(f"source {name}:{argument} takes no argument", name)
        needed = MODELS[spec.model].has_factors
        market = yahoo_spelling(spec.benchmarks[0]) if spec.benchmarks and needed else ""
        return LiveSource(name, Access.make(spec.store, spec.offline, spec.max_age, market, say, warn))

    return opened


def _snapshot(argument: str, spec: StudySpec, say: Say, warn: Say) -> PriceSource:
    from eventstudy.data.snapshot import SnapshotSource

    del spec, say, warn
    if argument:
        raise UsageError(f"source snapshot:{argument} takes no argument", "snapshot")
    return SnapshotSource()


def _csv(argument: str, spec: StudySpec, say: Say, warn: Say) -> PriceSource:
    from eventstudy.data.files import CsvSource

    del say, warn
    return CsvSource.open(argument, spec.input, volume=bool(spec.volume))


def _parquet(argument: str, spec: StudySpec, say: Say, warn: Say) -> PriceSource:
    from eventstudy.data.parquet_prices import ParquetPrices

    del say, warn
    return ParquetPrices.open(argument, spec.input, volume=bool(spec.volume))


SOURCES: dict[str, Opener] = {
    "auto": _live("auto"),
    "yahoo": _live("yahoo"),
    "tiingo": _live("tiingo"),
    "eodhd": _live("eodhd"),
    "snapshot": _snapshot,
    "csv": _csv,
    "parquet": _parquet,
}

# sources whose figures may be returns
STATED = ("csv", "parquet")


def open_source(spec: StudySpec, say: Say = _silent, warn: Say = _silent) -> PriceSource:
    """The source that a spec names, such as ``auto`` or ``csv:DIR``. Raises ``UsageError`` if the name is unknown or
    its argument is wrong.

    Parameters
    ----------
    say, warn : callable
        Passing lines of progress; lines that a person should see.
    """
    name, _, argument = spec.source.partition(":")
    if name not in SOURCES:
        close = difflib.get_close_matches(name, SOURCES, n=1)
        hint = f"did you mean {close[0]}?" if close else ""
        raise UsageError(
            f"source {spec.source!r} is unknown", "auto, yahoo, tiingo, eodhd, snapshot, csv:DIR or parquet:PATH", hint
        )
    if spec.input not in ("auto", "prices") and name not in STATED:
        raise UsageError(
            f"input {spec.input} is for files and frames; {name} has prices", "csv:DIR, csv:FILE.csv or parquet:PATH"
        )
    return in_currency(SOURCES[name](argument, spec, say, warn), spec)


def in_currency(source: PriceSource, spec: StudySpec) -> PriceSource:
    """The source in the currency of a study."""
    return InDollars(source) if spec.currency == USD else source


@dataclass(frozen=True, slots=True)
class FrameSource:
    """Prices a caller already holds."""

    table: PriceTable
    name: str = "frame"

    def fetch(self, symbols: Sequence[str], start: date, end: date) -> PriceTable:
        """The wanted symbols; dates outside [start, end] stay, they do no harm."""
        del start, end
        series, refused = {}, {}
        for symbol in symbols:
            # names of a long frame are in capitals, those of a wide one as they are written
            for name in (symbol, symbol.upper(), symbol.lower()):
                if (found := held_as(name, self.table.series)) is not None:
                    series[symbol] = found
                    break
                if (why := held_as(name, self.table.refused)) is not None:
                    refused[symbol] = why
                    break
        lost = [s for s in symbols if s not in series and s not in refused]
        unknown = {s: f"not in the price frame{has}" for s, has in holding(lost, self.table.series).items()}
        return PriceTable(series, unknown, refused=refused)


def source_from_frame(frame: pd.DataFrame, asked: Input = "auto", *, volume: bool = True) -> FrameSource:
    """A frame of daily figures as a source: long with a column of tickers, or wide with a column per ticker.

    The columns are those of any known layout; the program's own are ``ticker, date, close`` (and ``open, volume,
    dividend, split, adj_close``), or ``ticker, date, ret``. Missing rule: rows without a close are holes. Raises
    ``InputFileError``: columns of no known layout.

    Parameters
    ----------
    frame : DataFrame
        Dates may be its index.
    asked : {"auto", "prices", "returns", "log-returns"}
        What the figures are.
    volume : bool
        Refuse series whose volumes cannot be read.
    """
    origin = Origin(source="frame", path="<prices>", asked=asked, volume=volume)
    frame = _with_floats(frame)
    if isinstance(frame.columns, pd.MultiIndex):
        return FrameSource(read_series(_of_download(frame, origin), {}))
    # a text or date object may be the label of a row where a column holds the dates
    labels = frame.index.dtype == object or pd.api.types.is_string_dtype(frame.index.dtype)
    dates_there = any(fold(name) in DATE_HEADINGS for name in frame.columns)
    if isinstance(frame.index, pd.DatetimeIndex | pd.PeriodIndex) or frame.index.name or (labels and not dates_there):
        frame = frame.reset_index()
    headings = [str(name) for name in frame.columns]
    found = recognised(headings)
    if found is not None and found.symbols:
        columns = {name: _column(frame, at) for name, at in found.place.items()}
        table = LongTable.of(figures_of(found, headings, columns, origin), [frame.iloc[:, at] for at in found.symbols])
        # a permanent number may replace the ticker
        names = [*table.rows[0], *(table.rows[-1] if len(table.rows) > 1 else ())]
        return FrameSource(read_series(table.readers(list(dict.fromkeys(names))), {}))
    if found is not None:
        raise InputFileError(origin.path, [Problem(0, "ticker", "", "this column is needed and missing")])
    at = wide_dates(headings)
    if at < 0:
        raise refuse_headings(headings, origin.path, lines=False)
    held = "close" if asked in ("auto", "prices") else "return"
    return FrameSource(read_series({name: _wide(frame, at, name, held, origin) for name in _tickers(frame, at)}, {}))


def _tickers(frame: pd.DataFrame, dates: int) -> list[str]:
    """Columns of a wide frame that hold numbers. Raises ``InputFileError`` where none does."""
    named = [str(name) for at, name in enumerate(frame.columns) if at != dates]
    held = [
        str(name)
        for at, name in enumerate(frame.columns)
        if at != dates and pd.api.types.is_numeric_dtype(frame.dtypes.iloc[at])
    ]
    if not held or held != named:
        raise refuse_headings([str(name) for name in frame.columns], "<prices>", lines=False)
    return held


def _wide(frame: pd.DataFrame, dates: int, name: str, held: str, origin: Origin) -> Callable[[], RawSeries]:
    headings = [str(column) for column in frame.columns]
    twice = (name,) if headings.count(name) > 1 else ()
    found = Recognised(WIDE, {"date": dates, held: headings.index(name)}, twice=twice)
    columns = {what: _column(frame, at) for what, at in found.place.items()}
    return lambda: figures_of(found, headings, columns, origin).series(name)


def _of_download(frame: pd.DataFrame, origin: Origin) -> dict[str, Callable[[], RawSeries]]:
    """Reader of each ticker of a frame of yfinance's download, with its two levels of columns in either order. Raises
    ``InputFileError``: levels that are others."""
    columns = [tuple(map(str, name)) for name in frame.columns]
    two = frame.columns.nlevels == 2
    field = next((level for level in (0, 1) if two and "close" in {fold(name[level]) for name in columns}), -1)
    if field < 0:
        raise refuse_headings([" ".join(name) for name in columns], origin.path, lines=False)
    ticker = 1 - field
    # a frame whose index was made a column names it in one level and leaves the other empty
    named = [at for at, name in enumerate(columns) if not all(name) and fold("".join(name)) in DATE_HEADINGS]
    days = frame.iloc[:, named[0]].to_numpy() if named else frame.index
    columns = [name if at not in named else ("", "") for at, name in enumerate(columns)]
    readers: dict[str, Callable[[], RawSeries]] = {}
    for symbol in dict.fromkeys(name[ticker] for name in columns if name[ticker]):
        places = [at for at, name in enumerate(columns) if name[ticker] == symbol]
        part = frame.iloc[:, places].set_axis([columns[at][field] for at in places], axis=1)
        part.insert(0, "date", days)
        headings = [str(name) for name in part.columns]
        layout = download_layout(headings[1:])
        place = {held: at for at, name in enumerate(headings) if (held := layout.columns.get(fold(name))) is not None}
        cells = {name: _column(part, at) for name, at in place.items()}
        readers[symbol] = partial(_series, figures_of(Recognised(layout, place), headings, cells, origin), symbol)
    return readers


def _series(figures: Figures, symbol: str) -> RawSeries:
    return figures.series(symbol)


def _column(frame: pd.DataFrame, at: int) -> Any:
    """A column as numbers where it holds them, as text, or as it is where it holds dates."""
    column = frame.iloc[:, at]
    if pd.api.types.is_bool_dtype(column.dtype) or not pd.api.types.is_numeric_dtype(column.dtype):
        return column.reset_index(drop=True) if not _is_text(column) else ["" if _lost(v) else str(v) for v in column]
    return column.to_numpy(dtype=np.float64, na_value=np.nan)


def _is_text(column: pd.Series) -> bool:
    """Whether a column holds text, or objects of which the first is text or none is there."""
    if pd.api.types.is_object_dtype(column.dtype):
        first = next((value for value in column if not _lost(value)), "")
        return isinstance(first, str) or _is_number(first)
    return bool(pd.api.types.is_string_dtype(column.dtype))


def _is_number(value: object) -> bool:
    return isinstance(value, Real | Decimal) and not isinstance(value, bool)


def _with_floats(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with columns of numbers that are held as objects, such as a database's decimals, as floats."""
    out = frame.copy(deep=False)
    for at in np.flatnonzero([pd.api.types.is_object_dtype(kind) for kind in frame.dtypes]).tolist():
        column = frame.iloc[:, at]
        lost = column.map(_lost).to_numpy(dtype=bool)
        # among millions of texts the first decides
        if not lost.all() and all(_is_number(value) for value in column[~lost]):
            out.isetitem(at, column.where(~lost, np.nan).astype(np.float64))
    return out


def _lost(value: object) -> bool:
    return value is None or value is pd.NA or value is pd.NaT or value != value
