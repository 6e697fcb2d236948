"""A small made-up market: firms whose returns are known, announcements of several categories, and effects on demand."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pandas as pd

from eventstudy.data.calendar import load_calendar
from eventstudy.results import StudyResult
from eventstudy.spec import StudySpec, Window
from eventstudy.study import run

FIRMS = ("AAA", "BBB", "CCC", "DDD", "EEE", "FFF")
CATEGORIES = ("guidance", "product", "lawsuit", "contract")
SPEC = StudySpec(estimation=120, min_estimation=60, tests=("car-t",))


@lru_cache(maxsize=1)
def sessions() -> np.ndarray:
    """Some six years of New York sessions."""
    calendar = load_calendar("XNYS", pd.Timestamp("2018-01-02").date(), pd.Timestamp("2023-12-29").date())
    return calendar.sessions


def draw(
    seed: int, *, n_dates: int = 110, impact: float = 0.0, drift: float = 0.0, opens: bool = True, days: int = 5
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Events and prices.

    Each announcement concerns one to three firms. ``impact`` is the day-0 effect of `guidance` (its negative for
    `lawsuit`), ``drift`` the daily effect on each of the ``days`` sessions after.
    """
    rng = np.random.default_rng([20250416, seed])
    dates = sessions()
    n = len(dates)
    market = rng.normal(3e-4, 0.009, n)
    beta = rng.uniform(0.8, 1.4, len(FIRMS))
    own = rng.normal(0, 0.015, (len(FIRMS), n)) + 0.4 * rng.normal(0, 0.015, n)
    at = np.sort(rng.choice(np.arange(200, n - 30), n_dates, replace=False))
    rows = []
    for event, session in enumerate(at):
        category = CATEGORIES[rng.integers(len(CATEGORIES))]
        sign = {"guidance": 1.0, "lawsuit": -1.0}.get(category, 0.0)
        for firm in rng.choice(len(FIRMS), rng.integers(1, 4), replace=False):
            own[firm, session] += sign * impact
            own[firm, session + 1 : session + 1 + days] += sign * drift
            rows.append((f"e{event}", FIRMS[firm], str(dates[session]), "bmo", category))
    events = pd.DataFrame(rows, columns=["event_id", "ticker", "announced_at", "timing", "category"])
    return events, _prices(rng, dates, market, beta[:, None] * market + own, opens)


def _prices(
    rng: np.random.Generator, dates: np.ndarray, market: np.ndarray, firms: np.ndarray, opens: bool
) -> pd.DataFrame:
    frames = []
    for ticker, returns in zip(("SPY", *FIRMS), (market, *firms), strict=True):
        close = 100 * np.cumprod(1 + returns)
        before = np.concatenate([[100.0], close[:-1]])
        frame = pd.DataFrame({"ticker": ticker, "date": dates, "close": close})
        if opens:
            frame["open"] = before * (1 + 0.3 * returns + rng.normal(0, 0.002, len(returns)))
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def study(seed: int, spec: StudySpec = SPEC, **effects: object) -> StudyResult:
    """Estimated study of a drawn market."""
    events, prices = draw(seed, **effects)  # type: ignore[arg-type]
    return run(events, prices, spec)


__all__ = ["CATEGORIES", "FIRMS", "SPEC", "Window", "draw", "sessions", "study"]
