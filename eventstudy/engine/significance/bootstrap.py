"""Bootstrap tests of one event's CAR (methods 5.7) and its exact rank (5.6)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from eventstudy.engine.abnormal import Cars, window_complete
from eventstudy.engine.models import MODELS, Fits, regressors
from eventstudy.engine.panel import Floats, Ints
from eventstudy.engine.significance.laws import Alternative, extreme_count
from eventstudy.engine.windows import Design

Scheme = Literal["boot-iid", "boot-block", "boot-stationary"]
SCHEMES: tuple[Scheme, ...] = ("boot-iid", "boot-block", "boot-stationary")
DRAWS = 999


def bootstrap(
    design: Design,
    fits: Fits,
    result: Cars,
    name: str,
    windows: Sequence[tuple[int, int]],
    seeds: Ints,
    scheme: Scheme,
    alternative: Alternative,
    *,
    strict: bool = False,
) -> Floats:
    """p values of one resampling scheme: (E, W) float64.

    Centred, studentised estimation residuals are drawn for the estimation window and the test window, the model is
    estimated again on each draw, and the CAR's t is compared with its own law.

    Parameters
    ----------
    seeds : int64 (E,)
        One an event, so that neither order nor partition changes a draw.
    scheme : {"boot-iid", "boot-block", "boot-stationary"}
        Single days; circular blocks of ceil(M^(1/3)) days; stationary blocks of that mean length (Politis & Romano
        1994).
    """
    p = np.full((len(design.y), len(windows)), np.nan)
    x = regressors(design, MODELS[name])
    for w, (start, end) in enumerate(windows):
        days = design.days(start, end)
        known = window_complete(design, start, end, strict=strict) & fits.rank_ok & (fits.s2 > 0)
        for i in np.flatnonzero(known & np.isfinite(result.car[:, w])):
            rng = np.random.default_rng(np.random.SeedSequence([int(seeds[i]), w, SCHEMES.index(scheme)]))
            t = result.car[i, w] / np.sqrt(fits.s2[i] * result.q[i, w])
            drawn = _drawn(design, fits, x, int(i), days, float(result.q[i, w]), rng, scheme)
            p[i, w] = (1 + extreme_count(drawn, float(t), alternative)) / (len(drawn) + 1)
    return p


def _drawn(
    design: Design,
    fits: Fits,
    x: Floats,
    i: int,
    days: slice,
    q: float,
    rng: np.random.Generator,
    scheme: Scheme,
) -> Floats:
    """The t statistics of B resampled events."""
    used = fits.used[i]
    m, seen = int(used.sum()), design.observed[i, days]
    studentised = fits.scaled[i, design.estimation][used] / np.sqrt(1 - fits.leverage[i][used])
    pool = studentised - studentised.mean()
    root = np.sqrt(design.span[i, days][seen])
    draw = pool[_places(m, m + len(root), rng, scheme)]
    before, window = draw[:, :m], draw[:, m:] * root
    rows = x[i, design.estimation][used] / np.sqrt(design.span[i, design.estimation][used])[:, None]
    shift = before @ rows @ fits.xtx_inv[i]
    error = before - shift @ rows.T
    car = window.sum(axis=1) - shift @ x[i, days][seen].sum(axis=0)
    if x.shape[2] == 0:
        error = before - before.mean(axis=1, keepdims=True)
    scale = np.sqrt((error**2).sum(axis=1) / fits.nu[i])
    return np.asarray(car / (scale * np.sqrt(q)))


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


def rank_exact(design: Design, fits: Fits, windows: Sequence[tuple[int, int]], alternative: Alternative) -> Floats:
    """``rank-exact``: the event day's rank among the M + 1 values, by its exact discrete law; one-day windows only.

    Two-sided is min(1, 2 min(r, T + 1 - r)/T), tied values sharing their average rank. Without ties it equals ``sq``.
    (E, W) float64.
    """
    p = np.full((len(design.y), len(windows)), np.nan)
    n_estimation = fits.used.shape[1]
    residual = np.where(fits.used, fits.scaled[:, :n_estimation], np.nan)
    t = fits.used.sum(axis=1) + 1.0
    for w, (start, end) in enumerate(windows):
        if start != end:
            continue
        value = fits.scaled[:, design.plan.column(start)]
        with np.errstate(invalid="ignore"):
            rank = (residual < value[:, None]).sum(axis=1) + (residual == value[:, None]).sum(axis=1) / 2 + 1
        lower, upper = rank / t, (t + 1 - rank) / t
        tail = {"less": lower, "greater": upper}.get(alternative, np.minimum(1.0, 2 * np.minimum(lower, upper)))
        p[:, w] = np.where(np.isfinite(value) & fits.rank_ok & (fits.s2 > 0), tail, np.nan)
    return p
