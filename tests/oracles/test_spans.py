"""Returns over several sessions: conformal tests of one firm and of several, and the common clock, by plain loops."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from eventstudy.engine.abnormal import abnormal_returns
from eventstudy.engine.models import fit
from eventstudy.engine.panel import ReturnPanel
from eventstudy.engine.significance import cluster
from eventstudy.engine.significance.band import shifted_quantile
from eventstudy.engine.significance.common_clock import on_common_clock
from eventstudy.engine.synthetic import simplex_weights
from eventstudy.engine.windows import Design, WindowPlan, gather
from tests.engine.single_sample import p_values as single_p
from tests.oracles import naive_spans
from tests.oracles.golden import DATA, SPANS

PLAN = WindowPlan(estimation=24, gap=0, start=-1, end=1)
MISSING = (10, 24)


def golden_rows() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns of the firms (4, 27), of the market and sessions covered (27,), closes missing at t = 10 and 24."""
    table = np.array(DATA)
    y, m, n = table[:, 2:].T.copy(), table[:, 1].copy(), np.ones(27)
    for t in MISSING:
        y[:, t + 1] += y[:, t]
        m[t + 1] += m[t]
        y[:, t], n[t], n[t + 1] = np.nan, 0, 2
    return y, m, n


def gathered(y: np.ndarray, x: np.ndarray, n: np.ndarray, day0: int, plan: WindowPlan) -> Design:
    """y (E, T), x (E, K, T) and n (E, T) as a design."""
    count, width = y.shape
    panel = ReturnPanel(
        returns=y, factors=x, span=n.astype(np.int64), day_number=np.broadcast_to(np.arange(width), (count, width))
    )
    none = np.zeros((count, plan.n_days), dtype=bool)
    return gather(panel, np.arange(count), np.full(count, day0), none, plan)


def golden_design() -> Design:
    y, m, n = golden_rows()
    return gathered(y, np.broadcast_to(m, (4, 1, 27)), np.broadcast_to(n, (4, 27)), 25, PLAN)


def estimation_rows(last: int) -> list[int]:
    return [t for t in range(24) if t not in MISSING] + list(range(25, last + 1))


def test_the_loops_give_the_digits_of_the_reference() -> None:
    y, m, n = (values.tolist() for values in golden_rows())
    for last, roots, name in ((25, [math.sqrt(2)], "day0"), (26, [math.sqrt(2), 1.0], "window")):
        z = [naive_spans.scaled(own, m, n, estimation_rows(last)) for own in y]
        found = [naive_spans.conformal(own, roots) for own in z]
        np.testing.assert_allclose([s for s, _ in found], SPANS[f"{name}_s"], rtol=0, atol=6e-9)
        np.testing.assert_allclose([p for _, p in found], SPANS[f"{name}_p"], rtol=0, atol=6e-9)
        joint = naive_spans.conformal_hotelling(z, roots)
        np.testing.assert_allclose(joint, SPANS[f"{name}_hotelling"], rtol=0, atol=6e-9)


def test_the_engine_gives_the_digits_of_the_reference() -> None:
    design = golden_design()
    windows = [(0, 0), (0, 1)]
    p = single_p(design, fit(design, "market-model"), "market-model", windows, ["conformal"])["conformal"]
    np.testing.assert_allclose(p, np.transpose([SPANS["day0_p"], SPANS["window_p"]]), rtol=0, atol=6e-9)
    for window, name in zip(windows, ("day0", "window"), strict=True):
        built = cluster.build_cluster(design, "market-model", *window, 3)
        assert not isinstance(built, str)
        found = cluster.conformal_hotelling(built)
        assert (found.statistic, found.p) == pytest.approx(SPANS[f"{name}_hotelling"], abs=6e-9)


def test_a_synthetic_control_over_several_sessions() -> None:
    y, _, n = golden_rows()
    design = gathered(y[:1], y[None, 1:], n[None], 25, PLAN)
    rows = estimation_rows(26)
    w = simplex_weights(y[0, rows], y[1:, rows].T, n[rows])
    np.testing.assert_allclose(w, SPANS["synthetic_w"], rtol=0, atol=6e-9)
    z = (y[0, rows] - w @ y[1:, rows]) / np.sqrt(n[rows])
    own = naive_spans.conformal(z.tolist(), [math.sqrt(2), 1.0])
    assert own == pytest.approx(SPANS["synthetic_s_p"], abs=6e-9)
    p = single_p(design, fit(design, "synthetic"), "synthetic", [(0, 1)], ["conformal"])["conformal"]
    assert p[0, 0] == pytest.approx(own[1])


def test_the_band_of_a_short_path_by_a_loop() -> None:
    """Shifts of the estimation residuals of the first firm, window of the two rows 25 and 26."""
    y, m, n = golden_rows()
    plan = WindowPlan(estimation=24, gap=1, start=0, end=1)
    design = gathered(y[:1], m[None, None], n[None], 25, plan)
    fits = fit(design, "market-model")
    abnormal = abnormal_returns(design, fits, "market-model")
    np.testing.assert_allclose(abnormal.path[0], SPANS["band_path"], rtol=0, atol=6e-9)
    np.testing.assert_allclose(np.sqrt(fits.s2[0] * abnormal.path_v[0]), SPANS["band_s_root_q"], rtol=0, atol=6e-9)
    assert shifted_quantile(design, fits, 0, 0.9) == pytest.approx(SPANS["band_c"], abs=6e-9)
    assert math.isnan(shifted_quantile(design, fits, 0, 0.96)), "23 shifts cannot give 96 %"
    rows = estimation_rows(24)
    z = naive_spans.scaled(y[0].tolist(), m.tolist(), n.tolist(), rows)
    nn, nm, mm = n[rows].sum(), m[rows].sum(), (m[rows] ** 2 / n[rows]).sum()
    h = [(n[t] ** 2 * mm - 2 * n[t] * m[t] * nm + m[t] ** 2 * nn) / (nn * mm - nm**2) / n[t] for t in rows]
    s = math.sqrt(math.fsum(v * v for v in z) / (len(z) - 2))
    u = [v / (s * math.sqrt(1 - leverage)) for v, leverage in zip(z, h, strict=True)]
    largest = sorted(
        max(abs(u[t]), abs(math.sqrt(2) * u[t] + u[(t + 1) % len(u)]) / math.sqrt(3)) for t in range(len(u))
    )
    assert largest[math.ceil(0.9 * 24) - 1] == pytest.approx(SPANS["band_c"], abs=6e-9)


def prices(seed: int, firms: int, width: int) -> np.ndarray:
    """Closes (1 + firms, width), the market first."""
    rng = np.random.default_rng(seed)
    market = rng.normal(0, 0.01, width)
    own = 1.1 * market + 0.02 * rng.standard_t(4, (firms, width))
    return 100 * np.cumprod(1 + np.vstack([market, own]), axis=1)


def paired(close: np.ndarray, seen: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Each firm's own trade-to-trade returns, those of the market over the same sessions, and sessions covered."""
    firms, width = seen.shape
    y, x, n = np.full((firms, width), np.nan), np.full((firms, 1, width), np.nan), np.zeros((firms, width))
    for i in range(firms):
        kept = np.flatnonzero(seen[i])
        for a, b in itertools.pairwise(kept):
            y[i, b] = close[1 + i, b] / close[1 + i, a] - 1
            x[i, 0, b] = close[0, b] / close[0, a] - 1
            n[i, b] = b - a
    return y, x, n


@pytest.mark.parametrize("model", ["market-model", "market-adjusted"])
@pytest.mark.parametrize("seed", range(4))
def test_one_firm_with_holes_by_a_loop(seed: int, model: str) -> None:
    """Closes missing at random and before day 0; windows of one day and of several, all sides."""
    plan, width = WindowPlan(estimation=60, gap=5, start=-2, end=3), 80
    day0 = width - 4
    seen = np.random.default_rng(seed).random((1, width)) > 0.06
    seen[0, day0 - 1 - seed : day0], seen[0, [0, day0, day0 + 1, day0 + 3]] = False, True
    y, x, n = paired(prices(seed, 1, width), seen)
    design = gathered(y, x, n, day0, plan)
    windows = [(0, 0), (0, 1), (0, 3)]
    own, market, covered = y[0].tolist(), x[0, 0].tolist(), n[0].tolist()
    first = day0 + plan.estimation_start
    estimation = [t for t in range(first, first + 60) if covered[t] > 0]
    of = naive_spans.scaled if model == "market-model" else naive_spans.about_mean
    for side in ("two-sided", "less", "greater"):
        p = single_p(design, fit(design, model), model, windows, ["conformal"], alternative=side)["conformal"]
        for k, (start, end) in enumerate(windows):
            days = [t for t in range(day0 + start, day0 + end + 1) if covered[t] > 0]
            sums = naive_spans.shifts(
                of(own, market, covered, estimation + days), [math.sqrt(covered[t]) for t in days]
            )
            ordered = {"less": [-s for s in sums], "greater": sums}.get(side, [abs(s) for s in sums])
            assert p[0, k] == pytest.approx(naive_spans.share(ordered)), (seed, side, start, end)


@pytest.mark.parametrize("seed", range(4))
def test_firms_that_miss_different_sessions_share_a_clock(seed: int) -> None:
    """Every cluster test on sessions that all firms have, returns and market compounded over what lies between."""
    plan, width, firms = WindowPlan(estimation=80, gap=5, start=-2, end=3), 100, 3
    day0 = width - 4
    seen = np.random.default_rng([7, seed]).random((firms, width)) > 0.05
    seen[:, [0, day0, day0 + 3]] = True
    seen[seed % firms, day0 - 1], seen[(seed + 1) % firms, day0 + 1] = False, False
    close = prices(seed, firms, width)
    design = gathered(*paired(close, seen), day0, plan)
    known = [{t: float(close[0, t]) for t in range(width)}]
    known += [{int(t): float(close[1 + i, t]) for t in np.flatnonzero(seen[i])} for i in range(firms)]
    (market, *y), n, ends = naive_spans.common_clock(known, width - 1)
    first = day0 + plan.estimation_start
    # what the first common day covers is known only where all firms have the close before the window
    rows = [k for k, t in enumerate(ends) if first <= t - n[k] + 1 and t < first + 80]
    for start, end in ((0, 0), (0, 3)):
        window = [k for k, t in enumerate(ends) if day0 + start <= t <= day0 + end]
        built = cluster.build_cluster(design, "market-model", start, end, 20)
        assert not isinstance(built, str)
        if len(built.estimation) == len(rows) + 1:
            rows = [rows[0] - 1, *rows]
        cars, q, sigma = naive_spans.joint(y, market, n, rows, window)
        np.testing.assert_allclose(built.car, cars, rtol=1e-10, atol=1e-14)
        assert built.q == pytest.approx(q, rel=1e-10)
        np.testing.assert_allclose(built.covariance, sigma, rtol=1e-9)
        t = math.fsum(cars) / math.sqrt(q * sum(map(sum, sigma)))
        assert cluster.portfolio_t(built).statistic == pytest.approx(t, rel=1e-9)
        z = [naive_spans.scaled(own, market, n, rows + window) for own in y]
        roots = [math.sqrt(n[k]) for k in window]
        found = cluster.conformal_hotelling(built)
        assert (found.statistic, found.p) == pytest.approx(naive_spans.conformal_hotelling(z, roots), rel=1e-8)


@pytest.mark.parametrize("lost", ["the last session", "the session before the first"])
def test_one_firm_that_lacks_a_session_at_an_edge(lost: str) -> None:
    """Returns are there on the same days of all firms and cover as many sessions; one of both differs before."""
    plan, width = WindowPlan(estimation=60, gap=5, start=0, end=2), 72
    at = width - 1 if lost == "the last session" else width - 3 + plan.estimation_start - 1
    seen = np.ones((2, width), dtype=bool)
    seen[1, at] = False
    design = gathered(*paired(prices(3, 2, width), seen), width - 3, plan)
    assert (design.observed[0] == design.observed[1]).all() != (design.span[0] == design.span[1]).all()
    found = on_common_clock(design, "market-model", log=False)
    assert (found.observed[0] == found.observed[1]).all() and (found.span[0] == found.span[1]).all()
    assert found.observed[0].sum() == plan.n_days - 1


def test_a_window_without_a_common_last_close_has_no_cluster() -> None:
    plan, width = WindowPlan(estimation=60, gap=5, start=0, end=2), 70
    seen = np.ones((2, width), dtype=bool)
    seen[1, -1] = False
    design = gathered(*paired(prices(3, 2, width), seen), width - 3, plan)
    assert isinstance(cluster.build_cluster(design, "market-model", 0, 2, 20), str)
    assert not isinstance(cluster.build_cluster(design, "market-model", 0, 1, 20), str)
    strict = Design(
        **{name: getattr(design, name) for name in ("y", "x", "span", "masked", "plan", "offset")},
        observed=design.observed & (design.span == 1) & (np.arange(plan.n_days) != plan.column(1)),
    )
    assert isinstance(cluster.build_cluster(strict, "market-model", 0, 1, 20), str), "nothing covers the day without"
