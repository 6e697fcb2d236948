"""A pytest plugin: which test runs which line of the engine, and how long each test takes, as JSON.

``python -m tests.mutants`` loads it with ``-p``; ``MUTANTS_MAP`` names the file. A line that a shared fixture runs belongs
to every test that takes the fixture, whichever test was the first to ask for it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import coverage
import pytest

SECONDS: dict[str, float] = {}
TAKERS: dict[str, set[str]] = {}
NOW = [""]
COVERAGE = coverage.Coverage(
    data_file=None, config_file=False, include=[str(Path.cwd() / "eventstudy" / "engine" / "*")]
)
COVERAGE.start()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """What a test runs is its own."""
    for name in getattr(item, "fixturenames", ()):
        TAKERS.setdefault(f"fixture {name}", set()).add(item.nodeid)
    _switch(item.nodeid)
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: Any, request: Any) -> Iterator[Any]:
    """What a fixture of a module or of the session runs is of all who take it."""
    before = NOW[0]
    if fixturedef.scope != "function":
        name = f"fixture {fixturedef.argname}"
        TAKERS.setdefault(name, set()).add(request.node.nodeid if "::" in request.node.nodeid else before)
        _switch(name)
    try:
        return (yield)
    finally:
        _switch(before)


def _switch(context: str) -> None:
    NOW[0] = context
    COVERAGE.switch_context(context)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Add up setup, call and teardown."""
    SECONDS[report.nodeid] = SECONDS.get(report.nodeid, 0.0) + report.duration


def pytest_sessionfinish() -> None:
    """Write the map down: "" stands for what runs at import."""
    COVERAGE.stop()
    data = COVERAGE.get_data()
    root = Path.cwd()

    def tests(contexts: list[str]) -> list[str]:
        return sorted({test for context in contexts for test in TAKERS.get(context, {context})})

    lines = {
        Path(name).relative_to(root).as_posix(): {
            str(line): tests(contexts) for line, contexts in data.contexts_by_lineno(name).items()
        }
        for name in data.measured_files()
    }
    Path(os.environ["MUTANTS_MAP"]).write_text(json.dumps({"seconds": SECONDS, "lines": lines}), encoding="utf-8")
