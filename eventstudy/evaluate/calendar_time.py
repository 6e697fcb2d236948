"""Months after the event: portfolios in calendar time of all firms that had one (methods 10.3), with ``--hold``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from eventstudy.data.market import place_rows
from eventstudy.engine.models import MODELS, Model, fit
from eventstudy.engine.panel import Bools, Floats, Ints, Placed, ReturnPanel
from eventstudy.engine.significance.calendar_time import Portfolio, holding, jaffe, portfolio
from eventstudy.engine.significance.laws import Alternative, t_p_value
from eventstudy.engine.significance.result import TestResult, computed, undefined
from eventstudy.engine.windows import Design, WindowPlan, gather
from eventstudy.engine_options import window_plan
from eventstudy.evaluate.members import groups_of
from eventstudy.evaluate.placed import placed_events
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
    result : TestResult
    """

    alpha: float
    std_error: float
    beta: float
    result: TestResult


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """The events of one group over their holding period."""

    design: Design
    held: Bools
    day_number: Ints
    firm: Ints
    n_rows: int
    n_dates: int


def calendar_time_tests(studied: Studied) -> tuple[CalendarRow, ...]:
    """Alpha, weighted alpha and Jaffe's test of every group of two or more events; nothing without a holding period."""
    spec = studied.spec
    wanted = [name for name in LONG_RUN_TESTS if name in spec.active_tests]
    if not spec.hold or studied.block is None or not wanted:
        return ()
    longer = spec.with_changes(event_window=Window(spec.event_window.start, max(spec.event_window.end, spec.hold)))
    keys, placed = place_rows(studied.index, [int(row) for row in studied.rows], longer)
    panel = studied.market.stack(keys, spec.returns)
    events = placed_events(studied)
    return tuple(
        row
        for group in groups_of(studied, events)
        if len(group.rows) > 1
        for row in _tested(group.name, _held(panel, placed, group.rows, events.firm, longer), wanted, spec)
    )


def _held(panel: ReturnPanel, placed: Placed, rows: Ints, firm: Ints, longer: StudySpec) -> _Held:
    plan = window_plan(longer)
    series, session = placed.series[rows], placed.session[rows]
    design = gather(panel, series, session, placed.masked[rows], plan)
    return _Held(
        design=design,
        held=holding(design, firm[rows], session, longer.hold),
        day_number=_days(panel, series, session, plan),
        firm=firm[rows],
        n_rows=len(rows),
        n_dates=len(np.unique(panel.day_number[series, session])),
    )


def _days(panel: ReturnPanel, series: Ints, session: Ints, plan: WindowPlan) -> Ints:
    """Calendar day of every event day; those outside the panel are no observations and their number is of no use."""
    at = session[:, None] + np.arange(plan.estimation_start, plan.end + 1)
    return np.asarray(panel.day_number[series[:, None], np.clip(at, 0, panel.n_sessions - 1)])


def _tested(group: str, events: _Held, wanted: list[str], spec: StudySpec) -> list[CalendarRow]:
    found = portfolio(events.design, events.held, events.day_number, spec.hold_min)
    held_by = int(events.held.any(axis=1).sum())
    rows = []
    for name in wanted:
        if name == "jaffe":
            alpha = Alpha(alpha=np.nan, std_error=np.nan, beta=np.nan, result=_jaffe(events, found, spec))
        else:
            alpha = regressed(found, name, spec.model, spec.alternative)
        rows.append(
            CalendarRow(
                group=group,
                window=Window(1, spec.hold),
                n_events=held_by,
                n_rows=events.n_rows,
                n_dates=events.n_dates,
                n_sessions=len(found.day),
                mean_firms=float(found.n.mean()) if len(found.n) else np.nan,
                alpha=alpha.alpha,
                std_error=alpha.std_error,
                beta=alpha.beta,
                result=alpha.result,
            )
        )
    return rows


def _jaffe(events: _Held, found: Portfolio, spec: StudySpec) -> TestResult:
    if not len(found.day):
        return undefined("jaffe", "t", "no session holds enough firms")
    return jaffe(
        events.design,
        fit(events.design, spec.model),
        spec.model,
        (events.held, events.day_number),
        events.firm,
        spec.hold_min,
        spec.alternative,
    )


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
