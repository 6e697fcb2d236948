"""Daily factor returns from a file: read, checked for their unit, and brought onto a stock's sessions."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from eventstudy.data.cells import cell_text
from eventstudy.data.dates import parse_day
from eventstudy.data.prices import Dates, Floats
from eventstudy.data.returns import AlignedSeries
from eventstudy.data.tabular import LARGEST_FILE, read_table
from eventstudy.errors import InputFileError, Problem, UsageError
from eventstudy.opening import content
from eventstudy.reading import decimal

# A market whose daily returns vary by more than this is not in decimals: 100 times the usual one per cent.
PERCENT_DEVIATION = 0.1
RISK_FREE = "rf"


@dataclass(frozen=True, slots=True)
class FactorTable:
    """Factor returns in decimals.

    Attributes
    ----------
    dates : datetime64[D] (n,)
        Strictly increasing.
    columns : dict
        Name in lower case -> float64 (n,); NaN where a cell is empty.
    sha256 : str
        Of the file, or of the figures where there is none.
    unit : str
        Of the figures as they came.
    vintage, fetched_at, notice : str
        Of live factors: data sets with the data base behind each, when they came, and what a reader should know.
    """

    path: str
    dates: Dates
    columns: dict[str, Floats]
    sha256: str
    unit: str = "decimal"
    vintage: str = ""
    fetched_at: str = ""
    notice: str = ""


def read_factors(path: Path) -> FactorTable:
    """A CSV with ``date`` and factor columns in decimals, such as ``mkt_rf,smb,hml,rmw,cma,mom,rf``. Raises
    ``InputFileError``: unreadable dates or numbers, a date twice, or returns in percent; all at once."""
    table = read_table(path, required=("date", RISK_FREE), fold_case=True)
    digest = hashlib.sha256(content(path, LARGEST_FILE)).hexdigest()
    return _checked(str(path), table.columns, table.lines, digest)


def factors_from_frame(frame: pd.DataFrame) -> FactorTable:
    """The same from a pandas frame, whose dates may be its index; ``Mkt-RF`` and ``mkt_rf`` are one name. Raises
    ``InputFileError`` as ``read_factors``."""
    if "date" not in {str(name).strip().lower() for name in frame.columns}:
        frame = frame.rename_axis("date").reset_index()
    names = [str(name).strip().lower().replace("-", "_").replace(" ", "_") for name in frame.columns]
    names = ["mkt_rf" if name in ("mktrf", "mkt") else name for name in names]
    if RISK_FREE not in names:
        message = (
            f"this column is needed and missing; write factors['{RISK_FREE}'] = 0.0 if returns are in excess of it"
        )
        raise InputFileError("<factors>", [Problem(0, RISK_FREE, "", message)])
    columns = {name: [cell_text(cell) for cell in frame.iloc[:, at]] for at, name in enumerate(names)}
    digest = hashlib.sha256(repr(columns).encode()).hexdigest()
    return _checked("<factors>", columns, range(2, len(frame) + 2), digest)


def _checked(path: str, cells: Mapping[str, Sequence[str]], lines: Sequence[int], digest: str) -> FactorTable:
    """The table of some cells once all of them are right."""
    problems: list[Problem] = []
    days: list[np.datetime64] = []
    for text, line in zip(cells["date"], lines, strict=True):
        try:
            days.append(np.datetime64(parse_day(text), "D"))
        except ValueError as error:
            problems.append(Problem(line, "date", text, str(error)))
            days.append(np.datetime64("NaT"))
    columns = {
        name: np.array([_number(text, name, line, problems) for text, line in zip(column, lines, strict=True)])
        for name, column in cells.items()
        if name != "date"
    }
    dates = np.array(days, dtype="datetime64[D]")
    if not problems and len(np.unique(dates)) < len(dates):
        problems.append(Problem(0, "date", "", "a date occurs twice"))
    market = columns.get("mkt_rf", np.array([]))
    if np.isfinite(market).sum() > 20 and float(np.nanstd(market)) > PERCENT_DEVIATION:
        problems.append(
            Problem(0, "mkt_rf", f"{np.nanstd(market):.3g}", "daily deviation: returns in percent; divide by 100")
        )
    if problems:
        raise InputFileError(path, problems)
    order = np.argsort(dates)
    return FactorTable(path, dates[order], {name: values[order] for name, values in columns.items()}, digest)


def _number(text: str, name: str, line: int, problems: list[Problem]) -> float:
    if text == "" or text.lower() in ("nan", "na"):
        return math.nan
    try:
        value = decimal(text)
    except ValueError:
        problems.append(Problem(line, name, text, "is not a number; write a decimal with a point"))
        return math.nan
    if not math.isfinite(value) or abs(value) >= 100:
        problems.append(Problem(line, name, text, "is not a return"))
        return math.nan
    return value


def check_columns(table: FactorTable, columns: tuple[str, ...], model: str) -> None:
    """Raise a UsageError where a model needs a factor that the file does not have."""
    absent = [name for name in columns if name not in table.columns]
    if absent:
        raise UsageError(
            f"{model} needs {', '.join(absent)}, and {table.path} has {', '.join(table.columns)}",
            f"the columns {', '.join(columns)} and {RISK_FREE}",
        )


def with_factors(series: AlignedSeries, table: FactorTable, columns: tuple[str, ...]) -> AlignedSeries:
    """The series less the risk-free return, with factors in place of its benchmarks.

    A return that covers several sessions meets the sum of their factors. A session whose factor is missing, or that
    lies beyond the file, has no factors, and so no abnormal return.
    """
    sessions = series.calendar.sessions
    at = np.searchsorted(table.dates, sessions)
    known = (at < len(table.dates)) & (table.dates[np.minimum(at, len(table.dates) - 1)] == sessions)
    place = np.where(known, at, 0)

    def covered(name: str) -> Floats:
        daily = np.where(known, table.columns[name][place], np.nan)
        total = np.concatenate([[0.0], np.cumsum(np.nan_to_num(daily))])
        missing = np.concatenate([[0], np.cumsum(np.isnan(daily))])
        end = np.arange(len(sessions)) + 1
        start = np.maximum(end - series.span, 0)
        whole = (missing[end] == missing[start]) & (series.span > 0)
        return np.where(whole, total[end] - total[start], np.nan)

    riskless = covered(RISK_FREE)
    factors = np.stack([covered(name) for name in columns])
    seen = np.flatnonzero(np.isfinite(factors).all(axis=0) & np.isfinite(riskless))
    return replace(
        series,
        total=series.total - riskless,
        offset=np.nan_to_num(riskless),
        factors=factors,
        names=columns,
        benchmark_last=int(seen[-1]) if len(seen) else -1,
    )


def with_shifts(series: AlignedSeries, shifts: tuple[int, ...], *, instrument: bool = False) -> AlignedSeries:
    """The market's return at each shift in place of the benchmarks; with ``instrument`` the market's return and the sum
    over the shifts."""
    market = series.factors[0]
    shifted = []
    for shift in shifts:
        moved = np.full(len(market), np.nan)
        if shift >= 0:
            moved[: len(market) - shift] = market[shift:]
        else:
            moved[-shift:] = market[:shift]
        shifted.append(moved)
    name = series.benchmarks[0]
    names: tuple[str, ...]
    if instrument:
        factors, names = np.stack([market, np.sum(shifted, axis=0)]), (name, f"{name} three-session sum")
    else:
        factors = np.stack(shifted)
        names = tuple(name if shift == 0 else f"{name}{shift:+d}" for shift in shifts)
    return replace(series, factors=factors, names=names)


def without_self(series: AlignedSeries, weight: float) -> AlignedSeries:
    """The market without the firm's own part, (Rm - w R) / (1 - w) in simple returns, in place of the benchmarks."""
    market, own = series.factors[0], series.total
    if series.kind == "log":
        rest = np.log1p((np.expm1(market) - weight * np.expm1(own)) / (1 - weight))
    else:
        rest = (market - weight * own) / (1 - weight)
    return replace(series, factors=rest[None], names=(f"{series.benchmarks[0]} without {series.ticker}",))


def with_peers(series: AlignedSeries, n_peers: int, *, market: bool) -> AlignedSeries:
    """The equal-weighted return of the last ``n_peers`` benchmarks in place of them, after the market if asked for."""
    peers = series.factors[-n_peers:].mean(axis=0)
    own = [series.factors[0], peers] if market else [peers]
    names = (series.benchmarks[0], "peers") if market else ("peers",)
    return replace(series, factors=np.stack(own), names=names)


def with_donors(series: AlignedSeries, n_donors: int) -> AlignedSeries:
    """The last ``n_donors`` benchmarks alone, each as a factor of its own."""
    return replace(series, factors=series.factors[-n_donors:], names=series.benchmarks[-n_donors:])
