"""The committed sample, rebuilt on other processors: the same bytes outside manifest.json.

Linear algebra sums in another order on another processor, and so numbers differ in their last bits. ``OPENBLAS_CORETYPE``
makes NumPy's OpenBLAS take the code of one or another processor on this one; NumPy's own loops are held back to those of
the oldest processor in the case of the oldest one.
"""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.cli.conftest import ROOT, copy_study, run_process

CORES = ("Haswell", "Prescott", "SkylakeX")
CONFIGURATION: Any = np.show_config(mode="dicts")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="OpenBLAS has other processors here"),
    pytest.mark.skipif(
        "openblas" not in CONFIGURATION["Build Dependencies"]["blas"]["name"],
        reason="linear algebra is not OpenBLAS's",
    ),
]


def can_run(core: str) -> bool:
    """Whether this processor knows the instructions of another one."""
    path = Path("/proc/cpuinfo")
    flags = path.read_text(encoding="utf-8").split() if path.is_file() else []
    return {"Haswell": "avx2", "Prescott": "pni", "SkylakeX": "avx512vl"}[core] in flags


def rebuilt(folder: Path, *choices: str, **environment: str) -> dict[str, bytes]:
    """The files of a run but the manifest."""
    folder.mkdir(exist_ok=True)
    copy_study(folder)
    outcome = run_process(folder, "run", "events.csv", *choices, env=environment)
    assert outcome.code == 0, outcome.err
    return files(folder / "reports")


def files(folder: Path) -> dict[str, bytes]:
    """Relative path -> bytes of every file but the manifest."""
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    found.pop("manifest.json", None)
    return found


@pytest.mark.parametrize("core", CORES)
def test_the_sample_has_the_committed_bytes_on_every_processor(core: str, tmp_path: Path) -> None:
    if not can_run(core):
        pytest.skip(f"this processor does not run the code for {core}")
    environment = {"OPENBLAS_CORETYPE": core}
    if core == "Prescott":
        environment["NPY_DISABLE_CPU_FEATURES"] = " ".join(CONFIGURATION["SIMD Extensions"]["found"])
    committed, found = files(ROOT / "reports"), rebuilt(tmp_path, "--audit", **environment)
    assert sorted(found) == sorted(committed)
    assert [name for name in committed if found[name] != committed[name]] == []


@pytest.mark.parametrize("threads", ["1", "2"])
def test_tables_have_the_same_bytes_with_any_threads(threads: str, tmp_path: Path) -> None:
    committed = files(ROOT / "reports")
    found = rebuilt(tmp_path, "--formats", "csv,json", OPENBLAS_NUM_THREADS=threads, OMP_NUM_THREADS=threads)
    assert len(found) > 10
    assert [name for name in found if found[name] != committed[name]] == []


def test_the_processors_differ_beyond_the_tenth_digit(tmp_path: Path) -> None:
    """Otherwise the tests above would compare one processor with itself."""
    if not can_run("Haswell"):
        pytest.skip("this processor does not run the code for Haswell")
    choices = ("--precision", "full", "--formats", "csv")
    haswell, prescott = (rebuilt(tmp_path / core, *choices, OPENBLAS_CORETYPE=core) for core in CORES[:2])
    assert [name for name in haswell if haswell[name] != prescott[name]]
