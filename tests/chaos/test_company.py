"""Two and ten processes on one store, sound or damaged."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.company import together


@pytest.mark.parametrize(("processes", "damaged"), [(2, False), pytest.param(10, True, marks=pytest.mark.slow)])
def test_processes_that_share_a_store_lose_nothing(tmp_path: Path, processes: int, damaged: bool) -> None:
    assert together(tmp_path / "store", processes, 1, damaged=damaged) == ""
