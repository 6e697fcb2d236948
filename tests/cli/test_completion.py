"""What a shell is offered."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from eventstudy.cli.options import KNOWN, offered
from eventstudy.cli.settings import OPTIONS
from tests.cli.conftest import clean_environment


def ask(words: str, folder: Path) -> list[str]:
    """The answers to a half-typed line, as bash would ask for them."""
    env = clean_environment(
        _EVENTSTUDY_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=str(len(words.split(" ")) - 1)
    )
    done = subprocess.run(
        [sys.executable, "-c", "import sys; sys.argv[0] = 'eventstudy'; from eventstudy.cli.app import main; main()"],
        cwd=folder,
        env={**env, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.stdout.split()


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("eventstudy ca", {"calibrate", "cache"}),
        ("eventstudy run --mod", {"--model"}),
        ("eventstudy run --model mark", {"market-model", "market-adjusted"}),
        ("eventstudy run --alternative g", {"greater"}),
    ],
)
def test_half_a_word_is_completed(line: str, wanted: set[str], tmp_path: Path) -> None:
    assert wanted <= set(ask(line, tmp_path))


def test_lists_complete_their_last_part() -> None:
    complete = offered("tests")
    assert complete is not None
    assert "bmp,corrado-zivney" in complete("bmp,corr") and complete("bmp,no-such") == []
    formats = offered("formats")
    assert formats is not None and formats("md,h") == ["md,html"]


def test_every_word_offered_is_one_the_option_takes() -> None:
    from eventstudy.spec import StudySpec

    assert set(KNOWN) <= set(OPTIONS) and offered("gap") is None
    for name in ("exclude", "returns", "missing", "alternative", "engine"):
        for word in KNOWN[name]():
            StudySpec(**{name: word})
