"""A chunk of at most 2,048 events: cut out of the panel, measured, and marked with what deserves a second look."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from eventstudy.data.panel import Panel
from eventstudy.engine.kernels import Engine, Measures, measure
from eventstudy.engine.panel import Bools, Floats, Ints
from eventstudy.engine.partition import conventions, fewest_observations, pairs, window_plan
from eventstudy.engine.significance.single import ExactT, exact_t
from eventstudy.engine.significance.summary import SPREAD_PARTS
from eventstudy.flags import row_flags, window_flags
from eventstudy.prepare import facts_of, placed_events
from eventstudy.roster import Roster
from eventstudy.scale.slow import VECTORISED, serial_columns, single_columns
from eventstudy.spec import StudySpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What every block of a study shares.

    Attributes
    ----------
    panel : Panel or Path
        The panel, or the folder of its files where workers map it themselves.
    spec : StudySpec
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
    """

    panel: Panel | Path
    spec: StudySpec
    engine: Engine
    single: frozenset[str]
    parts: frozenset[str]
    same_as_all: int
    daily: bool
    spool: bool

    def opened(self) -> Panel:
        """The panel."""
        return self.panel if isinstance(self.panel, Panel) else Panel.open(self.panel)

    @property
    def again(self) -> bool:
        """Whether something is standardised again in a second pass."""
        return bool(self.parts & SPREAD_PARTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """At most 2,048 events, measured: arrays have events first."""

    events: Roster
    panel: Panel
    measures: Measures
    exact: ExactT
    kept: Bools
    row_flags: np.ndarray
    window_flags: np.ndarray
    more: dict[str, Floats]


def measured_chunk(job: Job, panel: Panel, events: Roster, seeds: Ints | None) -> Chunk:
    """Cut the events' series out of the panel, measure them and mark what deserves a second look."""
    spec = job.spec
    returns, plan = panel.of_returns, window_plan(spec)
    placed, around = placed_events(panel, events, spec, seeds)
    found = measure(
        returns,
        placed,
        plan,
        spec.model,
        pairs(spec),
        engine=job.engine,
        conventions=conventions(spec),
        strict=spec.missing == "strict",
        log=spec.returns == "log",
        paths=job.daily,
        serial=not job.single.isdisjoint(VECTORISED),
        fitter=fitter_of_spec(spec),
    )
    needed = fewest_observations(spec, spec.model, returns.factors.shape[1])
    exact = exact_t(found.car, found.q, found.s2, found.nu, spec.level, spec.alternative)
    facts = facts_of(panel, events, found.n_obs, found.zero_variance, found.fallback)
    more = serial_columns(found, spec, job.single)
    if slow := job.single - set(VECTORISED):
        more |= single_columns(returns, placed, spec, slow, fitter_of_spec(spec))
    return Chunk(
        events=events,
        panel=panel,
        measures=found,
        exact=exact,
        kept=found.rank_ok & (found.n_obs >= needed),
        row_flags=row_flags(facts, around, plan),
        window_flags=np.stack([window_flags(facts, around, window) for window in spec.windows], axis=1),
        more=more,
    )


def fitter_of_spec(spec: StudySpec) -> Any:
    """What estimates the model, as in a small study; imported where it is called, for ``study`` imports a lot."""
    from eventstudy.study import fitter_of

    return fitter_of(spec)
