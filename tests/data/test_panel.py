"""The panel of a study: files that are mapped, and pages of them that are handed back."""

from __future__ import annotations

import re
import sys
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from eventstudy.data.panel import Panel, PanelWriter, SeriesFacts

S, T = 64, 4096


def mapped(folder: Path) -> Panel:
    facts = SeriesFacts(**{name: np.zeros(S, dtype=np.int64) for name in SeriesFacts.__slots__})
    with ExitStack() as files:
        writer = PanelWriter(folder, S, T, files)
        for _ in range(S):
            writer.add_nothing()
        return writer.close(np.random.default_rng(0).integers(0, 2**32, (S, T), dtype=np.uint32), facts)


def resident(path: Path) -> int:
    """kB of a file that this process has in memory."""
    maps = Path("/proc/self/smaps").read_text().split("VmFlags:")
    return sum(int(re.search(r"\nRss:\s+(\d+)", one)[1]) for one in maps if str(path) in one)  # type: ignore[index]


def test_pages_handed_back_are_read_again(tmp_path: Path) -> None:
    panel = mapped(tmp_path)
    before = np.array(panel.bits)
    panel.let_go()
    np.testing.assert_array_equal(panel.bits, before)
    assert np.isnan(panel.returns).all() and panel.folder == tmp_path


@pytest.mark.skipif(sys.platform != "linux", reason="/proc says what is in memory")
def test_pages_of_a_mapped_panel_are_handed_back(tmp_path: Path) -> None:
    panel = mapped(tmp_path)
    assert panel.bits.any() and resident(tmp_path / "bits.npy") >= S * T * 4 / 1024
    panel.let_go()
    assert resident(tmp_path / "bits.npy") == 0
