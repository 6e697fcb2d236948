"""``eventstudy regress``: CARs on columns of the events file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
from eventstudy.cli.outcome import judge_study
from eventstudy.cli.panels import SCALE
from eventstudy.cli.settings import chosen_formats, resolve, study_spec

if TYPE_CHECKING:
    from eventstudy.evaluate.regress import Regression
    from eventstudy.results import StudyResult


@with_study_options(SCALE, "detail", "audit", "strict", "calibrated", "hold", "hold_min", "volume", "shares")
def regress_command(
    events: Annotated[Path, typer.Argument(metavar="[EVENTS]", help="Events file.", show_default=True)] = Path(
        "events.csv"
    ),
    formula: Annotated[
        str | None,
        typer.Option(
            "--formula",
            metavar="FORMULA",
            help="Such as 'car ~ C(category) + claimed_return'. [default: car ~ 1, the mean]",
            show_default=False,
        ),
    ] = None,
    allow_small: Annotated[
        bool, typer.Option("--allow-small", help="Fit several regressors to fewer than 20 rows.")
    ] = False,
    event: Annotated[
        list[str] | None,
        typer.Option("--event", metavar="ID", help="Use only this event_id; masks still see all."),
    ] = None,
    force: ForceOption = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    no_color: ColorOption = False,
    flags: Mapping[str, Any] | None = None,
) -> None:
    """Regress CARs on columns of the events file.

    The primary window of each row, or each --window that is named; one row per ticker and session, direct before peer
    before placebo. Prints the table and adds regression.csv and regression.tex to the folder named with -o.
    """
    console = Console.make(quiet, verbose, no_color)
    settings = resolve(flags or {}, config)
    spec, formats = study_spec(settings), chosen_formats(settings)
    out = Path(settings["out"].value)
    from eventstudy.evaluate.regress import DEFAULT_FORMULA, regress
    from eventstudy.report.csv_rows import csv_text
    from eventstudy.report.regression import regression_frame, regression_tex
    from eventstudy.report.write import add_files, check_writable
    from eventstudy.study import estimated

    check_writable(out)
    # a regression reads CARs and their variances alone
    quick = spec.with_changes(tests=("car-t",))
    result = estimated(events_file(events), spec=quick, only=event or (), progress=console.progress, warn=console.warn)
    found = regress(result.studied, DEFAULT_FORMULA if formula is None else formula, allow_small=allow_small)
    files: dict[str, str | bytes] = {"regression.tex": regression_tex(found)}
    if "csv" in formats:
        files["regression.csv"] = csv_text(regression_frame(found), spec.digits)
    if {"xlsx", "dta"} & set(formats):
        from eventstudy.report.sheets import table_files

        files |= table_files({"regression": regression_frame(found)}, formats, "regression.xlsx")
    written = add_files(out, "regress", files, result, force=force)
    console.progress_done()
    say_prices(result, console)
    if formula is None:
        console.say("note: no --formula, so the mean CAR; every column of the events file can explain it")
    _print(result, found, out, written, as_json=as_json)
    judge_study(result, settings, console)


def _print(
    result: StudyResult, found: Sequence[Regression], out: Path, written: Sequence[str], *, as_json: bool
) -> None:
    from eventstudy.report.escape import json_dumps
    from eventstudy.report.provenance import counts
    from eventstudy.report.regression import regression_frame, regression_text
    from eventstudy.results import SCHEMA_VERSION

    if not as_json:
        tell("\n\n".join(regression_text(r) for r in found))
        return
    frame = regression_frame(found)
    tell(
        json_dumps(
            {
                "schema_version": SCHEMA_VERSION,
                "counts": counts(result),
                "formula": found[0].formula,
                "regressions": [
                    {"window": r.window, "n": r.n, "n_dates": r.n_dates, "n_dropped": r.n_dropped, "main": r.main}
                    for r in found
                ],
                "coefficients": frame[frame["main"] == "yes"].to_dict("records"),
                "out": str(out),
                "files": list(written),
                "warnings": list(result.notices),
            },
            result.spec.digits,
        )
    )
