"""A row's numbers do not change with rows of other firms, their order, the order of prices, or padded holidays."""

from __future__ import annotations

import tempfile
from datetime import date
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from eventstudy.data.calendar import load_calendar
from eventstudy.data.events import events_from_frame
from eventstudy.data.sources import source_from_frame
from eventstudy.scale.limits import Limits
from eventstudy.spec import StudySpec
from eventstudy.study import run
from eventstudy.study_report import Order, study_into

SESSIONS = load_calendar("XNYS", date(2012, 1, 3), date(2024, 12, 31)).sessions
OWN, OTHERS = ("A", "B"), ("C", "D")
SPEC = StudySpec(estimation=700, spec_curve="off")
# two events of one firm, which mask each other, and one of another firm
EVENTS = pd.DataFrame(
    {
        "event_id": ["a1", "a2", "b1"],
        "ticker": ["A", "A", "B"],
        "announced_at": [str(SESSIONS[at]) for at in (2400, 2800, 2700)],
        "timing": ["bmo", "bmo", "amc"],
    }
)


@lru_cache(maxsize=1)
def prices() -> pd.DataFrame:
    """Closes of four firms and the market; one has a hole, a spike and a tail that is not there yet."""
    rng = np.random.default_rng(11)
    market = rng.standard_t(5, len(SESSIONS)) * 0.007
    frames = []
    for symbol in (*OWN, *OTHERS, "SPY"):
        own = market if symbol == "SPY" else 0.8 * market + rng.standard_t(5, len(SESSIONS)) * 0.01
        frame = pd.DataFrame({"ticker": symbol, "date": SESSIONS, "close": 50 * np.cumprod(1 + own)})
        if symbol == "B":
            frame = frame.drop(index=range(2300, 2304))
            frame.loc[2500, "close"] *= 1.4
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def small(events: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    found = run(events, table, SPEC).windows
    return found[found["event_id"].isin(EVENTS["event_id"])].sort_values(["event_id", "window"], ignore_index=True)


def streamed(events: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    with tempfile.TemporaryDirectory() as folder:
        order = Order(out=Path(folder) / "out", formats=("csv",), limits=Limits(kept=0))
        study_into(events_from_frame(events), SPEC, order, prices=source_from_frame(table))
        found = pd.read_csv(order.out / "windows.csv", dtype=str)
    return found[found["event_id"].isin(EVENTS["event_id"])].sort_values(["event_id", "window"], ignore_index=True)


@lru_cache(maxsize=1)
def alone() -> tuple[pd.DataFrame, pd.DataFrame]:
    return small(EVENTS, prices()), streamed(EVENTS, prices())


def padded(table: pd.DataFrame, symbol: str) -> pd.DataFrame:
    """A symbol's holidays filled with the close before."""
    own = table[table["ticker"] == symbol].set_index("date").sort_index()
    every = pd.date_range(own.index[0], own.index[-1], freq="B").as_unit("s")
    holidays = every[~every.isin(SESSIONS)]
    filled = own.reindex(own.index.union(holidays)).ffill()
    filled = filled.rename_axis("date").reset_index()
    return pd.concat([table[table["ticker"] != symbol], filled[table.columns]], ignore_index=True)


@settings(max_examples=6, deadline=None)
@given(
    unrelated=st.lists(st.tuples(st.sampled_from(OTHERS), st.integers(5, len(SESSIONS) - 1)), max_size=5),
    order=st.randoms(use_true_random=False),
    padding=st.sets(st.sampled_from([*OWN, "SPY", "C"]), max_size=2),
)
def test_no_digit_changes(unrelated: list[tuple[str, int]], order: object, padding: set[str]) -> None:
    seed = order.randrange(10**6)  # type: ignore[attr-defined]
    more = pd.DataFrame(
        {
            "event_id": [f"u{i}" for i in range(len(unrelated))],
            "ticker": [symbol for symbol, _ in unrelated],
            "announced_at": [str(SESSIONS[at]) for _, at in unrelated],
            "timing": "bmo",
        }
    )
    events = pd.concat([EVENTS, more], ignore_index=True).sample(frac=1, random_state=seed)
    table = prices().sample(frac=1, random_state=seed + 1)
    for symbol in sorted(padding):
        table = padded(table, symbol)
    plain, blocks = alone()
    pd.testing.assert_frame_equal(small(events, table), plain, check_exact=True)
    pd.testing.assert_frame_equal(streamed(events, table), blocks, check_exact=True)


def test_an_older_row_of_another_firm_adds_no_observation() -> None:
    older = pd.DataFrame({"event_id": ["u"], "ticker": ["C"], "announced_at": [str(SESSIONS[30])], "timing": ["bmo"]})
    found = small(pd.concat([older, EVENTS], ignore_index=True), prices())
    pd.testing.assert_frame_equal(found, alone()[0], check_exact=True)
