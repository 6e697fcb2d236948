"""What `calibrate` finds where the distribution of the returns is known: the sizes of the methods, and what breaks them.

Small seeded versions run in the suite; with EVENTSTUDY_REPLICATIONS of 4000 (`make calibrate`) many more sessions.
`pytest -s` prints the table that is in docs/methods.md.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from eventstudy.engine.significance.coverage import extreme_tenths
from eventstudy.evaluate.calibrate import POOLED, calibrate, keys_of
from eventstudy.evaluate.pseudo import make_stage, pseudo_events
from eventstudy.report.calibration import calibration_table
from eventstudy.results import StudyResult
from eventstudy.spec import StudySpec, Window
from eventstudy.study import run
from tests.evaluate.simulated import SIGMA, Law, garch, normal, simulated, student4

FULL = int(os.environ.get("EVENTSTUDY_REPLICATIONS", "0")) >= 4000
MORE = 10 if FULL else 1
TABLE: list[tuple[str, str, str, float, float, float]] = []


@pytest.fixture(scope="module", autouse=True)
def printed() -> Iterator[None]:
    """The observed rates, for `pytest -s`."""
    yield
    print("\n| returns | test | sessions | rejects | should |\n|---|---|---|--:|--:|")
    for law, test, which, rate, error, wanted in TABLE:
        print(f"| {law} | `{test}` | {which} | {100 * rate:.1f} ({100 * error:.1f}) | {100 * wanted:.1f} |")


def study(seed: int, law: Law, n_tickers: int, n_sessions: int, rho: float = 0.0, **spec: object) -> StudyResult:
    events, prices = simulated(seed, n_tickers, n_sessions, law, rho)
    return run(events, prices, StudySpec().with_changes(windows_given=True, **spec))


def line(
    table: pd.DataFrame,
    ticker: str,
    test: str,
    window: str = "[0,0]",
    level: float = 0.05,
    regime: str = "all",
    effect: float = 0.0,
) -> pd.Series:
    chosen = table[
        (table["ticker"] == ticker)
        & (table["test"] == test)
        & (table["window"] == window)
        & (table["level"] == level)
        & (table["regime"] == regime)
        & (table["effect"] == effect)
    ]
    assert len(chosen) == 1, (ticker, test, window, level, regime, effect)
    return chosen.iloc[0]


def judge(
    law: str, which: str, row: pd.Series, wanted: float, low: float | None = None, high: float | None = None
) -> None:
    """Within four standard errors of what it should be (or of the range documented), by its own standard error."""
    TABLE.append((law, str(row["test"]), which, row["rate"], row["std_error"], wanted))
    low, high = (wanted if low is None else low), (wanted if high is None else high)
    error = max(row["std_error"], np.sqrt(wanted * (1 - wanted) / row["n_effective"]))
    assert low - 4 * error <= row["rate"] <= high + 4 * error, (
        f"{law} {row['test']} {which}: {row['rate']:.4f} +- {error:.4f}"
    )


# attainable size of a rank test with 250 residuals and the +1 rule: at most 6 of each tail; of 251 shifts at most 12
SQ, CONFORMAL = 12 / 251, 12 / 251


# sessions of the simulated firms: few in `make test`, more in `make test-all`, most in `make calibrate`
LONG = 7200 if FULL else 2600
SIZES = [1200, pytest.param(LONG, marks=pytest.mark.slow)]


@pytest.fixture(scope="module", params=SIZES)
def quiet(request: pytest.FixtureRequest) -> pd.DataFrame:
    """Normal errors, correlated between the three firms of the cluster."""
    windows = (Window(0, 0), Window(-1, 1), Window(0, 10))
    result = study(1, normal, 3, request.param, rho=0.5, windows=windows)
    return calibration_table(calibrate(result, (0.03, 0.06)))


def test_single_event_tests_have_their_sizes(quiet: pd.DataFrame) -> None:
    for window in ("[0,0]", "[-1,1]", "[0,10]"):
        for level in (0.01, 0.05, 0.10):
            for test in ("car-t", "car-t-ar1", "ar-t-local", "window-f"):
                judge("normal", f"{window} at {100 * level:g} %", line(quiet, POOLED, test, window, level), level)
    for test, size in (("sq", SQ), ("rank-exact", SQ), ("conformal", CONFORMAL), ("vol-conformal", CONFORMAL)):
        judge("normal", "[0,0] at 5 %", line(quiet, POOLED, test), size)
    judge("normal", "[0,10] at 5 %", line(quiet, POOLED, "conformal", "[0,10]"), 0.048, 0.043, 0.054)
    judge("normal", "[0,10] at 5 %", line(quiet, POOLED, "placebo-time", "[0,10]"), 0.05, 0.045, 0.06)
    judge("normal", "[0,0] at 5 %", line(quiet, POOLED, "placebo-time"), 0.05)


def test_cluster_tests_have_their_sizes(quiet: pd.DataFrame) -> None:
    firms = "S00;S01;S02"
    for window in ("[0,0]", "[-1,1]"):
        for test in ("portfolio-t", "hotelling", "equality"):
            judge("normal, rho 0.5", f"three firms {window}", line(quiet, firms, test, window), 0.05)
        for test in ("conformal-hotelling", "conformal-max", "romano-wolf"):
            judge("normal, rho 0.5", f"three firms {window}", line(quiet, firms, test, window), 0.05, 0.045, 0.05)
        holm = line(quiet, firms, "holm", window)
        assert holm["rate"] <= 0.05 + 4 * holm["std_error"]


def test_quiet_returns_are_as_quiet_in_every_tenth(quiet: pd.DataFrame) -> None:
    for regime in ("calm", "turbulent"):
        judge("normal", f"{regime} tenth", line(quiet, POOLED, "car-t", regime=regime), 0.05)


def test_power_is_that_of_the_noncentral_t(quiet: pd.DataFrame) -> None:
    """q varies with the market's return of the day: about 1 + 1/M + 1/M on average."""
    nu = 248
    critical = stats.t.isf(0.025, nu)
    for effect in (0.03, 0.06):
        for window, length in (("[0,0]", 1), ("[-1,1]", 3)):
            delta = effect / (SIGMA * np.sqrt(length + length**2 / 250 + length / 250))
            power = stats.nct.sf(critical, nu, delta) + stats.nct.cdf(-critical, nu, delta)
            judge(
                "normal",
                f"{window} with {100 * effect:g} %",
                line(quiet, POOLED, "car-t", window, effect=effect),
                power,
            )


def test_bands_of_quiet_returns_are_honest(quiet: pd.DataFrame) -> None:
    """Three firms, three windows, two bands, two tests: none may be far out."""
    own = quiet[
        quiet["ticker"].isin(["S00", "S01", "S02"])
        & quiet["test"].isin(["car-t", "ar-t-local"])
        & (quiet["level"] == 0.05)
    ]
    p = own[["p_kupiec", "p_christoffersen"]].to_numpy().ravel()
    p = p[np.isfinite(p)]
    assert len(p) >= 30
    assert p.min() > 1e-4 and np.mean(p <= 0.05) <= 0.2


def test_fat_tails_break_the_exact_f_and_not_the_permutation() -> None:
    result = study(
        2,
        student4,
        3,
        7200 if FULL else 3600,
        rho=0.5,
        windows=(Window(0, 0),),
        tests=("hotelling", "conformal-hotelling", "sq"),
    )
    table = calibration_table(calibrate(result, ()))
    hotelling = line(table, "S00;S01;S02", "hotelling")
    TABLE.append(
        ("t4, rho 0.5", "hotelling", "three firms (must fail)", hotelling["rate"], hotelling["std_error"], 0.082)
    )
    assert hotelling["rate"] > 0.055, "a negative control must fail"
    judge("t4, rho 0.5", "three firms", line(table, "S00;S01;S02", "conformal-hotelling"), 0.05, 0.048, 0.056)
    judge("t4", "[0,0]", line(table, POOLED, "sq"), SQ)
    judge("t4", "[0,0]", line(table, POOLED, "car-t"), 0.05, 0.045, 0.055)
    at_one = line(table, POOLED, "car-t", level=0.01)
    assert at_one["rate"] > 0.012, "at 1 % fat tails over-reject"


@pytest.fixture(scope="module")
def turbulent() -> StudyResult:
    """GARCH(0.1, 0.88) errors."""
    return study(3, garch, 8 * MORE, 4000, windows=(Window(0, 0),), tests=("ar-t-local",))


@pytest.mark.slow
def test_turbulent_weeks_by_trailing_volatility(turbulent: StudyResult) -> None:
    """About 17 % and 1.3 % of the plain t; the local scale gives 3 % and 10 %.

    At M = 250 a simulation of independent windows gives 18.1 and 1.1 for the plain t (14 and 2 at M = 120).
    """
    table = calibration_table(calibrate(turbulent, ()))
    for test, regime, wanted, low, high in (
        ("car-t", "all", 0.063, 0.061, 0.065),
        ("car-t", "turbulent", 0.181, 0.171, 0.185),
        ("car-t", "calm", 0.011, 0.010, 0.013),
        ("ar-t-local", "all", 0.052, 0.05, 0.054),
        ("ar-t-local", "turbulent", 0.03, 0.025, 0.034),
        ("ar-t-local", "calm", 0.103, 0.095, 0.108),
    ):
        judge(
            "GARCH",
            f"{regime} tenth" if regime != "all" else "all",
            line(table, POOLED, test, regime=regime),
            wanted,
            low,
            high,
        )
    worst = line(table, POOLED, "car-t", regime="turbulent")
    assert worst["ci_low"] > 0.05 and line(table, POOLED, "car-t", regime="calm")["ci_high"] < 0.05
    # hits of the plain band follow each other, those of the local one much less
    alone = table[(table["ticker"] != POOLED) & (table["level"] == 0.05) & (table["regime"] == "all")]
    bunched = alone.groupby("test")["p_christoffersen"].apply(lambda p: float((p <= 0.05).mean()))
    assert bunched["car-t"] > 0.5 and bunched["ar-t-local"] < bunched["car-t"] - 0.2


@pytest.mark.slow
def test_turbulent_weeks_by_true_volatility(turbulent: StudyResult) -> None:
    """The same sessions by the variance that drew them, which only a simulation knows."""
    hits: dict[tuple[str, str], list[np.ndarray]] = {}
    # the errors of the simulation drawn once more, and their variance filtered from them
    _, prices = simulated(3, 8 * MORE, 4000, garch)
    close = prices.pivot(index="date", columns="ticker", values="close")
    returns = close.pct_change()
    returns.iloc[0] = close.iloc[0] / 100 - 1
    for key in keys_of(turbulent):
        errors = ((returns[key.ticker] - 1.2 * returns["SPY"]) / SIGMA).to_numpy()
        variance = np.ones(len(errors))
        for t in range(1, len(errors)):
            variance[t] = 0.02 + 0.1 * errors[t - 1] ** 2 + 0.88 * variance[t - 1]
        found = pseudo_events(make_stage(turbulent.studied, key), turbulent.spec)[0]
        sessions = turbulent.studied.index.calendars["XNYS"].sessions[found.session]
        own = variance[
            np.searchsorted(close.index.to_numpy().astype("datetime64[D]"), sessions.astype("datetime64[D]"))
        ]
        calm, rough = extreme_tenths(own)
        for test in ("car-t", "ar-t-local"):
            rejected = found.p[test][:, 0] <= 0.05
            hits.setdefault((test, "calm"), []).append(rejected[calm])
            hits.setdefault((test, "turbulent"), []).append(rejected[rough])
    rates = {name: float(np.concatenate(parts).mean()) for name, parts in hits.items()}
    n = sum(len(part) for part in hits["car-t", "calm"])
    for (test, regime), rate in rates.items():
        TABLE.append(
            ("GARCH", test, f"{regime} tenth of the true variance", rate, np.sqrt(rate * (1 - rate) / n), 0.05)
        )
    assert 0.15 < rates["car-t", "turbulent"] < 0.22 and rates["car-t", "calm"] < 0.02
    assert 0.02 < rates["ar-t-local", "turbulent"] < 0.05 and 0.07 < rates["ar-t-local", "calm"] < 0.12


@pytest.mark.slow
def test_real_returns_are_turbulent() -> None:
    """Twelve US stocks, 2015 to 2026, days without earnings: the plain t fails after turbulent weeks, the local one
    after calm ones."""
    folder = os.environ.get("EVENTSTUDY_TEST_DATA")
    if not folder:
        pytest.skip("EVENTSTUDY_TEST_DATA is not set")
    known = pd.read_csv(f"{folder}/panel_events.csv").drop_duplicates(["ticker", "event_date"])
    chosen = sorted(known["ticker"].unique())[::41][:12]
    events = known[known["ticker"].isin(chosen)].rename(columns={"event_date": "announced_at"})
    spec = StudySpec(
        source=f"parquet:{folder}/panel.parquet", windows=(Window(0, 0),), windows_given=True, tests=("ar-t-local",)
    )
    table = calibration_table(calibrate(run(events[["ticker", "announced_at"]], spec=spec), (0.05,)))
    rates = {
        (test, regime): line(table, POOLED, test, regime=regime)
        for test in ("car-t", "ar-t-local")
        for regime in ("all", "calm", "turbulent")
    }
    for (test, regime), row in rates.items():
        TABLE.append(("12 US stocks", test, regime, row["rate"], row["std_error"], 0.05))
    assert rates["car-t", "turbulent"]["ci_low"] > 0.05 > rates["car-t", "calm"]["ci_high"]
    assert rates["ar-t-local", "calm"]["ci_low"] > 0.05 > rates["ar-t-local", "turbulent"]["ci_high"]
    assert 0.045 < rates["ar-t-local", "all"]["rate"] < 0.075 and 0.045 < rates["car-t", "all"]["rate"] < 0.08
