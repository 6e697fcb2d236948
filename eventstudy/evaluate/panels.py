"""Panels, masks and calendars that events and their placebo dates share; the same code measures both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from eventstudy.engine.conventions import measured
from eventstudy.engine.least_squares import Fits
from eventstudy.engine.models import MODELS, fit
from eventstudy.engine.panel import Bools, Floats, Ints, Placed, ReturnPanel
from eventstudy.engine.significance.single import car_t
from eventstudy.engine.windows import Design, WindowPlan, gather, in_event_time
from eventstudy.engine_options import fewest_observations, options_of, window_plan
from eventstudy.evaluate.placed import place_rows
from eventstudy.evaluate.trading import Paths
from eventstudy.spec import StudySpec

if TYPE_CHECKING:
    from eventstudy.results import Studied

CHUNK = 2048
HEDGE_MODEL = "market-model"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventPanels:
    """Panels of the rows of a backtest.

    Attributes
    ----------
    windows : tuple of (start, end)
        Windows that are measured.
    horizon : int
        Last day that trading looks at.
    panel, placed
        Of the study's own model; ``placed.session`` are the events' own day 0s.
    hedge_panel, hedge_placed
        Simple returns of the stock and of its first benchmark.
    overnight, intraday : ReturnPanel
        The same cut at the open.
    """

    spec: StudySpec
    plan: WindowPlan
    windows: tuple[tuple[int, int], ...]
    horizon: int
    panel: ReturnPanel
    placed: Placed
    hedge_panel: ReturnPanel
    hedge_placed: Placed
    overnight: ReturnPanel
    intraday: ReturnPanel

    @property
    def repeatable(self) -> bool:
        """Whether the model can be fitted hundreds of times: conditional variances take seconds each."""
        return MODELS[self.spec.model].inference != "forecast"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """N events measured at some sessions.

    Attributes
    ----------
    car, scale : float64 (N, W)
        CAR and its standard error; NaN where the window or the estimation is not complete.
    nu : float64 (N,)
    beta : float64 (N,)
        Slope of the market model in the estimation window, for the hedge; NaN where it cannot be estimated.
    """

    car: Floats
    scale: Floats
    nu: Floats
    beta: Floats
    paths: Paths


def event_panels(
    studied: Studied, positions: Sequence[int], windows: Sequence[tuple[int, int]], horizon: int
) -> EventPanels:
    """Panels for some studied rows."""
    spec = studied.spec
    hedge_spec = spec.with_changes(model=HEDGE_MODEL, returns="simple")
    rows = studied.rows[np.array(positions, dtype=np.int64)]
    _, (placed,), (panel,) = place_rows(studied, rows, spec, parts=("total",))
    hedge_parts = ("total", "overnight", "intraday")
    _, (hedge_placed,), (hedge, overnight, intraday) = place_rows(studied, rows, hedge_spec, parts=hedge_parts)
    return EventPanels(
        spec=spec,
        plan=window_plan(spec),
        windows=tuple(windows),
        horizon=horizon,
        panel=panel,
        placed=placed,
        hedge_panel=hedge,
        hedge_placed=hedge_placed,
        overnight=overnight,
        intraday=intraday,
    )


def measure(ground: EventPanels, session: Ints | None = None) -> Measured:
    """Measure every event at its own day 0, or at other sessions of its listing.

    Parameters
    ----------
    session : int64 (N,) or None
        Positions of pretended day 0s, -1 for none; None takes the events' own, with the study's own masks.
    """
    n = len(ground.placed.session)
    parts = [_measure(ground, session, np.arange(at, min(at + CHUNK, n))) for at in range(0, n, CHUNK)]
    where = ground.placed.session if session is None else session
    car, scale, nu, beta = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Measured(car=car, scale=scale, nu=nu, beta=beta, paths=_paths(ground, where))


def _measure(ground: EventPanels, session: Ints | None, rows: Ints) -> tuple[Floats, Floats, Floats, Floats]:
    spec = ground.spec
    options = replace(options_of(spec), windows=ground.windows)
    design = _design(ground, ground.panel, ground.placed, session, rows)
    fits, _, cars = measured(design, options.entry.fit(design), options)
    exact = car_t(fits, cars, spec.level, spec.alternative)
    usable = _usable(fits, spec, spec.model, ground.panel)[:, None] & np.isfinite(exact.std_error)
    if spec.model == HEDGE_MODEL and spec.returns == "simple":
        hedge, hedge_usable = fits, _usable(fits, spec, HEDGE_MODEL, ground.panel)
    else:
        hedge = fit(_design(ground, ground.hedge_panel, ground.hedge_placed, session, rows), HEDGE_MODEL)
        hedge_usable = _usable(hedge, spec, HEDGE_MODEL, ground.hedge_panel)
    return (
        np.where(usable, cars.car, np.nan),
        np.where(usable, exact.std_error, np.nan),
        fits.nu.astype(np.float64),
        np.where(hedge_usable, hedge.theta[:, 1], np.nan),
    )


def _design(ground: EventPanels, panel: ReturnPanel, placed: Placed, session: Ints | None, rows: Ints) -> Design:
    series = placed.series[rows]
    where = placed.session[rows] if session is None else session[rows]
    pretended = session is not None
    masked = in_event_time(placed.history_mask, series, where, ground.plan) if pretended else placed.masked[rows]
    return gather(panel, series, where, masked, ground.plan, strict=ground.spec.missing == "strict")


def _usable(fits: Fits, spec: StudySpec, model: str, panel: ReturnPanel) -> Bools:
    return np.asarray(fits.rank_ok & (fits.n_obs >= fewest_observations(spec, model, panel.factors.shape[1])))


def _paths(ground: EventPanels, session: Ints) -> Paths:
    """Returns of days 0 to the horizon; days outside the panel are unknown."""
    position = session[:, None] + np.arange(ground.horizon + 1)
    inside = (session[:, None] >= 0) & (position < ground.hedge_panel.n_sessions)
    at = np.clip(position, 0, ground.hedge_panel.n_sessions - 1)
    series = ground.hedge_placed.series[:, None]

    def cut(values: Floats) -> Floats:
        return np.where(inside, values[series, at], np.nan)

    return Paths(
        total=cut(ground.hedge_panel.returns),
        overnight=cut(ground.overnight.returns),
        intraday=cut(ground.intraday.returns),
        hedge_total=cut(ground.hedge_panel.factors[:, 0]),
        hedge_overnight=cut(ground.overnight.factors[:, 0]),
        hedge_intraday=cut(ground.intraday.factors[:, 0]),
        day=np.where(inside, ground.hedge_panel.day_number[series, at], -1),
    )


def calendar_day(ground: EventPanels, session: Ints) -> Ints:
    """Calendar day of a session of each event's listing; sessions before its first count as that one."""
    at = np.clip(session, 0, ground.panel.n_sessions - 1)
    return np.asarray(ground.panel.day_number[ground.placed.series, at])
