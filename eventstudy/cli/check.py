"""``eventstudy check``: a gate on a report, for scheduled runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eventstudy.cli.annotations import annotation, chosen_format
from eventstudy.cli.console import tell, tell_json
from eventstudy.cli.options import Common, completed, with_common
from eventstudy.errors import GateTripped, UsageError, flat

if TYPE_CHECKING:
    from eventstudy.review.gate import Row, Verdict

FORMATS = ("text", "json", "github")
LONGEST = 1000
SHOWN = {"text": 20, "json": 100, "github": 8}


@with_common
def check_command(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Report folder that `run` wrote.")],
    fail_if: Annotated[
        list[str] | None,
        typer.Option("--fail-if", metavar="EXPR", help="Condition that trips the gate, such as 'car[0,1] < -0.05'."),
    ] = None,
    output_format: Annotated[
        str,
        typer.Option(
            "--output-format", metavar="FORMAT", help="text, json or github.", autocompletion=completed(FORMATS)
        ),
    ] = "text",
    *,
    common: Common,
) -> None:
    """Evaluate conditions on a report; exit 5 if one of them is true.

    A condition names counts (excluded, studied, data_age_days) or columns of windows.csv, which are asked of every
    row: in its primary window, or in the one in brackets. abs, max, min, mean (over all rows), and, or, not,
    comparisons, numbers; nothing else.
    """
    from eventstudy.api.machine import check

    chosen = chosen_format(output_format, FORMATS, as_json=common.as_json)
    if not fail_if:
        raise UsageError("check has nothing to check", "--fail-if EXPR, once or more", "--fail-if 'p_t < 0.05'")
    console = common.console
    verdicts = check(folder, fail_if)
    if chosen == "text":
        _print_text(verdicts, None if common.console.verbose else SHOWN["text"])
    else:
        {"json": _print_json, "github": _print_github}[chosen](verdicts, folder)
    for verdict in verdicts:
        for name, n in verdict.undefined:
            where = f" for {n} of {verdict.n_rows} rows" if verdict.by_row and "(" not in name else ""
            console.warn(f"{name} is not known{where}; `{verdict.expression}` counts that comparison as false")
    tripped = [verdict for verdict in verdicts if verdict.tripped]
    if tripped:
        from eventstudy.report.format import count

        said = "is true" if len(tripped) == 1 else "are true"
        raise GateTripped(
            f"{len(tripped)} of {count(len(verdicts), 'condition')} {said}: {'; '.join(v.expression for v in tripped)}",
            hint="that is a finding, not a failure of the program",
        )
    console.say(f"{folder}: no condition is true")


def _print_text(verdicts: Sequence[Verdict], limit: int | None) -> None:
    for verdict in verdicts:
        state = "TRUE " if verdict.tripped else "false"
        rows = f"  {len(verdict.rows)} of {verdict.n_rows} rows" if verdict.by_row else ""
        tell(f"{state} {verdict.expression}{rows}{_values(verdict.values)}")
        for row in verdict.rows[:limit]:
            # a line break inside a name must not look like a line of ours
            said = flat(f"{row.event_id} {row.ticker} {row.window}{_values(row.values, verdict)}", LONGEST)
            tell(f"      {said}")
        if limit is not None and len(verdict.rows) > limit:
            tell(f"      and {len(verdict.rows) - limit} more (-v shows all)")


def _print_github(verdicts: Sequence[Verdict], folder: Path) -> None:
    for verdict in verdicts:
        if not verdict.tripped:
            continue
        title = f"{verdict.expression} is true"
        if not verdict.by_row:
            tell(annotation("error", f"{title}{_values(verdict.values)}", title="eventstudy check"), command=True)
        for row in verdict.rows[: SHOWN["github"]]:
            text = f"{row.event_id} {row.ticker} {row.window}:{_values(row.values, verdict)}"[:LONGEST]
            place = (str(folder / "windows.csv"), row.line) if row.line else None
            tell(annotation("error", text, title=title, place=place), command=True)
        if (more := len(verdict.rows) - SHOWN["github"]) > 0:
            tell(annotation("error", f"and {more} more rows", title=title), command=True)


def _print_json(verdicts: Sequence[Verdict], folder: Path) -> None:
    found = [
        {
            "expression": v.expression,
            "tripped": v.tripped,
            "by_row": v.by_row,
            "rows_asked": v.n_rows if v.by_row else 0,
            "rows_true": len(v.rows),
            "rows": [_record(row, v) for row in v.rows[: SHOWN["json"]]],
            "values": dict(v.values),
            "undefined": dict(v.undefined),
        }
        for v in verdicts
    ]
    tripped = sum(v.tripped for v in verdicts)
    tell_json({"report": str(folder), "tripped": tripped, "checks": found})


def _record(row: Row, verdict: Verdict) -> dict[str, Any]:
    return {
        "event_id": row.event_id,
        "ticker": row.ticker,
        "window": row.window,
        "line": row.line or None,
        "values": _named(row, verdict),
    }


def _named(row: Row, verdict: Verdict) -> dict[str, float | None]:
    return {name: value for name, value in row.values.items() if name in verdict.names}


def _values(values: Any, verdict: Verdict | None = None) -> str:
    kept = {n: v for n, v in values.items() if verdict is None or n in verdict.names}
    return "".join(f"  {name} = {'unknown' if value is None else f'{value:.6g}'}" for name, value in kept.items())
