"""``csv:DIR``: one SYMBOL.csv each, with Yahoo's headings in any case."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import numpy as np

from eventstudy.data.prices import Floats, PriceSeries, PriceTable, make_series
from eventstudy.data.tabular import read_table
from eventstudy.errors import InputFileError, Problem, UsageError

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

    def fetch(self, symbols: Sequence[str], start: date, end: date) -> PriceTable:
        """The wanted symbols, whole.

        Raises
        ------
        InputFileError
            With every problem of the first file that has any.
        """
        del start, end
        files = {path.name.lower(): path for path in sorted(self.folder.iterdir()) if path.is_file()}
        series, unknown = {}, {}
        for symbol in symbols:
            path = files.get(f"{symbol}.csv".lower())
            if path is None:
                unknown[symbol] = f"no {symbol}.csv in {self.folder.name or self.folder}"
            else:
                series[symbol] = read_prices(path, symbol)
        return PriceTable(series, unknown)


def read_prices(path: Path, symbol: str) -> PriceSeries:
    """One price file. Rows with an empty close are holes; dividends win over an adjusted close.

    Raises
    ------
    InputFileError
        Unreadable dates or numbers, closes that are not positive, a date twice: all at once.
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
    if "dividends" in numbers:
        _carry(numbers["dividends"], numbers["close"], days)
    kept = ~np.isnan(numbers["close"])
    cut = {name: values[kept] for name, values in numbers.items()}
    return make_series(
        symbol,
        np.array(days, dtype="datetime64[D]")[kept],
        cut["close"],
        source="csv",
        origin=str(path),
        fetched_at="",
        opens=cut.get("open"),
        volume=cut.get("volume"),
        adj_close=None if "dividends" in cut else cut.get("adj close"),
        dividend=np.nan_to_num(cut["dividends"]) if "dividends" in cut else None,
    )


def _carry(dividends: Floats, closes: Floats, days: list[str]) -> None:
    """Move a dividend of a day without a close to the next day that has one: the holder was paid all the same."""
    due = 0.0
    for i in sorted(range(len(days)), key=days.__getitem__):
        due += 0.0 if math.isnan(dividends[i]) else dividends[i]
        if not math.isnan(closes[i]):
            dividends[i], due = due, 0.0


def _day(text: str, line: int, problems: list[Problem]) -> str:
    """The date of a cell, in exchange time: ``2025-04-16`` or ``2025-04-16 00:00:00-04:00``."""
    try:
        return datetime.fromisoformat(text).date().isoformat()
    except ValueError:
        problems.append(Problem(line, "Date", text, "is no date; write YYYY-MM-DD"))
        return ""


def _number(text: str, name: str, line: int, problems: list[Problem]) -> float:
    if text == "" or text.lower() in ("nan", "null"):
        return math.nan
    try:
        value = float(text)
    except ValueError:
        problems.append(Problem(line, name, text, "is no number; write a decimal with a point"))
        return math.nan
    if not math.isfinite(value):
        problems.append(Problem(line, name, text, "is not finite"))
        return math.nan
    if name in ("close", "open", "adj close") and value <= 0:
        problems.append(Problem(line, name, text, "a price must be positive; leave the cell empty if there is none"))
        return math.nan
    return value
