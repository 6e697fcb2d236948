"""Lists that ship with the package as TOML files: study options, flags, terms, columns of tables, exchanges."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any


@cache
def listed(name: str) -> dict[str, Any]:
    """The list in ``NAME.toml``, in the order of the file."""
    return tomllib.loads((Path(__file__).parent / f"{name}.toml").read_text(encoding="utf-8"))
