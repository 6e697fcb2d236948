"""Placebo dates: sessions on which nothing was announced, matched to each event by firm, weekday and volatility."""

from __future__ import annotations

import numpy as np

from eventstudy.engine.panel import Bools, Floats, Ints
from eventstudy.evaluate.panels import EventPanels

# Sessions to either side of the event in which a placebo date is looked for: half a year keeps the order of events.
REACH = 126
# Sessions of trailing volatility.
TRAILING = 20
# Of the sessions that fit, the share nearest in volatility.
NEAREST = 1 / 3
FEWEST = 5
SEED = 20250417


def trailing_volatility(returns: Floats) -> Floats:
    """Log root mean square of the 20 latest returns before each session: (S, T) -> (S, T), NaN with fewer than ten."""
    known = np.isfinite(returns)
    pad = ((0, 0), (1, 0))
    square = np.pad(np.cumsum(np.where(known, returns, 0.0) ** 2, axis=1), pad)
    count = np.pad(np.cumsum(known, axis=1), pad)
    last = np.arange(returns.shape[1])
    first = np.maximum(last - TRAILING, 0)
    n = count[:, last] - count[:, first]
    with np.errstate(invalid="ignore", divide="ignore"):
        level = 0.5 * np.log((square[:, last] - square[:, first]) / n)
    return np.where((n >= TRAILING // 2) & np.isfinite(level), level, np.nan)


def placebo_sessions(ground: EventPanels, date: Ints, draws: int) -> list[Ints]:
    """Pretended day 0s of every event, for each draw; -1 where an event has no such day.

    Events of one date move together, by the same number of sessions, so that what they share on a date they share on a
    placebo date. Fitting are sessions of the same weekday, up to half a year away, on which no event of the same ticker
    is near (as far as windows and holding periods reach) and prices are known; where no session fits every firm of
    the date, those that fit most. Of these the third nearest in the firms' trailing volatility, drawn at random with a
    seed of the date alone.

    Parameters
    ----------
    date : int64 (N,)
        Calendar day of day 0.
    """
    found = np.full((draws, len(date)), -1, dtype=np.int64)
    shifts = np.arange(-REACH, REACH + 1)
    level = trailing_volatility(ground.hedge_panel.returns)
    free = _free(ground)
    for day in np.unique(date):
        rows = np.flatnonzero(date == day)
        fits, distance = _fitting(ground, rows, shifts, level, free)
        near = _nearest(fits, distance)
        if not len(near):
            continue
        rng = np.random.default_rng(np.random.SeedSequence([SEED, int(day)]))
        chosen = near[rng.integers(0, len(near), draws)]
        moved = ground.placed.session[rows][None, :] + shifts[chosen][:, None]
        found[:, rows] = np.where(fits[:, chosen].T, moved, -1)
    return [_once(session, ground) for session in found]


def _once(session: Ints, ground: EventPanels) -> Ints:
    """Without a second event of the same ticker on the same session: the first represents both."""
    name = np.where(session >= 0, ground.placed.series * ground.panel.n_sessions + session, -1)
    kept = np.zeros(len(session), dtype=bool)
    kept[np.unique(name, return_index=True)[1]] = True
    return np.where(kept, session, -1)


def _free(ground: EventPanels) -> Bools:
    """Sessions (S, T) of each series that no event of its ticker comes near."""
    reach = max(ground.horizon, *(abs(day) for window in ground.windows for day in window)) + 1
    # the history mask holds what the catalogue masks; under `--exclude none` that is nothing, events are busy still
    busy = ground.placed.history_mask.astype(np.int64)
    busy[ground.placed.series, ground.placed.session] = 1
    n = busy.shape[1]
    total = np.pad(np.cumsum(busy, axis=1), ((0, 0), (1, 0)))
    at = np.arange(n)
    crowd = total[:, np.minimum(at + reach, n)] - total[:, np.maximum(at - reach, 0)]
    return np.asarray(crowd == 0)


def _fitting(ground: EventPanels, rows: Ints, shifts: Ints, level: Floats, free: Bools) -> tuple[Bools, Floats]:
    """Which shifts fit each of some events (n, shifts), and how far the volatility of those that fit is, on average."""
    own, series = ground.placed.session[rows], ground.placed.series[rows]
    hedge = ground.hedge_placed.series[rows]
    at = own[:, None] + shifts
    inside = (at >= 0) & (at < ground.panel.n_sessions)
    at = np.clip(at, 0, ground.panel.n_sessions - 1)
    weekday = ground.panel.day_number[series[:, None], at] % 7
    same = weekday == (ground.panel.day_number[series, own] % 7)[:, None]
    apart = np.abs(level[hedge[:, None], at] - level[hedge, own][:, None])
    priced = np.isfinite(ground.panel.returns[series[:, None], at])
    fits = inside & same & priced & free[series[:, None], at] & np.isfinite(apart)
    with np.errstate(invalid="ignore", divide="ignore"):
        distance = np.where(fits, apart, 0.0).sum(axis=0) / fits.sum(axis=0)
    return np.asarray(fits), np.asarray(distance)


def _nearest(fits: Bools, distance: Floats) -> Ints:
    """Positions of the shifts that fit most events and lie nearest in volatility."""
    many = fits.sum(axis=0)
    if not many.max(initial=0):
        return np.array([], dtype=np.int64)
    best = np.flatnonzero(many == many.max())
    order = best[np.argsort(distance[best], kind="stable")]
    return order[: max(FEWEST, int(np.ceil(NEAREST * len(order))))]
