"""Synthetic control and peer-adjusted returns: SLSQP, enumeration, collapses, placebos by a loop, what stays empty."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize

from eventstudy.engine.least_squares import Fits
from eventstudy.engine.models import fit
from eventstudy.engine.panel import ReturnPanel
from eventstudy.engine.synthetic import simplex_weights, synthetic_fits
from eventstudy.engine.windows import Design, WindowPlan, gather
from eventstudy.errors import UsageError
from eventstudy.evaluate.audit import audit
from eventstudy.results import StudyResult
from eventstudy.spec import Window
from tests.engine.single_sample import p_values as single_p
from tests.engine.single_sample import single_block
from tests.oracles.test_models import simple, study, world

__all__ = ["world"]
PLAN = WindowPlan(estimation=100, gap=5, start=-1, end=3)


def by_slsqp(y: np.ndarray, x: np.ndarray) -> np.ndarray:
    j = x.shape[1]
    scale = np.abs(y).mean()
    found = minimize(
        lambda w: float((((y - x @ w) / scale) ** 2).mean()),
        np.full(j, 1 / j),
        jac=lambda w: -2 * x.T @ (y - x @ w) / scale**2 / len(y),
        bounds=[(0, 1)] * j,
        constraints=[{"type": "eq", "fun": lambda w: w.sum() - 1, "jac": lambda w: np.ones(j)}],
        method="SLSQP",
        options={"ftol": 1e-14, "maxiter": 500},
    )
    return np.asarray(found.x)


def by_enumeration(y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Equality-constrained least squares on every set of donors; the best with no negative weight is the answer."""
    best, answer = math.inf, np.zeros(x.shape[1])
    for size in range(1, x.shape[1] + 1):
        for chosen in itertools.combinations(range(x.shape[1]), size):
            a = x[:, chosen]
            kkt = np.block([[a.T @ a, np.ones((size, 1))], [np.ones((1, size)), np.zeros((1, 1))]])
            w = np.linalg.solve(kkt, np.append(a.T @ y, 1.0))[:size]
            error = float(((y - a @ w) ** 2).sum())
            if (w >= -1e-12).all() and error < best:
                best, answer = error, np.zeros(x.shape[1])
                answer[list(chosen)] = w
    return answer


@pytest.mark.parametrize("seed", range(6))
def test_weights_by_enumeration_and_slsqp(seed: int) -> None:
    rng = np.random.default_rng(seed)
    market = rng.normal(0, 0.01, 120)
    x = market[:, None] * rng.uniform(0.5, 1.8, 6) + rng.normal(0, 0.01, (120, 6))
    y = 1.1 * market + rng.normal(0, 0.008, 120) + (0.5 * x[:, 0] if seed % 2 else 0.0)
    w = simplex_weights(y, x, np.ones(120))
    assert (w >= 0).all() and w.sum() == pytest.approx(1, abs=1e-12)
    np.testing.assert_allclose(w, by_enumeration(y, x), atol=1e-9)
    np.testing.assert_allclose(w, by_slsqp(y, x), atol=2e-4)
    assert ((y - x @ w) ** 2).sum() <= ((y - x @ by_slsqp(y, x)) ** 2).sum() * (1 + 1e-9)


def test_synthetic_weights_are_recovered_or_the_nearest() -> None:
    rng = np.random.default_rng(9)
    x = rng.normal(0, 0.01, (200, 4))
    mix = np.array([0.6, 0.0, 0.4, 0.0])
    np.testing.assert_allclose(simplex_weights(x @ mix, x, np.ones(200)), mix, atol=1e-10)
    w = simplex_weights(3 * x[:, 1], x, np.ones(200))
    assert w[1] > 0.99, "no weight exceeds one, however volatile the firm"
    np.testing.assert_allclose(simplex_weights(x[:, 0], x[:, [0, 0]], np.ones(200)).sum(), 1.0)


def sample(events: int, donors: int, seed: int = 3) -> Design:
    rng = np.random.default_rng(seed)
    width = PLAN.n_days
    market = rng.normal(0, 0.01, (events, 1, width))
    x = rng.uniform(0.5, 1.5, (events, donors, 1)) * market + rng.normal(0, 0.01, (events, donors, width))
    panel = ReturnPanel(
        returns=x[:, :3].mean(axis=1) + rng.normal(0, 0.01, (events, width)),
        factors=x,
        span=np.ones((events, width), dtype=np.int64),
        day_number=np.broadcast_to(np.arange(width), (events, width)),
    )
    masked = np.zeros((events, width), dtype=bool)
    masked[:, 20:23] = True
    return gather(panel, np.arange(events), np.full(events, PLAN.column(0)), masked, PLAN)


def test_one_donor_is_the_benchmark_subtracted() -> None:
    design = sample(4, 1)
    one, other = synthetic_fits(design), fit(design, "market-adjusted")
    np.testing.assert_array_equal(one.theta, 1.0)
    np.testing.assert_allclose(one.residual, other.residual, rtol=1e-13)
    np.testing.assert_array_equal(one.n_obs, 97)
    used = one.residual[:, :100][one.used].reshape(4, -1)
    np.testing.assert_allclose(one.s2, (used**2).mean(axis=1), rtol=1e-12)


def in_space(
    design: Design, fits: Fits, windows: list[tuple[int, int]], side: str = "two-sided"
) -> tuple[np.ndarray, np.ndarray]:
    found = single_block(design, fits, "synthetic", windows, ["placebo-space"], alternative=side).columns
    return found["p_space"], found["p_min_space"]


def test_placebos_in_space_by_a_loop() -> None:

    design = sample(3, 5)
    fits = synthetic_fits(design)
    windows = [(0, 0), (-1, 3)]
    p, p_min = in_space(design, fits, windows)
    np.testing.assert_allclose(p_min, 1 / 6)
    rows = [t for t in range(100) if not 20 <= t < 23]
    for i in range(3):
        for k, (start, end) in enumerate(windows):
            days = range(PLAN.column(start), PLAN.column(end) + 1)
            series = [design.y[i], *design.x[i].T]
            ratios = []
            for j, own in enumerate(series):
                pool = [s for m, s in enumerate(series) if m not in (0, j)]
                x = np.column_stack(pool)
                w = by_enumeration(own[rows], x[rows])
                error = own - x @ w
                ratios.append(abs(sum(error[t] for t in days)) / math.sqrt(np.mean(error[rows] ** 2)))
            rank = sum(r >= ratios[0] - 1e-12 for r in ratios)
            assert p[i, k] == pytest.approx(rank / 6), (i, k)


def test_a_planted_effect_is_the_first_of_all() -> None:
    design = sample(5, 20, seed=5)
    y = design.y.copy()
    y[:, PLAN.column(0)] -= 0.15
    moved = Design(
        **{name: getattr(design, name) for name in ("x", "span", "observed", "masked", "plan", "offset")},
        y=y,
    )
    fits = synthetic_fits(moved)

    for side, expected in (("two-sided", 1 / 21), ("less", 1 / 21), ("greater", 1.0)):
        p, _ = in_space(moved, fits, [(0, 0)], side)
        np.testing.assert_allclose(p, expected)


def test_size_of_the_two_tests_when_nothing_happened() -> None:
    """Exchangeable firms: ranks among 20, and circular shifts of the refitted residuals."""
    from eventstudy.engine.models import MODELS

    rng = np.random.default_rng(12)
    events, donors, width = 300, 19, PLAN.n_days
    everyone = rng.normal(0, 0.01, (events, 1, width)) + rng.normal(0, 0.01, (events, donors + 1, width))
    panel = ReturnPanel(
        returns=everyone[:, 0],
        factors=everyone[:, 1:],
        span=np.ones((events, width), dtype=np.int64),
        day_number=np.broadcast_to(np.arange(width), (events, width)),
    )
    zero = np.zeros((events, width), dtype=bool)
    design = gather(panel, np.arange(events), np.full(events, PLAN.column(0)), zero, PLAN)
    fits = synthetic_fits(design)
    p, p_min = in_space(design, fits, [(0, 0)])
    np.testing.assert_allclose(p_min, 0.05)
    error = math.sqrt(0.05 * 0.95 / events)
    assert abs((p <= 0.05).mean() - 0.05) < 4 * error
    shifted = single_p(design, fits, "synthetic", [(0, 0)], ["conformal"])["conformal"]
    assert abs((shifted <= 0.05).mean() - 0.05) < 4 * error
    assert MODELS["synthetic"].n_parameters(donors) == 0


PEERS = ("P0", "P1", "P2")


def synthetic(world: dict[str, object], **spec: object) -> StudyResult:
    return study(world, "synthetic", peers=PEERS, **spec)


def test_a_study_against_a_synthetic_control(world: dict[str, object]) -> None:
    result = synthetic(world)
    days = world["days"]
    day0 = int(np.flatnonzero(days == np.datetime64("2024-06-03"))[0])  # type: ignore[arg-type]
    rows = np.arange(day0 - 213, day0 - 13)
    y, x = simple(world, "ZZ"), np.column_stack([simple(world, name) for name in PEERS])
    w = by_enumeration(y[rows], x[rows])
    model = result.models.iloc[0]
    np.testing.assert_allclose([model[f"beta_{name}"] for name in PEERS], w, atol=1e-9)
    assert model["effective_donors"] == pytest.approx(1 / (w**2).sum(), rel=1e-8)
    error = y - x @ w
    assert model["sigma"] == pytest.approx(math.sqrt((error[rows] ** 2).mean()), rel=1e-8)
    assert math.isnan(model["beta"]) and math.isnan(model["alpha"]) and model["benchmark"] == "P0;P1;P2"
    daily = result.abnormal_returns.set_index("day")
    assert daily.loc[0, "abnormal_return"] == pytest.approx(error[day0], rel=1e-9)
    assert daily[["std_error", "t", "p_value", "car_std_error"]].isna().all().all()
    windows = result.windows
    theory = [
        "std_error",
        "t",
        "df",
        "p_t",
        "p_t_ar1",
        "p_local",
        "p_sq",
        "mde80",
        "p_rank",
        "p_f",
    ]
    assert windows[theory].isna().all().all(), "there is no t theory"
    assert windows[["p_conformal", "p_space", "p_min_space"]].notna().all().all()
    assert ((windows["ci_low"] < windows["car"]) & (windows["car"] < windows["ci_high"])).all(), "by inversion"
    assert windows[["space_low", "space_high"]].isna().all().all(), "three donors reject nothing at 5 %"
    np.testing.assert_allclose(windows["p_min_space"], 0.25)
    assert windows.set_index("window").loc["[-1,1]", "car"] == pytest.approx(error[day0 - 1 : day0 + 2].sum(), rel=1e-9)
    both = np.r_[rows, day0]
    u = np.abs((y - x @ by_enumeration(y[both], x[both]))[both])
    assert windows.set_index("window").loc["[0,0]", "p_conformal"] == pytest.approx(np.mean(u >= u[-1] - 1e-12))
    assert audit(result.studied).agrees
    assert "synthetic" not in set(result.robustness_table["model"])


def test_what_is_refused(world: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="at least 3"):
        study(world, "synthetic", peers=("P0", "P1"))
    with pytest.raises(UsageError, match="peer ZZ has announcements of its own"):
        study(world, "synthetic", peers=("P0", "P1", "ZZ"))
    with pytest.raises(UsageError, match="a convention is about standard errors"):
        synthetic(world, convention=("sigma=m-1",))


def test_equal_donors_are_the_peer_adjusted_return(world: dict[str, object]) -> None:
    """Three copies of one firm as donors: every mix is that firm, and so is the peers' mean."""
    prices = world["prices"]
    one = prices[prices["ticker"] == "P0"]  # type: ignore[index]
    copies = pd.concat([prices, *(one.assign(ticker=f"C{k}") for k in range(3))])  # type: ignore[list-item]
    names = ("C0", "C1", "C2")
    mixed = study(world, "synthetic", copies, peers=names)
    adjusted = study(world, "peer-adjusted", copies, peers=names)
    alone = study(world, "market-adjusted", copies, benchmarks=("P0",))
    np.testing.assert_allclose(mixed.windows["car"], adjusted.windows["car"], rtol=1e-9)
    for column in ("car", "std_error", "p_t", "p_conformal"):
        np.testing.assert_allclose(adjusted.windows[column], alone.windows[column], rtol=1e-9, err_msg=column)
    assert mixed.windows["p_space"].eq(1.0).all(), "donors that repeat each other are not placebos"


def test_peer_adjusted_by_subtraction(world: dict[str, object]) -> None:
    result = study(world, "peer-adjusted", peers=PEERS)
    days = world["days"]
    day0 = int(np.flatnonzero(days == np.datetime64("2024-06-03"))[0])  # type: ignore[arg-type]
    excess = simple(world, "ZZ") - np.mean([simple(world, name) for name in PEERS], axis=0)
    row = result.windows.set_index("window").loc["[-1,1]"]
    assert row["car"] == pytest.approx(excess[day0 - 1 : day0 + 2].sum(), rel=1e-9)
    s = excess[day0 - 213 : day0 - 13].std(ddof=1)
    assert row["std_error"] == pytest.approx(s * math.sqrt(3), rel=1e-9) and row["df"] == 199
    assert result.models.iloc[0]["beta"] == 1.0 and result.models.iloc[0]["benchmark"] == "peers"
    assert audit(result.studied).agrees
    assert set(result.robustness_table["model"]) >= {"market-model", "peer-adjusted"}
    narrow = study(world, "peer-adjusted", peers=PEERS, event_window=Window(0, 1), windows=(Window(0, 1),))
    assert narrow.windows.iloc[0]["car"] == pytest.approx(excess[day0 : day0 + 2].sum(), rel=1e-9)


def test_pseudo_events_have_nothing_to_calibrate(world: dict[str, object]) -> None:
    from eventstudy.data.series_index import series_key
    from eventstudy.evaluate.pseudo import make_stage

    studied = synthetic(world).studied
    with pytest.raises(UsageError, match="no p value to calibrate"):
        make_stage(studied, series_key(studied.index, 0, studied.spec))
