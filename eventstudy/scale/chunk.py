"""A block of events, measured: what this process, a thread or a worker anywhere runs; it reads the panel's files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from eventstudy.data.panel import SeriesFacts
from eventstudy.data.parquet import give_back
from eventstudy.engine.aggregates import GroupWindow, Member, Outcomes, Tally, added_pass, tallied
from eventstudy.engine.block import Block, select
from eventstudy.engine.block import study_block as measured_block
from eventstudy.engine.conventions import day_variance
from eventstudy.engine.measures import light_evidence
from eventstudy.engine.moments import CHUNK
from eventstudy.engine.panel import Bools, Floats, Ints
from eventstudy.engine.second_pass import Cell, totals, totals_of
from eventstudy.engine.significance.overlap import Calendars
from eventstudy.engine.significance.pairs import Errors, Laid, PairSums, errors_in_event_time, summed_pairs
from eventstudy.engine.significance.summary import SecondPass, Spread
from eventstudy.measured import MeasuredEvents, end_to_end, measured_events
from eventstudy.prepare import placed_events
from eventstudy.roster import COUNTS_IN_ALL, COUNTS_IN_OWN, DIRECT, REPORTED, Roster
from eventstudy.scale.measured import Chunk, Job, measured_chunk
from eventstudy.scale.primary import Primary
from eventstudy.scale.shown import Picked, candidates_of

# (table, format) -> name and sha256 of the file that holds a block's rows
Written = Mapping[tuple[str, str], tuple[str, str]]
BlockWriter = Callable[[MeasuredEvents, SeriesFacts], Written]


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockResult:
    """A block, measured.

    Attributes
    ----------
    primary : Primary
        The primary windows of its studied events.
    measured : MeasuredEvents or None
        Its studied events; None where their rows were written.
    written : dict
        What ``write`` returned.
    lost, lost_obs : int64 (m,)
        Positions of events whose estimation window carries no model, and their observations.
    spool : float64 (3, W, n)
        CAR, BHAR and whether the event is in the sample; (3, 0, 0) where not wanted.
    blocks : tuple of Block
        All events of the block, also those that are lost, chunk by chunk; empty where not wanted.
    candidates : (MeasuredEvents, Block) or None
        Instead, the studied events that pages may show.
    """

    primary: Primary
    measured: MeasuredEvents | None
    lost: Ints
    lost_obs: Ints
    spool: Floats
    tally: Tally
    blocks: tuple[Block, ...] = ()
    candidates: Picked | None = None
    written: Written = field(default_factory=dict)


def study_block(job: Job, events: Roster, seeds: Ints | None = None, write: BlockWriter | None = None) -> BlockResult:
    """Measure, test and tally a block of events, chunk by chunk.

    Parameters
    ----------
    events : Roster
        Whole chunks of the study's events, in order.
    seeds : int64 (E,) or None
        Of the events' resampling, where it is wanted.
    write : BlockWriter or None
        Writes the rows of the studied events here, which are then not handed back.
    """
    panel, tally = job.opened(), Tally.empty()
    measured, lost, lost_obs, spools, whole = [], [], [], [], []
    for at in range(0, len(events), CHUNK):
        one = measured_chunk(job, panel, events.part(at, at + CHUNK), None if seeds is None else seeds[at : at + CHUNK])
        kept, gone = np.flatnonzero(one.kept), np.flatnonzero(~one.kept)
        lost.append(gone + at)
        lost_obs.append(one.block.measures.n_obs[gone])
        every = measured_events(one.block, one.events, one.row_flags, one.window_flags, daily=job.daily)
        measured.append(every.take(kept) if len(gone) else every)
        spools.append(_spooled(job, one)[:, :, kept] if job.spool else np.zeros((3, 0, 0)))
        tally.add(_tally(job, one))
        # 20 kB an event, which who asks for them cuts out of the panel again
        one.block.context.let_go(days=len(events) > CHUNK and job.options.entry.twin != "")
        whole += [one.block] if job.keep else []
        del one, every
    candidates = None
    if job.claims is not None and whole:
        candidates = candidates_of(measured, whole, lost, job)
        whole.clear()
    found = end_to_end(measured)
    measured.clear()
    if job.keep:
        # tables are made of these rows next, and need less than the tests did
        give_back()
    return BlockResult(
        primary=Primary.of(found, job.spec),
        measured=found if write is None else None,
        written={} if write is None else write(found, panel.facts),
        lost=np.concatenate(lost),
        lost_obs=np.concatenate(lost_obs),
        spool=np.concatenate(spools, axis=2),
        tally=tally,
        blocks=tuple(whole),
        candidates=candidates,
    )


def _spooled(job: Job, one: Chunk) -> Floats:
    """CAR, BHAR and whether an event counts over each window; (3, W, E)."""
    found = one.block.measures
    known = one.kept[:, None] & np.isfinite(found.car)
    if job.layout.tested:
        known &= np.isfinite(one.block.exact.std_error)
    return np.stack([found.car.T, found.bhar.T, known.T.astype(np.float64)])


def _members(events: Roster, same_as_all: int) -> dict[int, Bools]:
    """Group -> its counted events of the chunk, if they are studied; a group like ``all`` is left out."""
    found = {0: events.marks & COUNTS_IN_ALL > 0}
    own = events.marks & COUNTS_IN_OWN > 0
    for group in np.unique(events.group).tolist():
        if group not in (same_as_all, 0):
            found[group] = own & (events.group == group)
    return found


def _tally(job: Job, one: Chunk) -> Tally:
    """Sums of the chunk for its groups."""
    events, facts = one.events, one.panel.facts
    members = {}
    for group, mine in _members(events, job.same_as_all).items():
        rows_of = events.marked(DIRECT) if group == 0 else events.group == group
        members[group] = Member(one.kept & mine, int((one.kept & rows_of & events.marked(REPORTED)).sum()))
    measures = one.block.measures
    if job.options.conventions.sar != "exact":
        days = day_variance(one.block.design, one.block.fits, measures.v, job.options)
        measures = replace(measures, v=days)
    found = Outcomes(
        car=one.block.measures.car,
        std_error=one.block.exact.std_error,
        scar=one.block.exact.t,
        bhar=one.block.measures.bhar,
        q=one.block.measures.q,
        ar=one.block.measures.ar,
        evidence=light_evidence(measures),
        date=facts.day(events.series, events.session),
        place=facts.place(events.series, events.session),
        own=events.own.astype(np.int64) if job.own else None,
        weight=events.weight if len(events.weight) else None,
    )
    return tallied(found, members, job.layout, job.parts, len(facts.days), spread=job.again)


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """Sums of the second pass.

    Attributes
    ----------
    parts : frozenset of str
        Of ``summary.PARTS``, without the light ones.
    spreads : dict
        (group, window) -> Spread of the whole sample, or None where nothing is standardised again.
    correlations : dict
        (group, window) -> mean correlation of the events of one date.
    dispersed : frozenset of (group, window)
        Samples of ``conformal-dispersion``.
    """

    parts: frozenset[str]
    spreads: dict[GroupWindow, Spread | None]
    correlations: dict[GroupWindow, float]
    dispersed: frozenset[GroupWindow] = frozenset()


def rank_block(job: Job, events: Roster, again: Again, known: Block | None = None) -> dict[GroupWindow, SecondPass]:
    """The second pass: what needs residuals, or the whole sample's spread, of a block of events.

    Parameters
    ----------
    job, events
        As in the first pass.
    known : Block or None
        The events as the first pass measured them, where it kept them; else they are measured again.
    """
    spec, panel = job.spec, job.opened()
    returns = panel.of_returns
    found: dict[GroupWindow, SecondPass] = {}
    for at in range(0, len(events), CHUNK):
        chunk = events.part(at, at + CHUNK)
        cells = {
            (group, w): Cell(
                window=w,
                member=member,
                spread=again.spreads[group, w],
                correlation=again.correlations[group, w],
                dispersion=(group, w) in again.dispersed,
            )
            for group, member in _members(chunk, job.same_as_all).items()
            for w in range(job.n_shared)
            if (group, w) in again.spreads and member.any()
        }
        if known is None:
            placed, _ = placed_events(panel, chunk, spec, None)
            sums = totals(returns, placed, job.options, list(cells.values()), again.parts)
        else:
            kept = select(known, np.arange(at, at + len(chunk)))
            sums = totals_of(kept.measures, kept.design, kept.fits, job.options, list(cells.values()), again.parts)
        added_pass(found, dict(zip(cells, sums, strict=True)))
    give_back()
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class InPairs:
    """Which samples pairs are formed of.

    Attributes
    ----------
    windows : dict
        Window -> its samples (group, window).
    firm : int64 (S,)
        Number of the firm of each series.
    """

    windows: dict[int, list[GroupWindow]]
    firm: Ints


def pair_block(
    job: Job,
    wanted: InPairs,
    events: dict[int, Roster],
    tasks: Sequence[tuple[int, Sequence[int]]],
    known: Mapping[int, Block] | None = None,
) -> list[list[PairSums]]:
    """The sums over the pairs of some blocks of events sorted by date.

    Parameters
    ----------
    events : dict
        Number of a block -> its events, for every block that ``tasks`` name.
    tasks : sequence of (block, its neighbours)
    known : mapping or None
        The same blocks as the first pass measured them, where it kept them; else they are measured again.
    """
    panel = job.opened()
    calendar = np.unique(panel.facts.days)

    def measured(number: int) -> Block:
        if known is not None:
            return known[number]
        placed, _ = placed_events(panel, events[number], job.spec, None)
        return measured_block(panel.of_returns, placed, replace(job.options, tests=frozenset(), paths=False))

    return summed_pairs(tasks, lambda number: _errors(job, wanted, calendar, events[number], measured(number)))


def _errors(job: Job, wanted: InPairs, calendar: Ints, events: Roster, block: Block) -> Errors:
    """The errors of a block of events that lie near each other in time."""
    spec, panel, plan = job.spec, job.opened(), job.options.plan
    facts, found = panel.facts, block.measures
    studied = found.rank_ok & (found.n_obs >= job.options.needed(panel.factors.shape[1])) & (found.s2 > 0)
    known = studied[:, None] & np.isfinite(found.car) & np.isfinite(found.q)
    members, nobody = _members(events, job.same_as_all), np.zeros(len(events), dtype=bool)
    shares = [
        np.stack([members.get(group, nobody) & known[:, w] for group, _ in keys], axis=1).astype(np.float64)
        for w, keys in wanted.windows.items()
    ]
    if len(events.weight):
        # the same samples once more, each event with its weight
        weight = np.nan_to_num(events.weight)[:, None]
        shares = [np.concatenate([own, own * weight], axis=1) for own in shares]
    days = Calendars(facts.start, facts.days).event_days(facts.calendar[events.series], events.session, plan)
    windows = [(spec.windows[w].start, spec.windows[w].end) for w in wanted.windows]
    laid = Laid(days, wanted.firm[events.series], calendar)
    return errors_in_event_time(block.design, block.fits, spec.model, windows, laid, shares)


def blocks(n: int, size: int) -> Sequence[tuple[int, int]]:
    """Start and stop of every block."""
    return [(at, min(at + size, n)) for at in range(0, n, size)]
