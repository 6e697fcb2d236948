"""Dates of results from a table that a vendor or a person wrote: a ticker, a date and a word for the hour."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from eventstudy.data.cells import check_ticker
from eventstudy.data.collect.readings import ABROAD, Answer, Reading, bucket_of, is_home
from eventstudy.data.dates import parse_when
from eventstudy.data.event_headings import ALIASES
from eventstudy.data.event_timing import HEADINGS
from eventstudy.data.layouts import fold
from eventstudy.data.tabular import read_table
from eventstudy.data.tickers import spellings
from eventstudy.errors import InputFileError, Problem

TICKERS = ("ticker", "symbol", "code", "act symbol", "tic")
DATES = ("announced at", *ALIASES["announced_at"], "at")
HOURS = ("timing", *HEADINGS)


def file_answers(path: Path, tickers: Sequence[str], since: date, today: date) -> dict[str, Answer]:
    """Readings of a file for each ticker. Raises ``InputFileError`` if it has no column of tickers or dates, two that
    may be it, or a date that cannot be read, with every problem."""
    table = read_table(path, (), fold_case=True)
    headings = ", ".join(map(repr, table.columns))
    chosen: dict[str, str] = {}
    notes: list[str] = []
    for what, names in (("ticker", TICKERS), ("date", DATES), ("hour", HOURS)):
        found = [name for name in table.columns if fold(name) in names]
        if what == "date" and len(found) > 1 and "date" in found:
            # beside the day of a report, `date` is the end of its period
            found.remove("date")
            notes.append(f"{path.name}: {found[0]!r} is the day of the results, 'date' beside it is left out")
        if not found and what != "hour":
            message = f"no column of {what}s; the headings are {headings}, one of {', '.join(names)} is needed"
            raise InputFileError(str(path), [Problem(1, what, "", message)])
        if len(found) > 1:
            listed = " and ".join(map(repr, found))
            raise InputFileError(str(path), [Problem(1, what, "", f"{listed} may be the {what}; leave one of them")])
        chosen.update((what, name) for name in found)
    words = table.columns[chosen["hour"]] if "hour" in chosen else [""] * len(table.lines)
    name = path.name
    wanted = {spelling.upper(): ticker for ticker in tickers for spelling in spellings(ticker)}
    out = {ticker: Answer(notes=notes if ticker == tickers[0] else []) for ticker in tickers}
    problems: list[Problem] = []
    for line, symbol, when, word in zip(
        table.lines, table.columns[chosen["ticker"]], table.columns[chosen["date"]], words, strict=True
    ):
        ticker = next((wanted[one] for one in spellings(symbol.upper()) if one in wanted), None)
        if ticker is None:
            continue
        try:
            check_ticker(symbol)
            moment, day = parse_when(when)
        except ValueError as error:
            problems.append(Problem(line, chosen["date"], when, str(error)))
            continue
        if day is None:
            problems.append(Problem(line, chosen["date"], when, f"has a clock ({moment}); write the date and a bucket"))
            continue
        bucket = bucket_of(word)
        if bucket is None:
            out[ticker].notes.append(
                f"{ticker}: {word[:20]!r} in line {line} of {name} is not a known hour; left empty"
            )
        if bucket and not is_home(ticker):
            bucket = ""
            if (said := ABROAD.format(ticker=ticker)) not in out[ticker].notes:
                out[ticker].notes.append(said)
        if since <= day <= today:
            out[ticker].readings.append(Reading(ticker, day, bucket or "", f"{when} {word}".strip(), name, True))
    if problems:
        raise InputFileError(str(path), problems)
    for ticker, answer in out.items():
        if not answer.readings:
            answer.notes.append(f"{ticker}: {name} has no row for it from {since} to {today}")
    return out
