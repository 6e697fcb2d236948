"""What a release states of itself: one version, true lower bounds, and words that people search for."""

from __future__ import annotations

import re
import runpy
import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

import eventstudy
from tests.conftest import ROOT

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_the_version_is_one() -> None:
    stated = PROJECT["project"]["version"]
    assert eventstudy.__version__ == stated
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.search(r"^version: (.*)$", citation, re.M)[1] == stated  # type: ignore[index]


def test_every_dependency_has_a_bound_and_a_tested_version() -> None:
    chosen = runpy.run_path(str(ROOT / ".ci" / "versions.py"))
    bounds = chosen["lower_bounds"](PROJECT["project"])
    pinned = dict(
        line.split("==") for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines() if "==" in line
    )
    pinned = {re.sub(r"[-_.]+", "-", name).lower(): number for name, number in pinned.items()}
    for bound in bounds:
        name, lowest = bound.split("==")
        tested = pinned[re.sub(r"[-_.]+", "-", name).lower()]
        assert parts(lowest) <= parts(tested), bound


def parts(text: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", text)]


@pytest.mark.parametrize("choice", ["lowest", "newest", "pinned", "without-extras"])
def test_a_choice_of_versions_is_what_pip_is_asked(tmp_path: Path, choice: str) -> None:
    words = runpy.run_path(str(ROOT / ".ci" / "versions.py"))["arguments"](choice, tmp_path)
    held = words[words.index("--constraint") + 1] if "--constraint" in words else ""
    assert Path(held).name == {"lowest": "lowest.txt", "newest": ""}.get(choice, "constraints.txt")
    project = words[words.index("--editable") + 1]
    assert project.endswith("]") == (choice != "without-extras")
    assert any(word.startswith("pytest>=") for word in words)
    assert any(word.startswith("numba") for word in words) == (choice != "without-extras")
    if choice == "lowest":
        assert "numpy==2.0" in (tmp_path / "lowest.txt").read_text(encoding="utf-8").splitlines()


def test_an_unbounded_dependency_is_found() -> None:
    bounds = runpy.run_path(str(ROOT / ".ci" / "versions.py"))["lower_bounds"]
    with pytest.raises(SystemExit, match="no lower bound: numpy"):
        bounds({"dependencies": ["numpy", "scipy>=1.14"], "optional-dependencies": {}})


def test_each_python_of_the_classifiers_is_in_the_matrix() -> None:
    stated = [name.rpartition(" ")[2] for name in PROJECT["project"]["classifiers"] if "Python :: 3." in name]
    matrix = (ROOT / ".github" / "workflows" / "versions.yml").read_text(encoding="utf-8")
    assert stated == re.findall(r'"(3\.\d+)"', next(line for line in matrix.splitlines() if "python: [" in line))
    assert PROJECT["project"]["requires-python"] == f">={stated[0]}"


def test_the_installed_package_is_this_one() -> None:
    assert version("eventstudy-engine") == PROJECT["project"]["version"]
