"""How many windows are unusual and which survive: from windows.csv by statsmodels, in memory and block by block."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.multitest import multipletests

from eventstudy.results import StudyResult
from eventstudy.scale.limits import Limits
from eventstudy.spec import StudySpec
from eventstudy.study import Handling, run
from eventstudy.unusual import FAMILYWISE_T4, MOST_FALSE
from tests.conftest import ROOT

SPEC = StudySpec(source="snapshot", benchmarks=("SPY", "SOXX"), spec_curve="off", tests=("rank-local",))


def looks(result: StudyResult) -> pd.DataFrame:
    """One primary window for each firm, session and window, of direct and peer rows."""
    table = result.windows
    chosen = table[(table["primary"] == "yes") & table["role"].isin(["direct", "peer"])]
    return chosen.drop_duplicates(["ticker", "day0", "window"])


@pytest.mark.parametrize("limits", [None, Limits(kept=1, block=2048)])
def test_the_counts_by_statsmodels(limits: Limits | None) -> None:
    handling = None if limits is None else Handling(limits=limits)
    result = run(ROOT / "events.csv", spec=SPEC, handling=handling)
    table, found = looks(result), result.unusual
    assert found.by == "headline" and found.tested == len(table) > 20
    assert found.found == (table["p_headline"] <= 0.05).sum() > 0
    adjusted = multipletests(table["p_t"], method="holm")[1]
    assert found.survivors == ((adjusted <= 0.05) & (table["p_headline"] <= 0.05)).sum()
    assert not found.counts_survivors and found.false_share == FAMILYWISE_T4[31], "31 looks"


def test_without_the_headline_p_the_t_counts() -> None:
    result = run(ROOT / "events.csv", spec=SPEC.with_changes(tests=("car-t",)))
    found = result.unusual
    assert found.by == "t" and found.found == (looks(result)["p_t"] <= 0.05).sum()
    assert not found.counts_survivors and found.survivors == 0
    assert result.windows["p_headline"].isna().all()


def test_survivors_of_few_looks_are_counted() -> None:
    result = run(ROOT / "events.csv", spec=SPEC, only=("huang_china_jan2024", "us_ai_chip_rule_2022_8k"))
    assert result.unusual.tested == 3 and not result.unusual.counts_survivors
    one = run(ROOT / "events.csv", spec=SPEC, only=("nvidia_500b_us",))
    assert one.unusual.tested == 3
    sizes = np.array(list(FAMILYWISE_T4.values()))
    assert (np.diff(sizes) > 0).all() and sizes[1] <= MOST_FALSE < sizes[2]
