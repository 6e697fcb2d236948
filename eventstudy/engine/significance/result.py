"""The result of a test of any kind."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class TestResult:
    """A test statistic that says what it is and whether it may be used.

    Attributes
    ----------
    test : str
        Identifier of methods.md.
    statistic : float
        The z, t or F of the formula.
    null, df : str
        Name of the reference distribution and its degrees of freedom.
    applicable : {"yes", "warn", "no"}
        ``warn``: computed though an assumption is visibly violated; ``no``: undefined, statistic and p are NaN.
    member : int
        Position of the firm for per-firm results, -1 for joint ones.
    """

    test: str
    statistic: float
    null: str
    df: str
    p: float
    applicable: str = "yes"
    reason: str = ""
    member: int = -1


def computed(
    test: str, statistic: float, null: str, df: str, p: float, warnings: list[str], note: str = ""
) -> TestResult:
    """A result with its applicability and a note on what it is; a statistic that is not a number becomes an
    undefined result."""
    if not np.isfinite(statistic) or not np.isfinite(p):
        return undefined(test, null, "; ".join(["the statistic is undefined", *warnings]))
    reason = "; ".join([*warnings, *([note] if note else [])])
    return TestResult(
        test=test, statistic=statistic, null=null, df=df, p=p, applicable="warn" if warnings else "yes", reason=reason
    )


def undefined(test: str, null: str, reason: str, member: int = -1) -> TestResult:
    """The result of a test that cannot be computed, with the reason."""
    return TestResult(
        test=test, statistic=np.nan, null=null, df="", p=np.nan, applicable="no", reason=reason, member=member
    )
