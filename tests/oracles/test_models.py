"""Models beyond the benchmark regressions: statsmodels, loops, simulations with a known answer, and what is refused."""

from __future__ import annotations

import math
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from eventstudy.engine.abnormal import cars
from eventstudy.engine.conditional import conditional_fits
from eventstudy.engine.models import fit
from eventstudy.engine.panel import ReturnPanel
from eventstudy.engine.significance.distributions import t_p_value
from eventstudy.engine.significance.single import car_t
from eventstudy.engine.windows import Design, WindowPlan, gather
from eventstudy.engine_options import window_plan
from eventstudy.errors import InputFileError, UsageError
from eventstudy.evaluate.audit import audit
from eventstudy.results import StudyResult
from eventstudy.spec import StudySpec, Window
from eventstudy.study import run
from tests.conftest import needs
from tests.engine.single_sample import p_values as single_p

N = 420
FACTORS = ("mkt_rf", "smb", "hml", "rmw", "cma", "mom")
COLUMNS = {
    "capm": ("mkt_rf",),
    "ff3": ("mkt_rf", "smb", "hml"),
    "carhart": ("mkt_rf", "smb", "hml", "mom"),
    "ff5": ("mkt_rf", "smb", "hml", "rmw", "cma"),
    "ff5-mom": FACTORS,
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """Prices of a stock, a market and three peers, and a factor file, on New York sessions."""
    from eventstudy.data.calendar import load_calendar

    rng = np.random.default_rng(2)
    days = load_calendar("XNYS", pd.Timestamp("2023-01-03").date(), pd.Timestamp("2024-12-31").date()).sessions[:N]
    factor = {name: rng.normal(0, 0.006, N) for name in FACTORS} | {"rf": np.full(N, 1e-4)}
    market = factor["mkt_rf"] + factor["rf"]
    stock = 1e-4 + 1.2 * factor["mkt_rf"] + 0.5 * factor["smb"] - 0.3 * factor["mom"] + rng.normal(0, 0.01, N)
    returns = {"ZZ": stock, "SPY": market} | {f"P{k}": 0.9 * market + rng.normal(0, 0.008, N) for k in range(3)}
    frames = [
        pd.DataFrame({"ticker": name, "date": days.astype(str), "close": 100 * np.cumprod(1 + values)})
        for name, values in returns.items()
    ]
    path = tmp_path_factory.mktemp("factors") / "factors.csv"
    pd.DataFrame({"date": days.astype(str), **factor}).to_csv(path, index=False)
    return {"prices": pd.concat(frames), "path": path, "days": days, "factor": factor}


EVENT = pd.DataFrame([{"event_id": "x", "ticker": "ZZ", "announced_at": "2024-06-03", "timing": "bmo"}])


def study(world: dict[str, object], model: str, prices: pd.DataFrame | None = None, **spec: object) -> StudyResult:
    settings = {"estimation": 200, "event_window": Window(-3, 3), "windows": (Window(0, 0), Window(-1, 1)), **spec}
    used = world["prices"] if prices is None else prices
    return run(EVENT, used, StudySpec(model=model, factors=str(world["path"]), **settings))  # type: ignore[arg-type]


def simple(world: dict[str, object], ticker: str) -> np.ndarray:
    frame = world["prices"]
    close = frame[frame["ticker"] == ticker]["close"].to_numpy()  # type: ignore[index]
    return np.concatenate([[np.nan], close[1:] / close[:-1] - 1])


@pytest.mark.parametrize("model", COLUMNS)
def test_factor_models_by_statsmodels(world: dict[str, object], model: str) -> None:
    result = study(world, model)
    days, factor = world["days"], world["factor"]
    day0 = int(np.flatnonzero(days == np.datetime64("2024-06-03"))[0])  # type: ignore[arg-type]
    rows = np.r_[day0 - 213 : day0 - 13, day0 - 3 : day0 + 4]
    dummies = (rows[:, None] == np.arange(day0 - 3, day0 + 4)).astype(float)
    x = np.column_stack([factor[name][rows] for name in COLUMNS[model]])  # type: ignore[index]
    x = x if model == "capm" else sm.add_constant(x)
    y = (simple(world, "ZZ") - factor["rf"])[rows]  # type: ignore[index]
    fitted = sm.OLS(y, np.column_stack([x, dummies])).fit()
    daily, p = result.abnormal_returns, x.shape[1]
    np.testing.assert_allclose(daily["abnormal_return"], fitted.params[p:], rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(daily["t"], fitted.tvalues[p:], rtol=1e-8)
    np.testing.assert_allclose(daily["return"], simple(world, "ZZ")[day0 - 3 : day0 + 4], rtol=1e-9)
    windows = result.windows.set_index("window")
    test = fitted.t_test(np.r_[np.zeros(p), 0, 0, 1, 1, 1, 0, 0])
    assert windows.loc["[-1,1]", "t"] == pytest.approx(test.tvalue.item(), rel=1e-8)
    assert windows.loc["[-1,1]", "df"] == 200 - p
    models = result.models.iloc[0]
    assert models["beta"] == pytest.approx(fitted.params[0 if model == "capm" else 1], rel=1e-8)
    assert models["benchmark"] == ";".join(COLUMNS[model])
    if model == "capm":
        assert math.isnan(models["alpha"])
    else:
        assert models["alpha"] == pytest.approx(fitted.params[0], rel=1e-7)
    assert audit(result.studied).agrees
    assert set(result.robustness_table["model"]) >= {"market-model", model}


@pytest.mark.parametrize("engine", ["numpy", "numba"])
@pytest.mark.parametrize("model", [name for name in COLUMNS if name != "capm"])
def test_factor_models_without_an_intercept_by_statsmodels(world: dict[str, object], model: str, engine: str) -> None:
    """By their names and by the convention, by both engines."""
    if engine == "numba" and find_spec("numba") is None:
        pytest.skip("numba is not installed")
    result = study(world, model, convention=("intercept=no",), engine=engine)
    assert result.spec.model == f"{model}-no-intercept"
    days, factor = world["days"], world["factor"]
    day0 = int(np.flatnonzero(days == np.datetime64("2024-06-03"))[0])  # type: ignore[arg-type]
    rows = np.r_[day0 - 213 : day0 - 13, day0 - 3 : day0 + 4]
    dummies = (rows[:, None] == np.arange(day0 - 3, day0 + 4)).astype(float)
    x = np.column_stack([factor[name][rows] for name in COLUMNS[model]])  # type: ignore[index]
    fitted = sm.OLS((simple(world, "ZZ") - factor["rf"])[rows], np.column_stack([x, dummies])).fit()  # type: ignore[index]
    p = x.shape[1]
    np.testing.assert_allclose(result.abnormal_returns["abnormal_return"], fitted.params[p:], rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(result.abnormal_returns["t"], fitted.tvalues[p:], rtol=1e-8)
    windows = result.windows.set_index("window")
    assert windows.loc["[-1,1]", "df"] == 200 - p and math.isnan(result.models.iloc[0]["alpha"])
    named = study(world, f"{model}-no-intercept", engine=engine).windows.set_index("window")
    assert named.loc["[-1,1]", "t"] == windows.loc["[-1,1]", "t"]


def test_an_intercept_belongs_to_factor_models(world: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="intercept=no is for models of a factor file, and market-model is none"):
        study(world, "market-model", convention=("intercept=no",))
    assert study(world, "capm", convention=("intercept=no",)).spec.model == "capm"


def test_a_hole_meets_the_factors_of_all_its_sessions(world: dict[str, object]) -> None:
    prices, days = world["prices"], world["days"]
    day0 = int(np.flatnonzero(days == np.datetime64("2024-06-03"))[0])  # type: ignore[arg-type]
    hole = (prices["ticker"] == "ZZ") & (prices["date"] == str(days[day0 - 1]))  # type: ignore[index]
    result = study(world, "ff3", prices[~hole])  # type: ignore[index]
    whole = study(world, "ff3")
    daily = result.abnormal_returns.set_index("day")
    beta = result.models.iloc[0]
    factor = world["factor"]
    close = prices[prices["ticker"] == "ZZ"]["close"].to_numpy()  # type: ignore[index]
    two = close[day0] / close[day0 - 2] - 1
    covered = {name: factor[name][day0 - 1 : day0 + 1].sum() for name in ("mkt_rf", "smb", "hml", "rf")}  # type: ignore[index]
    expected = 2 * beta["alpha"] + sum(
        beta[column] * covered[name]
        for column, name in (
            ("beta", "mkt_rf"),
            ("beta_smb", "smb"),
            ("beta_hml", "hml"),
        )
    )
    assert daily.loc[0, "abnormal_return"] == pytest.approx(two - covered["rf"] - expected, rel=1e-9)
    assert np.isnan(daily.loc[-1, "abnormal_return"])
    assert beta["beta"] == whole.models.iloc[0]["beta"], "the estimation window has no hole"


def test_factor_files_that_cannot_be_right(world: dict[str, object], tmp_path: Path) -> None:
    good = pd.read_csv(world["path"])  # type: ignore[call-overload]
    percent = good.copy()
    percent[list(FACTORS)] *= 100

    def trouble(frame: pd.DataFrame, model: str = "ff3") -> str:
        path = tmp_path / "f.csv"
        frame.to_csv(path, index=False)
        with pytest.raises((InputFileError, UsageError)) as caught:
            study({**world, "path": path}, model)
        return str(caught.value)

    assert "returns in percent; divide by 100" in trouble(percent)
    assert "ff3 needs hml" in trouble(good.drop(columns="hml"))
    assert "rf" in trouble(good.drop(columns="rf"))
    assert "a date occurs twice" in trouble(pd.concat([good, good.tail(1)]))
    assert "line 3" in trouble(good.assign(smb=["x" if i == 1 else v for i, v in enumerate(good["smb"])]))
    with pytest.raises(UsageError, match="factors="):
        run(EVENT, world["prices"], StudySpec(model="ff3", estimation=200))  # type: ignore[arg-type]
    with pytest.raises(InputFileError, match="no such file"):
        study({**world, "path": tmp_path / "none.csv"}, "ff3")


def test_factors_that_end_before_the_event(world: dict[str, object], tmp_path: Path) -> None:
    path = tmp_path / "short.csv"
    good = pd.read_csv(world["path"])  # type: ignore[call-overload]
    good[good["date"] < "2024-05-31"].to_csv(path, index=False)
    result = study({**world, "path": path}, "ff3")
    (row,) = result.excluded.to_dict("records")
    assert row["reason"] == "day0_not_observed" and "2024-05-30" in row["detail"]
    gap = good.copy()
    gap.loc[gap["date"] == "2024-06-04", "smb"] = np.nan
    gap.to_csv(path, index=False)
    daily = study({**world, "path": path}, "ff3").abnormal_returns.set_index("day")["abnormal_return"]
    assert np.isnan(daily[1]) and np.isfinite(daily[0]), "an empty cell is a hole, never a zero"


def test_dimson_by_statsmodels(world: dict[str, object]) -> None:
    result = study(world, "dimson")
    days = world["days"]
    day0 = int(np.flatnonzero(days == np.datetime64("2024-06-03"))[0])  # type: ignore[arg-type]
    y, m = simple(world, "ZZ"), simple(world, "SPY")
    rows = np.r_[day0 - 213 : day0 - 13, day0 - 3 : day0 + 4]
    dummies = (rows[:, None] == np.arange(day0 - 3, day0 + 4)).astype(float)
    x = np.column_stack([np.ones(len(rows)), m[rows - 1], m[rows], m[rows + 1]])
    fitted = sm.OLS(y[rows], np.column_stack([x, dummies])).fit()
    np.testing.assert_allclose(result.abnormal_returns["abnormal_return"], fitted.params[4:], rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(result.abnormal_returns["t"], fitted.tvalues[4:], rtol=1e-8)
    models = result.models.iloc[0]
    assert models["beta"] == pytest.approx(fitted.params[1:4].sum(), rel=1e-8)
    assert models["beta_SPY+1"] == pytest.approx(fitted.params[3], rel=1e-6)


def test_scholes_williams_by_its_own_formula(world: dict[str, object]) -> None:
    result = study(world, "scholes-williams")
    days = world["days"]
    day0 = int(np.flatnonzero(days == np.datetime64("2024-06-03"))[0])  # type: ignore[arg-type]
    y, m = simple(world, "ZZ"), simple(world, "SPY")
    rows = np.arange(day0 - 213, day0 - 13)
    z = m[rows - 1] + m[rows] + m[rows + 1]
    design, instruments = sm.add_constant(m[rows]), sm.add_constant(z)
    theta = np.linalg.solve(instruments.T @ design, instruments.T @ y[rows])
    models = result.models.iloc[0]
    assert models["beta"] == pytest.approx(theta[1], rel=1e-9) and models["alpha"] == pytest.approx(theta[0], rel=1e-7)
    assert models["benchmark"] == "SPY"
    error = y[rows] - design @ theta
    s2 = error @ error / 198
    inverse = np.linalg.inv(instruments.T @ design)
    covariance = inverse @ instruments.T @ instruments @ inverse.T
    x0 = np.array([1.0, m[day0]])
    daily = result.abnormal_returns.set_index("day")
    assert daily.loc[0, "abnormal_return"] == pytest.approx(y[day0] - x0 @ theta, rel=1e-9)
    assert daily.loc[0, "std_error"] == pytest.approx(math.sqrt(s2 * (1 + x0 @ covariance @ x0)), rel=1e-9)

    def slope(shift: int) -> float:
        return float(np.cov(y[rows], m[rows + shift])[0, 1] / np.var(m[rows + shift], ddof=1))

    rho = float(np.corrcoef(m[rows], m[rows - 1])[0, 1])
    paper = (slope(-1) + slope(0) + slope(1)) / (1 + 2 * rho)
    assert models["beta"] == pytest.approx(paper, abs=0.02), "the ratio of the paper, up to the ends of its samples"
    assert set(result.cluster_tests["applicable"]) <= {"no"}


@pytest.mark.parametrize("fraction", [0.25, 0.5])
def test_late_prices_bias_least_squares_and_not_these(fraction: float) -> None:
    """A stock that misses a fraction of the market's move until the next day: 1.12 / 0.75 instead of 1.5 (methods 3.7)."""
    rng = np.random.default_rng(6)
    n = 60_000
    market = rng.normal(0, 0.01, n)
    stock = 1.5 * ((1 - fraction) * market + fraction * np.roll(market, 1)) + rng.normal(0, 0.01, n)
    plan = WindowPlan(estimation=n - 10, gap=0, start=0, end=0)

    def beta(model: str, factors: np.ndarray) -> np.ndarray:
        panel = ReturnPanel(
            returns=stock[None, 3:-3],
            factors=factors[None, :, 3:-3],
            span=np.ones((1, n - 6), dtype=np.int64),
            day_number=np.arange(n - 6)[None],
        )
        design = gather(panel, np.array([0]), np.array([n - 9]), np.zeros((1, plan.n_days), bool), plan)
        return np.asarray(fit(design, model).theta[0, 1:])

    lag, lead = np.roll(market, 1), np.roll(market, -1)
    plain = beta("market-model", market[None])[0]
    assert plain == pytest.approx(1.5 * (1 - fraction), abs=0.02)
    assert beta("scholes-williams", np.stack([market, lag + market + lead]))[0] == pytest.approx(1.5, abs=0.03)
    assert beta("dimson", np.stack([lag, market, lead])).sum() == pytest.approx(1.5, abs=0.03)


def test_peers_are_an_equal_weighted_index(world: dict[str, object]) -> None:
    peers = ("P0", "P1", "P2")
    result = study(world, "peer", peers=peers)
    days = world["days"]
    day0 = int(np.flatnonzero(days == np.datetime64("2024-06-03"))[0])  # type: ignore[arg-type]
    index = np.mean([simple(world, name) for name in peers], axis=0)
    y, m, rows = simple(world, "ZZ"), simple(world, "SPY"), np.arange(day0 - 213, day0 - 13)
    fitted = sm.OLS(y[rows], sm.add_constant(index[rows])).fit()
    assert result.models.iloc[0]["beta"] == pytest.approx(fitted.params[1], rel=1e-9)
    both = sm.OLS(y[rows], sm.add_constant(np.column_stack([m[rows], index[rows]]))).fit()
    models = study(world, "peer-market", peers=peers).models.iloc[0]
    assert models["beta"] == pytest.approx(both.params[1], rel=1e-9)
    assert models["beta_peers"] == pytest.approx(both.params[2], rel=1e-8)
    with pytest.raises(UsageError, match="at least 3"):
        study(world, "peer", peers=("P0", "P1"))
    with pytest.raises(UsageError, match="peer ZZ has announcements of its own"):
        study(world, "peer", peers=("P0", "P1", "ZZ"))
    unknown = study(world, "peer", peers=("P0", "P1", "QQ"))
    assert unknown.excluded.iloc[0]["reason"] == "no_benchmark" and "QQ" in unknown.excluded.iloc[0]["detail"]


def test_peers_that_are_all_the_market_collapse_to_the_market_model(world: dict[str, object]) -> None:
    prices = world["prices"]
    market = prices[prices["ticker"] == "SPY"]  # type: ignore[index]
    copies = pd.concat(
        [prices[prices["ticker"].isin(["ZZ", "SPY"])], *(market.assign(ticker=f"M{k}") for k in range(3))]
    )  # type: ignore[index]
    one = study(world, "peer", copies, peers=("M0", "M1", "M2")).windows
    other = study(world, "market-model", copies).windows
    for column in ("car", "std_error", "p_t", "p_conformal", "p_sq"):
        np.testing.assert_allclose(one[column], other[column], rtol=1e-9, err_msg=column)


def test_the_capital_asset_pricing_model_collapses_to_a_known_case(world: dict[str, object], tmp_path: Path) -> None:
    """With rf = 0 and the market's own return as factor, CAPM is the market model without its constant."""
    path = tmp_path / "flat.csv"
    frame = pd.DataFrame({"date": world["days"].astype(str), "mkt_rf": simple(world, "SPY"), "rf": 0.0})  # type: ignore[attr-defined]
    frame.to_csv(path, index=False)
    result = study({**world, "path": path}, "capm").models.iloc[0]
    days = world["days"]
    day0 = int(np.flatnonzero(days == np.datetime64("2024-06-03"))[0])  # type: ignore[arg-type]
    rows = np.arange(day0 - 213, day0 - 13)
    y, m = simple(world, "ZZ")[rows], simple(world, "SPY")[rows]
    assert result["beta"] == pytest.approx(float(m @ y / (m @ m)), rel=1e-9)


def test_three_factors_that_explain_nothing_collapse_to_the_market_model(
    world: dict[str, object], tmp_path: Path
) -> None:
    """SMB and HML at right angles to everything before the event and zero after: the market model on excess returns,
    with two degrees of freedom less."""
    days = world["days"]
    day0 = int(np.flatnonzero(days == np.datetime64("2024-06-03"))[0])  # type: ignore[arg-type]
    rows = np.arange(day0 - 213, day0 - 13)
    factor, y = world["factor"], simple(world, "ZZ")
    rf, market = factor["rf"], factor["mkt_rf"]  # type: ignore[index]
    known = np.column_stack([np.ones(200), market[rows], (y - rf)[rows]])
    draws = np.random.default_rng(8).normal(0, 0.006, (200, 2))
    idle = draws - known @ np.linalg.lstsq(known, draws, rcond=None)[0]
    frame = pd.DataFrame({"date": days.astype(str), "mkt_rf": market, "smb": 0.0, "hml": 0.0, "rf": rf})  # type: ignore[attr-defined]
    frame.loc[rows, ["smb", "hml"]] = idle
    path = tmp_path / "idle.csv"
    frame.to_csv(path, index=False)
    three = study({**world, "path": path}, "ff3")
    fitted = sm.OLS((y - rf)[rows], sm.add_constant(market[rows])).fit()
    window = np.arange(day0 - 1, day0 + 2)
    ar = (y - rf)[window] - sm.add_constant(market[window], has_constant="add") @ fitted.params
    row = three.windows.set_index("window").loc["[-1,1]"]
    assert row["car"] == pytest.approx(ar.sum(), rel=1e-8) and row["df"] == 196
    d = (market[window] - market[rows].mean()).sum()
    q = 3 + 9 / 200 + d**2 / ((market[rows] - market[rows].mean()) ** 2).sum()
    assert row["std_error"] == pytest.approx(math.sqrt(fitted.ssr / 196 * q), rel=1e-8)
    models = three.models.iloc[0]
    assert models["beta"] == pytest.approx(fitted.params[1], rel=1e-8) and abs(models["beta_smb"]) < 1e-8


def test_a_singular_design_is_a_reasoned_exclusion(world: dict[str, object], tmp_path: Path) -> None:
    """A factor that is always zero, one that repeats another, and peers that are the market."""
    good = pd.read_csv(world["path"])  # type: ignore[call-overload]
    for changed in (good.assign(smb=0.0), good.assign(hml=good["mkt_rf"]), good.assign(hml=2 * good["smb"])):
        path = tmp_path / "singular.csv"
        changed.to_csv(path, index=False)
        result = study({**world, "path": path}, "ff3")
        assert result.excluded["reason"].tolist() == ["rank_deficient"] and not len(result.windows)
    prices = world["prices"]
    market = prices[prices["ticker"] == "SPY"]  # type: ignore[index]
    copies = pd.concat([prices, *(market.assign(ticker=f"M{k}") for k in range(3))])  # type: ignore[list-item]
    result = study(world, "peer-market", copies, peers=("M0", "M1", "M2"))
    assert result.excluded["reason"].tolist() == ["rank_deficient"]


def test_dimson_without_leads_and_lags_is_the_market_model(world: dict[str, object]) -> None:
    from eventstudy.data.factors import with_shifts

    series = study(world, "market-model").studied.series(0)
    alone = with_shifts(series, (0,))
    np.testing.assert_array_equal(alone.factors, series.factors[:1])
    assert alone.names == ("SPY",)


# --- conditional variance


def garch_design(seed: int, events: int, m: int = 400, omega: float = 8e-6) -> tuple[Design, np.ndarray]:
    """Events with GARCH(0.1, 0.88) errors; also each event day's true variance."""
    rng = np.random.default_rng(seed)
    plan = WindowPlan(estimation=m, gap=5, start=0, end=2)
    width = plan.n_days
    e, variance = np.empty((events, width)), np.full(events, omega / 0.02)
    for t in range(-150, width):
        shock = rng.normal(size=events) * np.sqrt(variance)
        if t >= 0:
            e[:, t] = shock
            if t == plan.column(0):
                truth = variance.copy()
        variance = omega + 0.1 * shock**2 + 0.88 * variance
    market = rng.normal(4e-4, 0.01, (events, width))
    panel = ReturnPanel(
        returns=1.2 * market + e,
        factors=market[:, None, :],
        span=np.ones((events, width), dtype=np.int64),
        day_number=np.broadcast_to(np.arange(width), (events, width)),
    )
    rows = np.arange(events)
    design = gather(panel, rows, np.full(events, plan.column(0)), np.zeros((events, width), bool), plan)
    return design, truth


@needs("garch")
def test_a_forecast_variance_by_a_loop() -> None:
    from arch.univariate import GARCH, LS

    design, _ = garch_design(3, 1)
    fits = conditional_fits(design, "garch")
    used = slice(0, 400)
    result = LS(design.y[0, used] * 100, x=design.x[0, used] * 100, volatility=GARCH(p=1, q=1)).fit(
        disp="off", show_warning=False
    )
    a, b, omega, alpha, beta = result.params
    assert fits.theta[0] == pytest.approx([a / 100, b], rel=1e-9)
    errors = design.y[0, :405] * 100 - a - b * design.x[0, :405, 0] * 100
    weights = 0.94 ** np.arange(75)
    variance = float((weights / weights.sum()) @ errors[:75] ** 2)
    for e in errors:
        variance = omega + alpha * e**2 + beta * variance
    path = [variance]
    for _ in range(2):
        path.append(omega + (alpha + beta) * path[-1])
    found = fits.relative_variance[0, 405:] * fits.s2[0] * 1e4
    np.testing.assert_allclose(found, path, rtol=1e-6)
    assert not fits.fallback[0]
    quadratic = fits.xtx_inv[0] * fits.s2[0]
    np.testing.assert_allclose(
        np.sqrt(np.diag(quadratic)), np.sqrt(np.diag(result.param_cov)[:2]) * [0.01, 1], rtol=1e-6
    )


@needs("garch")
def test_a_conditional_variance_is_about_the_first_benchmark_alone() -> None:
    """A second benchmark of the study is there for other models: it leaves every number as it is."""
    design, _ = garch_design(3, 2)
    second = np.random.default_rng(1).normal(0, 0.01, (*design.x.shape[:2], 1))
    one = conditional_fits(design, "garch")
    two = conditional_fits(replace(design, x=np.concatenate([design.x, second], axis=2)), "garch")
    for name in ("theta", "s2", "relative_variance", "residual", "xtx_inv"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name), err_msg=name)


@needs("garch")
@pytest.mark.parametrize("name", ["garch", "egarch"])
def test_turbulent_days_are_judged_by_their_own_variance(name: str) -> None:
    events = 150 if name == "garch" else 60
    design, truth = garch_design(4, events)
    fits = conditional_fits(design, name)
    assert fits.fallback.mean() < 0.2
    forecast = fits.relative_variance[:, design.plan.column(0)] * fits.s2
    kept = ~fits.fallback
    # one EGARCH of this sample has shocks that calm; filtered, it forecast 600 times the truth
    assert (np.abs(np.log(forecast / truth)) < math.log(3)).all()
    assert np.corrcoef(np.log(forecast[kept]), np.log(truth[kept]))[0, 1] > 0.8
    result = cars(design, fits, name, [(0, 0), (0, 2)])
    exact = car_t(fits, result, 0.95, "two-sided")
    assert (exact.p[:, 0] <= 0.05).mean() <= 0.05 + 4 * math.sqrt(0.0475 / events)
    np.testing.assert_allclose(result.base[:, 1], 3.0)


@needs("garch")
def test_garch_holds_in_the_top_decile_where_least_squares_fails() -> None:
    """With the true parameters known, the forecast is the truth; here they are estimated from 400 sessions."""
    design, truth = garch_design(5, 400)
    top = truth >= np.quantile(truth, 0.8)
    small = Design(
        **{
            name: getattr(design, name)[top] if name != "plan" else design.plan
            for name in ("y", "x", "span", "observed", "masked", "plan", "offset")
        }
    )
    plain = car_t(*_both(small, fit(small, "market-model"), "market-model")).p[:, 0] <= 0.05
    forecast = car_t(*_both(small, conditional_fits(small, "garch"), "garch")).p[:, 0] <= 0.05
    assert plain.mean() > 0.09, "a negative control must fail"
    assert forecast.mean() < plain.mean() - 0.02 and forecast.mean() < 0.125


def _both(design: Design, fits: object, name: str) -> tuple[object, ...]:
    return fits, cars(design, fits, name, [(0, 0)]), 0.95, "two-sided"  # type: ignore[arg-type,return-value]


@needs("garch")
def test_short_windows_fall_back_to_the_local_scale() -> None:
    design, _ = garch_design(7, 3, m=120)
    fits = conditional_fits(design, "garch")
    assert fits.fallback.all() and (fits.nu == 20).all()
    base = fit(design, "market-model")
    result = cars(design, base, "market-model", [(0, 0)])
    local = np.sqrt((base.residual[:, 105:125] ** 2).mean(axis=1))
    x = np.column_stack([np.ones(3), design.x[:, 125, 0]])
    expected = result.car[:, 0] / np.sqrt(local**2 + base.s2 * np.einsum("ep,epq,eq->e", x, base.xtx_inv, x))
    found = car_t(fits, cars(design, fits, "garch", [(0, 0)]), 0.95, "two-sided")
    np.testing.assert_allclose(found.t[:, 0], expected, rtol=1e-9)
    np.testing.assert_allclose(found.p[:, 0], t_p_value(expected, np.full(3, 20.0)), rtol=1e-9)


@needs("garch")
def test_the_window_of_a_variance_model_reaches_further_back(world: dict[str, object]) -> None:
    """Until it holds 250 valid sessions: masked and missing ones are made up for by older ones, none beyond."""
    name = "garch"
    assert window_plan(StudySpec(model="egarch")) == window_plan(StudySpec(model=name))
    result = study(world, name)
    row = result.models.iloc[0]
    assert row["model"] == name and row["flags"] == "" and row["n_estimation"] == 250
    days, prices = world["days"], world["prices"]
    day0 = int(np.flatnonzero(days == np.datetime64("2024-06-03"))[0])  # type: ignore[arg-type]
    assert row["estimation_start"] == str(days[day0 - 13 - 250]), "the window of 200 sessions and 50 before it"  # type: ignore[index]
    lost = days[day0 - 100 : day0 - 60 : 2]  # type: ignore[index]
    holed = prices[~((prices["ticker"] == "ZZ") & prices["date"].isin(lost.astype(str)))]  # type: ignore[index]
    other = study(world, name, holed).models.iloc[0]
    assert other["model"] == name and other["n_estimation"] == 250
    assert other["estimation_start"] == str(days[day0 - 13 - 270])  # type: ignore[index]
    long = study(world, name, estimation=260)
    assert long.models.iloc[0]["n_estimation"] == 260, "what is asked for counts in any case"
    window = long.windows.iloc[0]
    assert np.isfinite(window["p_t"]) and np.isfinite(window["p_conformal"]) and np.isfinite(window["p_rank_local"])
    assert np.isnan(window["p_placebo"]) and np.isnan(window["p_t_ar1"])
    assert audit(long.studied).agrees
    plain = study(world, "market-model")
    assert plain.models.iloc[0]["n_estimation"] == 200
    shown = result.model_lines.set_index(["model", "masked"])["car"]
    assert shown["market-model", "yes"] == plain.windows.iloc[0]["car"], "other models keep the window asked for"


@needs("garch")
def test_a_study_with_garch_says_what_it_leaves_out(world: dict[str, object]) -> None:
    """Too few sessions for some rows: a notice and the model's name on each row; for all of them: no study."""
    prices, days = world["prices"], world["days"]
    young = prices[(prices["ticker"] != "P0") | (prices["date"] >= str(days[180]))]  # type: ignore[index]
    events = pd.concat([EVENT, EVENT.assign(event_id="y", ticker="P0")])
    spec = StudySpec(model="garch", estimation=200, min_estimation=100, event_window=Window(-3, 3))
    result = run(events, young, spec)
    assert dict(zip(result.models["ticker"], result.models["model"], strict=True)) == {
        "ZZ": "garch",
        "P0": "market-model",
    }
    assert "model_fallback" in result.windows.set_index("ticker").loc["P0", "flags"].iloc[0]
    (notice,) = [text for text in result.notices if "garch" in text]
    assert notice.startswith("garch was estimated for 1 of 2 rows") and "1 have fewer than 250" in notice
    with pytest.raises(
        UsageError, match="garch could not be estimated for any of 1 rows: 1 have fewer than 250"
    ) as error:
        run(events.iloc[1:], young, spec)
    assert error.value.exit_code == 2 and "market-model" in error.value.hint


def test_conformal_refits_the_model_itself(world: dict[str, object]) -> None:
    """Scholes-Williams keeps its instrument when the window is part of the fit."""
    result = study(world, "scholes-williams")
    block = result.studied.block
    assert block is not None
    p = single_p(block.design, block.fits, "scholes-williams", [(0, 0)], ["conformal"])["conformal"]
    assert p[0, 0] == result.windows.iloc[0]["p_conformal"]
    days = world["days"]
    day0 = int(np.flatnonzero(days == np.datetime64("2024-06-03"))[0])  # type: ignore[arg-type]
    rows = np.r_[day0 - 213 : day0 - 13, day0]
    y, m = simple(world, "ZZ")[rows], simple(world, "SPY")
    x, z = sm.add_constant(m[rows]), sm.add_constant(m[rows - 1] + m[rows] + m[rows + 1])
    u = np.abs(y - x @ np.linalg.solve(z.T @ x, z.T @ y))
    assert p[0, 0] == pytest.approx(np.mean(u >= u[-1]))
