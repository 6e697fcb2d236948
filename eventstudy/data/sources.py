"""Where prices come from: the registry of sources, and prices that a caller already holds."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from eventstudy.data.prices import HIGHEST, LOWEST, Dates, Floats, PriceSeries, PriceSource, PriceTable, make_series
from eventstudy.errors import InputFileError, Problem, UsageError
from eventstudy.spec import StudySpec

Opener = Callable[[str, StudySpec, "Say", "Say"], PriceSource]

Say = Callable[[str], None]


def _silent(line: str) -> None:
    """Talk nobody listens to."""
    del line


def _live(name: str) -> Opener:
    def opened(argument: str, spec: StudySpec, say: Say, warn: Say) -> PriceSource:
        from eventstudy.data.live import LiveSource
        from eventstudy.data.shelf import Access

        if argument:
            raise UsageError(f"source {name}:{argument} takes no argument", name)
        market = spec.benchmarks[0] if spec.benchmarks else ""
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

    del spec, say, warn
    return CsvSource.open(argument)


def _parquet(argument: str, spec: StudySpec, say: Say, warn: Say) -> PriceSource:
    from eventstudy.data.parquet_prices import ParquetPrices

    del spec, say, warn
    return ParquetPrices.open(argument)


SOURCES: dict[str, Opener] = {
    "auto": _live("auto"),
    "yahoo": _live("yahoo"),
    "snapshot": _snapshot,
    "csv": _csv,
    "parquet": _parquet,
}


def open_source(spec: StudySpec, say: Say = _silent, warn: Say = _silent) -> PriceSource:
    """The source that a spec names, such as ``auto`` or ``csv:DIR``.

    Parameters
    ----------
    spec : StudySpec
    say, warn : callable
        Passing lines of progress; lines that a person should see.

    Raises
    ------
    UsageError
        If the name is unknown or its argument is wrong.
    """
    name, _, argument = spec.source.partition(":")
    if name not in SOURCES:
        close = difflib.get_close_matches(name, SOURCES, n=1)
        hint = f"did you mean {close[0]}?" if close else ""
        raise UsageError(f"source {spec.source!r} is unknown", "auto, yahoo, snapshot, csv:DIR or parquet:PATH", hint)
    return SOURCES[name](argument, spec, say, warn)


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

    Dates with a zone count as the date written, in exchange time. Missing rule: rows without a close are holes.

    Raises
    ------
    InputFileError
        Missing columns, unreadable, empty or duplicate dates, prices that are not positive and finite, dividends or
        volumes that are negative.
    """
    absent = [name for name in ("ticker", "date", "close") if name not in frame.columns]
    if absent:
        raise InputFileError("<prices>", [Problem(0, name, "", "this column is needed") for name in absent])
    try:
        days = _local_dates(frame["date"])
        numbers = {
            name: pd.to_numeric(frame[name]).to_numpy(dtype=np.float64)
            for name in ("close", "open", "volume", "dividend", "adj_close")
            if name in frame.columns
        }
    except (ValueError, TypeError) as error:
        raise InputFileError("<prices>", [Problem(0, "", "", str(error))]) from error
    codes, symbols = pd.factorize(frame["ticker"].astype(str))
    # the rows of each symbol, in their order; looking for each among all rows would take the square of their number
    ends = np.cumsum(np.bincount(codes, minlength=len(symbols)))
    rows_of = np.split(np.argsort(codes, kind="stable"), ends)[: len(symbols)]
    problems: list[Problem] = []
    series: dict[str, PriceSeries] = {}
    for symbol, rows in zip(symbols, rows_of, strict=True):
        cut = {name: values[rows] for name, values in numbers.items()}
        found = _frame_problems(symbol, days[rows], cut)
        if found:
            problems += found
            continue
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


def _local_dates(column: pd.Series) -> Dates:
    """Dates as written: midnight in Tokyo is the day before in UTC, which would move every return one session."""
    known = {value: pd.Timestamp(value).tz_localize(None) for value in column.dropna().unique()}
    return np.asarray(pd.to_datetime(column.map(known)).to_numpy().astype("datetime64[D]"))


def _frame_problems(symbol: str, days: Dates, numbers: Mapping[str, Floats]) -> list[Problem]:
    found = []
    if np.isnat(days).any():
        found.append(Problem(0, "date", symbol, "a date is empty"))
    if len(np.unique(days)) < len(days):
        found.append(Problem(0, "date", symbol, "a date stands twice"))
    for name, values in numbers.items():
        price = name in ("close", "open", "adj_close")
        lowest = values <= 0 if price else values < 0
        if (lowest | np.isinf(values)).any():
            wanted = "positive" if price else "zero or more"
            found.append(Problem(0, name, symbol, f"must be {wanted} and finite; leave unknown figures empty"))
        elif (values > HIGHEST).any() or (price and (values < LOWEST).any()):
            message = f"holds what is no figure of a market; {LOWEST:g} to {HIGHEST:g} are read"
            found.append(Problem(0, name, symbol, message))
    return found
