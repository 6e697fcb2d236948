"""``eventstudy validate``: what is wrong with an events file, and how each row is dated. No network."""

from __future__ import annotations

import csv
import io
from typing import Annotated, Any

import typer

from eventstudy.cli.annotations import annotation, chosen_format
from eventstudy.cli.console import tell, tell_json
from eventstudy.cli.options import EVENTS, Common, EventsArgument, completed, with_study_options
from eventstudy.cli.panels import MODEL, OUTPUT, SCALE, TESTS
from eventstudy.cli.settings import resolve, study_spec

FORMATS = ("text", "csv", "json", "github")


@with_study_options(MODEL, TESTS, OUTPUT, SCALE, "model", "out", "currency", "missing", "returns", "max_age")
def validate_command(
    events: EventsArgument = EVENTS,
    output_format: Annotated[
        str,
        typer.Option(
            "--output-format", metavar="FORMAT", help="text, csv, json or github.", autocompletion=completed(FORMATS)
        ),
    ] = "text",
    *,
    common: Common,
) -> None:
    """Check EVENTS and the confounders beside it: every problem at once, then day 0 of every row and why.

    Exit 2 if a file has problems. Overlaps and confounders are listed, they are not problems.
    """
    chosen = chosen_format(output_format, FORMATS, as_json=common.as_json)
    console = common.console
    spec = study_spec(resolve(common.flags, common.config))
    from eventstudy.api.validate import COLUMNS, PROBLEM_COLUMNS, validate

    found = validate(events, spec=spec)
    columns, rows = (COLUMNS, found.rows) if found.ok else (PROBLEM_COLUMNS, found.problem_records)
    if chosen == "json":
        tell_json({"valid": found.ok, "problems": found.problem_records, **({"rows": found.rows} if found.ok else {})})
    elif chosen == "csv":
        _print_csv(columns, rows)
    elif chosen == "text":
        for line in found.lines:
            tell(line)
    else:
        for file, _, p in found.found:
            tell(annotation("error", f"{p.column} {p.message}".strip(), place=(file, p.line)), command=True)
    if not found.ok:
        raise typer.Exit(2)
    for sentence in found.notices:
        console.say(f"note: {sentence}")
    console.say(f"{events}: {len(found.rows)} rows, no problem")


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
