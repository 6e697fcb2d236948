"""``eventstudy fetch``: fill or refresh the price store from Yahoo or another vendor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eventstudy.cli.console import Console, tell
from eventstudy.cli.named import events_file
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
from eventstudy.errors import NothingStudied, UsageError

if TYPE_CHECKING:
    from eventstudy.data.live import Fetched


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
    if spec.offline:
        raise UsageError("fetch asks the source, and --offline forbids it", "fetch without --offline")
    from eventstudy.data.event_index import asked_range, index_events
    from eventstudy.data.events import read_events
    from eventstudy.data.live import LiveSource, refresh
    from eventstudy.data.market import factor_table, wanted_symbols
    from eventstudy.data.shelf import Access
    from eventstudy.data.tickers import yahoo_spelling
    from eventstudy.data.vendors.registry import VENDORS
    from eventstudy.spec import LIVE

    index = index_events(read_events(events_file(events)), None, reach=spec.hold)
    symbols = wanted_symbols(index, range(len(index)), spec)
    access = Access.make(spec.store, False, spec.max_age, spec.benchmarks[0], console.progress, console.warn)
    symbols = list(dict.fromkeys(map(yahoo_spelling, symbols)))
    name = spec.source if spec.source in VENDORS else "yahoo"
    done, error = refresh(LiveSource(name, access), symbols, *asked_range(index, spec))
    console.progress_done()
    _print(done, symbols, str(access.folder), as_json=as_json, error="" if error is None else error.found)
    if error is not None:
        console.say(f"{len(done)} of {len(symbols)} symbols are in the store")
    # the library is asked even where Yahoo refuses: what comes is kept
    if spec.factors == LIVE and (factors := factor_table(spec)) is not None:
        said = factors.notice or factors.vintage
        console.say(f"factors: {said}, {factors.dates[0]} to {factors.dates[-1]}")
    if error is not None:
        raise error
    if not any(fetched.vintage.outcome == "prices" for fetched in done):
        raise NothingStudied(
            f"{VENDORS[name].title} knows none of the symbols", hint="check their spelling and suffixes"
        )


def _print(done: Sequence[Fetched], symbols: Sequence[str], store: str, *, as_json: bool, error: str) -> None:
    if as_json:
        from eventstudy.report.escape import json_dumps
        from eventstudy.results import SCHEMA_VERSION

        tell(
            json_dumps(
                {
                    "schema_version": SCHEMA_VERSION,
                    "store": store,
                    "asked": len(symbols),
                    "kept": len(done),
                    "series": [_record(fetched) for fetched in done],
                    "error": error,
                }
            )
        )
        return
    for fetched in done:
        tell(_line(fetched))


def _record(fetched: Fetched) -> dict[str, Any]:
    from eventstudy.data.vintage import as_record, described

    return {**described(fetched.vintage), "changed": [as_record(change) for change in fetched.changed]}


def _line(fetched: Fetched) -> str:
    v = fetched.vintage
    closed = v.bars.closed()
    if v.outcome != "prices":
        return f"{v.symbol:<10} {v.outcome}: {v.note}"
    said = "first vintage" if not fetched.had_before else "agrees with the vintage before"
    if fetched.changed:
        said = "REVISED: " + "; ".join(
            f"{change.column} on {change.n_dates} dates from {change.first} to {change.last}"
            for change in fetched.changed
        )
    return (
        f"{v.symbol:<10} {len(closed)} sessions {closed[0]} to {closed[-1]}, {v.currency or 'no currency'}, vintage "
        f"{v.id} of {v.fetched_at:%Y-%m-%d %H:%M}Z, body {v.body_sha256[:12]}: {said}"
        + (f" ({v.note})" if v.note else "")
    )
