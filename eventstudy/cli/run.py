"""``eventstudy run``: every event of a file into a report folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eventstudy.cli.console import Console, say_prices, tell
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
from eventstudy.cli.settings import chosen_formats, resolve, study_spec
from eventstudy.cli.suggest import suggest_results
from eventstudy.errors import EventStudyError, NothingStudied

if TYPE_CHECKING:
    from eventstudy.evaluate.audit import Audit
    from eventstudy.results import StudyResult
    from eventstudy.study_report import Written


@with_study_options()
def run_command(
    events: Annotated[Path, typer.Argument(metavar="[EVENTS]", help="Events file.", show_default=True)] = Path(
        "events.csv"
    ),
    event: Annotated[
        list[str] | None,
        typer.Option("--event", metavar="ID", help="Report only this event_id; masks and clusters still see all."),
    ] = None,
    force: ForceOption = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    no_color: ColorOption = False,
    flags: Mapping[str, Any] | None = None,
) -> None:
    """Study every event of EVENTS and write the report.

    Writes summary.md, report.html, a page and a figure an announcement, the tables as CSV, results.json and
    manifest.json into the folder named with -o.
    """
    console = Console.make(quiet, verbose, no_color)
    settings = resolve(flags or {}, config)
    spec, formats = study_spec(settings), chosen_formats(settings)
    out = Path(settings["out"].value)
    from eventstudy.data.events import read_events
    from eventstudy.report.write import check_writable
    from eventstudy.scale import limits
    from eventstudy.scale.executors import executor
    from eventstudy.study_report import Order, study_into

    check_writable(out)
    columns = read_events(events_file(events))
    value = {name: settings[name].value for name in ("threads", "workers", "scheduler", "detail", "audit", "strict")}
    with executor(value["threads"], value["workers"], value["scheduler"]) as chosen:
        order = Order(
            out=out,
            formats=formats,
            detail=value["detail"],
            audit=value["audit"],
            only=event or (),
            executor=chosen,
            limits=limits.LIMITS,
            force=force,
        )
        written = study_into(columns, spec, order, say=console.progress, warn=console.warn)
    console.progress_done()
    say_prices(written.result, console)
    suggest_results(written.result, console)
    _print(written, out, console, as_json=as_json)
    _judge(written.result, written.audit, strict=value["strict"])


def _print(written: Written, out: Path, console: Console, *, as_json: bool) -> None:
    from eventstudy.report.provenance import counts

    result, audited = written.result, written.audit
    if as_json:
        from eventstudy.cli.summary import summary_object
        from eventstudy.report.escape import json_dumps

        tell(json_dumps(summary_object(result, audited, str(out), written.files), result.spec.digits))
        return
    from eventstudy.cli.summary import claim_lines

    for line in claim_lines(result):
        tell(line)
    total = counts(result)
    tell(f"{total['read']:,} rows read, {total['studied']:,} studied, {total['excluded']:,} excluded -> {out}")
    if audited is not None:
        word = "agree" if audited.agrees else "DISAGREE"
        console.say(
            f"audit: {audited.n_checked} rows and statsmodels {word} (largest relative gap {audited.largest_gap:.1e})"
        )


def _commonest(result: StudyResult) -> str:
    """The reason that most rows share, where there is one to tell, and where the others stand."""
    most = ""
    for _, reason, n in result.reasons[:1]:
        such = next(e.detail for e in result.exclusions if e.reason == reason)
        most = f"{n} of {result.n_read} rows {reason}, such as: {such}; "
    return f"{most}the table excluded (excluded.csv) gives the reason of each row"


def _judge(result: StudyResult, audited: Audit | None, *, strict: bool) -> None:
    """Turn what happened into an exit code, after the report is written."""
    if audited is not None and not audited.agrees:
        raise EventStudyError(
            f"the audit found a relative gap of {audited.largest_gap:.1e} at {audited.worst}",
            "agreement with statsmodels to 1e-9",
            "a regressor may be nearly constant; look at models.csv",
        )
    if not result.totals.n_studied:
        raise NothingStudied("no event could be studied", hint=_commonest(result))
    if strict and (n := result.lost.shape[1]):
        raise NothingStudied(
            f"{n:,} events could not be studied (--strict)",
            hint="the table excluded (excluded.csv) gives the reason of each row",
        )
