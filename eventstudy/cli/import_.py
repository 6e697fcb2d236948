"""``eventstudy import``: lists of identifiers and dates become an events file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from eventstudy.cli.console import printable
from eventstudy.cli.options import Common, completed, with_common
from eventstudy.errors import UsageError
from eventstudy.spelling import meant

ORDERS = ("ymd", "mdy", "dmy")
IDS = ("permno", "ticker")


@with_common
def import_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A list: text, CSV, .xlsx or .dta.")],
    dates: Annotated[
        str,
        typer.Option(
            "--dates", metavar="ORDER", help="Order of dates: ymd, mdy or dmy.", autocompletion=completed(ORDERS)
        ),
    ] = "",
    identifier: Annotated[
        str,
        typer.Option(
            "--id", metavar="KIND", help="What identifies a firm: permno or ticker.", autocompletion=completed(IDS)
        ),
    ] = "",
    column: Annotated[
        list[str] | None,
        typer.Option("--column", metavar="NAME=HEADING", help="Which column is what; repeatable. Places count from 1."),
    ] = None,
    zone: Annotated[
        str, typer.Option("--zone", metavar="NAME", help="Zone of clocks without one, such as America/New_York.")
    ] = "",
    sheet: Annotated[
        str, typer.Option("--sheet", metavar="NAME", help="Sheet of a workbook [default: the first].")
    ] = "",
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="Events file to write or add to.")] = Path(
        "events.csv"
    ),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change and write nothing.")] = False,
    *,
    common: Common,
) -> None:
    """Turn a list of identifiers and dates into an events file; the columns found are shown, nothing is guessed.

    Lists of WRDS and Eventus (identifier and date, no headings), requests of EventStudyTools, Excel sheets, Stata files
    and exports with headings are read.
    """
    console = common.console
    for option, text, known in (("--dates", dates, ORDERS), ("--id", identifier, IDS)):
        if text and text not in known:
            raise UsageError(f"{option} {text!r} is unknown", ", ".join(known), meant(text, known))
    from eventstudy.api.collect import import_list
    from eventstudy.cli.collect import show

    found = import_list(
        file, out, identifier=identifier, order=dates, zone=zone, columns=_columns(column or ()), sheet=sheet
    )
    read = "; ".join(f"{name} from {where}" for name, where in found.columns.items())
    console.say(printable(f"{found.n} rows of {file}: {read}"))
    for note in found.notes:
        console.say(printable(f"note: {note}"))
    show(found, console, dry_run=dry_run, as_json=common.as_json)


def _columns(pairs: Sequence[str]) -> dict[str, str]:
    """Which column is what, as the options say."""
    from eventstudy.api.collect import event_columns

    known = event_columns()
    found = {}
    for pair in pairs:
        name, mark, heading = pair.partition("=")
        if not mark or not heading or name not in known:
            raise UsageError(
                f"--column {pair!r} does not have the form NAME=HEADING",
                f"NAME one of {', '.join(known)}",
                meant(name, known),
            )
        found[name] = heading
    return found
