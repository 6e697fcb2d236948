"""Layouts of Parquet files of prices: long, wide, or with the two levels of yfinance's columns."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eventstudy.data.layouts import TEXT_FIELDS, Recognised, download_layout, fold, recognised
from eventstudy.data.parquet import kind_of, open_parquet
from eventstudy.data.raw_reader import refuse_headings
from eventstudy.errors import InputFileError, Problem

INDEX_NAMES = ("date", "index", "__index_level_0__")
WANTED = (
    "long: columns ticker, date and close or adj_close, or those of a known layout; or wide: one date column and one "
    "close column per ticker, nothing else"
)


@dataclass(frozen=True, slots=True)
class TableLayout:
    """Layout of a price file.

    Attributes
    ----------
    date : str
        The column of dates.
    ticker : str
        The column of tickers; empty for a wide file.
    numbers : dict
        Column of the file -> what it holds (long), or -> its ticker (wide).
    known : Recognised or None
        The layout of a long file.
    number : str
        The column of permanent numbers of firms beside that of tickers; empty without one.
    held : dict
        Column of a wide file with several columns a ticker -> what it holds.
    """

    date: str
    ticker: str
    numbers: dict[str, str]
    known: Recognised | None = None
    number: str = ""
    held: dict[str, str] = field(default_factory=dict)


def layout_of(path: str | Path) -> TableLayout:
    """Long or wide, and which column is what.

    Raises
    ------
    InputFileError
        Naming every column of the wrong type or that is missing.
    """
    schema = open_parquet(path, f"source parquet:{path}").schema_arrow
    names = list(schema.names)
    types = {name: schema.field(name).type for name in names}
    kinds = {name: kind_of(kind) for name, kind in types.items()}
    known = recognised(names)
    folded = {fold(name): name for name in reversed(names)}
    if known is not None and known.symbols:
        return _long(path, names, known, kinds, types)
    if "ticker" in folded:
        wanted = "date" if "date" not in folded else "close"
        what = "this column is" if wanted == "date" else "close or adj_close is"
        raise InputFileError(str(path), [Problem(0, wanted, "", f"{what} needed and missing; wanted {WANTED}")])
    dates = [name for name, kind in kinds.items() if kind in ("date", "timestamp")]
    dates = dates or [name for name in kinds if name.lower() in INDEX_NAMES and kinds[name] == "text"]
    if len(dates) != 1:
        found = f"has {len(dates)} columns of dates ({', '.join(dates)})" if dates else "has no column of dates"
        raise InputFileError(str(path), [Problem(0, "", "", f"{found}; wanted {WANTED}")])
    if known is not None and {"close", "adj_close", "return"} & set(known.place):
        message = "this column is needed and missing: the file holds figures of one symbol and does not name it"
        raise InputFileError(str(path), [Problem(0, "ticker", "", message)])
    problems = [
        Problem(0, name, str(types[name]), "is not a column of numbers; a wide file holds one close column per ticker")
        for name, kind in kinds.items()
        if name != dates[0] and kind not in ("number", "null")
    ]
    if problems:
        raise InputFileError(str(path), problems)
    numbers = [name for name, kind in kinds.items() if name != dates[0] and kind == "number"]
    levels = {name: level for name in numbers if (level := _two_levels(name)) is not None}
    if len(levels) == len(numbers) and levels:
        return _download(path, dates[0], levels)
    return TableLayout(dates[0], "", {name: name for name in numbers})


def _two_levels(name: str) -> tuple[str, str] | None:
    """The two names of a column that pandas wrote as one, ``('Close', 'ABC')``; None of any other."""
    try:
        names = ast.literal_eval(name) if name.startswith("(") else ()
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    return (str(names[0]), str(names[1])) if isinstance(names, tuple) and len(names) == 2 else None


def _download(path: str | Path, day: str, levels: dict[str, tuple[str, str]]) -> TableLayout:
    """The layout of a frame of yfinance's download, with fields and tickers in either order.

    Raises
    ------
    InputFileError
        If no level names closes.
    """
    field_at = next((at for at in (0, 1) if "close" in {fold(level[at]) for level in levels.values()}), -1)
    if field_at < 0:
        raise refuse_headings(list(levels), str(path), lines=False)
    fields = dict.fromkeys(level[field_at] for level in levels.values())
    layout = download_layout(list(fields))
    held = {name: layout.columns.get(fold(level[field_at]), "") for name, level in levels.items()}
    held = {name: what for name, what in held.items() if what}
    known = Recognised(layout, {"date": 0, **{what: at for at, what in enumerate(dict.fromkeys(held.values()), 1)}})
    return TableLayout(day, "", {name: levels[name][1 - field_at] for name in held}, known, held=held)


def _long(
    path: str | Path, names: Sequence[str], known: Recognised, kinds: dict[str, str], types: dict[str, Any]
) -> TableLayout:
    held = {names[at]: what for what, at in known.place.items() if what != "date"}
    day, ticker = names[known.place["date"]], names[known.symbols[0]]
    found = []
    if known.twice:
        found.append(Problem(0, known.twice[0], "", "is in two columns; remove one"))
    if kinds[day] not in ("date", "timestamp", "text", "number"):
        found.append(Problem(0, day, str(types[day]), "is not a column of dates, timestamps or ISO text"))
    if kinds[ticker] != "text" and fold(ticker) == "ticker":
        found.append(Problem(0, ticker, str(types[ticker]), "is not a column of text"))
    priced = [name for name, what in held.items() if what in ("close", "adj_close", "return")]
    if priced and all(kinds[name] == "null" for name in priced):
        found.append(Problem(0, priced[0], "null", "is not a column of numbers; it holds nothing"))
    found += [
        Problem(0, name, str(types[name]), "is not a column of numbers")
        for name, what in held.items()
        if what not in TEXT_FIELDS and kinds[name] not in ("number", "null", "text")
    ]
    if found:
        raise InputFileError(str(path), found)
    numbers = {name: what for name, what in held.items() if kinds[name] != "null"}
    number = names[known.symbols[-1]] if known.layout.permanent and len(known.symbols) > 1 else ""
    return TableLayout(day, ticker, numbers, known, number)
