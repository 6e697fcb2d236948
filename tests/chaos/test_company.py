"""Two and ten processes on one store, sound or damaged."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.company import together


@pytest.mark.parametrize(("processes", "damaged"), [(2, False), (10, True)])
def test_processes_that_share_a_store_lose_nothing(tmp_path: Path, processes: int, damaged: bool) -> None:
    assert together(tmp_path / "store", processes, 1, damaged=damaged) == ""
