"""Switches of convention: closed forms, a double loop, statsmodels, the size under autocorrelation, what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
import statsmodels.api as sm

from eventstudy.engine.abnormal import Abnormal, Cars
from eventstudy.engine.conventions import evidence_of, measured
from eventstudy.engine.models import Fits, fit
from eventstudy.engine.options import Conventions, Options
from eventstudy.engine.panel import ReturnPanel
from eventstudy.engine.significance.cross_section import Dependence, adj_patell, bmp, kolari_pynnonen, patell
from eventstudy.engine.significance.ranks import generalized_sign
from eventstudy.engine.significance.single import car_t
from eventstudy.engine.significance.summary import PARTS, spread_of, summarised
from eventstudy.engine.windows import Design, WindowPlan, gather
from eventstudy.errors import UsageError
from eventstudy.evaluate.audit import audit
from eventstudy.report.method import CONVENTION_WORDS, _convention_sentence
from eventstudy.scale.limits import Limits
from eventstudy.spec import CONVENTIONS, StudySpec, Window
from eventstudy.study import Handling, run
from tests.conftest import ROOT
from tests.oracles.test_models import EVENT, study, world

__all__ = ["world"]
PLAN = WindowPlan(estimation=120, gap=5, start=-2, end=8)
WINDOWS = ((0, 0), (-1, 1), (-2, 8))


def sample(events: int, seed: int, phi: float = 0.0, plan: WindowPlan = PLAN) -> Design:
    """Events on one panel each, with AR(1) errors around a market model."""
    rng = np.random.default_rng(seed)
    width = plan.n_days
    shocks = rng.normal(0, 0.01, (events, width + 100))
    errors = np.zeros_like(shocks)
    for t in range(1, shocks.shape[1]):
        errors[:, t] = phi * errors[:, t - 1] + shocks[:, t]
    market = rng.normal(0, 0.01, (events, width))
    panel = ReturnPanel(
        returns=1e-4 + 1.2 * market + errors[:, 100:],
        factors=market[:, None],
        span=np.ones((events, width), dtype=np.int64),
        day_number=np.broadcast_to(np.arange(width), (events, width)),
    )
    zero = np.zeros((events, width), dtype=bool)
    return gather(panel, np.arange(events), np.full(events, plan.column(0)), zero, plan)


def under(design: Design, name: str = "market-model", **choice: str) -> tuple[Fits, Abnormal, Cars]:
    options = Options(plan=design.plan, model=name, windows=tuple(WINDOWS), conventions=Conventions(**choice))
    return measured(design, options.entry.fit(design), options)


def with_trouble(design: Design) -> Design:
    """Some sessions masked, and one return of the window that covers two."""
    masked, span = design.masked.copy(), design.span.copy()
    masked[:, 30:33] = True
    observed = design.observed.copy()
    observed[:, 60] = False
    span[:, 61] = 2.0
    span[:, PLAN.column(3)] = 2.0
    observed[:, PLAN.column(2)] = False
    return Design(
        y=np.where(observed, design.y, np.nan),
        x=design.x,
        span=np.where(observed, span, 1.0),
        observed=observed,
        masked=masked,
        plan=design.plan,
        offset=design.offset,
    )


def test_divisors_by_their_closed_forms() -> None:
    design = sample(5, 1)
    exact, _, plain = under(design)
    other, _, result = under(design, sigma="m-1")
    np.testing.assert_allclose(other.s2, exact.s2 * 118 / 119, rtol=1e-13)
    whole, _, _ = under(design, sigma="m")
    np.testing.assert_allclose(whole.s2, exact.s2 * 118 / 120, rtol=1e-13)
    np.testing.assert_array_equal(other.nu, exact.nu)
    np.testing.assert_array_equal(result.car, plain.car)
    np.testing.assert_allclose(result.q, plain.q, rtol=1e-13)


def test_sqrt_l_and_per_day_by_their_closed_forms() -> None:
    design = sample(5, 2)
    _, daily, exact = under(design)
    _, flat, root = under(design, car="sqrt-l")
    np.testing.assert_allclose(root.q, np.broadcast_to([1.0, 3.0, 11.0], root.q.shape), rtol=1e-13)
    np.testing.assert_allclose(flat.path_v, np.broadcast_to(np.arange(1.0, 12.0), flat.path_v.shape), rtol=1e-13)
    _, each, summed = under(design, car="per-day")
    market, m = design.x[:, :, 0], 120
    mean = market[:, :m].mean(axis=1, keepdims=True)
    own = 1 + 1 / m + (market[:, design.window] - mean) ** 2 / ((market[:, :m] - mean) ** 2).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(each.v, own, rtol=1e-12)
    np.testing.assert_allclose(summed.q[:, 1], own[:, 1:4].sum(axis=1), rtol=1e-12)
    np.testing.assert_allclose(summed.q[:, 2], own.sum(axis=1), rtol=1e-12)
    np.testing.assert_allclose(summed.q[:, 0], exact.q[:, 0], rtol=1e-12, err_msg="one day is exact either way")
    assert (exact.q[:, 2] > summed.q[:, 2]).all() and (summed.q[:, 2] > root.q[:, 2]).all()
    np.testing.assert_array_equal(daily.ar, each.ar)


def test_a_gap_counts_its_sessions_under_every_convention() -> None:
    design = with_trouble(sample(3, 3))
    _, _, root = under(design, car="sqrt-l")
    np.testing.assert_allclose(root.q[:, 2], 11.0, rtol=1e-13)
    _, daily, _ = under(design, car="per-day")
    assert np.isnan(daily.v[:, 4]).all() and (daily.v[:, 5] > 2).all()


def test_a_forecast_variance_stays_in_the_sum_of_the_days() -> None:
    """``sqrt-l`` leaves the estimation error out, not the forecasts of a conditional model."""
    from dataclasses import replace

    design = sample(2, 4)
    fits = fit(design, "market-model")
    relative = fits.relative_variance.copy()
    relative[:, design.window] = 3.0
    options = Options(
        plan=design.plan, model="market-model", windows=tuple(WINDOWS), conventions=Conventions(car="sqrt-l")
    )
    _, _, result = measured(design, replace(fits, relative_variance=relative), options)
    np.testing.assert_allclose(result.q[:, 2], 33.0)


def naive_hac(design: Design, i: int, name: str, start: int, end: int) -> float:
    """Var(CAR) from the definition, day by day (methods 2.7), from numpy's own least squares."""
    m, w0 = design.plan.estimation, design.plan.column(start)
    rows = [t for t in range(m) if design.observed[i, t] and not design.masked[i, t]]
    ahead = [t for t in range(w0, design.plan.column(end) + 1) if design.observed[i, t]]

    def row(t: int) -> list[float]:
        if name == "market-adjusted":
            return []
        return [design.span[i, t]] if name == "constant-mean" else [design.span[i, t], design.x[i, t, 0]]

    x = np.array([row(t) for t in rows]).reshape(len(rows), -1)
    root = np.sqrt([design.span[i, t] for t in rows])
    p = x.shape[1]
    y = np.array([design.y[i, t] for t in rows])
    if name == "market-adjusted":
        e = y - design.x[i, rows, 0]
        e, nu = (e - e.mean()) / root, len(rows) - 1
    else:
        theta = np.linalg.lstsq(x / root[:, None], y / root, rcond=None)[0]
        e, nu = (y - x @ theta) / root, len(rows) - p
    lags = math.floor(4 * (len(rows) / 100) ** (2 / 9))
    factor = len(rows) / nu

    def weight(k: int) -> float:
        return 1 - k / (lags + 1) if k <= lags else 0.0

    gamma = [0.0] * (lags + 1)
    meat = np.zeros((p, p))
    for a, s in enumerate(rows):
        for b, t in enumerate(rows):
            k = abs(s - t)
            if k <= lags:
                if t >= s:
                    gamma[k] += weight(k) * e[a] * e[b] * factor / len(rows)
                meat += weight(k) * factor * e[a] * e[b] * np.outer(x[a] / root[a], x[b] / root[b])
    total = 0.0
    for s in ahead:
        for t in ahead:
            if abs(s - t) <= lags:
                total += gamma[abs(s - t)] * math.sqrt(design.span[i, s] * design.span[i, t])
    if p:
        bread = np.linalg.inv(x.T @ (x / root[:, None] ** 2))
        along = bread @ np.sum([row(t) for t in ahead], axis=0)
        total += float(along @ meat @ along)
    return total


@pytest.mark.parametrize("name", ["market-model", "constant-mean", "market-adjusted"])
@pytest.mark.parametrize("troubled", [False, True])
def test_hac_by_a_double_loop(name: str, troubled: bool) -> None:
    design = sample(3, 5, phi=0.3)
    design = with_trouble(design) if troubled and name != "market-adjusted" else design
    fits, daily, result = under(design, name, robust="hac")
    for i in range(3):
        for w, (start, end) in enumerate(WINDOWS):
            expected = naive_hac(design, i, name, start, end)
            assert result.q[i, w] * fits.s2[i] == pytest.approx(expected, rel=1e-10)
        assert daily.v[i, 2] * fits.s2[i] == pytest.approx(naive_hac(design, i, name, 0, 0), rel=1e-10)
        assert daily.path_v[i, 9] * fits.s2[i] == pytest.approx(naive_hac(design, i, name, -2, 7), rel=1e-10)


def test_the_coefficients_part_of_hac_by_statsmodels() -> None:
    """x'Cov(b)x is what the variance has beyond the window's own autocovariances."""
    design = sample(2, 6, phi=0.4)
    fits, daily, _ = under(design, robust="hac")
    for i in range(2):
        x = sm.add_constant(design.x[i, :120, 0])
        fitted = sm.OLS(design.y[i, :120], x).fit(cov_type="HAC", cov_kwds={"maxlags": 4, "use_correction": True})
        day = np.array([1.0, design.x[i, PLAN.column(0), 0]])
        part = float(day @ fitted.cov_params() @ day)
        assert daily.v[i, 2] * fits.s2[i] - fits.s2[i] == pytest.approx(part, rel=1e-8)


def test_hac_keeps_its_size_under_autocorrelation() -> None:
    """AR(1) errors with phi = 0.3, M = 250, L = 11: the exact t for independent days is the negative control."""
    plan = WindowPlan(estimation=250, gap=10, start=-2, end=8)
    design = sample(2500, 7, phi=0.3, plan=plan)
    rejected = {}
    for robust in ("none", "hac"):
        fits, _, result = under(design, robust=robust)
        rejected[robust] = float((car_t(fits, result, 0.95, "two-sided").p[:, 2] <= 0.05).mean())
    error = math.sqrt(0.05 * 0.95 / 2500)
    assert rejected["none"] > 0.10
    assert abs(rejected["hac"] - 0.05) < 0.025 + 3 * error, "Bartlett weights of five lags leave a little"
    independent = sample(2500, 8, plan=plan)
    fits, _, result = under(independent, robust="hac")
    assert abs((car_t(fits, result, 0.95, "two-sided").p[:, 2] <= 0.05).mean() - 0.05) < 0.015 + 3 * error


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("sigma=m-2",), "convention sigma 'm-2' is unknown"),
        (("sigme=m-1",), "convention 'sigme' is unknown"),
        (("car",), "convention car '' is unknown"),
        (("car=exact", "car=sqrt-l"), "convention names car twice"),
        (("robust=hac", "car=per-day"), "robust=hac and car=per-day are two variances"),
    ],
)
def test_conventions_that_cannot_be_right(words: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        StudySpec(convention=words)


@pytest.mark.parametrize("model", ["garch", "scholes-williams"])
def test_hac_is_for_least_squares(world: dict[str, object], model: str) -> None:
    with pytest.raises(UsageError, match=f"robust=hac is for least squares, and {model}"):
        study(world, model, convention=("robust=hac",))


@pytest.mark.parametrize("word", ["sigma=m-1", "car=sqrt-l", "car=per-day", "robust=hac"])
def test_a_study_under_a_convention_is_consistent_and_audited(world: dict[str, object], word: str) -> None:
    plain, other = study(world, "market-model"), study(world, "market-model", convention=(word,))
    assert audit(other.studied).agrees, "what a convention leaves alone still agrees with statsmodels"
    one, two = plain.windows, other.windows
    np.testing.assert_array_equal(one["car"], two["car"])
    assert (np.abs(one["std_error"] / two["std_error"] - 1) > 1e-6).any()
    day0 = other.abnormal_returns.set_index("day").loc[0]
    window = two[two["window"] == "[0,0]"].iloc[0]
    assert window["std_error"] == pytest.approx(day0["std_error"], rel=1e-12), "a day and the window of that day"
    if word == "car=sqrt-l":
        sigma = other.models.iloc[0]["sigma"]
        np.testing.assert_allclose(two["std_error"], sigma * np.sqrt([1.0, 3.0]), rtol=1e-12)
    market = other.model_lines
    own = market[(market["model"] == "market-model") & (market["masked"] == "yes")].iloc[0]
    assert own["std_error"] == pytest.approx(window["std_error"], rel=1e-12), "other models follow the convention"


def test_the_default_words_change_nothing(world: dict[str, object]) -> None:
    named = StudySpec(estimation=200, event_window=Window(-3, 3), windows=(Window(0, 0),), convention=("car=exact",))
    silent = StudySpec(estimation=200, event_window=Window(-3, 3), windows=(Window(0, 0),))
    one, two = (run(EVENT, world["prices"], spec).windows for spec in (named, silent))  # type: ignore[arg-type]
    np.testing.assert_array_equal(one["p_t"], two["p_t"])


def by_hand(golden: Design) -> tuple[tuple[float, float], float]:
    """Shares of positive residuals where the second firm lacks its first ten sessions: mean of the firms', and of all
    days together; and the t of the first firm's window on the market without an intercept."""
    positive, days = [], []
    for i in range(4):
        rows = np.arange(10 if i == 1 else 0, 24)
        x = sm.add_constant(golden.x[i, rows, 0])
        positive.append(int((sm.OLS(golden.y[i, rows], x).fit().resid > 0).sum()))
        days.append(len(rows))
    mean = float(np.mean([a / b for a, b in zip(positive, days, strict=True)]))
    window = golden.days(-1, 1)
    rows = np.r_[np.arange(24), np.arange(window.start, window.stop)]
    x = np.column_stack([golden.x[0, rows, 0], np.vstack([np.zeros((24, 3)), np.eye(3)])])
    fitted = sm.OLS(golden.y[0, rows], x).fit()
    return (mean, sum(positive) / sum(days)), fitted.t_test([0, 1, 1, 1]).tvalue.item()


def test_switches_of_tests_across_events_on_the_small_data_set() -> None:
    """``sign``, ``sar``, ``correlation`` and ``intercept``: the program's own numbers are those by hand."""
    from dataclasses import replace

    from tests.engine.battery_sample import build
    from tests.engine.test_golden import design

    golden = design()
    (mean, pooled), origin = by_hand(golden)
    masked = golden.masked.copy()
    masked[1, :10] = True
    sample, _ = build(replace(golden, masked=masked), -1, 1)
    for parts, share in ((PARTS - {"pooled"}, mean), (PARTS, pooled)):
        found = summarised(sample, spread_of(sample), 0.0, parts)
        result = generalized_sign(found, Dependence(n_dates=4), "two-sided")
        assert result.df == f"4;{share:.6g}"
    options = Options(plan=golden.plan, model="capm", windows=((-1, 1),))
    fits, _, result = measured(golden, options.entry.fit(golden), options)
    assert car_t(fits, result, 0.95, "two-sided").t[0, 0] == pytest.approx(origin, rel=1e-10)
    # dates apart: no correlation by calendar, all of it in event time
    apart = np.arange(4)[:, None] * 100 + np.arange(golden.plan.n_days)
    sample, shared = build(golden, -1, 1, day_number=apart)
    assert isinstance(shared, Dependence) and shared.mean_overlap_correlation == 0
    residuals = sample.evidence.residual
    r = float((np.corrcoef(residuals).sum() - 4) / 12)
    assert r == pytest.approx(0.25046386, abs=6e-9)
    relative = summarised(sample, spread_of(sample), 0.0, PARTS)
    calendar = summarised(sample, spread_of(sample), 0.0, PARTS - {"relative"})
    for test, other in ((adj_patell, patell), (kolari_pynnonen, bmp)):
        factor = np.sqrt(1 + 3 * r) / (1 if test is adj_patell else np.sqrt(1 - r))
        one = test(relative, shared, "two-sided").statistic
        assert one == pytest.approx(other(relative, shared, "two-sided").statistic / factor, rel=1e-9)
        assert test(calendar, shared, "two-sided").statistic == pytest.approx(one * factor, rel=1e-9)
    for sar in ("exact", "plain"):
        options = Options(plan=golden.plan, model="market-model", windows=((-1, 1),), conventions=Conventions(sar=sar))
        fits, daily, _ = measured(golden, fit(golden, "market-model"), options)
        scale = np.sqrt(fits.s2)[:, None] * (1.0 if sar == "plain" else np.sqrt(daily.v))
        np.testing.assert_allclose(evidence_of(golden, fits, daily.v, options).sar, daily.ar / scale, rtol=1e-12)


@pytest.mark.parametrize(
    ("word", "moved"),
    [
        ("sar=plain", {"patell-sum", "corrado-zivney", "avar"}),
        ("sign=pooled", {"generalized-sign"}),
        ("correlation=relative", {"adj-patell", "kolari-pynnonen"}),
    ],
)
def test_a_switch_moves_its_tests_and_no_other(word: str, moved: set[str]) -> None:
    """In memory and block by block, through the program."""
    spec = StudySpec(source="snapshot", spec_curve="off", windows=(Window(0, 1),), windows_given=True)
    plain = run(ROOT / "events.csv", spec=spec).aggregate
    other = run(ROOT / "events.csv", spec=spec.with_changes(convention=(word,)))
    limited = Handling(limits=Limits(kept=1, block=2048))
    again = run(ROOT / "events.csv", spec=spec.with_changes(convention=(word,)), handling=limited).aggregate
    table = other.aggregate
    np.testing.assert_allclose(again["statistic"], table["statistic"], rtol=1e-9, equal_nan=True)
    differ = ~np.isclose(plain["statistic"], table["statistic"], rtol=1e-9, equal_nan=True)
    assert set(table["test"][differ]) == moved
    key, _, choice = word.partition("=")
    assert CONVENTION_WORDS[key, choice] in _convention_sentence(other.spec)


def test_the_page_has_words_for_every_convention() -> None:
    assert set(CONVENTION_WORDS) == {(key, choice) for key, choices in CONVENTIONS.items() for choice in choices[1:]}


def test_the_documented_numbers_are_those_of_the_small_data_set() -> None:
    """Every figure of docs/conventions.md, from the package's switches or by hand from the firms' t values."""
    import re

    from scipy import stats

    from tests.engine.test_golden import design

    text = (ROOT / "docs" / "conventions.md").read_text(encoding="utf-8")
    golden, q = design(), 22 / 20

    def t_values(**chosen: str) -> tuple[np.ndarray, float]:
        options = Options(plan=golden.plan, model="market-model", windows=((-1, 1),), conventions=Conventions(**chosen))
        fits, _, result = measured(golden, fit(golden, "market-model"), options)
        exact = car_t(fits, result, 0.95, "two-sided")
        return exact.t[:, 0], float(exact.p[0, 0])

    rows = {
        "the default": {},
        "`sigma=m-1`": {"sigma": "m-1"},
        "`sigma=m`": {"sigma": "m"},
        "`car=per-day`": {"car": "per-day"},
        "`car=sqrt-l`": {"car": "sqrt-l"},
        "`sigma=m-1`, `car=sqrt-l`": {"sigma": "m-1", "car": "sqrt-l"},
        "`robust=hac`": {"robust": "hac"},
    }
    for name, chosen in rows.items():
        t, p = t_values(**chosen)
        wanted = f"| {name} | {t[0]:.4f} | {p:.4f} | {t.sum() / np.sqrt(4 * q):.4f} |"
        assert wanted in text, wanted
    z, _ = t_values()
    r, bmp = 0.25046386, 2 * z.mean() / z.std(ddof=1)
    patell = z.sum() / np.sqrt(4 * q)
    fits, daily, _ = measured(
        golden, fit(golden, "market-model"), Options(plan=golden.plan, model="market-model", windows=((-1, 1),))
    )
    s = np.sqrt(fits.s2)
    window = golden.days(-1, 1)
    ar = daily.ar[:, window.start - golden.window.start : window.stop - golden.window.start]
    shares, t_origin = by_hand(golden)
    pairs = [
        (patell, z.sum() / 2),
        (patell, 1.07635297),
        (2 * stats.t.sf(bmp, 3), 2 * stats.norm.sf(bmp)),
        (1.07635297, float((ar / s[:, None]).sum() / np.sqrt(3 * q * 4))),
        shares,
        (patell, patell / np.sqrt(1 + 3 * r)),
        (z[0], t_origin),
        (patell / np.sqrt(1 + 3 * r), patell * np.sqrt((1 - r) / (1 + 3 * r))),
        (bmp * np.sqrt((1 - r) / (1 + 3 * r)), bmp / np.sqrt(1 + 3 * r)),
    ]
    found = re.findall(r"\| (-?\d+\.\d{4}) \| (-?\d+\.\d{4}) \|$", text, flags=re.M)
    assert [(f"{a:.4f}", f"{b:.4f}") for a, b in pairs] == found[-len(pairs) :]


def test_the_page_says_what_sqrt_l_does_to_one_day_tests() -> None:
    """The figures of docs/conventions.md over the direct events of the sample."""
    text = " ".join((ROOT / "docs" / "conventions.md").read_text(encoding="utf-8").split())
    values = {}
    for convention in ((), ("car=sqrt-l",)):
        spec = StudySpec(
            source="snapshot",
            benchmarks=("SPY", "SOXX"),
            convention=convention,
            spec_curve="off",
            tests=("bmp", "patell"),
        )
        table = run(ROOT / "events.csv", spec=spec).aggregate
        table = table[(table["group"] == "all") & (table["window"] == "[0,0]")].set_index("test")
        values[convention] = table["statistic"]
    exact, plain = values.values()
    assert f"is {plain['bmp']:.2f} instead of {exact['bmp']:.2f}" in text
    assert f"Patell's Z {plain['patell']:.2f} instead of {exact['patell']:.2f}" in text
