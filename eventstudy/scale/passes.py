"""After the first pass of a streamed study: pairs of events, and the second pass, by whoever does the work."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from eventstudy.engine.aggregates import GroupWindow, Tally, added_pass, with_second_pass
from eventstudy.engine.panel import Floats
from eventstudy.engine.significance.cross_section import Dependence
from eventstudy.engine.significance.overlap import Calendars
from eventstudy.engine.significance.pairs import PairSums, date_blocks, merged_pairs
from eventstudy.engine.significance.summary import SecondPass
from eventstudy.evaluate.across_events import Chosen, Summed, chosen_tests, correlation_of, shared_by
from eventstudy.prepare import Prepared
from eventstudy.roster import COUNTS_IN_ALL, COUNTS_IN_OWN, Roster
from eventstudy.scale.chunk import Again, InPairs, blocks, layout_of, pair_block, rank_block
from eventstudy.scale.executors import Executor
from eventstudy.scale.measured import Job
from eventstudy.scale.spool import Spool

Say = Callable[[str], None]
# blocks of pairs that a worker takes at a time
RUN = 8


def across_events(
    job: Job, ground: Prepared, executor: Executor, tally: Tally, spool: Spool | None, block: int, say: Say
) -> Summed:
    """What the tests across events finalise: pairs of events and a second pass, where some wanted test reads them.

    Parameters
    ----------
    job, ground, executor
    tally : Tally
        Of the first pass.
    spool : Spool or None
        Where some wanted test needs every event at once.
    block : int
        Events of a block.
    say : callable
    """
    facts, layout = ground.panel.facts, layout_of(job.spec)
    chosen = chosen_tests(tally, Calendars(facts.start, facts.days), layout, job.spec)
    shared = shared_by(tally, chosen, layout, _pairs(job, ground, executor, chosen, say))
    again = _again(tally, chosen, shared)
    more = _second_pass(job, ground.roster, executor, block, again, say)
    return Summed(
        tally=tally,
        summaries=with_second_pass(tally, more),
        shared=shared,
        chosen=chosen,
        layout=layout,
        values=_nobody if spool is None else spool.values,
    )


def _nobody(key: GroupWindow) -> dict[str, Floats]:
    """No test reads values."""
    raise LookupError(f"no values were kept of {key}")


def _again(tally: Tally, chosen: Chosen, shared: Mapping[GroupWindow, Dependence]) -> Again:
    """What the second pass adds up."""
    keys = [key for key, test in tally.tested.items() if test.summary.n > 1]
    return Again(
        parts=chosen.parts,
        spreads={key: tally.tested[key].spread for key in keys},
        correlations={key: correlation_of(shared[key]) for key in keys},
    )


def _pairs(job: Job, ground: Prepared, executor: Executor, chosen: Chosen, say: Say) -> dict[int, PairSums]:
    """Window -> the sums over pairs of its samples."""
    windows = chosen.windows()
    if not windows:
        return {}
    events, facts = ground.roster, ground.panel.facts
    groups = {group for group, _ in chosen.in_pairs}
    inside = np.isin(events.group, sorted(groups)) & (events.marks & COUNTS_IN_OWN > 0)
    inside |= (events.marks & COUNTS_IN_ALL > 0) if 0 in groups else False
    some = np.flatnonzero(inside)
    series, session = events.series[some], events.session[some]
    spans = [(job.spec.windows[w].start, job.spec.windows[w].end) for w in windows]
    calendars = Calendars(facts.start, facts.days)
    parts, tasks = date_blocks(facts.day(series, session), facts.place(series, session), calendars, spans)
    wanted, progress = InPairs(windows=windows, firm=ground.series.pair), Progress(len(some), "events paired", say)
    runs = [tasks[at : at + RUN] for at in range(0, len(tasks), RUN)]

    def handed(run: list[tuple[int, list[int]]]) -> tuple[Any, ...]:
        numbers = {number for _, others in run for number in others}
        return (
            job,
            wanted,
            {number: events.take(some[parts[number]]).part(0, len(parts[number])) for number in numbers},
            run,
        )

    found = []
    for run, sums in zip(runs, executor.run(pair_block, map(handed, runs)), strict=True):
        found.append(sums)
        progress.add(sum(len(parts[number]) for number, _ in run))
    return dict(zip(windows, merged_pairs(found), strict=True))


def _second_pass(
    job: Job, events: Roster, executor: Executor, block: int, again: Again, say: Say
) -> dict[GroupWindow, SecondPass]:
    """Ranks, signs and what is standardised again, where some wanted test reads them."""
    total: dict[GroupWindow, SecondPass] = {}
    if not again.parts:
        return total
    parts = [events.part(start, stop) for start, stop in blocks(len(events), block)]
    progress = Progress(len(events), "events ranked", say)
    for part, found in zip(parts, executor.run(rank_block, ((job, p, again) for p in parts)), strict=True):
        added_pass(total, found)
        progress.add(len(part))
    return total


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
