"""``conformal-dispersion``: its digits, plain loops, every way of working, and the warnings that read it."""

from __future__ import annotations

import math
from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest

from eventstudy.engine.models import MODELS
from eventstudy.engine.significance.cluster import build_cluster, conformal_hotelling, hotelling, portfolio_t
from eventstudy.engine.significance.dispersion import conformal_dispersion, dispersion_of, dispersion_sums, risen
from eventstudy.engine.windows import Design, WindowPlan
from eventstudy.scale.limits import Limits
from eventstudy.spec import StudySpec, Window
from eventstudy.study import Handling, run
from tests.conftest import ROOT
from tests.oracles import naive_spans
from tests.oracles.golden import DATA
from tests.oracles.test_spans import gathered, paired, prices


def golden_design(plan: WindowPlan) -> Design:
    table = np.array(DATA)
    y, x = table[:, 2:].T, np.tile(table[:, 1], (4, 1))[:, :, None]
    whole = np.ones(y.shape, dtype=bool)
    return Design(y=y, x=x, span=np.ones(y.shape), observed=whole, masked=~whole, plan=plan, offset=np.zeros(y.shape))


@pytest.mark.parametrize(
    ("window", "variance", "ratio", "p"),
    [((0, 0), 0.84870844, 1.20299575, 0.32), ((-1, 1), 0.54867713, 0.25223798, 25 / 27)],
)
def test_the_digits_of_the_reference(window: tuple[int, int], variance: float, ratio: float, p: float) -> None:
    design = golden_design(WindowPlan(estimation=24, gap=0, start=-1, end=1))
    sums = dispersion_sums(design, MODELS["market-model"], np.arange(4), window)
    count, total, squares = sums[:, -1]
    assert (squares - total**2 / count) / (count - 1) == pytest.approx(variance, abs=6e-9)
    found = dispersion_of({"dispersion": sums})
    assert found is not None
    assert (found.ratio, found.p) == (pytest.approx(ratio, abs=6e-9), pytest.approx(p, abs=6e-9))
    result = conformal_dispersion({"dispersion": sums})
    assert "less than half" in result.reason and result.applicable == "yes"


@pytest.mark.parametrize("window", [(0, 0), (0, 2)])
def test_events_with_holes_and_masks_by_loops(window: tuple[int, int]) -> None:
    firms, width = 9, 90
    day0 = width - 4
    rng = np.random.default_rng(8)
    seen = rng.random((firms, width)) > 0.06
    seen[:, [0, day0]] = True
    plan = WindowPlan(estimation=70, gap=5, start=-1, end=3)
    y, x, n = paired(prices(3, firms, width), seen)
    design = gathered(y, x, n, day0, plan)
    masked = rng.random(design.masked.shape) < 0.05
    design = replace(design, masked=masked)
    rows = np.array([0, 2, 3, 4, 6, 8])
    sums = dispersion_sums(design, MODELS["market-model"], rows, window)
    length = window[1] - window[0] + 1
    columns = [*range(70), *range(plan.column(window[0]), plan.column(window[1]) + 1)]
    moves = []
    for i in rows.tolist():
        used = [
            c for c in columns if design.observed[i, c] and (c >= 70 or not masked[i, c])
        ]  # fmt: skip
        own, market, covered = design.y[i].tolist(), design.x[i, :, 0].tolist(), design.span[i].tolist()
        a, b = naive_spans.line(own, market, covered, used)
        z = {c: (own[c] - a * covered[c] - b * market[c]) / math.sqrt(covered[c]) for c in used}
        rms = math.sqrt(math.fsum(v * v for v in z.values()) / len(z))
        ring = [z[c] / rms if c in z else math.nan for c in columns]
        closed = ring[-(length - 1) :] + ring if length > 1 else ring
        moves.append(
            [
                math.fsum(closed[t : t + length]) if all(map(math.isfinite, closed[t : t + length])) else math.nan
                for t in range(len(ring))
            ]
        )
    variances = []
    for t in range(len(columns)):
        here = [m[t] for m in moves if math.isfinite(m[t])]
        variances.append(float(np.var(here, ddof=1)) if len(here) >= 3 else math.nan)
    found = dispersion_of({"dispersion": sums})
    assert found is not None
    known = [v for v in variances if math.isfinite(v)]
    assert found.ratio == pytest.approx(variances[-1] / (sum(known) / len(known)), rel=1e-9)
    assert found.p == pytest.approx(sum(v >= variances[-1] - 1e-15 for v in known) / len(known))


def test_few_events_and_no_days() -> None:
    assert dispersion_of({}) is None and risen({}) is None
    two = np.stack([np.full(10, 2.0), np.ones(10), np.ones(10)])
    assert conformal_dispersion({"dispersion": two}).applicable == "no"


SPEC = StudySpec(
    source="snapshot",
    windows=(Window(0, 0), Window(0, 1)),
    windows_given=True,
    tests=("csect-t", "conformal-dispersion"),
    spec_curve="off",
)


def test_every_way_of_working_gives_the_same() -> None:
    """In memory, block by block, and with the compiled engine."""
    ways = [run(ROOT / "events.csv", spec=SPEC)]
    ways.append(run(ROOT / "events.csv", spec=SPEC, handling=Handling(limits=Limits(kept=1, block=2048))))
    if find_spec("numba"):
        ways.append(
            run(
                ROOT / "events.csv",
                spec=SPEC.with_changes(engine="numba"),
                handling=Handling(limits=Limits(kept=1, block=2048)),
            )
        )
    tables = [w.aggregate[w.aggregate["test"] == "conformal-dispersion"] for w in ways]
    assert len(tables[0]) and (tables[0]["applicable"] == "yes").any()
    for other in tables[1:]:
        np.testing.assert_allclose(other["statistic"], tables[0]["statistic"], rtol=1e-9)
        np.testing.assert_array_equal(other["p_value"], tables[0]["p_value"])


def test_a_risen_variance_warns_whoever_assumes_it_unchanged() -> None:
    """Doubled on day 0, with a common shock that the variance of SCAR cannot see."""
    rng = np.random.default_rng(5)
    firms, n = 25, 141
    plan = WindowPlan(estimation=130, gap=10, start=0, end=0)
    x = np.tile(rng.normal(0, 0.01, n), (firms, 1))[:, :, None]
    errors = rng.normal(size=(firms, n)) + rng.normal(size=n)
    errors[:, -1] = 3 * rng.normal(size=firms) + rng.normal()
    y = x[:, :, 0] + 0.01 * errors
    whole = np.ones(y.shape, dtype=bool)
    design = Design(y=y, x=x, span=np.ones(y.shape), observed=whole, masked=~whole, plan=plan, offset=np.zeros(y.shape))
    sums = dispersion_sums(design, MODELS["market-model"], np.arange(firms), (0, 0))
    (sentence,) = risen({"dispersion": sums}) or [""]
    assert "conformal-dispersion" in sentence and "kolari-pynnonen" in sentence
    y = y.copy()
    y[:, -1] = y[:, -2]
    calm = dispersion_sums(replace(design, y=y), MODELS["market-model"], np.arange(firms), (0, 0))
    assert risen({"dispersion": calm}) == []


@pytest.mark.parametrize("missing", [0, 3])
def test_its_size_and_that_it_finds_a_doubled_variance(missing: int) -> None:
    """1,000 studies of 20 independent firms: a test of the variance of the event, whatever is missing before it."""
    firms, n, hits = 20, 141, {1.0: 0, 2.0: 0}
    plan = WindowPlan(estimation=130, gap=10, start=0, end=0)
    for scale in hits:
        rng = np.random.default_rng(11)
        for _ in range(1000):
            x = np.tile(rng.normal(0, 0.01, n), (firms, 1))[:, :, None]
            errors = rng.standard_t(5, (firms, n)) * rng.uniform(0.5, 2.0, (firms, 1))
            errors[:, -1] *= scale
            whole = np.ones(errors.shape, dtype=bool)
            whole[:, 40 : 40 + missing] = False
            y = np.where(whole, x[:, :, 0] + 0.01 * errors, np.nan)
            design = Design(
                y=y, x=x, span=np.ones(y.shape), observed=whole, masked=~np.ones(y.shape, dtype=bool), plan=plan,
                offset=np.zeros(y.shape),
            )  # fmt: skip
            sums = dispersion_sums(design, MODELS["market-model"], np.arange(firms), (0, 0))
            hits[scale] += conformal_dispersion({"dispersion": sums}).p <= 0.05
    assert 0.03 <= hits[1.0] / 1000 <= 0.07, hits
    assert hits[2.0] / 1000 > 0.8, "the control: a variance four times as large"


@pytest.mark.parametrize("window", [(0, 0), (0, 1)])
def test_joint_tests_of_a_session_warn_by_the_same_ranks(window: tuple[int, int]) -> None:
    """``portfolio-t`` and ``hotelling`` name the dispersion of the firms' window among all runs, by a loop over the fit
    that includes the window; two firms are too few to say anything."""
    rng = np.random.default_rng(9)
    plan = WindowPlan(estimation=60, gap=0, start=0, end=1)
    x = np.tile(rng.normal(0, 0.01, plan.n_days), (6, 1))[:, :, None]
    errors = rng.normal(size=(6, plan.n_days))
    whole = np.ones(errors.shape, dtype=bool)
    for scale, warned in ((5.0, True), (0.2, False)):
        moved = errors.copy()
        moved[:, 60] = scale * np.array([1.0, -1.0, 1.3, -0.7, 0.9, -1.5])
        y = 0.001 + 1.2 * x[:, :, 0] + 0.02 * moved
        design = Design(y=y, x=x, span=np.ones(y.shape), observed=whole, masked=~whole, plan=plan, offset=0 * y)
        built = build_cluster(design, "market-model", *window, 30)
        assert not isinstance(built, str)
        rows = [*range(60), *range(60 + window[0], 61 + window[1])]
        z = []
        for i in range(6):
            a, b = naive_spans.line(y[i].tolist(), x[i, :, 0].tolist(), [1.0] * plan.n_days, rows)
            e = [y[i, t] - a - b * x[i, t, 0] for t in rows]
            z.append([value / math.sqrt(sum(v * v for v in e) / len(e)) for value in e])
        k = window[1] - window[0] + 1
        spread = []
        for t in range(len(rows)):
            moves = [sum(own[(t - j) % len(rows)] for j in range(k)) for own in z]
            mean = sum(moves) / 6
            spread.append(sum((m - mean) ** 2 for m in moves) / 5)
        p = sum(v >= spread[-1] - 1e-12 for v in spread) / len(spread)
        ratio = spread[-1] / (sum(spread) / len(spread))
        assert (p <= 0.10) == warned
        for found in (portfolio_t(built), hotelling(built)):
            assert (f"CARs differ {ratio:.2g} times" in found.reason and f"p {p:.2g})" in found.reason) == warned
            assert found.applicable == ("warn" if warned else "yes")
        assert conformal_hotelling(built).applicable == "yes", "its null is the law of the days, variance and all"
        two = build_cluster(
            Design(
                y=y[:2], x=x[:2], span=np.ones((2, plan.n_days)), observed=whole[:2], masked=~whole[:2], plan=plan,
                offset=0 * y[:2],
            ),
            "market-model", *window, 30,
        )  # fmt: skip
        assert not isinstance(two, str) and portfolio_t(two).applicable == "yes"
