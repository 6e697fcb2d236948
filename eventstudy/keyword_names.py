"""Messages in the words of Python: where the command line writes ``--event-window A:B``, Python writes
``event_window='A:B'``."""

from __future__ import annotations

import re

_OPTION = re.compile(r"--([a-z][a-z0-9-]*)(?:[= ]([A-Z][A-Z0-9:=]*\b|'[^']*'|[a-z0-9^][\w.:^=-]*(?=[,;)]|$| where)))?")
_NUMBER = re.compile(r"[0-9.]+")
# words of a sentence that may follow an option
NO_VALUES = ("out", "and", "or", "is", "are", "names", "reads")
# options that are keywords of another name, and those without a keyword
OTHER = {"formula": "formula", "event": "only", "cost-bps": "cost_bps"}
SWITCHES = ("detail", "audit", "force", "offline", "calibrated", "allow-small")


def in_python(text: str) -> str:
    """A message with keywords in place of options."""
    return _OPTION.sub(_keyword, text) if "--" in text else text


def _keyword(found: re.Match[str]) -> str:
    name, value = found[1], found[2]
    keyword = OTHER.get(name, name.replace("-", "_"))
    if name in SWITCHES:
        return f"{keyword}=True" + (f" {value}" if value else "")
    if not value or value in NO_VALUES:
        return f"{keyword} {value}" if value else keyword
    return f"{keyword}={value}" if value.startswith("'") or _NUMBER.fullmatch(value) else f"{keyword}={value!r}"
