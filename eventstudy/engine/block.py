"""The block step: a block of events measured and tested, the same for one event and for ten million."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from eventstudy.engine.abnormal import Abnormal, Cars
from eventstudy.engine.context import EventContext, SingleTest
from eventstudy.engine.least_squares import Fits
from eventstudy.engine.measure import is_compiled, measure
from eventstudy.engine.measures import Measures, end_to_end, take
from eventstudy.engine.moments import CHUNK
from eventstudy.engine.numpy_kernel import measure_chunk, measure_design
from eventstudy.engine.options import Options
from eventstudy.engine.panel import Floats, Ints, Placed, ReturnPanel
from eventstudy.engine.significance.distributions import t_p_value
from eventstudy.engine.significance.headline import headline
from eventstudy.engine.significance.single import ExactT, exact_t
from eventstudy.engine.significance.single_tests import SINGLE_TESTS
from eventstudy.engine.windows import Design

# what a test reads beside the days of its event: events that share it are tested together
OF_OTHERS = frozenset({"history", "donors"})
# events whose days are held at a time while they are tested: 20 kB each, and as much again for what tests make of them
AT_ONCE = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """E events over W test windows, measured and tested.

    Attributes
    ----------
    exact : ExactT
        ``car-t``.
    columns : dict of str to float64 (E, W)
        Column of the windows table -> its values, of the tests that were computed.
    context : EventContext
        The days of the events, for who looks at them.
    """

    measures: Measures
    exact: ExactT
    columns: dict[str, Floats]
    context: EventContext

    def column(self, name: str) -> Floats:
        """A column of the windows table; NaN where no test that was computed fills it."""
        return self.columns[name] if name in self.columns else self.context.empty()

    @property
    def design(self) -> Design:
        """Returns of the events in event time."""
        return self.context.design

    @property
    def fits(self) -> Fits:
        """The estimated models, with the residual of every day."""
        return self.context.fits

    @property
    def abnormal(self) -> Abnormal:
        """Abnormal returns by day."""
        found = self.measures
        return Abnormal(ar=found.ar, expected=found.expected, v=found.v, path=found.path, path_v=found.path_v)

    @property
    def cars(self) -> Cars:
        """CARs by test window."""
        found = self.measures
        return Cars(car=found.car, q=found.q, base=found.base, bhar=found.bhar)

    @property
    def ar_std_error(self) -> Floats:
        """Standard error of each abnormal return, (E, L)."""
        s2 = np.where(self.measures.s2 > 0, self.measures.s2, np.nan)
        return np.sqrt(s2[:, None] * self.measures.v)

    @property
    def ar_t(self) -> Floats:
        """``ar-t``, (E, L)."""
        return np.asarray(self.measures.ar / self.ar_std_error)

    @property
    def ar_p(self) -> Floats:
        """Its p value, (E, L)."""
        t = self.ar_t
        return t_p_value(t, np.broadcast_to(self.measures.nu[:, None], t.shape), self.context.options.alternative)


def study_block(panel: ReturnPanel, placed: Placed, options: Options) -> Block:
    """Estimate, predict and test a block of events. Pure: arrays in, arrays out.

    Parameters
    ----------
    placed : Placed
        Events in any order.
    options : Options
        With the engine that measures and the tests that are wanted.

    Returns
    -------
    Block
        Each event is estimated once; tests that look at its days read the estimates of the kernel.
    """
    options = replace(options, serial=options.serial or any("serial" in e.reads for e in _wanted(options).values()))
    n, found = len(placed.session), measure(panel, placed, options) if is_compiled(options) else None
    blocks = []
    for at in range(0, max(n, 1), CHUNK):
        few, design, fits = placed.part(at, at + CHUNK), None, None
        if found is None:
            measures, design, fits = measure_chunk(panel, few, options)
        else:
            measures = take(found, slice(at, at + CHUNK))
        context = EventContext(
            options=options, measures=measures, seed=few.seed, panel=panel, placed=few, _design=design, _fits=fits
        )
        blocks.append(_block(context))
        context.let_go(days=n > CHUNK and options.entry.twin != "")
    return blocks[0] if len(blocks) == 1 else _joined(blocks, found, placed)


def tested_block(design: Design, fits: Fits, seed: Ints, options: Options) -> Block:
    """Test events that are in event time and estimated; tests that read a firm's other sessions are left out.

    Parameters
    ----------
    design, fits
        As gathered and estimated.
    seed : int64 (E,)
        Of each event's resampling.
    """
    session = np.full(len(design.y), -options.plan.estimation_start)
    found, design, fits = measure_design(design, fits, session, options)
    return _block(EventContext(options=options, measures=found, seed=seed, _design=design, _fits=fits))


def _wanted(options: Options) -> dict[str, SingleTest]:
    return {name: entry for name, entry in SINGLE_TESTS.items() if name in options.tests}


def _block(context: EventContext) -> Block:
    """The tests that are wanted and possible, on events that are measured."""
    found, options = context.measures, context.options
    possible = [entry for entry in _wanted(options).values() if entry.possible(context)]
    columns = _columns(context, [entry for entry in possible if entry.reads & OF_OTHERS])
    alone = [entry for entry in possible if not entry.reads & OF_OTHERS]
    made = [_columns(part, alone) for part in context.parts(AT_ONCE)]
    columns |= {name: np.concatenate([part[name] for part in made]) for name in made[0]}
    exact = exact_t(found.car, found.q, found.s2, found.nu, options.level, options.alternative)
    if "rank_low" in columns:
        rank = (columns["p_rank_local"], columns.pop("rank_low"), columns.pop("rank_high"))
        columns |= headline(exact, *rank, options.alternative)
    return Block(measures=found, exact=exact, columns=columns, context=context)


def _columns(context: EventContext, entries: Sequence[SingleTest]) -> dict[str, Floats]:
    columns: dict[str, Floats] = {}
    for entry in entries:
        columns |= entry.run(context)
    return columns


def joined(blocks: Sequence[Block]) -> Block:
    """The events of all blocks of one panel, in order."""
    if len(blocks) == 1:
        return blocks[0]
    parts = [block.context.placed for block in blocks if block.context.placed is not None]
    columns = ("series", "session", "masked", "seed")
    placed = replace(parts[0], **{name: np.concatenate([getattr(part, name) for part in parts]) for name in columns})
    return _joined(blocks, None, placed)


def _joined(blocks: Sequence[Block], found: Measures | None, placed: Placed) -> Block:
    options, panel = blocks[0].context.options, blocks[0].context.panel
    measures = end_to_end([block.measures for block in blocks]) if found is None else found
    design, fits = None, None
    if not options.entry.twin:
        design, fits = (end_to_end([getattr(block, name) for block in blocks]) for name in ("design", "fits"))
    return Block(
        measures=measures,
        exact=end_to_end([block.exact for block in blocks]),
        columns={name: np.concatenate([block.columns[name] for block in blocks]) for name in blocks[0].columns},
        context=EventContext(
            options=options,
            measures=measures,
            seed=placed.seed,
            panel=panel,
            placed=placed,
            _design=design,
            _fits=fits,
        ),
    )


def chosen(blocks: Sequence[Block], at: Ints) -> Block:
    """Some events, ascending, of blocks that follow each other; only these are copied."""
    edges = np.cumsum([0, *(len(block.measures.s2) for block in blocks)])
    inside = [at[(at >= first) & (at < stop)] - first for first, stop in pairwise(edges)]
    parts = [select(block, some) for block, some in zip(blocks, inside, strict=True) if len(some)]
    return joined(parts or [select(blocks[0], at)])


def select(block: Block, kept: Ints) -> Block:
    """The block of some of its events."""
    context = block.context
    found, gathered = take(block.measures, kept), context.gathered
    design, fits = (None, None) if gathered is None else (take(part, kept) for part in gathered)
    chosen = EventContext(
        options=context.options,
        measures=found,
        seed=context.seed[kept],
        panel=context.panel,
        placed=None if context.placed is None else context.placed.chosen(kept),
        _design=design,
        _fits=fits,
    )
    columns = {name: values[kept] for name, values in block.columns.items()}
    return Block(measures=found, exact=take(block.exact, kept), columns=columns, context=chosen)
