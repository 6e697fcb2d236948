"""Value-weighted means: the golden example, loops over events and dense matrices, the price file, and what is refused."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from eventstudy.errors import InputFileError, UsageError
from eventstudy.results import StudyResult
from eventstudy.spec import VALUE_WEIGHTED_TESTS, StudySpec
from eventstudy.study import run
from tests.conftest import ROOT
from tests.engine.battery_sample import battery
from tests.engine.test_golden import design as golden_design
from tests.oracles.naive_battery import Event, correlation, error_weights, shared
from tests.oracles.test_battery import ragged

MV = np.array([3000.0, 500.0, 350.0, 800.0])
DIGITS = {"rel": 0, "abs": 6e-9}


def test_the_golden_example() -> None:
    found = battery(golden_design(), -1, 1, weight=MV, common_days=0)
    assert found["vw-csect"].statistic == pytest.approx(2.27774864, **DIGITS)
    assert float(found["vw-csect"].df) == pytest.approx(1.09715331, abs=5e-6)
    assert found["vw-csect"].p == pytest.approx(0.24536536, abs=6e-9)
    assert found["vw-patell"].statistic == pytest.approx(0.99604133, **DIGITS)
    assert found["vw-bmp"].statistic == pytest.approx(2.43867806, **DIGITS)
    assert (found["vw-bmp"].df, found["vw-bmp"].p) == ("3", pytest.approx(0.09260941, abs=6e-9))
    assert found["vw-calendar-cov"].statistic == pytest.approx(0.86009107, **DIGITS)
    assert found["vw-kp"].statistic == pytest.approx(1.73828706, **DIGITS)
    assert all("one event has 65 % of the weight" in found[name].reason for name in VALUE_WEIGHTED_TESTS)


def naive(events: list[Event], days: list[int], weight: list[float]) -> dict[str, tuple[float, float]]:
    """(statistic, degrees of freedom) of every test, by loops and by the matrices of Bell and McCaffrey."""
    n, total = len(events), sum(weight)
    w = [one / total for one in weight]
    x, z = [e.car(days) for e in events], [e.scar(days) for e in events]
    own = [e.s**2 * e.q(days) for e in events]
    mean = sum(a * b for a, b in zip(w, x, strict=True))
    k = float(np.std(z, ddof=1))
    omega = np.diag(own)
    for i in range(n):
        for j in range(i):
            met = {events[i].calendar[d] for d in days} & {events[j].calendar[d] for d in days}
            if met and (pair := correlation(events[i], events[j], 30)):
                a, b = error_weights(events[i], days), error_weights(events[j], days)
                omega[i, j] = omega[j, i] = pair[1] * sum(a[d] * b[d] for d in a.keys() & b.keys())
    both = float(np.array(w) @ omega @ np.array(w))
    r = max(shared(events, days, 30)["ro"], 0.0)
    c = np.diag([a**2 / (1 - 2 * a + sum(b**2 for b in w)) for a in w])
    about = np.eye(n) - np.outer(np.ones(n), w)
    a = about.T @ c @ about
    return {
        "vw-patell": (
            mean / math.sqrt(sum(a**2 * v * e.nu / (e.nu - 2) for a, v, e in zip(w, own, events, strict=True))),
            math.inf,
        ),
        "vw-bmp": (mean / (k * math.sqrt(sum(a**2 * v for a, v in zip(w, own, strict=True)))), n - 1),
        "vw-calendar-cov": (mean / math.sqrt(both), min(e.nu for e in events)),
        "vw-kp": (mean / (k / math.sqrt(1 - r) * math.sqrt(both)), n - 1),
        "vw-csect": (
            mean / math.sqrt(float(np.array(x) @ a @ np.array(x))), float(np.trace(a) ** 2 / np.trace(a @ a)),
        ),
    }  # fmt: skip


@pytest.mark.parametrize("one_date", [False, True])
@pytest.mark.parametrize("window", [(0, 0), (-1, 2)])
@pytest.mark.parametrize("seed", range(3))
def test_every_statistic_by_loops_and_matrices(seed: int, window: tuple[int, int], one_date: bool) -> None:
    design, day_number, events, series = ragged(seed, one_date=one_date)
    weight = np.random.default_rng(seed).lognormal(0, 1.5, len(events))
    settings = {"day_number": day_number, "series": series, "weight": weight}
    found = battery(design, *window, **settings)
    days = list(range(window[0], window[1] + 1))
    for name, (statistic, df) in naive(events, days, weight.tolist()).items():
        assert found[name].statistic == pytest.approx(statistic, rel=1e-9), name
        expected = 2 * (stats.norm if math.isinf(df) else stats.t(df)).sf(abs(statistic))
        assert found[name].p == pytest.approx(expected, rel=1e-7, abs=1e-15), name
        assert found[name].df == ("" if math.isinf(df) else f"{df:.6g}")


def test_equal_weights_are_the_plain_tests() -> None:
    """The degrees of freedom too; and a weight that is counted in another currency changes nothing."""
    design, day_number, events, series = ragged(4)
    one = battery(design, 0, 1, day_number=day_number, series=series)
    for name, plain in (("vw-csect", "csect-t"), ("vw-calendar-cov", "calendar-cov")):
        assert one[name].statistic == pytest.approx(one[plain].statistic, rel=1e-10)
        assert float(one[name].df) == pytest.approx(float(one[plain].df), rel=1e-5)
    weight = np.arange(1.0, len(events) + 1)
    two, three = (
        battery(design, 0, 1, day_number=day_number, series=series, weight=weight * unit) for unit in (1.0, 7e11)
    )
    for name in VALUE_WEIGHTED_TESTS:
        assert two[name].statistic == pytest.approx(three[name].statistic, rel=1e-12)


def weighed(folder: Path, cells: dict[int, str] | None = None) -> Path:
    """The sample's events with a market value each; some cells changed."""
    table = pd.read_csv(ROOT / "events.csv", dtype=str, keep_default_na=False)
    table["mv"] = [f"{100 + 37 * i % 900}" for i in range(len(table))]
    for at, text in (cells or {}).items():
        table.loc[at, "mv"] = text
    table.to_csv(folder / "events.csv", index=False)
    return folder / "events.csv"


def studied(path: Path, **choices: object) -> StudyResult:
    return run(path, spec=StudySpec(source="snapshot", weight="mv", spec_curve="off", **choices))


@pytest.mark.parametrize("given", [False, True])
def test_averages_from_the_tables_and_the_price_file(tmp_path: Path, given: bool) -> None:
    """The mean of windows.csv by weights over the level of SPY before day 0, one event a share and session."""
    path = weighed(tmp_path)
    result = studied(path, convention=("weight=as-given",) if given else ())
    stated = pd.read_csv(path, dtype=str, keep_default_na=False)
    stated["mv"] = stated["mv"].astype(float)
    prices = pd.read_csv(ROOT / "eventstudy" / "data" / "snapshot" / "prices.csv")
    spy = prices[prices["ticker"] == "SPY"].sort_values("date")
    table = result.aggregate
    for window in ("[0,0]", "[-1,1]"):
        own = result.windows[result.windows["window"] == window]
        own = own.merge(stated[["event_id", "ticker", "mv"]]).dropna(subset=["car"])
        own = own[own["role"] == "direct"].drop_duplicates(["ticker", "day0"])
        level = [float(spy[spy["date"] < day]["close"].iloc[-1]) for day in own["day0"]]
        weight = own["mv"] / (1.0 if given else np.array(level))
        row = table[(table["group"] == "direct") & (table["window"] == window) & (table["test"] == "vw-bmp")].iloc[0]
        assert row["vw_caar"] == pytest.approx(np.average(own["car"], weights=weight), rel=1e-9)
        share = weight / weight.sum()
        assert row["n_effective"] == pytest.approx(1 / (share**2).sum(), rel=1e-9)
        assert row["largest_weight"] == pytest.approx(share.max(), rel=1e-9)
    assert len(table["vw_caar"].dropna()) == len(table)


def test_a_row_without_a_weight_leaves_its_groups_without_a_mean(tmp_path: Path) -> None:
    known = studied(weighed(tmp_path)).windows.query("role == 'peer'").iloc[0]
    rows = pd.read_csv(ROOT / "events.csv")
    at = int(rows.index[(rows["event_id"] == known["event_id"]) & (rows["ticker"] == known["ticker"])][0])
    table = studied(weighed(tmp_path, {at: ""})).aggregate
    tests = table[table["test"].isin(VALUE_WEIGHTED_TESTS)]
    peers = tests[tests["group"] == "peer"]
    assert len(peers) and set(peers["applicable"]) == {"no"} and peers["p_value"].isna().all()
    assert peers["vw_caar"].isna().all() and peers["reason"].str.contains("1 of 18 events have no weight").all()
    assert tests[tests["group"] == "direct"]["p_value"].notna().all()


@pytest.mark.parametrize("text", ["-5", "0", "abc", "1e999", "1,000", "nan"])
def test_cells_that_are_no_weight(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputFileError, match=r"mv.*is not a number above zero"):
        studied(weighed(tmp_path, {3: text}))


def test_what_is_refused_before_any_price(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no column 'capital' \(weight\)"):
        run(weighed(tmp_path), spec=StudySpec(source="snapshot", weight="capital"))
    with pytest.raises(UsageError, match="vw-bmp needs a weight of every event"):
        StudySpec(tests=("vw-bmp",))
    assert not set(VALUE_WEIGHTED_TESTS) & StudySpec(tests=("all",)).active_tests
