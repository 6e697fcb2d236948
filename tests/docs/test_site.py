"""The documentation site: its code runs, its commands print what it shows, it builds with every link checked."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from eventstudy.engine.models import MODELS
from eventstudy.spec import ALL_TESTS, ALWAYS_TESTS
from tests.cli.conftest import clean_environment, copy_study

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)

sys.path.insert(0, str(DOCS / "site"))


def blocks(page: str) -> list[tuple[str, str]]:
    """(language, text) of every fenced block of a page, in order."""
    return BLOCK.findall((DOCS / page).read_text(encoding="utf-8"))


def test_the_api_page_runs_as_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy_study(tmp_path)
    monkeypatch.chdir(tmp_path)
    code = [text for language, text in blocks("api.md") if language == "python"]
    assert len(code) >= 4
    space: dict[str, object] = {}
    for text in code:
        exec(compile(text, "docs/api.md", "exec"), space)


def shell(text: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a block of commands as a reader would, with this interpreter's programs first."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", text],
        cwd=folder,
        env=clean_environment(PATH=path, PYTHONPATH=str(ROOT), HOME=str(folder)),
        capture_output=True,
        text=True,
        timeout=300,
        stdin=subprocess.DEVNULL,
    )


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash to walk the pages with")
@pytest.mark.parametrize("page", [pytest.param("tutorial.md", marks=pytest.mark.slow), "howto/tonight.md"])
def test_a_reader_who_types_the_page_sees_what_it_shows(page: str, tmp_path: Path) -> None:
    """In a fresh copy of what git tracks: each block runs, and prints the lines of the block below it."""
    clone(tmp_path)
    said = ""
    ran = 0
    for language, text in blocks(page):
        if language == "sh":
            done = shell(text, tmp_path)
            assert done.returncode == 0, f"{text}\n{done.stderr}"
            said, ran = done.stdout + done.stderr, ran + 1
        elif language == "text":
            for line in text.splitlines():
                assert line == "..." or line in said, f"{page}: {line!r} is not in\n{said}"
    assert ran


def clone(folder: Path) -> None:
    """What git tracks, as it is in the working tree; without git, the study's own files."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    names = [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]
    if listed.returncode or not names:
        copy_study(folder)
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)


def test_every_method_has_its_page() -> None:
    from hooks import FAMILIES, FIELDS, cards

    found = cards()
    written = {name for entries in found.values() for name in entries}
    measures = {"car", "scar", "bhar", "aar", "caar", "pwcaar", "ivwcaar", "vwcaar", "abhar", "dollar", "avol"}
    wanted = {*MODELS, *ALL_TESTS, *ALWAYS_TESTS, *measures}
    assert written == wanted, f"docs/site/cards: missing {wanted - written}, unknown {written - wanted}"
    assert set(found) == set(FAMILIES)
    for entries in found.values():
        for name, card in entries.items():
            for field in FIELDS:
                assert len(card.get(field, "")) > 3, f"{name}: {field}"


def test_observed_sizes_reach_the_pages() -> None:
    from hooks import generated, observed_sizes

    assert ("N=3 L=1", "16.1 (14.4)") in observed_sizes("grank-t")
    pages = generated()
    assert "| one date, rho=.3 N=10 L=1 |" in pages["methods/csect-t.md"]
    assert "eventstudy cache verify" in pages["reference/commands.md"]
    assert "`--audit`" not in pages["reference/commands.md"], "study options are on their own page"


@pytest.mark.slow
def test_the_site_builds_and_every_link_leads_somewhere(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path / "site")],
        cwd=ROOT,
        env={**os.environ, "HTTPS_PROXY": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    pages = list((tmp_path / "site").rglob("*.html"))
    assert len(pages) > 60
    for page in pages:
        text = page.read_text(encoding="utf-8")
        outside = re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="(https?:[^"]+)"', text)
        assert not [url for url in outside if "canonical" not in url], f"{page.name} needs the network: {outside}"
