"""``eventstudy validate``: what is wrong with an events file, and how each row is dated. No network."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eventstudy.cli.annotations import annotation, chosen_format
from eventstudy.cli.console import Console, tell
from eventstudy.cli.named import events_file
from eventstudy.cli.options import (
    ColorOption,
    ConfigOption,
    JsonOption,
    QuietOption,
    VerboseOption,
    completed,
    with_study_options,
)
from eventstudy.cli.panels import MODEL, OUTPUT, SCALE, TESTS
from eventstudy.cli.settings import resolve, study_spec
from eventstudy.errors import InputFileError, Problem

if TYPE_CHECKING:
    from eventstudy.data.event_index import EventIndex
    from eventstudy.spec import StudySpec

FORMATS = ("text", "csv", "json", "github")
# sources that need no network and are those of the user
LOCAL = ("csv", "parquet")
OUT_OF_REACH = "the exchange calendar does not reach this date"
COLUMNS = ("line", "event_id", "ticker", "announced_at", "timing", "day0", "exchange", "rule", "flags", "near")
# (file, what its places count, problem)
Problems = list[tuple[str, str, Problem]]


@with_study_options(MODEL, TESTS, OUTPUT, SCALE, "model", "out", "currency", "missing", "returns", "max_age")
def validate_command(
    events: Annotated[Path, typer.Argument(metavar="[EVENTS]", help="Events file.")] = Path("events.csv"),
    output_format: Annotated[
        str,
        typer.Option(
            "--output-format", metavar="FORMAT", help="text, csv, json or github.", autocompletion=completed(FORMATS)
        ),
    ] = "text",
    config: ConfigOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    no_color: ColorOption = False,
    flags: Mapping[str, Any] | None = None,
) -> None:
    """Check EVENTS and the confounders beside it: every problem at once, then day 0 of every row and why.

    Exit 2 if a file has problems. Overlaps and confounders are listed, they are no problems.
    """
    chosen = chosen_format(output_format, FORMATS, as_json=as_json)
    console = Console.make(quiet, verbose, no_color)
    spec = study_spec(resolve(flags or {}, config))
    problems, index = _read(events)
    if problems:
        _print_problems(problems, chosen)
        raise typer.Exit(2)
    assert index is not None, "read without problems"
    index, said = _prices(index, spec)
    _print_rows(_rows(index, spec), chosen)
    from eventstudy.data.events import event_notes
    from eventstudy.data.filing_clock import clock_warnings
    from eventstudy.data.outcome_words import outcome_questions

    for sentence in (*event_notes(index.events), *clock_warnings(index), *outcome_questions(index.events), *said):
        console.say(f"note: {sentence}")
    console.say(f"{events}: {len(index)} rows, no problem")


def _read(events: Path) -> tuple[Problems, EventIndex | None]:
    """Problems of both files, or the events on their calendars."""
    from eventstudy.data.confounders import read_confounders
    from eventstudy.data.event_index import index_events
    from eventstudy.data.events import read_events

    problems: Problems = []
    table = confounders = None
    beside = events.parent / "confounders.csv"
    try:
        table = read_events(events_file(events))
    except InputFileError as error:
        problems += [(error.path, error.unit, problem) for problem in error.problems]
    try:
        confounders = read_confounders(beside) if beside.exists() else None
    except InputFileError as error:
        problems += [(error.path, error.unit, problem) for problem in error.problems]
    if problems or table is None:
        return problems, None
    return [], index_events(table, confounders)


def _prices(index: EventIndex, spec: StudySpec) -> tuple[EventIndex, list[str]]:
    """The events on the sessions that price files prove, and what their closes are and what is refused; the events as
    they are where prices come over the network."""
    if spec.source.partition(":")[0] not in LOCAL:
        return index, []
    from dataclasses import replace

    import numpy as np

    from eventstudy.data.batches import Batches
    from eventstudy.data.checked_prices import basis_line
    from eventstudy.data.market import Market
    from eventstudy.data.proven import prove, unfit_notices
    from eventstudy.data.series_index import series_of
    from eventstudy.data.sources import open_source

    series = series_of(index, spec)
    used = np.unique(series.series[index.session >= 0]).tolist()
    batches = Batches(index, series, used, open_source(spec), spec, keep=True)
    proven = prove(batches)
    _, stated = next(iter(batches))
    prices = proven.checked(stated, batches.keys())
    line = basis_line(one.provenance for one in prices.series.values())
    said = [f"prices: {line}"] if line else []
    said += proven.notices
    said += [f"{one.symbol}: {one.provenance.notice}" for one in prices.series.values() if one.provenance.off_calendar]
    market = Market(prices, proven.index.calendars)
    first = np.full(len(series.keys), -1)
    for number in used:
        if market.trouble(series.keys[number]) is None:
            span = market.series(replace(series.keys[number], made_for=""), spec.returns).span
            first[number] = np.argmax(span > 0) if span.any() else -1
    placed = np.flatnonzero(proven.index.session >= 0)
    said += unfit_notices(proven.index, placed, series.series, first, spec)
    said += [f"prices of {symbol} are refused: {why}" for symbol, why in prices.refused.items()]
    return proven.index, [*said, *prices.wrong.values()]


def _rows(index: EventIndex, spec: StudySpec) -> list[dict[str, Any]]:
    """One line a row: day 0, the rule used, overlaps and what is near."""
    window, rows, shared = spec.event_window, [], index.shares_session()
    uncertain = index.uncertain()
    for row in range(len(index)):
        placement, flags = index.placement(row), []
        if placement is not None:
            days = index.other_days(row)
            flags = [
                *(["timing_uncertain"] if uncertain[row] else []),
                *(["shared_session"] if shared[row] else []),
                *(["overlap"] if ((days != 0) & (abs(days) < window.length)).any() else []),
            ]
        near = index.nearby(row, window.start, window.end)
        rows.append(
            {
                "line": int(index.events.lines[row]),
                **{name: index.text(row, name) for name in ("event_id", "ticker", "announced_at", "timing")},
                "day0": str(placement.date) if placement else "",
                "exchange": index.firm(row)[1],
                "rule": placement.rule if placement else index.unlisted.get(index.firm(row)[0], OUT_OF_REACH),
                "flags": ";".join(flags),
                "near": "; ".join(f"{item.day:+d} {item.kind}" for item in near),
            }
        )
    return rows


def _print_problems(problems: Problems, chosen: str) -> None:
    found = [
        {"file": file, "line": p.line, "column": p.column, "value": p.value, "message": p.message}
        for file, _, p in problems
    ]
    if chosen == "json":
        from eventstudy.report.escape import json_dumps
        from eventstudy.results import SCHEMA_VERSION

        tell(json_dumps({"schema_version": SCHEMA_VERSION, "valid": False, "problems": found}))
    elif chosen == "csv":
        _print_csv(("file", "line", "column", "value", "message"), found)
    elif chosen == "github":
        for file, _, p in problems:
            tell(annotation("error", f"{p.column} {p.message}".strip(), place=(file, p.line)), command=True)
    else:
        for file, unit, p in problems:
            tell(f"{file}: {p.at(unit)}".replace("\n", " "))


def _print_rows(rows: list[dict[str, Any]], chosen: str) -> None:
    if chosen == "json":
        from eventstudy.report.escape import json_dumps
        from eventstudy.results import SCHEMA_VERSION

        tell(json_dumps({"schema_version": SCHEMA_VERSION, "valid": True, "problems": [], "rows": rows}))
    elif chosen == "csv":
        _print_csv(COLUMNS, rows)
    elif chosen == "text":
        for r in rows:
            tail = "".join(f"  [{r[name]}]" for name in ("flags", "near") if r[name])
            tell(f"{r['event_id']} {r['ticker']}: day 0 {r['day0'] or 'unknown'} ({r['rule']}){tail}")


def _print_csv(columns: tuple[str, ...], rows: list[dict[str, Any]]) -> None:
    from eventstudy.report.escape import spreadsheet

    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([[spreadsheet(_cell(name, row[name])) for name in columns] for row in rows])
    tell(out.getvalue(), end="")


def _cell(name: str, value: object) -> str:
    """A cell whose own words do not begin like a formula."""
    return f"day {value}" if name == "near" and value else str(value)
