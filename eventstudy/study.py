"""THE RECIPE: from dated events to tested abnormal returns, the same lines for one event and for ten million."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from eventstudy.choices import check_peers, check_tickers, checked_model
from eventstudy.data.confounders import ConfounderTable, read_confounders
from eventstudy.data.event_columns import EventColumns
from eventstudy.data.event_index import EventIndex, index_events, seeds_of
from eventstudy.data.events import events_from_frame, read_events
from eventstudy.data.factors import FactorTable
from eventstudy.data.parquet import give_back
from eventstudy.data.prices import PriceSource
from eventstudy.data.row_keys import first_of, lowest
from eventstudy.data.sources import in_currency, open_source, source_from_frame
from eventstudy.engine.block import Block, joined, select
from eventstudy.engine.measure import chosen_engine
from eventstudy.engine.significance.battery import GROUP_TESTS
from eventstudy.engine_options import conventions
from eventstudy.errors import UsageError
from eventstudy.evaluate.across_events import day_rows, group_rows, parts_wanted, wanted_tests
from eventstudy.evaluate.claims import claiming
from eventstudy.evaluate.own_windows import with_own_windows
from eventstudy.evaluate.typical import LARGEST, SAMPLED, Typical, ordinary_spans
from eventstudy.evaluations import Evaluations
from eventstudy.flags import doubt_notice
from eventstudy.measured import MeasuredEvents, end_to_end
from eventstudy.memory import check_memory
from eventstudy.opening import exists, is_file
from eventstudy.prepare import Asked, Prepared, Storage, prepare
from eventstudy.report.event_tables import EventTables
from eventstudy.results import PAGES, Studied, StudyResult, shown_events
from eventstudy.roster import REPORTED, Roster
from eventstudy.scale.budget import Budget, budget_of
from eventstudy.scale.chunk import BlockResult, BlockWriter, Written, study_block
from eventstudy.scale.executors import Executor, Here
from eventstudy.scale.first_pass import FirstPass, first_pass
from eventstudy.scale.limits import LIMITS, Limits
from eventstudy.scale.measured import Job
from eventstudy.scale.passes import across_events
from eventstudy.scale.shown import MOST_CLAIMS, Shown
from eventstudy.scale.spool import Spool
from eventstudy.scale.whole_sessions import WholeSessions
from eventstudy.spec import StudySpec, is_ticker
from eventstudy.spelling import meant
from eventstudy.totals import totals_of
from eventstudy.unusual import unusual_windows
from eventstudy.weights import check_columns

if TYPE_CHECKING:
    import pandas as pd

Progress = Callable[[str], None]


class Files(Protocol):
    """Tables of events that grow with each block."""

    def add(self, found: MeasuredEvents) -> None:
        """Append studied events."""

    def join(self, written: Written) -> None:
        """Append what the writer of a block has written."""

    def writer(self, number: int, events: Roster) -> BlockWriter | None:
        """What writes a block where it is measured; None where it is handed back."""


class FilesMaker(Protocol):
    """Opens the tables of events."""

    def __call__(self, tables: EventTables, *, daily: bool) -> Files:
        """From the tables of the study, and whether abnormal returns by day are wanted."""


@dataclass(frozen=True, slots=True)
class _Sink:
    """Blocks of events on their way to files and pages."""

    files: Files | None
    shown: Shown

    def take(self, found: BlockResult) -> None:
        """A measured block."""
        if self.files is not None:
            if found.measured is None:
                self.files.join(found.written)
            else:
                self.files.add(found.measured)
        self.shown.offer(found)

    def writer(self, number: int, events: Roster) -> BlockWriter | None:
        """What writes a block where it is measured."""
        return None if self.files is None else self.files.writer(number, events)


@dataclass(frozen=True, slots=True, kw_only=True)
class Handling:
    """Execution of a study: threads, workers, memory; no number depends on it.

    Attributes
    ----------
    everything : bool
        Whether all measured events are kept whatever memory they take, and every part is computed.
    folder : Path or None
        Where a large study may map files; None keeps all in memory.
    files : callable or None
        Opens, from the tables of the study, the files of studied events where these are not kept.
    pages : bool
        Whether there will be pages, which alone show how large the moves of many events are.
    """

    executor: Executor = Here()  # noqa: RUF009
    limits: Limits = LIMITS
    everything: bool = False
    folder: Path | None = None
    files: FilesMaker | None = None
    pages: bool = True


def run(
    events: str | Path | pd.DataFrame | EventColumns,
    prices: pd.DataFrame | PriceSource | None = None,
    spec: StudySpec | None = None,
    *,
    confounders: str | Path | ConfounderTable | None = None,
    factors: FactorTable | None = None,
    only: Sequence[str] = (),
    progress: Progress | None = None,
    warn: Progress | None = None,
    handling: Handling | None = None,
) -> StudyResult:
    """Run one event study. Raises ``InputFileError`` or ``UsageError``: input that cannot be right, with every problem
    and place. Raises ``SourceUnavailable`` if no price source covers the study.

    Parameters
    ----------
    events : path, pandas frame or EventColumns
        The announcements; a path's folder may hold ``confounders.csv``.
    prices : pandas frame, PriceSource or None
        None opens ``spec.source``; a frame is of any known layout.
    spec : StudySpec or None
        Every choice; None means the defaults.
    confounders : path, ConfounderTable or None
        None takes ``confounders.csv`` beside the events file if it is there.
    factors : FactorTable or None
        Daily factors in place of those that the spec names.
    only : sequence of str
        event_ids to report; masks, overlaps and clusters still see every row of the file.
    progress : callable or None
        Called with one line per stage.
    warn : callable or None
        Called with what a person should know about the price store: a damaged file set aside, prices not kept.
    handling : Handling or None
        How the work is done; None means in this process and in memory.

    Returns
    -------
    StudyResult
        Events that cannot be studied are rows of ``excluded``. What is asked of the CARs (clusters, claims, other
        models and others) is computed when it is first read.

    Checked against
    ---------------
    tests/oracles: statsmodels with event dummies, a naive loop from the raw price files.
    """
    spec = checked_model(spec or StudySpec())
    say, how = progress or silent, handling or Handling(everything=True)
    columns = as_events(events)
    check_columns(columns, spec)
    source = open_source(spec, say, warn or silent) if prices is None else as_source(prices, spec)
    say(f"placing {len(columns):,} events on exchange calendars")
    index = index_events(columns, confounders_beside(columns, confounders), reach=spec.hold)
    check_peers(index, spec)
    n_shared, spec = len(spec.windows), with_own_windows(spec, columns)
    check_tickers(index, spec)
    asked = chosen_rows(index, only)
    afford = _affordable(index, len(asked.rows), spec, how)
    folder = how.folder if how.executor.apart or not afford.kept else None
    storage = Storage(folder=folder, keep_prices=afford.kept, groups=how.limits.groups)
    made = partial(prepare, index, source=source, spec=spec, storage=storage, say=say, factors=factors)
    prepared, asked = _with_neighbours(made, asked, only)
    say(f"studying {len(prepared.roster):,} of {len(asked.rows):,} events")
    return _measured(prepared, asked, _job(prepared, spec, afford, n_shared, how), afford, how, say)


def _affordable(index: EventIndex, n: int, spec: StudySpec, how: Handling) -> Budget:
    """What a study of n rows keeps and computes. Raises ``UsageError`` if it needs more memory than there is."""
    afford = budget_of(spec, n, len(index.pairs) * index.n_sessions, how.limits, everything=how.everything)
    check_memory(n if afford.kept else min(n, how.limits.block), spec.event_window.length, len(spec.windows))
    return afford


def _measured(
    prepared: Prepared, asked: Asked, job: Job, afford: Budget, how: Handling, say: Callable[[str], None]
) -> StudyResult:
    """The events of the roster measured, and the tests across them."""
    # the data may have corrected calendars, and with them the sessions of events
    index, spec = prepared.index, job.spec
    tables = EventTables.of(prepared, spec, job.n_shared)
    shown = Shown(index=index, spec=spec, claims=claiming(index))
    sink = None if afford.kept else _Sink(how.files(tables, daily=afford.daily) if how.files else None, shown)
    place = None if how.folder is None or afford.kept else how.folder / "spool.bin"
    spool = Spool(path=place, n_windows=len(spec.windows)) if job.spool else None
    first = first_pass(job, prepared, how.executor, spool, how.limits.block, sink, say)
    prepared.panel.let_go()
    whole = _whole(job, prepared, first) if afford.kept else None
    picked = _studied(first, whole) if afford.kept else _shown(job, prepared, first, shown)
    studied = _record(prepared, tables, job, *picked)
    sessions = None if afford.kept else WholeSessions(shown=studied, job=job, kept=first.kept)
    evaluations = Evaluations(studied=studied, asked=asked.reported, budget=afford, sessions=sessions)
    totals = totals_of(prepared, first)
    doubt = doubt_notice(totals.flags)
    left = (*evaluations.notices, *([doubt] if doubt else []))
    say("tests across events")
    # workers in other processes measure once more rather than have every day sent to them
    here = None if how.executor.apart else whole
    summed = across_events(job, prepared, how.executor, first, here, how.limits.block, say)
    typical = _typical(job, prepared, first, tables) if how.pages and totals.n_announcements > PAGES else None
    prepared.panel.let_go()
    give_back()
    names = prepared.groups.numbered
    return StudyResult(
        typical=typical,
        studied=studied,
        prepared=prepared,
        totals=totals,
        unusual=unusual_windows(prepared, first, spec),
        budget=afford,
        executor=how.executor.words,
        notices=(*prepared.notices, *first.stand_ins.notices(spec), *afford.notices, *left),
        evaluations=evaluations,
        groups=group_rows(summed, names, spec),
        group_days=day_rows(first.tally.days, names, spec),
    )


def _with_neighbours(made: Callable[..., Prepared], asked: Asked, only: Sequence[str]) -> tuple[Prepared, Asked]:
    """The rows prepared; once more with others where, on the calendar that the prices prove, others share the day 0 of
    those that are asked for."""
    prepared = made(asked=asked)
    if not only or np.array_equal(asked.rows, (moved := chosen_rows(prepared.index, only)).rows):
        return prepared, asked
    return made(asked=moved), moved


def _record(
    prepared: Prepared, tables: EventTables, job: Job, measured: MeasuredEvents | None, block: Block | None
) -> Studied:
    """Studied events with their prices, which are read once more where they were not kept."""
    return Studied(
        index=prepared.index,
        market=prepared.market or prepared.market_of(_series(measured)),
        tables=tables,
        measured=measured,
        block=block,
        reported=() if measured is None else tuple(np.flatnonzero(measured.events.marked(REPORTED)).tolist()),
        spec=job.spec,
        engine=job.engine,
        prepared=prepared,
    )


def _job(prepared: Prepared, spec: StudySpec, afford: Budget, n_shared: int, how: Handling) -> Job:
    """Task of every block; workers in other processes map the panel themselves."""
    wanted, own = wanted_tests(spec), bool((prepared.roster.own >= 0).any())
    # what other processes measure stays there, and pages need the days of the events they show
    panel, keep = prepared.panel, afford.daily and not how.executor.apart
    return Job(
        panel=panel.folder.resolve() if how.executor.apart and panel.folder is not None else panel,
        spec=spec,
        engine=chosen_engine(spec.engine, len(prepared.roster), spec.model, conventions(spec), afford.single),
        single=afford.single,
        parts=parts_wanted(spec),
        same_as_all=prepared.groups.same_as_all,
        daily=afford.daily,
        spool=own or bool(spec.weight) or any("values" in GROUP_TESTS[name].reads for name in wanted),
        n_shared=n_shared,
        own=own,
        keep=keep,
        claims=claiming(prepared.index) if keep and not afford.kept else None,
    )


def _whole(job: Job, prepared: Prepared, first: FirstPass) -> Block | None:
    """All events of the roster; other processes hand back rows alone, so that their days are gathered here."""
    if not len(prepared.roster):
        return None
    if first.blocks:
        whole = joined(first.blocks)
        # held once
        first.blocks.clear()
        return whole
    events = prepared.roster.part(0, len(prepared.roster))
    return joined(study_block(replace(job, keep=True), events, seeds_of(prepared.index, events.row)).blocks)


def _studied(first: FirstPass, whole: Block | None) -> tuple[MeasuredEvents, Block] | tuple[None, None]:
    kept = np.flatnonzero(first.kept)
    if whole is None or not len(kept):
        return None, None
    measured = end_to_end(first.measured)
    first.measured.clear()
    return measured, whole if len(kept) == len(first.kept) else select(whole, kept)


def _shown(
    job: Job, prepared: Prepared, first: FirstPass, picked: Shown
) -> tuple[MeasuredEvents, Block] | tuple[None, None]:
    """The studied events that pages show, and those with claims; these few are measured once more where the first pass
    handed back no days."""
    events, index = prepared.roster, prepared.index
    reported = np.flatnonzero(first.kept & events.marked(REPORTED))
    if job.keep or not len(reported):
        return picked.picked()
    shown = reported[shown_events(index.events.ids, events.row[reported], first.primary_p[reported])]
    claimed = reported[picked.claims[events.row[reported]]][:MOST_CLAIMS]
    at = np.union1d(shown, claimed)
    chosen = events.take(at).part(0, len(at))
    found = study_block(replace(job, keep=True, daily=True, spool=False), chosen, seeds_of(index, chosen.row))
    assert found.measured is not None, "nobody wrote them"
    return found.measured, joined(found.blocks)


def _typical(job: Job, prepared: Prepared, first: FirstPass, tables: EventTables) -> Typical | None:
    """How large the moves of all events are, and ordinary ones; None where nothing was studied. A few events are
    measured once more, by the same steps."""
    events, index = prepared.roster, prepared.index
    counted = index.events.columns["role"].where(lambda role: role in ("direct", "peer"))[events.row]
    at = np.flatnonzero(first.kept & events.marked(REPORTED) & counted & np.isfinite(first.primary_car))
    if not len(at):
        return None
    at = at[first_of(events.series[at].astype(np.int64) << 32 | events.session[at].astype(np.int64))]
    moves = first.primary_car[at]
    some = at[:: -(-len(at) // SAMPLED)]
    plain = replace(job, keep=True, claims=None, daily=False, spool=False, single=frozenset())
    sampled = study_block(plain, events.take(some).part(0, len(some)), None)
    top = np.sort(at[lowest(-np.abs(moves), LARGEST)])
    chosen = events.take(top).part(0, len(top))
    whole = replace(plain, daily=True, single=job.single)
    largest = study_block(whole, chosen, seeds_of(index, chosen.row))
    primary = first.primary[at].astype(np.int64)
    return Typical(
        moves=moves,
        days=job.spec.windows[int(np.bincount(primary).argmax())].length,
        ordinary=ordinary_spans(joined(sampled.blocks), first.primary[some].astype(np.int64), job.spec),
        largest=_record(prepared, tables, job, largest.measured, joined(largest.blocks)),
    )


def _series(measured: MeasuredEvents | None) -> list[int]:
    return [] if measured is None else np.unique(measured.events.series).tolist()


def silent(line: str) -> None:
    """Discard progress messages."""
    del line


def as_events(events: str | Path | pd.DataFrame | EventColumns) -> EventColumns:
    """Events from a path, a frame or columns already read."""
    if isinstance(events, EventColumns):
        return events
    if isinstance(events, str | Path):
        return read_events(events)
    return events_from_frame(events)


def as_source(prices: pd.DataFrame | PriceSource, spec: StudySpec) -> PriceSource:
    """A frame of prices as a source; a source as it is."""
    import pandas as pd

    if isinstance(prices, pd.DataFrame):
        return in_currency(source_from_frame(prices, spec.input, volume=bool(spec.volume)), spec)
    return in_currency(prices, spec)


def confounders_beside(events: EventColumns, given: str | Path | ConfounderTable | None) -> ConfounderTable | None:
    """The confounders named, or those beside the events file, or None."""
    if given is not None:
        return given if isinstance(given, ConfounderTable) else read_confounders(given)
    beside = Path(events.path).parent / "confounders.csv"
    return read_confounders(beside) if is_file(events.path) and exists(beside) else None


def chosen_rows(index: EventIndex, only: Sequence[str]) -> Asked:
    """Rows that are reported, and rows to study: those, and others that share a day 0 with them. Raises ``UsageError``
    if no row has an event_id that is asked for."""
    if not only:
        # half the size of Ints, for millions of rows
        return Asked(reported=np.ones(len(index), dtype=bool), rows=np.arange(len(index), dtype=np.int32))
    every = np.arange(len(index))
    ids = index.events.ids.take(every)
    known = sorted(set(ids))
    for name in only:
        if name not in known:
            dated = f"a ticker needs a day, such as eventstudy event {name} 2025-04-15" if is_ticker(name) else ""
            hint = meant(name, known) or dated or "see the event_id column"
            raise UsageError(f"event {name!r} is not in {index.events.path}", "an event_id of that file", hint)
    reported = np.isin(np.array(ids), list(only))
    placed = index.session >= 0
    shared = np.zeros(len(index), dtype=bool)
    shared[placed] = np.isin(index.day0(every[placed]), index.day0(every[placed & reported]))
    return Asked(reported=reported, rows=np.flatnonzero(reported | shared))
