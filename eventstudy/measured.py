"""Studied events as the columns that tables are made from, for one event and for a block of thousands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eventstudy import roster
from eventstudy.engine.block import Block
from eventstudy.engine.panel import Floats
from eventstudy.roster import Roster


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredEvents:
    """n studied events over W test windows and L days.

    Attributes
    ----------
    windows : dict
        Column of windows -> float64 (n, W).
    models : dict
        ``theta`` (n, p), ``s2``, ``r_squared``, ``n_estimation``, ``n_masked`` (n,), and ``first_used`` and
        ``last_used``, positions of sessions (n,).
    daily : dict
        Column of abnormal_returns -> float64 (n, L); empty where not wanted.
    row_flags, window_flags : int32 (n,), (n, W)
        Bits of ``flags.FLAGS``: of all windows of an event, and of each window alone.
    """

    events: Roster
    windows: dict[str, Floats]
    models: dict[str, np.ndarray]
    daily: dict[str, Floats]
    row_flags: np.ndarray
    window_flags: np.ndarray

    def __len__(self) -> int:
        return len(self.events)

    def take(self, at: np.ndarray) -> MeasuredEvents:
        """Some of the events."""
        return MeasuredEvents(
            events=self.events.take(at),
            windows={name: values[at] for name, values in self.windows.items()},
            models={name: values[at] for name, values in self.models.items()},
            daily={name: values[at] for name, values in self.daily.items()},
            row_flags=self.row_flags[at],
            window_flags=self.window_flags[at],
        )


def measured_events(
    block: Block, events: Roster, row_flags: np.ndarray, window_flags: np.ndarray, *, daily: bool
) -> MeasuredEvents:
    """The columns of a block of events, all of which were studied; ``daily`` columns need the paths of CARs."""
    found, exact = block.measures, block.exact
    return MeasuredEvents(
        events=events,
        windows={
            "car": found.car,
            "std_error": exact.std_error,
            "ci_low": exact.ci_low,
            "ci_high": exact.ci_high,
            "t": exact.t,
            "df": exact.df,
            "p_t": exact.p,
            "mde80": exact.mde,
            "bhar": found.bhar,
            **block.columns,
        },
        models={
            "theta": found.theta,
            "s2": found.s2,
            "r_squared": found.r_squared,
            "n_estimation": found.n_obs,
            "n_masked": found.n_masked,
            "first_used": found.first_used,
            "last_used": found.last_used,
        },
        daily=_daily(block) if daily else {},
        row_flags=row_flags,
        window_flags=window_flags,
    )


def _daily(block: Block) -> dict[str, Floats]:
    found = block.measures
    s = np.sqrt(np.where(found.s2 > 0, found.s2, np.nan))[:, None]
    return {
        "return": found.expected + found.ar,
        "expected_return": found.expected,
        "abnormal_return": found.ar,
        "std_error": block.ar_std_error,
        "t": block.ar_t,
        "p_value": block.ar_p,
        "car": found.path,
        "car_std_error": s * np.sqrt(found.path_v),
    }


def end_to_end(parts: Sequence[MeasuredEvents]) -> MeasuredEvents:
    """The events of all parts, in order."""
    if len(parts) == 1:
        return parts[0]

    def columns(name: str) -> dict[str, np.ndarray]:
        each = [getattr(part, name) for part in parts]
        return {column: np.concatenate([one[column] for one in each]) for column in each[0]}

    return MeasuredEvents(
        events=roster.end_to_end([part.events for part in parts]),
        windows=columns("windows"),
        models=columns("models"),
        daily=columns("daily"),
        row_flags=np.concatenate([part.row_flags for part in parts]),
        window_flags=np.concatenate([part.window_flags for part in parts]),
    )
