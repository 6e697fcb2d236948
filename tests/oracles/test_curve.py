"""The specification curve: its digits, every cell by statsmodels, the reference sessions one by one."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

from eventstudy.data.calendar import listing_of, load_calendar
from eventstudy.engine.panel import ReturnPanel
from eventstudy.engine.significance import curve
from eventstudy.engine.windows import WindowPlan
from eventstudy.errors import UsageError
from eventstudy.evaluate.placed import place_rows
from eventstudy.results import StudyResult
from eventstudy.scale.limits import Limits
from eventstudy.spec import StudySpec, Window
from eventstudy.study import Handling, run
from tests.conftest import ROOT
from tests.oracles.golden import DATA

SPEC = StudySpec(source="snapshot", benchmarks=("SPY", "SOXX"), tests=("car-t",), spec_curve="primary")
PAIRS = {("h20_license_8k", "AMD"), ("us_ai_chip_rule_2022_8k", "ASML")}


def golden_panel() -> ReturnPanel:
    table = np.array(DATA)
    n = len(table)
    return ReturnPanel(
        returns=table[None, :, 4],
        factors=table[None, None, :, 1],
        span=np.ones((1, n), dtype=np.int16),
        day_number=np.arange(n)[None],
    )


def test_the_digits_of_the_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    """r3, day 0 t = 25, sessions 15 to 24 as reference, three models over 12 and 15 sessions."""
    monkeypatch.setattr(curve, "OBSERVATIONS", 4)
    panel, sessions = golden_panel(), [25, *range(15, 25)]
    plans = [WindowPlan(estimation=n, gap=0, start=0, end=0) for n in (12, 15)]
    nobody = np.zeros(panel.n_sessions, dtype=bool)
    found = {}
    for model in ("market-model", "constant-mean"):
        found[model] = [
            values[sessions] for values in curve.session_curve(panel, 0, model, (nobody, nobody), plans, (0, 0))
        ]
    y, m = panel.returns[0], panel.factors[0, 0]
    excess = y - m
    adjusted = [np.full((len(sessions), 2), np.nan) for _ in range(3)]
    for i, d in enumerate(sessions):
        for k, n in enumerate((12, 15)):
            before = excess[d - n : d]
            adjusted[0][i, k], adjusted[2][i, k] = excess[d], n - 1
            adjusted[1][i, k] = excess[d] / before.std(ddof=1)
    car, t, df = (
        np.concatenate(
            [a[:, [k]] for k in (0, 1) for a in (found["market-model"][j], adjusted[j], found["constant-mean"][j])],
            axis=1,
        )
        for j in range(3)
    )
    np.testing.assert_allclose(car[0], [0.02865679, 0.032, 0.01350833, 0.03132686, 0.032, 0.01519333], atol=6e-9)
    np.testing.assert_allclose(
        t[0], [1.72469036, 1.87414683, 0.52064967, 1.58906044, 1.69189135, 0.59541883], atol=6e-9
    )
    wanted = {
        "median": (0.02999183, 3 / 11),
        "median-z": (1.53272014, 3 / 11),
        "share": (0.0, 1.0),
        "stouffer": (3.03982316, 3 / 11),
    }
    for name, values in curve.statistics(car, t, df).items():
        statistic, p = wanted[name]
        assert values[0] == pytest.approx(statistic, abs=6e-9), name
        assert curve.placebo_p(float(values[0]), values[1:]) == pytest.approx(p), name
    z = curve.normal_scores(t, df)
    assert curve.median_z(z, "two-sided")[0] == pytest.approx(1.53272014, abs=6e-9)
    assert curve.median_z(z, "less")[0] == -curve.median_z(z, "greater")[0]


@pytest.mark.parametrize("sign", [1, -1])
def test_rejections_in_either_direction_are_not_added(sign: int) -> None:
    """Of five specifications three reject in one direction and one in the other."""
    t = sign * np.array([4.0, 5.0, -6.0, 3.0, 0.5])
    assert curve.statistics(t / 100, t, np.full(5, 200.0))["share"] == pytest.approx(3 / 5)


def by_statsmodels(
    rows: pd.DataFrame, factors: list[str], days: list[int], used: list[int]
) -> tuple[float, float, float]:
    """CAR, t and degrees of freedom of a window: OLS with one dummy a day, weights 1/span, the sum of the dummies."""
    every = [*used, *days]
    x = rows[["span", *factors]].to_numpy()[every]
    dummies = np.zeros((len(every), len(days)))
    dummies[len(used) :] = np.eye(len(days))
    fit = sm.WLS(rows["y"].to_numpy()[every], np.hstack([x, dummies]), weights=1 / rows["span"].to_numpy()[every]).fit()
    test = fit.t_test(np.concatenate([np.zeros(x.shape[1]), np.ones(len(days))]))
    return float(np.squeeze(test.effect)), float(np.squeeze(test.tvalue)), float(fit.df_resid)


@pytest.mark.parametrize("model", ["market-model", "multi-index", "constant-mean", "capm"])
@pytest.mark.parametrize("window", [(0, 0), (-1, 2)])
def test_every_session_fitted_by_itself(model: str, window: tuple[int, int]) -> None:
    """A series with holes and masked sessions: fits from window sums are those of statsmodels, and NaN where none is."""
    rng = np.random.default_rng(5)
    n = 240
    x = rng.normal(0, 0.01, (2, n))
    y = 0.0004 + 1.2 * x[0] + 0.3 * x[1] + rng.standard_t(4, n) * 0.015
    span = np.where(rng.random(n) < 0.06, 2, 1)
    y[rng.random(n) < 0.04] = np.nan
    mask = rng.random(n) < 0.05
    panel = ReturnPanel(
        returns=y[None], factors=x[None], span=span[None].astype(np.int16), day_number=np.arange(n)[None]
    )
    plans = [WindowPlan(estimation=a, gap=g, start=-1, end=2) for a in (60, 90) for g in (0, 5)]
    car, t, df = curve.session_curve(panel, 0, model, (mask, mask), plans, window)
    factors = {"market-model": ["m"], "multi-index": ["m", "s"], "constant-mean": [], "capm": ["m"]}[model]
    rows = pd.DataFrame({"y": y, "span": span.astype(float), "m": x[0], "s": x[1]})
    if model == "capm":
        rows = rows.assign(span=0.0, own=span)
    checked = empty = 0
    for d in range(1, n - 3):
        for k, plan in enumerate(plans):
            days = list(range(d + window[0], d + window[1] + 1))
            used = [
                s for s in range(d + plan.estimation_start, d + plan.estimation_end + 1)
                if s >= 0 and np.isfinite(y[s]) and not mask[s]
            ]  # fmt: skip
            possible = d + plan.estimation_start >= 0 and len(used) >= curve.OBSERVATIONS
            possible &= all(np.isfinite(y[s]) and not mask[s] for s in days)
            assert np.isfinite(t[d, k]) == possible, (d, k)
            empty += not possible
            if not possible or (checked % 7 and model != "market-model"):
                checked += possible
                continue
            checked += 1
            if model == "capm":
                every = [*used, *days]
                w = 1 / rows["own"].to_numpy()[every]
                dummies = np.vstack([np.zeros((len(used), len(days))), np.eye(len(days))])
                fit = sm.WLS(y[every], np.hstack([x[0][every][:, None], dummies]), weights=w).fit()
                test = fit.t_test(np.concatenate([[0.0], np.ones(len(days))]))
                wanted = float(np.squeeze(test.effect)), float(np.squeeze(test.tvalue)), float(fit.df_resid)
            else:
                wanted = by_statsmodels(rows, factors, days, used)
            np.testing.assert_allclose((car[d, k], t[d, k], df[d, k]), wanted, rtol=1e-9, err_msg=f"{d}, {k}")
    assert checked > 100 and empty > 100


@pytest.fixture(scope="module")
def sample() -> StudyResult:
    return run(ROOT / "events.csv", spec=SPEC)


def test_every_cell_of_the_sample_by_statsmodels(sample: StudyResult) -> None:
    """Two events, the day and its parts, all 64 specifications, from the returns of the panel alone."""
    studied = sample.studied
    chosen = [c for c in sample.curves if studied.index.name(c.row) in PAIRS]
    assert len(chosen) == 6
    at_row = {int(studied.rows[i]): i for i in studied.reported}
    for c in chosen:
        i = at_row[c.row]
        session = studied.session(i)
        assert len(c.cells) == (64 if c.row > 10 else 48), "prices begin 300 sessions before the first event"
        assert c.cells[c.headline].estimation == 250 and c.cells[c.headline].masked
        for k in range(0, len(c.cells), 5):
            cell = c.cells[k]
            spec = studied.spec.with_changes(model=cell.model)
            mask_spec = spec.with_changes(
                estimation=cell.estimation, gap=cell.gap, exclude="catalogued" if cell.masked else "none"
            )
            keys, (placed,), _ = place_rows(studied, np.array([c.row]), mask_spec)
            part = {"day": "total"}.get(c.part, c.part)
            panel = studied.market.stack(keys, cell.returns, part)
            first = session - 10 - cell.gap - cell.estimation
            names = [f"f{j}" for j in range(panel.factors.shape[1])]
            rows = pd.DataFrame(
                {"y": panel.returns[0], "span": panel.span[0].astype(float)}
                | {name: panel.factors[0, j] for j, name in enumerate(names)}
            )
            usable = rows.notna().all(axis=1).to_numpy() & (rows["span"].to_numpy() > 0)
            used = [s for s in range(first, first + cell.estimation) if usable[s] and not placed.masked[0][s - first]]
            days = list(range(session + c.window.start, session + c.window.end + 1))
            wanted = by_statsmodels(rows, names, days, used)
            np.testing.assert_allclose((c.car[k], c.t[k], c.df[k]), wanted, rtol=1e-9, err_msg=f"{c.part} {cell}")
            assert c.p[k] == pytest.approx(2 * stats.t.sf(abs(wanted[1]), wanted[2]), rel=1e-9)
            half = stats.t.ppf(0.975, wanted[2]) * abs(wanted[0] / wanted[1])
            assert (c.ci_low[k], c.ci_high[k]) == pytest.approx((wanted[0] - half, wanted[0] + half), rel=1e-8)
            assert c.n_estimation[k] == len(used)


def test_the_summary_of_a_curve_by_hand(sample: StudyResult) -> None:
    table = sample.robustness_table
    for line in sample.curves_table.to_dict("records"):
        mine = table[
            (table["event_id"] == line["event_id"]) & (table["ticker"] == line["ticker"])
            & (table["part"] == line["part"]) & (table["in_curve"] == "yes")
        ]  # fmt: skip
        assert (
            len(mine)
            == line["n_specifications"]
            == len(mine.drop_duplicates(["model", "masked", "estimation", "gap", "returns"]))
        )
        assert (mine["p_t"] <= 0.05).sum() == line["n_rejecting"]
        assert line["share_rejecting"] == pytest.approx((mine["p_t"] <= 0.05).mean())
        assert (line["car_low"], line["car_high"]) == (mine["car"].min(), mine["car"].max())
        assert line["car_median"] == pytest.approx(mine["car"].median())
        if math.isfinite(line["p_median_z"]):
            assert 1 / (line["n_placebo"] + 1) <= line["p_median_z"] <= 1
    outside = table[table["in_curve"] == "no"]
    assert {"market-adjusted", "constant-mean"} <= set(outside["model"])
    assert set(table.loc[table["in_curve"] == "yes", "model"]) == {"market-model", "multi-index"}
    for c in sample.curves:
        assert c.verdict == ("unusual" if c.share >= 0.9 else "ordinary" if c.share <= 0.1 else "depends")


def test_parts_of_day_0_need_no_window_of_the_study() -> None:
    spec = SPEC.with_changes(windows=(Window(0, 1),))
    found = run(ROOT / "events.csv", spec=spec, only=("h20_license_8k",))
    table = found.robustness_table
    for c in found.curves:
        rows = table[
            (table["part"] == c.part)
            & (table["ticker"] == found.studied.index.firm(c.row)[0])
            & (table["in_curve"] == "yes")
        ]
        assert set(rows["window"]) == {c.window.label} == {"[0,1]" if c.part == "day" else "[0,0]"}
        np.testing.assert_allclose(np.sort(rows["car"]), np.sort(c.car), rtol=1e-12)
    assert {c.part for c in found.curves} == {"day", "overnight", "intraday"}


def test_what_is_made_follows_the_option(sample: StudyResult) -> None:
    few = ("h20_license_8k",)
    off = run(ROOT / "events.csv", spec=SPEC.with_changes(spec_curve="off"), only=few)
    assert off.curves == () and set(off.robustness_table["in_curve"]) == {"no"} and not len(off.curves_table)
    every = run(ROOT / "events.csv", spec=SPEC.with_changes(spec_curve="all"), only=few)
    assert {c.window for c in every.curves if c.part == "day"} == set(SPEC.windows)
    own = [c for c in every.curves if c.part == "day" and c.window == Window(0, 0)]
    theirs = [c for c in sample.curves if c.part == "day" and c.row in {c.row for c in own}]
    for one, other in zip(own, theirs, strict=True):
        np.testing.assert_array_equal(one.car, other.car)
        assert one.p_median_z == other.p_median_z
    with pytest.raises(UsageError, match="spec-curve"):
        SPEC.with_changes(spec_curve="some")


def test_beside_a_list_of_tests_curves_are_asked_for() -> None:
    """The default is ``primary`` beside ``auto`` and ``all``."""
    for tests in ("auto", "all"):
        assert SPEC.with_changes(spec_curve="auto", tests=(tests,)).spec_curve == StudySpec().spec_curve == "primary"
    listed = run(ROOT / "events.csv", spec=SPEC.with_changes(spec_curve="auto"), only=("h20_license_8k",))
    asked = run(ROOT / "events.csv", spec=SPEC, only=("h20_license_8k",))
    assert not listed.curves and asked.curves


def test_many_events_draw_those_that_pages_show(tmp_path: Path) -> None:
    """Above the limit and block by block the curves of shown events are made, and a notice says so."""
    frame = pd.read_csv(ROOT / "events.csv", dtype=str, keep_default_na=False)
    path = tmp_path / "events.csv"
    frame[frame["event_id"].isin(["h20_license_8k", "deepseek_shock", "mar_a_lago_dinner"])].to_csv(path, index=False)
    few = run(path, spec=SPEC, handling=Handling(limits=Limits(kept=1, block=2048)))
    whole = run(path, spec=SPEC)
    assert {c.row for c in few.curves} == {c.row for c in whole.curves} and len(whole.curves) > 5
    for one, other in zip(few.curves, whole.curves, strict=True):
        np.testing.assert_array_equal(one.car, other.car)
        assert (one.p_median_z, one.n_placebo) == (other.p_median_z, other.n_placebo)


def test_corner_cases(tmp_path: Path) -> None:
    """A short history has short lengths alone and says why; a one-sided study one bound; log returns, holding periods and
    windows before day 0 stop nothing."""
    path = tmp_path / "events.csv"
    path.write_text("event_id,ticker,announced_at,timing\na,NVDA,2025-04-16,bmo\n")
    spec = SPEC.with_changes(
        event_window=Window(-12, -2), windows=(Window(-5, -3),), windows_given=True, alternative="less", hold=3
    )
    found = run(path, spec=spec)
    (c, *parts) = found.curves
    assert c.window == Window(-5, -3) and np.isnan(c.ci_low).all() and np.isfinite(c.ci_high).all()
    assert [p.part for p in parts] == ["overnight", "intraday"]
    # the market was seen for too short a time for the longest windows
    short = run(path, prices=_short(320), spec=StudySpec(tests=("car-t",), spec_curve="primary"))
    (c, *_) = short.curves
    assert {cell.estimation for cell in c.cells} == {60, 120, 250} and len(c.left_out) == 3
    assert c.n_joint == 8 and c.n_placebo == 198 and {cell.model for cell in c.cells} == {"market-model"}


def test_strict_drops_the_return_over_a_hole_in_every_cell(tmp_path: Path) -> None:
    """Closes missing in the estimation window under ``--missing strict``: every cell by statsmodels from the price file,
    with returns of one session alone; trade-to-trade keeps the others and says something else."""
    path = tmp_path / "events.csv"
    path.write_text("event_id,ticker,announced_at,timing\na,NVDA,2025-04-16,bmo\n")
    prices = _short(420)
    days = prices.loc[prices["ticker"] == "SPY", "date"].to_numpy()
    at = int(np.flatnonzero(days == np.datetime64("2025-04-16"))[0])
    holes = np.random.default_rng(8).choice(np.arange(at - 280, at - 3), 40, replace=False)
    prices = prices[~((prices["ticker"] == "NVDA") & prices["date"].isin(days[holes]))]
    close = prices.pivot(index="date", columns="ticker", values="close")
    found = {}
    for missing in ("strict", "trade-to-trade"):
        spec = StudySpec(tests=("car-t",), spec_curve="primary", missing=missing)  # type: ignore[arg-type]
        result = run(path, prices=prices, spec=spec)
        found[missing] = next(c for c in result.curves if c.part == "day")
    strict, other = found["strict"], found["trade-to-trade"]
    assert len(strict.cells) == 24 and {cell.returns for cell in strict.cells} == {"simple", "log"}
    for k, cell in enumerate(strict.cells):
        moved = close / close.shift(1) - 1 if cell.returns == "simple" else np.log(close / close.shift(1))
        last = at - 10 - cell.gap
        rows = moved.iloc[[*range(last - cell.estimation, last), at]].dropna()
        fit = sm.OLS(rows["NVDA"], sm.add_constant(rows[["SPY"]]).assign(day0=[*[0.0] * (len(rows) - 1), 1.0])).fit()
        assert strict.n_estimation[k] == len(rows) - 1 < cell.estimation
        np.testing.assert_allclose((strict.car[k], strict.t[k]), (fit.params["day0"], fit.tvalues["day0"]), rtol=1e-8)
    assert (strict.n_estimation < other.n_estimation).all() and (strict.t != other.t).all()


def _short(n: int) -> pd.DataFrame:
    """Prices of the last n sessions before May 2025."""
    sessions = load_calendar(
        listing_of("XNYS"), pd.Timestamp("2023-01-01").date(), pd.Timestamp("2025-05-01").date()
    ).sessions
    days = pd.DatetimeIndex(sessions)[-n:]
    rng = np.random.default_rng(3)
    return pd.concat(
        pd.DataFrame({"ticker": t, "date": days, "close": 100 * np.exp(np.cumsum(rng.normal(0, 0.01, n)))})
        for t in ("NVDA", "SPY")
    )


@pytest.mark.parametrize("sessions", [(0, 40), (100, 180), (225, 240)])
@pytest.mark.parametrize("window", [(0, 0), (-1, 2), (-5, -3)])
def test_some_sessions_as_all_sessions(window: tuple[int, int], sessions: tuple[int, int]) -> None:
    rng = np.random.default_rng(6)
    n = 240
    x = rng.normal(0, 0.01, (1, n))
    y = 0.0004 + 1.2 * x[0] + rng.standard_t(4, n) * 0.015
    y[:12], y[rng.random(n) < 0.04] = np.nan, np.nan
    mask = rng.random(n) < 0.05
    panel = ReturnPanel(
        returns=y[None], factors=x[None], span=np.ones((1, n), dtype=np.int16), day_number=np.arange(n)[None]
    )
    plans = [WindowPlan(estimation=a, gap=g, start=min(-1, window[0]), end=2) for a in (60, 90) for g in (0, 5)]
    whole = curve.session_curve(panel, 0, "market-model", (mask, mask), plans, window)
    some = curve.session_curve(panel, 0, "market-model", (mask, mask), plans, window, sessions=sessions)
    for every, few in zip(whole, some, strict=True):
        np.testing.assert_allclose(few, every[slice(*sessions)], rtol=1e-10)
