"""events.csv -> EventColumns: one row per announcement and ticker, every problem reported at once."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from eventstudy.data.announced import Announced, midnight_notes, read_announced
from eventstudy.data.categorical import (
    Coded,
    Coder,
    PlainTexts,
    Texts,
    coded,
    column_problems,
    constant,
    repeats,
)
from eventstudy.data.cells import CHECKS, ROLES, are_event_ids, cell_text, check_event_id
from eventstudy.data.event_columns import EventColumns, RawEvents
from eventstudy.data.event_headings import OPTIONAL, REQUIRED, RESERVED, SHOWN, Code, Headings, empty_note, headings_of
from eventstudy.data.event_timing import timing_of
from eventstudy.data.row_keys import blocks_of
from eventstudy.data.tabular import read_blocks
from eventstudy.engine.panel import Ints
from eventstudy.errors import InputFileError, Problem


def read_events(path: str | Path) -> EventColumns:
    """Read an events file, CSV or Parquet. Raises ``InputFileError`` with every problem: line, column, value, what to
    write instead."""
    from eventstudy.data.parquet import is_parquet, read_parquet_columns

    if is_parquet(path):
        return checked(read_parquet_columns(path))
    coders: dict[str, Coder] = {}
    ids: list[str] = []
    lines: list[Ints] = []
    empty = 0
    named: Headings | None = None
    for block in read_blocks(path, ()):
        named = named or headings_of(list(block.columns), 1).checked(str(path))
        empty += block.empty
        lines.append(np.array(block.lines, dtype=np.int64))
        columns = {named.names[name]: cells for name, cells in block.columns.items()}
        ids += columns.pop("event_id", [""] * len(block.lines))
        for name, cells in columns.items():
            coders.setdefault(name, Coder.empty()).add(cells)
    assert named is not None, "a file without rows has been refused"
    done = {name: coder.done() for name, coder in coders.items()}
    notes = [*named.notes, *empty_note(empty)]
    return checked(RawEvents(str(path), np.concatenate(lines), PlainTexts(ids), done, notes=notes))


def events_from_frame(frame: pd.DataFrame, path: str = "<frame>", code: Code | None = None) -> EventColumns:
    """The same columns and the same checks from a pandas frame; missing values count as empty cells. Raises
    ``InputFileError`` as ``read_events``; lines count from 2, as if the frame were a file.

    Parameters
    ----------
    code : Code or None
        How the line of code that adds a missing column is written.
    """
    kept = frame.dropna(how="all")
    if kept.empty:
        raise InputFileError(path, [Problem(0, "", "", "holds no row")])
    names = [str(name) for name in frame.columns]
    twice = [
        Problem(1, name, "", "occurs twice in the header; rename one")
        for name in dict.fromkeys(names)
        if names.count(name) > 1
    ]
    if twice:
        raise InputFileError(path, twice)
    named = headings_of(names, 1, code).checked(path)
    columns = {named.names[name]: _coded_cells(kept.iloc[:, at]) for at, name in enumerate(names)}
    if torn := _torn(columns):
        raise InputFileError(path, torn)
    given = columns.pop("event_id", None)
    ids = PlainTexts([""] * len(kept) if given is None else given.cells())
    lines = np.flatnonzero(~frame.isna().all(axis=1).to_numpy()) + 2
    notes = [*named.notes, *empty_note(len(frame) - len(kept))]
    return checked(RawEvents(path, lines, ids, columns, notes=notes))


def _coded_cells(column: pd.Series) -> Coded:
    """A column of a frame as coded text; a value that comes again is made text once."""
    if pd.api.types.is_object_dtype(column.dtype) and pd.api.types.infer_dtype(column) != "string":
        # 1 and True are equal and are different texts
        return coded([cell_text(value) for value in column])
    codes, values = pd.factorize(column, use_na_sentinel=False)
    texts = coded([cell_text(value) for value in values])
    return Coded(texts.codes[codes], texts.values)


def _torn(columns: Mapping[str, Coded]) -> list[Problem]:
    """Cells with half a character, which no file can hold."""
    return [
        Problem(int(row) + 2, name, "", "holds half of a character (a lone surrogate); remove it")
        for name, column in columns.items()
        for row in np.flatnonzero(column.where(_is_torn))
    ]


def _is_torn(text: str) -> bool:
    return not text.isascii() and any("\ud800" <= c <= "\udfff" for c in text)


def checked(raw: RawEvents) -> EventColumns:
    """The columns of an events file once every cell is right. Raises ``InputFileError`` with every problem."""
    n, lines = len(raw.lines), raw.lines
    columns = {name: raw.columns.get(name, constant("", n)) for name in ("ticker", *OPTIONAL[1:])}
    columns["role"] = columns["role"].replaced(lambda role: role or "direct")
    problems = [*raw.problems, *_reserved_names(raw)]
    if raw.moments is None:
        announced, found = read_announced(raw.columns["announced_at"], lines)
        problems += found
    else:
        announced = raw.moments
    told = timing_of(raw, announced)
    columns["timing"] = told.column
    problems += told.problems
    for name, check in CHECKS.items():
        problems += column_problems(name, columns[name], lines, check)
    ids = with_default_ids(raw.ids, columns["ticker"], announced)
    problems += _id_problems(ids, lines)
    problems += _made_alike(raw.ids, ids, columns["ticker"], lines, raw.unit)
    message = "belongs to a bare date; the row has a clock, so leave it empty"
    clocked = columns["timing"].where(bool) & announced.has_clock
    timing = columns["timing"].take(np.flatnonzero(clocked))
    problems += [Problem(int(line), "timing", cell, message) for line, cell in zip(lines[clocked], timing, strict=True)]
    problems += repeats(
        ids,
        columns["ticker"],
        lines,
        lambda ticker, line: f"with ticker {ticker} is already in {raw.unit} {line}; remove one",
        lambda first, line: f"differs only in case from {first} in {raw.unit} {line}; spell them alike or apart",
    )
    if problems:
        raise InputFileError(raw.path, sorted(problems, key=lambda problem: problem.line), raw.unit)
    extra = {name: cells for name, cells in raw.columns.items() if name not in (*columns, "announced_at", told.heading)}
    return EventColumns(
        path=raw.path,
        lines=lines,
        ids=ids,
        announced=announced,
        columns={**columns, **extra},
        unit=raw.unit,
        notes=(*raw.notes, *told.notes, *midnight_notes(announced, told.column, lines, raw.unit)),
    )


def _id_problems(ids: Texts, lines: Ints) -> list[Problem]:
    found: list[Problem] = []
    for rows in blocks_of(len(ids)):
        texts = ids.take(rows)
        # the plain case first: a million names are looked at
        if are_event_ids(texts):
            continue
        for row, text in zip(rows.tolist(), texts, strict=True):
            try:
                check_event_id(text)
            except ValueError as error:
                found.append(Problem(int(lines[row]), "event_id", text, str(error)))
    return found


def _reserved_names(raw: RawEvents) -> list[Problem]:
    message = "is the name of a column that this program writes; rename it"
    return [Problem(0 if raw.unit == "row" else 1, name, "", message) for name in RESERVED if name in raw.columns]


def _made_alike(own: Texts, ids: Texts, tickers: Coded, lines: Ints, unit: str) -> list[Problem]:
    """Ids made of different tickers that became one, ``A=B`` and ``A_B`` on a day; and tickers of one announcement that
    differ only in case, whose files would be one on some systems."""
    found = []
    spelled = Counter(ticker.lower() for ticker in tickers.values)
    rows = np.flatnonzero(tickers.where(lambda ticker: spelled[ticker.lower()] > 1))
    cases: dict[tuple[str, str], tuple[str, int]] = {}
    for row, name, ticker in zip(rows.tolist(), ids.take(rows), tickers.take(rows), strict=True):
        other, line = cases.setdefault((name.lower(), ticker.lower()), (ticker, int(lines[row])))
        if other != ticker:
            message = f"differs only in case from {other} in {unit} {line} of the same event; spell them alike"
            found.append(Problem(int(lines[row]), "ticker", ticker, message))
    rows = np.flatnonzero(tickers.where(lambda ticker: not set("=^_").isdisjoint(ticker)))
    first: dict[str, tuple[str, int]] = {}
    for row, given, name, ticker in zip(rows.tolist(), own.take(rows), ids.take(rows), tickers.take(rows), strict=True):
        if given:
            continue
        other, line = first.setdefault(name, (ticker, int(lines[row])))
        if other != ticker:
            message = f"{name} is already the id of {other} in {unit} {line}; give the row an event_id"
            found.append(Problem(int(lines[row]), "event_id", "", message))
    return found


def with_default_ids(ids: Texts, tickers: Coded, announced: Announced) -> Texts:
    """The ids of the file, TICKER-DATE where it has no ids."""
    made: list[str] = []
    for rows in blocks_of(len(ids)):
        own = ids.take(rows)
        if all(own) and not made:
            continue
        if not made:
            made = ids.take(np.arange(rows[0]))
        days = announced.day[announced.codes[rows]]
        words = zip(own, tickers.take(rows), announced.text(rows), days, strict=True)
        made += [name or default_id(ticker, when if np.isnat(day) else str(day)) for name, ticker, when, day in words]
    return PlainTexts(made) if made else ids


def default_id(ticker: str, when: str) -> str:
    """TICKER-DATE, characters that an event_id cannot hold replaced by ``_``."""
    text = re.sub(r"[^A-Za-z0-9._-]", "_", f"{ticker}-{when[:10]}")[:64]
    return text if text[:1].isalnum() else f"x{text}"[:64]


def event_notes(events: EventColumns) -> list[str]:
    """Notes on how an events file was read, and on headings that may be misspelt."""
    return [*events.notes, *likely_misspelt(events)]


def likely_misspelt(events: EventColumns) -> list[str]:
    """A sentence for every extra column whose name is nearly that of a known one that the file does not fill."""
    values = {name: set(events.columns[name].values) for name in OPTIONAL if name in events.columns}
    empty = [name for name, known in values.items() if not any(known)]
    # roles have a default and are never empty
    if values["role"] <= {ROLES[0]}:
        empty.append("role")
    found = []
    for name in events.columns:
        if name in (*REQUIRED, *OPTIONAL, *SHOWN, *RESERVED):
            continue
        if close := difflib.get_close_matches(name.lower(), empty, n=1, cutoff=0.75):
            found.append(
                f"column {name!r} of {Path(events.path).name} is kept as an extra one; did you mean {close[0]}?"
            )
    return found
