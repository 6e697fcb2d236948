"""A chunk of at most 2,048 events, measured and marked with what deserves a second look."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from eventstudy.data.panel import Panel
from eventstudy.engine.aggregates import Layout
from eventstudy.engine.block import Block, study_block
from eventstudy.engine.models import MODELS
from eventstudy.engine.options import Engine, Options
from eventstudy.engine.panel import Bools, Ints
from eventstudy.engine.significance.summary import SPREAD_PARTS
from eventstudy.engine_options import options_of, pairs, window_plan
from eventstudy.flags import row_flags, test_flags, window_flags
from eventstudy.prepare import facts_of, placed_events
from eventstudy.roster import Roster
from eventstudy.spec import StudySpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Settings that every block of a study shares.

    Attributes
    ----------
    panel : Panel or Path
        The panel, or the folder of its files where workers map it themselves.
    engine : str
    single : frozenset of str
        Tests of one event that are wanted beyond the t test.
    parts : frozenset of str
        Parts of the summaries that the tests across events read.
    same_as_all : int
        Group with the members of ``all``.
    daily : bool
        Whether abnormal returns by day are wanted.
    spool : bool
        Whether CARs and BHARs are wanted for tests that need every event at once.
    n_shared : int
        So many of ``spec.windows`` belong to every event; the others to events that name them.
    own : bool
        Whether rows name windows of their own.
    keep : bool
        Whether measured blocks are handed back, for what looks at single events.
    claims : bool (n,) or None
        Rows of the events table that claim something, where of measured blocks only the events are handed back that
        pages may show; None hands back whole blocks.
    """

    panel: Panel | Path
    spec: StudySpec
    engine: Engine
    single: frozenset[str]
    parts: frozenset[str]
    same_as_all: int
    daily: bool
    spool: bool
    n_shared: int
    own: bool = False
    keep: bool = False
    claims: Bools | None = None

    def opened(self) -> Panel:
        """The panel."""
        return self.panel if isinstance(self.panel, Panel) else Panel.open(self.panel)

    @property
    def options(self) -> Options:
        """Options of the engine."""
        return replace(options_of(self.spec, self.engine), tests=self.single, paths=self.daily)

    @property
    def layout(self) -> Layout:
        """The windows as groups read them."""
        windows = pairs(self.spec)
        return Layout(
            plan=window_plan(self.spec),
            windows=windows,
            n_shared=self.n_shared,
            own=self.own,
            tested=MODELS[self.spec.model].has_errors,
        )

    @property
    def again(self) -> bool:
        """Whether something is standardised again in a second pass."""
        return bool(self.parts & SPREAD_PARTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """At most 2,048 events, measured: arrays have events first."""

    events: Roster
    panel: Panel
    block: Block
    kept: Bools
    row_flags: np.ndarray
    window_flags: np.ndarray


def measured_chunk(job: Job, panel: Panel, events: Roster, seeds: Ints | None) -> Chunk:
    """Measure the events and mark what deserves a second look."""
    placed, around = placed_events(panel, events, job.spec, seeds)
    block = study_block(panel.of_returns, placed, job.options)
    found = block.measures
    facts = facts_of(panel, events, job.spec, found.n_obs, found.zero_variance, found.fallback)
    near = np.stack([window_flags(facts, around, window) for window in job.spec.windows], axis=1)
    if "p_rank_local" in block.columns:
        near |= test_flags(block.exact.p, block.columns["p_rank_local"])
    return Chunk(
        events=events,
        panel=panel,
        block=block,
        kept=found.rank_ok & (found.n_obs >= job.options.needed(panel.factors.shape[1])),
        row_flags=row_flags(facts, around, job.options.plan),
        window_flags=near,
    )
