"""confounders.csv: what else happened. Some kinds are masked in estimation windows, all of them flag windows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from eventstudy.data.cells import cell_text, check_column, check_tickers, check_timing, parse_moments
from eventstudy.data.event_timing import bucket_of
from eventstudy.data.tabular import TextTable, read_table
from eventstudy.errors import InputFileError, Problem

REQUIRED = ("at", "kind")
OPTIONAL = ("timing", "tickers", "title", "source")
_KIND = re.compile(r"[a-z][a-z_]{0,63}")


@dataclass(frozen=True, slots=True)
class ConfounderTable:
    """Things that also move prices.

    Attributes
    ----------
    frame : DataFrame
        ``line``, ``at`` (as written), ``instant`` (UTC or NaT), ``date`` (or NaT), ``timing``, ``tickers`` (tuple of
        text, empty = every ticker), ``kind``, ``title``, ``source``.
    """

    frame: pd.DataFrame
    path: str


def read_confounders(path: str | Path) -> ConfounderTable:
    """Read a confounders file. Raises ``InputFileError`` with every problem: line, column, value, what to write
    instead."""
    return _checked(read_table(path, REQUIRED, fold_case=True))


def confounders_from_frame(frame: pd.DataFrame) -> ConfounderTable:
    """The same from a pandas frame; lines count from 2, as if the frame were a file. Raises ``InputFileError`` as
    ``read_confounders``."""
    names = [str(name).strip() for name in frame.columns]
    if missing := [name for name in REQUIRED if name not in names]:
        message = f"this column is needed and missing; the headings are {', '.join(map(repr, names))}"
        raise InputFileError("<confounders>", [Problem(1, name, "", message) for name in missing])
    columns = {name: [cell_text(cell) for cell in frame.iloc[:, at]] for at, name in enumerate(names)}
    return _checked(TextTable("<confounders>", columns, list(range(2, len(frame) + 2))))


def _checked(table: TextTable) -> ConfounderTable:
    n = len(table.lines)
    columns = {name: table.columns.get(name, [""] * n) for name in (*REQUIRED, *OPTIONAL)}
    problems: list[Problem] = []
    words = {cell: bucket_of(cell) for cell in set(columns["timing"])}
    columns["timing"] = [cell if words[cell] is None else str(words[cell]) for cell in columns["timing"]]
    for name, check in (("kind", _check_kind), ("timing", check_timing), ("tickers", check_tickers)):
        problems += check_column(name, columns[name], table.lines, check)
    moments, dates = parse_moments("at", columns["at"], table.lines, problems)
    problems += [
        Problem(line, "timing", timing, "belongs to a bare date; the row has a clock, so leave it empty")
        for timing, moment, line in zip(columns["timing"], moments, table.lines, strict=True)
        if timing and moment is not None
    ]
    if problems:
        raise InputFileError(table.path, sorted(problems, key=lambda problem: problem.line))
    frame = pd.DataFrame(
        {
            "line": table.lines,
            "at": columns["at"],
            "instant": pd.Series(pd.to_datetime(moments, utc=True)).dt.as_unit("ns"),
            "date": pd.Series(pd.to_datetime(dates)).dt.as_unit("s"),
            "timing": columns["timing"],
            "tickers": pd.Series([tuple(cell.split(";")) if cell else () for cell in columns["tickers"]], dtype=object),
            **{name: columns[name] for name in ("kind", "title", "source")},
        }
    )
    return ConfounderTable(frame, table.path)


def _check_kind(text: str) -> None:
    if not _KIND.fullmatch(text):
        raise ValueError("write a lower-case word such as earnings, macro or company_filing")
