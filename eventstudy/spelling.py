"""Hints for misspelt names: the closest known one."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from pathlib import Path

# of the names that hold what was typed, as many as fit a line
MOST = 3


def meant(name: str, known: Iterable[str]) -> str:
    """``did you mean ...?``, or nothing: the closest name, whatever its case, else the few that hold what was typed."""
    names = list(dict.fromkeys(known))
    lower = {one.lower(): one for one in reversed(names)}
    close = difflib.get_close_matches(name.lower(), lower, n=1)
    if close:
        return f"did you mean {lower[close[0]]}?"
    holding = [one for one in names if len(name) > 1 and name.lower() in one.lower()]
    return f"did you mean {' or '.join(holding)}?" if 0 < len(holding) <= MOST else ""


def holding(names: Iterable[str], known: Iterable[str]) -> dict[str, str]:
    """``, which has AMD.O`` for each name: the first known ones that hold its words (``amd_us_d.csv`` does); or ''."""
    held: dict[str, list[tuple[str, list[str]]]] = {}
    for one in dict.fromkeys(known):
        words = _words(one)
        for word in dict.fromkeys(words):
            held.setdefault(word, []).append((one, words))
    said = {}
    for name in names:
        words = _words(name)
        near = held.get(words[0], []) if words else []
        found = [one for one, its in near if words in [its[at : at + len(words)] for at in range(len(its))]]
        said[name] = f", which has {', '.join(found[:MOST])}" if found else ""
    return said


def _words(name: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", name.lower())


def meant_path(path: Path, *, folder: bool = False) -> str:
    """The same for a file, or a folder, among what is beside it."""
    try:
        beside = [entry.name for entry in path.parent.iterdir() if entry.is_dir() == folder and entry.name[0] != "."]
    except (OSError, ValueError):
        return ""
    close = difflib.get_close_matches(path.name.lower(), [name.lower() for name in beside], n=1)
    found = sorted(name for name in beside if close and name.lower() == close[0])
    return f"did you mean {path.parent / found[0]}?" if found else ""
