"""Market models whose error variance is forecast day by day (methods 3.9), fitted by the ``arch`` package."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np

from eventstudy.engine.least_squares import Fits, regressed
from eventstudy.engine.panel import Floats
from eventstudy.engine.windows import LOCAL_SESSIONS, Design
from eventstudy.extras import missing

# the package expects returns near one
SCALE = 100.0
FEWEST = 250
SEED = 20250416


def conditional_fits(design: Design, process: str) -> Fits:
    """Estimate ``garch`` or ``egarch`` for every event.

    The mean and the variance equation are fitted jointly by maximum likelihood on the estimation window's valid
    sessions, one after the other; with those parameters the variance is filtered through the sessions between the
    windows and forecast over the event window, never with the event's own shocks. Raises ``UsageError`` if ``arch`` is
    not installed.

    Returns
    -------
    Fits
        ``relative_variance`` holds the forecasts over s2, ``xtx_inv`` the parameters' covariance over s2. Events with
        fewer than 250 valid sessions, without convergence, or with a variance that explodes or runs away keep least
        squares with the scale of the 20 latest sessions and 20 degrees of freedom, and ``fallback``.

    Checked against
    ---------------
    A filter written as a loop, and parameters recovered from simulated series (tests/oracles).
    """
    try:
        from arch.univariate import EGARCH, GARCH
    except ImportError as error:
        raise missing(f"model {process}", "arch", "garch") from error
    x = np.concatenate([design.span[:, :, None], design.x[:, :, :1]], axis=2)
    base = regressed(design, x)
    volatility = GARCH if process == "garch" else EGARCH
    theta, xtx_inv, s2 = base.theta.copy(), base.xtx_inv.copy(), base.s2.copy()
    relative, nu, fallback = base.relative_variance.copy(), base.nu.copy(), base.fallback.copy()
    residual = base.residual.copy()
    for i in range(len(design.y)):
        found = _one(design, base, i, volatility) if base.rank_ok[i] and base.s2[i] > 0 else None
        if found is None:
            fallback[i] = True
            relative[i], nu[i] = _local(design, base, i)
            continue
        b, covariance, window_variance = found
        theta[i] = b
        residual[i] = np.where(design.observed[i], design.y[i] - np.nan_to_num(x[i]) @ b, np.nan)
        used = base.used[i]
        s2[i] = float((residual[i, design.estimation][used] ** 2).sum() / base.nu[i])
        xtx_inv[i] = covariance / s2[i]
        relative[i, design.window] = window_variance / s2[i] * design.span[i, design.window]
    return replace(
        base,
        theta=theta,
        xtx_inv=xtx_inv,
        half=None,
        s2=s2,
        nu=nu,
        residual=residual,
        scaled=residual / np.sqrt(design.span),
        relative_variance=relative,
        fallback=fallback,
    )


def _one(design: Design, base: Fits, i: int, volatility: Any) -> tuple[Floats, Floats, Floats] | None:
    """(a, b), their covariance and the variance forecasts of the window's days; None where the fit failed."""
    from arch.univariate import LS, ZeroMean

    used = base.used[i]
    if used.sum() < FEWEST:
        return None
    y = design.y[i, design.estimation][used] * SCALE
    market = design.x[i, design.estimation, 0][used] * SCALE
    process = volatility(p=1, q=1) if volatility.__name__ == "GARCH" else volatility(p=1, o=1, q=1)
    with warnings.catch_warnings():
        # convergence is judged below
        warnings.simplefilter("ignore")
        model = LS(y, x=market[:, None], volatility=process)
        result = model.fit(disp="off", show_warning=False)
    values = np.asarray(result.params, dtype=np.float64)
    variance = values[2:]
    if result.convergence_flag != 0 or not np.isfinite(values).all() or not _forgets(volatility.__name__, variance):
        return None
    unit = np.array([1 / SCALE, 1.0])
    b = values[:2] * unit
    covariance = np.asarray(result.param_cov, dtype=np.float64)[:2, :2] * np.outer(unit, unit)
    if not np.isfinite(covariance).all():
        return None
    between = np.arange(design.plan.estimation, design.plan.column(design.plan.start))
    between = between[design.usable[i, between]]
    rows = np.concatenate([np.flatnonzero(used), between])
    errors = (design.y[i, rows] - b[0] * design.span[i, rows] - b[1] * design.x[i, rows, 0]) * SCALE
    filtered = ZeroMean(errors, volatility=process).fix(variance)
    method = "analytic" if volatility.__name__ == "GARCH" else "simulation"
    forecast = filtered.forecast(
        horizon=design.plan.n_window,
        reindex=False,
        method=method,
        simulations=2000,
        random_state=np.random.RandomState(SEED),
    )
    path = np.asarray(forecast.variance, dtype=np.float64)[-1] / SCALE**2
    return (b, covariance, path) if np.isfinite(path).all() and (path > 0).all() else None


def _forgets(name: str, variance: Floats) -> bool:
    """Whether a variance recursion forgets its start, so that it can be filtered from anywhere.

    GARCH: alpha + beta below one. EGARCH: |beta| below one, and a shock must raise the variance (alpha positive): with
    a negative alpha a day too calm for the variance raises it further, and the filter runs away from the data.
    """
    if name == "GARCH":
        return bool(variance[1] + variance[2] < 1)
    return bool(abs(variance[3]) < 1 and variance[1] > 0)


def _local(design: Design, base: Fits, i: int) -> tuple[Floats, float]:
    """The scale of ``ar-t-local`` in place of a forecast: its square over s2, and 20 degrees of freedom."""
    before = slice(0, design.plan.column(design.plan.start))
    usable = np.flatnonzero(design.usable[i, before])[-LOCAL_SESSIONS:]
    relative = base.relative_variance[i].copy()
    if len(usable) < LOCAL_SESSIONS or not base.s2[i] > 0:
        return relative, float(base.nu[i])
    share = float((base.scaled[i, usable] ** 2).mean() / base.s2[i])
    relative[design.window] *= share
    return relative, float(LOCAL_SESSIONS)
