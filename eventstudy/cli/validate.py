"""``eventstudy validate``: what is wrong with an events file, and how each row is dated. No network."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eventstudy.cli.annotations import annotation, chosen_format
from eventstudy.cli.console import Console, printable
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
from eventstudy.cli.settings import resolve, study_spec
from eventstudy.errors import InputFileError, Problem

if TYPE_CHECKING:
    from eventstudy.data.catalogue import Catalogue
    from eventstudy.spec import StudySpec

FORMATS = ("text", "csv", "json", "github")
# sources that need no network and are those of the user
LOCAL = ("csv", "parquet")
COLUMNS = ("line", "event_id", "ticker", "announced_at", "timing", "day0", "exchange", "rule", "flags", "near")
# (file, what its places count, problem)
Problems = list[tuple[str, str, Problem]]


@with_study_options
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
    problems, catalogue = _read(events)
    if problems:
        _print_problems(problems, chosen)
        raise typer.Exit(2)
    assert catalogue is not None, "read without problems"
    _print_rows(_rows(catalogue, spec), chosen)
    from eventstudy.data.events import event_notes
    from eventstudy.data.filing_clock import table_warnings

    clocks = table_warnings(catalogue.events.frame, catalogue.exchange, catalogue.calendars)
    for sentence in (*event_notes(catalogue.events), *clocks, *_price_notes(catalogue, spec)):
        console.say(f"note: {printable(sentence)}")
    console.say(f"{events}: {len(catalogue.placements)} rows, no problem")


def _read(events: Path) -> tuple[Problems, Catalogue | None]:
    """Problems of both files, or the catalogue."""
    from eventstudy.data.catalogue import build_catalogue
    from eventstudy.data.confounders import read_confounders
    from eventstudy.data.events import read_events

    problems: Problems = []
    table = confounders = None
    beside = events.parent / "confounders.csv"
    try:
        table = read_events(events_file(events))
    except InputFileError as error:
        problems += [(error.path, error.unit, problem) for problem in error.problems]
    try:
        confounders = read_confounders(beside) if beside.is_file() else None
    except InputFileError as error:
        problems += [(error.path, error.unit, problem) for problem in error.problems]
    if problems or table is None:
        return problems, None
    return [], build_catalogue(table, confounders)


def _price_notes(catalogue: Catalogue, spec: StudySpec) -> list[str]:
    """What the closes of price files are and what is refused; nothing where prices come over the network."""
    if spec.source.partition(":")[0] not in LOCAL:
        return []
    from eventstudy.data.market import asked_range, basis_line, series_key, wanted_symbols, with_dates_checked
    from eventstudy.data.sources import open_source

    rows = [row for row, placement in enumerate(catalogue.placements) if placement is not None]
    start, end = asked_range(catalogue, spec)
    prices = open_source(spec).fetch(wanted_symbols(catalogue, rows, spec), start, end)
    prices = with_dates_checked(prices, [series_key(catalogue, row, spec) for row in rows], catalogue.calendars)
    line = basis_line(one.provenance for one in prices.series.values())
    refused = [f"prices of {symbol} are refused: {why}" for symbol, why in prices.refused.items()]
    return [*([f"prices: {line}"] if line else []), *refused]


def _rows(catalogue: Catalogue, spec: StudySpec) -> list[dict[str, Any]]:
    """One line a row: day 0, the rule used, overlaps and what is near."""
    from eventstudy.data.catalogue import nearby, other_days, shares_session

    frame = catalogue.events.frame
    window, rows = spec.event_window, []
    for row, placement in enumerate(catalogue.placements):
        own = catalogue.mates[catalogue.keys[row]]
        flags = []
        if placement is not None:
            days = other_days(catalogue, row, own)
            flags = [
                *(["timing_uncertain"] if placement.uncertain else []),
                *(["shared_session"] if shares_session(catalogue, row, own) else []),
                *(["overlap"] if ((days != 0) & (abs(days) < window.length)).any() else []),
            ]
        near = nearby(catalogue, row, window.start, window.end)
        rows.append(
            {
                "line": int(frame["line"].iat[row]),
                **{name: str(frame[name].iat[row]) for name in ("event_id", "ticker", "announced_at", "timing")},
                "day0": str(placement.date) if placement else "",
                "exchange": catalogue.exchange[row],
                "rule": placement.rule if placement else "the exchange calendar does not reach this date",
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

        print(json_dumps({"schema_version": SCHEMA_VERSION, "valid": False, "problems": found}))
    elif chosen == "csv":
        _print_csv(("file", "line", "column", "value", "message"), found)
    elif chosen == "github":
        for file, _, p in problems:
            print(annotation("error", f"{p.column} {p.message}".strip(), place=(file, p.line)))
    else:
        for file, unit, p in problems:
            print(printable(f"{file}: {p.at(unit)}").replace("\n", " "))


def _print_rows(rows: list[dict[str, Any]], chosen: str) -> None:
    if chosen == "json":
        from eventstudy.report.escape import json_dumps
        from eventstudy.results import SCHEMA_VERSION

        print(json_dumps({"schema_version": SCHEMA_VERSION, "valid": True, "problems": [], "rows": rows}))
    elif chosen == "csv":
        _print_csv(COLUMNS, rows)
    elif chosen == "text":
        for r in rows:
            tail = "".join(f"  [{r[name]}]" for name in ("flags", "near") if r[name])
            print(printable(f"{r['event_id']} {r['ticker']}: day 0 {r['day0'] or 'unknown'} ({r['rule']}){tail}"))


def _print_csv(columns: tuple[str, ...], rows: list[dict[str, Any]]) -> None:
    from eventstudy.report.escape import spreadsheet

    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([[spreadsheet(str(row[name])) for name in columns] for row in rows])
    print(out.getvalue(), end="")
