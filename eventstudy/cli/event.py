"""``eventstudy event``: one announcement on the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eventstudy.cli.console import say_prices, tell, tell_json, writes
from eventstudy.cli.options import Common, ForceOption, with_study_options
from eventstudy.cli.outcome import Command
from eventstudy.cli.panels import SCALE
from eventstudy.errors import NothingStudied, UsageError
from eventstudy.opening import is_file
from eventstudy.spelling import meant

if TYPE_CHECKING:
    from eventstudy.api.result import StudyResult

EVENTS_FILE = Path("events.csv")


@with_study_options(SCALE, "by", "weight", "hold", "hold_min", "detail", "audit", "strict")
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
    *,
    common: Common,
) -> None:
    """Study one announcement: an event_id of the events file, or TICKER WHEN.

    Other announcements in the events file of this folder are masked in the estimation window when there is one.
    """
    command = Command.of(common)
    console = command.console
    from eventstudy.api.report import report
    from eventstudy.api.result import inputs_of
    from eventstudy.api.run import run
    from eventstudy.spec import is_ticker

    if when is None and events == EVENTS_FILE and not is_file(events) and is_ticker(what):
        hint = f"an announcement without a file is TICKER WHEN: eventstudy event {what.upper()} 2025-04-15 --timing amc"
        raise UsageError(f"{events}: no such file to look for {what!r} in", "an events file, or a date", hint)
    how: dict[str, Any] = {**(command.study(None) if save else {"spec": command.spec, "warn": console.warn})}
    how |= {"confounders": _beside(events), "progress": console.progress}
    if when is None:
        if timing or claim:
            raise UsageError("--timing and --claim belong to an ad hoc event", "TICKER WHEN --timing amc")
        result = run(events, **{**how, "only": [what]})
    else:
        how.pop("only", None)
        catalogue = events if is_file(events) else None
        if catalogue is not None:
            console.say(f"masks from the announcements in {events}")
        result = run(what, when, catalogue=catalogue, timing=timing, claimed_return=claim, **how)
    say_prices(result, console)
    positions = _positions(result, ticker)
    _print(
        result,
        positions,
        as_json=common.as_json,
        out=str(command.out),
        summary=summary,
        everything=common.console.verbose,
    )
    if save:
        written = report(result, command.out, command.formats, force=force)
        console.say(f"{len(written)} files -> {command.out}")
    if not positions:
        raise NothingStudied(f"{inputs_of(result).only[0]} could not be studied", hint=_why(result))


def _record(result: StudyResult) -> Any:
    from eventstudy.api.result import record_of

    return record_of(result)


def _beside(events: Path) -> Path | None:
    beside = events.parent / "confounders.csv"
    return beside if is_file(beside) else None


def _positions(result: StudyResult, ticker: str | None) -> list[int]:
    studied = _record(result).studied
    found = [i for i in studied.reported if ticker in (None, studied.text(i, "ticker"))]
    if ticker is not None and not found and studied.reported:
        tickers = [studied.text(i, "ticker") for i in studied.reported]
        raise UsageError(f"the event has no studied ticker {ticker!r}", ", ".join(tickers), meant(ticker, tickers))
    return found


def _why(result: StudyResult) -> str:
    return "; ".join(f"{e.reason}: {e.detail}" for e in _record(result).exclusions)


def _print(
    result: StudyResult, positions: list[int], *, as_json: bool, out: str, summary: bool, everything: bool
) -> None:
    if as_json:
        from eventstudy.cli.summary import summary_object

        tell_json(summary_object(_record(result), None, out, []), result.spec.digits)
        return
    from eventstudy.api.result import estimation_summary
    from eventstudy.cli.terminal import ASCII, UNICODE, event_text
    from eventstudy.report.material import Material

    material = Material(result=_record(result))
    shares = {share.position: share for share in material.moves.shares}
    for k, i in enumerate(positions):
        if k:
            tell("")
        tell(event_text(material, shares[i], UNICODE if writes("".join(UNICODE)) else ASCII, everything=everything))
        if summary:
            tell(estimation_summary(result, i))
