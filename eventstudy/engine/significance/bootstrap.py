"""Bootstrap tests of one event's CAR (methods 5.7)."""

from __future__ import annotations

from functools import partial
from typing import Literal

import numpy as np

from eventstudy.engine.context import EventContext, SingleTest
from eventstudy.engine.panel import Floats, Ints
from eventstudy.engine.significance.distributions import extreme_count

Scheme = Literal["boot-iid", "boot-block", "boot-stationary"]
SCHEMES: tuple[Scheme, ...] = ("boot-iid", "boot-block", "boot-stationary")
DRAWS = 999


def bootstrap(context: EventContext, scheme: Scheme) -> Floats:
    """p values of one resampling scheme: (E, W) float64.

    Centred, studentised estimation residuals are drawn for the estimation window and the test window, the model is
    estimated again on each draw, and the CAR's t is compared with its own distribution. Each event has its seed, so
    neither order nor partition changes a draw.

    Parameters
    ----------
    scheme : {"boot-iid", "boot-block", "boot-stationary"}
        Single days; circular blocks of ceil(M^(1/3)) days; stationary blocks of that mean length (Politis & Romano
        1994).
    """
    p, found = context.empty(), context.measures
    for w, (start, end) in enumerate(context.options.windows):
        days = context.design.days(start, end)
        for i in map(int, np.flatnonzero(context.known(w) & np.isfinite(found.car[:, w]))):
            rng = np.random.default_rng(np.random.SeedSequence([int(context.seed[i]), w, SCHEMES.index(scheme)]))
            t = found.car[i, w] / np.sqrt(found.s2[i] * found.q[i, w])
            drawn = _drawn(context, i, days, rng, scheme) / np.sqrt(found.q[i, w])
            p[i, w] = (1 + extreme_count(drawn, float(t), context.options.alternative)) / (len(drawn) + 1)
    return p


def _drawn(context: EventContext, i: int, days: slice, rng: np.random.Generator, scheme: Scheme) -> Floats:
    design, fits, x = context.design, context.fits, context.x
    used = fits.used[i]
    m, seen = int(used.sum()), design.observed[i, days]
    studentised = fits.scaled[i, design.estimation][used] / np.sqrt(1 - fits.leverage[i][used])
    pool = studentised - studentised.mean()
    root = np.sqrt(design.span[i, days][seen])
    draw = pool[_places(m, m + len(root), rng, scheme)]
    before, window = draw[:, :m], draw[:, m:] * root
    own = np.sqrt(design.span[i, design.estimation][used])
    rows = x[i, design.estimation][used] / own[:, None]
    shift = before @ rows @ fits.xtx_inv[i]
    error = before - shift @ rows.T
    car = window.sum(axis=1) - shift @ x[i, days][seen].sum(axis=0)
    if x.shape[2] == 0:
        # the mean a session, from returns that cover one or several
        error = before - (before @ own / (own @ own))[:, None] * own
    return np.asarray(car / np.sqrt((error**2).sum(axis=1) / fits.nu[i]))


def _places(m: int, count: int, rng: np.random.Generator, scheme: Scheme) -> Ints:
    """Positions in the pool of each draw: (B, count)."""
    if scheme == "boot-iid":
        return rng.integers(0, m, (DRAWS, count))
    length = int(np.ceil(m ** (1 / 3)))
    if scheme == "boot-block":
        blocks = -(-count // length)
        starts = rng.integers(0, m, (DRAWS, blocks))
        places = (starts[:, :, None] + np.arange(length)).reshape(DRAWS, -1)
        return np.asarray(places[:, :count] % m)
    fresh = rng.random((DRAWS, count)) < 1 / length
    fresh[:, 0] = True
    starts = rng.integers(0, m, (DRAWS, count))
    since = np.arange(count) - np.maximum.accumulate(np.where(fresh, np.arange(count), 0), axis=1)
    begun = np.take_along_axis(starts, np.arange(count) - since, axis=1)
    return np.asarray((begun + since) % m)


def _column(column: str, scheme: Scheme, context: EventContext) -> dict[str, Floats]:
    return {column: bootstrap(context, scheme)}


def _entry(column: str, scheme: Scheme, cost: float) -> SingleTest:
    reads = frozenset({"days", "seed"})
    return SingleTest(columns=(column,), reads=reads, cost=cost, run=partial(_column, column, scheme))


TESTS = {
    "boot-iid": _entry("p_boot_iid", "boot-iid", 1700.0),
    "boot-block": _entry("p_boot_block", "boot-block", 2300.0),
    "boot-stationary": _entry("p_boot_stationary", "boot-stationary", 5500.0),
}
