"""``parquet:PATH``: daily prices of many symbols in one Parquet file, long or wide."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from eventstudy.data.from_raw import read_series
from eventstudy.data.layouts import TEXT_FIELDS, Input, Recognised
from eventstudy.data.long_table import WIDE, one_of_cases
from eventstudy.data.parquet import damage_is_told, kind_of, open_parquet, refuse_large
from eventstudy.data.parquet_layout import WANTED, TableLayout, layout_of
from eventstudy.data.prices import Floats, PriceTable
from eventstudy.data.raw import RawSeries
from eventstudy.data.raw_reader import Origin, figures_of
from eventstudy.data.row_keys import ROWS_AT_ONCE
from eventstudy.data.tickers import asked_as, spellings
from eventstudy.errors import InputFileError, Problem, UsageError

# symbols held at a time in a large study
AT_ONCE = 256
# rows of one symbol beyond which a file does not hold daily figures: days of four hundred years
MOST_DAYS = 146_097


Range = tuple[str, str] | None


@dataclass(frozen=True, slots=True)
class ParquetPrices:
    """A Parquet file of prices.

    Attributes
    ----------
    ranges : tuple
        First and last ticker of each row group of a long file.
    """

    path: Path
    layout: TableLayout
    name: str
    origin: Origin
    ranges: tuple[Range, ...] = ()

    @classmethod
    def open(cls, argument: str, asked: Input = "auto", *, volume: bool = True) -> ParquetPrices:
        """The file named after ``parquet:``. Raises ``UsageError`` or ``InputFileError`` without ``pyarrow``; if it is
        not such a file, or its columns are not those of prices."""
        if not argument:
            raise UsageError("source parquet: names no file", "parquet:PATH", WANTED)
        layout = layout_of(argument)
        ranges = ranges_of(argument, layout.ticker) if layout.ticker else ()
        origin = Origin(source="parquet", path=argument, asked=asked, volume=volume)
        return cls(Path(argument), layout, f"parquet:{argument}", origin, ranges)

    @property
    def at_once(self) -> int:
        """Number of symbols to read at a time, where they need not all be held; 0 where the file's order does not
        allow to find some without reading all."""
        known = [found for found in self.ranges if found is not None]
        rising = all(one[1] <= other[0] for one, other in pairwise(known))
        return AT_ONCE if not self.layout.ticker or rising else 0

    def fetch(self, symbols: Sequence[str], start: date, end: date) -> PriceTable:
        """The wanted symbols, whole; one whose figures cannot be read or contradict each other is refused. Raises
        ``InputFileError``: rows without a ticker, more rows of a symbol than there are days, a damaged file."""
        del start, end
        collected = _Collected({name: [] for symbol in symbols for name in spellings(symbol)})
        with damage_is_told(self.path):
            if self.layout.ticker:
                _read_long(self.path, self.layout, self.ranges, collected)
            else:
                _read_wide(self.path, self.layout, collected)
        if collected.problems:
            raise InputFileError(str(self.path), collected.problems)
        readers, unknown = {}, {}
        for symbol in symbols:
            name = next((name for name in spellings(symbol) if collected.pieces[name]), symbol)
            pieces = collected.pieces[name] or None
            if pieces is None or not any(_has_figures(piece) for piece in pieces):
                unknown[symbol] = f"no prices in {self.path.name}" + (
                    f" of {asked_as(symbol)}" if len(spellings(symbol)) > 1 else ""
                )
            else:
                read = partial(_series, symbol, pieces, self.layout, self.origin)
                spelled = sorted(collected.written.get(name, ()))
                readers[symbol] = read if len(spelled) < 2 else partial(one_of_cases, spelled, str(self.path), read)
        return read_series(readers, unknown)


@dataclass(frozen=True, slots=True)
class _Piece:
    """Rows of a symbol: dates as the file has them, figures and texts by what they hold, and its permanent numbers."""

    dates: Any
    figures: dict[str, Floats]
    texts: dict[str, list[str]]
    numbers: tuple[str, ...]


@dataclass(slots=True)
class _Collected:
    """Rows of the wanted symbols, and what is wrong with the file."""

    pieces: dict[str, list[_Piece]]
    problems: list[Problem] = field(default_factory=list)
    rows: Counter[str] = field(default_factory=Counter)
    written: dict[str, set[str]] = field(default_factory=dict)
    capitals: dict[str, str] = field(init=False)

    def asked(self, name: str) -> str:
        """A ticker of the file as it is asked for, in whatever case."""
        found = name if name in self.pieces else self.capitals.get(name.upper(), name)
        if found in self.pieces:
            self.written.setdefault(found, set()).add(name)
        return found

    def __post_init__(self) -> None:
        self.capitals = {name.upper(): name for name in self.pieces}

    def add(self, symbol: str, piece: _Piece, path: Path) -> None:
        """Rows of a symbol; more than there are days are refused before they fill the memory."""
        self.rows[symbol] += len(piece.dates)
        if self.rows[symbol] > MOST_DAYS:
            message = f"{symbol} has more rows than there are days from 1800 to 2200"
            raise InputFileError(str(path), [*self.problems[:100], Problem(0, "date", symbol, message)])
        self.pieces[symbol].append(piece)


def _read_long(path: Path, layout: TableLayout, ranges: Sequence[Range], into: _Collected) -> None:
    columns = [layout.ticker, layout.date, *layout.numbers, *([layout.number] if layout.number else [])]
    file, asked = open_parquet(path, "Parquet", [layout.ticker]), sorted(into.capitals)
    for group in range(file.metadata.num_row_groups):
        reach = ranges[group]
        if reach is not None and bisect_left(asked, reach[0]) == bisect_right(asked, reach[1]):
            continue
        read = 0
        for batch in file.iter_batches(batch_size=4 * ROWS_AT_ONCE, row_groups=[group], columns=columns):
            read += len(batch)
            _take_long(batch, layout, into, path)
        if read != (said := file.metadata.row_group(group).num_rows):
            raise OverflowError(f"row group {group} says that it holds {said:,} rows and holds {read:,}")


def ranges_of(path: str | Path, ticker: str) -> tuple[Range, ...]:
    """First and last ticker of every row group, in capitals; None for one without.

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
            for batch in file.iter_batches(
                batch_size=4 * ROWS_AT_ONCE, row_groups=[group], columns=[ticker], use_threads=False
            ):
                coded = _coded(batch.column(ticker), ticker).dictionary.to_pylist()
                names |= {_plain_name(name).upper() for name in coded if name}
            found.append((min(names), max(names)) if names else None)
    return tuple(found)


def _plain_name(text: str) -> str:
    """A ticker, or a permanent number that a column of floats holds."""
    return text.strip().removesuffix(".0")


def _coded(column: Any, name: str) -> Any:
    import pyarrow

    if kind_of(column.type) == "number":
        column = column.cast(pyarrow.string())
    coded = column if pyarrow.types.is_dictionary(column.type) else column.dictionary_encode()
    refuse_large(coded.dictionary, name)
    return coded


def _take_long(batch: Any, layout: TableLayout, into: _Collected, path: Path) -> None:
    import pyarrow

    tickers = _coded(batch.column(layout.ticker), layout.ticker)
    _check_cells(batch, layout)
    names = ["" if name is None else into.asked(_plain_name(name)) for name in tickers.dictionary.to_pylist()]
    if tickers.null_count:
        nameless = "1 row" if tickers.null_count == 1 else f"{tickers.null_count:,} rows"
        into.problems.append(Problem(0, layout.ticker, "", f"{nameless} without a ticker"))
    indices = tickers.indices.fill_null(len(names)) if tickers.null_count else tickers.indices
    codes = indices.to_numpy(zero_copy_only=False).astype(np.int64)
    wanted = np.array([name in into.pieces for name in names] + [False])
    rows = np.flatnonzero(wanted[codes])
    if not len(rows):
        return
    texts = {n: w for n, w in layout.numbers.items() if w in TEXT_FIELDS or kind_of(batch.column(n).type) == "text"}
    figures = {what: _numbers(batch.column(name)) for name, what in layout.numbers.items() if name not in texts}
    order = rows[np.argsort(codes[rows], kind="stable")]
    ordered = codes[order]
    starts = np.append(0, np.flatnonzero(ordered[1:] != ordered[:-1]) + 1)
    for start, stop in zip(starts, [*starts[1:], len(order)], strict=True):
        cut = order[start:stop]
        taken = batch.take(pyarrow.array(cut)) if texts or layout.number else None
        piece = _Piece(
            batch.column(layout.date).take(pyarrow.array(cut)),
            {name: values[cut] for name, values in figures.items()},
            {what: ["" if v is None else str(v) for v in taken.column(n).to_pylist()] for n, what in texts.items()}
            if taken is not None
            else {},
            tuple(sorted({str(v) for v in taken.column(layout.number).to_pylist()}))
            if taken is not None and layout.number
            else (),
        )
        into.add(names[int(codes[cut[0]])], piece, path)


def _check_cells(batch: Any, layout: TableLayout) -> None:
    """Hold text against the longest cell before Python holds it."""
    import pyarrow

    for name in (layout.date, *layout.numbers):
        column = batch.column(name)
        if kind_of(column.type) == "text":
            refuse_large(column.cast(pyarrow.string()), name)


def _read_wide(path: Path, layout: TableLayout, into: _Collected) -> None:
    file = open_parquet(path, "Parquet")
    columns = [column for column, ticker in layout.numbers.items() if ticker in into.pieces]
    for batch in file.iter_batches(batch_size=ROWS_AT_ONCE, columns=[layout.date, *columns]):
        dates = batch.column(layout.date)
        figures: dict[str, dict[str, Floats]] = {}
        for column in columns:
            own = figures.setdefault(layout.numbers[column], {})
            own[layout.held.get(column, "figure")] = _numbers(batch.column(column))
        for ticker, own in figures.items():
            into.add(ticker, _Piece(dates, own, {}, ()), path)


def _numbers(column: Any) -> Floats:
    import pyarrow

    if pyarrow.types.is_decimal(column.type):
        # the library's own way from decimals to floats is off by the last digit
        column = column.cast(pyarrow.string())
    return np.asarray(column.cast(pyarrow.float64(), safe=False).to_numpy(zero_copy_only=False), dtype=np.float64)


def _has_figures(piece: _Piece) -> bool:
    """Whether some row holds a price or return; text is looked at later."""
    held = ("figure", "close", "adj_close", "return")
    return bool(piece.texts) or any(np.isfinite(piece.figures[name]).any() for name in held if name in piece.figures)


def _series(symbol: str, pieces: list[_Piece], layout: TableLayout, origin: Origin) -> RawSeries:
    """One symbol's rows as stated.

    Raises
    ------
    InputFileError
    """
    import pyarrow

    numbers = sorted({number for piece in pieces for number in piece.numbers})
    if len(numbers) > 1:
        message = f"has the {layout.number} {' and '.join(numbers[:3])}; give each firm a ticker of its own"
        raise InputFileError(origin.path, [Problem(0, layout.ticker, symbol, message)])
    dates = pyarrow.chunked_array([piece.dates for piece in pieces])
    columns: dict[str, Any] = {
        name: np.concatenate([piece.figures[name] for piece in pieces]) for name in pieces[0].figures
    }
    columns |= {name: [text for piece in pieces for text in piece.texts[name]] for name in pieces[0].texts}
    found = layout.known
    if found is None:
        held = "close" if origin.asked in ("auto", "prices") else "return"
        found, columns = Recognised(WIDE, {"date": 0, held: 1}), {held: columns["figure"]}
    headings = [layout.ticker, layout.date, *layout.numbers]
    return figures_of(found, headings, {"date": _plain(dates), **columns}, origin).series(symbol)


def _plain(dates: Any) -> Any:
    """Text as a list, and anything else as it is."""
    if kind_of(dates.type) != "text":
        return dates
    return ["" if text is None else text.strip() for text in dates.to_pylist()]
