"""``eventstudy run``: every event of a file into a report folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from eventstudy.cli.console import Console, printable, say_prices, tell, tell_json
from eventstudy.cli.options import EVENTS, Common, EventsArgument, ForceOption, with_study_options
from eventstudy.cli.settings import chosen_formats, resolve, study_spec

if TYPE_CHECKING:
    from eventstudy.api.result import StudyResult


@with_study_options()
def run_command(
    events: EventsArgument = EVENTS,
    event: Annotated[
        list[str] | None,
        typer.Option("--event", metavar="ID", help="Report only this event_id; masks and clusters still see all."),
    ] = None,
    force: ForceOption = False,
    *,
    common: Common,
) -> None:
    """Study every event of EVENTS and write the report.

    Writes summary.md, report.html, a page and a figure an announcement, the tables as CSV, results.json and
    manifest.json into the folder named with -o.
    """
    console = common.console
    settings = resolve(common.flags, common.config)
    spec, formats = study_spec(settings), chosen_formats(settings)
    out = Path(settings["out"].value)
    how = {name: settings[name].value for name in ("detail", "audit", "threads", "workers", "scheduler")}
    from eventstudy.api.run import run
    from eventstudy.api.suggest import missing_results

    result = run(
        events, spec=spec, only=event or (), out=out, formats=formats, force=force, progress=console.progress,
        warn=console.warn, **how,
    )  # fmt: skip
    say_prices(result, console)
    if lacking := missing_results(result):
        console.say(printable(f"note: {lacking}"))
    _print(result, out, console, as_json=common.as_json)
    _judge(result, strict=settings["strict"].value)


def _print(result: StudyResult, out: Path, console: Console, *, as_json: bool) -> None:
    from eventstudy.api.result import audit_of, record_of
    from eventstudy.cli.summary import claim_lines, summary_object

    study, audited = record_of(result), audit_of(result)
    if as_json:
        tell_json(summary_object(study, audited, str(out), result.files), result.spec.digits)
        return
    for line in claim_lines(study):
        tell(line)
    total = result.counts
    tell(f"{total['read']:,} rows read, {total['studied']:,} studied, {total['excluded']:,} excluded -> {out}")
    if audited is not None:
        word = "agree" if audited.agrees else "DISAGREE"
        console.say(
            f"audit: {audited.n_checked} rows and statsmodels {word} (largest relative gap {audited.largest_gap:.1e})"
        )


def _judge(result: StudyResult, *, strict: bool) -> None:
    """Turn what happened into an exit code, after the report is written."""
    from eventstudy.api.outcome import check_audit, check_studied

    check_audit(result, "a regressor may be nearly constant; look at models.csv")
    check_studied(result, strict=strict)
