"""Months after the event: portfolios in calendar time of all firms that had one (methods 10.3), with ``--hold``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from eventstudy.engine.models import MODELS, Model, fit
from eventstudy.engine.moments import CHUNK
from eventstudy.engine.panel import Bools, Floats, Ints, Placed, ReturnPanel
from eventstudy.engine.significance.battery import MOST_UNASKED
from eventstudy.engine.significance.calendar_time import Portfolio, day_sums, held_until, holding, jaffe
from eventstudy.engine.significance.distributions import Alternative, t_p_value
from eventstudy.engine.significance.result import TestResult, computed, undefined
from eventstudy.engine.windows import Design, WindowPlan, gather
from eventstudy.engine_options import window_plan
from eventstudy.evaluate.members import groups_of
from eventstudy.evaluate.placed import PlacedEvents, place_rows, placed_events
from eventstudy.records import CalendarRow
from eventstudy.spec import LONG_RUN_TESTS, StudySpec, Window

if TYPE_CHECKING:
    from eventstudy.results import Studied

FEWEST_SESSIONS = 30
FEW_SESSIONS = 60
FEW_FIRMS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Alpha:
    """The intercept of a portfolio's regression; NaN where it cannot be estimated.

    Attributes
    ----------
    alpha, std_error, beta : float
        Decimal return a session; beta on the first factor, NaN without one.
    """

    alpha: float
    std_error: float
    beta: float
    result: TestResult


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """Events over their holding period, on a panel that reaches to its end; chunks of them are cut out when read.

    Attributes
    ----------
    until : int64 (E,)
        See ``calendar_time.held_until``.
    """

    panel: ReturnPanel
    placed: Placed
    plan: WindowPlan
    until: Ints
    events: PlacedEvents

    def cut(self, rows: Ints) -> tuple[Design, Bools, Ints]:
        """Design, holdings and calendar days of some of the events; ``until`` is theirs."""
        placed = self.placed
        design = gather(self.panel, placed.series[rows], placed.session[rows], placed.masked[rows], self.plan)
        days = self.events.calendars.event_days(self.events.calendar[rows], self.events.session[rows], self.plan)
        return design, holding(design, self.until[rows]), days


def calendar_time_tests(studied: Studied) -> tuple[CalendarRow, ...]:
    """Alpha, weighted alpha and Jaffe's test of every group of two or more events; nothing without a holding period."""
    spec = studied.spec
    wanted = [name for name in LONG_RUN_TESTS if name in spec.active_tests]
    if not spec.hold or studied.block is None or not wanted:
        return ()
    longer = spec.with_changes(event_window=Window(spec.event_window.start, max(spec.event_window.end, spec.hold)))
    _, (placed,), (panel,) = place_rows(studied, studied.rows, longer, parts=("total",))
    events, until = placed_events(studied), np.zeros(len(studied.rows), dtype=np.int64)
    found: list[CalendarRow] = []
    for group in groups_of(studied, events):
        if len(group.rows) > 1:
            until[group.rows] = held_until(events.firm[group.rows], events.session[group.rows], spec.hold)
            held = _Held(panel=panel, placed=placed, plan=window_plan(longer), until=until, events=events)
            found += _tested(group.name, held, group.rows, wanted, spec)
    return tuple(found)


def _tested(group: str, events: _Held, rows: Ints, wanted: list[str], spec: StudySpec) -> list[CalendarRow]:
    sums, held_by = None, 0
    for at in range(0, len(rows), CHUNK):
        design, held, days = events.cut(rows[at : at + CHUNK])
        held_by += int(held.any(axis=1).sum())
        own = day_sums(design, held, days)
        sums = own if sums is None else sums.merge(own)
    assert sums is not None, "groups hold events"
    found = sums.portfolio(spec.hold_min)
    made = []
    for name in wanted:
        if name == "jaffe":
            alpha = Alpha(alpha=np.nan, std_error=np.nan, beta=np.nan, result=_jaffe(events, rows, found, spec))
        else:
            alpha = regressed(found, name, spec.model, spec.alternative)
        made.append(
            CalendarRow(
                group=group,
                window=Window(1, spec.hold),
                n_events=held_by,
                n_rows=len(rows),
                n_dates=len(np.unique(events.events.date[rows])),
                n_sessions=len(found.day),
                mean_firms=float(found.n.mean()) if len(found.n) else np.nan,
                alpha=alpha.alpha,
                std_error=alpha.std_error,
                beta=alpha.beta,
                result=alpha.result,
            )
        )
    return made


def _jaffe(events: _Held, rows: Ints, found: Portfolio, spec: StudySpec) -> TestResult:
    if not len(found.day):
        return undefined("jaffe", "t", "no session holds enough firms")
    pairs, most = len(rows) * (len(rows) - 1) // 2, MOST_UNASKED
    if spec.tests == ("auto",) and pairs > most:
        reason = f"{len(rows):,} events make {pairs:,} pairs: more than {most:,} are computed where --tests names jaffe"
        return undefined("jaffe", "t", reason)
    design, held, days = events.cut(rows)
    firm = events.events.firm[rows]
    fits = fit(design, spec.model)
    return jaffe(design, fits, spec.model, (held, days), firm, spec.hold_min, spec.alternative)


def regressed(found: Portfolio, name: str, model_name: str, side: Alternative) -> Alpha:
    """``calendar-time-alpha`` or ``calendar-time-wls``: the portfolio on the model's factors, by statsmodels.

    Newey & West's (1987) covariance with floor(4 (T/100)^(2/9)) lags and the small-sample factor T/(T - k), t with
    T - k degrees of freedom; ``calendar-time-wls`` weighs a session by the firms held.
    """
    model = MODELS[model_name]
    y, x = _regression(found, model)
    n, k = x.shape
    trouble = _trouble(x, model_name, model)
    if trouble:
        result = undefined(name, "t", trouble)
        return Alpha(alpha=np.nan, std_error=np.nan, beta=np.nan, result=result)
    import statsmodels.api as sm

    lags = int(4 * (n / 100) ** (2 / 9))
    robust: dict[str, Any] = {"maxlags": lags, "use_correction": True}
    if name == "calendar-time-wls":
        fitted = sm.WLS(y, x, weights=found.n).fit(cov_type="HAC", cov_kwds=robust, use_t=True)
    else:
        fitted = sm.OLS(y, x).fit(cov_type="HAC", cov_kwds=robust, use_t=True)
    alpha, error = float(fitted.params[0]), float(fitted.bse[0])
    t = alpha / error if error > 0 else np.nan
    p = float(t_p_value(np.array(t), np.array(float(n - k)), side))
    return Alpha(
        alpha=alpha,
        std_error=error,
        beta=float(fitted.params[1]) if k > 1 else np.nan,
        result=computed(name, t, "t", str(n - k), p, _doubts(found)),
    )


def _regression(found: Portfolio, model: Model) -> tuple[Floats, Floats]:
    """Left and right side: an intercept always, the model's factors unless one of them is taken off."""
    constant = np.ones((len(found.day), 1))
    if model.twin == "difference":
        return found.returns - found.factors[:, 0], constant
    k = model.n_factors(found.factors.shape[1])
    return found.returns, np.concatenate([constant, found.factors[:, :k]], axis=1)


def _trouble(x: Floats, model_name: str, model: Model) -> str:
    if model.factors == "none":
        return f"{model_name} has no market to measure a portfolio against"
    if len(x) < FEWEST_SESSIONS:
        return f"{len(x)} sessions hold enough firms, {FEWEST_SESSIONS} needed"
    return "a factor is constant or repeats another" if np.linalg.matrix_rank(x) < x.shape[1] else ""


def _doubts(found: Portfolio) -> list[str]:
    sessions = [f"{len(found.day)} sessions are few"] if len(found.day) < FEW_SESSIONS else []
    firms = float(found.n.mean())
    return sessions + ([f"the portfolio holds {firms:.1f} firms on average"] if firms < FEW_FIRMS else [])
