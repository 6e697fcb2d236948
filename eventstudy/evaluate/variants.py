"""The rules and holding periods that were tried, each judged by one profit a date, and all of them together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from eventstudy.engine.panel import Floats, Ints
from eventstudy.evaluate.dates import bootstrap_t, date_means, stepwise_p, upper_p
from eventstudy.evaluate.trading import Trades
from eventstudy.evaluate.walkforward import Forecasts

# Named in advance: the side of the type's own past after the same entry.
MAIN_RULE = "type-drift"
RULES = (MAIN_RULE, "type-impact", "long", "short")
# Variants that traded on fewer dates have no usable distribution.
FEWEST_TRADED = 8
BEST_LEFT_OUT = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One rule with one holding period; profits are means over dates.

    Attributes
    ----------
    n, n_dates : int
        Positions, and dates with one.
    net_double_cost : float
        With twice the costs.
    overnight, intraday : float
        Parts of ``gross``; NaN without opens.
    deviation : float
        Of the net profit per date.
    share_positive, worst, total : float
        Of the net profit per date.
    without_best : float
        Mean net profit without the three best dates.
    ci_low, ci_high : float
        Bootstrap-t interval of ``net``.
    p : float
        That it earns nothing, one-sided, stationary bootstrap over dates.
    p_stepwise : float
        The same once every variant tried is counted (Romano & Wolf).
    reason : str
        Why there is no p.
    """

    rule: str
    exit_day: int
    n: int
    n_dates: int
    gross: float
    cost: float
    net: float
    net_double_cost: float
    overnight: float
    intraday: float
    deviation: float
    share_positive: float
    worst: float
    total: float
    without_best: float
    t: float
    ci_low: float
    ci_high: float
    p: float
    p_stepwise: float
    reason: str


def rule_sides(decided: Forecasts, impact: Forecasts) -> dict[str, Floats]:
    """Side of every event under every rule, from what was known before it.

    A type whose past says nothing, or whose forecast is shrunk to nothing, is not traded.
    """
    n = len(decided.made)
    return {
        MAIN_RULE: np.where(decided.made, np.sign(np.nan_to_num(decided.mean)), 0.0),
        "type-impact": np.where(impact.made, np.sign(np.nan_to_num(impact.mean)), 0.0),
        "long": np.ones(n),
        "short": -np.ones(n),
    }


def block_length(date: Ints, exits: Ints) -> float:
    """Mean number of dates that a position overlaps, its own included: the bootstrap's blocks are that long."""
    dates, first = np.unique(date, return_index=True)
    if not len(dates):
        return 1.0
    within = np.searchsorted(dates, exits[first], side="right") - np.arange(len(dates))
    return float(np.clip(within.mean(), 1.0, max(1.0, len(dates) / 4)))


def judge_variants(
    trades: Mapping[tuple[str, int], Trades], date: Ints, exits: Ints, level: float
) -> tuple[Variant, ...]:
    """Every variant with its own p value and with the one that counts them all.

    Parameters
    ----------
    trades : mapping
        (rule, exit day) -> Trades.
    date : int64 (N,)
    exits : int64 (N,)
        Calendar day on which the longest holding period ends.
    """
    names = list(trades)
    dates = np.unique(date)
    pnl, traded = np.zeros((len(names), len(dates))), np.zeros((len(names), len(dates)), dtype=bool)
    for v, name in enumerate(names):
        profit, when = date_means(trades[name].net, date)
        at = np.searchsorted(dates, when)
        pnl[v, at], traded[v, at] = profit, True
    enough = traded.sum(axis=1) >= FEWEST_TRADED
    t, p, stepwise, low, high = (np.full(len(names), np.nan) for _ in range(5))
    if enough.any():
        mean = pnl[enough].sum(axis=1) / traded[enough].sum(axis=1)
        t[enough], draws, error = bootstrap_t(pnl[enough], traded[enough], block_length(date, exits))
        p[enough], stepwise[enough] = upper_p(t[enough], draws), stepwise_p(t[enough], draws)
        tails = np.nanquantile(draws, [(1 - level) / 2, (1 + level) / 2], axis=1)
        low[enough], high[enough] = mean - tails[1] * error, mean - tails[0] * error
    return tuple(
        _variant(name, trades[name], date, (t[v], low[v], high[v], p[v], stepwise[v])) for v, name in enumerate(names)
    )


def _variant(name: tuple[str, int], taken: Trades, date: Ints, law: tuple[float, ...]) -> Variant:
    net, dates = date_means(taken.net, date)
    best = np.sort(net)[: -BEST_LEFT_OUT or None] if len(net) > BEST_LEFT_OUT else np.array([])
    few = len(dates) < FEWEST_TRADED
    return Variant(
        rule=name[0],
        exit_day=name[1],
        n=int(np.isfinite(taken.net).sum()),
        n_dates=len(dates),
        gross=_mean(taken.gross, date),
        cost=_mean(taken.cost, date),
        net=_mean(taken.net, date),
        net_double_cost=_mean(taken.gross - 2 * taken.cost, date),
        overnight=_mean(taken.overnight, date),
        intraday=_mean(taken.intraday, date),
        deviation=float(net.std(ddof=1)) if len(net) > 1 else np.nan,
        share_positive=float((net > 0).mean()) if len(net) else np.nan,
        worst=float(net.min()) if len(net) else np.nan,
        total=float(net.sum()),
        without_best=float(best.mean()) if len(best) else np.nan,
        t=float(law[0]),
        ci_low=float(law[1]),
        ci_high=float(law[2]),
        p=float(law[3]),
        p_stepwise=float(law[4]),
        reason=f"traded on {len(dates)} dates: fewer than {FEWEST_TRADED} are too few for a test" if few else "",
    )


def _mean(values: Floats, date: Ints) -> float:
    found = date_means(values, date)[0]
    return float(found.mean()) if len(found) else np.nan
