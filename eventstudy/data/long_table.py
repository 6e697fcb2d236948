"""Tables of many tickers: the rows of each in a long one, the column of each in a wide one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd

from eventstudy.data.layouts import Layout, Recognised, wide_dates
from eventstudy.data.raw import RawSeries
from eventstudy.data.raw_reader import Figures
from eventstudy.data.tickers import held_as
from eventstudy.errors import InputFileError, Problem


@dataclass(frozen=True, slots=True)
class LongTable:
    """The rows of each symbol.

    Attributes
    ----------
    rows : list of dict
        For each column of symbols: symbol in capitals -> its rows.
    written : dict
        Symbol in capitals -> the spellings of the table, where they differ in case.
    """

    figures: Figures
    rows: list[dict[str, np.ndarray]]
    written: dict[str, list[str]]

    @classmethod
    def of(cls, figures: Figures, symbols: Sequence[Sequence[object]]) -> LongTable:
        """The rows of every symbol, from the columns of symbols."""
        spelled = [_grouped(column) for column in symbols]
        written: dict[str, list[str]] = {}
        for name in dict.fromkeys(name for known in spelled for name in known):
            written.setdefault(name.upper(), []).append(name)
        several = {name: spellings for name, spellings in written.items() if len(spellings) > 1}
        return cls(figures, [_in_capitals(known) for known in spelled], several)

    def rows_of(self, symbol: str) -> np.ndarray | None:
        """Rows of a symbol, with all those that share its permanent number; None where it is not there. Raises
        ``InputFileError`` if the ticker has two permanent numbers."""
        for at in range(len(self.rows)):
            rows = self._held(symbol, at)
            if rows is None:
                continue
            permanent = self.figures.found.layout.permanent and at < len(self.rows) - 1
            numbers = self.rows[-1] if permanent else {}
            mine = [number for number, theirs in numbers.items() if np.isin(rows, theirs).any()]
            if len(mine) > 1:
                message = f"has the numbers {' and '.join(mine[:3])}; write the number instead of the ticker"
                raise InputFileError(self.figures.origin.path, [Problem(0, "ticker", symbol, message)])
            return numbers[mine[0]] if mine else rows
        return None

    def of_file(self, symbol: str) -> RawSeries:
        """Rows of a file that is named after a symbol: all where it holds one firm, else those of the symbol. Raises
        ``InputFileError`` if the file holds several symbols and not this one, or as ``Figures.series``."""
        alone = next((known for known in self.rows if len(known) == 1), None)
        if alone is not None:
            return self._series(symbol, next(iter(alone)), None)
        rows = self.rows_of(symbol)
        if rows is None:
            listed = ", ".join(list(self.rows[0])[:5])
            message = f"holds several symbols ({listed}) and not {symbol}"
            raise InputFileError(self.figures.origin.path, [Problem(0, "", "", message)])
        return self._series(symbol, symbol, rows)

    def readers(self, symbols: Sequence[str]) -> dict[str, Callable[[], RawSeries]]:
        """Symbol -> what reads it, for those that are there."""
        return {symbol: partial(self._read, symbol) for symbol in symbols if self._holds(symbol)}

    def _holds(self, symbol: str) -> bool:
        return any(self._held(symbol, at) is not None for at in range(len(self.rows)))

    def _held(self, symbol: str, at: int) -> np.ndarray | None:
        """Rows of a symbol in one column of symbols, in any case."""
        return held_as(symbol.upper(), self.rows[at])

    def _read(self, symbol: str) -> RawSeries:
        return self._series(symbol, symbol, self.rows_of(symbol))

    def _series(self, symbol: str, name: str, rows: np.ndarray | None) -> RawSeries:
        """The rows of a symbol, which the table calls by a name."""
        spelled = held_as(name.upper(), self.written)
        if spelled is None:
            return self.figures.series(symbol, rows)
        return one_of_cases(spelled, self.figures.origin.path, lambda: self.figures.series(symbol, rows))


def one_of_cases(spelled: Sequence[str], path: str, read: Callable[[], RawSeries]) -> RawSeries:
    """Rows of a symbol whose spellings differ in case alone, with a note, or with a problem that names them.

    Raises
    ------
    InputFileError
    """
    listed = " and ".join(sorted(spelled)[:3])
    try:
        raw = read()
    except InputFileError as error:
        message = f"{listed} are read as one ticker; name two firms apart"
        raise InputFileError(path, [*error.problems, Problem(0, "ticker", "", message)], error.unit) from None
    return replace(raw, notes=(*raw.notes, f"rows of {listed}, which differ in case alone, are one series"))


def _in_capitals(known: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The rows of every name in capitals; those of several spellings in the order of the table."""
    found: dict[str, list[np.ndarray]] = {}
    for name, rows in known.items():
        found.setdefault(name.upper(), []).append(rows)
    return {name: rows[0] if len(rows) == 1 else np.sort(np.concatenate(rows)) for name, rows in found.items()}


def _grouped(column: Sequence[object]) -> dict[str, np.ndarray]:
    """Symbol -> its rows, in their order; looking for each among all rows would take the square of their number."""
    codes, values = pd.factorize(pd.Series(column), use_na_sentinel=False)
    same, names = pd.factorize(np.array([str(value).strip() for value in values], dtype=object))
    codes = same[codes]
    ends = np.cumsum(np.bincount(codes, minlength=len(names)))
    rows = np.split(np.argsort(codes, kind="stable"), ends)[: len(names)]
    return {str(name).removesuffix(".0"): own for name, own in zip(names, rows, strict=True) if name}


WIDE = Layout(name="one column per ticker", needs=frozenset(), columns={})


@dataclass(frozen=True, slots=True)
class WideHeadings:
    """Where the dates and the columns of tickers are in a wide table.

    Attributes
    ----------
    dates : int
        -1 where no heading is one of dates.
    columns : tuple of dict
        Heading -> its columns, as written and in lower case.
    """

    dates: int
    columns: tuple[dict[str, list[int]], dict[str, list[int]]]

    @classmethod
    def of(cls, headings: Sequence[object]) -> WideHeadings:
        """The headings of a table, read once for all tickers."""
        at = wide_dates(headings)
        written: dict[str, list[int]] = {}
        lower: dict[str, list[int]] = {}
        for place, heading in enumerate(headings):
            if place != at:
                written.setdefault(name := str(heading).strip(), []).append(place)
                lower.setdefault(name.lower(), []).append(place)
        return cls(at, (written, lower))

    def column(self, symbol: str, held: str = "close") -> Recognised | None:
        """Where the dates and the column of a ticker are; None where the table has no such column.

        Parameters
        ----------
        held : str
            What the columns hold.
        """
        if self.dates < 0:
            return None
        for name, known in zip((symbol, symbol.lower()), self.columns, strict=True):
            if (found := held_as(name, known)) is not None:
                return Recognised(WIDE, {"date": self.dates, held: found[0]}, twice=(symbol,) if len(found) > 1 else ())
        return None
