"""``eventstudy calibrate``: can these p values be believed for these very tickers?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eventstudy.cli.console import tell
from eventstudy.cli.options import EVENTS, Common, EventsArgument, ForceOption, with_study_options
from eventstudy.cli.outcome import Command
from eventstudy.cli.panels import SCALE
from eventstudy.errors import NothingStudied, UsageError

if TYPE_CHECKING:
    from eventstudy.api.calibrate import CalibrationResult


@with_study_options(SCALE, "detail", "audit", "strict", "calibrated", "hold", "hold_min", "volume", "shares", "weight")
def calibrate_command(
    events: EventsArgument = EVENTS,
    event: Annotated[
        list[str] | None, typer.Option("--event", metavar="ID", help="Only the tickers of this event_id.")
    ] = None,
    effect: Annotated[
        list[str] | None,
        typer.Option(
            "--effect", metavar="SIZE", help="Planted on day 0, decimal; repeatable. [default: 0.02 0.03 0.05 0.08]"
        ),
    ] = None,
    force: ForceOption = False,
    *,
    common: Common,
) -> None:
    """Apply every test to the tickers' own uneventful sessions: how often it rejects, and which effects it finds.

    Adds calibration.csv, calibration.md (and .html) and a figure to the folder named with -o; nothing there is removed.
    """
    command = Command.of(common)
    study = command.study(event)
    from eventstudy.api.calibrate import EFFECTS, calibrate

    found = calibrate(events, effects=_sizes(effect) if effect else EFFECTS, progress=command.console.progress, **study)
    written, table = command.write(found, force=force), found.plain
    if common.as_json:
        command.tell_json(found.study, written, _record(found))
    else:
        tell(found.summary())
        tell(f"{len(table)} rates -> {command.out / 'calibration.csv'}")
    if not (table["applicable"] == "yes").any():
        raise NothingStudied("no ticker could be calibrated", hint="calibration.csv gives the reason of each")


def _sizes(texts: Sequence[str]) -> list[float]:
    sizes = []
    for text in texts:
        for part in text.replace(",", " ").split():
            try:
                sizes.append(float(part))
            except ValueError:
                raise UsageError(f"effect {part!r} is not a number", "a decimal such as 0.03 for 3 %") from None
    return sizes


def _record(found: CalibrationResult) -> dict[str, Any]:
    from eventstudy.api.result import record_of
    from eventstudy.report.calibration import at, main_level, main_window

    table = found.plain
    window, level = main_window(table), main_level(record_of(found.study))
    columns = ["ticker", "test", "n", "rate", "std_error", "ci_low", "ci_high"]
    left_out = table[table["applicable"] == "no"]
    return {
        "window": window,
        "level": level,
        "levels": list(found.record.levels),
        "effects": list(found.record.effects),
        "rates": at(table, window, level)[columns].to_dict("records"),
        "not_calibrated": left_out[["ticker", "window", "test", "regime", "reason"]].to_dict("records"),
    }
