"""Scores of forecasts: against a forecast of zero, and against the base rate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from eventstudy.engine.panel import Bools, Floats, Ints
from eventstudy.evaluate.dates import DRAWS, SEED, better_than_nothing, date_means, stationary_places
from eventstudy.evaluate.walkforward import Forecasts


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One measure of the forecasts of one window.

    Attributes
    ----------
    against : str
        ``zero`` (nothing happens) or ``base-rate`` (the past of all types).
    measure : str
        ``oos-r2``, ``log-score`` (mean gain in log density per event), ``hit-rate`` (forecast's sign; the base's own
        in ``reference``).
    ci_low, ci_high : float
        Stationary bootstrap over dates; NaN where not given.
    t, p : float
        Diebold-Mariano on date means, one-sided: the forecast is not better.
    """

    against: str
    measure: str
    value: float
    reference: float = np.nan
    ci_low: float = np.nan
    ci_high: float = np.nan
    t: float = np.nan
    p: float = np.nan


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """The scores of one window.

    Attributes
    ----------
    n, n_dates : int
        Events with a forecast and an outcome, and dates among them.
    n_silent : int
        Events whose past was too short.
    """

    n: int
    n_dates: int
    n_silent: int
    scores: tuple[Score, ...]

    def get(self, measure: str, against: str) -> Score:
        """One score by its names."""
        return next(s for s in self.scores if (s.measure, s.against) == (measure, against))


def score(
    forecasts: Forecasts, outcome: Floats, scale: Floats, nu: Floats, date: Ints, level: float, block: float
) -> Scored:
    """Score forecasts where there is one and an outcome.

    Parameters
    ----------
    outcome : float64 (N,)
        CAR.
    scale, nu : float64 (N,)
        s sqrt(q) and degrees of freedom of each CAR.
    date : int64 (N,)
    level : float
        Of the interval of the out-of-sample R².
    block : float
        Mean block of the bootstrap, in dates.
    """
    silent = int((np.isfinite(outcome) & ~forecasts.made).sum())
    known = forecasts.made & np.isfinite(outcome) & np.isfinite(scale) & (scale > 0)
    if not known.any():
        return Scored(n=0, n_dates=0, n_silent=silent, scores=())
    y, f, d = outcome[known], forecasts.mean[known], date[known]
    base = forecasts.base[known]
    width = scale[known] * np.sqrt(forecasts.inflation[known])
    wider = np.sqrt(width**2 + forecasts.variance[known])
    density = log_t(y - f, wider, nu[known])
    found = []
    for against, other in (("zero", np.zeros(len(y))), ("base-rate", base)):
        found.append(_r_squared(y, f, other, d, against, level, block))
        gain = density - log_t(y - other, width, nu[known])
        t, p = better_than_nothing(date_means(gain, d)[0])
        found.append(Score(against=against, measure="log-score", value=float(gain.mean()), t=t, p=p))
    found.append(_hits(y, f, forecasts.share_positive[known], d))
    return Scored(n=len(y), n_dates=len(np.unique(d)), n_silent=silent, scores=tuple(found))


def log_t(error: Floats, scale: Floats, nu: Floats) -> Floats:
    """Log density of a Student t error with this scale and these degrees of freedom."""
    constant = special.gammaln((nu + 1) / 2) - special.gammaln(nu / 2) - 0.5 * np.log(nu * np.pi)
    return np.asarray(constant - np.log(scale) - (nu + 1) / 2 * np.log1p((error / scale) ** 2 / nu))


def _r_squared(y: Floats, f: Floats, other: Floats, date: Ints, against: str, level: float, block: float) -> Score:
    """1 - sum (y - f)² / sum (y - other)², its bootstrap interval over dates, and the test of the difference."""
    dates, which = np.unique(date, return_inverse=True)
    own = np.bincount(which, (y - f) ** 2, len(dates))
    theirs = np.bincount(which, (y - other) ** 2, len(dates))
    t, p = better_than_nothing(date_means((y - other) ** 2 - (y - f) ** 2, date)[0])
    low = high = np.nan
    if len(dates) > 2:
        places = stationary_places(len(dates), block, DRAWS, SEED + 1)
        drawn = 1 - own[places].sum(axis=1) / theirs[places].sum(axis=1)
        low, high = (float(v) for v in np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2]))
    value = float(1 - own.sum() / theirs.sum()) if theirs.sum() > 0 else np.nan
    return Score(against=against, measure="oos-r2", value=value, ci_low=low, ci_high=high, t=t, p=p)


def _hits(y: Floats, f: Floats, share_positive: Floats, date: Ints) -> Score:
    """Share of forecasts with the outcome's sign, against always naming the sign that was more common before."""
    spoken: Bools = f != 0
    if not spoken.any():
        return Score(against="base-rate", measure="hit-rate", value=np.nan)
    y, f, share_positive, date = y[spoken], f[spoken], share_positive[spoken], date[spoken]
    hit = np.where((y > 0) == (f > 0), 1.0, 0.0)
    usual = np.where((y > 0) == (share_positive >= 0.5), 1.0, 0.0)
    t, p = better_than_nothing(date_means(hit - usual, date)[0])
    return Score(
        against="base-rate", measure="hit-rate", value=float(hit.mean()), reference=float(usual.mean()), t=t, p=p
    )
