"""``parquet:PATH``: daily prices of many symbols in one Parquet file, long or wide."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from eventstudy.data.coded import ROWS_AT_ONCE
from eventstudy.data.parquet import damage_is_told, kind_of, open_parquet, refuse_large
from eventstudy.data.prices import HIGHEST, LOWEST, Dates, Floats, PriceSeries, PriceTable, make_series
from eventstudy.errors import InputFileError, Problem, UsageError

PRICES = ("close", "adj_close", "open")
NUMBERS = (*PRICES, "volume", "dividend", "split")
# symbols held at a time in a large study
AT_ONCE = 256
INDEX_NAMES = ("date", "index", "__index_level_0__")
WANTED = (
    "long: columns ticker, date and close or adj_close; or wide: one date column and one close column a ticker, "
    "nothing else"
)
# dates between which daily prices can lie
FIRST_DAY, LAST_DAY = np.datetime64("1800-01-01", "D"), np.datetime64("2200-01-01", "D")
MOST_DAYS = int((LAST_DAY - FIRST_DAY).astype(np.int64)) + 1
NO_DAY = int(np.iinfo(np.int32).min)


Range = tuple[str, str] | None


@dataclass(frozen=True, slots=True)
class Layout:
    """How a price file is laid out.

    Attributes
    ----------
    date : str
        The column of dates.
    ticker : str
        The column of tickers; empty for a wide file.
    numbers : dict
        Column of the file -> what it is (long), or -> its ticker (wide).
    """

    date: str
    ticker: str
    numbers: dict[str, str]


@dataclass(frozen=True, slots=True)
class ParquetPrices:
    """A Parquet file of prices.

    Attributes
    ----------
    path : Path
    layout : Layout
    name : str
    ranges : tuple
        First and last ticker of each row group of a long file.
    """

    path: Path
    layout: Layout
    name: str
    ranges: tuple[Range, ...] = ()

    @classmethod
    def open(cls, argument: str) -> ParquetPrices:
        """The file named after ``parquet:``.

        Raises
        ------
        UsageError, InputFileError
            Without ``pyarrow``; if it is no such file, or its columns are not those of prices.
        """
        if not argument:
            raise UsageError("source parquet: names no file", "parquet:PATH", WANTED)
        layout = layout_of(argument)
        ranges = ranges_of(argument, layout.ticker) if layout.ticker else ()
        return cls(Path(argument), layout, f"parquet:{argument}", ranges)

    @property
    def at_once(self) -> int:
        """How many symbols to ask for at a time, where they need not all be held; 0 where the file's order does not
        allow to find some without reading all."""
        known = [found for found in self.ranges if found is not None]
        rising = all(one[1] <= other[0] for one, other in pairwise(known))
        return AT_ONCE if not self.layout.ticker or rising else 0

    def fetch(self, symbols: Sequence[str], start: date, end: date) -> PriceTable:
        """The wanted symbols, whole.

        Raises
        ------
        InputFileError
            Dates that cannot be read, a date twice, prices that are not positive and finite.
        """
        del start, end
        collected = _Collected({symbol: [] for symbol in symbols})
        with damage_is_told(self.path):
            if self.layout.ticker:
                _read_long(self.path, self.layout, self.ranges, collected)
            else:
                _read_wide(self.path, self.layout, collected)
        series: dict[str, PriceSeries] = {}
        for symbol in symbols:
            pieces = collected.pieces.pop(symbol)
            if pieces:
                made = _series(symbol, pieces, collected.problems, str(self.path))
                if made is not None:
                    series[symbol] = made
        if collected.problems:
            raise InputFileError(str(self.path), collected.problems)
        unknown = {symbol: f"no prices in {self.path.name}" for symbol in symbols if symbol not in series}
        return PriceTable(series, unknown)


@dataclass(slots=True)
class _Collected:
    """Rows of the wanted symbols, and what is wrong with them.

    ``pieces``: symbol -> [(days, {column: figures})].
    """

    pieces: dict[str, list[tuple[np.ndarray, dict[str, Floats]]]]
    problems: list[Problem] = field(default_factory=list)
    rows: Counter[str] = field(default_factory=Counter)

    def add(self, symbol: str, days: np.ndarray, numbers: dict[str, Floats], path: Path) -> None:
        """Rows of a symbol; more than there are days are refused before they fill the memory."""
        self.rows[symbol] += len(days)
        if self.rows[symbol] > MOST_DAYS:
            message = f"{symbol} has more rows than there are days from {FIRST_DAY} to {LAST_DAY}"
            raise InputFileError(str(path), [*self.problems[:100], Problem(0, "date", symbol, message)])
        self.pieces[symbol].append((days, numbers))


def layout_of(path: str | Path) -> Layout:
    """Long or wide, and which column is what.

    Raises
    ------
    InputFileError
        Naming every column of the wrong type or that is missing.
    """
    schema = open_parquet(path, f"source parquet:{path}").schema_arrow
    types = {name: schema.field(name).type for name in schema.names}
    kinds = {name: kind_of(kind) for name, kind in types.items()}
    folded = {name.lower(): name for name in reversed(schema.names)}
    if "ticker" in folded:
        problems = _long_problems(folded, kinds, types)
        if problems:
            raise InputFileError(str(path), problems)
        numbers = {folded[name]: name for name in NUMBERS if name in folded and kinds[folded[name]] != "null"}
        return Layout(folded["date"], folded["ticker"], numbers)
    dates = [name for name, kind in kinds.items() if kind in ("date", "timestamp")]
    dates = dates or [name for name in kinds if name.lower() in INDEX_NAMES and kinds[name] == "text"]
    if len(dates) != 1:
        found = f"has {len(dates)} columns of dates ({', '.join(dates)})" if dates else "has no column of dates"
        raise InputFileError(str(path), [Problem(0, "", "", f"{found}; wanted {WANTED}")])
    problems = [
        Problem(0, name, str(types[name]), "is no column of numbers; a wide file holds one close column a ticker")
        for name, kind in kinds.items()
        if name != dates[0] and kind not in ("number", "null")
    ]
    if problems:
        raise InputFileError(str(path), problems)
    return Layout(dates[0], "", {name: name for name, kind in kinds.items() if name != dates[0] and kind == "number"})


def _long_problems(folded: dict[str, str], kinds: dict[str, str], types: dict[str, Any]) -> list[Problem]:
    found = []
    if "date" not in folded:
        found.append(Problem(0, "date", "", f"this column is needed and missing; wanted {WANTED}"))
    elif kinds[folded["date"]] not in ("date", "timestamp", "text"):
        kind = str(types[folded["date"]])
        found.append(Problem(0, folded["date"], kind, "is no column of dates, timestamps or ISO text"))
    if kinds[folded["ticker"]] != "text":
        found.append(Problem(0, folded["ticker"], str(types[folded["ticker"]]), "is no column of text"))
    held = [name for name in ("close", "adj_close") if name in folded]
    if not held:
        found.append(Problem(0, "close", "", "close or adj_close is needed and missing"))
    elif all(kinds[folded[name]] == "null" for name in held):
        found.append(Problem(0, folded[held[0]], "null", "is no column of numbers; it holds nothing"))
    found += [
        Problem(0, folded[name], str(types[folded[name]]), "is no column of numbers")
        for name in NUMBERS
        if name in folded and kinds[folded[name]] not in ("number", "null")
    ]
    return found


def _read_long(path: Path, layout: Layout, ranges: Sequence[Range], into: _Collected) -> None:
    columns = [layout.ticker, layout.date, *layout.numbers]
    file = open_parquet(path, "Parquet", [layout.ticker])
    for group in range(file.metadata.num_row_groups):
        reach = ranges[group]
        if reach is not None and not any(reach[0] <= symbol <= reach[1] for symbol in into.pieces):
            continue
        read = 0
        for batch in file.iter_batches(batch_size=4 * ROWS_AT_ONCE, row_groups=[group], columns=columns):
            read += len(batch)
            _take_long(batch, layout, into, path)
        if read != (said := file.metadata.row_group(group).num_rows):
            raise OverflowError(f"row group {group} says that it holds {said:,} rows and holds {read:,}")


def ranges_of(path: str | Path, ticker: str) -> tuple[Range, ...]:
    """First and last ticker of every row group; None for one without.

    They are read. The statistics of the file may lie, and where the record of a column is damaged the library ends the
    process instead of saying so.

    Raises
    ------
    InputFileError
    """
    file = open_parquet(path, "Parquet", [ticker])
    found: list[Range] = []
    with damage_is_told(path):
        for group in range(file.metadata.num_row_groups):
            names: set[str] = set()
            for batch in file.iter_batches(batch_size=4 * ROWS_AT_ONCE, row_groups=[group], columns=[ticker]):
                names |= {name for name in _coded(batch.column(ticker), ticker).dictionary.to_pylist() if name}
            found.append((min(names), max(names)) if names else None)
    return tuple(found)


def _coded(column: Any, name: str) -> Any:
    """A column of text as codes and a dictionary."""
    import pyarrow

    coded = column if pyarrow.types.is_dictionary(column.type) else column.dictionary_encode()
    refuse_large(coded.dictionary, name)
    return coded


def _take_long(batch: Any, layout: Layout, into: _Collected, path: Path) -> None:
    """Cut a batch into its symbols."""

    tickers = _coded(batch.column(layout.ticker), layout.ticker)
    names = tickers.dictionary.to_pylist()
    if tickers.null_count:
        nameless = "1 row" if tickers.null_count == 1 else f"{tickers.null_count:,} rows"
        into.problems.append(Problem(0, layout.ticker, "", f"{nameless} without a ticker"))
    codes = tickers.indices.fill_null(len(names)).to_numpy(zero_copy_only=False).astype(np.int64)
    wanted = np.array([name in into.pieces for name in names] + [False])
    rows = np.flatnonzero(wanted[codes])
    if not len(rows):
        return
    days = _days(batch.column(layout.date), layout.date, into.problems)
    numbers = {name: _numbers(batch.column(column)) for column, name in layout.numbers.items()}
    order = rows[np.argsort(codes[rows], kind="stable")]
    starts = np.flatnonzero(np.diff(codes[order], prepend=-1))
    for start, stop in zip(starts, [*starts[1:], len(order)], strict=True):
        cut = order[start:stop]
        symbol = names[int(codes[cut[0]])]
        into.add(symbol, days[cut], {name: values[cut] for name, values in numbers.items()}, path)


def _read_wide(path: Path, layout: Layout, into: _Collected) -> None:
    file = open_parquet(path, "Parquet")
    columns = [column for column, ticker in layout.numbers.items() if ticker in into.pieces]
    for batch in file.iter_batches(batch_size=ROWS_AT_ONCE, columns=[layout.date, *columns]):
        days = _days(batch.column(layout.date), layout.date, into.problems)
        for column in columns:
            into.add(layout.numbers[column], days, {"close": _numbers(batch.column(column))}, path)


def _numbers(column: Any) -> Floats:
    """Figures as float64; a null is NaN."""
    import pyarrow

    return np.asarray(column.cast(pyarrow.float64(), safe=False).to_numpy(zero_copy_only=False), dtype=np.float64)


def _days(column: Any, name: str, problems: list[Problem]) -> np.ndarray:
    """Days since 1970 of a column of dates, in exchange time: as written, whatever the zone. int32 (n,)."""
    kind = kind_of(column.type)
    if kind == "text":
        return _days_of_text(column, name, problems)
    if getattr(column.type, "tz", None) is not None:
        import pyarrow.compute

        column = pyarrow.compute.local_timestamp(column)
    unit = "D" if kind == "date" else getattr(column.type, "unit", "us")
    values = column.to_numpy(zero_copy_only=False).astype(f"datetime64[{unit}]").astype("datetime64[D]")
    lost = np.isnat(values)
    if lost.any():
        problems.append(Problem(0, name, "", f"{int(lost.sum())} rows have no date"))
    outside = ~lost & ((values < FIRST_DAY) | (values > LAST_DAY))
    if outside.any():
        first = str(values[outside][0])
        problems.append(Problem(0, name, first, f"{int(outside.sum())} rows lie outside {FIRST_DAY} to {LAST_DAY}"))
    return np.where(lost | outside, NO_DAY, values.astype(np.int64)).astype(np.int32)


def _days_of_text(column: Any, name: str, problems: list[Problem]) -> np.ndarray:
    """Each distinct text is read once: ``2025-04-16`` or ``2025-04-16 00:00:00-04:00``."""
    import pyarrow

    coded = column if pyarrow.types.is_dictionary(column.type) else column.dictionary_encode()
    known = []
    refuse_large(coded.dictionary, name)
    for text in coded.dictionary.to_pylist():
        try:
            known.append(int(np.datetime64(datetime.fromisoformat(str(text).strip()).date(), "D").astype(np.int64)))
        except ValueError:
            problems.append(Problem(0, name, str(text), "is no date; write YYYY-MM-DD"))
            known.append(NO_DAY)
    if coded.null_count:
        problems.append(Problem(0, name, "", f"{coded.null_count} rows have no date"))
    codes = coded.indices.fill_null(len(known)).to_numpy(zero_copy_only=False)
    return np.asarray(np.array([*known, NO_DAY], dtype=np.int32)[codes])


def _series(symbol: str, pieces: list[Any], problems: list[Problem], origin: str) -> PriceSeries | None:
    """One symbol's rows as a series; None where a problem was found or nothing has a price."""
    days = np.concatenate([days for days, _ in pieces])
    numbers = {name: np.concatenate([values[name] for _, values in pieces]) for name in pieces[0][1]}
    dates: Dates = days.astype(np.int64).astype("datetime64[D]")
    adjusted = numbers.get("adj_close")
    close = numbers["close"] if "close" in numbers else numbers["adj_close"]
    priced = np.isfinite(close)
    if "close" not in numbers:
        adjusted = close
    found = [
        Problem(0, name, f"{symbol} {dates[np.flatnonzero(wrong)[0]]}", f"{int(wrong.sum())} rows {message}")
        for name, values in numbers.items()
        for wrong, message in _wrong(name, values)
        if wrong.any()
    ]
    if (days == NO_DAY).any():
        return None
    ordered = np.sort(days)
    twice = ordered[1:][ordered[1:] == ordered[:-1]]
    if len(twice):
        found.append(Problem(0, "date", f"{symbol} {twice[0].astype('datetime64[D]')}", "the date stands twice"))
    if found:
        problems += found
        return None
    if not priced.any():
        return None
    return make_series(
        symbol,
        dates,
        close,
        source="parquet",
        origin=origin,
        fetched_at="",
        opens=numbers.get("open"),
        volume=numbers.get("volume"),
        adj_close=None if "dividend" in numbers else adjusted,
        dividend=numbers.get("dividend"),
    )


def _wrong(name: str, values: Floats) -> list[tuple[np.ndarray, str]]:
    """Figures that cannot be: which rows, and why."""
    if name in PRICES:
        absurd = (values > 0) & np.isfinite(values) & ((values < LOWEST) | (values > HIGHEST))
        return [
            (np.isinf(values) | (values <= 0), "are not positive and finite; leave unknown prices empty"),
            (absurd, f"are no prices; {LOWEST:g} to {HIGHEST:g} are read"),
        ]
    return [
        (
            np.isinf(values) | (values < 0) | (values > HIGHEST),
            "are negative or not finite; leave unknown figures empty",
        )
    ]
