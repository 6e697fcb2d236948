"""Pairs of events in blocks, and overlaps counted by session, against loops over pairs and days."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventstudy.engine.abnormal import cars
from eventstudy.engine.models import fit
from eventstudy.engine.panel import ReturnPanel
from eventstudy.engine.significance import pairs as in_pairs
from eventstudy.engine.significance.battery import GROUP_TESTS, MOST_PAIRS, forms_pairs, too_costly
from eventstudy.engine.significance.evidence import window_weights
from eventstudy.engine.significance.overlap import Calendars, Overlap, overlap_of, overlapping_own
from eventstudy.engine.significance.pairs import Errors, Laid, date_blocks, errors_in_event_time, merged_pairs
from eventstudy.engine.windows import WindowPlan, gather
from tests.engine.kernel_sample import PLAN as HARD
from tests.engine.kernel_sample import hard_panel
from tests.oracles.naive_pairs import Apart, pairs

PLAN = WindowPlan(estimation=25, gap=1, start=-2, end=3)
COMMON = 8


def two_calendars(rng: np.random.Generator, width: int) -> tuple[Calendars, list[np.ndarray]]:
    """Sessions of two exchanges, of which each misses some days of the other."""
    days = 20_000 + np.arange(width + 12)
    each = [np.sort(rng.permutation(days)[:width]), np.sort(rng.permutation(days)[: width - 3])]
    return Calendars(np.array([0, width]), np.concatenate(each)), each


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    block=st.sampled_from([2, 5, 256]),
    model=st.sampled_from(["market-model", "market-adjusted"]),
)
def test_sums_over_pairs_are_those_of_a_loop(seed: int, block: int, model: str) -> None:
    """Missing and masked days, returns over several sessions, two calendars, events at the ends of the data, one firm
    twice, two windows, two sums of which one is a contrast."""
    rng = np.random.default_rng(seed)
    width, n, windows = 50, 14, [(0, 0), (-1, 2)]
    calendars, each = two_calendars(rng, width)
    exchange = rng.integers(0, 2, 6)
    returns = rng.normal(0, 0.02, (6, width))
    returns[rng.random(returns.shape) < 0.08] = np.nan
    span = np.where(np.isfinite(returns), rng.choice([1, 1, 1, 2, 3], returns.shape), 0)
    for s in range(6):
        returns[s, len(each[exchange[s]]) :] = np.nan
    day_number = np.full((6, width), -1)
    for s in range(6):
        day_number[s, : len(each[exchange[s]])] = each[exchange[s]]
    panel = ReturnPanel(returns=returns, factors=rng.normal(0, 0.01, (6, 1, width)), span=span, day_number=day_number)
    series = rng.integers(0, 6, n)
    session = np.minimum(rng.integers(26, width, n), [len(each[exchange[s]]) - 1 for s in series])
    masked = rng.random((n, PLAN.n_days)) < 0.1
    design = gather(panel, series, session, masked, PLAN)
    fits = fit(design, model)
    days = calendars.event_days(exchange[series], session, PLAN)
    place = calendars.start[exchange[series]] + session
    date = calendars.days[place]
    members = np.stack([np.ones(n), rng.choice([0.5, -0.25, 0.0], n)], axis=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(in_pairs, "BLOCK", block)
        patch.setattr(in_pairs, "HELD", 2)
        blocks, tasks = date_blocks(date, place, calendars, windows)

        def made(number: int) -> Errors:
            rows = blocks[number]
            part = gather(panel, series[rows], session[rows], masked[rows], PLAN)
            laid = Laid(days[rows], series[rows], np.unique(calendars.days))
            return errors_in_event_time(part, fit(part, model), model, windows, laid, [members[rows]] * 2)

        found = merged_pairs([in_pairs.summed_pairs(tasks, made, COMMON)])
    p = fits.theta.shape[1]
    for w, window in enumerate(windows):
        weights, _ = window_weights(design, fits, model, np.arange(n), *window)
        columns = range(*design.days(*window).indices(PLAN.n_days))
        for s in range(2):
            events = [
                Apart(
                    residual={
                        int(days[i, k]): fits.scaled[i, k]
                        for k in range(PLAN.estimation)
                        if fits.used[i, k] and days[i, k] >= 0
                    },
                    weight={int(d): float(v) for d, v in zip(days[i], weights[i], strict=True) if d >= 0},
                    window=[int(days[i, k]) if days[i, k] >= 0 else -1000 * i - k - 1 for k in columns],
                    firm=int(series[i]),
                    share=float(members[i, s]),
                )
                for i in range(n)
            ]
            expected = pairs(events, p, COMMON)
            for name in ("count", "correlation", "overlap_correlation", "covariance"):
                assert float(getattr(found[w], name)[s]) == pytest.approx(expected[name], rel=1e-9, abs=1e-15), name
        counted = overlap_of(np.bincount(place, minlength=len(calendars.days)), calendars, window)
        assert counted.pairs == expected["pairs"]
        assert counted.common_days == expected["common_days"]
        assert counted.n_dates == len(set(date.tolist()))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**31))
def test_own_windows_that_overlap_are_counted(seed: int) -> None:
    rng = np.random.default_rng(seed)
    first = rng.integers(0, 40, 25)
    last = first + rng.integers(0, 6, 25)
    meet = sum(first[i] <= last[j] and first[j] <= last[i] for i in range(25) for j in range(i + 1, 25))
    assert overlapping_own(first, last) == meet


def test_days_beyond_a_calendar_are_nobodys() -> None:
    calendars = Calendars(np.array([0, 4]), np.array([10, 11, 12, 13, 10, 12]))
    plan = WindowPlan(estimation=1, gap=0, start=0, end=1)
    days = calendars.event_days(np.array([0, 1, 1]), np.array([3, 0, 1]), plan)
    assert days.tolist() == [[12, 13, -1], [-1, 10, 12], [10, 12, -1]]
    first, last = calendars.reach(np.array([3, 4]), -9, 9)
    assert (first.tolist(), last.tolist()) == ([10, 10], [13, 12])


def test_a_costly_test_waits_to_be_named() -> None:
    many, few = Overlap(n_dates=9, pairs=MOST_PAIRS + 1), Overlap(n_dates=9, pairs=MOST_PAIRS)
    for name, entry in GROUP_TESTS.items():
        assert bool(too_costly(name, 20_000, many)) == (entry.cost == "pairs"), name
        assert bool(too_costly(name, 20_001, few)) == (entry.cost == "draws"), name
        for reason in (too_costly(name, 20_001, many),):
            assert not reason or f"--tests names {name}" in reason
    assert forms_pairs("grank-t-clu") and not forms_pairs("csect-t")


@pytest.mark.parametrize("window", [(1, 3), (2, 2), (-3, -1), (-1, 1)])
def test_windows_count_sessions_on_both_calendars(window: tuple[int, int]) -> None:
    rng = np.random.default_rng(9)
    calendars, each = two_calendars(rng, 40)
    chosen = [(c, int(at)) for c in (0, 1) for at in rng.integers(4, len(each[c]) - 4, 15)]
    places = np.bincount([at + 40 * c for c, at in chosen], minlength=len(calendars.days))
    held = [{int(each[c][at + k]) for k in range(window[0], window[1] + 1)} for c, at in chosen]
    met = sum(bool(held[i] & held[j]) for i in range(len(held)) for j in range(i))
    assert overlap_of(places, calendars, window).pairs == met > 10


def test_a_day_s_weight_is_what_a_car_moves_by() -> None:
    """Returns that cover several sessions weigh less in the estimation, by their span: against differences of the CAR."""
    panel, step = hard_panel(31), 1e-3
    session = np.array([300, 380, 460, 540, 620, 660])
    design = gather(panel, np.array([1, 2, 7, 1, 2, 7]), session, np.zeros((6, HARD.n_days), bool), HARD)
    rows, window = np.arange(6), (0, 2)

    def moved(y: np.ndarray) -> np.ndarray:
        changed = replace(design, y=y)
        return cars(changed, fit(changed, "market-model"), "market-model", [window]).car[:, 0]

    fits = fit(design, "market-model")
    weights, _ = window_weights(design, fits, "market-model", rows, *window)
    before, seen, long = moved(design.y), 0, 0
    for d in range(0, HARD.estimation, 3):
        y = design.y.copy()
        y[:, d] += step
        change = (moved(y) - before) / step
        for i in rows[fits.used[:, d] & np.isfinite(change)]:
            assert change[i] == pytest.approx(weights[i, d], rel=1e-6, abs=1e-9)
            seen, long = seen + 1, long + (design.span[i, d] > 1)
    assert seen > 50 and long > 5
