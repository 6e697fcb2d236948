"""Regressions of CARs against statsmodels on designs made by hand, and the wild bootstrap against refitting loops."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from statsmodels.stats.sandwich_covariance import cov_cluster_2groups

from eventstudy.errors import NothingStudied, UsageError
from eventstudy.evaluate.coefficients import Coefficient
from eventstudy.evaluate.coefficients import Sample as Drawn
from eventstudy.evaluate.regress import Regression, coefficients, fits, regress, regression_rows
from eventstudy.evaluate.wild import wild_cluster
from eventstudy.results import StudyResult
from eventstudy.spec import StudySpec, Window
from eventstudy.study import run
from tests.conftest import ROOT

EXACT = 1e-12


def rows_by_hand(result: StudyResult, window: str | None = None) -> pd.DataFrame:
    """The rows of a regression from windows.csv alone, one per (ticker, day 0)."""
    table = result.windows
    chosen = table[table["primary"] == "yes"] if window is None else table[table["window"] == window]
    # days picked because of their outcome explain nothing
    chosen = chosen[chosen["role"] != "outcome"]
    rank = chosen["role"].map({"direct": 0, "peer": 1, "placebo": 2})
    ordered = chosen.assign(rank=rank, place=range(len(chosen))).sort_values(["rank", "place"])
    return ordered.drop_duplicates(["ticker", "day0"]).sort_values("place")


def line(found: Regression, estimator: str, variance: str, term: str) -> Coefficient:
    return next(c for c in found.coefficients if (c.estimator, c.variance, c.term) == (estimator, variance, term))


def test_everything_equals_statsmodels_by_hand(sample: StudyResult) -> None:
    (found,) = regress(sample.studied, "car ~ C(role)")
    rows = rows_by_hand(sample)
    y = rows["car"].to_numpy()
    x = np.column_stack([np.ones(len(y)), rows["role"] == "peer", rows["role"] == "placebo"]).astype(float)
    groups = pd.factorize(rows["day0"])[0]
    cluster = {"cov_type": "cluster", "cov_kwds": {"groups": groups}, "use_t": True}
    weights = 1 / rows["std_error"].to_numpy() ** 2
    expected = {
        ("ols", "hc3"): sm.OLS(y, x).fit(cov_type="HC3", use_t=True),
        ("ols", "cluster"): sm.OLS(y, x).fit(**cluster),
        ("wls", "hc3"): sm.WLS(y, x, weights=weights).fit(cov_type="HC3", use_t=True),
        ("wls", "cluster"): sm.WLS(y, x, weights=weights).fit(**cluster),
    }
    assert (found.n, found.n_dates) == (len(y), len(set(groups)))
    assert found.r_squared == pytest.approx(expected["ols", "hc3"].rsquared, rel=EXACT)
    for (estimator, variance), theirs in expected.items():
        for j, term in enumerate(("Intercept", "C(role)[T.peer]", "C(role)[T.placebo]")):
            ours = line(found, estimator, variance, term)
            assert ours.estimate == pytest.approx(theirs.params[j], rel=EXACT)
            assert ours.std_error == pytest.approx(theirs.bse[j], rel=EXACT)
            assert ours.statistic == pytest.approx(theirs.tvalues[j], rel=EXACT)
            assert ours.p == pytest.approx(theirs.pvalues[j], rel=EXACT)
            assert (ours.ci_low, ours.ci_high) == pytest.approx(theirs.conf_int()[j], rel=EXACT)
            assert ours.df == str(found.n_dates - 1 if variance == "cluster" else len(y) - 3)
    slopes = [line(found, "ols", "hc3", t) for t in ("C(role)[T.peer]", "C(role)[T.placebo]")]
    small, large = sorted(slopes, key=lambda c: c.p)
    assert small.p_holm == pytest.approx(2 * small.p)
    assert large.p_holm == pytest.approx(max(2 * small.p, large.p))


def test_clustered_statistic_of_the_bootstrap_is_statsmodels(sample: StudyResult) -> None:
    (found,) = regress(sample.studied, "car ~ C(role)")
    for term in ("Intercept", "C(role)[T.peer]", "C(role)[T.placebo]"):
        assert line(found, "ols", "wild-cluster", term).statistic == pytest.approx(
            line(found, "ols", "cluster", term).statistic, rel=1e-9
        )


@pytest.mark.parametrize("column", [0, 1, 2])
def test_wild_bootstrap_equals_refitting_every_pattern(column: int) -> None:
    rng = np.random.default_rng(7)
    cluster = np.array([0, 0, 0, 1, 1, 2, 3, 3, 4, 4, 4, 4, 5, 5, 6])
    x = np.column_stack([np.ones(15), rng.normal(size=15), rng.normal(size=7)[cluster] * 1e6])
    y = 0.3 * x[:, 1] + rng.normal(size=7)[cluster] + rng.normal(size=15)
    without = np.delete(x, column, axis=1)
    null = sm.OLS(y, without).fit()
    kwds = {"cov_type": "cluster", "cov_kwds": {"groups": cluster}, "use_t": True}
    observed = sm.OLS(y, x).fit(**kwds).tvalues[column]
    more = 0
    for signs in itertools.product((1.0, -1.0), repeat=7):
        drawn = null.fittedvalues + null.resid * np.array(signs)[cluster]
        more += abs(sm.OLS(drawn, x).fit(**kwds).tvalues[column]) >= abs(observed) * (1 - 1e-7)
    t, p, draws = wild_cluster(y, x, cluster, column)
    assert t == pytest.approx(observed, rel=1e-9)
    assert (p, draws) == (more / 128, 128)


def test_the_mean_by_wild_bootstrap_is_a_sign_flip_of_dates() -> None:
    rng = np.random.default_rng(1)
    cluster = np.repeat(np.arange(6), 2)
    y = rng.normal(0.8, 1, 12)
    total = np.array([y[cluster == g].sum() for g in range(6)])
    t = []
    for signs in itertools.product((1.0, -1.0), repeat=6):
        flipped = y * np.array(signs)[cluster]
        score = [(flipped - flipped.mean())[cluster == g].sum() for g in range(6)]
        t.append(abs((total * signs).sum()) / np.sqrt(np.square(score).sum()))
    p = wild_cluster(y, np.ones((12, 1)), cluster, 0)[1]
    assert p == pytest.approx(np.mean(np.array(t) >= t[0] * (1 - 1e-9)))


def test_more_than_twelve_dates_use_the_plus_one_rule() -> None:
    rng = np.random.default_rng(3)
    cluster = np.arange(40)
    x = np.column_stack([np.ones(40), rng.normal(size=40)])
    _, strong, draws = wild_cluster(5 * x[:, 1] + rng.normal(size=40), x, cluster, 1)
    assert draws == 999
    assert strong == pytest.approx(1 / 1000)


def test_one_row_per_ticker_and_session_direct_first(sample: StudyResult) -> None:
    studied = sample.studied
    by_hand = rows_by_hand(sample)
    ours = [(studied.text(i, "event_id"), studied.text(i, "ticker")) for i in regression_rows(studied)]
    assert ours == list(zip(by_hand["event_id"], by_hand["ticker"], strict=True))
    # 16 April 2025 carries three announcements; NVDA's own one stands for it
    assert ("h20_license_8k", "NVDA") in ours
    assert ("asml_q1_2025", "NVDA") not in ours
    assert ("asml_q1_2025", "ASML") in ours


def test_named_windows_each_make_a_regression() -> None:
    spec = StudySpec(source="snapshot", windows=(Window(0, 0), Window(-1, 1)), windows_given=True, tests=("car-t",))
    result = run(ROOT / "events.csv", spec=spec)
    found = regress(result.studied, "car ~ 1")
    assert [r.window for r in found] == ["[0,0]", "[-1,1]"]
    for r in found:
        rows = rows_by_hand(result, r.window)
        assert line(r, "ols", "cluster", "Intercept").estimate == pytest.approx(rows["car"].mean(), rel=EXACT)


def frame(**columns: list[str]) -> pd.DataFrame:
    """Events of the sample's tickers on scattered dates, with columns of one's own."""
    n = len(next(iter(columns.values())))
    days = pd.bdate_range("2024-01-08", periods=n, freq="7B")
    tickers = [("NVDA", "AMD", "ASML")[i % 3] for i in range(n)]
    return pd.DataFrame({"ticker": tickers, "announced_at": days.strftime("%Y-%m-%d"), "timing": "bmo", **columns})


def study(**columns: list[str]) -> StudyResult:
    return run(frame(**columns), spec=StudySpec(source="snapshot", tests=("car-t",), gap=0))


def test_columns_are_numbers_or_categories_and_gaps_count() -> None:
    result = study(surprise=[str(i % 5) for i in range(24)], kind=["a", "b", ""] * 8)
    (found,) = regress(result.studied, "surprise + kind", allow_small=True)
    assert [c.term for c in found.coefficients if (c.estimator, c.variance) == ("ols", "hc3")] == [
        "Intercept",
        "surprise",
        "kind[T.b]",
    ]
    assert (found.n, found.n_dropped) == (16, 8)
    assert found.main == "hc3"
    assert {c.variance for c in found.coefficients} == {"hc3", "freedman-lane"}


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("surprise", "same value on all"),
        ("kind", "kind is 'earnings' on every row"),
        ("log(word)", "is used in arithmetic and holds"),
        ("log(minus)", "is not a number on"),
        ("a + b", "singular .* is a combination of the others"),
        ("C(other) + other", "singular"),
        ('C(other, Treatment("z"))', "has no value 'z'"),
        ("unique", "too few for"),
        ("none", "no row has a value|is empty|does not give a design matrix"),
    ],
)
def test_designs_that_cannot_be_estimated_are_sentences(formula: str, message: str) -> None:
    n = 24
    result = study(
        surprise=["0.02"] * n,
        kind=["earnings"] * n,
        word=["3", "x"] * (n // 2),
        minus=["-1", "2"] * (n // 2),
        a=[str(i) for i in range(n)],
        b=[str(2 * i) for i in range(n)],
        other=["u", "v"] * (n // 2),
        unique=[f"w{i}" for i in range(n)],
        none=[""] * n,
    )
    with pytest.raises(UsageError, match=message):
        regress(result.studied, formula)


def test_several_regressors_on_few_rows_are_refused() -> None:
    rng = np.random.default_rng(0)
    result = study(a=[f"{v:.4f}" for v in rng.normal(size=12)], b=[f"{v:.4f}" for v in rng.normal(size=12)])
    with pytest.raises(UsageError, match=r"2 regressors on 12 rows.*allow_small=True"):
        regress(result.studied, "a + b")
    assert regress(result.studied, "a + b", allow_small=True)[0].n == 12
    assert regress(result.studied, "a")[0].n == 12


def test_firms_and_dates_that_repeat(sample: StudyResult) -> None:
    """Three firms: the two-way lines are there, by statsmodels, and say that three firms cannot reject."""
    (found,) = regress(sample.studied, "car ~ C(role)")
    rows = rows_by_hand(sample)
    y = rows["car"].to_numpy()
    x = np.column_stack([np.ones(len(y)), rows["role"] == "peer", rows["role"] == "placebo"]).astype(float)
    firm, date = (pd.factorize(rows[name])[0] for name in ("ticker", "day0"))
    expected = cov_cluster_2groups(sm.OLS(y, x).fit(), firm, date)[0]
    for j, term in enumerate(("Intercept", "C(role)[T.peer]", "C(role)[T.placebo]")):
        ours = line(found, "ols", "cluster-two-way", term)
        if "eigen_fixed" not in ours.reason and ours.applicable != "no":
            assert ours.std_error == pytest.approx(np.sqrt(expected[j, j]), rel=1e-9)
            assert ours.df == str(min(firm.max(), date.max()))
        wild = line(found, "ols", "wild-two-way", term)
        assert wild.applicable in ("warn", "no") and (wild.applicable == "no" or "nothing can be found" in wild.reason)
    assert found.main == "wild-cluster", "three firms are too few for signs of their own"
    interval = line(found, "ols", "wild-cluster", "Intercept")
    assert interval.ci_low < interval.estimate < interval.ci_high


def test_a_coefficient_that_rests_on_one_row_has_no_hc3() -> None:
    result = study(kind=["odd", *["even"] * 23])
    (found,) = regress(result.studied, "kind")
    assert {c.applicable for c in found.coefficients if c.variance == "hc3"} == {"no"}
    assert all("rests on a single row" in c.reason for c in found.coefficients if c.variance == "hc3")


def test_few_dates_are_said(sample: StudyResult) -> None:
    spec = StudySpec(source="snapshot", tests=("car-t",))
    only = ("us_ai_chip_rule_2022_8k", "bis_rule_2022_10_07", "bis_rule_2023_10_17")
    (found,) = regress(run(ROOT / "events.csv", spec=spec, only=only).studied, "car ~ 1")
    wild = line(found, "ols", "wild-cluster", "Intercept")
    assert (wild.null, wild.df, wild.applicable) == ("enumeration", "8", "warn")
    assert "smallest p is 0.25" in wild.reason
    assert wild.p >= 0.25


def test_an_exact_fit_has_no_test() -> None:
    y = np.repeat([0.01, 0.02], 6)
    drawn = Drawn(
        y=y,
        x=np.column_stack([np.ones(12), np.repeat([0.0, 1.0], 6)]),
        names=("Intercept", "x"),
        variance=np.ones(12),
        cluster=np.arange(12),
        n_dropped=0,
    )
    assert {c.applicable for f in fits(drawn, 12) for c in coefficients(f, drawn, 0.95)} == {"no"}


def test_nothing_studied_is_said() -> None:
    events = pd.DataFrame({"ticker": ["NVDA"], "announced_at": ["1996-07-12"]})
    result = run(events, spec=StudySpec(source="snapshot", tests=("car-t",)))
    with pytest.raises(NothingStudied):
        regress(result.studied, "car ~ 1")


def test_large_samples_take_hc1() -> None:
    rng = np.random.default_rng(8)
    x = np.column_stack([np.ones(260), rng.normal(size=260)])
    y = 0.1 * x[:, 1] + rng.normal(size=260) * (1 + np.abs(x[:, 1]))
    drawn = Drawn(y=y, x=x, names=("Intercept", "x"), variance=np.ones(260), cluster=np.arange(260), n_dropped=0)
    (ours,) = [f for f in fits(drawn, 260) if f.estimator == "ols"]
    assert ours.variance == "hc1"
    theirs = sm.OLS(y, x).fit(cov_type="HC1", use_t=True)
    np.testing.assert_allclose([c.std_error for c in coefficients(ours, drawn, 0.95)], theirs.bse, rtol=EXACT)


def test_one_date_alone_is_said() -> None:
    spec = StudySpec(source="snapshot", tests=("car-t",))
    (found,) = regress(run(ROOT / "events.csv", spec=spec, only=("bis_rule_2022_10_07",)).studied, "car ~ 1")
    assert {c.variance for c in found.coefficients} == {"hc3"}
    assert all("share one date" in c.reason for c in found.coefficients)
