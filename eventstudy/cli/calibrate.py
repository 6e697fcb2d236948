"""``eventstudy calibrate``: can these p values be believed for these very tickers?"""

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
from eventstudy.cli.panels import SCALE
from eventstudy.cli.settings import chosen_formats, resolve, study_spec
from eventstudy.errors import NothingStudied, UsageError

if TYPE_CHECKING:
    import pandas as pd

    from eventstudy.evaluate.calibrate import Calibration
    from eventstudy.results import StudyResult


@with_study_options(SCALE, "detail", "audit", "strict", "calibrated", "hold", "hold_min", "volume", "shares")
def calibrate_command(
    events: Annotated[Path, typer.Argument(metavar="[EVENTS]", help="Events file.")] = Path("events.csv"),
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
    config: ConfigOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    no_color: ColorOption = False,
    flags: Mapping[str, Any] | None = None,
) -> None:
    """Ask every test about the tickers' own uneventful sessions: how often does it reject, and what does it find?

    Adds calibration.csv, calibration.md (and .html) and a figure to the folder named with -o; nothing there is removed.
    """
    console = Console.make(quiet, verbose, no_color)
    settings = resolve(flags or {}, config)
    spec, formats = study_spec(settings), chosen_formats(settings)
    out = Path(settings["out"].value)
    from eventstudy.evaluate.calibrate import EFFECTS, calibrate, checked_effects
    from eventstudy.report.calibration import calibration_table
    from eventstudy.report.write import add_files, check_writable
    from eventstudy.study import estimated

    effects = checked_effects(_sizes(effect)) if effect else EFFECTS
    check_writable(out)
    result = estimated(events_file(events), spec=spec, only=event or (), progress=console.progress, warn=console.warn)
    found = calibrate(result, effects, console.progress)
    table = calibration_table(found)
    written = add_files(out, "calibrate", _files(result, found, table, formats), result, force=force)
    console.progress_done()
    say_prices(result, console)
    _print(result, found, table, out, written, as_json=as_json)
    if not (table["applicable"] == "yes").any():
        raise NothingStudied("no ticker could be calibrated", hint="calibration.csv gives the reason of each")


def _sizes(texts: Sequence[str]) -> list[float]:
    sizes = []
    for text in texts:
        for part in text.replace(",", " ").split():
            try:
                sizes.append(float(part))
            except ValueError:
                raise UsageError(f"effect {part!r} is no number", "a decimal such as 0.03 for 3 %") from None
    return sizes


def _files(
    result: StudyResult, found: Calibration, table: pd.DataFrame, formats: Sequence[str]
) -> dict[str, str | bytes]:
    """calibration.csv always; pages and figure where the formats ask for them."""
    from eventstudy.report.calibration import calibration_figure, calibration_page
    from eventstudy.report.csv_rows import csv_text
    from eventstudy.report.html import report_page
    from eventstudy.report.markdown import render
    from eventstudy.report.pages import figure_files
    from eventstudy.report.write import ILLUSTRATED

    digits = result.spec.digits
    files: dict[str, str | bytes] = {"calibration.csv": csv_text(table, digits)}
    if not ILLUSTRATED & set(formats):
        return files
    figure = calibration_figure(result, table)
    page = calibration_page(result, found, table, figure)
    if figure is not None:
        files |= figure_files((figure,), formats, digits)
    if "md" in formats:
        files["calibration.md"] = render(page, tables=True)
    if "html" in formats:
        files["calibration.html"] = report_page(page)
    return files


def _print(
    result: StudyResult, found: Calibration, table: pd.DataFrame, out: Path, written: Sequence[str], *, as_json: bool
) -> None:
    from eventstudy.report.calibration import at, main_level, main_window, terminal_lines

    if not as_json:
        for line in terminal_lines(result, table):
            tell(line)
        tell(f"{len(table)} rates -> {out / 'calibration.csv'}")
        return
    from eventstudy.report.escape import json_dumps
    from eventstudy.report.provenance import counts
    from eventstudy.results import SCHEMA_VERSION

    window, level = main_window(table), main_level(result)
    columns = ["ticker", "test", "n", "rate", "std_error", "ci_low", "ci_high"]
    left_out = table[table["applicable"] == "no"]
    tell(
        json_dumps(
            {
                "schema_version": SCHEMA_VERSION,
                "counts": counts(result),
                "window": window,
                "level": level,
                "levels": list(found.levels),
                "effects": list(found.effects),
                "rates": at(table, window, level)[columns].to_dict("records"),
                "not_calibrated": left_out[["ticker", "window", "test", "regime", "reason"]].to_dict("records"),
                "out": str(out),
                "files": list(written),
                "warnings": list(result.notices),
            },
            result.spec.digits,
        )
    )
