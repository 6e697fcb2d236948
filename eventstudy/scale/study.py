"""THE RECIPE for many events: panel on the disk, blocks measured and streamed, groups tested, report written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from eventstudy import exclusions
from eventstudy.choices import check_peers, check_tickers, checked_model
from eventstudy.data.event_columns import EventColumns
from eventstudy.data.event_index import index_events, seeds_of
from eventstudy.data.parquet import give_back
from eventstudy.data.prices import PriceSource
from eventstudy.data.sources import open_source
from eventstudy.engine.aggregates import Tally
from eventstudy.engine.measure import chosen_engine
from eventstudy.engine.models import MODELS
from eventstudy.engine.significance.battery import GROUP_TESTS, parts_read
from eventstudy.engine.significance.single_tests import SINGLE_TESTS
from eventstudy.engine_options import conventions
from eventstudy.errors import UsageError
from eventstudy.evaluate.across_events import (
    Summed,
    day_rows,
    group_rows,
)
from eventstudy.prepare import Prepared, Storage, prepare
from eventstudy.report.columns import COLUMNS
from eventstudy.report.event_tables import Column, EventTables, n_rows
from eventstudy.report.write import aside, publish
from eventstudy.room import check_room
from eventstudy.roster import COUNTS_IN_ALL, COUNTS_IN_OWN, Roster, check_by
from eventstudy.scale.chunk import BlockResult, blocks, study_block
from eventstudy.scale.executors import Executor
from eventstudy.scale.limits import LIMITS, Limits
from eventstudy.scale.measured import Job
from eventstudy.scale.passes import Progress, across_events
from eventstudy.scale.results import BulkResult
from eventstudy.scale.spool import Spool
from eventstudy.scale.stream import TableStream, open_stream
from eventstudy.spec import StudySpec
from eventstudy.study import confounders_beside, silent

Say = Callable[[str], None]
LISTED = 100
ROWS_OF_TEXT = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is wanted of a streamed study.

    Attributes
    ----------
    out : Path
        Report folder.
    formats : tuple of str
        ``md``, ``html``, ``csv``, ``json``, ``parquet``.
    detail : bool
        Write abnormal returns by day.
    limits : Limits
    confounders : Path or None
    force : bool
        Replace files of somebody's own that stand in the report's way.
    """

    out: Path
    formats: tuple[str, ...]
    detail: bool = False
    limits: Limits = LIMITS
    confounders: Path | None = None
    force: bool = False


def run_bulk(
    events: EventColumns,
    spec: StudySpec,
    order: Order,
    executor: Executor,
    *,
    prices: PriceSource | None = None,
    say: Say = silent,
    warn: Say = silent,
) -> BulkResult:
    """Study events of any number in bounded memory, and write their report.

    Parameters
    ----------
    events : EventColumns
    spec : StudySpec
    order : Order
    executor : Executor
    prices : PriceSource or None
        None opens ``spec.source``.
    say, warn : callable
        Passing lines of progress; lines that a person should see.

    Returns
    -------
    BulkResult
        The files are in ``order.out`` by then, or nothing is.

    Raises
    ------
    InputFileError, UsageError, SourceUnavailable
        As ``study.run``; UsageError also where the report folder cannot be written (permissions, full disk).

    Checked against
    ---------------
    ``study.run`` on the same events, column by column (tests/scale).
    """
    spec = checked_model(spec)
    check_by(events, spec)
    _refused(events, spec)
    check_room(min(len(events), order.limits.block), spec.event_window.length, len(spec.windows))
    source = open_source(spec, say, warn) if prices is None else prices
    say(f"placing {len(events):,} events on exchange calendars")
    index = index_events(events, confounders_beside(events, order.confounders), reach=spec.hold)
    check_peers(index, spec)
    check_tickers(index, spec)
    with aside(order.out) as folder:
        every = np.arange(len(index), dtype=np.int32)
        storage = Storage(folder=folder / "panel", keep_prices=False)
        ground = prepare(index, every, np.ones(len(index), dtype=bool), source, spec, storage, say)
        job, tables = _job(spec, order, ground, apart=executor.apart), EventTables.of(ground, spec, len(spec.windows))
        measured = _Measured.empty()
        streams = _streams(tables, order, folder)
        _first_pass(job, ground, tables, executor, order, streams, measured, folder, say)
        spool = _spool(measured, folder / "spool.bin", len(spec.windows)) if job.spool and measured.sizes else None
        summed = across_events(job, ground, executor, measured.tally, spool, order.limits.block, say)
        say("tests across events")
        result = _finish(ground, job, order, executor, measured, summed)
        files = {stream.name: stream.close() for stream in streams.values()}
        result, listed = _write_rest(result, order, folder, files)
        written = publish(folder, order.out, listed["files"], listed, force=order.force)
    return replace(result, files=tuple(written))


def _refused(events: EventColumns, spec: StudySpec) -> None:
    """Raise a UsageError where a streamed study cannot do what is asked."""
    if MODELS[spec.model].inference == "none":
        raise UsageError(
            f"{spec.model} fits every event again under every shift, which a study of this size cannot wait for",
            "another model, or fewer events",
            "--model peer, or a part of the events file",
        )
    if any(events.columns["window"].values):
        raise UsageError(
            f"rows of {events.path} name windows of their own, which a streamed study cannot follow",
            "windows for all events: --window A:B",
            "leave the column window out, or study fewer than 20,000 events at a time",
        )


def _job(spec: StudySpec, order: Order, ground: Prepared, *, apart: bool) -> Job:
    """What is wanted of every block; workers ``apart`` map the panel themselves."""
    wanted = [name for name in GROUP_TESTS if name in spec.active_tests]
    # where nothing is named a study of this size computes what the kernels measure for
    cheap = {name for name, entry in SINGLE_TESTS.items() if entry.reads == {"serial"}}
    single = cheap if spec.tests == ("auto",) else spec.active_tests & set(SINGLE_TESTS)
    return Job(
        panel=ground.panel.folder.resolve() if apart and ground.panel.folder is not None else ground.panel,
        spec=spec,
        engine=chosen_engine(spec.engine, len(ground.roster), spec.model, conventions(spec)),
        single=frozenset(single),
        parts=parts_read(wanted),
        same_as_all=ground.groups.same_as_all,
        daily=order.detail,
        spool=any("values" in GROUP_TESTS[name].reads for name in wanted),
    )


@dataclass(slots=True)
class _Measured:
    """Running totals of the first pass."""

    tally: Tally
    row: list[np.ndarray]
    sizes: list[int]
    marks: list[np.ndarray]
    group: list[np.ndarray]
    day: list[np.ndarray]
    n_studied: int

    @classmethod
    def empty(cls) -> _Measured:
        """Nothing yet."""
        return cls(Tally.empty(), [], [], [], [], [], 0)


def _streams(tables: EventTables, order: Order, folder: Path) -> dict[tuple[str, str], TableStream]:
    """(table, kind) -> the stream of every table that has rows of events."""
    columns = {"windows": COLUMNS["windows"], "models": tables.model_columns(), "excluded": COLUMNS["excluded"]}
    if order.detail:
        columns["abnormal_returns"] = COLUMNS["abnormal_returns"]
    return {
        (table, kind): open_stream(kind, folder, table, names)
        for table, names in columns.items()
        for kind in ("csv", "parquet")
        if kind in order.formats
    }


def _first_pass(
    job: Job,
    ground: Prepared,
    tables: EventTables,
    executor: Executor,
    order: Order,
    streams: Mapping[tuple[str, str], TableStream],
    measured: _Measured,
    folder: Path,
    say: Say,
) -> None:
    """Measure every block and write its rows."""
    events = ground.roster
    parts = [events.part(start, stop) for start, stop in blocks(len(events), order.limits.block)]
    tasks = ((job, part, _seeds(job, ground, part)) for part in parts)
    progress = Progress(len(events), "events measured", say)
    with (folder / "spool.bin").open("wb") as spool:
        for part, found in zip(parts, executor.run(study_block, tasks), strict=True):
            _add_rows(streams, "windows", tables.windows(found.measured))
            _add_rows(streams, "models", tables.models(found.measured))
            if job.daily:
                _add_rows(streams, "abnormal_returns", tables.daily(found.measured))
            _keep(measured, ground, part, found, spool, job)
            del found
            give_back()
            progress.add(len(part))
    lost = ground.excluded.ordered()
    for at in range(0, lost.shape[1], ROWS_OF_TEXT):
        some = lost[:, at : at + ROWS_OF_TEXT]
        _add_rows(streams, "excluded", tables.excluded(some[0], ground.sentences.troubles(some)))


def _seeds(job: Job, ground: Prepared, part: Roster) -> np.ndarray | None:
    """Seeds of a block's resampling, where tests of one event are wanted that draw."""
    if all("seed" not in SINGLE_TESTS[name].reads for name in job.single):
        return None
    return seeds_of(ground.index, part.row)


def _add_rows(streams: Mapping[tuple[str, str], TableStream], table: str, columns: Mapping[str, Column]) -> None:
    n = n_rows(columns)
    for (name, _), stream in streams.items():
        if name == table:
            stream.add(columns, n)


def _keep(measured: _Measured, ground: Prepared, part: Roster, found: BlockResult, spool: Any, job: Job) -> None:
    """Add a block to the running totals."""
    events = found.measured.events
    measured.tally.add(found.tally)
    measured.n_studied += len(events)
    if len(found.lost):
        kinds = np.where(found.lost_obs < ground.sentences.needed, exclusions.FEW, exclusions.DEFICIENT)
        lost = part.row[found.lost], kinds, part.series[found.lost], part.session[found.lost]
        ground.excluded.add(*lost, found.lost_obs)
    if job.spool:
        spool.write(np.ascontiguousarray(found.spool).tobytes())
        measured.sizes.append(len(events))
        measured.row.append(events.row)
        measured.marks.append(events.marks)
        measured.group.append(events.group)
        measured.day.append(ground.panel.facts.day(events.series, events.session).astype(np.int32))


def _finish(
    ground: Prepared, job: Job, order: Order, executor: Executor, measured: _Measured, summed: Summed
) -> BulkResult:
    """The tests across events, and the counts."""
    spec, events = job.spec, ground.index.events
    same = ground.groups.same_as_all
    groups = [(name, 0 if number == same else number) for number, name in enumerate(ground.groups.names)]
    lost = ground.excluded.ordered()
    first = lost[:, :LISTED]
    names = zip(events.ids.take(first[0]), events.columns["ticker"].take(first[0]), strict=True)
    return BulkResult(
        spec=spec,
        events=events.path,
        n_read=ground.n_read,
        n_studied=measured.n_studied,
        n_excluded=lost.shape[1],
        reasons=ground.sentences.reasons(lost),
        first_excluded=tuple(
            (*name, *trouble) for name, trouble in zip(names, ground.sentences.troubles(first), strict=True)
        ),
        groups=group_rows(summed, groups, spec),
        group_days=day_rows(summed.tally.days, groups, spec),
        notices=(*ground.notices, *_left_out(spec, order.limits.bulk)),
        series=ground.provenance,
        choice=ground.choice,
        factors=ground.factors,
        engine=job.engine,
        executor=executor.words,
        detail=order.detail,
        limits=order.limits,
        files=(),
    )


def _left_out(spec: StudySpec, most: int) -> tuple[str, ...]:
    """Choices that ask for what a streamed study does not hold."""
    asked = {"--hold": spec.hold, "--shares": spec.shares, "--volume": spec.volume, "--calibrated": spec.calibrated}
    named = [option for option, value in asked.items() if value]
    return (f"{', '.join(named)}: only for studies of up to {most:,} events; nothing of it is here",) if named else ()


def _spool(measured: _Measured, path: Path, n_windows: int) -> Spool:
    marks = np.concatenate(measured.marks)
    return Spool(
        path=path,
        sizes=measured.sizes,
        row=np.concatenate(measured.row),
        group=np.concatenate(measured.group),
        counts_in_all=marks & COUNTS_IN_ALL > 0,
        counts_in_own=marks & COUNTS_IN_OWN > 0,
        day=np.concatenate(measured.day),
        n_windows=n_windows,
    )


def _write_rest(
    result: BulkResult, order: Order, folder: Path, files: Mapping[str, str]
) -> tuple[BulkResult, dict[str, Any]]:
    """Tables of groups, pages, results.json; the result that names every file, and the manifest."""
    from eventstudy.report.bulk_page import build_bulk_files
    from eventstudy.report.write import hashed, write_aside

    rest = build_bulk_files(result, order.formats, tuple(files))
    write_aside(folder, rest)
    everything = dict(sorted({**files, **hashed(rest)}.items()))
    result = replace(result, files=tuple(everything))
    return result, result.manifest(everything)
