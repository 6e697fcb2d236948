"""What the program is built on is listed from what is installed, and an index that does not answer is not a failure."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT

SUPPLY: dict[str, Any] = runpy.run_path(str(ROOT / ".ci" / "supply.py"))


def test_every_dependency_is_in_the_bill_with_its_licence() -> None:
    found = SUPPLY["needed"]()
    assert {"numpy", "pandas", "matplotlib", "yfinance", "curl-cffi", "requests"} <= found.keys()
    assert not {"pytest", "ruff", "zizmor"} & found.keys(), "what the program needs, not what its tests need"
    document = SUPPLY["bill"](found)
    assert document == SUPPLY["bill"](SUPPLY["needed"]()) and document["bomFormat"] == "CycloneDX"
    assert document["metadata"]["component"]["name"] == "eventstudy-engine"
    assert len(document["components"]) == len(found) - 1
    assert all(part["purl"] == f"pkg:pypi/{part['name']}@{part['version']}" for part in document["components"])
    licences = {name: SUPPLY["licence"](one) for name, one in found.items()}
    assert licences["eventstudy-engine"] == "MIT"
    # one of them ships its licence as a file alone
    assert {name for name, said in licences.items() if said == "not stated"} <= {"peewee"}


@pytest.mark.parametrize(
    "printed,code,words",
    [('{"dependencies": [{"name": "numpy", "version": "2", "vulns": []}]}', 0, "1 dependencies asked about, 0 known"),
     ('{"dependencies": [{"name": "x", "version": "2", "vulns": [{"id": "PYSEC-1"}]}]}', 1, "x 2 is known to be unsafe: PYSEC-1"),
     ('{"dependencies": [{"name": "numpy", "skip_reason": "not found"}]}', 0, "of 1 dependencies nothing is known: numpy\n0 dependencies"),
     ("no answer", 0, "::warning title=Not audited"), ("[]", 0, "::warning title=Not audited")],
)  # fmt: skip
def test_what_the_index_says(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    printed: str,
    code: int,
    words: str,
) -> None:
    class Done:
        stdout = printed

    monkeypatch.setattr("subprocess.run", lambda *_, **__: Done())
    assert SUPPLY["audit"](SUPPLY["needed"](), tmp_path) == code
    assert words in capsys.readouterr().out
    listed = (tmp_path / "versions.txt").read_text()
    assert "numpy==" in listed and "eventstudy" not in listed
    if code:
        assert json.loads((tmp_path / "audit.json").read_text())[0]["name"] == "x"
