"""The first pass over a study: every block of events measured once, its rows handed on, its sums added up."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from eventstudy import exclusions
from eventstudy.data.event_index import seeds_of
from eventstudy.data.parquet import give_back
from eventstudy.engine.aggregates import Tally
from eventstudy.engine.block import Block
from eventstudy.engine.panel import Bools, Floats, Ints
from eventstudy.engine.significance.single_tests import SINGLE_TESTS
from eventstudy.measured import MeasuredEvents
from eventstudy.model_fallback import Fallbacks
from eventstudy.prepare import Prepared
from eventstudy.roster import Roster
from eventstudy.scale.chunk import BlockResult, BlockWriter, blocks, study_block
from eventstudy.scale.executors import Executor
from eventstudy.scale.measured import Job
from eventstudy.scale.spool import Spool

Say = Callable[[str], None]


class Sink(Protocol):
    """Gets each block of events in order."""

    def take(self, found: BlockResult) -> None:
        """A measured block."""

    def writer(self, number: int, events: Roster) -> BlockWriter | None:
        """What writes the rows of a block where it is measured; None where it is handed back instead."""


@dataclass(slots=True, kw_only=True)
class FirstPass:
    """Results of the first pass.

    Attributes
    ----------
    spool : Spool or None
        Where some wanted test reads every event at once.
    kept : bool (N,)
        Events of the roster that are studied.
    primary, primary_p, primary_headline : int16, float64, float64 (N,)
        Position of each event's primary window, and ``p_t`` and ``p_headline`` over it; NaN for events that are not
        studied. Empty (0,) where the headline p was not wanted.
    primary_car : float32 (N,)
        CAR over it.
    flags : int
        Bits of ``flags.FLAGS`` that some event has over its primary window.
    stand_ins : Fallbacks
        Events whose model could not be estimated and was replaced by another.
    measured : list of MeasuredEvents
        The studied events, where they are kept.
    blocks : list of Block
        All events of the roster, where they are kept.
    """

    spool: Spool | None
    kept: Bools
    primary: np.ndarray
    primary_p: Floats
    primary_headline: Floats
    primary_car: np.ndarray
    tally: Tally = field(default_factory=Tally.empty)
    flags: int = 0
    stand_ins: Fallbacks = field(default_factory=Fallbacks)
    measured: list[MeasuredEvents] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)

    @property
    def n_studied(self) -> int:
        """Studied events, reported or not."""
        return int(self.kept.sum())


def first_pass(
    job: Job, prepared: Prepared, executor: Executor, spool: Spool | None, size: int, sink: Sink | None, say: Say
) -> FirstPass:
    """Measure every event.

    Parameters
    ----------
    spool : Spool or None
        Filled here.
    size : int
        Events of a block.
    sink : Sink or None
        None keeps all events in memory.
    say : callable
    """
    events, n = prepared.roster, len(prepared.roster)
    made = FirstPass(
        spool=spool,
        kept=np.zeros(n, dtype=bool),
        primary=np.zeros(n, dtype=np.int16),
        primary_p=np.full(n, np.nan),
        primary_headline=np.full(n if "rank-local" in job.single else 0, np.nan),
        primary_car=np.full(n, np.nan, dtype=np.float32),
    )
    edges = blocks(n, size)
    parts = [events.part(start, stop) for start, stop in edges]
    tasks = (
        (job, part, _seeds(job, prepared, part), None if sink is None else sink.writer(number, part))
        for number, part in enumerate(parts)
    )
    progress = Progress(n, "events measured", say)
    results = executor.run(study_block, tasks)
    for (start, stop), part in zip(edges, parts, strict=True):
        # zip would hold a block while the next one is measured
        found = next(results)
        _add(made, job, prepared, part, found, slice(start, stop))
        if sink is not None:
            sink.take(found)
        elif found.measured is not None:
            made.measured.append(found.measured)
            made.blocks += found.blocks
        del found
        if job.keep:
            # blocks with their days come in many sizes, and leave room of as many
            give_back()
        progress.add(len(part))
    # small blocks take the same memory one after the other, which the system would clear each time
    give_back()
    return made


def _add(made: FirstPass, job: Job, prepared: Prepared, part: Roster, found: BlockResult, where: slice) -> None:
    """Add a block to what the pass leaves behind."""
    primary = found.primary
    made.tally.add(found.tally)
    made.stand_ins.add(primary.stand_ins)
    kept = np.ones(len(part), dtype=bool)
    kept[found.lost] = False
    made.kept[where] = kept
    studied = np.flatnonzero(kept)
    at = studied + where.start
    made.primary[at], made.primary_p[at], made.primary_car[at] = primary.window, primary.p, primary.car
    if len(made.primary_headline) and primary.headline is not None:
        made.primary_headline[at] = primary.headline
    made.flags |= primary.flags
    if len(found.lost):
        kinds = np.where(found.lost_obs < prepared.sentences.needed, exclusions.FEW, exclusions.DEFICIENT)
        lost = part.row[found.lost], kinds, part.series[found.lost], part.session[found.lost]
        prepared.excluded.add(*lost, found.lost_obs)
    if made.spool is not None and job.spool:
        made.spool.add(part if kept.all() else part.take(studied), found.spool)


def _seeds(job: Job, prepared: Prepared, part: Roster) -> Ints | None:
    """Seeds of a block's resampling, where tests of one event are wanted that draw or read the firm's history."""
    if all(not SINGLE_TESTS[name].reads & {"seed", "history"} for name in job.single):
        return None
    return seeds_of(prepared.index, part.row)


@dataclass(slots=True)
class Progress:
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
