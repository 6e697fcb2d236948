"""The choices of a study as a person typed them: option names and values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from eventstudy.spec import ACCESS_FIELDS, WRITING_FIELDS

# Fields of the spec whose option has another name; all others are the option with `_`.
OPTION_OF = {"benchmarks": "benchmark", "peers": "peer", "windows": "window", "index_weights": "index_weight"}
# What a field is when it is not an option of its own.
NOT_OPTIONS = ("windows_given", "benchmarks_given", "notices")
# Price source and kernels: results.json leaves them out.
ACCESS = ACCESS_FIELDS
# Choices that cannot move a CAR or its standard error.
REPORTING = frozenset(
    {*ACCESS, *WRITING_FIELDS, "by", "tests", "windows", "weight", "level", "source", "calibrated", "shares", "volume"}
)


@dataclass(frozen=True, slots=True)
class Change:
    """Something that has a name and was one thing before and another after."""

    name: str
    before: str
    after: str


def option_name(field: str) -> str:
    """The flag of a field of the spec: ``benchmarks`` -> ``--benchmark``."""
    return f"--{OPTION_OF.get(field, field).replace('_', '-')}"


def typed(value: Any) -> str:
    """A value as it is typed; ``none`` for what is not set."""
    if isinstance(value, Mapping) and set(value) == {"start", "end"}:
        return f"{value['start']}:{value['end']}"
    if isinstance(value, list | tuple):
        return " ".join(typed(item) for item in value) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None or value == "" else str(value)


def changed_settings(before: Mapping[str, Any], after: Mapping[str, Any], *, whole: bool) -> dict[str, Change]:
    """Fields of two specs that differ, with their option names.

    Parameters
    ----------
    whole : bool
        Both come from a manifest; otherwise paths and ways to get prices are compared by what results.json keeps.
    """
    found = {}
    for field in sorted({*before, *after} - set(NOT_OPTIONS)):
        if not whole and field in ACCESS:
            continue
        old, new = before.get(field), after.get(field)
        if not whole and field == "source":
            old, new = (str(value or "").split(":", 1)[0] for value in (old, new))
        if not whole and field == "factors":
            old, new = (str(value or "").replace("\\", "/").rsplit("/", 1)[-1] for value in (old, new))
        if typed(old) != typed(new):
            found[field] = Change(option_name(field), typed(old), typed(new))
    return found
