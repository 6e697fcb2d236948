"""Small studies of made prices: a few firms, a few announcements, some with a planted move, some with missing opens."""

from __future__ import annotations

import numpy as np
import pandas as pd

from eventstudy.data.events import events_from_frame
from eventstudy.results import StudyResult
from eventstudy.spec import StudySpec, Window
from eventstudy.study import run

DAYS = pd.bdate_range("2022-01-03", "2023-08-31")
ROLES = ("direct", "direct", "peer", "placebo", "outcome")


def prices(rng: np.random.Generator, tickers: list[str], shocks: dict[tuple[str, int], float]) -> pd.DataFrame:
    """Opens and closes of SPY and of firms with betas of their own; a shock splits between night and session."""
    n = len(DAYS)
    night, day = rng.normal(0, 0.005, n), rng.normal(0, 0.008, n)
    frames = []
    for ticker in ("SPY", *tickers):
        beta = 1.0 if ticker == "SPY" else rng.uniform(0.3, 2.2)
        own = 0.0 if ticker == "SPY" else 1.0
        fat = rng.standard_t(4, (2, n)) / np.sqrt(2)
        at_night, in_day = beta * night + own * 0.006 * fat[0], beta * day + own * 0.011 * fat[1]
        for (name, session), size in shocks.items():
            if name == ticker:
                at_night[session] += 0.7 * size
                in_day[session] += 0.3 * size
        close = 100 * np.cumprod((1 + at_night) * (1 + in_day))
        opened = np.concatenate([[100.0], close[:-1]]) * (1 + at_night)
        frames.append(pd.DataFrame({"ticker": ticker, "date": DAYS, "open": opened, "close": close}))
    return pd.concat(frames)


def random_study(seed: int) -> StudyResult:
    """One to three firms, one to four announcements."""
    rng = np.random.default_rng(seed)
    tickers = ["AAA", "BBB", "CCC"][: rng.integers(1, 4)]
    rows, shocks = [], {}
    for number in range(int(rng.integers(1, 5))):
        session = int(rng.integers(300, len(DAYS) - 30))
        role = str(rng.choice(ROLES))
        timing = str(rng.choice(["bmo", "dmh", ""]))
        for ticker in tickers[: rng.integers(1, len(tickers) + 1)]:
            if rng.random() < 0.6:
                shocks[ticker, session] = float(rng.normal(0, 0.05))
            claim = f"{rng.normal(0, 0.05):.3f}" if rng.random() < 0.2 else ""
            rows.append(
                (f"e{number}", ticker, str(DAYS[session].date()), timing, role, claim, f"Announcement {number}")
            )
    names = ["event_id", "ticker", "announced_at", "timing", "role", "claimed_return", "title"]
    frame = pd.DataFrame(rows, columns=names)
    frame["calendar"] = "data"
    made = prices(rng, tickers, shocks)
    if rng.random() < 0.3:
        made = made.drop(columns="open")
    spec = StudySpec(
        event_window=Window(-6, 6),
        windows=(Window(0, 0), Window(0, 1)),
        estimation=int(rng.choice([120, 200])),
        level=float(rng.choice([0.95, 0.9])),
        returns=str(rng.choice(["simple", "simple", "log"])),
        alternative=str(rng.choice(["two-sided", "two-sided", "two-sided", "less", "greater"])),
    )  # type: ignore[arg-type]
    return run(events_from_frame(frame), made, spec)
