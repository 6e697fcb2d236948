"""`eventstudy init`: a study that runs unedited, without overwriting files."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import pytest

from eventstudy.cli.init import CI, IGNORED, STUDY
from tests.cli.conftest import ROOT, Cli, run_in

TEMPLATES = ROOT / "eventstudy" / "templates"
FILES = {*STUDY, *IGNORED}


def written(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_init_and_run_in_an_empty_folder(cli: Cli, tmp_path: Path) -> None:
    outcome = cli("init")
    assert outcome.code == 0 and set(outcome.out.split()) == FILES == written(tmp_path)
    assert outcome.err == "next: eventstudy run\n"
    ran = cli("run", "--strict", "--formats", "md,csv")
    assert ran.code == 0, ran.err
    assert "15 rows read, 15 studied, 0 excluded" in ran.out and "prices" not in ran.err.replace("prices:", "")
    assert "h20_license_8k NVDA close: claimed -0.07, observed -6.87 % (agrees)" in ran.out
    ignored = (tmp_path / ".gitignore").read_text().splitlines()
    assert "reports/manifest.json" in ignored and ".eventstudy/" in ignored


@pytest.mark.parametrize("host", CI)
def test_with_ci(cli: Cli, tmp_path: Path, host: str) -> None:
    outcome = cli("init", "my study", "--ci", host)
    assert outcome.code == 0 and written(tmp_path / "my study") == {*FILES, *CI[host]}
    assert "set INSTALL" in outcome.err and "cd my study && eventstudy run" in outcome.err
    for name, source in {**STUDY, **IGNORED, **CI[host]}.items():
        assert (tmp_path / "my study" / name).read_bytes() == (TEMPLATES / source).read_bytes()


def test_json(cli: Cli) -> None:
    found = json.loads(cli("init", "x", "--json").out)
    assert found == {"schema_version": 1, "folder": "x", "written": [*STUDY, *IGNORED], "kept": []}


def test_nothing_is_overwritten(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text("mine")
    (tmp_path / ".gitignore").write_text("mine")
    outcome = cli("init", "--ci", "github", "--json")
    assert outcome.code == 0 and "kept as they are: events.csv, .gitignore" in outcome.err
    found = json.loads(outcome.out)
    assert found["written"] == [".github/workflows/eventstudy.yml"], "no example beside somebody's announcements"
    assert found["kept"] == ["events.csv", "confounders.csv", "eventstudy.toml", ".gitignore"]
    assert written(tmp_path) == {"events.csv", ".gitignore", ".github/workflows/eventstudy.yml"}
    assert (tmp_path / "events.csv").read_text() == (tmp_path / ".gitignore").read_text() == "mine"
    again = cli("init", "--ci", "github")
    assert again.code == 2 and "nothing to write" in again.err and "--force" in again.err
    forced = cli("init", "--ci", "github", "--force")
    assert forced.code == 0 and written(tmp_path) == {*FILES, *CI["github"]}
    assert (tmp_path / "events.csv").read_bytes() == (TEMPLATES / "events.csv").read_bytes()


def test_a_link_is_a_file_that_is_there(cli: Cli, tmp_path: Path) -> None:
    aim = tmp_path / "elsewhere.csv"
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "events.csv").symlink_to(aim)
    assert cli("init", "study").code == 0 and not aim.exists()
    assert cli("init", "study", "--force").code == 0 and not aim.exists(), "the link is replaced, not followed"
    assert not (tmp_path / "study" / "events.csv").is_symlink()


def test_where_nothing_can_be_written(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "study" / ".gitignore").mkdir(parents=True)
    for arguments in (
        ("init", "file"),
        ("init", "file/inside"),
        ("init", "/proc/nowhere"),
        ("init", "study", "--force"),
    ):
        outcome = cli(*arguments)
        assert outcome.code == 2 and "Traceback" not in outcome.err and "hint" in outcome.err, arguments
    assert (tmp_path / "file").read_text() == "x"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--ci", "gitub"), ("gitub", "github, gitlab", "did you mean github")),
        (("a", "b"), ("unexpected",)),
        (("--ci",), ("--ci",)),
    ],
)
def test_usage(cli: Cli, tmp_path: Path, arguments: tuple[str, ...], words: tuple[str, ...]) -> None:
    outcome = cli("init", *arguments)
    assert outcome.code == 2 and "Traceback" not in outcome.err
    for word in words:
        assert word in outcome.err
    assert not written(tmp_path)


@pytest.mark.parametrize("name", ["events.csv", "confounders.csv"])
def test_the_templates_are_rows_of_the_example(name: str) -> None:
    ours, theirs = (list(csv.reader(path.read_text(encoding="utf-8").splitlines())) for path in _both(name))
    columns = len(ours[0])
    assert ours[0] == theirs[0][:columns] and len(ours) > 10
    # rows of the example that name benchmarks of their own are not among them
    assert all(row in [their[:columns] for their in theirs if not any(their[columns:])] for row in ours[1:])


def _both(name: str) -> tuple[Path, Path]:
    return TEMPLATES / name, ROOT / name


def test_the_settings_are_known_and_shown(cli: Cli, tmp_path: Path) -> None:
    """Every line of the file is a default or does something, and a comment is not the only place of an option."""
    import tomllib

    from eventstudy.cli.settings import OPTIONS

    values = tomllib.loads((TEMPLATES / "eventstudy.toml").read_text())
    assert set(values) <= set(OPTIONS) and values["source"] == "snapshot"


def test_no_template_sends_anybody_to_the_wrong_package() -> None:
    for path in TEMPLATES.iterdir():
        if path.is_file():
            assert "pip install eventstudy" not in path.read_text(encoding="utf-8"), path.name


def test_permissions_are_those_of_any_new_file(tmp_path: Path) -> None:
    run_in(tmp_path, "init")
    (tmp_path / "other").write_text("x")
    assert os.stat(tmp_path / "events.csv").st_mode == os.stat(tmp_path / "other").st_mode
