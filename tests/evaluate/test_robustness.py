"""The table of models beside the study's."""

from __future__ import annotations

import pytest

from eventstudy.spec import StudySpec
from eventstudy.study import run
from tests.conftest import ROOT


@pytest.mark.parametrize(("benchmarks", "has_it"), [(("SPY",), False), (("SPY", "SOXX"), True)])
def test_multi_index_needs_a_second_benchmark(benchmarks: tuple[str, ...], has_it: bool) -> None:
    """With one it would be the market model under another name."""
    spec = StudySpec(source="snapshot", benchmarks=benchmarks)
    found = run(ROOT / "events.csv", spec=spec, only=("deepseek_shock",)).robustness_table
    assert ("multi-index" in set(found["model"])) is has_it
    assert {"market-model", "market-adjusted", "constant-mean"} <= set(found["model"])
