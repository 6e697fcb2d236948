"""Abnormal returns and their exact prediction-error covariance (methods 2.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eventstudy.engine.models import MODELS, Fits, regressors
from eventstudy.engine.panel import Bools, Floats
from eventstudy.engine.windows import Design


@dataclass(frozen=True, slots=True, kw_only=True)
class Abnormal:
    """Abnormal returns on each day of the event window.

    Attributes
    ----------
    ar : float64 (E, L)
        Return minus expected return, decimal. NaN where there is no return.
    expected : float64 (E, L)
        Expected return; ``expected + ar`` is the return.
    v : float64 (E, L)
        Diagonal of V: Var(AR_t) = s2 * v_t.
    path, path_v : float64 (E, L)
        CAR from the first day of the window to day t and its variance factor; a day without a return adds nothing
        and has no entry of its own.
    """

    ar: Floats
    expected: Floats
    v: Floats
    path: Floats
    path_v: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Cars:
    """Cumulative abnormal returns over W test windows.

    Attributes
    ----------
    car : float64 (E, W)
        Sum of AR over the window. NaN where the window's last day has no return (what the window did is then not
        known yet), or under ``strict`` where any day is missing.
    q : float64 (E, W)
        Variance factor: Var(CAR) = s2 * q, with q = gamma'D gamma + (X'gamma)'(X'X)^-1(X'gamma).
    base : float64 (E, W)
        The window part of q: the number of sessions the returns cover.
    bhar : float64 (E, W)
        Compounded return minus compounded expected return.
    """

    car: Floats
    q: Floats
    base: Floats
    bhar: Floats


def _quadratic(x: Floats, fits: Fits) -> Floats:
    """x' (X'X)^-1 x for each event: (E, p) -> (E,); also (E, L, p) -> (E, L)."""
    letters = "e" if x.ndim == 2 else "el"
    if fits.half is None:
        return np.asarray(np.einsum(f"{letters}p,epq,{letters}q->{letters}", x, fits.xtx_inv, x))
    along = np.einsum(f"{letters}p,epq->{letters}q", x, fits.half)
    return np.asarray((along * along).sum(axis=-1))


def abnormal_returns(design: Design, fits: Fits, name: str) -> Abnormal:
    """AR of every day of the event window, its variance factor, and the CAR path.

    Checked against
    ---------------
    OLS with one dummy per event day (statsmodels): coefficients, t values and the t of their sum.
    """
    window = design.window
    seen = design.observed[:, window]
    ar = np.where(seen, fits.residual[:, window], np.nan)
    x = np.where(seen[:, :, None], regressors(design, MODELS[name])[:, window], 0.0)
    span = np.where(seen, fits.relative_variance[:, window], 0.0)
    total = np.cumsum(x, axis=1)
    path = np.cumsum(np.where(seen, ar, 0.0), axis=1)
    path_v = np.cumsum(span, axis=1) + _quadratic(total, fits)
    return Abnormal(
        ar=ar,
        expected=np.where(seen, design.y[:, window] + design.offset[:, window] - ar, np.nan),
        v=np.where(seen, span + _quadratic(x, fits), np.nan),
        path=np.where(seen, path, np.nan),
        path_v=np.where(seen, path_v, np.nan),
    )


def window_complete(design: Design, start: int, end: int, *, strict: bool) -> Bools:
    """Whether the CAR over [start, end] is known: its last day has a return, and the returns cover every day of the
    window (strict: every day has a return)."""
    days = design.days(start, end)
    seen = design.observed[:, days]
    if strict or seen.all():
        return np.asarray(seen.all(axis=1))
    # what a return does not cover, from the session after the return before it, is a hole
    place = np.arange(seen.shape[1])
    before = np.maximum.accumulate(np.where(seen, place, -1), axis=1)
    before = np.concatenate([np.full((len(seen), 1), -1), before[:, :-1]], axis=1)
    covers = ~seen | (place - design.span[:, days] <= before)
    return np.asarray(seen[:, -1] & covers.all(axis=1))


def cars(
    design: Design,
    fits: Fits,
    name: str,
    windows: Sequence[tuple[int, int]],
    *,
    strict: bool = False,
    log: bool = False,
) -> Cars:
    """CAR, its exact variance factor and BHAR over several test windows.

    Parameters
    ----------
    design, fits, name
        As gathered and estimated; ``name`` is the model.
    windows : sequence of (start, end)
    strict : bool
        A missing day makes the window NaN; otherwise the first later trade carries the missing sessions.
    log : bool
        Returns are logarithmic, so they compound by summing.
    """
    model = MODELS[name]
    shape = (len(design.y), len(windows))
    car, q, base, bhar = (np.full(shape, np.nan) for _ in range(4))
    x = regressors(design, model)
    for w, (start, end) in enumerate(windows):
        days = design.days(start, end)
        seen = design.observed[:, days]
        known = window_complete(design, start, end, strict=strict)
        ar = np.where(seen, fits.residual[:, days], 0.0)
        y = np.where(seen, design.y[:, days] + design.offset[:, days], 0.0)
        variance = np.where(seen, fits.relative_variance[:, days], 0.0).sum(axis=1)
        covered = np.where(seen, design.span[:, days], 0.0).sum(axis=1)
        total = np.where(seen[:, :, None], x[:, days], 0.0).sum(axis=1)
        car[:, w] = np.where(known, ar.sum(axis=1), np.nan)
        base[:, w] = np.where(known, covered, np.nan)
        q[:, w] = np.where(known, variance + _quadratic(total, fits), np.nan)
        bhar[:, w] = np.where(known, _compound(y, log=log) - _compound(y - ar, log=log), np.nan)
    return Cars(car=car, q=q, base=base, bhar=bhar)


def _compound(returns: Floats, *, log: bool) -> Floats:
    return np.asarray(np.exp(returns.sum(axis=1)) if log else np.prod(1.0 + returns, axis=1))
