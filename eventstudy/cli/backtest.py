"""``eventstudy backtest``: out of sample, does the type of an announcement forecast what it does?"""

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
from eventstudy.errors import UsageError

if TYPE_CHECKING:
    from eventstudy.evaluate.backtest import Backtest
    from eventstudy.results import StudyResult

HIGHEST_BPS = 1000
MOST_PLACEBOS = 10_000


@with_study_options(SCALE, "detail", "audit", "strict", "calibrated", "hold", "hold_min", "volume", "shares")
def backtest_command(
    events: Annotated[Path, typer.Argument(metavar="[EVENTS]", help="Events file.", show_default=True)] = Path(
        "events.csv"
    ),
    exit_day: Annotated[
        int | None, typer.Option("--exit", metavar="K", help="Positions end at the close of day K. [default: 5]")
    ] = None,
    cost_bps: Annotated[
        float, typer.Option("--cost-bps", metavar="BPS", help="Half the spread, fee and slippage of the stock, a side.")
    ] = 10.0,
    hedge_bps: Annotated[
        float, typer.Option("--hedge-bps", metavar="BPS", help="The same for the index, per unit of beta.")
    ] = 1.0,
    borrow: Annotated[
        float, typer.Option("--borrow", metavar="RATE", help="Annual rate on a stock sold short, as a decimal.")
    ] = 0.01,
    placebos: Annotated[
        int, typer.Option("--placebos", metavar="N", help="Draws of matched placebo dates; 0 for none.")
    ] = 99,
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
    """Forecast each announcement from earlier ones of its type, and trade on it.

    Walks forward, scores the forecasts against nothing and against the base rate, trades with costs, and repeats it all
    on matched placebo dates. Adds backtest.md, backtest.csv, trades.csv and a figure to the folder named with -o.
    """
    console = Console.make(quiet, verbose, no_color)
    settings = resolve(flags or {}, config)
    spec, formats = study_spec(settings), chosen_formats(settings)
    out = Path(settings["out"].value)
    _check("--cost-bps", cost_bps, HIGHEST_BPS)
    _check("--hedge-bps", hedge_bps, HIGHEST_BPS)
    _check("--borrow", borrow, 1)
    _check("--placebos", placebos, MOST_PLACEBOS)
    from eventstudy.evaluate.backtest import BacktestSpec, backtest
    from eventstudy.evaluate.trading import Costs
    from eventstudy.report.write import add_files, check_writable
    from eventstudy.study import estimated

    check_writable(out)
    costs = Costs(per_side=cost_bps / 10_000, hedge_per_side=hedge_bps / 10_000, borrow=borrow)
    choices = BacktestSpec(exit_day=exit_day, costs=costs, placebos=placebos)
    # a backtest reads CARs and their variances alone
    quick = spec.with_changes(tests=("car-t",))
    result = estimated(events_file(events), spec=quick, only=event or (), progress=console.progress, warn=console.warn)
    found = backtest(result.studied, choices, console.progress)
    written = add_files(out, "backtest", _files(found, result, formats), result, force=force)
    console.progress_done()
    say_prices(result, console)
    _print(found, result, out, written, as_json=as_json)
    judge_study(result, settings, console)


def _check(name: str, value: float, highest: float) -> None:
    if not 0 <= value <= highest:
        raise UsageError(f"{name} {value:g} is out of range", f"0 to {highest:g}")


def _files(found: Backtest, result: StudyResult, formats: Sequence[str]) -> dict[str, str | bytes]:
    """The files of a backtest: tables with csv, page and figure with md, html or png."""
    from eventstudy.report.backtest import backtest_frame, trades_frame
    from eventstudy.report.csv_rows import csv_text
    from eventstudy.report.write import ILLUSTRATED

    files: dict[str, str | bytes] = {}
    if "csv" in formats:
        files["backtest.csv"] = csv_text(backtest_frame(found), result.spec.digits)
        files["trades.csv"] = csv_text(trades_frame(found, result), result.spec.digits)
    if ILLUSTRATED & set(formats):
        from eventstudy.report.backtest_page import backtest_page, date_profits
        from eventstudy.report.figures.equity import equity
        from eventstudy.report.markdown import render
        from eventstudy.report.pages import figure_files

        drawn = found.placebos
        figure = equity(*date_profits(found), drawn.by_date, found.main.net, drawn.net, found.main.rule)
        files["backtest.md"] = render(backtest_page(found, result, figure), tables=True)
        files |= figure_files((figure,), formats, result.spec.digits)
    return files


def _print(found: Backtest, result: StudyResult, out: Path, written: Sequence[str], *, as_json: bool) -> None:
    from eventstudy.report.backtest import backtest_frame
    from eventstudy.report.backtest_page import too_small, verdicts
    from eventstudy.report.escape import json_dumps
    from eventstudy.report.provenance import counts
    from eventstudy.results import SCHEMA_VERSION

    said = verdicts(found, result.spec.level)
    if not as_json:
        tell("\n".join(said))
        tell(f"{len(found.plan.cases.positions)} events, {len(found.variants)} variants -> {out}")
        return
    frame = backtest_frame(found)
    tell(
        json_dumps(
            {
                "schema_version": SCHEMA_VERSION,
                "counts": {**counts(result), "tested": len(found.plan.cases.positions)},
                "too_small": too_small(found),
                "findings": said,
                "main": frame[frame["main"] == "yes"].to_dict("records"),
                "out": str(out),
                "files": list(written),
                "warnings": list(result.notices),
            },
            result.spec.digits,
        )
    )
