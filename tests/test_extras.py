"""Which command a message names where an optional dependency is missing."""

from __future__ import annotations

import json
from importlib.metadata import PackageNotFoundError
from types import SimpleNamespace

import pytest

from eventstudy import extras
from tests.conftest import ROOT


@pytest.mark.parametrize(
    ("origin", "command"),
    [
        (None, "pip install 'eventstudy-engine[fast]'"),
        ({"url": "file:///checkout.whl", "archive_info": {}}, "pip install 'eventstudy-engine[fast]'"),
        ({"url": "file:///checkout", "dir_info": {}}, "pip install 'eventstudy-engine[fast]'"),
        ({"url": "file:///checkout", "dir_info": {"editable": True}}, "pip install -e '.[fast]'"),
    ],
)
def test_only_a_checkout_is_installed_from_its_folder(
    monkeypatch: pytest.MonkeyPatch, origin: dict[str, object] | None, command: str
) -> None:
    text = None if origin is None else json.dumps(origin)
    monkeypatch.setattr(extras, "distribution", lambda name: SimpleNamespace(read_text=lambda file: text))
    assert extras.missing("--engine numba", "numba", "fast").hint == command


def test_a_folder_that_is_not_installed_is_a_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> None:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(extras, "distribution", absent)
    assert extras.install_command("xlsx") == "pip install -e '.[xlsx]'"


def test_no_other_module_names_the_command() -> None:
    others = [path for path in (ROOT / "eventstudy").rglob("*.py") if path.name != "extras.py"]
    assert [path.name for path in others if "pip install" in path.read_text(encoding="utf-8")] == []
