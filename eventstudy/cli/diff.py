"""``eventstudy diff``: what changed between two reports, and what may have moved each number."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from eventstudy.cli.annotations import chosen_format
from eventstudy.cli.console import tell, tell_json
from eventstudy.cli.options import Common, completed, with_common

FORMATS = ("text", "md", "json")
SHOWN = 20
SHOWN_JSON = 100


@with_common
def diff_command(
    before: Annotated[Path, typer.Argument(metavar="A", help="Report folder of the earlier run.")],
    after: Annotated[Path, typer.Argument(metavar="B", help="Report folder of the later run.")],
    output_format: Annotated[
        str,
        typer.Option("--output-format", metavar="FORMAT", help="text, md or json.", autocompletion=completed(FORMATS)),
    ] = "text",
    *,
    common: Common,
) -> None:
    """Compare two report folders: settings, prices, events, claims, CARs, significance, versions.

    Exit 0 whenever they could be compared, whatever they say; -v shows every row.
    """
    from eventstudy.review.account import page, record, text
    from eventstudy.review.difference import difference
    from eventstudy.review.folder import read_folder

    chosen = chosen_format(output_format, FORMATS, as_json=common.as_json)
    folders = read_folder(before), read_folder(after)
    found = difference(*folders)
    if chosen == "json":
        tell_json(record(*folders, found, SHOWN_JSON))
        return
    shown = page(*folders, found, None if common.console.verbose else SHOWN)
    if chosen == "md":
        from eventstudy.report.markdown import render

        tell(render(shown), end="")
        return
    tell(text(shown))
