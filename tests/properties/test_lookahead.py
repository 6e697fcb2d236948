"""No decision of the backtest knows the future: alter any later price, and nothing decided before changes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventstudy.evaluate.backtest import BacktestSpec, Plan, Walk, make_plan, walk_through
from eventstudy.evaluate.walkforward import Events, walk_forward
from eventstudy.study import run
from tests.evaluate.market_sample import SPEC, draw, sessions

EVENTS, PRICES = draw(11, impact=0.02, drift=0.004, n_dates=80)


def walked(prices: pd.DataFrame) -> tuple[Plan, Walk]:
    plan = make_plan(run(EVENTS, prices, SPEC).studied, BacktestSpec())
    return plan, walk_through(plan)


@pytest.fixture(scope="module")
def before() -> tuple[Plan, Walk]:
    return walked(PRICES)


def altered(first: int, seed: int, kind: str) -> pd.DataFrame:
    """The prices with everything from one session on made different."""
    day = pd.Timestamp(sessions()[first])
    late = PRICES["date"] >= day
    rng = np.random.default_rng(seed)
    changed = PRICES.copy()
    if kind == "noise":
        for name in ("open", "close"):
            changed.loc[late, name] *= np.exp(rng.normal(0, 0.05, int(late.sum())))
    elif kind == "jump":
        one = changed["ticker"] == rng.choice(changed["ticker"].unique())
        changed.loc[late & one, ["open", "close"]] *= 1 + rng.choice([-0.5, 1.0])
    else:
        changed.loc[late, ["open", "close"]] = (
            changed.groupby("ticker")[["open", "close"]].shift(5).loc[late, ["open", "close"]]
        )
    return changed


def day_number(session: int) -> int:
    """Days since 1970 of a session of the made-up market."""
    return int(sessions()[session].astype("datetime64[D]").astype(np.int64))


def decisions(walk: Walk) -> dict[str, np.ndarray]:
    """Everything that was known or decided before an event, by name."""
    found = {f"forecast {label}": np.nan_to_num(f.mean) for label, f in walk.forecasts.items()}
    found |= {f"made {label}": f.made for label, f in walk.forecasts.items()}
    found |= {f"base {label}": np.nan_to_num(f.base) for label, f in walk.forecasts.items()}
    found |= {f"decided {day}": np.nan_to_num(f.mean) for day, f in walk.decided.items()}
    found |= {f"side {rule} {day}": taken.side for (rule, day), taken in walk.trades.items()}
    found["beta"] = np.nan_to_num(walk.measured.beta)
    return found


@given(
    first=st.integers(350, len(sessions()) - 40),
    seed=st.integers(0, 1000),
    kind=st.sampled_from(["noise", "jump", "shift"]),
)
@settings(max_examples=12, deadline=None, derandomize=True)
def test_altering_later_prices_changes_no_earlier_decision(
    before: tuple[Plan, Walk], first: int, seed: int, kind: str
) -> None:
    plan, walk = before
    _, again = walked(altered(first, seed, kind))
    # with the embargo even events of the next `gap` sessions were decided on prices before the alteration
    decided_before = plan.cases.date <= day_number(first + SPEC.gap)
    one, two = decisions(walk), decisions(again)
    assert decided_before.any()
    changed = [name for name in one if not np.array_equal(one[name][decided_before], two[name][decided_before])]
    assert not changed
    # the alteration does reach what comes long after
    later = plan.cases.date > day_number(min(first + 60, len(sessions()) - 1))
    if kind == "noise" and later.any():
        assert not np.array_equal(one["beta"][later], two["beta"][later])


def test_sides_of_the_day_do_not_know_its_prices(before: tuple[Plan, Walk]) -> None:
    plan, walk = before
    middle = int(np.median(plan.cases.date))
    middle = int(plan.cases.date[np.argmin(np.abs(plan.cases.date - middle))])
    first = int(np.searchsorted(sessions(), np.datetime64(middle, "D")))
    _, again = walked(altered(first, 5, "noise"))
    own = plan.cases.date == middle
    assert not np.allclose(walk.measured.car[own], again.measured.car[own])
    one, two = decisions(walk), decisions(again)
    assert not [name for name in one if not np.array_equal(one[name][own], two[name][own])]


def test_a_forecaster_that_peeks_is_caught() -> None:
    """The negative control: without the embargo an outcome that is altered changes a forecast made before it."""
    rng = np.random.default_rng(0)
    n = 60
    date = np.sort(rng.integers(0, 300, n))
    honest = Events(
        kind=rng.integers(0, 2, n),
        date=date,
        cutoff=date - 16,
        closed=date + 5,
        outcome=rng.normal(0.05, 0.02, n),
        z2=np.ones(n),
    )
    peeking = replace(honest, cutoff=date + 60)
    late = date >= 150
    for events, leaks in ((honest, False), (peeking, True)):
        altered_events = replace(events, outcome=np.where(late, -events.outcome, events.outcome))
        one, two = walk_forward(events), walk_forward(altered_events)
        early = date < 150
        same = np.array_equal(np.nan_to_num(one.mean[early]), np.nan_to_num(two.mean[early]))
        assert same is not leaks
