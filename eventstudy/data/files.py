"""``csv:DIR``: one SYMBOL.csv each, with Yahoo's headings in any case."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from eventstudy.data.dates import parse_day
from eventstudy.data.prices import HIGHEST, LOWEST, PriceSeries, PriceTable, make_series
from eventstudy.data.tabular import read_table
from eventstudy.errors import InputFileError, Problem, UsageError
from eventstudy.reading import decimal

# symbols held at a time in a large study
AT_ONCE = 256
REQUIRED = ("date", "close")
NUMBERS = ("close", "open", "volume", "dividends", "adj close")


@dataclass(frozen=True, slots=True)
class CsvSource:
    """A folder of price files.

    Attributes
    ----------
    folder : Path
    name : str
    """

    folder: Path
    name: str

    @classmethod
    def open(cls, argument: str) -> CsvSource:
        """The folder named after ``csv:``.

        Raises
        ------
        UsageError
            If it is no folder.
        """
        folder = Path(argument)
        if not argument or not folder.is_dir():
            raise UsageError(f"source csv:{argument}: no such folder", "csv:DIR with one SYMBOL.csv each")
        return cls(folder, f"csv:{argument}")

    @property
    def at_once(self) -> int:
        """How many symbols to ask for at a time, where they need not all be held."""
        return AT_ONCE

    def fetch(self, symbols: Sequence[str], start: date, end: date) -> PriceTable:
        """The wanted symbols, whole.

        Raises
        ------
        InputFileError
            With every problem of the first file that has any.
        """
        del start, end
        paths = [path for path in sorted(self.folder.iterdir()) if path.is_file()]
        # two files whose names differ only in case: the one written like the symbol
        files = {path.name.lower(): path for path in paths} | {path.name: path for path in paths}
        series, unknown = {}, {}
        for symbol in symbols:
            path = files.get(f"{symbol}.csv") or files.get(f"{symbol}.csv".lower())
            if path is None:
                unknown[symbol] = f"no {symbol}.csv in {self.folder.name or self.folder}"
            else:
                series[symbol] = read_prices(path, symbol)
        return PriceTable(series, unknown)


def read_prices(path: Path, symbol: str) -> PriceSeries:
    """One price file. Rows with an empty close are holes (a dividend there is earned with the next close); dividends
    win over an adjusted close.

    Raises
    ------
    InputFileError
        Unreadable dates or numbers, prices that are not positive, negative dividends or volumes, a date twice: all
        at once.
    """
    table = read_table(path, required=REQUIRED, fold_case=True)
    problems: list[Problem] = []
    days = [_day(text, line, problems) for text, line in zip(table.columns["date"], table.lines, strict=True)]
    numbers = {
        name: np.array(
            [_number(text, name, line, problems) for text, line in zip(table.columns[name], table.lines, strict=True)]
        )
        for name in NUMBERS
        if name in table.columns
    }
    first: dict[str, int] = {}
    for day, line in zip(days, table.lines, strict=True):
        if day and day in first:
            problems.append(Problem(line, "Date", day, f"the date stands in line {first[day]} already"))
        first.setdefault(day, line)
    if problems:
        raise InputFileError(str(path), sorted(problems, key=lambda problem: problem.line))
    return make_series(
        symbol,
        np.array(days, dtype="datetime64[D]"),
        numbers["close"],
        source="csv",
        origin=str(path),
        fetched_at="",
        opens=numbers.get("open"),
        volume=numbers.get("volume"),
        adj_close=None if "dividends" in numbers else numbers.get("adj close"),
        dividend=numbers.get("dividends"),
    )


def _day(text: str, line: int, problems: list[Problem]) -> str:
    """The date of a cell, in exchange time: ``2025-04-16`` or ``2025-04-16 00:00:00-04:00``."""
    try:
        return parse_day(text)
    except ValueError as error:
        problems.append(Problem(line, "Date", text, str(error)))
        return ""


def _number(text: str, name: str, line: int, problems: list[Problem]) -> float:
    if text == "" or text.lower() in ("nan", "null"):
        return math.nan
    try:
        value = decimal(text)
    except ValueError:
        problems.append(Problem(line, name, text, "is no number; write a decimal with a point"))
        return math.nan
    if not math.isfinite(value):
        problems.append(Problem(line, name, text, "is not finite"))
        return math.nan
    if value > HIGHEST or (name in ("close", "open", "adj close") and 0 < value < LOWEST):
        problems.append(Problem(line, name, text, f"is no figure of a market; {LOWEST:g} to {HIGHEST:g} are read"))
        return math.nan
    if name in ("close", "open", "adj close") and value <= 0:
        problems.append(Problem(line, name, text, "a price must be positive; leave the cell empty if there is none"))
        return math.nan
    if value < 0:
        problems.append(Problem(line, name, text, "must not be negative; leave the cell empty if it is unknown"))
        return math.nan
    return value
