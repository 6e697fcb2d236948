"""Whether what a study found is what a person can go on with: its audit agrees, and enough could be studied."""

from __future__ import annotations

from eventstudy.api.result import StudyResult, audit_of, record_of
from eventstudy.errors import EventStudyError, NothingStudied


def check_audit(result: StudyResult, cure: str) -> str:
    """Sentence on the audit of a study; empty without one.

    Raises
    ------
    EventStudyError
        If it does not agree.
    """
    found = audit_of(result)
    if found is None:
        return ""
    gap = f"{found.largest_gap:.1e}"
    if not found.agrees:
        raise EventStudyError(
            f"the audit found a relative gap of {gap} at {found.worst}", "agreement with statsmodels to 1e-9", cure
        )
    return f"audit: {found.n_checked} rows and statsmodels agree (largest relative gap {gap})"


def check_studied(result: StudyResult, *, strict: bool) -> None:
    """Raise NothingStudied where no event could be studied, or, where that is asked for, where some could not be."""
    study = record_of(result)
    if not study.totals.n_studied:
        raise NothingStudied("no event could be studied", hint=commonest(result))
    if strict and (n := study.lost.shape[1]):
        raise NothingStudied(
            f"{n:,} events could not be studied (--strict)",
            hint="the table excluded (excluded.csv) gives the reason of each row",
        )


def commonest(result: StudyResult) -> str:
    """The reason that most rows share, if there is one, and the file with the others."""
    most, study = "", record_of(result)
    for _, reason, n in study.reasons[:1]:
        such = next(one.detail for one in study.exclusions if one.reason == reason)
        most = f"{n} of {study.n_read} rows {reason}, such as: {such}; "
    return f"{most}the table excluded (excluded.csv) gives the reason of each row"
