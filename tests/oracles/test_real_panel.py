"""The battery on real earnings dates of five hundred firms; needs the tables that ``EVENTSTUDY_TEST_DATA`` names."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from eventstudy.spec import StudySpec, Window
from eventstudy.study import run

FOLDER = os.environ.get("EVENTSTUDY_TEST_DATA", "")
pytestmark = pytest.mark.skipif(
    not FOLDER or not (Path(FOLDER) / "panel_events.csv").is_file(),
    reason="EVENTSTUDY_TEST_DATA names no folder with panel_events.csv",
)
BATTERY = (
    "csect-t", "patell", "stouffer-t", "bmp", "skew-t-hall", "kolari-pynnonen", "corrado", "cumrank-t", "grank-t", "sign",
    "generalized-sign", "wilcoxon",
)  # fmt: skip


@pytest.mark.slow
def test_nineteen_thousand_earnings_dates() -> None:
    """Every row is studied or has a reason; every test runs; three are worked out again from the rows.

    The hour of these dates is unknown, so the window is [0,1].
    """
    table = pd.read_csv(Path(FOLDER) / "panel_events.csv")
    table = table[(table["in_source_a"] == 1) & (table["in_source_b"] == 1)]
    events = pd.DataFrame({"ticker": table["ticker"], "announced_at": table["event_date"]})
    spec = StudySpec(
        source=f"parquet:{FOLDER}/panel.parquet",
        windows=(Window(0, 1),),
        windows_given=True,
        tests=BATTERY,
        engine="numpy",
    )
    result = run(events, spec=spec)
    assert result.n_read == len(events) == 19_921
    assert len(result.studied.reported) + len(result.exclusions) == result.n_read
    found = result.aggregate[result.aggregate["group"] == "all"].set_index("test")
    assert set(found.index) == set(BATTERY) and (found["applicable"] != "no").all()
    windows = result.windows.drop_duplicates(["ticker", "day0"])
    x, t, nu = (windows[name].dropna().to_numpy() for name in ("car", "t", "df"))
    assert found.loc["csect-t", "statistic"] == pytest.approx(stats.ttest_1samp(x, 0).statistic, rel=1e-9)
    assert found.loc["bmp", "statistic"] == pytest.approx(stats.ttest_1samp(t, 0).statistic, rel=1e-9)
    patell = t.sum() / np.sqrt((nu / (nu - 2)).sum())
    assert found.loc["patell", "statistic"] == pytest.approx(patell, rel=1e-9)
    # dates are shared and news raises the variance: the tests that know it are far more careful
    assert found.loc["kolari-pynnonen", "statistic"] < found.loc["bmp", "statistic"] < found.loc["patell", "statistic"]
    print(found[["statistic", "p_value", "applicable"]])
