"""``eventstudy regress``: CARs on columns of the events file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from eventstudy.cli.console import tell
from eventstudy.cli.options import EVENTS, Common, EventsArgument, ForceOption, OnlyOption, with_study_options
from eventstudy.cli.outcome import Command
from eventstudy.cli.panels import SCALE

if TYPE_CHECKING:
    from eventstudy.api.regression import RegressionResult


@with_study_options(SCALE, "detail", "audit", "strict", "calibrated", "hold", "hold_min", "volume", "shares", "weight")
def regress_command(
    events: EventsArgument = EVENTS,
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
    event: OnlyOption = None,
    force: ForceOption = False,
    *,
    common: Common,
) -> None:
    """Regress CARs on columns of the events file.

    The primary window of each row, or each --window that is named; one row per ticker and session, direct before peer
    before placebo. Prints the table and adds regression.csv and regression.tex to the folder named with -o.
    """
    command = Command.of(common)
    study = command.study(event)
    from eventstudy.api.regression import regress

    chosen = {} if formula is None else {"formula": formula}
    found = regress(events, allow_small=allow_small, progress=command.console.progress, **chosen, **study)
    written = command.write(found, force=force)
    if formula is None:
        command.console.say("note: no --formula, so the mean CAR; --formula can use every column of the events file")
    if common.as_json:
        command.tell_json(found.study, written, _record(found))
    else:
        tell(found.summary())
    command.judge(found.study)


def _record(found: RegressionResult) -> dict[str, Any]:
    from eventstudy.report.regression import regression_frame

    frame = regression_frame(found.regressions)
    return {
        "formula": found.formula,
        "regressions": [
            {"window": r.window, "n": r.n, "n_dates": r.n_dates, "n_dropped": r.n_dropped, "main": r.main}
            for r in found.regressions
        ],
        "coefficients": frame[frame["main"] == "yes"].to_dict("records"),
    }
