"""Does the type of an announcement forecast what it does, and what would trading it have earned? (methods 13)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from eventstudy.engine.panel import Floats, Ints
from eventstudy.engine.significance.distributions import t_quantile
from eventstudy.errors import NothingStudied, UsageError
from eventstudy.evaluate.backtest_events import BacktestEvents, backtest_events, case_rows, drift_windows
from eventstudy.evaluate.dates import date_means
from eventstudy.evaluate.matching import placebo_sessions
from eventstudy.evaluate.panels import EventPanels, Measured, calendar_day, event_panels, measure
from eventstudy.evaluate.scores import Scored, score
from eventstudy.evaluate.trading import Costs, Held, Trades, hold, trade
from eventstudy.evaluate.variants import MAIN_RULE, Variant, block_length, judge_variants, rule_sides
from eventstudy.evaluate.walkforward import Events, Forecasts, walk_forward
from eventstudy.spec import Window

if TYPE_CHECKING:
    from eventstudy.results import Studied

PLACEBOS = 99
# Holding periods that are tried beside the one asked for.
EXITS = (1, 3, 5, 10)
DEFAULT_EXIT = 5
PRIMARY, DRIFT = "primary", "drift"
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestSpec:
    """Choices of a backtest beyond those of the study.

    Attributes
    ----------
    exit_day : int or None
        Day at whose close positions end; None takes 5, or the end of the event window where that comes first.
    placebos : int
        Draws of matched placebo dates.
    """

    exit_day: int | None = None
    costs: Costs = field(default_factory=Costs)
    placebos: int = PLACEBOS


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Plan of a backtest: measures and trades, fixed in advance.

    Attributes
    ----------
    columns : dict
        Window label -> column of each row's window in ``ground.windows``; -1 for none.
    exit_day : int
        The one named in advance.
    """

    ground: EventPanels
    cases: BacktestEvents
    columns: dict[str, Ints]
    exits: tuple[int, ...]
    exit_day: int
    costs: Costs


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """One walk through the events, at their own dates or at pretended ones.

    Attributes
    ----------
    outcome, scale : dict
        Window label -> CAR and its standard error (N,).
    forecasts : dict
        Window label -> Forecasts.
    held, decided : dict
        Exit day -> what positions earned, and what was forecast of it.
    trades : dict
        (rule, exit day) -> Trades.
    """

    measured: Measured
    outcome: dict[str, Floats]
    scale: dict[str, Floats]
    forecasts: dict[str, Forecasts]
    held: dict[int, Held]
    decided: dict[int, Forecasts]
    trades: dict[tuple[str, int], Trades]


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeLine:
    """One type over the whole sample: a description in hindsight, not a forecast. Means are over dates."""

    kind: str
    n: int
    n_dates: int
    mean: float
    ci_low: float
    ci_high: float
    n_scored: int
    r_squared: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Placebos:
    """Results of the same walk on placebo dates.

    Attributes
    ----------
    n : int
        Draws.
    r_squared : dict
        Window label -> out-of-sample R² against zero of each draw (B,), NaN where a draw forecasts nothing.
    net : float64 (B,)
        Mean net profit per date of the main variant, NaN where it did not trade.
    by_date : float64 (B, G)
        The profit on the placebo date of each date, 0 where nothing was traded.
    reason : str
        Why there are none.
    """

    n: int
    r_squared: dict[str, Floats]
    net: Floats
    by_date: Floats
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtest:
    """Everything a backtest found: the plan, the walk on the events' own dates, its scores, and the placebos."""

    plan: Plan
    walk: Walk
    scored: dict[str, Scored]
    types: tuple[TypeLine, ...]
    variants: tuple[Variant, ...]
    entry_dates: Ints
    exit_dates: Ints
    placebos: Placebos

    @property
    def main(self) -> Variant:
        """The variant named in advance."""
        return next(v for v in self.variants if (v.rule, v.exit_day) == (MAIN_RULE, self.plan.exit_day))

    @property
    def main_trades(self) -> Trades:
        """Positions of the variant named in advance."""
        return self.walk.trades[MAIN_RULE, self.plan.exit_day]


def placebo_share(values: Floats, value: float) -> float:
    """Share of placebo runs that did as well, the real one counted among them; NaN without any."""
    known = values[np.isfinite(values)]
    if not (len(known) and np.isfinite(value)):
        return float("nan")
    return float((1 + np.count_nonzero(known >= value)) / (len(known) + 1))


def backtest(studied: Studied, choices: BacktestSpec, progress: Progress | None = None) -> Backtest:
    """Walk forward through the events of a study, trade them, and do the same on matched placebo dates.

    Raises
    ------
    UsageError
        If the exit day lies beyond the event window.
    NothingStudied
        If no direct or peer event was studied.

    Checked against
    ---------------
    tests/oracles/test_backtest.py: loops over lists, raw prices, brute force; tests/properties/test_lookahead.py:
    altering any later price changes no decision.
    """
    plan = make_plan(studied, choices)
    walk = walk_through(plan)
    level, date = studied.spec.level, plan.cases.date
    last = calendar_day(plan.ground, plan.ground.placed.session + max(plan.exits))
    block = block_length(date, last)
    scored = {
        label: score(
            walk.forecasts[label], walk.outcome[label], walk.scale[label], walk.measured.nu, date, level, block
        )
        for label in plan.columns
    }
    return Backtest(
        plan=plan,
        walk=walk,
        scored=scored,
        types=_types(plan, walk, level),
        variants=judge_variants(walk.trades, date, last, level),
        entry_dates=calendar_day(plan.ground, plan.ground.placed.session + plan.cases.entry),
        exit_dates=calendar_day(plan.ground, plan.ground.placed.session + plan.exit_day),
        placebos=run_placebos(plan, choices.placebos, progress),
    )


def make_plan(studied: Studied, choices: BacktestSpec) -> Plan:
    """Rows, windows, entries and exits, from the events file, the calendars and the options alone."""
    end = studied.spec.event_window.end
    exit_day = min(DEFAULT_EXIT, end) if choices.exit_day is None else choices.exit_day
    if not 1 <= exit_day <= end:
        raise UsageError(
            f"exit day {exit_day} is not between 1 and {end}, the end of the event window",
            "a day of the event window after day 0",
            "widen --event-window or name another --exit",
        )
    rows = [] if studied.block is None else case_rows(studied)
    if not rows:
        raise NothingStudied("no direct or peer event was studied", hint="excluded.csv gives the reason of each row")
    windows = tuple(dict.fromkeys((*studied.spec.windows, *drift_windows(exit_day))))
    exits = tuple(sorted({day for day in (*EXITS, exit_day) if day <= end}))
    ground = event_panels(studied, rows, [(w.start, w.end) for w in windows], max(exits))
    known = np.isfinite(ground.intraday.returns) & np.isfinite(ground.intraday.factors[:, 0])
    opens = np.asarray(known.any(axis=1), dtype=bool)
    cases = backtest_events(studied, rows, opens[ground.hedge_placed.series])
    return Plan(
        ground=ground,
        cases=cases,
        columns=_columns(studied, cases, windows, exit_day),
        exits=exits,
        exit_day=exit_day,
        costs=choices.costs,
    )


def _columns(studied: Studied, cases: BacktestEvents, windows: tuple[Window, ...], exit_day: int) -> dict[str, Ints]:
    """The window of each row under each label: the named ones or the primary one, and the drift after the entry."""
    n, spec = len(cases.positions), studied.spec
    if spec.windows_given:
        found = {window.label: np.full(n, windows.index(window)) for window in spec.windows}
    else:
        found = {PRIMARY: studied.primary[list(cases.positions)]}
    drift = [Window(entry + 1, exit_day) if entry < exit_day else None for entry in cases.entry.tolist()]
    return {**found, DRIFT: np.array([-1 if w is None else windows.index(w) for w in drift], dtype=np.int64)}


def walk_through(plan: Plan, session: Ints | None = None) -> Walk:
    """Measure, forecast, decide and trade: at the events' own day 0s, or at pretended ones (-1 for none)."""
    ground, cases = plan.ground, plan.cases
    measured = measure(ground, session)
    where = ground.placed.session if session is None else session
    rows = np.arange(len(where))
    outcome, scale, forecasts = {}, {}, {}
    starts, ends = np.array(ground.windows).T
    for label, column in plan.columns.items():
        has = column >= 0
        outcome[label] = np.where(has, measured.car[rows, column], np.nan)
        scale[label] = np.where(has, measured.scale[rows, column], np.nan)
        z2 = (outcome[label] / scale[label]) ** 2 * (1 - 2 / measured.nu)
        length, end = ends[column] - starts[column] + 1, ends[column]
        forecasts[label] = _forecast(plan, where, length, end, outcome[label], z2)
    held, decided, trades = {}, {}, {}
    impact = forecasts[next(iter(plan.columns))]
    for exit_day in plan.exits:
        held[exit_day] = hold(measured.paths, cases.entry, cases.at_open, exit_day)
        earned = held[exit_day].stock - measured.beta * held[exit_day].hedge
        span = np.full(len(rows), exit_day + 1)
        decided[exit_day] = _forecast(plan, where, span, np.full(len(rows), exit_day), earned, np.ones(len(rows)))
        for rule, side in rule_sides(decided[exit_day], impact).items():
            trades[rule, exit_day] = trade(held[exit_day], measured.beta, side, plan.costs)
    return Walk(
        measured=measured,
        outcome=outcome,
        scale=scale,
        forecasts=forecasts,
        held=held,
        decided=decided,
        trades=trades,
    )


def _forecast(plan: Plan, where: Ints, length: Ints, end: Ints, outcome: Floats, z2: Floats) -> Forecasts:
    """Walk forward with an embargo: only what was over L + gap sessions before day 0 is known."""
    ground = plan.ground
    return walk_forward(
        Events(
            kind=plan.cases.kind,
            date=calendar_day(ground, where),
            cutoff=calendar_day(ground, where - length - ground.spec.gap),
            closed=calendar_day(ground, where + np.maximum(end, 0)),
            outcome=outcome,
            z2=z2,
        )
    )


def _types(plan: Plan, walk: Walk, level: float) -> tuple[TypeLine, ...]:
    label = next(iter(plan.columns))
    y, made, f = walk.outcome[label], walk.forecasts[label].made, walk.forecasts[label].mean
    found = []
    for k, name in enumerate(plan.cases.kinds):
        own = (plan.cases.kind == k) & np.isfinite(y)
        means = date_means(y[own], plan.cases.date[own])[0]
        g = len(means)
        half = (
            float(t_quantile(np.array(g - 1.0), 0.5 + level / 2)) * means.std(ddof=1) / np.sqrt(g) if g > 1 else np.nan
        )
        centre = float(means.mean()) if g else np.nan
        found.append(
            TypeLine(
                kind=name,
                n=int(own.sum()),
                n_dates=g,
                mean=centre,
                ci_low=centre - half,
                ci_high=centre + half,
                n_scored=int((own & made).sum()),
                r_squared=r_squared(y[own & made], f[own & made]),
            )
        )
    return tuple(found)


def r_squared(outcome: Floats, forecast: Floats) -> float:
    """Out-of-sample R² against zero; NaN for nothing."""
    total = float((outcome**2).sum())
    return 1 - float(((outcome - forecast) ** 2).sum()) / total if total > 0 else np.nan


def run_placebos(plan: Plan, draws: int, progress: Progress | None = None) -> Placebos:
    """Walk through matched placebo dates, with the types, entries, exits and costs of the events themselves."""
    dates = np.unique(plan.cases.date)
    nothing = Placebos(n=0, r_squared={}, net=np.array([]), by_date=np.zeros((0, len(dates))))
    if not plan.ground.repeatable:
        reason = f"{plan.ground.spec.model} takes too long to fit on hundreds of placebo dates"
        return Placebos(n=0, r_squared={}, net=nothing.net, by_date=nothing.by_date, reason=reason)
    found: dict[str, list[float]] = {label: [] for label in plan.columns}
    net, by_date = [], np.zeros((draws, len(dates)))
    for n, session in enumerate(placebo_sessions(plan.ground, plan.cases.date, draws)):
        walk = walk_through(plan, session)
        for label in plan.columns:
            known = walk.forecasts[label].made & np.isfinite(walk.outcome[label])
            found[label].append(r_squared(walk.outcome[label][known], walk.forecasts[label].mean[known]))
        # of events on one placebo date, and of each event's own date, one profit
        profit, when = date_means(walk.trades[MAIN_RULE, plan.exit_day].net, plan.cases.date)
        by_date[n, np.searchsorted(dates, when)] = profit
        net.append(float(profit.mean()) if len(profit) else np.nan)
        if progress is not None:
            progress(f"placebo dates {n + 1} of {draws}")
    return Placebos(
        n=draws,
        r_squared={label: np.array(values) for label, values in found.items()},
        net=np.array(net),
        by_date=by_date,
    )
