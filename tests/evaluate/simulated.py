"""Prices with a known distribution on real New York sessions, and an events file that gives calibrate its tickers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import numpy as np
import pandas as pd

from eventstudy.data.calendar import load_calendar

SESSIONS = load_calendar("XNYS", date(1995, 1, 3), date(2024, 12, 31)).sessions.astype("datetime64[D]")
BETA, SIGMA = 1.2, 0.02
Law = Callable[[np.random.Generator, int], np.ndarray]


def normal(rng: np.random.Generator, n: int) -> np.ndarray:
    """Standard normal errors."""
    return rng.normal(size=n)


def student4(rng: np.random.Generator, n: int) -> np.ndarray:
    """t errors with four degrees of freedom and unit variance."""
    return rng.standard_t(4, n) / np.sqrt(2)


def garch(rng: np.random.Generator, n: int, alpha: float = 0.1, beta: float = 0.88) -> np.ndarray:
    """GARCH(1,1) with unit variance, after 500 sessions to settle."""
    z, e, v = rng.normal(size=n + 500), np.empty(n + 500), 1.0
    for t in range(n + 500):
        e[t] = np.sqrt(v) * z[t]
        v = 1 - alpha - beta + alpha * e[t] ** 2 + beta * v
    return e[500:]


def simulated(
    seed: int, n_tickers: int, n_sessions: int, law: Law = normal, rho: float = 0.0
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(events, prices): every ticker has an announcement on the first and on the last session that can be one.

    Errors have the deviation 2 % and, between firms, the correlation ``rho``.
    """
    rng = np.random.default_rng(seed)
    dates = SESSIONS[-n_sessions:]
    market = rng.normal(4e-4, 0.01, n_sessions)
    common = law(rng, n_sessions)
    prices, rows = [pd.DataFrame({"ticker": "SPY", "date": dates, "close": 100 * np.cumprod(1 + market)})], []
    for k in range(n_tickers):
        name = f"S{k:02d}"
        own = np.sqrt(rho) * common + np.sqrt(1 - rho) * law(rng, n_sessions)
        close = 100 * np.cumprod(1 + BETA * market + SIGMA * own)
        prices.append(pd.DataFrame({"ticker": name, "date": dates, "close": close}))
        rows += [("first", name, str(dates[300])), ("last", name, str(dates[-20]))]
    events = pd.DataFrame(rows, columns=["event_id", "ticker", "announced_at"]).assign(timing="bmo")
    return events, pd.concat(prices, ignore_index=True)
