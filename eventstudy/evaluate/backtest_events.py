"""The rows of a backtest: which events, of which type, and when each could first be traded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from eventstudy.engine.panel import Bools, Ints
from eventstudy.evaluate.regress import regression_rows
from eventstudy.evaluate.trading import entry_day
from eventstudy.spec import Window

if TYPE_CHECKING:
    from eventstudy.results import Studied

NO_TYPE = "(no category)"


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestEvents:
    """N rows, one per (ticker, day 0), placebo rows left out.

    Attributes
    ----------
    positions : tuple of int
        Among the studied rows.
    kinds : tuple of str
        Names of the types; the category, and of a peer's row a type of its own.
    kind : int64 (N,)
        Which of them.
    date : int64 (N,)
        Calendar day of day 0.
    entry : int64 (N,)
        Day of the first price that could be traded on.
    at_open : bool (N,)
        At its open; False, at its close, where the source has no opens of the stock or its benchmark.
    """

    positions: tuple[int, ...]
    kinds: tuple[str, ...]
    kind: Ints
    date: Ints
    entry: Ints
    at_open: Bools


def case_rows(studied: Studied) -> list[int]:
    """Positions of the direct and peer rows, one per (ticker, day 0)."""
    return [i for i in regression_rows(studied) if studied.text(i, "role") != "placebo"]


def backtest_events(studied: Studied, positions: Sequence[int], opens: Bools) -> BacktestEvents:
    """Types, dates and entries of some rows.

    Parameters
    ----------
    opens : bool (N,)
        Whether the source has opens for the row's stock and benchmark.
    """
    named = [_kind(studied, i) for i in positions]
    kinds = tuple(sorted(set(named)))
    return BacktestEvents(
        positions=tuple(positions),
        kinds=kinds,
        kind=np.array([kinds.index(name) for name in named], dtype=np.int64),
        date=np.array([studied.day0(i).astype("datetime64[D]").astype(np.int64) for i in positions], dtype=np.int64),
        entry=np.array([_entry(studied, i) for i in positions], dtype=np.int64),
        at_open=opens,
    )


def _kind(studied: Studied, i: int) -> str:
    category = studied.text(i, "category").strip() or NO_TYPE
    return f"{category}, peer" if studied.text(i, "role") == "peer" else category


def _entry(studied: Studied, i: int) -> int:
    row = int(studied.rows[i])
    announced, placement = studied.index.events.announced, studied.index.placement(row)
    assert placement is not None, "a studied row has a day 0"
    code = int(announced.codes[row])
    moment, day = announced.instant[code], announced.day[code]
    return entry_day(
        placement.timing_class,
        moment.astype("datetime64[s]"),
        studied.series(i).calendar.opens[placement.session],
        later_session=bool(not np.isnat(day) and placement.date > day),
    )


def drift_windows(exit_day: int) -> tuple[Window, ...]:
    """Windows of whole sessions after an entry on day 0 and on day 1, to the exit day."""
    return tuple(Window(first, exit_day) for first in (1, 2) if first <= exit_day)
