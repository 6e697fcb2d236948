"""Sessions on which two or more firms have an announcement: one cluster, tested jointly."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from eventstudy.data.market import place_rows, series_key
from eventstudy.engine.significance.cluster import (
    Cluster,
    build_cluster,
    conformal_hotelling,
    conformal_max,
    equality,
    hotelling,
    mv_window,
    portfolio_t,
    romano_wolf_firms,
)
from eventstudy.engine.significance.multiple import benjamini_hochberg, benjamini_yekutieli, bonferroni, holm
from eventstudy.engine.significance.result import TestResult, undefined
from eventstudy.engine.windows import gather
from eventstudy.engine_options import fewest_observations, window_plan
from eventstudy.records import ClusterRow
from eventstudy.spec import Alternative, Window

if TYPE_CHECKING:
    from eventstudy.engine.windows import Design
    from eventstudy.results import Studied

JOINT = {
    "portfolio-t": "t",
    "hotelling": "F",
    "equality": "F",
    "mv-window": "F",
    "conformal-hotelling": "permutation",
    "conformal-max": "permutation",
}
# adjusted p values of the firms' own tests
ADJUSTED = {"holm": holm, "bonferroni": bonferroni, "bh": benjamini_hochberg, "by": benjamini_yekutieli}


def cluster_tests(studied: Studied) -> tuple[ClusterRow, ...]:
    """Every cluster test on every session that holds two or more different tickers, in order of date."""
    days = rows_of_sessions(studied)
    return tuple(
        row
        for day, firms in firms_of_sessions(studied).items()
        for row in _test_session(studied, day, days[day], firms)
    )


def firms_of_sessions(studied: Studied) -> dict[np.datetime64, list[int]]:
    """Reported sessions that hold two or more different tickers, in order of date -> one studied row a ticker."""
    days = rows_of_sessions(studied)
    shown = {studied.day0(i) for i in studied.reported}
    firms = {day: _one_row_a_ticker(studied, days[day]) for day in sorted(days) if day in shown}
    return {day: rows for day, rows in firms.items() if len(rows) > 1}


def rows_of_sessions(studied: Studied) -> dict[np.datetime64, list[int]]:
    """Studied rows by their day 0."""
    days: dict[np.datetime64, list[int]] = defaultdict(list)
    for i in range(len(studied.rows)):
        days[studied.day0(i)].append(i)
    return days


def _one_row_a_ticker(studied: Studied, rows: list[int]) -> list[int]:
    """First row of each ticker: several announcements of one firm on one session are one event."""
    first: dict[str, int] = {}
    for i in rows:
        first.setdefault(studied.text(i, "ticker"), i)
    return [first[ticker] for ticker in sorted(first)]


def _test_session(studied: Studied, day: np.datetime64, rows: list[int], firms: list[int]) -> list[ClusterRow]:
    tickers = tuple(studied.text(i, "ticker") for i in firms)
    event_ids = tuple(dict.fromkeys(studied.text(i, "event_id") for i in rows))
    wanted = [name for name in (*JOINT, "romano-wolf") if name in studied.spec.active_tests]
    design = common_design(studied, firms) if wanted else ""
    found = []
    for w in studied.shared_windows:
        window = studied.spec.windows[w]
        results = [
            *(_joint(studied, design, window, wanted) if wanted else ()),
            *_per_firm(studied, w, firms),
        ]
        found += [
            ClusterRow(
                day0=day,
                event_ids=event_ids,
                firms=tickers,
                window=window,
                result=result,
            )
            for result in results
        ]
    return found


def common_design(studied: Studied, firms: list[int]) -> Design | str:
    """Event-time block of the firms, or why they have no common one."""
    rows = [int(studied.rows[i]) for i in firms]
    keys = [series_key(studied.catalogue, row, studied.spec) for row in rows]
    if len({key.exchange for key in keys}) > 1:
        return "the firms trade on different calendars"
    if len({key.benchmarks for key in keys}) > 1:
        return "the firms do not share their benchmarks"
    ordered, placed = place_rows(studied.catalogue, rows, studied.spec)
    panel = studied.market.stack(ordered, studied.spec.returns)
    return gather(panel, placed.series, placed.session, placed.masked, window_plan(studied.spec))


def _joint(studied: Studied, design: Design | str, window: Window, wanted: Sequence[str]) -> list[TestResult]:
    cluster = cluster_of(studied, design, window)
    if isinstance(cluster, str):
        return [undefined(name, JOINT[name], cluster) for name in wanted if name in JOINT]
    return joint_results(cluster, wanted, studied.spec.alternative)


def joint_results(cluster: Cluster, wanted: Sequence[str], side: Alternative) -> list[TestResult]:
    """The joint tests asked for, and Romano and Wolf's result of every firm."""
    run: dict[str, Callable[[], TestResult]] = {
        "portfolio-t": lambda: portfolio_t(cluster, side),
        "hotelling": lambda: hotelling(cluster),
        "equality": lambda: equality(cluster),
        "mv-window": lambda: mv_window(cluster),
        "conformal-hotelling": lambda: conformal_hotelling(cluster),
        "conformal-max": lambda: conformal_max(cluster),
    }
    results = [run[name]() for name in wanted if name in run]
    return results + (romano_wolf_firms(cluster) if "romano-wolf" in wanted else [])


def cluster_of(studied: Studied, design: Design | str, window: Window) -> Cluster | str:
    """The firms of a session over one window, or why they are none."""
    if isinstance(design, str):
        return design
    min_obs = fewest_observations(studied.spec, studied.spec.model, design.x.shape[2])
    return build_cluster(design, studied.spec.model, window.start, window.end, min_obs)


def _per_firm(studied: Studied, w: int, firms: list[int]) -> list[TestResult]:
    """The firms' own ``car-t`` p values of the window, adjusted for their number."""
    if studied.block is None:
        return []
    exact = studied.block.exact
    p, t, df = (values[firms, w] for values in (exact.p, exact.t, exact.df))
    found = []
    for name, adjust in ADJUSTED.items():
        if name not in studied.spec.active_tests:
            continue
        adjusted = adjust(p)
        found += [
            TestResult(test=name, statistic=float(t[k]), null="t", df=f"{df[k]:g}", p=float(adjusted[k]), member=k)
            if np.isfinite(adjusted[k])
            else undefined(name, "t", "the firm has no CAR over this window", k)
            for k in range(len(firms))
        ]
    return found
