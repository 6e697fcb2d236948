"""Six events of made-up firms with prices of real sessions, in the forms in which people hold them."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from eventstudy.data.calendar import load_calendar


@pytest.fixture(scope="session")
def market() -> dict[str, Any]:
    """``events``, ``prices`` (long), ``wide``, ``returns`` and ``factors``."""
    rng = np.random.default_rng(22)
    days = pd.DatetimeIndex(load_calendar("XNYS", date(2022, 1, 3), date(2024, 12, 31)).sessions, name="date")
    index = rng.normal(0.0004, 0.01, len(days))
    made = {"SPY": index} | {f"F00{n}": 1.1 * index + rng.normal(0, 0.02, len(days)) for n in range(1, 5)}
    wide = pd.DataFrame({name: 100 * np.cumprod(1 + steps) for name, steps in made.items()}, index=days)
    prices = wide.reset_index().melt("date", var_name="ticker", value_name="close")
    returns = wide.pct_change().iloc[1:]
    events = pd.DataFrame(
        {
            "ticker": ["F001", "F002", "F003", "F004", "F001", "F002"],
            "announced_at": ["2024-03-12", "2024-04-16", "2024-05-14", "2024-06-12", "2024-09-17", "2024-10-15"],
            "timing": "bmo",
            "sector": ["tech", "tech", "tech", "food", "food", "food"],
            "size": [1.5, 2.5, 1.0, 4.0, 3.5, 2.0],
        },
        index=list("abcdef"),
    )
    factors = pd.DataFrame(
        {
            "Mkt-RF": returns["SPY"] - 0.0001,
            "SMB": rng.normal(0, 0.003, len(returns)),
            "HML": rng.normal(0, 0.003, len(returns)),
            "RF": 0.0001,
        },
        index=returns.index,
    )
    return {"events": events, "prices": prices, "wide": wide, "returns": returns, "factors": factors}


@pytest.fixture(scope="session")
def result(market: dict[str, Any]) -> Any:
    """The study of the six events."""
    import eventstudy as es

    return es.run(market["events"], market["prices"])


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is read from, or written to, where the tests happen to run."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
