"""Tables of many tickers: the rows of each in a long one, the column of each in a wide one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
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
    figures : Figures
    rows : list of dict
        For each column of symbols: symbol -> its rows.
    any_case : list of dict
        The same in capitals, without symbols that differ in case alone.
    """

    figures: Figures
    rows: list[dict[str, np.ndarray]]
    any_case: list[dict[str, np.ndarray]]

    @classmethod
    def of(cls, figures: Figures, symbols: Sequence[Sequence[object]]) -> LongTable:
        """The rows of every symbol, from the columns of symbols."""
        rows = [_grouped(column) for column in symbols]
        return cls(figures, rows, [_in_capitals(known) for known in rows])

    def rows_of(self, symbol: str) -> np.ndarray | None:
        """Rows of a symbol, with all those that share its permanent number; None where it is not there.

        Raises
        ------
        InputFileError
            If the ticker stands for two permanent numbers.
        """
        for at in range(len(self.rows)):
            rows = self._held(symbol, at)
            if rows is None:
                continue
            permanent = self.figures.found.layout.permanent and at < len(self.rows) - 1
            numbers = self.rows[-1] if permanent else {}
            mine = [number for number, theirs in numbers.items() if np.isin(rows, theirs).any()]
            if len(mine) > 1:
                message = f"stands for {' and '.join(mine[:3])}; write the number in place of the ticker"
                raise InputFileError(self.figures.origin.path, [Problem(0, "ticker", symbol, message)])
            return numbers[mine[0]] if mine else rows
        return None

    def rows_of_file(self, symbol: str) -> np.ndarray | None:
        """Rows of a file that is named after a symbol: all where it holds one firm, else those of the symbol.

        Raises
        ------
        InputFileError
            If the file holds several symbols and not this one.
        """
        if any(len(known) == 1 for known in self.rows):
            return None
        rows = self.rows_of(symbol)
        if rows is None:
            listed = ", ".join(list(self.rows[0])[:5])
            message = f"holds several symbols ({listed}) and not {symbol}"
            raise InputFileError(self.figures.origin.path, [Problem(0, "", "", message)])
        return rows

    def readers(self, symbols: Sequence[str]) -> dict[str, Callable[[], RawSeries]]:
        """Symbol -> what reads it, for those that are there."""
        return {symbol: partial(self._read, symbol) for symbol in symbols if self._holds(symbol)}

    def _holds(self, symbol: str) -> bool:
        return any(self._held(symbol, at) is not None for at in range(len(self.rows)))

    def _held(self, symbol: str, at: int) -> np.ndarray | None:
        """Rows of a symbol in one column of symbols, in its own case or in another."""
        rows = held_as(symbol, self.rows[at])
        return held_as(symbol.upper(), self.any_case[at]) if rows is None else rows

    def _read(self, symbol: str) -> RawSeries:
        return self.figures.series(symbol, self.rows_of(symbol))


def _in_capitals(known: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    often = Counter(name.upper() for name in known)
    return {name.upper(): rows for name, rows in known.items() if often[name.upper()] == 1}


def _grouped(column: Sequence[object]) -> dict[str, np.ndarray]:
    """Symbol -> its rows, in their order; looking for each among all rows would take the square of their number."""
    codes, values = pd.factorize(pd.Series(column), use_na_sentinel=False)
    same, names = pd.factorize(np.array([str(value).strip() for value in values], dtype=object))
    codes = same[codes]
    ends = np.cumsum(np.bincount(codes, minlength=len(names)))
    rows = np.split(np.argsort(codes, kind="stable"), ends)[: len(names)]
    return {str(name).removesuffix(".0"): own for name, own in zip(names, rows, strict=True) if name}


WIDE = Layout(name="one column a ticker", needs=frozenset(), columns={})


def wide_columns(headings: Sequence[object], symbol: str, held: str = "close") -> Recognised | None:
    """Where the dates and the column of a ticker stand in a wide table; None where it has none.

    Parameters
    ----------
    headings : sequence
    symbol : str
    held : str
        What the columns hold.
    """
    at = wide_dates(headings)
    if at < 0:
        return None
    for spelled in (str, str.lower):
        known: dict[str, list[int]] = {}
        for place, heading in enumerate(headings):
            if place != at:
                known.setdefault(spelled(str(heading).strip()), []).append(place)
        if (found := held_as(spelled(symbol), known)) is not None:
            return Recognised(WIDE, {"date": at, held: found[0]}, twice=(symbol,) if len(found) > 1 else ())
    return None
