"""``help()`` has an example that runs."""

from __future__ import annotations

import doctest
import importlib
import inspect
import warnings

import pytest

import eventstudy as es

MODULES = ("run", "result", "report", "regression", "compare", "etable", "validate")
# what has no example: errors, what another function returns, and what needs the network or many events
WITHOUT = {
    *(name for name in es.__all__ if name.endswith(("Error", "Warning", "Result"))), "NothingStudied",
    "SourceUnavailable", "Comparison", "Validation", "Window", "backtest", "calibrate", "fetch",
}  # fmt: skip


@pytest.mark.parametrize("name", [*(f"eventstudy.api.{name}" for name in MODULES), "eventstudy.spec"])
def test_examples_run(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = doctest.testmod(importlib.import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert found.attempted > 0 and found.failed == 0


@pytest.mark.parametrize("name", es.__all__)
def test_every_public_name_explains_itself(name: str) -> None:
    text = inspect.getdoc(getattr(es, name)) or ""
    assert len(text) > 30
    assert name in WITHOUT or ">>>" in text


def test_signatures_name_every_choice() -> None:
    for function in (es.run, es.StudySpec):
        names = set(inspect.signature(function).parameters)
        assert {"benchmark", "windows", "estimation", "level", "model", "tests"} <= names
        assert not {"given", "named", "windows_given", "notices"} & names
    assert list(inspect.signature(es.run).parameters)[:3] == ["events", "prices", "spec"]
