"""The report of a study of many events: groups, averages, what was excluded and what is left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eventstudy.engine.models import MODELS
from eventstudy.evaluate.recommend import recommend
from eventstudy.report import escape
from eventstudy.report.csv_rows import csv_text
from eventstudy.report.document import Page, Section, Table
from eventstudy.report.provenance import prices_table
from eventstudy.report.tables import aar_rows, aggregate_rows, table_frame
from eventstudy.report.words import listed, number, p_value, percent
from eventstudy.report.write import ILLUSTRATED, parquet_bytes, tables_text
from eventstudy.results import SCHEMA_VERSION
from eventstudy.spec import ACCESS_FIELDS

if TYPE_CHECKING:
    import pandas as pd

    from eventstudy.report.figures import Figure
    from eventstudy.scale.results import BulkResult

SHOWN_SERIES = 50
LEFT_OUT = "claims, clusters, robustness, overnight and pages of single events"


def build_bulk_files(result: BulkResult, formats: Sequence[str], streamed: Sequence[str]) -> dict[str, bytes]:
    """Every file of the report but the streamed tables and the manifest, as relative path -> bytes.

    Parameters
    ----------
    result : BulkResult
    formats : sequence of str
    streamed : sequence of str
        Files that are already there, which the pages name.
    """
    frames = {
        "aggregate": table_frame("aggregate", aggregate_rows(result.groups)),
        "aar": table_frame("aar", aar_rows(result.group_days)),
    }
    files: dict[str, bytes] = {}
    for name, frame in frames.items():
        if "csv" in formats:
            files[f"{name}.csv"] = csv_text(frame, result.spec.digits).encode()
        if "parquet" in formats:
            files[f"{name}.parquet"] = parquet_bytes(frame)
    if "json" in formats:
        files["results.json"] = _results_text(result, frames).encode()
    if ILLUSTRATED & set(formats):
        from eventstudy.report import figures
        from eventstudy.report.html import report_page
        from eventstudy.report.markdown import render

        with figures.finished_as("png" in formats, result.spec.digits):
            drawn = (figures.group_caar(result.group_days, result.spec.level),) if result.group_days else ()
        page = bulk_page(result, frames["aggregate"], drawn, sorted([*streamed, *files]))
        if "md" in formats:
            files["summary.md"] = render(page).encode()
        if "html" in formats:
            files["report.html"] = report_page(page).encode()
        for figure in drawn:
            files |= figure.files()
    return files


def _results_text(result: BulkResult, frames: Mapping[str, pd.DataFrame]) -> str:
    """results.json: the tables of groups, the counts, and which tables stand in files of their own."""
    spec = {name: value for name, value in asdict(result.spec).items() if name not in (*ACCESS_FIELDS, "notices")}
    spec["factors"], spec["source"] = Path(str(spec["factors"])).name, str(spec["source"]).split(":", 1)[0]
    head: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "spec": spec,
        "counts": result.counts,
        "reasons": [{"stage": s, "reason": r, "count": n} for s, r, n in result.reasons],
        "notices": list(result.notices),
        "left_out": f"tables of single events ({LEFT_OUT}): more than {result.limits.bulk} events",
    }
    return f"{escape.json_dumps(head)[:-2]},\n {tables_text(frames, result.spec.digits)}\n}}\n"


def bulk_page(result: BulkResult, aggregate: pd.DataFrame, drawn: tuple[Figure, ...], files: Sequence[str]) -> Page:
    """The page people read."""
    spec, entry = result.spec, MODELS[result.spec.model]
    against = listed(spec.benchmarks if entry.factors == "all" else spec.benchmarks[:1])
    lead = (
        f"{result.n_studied:,} events (announcement and ticker) studied with the {entry.title} on {against}; "
        f"{result.n_read:,} rows read, {result.n_studied:,} studied, {result.n_excluded:,} excluded with a reason.",
        f"A study of more than {result.limits.bulk:,} events is summarised: its rows stand in {listed(files)}. "
        f"Left out are {LEFT_OUT}"
        + ("." if result.detail else "; abnormal returns by day are written with --detail.")
        + " Tests of one event beyond t, ar1 and local are computed where --tests names them.",
        "An abnormal return is what a stock did beyond what its model expects on a day like that. "
        "It is a statement about prices, not about causes.",
    )
    sections = [_groups(result, aggregate, drawn), _excluded(result), _limits(), _method(result)]
    stale = result.choice.stale if result.choice is not None else ""
    return Page(title="Event study", banner=stale, lead=lead, sections=tuple(s for s in sections if s))


def _groups(result: BulkResult, aggregate: pd.DataFrame, drawn: tuple[Figure, ...]) -> Section | None:
    if aggregate.empty:
        return None
    chosen: dict[tuple[str, str], tuple[str, ...]] = {}
    why: dict[str, None] = {}
    if result.spec.tests == ("auto",):
        for row in result.groups:
            advice = recommend(row.car.count, row.n_dates, row.n_overlapping, row.window.length)
            chosen[row.group, row.window.label] = advice.tests
            why[advice.why] = None
    rows = tuple(
        (
            g.group,
            g.window,
            f"{g.n_events:,}",
            f"{g.n_dates:,}",
            percent(g.caar),
            percent(g.pw_caar),
            g.test,
            number(g.statistic),
            p_value(g.p_value),
            g.applicable,
            g.reason,
        )
        for g in aggregate.itertuples()
        if not chosen or g.test in chosen.get((g.group, g.window), ())
    )
    columns = (
        "group",
        "window",
        "events",
        "dates",
        "CAAR",
        "weighted",
        "test",
        "statistic",
        "p",
        "applicable",
        "reason",
    )
    table = Table(
        caption="Average CAR per group",
        columns=columns,
        rows=rows,
        numeric=frozenset({2, 3, 4, 5, 7, 8}),
        note="all: direct rows only. An announcement under two ids counts once per ticker and day 0. Every other test "
        "stands in the table aggregate.",
    )
    intro = tuple(f"Tests that fit: {reason}." for reason in why) or ("The tests that were named.",)
    return Section(id="groups", title="Groups", intro=intro, tables=(table,), figures=drawn)


def _excluded(result: BulkResult) -> Section:
    ledger = f"{result.n_read:,} rows read = {result.n_studied:,} studied + {result.n_excluded:,} excluded."
    if not result.n_excluded:
        return Section(id="excluded", title="What was excluded", intro=(ledger,))
    reasons = Table(
        caption="Rows that could not be studied, by reason",
        columns=("stage", "reason", "rows"),
        rows=tuple((stage, reason, f"{n:,}") for stage, reason, n in result.reasons),
        numeric=frozenset({2}),
    )
    first = Table(
        caption=f"The first {len(result.first_excluded)} of them",
        columns=("event", "ticker", "stage", "reason", "detail"),
        rows=result.first_excluded,
    )
    return Section(id="excluded", title="What was excluded", intro=(ledger,), tables=(reasons, first))


def _limits() -> Section:
    intro = (
        "Events of one date share its news: tests that treat them as independent reject too often. Read tests that "
        "hold under correlation (kolari-pynnonen, calendar-cov, corrado); where they are too costly for a large group, "
        "aggregate.csv says so, and --tests computes those it names.",
        "A result that is not significant is not a finding of no effect: with many events small effects are found, and "
        "with an effect found its size is what matters.",
    )
    return Section(id="limits", title="What cannot be known", intro=intro)


def _method(result: BulkResult) -> Section:
    spec = result.spec
    intro = [
        f"Model {spec.model}, benchmark {listed(spec.benchmarks)}, {spec.estimation} sessions of estimation, gap "
        f"{spec.gap}, event window {spec.event_window.label}, {spec.returns} total returns, exclude {spec.exclude}, "
        f"missing days {spec.missing}, tests {spec.alternative}.",
        "Rows are in the order of ticker and session. Sums are formed in fixed chunks of 2,048 events, so that threads "
        "and workers change no digit.",
        *(f"Notice: {notice}." for notice in result.notices[:SHOWN_SERIES]),
    ]
    if len(result.series) > SHOWN_SERIES:
        intro.append(f"The first {SHOWN_SERIES} of {len(result.series):,} price series; manifest.json has all of them.")
    table = prices_table(result.series[:SHOWN_SERIES])
    return Section(id="method", title="Method and provenance", intro=tuple(intro), tables=(table,))
