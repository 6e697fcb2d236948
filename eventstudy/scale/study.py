"""THE RECIPE for many events: panel on the disk, blocks measured and streamed, groups tested, report written."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from eventstudy.data.events import EventColumns
from eventstudy.data.market import seed_of
from eventstudy.data.parquet import give_back
from eventstudy.data.prices import PriceSource
from eventstudy.data.sources import open_source
from eventstudy.engine.measure import chosen_engine
from eventstudy.engine.significance.battery import GROUP_TESTS, parts_read
from eventstudy.engine.significance.single_tests import SINGLE_TESTS
from eventstudy.engine.significance.summary import LIGHT_PARTS, SecondPass
from eventstudy.engine_options import conventions
from eventstudy.report.tables import COLUMNS
from eventstudy.report.write import aside, publish
from eventstudy.scale.chunk import BlockResult, blocks, rank_block, study_block
from eventstudy.scale.executors import Executor
from eventstudy.scale.finish import Spool, group_days, group_rows, overlapping_pairs
from eventstudy.scale.ground import Ground, prepare
from eventstudy.scale.limits import LIMITS, Limits
from eventstudy.scale.marks import COUNTS_IN_ALL, COUNTS_IN_OWN, Roster
from eventstudy.scale.measured import Job
from eventstudy.scale.results import BulkResult
from eventstudy.scale.roster import DEFICIENT, FEW
from eventstudy.scale.stream import TableStream, open_stream
from eventstudy.scale.tables import Writer
from eventstudy.scale.tally import GroupWindow, Tally, merge_into, with_ranks
from eventstudy.spec import StudySpec
from eventstudy.study import checked_model, foreign_notices, silent

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
    """

    out: Path
    formats: tuple[str, ...]
    detail: bool = False
    limits: Limits = LIMITS
    confounders: Path | None = None


def run_bulk(
    take: Callable[[], EventColumns],
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
    take : callable
        Hands over the events, once: what the blocks do not need is let go as soon as they are placed.
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
    source = open_source(spec, say, warn) if prices is None else prices
    with aside(order.out) as folder:
        ground = prepare(
            take,
            source,
            spec,
            folder / "panel",
            say,
            confounders=order.confounders,
            most_groups=order.limits.groups,
        )
        job = _job(spec, order, ground)
        measured = _Measured.empty()
        streams = _streams(ground.writer, order, folder)
        _first_pass(job, ground, executor, order, streams, measured, folder, say)
        ranks = _second_pass(job, ground, executor, order, measured.tally, say)
        say("tests across events")
        result = _finish(ground, job, order, executor, measured, ranks, folder)
        files = {stream.name: stream.close() for stream in streams.values()}
        result, listed = _write_rest(result, order, folder, files)
        written = publish(folder, order.out, listed["files"], listed)
    return replace(result, files=tuple(written))


def _job(spec: StudySpec, order: Order, ground: Ground) -> Job:
    """What is wanted of every block."""
    wanted = [name for name in GROUP_TESTS if name in spec.active_tests]
    # where nothing is named a study of this size computes what the kernels measure for
    cheap = {name for name, entry in SINGLE_TESTS.items() if entry.reads == {"serial"}}
    single = cheap if spec.tests == ("auto",) else spec.active_tests & set(SINGLE_TESTS)
    computed = [name for name in wanted if not (GROUP_TESTS[name].resampled and spec.tests == ("auto",))]
    # correlations of pairs are left out at this size, and with them what rests on nothing else
    parts = parts_read([name for name in computed if not GROUP_TESTS[name].pairwise])
    return Job(
        folder=str(ground.folder.resolve()),
        spec=spec,
        engine=chosen_engine(spec.engine, len(ground.roster), spec.model, conventions(spec)),
        single=frozenset(single),
        parts=parts,
        same_as_all=ground.groups.same_as_all,
        daily=order.detail,
        spool=any("values" in GROUP_TESTS[name].reads for name in computed),
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
        return cls(Tally({}, {}, {}), [], [], [], [], [], 0)


def _streams(writer: Writer, order: Order, folder: Path) -> dict[tuple[str, str], TableStream]:
    """(table, kind) -> the stream of every table that has rows of events."""
    columns = {"windows": COLUMNS["windows"], "models": writer.model_columns(), "excluded": COLUMNS["excluded"]}
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
    ground: Ground,
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
    progress = _Progress(len(events), "events measured", say)
    with (folder / "spool.bin").open("wb") as spool:
        for part, found in zip(parts, executor.run(study_block, tasks), strict=True):
            _add_rows(streams, "windows", ground.writer.windows(part, found), len(found.kept) * len(job.spec.windows))
            _add_rows(streams, "models", ground.writer.models(part, found), len(found.kept))
            if job.daily:
                daily = ground.writer.daily(part, found)
                _add_rows(streams, "abnormal_returns", daily, len(daily["day"]) if daily["day"] is not None else 0)  # type: ignore[arg-type]
            _keep(measured, ground, part, found, spool, job)
            del found
            give_back()
            progress.add(len(part))
    lost = ground.excluded.ordered()
    for at in range(0, lost.shape[1], ROWS_OF_TEXT):
        some = lost[:, at : at + ROWS_OF_TEXT]
        rows = ground.writer.excluded(some[0], ground.sentences.troubles(some))
        _add_rows(streams, "excluded", rows, some.shape[1])


def _seeds(job: Job, ground: Ground, part: Roster) -> np.ndarray | None:
    """Seeds of a block's resampling, where tests of one event are wanted that draw."""
    if all("seed" not in SINGLE_TESTS[name].reads for name in job.single):
        return None
    ids, ticker = ground.writer.ids.take(part.row), ground.writer.columns["ticker"].take(part.row)
    return np.array([seed_of(name, symbol) for name, symbol in zip(ids, ticker, strict=True)], dtype=np.int64)


def _add_rows(streams: Mapping[tuple[str, str], TableStream], table: str, columns: Any, n: int) -> None:
    for (name, _), stream in streams.items():
        if name == table:
            stream.add(columns, n)


def _keep(measured: _Measured, ground: Ground, part: Roster, found: BlockResult, spool: Any, job: Job) -> None:
    """Add a block to the running totals."""
    merge_into(measured.tally, found.tally)
    measured.n_studied += len(found.kept)
    if len(found.lost):
        kinds = np.where(found.lost_obs < ground.sentences.needed, FEW, DEFICIENT)
        lost = part.row[found.lost], kinds, part.series[found.lost], part.session[found.lost]
        ground.excluded.add(*lost, found.lost_obs)
    if job.spool:
        spool.write(np.ascontiguousarray(found.spool).tobytes())
        measured.sizes.append(len(found.kept))
        measured.marks.append(part.marks[found.kept])
        measured.group.append(part.group[found.kept])
        facts = ground.writer.facts
        measured.day.append(facts.day(part.series[found.kept], part.session[found.kept]).astype(np.int32))


def _second_pass(
    job: Job, ground: Ground, executor: Executor, order: Order, tally: Tally, say: Say
) -> dict[GroupWindow, SecondPass]:
    """Ranks, signs and what is standardised again, where some wanted test reads them."""
    if not job.parts - LIGHT_PARTS:
        return {}
    events = ground.roster
    spreads = {key: test.spread for key, test in tally.tested.items() if test.summary.n > 1}
    parts = [events.part(start, stop) for start, stop in blocks(len(events), order.limits.block)]
    progress = _Progress(len(events), "events ranked", say)
    totals: dict[GroupWindow, SecondPass] = {}
    for part, found in zip(parts, executor.run(rank_block, ((job, p, spreads) for p in parts)), strict=True):
        for key, summary in found.items():
            totals[key] = totals[key].merge(summary) if key in totals else summary
        progress.add(len(part))
    return totals


@dataclass(slots=True)
class _Progress:
    """Says how far a pass is, how fast it goes and how long it will take."""

    total: int
    words: str
    say: Say
    done: int = 0
    started: float = 0.0

    def add(self, n: int) -> None:
        """Some more are done."""
        now = time.monotonic()
        self.started = self.started or now
        self.done += n
        spent = now - self.started
        # the first block sets the clock
        rate = (self.done - n) / spent if spent > 0 and self.done > n else 0.0
        left = f", {(self.total - self.done) / rate:,.0f} s left" if rate else ""
        pace = f" ({rate:,.0f} a second{left})" if rate else ""
        self.say(f"{self.done:,} of {self.total:,} {self.words}{pace}")


def _finish(
    ground: Ground,
    job: Job,
    order: Order,
    executor: Executor,
    measured: _Measured,
    ranks: Mapping[GroupWindow, SecondPass],
    folder: Path,
) -> BulkResult:
    """The tests across events, and the counts."""
    spec, tally, facts = job.spec, measured.tally, ground.writer.facts
    pairwise = any(GROUP_TESTS[name].pairwise for name in GROUP_TESTS if name in spec.active_tests)
    overlapping = {
        key: overlapping_pairs(
            places, facts.start, ground.calendars, (spec.windows[key[1]].start, spec.windows[key[1]].end)
        )
        for key, places in tally.places.items()
        if pairwise
    }
    spool = _spool(measured, folder / "spool.bin", len(spec.windows)) if job.spool and measured.sizes else None
    groups = group_rows(
        tally, with_ranks(tally, ranks), ground.groups, overlapping, facts.days, spool, spec, order.limits
    )
    lost = ground.excluded.ordered()
    first = lost[:, :LISTED]
    names = zip(ground.writer.ids.take(first[0]), ground.writer.columns["ticker"].take(first[0]), strict=True)
    return BulkResult(
        spec=spec,
        events=ground.path,
        n_read=ground.n_read,
        n_studied=measured.n_studied,
        n_excluded=lost.shape[1],
        reasons=_reasons(ground, lost),
        first_excluded=tuple(
            (*name, *trouble) for name, trouble in zip(names, ground.sentences.troubles(first), strict=True)
        ),
        groups=groups,
        group_days=group_days(tally, ground.groups, spec),
        notices=(*spec.notices, *_left_out(spec, order.limits.bulk), *foreign_notices(ground.keys), *_notices(ground)),
        series=ground.series,
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


def _notices(ground: Ground) -> tuple[str, ...]:
    """Columns that may be misspelt; prices or factors older than asked for."""
    stale = ground.choice.stale if ground.choice is not None else ""
    old = ground.factors.notice if ground.factors is not None else ""
    return (*ground.misspelt, *(text for text in (stale, old) if text))


def _spool(measured: _Measured, path: Path, n_windows: int) -> Spool:
    marks = np.concatenate(measured.marks)
    return Spool(
        path=path,
        sizes=measured.sizes,
        group=np.concatenate(measured.group),
        counts_in_all=marks & COUNTS_IN_ALL > 0,
        counts_in_own=marks & COUNTS_IN_OWN > 0,
        day=np.concatenate(measured.day),
        n_windows=n_windows,
    )


def _reasons(ground: Ground, lost: np.ndarray) -> tuple[tuple[str, str, int], ...]:
    """(stage, reason, how many), the most frequent first."""
    starts = np.array([-1 if r is None else r.first for r in ground.sentences.reach], dtype=np.int64)
    # rows of one kind and series on one side of the first price, or of the fewest observations, have one reason
    kinds: dict[int, list[int]] = {}
    for at in range(0, lost.shape[1], ROWS_OF_TEXT):
        _, kind, series, session, n_obs = lost[:, at : at + ROWS_OF_TEXT].astype(np.int64)
        side = np.where(session < starts[series], 1, 0) + np.where(n_obs < ground.sentences.needed, 2, 0)
        keys, first, count = np.unique((series * 8 + kind) * 4 + side, return_index=True, return_counts=True)
        for key, place, n in zip(keys.tolist(), first.tolist(), count.tolist(), strict=True):
            kinds.setdefault(key, [at + place, 0])[1] += n
    found: Counter[tuple[str, str]] = Counter()
    places = np.array([place for place, _ in kinds.values()], dtype=np.int64)
    for (stage, reason, _), (_, n) in zip(ground.sentences.troubles(lost[:, places]), kinds.values(), strict=True):
        found[stage, reason] += n
    return tuple((*key, n) for key, n in sorted(found.items(), key=lambda item: (-item[1], item[0])))


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
