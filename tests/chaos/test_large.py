"""Input files far too large for any study: an error within bounded memory, before the machine is the judge."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from eventstudy.data import categorical, tabular
from eventstudy.data.events import read_events
from eventstudy.data.tabular import read_table
from eventstudy.errors import InputFileError
from tests.cli.conftest import clean_environment

# A process may have this much address space, a fifth of the file; libraries alone reserve most of it.
ROOM = 3 * 2**29


def limited(folder: Path, name: str) -> tuple[int, str]:
    """`eventstudy validate` with little memory."""
    done = subprocess.run(
        [sys.executable, "-m", "eventstudy", "validate", name],
        cwd=folder,
        env={**clean_environment(), "OPENBLAS_NUM_THREADS": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (ROOM, ROOM)),
        capture_output=True,
        text=True,
        timeout=200,
    )
    return done.returncode, done.stdout + done.stderr


def test_two_gigabytes_and_a_million_columns(tmp_path: Path) -> None:
    with (tmp_path / "events.csv").open("wb") as handle:
        handle.write(b"ticker,announced_at\n")
        # sparse: it takes no room on the disk
        handle.truncate(2 * 2**30)
    code, said = limited(tmp_path, "events.csv")
    assert code == 2 and "is larger than 1024 MiB; write it as Parquet, or in parts" in said
    wide = ["ticker", "announced_at", *(f"c{i}" for i in range(10**6))]
    (tmp_path / "wide.csv").write_text(",".join(wide) + "\n" + ",".join(["NVDA", "2025-04-15"] + ["1"] * 10**6) + "\n")
    code, said = limited(tmp_path, "wide.csv")
    assert code == 2 and "has 1,000,002 columns; at most 2,000 are read" in said


def test_a_file_that_never_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A device is refused before it is read; of a file that does not say how long it is the limit is read, not more."""
    if not Path("/dev/zero").exists():
        pytest.skip("no /dev/zero")
    with pytest.raises(InputFileError, match="1 problem") as caught:
        read_events("/dev/zero")
    assert "it is a device" in str(caught.value)
    monkeypatch.setattr(tabular, "LARGEST_FILE", 2**20)
    monkeypatch.setattr(os, "fstat", lambda number: os.stat_result((0o100644, *[0] * 9)))
    (tmp_path / "growing.csv").write_bytes(b"ticker\n" * 2**18)
    with pytest.raises(InputFileError, match="1 problem") as caught:
        read_events(tmp_path / "growing.csv")
    assert "is larger than 1 MiB" in str(caught.value)


@pytest.mark.parametrize("mark", ["\n", "\r\n", "\r"])
def test_a_line_that_is_no_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mark: str) -> None:
    monkeypatch.setattr(tabular, "LONGEST_LINE", 2**20)
    path = tmp_path / "events.csv"
    path.write_bytes((f"ticker,announced_at{mark}" + "x" * 2**22 + mark).encode())
    with pytest.raises(InputFileError) as caught:
        read_events(path)
    assert "is longer than 1 MiB" in str(caught.value)
    path.write_bytes((f"ticker,announced_at{mark}" + f"NVDA,2025-04-15{mark}" * 70_000).encode())
    with pytest.raises(InputFileError, match="problems") as caught:
        read_events(path)
    assert "is already in line" in str(caught.value), "many short lines are not one long line"


def test_more_problems_than_anybody_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (categorical, tabular):
        monkeypatch.setattr(module, "MOST_PROBLEMS", 50)
    monkeypatch.setattr(tabular, "ROWS_AT_ONCE", 40)
    path = tmp_path / "events.csv"
    path.write_text("ticker,announced_at\n" + "x\n" * 1000)
    with pytest.raises(InputFileError) as caught:
        read_table(path, ("ticker", "announced_at"))
    assert len(caught.value.problems) == 81
    assert str(caught.value.problems[-1]) == "line 81: reading ends here; correct the rows above first"
    monkeypatch.setattr(tabular, "ROWS_AT_ONCE", 65_536)
    path.write_text("ticker,announced_at\n" + "NVDA,2025-04-15\n" * 1000 + "NVDA,4/15/2025\n" * 1000)
    with pytest.raises(InputFileError) as caught:
        read_events(path)
    assert len(caught.value.problems) == 100, "fifty of each kind"


def test_memory_that_does_not_suffice_is_a_sentence() -> None:
    code = (
        "import sys, types\n"
        "def work():\n    raise MemoryError\n"
        "app = types.ModuleType('eventstudy.cli.app'); app.main = work\n"
        "sys.modules['eventstudy.cli.app'] = app\n"
        "from eventstudy.cli.start import main\nmain()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and "memory does not suffice" in done.stderr and "Traceback" not in done.stderr
