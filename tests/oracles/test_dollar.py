"""CARs in money: the golden example, the price file, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

from eventstudy.engine.significance.cluster import build_cluster, weighted_sum
from eventstudy.engine.windows import Design
from eventstudy.errors import UsageError
from eventstudy.results import StudyResult
from eventstudy.spec import StudySpec
from eventstudy.study import run
from tests.conftest import ROOT
from tests.engine.test_golden import design as golden_design
from tests.oracles.test_study import returns as returns_fixture

returns = returns_fixture

SHARES = {"NVDA": 24.4e9, "AMD": 1.62e9, "ASML": 0.393e9}


def test_the_golden_example() -> None:
    """Market values 3000, 500, 350 and 800: 76.51706949, standard error 88.96391526, t 0.86009107."""
    design: Design = golden_design()
    cluster = build_cluster(design, "market-model", -1, 1, 3)
    assert not isinstance(cluster, str)
    total, std_error = weighted_sum(cluster, np.array([3000.0, 500.0, 350.0, 800.0]))
    assert total == pytest.approx(76.51706949, abs=6e-9)
    assert std_error == pytest.approx(88.96391526, abs=6e-9)
    assert total / std_error == pytest.approx(0.86009107, abs=6e-9)


@pytest.fixture(scope="module")
def priced() -> StudyResult:
    spec = StudySpec(
        source="snapshot", spec_curve="off", tests=("car-t",), shares=tuple(f"{t}={n}" for t, n in SHARES.items())
    )
    return run(ROOT / "events.csv", spec=spec)


def test_each_event_by_the_price_file(priced: StudyResult) -> None:
    prices = pd.read_csv(ROOT / "eventstudy" / "data" / "snapshot" / "prices.csv")
    ticker_name = next(name for name in ("ticker", "symbol") if name in prices.columns)
    close = prices.pivot(index="date", columns=ticker_name, values="close")
    windows = priced.windows.set_index(["event_id", "ticker", "window"])
    table = priced.dollar
    single = table[~table["tickers"].str.contains(";")]
    assert len(single) == int(windows["car"].notna().sum())
    for row in single.itertuples():
        known = windows.loc[(row.event_ids, row.tickers, row.window)]
        start = int(row.window.strip("[]").split(",")[0])
        at = close.index.get_loc(row.day0) + start - 1
        value = close[row.tickers].iloc[at] * SHARES[row.tickers]
        assert row.market_value == pytest.approx(value, rel=1e-12)
        assert row.dollar == pytest.approx(value * known["car"], rel=1e-12)
        assert row.ci_low == pytest.approx(value * known["ci_low"], rel=1e-12)
        assert row.p_value == known["p_t"]


def test_the_total_of_a_session_is_the_sum_and_knows_correlation() -> None:
    """Without masks all firms of a session have the same estimation sessions, so the total is the sum of its parts."""
    words = tuple(f"{ticker}={n}" for ticker, n in SHARES.items())
    spec = StudySpec(source="snapshot", spec_curve="off", tests=("car-t",), shares=words, exclude="none")
    table = run(ROOT / "events.csv", spec=spec).dollar
    for window in ("[0,0]", "[-1,1]"):
        day = table[(table["day0"] == "2025-04-16") & (table["window"] == window)]
        total = day[day["tickers"].str.contains(";")].iloc[0]
        own = day[day["event_ids"] == "h20_license_8k"].set_index("tickers")
        assert set(total["tickers"].split(";")) == set(SHARES)
        assert total["market_value"] == pytest.approx(own["market_value"].sum(), rel=1e-12)
        assert total["dollar"] == pytest.approx(own["dollar"].sum(), rel=1e-9)
        independent = np.sqrt((own["std_error"] ** 2).sum())
        assert independent < total["std_error"] < own["std_error"].sum(), "errors of one date go together"
        assert total["t"] == pytest.approx(total["dollar"] / total["std_error"], rel=1e-12)
        half = stats.t.ppf(0.975, total["df"]) * total["std_error"]
        assert total["ci_high"] - total["dollar"] == pytest.approx(half, rel=1e-9)


@pytest.mark.parametrize("kind", ["simple", "log"])
def test_the_total_of_a_session_is_a_regression_of_the_sum_of_money(returns: pd.DataFrame, kind: str) -> None:
    """Firms of one session have one design, so the total is the regression of their returns weighted by market value,
    with one dummy a day: its sum of dummies, and that sum's standard error, t and p."""
    words = tuple(f"{ticker}={n}" for ticker, n in SHARES.items())
    spec = StudySpec(source="snapshot", spec_curve="off", tests=("car-t",), shares=words, exclude="none", returns=kind)  # type: ignore[arg-type]
    table = run(ROOT / "events.csv", spec=spec).dollar
    totals = table[table["tickers"].str.contains(";")]
    assert len(totals) > 20
    whole = np.log1p(returns) if kind == "log" else returns
    prices = pd.read_csv(ROOT / "eventstudy" / "data" / "snapshot" / "prices.csv")
    close = prices.pivot(index="date", columns="ticker", values="close")
    dates, checked = list(returns.index), 0
    for row in totals.itertuples():
        start, end = (int(part) for part in row.window.strip("[]").split(","))
        at, firms = dates.index(row.day0), row.tickers.split(";")
        if at < 272:
            continue
        value = np.array([close[firm].iloc[at + start - 1] * SHARES[firm] for firm in firms])
        used = [*range(at - 270, at - 20), *range(at + start, at + end + 1)]
        length = end - start + 1
        dummies = np.vstack([np.zeros((250, length)), np.eye(length)])
        x = np.column_stack([np.ones(len(used)), whole["SPY"].iloc[used], dummies])
        fitted = sm.OLS(whole[firms].iloc[used].to_numpy() @ value, x).fit()
        total = fitted.t_test(np.r_[0.0, 0.0, np.ones(length)])
        assert row.dollar == pytest.approx(float(np.squeeze(total.effect)), rel=1e-8)
        assert row.std_error == pytest.approx(float(np.squeeze(total.sd)), rel=1e-8)
        assert row.p_value == pytest.approx(float(np.squeeze(total.pvalue)), rel=1e-7)
        checked += 1
    assert checked > 15


def test_without_shares_there_is_no_row(sample: StudyResult) -> None:
    assert sample.dollar.empty and next(iter(sample.dollar)) == "event_ids"
    some = run(
        ROOT / "events.csv", spec=StudySpec(source="snapshot", spec_curve="off", tests=("car-t",), shares=("NVDA=1e9",))
    )
    assert set(some.dollar["tickers"]) == {"NVDA"}, "no total where a firm's shares are not known"


@pytest.mark.parametrize(
    ("words", "said"),
    [(("NVDA",), "cannot be read"), (("NVDA=-1",), "above zero"), (("NVDA=1", "NVDA=2"), "twice"), (("TSM=1",), "TSM")],
)
def test_what_is_refused(words: tuple[str, ...], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        run(ROOT / "events.csv", spec=StudySpec(source="snapshot", spec_curve="off", tests=("car-t",), shares=words))
