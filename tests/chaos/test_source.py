"""A slice of the campaign against a misbehaving Yahoo, and that its judge can say no."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from eventstudy.data.prices import PriceSeries
from eventstudy.data.snapshot import SnapshotSource
from tests.chaos.source import arena, difference, plan
from tests.network.spoilt import KINDS

SEED, SEQUENCES, FEW = 20250416, 40, 10
EVERY = {"right (yahoo)", "error SourceUnavailable", "snapshot", "holes"}


@pytest.mark.parametrize(
    ("sequences", "wanted"), [(FEW, set()), pytest.param(SEQUENCES, EVERY, marks=pytest.mark.slow)]
)
def test_random_sequences_of_faults_end_right_or_with_advice(sequences: int, wanted: set[str]) -> None:
    outcomes = set()
    with arena() as here:
        for number in range(sequences):
            outcome, broken = here.run(plan(SEED, number))
            assert not broken, broken
            outcomes.add(outcome)
    assert wanted <= outcomes and len(outcomes) > 1


def test_a_thousand_sequences_try_every_fault() -> None:
    assert {kind for number in range(1000) for kind in plan(SEED, number).kinds} == set(KINDS)


@pytest.fixture(scope="module")
def whole() -> PriceSeries:
    return SnapshotSource().fetch(("NVDA",), date(2024, 1, 2), date(2025, 4, 30)).series["NVDA"]


def test_the_judge_sees_every_kind_of_wrong_number(whole: PriceSeries) -> None:
    assert difference(whole, whole) == ""
    paid = int(np.flatnonzero(whole.dividend)[0])

    def changed(name: str, at: int, factor: float) -> PriceSeries:
        values = getattr(whole, name).copy()
        values[at] *= factor
        return replace(whole, **{name: values})

    assert difference(changed("close", 7, 1 + 1e-12), whole) == "a close"
    assert difference(changed("open", 7, 1.01), whole) == "a figure of open"
    assert difference(changed("dividend", paid, 1.1), whole) == "a dividend"
    moved = np.roll(whole.dividend, -1)
    assert difference(replace(whole, dividend=moved), whole) == "a dividend"
    early = replace(whole, dates=np.r_[whole.dates[0] - 1, whole.dates[1:]])
    assert difference(early, whole) == "sessions that never were"
    kept = np.arange(len(whole.dates)) != paid - 20
    columns = {name: getattr(whole, name)[kept] for name in ("dates", "close", "open", "volume", "dividend")}
    assert difference(replace(whole, **columns), whole) == "", "a session that is missing is not a wrong number"
