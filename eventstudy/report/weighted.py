"""Value-weighted averages as a sentence and a table of the page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from eventstudy.evaluate.recommend import recommend_weighted
from eventstudy.report.document import Block, Note, Table
from eventstudy.report.format import NOTHING, number, p_value
from eventstudy.report.wording import signed

if TYPE_CHECKING:
    from eventstudy.results import StudyResult


def weighted_blocks(result: StudyResult, windows: Sequence[str]) -> tuple[Block, ...]:
    """How the average changes where each event counts by its weight; nothing where no column of weights is named.

    Parameters
    ----------
    windows : sequence of str
        Those that the page shows.
    """
    column = result.spec.weight
    if not column:
        return ()
    rows = []
    for row in result.groups:
        chosen = recommend_weighted(row.car.count, row.n_dates, row.n_overlapping)
        if row.label not in windows or not row.result.test.startswith("vw-"):
            continue
        if row.result.test not in chosen and result.spec.tests == ("auto",):
            continue
        found, test = row.value_weighted, row.result
        rows.append(
            (
                *(row.group, row.label, f"{row.car.count:,}"),
                signed(found.mean),
                signed(row.car.mean if row.car.count else math.nan),
                f"{found.n_effective:.1f}" if math.isfinite(found.n_effective) else NOTHING,
                f"{100 * found.largest:.0f} %" if math.isfinite(found.largest) else NOTHING,
                *(test.test, number(test.statistic), p_value(test.p)),
                "" if test.applicable == "yes" else test.applicable,
            )
        )
    if not rows:
        return ()
    how = (
        "as the file states it"
        if result.spec.chosen("weight") == "as-given"
        else "where dates differ divided by the level of the index before each"
    )
    return (
        Note(
            f"Value-weighted averages weigh each event by the column {column}, {how}. They answer another "
            "question than the plain average: what happened to the whole value of these shares, not to the typical one."
        ),
        Table(
            caption="Value-weighted average own move per group and window",
            columns=(
                *("group", "window", "events", "weighted", "plain", "effective events", "largest weight"),
                *("test", "statistic", "p", "applicable"),
            ),
            rows=tuple(rows[:100]),
            numeric=frozenset({2, 3, 4, 5, 6, 8, 9}),
            note="Effective events: 1 over the sum of squared weights; so many events of equal weight vary as much. "
            "aggregate.csv has every window and test, with the reason where one is not applicable.",
            folded=True,
        ),
    )
