"""The headline p and its interval: the effects that plain loops do not reject, and zero inside exactly where p says so."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from eventstudy.engine.models import fit
from eventstudy.engine.significance.headline import ordinary_days, unusual
from eventstudy.engine.significance.rank_limits import FEWEST
from eventstudy.engine.windows import Design, WindowPlan
from tests.engine.single_sample import single_block
from tests.oracles import naive_spans
from tests.oracles.test_rank_local import by_loop
from tests.oracles.test_spans import gathered, paired, prices

PLAN, WIDTH = WindowPlan(estimation=90, gap=8, start=-2, end=3), 112
DAY0 = WIDTH - 4


def sample(seed: int, firms: int = 1, *, holes: bool = True) -> Design:
    """Firms with holes, some before day 0, and masked sessions."""
    rng = np.random.default_rng([7, seed])
    seen = rng.random((firms, WIDTH)) > (0.05 if holes else 0.0)
    seen[:, [0, DAY0, DAY0 + 3]] = True
    if holes:
        seen[:, DAY0 - seed % 4 : DAY0] = False
    y, x, n = paired(prices(seed, firms, WIDTH), seen)
    design = gathered(y, x, n, DAY0, PLAN)
    masked = np.zeros_like(design.masked)
    masked[:, [5, 6, 40, 93]] = holes
    return replace(design, masked=masked)


def share_as_far(design: Design, window: tuple[int, int], effect: float, side: str) -> float:
    """p of ``rank-local`` once an effect is taken off the window, by loops from its definition."""
    own, market, covered = design.y[0].tolist(), design.x[0, :, 0].tolist(), design.span[0].tolist()
    seen, masked = design.observed[0], design.masked[0]
    days = [t for t in range(PLAN.column(window[0]), PLAN.column(window[1]) + 1) if seen[t]]
    total = math.fsum(covered[t] for t in days)
    for t in days:
        own[t] -= effect * covered[t] / total
    usable = [t for t in range(days[0]) if seen[t] and not masked[t]]
    fitted = [t for t in usable if t < PLAN.estimation] + days
    a, b = naive_spans.line(own, market, covered, fitted)
    z = [(own[t] - a * covered[t] - b * market[t]) / math.sqrt(covered[t]) for t in [*usable, *days]]
    moves = by_loop(z, [math.sqrt(covered[t]) for t in days], 20)
    ordered = {"less": [-v for v in moves], "greater": moves}.get(side, [abs(v) for v in moves])
    return sum(v >= ordered[-1] - 1e-13 for v in ordered) / len(ordered)


@pytest.mark.parametrize("side", ["two-sided", "less", "greater"])
@pytest.mark.parametrize("seed", range(3))
def test_the_interval_has_the_effects_that_loops_accept(seed: int, side: str) -> None:
    """Just inside a bound p > alpha and just outside p <= alpha, the model fitted again for each effect."""
    design, windows, level = sample(seed), [(0, 0), (0, 3), (-2, 3)], 0.9
    fits = fit(design, "market-model")
    block = single_block(design, fits, "market-model", windows, ["rank-local"], alternative=side, level=level)
    for w, window in enumerate(windows):
        p_t, p, rank = block.exact.p[0, w], block.columns["p_headline"][0, w], block.columns["p_rank_local"][0, w]
        assert p == (max(p_t, rank) if side == "two-sided" else rank)
        for sign, name in ((-1.0, "low"), (1.0, "high")):
            bound = block.columns[f"headline_{name}"][0, w]
            if side == ("less" if name == "low" else "greater"):
                assert np.isnan(bound), "a one-sided interval has no bound on the other side"
                continue
            by_t = block.exact.ci_low[0, w] if name == "low" else block.exact.ci_high[0, w]
            if side == "two-sided" and sign * by_t >= sign * bound:
                assert bound == by_t, "the wider interval"
                continue
            inside, outside = (share_as_far(design, window, bound + sign * d, side) for d in (-1e-9, 1e-9))
            assert inside > 1 - level + 1e-12 >= outside, (window, name, inside, outside)


@pytest.mark.parametrize("side", ["two-sided", "less", "greater"])
@pytest.mark.parametrize("model", ["market-model", "market-adjusted", "constant-mean", "dimson", "synthetic"])
def test_zero_lies_outside_exactly_where_the_p_value_says_so(side: str, model: str) -> None:
    """Firms with effects of all sizes, in windows of one day and of several."""
    for seed in range(4 if model != "synthetic" else 1):
        design = sample(seed, 60 if model != "synthetic" else 6)
        rng = np.random.default_rng([11, seed])
        day0 = PLAN.column(0)
        y, x = design.y.copy(), design.x
        y[:, day0] += rng.normal(0, 0.03, len(y))
        if model in ("dimson", "synthetic"):
            x = np.nan_to_num(np.concatenate([x, np.roll(x, 1, axis=1), 0.3 * np.roll(x, 2, axis=1) + 0.001], axis=2))
        design = replace(design, y=y, x=x)
        found = single_block(
            design,
            fit(design, model),
            model,
            [(0, 0), (0, 3), (-2, 3)],
            ["rank-local", "placebo-space"],
            alternative=side,
            level=0.9,
        ).columns
        p, low, high = (found[name] for name in ("p_headline", "headline_low", "headline_high"))
        assert np.isfinite(p).any() and (p <= 0.1).any() and (p > 0.1).any()
        with np.errstate(invalid="ignore"):
            outside = (low > 0) | (high < 0)
        np.testing.assert_array_equal(outside, unusual(p, 0.9), err_msg=f"{model}, {side}, {seed}")
        assert not unusual(np.array([np.nan]), 0.9).any()


def test_few_windows_leave_the_t_and_its_interval() -> None:
    design = sample(1, 3, holes=False)
    short = WindowPlan(estimation=FEWEST + 10, gap=0, start=0, end=0)
    cut = {
        name: getattr(design, name)[:, -short.n_days :] for name in ("y", "x", "span", "observed", "masked", "offset")
    }
    design = Design(plan=short, **cut)
    block = single_block(design, fit(design, "market-model"), "market-model", [(0, 0)], ["rank-local"])
    assert np.isnan(block.columns["p_rank_local"]).all()
    for name, own in (("p_headline", "p"), ("headline_low", "ci_low"), ("headline_high", "ci_high")):
        np.testing.assert_array_equal(block.columns[name], getattr(block.exact, own))


def test_a_level_beyond_every_rank_has_no_bounds() -> None:
    design = sample(2, 5)
    y = design.y.copy()
    y[:, PLAN.column(0)] += 1.0
    design = replace(design, y=y)
    found = single_block(design, fit(design, "market-model"), "market-model", [(0, 0)], ["rank-local"], level=0.999)
    assert np.isnan(found.columns["headline_low"]).all() and np.isnan(found.columns["headline_high"]).all()
    assert not unusual(found.columns["p_headline"], 0.999).any()


def test_ordinary_days_are_counted_without_the_event() -> None:
    assert ordinary_days(0.0125, 1 / 240) == (2, 239)
    assert ordinary_days(1 / 240, 1 / 240) == (0, 239)
    assert ordinary_days(float("nan"), float("nan")) == (0, 0)
