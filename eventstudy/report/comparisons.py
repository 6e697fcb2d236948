"""Tables that compare: group against group, and the months after the events with nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventstudy.report.document import Table
from eventstudy.report.format import number, p_value, percent

if TYPE_CHECKING:
    import pandas as pd

    from eventstudy.results import StudyResult


def comparison_tables(result: StudyResult) -> tuple[Table, ...]:
    """Differences between groups, then calendar-time portfolios; those that hold something."""
    found = (_differences(result.table("differences")), _calendar_time(result.table("calendar_time")))
    return tuple(table for table in found if table is not None)


def _differences(table: pd.DataFrame) -> Table | None:
    """One line a pair and window, with the p value of each test."""
    if table.empty:
        return None
    rows = []
    for (group, other, window), tests in table.groupby(["group", "other", "window"], sort=False):
        first, p = tests.iloc[0], tests.set_index("test")["p_value"]
        events = f"{first['n_group']} and {first['n_other']}"
        values = [p_value(p[name]) if name in p else "" for name in ("difference-cov", "difference-welch")]
        rows.append((str(group), str(other), str(window), events, percent(first["difference"]), *values))
    return Table(
        caption="Differences between groups",
        columns=("group", "other", "window", "events", "difference of CAAR", "p by covariance", "p by Welch"),
        rows=tuple(rows),
        numeric=frozenset({3, 4, 5, 6}),
        folded=True,
        note="By covariance: counts the days that events share. Welch: independent events. Of many pairs and windows "
        "one in twenty falls below 0.05 by chance alone. More in differences.csv.",
    )


def _calendar_time(table: pd.DataFrame) -> Table | None:
    if table.empty:
        return None
    rows = tuple(
        (
            *(r.group, str(r.hold), str(r.n_events), str(r.n_sessions), f"{r.mean_firms:.1f}", percent(r.alpha)),
            *(r.test, number(r.statistic), p_value(r.p_value), r.reason),
        )
        for r in table.itertuples()
    )
    return Table(
        caption="Months after the event: calendar-time portfolios",
        columns=(
            *("group", "sessions held", "events", "sessions", "firms", "alpha a session"),
            *("test", "statistic", "p", "reason"),
        ),
        rows=rows,
        numeric=frozenset({1, 2, 3, 4, 5, 7, 8}),
        folded=True,
        note="Every firm is held from the session after its day 0; alpha is what the portfolio earns a session beyond "
        "the model.",
    )
