"""``eventstudy cache``: what the price store holds."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from eventstudy.cli.console import Console, tell, tell_json
from eventstudy.cli.options import Common, ForceOption, with_common
from eventstudy.cli.settings import resolve
from eventstudy.errors import EventStudyError, UsageError
from eventstudy.opening import is_file

if TYPE_CHECKING:
    from eventstudy.api.store import PriceStore

cache = typer.Typer(
    name="cache",
    help="What the price store holds: info, path, verify, export, import, clear.",
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
StoreOption = Annotated[str | None, typer.Option("--store", metavar="DIR", help="Folder of the price store.")]


def store_option(store: str | None, config: Path | None) -> str:
    """The store by flag, environment, configuration file or default."""
    return str(resolve({"store": store}, config)["store"].value)


def _open(store: str | None, config: Path | None, console: Console, *, make: bool = False) -> PriceStore:
    from eventstudy.api.store import PriceStore

    return PriceStore.open(store_option(store, config), console.warn, make=make)


@cache.command("path", short_help="Where the store is, whether or not it exists yet.")
@with_common
def path_command(
    store: StoreOption = None,
    *,
    common: Common,
) -> None:
    """Print where the store is, whether or not it exists yet."""
    from eventstudy.api.store import store_file

    console = common.console
    path = store_file(store_option(store, common.config))
    if common.as_json:
        tell_json({"store": str(path), "exists": is_file(path)})
        return
    tell(path)
    console.detail("it is there" if is_file(path) else "nothing is there yet")


@cache.command("info", short_help="Every symbol: vintages, and what the newest one holds.")
@with_common
def info_command(
    store: StoreOption = None,
    *,
    common: Common,
) -> None:
    """List every symbol: how many vintages, and what the newest one holds and where it comes from."""
    console = common.console
    opened = _open(store, common.config, console)
    rows = opened.inventory()
    size = opened.path.stat().st_size
    if common.as_json:
        tell_json({"store": str(opened.path), "bytes": size, "symbols": rows})
        return
    for row in rows:
        tell(
            f"{row['symbol']:<10} {row['vintages']} vintages; newest {row['vintage']}: {row['outcome']}, "
            f"{row['rows']} sessions {row['first']} to {row['last']} {row['currency']}, {row['source']} by "
            f"{row['client']}, fetched {row['fetched_at']}"
        )
    console.say(f"{opened.path}: {len(rows)} symbols, {size} bytes")


@cache.command("verify", short_help="Whether every vintage is what was written.")
@with_common
def verify_command(
    store: StoreOption = None,
    *,
    common: Common,
) -> None:
    """Check that every vintage is what was written, and show what later vintages of a symbol changed.

    Exit 1 if the store is damaged. A revision is the source's doing and no damage.
    """
    console = common.console
    opened = _open(store, common.config, console)
    damage, changes = opened.damage(), opened.revisions()
    if common.as_json:
        tell_json({"store": str(opened.path), "damage": damage, "revisions": changes})
    else:
        for c in changes:
            largest = math.nan if c["largest"] is None else c["largest"]
            tell(
                f"{c['symbol']:<10} vintage {c['newer']} against {c['older']}: {c['column']} differs on {c['n_dates']} "
                f"dates from {c['first']} to {c['last']}, by up to {largest:.3g}"
            )
        for line in damage:
            tell(line)
    if damage:
        raise EventStudyError(
            f"the store {opened.path} is damaged in {len(damage)} places",
            "rows as they were fetched",
            "vintages that are damaged are never used; `eventstudy fetch` brings new ones",
        )
    console.say(f"{opened.path}: intact, {len(changes)} revisions")


@cache.command("export", short_help="The newest vintage of every symbol as SYMBOL.csv.")
@with_common
def export_command(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to write, for --source csv:DIR.")],
    source: Annotated[
        str, typer.Option("--from", metavar="SOURCE", help="Prices of this source only, where the store has several.")
    ] = "",
    force: ForceOption = False,
    store: StoreOption = None,
    *,
    common: Common,
) -> None:
    """Write the newest vintage of every symbol as SYMBOL.csv, and manifest.json with where each comes from."""
    console = common.console
    written = _open(store, common.config, console).export(folder, source, force=force)
    _tell(written, f"{len(written)} symbols -> {folder}", console, as_json=common.as_json)


@cache.command("import", short_help="Read an exported folder back into the store.")
@with_common
def import_command(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder that `cache export` wrote.")],
    store: StoreOption = None,
    *,
    common: Common,
) -> None:
    """Read an exported folder back into the store, each symbol as a vintage with the provenance it had."""
    console = common.console
    kept, known = _open(store, common.config, console, make=True).take(folder)
    text = f"{len(kept)} symbols imported" + (f", {len(known)} were already in the store" if known else "")
    _tell(kept, text, console, as_json=common.as_json)


@cache.command("clear", short_help="Forget every vintage of symbols, or of all.")
@with_common
def clear_command(
    symbols: Annotated[list[str] | None, typer.Argument(metavar="[SYMBOL...]", help="Only these.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    store: StoreOption = None,
    *,
    common: Common,
) -> None:
    """Forget every vintage of the symbols, or of all. They cannot be fetched again as they were."""
    console = common.console
    opened = _open(store, common.config, console)
    what = ", ".join(symbols) if symbols else "every symbol"
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError(f"clearing {what} from {opened.path} needs consent", "--yes", "vintages do not come back")
        tell(f"Forget every vintage of {what} in {opened.path}? [y/N]: ", error=True, end="", flush=True)
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            raise UsageError("nothing was forgotten", "the answer y")
    known = opened.symbols()
    if symbols and (strange := sorted(set(symbols) - known)):
        raise UsageError(f"the store holds no {', '.join(strange)}", ", ".join(sorted(known)) or "a symbol it holds")
    count = opened.clear(symbols or ())
    if common.as_json:
        tell_json({"store": str(opened.path), "symbols": sorted(symbols or known), "vintages_forgotten": count})
        return
    console.say(f"{count} vintages forgotten")


def _tell(symbols: Sequence[str], text: str, console: Console, *, as_json: bool) -> None:
    if as_json:
        tell_json({"symbols": list(symbols)})
        return
    for symbol in symbols:
        tell(symbol)
    console.say(text)
