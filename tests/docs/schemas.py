"""The documented schema of every object that a command prints, for tests that hold real output against it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema

ROOT = Path(__file__).parent.parent.parent
FOLDER = ROOT / "docs" / "schemas"


def schema(name: str) -> dict[str, Any]:
    """The schema called ``name``."""
    return dict(json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8")))


def fits(name: str, text: str) -> dict[str, Any]:
    """The object in a text, once it is known to fit its schema."""
    value = json.loads(text)
    jsonschema.validate(value, schema(name), cls=jsonschema.Draft202012Validator)
    return dict(value)
