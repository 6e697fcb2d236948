"""Reference distributions, from ``scipy.special`` alone: ``scipy.stats`` costs a second of start-up."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import numpy as np
from scipy import special

from eventstudy.engine.panel import Floats, Ints

Alternative = Literal["two-sided", "less", "greater"]
_STEP = 1e-4


def t_p_value(t: Floats, df: Floats, alternative: Alternative = "two-sided") -> Floats:
    """p value of a Student t statistic; computed in the tail, so it never rounds to 0 early."""
    if alternative == "two-sided":
        return np.asarray(np.minimum(1.0, 2.0 * special.stdtr(df, -np.abs(t))), dtype=np.float64)
    return np.asarray(special.stdtr(df, t if alternative == "less" else -t), dtype=np.float64)


def t_quantile(df: Floats, probability: float) -> Floats:
    """Quantile of the Student t distribution."""
    return np.asarray(special.stdtrit(df, probability), dtype=np.float64)


def tail_of(level: float, alternative: Alternative) -> float:
    """Probability below the critical value of a test, and so below the bound of its interval."""
    return 0.5 + level / 2 if alternative == "two-sided" else level


def f_p_value(f: Floats, df1: float | Ints, df2: float | Floats | Ints) -> Floats:
    """Upper-tail p value of an F statistic."""
    return np.asarray(special.fdtrc(df1, df2, f), dtype=np.float64)


def minimum_detectable_effect(
    df: Floats, level: float, power: float = 0.8, alternative: Alternative = "two-sided"
) -> Floats:
    """Smallest true effect, in standard errors, that a t test finds with the given power.

    Only rejections in the right direction count: P(t' > t_crit) = power for the noncentral t' (methods 5.8, A5). A
    one-sided test has the smaller critical value of its side, and so a smaller effect.

    Checked against
    ---------------
    ``scipy.stats.nct`` and a root finder (tests/engine/test_distributions.py).
    """
    known, where = np.unique(df, return_inverse=True)
    tail = tail_of(level, alternative)
    effect = np.array([_detectable(float(nu), tail, power) for nu in known])
    return np.asarray(effect[where].reshape(np.shape(df)), dtype=np.float64)


@lru_cache(maxsize=4096)
def _detectable(df: float, tail: float, power: float) -> float:
    """The effect for one number of degrees of freedom; the same few come back with every chunk of events."""
    critical = t_quantile(np.array(df), tail)
    effect = special.nctdtrinc(df, 1.0 - power, critical)
    # the inverse stops near 1e-8; Newton steps on the distribution itself reach its precision
    for _ in range(2):
        miss = special.nctdtr(df, effect, critical) - (1.0 - power)
        slope = (special.nctdtr(df, effect + _STEP, critical) - special.nctdtr(df, effect - _STEP, critical)) / (
            2 * _STEP
        )
        effect = effect - miss / slope
    return float(effect)


def extreme_count(values: Floats, observed: float, alternative: Alternative = "two-sided") -> int:
    """Number of ``values`` at least as extreme as the observation."""
    if alternative == "less":
        return int(np.count_nonzero(values <= observed))
    if alternative == "greater":
        return int(np.count_nonzero(values >= observed))
    return int(np.count_nonzero(np.abs(values) >= abs(observed)))


def normal_p_value(z: float, alternative: Alternative = "two-sided") -> float:
    """p value of a standard normal statistic, computed in the tail."""
    if alternative == "two-sided":
        return float(min(1.0, 2.0 * special.ndtr(-abs(z))))
    return float(special.ndtr(z if alternative == "less" else -z))


def binomial_p_value(successes: int, n: int, share: float, alternative: Alternative = "two-sided") -> float:
    """Exact p value of a binomial count; two-sided is twice the smaller tail, capped at 1."""
    lower = float(special.bdtr(successes, n, share))
    upper = float(special.bdtrc(successes - 1, n, share)) if successes > 0 else 1.0
    if alternative == "less":
        return lower
    return upper if alternative == "greater" else min(1.0, 2 * min(lower, upper))
