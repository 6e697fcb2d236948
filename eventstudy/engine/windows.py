"""Calendar time -> event time: which sessions each event uses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from eventstudy.engine.panel import Bools, Floats, Ints, ReturnPanel

# the latest sessions that give a local variance
LOCAL_SESSIONS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowPlan:
    """The days of the estimation window and of the event window, relative to day 0.

    Attributes
    ----------
    estimation : int
        Number of sessions in the estimation window, ``further`` ones included.
    gap : int
        Sessions strictly between the end of the estimation window and ``min(start, 0)``.
    start, end : int
        First and last day of the event window.
    further, least : int
        The first ``further`` sessions count only as far as those after them hold fewer than ``least`` valid ones: a
        model that needs so many is not starved by masked and missing days.
    """

    estimation: int
    gap: int
    start: int
    end: int
    further: int = 0
    least: int = 0

    @property
    def asked(self) -> int:
        """Sessions of the estimation window that count in any case."""
        return self.estimation - self.further

    @property
    def estimation_end(self) -> int:
        """Last day of the estimation window (E2)."""
        return min(self.start, 0) - self.gap - 1

    @property
    def estimation_start(self) -> int:
        """First day of the estimation window (E1)."""
        return self.estimation_end - self.estimation + 1

    @property
    def n_days(self) -> int:
        """Days from E1 to the end of the event window."""
        return self.end - self.estimation_start + 1

    @property
    def n_window(self) -> int:
        """Days of the event window (L)."""
        return self.end - self.start + 1

    def column(self, day: int) -> int:
        """Column of a ``Design`` array that holds this day."""
        return day - self.estimation_start


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """Returns and factors of E events in event time: columns run from E1 to the end of the event window.

    Attributes
    ----------
    y : float64 (E, D)
        Returns, NaN where there is none.
    x : float64 (E, D, K)
        Factor returns over the same sessions.
    span : float64 (E, D)
        Sessions each return covers; 1 where there is none, so that square roots are defined.
    observed : bool (E, D)
        Return and every factor are present.
    masked : bool (E, D)
        The session belongs to another catalogued event of the firm: left out of the estimation window.
    offset : float64 (E, D)
        Add it to ``y`` for the return as it was: what a factor model takes off beforehand, else 0.
    """

    y: Floats
    x: Floats
    span: Floats
    observed: Bools
    masked: Bools
    plan: WindowPlan
    offset: Floats

    @property
    def estimation(self) -> slice:
        """Columns of the estimation window."""
        return slice(0, self.plan.estimation)

    @property
    def window(self) -> slice:
        """Columns of the event window."""
        return slice(self.plan.column(self.plan.start), self.plan.n_days)

    def days(self, start: int, end: int) -> slice:
        """Columns of the days ``start`` to ``end``, both included."""
        return slice(self.plan.column(start), self.plan.column(end) + 1)

    @property
    def usable(self) -> Bools:
        """Observed and not masked: what the estimation window may use."""
        return self.observed & ~self.masked


def in_event_time(mask: Bools, series: Ints, session: Ints, plan: WindowPlan) -> Bools:
    """Cut a calendar-time mask (S, T) into event time (E, D); days outside the panel are False."""
    return cut(mask, series, session + plan.estimation_start, plan.n_days, np.False_)


def cut(values: np.ndarray, series: Ints, start: Ints, width: int, fill: np.generic) -> np.ndarray:
    """``width`` sessions of a series from a position on, for each event: (E, .., width) of values (S, .., T).

    Parameters
    ----------
    start : int64 (E,)
        Of any sign; sessions outside the calendar hold ``fill``.
    """
    n = values.shape[-1]
    inside = (start >= 0) & (start <= n - width)
    if inside.all() and len(start):
        # whole rows of neighbouring cells are copied
        return _rows(values, width)[series, ..., start, :]
    found = np.full((len(series), *values.shape[1:-1], width), fill, dtype=values.dtype)
    if inside.any():
        found[inside] = _rows(values, width)[series[inside], ..., start[inside], :]
    for row in np.flatnonzero(~inside).tolist():
        first, stop = max(start[row], 0), min(max(start[row] + width, 0), n)
        if first < stop:
            found[row, ..., first - start[row] : stop - start[row]] = values[series[row], ..., first:stop]
    return found


def _rows(values: np.ndarray, width: int) -> np.ndarray:
    """Every run of ``width`` sessions, (S, .., T - width + 1, width); nothing is copied."""
    return sliding_window_view(np.asarray(values), width, axis=-1)


def gather(
    panel: ReturnPanel, series: Ints, session: Ints, masked: Bools, plan: WindowPlan, *, strict: bool = False
) -> Design:
    """Cut the event-time block of each event out of the panel.

    Parameters
    ----------
    series, session : int64 (E,)
        Row of the panel and position of day 0 for each event.
    masked : bool (E, D)
        Days to leave out of the estimation window of each event.
    strict : bool
        Treat a return that covers more than one session as missing.

    Returns
    -------
    Design
        Days outside the panel are not observed, nor further ones that the plan does not need.
    """
    place = (series, session + plan.estimation_start, plan.n_days)
    y = cut(panel.returns, *place, np.float64(np.nan))
    x = np.ascontiguousarray(np.moveaxis(cut(panel.factors, *place, np.float64(np.nan)), 1, 2))
    span = cut(panel.span, *place, np.int16(0)).astype(np.float64)
    observed = np.isfinite(y) & np.isfinite(x).all(axis=2) & (span > 0)
    if strict:
        observed &= span == 1
    if plan.further:
        observed[:, : plan.estimation] &= ~_beyond(observed & ~masked, plan)
    return Design(
        y=np.where(observed, y, np.nan),
        x=x,
        span=np.where(observed, span, 1.0),
        observed=observed,
        masked=masked,
        plan=plan,
        offset=np.zeros(y.shape) if panel.offset is None else np.nan_to_num(cut(panel.offset, *place, np.float64(0))),
    )


def _beyond(usable: Bools, plan: WindowPlan) -> Bools:
    """Further sessions that are not needed, because those after them hold enough valid ones: (E, estimation)."""
    valid = usable[:, : plan.estimation]
    after: Ints = np.cumsum(valid[:, ::-1], axis=1)[:, ::-1] - valid
    return np.asarray((after >= plan.least) & (np.arange(plan.estimation) < plan.further))
