"""``eventstudy backtest``: out of sample, does the type of an announcement forecast what it does?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from eventstudy.cli.console import tell
from eventstudy.cli.options import EVENTS, Common, EventsArgument, ForceOption, OnlyOption, with_study_options
from eventstudy.cli.outcome import Command
from eventstudy.cli.panels import SCALE
from eventstudy.errors import UsageError

if TYPE_CHECKING:
    from eventstudy.api.backtest import BacktestResult


@with_study_options(SCALE, "detail", "audit", "strict", "calibrated", "hold", "hold_min", "volume", "shares", "weight")
def backtest_command(
    events: EventsArgument = EVENTS,
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
    event: OnlyOption = None,
    force: ForceOption = False,
    *,
    common: Common,
) -> None:
    """Forecast each announcement from earlier ones of its type, and trade on it.

    Walks forward, scores the forecasts against nothing and against the base rate, trades with costs, and repeats it all
    on matched placebo dates. Adds backtest.md, backtest.csv, trades.csv and a figure to the folder named with -o.
    """
    command = Command.of(common)
    from eventstudy.api.backtest import HIGHEST_BPS, MOST_PLACEBOS, backtest

    for name, value, highest in (("--cost-bps", cost_bps, HIGHEST_BPS), ("--hedge-bps", hedge_bps, HIGHEST_BPS)):
        _check(name, value, highest)
    _check("--borrow", borrow, 1)
    _check("--placebos", placebos, MOST_PLACEBOS)
    study = command.study(event)
    found = backtest(
        events, exit_day=exit_day, cost_bps=cost_bps, hedge_bps=hedge_bps, borrow=borrow, placebos=placebos,
        progress=command.console.progress, **study,
    )  # fmt: skip
    written = command.write(found, force=force)
    if common.as_json:
        command.tell_json(found.study, written, _record(found))
    else:
        tell(found.summary())
        tell(f"{found.tested} events, {len(found.record.variants)} variants -> {command.out}")
    command.judge(found.study)


def _check(name: str, value: float, highest: float) -> None:
    if not 0 <= value <= highest:
        raise UsageError(f"{name} {value:g} is out of range", f"0 to {highest:g}")


def _record(found: BacktestResult) -> dict[str, Any]:
    from eventstudy.report.backtest import backtest_frame
    from eventstudy.report.backtest_page import too_small

    frame = backtest_frame(found.record)
    return {
        "counts": {**found.study.counts, "tested": found.tested},
        "too_small": too_small(found.record),
        "findings": found.summary().splitlines(),
        "main": frame[frame["main"] == "yes"].to_dict("records"),
    }
