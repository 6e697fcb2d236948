"""The battery of multi-event tests against the golden example, naive loops, scipy and exact enumeration."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from eventstudy.engine.abnormal import cars
from eventstudy.engine.models import fit
from eventstudy.engine.moments import CHUNK, summarise, summarise_columns
from eventstudy.engine.significance import bootstrap, cluster, multiple
from eventstudy.engine.significance.battery import GROUP_TESTS
from eventstudy.engine.significance.cross_section import Dependence
from eventstudy.engine.significance.distributions import binomial_p_value
from eventstudy.engine.significance.evidence import average_ranks
from eventstudy.engine.significance.summary import Summary, chunk_summaries, merged, spread_of, summarised
from eventstudy.engine.significance.volatility import brown_forsythe
from eventstudy.engine.windows import Design, WindowPlan
from eventstudy.spec import CLUSTER_TESTS, VALUE_WEIGHTED_TESTS
from eventstudy.spec import GROUP_TESTS as NAMES
from tests.engine.battery_sample import battery, build, panel_design
from tests.engine.single_sample import p_values as single_p
from tests.engine.single_sample import single_block
from tests.engine.test_golden import design as golden_design
from tests.oracles.naive_battery import Event, fit_event, shared, sign_flip_p, statistics

DIGITS = {"rel": 0, "abs": 6e-9}
# golden example: (day 0, window [-1,1])
GOLDEN: dict[str, tuple[float, float]] = {
    "csect-t": (2.92447323, 2.75727556),
    "patell": (2.66912144, 1.05475325),
    "bmp": (2.67950917, 2.58242657),
    "adj-patell": (2.01686442, 0.79700169),
    "kolari-pynnonen": (1.75291115, 1.68940058),
    "stouffer-t": (np.nan, 1.08566145),
    "patell-sum": (2.66912144, 1.07635297),
    "crude-dependence": (2.13164850, 0.76760859),
    "corrado": (1.66785772, 0.66030041),
    "cumrank-t": (np.nan, 0.68012233),
    "grank-t": (1.74649416, 1.75100357),
    "grank-z": (2.28813831, 2.28813831),
    "grank-t-clu": (np.nan, 1.75100357),
    "grank-raw": (np.nan, 0.98041492),
    "corrado-zivney": (1.67635842, np.nan),
    "generalized-sign": (np.nan, 1.0),
    "skew-t-johnson": (np.nan, 0.25726048),
    "skew-t-hall": (np.nan, 0.92247097),
    "cz-sign": (1.44337567, np.nan),
    # one date, one design: the exact portfolio
    "calendar-cov": (2.02354759, 0.70502997),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_the_golden_example(name: str) -> None:
    for (start, end), value in zip(((0, 0), (-1, 1)), GOLDEN[name], strict=True):
        if np.isfinite(value):
            found = battery(golden_design(), start, end, common_days=0)[name]
            assert found.statistic == pytest.approx(value, **DIGITS), (start, end)


def test_the_golden_example_s_other_values() -> None:
    sample, together = build(golden_design(), -1, 1, common_days=0)
    assert together.mean_correlation == pytest.approx(0.25046386, **DIGITS)  # type: ignore[attr-defined]
    sums = summarised(sample, spread_of(sample)).sums
    for name, expected in (("precision", 0.01519565), ("variance_weight", 0.01644593)):
        weight, total = sums[name]
        assert total / weight == pytest.approx(expected, **DIGITS), name
    apart = np.arange(4)[:, None] * 100 + np.arange(golden_design().plan.n_days)
    found = battery(golden_design(), -1, 1, day_number=apart)
    assert found["sign-flip"].p == pytest.approx(0.25) and found["wilcoxon"].p == pytest.approx(0.25)


def test_the_golden_cluster() -> None:
    values = {
        (0, 0): {"conformal-max": 0.04},
        (-1, 1): {"equality": (0.13254092, 0.93954987), "mv-window": (1.59969361, 0.12174477)},
    }
    for (start, end), expected in values.items():
        built = cluster.build_cluster(golden_design(), "market-model", start, end, 3)
        assert not isinstance(built, str)
        found = {r.test: r for r in (cluster.equality(built), cluster.mv_window(built), cluster.conformal_max(built))}
        for name, value in expected.items():
            if isinstance(value, tuple):
                assert (found[name].statistic, found[name].p) == pytest.approx(value, **DIGITS)
            else:
                assert found[name].p == pytest.approx(value)
    assert built.q == pytest.approx(3.40157929, **DIGITS)


def test_a_cluster_of_a_model_without_parameters_by_hand() -> None:
    """market-adjusted: excess returns about their own mean; the window counts as it is, every day on its own."""
    plan = WindowPlan(estimation=50, gap=2, start=0, end=2)
    rng = np.random.default_rng(17)
    market = rng.normal(0, 0.01, plan.n_days)
    returns = market + rng.normal(0.002, 0.02, (3, plan.n_days))
    day0 = plan.column(0)
    built = cluster.build_cluster(panel_design(returns, market, plan, day0), "market-adjusted", 0, 2, 30)
    assert not isinstance(built, str)
    excess = [[float(r - m) for r, m in zip(firm, market, strict=True)] for firm in returns]
    for i in range(3):
        assert built.car[i] == pytest.approx(math.fsum(excess[i][day0 : day0 + 3]), rel=1e-12)
        for j in range(3):
            means = [math.fsum(excess[k][:50]) / 50 for k in (i, j)]
            products = [(excess[i][t] - means[0]) * (excess[j][t] - means[1]) for t in range(50)]
            assert built.covariance[i, j] == pytest.approx(math.fsum(products) / 49, rel=1e-10)
    assert built.nu == 49 and built.q == 3 and not built.leverage.any()


def test_wilks_lambda_is_that_of_statsmodels() -> None:
    import statsmodels.multivariate.multivariate_ols as mv

    plan = WindowPlan(estimation=80, gap=0, start=0, end=3)
    rng = np.random.default_rng(5)
    market = rng.normal(0, 0.01, 84)
    returns = market + rng.normal(0, 0.02, (3, 84))
    built = cluster.build_cluster(panel_design(returns, market, plan, 80), "market-model", 0, 3, 30)
    assert not isinstance(built, str)
    x = np.column_stack([np.ones(84), market, np.eye(84)[:, 80:]])
    test = mv._MultivariateOLS(returns.T, x).fit().mv_test([("window", np.eye(6)[2:])])
    wilks = test.results["window"]["stat"].loc["Wilks' lambda"]
    found = cluster.mv_window(built)
    assert found.statistic == pytest.approx(float(wilks["F Value"]), rel=1e-9)
    assert found.p == pytest.approx(float(wilks["Pr > F"]), rel=1e-8)


def ragged(seed: int, n: int = 14, *, one_date: bool = False) -> tuple[Design, np.ndarray, list[Event], np.ndarray]:
    """Events with holes, some of one firm, on dates that overlap, as a design and as naive events."""
    rng = np.random.default_rng(seed)
    plan = WindowPlan(estimation=70, gap=4, start=-2, end=3)
    width, day0 = plan.n_days, -plan.estimation_start
    offsets = np.zeros(n, dtype=int) if one_date else np.sort(rng.integers(0, 25, n))
    common = rng.normal(0, 0.01, width + 40)
    market = np.stack([common[o : o + width] for o in offsets])
    shock = rng.normal(0, 0.01, width + 40)
    returns = np.stack(
        [
            (0.8 + 0.05 * i) * market[i] + shock[offsets[i] : offsets[i] + width] + rng.standard_t(5, width) * 0.012
            for i in range(n)
        ]
    )
    firms = np.arange(n)
    if not one_date:
        firms[n - 1] = firms[n - 2]
    holes = rng.random((n, width)) < 0.06
    holes[:, plan.column(-2) :] = False
    returns[holes] = np.nan
    # a value that occurs twice, for the ranks
    returns[0, 5] = returns[0, 6]
    market[0, 5] = market[0, 6]
    days = offsets[:, None] + np.arange(width)
    events = [
        fit_event(
            returns[i],
            market[i],
            range(plan.estimation_start, plan.estimation_end + 1),
            range(-2, 4),
            day0,
            int(offsets[i]),
            int(firms[i]),
        )
        for i in range(n)
    ]
    return panel_design(returns, market, plan, day0), days, events, firms


@pytest.mark.parametrize("window", [(0, 0), (-1, 1), (0, 3)])
@pytest.mark.parametrize("one_date", [False, True])
def test_every_statistic_by_a_naive_loop(window: tuple[int, int], one_date: bool) -> None:
    design, days, events, firms = ragged(11, one_date=one_date)
    found = battery(design, *window, day_number=days, series=firms)
    expected = statistics(events, list(range(window[0], window[1] + 1)), list(range(-2, 4)))
    for name, value in expected.items():
        assert found[name].statistic == pytest.approx(value, rel=1e-9, abs=1e-12), name
    missing = (
        set(GROUP_TESTS)
        - set(expected)
        - {"wild-bootstrap", "sign-flip", "lbt-bootstrap", "im-t", "conformal-dispersion"}
        - set(VALUE_WEIGHTED_TESTS)
    )
    assert missing <= {"cz-sign"}, "every identifier has its loop"


def test_what_events_share_by_a_naive_loop() -> None:
    design, days, events, firms = ragged(12)
    _, found = build(design, -1, 1, day_number=days, series=firms)
    expected = shared(events, [-1, 0, 1], 30)
    assert isinstance(found, Dependence)
    assert found.mean_overlap_correlation == pytest.approx(expected["ro"], rel=1e-10)
    assert found.mean_overlap == pytest.approx(expected["tau"], rel=1e-12)
    assert found.mean_correlation == pytest.approx(expected["r"], rel=1e-10)
    assert found.variance == pytest.approx(expected["variance"], rel=1e-10)
    assert 0 < found.n_overlapping < len(events) * (len(events) - 1) / 2


@pytest.mark.slow
def test_the_calendar_covariance_by_simulation() -> None:
    """c'Omega c is the variance of the mean CAR: events three sessions apart, errors common to all firms."""
    rng = np.random.default_rng(77)
    plan = WindowPlan(estimation=60, gap=2, start=0, end=4)
    offsets, draws = np.array([0, 0, 2, 3]), 4000
    width = plan.n_days
    market = rng.normal(0, 0.01, width + 3)
    means, formulas = [], []
    for _ in range(draws):
        common = rng.normal(0, 0.01, width + 3)
        own = rng.normal(0, 0.01, (4, width + 3))
        returns = np.stack([(common + own[i])[o : o + width] for i, o in enumerate(offsets)])
        markets = np.stack([market[o : o + width] for o in offsets])
        sample, together = build(
            panel_design(returns, markets, plan, -plan.estimation_start),
            0,
            4,
            day_number=offsets[:, None] + np.arange(width),
        )
        means.append(sample.car.mean())
        formulas.append(together.variance)  # type: ignore[attr-defined]
    assert np.mean(formulas) == pytest.approx(np.var(means), rel=0.08)


@pytest.mark.parametrize("side", ["two-sided", "less", "greater"])
def test_exact_laws_are_those_of_scipy(side: str) -> None:
    design, days, events, firms = ragged(13)
    found = battery(design, 0, 0, side, day_number=days, series=firms)
    x = [e.car([0]) for e in events]
    assert found["wilcoxon"].p == pytest.approx(stats.wilcoxon(x, alternative=side, mode="exact").pvalue)
    positive, n = sum(v > 0 for v in x), len(x)
    exact = {"less": stats.binom.cdf(positive, n, 0.5), "greater": stats.binom.sf(positive - 1, n, 0.5)}
    expected = exact.get(side, min(1.0, 2 * min(exact.values())))
    assert found["sign"].p == pytest.approx(expected)
    assert binomial_p_value(0, 5, 0.4, "greater") == 1.0
    assert found["csect-t"].p == pytest.approx(stats.ttest_1samp(x, 0, alternative=side).pvalue)


def test_many_events_use_the_normal_law_of_signed_ranks() -> None:
    plan = WindowPlan(estimation=60, gap=0, start=0, end=0)
    rng = np.random.default_rng(3)
    design = panel_design(rng.normal(0, 0.02, (70, 61)), rng.normal(0, 0.01, (70, 61)), plan, 60)
    sample, _ = build(design, 0, 0)
    found = battery(design, 0, 0)["wilcoxon"]
    expected = stats.wilcoxon(sample.car, mode="approx", correction=False).pvalue
    assert found.null == "normal" and found.p == pytest.approx(expected, rel=1e-9)


def test_sign_flips_are_enumerated_by_date() -> None:
    design, days, events, firms = ragged(14, n=9)
    found = battery(design, 0, 1, day_number=days, series=firms)["sign-flip"]
    x, dates = [e.car([0, 1]) for e in events], [e.date for e in events]
    assert len(set(dates)) < len(dates), "some dates repeat"
    assert found.p == pytest.approx(sign_flip_p(x, dates))
    assert found.df == str(2 ** len(set(dates)))


def test_average_ranks_are_those_of_scipy() -> None:
    rng = np.random.default_rng(1)
    values = np.round(rng.normal(size=(40, 30)), 1)
    values[rng.random(values.shape) < 0.2] = np.nan
    expected = stats.rankdata(values, axis=1, nan_policy="omit")
    np.testing.assert_array_equal(average_ranks(values), np.where(np.isfinite(values), expected, np.nan))


def test_merging_in_any_partition_gives_the_same_digits() -> None:
    """Chunks summarised alone and merged in order are the whole, to the last bit."""
    plan = WindowPlan(estimation=30, gap=0, start=0, end=1)
    rng = np.random.default_rng(8)
    n = 2 * CHUNK + 300
    design = panel_design(rng.normal(0, 0.02, (n, 32)), rng.normal(0, 0.01, (n, 32)), plan, 30)
    sample, _ = build(design, 0, 1)
    spread = spread_of(sample)
    whole = summarised(sample, spread)
    for cuts in ((0, CHUNK, n), (0, 2 * CHUNK, n), (0, CHUNK, 2 * CHUNK, n)):
        parts = [chunk_summaries(sample.part(a, b), spread) for a, b in itertools.pairwise(cuts)]
        same(whole, merged(itertools.chain.from_iterable(parts)))
    assert summarise(sample.car) == whole.car


def same(one: Summary, other: Summary) -> None:
    assert one.car.count == other.car.count
    for name in one.sums:
        np.testing.assert_array_equal(one.sums[name], other.sums[name], err_msg=name)
    for name in one.values:
        np.testing.assert_array_equal(one.values[name], other.values[name])


def test_moments_merge_to_those_of_numpy() -> None:
    rng = np.random.default_rng(9)
    values = rng.gamma(2, 1, 9000)
    found = summarise(values)
    assert found.skewness == pytest.approx(stats.skew(values, bias=False), rel=1e-9)
    assert found.standard_deviation == pytest.approx(values.std(ddof=1), rel=1e-12)


@pytest.mark.parametrize(
    ("size", "cubes", "squares"), [(1e90, True, True), (1e120, False, True), (1e200, False, False)]
)
@pytest.mark.parametrize("n", [50, CHUNK + 50])
def test_what_overflows_is_no_number(size: float, cubes: bool, squares: bool, n: int) -> None:
    """Squares of 1e200 and cubes of 1e120 do not fit into a float: no test gets an infinite or a zero statistic."""
    values = np.random.default_rng(4).standard_gamma(2.0, n)
    plain, found = summarise(values), summarise(values * size)
    assert found.mean == pytest.approx(plain.mean * size, rel=1e-12)
    wanted = plain.standard_deviation * size if squares else np.nan
    assert found.standard_deviation == pytest.approx(wanted, rel=1e-12, nan_ok=True)
    assert found.skewness == pytest.approx(plain.skewness if cubes else np.nan, rel=1e-9, nan_ok=True)
    columns = summarise_columns(values[:CHUNK, None] * size).merge(summarise_columns(values[CHUNK:, None] * size))
    assert columns.column(0).standard_deviation == pytest.approx(wanted, rel=1e-12, nan_ok=True)
    assert columns.column(0).skewness == pytest.approx(plain.skewness if cubes else np.nan, rel=1e-9, nan_ok=True)


def test_adjusted_p_values_are_those_of_statsmodels() -> None:
    from statsmodels.stats.multitest import multipletests

    p = np.array([0.04, 0.001, np.nan, 0.3, 0.012, 0.04])
    known = np.isfinite(p)
    for name, adjust in (
        ("bonferroni", multiple.bonferroni),
        ("holm", multiple.holm),
        ("fdr_bh", multiple.benjamini_hochberg),
        ("fdr_by", multiple.benjamini_yekutieli),
    ):
        found = adjust(p)
        np.testing.assert_allclose(found[known], multipletests(p[known], method=name)[1], rtol=1e-12)
        assert np.isnan(found[~known]).all()


def test_volatility_tests() -> None:
    import statsmodels.api as sm

    rng = np.random.default_rng(21)
    plan = WindowPlan(estimation=80, gap=3, start=0, end=11)
    returns, market = rng.normal(0, 0.02, (2, plan.n_days)), rng.normal(0, 0.01, plan.n_days)
    returns[0, 7] = np.nan
    design = panel_design(returns, market, plan, 83)
    fits = fit(design, "market-model")
    names = ("window-f", "vol-f", "vol-conformal", "vol-bf")
    found = single_block(design, fits, "market-model", [(0, 0), (0, 2), (0, 11)], names).columns
    for w, length in enumerate((1, 3, 12)):
        rows = np.r_[0:80, 83 : 83 + length]
        for i in range(2):
            keep = rows[np.isfinite(returns[i, rows])]
            dummies = (keep[:, None] == np.arange(83, 83 + length)).astype(float)
            model = sm.OLS(returns[i, keep], np.column_stack([np.ones(len(keep)), market[keep], dummies])).fit()
            test = model.f_test(np.eye(2 + length)[2:])
            assert found["p_f"][i, w] == pytest.approx(float(test.pvalue), rel=1e-9)
            ring = sm.OLS(returns[i, keep], sm.add_constant(market[keep])).fit().resid
            sums = [sum(ring[(t - k) % len(ring)] ** 2 for k in range(length)) for t in range(len(ring))]
            assert found["p_vol_conformal"][i, w] == pytest.approx(np.mean([v >= sums[-1] - 1e-18 for v in sums]))
    assert np.isnan(found["p_vol_bf"][:, :2]).all()
    residual = fits.residual[1]
    expected = stats.levene(residual[:80], residual[83:95], center="median").pvalue
    assert found["p_vol_bf"][1, 2] == pytest.approx(expected, rel=1e-9)
    assert np.isnan(brown_forsythe(np.zeros((1, 5)), np.zeros((1, 5)))).all(), "undefined"
    ratio = (residual[83:86] ** 2).mean() / fits.s2[1]
    assert found["avar"][1, 1] == pytest.approx(ratio, rel=1e-12)


def test_rank_exact_equals_the_sample_quantile_without_ties() -> None:
    rng = np.random.default_rng(31)
    plan = WindowPlan(estimation=60, gap=0, start=0, end=1)
    design = panel_design(rng.normal(0, 0.02, (50, 62)), rng.normal(0, 0.01, (50, 62)), plan, 60)
    fits = fit(design, "market-model")
    windows = [(0, 0), (0, 1)]
    for side in ("two-sided", "less", "greater"):
        found = single_p(design, fits, "market-model", windows, ("rank-exact", "sq"), alternative=side)
        np.testing.assert_allclose(found["rank-exact"][:, 0], found["sq"][:, 0], rtol=1e-12)
        assert np.isnan(found["rank-exact"][:, 1]).all() and np.isnan(found["sq"][:, 1]).all()


@pytest.mark.parametrize("scheme", bootstrap.SCHEMES)
def test_bootstraps_agree_with_the_t_distribution(scheme: str) -> None:
    rng = np.random.default_rng(41)
    plan = WindowPlan(estimation=200, gap=0, start=0, end=2)
    design = panel_design(rng.normal(0, 0.02, (30, 203)), rng.normal(0, 0.01, (30, 203)), plan, 200)
    fits = fit(design, "market-model")
    result = cars(design, fits, "market-model", [(0, 2)])
    seeds = np.arange(30)
    p = single_p(design, fits, "market-model", [(0, 2)], [scheme], seed=seeds)[scheme]
    t = result.car[:, 0] / np.sqrt(fits.s2 * result.q[:, 0])
    exact = 2 * stats.t.sf(np.abs(t), 198)
    assert np.abs(p[:, 0] - exact).max() < 0.12 and np.corrcoef(p[:, 0], exact)[0, 1] > 0.98
    assert (p > 0).all()
    again = single_p(design, fits, "market-model", [(0, 2)], [scheme], seed=seeds)[scheme]
    np.testing.assert_array_equal(p, again)
    other = single_p(design, fits, "market-model", [(0, 2)], [scheme], seed=seeds + 1)[scheme]
    assert (p != other).any()


def test_names_in_the_settings_are_those_of_the_tables() -> None:
    from eventstudy.evaluate.clusters import ADJUSTED, JOINT

    assert tuple(GROUP_TESTS) == NAMES
    assert set(CLUSTER_TESTS) == {*JOINT, *ADJUSTED, "romano-wolf"}


# --- what cannot be computed, and what is visibly violated


def test_small_samples_say_what_is_undefined() -> None:
    plan = WindowPlan(estimation=60, gap=0, start=0, end=0)
    rng = np.random.default_rng(51)
    apart = np.arange(2)[:, None] * 500 + np.arange(61)
    two = battery(
        panel_design(rng.normal(0, 0.02, (2, 61)), rng.normal(0, 0.01, (2, 61)), plan, 60), 0, 0, day_number=apart
    )
    for name in ("skew-t-johnson", "skew-t-hall", "lbt-bootstrap", "wild-bootstrap"):
        assert two[name].applicable == "no" and two[name].reason and np.isnan(two[name].p), name
    assert two["bmp"].applicable == "warn" and "N = 2" in two["bmp"].reason
    assert "too often" in two["grank-t"].reason and "too often" in two["corrado-zivney"].reason


def test_shared_dates_and_risen_variance_are_named() -> None:
    plan = WindowPlan(estimation=60, gap=0, start=0, end=0)
    rng = np.random.default_rng(52)
    returns = rng.normal(0, 0.02, (40, 61))
    market = rng.normal(0, 0.01, (40, 61))
    apart = np.arange(40)[:, None] * 500 + np.arange(61)
    calm = battery(panel_design(returns, market, plan, 60), 0, 0, day_number=apart)
    warned = {name: r.reason for name, r in calm.items() if r.applicable == "warn"}
    assert warned == {"lbt-bootstrap": "N = 40 is small"}
    together = battery(panel_design(returns, market, plan, 60), 0, 0)
    for name in ("csect-t", "patell", "bmp", "stouffer-t", "sign", "wilcoxon", "grank-z", "cumrank-z", "skew-t-hall"):
        assert together[name].applicable == "warn" and "40 events on 1 dates" in together[name].reason, name
    assert "events on 1 dates" in together["grank-t"].reason and "grank-t-clu" in together["grank-t"].reason
    assert "dates" not in calm["grank-t"].reason
    for name in ("kolari-pynnonen", "calendar-cov", "corrado", "crude-dependence"):
        assert together[name].applicable == "yes", (name, together[name].reason)
    returns[:, 60] *= 3
    risen = battery(panel_design(returns, market, plan, 60), 0, 0, day_number=apart)
    for name in ("patell", "stouffer-t", "adj-patell", "corrado", "grank-raw", "calendar-cov"):
        assert "event-induced variance" in risen[name].reason, name
    assert risen["bmp"].applicable == "yes" and risen["vol-ratio-csect"].p < 0.001


def test_a_negative_correlation_never_helps() -> None:
    plan = WindowPlan(estimation=60, gap=0, start=0, end=0)
    rng = np.random.default_rng(53)
    noise = rng.normal(0, 0.02, 61)
    returns = np.stack([noise, -noise + rng.normal(0, 0.001, 61)])
    found = battery(panel_design(returns, rng.normal(0, 0.01, 61), plan, 60), 0, 0)
    assert found["adj-patell"].statistic == found["patell"].statistic
    assert "taken as 0" in found["adj-patell"].reason
    assert abs(found["kolari-pynnonen"].statistic) == pytest.approx(abs(found["bmp"].statistic))


def test_kolari_and_pynnonen_collapse_to_bmp_without_overlap() -> None:
    design, _, _, _ = ragged(15)
    apart = np.arange(14)[:, None] * 500 + np.arange(design.plan.n_days)
    found = battery(design, 0, 3, day_number=apart)
    assert found["kolari-pynnonen"].statistic == found["bmp"].statistic == found["kpp"].statistic
    assert found["adj-patell"].statistic == found["patell"].statistic


def test_a_tied_day_takes_the_middle_rank() -> None:
    """corrado-zivney ranks both together, as SciPy does."""
    plan = WindowPlan(estimation=30, gap=0, start=0, end=1)
    rng = np.random.default_rng(23)
    market = rng.normal(0, 0.01, plan.n_days)
    returns = market + rng.normal(0, 0.02, (5, plan.n_days))
    sample, _ = build(panel_design(returns, market, plan, plan.column(0)), 0, 1)
    evidence, spread = sample.evidence, spread_of(sample)
    window = evidence.sar[sample.rows, sample.days] / spread.sar_deviation
    standard = evidence.residual / evidence.scale[:, None]
    standard[sample.rows[0], [3, 7]], standard[sample.rows[1], 5] = window[0, 0], window[1, 1]
    tied = replace(evidence, residual=standard, scale=np.ones(5), ranked=average_ranks(standard))
    found = summarised(replace(sample, evidence=tied), spread).sums["zivney_u"]
    together = np.concatenate([standard[sample.rows], window], axis=1)
    ranks = np.stack([stats.rankdata(row) for row in together])
    np.testing.assert_allclose(found, (ranks / (ranks.shape[1] + 1) - 0.5).sum(axis=0), rtol=1e-12, atol=1e-12)
