"""``eventstudy run``: every event of a file into a report folder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eventstudy.cli.console import Console, say_prices
from eventstudy.cli.named import events_file
from eventstudy.cli.options import (
    ColorOption,
    ConfigOption,
    JsonOption,
    QuietOption,
    VerboseOption,
    with_study_options,
)
from eventstudy.cli.settings import Setting, chosen_formats, resolve, study_spec
from eventstudy.cli.suggest import suggest_results
from eventstudy.errors import EventStudyError, NothingStudied

if TYPE_CHECKING:
    from eventstudy.evaluate.audit import Audit
    from eventstudy.results import StudyResult


@with_study_options
def run_command(
    events: Annotated[Path, typer.Argument(metavar="[EVENTS]", help="Events file.", show_default=True)] = Path(
        "events.csv"
    ),
    event: Annotated[
        list[str] | None,
        typer.Option("--event", metavar="ID", help="Report only this event_id; masks and clusters still see all."),
    ] = None,
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
    from eventstudy.report.write import check_writable, write_report
    from eventstudy.scale.limits import LIMITS
    from eventstudy.study import run

    check_writable(out)
    columns = read_events(events_file(events))
    if len(columns) > LIMITS.bulk and not event:
        from eventstudy.cli.bulk import run_many

        run_many(columns, spec, settings, formats, console, as_json=as_json)
        return
    result = run(columns, spec=spec, only=event or (), progress=console.progress, warn=console.warn)
    result = _at_size(result, detail=settings["detail"].value)
    audited = _audit(result, settings)
    figures = _figures(result, formats, console)
    written = write_report(result, out, formats, figures, audited)
    console.progress_done()
    say_prices(result, console)
    suggest_results(result, console)
    _print(result, audited, out, written, console, as_json=as_json)
    _judge(result, audited, strict=settings["strict"].value)


def _at_size(result: StudyResult, *, detail: bool) -> StudyResult:
    """The result, without pages and figures of single announcements where there are too many to be read."""
    from dataclasses import replace

    from eventstudy.results import PAGES

    if detail:
        return replace(result, pages=None)
    if (n := len(result.announcements)) <= PAGES:
        return result
    notice = f"pages, cards and figures of the first {PAGES} of {n:,} announcements; --detail writes all"
    return replace(result, notices=(*result.notices, notice))


def _audit(result: StudyResult, settings: Mapping[str, Setting]) -> Audit | None:
    if not settings["audit"].value:
        return None
    from eventstudy.evaluate.audit import audit

    return audit(result.studied)


def _figures(result: StudyResult, formats: tuple[str, ...], console: Console) -> dict[str, Any]:
    from eventstudy.report.write import ILLUSTRATED

    if not ILLUSTRATED & set(formats):
        return {}
    from eventstudy.report.gallery import draw

    return draw(result, console.progress, png="png" in formats)


def _print(
    result: StudyResult, audited: Audit | None, out: Path, written: list[str], console: Console, *, as_json: bool
) -> None:
    from eventstudy.report.provenance import counts

    if as_json:
        from eventstudy.cli.summary import summary_object
        from eventstudy.report.escape import json_dumps

        print(json_dumps(summary_object(result, audited, str(out), written)))
        return
    from eventstudy.cli.summary import claim_lines

    for line in claim_lines(result):
        print(line)
    total = counts(result)
    print(f"{total['read']:,} rows read, {total['studied']:,} studied, {total['excluded']:,} excluded -> {out}")
    if audited is not None:
        word = "agree" if audited.agrees else "DISAGREE"
        console.say(
            f"audit: {audited.n_checked} rows and statsmodels {word} (largest relative gap {audited.largest_gap:.1e})"
        )


def _commonest(result: StudyResult) -> str:
    """The reason that most rows share, where there is one to tell, and where the others stand."""
    most = ""
    for reason, n in Counter(e.reason for e in result.exclusions).most_common(1):
        such = next(e.detail for e in result.exclusions if e.reason == reason)
        most = f"{n} of {result.n_read} rows {reason}, such as: {such}; "
    return f"{most}excluded.csv gives the reason of each row"


def _judge(result: StudyResult, audited: Audit | None, *, strict: bool) -> None:
    """Turn what happened into an exit code, after the report is written."""
    if audited is not None and not audited.agrees:
        raise EventStudyError(
            f"the audit found a relative gap of {audited.largest_gap:.1e} at {audited.worst}",
            "agreement with statsmodels to 1e-9",
            "a regressor may be nearly constant; look at models.csv",
        )
    if not result.studied.reported:
        raise NothingStudied("no event could be studied", hint=_commonest(result))
    if strict and result.exclusions:
        raise NothingStudied(
            f"{len(result.exclusions)} events could not be studied (--strict)",
            hint="excluded.csv gives the reason of each row",
        )
