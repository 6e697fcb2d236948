"""``eventstudy run`` on many events: streamed, with progress, and a summary at the end."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from eventstudy.cli.console import Console, printable
from eventstudy.cli.settings import Setting
from eventstudy.errors import NothingStudied

if TYPE_CHECKING:
    from eventstudy.data.event_columns import EventColumns
    from eventstudy.spec import StudySpec


def run_many(
    events: EventColumns,
    spec: StudySpec,
    settings: Mapping[str, Setting],
    formats: tuple[str, ...],
    console: Console,
    *,
    as_json: bool,
) -> None:
    """Study the events and write the report.

    Raises
    ------
    NothingStudied
        If no event could be studied, or under ``--strict`` some could not; the report is written.
    """
    from eventstudy.data.parquet import has_pyarrow
    from eventstudy.scale.executors import executor
    from eventstudy.scale.study import Order, run_bulk

    if settings["formats"].origin == "default":
        # Parquet where it can be written, unless CSV is asked for
        kind = "parquet" if has_pyarrow() else "csv"
        formats = ("md", "html", kind, "json")
    if small := [name for name in ("tex", "xlsx", "dta") if name in formats]:
        console.say(f"note: no {', '.join(small)}: tables in that form are for studies of up to 20,000 events")
    out, path = Path(settings["out"].value), Path(events.path)
    beside = path.parent / "confounders.csv"
    order = Order(
        out=out,
        formats=formats,
        detail=settings["detail"].value,
        confounders=beside if path.is_file() and beside.is_file() else None,
    )
    value = {name: settings[name].value for name in ("threads", "workers", "scheduler")}
    with executor(value["threads"], value["workers"], value["scheduler"]) as chosen:
        result = run_bulk(events, spec, order, chosen, say=console.progress, warn=console.warn)
    console.progress_done()
    if result.choice is not None:
        console.say(f"prices: {result.choice.source} ({printable('; '.join(result.choice.why))})")
    for notice in result.notices[:20]:
        console.say(f"note: {printable(notice)}")
    if as_json:
        from eventstudy.report.escape import json_dumps
        from eventstudy.results import SCHEMA_VERSION

        reasons = [{"stage": stage, "reason": reason, "count": n} for stage, reason, n in result.reasons]
        summary = {"schema_version": SCHEMA_VERSION, "counts": result.counts, "reasons": reasons, "out": str(out)}
        print(json_dumps({**summary, "files": list(result.files), "warnings": list(result.notices)}))
    else:
        total = result.counts
        print(f"{total['read']:,} rows read, {total['studied']:,} studied, {total['excluded']:,} excluded -> {out}")
    if not result.n_studied:
        raise NothingStudied("no event could be studied", hint="the table excluded gives the reason of each row")
    if settings["strict"].value and result.n_excluded:
        raise NothingStudied(
            f"{result.n_excluded:,} events could not be studied (--strict)",
            hint="the table excluded gives the reason of each row",
        )
