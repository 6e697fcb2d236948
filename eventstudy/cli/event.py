"""``eventstudy event``: one announcement on the terminal."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eventstudy.cli.console import Console, say_prices, tell, writes
from eventstudy.cli.named import events_file
from eventstudy.cli.options import (
    ColorOption,
    ConfigOption,
    ForceOption,
    JsonOption,
    QuietOption,
    VerboseOption,
    with_study_options,
)
from eventstudy.cli.panels import SCALE
from eventstudy.cli.settings import chosen_formats, resolve, study_spec
from eventstudy.errors import NothingStudied, UsageError
from eventstudy.spelling import meant

if TYPE_CHECKING:
    from eventstudy.data.event_columns import EventColumns
    from eventstudy.results import StudyResult

EVENTS_FILE = Path("events.csv")


@with_study_options(SCALE, "by", "hold", "hold_min", "detail", "audit", "strict")
def event_command(
    what: Annotated[str, typer.Argument(metavar="ID|TICKER", help="event_id of the events file, or a ticker.")],
    when: Annotated[str | None, typer.Argument(metavar="WHEN", help="Date or date-time of an ad hoc event.")] = None,
    events: Annotated[Path, typer.Option("--events", metavar="FILE", help="Events file.")] = EVENTS_FILE,
    timing: Annotated[str, typer.Option("--timing", metavar="BUCKET", help="bmo, dmh or amc, for a date.")] = "",
    claim: Annotated[str, typer.Option("--claim", metavar="RETURN", help="Claimed return, such as -0.07.")] = "",
    ticker: Annotated[str | None, typer.Option("--ticker", metavar="SYM", help="One of several tickers.")] = None,
    save: Annotated[bool, typer.Option("--save", help="Write its page, tables and figure.")] = False,
    summary: Annotated[bool, typer.Option("--summary", help="Add the statsmodels table of the estimation.")] = False,
    force: ForceOption = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    no_color: ColorOption = False,
    flags: Mapping[str, Any] | None = None,
) -> None:
    """Study one announcement: an event_id of the events file, or TICKER WHEN.

    Other announcements in the events file of this folder are masked in the estimation window when there is one.
    """
    console = Console.make(quiet, verbose, no_color)
    settings = resolve(flags or {}, config)
    spec, formats = study_spec(settings), chosen_formats(settings)
    out = Path(settings["out"].value)
    from eventstudy.report.write import check_writable

    if save:
        check_writable(out)
    table, event_id = _announcements(what, when, events, timing, claim, console)
    from eventstudy.study import run

    beside = events.parent / "confounders.csv"
    confounders = beside if beside.is_file() else None
    result = run(
        table, spec=spec, only=[event_id], confounders=confounders, progress=console.progress, warn=console.warn
    )
    console.progress_done()
    say_prices(result, console)
    positions = _positions(result, ticker)
    _print(result, positions, as_json=as_json, out=str(out), summary=summary, everything=verbose)
    if save:
        _save(result, out, formats, console, force=force)
    if not positions:
        raise NothingStudied(f"{event_id} could not be studied", hint=_why(result))


def _announcements(
    what: str, when: str | None, events: Path, timing: str, claim: str, console: Console
) -> tuple[EventColumns, str]:
    """The events to look at and the event_id asked for."""
    from eventstudy.data.events import events_from_frame, read_events
    from eventstudy.spec import is_ticker

    if when is None and events == EVENTS_FILE and not events.is_file() and is_ticker(what):
        hint = f"an announcement without a file is TICKER WHEN: eventstudy event {what.upper()} 2025-04-15 --timing amc"
        raise UsageError(f"{events}: no such file to look for {what!r} in", "an events file, or a date", hint)
    known = read_events(events_file(events)) if when is None or events.is_file() else None
    if when is None:
        if timing or claim:
            raise UsageError("--timing and --claim belong to an ad hoc event", "TICKER WHEN --timing amc")
        assert known is not None, "read above"
        return known, what
    import numpy as np
    import pandas as pd

    event_id = re.sub(r"[^A-Za-z0-9._-]", "_", f"{what.lstrip('^')}-{when[:10]}")
    if known is not None:
        console.say(f"masks from the announcements in {events}")
        taken = set(known.cells("event_id", np.arange(len(known))))
        while event_id in taken:
            event_id += "-adhoc"
    row = pd.DataFrame(
        [
            {
                "event_id": event_id,
                "ticker": what,
                "announced_at": when,
                "timing": timing,
                "claimed_return": claim,
                "title": f"{what} {when}",
            }
        ]
    )
    own = events_from_frame(row, path="command line")
    return own if known is None else known.joined(own), event_id


def _positions(result: StudyResult, ticker: str | None) -> list[int]:
    found = [i for i in result.studied.reported if ticker in (None, result.studied.text(i, "ticker"))]
    if ticker is not None and not found and result.studied.reported:
        tickers = ", ".join(result.studied.text(i, "ticker") for i in result.studied.reported)
        raise UsageError(f"the event has no studied ticker {ticker!r}", tickers, meant(ticker, tickers.split(", ")))
    return found


def _why(result: StudyResult) -> str:
    return "; ".join(f"{e.reason}: {e.detail}" for e in result.exclusions)


def _print(
    result: StudyResult, positions: list[int], *, as_json: bool, out: str, summary: bool, everything: bool
) -> None:
    if as_json:
        from eventstudy.cli.summary import summary_object
        from eventstudy.report.escape import json_dumps

        tell(json_dumps(summary_object(result, None, out, []), result.spec.digits))
        return
    from eventstudy.cli.terminal import ASCII, UNICODE, event_text
    from eventstudy.report.material import Material

    material = Material(result=result)
    shares = {share.position: share for share in material.moves.shares}
    for k, i in enumerate(positions):
        if k:
            tell("")
        tell(event_text(material, shares[i], UNICODE if writes("".join(UNICODE)) else ASCII, everything=everything))
        if summary:
            from eventstudy.evaluate.audit import estimation_summary

            tell(estimation_summary(result.studied, i))


def _save(result: StudyResult, out: Path, formats: tuple[str, ...], console: Console, *, force: bool) -> None:
    """Write the event's page, tables and figures; other files of the folder stay."""
    from eventstudy.report.write import write_report

    written = write_report(result, out, formats, None, force=force)
    console.say(f"{len(written)} files -> {out}")
