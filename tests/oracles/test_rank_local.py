"""``rank-local`` by plain loops: the golden values, holes and gaps, all sides, what stays empty."""

from __future__ import annotations

import math

import numpy as np
import pytest

from eventstudy.engine.models import MODELS, fit
from eventstudy.engine.significance.rank_local import local_moves
from eventstudy.engine.windows import Design, WindowPlan
from tests.engine.single_sample import single_block
from tests.oracles import naive_spans
from tests.oracles.golden import DATA, RANK_LOCAL
from tests.oracles.test_spans import estimation_rows, gathered, golden_rows, paired, prices


def by_loop(z: list[float], roots: list[float], trailing: int) -> list[float]:
    """W of every window that has enough rows before it."""
    k = len(roots)
    found = []
    for j in range(trailing, len(z) - k + 1):
        move = math.fsum(roots[i] * z[j + i] for i in range(k))
        found.append(move / math.sqrt(math.fsum(v * v for v in z[j - trailing : j]) / trailing))
    return found


def golden_z(case: str) -> tuple[list[list[float]], list[float]]:
    """Scaled residuals of the four firms and the roots of the window's spans."""
    if case == "holes":
        y, m, n = golden_rows()
        rows, roots = estimation_rows(25), [math.sqrt(2)]
    else:
        table = np.array(DATA)
        y, m, n = table[:, 2:].T, table[:, 1], np.ones(27)
        rows, roots = (list(range(26)), [1.0]) if case == "day0" else (list(range(27)), [1.0] * 3)
    return [naive_spans.scaled(own.tolist(), m.tolist(), n.tolist(), rows) for own in y], roots


@pytest.mark.parametrize("case", ["day0", "window", "holes"])
def test_the_digits_of_the_reference(case: str) -> None:
    """Volatility of the five rows before; by the loop and by the engine's own function."""
    z, roots = golden_z(case)
    for own, w, p in zip(z, RANK_LOCAL[f"{case}_w"], RANK_LOCAL[f"{case}_p"], strict=True):
        for moves in (by_loop(own, roots, 5), local_moves(np.array(own), np.array(roots), 5).tolist()):
            assert len(moves) == RANK_LOCAL[f"{case}_k"]
            assert moves[-1] == pytest.approx(w, abs=6e-9)
            assert sum(abs(v) >= abs(moves[-1]) - 1e-12 for v in moves) / len(moves) == pytest.approx(p, abs=6e-9)


@pytest.mark.parametrize("seed", range(4))
def test_events_with_holes_by_a_loop(seed: int) -> None:
    """Random holes, masked sessions in estimation window and gap, windows of one day and of several, all sides."""
    plan, width = WindowPlan(estimation=90, gap=8, start=-2, end=3), 112
    day0 = width - 4
    rng = np.random.default_rng([3, seed])
    seen = rng.random((1, width)) > 0.05
    seen[0, [0, day0, day0 + 3]] = True
    seen[0, day0 - seed : day0] = False
    y, x, n = paired(prices(seed, 1, width), seen)
    design = gathered(y, x, n, day0, plan)
    masked = np.zeros_like(design.masked)
    masked[0, [5, 6, 40, 93]] = True
    design = Design(
        **{name: getattr(design, name) for name in ("y", "x", "span", "observed", "plan", "offset")}, masked=masked
    )
    first, (own, market, covered) = day0 + plan.estimation_start, (v[0].ravel().tolist() for v in (y, x, n))
    usable = [t for t in range(first, width) if covered[t] > 0 and not masked[0, t - first]]
    windows = [(0, 0), (0, 3), (-2, 3)]
    for side in ("two-sided", "less", "greater"):
        fits = fit(design, "market-model")
        found = single_block(design, fits, "market-model", windows, ["rank-local"], alternative=side).columns
        for k, (start, end) in enumerate(windows):
            days = [t for t in range(day0 + start, day0 + end + 1) if covered[t] > 0]
            fitted = [t for t in usable if t < first + 90] + days
            a, b = naive_spans.line(own, market, covered, fitted)
            rows = [t for t in usable if t < day0 + start] + days
            z = [(own[t] - a * covered[t] - b * market[t]) / math.sqrt(covered[t]) for t in rows]
            moves = by_loop(z, [math.sqrt(covered[t]) for t in days], 20)
            ordered = {"less": [-v for v in moves], "greater": moves}.get(side, [abs(v) for v in moves])
            share = sum(v >= ordered[-1] - 1e-12 for v in ordered) / len(ordered)
            assert found["p_rank_local"][0, k] == pytest.approx(share), (seed, side, start, end)
            assert found["p_min_rank_local"][0, k] == pytest.approx(1 / len(moves))


def test_few_windows_have_no_rank() -> None:
    width = 70
    y, x, n = paired(prices(1, 1, width), np.ones((1, width), dtype=bool))
    for estimation, known in ((55, False), (59, True)):
        plan = WindowPlan(estimation=estimation, gap=0, start=0, end=0)
        design = gathered(y, x, n, width - 1, plan)
        found = single_block(design, fit(design, "market-model"), "market-model", [(0, 0)], ["rank-local"]).columns
        assert np.isfinite(found["p_rank_local"]).all() == known, f"{estimation + 1 - 20} windows"
    peers = np.stack([x[:, 0], 0.5 * x[:, 0] + 0.01, 0.2 * x[:, 0]], axis=1)
    plan = WindowPlan(estimation=60, gap=0, start=0, end=0)
    design = gathered(y, peers, n, width - 1, plan)
    found = single_block(design, fit(design, "synthetic"), "synthetic", [(0, 0)], ["rank-local"]).columns
    assert np.isfinite(found["p_rank_local"]).all() and MODELS["synthetic"].inference == "none"
