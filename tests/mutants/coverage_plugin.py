"""A pytest plugin: which test runs which line of the engine, and how long each test takes, as JSON.

``python -m tests.mutants`` loads it with ``-p``; ``MUTANTS_MAP`` names the file.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import coverage
import pytest

SECONDS: dict[str, float] = {}
COVERAGE = coverage.Coverage(
    data_file=None, config_file=False, include=[str(Path.cwd() / "eventstudy" / "engine" / "*")]
)
COVERAGE.start()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Lines that run during a test, its fixtures with it, are its own."""
    COVERAGE.switch_context(item.nodeid)
    return (yield)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Add up setup, call and teardown."""
    SECONDS[report.nodeid] = SECONDS.get(report.nodeid, 0.0) + report.duration


def pytest_sessionfinish() -> None:
    """Write the map down."""
    COVERAGE.stop()
    data = COVERAGE.get_data()
    root = Path.cwd()
    lines = {
        Path(name).relative_to(root).as_posix(): {
            str(line): sorted(set(tests) - {""}) for line, tests in data.contexts_by_lineno(name).items()
        }
        for name in data.measured_files()
    }
    Path(os.environ["MUTANTS_MAP"]).write_text(json.dumps({"seconds": SECONDS, "lines": lines}), encoding="utf-8")
