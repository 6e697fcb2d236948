"""A release as a stranger meets it: build the wheel and the sdist, install each outside the checkout, and use it.

``python .ci/release.py OUT`` builds into ``OUT/dist`` and ends with exit 1 where a file of the package is missing,
twine finds fault, an installation fails, or ``--version``, ``init``, ``run`` or ``event`` does not do what it should.
Each artifact is installed by pip into an environment of its own; the wheel also by ``uv tool`` and pipx, which the
group ``release`` holds.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import venv
import zipfile
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parent.parent
TOOLS = Path(sys.executable).parent


def run(*words: str | Path, folder: Path | None = None, env: Mapping[str, str] | None = None) -> str:
    """What a command prints; it must succeed."""
    words = tuple(map(str, words))
    done = subprocess.run(words, cwd=folder, env=env, capture_output=True, text=True)  # noqa: S603  our own words
    if done.returncode:
        raise SystemExit(
            f"{' '.join(map(str, words))}: exit {done.returncode}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
        )
    return done.stdout


def built(dist: Path) -> tuple[Path, Path]:
    """The wheel and the sdist, from a copy of what git tracks."""
    with tempfile.TemporaryDirectory() as folder:
        clean = Path(folder) / "checkout"
        run("git", "clone", "--quiet", "--no-hardlinks", ROOT, clean)
        run(sys.executable, "-m", "build", "--outdir", dist, clean)
    (wheel,), (sdist,) = dist.glob("*.whl"), dist.glob("*.tar.gz")
    return wheel, sdist


def check_files(wheel: Path, sdist: Path) -> None:
    """Every tracked file of the package is in both, and the wheel holds nothing else."""
    tracked = {name for name in run("git", "-C", ROOT, "ls-files", "eventstudy").splitlines() if name}
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    with tarfile.open(sdist) as archive:
        source = {name.partition("/")[2] for name in archive.getnames()}
    wrong = {
        "missing in the wheel": tracked - held,
        "only in the wheel": held - tracked,
        "missing in the sdist": tracked - source,
    }
    if found := {what: sorted(names) for what, names in wrong.items() if names}:
        raise SystemExit(f"the artifacts do not hold the package: {found}")


def use(command: Path, version: str, env: Mapping[str, str]) -> None:
    """The first commands of a new user, offline, in an empty folder."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        assert run(command, "--version", folder=folder, env=env).split()[-1] == version
        run(command, "init", folder=folder, env=env)
        run(command, "run", "--source", "snapshot", folder=folder, env=env)
        missing = [
            name for name in ("report.html", "summary.md", "windows.csv") if not (folder / "reports" / name).is_file()
        ]
        if missing:
            raise SystemExit(f"{command}: no {', '.join(missing)} after `run`")
        said = run(
            command, "event", "NVDA", "2025-04-15", "--timing", "amc", "--source", "snapshot", folder=folder, env=env
        )
        if "16 April 2025" not in said:
            raise SystemExit(f"{command}: `event` does not name day 0:\n{said}")


def environment(home: Path) -> dict[str, str]:
    """That of a user who has nothing of this checkout."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("EVENTSTUDY_", "PYTHON", "VIRTUAL_ENV"))
    }
    return {**kept, "HOME": str(home), "EVENTSTUDY_OFFLINE": "yes", "EVENTSTUDY_STORE": str(home / "store")}


def main() -> None:
    out = Path(sys.argv[1]).resolve()
    dist = out / "dist"
    shutil.rmtree(out, ignore_errors=True)
    dist.mkdir(parents=True)
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    wheel, sdist = built(dist)
    check_files(wheel, sdist)
    print(run(sys.executable, "-m", "twine", "check", "--strict", wheel, sdist).strip())
    for artifact in (wheel, sdist):
        with tempfile.TemporaryDirectory() as folder:
            venv.create(Path(folder) / "env", with_pip=True)
            python = Path(folder) / "env" / ("Scripts" if os.name == "nt" else "bin") / "python"
            run(python, "-m", "pip", "install", "--quiet", "--constraint", ROOT / "constraints.txt", artifact)
            place = run(python, "-c", "import eventstudy; print(eventstudy.__file__)", folder=Path(folder)).strip()
            assert Path(place).is_relative_to(folder), place
            use(python.with_name("eventstudy"), version, environment(Path(folder)))
            print(f"{artifact.name}: installed by pip and used")
    for name, words in {"uv": ("tool", "install"), "pipx": ("install",)}.items():
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder)
            env = environment(place) | {
                "UV_TOOL_DIR": str(place / "tools"),
                "UV_TOOL_BIN_DIR": str(place / "bin"),
                "UV_PYTHON": sys.executable,
                "UV_CACHE_DIR": str(place / "cache"),
                "PIPX_HOME": str(place / "tools"),
                "PIPX_BIN_DIR": str(place / "bin"),
                "PIPX_DEFAULT_PYTHON": sys.executable,
            }
            run(TOOLS / name, *words, wheel, folder=place, env=env)
            use(place / "bin" / "eventstudy", version, env)
            print(f"{wheel.name}: installed by {name} and used")


if __name__ == "__main__":
    main()
