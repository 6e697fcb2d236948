"""After the first pass of a study: pairs of events, and the second pass, by whoever does the work."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from eventstudy.engine.aggregates import OWN, GroupWindow, Tally, added_pass, with_second_pass
from eventstudy.engine.block import Block, select
from eventstudy.engine.panel import Floats
from eventstudy.engine.significance.battery import ranked_correlation
from eventstudy.engine.significance.cross_section import Dependence
from eventstudy.engine.significance.overlap import Calendars, overlapping_own
from eventstudy.engine.significance.pairs import PairSums, date_blocks, merged_pairs
from eventstudy.engine.significance.summary import SecondPass
from eventstudy.evaluate.across_events import Chosen, Summed, chosen_tests, shared_by
from eventstudy.prepare import Prepared
from eventstudy.roster import COUNTS_IN_ALL, COUNTS_IN_OWN
from eventstudy.scale.chunk import Again, InPairs, blocks, pair_block, rank_block
from eventstudy.scale.executors import Executor
from eventstudy.scale.first_pass import FirstPass, Progress, Say
from eventstudy.scale.measured import Job

# blocks of pairs that a worker takes at a time
RUN = 8


def across_events(
    job: Job, prepared: Prepared, executor: Executor, first: FirstPass, whole: Block | None, size: int, say: Say
) -> Summed:
    """Inputs of the tests across events: pairs of events and a second pass, where a requested test reads them.

    Parameters
    ----------
    job, prepared, executor
    whole : Block or None
        All events of the roster, where the first pass kept them; else what needs their days measures them again.
    size : int
        Events of a block.
    say : callable
    """
    facts, layout, tally = prepared.panel.facts, job.layout, first.tally
    calendars = Calendars(facts.start, facts.days)
    chosen = chosen_tests(tally, calendars, layout, job.spec)
    own = _own_overlaps(job, prepared, first, calendars)
    shared = shared_by(tally, chosen, layout, _pairs(job, prepared, executor, chosen, whole, say), own)
    again = _again(tally, chosen, shared)
    more = _second_pass(job, prepared, executor, size, again, whole, say) if layout.tested else {}

    def values(key: GroupWindow) -> dict[str, Floats]:
        assert first.spool is not None, "a wanted test reads every event"
        events, car, bhar = first.spool.sample(key)
        found = {"car": car, "bhar": bhar, "date": facts.day(events.series, events.session).astype(np.float64)}
        return found | ({"weight": events.weight} if len(events.weight) else {})

    return Summed(
        tally=tally,
        summaries=with_second_pass(tally, more),
        shared=shared,
        chosen=chosen,
        layout=layout,
        values=values,
    )


def _own_overlaps(job: Job, prepared: Prepared, first: FirstPass, calendars: Calendars) -> dict[GroupWindow, int]:
    """Pairs of events whose own windows overlap."""
    if not job.own:
        return {}
    assert first.spool is not None, "own windows are spooled"
    starts, ends = (np.array([pair[k] for pair in job.layout.windows]) for k in (0, 1))
    found = {}
    for key in first.tally.tested:
        if key[1] == OWN:
            events, _, _ = first.spool.sample(key)
            place, own = prepared.panel.facts.place(events.series, events.session), events.own.astype(np.int64)
            found[key] = overlapping_own(*calendars.reach(place, starts[own], ends[own]))
    return found


def _again(tally: Tally, chosen: Chosen, shared: Mapping[GroupWindow, Dependence]) -> Again:
    """Sums of the second pass."""
    keys = [key for key, test in tally.tested.items() if test.summary.n > 1 and key[1] != OWN]
    return Again(
        parts=chosen.parts,
        spreads={key: tally.tested[key].spread for key in keys},
        correlations={key: ranked_correlation(shared[key]) for key in keys},
        dispersed=frozenset(key for key in keys if "conformal-dispersion" not in chosen.refused.get(key, {})),
    )


def _pairs(
    job: Job, prepared: Prepared, executor: Executor, chosen: Chosen, whole: Block | None, say: Say
) -> dict[int, PairSums]:
    """Window -> the sums over pairs of its samples."""
    windows = chosen.windows()
    if not windows:
        return {}
    events, facts = prepared.roster, prepared.panel.facts
    groups = {group for group, _ in chosen.in_pairs}
    inside = np.isin(events.group, sorted(groups)) & events.marked(COUNTS_IN_OWN)
    inside |= events.marked(COUNTS_IN_ALL) if 0 in groups else False
    some = np.flatnonzero(inside)
    series, session = events.series[some], events.session[some]
    spans = [job.layout.windows[w] for w in windows]
    calendars = Calendars(facts.start, facts.days)
    parts, tasks = date_blocks(facts.day(series, session), facts.place(series, session), calendars, spans)
    wanted, progress = InPairs(windows=windows, firm=prepared.series.pair), Progress(len(some), "events paired", say)
    runs = [tasks[at : at + RUN] for at in range(0, len(tasks), RUN)]

    def handed(run: list[tuple[int, list[int]]]) -> tuple[Any, ...]:
        rows = {number: some[parts[number]] for _, others in run for number in others}
        cut = {number: events.take(at).part(0, len(at)) for number, at in rows.items()}
        return job, wanted, cut, run, None if whole is None else {n: select(whole, at) for n, at in rows.items()}

    found = []
    for run, sums in zip(runs, executor.run(pair_block, map(handed, runs)), strict=True):
        found.append(sums)
        progress.add(sum(len(parts[number]) for number, _ in run))
    return dict(zip(windows, merged_pairs(found), strict=True))


def _second_pass(
    job: Job, prepared: Prepared, executor: Executor, size: int, again: Again, whole: Block | None, say: Say
) -> dict[GroupWindow, SecondPass]:
    """Ranks, signs and what is standardised again, where some wanted test reads them."""
    total: dict[GroupWindow, SecondPass] = {}
    if not again.parts or not again.spreads:
        return total
    events = prepared.roster
    edges = blocks(len(events), size)
    tasks = (
        (job, events.part(a, b), again, None if whole is None else select(whole, np.arange(a, b))) for a, b in edges
    )
    progress = Progress(len(events), "events ranked", say)
    for (start, stop), found in zip(edges, executor.run(rank_block, tasks), strict=True):
        added_pass(total, found)
        progress.add(stop - start)
    return total
