"""A chunk of at most 2,048 events: cut out of the panel, measured, and marked with what deserves a second look."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from eventstudy.engine.block import study_block
from eventstudy.engine.measure import Measures
from eventstudy.engine.options import Engine, Options
from eventstudy.engine.panel import Bools, Floats, Ints, Placed, ReturnPanel
from eventstudy.engine.significance.single import ExactT
from eventstudy.engine.significance.summary import SPREAD_PARTS
from eventstudy.engine.windows import WindowPlan
from eventstudy.engine_options import options_of, window_plan
from eventstudy.scale.marks import NEAR_DAY0, OWN_BENCHMARK, SHARED, UNCERTAIN, Roster
from eventstudy.scale.panel_file import BAD_TICK, CONFOUNDED, GAP, MASKING, MISSING, OTHER, STALE, TRADED, PanelFile
from eventstudy.spec import StudySpec

SHORT_SHARE = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What every block of a study shares.

    Attributes
    ----------
    folder : str
        Of the panel's files.
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

    folder: str
    spec: StudySpec
    engine: Engine
    single: frozenset[str]
    parts: frozenset[str]
    same_as_all: int
    daily: bool
    spool: bool

    @property
    def options(self) -> Options:
        """What the engine is asked to do."""
        return replace(options_of(self.spec, self.engine), tests=self.single, paths=self.daily)

    @property
    def again(self) -> bool:
        """Whether something is standardised again in a second pass."""
        return bool(self.parts & SPREAD_PARTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """At most 2,048 events, measured: arrays have events first."""

    events: Roster
    panel: PanelFile
    measures: Measures
    exact: ExactT
    kept: Bools
    row_flags: np.ndarray
    window_flags: np.ndarray
    more: dict[str, Floats]


def measured_chunk(job: Job, panel: PanelFile, events: Roster, seeds: Ints | None) -> Chunk:
    """Cut the events' series out of the panel, measure them and mark what deserves a second look."""
    returns, placed, around = placed_chunk(job, panel, events, seeds)
    block = study_block(returns, placed, job.options)
    found = block.measures
    row_flags, window_flags = _flags(panel, events, found, around, job.spec)
    return Chunk(
        events=events,
        panel=panel,
        measures=found,
        exact=block.exact,
        kept=found.rank_ok & (found.n_obs >= job.options.needed(returns.factors.shape[1])),
        row_flags=row_flags,
        window_flags=window_flags,
        more=block.columns,
    )


def placed_chunk(job: Job, panel: PanelFile, events: Roster, seeds: Ints | None) -> tuple[ReturnPanel, Placed, _Around]:
    """The events' series cut out of the panel, the events on them, and what happened around them."""
    spec, plan = job.spec, job.options.plan
    first, stop = int(events.series.min()), int(events.series.max()) + 1
    returns = panel.cut(first, stop)
    around = _Around.of(panel.bits[first:stop], events.series - first, events.session, plan, spec)
    placed = Placed(
        series=events.series.astype(np.int64) - first,
        session=events.session.astype(np.int64),
        masked=around.masked,
        history_mask=around.history,
        seed=np.zeros(len(events), dtype=np.int64) if seeds is None else seeds,
    )
    return returns, placed, around


@dataclass(frozen=True, slots=True)
class _Around:
    """The bits around each event, in event time.

    Attributes
    ----------
    cells : uint8 (E, width)
        From ``low`` days before day 0 on.
    low : int
    masked : bool (E, D)
    history : bool (S, T)
    """

    cells: np.ndarray
    low: int
    masked: Bools
    history: Bools

    @classmethod
    def of(cls, bits: np.ndarray, series: Ints, session: Ints, plan: WindowPlan, spec: StudySpec) -> _Around:
        reach = max(window.length for window in spec.windows)
        low, high = max(1 - plan.estimation_start, reach), max(plan.end + 1, reach)
        padded = np.pad(bits, [(0, 0), (low, high)])
        view = np.lib.stride_tricks.sliding_window_view(padded, low + high + 1, axis=1)
        cells = view[series, session]
        own = (cells & MASKING) > 0
        own[:, low] = False
        wide = own[:, :-2] | own[:, 1:-1] | own[:, 2:]
        start = low + plan.estimation_start - 1
        masking = (bits & MASKING) > 0
        history = masking.copy()
        history[:, 1:] |= masking[:, :-1]
        history[:, :-1] |= masking[:, 1:]
        return cls(cells, low, np.ascontiguousarray(wide[:, start : start + plan.n_days]), history)

    def any(self, start: int, end: int) -> np.ndarray:
        """Bits that occur from day ``start`` to day ``end``; uint8 (E,)."""
        return np.asarray(np.bitwise_or.reduce(self.cells[:, self.low + start : self.low + end + 1], axis=1))


def _flags(
    panel: PanelFile, events: Roster, found: Measures, around: _Around, spec: StudySpec
) -> tuple[np.ndarray, np.ndarray]:
    """Bits of ``flags.FLAGS`` of each event, and of each event and window."""
    from eventstudy.flags import flag_bit

    plan, facts, marks = window_plan(spec), panel.facts, events.marks
    whole = around.any(plan.estimation_start, plan.end)
    day0 = around.cells[:, around.low]
    own = {
        "timing_uncertain": marks & UNCERTAIN > 0,
        "shared_session": marks & SHARED > 0,
        "short_estimation": found.n_obs < SHORT_SHARE * spec.estimation,
        "no_trade_day0": day0 & TRADED == 0,
        "zero_variance": found.zero_variance,
        "stale_prices": whole & STALE > 0,
        "bad_tick": whole & BAD_TICK > 0,
        "benchmark_gap": whole & GAP > 0,
        "model_fallback": found.fallback,
        "benchmark_is_ticker": marks & OWN_BENCHMARK > 0,
    }
    row = np.zeros(len(events), dtype=np.int32)
    for name, where in own.items():
        row |= np.where(where, np.int32(flag_bit(name)), np.int32(0))
    last, market = facts.last[events.series], facts.benchmark_last[events.series]
    each = np.zeros((len(events), len(spec.windows)), dtype=np.int32)
    for w, window in enumerate(spec.windows):
        end = events.session + window.end
        ahead = around.any(1, window.length - 1) if window.length > 1 else np.uint8(0)
        behind = around.any(1 - window.length, -1) if window.length > 1 else np.uint8(0)
        near = marks & NEAR_DAY0 > 0 if window.start <= 0 <= window.end else np.zeros(len(events), dtype=bool)
        for low, high in ((window.start, min(window.end, -1)), (max(window.start, 1), window.end)):
            if low <= high:
                near = near | (around.any(low, high) & CONFOUNDED > 0)
        for name, where in {
            "confounded": near,
            "overlap": (ahead | behind) & OTHER > 0,
            "window_incomplete": end > market,
            "missing_day": around.any(window.start, window.end) & MISSING > 0,
            "delisted": last < np.minimum(end, market),
        }.items():
            each[:, w] |= np.where(where, np.int32(flag_bit(name)), np.int32(0))
    return row, each
