"""What a kernel hands back: everything one event contributes, as arrays with events first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

import numpy as np

from eventstudy.engine.abnormal import Abnormal, Cars
from eventstudy.engine.models import Fits
from eventstudy.engine.panel import Bools, Floats, Ints
from eventstudy.engine.significance.evidence import Evidence, Sample
from eventstudy.engine.windows import WindowPlan

Engine = Literal["numpy", "numba"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Serial:
    """What the order of an event's days tells.

    Attributes
    ----------
    phi : float64 (E,)
        Autocorrelation of the estimation residuals; see ``single.autocorrelation``.
    local_variance : float64 (E, W)
        Before each test window; see ``single.local_variance``.
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
    evidence: Evidence | None
    serial: Serial | None = None

    @property
    def std_error(self) -> Floats:
        """Standard error of each CAR, (E, W); NaN with zero variance."""
        return np.asarray(np.sqrt(np.where(self.s2 > 0, self.s2, np.nan)[:, None] * self.q))

    @property
    def scar(self) -> Floats:
        """CAR over its standard error, (E, W)."""
        return np.asarray(self.car / self.std_error)


def light_evidence(found: Measures) -> Evidence:
    """What the tests across events without ranks read; the rest is empty."""
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
    found: Measures, evidence: Evidence, rows: Ints, plan: WindowPlan, window: tuple[int, int], w: int,
    *, dates: Ints, series: Ints,
) -> Sample:  # fmt: skip
    """Some of the events over one test window, as the tests across events take them.

    Parameters
    ----------
    found, evidence
        Of all events.
    rows : int64 (n,)
        The events of the sample.
    plan, window, w
        Layout; the test window and its number.
    dates, series : int64 (n,)
        As in ``Sample``.
    """
    (start, end), s2 = window, found.s2[rows]
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
        dates=dates,
        series=series,
        evidence=evidence,
    )


def overlaid(fits: Fits, found: Measures) -> tuple[Fits, Abnormal, Cars]:
    """Fits with the estimates that a kernel measured, and its abnormal returns and CARs, as a small study has them."""
    estimates = {
        name: getattr(found, name)
        for name in ("theta", "xtx_inv", "s2", "nu", "n_obs", "r_squared", "rank_ok", "zero_variance", "fallback")
    }
    return (
        replace(fits, **estimates, half=None),
        Abnormal(ar=found.ar, expected=found.expected, v=found.v, path=found.path, path_v=found.path_v),
        Cars(car=found.car, q=found.q, base=found.base, bhar=found.bhar),
    )


def joined(parts: Sequence[Measures]) -> Measures:
    """The events of all parts, in order."""
    return parts[0] if len(parts) == 1 else _joined(parts)


def _joined(values: Sequence[Any]) -> Any:
    """Arrays, or records of arrays, end to end; what is absent is absent in every part."""
    if values[0] is None or isinstance(values[0], np.ndarray):
        return None if values[0] is None else np.concatenate(values)
    kind = type(values[0])
    return kind(**{item.name: _joined([getattr(value, item.name) for value in values]) for item in fields(kind)})
