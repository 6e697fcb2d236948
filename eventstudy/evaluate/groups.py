"""Groups of events: average abnormal returns, and the tests across them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from eventstudy.engine.moments import summarise
from eventstudy.engine.significance.cross_section import csect_t
from eventstudy.errors import UsageError
from eventstudy.results import GroupDay, GroupRow

if TYPE_CHECKING:
    from eventstudy.results import Studied

ALL = "all"


def members(studied: Studied) -> dict[str, list[int]]:
    """Positions of each group, one per (ticker, day 0): the first row of the file stands for its duplicates.

    ``all`` holds the direct rows only; the other groups are the values of the ``--by`` column.

    Raises
    ------
    UsageError
        If the column is not in the events file.
    """
    frame = studied.catalogue.events.frame
    if studied.spec.by not in frame.columns:
        raise UsageError(
            f"--by {studied.spec.by!r} is no column of the events file", ", ".join(map(str, frame.columns))
        )
    found: dict[str, list[int]] = {ALL: []}
    seen: set[tuple[str, str, np.datetime64]] = set()
    for i in studied.reported:
        own = studied.text(i, studied.spec.by) or "(empty)"
        groups = [ALL, own] if studied.text(i, "role") == "direct" else [own]
        for group in groups:
            identity = (group, studied.text(i, "ticker"), studied.day0(i))
            if identity not in seen:
                seen.add(identity)
                found.setdefault(group, []).append(i)
    return {group: found[group] for group in (ALL, *sorted(set(found) - {ALL}))}


def _rows_in(studied: Studied, group: str) -> int:
    """Rows of a group before duplicates are counted once."""
    column, value = ("role", "direct") if group == ALL else (studied.spec.by, group)
    return sum((studied.text(i, column) or "(empty)") == value for i in studied.reported)


def group_tests(studied: Studied) -> tuple[GroupRow, ...]:
    """Every cross-sectional test on every group of two or more events."""
    if studied.block is None or "csect-t" not in studied.spec.active_tests:
        return ()
    found = []
    for group, positions in members(studied).items():
        if len(positions) < 2:
            continue
        for w, window in enumerate(studied.spec.windows):
            car = studied.block.cars.car[positions, w]
            used = [i for i, value in zip(positions, car, strict=True) if np.isfinite(value)]
            moments = summarise(car)
            n_dates = len({studied.day0(i) for i in used})
            found.append(
                GroupRow(
                    group=group,
                    window=window,
                    n_rows=_rows_in(studied, group),
                    n_dates=n_dates,
                    moments=moments,
                    precision_weighted=_precision_weighted(studied, used, w),
                    result=csect_t(moments, n_dates, studied.spec.alternative),
                )
            )
    return tuple(found)


def _precision_weighted(studied: Studied, used: list[int], w: int) -> float:
    """Mean CAR with weights 1/standard error (methods 4, ``pwcaar``); NaN with nothing to weigh."""
    assert studied.block is not None, "only called with a block"
    car, std_error = studied.block.cars.car[used, w], studied.block.exact.std_error[used, w]
    known = np.isfinite(std_error)
    if not known.any():
        return np.nan
    weight = 1 / std_error[known]
    return float((weight * car[known]).sum() / weight.sum())


def group_days(studied: Studied) -> tuple[GroupDay, ...]:
    """AAR and average CAR path of every group, by event day; each day over the events that have it."""
    if studied.block is None:
        return ()
    start = studied.spec.event_window.start
    return tuple(
        GroupDay(
            group=group,
            day=start + column,
            ar=summarise(studied.block.abnormal.ar[positions, column]),
            car=summarise(studied.block.abnormal.path[positions, column]),
        )
        for group, positions in members(studied).items()
        if positions
        for column in range(studied.block.abnormal.ar.shape[1])
    )
