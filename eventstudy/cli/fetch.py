"""``eventstudy fetch``: fill or refresh the price store from Yahoo or another vendor."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from eventstudy.cli.console import Console, tell, tell_json
from eventstudy.cli.options import (
    ColorOption,
    ConfigOption,
    JsonOption,
    QuietOption,
    VerboseOption,
    with_study_options,
)
from eventstudy.cli.panels import OUTPUT, SCALE, TESTS
from eventstudy.cli.settings import resolve, study_spec


@with_study_options(TESTS, OUTPUT, SCALE, "out", "missing", "returns", "exclude", "window")
def fetch_command(
    events: Annotated[Path, typer.Argument(metavar="[EVENTS]", help="Events file.")] = Path("events.csv"),
    config: ConfigOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    no_color: ColorOption = False,
    flags: Mapping[str, Any] | None = None,
) -> None:
    """Ask Yahoo, or the vendor that --source names, for every ticker and benchmark of EVENTS and keep what comes.

    Each symbol becomes a new vintage in the store; with --max-age only those that are older or incomplete. What came
    before a refusal or a failure is kept.
    """
    console = Console.make(quiet, verbose, no_color)
    spec = study_spec(resolve(flags or {}, config))
    from eventstudy.api.fetch import fetch

    found = fetch(events, spec=spec, progress=console.progress, warn=console.warn, strict=False)
    console.progress_done()
    if as_json:
        tell_json(
            {
                "store": found.store,
                "asked": len(found.asked),
                "kept": len(found.fetched),
                "series": found.records,
                "error": "" if found.error is None else found.error.found,
            }
        )
    else:
        for line in found.lines:
            tell(line)
    if found.error is not None and len(found.fetched) < len(found.asked):
        console.say(f"{len(found.fetched)} of {len(found.asked)} symbols are in the store")
    if found.factors:
        console.say(f"factors: {found.factors}")
    if found.error is not None:
        raise found.error
