"""Trading on events: when one could have bought, what a hedged position earned, what it cost (methods 13.2).

Pure arithmetic on arrays: no decision here knows a price.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eventstudy.engine.panel import Bools, Floats, Ints

# News this close to the open cannot be read and traded in the opening auction.
LATENCY = np.timedelta64(15, "m")


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """Costs of trading.

    Attributes
    ----------
    per_side : float
        Half the spread, fee and slippage of the stock, as a decimal, paid at entry and at exit.
    hedge_per_side : float
        The same for the index, per unit of hedge.
    borrow : float
        Annual rate on a stock sold short.
    """

    per_side: float = 0.001
    hedge_per_side: float = 0.0001
    borrow: float = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Paths:
    """Prices of N positions from day 0 on, as simple total returns; columns are days 0 to H.

    Attributes
    ----------
    total, overnight : float64 (N, H + 1)
        Of the stock: since the last close; from the last close to the open. NaN where unknown.
    intraday : float64 (N, H + 1)
        Open to close.
    hedge_total, hedge_overnight, hedge_intraday : float64 (N, H + 1)
        The same of the index.
    day : int64 (N, H + 1)
        Calendar day of each session.
    """

    total: Floats
    overnight: Floats
    intraday: Floats
    hedge_total: Floats
    hedge_overnight: Floats
    hedge_intraday: Floats
    day: Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Returns of each position from its entry to the close of the exit day, held long; (N,) arrays, NaN if none.

    Attributes
    ----------
    stock, hedge : float64
        Total return of the stock and of the index over the same interval.
    stock_overnight, hedge_overnight : float64
        The part earned while the exchange was closed; the rest is earned during sessions. NaN without opens.
    days : float64
        Calendar days from entry to exit.
    """

    stock: Floats
    hedge: Floats
    stock_overnight: Floats
    hedge_overnight: Floats
    days: Floats


def entry_day(timing: str, instant: np.datetime64, opens: np.datetime64, *, later_session: bool) -> int:
    """Day (0 or 1) at whose open the news could first be traded on.

    Parameters
    ----------
    timing : str
        Class of the placement: ``bmo``, ``dmh``, ``amc``, ``closed`` or ``unknown``.
    instant, opens : datetime64
        The moment of the news (NaT for a bare date) and the open of day 0, UTC.
    later_session : bool
        Day 0 is a later date than the one announced: the whole announced date had passed before its open.

    Notes
    -----
    ==================================  =================
    news                                first open
    ==================================  =================
    before the open, 15 minutes or more day 0
    in the last 15 minutes before it    day 1
    `bmo`                               day 0
    during the session, `dmh`           day 1
    after the close, `amc`              day 0 (the next session)
    no session that day                 day 0 (the next session)
    hour unknown                        day 1: it may have come after the close
    ==================================  =================
    """
    if later_session:
        return 0 if np.isnat(instant) or instant + LATENCY <= opens else 1
    if timing in ("dmh", "unknown"):
        return 1
    return 0 if np.isnat(instant) or instant + LATENCY <= opens else 1


def hold(paths: Paths, entry: Ints, at_open: Bools, exit_day: int) -> Held:
    """Hold every position from the open (or close) of its entry day to the close of the exit day.

    Missing rule: without a price at entry or a close on the exit day nothing is known (NaN); a hole in between is
    bridged by the next return, which covers it.

    Checked against
    ---------------
    Price ratios computed from raw prices by hand (tests/oracles/test_backtest.py).
    """
    n, width = paths.total.shape
    rows = np.arange(n)
    inside = (entry < width) & (exit_day < width)
    first = np.minimum(entry, width - 1)
    last = min(exit_day, width - 1)
    total_known = np.isfinite(paths.total) & np.isfinite(paths.hedge_total)
    open_known = np.isfinite(paths.intraday) & np.isfinite(paths.hedge_intraday)
    known = inside & total_known[rows, first] & total_known[:, last] & np.where(at_open, open_known[rows, first], True)
    known &= np.where(at_open, entry <= exit_day, entry < exit_day)
    stock, stock_night = _grown(paths.total, paths.overnight, paths.intraday, first, at_open, last)
    hedge, hedge_night = _grown(paths.hedge_total, paths.hedge_overnight, paths.hedge_intraday, first, at_open, last)
    days = (paths.day[:, last] - paths.day[rows, first]).astype(np.float64)
    return Held(
        stock=np.where(known, stock, np.nan),
        hedge=np.where(known, hedge, np.nan),
        stock_overnight=np.where(known, stock_night, np.nan),
        hedge_overnight=np.where(known, hedge_night, np.nan),
        days=np.where(known, days, np.nan),
    )


def _grown(
    total: Floats, overnight: Floats, intraday: Floats, first: Ints, at_open: Bools, last: int
) -> tuple[Floats, Floats]:
    """Compounded return from entry to the close of day ``last``, and the part of it earned overnight.

    Each night's return counts on the value held that evening, so that nights and sessions add up to the whole.
    """
    value, night = np.ones(len(total)), np.zeros(len(total))
    for day in range(last + 1):
        begins = at_open & (first == day)
        carried = first < day
        step = np.where(begins, intraday[:, day], np.where(carried, np.nan_to_num(total[:, day]), 0.0))
        # a session without a return has no night either; one whose open is unknown leaves the split unknown
        dark = np.where(carried & np.isfinite(total[:, day]), overnight[:, day], 0.0)
        night = night + value * dark
        value = value * (1 + step)
    return value - 1, night


@dataclass(frozen=True, slots=True, kw_only=True)
class Trades:
    """Positions taken by one rule; (N,) arrays.

    Attributes
    ----------
    side : float64
        +1 long, -1 short, 0 no position.
    gross, cost, net : float64
        Of the hedged position, NaN where there is none or its outcome is unknown.
    overnight, intraday : float64
        Parts of ``gross``.
    """

    side: Floats
    gross: Floats
    cost: Floats
    net: Floats
    overnight: Floats
    intraday: Floats


def trade(held: Held, beta: Floats, side: Floats, costs: Costs) -> Trades:
    """Take the sides: r = side (stock - beta index) - cost, the index over the same interval (methods 13.2).

    The cost is 2 per_side + 2 |beta| hedge_per_side, and borrow days/365 where the stock is sold short.
    """
    taken = (side != 0) & np.isfinite(held.stock) & np.isfinite(beta)
    gross = side * (held.stock - beta * held.hedge)
    night = side * (held.stock_overnight - beta * held.hedge_overnight)
    cost = 2 * costs.per_side + 2 * np.abs(beta) * costs.hedge_per_side
    cost = cost + np.where(side < 0, costs.borrow * held.days / 365, 0.0)
    kept = [np.where(taken, value, np.nan) for value in (gross, cost, gross - cost, night, gross - night)]
    return Trades(side=side, gross=kept[0], cost=kept[1], net=kept[2], overnight=kept[3], intraday=kept[4])
