"""SINGLE_TESTS: every test of one event, with what it fills, what it reads and what it costs.

An entry is beside its function in the file of its family.
"""

from __future__ import annotations

from eventstudy.engine.context import SingleTest
from eventstudy.engine.significance import (
    bootstrap,
    conformal,
    placebo,
    placebo_space,
    rank_local,
    single,
    single_ranks,
    volatility,
)

SINGLE_TESTS: dict[str, SingleTest] = {
    **single.TESTS,
    **single_ranks.TESTS,
    **conformal.TESTS,
    **placebo.TESTS,
    **volatility.TESTS,
    **bootstrap.TESTS,
    **placebo_space.TESTS,
    **rank_local.TESTS,
}


def columns() -> list[str]:
    """Columns of the windows table that tests of one event fill, in the order of the tests."""
    return list(dict.fromkeys(column for entry in SINGLE_TESTS.values() for column in entry.columns))


def rated() -> dict[str, tuple[str, ...]]:
    """Column of the windows table with an observed rejection rate -> the tests whose p value it describes.

    Tests that share a p value share the rate; a test for models without standard errors has no rate.
    """
    found: dict[str, tuple[str, ...]] = {rate_column("p_t"): ("car-t",)}
    for name, entry in SINGLE_TESTS.items():
        if entry.defined != ("none",):
            column = rate_column(entry.columns[0])
            found[column] = (*found.get(column, ()), name)
    return found


def rate_column(p_column: str) -> str:
    """``placebo_rate_sq`` for ``p_sq``."""
    return "placebo_rate_" + p_column.removeprefix("p_")
