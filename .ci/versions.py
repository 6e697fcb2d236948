"""Install the project and its test tools with a choice of versions of its dependencies, for the running interpreter.

``python .ci/versions.py lowest|newest|pinned|without-extras``: the lowest versions that ``pyproject.toml`` allows, the
newest that the index has, those of ``constraints.txt``, or the pinned ones without the optional dependencies of the
project.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
CHOICES = ("lowest", "newest", "pinned", "without-extras")
# the tools of the tests that are no optional dependency of the project
NO_EXTRA = {"arch", "pandas-datareader", "numba", "dask", "distributed", "pyarrow", "openpyxl"}
LOWER = re.compile(r"([A-Za-z0-9._-]+)>=([0-9][0-9a-z.]*)")


def lower_bounds(project: dict[str, object]) -> list[str]:
    """``name==version`` of every lower bound of the dependencies and extras."""
    listed: list[str] = list(project["dependencies"])  # type: ignore[call-overload]
    for extra in project["optional-dependencies"].values():  # type: ignore[attr-defined]
        listed += extra
    found = [LOWER.fullmatch(text) for text in listed]
    if wrong := [text for text, one in zip(listed, found, strict=True) if one is None]:
        raise SystemExit(f"no lower bound: {', '.join(wrong)}")
    return [f"{one[1]}=={one[2]}" for one in found if one is not None]


def group(groups: dict[str, list[object]], name: str) -> list[str]:
    """The requirements of a dependency group, with those of the groups that it includes."""
    found: list[str] = []
    for entry in groups[name]:
        found += group(groups, entry["include-group"]) if isinstance(entry, dict) else [str(entry)]
    return found


def arguments(choice: str, folder: Path) -> list[str]:
    """What pip is asked to install."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    tools = group(settings["dependency-groups"], "dev")
    extras = f"[{','.join(settings['project']['optional-dependencies'])}]"
    if choice == "without-extras":
        tools = [tool for tool in tools if re.split(r"[<>=;\[ ]", tool)[0] not in NO_EXTRA]
        extras = ""
    if choice == "lowest":
        bounds = folder / "lowest.txt"
        bounds.write_text("\n".join(lower_bounds(settings["project"])) + "\n", encoding="utf-8")
        held = ["--constraint", str(bounds)]
    else:
        held = [] if choice == "newest" else ["--constraint", str(ROOT / "constraints.txt")]
    return [*held, "--editable", f"{ROOT}{extras}", *tools]


def main() -> None:
    if len(sys.argv) != 2 or sys.argv[1] not in CHOICES:
        raise SystemExit(f"usage: python .ci/versions.py {'|'.join(CHOICES)}")
    with tempfile.TemporaryDirectory() as folder:
        words = arguments(sys.argv[1], Path(folder))
        raise SystemExit(subprocess.call([sys.executable, "-m", "pip", "install", *words]))  # noqa: S603  our own words


if __name__ == "__main__":
    main()
