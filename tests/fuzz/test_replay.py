"""Inputs that once broke a reader, or are likely to, read again; and a slice of new ones."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from tests.chaos.fuzz import CORPUS, ROOT, Tally, one
from tests.conftest import needs
from tests.fuzz.targets import TARGETS, inputs

KEPT = sorted(CORPUS.glob("*/*"))
# what is behind pandas, and what makes folders, is slower
EXAMPLES = {"events": 25, "confounders": 25, "prices": 80, "factors": 80, "folder": 40, "parquet": 60, "config": 120}


def with_extra(name: str, value: object) -> object:
    """A parameter of a reader; that of Parquet needs an extra."""
    return pytest.param(value, marks=needs("scale")) if name == "parquet" else value


@pytest.mark.parametrize(
    "path",
    [with_extra(path.parent.name, path) for path in KEPT],
    ids=[f"{path.parent.name}-{path.name}" for path in KEPT],
)
def test_the_corpus(path: Path) -> None:
    tally = Tally()
    one(TARGETS[path.parent.name], path.read_bytes(), tally)
    assert not tally.broken, tally.broken


def test_every_reader_has_a_corpus_that_is_small() -> None:
    assert {path.parent.name for path in KEPT} == set(TARGETS)
    assert sum(path.stat().st_size for path in KEPT) < 64_000


@pytest.mark.parametrize("name", [with_extra(name, name) for name in TARGETS])
def test_a_slice(name: str) -> None:
    target = TARGETS[name]

    @settings(
        max_examples=EXAMPLES.get(name, 300), deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(inputs(target))
    def read(data: bytes) -> None:
        target.read(data)

    read()


def test_a_fault_would_be_found() -> None:
    """The campaign counts what a reader lets through."""
    from dataclasses import replace

    def broken(data: bytes) -> str:
        if len(data) > 3:
            raise KeyError("a bug")
        return "accepted"

    tally = Tally()
    for data in (b"", b"abcd", b"abcde"):
        one(replace(TARGETS["names"], read=broken), data, tally)
    assert tally.counts == {"accepted": 1, "uncaught": 2} and list(tally.broken.values()) == [b"abcd"]


@pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None, reason="atheris is not installed (--group fuzz, Linux)"
)
def test_the_guided_part() -> None:
    command = [sys.executable, "-m", "tests.chaos.fuzz", "--minutes", "0.2", "--only", "claims"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    counted = next(row for row in done.stdout.splitlines() if "claims, guided" in row).split("|")
    assert int(counted[2].replace(",", "")) > 100


def test_the_campaign_prints_its_table() -> None:
    command = [
        sys.executable,
        "-m",
        "tests.chaos.fuzz",
        "--seed",
        "3",
        "--minutes",
        "0.02",
        "--no-guided",
        "--only",
        "claims",
        "days",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [row.split("|") for row in done.stdout.splitlines() if row.startswith(("| claims", "| days"))]
    assert len(rows) == 2 and all(int(row[2].replace(",", "")) > 10 and row[5].strip() == "0" for row in rows)
