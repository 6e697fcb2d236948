"""A slice of the campaign on damaged price series, and the negative control that must fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.corrupt import KINDS, one, truth, unchecked

SEED = 20251129


@pytest.mark.parametrize("number", range(len(KINDS)), ids=list(KINDS))
def test_damaged_prices_are_right_refused_or_flagged(number: int, tmp_path: Path) -> None:
    _, outcome, broken = one(SEED, number, tmp_path, None)
    assert not broken, broken
    assert outcome in ("right", "refused", "flagged")


def test_without_its_checks_the_program_breaks_the_promise(tmp_path: Path) -> None:
    broken = []
    with unchecked():
        for number in range(len(KINDS)):
            folder = tmp_path / str(number)
            folder.mkdir()
            broken.append(one(SEED, number, folder, None)[2])
    assert sum(bool(text) for text in broken) >= 5, "a control that passes proves nothing"


def test_undamaged_prices_are_right(tmp_path: Path) -> None:
    import random

    import pandas as pd

    from tests.chaos.corrupt import FILES, Case, _judged, _studied, clean

    case = Case(random.Random(1), "NVDA", 500, {s: clean()[s].copy() for s in ("NVDA", "SPY")}, "NVDA")
    day = clean()["NVDA"]["date"].iloc[500]
    events = pd.DataFrame({"event_id": ["x"], "ticker": ["NVDA"], "announced_at": [day], "timing": ["bmo"]})
    assert _judged(case, lambda: _studied(case, FILES, events, tmp_path, None)) == ("right", "")
    assert truth("NVDA", 500)[1] > 0
