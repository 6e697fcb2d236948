"""Results of a kernel: the contributions of each event, as arrays with events first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from eventstudy.engine.least_squares import Fits, residuals
from eventstudy.engine.models import Model
from eventstudy.engine.options import Options
from eventstudy.engine.panel import Bools, Floats, Ints
from eventstudy.engine.significance.evidence import Evidence, Sample
from eventstudy.engine.windows import Design, WindowPlan

# events whose leverages are computed at a time
AT_ONCE = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Serial:
    """Statistics of the order of an event's days.

    Attributes
    ----------
    phi : float64 (E,)
        Autocorrelation of the estimation residuals; see ``serial.autocorrelation``.
    local_variance : float64 (E, W)
        Before each test window; see ``serial.local_variance``.
    """

    phi: Floats
    local_variance: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """E events, L days of the event window, W test windows, p parameters.

    Attributes
    ----------
    n_obs : int64 (E,)
        Estimation observations used.
    n_masked : int64 (E,)
        Estimation sessions with a return that were left out for another event.
    first_used, last_used : int64 (E,)
        Panel positions of the first and last estimation observation; -1 without one.
    nu, s2, r_squared : float64 (E,)
        As in ``Fits``, under the ``sigma`` convention in use.
    rank_ok, zero_variance, fallback : bool (E,)
    theta : float64 (E, p)
    xtx_inv : float64 (E, p, p)
    half : float64 (E, p, p) or None
        As in ``Fits``.
    ar, v : float64 (E, L)
        Abnormal returns and their variance factors, Var(AR) = s2 v; NaN without a return.
    expected, path, path_v : float64 (E, L)
        Expected return, CAR from the first day of the window on and its variance factor; (E, 0) where not asked for.
    car, q, base, bhar : float64 (E, W)
        As in ``Cars``: Var(CAR) = s2 q.
    evidence : Evidence or None
        Residuals, ranks and signs for the tests across events, where asked for.
    serial : Serial or None
        Where asked for.
    """

    n_obs: Ints
    n_masked: Ints
    first_used: Ints
    last_used: Ints
    nu: Floats
    s2: Floats
    r_squared: Floats
    rank_ok: Bools
    zero_variance: Bools
    fallback: Bools
    theta: Floats
    xtx_inv: Floats
    ar: Floats
    v: Floats
    expected: Floats
    path: Floats
    path_v: Floats
    car: Floats
    q: Floats
    base: Floats
    bhar: Floats
    evidence: Evidence | None = None
    serial: Serial | None = None
    half: Floats | None = None

    @property
    def std_error(self) -> Floats:
        """Standard error of each CAR, (E, W); NaN with zero variance."""
        return np.asarray(np.sqrt(np.where(self.s2 > 0, self.s2, np.nan)[:, None] * self.q))

    @property
    def scar(self) -> Floats:
        """CAR over its standard error, (E, W)."""
        return np.asarray(self.car / self.std_error)


def light_evidence(found: Measures) -> Evidence:
    """The parts that tests across events without ranks read; the rest is empty."""
    return evidence_without_days(found.ar, found.v, found.s2, found.nu)


def evidence_without_days(ar: Floats, v: Floats, s2: Floats, nu: Floats) -> Evidence:
    """The same from its arrays: ar and v (E, L), s2 and nu (E,)."""
    n = len(nu)
    scale = np.sqrt(np.where(s2 > 0, s2, np.nan))
    none = np.empty((n, 0))
    return Evidence(
        residual=none,
        abnormal=none,
        scale=scale,
        nu=nu,
        leverage=none,
        sar=ar / (scale[:, None] * np.sqrt(v)),
        corrado=none,
        ranked=none,
        n_ranked=np.zeros(n),
        share_positive=np.full(n, np.nan),
    )


def sample_over(
    found: Measures, evidence: Evidence, rows: Ints, options: Options, w: int, firms: tuple[Ints, Ints]
) -> Sample:
    """Some of the events over one test window, as the tests across events take them.

    Parameters
    ----------
    found, evidence
        Of all events.
    rows : int64 (n,)
        The events of the sample.
    options, w
        Layout, and the number of the test window.
    firms : two of int64 (n,)
        ``dates`` and ``series`` as in ``Sample``.
    """
    (start, end), plan, s2 = options.windows[w], options.plan, found.s2[rows]
    std_error = np.sqrt(np.where(s2 > 0, s2, np.nan) * found.q[rows, w])
    return Sample(
        rows=rows,
        car=found.car[rows, w],
        scar=found.car[rows, w] / std_error,
        std_error=std_error,
        bhar=found.bhar[rows, w],
        q=found.q[rows, w],
        days=slice(start - plan.start, end - plan.start + 1),
        start=start,
        end=end,
        dates=firms[0],
        series=firms[1],
        evidence=evidence,
    )


def completed(design: Design, model: Model, found: Measures) -> Fits:
    """The fits that a kernel measured, with the residual of every day: y - X theta, never estimated again."""
    x, used, n = model.regressors(design), design.usable[:, design.estimation], design.plan.estimation
    residual = residuals(design, x, found.theta)
    half = np.zeros((len(used), x.shape[2], 0)) if found.half is None else found.half
    leverage = np.where(used, 0.0, np.nan)
    # the rows of a few events at a time: those of all take several times what is made of them
    for at in range(0, len(used), AT_ONCE):
        some = slice(at, at + AT_ONCE)
        rows = np.where(used[some, :, None], x[some, :n], 0.0) / np.sqrt(design.span[some, :n, None])
        along = rows @ half[some]
        leverage[some] = np.where(used[some], np.einsum("enp,enp->en", along, along), np.nan)
    return Fits(
        theta=found.theta,
        xtx_inv=found.xtx_inv,
        s2=found.s2,
        nu=found.nu,
        n_obs=found.n_obs,
        residual=residual,
        scaled=residual / np.sqrt(design.span),
        leverage=leverage,
        used=used,
        r_squared=found.r_squared,
        rank_ok=found.rank_ok,
        zero_variance=found.zero_variance,
        relative_variance=design.span,
        fallback=found.fallback,
        half=found.half,
    )


def joined(parts: Sequence[Measures]) -> Measures:
    """The events of all parts, in order."""
    return parts[0] if len(parts) == 1 else end_to_end(parts)


def end_to_end(values: Sequence[Any]) -> Any:
    """Arrays, records of arrays or tuples of them end to end; what is absent is absent in every part, and a layout is
    the same in all."""
    first = values[0]
    if first is None or isinstance(first, WindowPlan):
        return first
    if isinstance(first, np.ndarray):
        return np.concatenate(values)
    if isinstance(first, tuple):
        return tuple(end_to_end(parts) for parts in zip(*values, strict=True))
    kind = type(first)
    return kind(**{item.name: end_to_end([getattr(value, item.name) for value in values]) for item in fields(kind)})


def take(value: Any, kept: slice | Ints) -> Any:
    """The chosen events of an array or of a record of arrays, all of which have events first."""
    if isinstance(value, np.ndarray):
        return value[kept]
    if value is None or isinstance(value, WindowPlan):
        return value
    return type(value)(**{item.name: take(getattr(value, item.name), kept) for item in fields(value)})
