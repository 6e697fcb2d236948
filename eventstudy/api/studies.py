"""A study that is there already, or one that is run now, for what rests on one."""

from __future__ import annotations

from typing import Any

from eventstudy.api.result import StudyResult, is_held
from eventstudy.api.run import chosen, run
from eventstudy.errors import UsageError


def study_of(first: object, named: dict[str, Any], quick: tuple[str, ...] = ()) -> StudyResult:
    """The study of a result, or of events and the keywords of ``run``.

    Parameters
    ----------
    first : StudyResult or events
    named : dict
        Keywords of ``run``.
    quick : tuple of str
        Tests that suffice, in place of those of the spec.

    Raises
    ------
    UsageError
        For keywords beside a result, whose choices are made.
    """
    if isinstance(first, StudyResult):
        if named:
            names = ", ".join(named)
            raise UsageError(
                f"{names}: the choices of a result cannot be changed", "", "es.run(events, ...) makes others"
            )
        if not is_held(first):
            raise UsageError(
                "the events of this study are not held in memory", "", "es.run without out=, or detail=True"
            )
        return first
    if quick:
        named = {**named, "tests": quick, "spec": chosen(named.get("spec"), {})}
    return run(first, **named)
