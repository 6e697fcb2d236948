"""``eventstudy collect``: filings and dates of results become rows of an events or confounders file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from eventstudy.cli.cache import store_option
from eventstudy.cli.console import Console, tell, tell_json
from eventstudy.cli.options import Common, completed, with_common
from eventstudy.errors import SourceUnavailable, UsageError

if TYPE_CHECKING:
    from eventstudy.api.collect import Collected

collect = typer.Typer(
    name="collect",
    help="Filings and dates of results become rows of a study.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
SOURCES = ("yahoo", "finnhub")
StoreOption = Annotated[
    str | None, typer.Option("--store", metavar="DIR", help="Folder of the store; default: the user's cache folder.")
]
DryOption = Annotated[bool, typer.Option("--dry-run", help="Show what would change and write nothing.")]
SinceOption = Annotated[
    str, typer.Option("--since", metavar="DATE", help="First day, YYYY-MM-DD or a year [default: a year ago].")
]
UntilOption = Annotated[str, typer.Option("--until", metavar="DATE", help="Last day [default: today].")]
TickersArgument = Annotated[list[str], typer.Argument(metavar="TICKER...", help="Tickers, or TICKER=CIK for filings.")]


@collect.command("filings", short_help="SEC filings of a ticker become rows.")
@with_common
def filings_command(
    tickers: TickersArgument,
    forms: Annotated[str, typer.Option("--forms", metavar="LIST", help="Forms, separated by commas.")] = "8-K,6-K",
    items: Annotated[
        str, typer.Option("--items", metavar="LIST", help="Of 8-Ks: only those with any of these items.")
    ] = "",
    since: SinceOption = "",
    until: UntilOption = "",
    amendments: Annotated[bool, typer.Option("--amendments", help="Amended filings (8-K/A) too.")] = False,
    trust_acceptance: Annotated[
        bool,
        typer.Option(
            "--trust-acceptance", help="Do not widen windows back to the day of the event that an 8-K reports."
        ),
    ] = False,
    identity: Annotated[
        str,
        typer.Option("--identity", metavar="TEXT", help="Your name and e-mail address for the SEC [EDGAR_IDENTITY]."),
    ] = "",
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="Events file to write or add to.")] = Path(
        "events.csv"
    ),
    dry_run: DryOption = False,
    store: StoreOption = None,
    *,
    common: Common,
) -> None:
    """Add filings at the SEC to an events file, each dated by the clock of its own header.

    Rows that the file has already stay as they are. What came before a refusal is written; exit 4 then.
    """
    console = common.console
    from eventstudy.api.collect import collect_filings, days_asked
    from eventstudy.api.store import store_folder

    found = collect_filings(
        tickers,
        out,
        forms=_listed(forms, "--forms", "8-K,6-K"),
        items=_listed(items, "--items", "") if items else (),
        days=days_asked(since, until),
        amendments=amendments,
        trust_acceptance=trust_acceptance,
        identity=identity,
        folder=store_folder(store_option(store, common.config)) / "edgar",
        say=console.progress,
        warn=console.warn,
    )
    console.progress_done()
    _finish(found, console, dry_run=dry_run, as_json=common.as_json)


@collect.command("earnings", short_help="Dates of results of a ticker become rows.")
@with_common
def earnings_command(
    tickers: TickersArgument,
    since: SinceOption = "",
    until: UntilOption = "",
    sources: Annotated[
        list[str] | None,
        typer.Option(
            "--from",
            metavar="SOURCE",
            help="yahoo, finnhub (FINNHUB_API_KEY) or a CSV file; repeatable [default: yahoo].",
            autocompletion=completed(SOURCES),
        ),
    ] = None,
    to: Annotated[
        Path, typer.Option("--to", metavar="FILE", help="Confounders or events file to write or add to.")
    ] = Path("confounders.csv"),
    dry_run: DryOption = False,
    *,
    common: Common,
) -> None:
    """Add days of results with their part of the day to a confounders (or events) file.

    With several sources that disagree about an hour the row has no hour, and its notes give the hour of each source.
    """
    console = common.console
    from eventstudy.api.collect import collect_earnings, days_asked

    found = collect_earnings(tickers, to, sources=tuple(sources or ("yahoo",)), days=days_asked(since, until))
    _finish(found, console, dry_run=dry_run, as_json=common.as_json)


def _listed(text: str, option: str, such: str) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if not found:
        raise UsageError(f"{option} is empty", f"such as {such}")
    return found


def _finish(found: Collected, console: Console, *, dry_run: bool, as_json: bool) -> None:
    """Write, or show what would be written; tell what there was; and say by the exit code whether all came."""
    gathered = found.gathered
    assert gathered is not None, "sources were asked"
    for note in [*gathered.notes, *found.merged.notes]:
        console.warn(note)
    for line in gathered.counts:
        console.say(line)
    show(found, console, dry_run=dry_run, as_json=as_json)
    if gathered.failed:
        for failure in gathered.failed:
            console.say(f"not read: {failure}")
        n = len(gathered.failed)
        raise SourceUnavailable(
            f"{'1 part is' if n == 1 else f'{n} parts are'} missing in the answer",
            hint=gathered.hint or "run the command again: finished parts are neither requested nor written again",
        )


def show(collected: Collected, console: Console, *, dry_run: bool, as_json: bool) -> None:
    """Write the file unless this is a rehearsal, and print what was added."""
    from eventstudy.api.collect import summary_of

    found, more = collected.merged, summary_of(collected)
    shown = collected.difference() if dry_run else ""
    if not dry_run:
        collected.write()
    if as_json:
        tell_json(
            {
                "file": str(found.path),
                "written": bool(found.added) and not dry_run,
                "added": len(found.added),
                "known": len(found.known),
                "columns_added": found.columns,
                "difference": shown,
                **more,
                "warnings": [*more.get("warnings", []), *found.notes],
            }
        )
    elif dry_run:
        tell(shown, end="")
    else:
        for row in found.added:
            when = row.get("announced_at") or row.get("at", "")
            name = row.get("event_id") or f"{row.get('tickers', '')} {row.get('kind', '')}"
            tell(" ".join(part for part in (name, when, row.get("timing", ""), row.get("title", "")) if part))
    verb = "would be added to" if dry_run else "added to"
    console.say(f"{len(found.added)} rows {verb} {found.path}; {len(found.known)} are already in it")
