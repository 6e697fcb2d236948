"""A block of events, measured: what this process, a thread or a worker anywhere runs; it reads the panel's files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from eventstudy.engine.measure import Measures
from eventstudy.engine.measures import light_evidence, sample_over
from eventstudy.engine.moments import CHUNK
from eventstudy.engine.panel import Bools, Floats, Ints
from eventstudy.engine.second_pass import Cell, totals
from eventstudy.engine.significance.laws import t_p_value
from eventstudy.engine.significance.summary import LIGHT_PARTS, SecondPass, Spread
from eventstudy.scale.marks import (
    COUNTS_IN_ALL,
    COUNTS_IN_OWN,
    DIRECT,
    Roster,
)
from eventstudy.scale.measured import (
    Chunk,
    Job,
    measured_chunk,
    placed_chunk,
)
from eventstudy.scale.panel_file import (
    PanelFile,
)
from eventstudy.scale.tally import GroupWindow, Tally, added, added_test, days_of, tested_of
from eventstudy.spec import StudySpec


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockResult:
    """A block, measured. n events were studied; W windows, L days.

    Attributes
    ----------
    kept : int64 (n,)
        Their positions in the block.
    lost, lost_obs : int64 (m,)
        Positions of events whose estimation window carries no model, and their observations.
    windows : dict
        Column of windows -> float64 (n * W,), events first.
    models : dict
        Column of models -> (n,); ``theta`` is (n, p), positions of sessions are places on the calendars.
    row_flags, window_flags : int32 (n,), (n, W)
        Bits of ``flags.FLAGS``.
    daily : dict
        Column of abnormal_returns -> float64 (n * L,); empty where not wanted.
    spool : float64 (3, W, n)
        CAR, BHAR and whether the event is in the sample; (3, 0, 0) where not wanted.
    tally : Tally
    """

    kept: Ints
    lost: Ints
    lost_obs: Ints
    windows: dict[str, Floats]
    models: dict[str, np.ndarray]
    row_flags: np.ndarray
    window_flags: np.ndarray
    daily: dict[str, Floats]
    spool: Floats
    tally: Tally


@dataclass(slots=True)
class _Gathered:
    """Chunk results on their way to a block."""

    columns: dict[str, list[Any]] = field(default_factory=dict)

    def add(self, name: str, values: Any) -> None:
        self.columns.setdefault(name, []).append(values)

    def one(self, name: str) -> np.ndarray:
        """A column of the whole block."""
        return np.concatenate(self.columns[name])

    def joined(self, prefix: str) -> dict[str, Any]:
        """The columns of a table, by their names behind the prefix."""
        return {
            name.removeprefix(prefix): np.concatenate(blocks)
            for name, blocks in self.columns.items()
            if name.startswith(prefix)
        }


def study_block(job: Job, events: Roster, seeds: Ints | None = None) -> BlockResult:
    """Measure, test and tally a block of events, chunk by chunk.

    Parameters
    ----------
    job : Job
    events : Roster
        Whole chunks of the study's events, in order.
    seeds : int64 (E,) or None
        Of the events' resampling, where it is wanted.
    """
    panel = PanelFile.open(Path(job.folder))
    gathered, tally = _Gathered(), Tally({}, {}, {})
    for at in range(0, len(events), CHUNK):
        chunk = events.part(at, at + CHUNK)
        one = measured_chunk(job, panel, chunk, None if seeds is None else seeds[at : at + CHUNK])
        _collect(job, one, at, gathered)
        _tally(job, one, tally)
    return BlockResult(
        kept=gathered.one("kept"),
        lost=gathered.one("lost"),
        lost_obs=gathered.one("lost_obs"),
        windows=gathered.joined("windows."),
        models=gathered.joined("models."),
        row_flags=gathered.one("row_flags"),
        window_flags=gathered.one("window_flags"),
        daily=gathered.joined("daily."),
        spool=np.concatenate(gathered.columns["spool"], axis=2),
        tally=tally,
    )


def _collect(job: Job, one: Chunk, at: int, into: _Gathered) -> None:
    """The columns of the tables, for the events that are studied."""
    found, facts = one.measures, one.panel.facts
    kept, lost = np.flatnonzero(one.kept), np.flatnonzero(~one.kept)
    into.add("kept", kept + at)
    into.add("lost", lost + at)
    into.add("lost_obs", found.n_obs[lost])
    # a slice copies nothing
    own = slice(None) if not len(lost) else kept
    exact = one.exact
    columns = {
        "car": found.car,
        "std_error": exact.std_error,
        "ci_low": exact.ci_low,
        "ci_high": exact.ci_high,
        "t": exact.t,
        "df": exact.df,
        "p_t": exact.p,
        "mde80": exact.mde,
        "bhar": found.bhar,
        **one.more,
    }
    for name, values in columns.items():
        into.add(f"windows.{name}", values[own].ravel())
    series = one.events.series[own]
    models: dict[str, np.ndarray] = {
        "theta": found.theta,
        "s2": found.s2,
        "r_squared": found.r_squared,
        "n_estimation": found.n_obs,
        "n_masked": found.n_masked,
    }
    for name, values in models.items():
        into.add(f"models.{name}", values[own])
    into.add("models.estimation_start", facts.day(series, found.first_used[own]))
    into.add("models.estimation_end", facts.day(series, found.last_used[own]))
    into.add("row_flags", one.row_flags[own])
    into.add("window_flags", one.window_flags[own])
    if job.daily:
        for name, values in _daily(found, job.spec).items():
            into.add(f"daily.{name}", values[own].ravel())
    if job.spool:
        spool = np.stack([found.car.T, found.bhar.T, _counted(one).T.astype(np.float64)])[:, :, own]
    into.add("spool", spool if job.spool else np.zeros((3, 0, 0)))


def _daily(found: Measures, spec: StudySpec) -> dict[str, Floats]:
    s = np.sqrt(np.where(found.s2 > 0, found.s2, np.nan))[:, None]
    std_error = s * np.sqrt(found.v)
    t = found.ar / std_error
    return {
        "return": found.expected + found.ar,
        "expected_return": found.expected,
        "abnormal_return": found.ar,
        "std_error": std_error,
        "t": t,
        "p_value": t_p_value(t, np.broadcast_to(found.nu[:, None], t.shape), spec.alternative),
        "car": found.path,
        "car_std_error": s * np.sqrt(found.path_v),
    }


def _counted(one: Chunk) -> Bools:
    """Events that are studied and have a CAR over each window and a variance; (E, W)."""
    return one.kept[:, None] & np.isfinite(one.measures.car) & np.isfinite(one.exact.std_error)


def _members(events: Roster, same_as_all: int) -> dict[int, Bools]:
    """Group -> its counted events of the chunk, if they are studied; a group like ``all`` is left out."""
    found = {0: events.marks & COUNTS_IN_ALL > 0}
    own = events.marks & COUNTS_IN_OWN > 0
    for group in np.unique(events.group).tolist():
        if group not in (same_as_all, 0):
            found[group] = own & (events.group == group)
    return found


def _tally(job: Job, one: Chunk, tally: Tally) -> None:
    light, events, options = light_evidence(one.measures), one.events, job.options
    counted = _counted(one)
    place = one.panel.facts.place(events.series, events.session)
    for group, mine in _members(events, job.same_as_all).items():
        rows_of = events.marks & DIRECT > 0 if group == 0 else events.group == group
        members = one.kept & mine
        n_rows = int((one.kept & rows_of).sum())
        added(tally.days, group, days_of(one.measures.ar, np.flatnonzero(members), n_rows))
        for w in range(len(job.spec.windows)):
            rows = np.flatnonzero(members & counted[:, w])
            sample = sample_over(
                one.measures,
                light,
                rows,
                options,
                w,
                (one.panel.facts.day(events.series[rows], events.session[rows]), events.series[rows].astype(np.int64)),
            )
            added_test(tally.tested, (group, w), tested_of(sample, job.parts & LIGHT_PARTS, spread=job.again))
            count = np.bincount(place[rows], minlength=len(one.panel.facts.days))
            tally.places[group, w] = tally.places.get((group, w), 0) + count


def rank_block(job: Job, events: Roster, spreads: dict[GroupWindow, Spread | None]) -> dict[GroupWindow, SecondPass]:
    """The second pass: what needs residuals, or the whole sample's spread, of a block of events.

    Parameters
    ----------
    job, events
        As in the first pass.
    spreads : dict
        (group, window) -> Spread of the whole sample.
    """
    spec, panel = job.spec, PanelFile.open(Path(job.folder))
    found: dict[GroupWindow, SecondPass] = {}
    for at in range(0, len(events), CHUNK):
        chunk = events.part(at, at + CHUNK)
        returns, placed, _ = placed_chunk(job, panel, chunk, None)
        cells = {
            (group, w): Cell(window=w, member=member, spread=spreads[group, w])
            for group, member in _members(chunk, job.same_as_all).items()
            for w in range(len(spec.windows))
            if (group, w) in spreads and member.any()
        }
        sums = totals(returns, placed, job.options, list(cells.values()), job.parts - LIGHT_PARTS)
        for key, more in zip(cells, sums, strict=True):
            found[key] = found[key].merge(more) if key in found else more
    return found


def blocks(n: int, size: int) -> Sequence[tuple[int, int]]:
    """Start and stop of every block."""
    return [(at, min(at + size, n)) for at in range(0, n, size)]
