"""Observed sizes of the regression tests with few dates and a regressor that is constant on each date.

Errors of one date share a part (correlation 0.3); the regressor has no effect. The variances that ignore dates reject far
too often, the clustered one too often, the wild cluster bootstrap does not. `make calibrate` runs it in full.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import numpy as np
import pytest

from eventstudy.evaluate.coefficients import Sample
from eventstudy.evaluate.regress import fits
from eventstudy.evaluate.two_way import two_way, wild_two_way
from eventstudy.evaluate.wild import wild_cluster

REPLICATIONS = int(os.environ.get("EVENTSTUDY_REPLICATIONS", "400"))
RHO = 0.3
# methods section 12: percent of rejections at 5 % of HC3 and of the clustered t, by (rows, dates)
TABLE = {(20, 5): (16.7, 18.5), (50, 10): (17.0, 10.3), (100, 20): (19.1, 8.8)}
SEEN: list[str] = []


@pytest.fixture(scope="module", autouse=True)
def report() -> Iterator[None]:
    """The observed sizes, for `pytest -s`."""
    yield
    print("\n" + "\n".join(SEEN))


def draw(rng: np.random.Generator, n: int, dates: int) -> Sample:
    cluster = np.repeat(np.arange(dates), n // dates)
    shared = rng.normal(size=dates)[cluster]
    y = np.sqrt(RHO) * shared + np.sqrt(1 - RHO) * rng.normal(size=n)
    x = np.column_stack([np.ones(n), rng.normal(size=dates)[cluster]])
    return Sample(y=y, x=x, names=("Intercept", "x"), variance=np.ones(n), cluster=cluster, n_dropped=0)


@pytest.mark.parametrize(("n", "dates"), list(TABLE))
def test_sizes_with_few_dates(n: int, dates: int) -> None:
    rng = np.random.default_rng([2008, n])
    hc3, clustered, wild = (np.zeros(REPLICATIONS) for _ in range(3))
    for r in range(REPLICATIONS):
        sample = draw(rng, n, dates)
        made = {(f.estimator, f.variance): f.results for f in fits(sample, dates)}
        hc3[r] = made["ols", "hc3"].pvalues[1]
        clustered[r] = made["ols", "cluster"].pvalues[1]
        wild[r] = wild_cluster(sample.y, sample.x, sample.cluster, 1)[1]
    rates = [100 * float((p <= 0.05).mean()) for p in (hc3, clustered, wild)]
    SEEN.append(f"N = {n}, G = {dates}: HC3 {rates[0]:.1f} %, cluster {rates[1]:.1f} %, wild cluster {rates[2]:.1f} %")
    for rate, documented in zip(rates, TABLE[n, dates], strict=False):
        error = 100 * np.sqrt(documented / 100 * (1 - documented / 100) / REPLICATIONS)
        # the table has an error of its own
        assert abs(rate - documented) <= 4 * error + 0.5, f"{rate:.1f} %, documented {documented} %"
    if dates < 6:
        assert rates[2] == 0, "fewer than six dates cannot reject at 5 %"
    else:
        assert rates[2] <= 5 + 400 * np.sqrt(0.05 * 0.95 / REPLICATIONS)
        assert rates[2] < rates[1]


# methods A8, ten firms on ten dates, parts of firm and date in regressor and error: percent of HC3, by date, two-way, wild
TWO_WAY = {"both": (23.0, 13.0, 11.6, 7.5), "none": (4.5, 6.6, 10.4, 5.1)}


@pytest.mark.parametrize("case", list(TWO_WAY))
def test_sizes_where_firms_and_dates_both_repeat(case: str) -> None:
    """The wild bootstrap stays near its documented size; what ignores a dimension that errors share must fail."""
    from scipy import stats
    from statsmodels.regression.linear_model import OLS

    rng = np.random.default_rng([2021, len(case)])
    firm, date = np.repeat(np.arange(10), 10), np.tile(np.arange(10), 10)

    def part() -> np.ndarray:
        return rng.normal(size=10)[firm] + rng.normal(size=10)[date] + rng.normal(size=100)

    found = np.zeros((4, REPLICATIONS))
    for r in range(REPLICATIONS):
        x = np.column_stack([np.ones(100), part()])
        y = part() if case == "both" else rng.normal(size=100)
        fitted = OLS(y, x).fit()
        errors = two_way(x, fitted.resid, firm, date)
        t = fitted.params[1] / errors.std_error[1]
        clustered = fitted.get_robustcov_results("cluster", groups=date, use_t=True)
        found[:, r] = (
            fitted.get_robustcov_results("HC3", use_t=True).pvalues[1],
            clustered.pvalues[1],
            2 * stats.t.sf(abs(t), errors.df) if np.isfinite(t) else 0.0,
            wild_two_way(y, x, firm, date, 1)[2],
        )
    rates = 100 * (found <= 0.05).mean(axis=1)
    SEEN.append(f"10 x 10, {case}: HC3, date, two-way, wild two-way {' '.join(f'{rate:.1f}' for rate in rates)} %")
    wild = TWO_WAY[case][3]
    assert abs(rates[3] - wild) <= 400 * np.sqrt(wild / 100 * (1 - wild / 100) / REPLICATIONS), rates
    if case == "both":
        assert rates[0] > 15 and rates[3] < rates[1] and rates[3] < rates[0], rates
