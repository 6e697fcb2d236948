"""Calendar time -> event time: which sessions each event uses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

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
    position, inside = _positions(session, plan, mask.shape[1])
    return mask[series[:, None], position] & inside


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
    position, inside = _positions(session, plan, panel.n_sessions)
    rows = series[:, None]
    y = np.where(inside, panel.returns[rows, position], np.nan)
    # advanced indices around a slice put K last, which is the order wanted
    x = np.where(inside[:, :, None], panel.factors[rows, :, position], np.nan)
    span = np.where(inside, panel.span[rows, position], 0).astype(np.float64)
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
        offset=np.zeros(y.shape)
        if panel.offset is None
        else np.nan_to_num(np.where(inside, panel.offset[rows, position], 0.0)),
    )


def _beyond(usable: Bools, plan: WindowPlan) -> Bools:
    """Further sessions that are not needed, because those after them hold enough valid ones: (E, estimation)."""
    valid = usable[:, : plan.estimation]
    after: Ints = np.cumsum(valid[:, ::-1], axis=1)[:, ::-1] - valid
    return np.asarray((after >= plan.least) & (np.arange(plan.estimation) < plan.further))


def _positions(session: Ints, plan: WindowPlan, n_sessions: int) -> tuple[Ints, Bools]:
    """Panel column of each event day, clipped into the panel, and whether it lies inside."""
    days = np.arange(plan.estimation_start, plan.end + 1)
    position = session[:, None] + days[None, :]
    inside = (position >= 0) & (position < n_sessions)
    return np.clip(position, 0, n_sessions - 1), inside
