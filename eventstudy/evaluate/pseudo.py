"""A ticker's uneventful sessions, each taken as an event: what every single-event test says of it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from eventstudy.data.series_index import SeriesKey
from eventstudy.data.surroundings import masked_history
from eventstudy.engine.block import Block, tested_block
from eventstudy.engine.least_squares import Fits
from eventstudy.engine.measures import take
from eventstudy.engine.models import MODELS
from eventstudy.engine.options import Options
from eventstudy.engine.panel import Bools, Floats, Ints, ReturnPanel
from eventstudy.engine.significance.placebo import PlaceboTable, placebo_table, placebo_time
from eventstudy.engine.significance.serial import local_variance
from eventstudy.engine.significance.single_tests import SINGLE_TESTS
from eventstudy.engine.windows import Design, gather, in_event_time
from eventstudy.engine_options import options_of, pairs
from eventstudy.errors import UsageError
from eventstudy.evaluate.placed import bits_of
from eventstudy.spec import ALWAYS_TESTS, CLUSTER_TESTS, RESAMPLED_TESTS, StudySpec

if TYPE_CHECKING:
    from eventstudy.results import Studied

# Fewer say nothing about a rate of 5 %.
FEWEST = 100
# Pseudo-events whose designs are held at once.
_CHUNK = 1024

# Tests of one event or of one session: all that a pseudo-event can be asked; bootstraps only where they are named.
OF_A_SESSION = frozenset((*ALWAYS_TESTS, *SINGLE_TESTS, *CLUSTER_TESTS)) - set(RESAMPLED_TESTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A series made ready: what pseudo-events are cut from.

    Attributes
    ----------
    panel : ReturnPanel
        Of this series alone.
    estimation_mask : bool (T,)
        What the study leaves out of estimation windows.
    event_mask : bool (T,)
        Sessions around catalogued announcements and the firm's own filings: no pseudo-event's window touches them,
        whatever the study masks.
    table : PlaceboTable or None
        For ``placebo-time``.
    """

    key: SeriesKey
    panel: ReturnPanel
    estimation_mask: Bools
    event_mask: Bools
    table: PlaceboTable | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PseudoEvents:
    """n pseudo-events of one ticker over W windows.

    Attributes
    ----------
    session : int64 (n,)
        Positions on the ticker's calendar, in order.
    day_number : int64 (n,)
        Their calendar days.
    p : dict of str to float64 (n, W)
        p values by test; NaN where the test is undefined or the window is not clean.
    local : float64 (n, W)
        Root mean square of the 20 latest unmasked errors before each window: trailing volatility.
    """

    session: Ints
    day_number: Ints
    p: dict[str, Floats]
    local: Floats


def make_stage(studied: Studied, key: SeriesKey, spec: StudySpec | None = None, part: str = "total") -> Stage:
    """The series of a key, or of a part of its days, its masks and its table of placebo t values; ``spec`` None is the
    study's."""
    spec, firm = spec or studied.spec, studied.index.pairs.index((key.ticker, key.exchange))
    if not MODELS[spec.model].has_errors:
        raise UsageError(f"{spec.model} has no p value to calibrate with pseudo-events", "another model")
    (panel,), resumed = studied.market.stacks([key], spec.returns, (part,))
    bits = bits_of(studied, np.array([firm]), resumed)
    options, table = options_of(spec), None
    events = masked_history(bits, options.plan.n_days)[0, : panel.n_sessions]
    own = masked_history(bits, options.plan.n_days, catalogue=spec.exclude != "none")[0, : panel.n_sessions]
    if "placebo-time" in options.tests and options.entry.inference in SINGLE_TESTS["placebo-time"].defined:
        table = placebo_table(panel, 0, own, options)
    return Stage(key=key, panel=panel, estimation_mask=own, event_mask=events, table=table)


def calibrated_spec(spec: StudySpec) -> StudySpec:
    """The study's spec for pseudo-events: bootstraps only where they are named, because each costs 999 refits."""
    if spec.tests != ("all",):
        return spec
    kept = sorted(spec.active_tests & OF_A_SESSION)
    return spec.with_changes(tests=tuple(kept))


def pseudo_events(stage: Stage, spec: StudySpec, effects: Sequence[float] = ()) -> list[PseudoEvents]:
    """Every session of a series that can serve as an event, tested as it is and with each planted effect.

    A session counts for a window that touches no catalogued event and holds every return, with its own estimation
    window, masks kept. An effect is added to day 0's return of the pseudo-event alone, never to another's estimation
    window, and counts only in windows that hold day 0.

    Returns
    -------
    list of PseudoEvents
        Without an effect first, then one for each; bootstraps are left out of the latter.

    Checked against
    ---------------
    The same sessions written into an events file of their own and studied (tests/evaluate/test_calibrate.py).
    """
    spec = calibrated_spec(spec)
    options = options_of(spec)
    plan = options.plan
    known = np.flatnonzero(np.isfinite(stage.panel.returns[0]))
    needed = options.needed(stage.panel.factors.shape[1])
    sessions = np.arange(known[0] - plan.estimation_start, known[-1] + 1) if len(known) else known
    sizes = (0.0, *effects)
    parts: list[list[PseudoEvents]] = [[] for _ in sizes]
    for at in range(0, len(sessions), _CHUNK):
        chunk = sessions[at : at + _CHUNK]
        zero = np.zeros_like(chunk)
        masked = in_event_time(stage.estimation_mask[None], zero, chunk, plan)
        design = gather(stage.panel, zero, chunk, masked, plan, strict=options.strict)
        uneventful = ~in_event_time(stage.event_mask[None], zero, chunk, plan)
        fits = options.entry.fit(design)
        studied = fits.rank_ok & (fits.n_obs >= needed) & (fits.s2 > 0)
        clean = np.stack(
            [
                studied & (design.observed & uneventful)[:, design.days(start, end)].all(axis=1)
                for start, end in options.windows
            ],
            axis=1,
        )
        kept = np.flatnonzero(clean.any(axis=1))
        if len(kept):
            own = take(design, kept), take(fits, kept)
            for place, effect in zip(parts, sizes, strict=True):
                place.append(_tested(stage, spec, *own, clean[kept], chunk[kept], effect))
    return [_joined(part, spec) for part in parts]


def _tested(
    stage: Stage, spec: StudySpec, design: Design, fits: Fits, clean: Bools, session: Ints, effect: float
) -> PseudoEvents:
    """One chunk of pseudo-events with an effect on their day 0."""
    if effect:
        names = tuple(sorted(spec.active_tests & OF_A_SESSION))
        spec = spec.with_changes(tests=names)
        inside = [start <= 0 <= end for start, end in pairs(spec)]
        clean = clean & np.array(inside)
        design, fits = planted(design, fits, effect)
    options = options_of(spec)
    block = tested_block(design, fits, _seeds(stage.key, session), options)
    found = {name: np.where(clean, values, np.nan) for name, values in single_p_values(block, spec).items()}
    if stage.table is not None:
        found["placebo-time"] = np.where(clean, _placebo_p(stage.table, block, session, options), np.nan)
    local = np.stack([np.sqrt(local_variance(design, block.fits, start)) for start, _ in pairs(spec)], axis=1)
    return PseudoEvents(session=session, day_number=stage.panel.day_number[0, session], p=found, local=local)


def single_p_values(block: Block, spec: StudySpec) -> dict[str, Floats]:
    """p values by test, of those the study computes and a session alone can answer; (E, W) each."""
    active = spec.active_tests
    found = {"car-t": block.exact.p}
    for name, entry in SINGLE_TESTS.items():
        # one statistic under two names counts once; what needs other sessions is asked of the series
        taken = any(SINGLE_TESTS[other].columns == entry.columns for other in found if other in SINGLE_TESTS)
        if name in active and not taken and not entry.reads & {"history", "donors"}:
            found[name] = block.column(entry.columns[0])
    if "rank-local" in found:
        found["headline"] = block.column("p_headline")
    return found


def planted(design: Design, fits: Fits, effect: float) -> tuple[Design, Fits]:
    """The same events with ``effect`` added to their return of day 0, which no estimation window holds."""
    column = design.plan.column(0)
    y, residual, scaled = design.y.copy(), fits.residual.copy(), fits.scaled.copy()
    y[:, column] += effect
    residual[:, column] += effect
    scaled[:, column] += effect / np.sqrt(design.span[:, column])
    return replace(design, y=y), replace(fits, residual=residual, scaled=scaled)


def _placebo_p(table: PlaceboTable, block: Block, session: Ints, options: Options) -> Floats:
    n_windows, t = len(options.windows), block.exact.t
    return np.array(
        [
            [placebo_time(table, int(at), w, float(t[i, w]), options).p for w in range(n_windows)]
            for i, at in enumerate(session)
        ]
    ).reshape(len(session), n_windows)


def _seeds(key: SeriesKey, session: Ints) -> Ints:
    """One a pseudo-event, from its ticker and session alone."""
    base = int.from_bytes(hashlib.sha256(key.ticker.encode()).digest()[:5], "big")
    return session.astype(np.int64) + base


def _joined(parts: Sequence[PseudoEvents], spec: StudySpec) -> PseudoEvents:
    if not parts:
        none, empty = np.zeros(0, dtype=np.int64), np.zeros((0, len(spec.windows)))
        return PseudoEvents(session=none, day_number=none, p={}, local=empty)
    return PseudoEvents(
        session=np.concatenate([part.session for part in parts]),
        day_number=np.concatenate([part.day_number for part in parts]),
        p={name: np.concatenate([part.p[name] for part in parts]) for name in parts[0].p},
        local=np.concatenate([part.local for part in parts]),
    )
