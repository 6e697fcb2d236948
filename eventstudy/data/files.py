"""``csv:DIR``: one SYMBOL.csv each; ``csv:FILE.csv``: one table of many tickers, long or with a column per ticker."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np

from eventstudy.data.from_raw import accepted, read_series
from eventstudy.data.layouts import Input, Recognised
from eventstudy.data.long_table import LongTable, WideHeadings
from eventstudy.data.price_dates import Days
from eventstudy.data.price_text import PriceText, read_price_text
from eventstudy.data.prices import PriceSeries, PriceTable
from eventstudy.data.raw import RawSeries
from eventstudy.data.raw_reader import Figures, Origin, figures_of, refuse_headings
from eventstudy.data.tickers import asked_as, held_as, spellings
from eventstudy.errors import InputFileError, Problem, UsageError
from eventstudy.memory import check_prices
from eventstudy.opening import is_file, is_folder
from eventstudy.spelling import holding, meant_path

# symbols held at a time in a large study
AT_ONCE = 256
WANTED = "csv:DIR with one SYMBOL.csv each, or csv:FILE.csv with a column of tickers or a column per ticker"


@dataclass(frozen=True, slots=True)
class CsvSource:
    """A folder of price files.

    Attributes
    ----------
    origin : Origin
        What is wanted of the files; its path is that of the folder.
    """

    folder: Path
    name: str
    origin: Origin

    @classmethod
    def open(cls, argument: str, asked: Input = "auto", *, volume: bool = False) -> CsvSource | CsvTable:
        """The folder or file named after ``csv:``. Raises ``UsageError`` if it is neither."""
        place, name = Path(argument), f"csv:{argument}"
        origin = Origin(source="csv", path=argument, asked=asked, volume=volume)
        if argument and is_file(place):
            return CsvTable(place, name, origin)
        if not argument or not is_folder(place):
            what = "file" if place.suffix.lower() == ".csv" else "folder"
            hint = meant_path(place, folder=what == "folder") if argument else ""
            raise UsageError(f"source csv:{argument}: no such {what}", WANTED, hint)
        return cls(place, name, origin)

    @property
    def at_once(self) -> int:
        """Number of symbols to read at a time, where they need not all be held."""
        return AT_ONCE

    def fetch(self, symbols: Sequence[str], start: date, end: date) -> PriceTable:
        """The wanted symbols, whole; a file that cannot be read, or whose figures contradict each other, is refused."""
        del start, end
        paths = [path for path in sorted(self.folder.iterdir()) if path.is_file()]
        # two files whose names differ only in case: the one written like the symbol
        files = {path.name.lower(): path for path in paths} | {path.name: path for path in paths}
        chosen, lost = {}, {}
        for symbol in symbols:
            names = [f"{spelling}.csv" for spelling in spellings(symbol)]
            path = held_as_file(names, files)
            if path is None:
                wanted = " or ".join(name for name in names if "/" not in name)
                lost[symbol] = f"no {wanted} in {self.folder.name or self.folder}"
            else:
                chosen[symbol] = path
        unknown = {symbol: lost[symbol] + has for symbol, has in holding(lost, (p.name for p in paths)).items()}
        check_prices(len(chosen), sum(path.stat().st_size for path in chosen.values()))
        made = {symbol: partial(read_raw, path, symbol, self.origin) for symbol, path in chosen.items()}
        return read_series(made, unknown)


def held_as_file(names: Sequence[str], files: dict[str, Path]) -> Path | None:
    """The first of some file names that is there, in this spelling or another case."""
    return next((path for name in names if (path := files.get(name) or files.get(name.lower())) is not None), None)


def read_prices(path: Path, symbol: str) -> PriceSeries:
    """One price file. Rows with an empty close are holes (a dividend there is earned with the next close). Raises
    ``InputFileError``: headings of no known layout, unreadable dates or numbers, prices that are not positive, negative
    dividends, a date twice: all at once; figures that contradict each other."""
    return accepted(read_raw(path, symbol, Origin(source="csv", path=str(path), volume=True)))


def read_raw(path: Path, symbol: str, origin: Origin) -> RawSeries:
    """The figures that one file states of a symbol.

    Raises
    ------
    InputFileError
    """
    origin = replace(origin, path=str(path))
    text = read_price_text(path)
    if text.tickers is not None:
        return _of_download(text, symbol, origin)
    if text.found is None:
        held = "close" if origin.asked in ("auto", "prices") else "return"
        column = WideHeadings.of(text.headings).column(symbol, held)
        if column is None:
            raise refuse_headings(text.headings, text.path, lines=True)
        return _figures(text, column, origin).series(symbol)
    figures = _figures(text, text.found, origin)
    if not text.found.symbols:
        return figures.series(symbol)
    table = LongTable.of(figures, [text.cells[at] for at in text.found.symbols])
    return table.of_file(symbol)


def _figures(text: PriceText, found: Recognised, origin: Origin) -> Figures:
    return figures_of(found, text.headings, text.columns(found), origin, lines=text.lines, notes=text.notes)


def _column(text: PriceText, symbol: str, found: Recognised, origin: Origin) -> RawSeries:
    return _figures(text, found, origin).series(symbol)


def _of_download(text: PriceText, symbol: str, origin: Origin) -> RawSeries:
    """yfinance's three rows of headings: the ticker's columns, or those of the only one."""
    assert text.tickers is not None
    found = held_as(symbol, text.tickers) or (text.found if len(text.tickers) == 1 else None)
    if found is None:
        listed = ", ".join(list(text.tickers)[:10])
        raise InputFileError(text.path, [Problem(2, "", "", f"holds {listed} and not {asked_as(symbol)}")])
    figures = _figures(text, found, origin)
    return figures.series(symbol)


@dataclass(frozen=True, slots=True)
class CsvTable:
    """One CSV file with the prices of many tickers."""

    path: Path
    name: str
    origin: Origin

    def fetch(self, symbols: Sequence[str], start: date, end: date) -> PriceTable:
        """The wanted symbols, whole. Raises ``InputFileError`` if the file cannot be read or its headings do not match
        a known layout."""
        del start, end
        text = read_price_text(self.path)
        made: Mapping[str, Callable[[], RawSeries]]
        missing, held_names = f"no prices in {self.path.name}", tuple(text.tickers or text.headings)
        if text.tickers is not None:
            known = {s: found for s in symbols if (found := held_as(s, text.tickers)) is not None}
            made = {s: partial(_column, text, s, found, self.origin) for s, found in known.items()}
        elif text.found is not None and text.found.symbols:
            figures = _figures(text, text.found, self.origin)
            table = LongTable.of(figures, [text.cells[at] for at in text.found.symbols])
            made, held_names = table.readers(symbols), tuple(table.rows[0])
        elif text.found is not None:
            if text.found.twice:
                _figures(text, text.found, self.origin)
            message = (
                "holds one series and no column of tickers; name its folder, with one SYMBOL.csv each: --source "
                f"csv:{self.path.parent}"
            )
            raise InputFileError(str(self.path), [Problem(1, "", "", message)])
        else:
            held = "close" if self.origin.asked in ("auto", "prices") else "return"
            wide = WideHeadings.of(text.headings)
            columns = {s: found for s in symbols if (found := wide.column(s, held)) is not None}
            if not columns:
                raise refuse_headings(text.headings, text.path, lines=True)
            dates, lines = np.array(text.cells[wide.dates]), np.array(text.lines)
            days: dict[tuple[str, str], Days] = {}

            def read(symbol: str, found: Recognised) -> RawSeries:
                cells = {"date": dates, held: text.cells[found.place[held]]}
                notes = text.notes
                own = figures_of(found, text.headings, cells, self.origin, lines=lines, notes=notes, days=days)
                return own.series(symbol)

            made = {s: partial(read, s, found) for s, found in columns.items()}
            missing = f"no column {{}} in {self.path.name}"
        lost = [symbol for symbol in symbols if symbol not in made]
        return read_series(made, {s: missing.format(asked_as(s)) + has for s, has in holding(lost, held_names).items()})
