"""Prices and factors as people have them -> a price source, or the words that name one."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from eventstudy.api.frames import Dialect, as_pandas, dialect_of
from eventstudy.errors import InputFileError, Problem, UsageError
from eventstudy.opening import is_folder
from eventstudy.spec import StudySpec

if TYPE_CHECKING:
    import pandas as pd

    from eventstudy.data.factors import FactorTable
    from eventstudy.data.prices import PriceSource

WANTED = (
    "a long or wide frame (pandas, polars, pyarrow, DuckDB), what yf.download() returns, a dict of tickers to series "
    "or frames, a path, or the name of a source"
)
PRICED, DATED, NAMED = ("close", "adj close", "ret", "return"), ("date", "datetime"), ("ticker", "symbol", "permno")


def given_prices(prices: Any, spec: StudySpec) -> tuple[PriceSource | None, StudySpec]:
    """A source, or None and the spec with the source that the prices name.

    Raises
    ------
    InputFileError
        Columns of no known layout, with the line of code that corrects them.
    UsageError
        If the value holds no prices.
    """
    if prices is None:
        return None, spec
    if isinstance(prices, str | os.PathLike):
        return None, spec.with_changes(source=source_of(os.fspath(prices)))
    if hasattr(prices, "fetch"):
        source: PriceSource = prices
        return source, spec
    frame = _of_tickers(prices) if isinstance(prices, Mapping) else as_pandas(prices)
    if frame is None:
        raise UsageError(f"prices are of type {type(prices).__name__}", WANTED)
    return _of_frame(frame, spec, dialect_of(prices)), spec


def source_of(text: str) -> str:
    """The source that a text names: a file, a folder, or what ``source`` takes.

    Raises
    ------
    UsageError
        If it is neither.
    """
    from eventstudy.data.sources import SOURCES
    from eventstudy.spelling import meant_path

    if text.partition(":")[0] in SOURCES:
        return text
    path = Path(text)
    if path.suffix.lower() in (".parquet", ".pq"):
        return f"parquet:{text}"
    if path.suffix.lower() == ".csv" or is_folder(path):
        return f"csv:{text}"
    hint = meant_path(path) or f"a source is one of {', '.join(SOURCES)}"
    raise UsageError(
        f"prices {text[:80]!r} are neither a source nor a file", "a .csv or .parquet file, or a folder", hint
    )


def _of_tickers(prices: Mapping[str, Any]) -> pd.DataFrame | None:
    """A dict of columns, or of tickers to series (wide) or to frames (long)."""
    import pandas as pd

    if all(isinstance(one, pd.Series) for one in prices.values()):
        dated = all(isinstance(one.index, pd.DatetimeIndex) for one in prices.values())
        return pd.DataFrame({str(name): one for name, one in prices.items()}).rename_axis("date" if dated else None)
    frames = {str(name): as_pandas(one) for name, one in prices.items() if not isinstance(one, str | list)}
    if len(frames) < len(prices) or any(one is None for one in frames.values()) or _is_columns(prices):
        return as_pandas(prices)
    parts = [
        one.reset_index().assign(ticker=name) if isinstance(one.index, pd.DatetimeIndex) else one.assign(ticker=name)
        for name, one in frames.items()
        if one is not None
    ]
    return pd.concat(parts, ignore_index=True)


def _is_columns(prices: Mapping[str, Any]) -> bool:
    return any(isinstance(one, np.ndarray) for one in prices.values())


def _of_frame(frame: pd.DataFrame, spec: StudySpec, dialect: Dialect) -> PriceSource:
    import pandas as pd

    from eventstudy.data.sources import source_from_frame

    if isinstance(frame.index, pd.MultiIndex):
        frame = frame.reset_index()
    try:
        source = source_from_frame(frame, spec.input, volume=bool(spec.volume))
    except InputFileError as error:
        if len(error.problems) == 1 and not error.problems[0].value and (code := _mending(frame, dialect)):
            problem = error.problems[0]
            listed = ", ".join(repr(str(name)) for name in frame.columns[:20])
            said = problem.message if problem.column else f"the headings {listed} do not match a known layout"
            reported = Problem(0, problem.column, "", f"{said}; write {code}")
            raise InputFileError("<prices>", [reported]) from None
        raise
    return source


def _mending(frame: pd.DataFrame, dialect: Dialect) -> str:
    """The line of code after which a frame of prices can be read; empty where none comes to mind."""
    import pandas as pd

    if isinstance(frame.columns, pd.MultiIndex):
        return ""
    if isinstance(frame.index, pd.DatetimeIndex):
        frame = frame.rename_axis(frame.index.name or "date").reset_index()
    words = {str(name).strip().lower().replace("_", " "): str(name) for name in frame.columns}
    dates = [name for name in frame.columns if pd.api.types.is_datetime64_any_dtype(frame[name].dtype)]
    numbers = [name for name in frame.columns if pd.api.types.is_numeric_dtype(frame[name].dtype)]
    texts = [name for name in frame.columns if name not in dates and name not in numbers]

    def renamed(old: Any, new: str) -> str:
        return dialect.rename.format(frame="prices", old=old, new=new)

    def near(*wanted: str) -> str:
        import difflib

        found = next((close[0] for one in wanted if (close := difflib.get_close_matches(one, words, n=1))), "")
        return words.get(found, "")

    dated, priced, named = (any(one in words for one in kinds) for kinds in (DATED, PRICED, NAMED))
    if not dated:
        old = str(dates[0]) if dates else near(*DATED) or next((str(n) for n in texts if _is_dates(frame[n])), "")
        if not old and not (priced or named):
            return "prices.index = pd.DatetimeIndex(dates)"
        return renamed(old, "date") if old else dialect.add.format(frame="prices", new="date", value="2025-04-15")
    if priced and not named:
        held = next((str(n) for n in texts if str(n).lower() not in DATED), "")
        return renamed(held, "ticker") if held else dialect.add.format(frame="prices", new="ticker", value="NVDA")
    if named and not priced and numbers:
        return renamed(near(*PRICED, "price", "px last", "prc") or str(numbers[0]), "close")
    if not named and not priced and numbers:
        day = next(words[one] for one in DATED if one in words)
        others = [str(name) for name in texts if str(name).lower() not in DATED]
        if others:
            return f"prices = prices.drop(columns={others!r})"
        return dialect.melt.format(frame="prices", old=day)
    return ""


def _is_dates(column: pd.Series) -> bool:
    first = next((str(value) for value in column if value == value and value is not None), "")
    return first[:4].isdigit() and first[4:5] in ("-", "/")


def given_factors(factors: Any, spec: StudySpec) -> tuple[FactorTable | None, StudySpec]:
    """Daily factors of a frame as a table, or None and the spec with the file that they name.

    Raises
    ------
    InputFileError
        Columns that cannot be read.
    UsageError
        If the value holds no factors, or lacks some that the model needs.
    """
    from eventstudy.choices import checked_model
    from eventstudy.data.factors import check_columns, factors_from_frame
    from eventstudy.engine.models import MODELS

    if factors is None:
        return None, spec
    if isinstance(factors, str | os.PathLike):
        return None, spec.with_changes(factors=os.fspath(factors))
    frame = as_pandas(factors)
    if frame is None:
        raise UsageError(f"factors are a {type(factors).__name__}", "a frame, a path, or 'live'")
    table = factors_from_frame(frame)
    if columns := MODELS[checked_model(spec).model].columns:
        check_columns(table, columns, spec.model)
    return table, spec
