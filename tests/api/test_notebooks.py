"""The notebooks run from top to bottom within a minute of processor time each, and are committed without outputs."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.conftest import ROOT

NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))
LONGEST = 60.0


def test_there_are_six() -> None:
    assert [path.stem for path in NOTEBOOKS] == ["article", "crsp", "earnings", "million", "polars", "tonight"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_is_committed_without_outputs(path: Path) -> None:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    assert cells[0]["cell_type"] == "markdown" and "".join(cells[0]["source"]).startswith("# ")
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert len(code) >= 3
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs(path: Path) -> None:
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    book = nbformat.read(path, as_version=4)
    began = os.times()
    where = {"metadata": {"path": str(path.parent)}}
    nbclient.NotebookClient(book, timeout=300, kernel_name="python3", resources=where).execute()
    ended = os.times()
    # the kernel is a process that has ended by now
    assert ended.children_user + ended.children_system - began.children_user - began.children_system < LONGEST
    outputs = [output for cell in book.cells if cell.cell_type == "code" for output in cell.outputs]
    assert outputs and not [one for one in outputs if one.output_type == "error"]
    # a bar leaves nothing behind, and nothing warns but what is meant for the reader
    said = "".join(one.get("text", "") for one in outputs if one.get("name") == "stderr")
    assert "Warning" not in said.replace("EventStudyWarning", "")
