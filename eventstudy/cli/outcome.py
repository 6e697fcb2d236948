"""What commands that build on estimated CARs have in common at their end: the audit, and the exit code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from eventstudy.cli.console import Console
from eventstudy.cli.settings import Setting
from eventstudy.errors import EventStudyError, NothingStudied

if TYPE_CHECKING:
    from eventstudy.results import StudyResult


def judge_study(result: StudyResult, settings: Mapping[str, Setting], console: Console) -> None:
    """Audit where asked, and turn what happened into an exit code, after the files are written.

    Raises
    ------
    EventStudyError
        If the audit does not agree.
    NothingStudied
        Under ``--strict``, if some event could not be studied.
    """
    if settings["audit"].value:
        from eventstudy.evaluate.audit import audit

        found = audit(result.studied)
        gap = f"{found.largest_gap:.1e}"
        if not found.agrees:
            raise EventStudyError(
                f"the audit found a relative gap of {gap} at {found.worst}",
                "agreement with statsmodels to 1e-9",
                "a regressor may be nearly constant; `eventstudy run` writes models.csv",
            )
        console.say(f"audit: {found.n_checked} rows and statsmodels agree (largest relative gap {gap})")
    if settings["strict"].value and result.exclusions:
        raise NothingStudied(
            f"{len(result.exclusions)} events could not be studied (--strict)",
            hint="`eventstudy run` writes excluded.csv with the reason of each row",
        )
