"""--engine: the same report from either, the one used in the manifest, and clear words where it cannot be."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd

from tests.cli.conftest import ROOT, STUDY, Cli, run_process
from tests.conftest import needs

TABLES = ("abnormal_returns", "windows", "models", "aggregate", "aar", "clusters", "robustness")

FEW = ("--event", "h20_license_8k", "--event", "deepseek_shock")


@needs("fast")
def test_both_engines_write_the_same_report(tmp_path: Path) -> None:
    for name in STUDY:
        shutil.copy(ROOT / name, tmp_path)
    tables = {}
    for asked, engine in (("auto", "numpy"), ("numba", "numba")):
        # the manifest tells what this process has loaded
        done = run_process(tmp_path, "run", *FEW, "--engine", asked, "--formats", "csv", "-o", engine)
        assert done.code == 0, done.err
        manifest = json.loads((tmp_path / engine / "manifest.json").read_text(encoding="utf-8"))
        assert manifest["engine"] == engine
        assert ("numba" in manifest["versions"]) == (engine == "numba")
        tables[engine] = {name: pd.read_csv(tmp_path / engine / f"{name}.csv") for name in TABLES}
    for name in TABLES:
        pd.testing.assert_frame_equal(tables["numpy"][name], tables["numba"][name], rtol=1e-9, atol=1e-12, obj=name)


def test_what_cannot_be_is_said(cli: Cli, tmp_path: Path) -> None:
    for name in STUDY:
        shutil.copy(ROOT / name, tmp_path)
    unknown = cli("run", "--engine", "numbaa")
    assert unknown.code == 2 and "did you mean numba?" in unknown.err
    no_twin = cli("run", "--engine", "numba", "--model", "scholes-williams")
    assert no_twin.code == 2 and "scholes-williams" in no_twin.err and "--engine numpy" in no_twin.err
    # a package that is not there: a folder that hides it
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "sitecustomize.py").write_text(
        "import importlib.util as u\nreal = u.find_spec\n"
        "u.find_spec = lambda name, *rest: None if name == 'numba' else real(name, *rest)\n",
        encoding="utf-8",
    )
    absent = cli("run", "--engine", "numba", env={"PYTHONPATH": str(hidden)})
    assert (
        absent.code == 2
        and "--engine numba needs the package numba" in absent.err
        and "[fast]" in absent.err
        and not (tmp_path / "reports").exists()
    )
