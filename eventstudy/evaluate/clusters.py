"""Sessions on which two or more firms have an announcement: one cluster, tested jointly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from eventstudy.data.series_index import series_key
from eventstudy.engine.block import select
from eventstudy.engine.panel import Ints
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
from eventstudy.engine_options import fewest_observations
from eventstudy.evaluate.placed import placed_events
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


@dataclass(frozen=True, slots=True)
class Session:
    """A session on which two or more firms have an announcement.

    Attributes
    ----------
    day0 : datetime64[D]
    rows : int64 (n,)
        Positions of all studied rows of the session.
    firms : int64 (m,)
        The first row of each ticker, tickers in order: several announcements of one firm are one event.
    """

    day0: np.datetime64
    rows: Ints
    firms: Ints


def cluster_tests(studied: Studied) -> tuple[ClusterRow, ...]:
    """Every cluster test on every session that holds two or more different tickers, in order of date."""
    return tuple(row for session in sessions_of(studied) for row in _test_session(studied, session))


def sessions_of(studied: Studied) -> tuple[Session, ...]:
    """Reported sessions that hold two or more different tickers, in order of date; rows picked because of their outcome
    are in none."""
    counted = np.flatnonzero(~studied.index.outcomes()[studied.rows])
    n = len(counted)
    if not n:
        return ()
    events = placed_events(studied)
    order = counted[np.lexsort((counted, events.ticker[counted], events.date[counted]))]
    date, ticker = events.date[order], events.ticker[order]
    new_date = np.append(True, date[1:] != date[:-1])
    first = new_date | np.append(True, ticker[1:] != ticker[:-1])
    shown = np.unique(events.date[np.array(studied.reported, dtype=np.int64)])
    starts = np.flatnonzero(new_date)
    several = np.add.reduceat(first, starts, dtype=np.int64) > 1
    return tuple(
        Session(date[a].astype("datetime64[D]"), np.sort(order[a:b]), order[a:b][first[a:b]])
        for a, b, many in zip(starts, [*starts[1:], n], several, strict=True)
        if many and date[a] in shown
    )


def _test_session(studied: Studied, session: Session) -> list[ClusterRow]:
    firms = session.firms
    tickers = tuple(studied.text(i, "ticker") for i in firms)
    event_ids = ids_of(studied, session)
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
            ClusterRow(day0=session.day0, event_ids=event_ids, firms=tickers, window=window, result=result)
            for result in results
        ]
    return found


def ids_of(studied: Studied, session: Session) -> tuple[str, ...]:
    """The announcements of a session."""
    return tuple(dict.fromkeys(studied.text(i, "event_id") for i in session.rows))


def common_design(studied: Studied, firms: Ints) -> Design | str:
    """Event-time block of the firms, or why they have no common one."""
    keys = {series_key(studied.index, int(row), studied.spec) for row in studied.rows[firms]}
    if len({key.exchange for key in keys}) > 1:
        return "the firms trade on different calendars"
    if len({key.benchmarks for key in keys}) > 1:
        return "the firms do not share their benchmarks"
    assert studied.block is not None, "sessions hold studied rows"
    return select(studied.block, firms).design


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
    """The firms of a session over one window, or why they do not form a cluster."""
    if isinstance(design, str):
        return design
    min_obs = fewest_observations(studied.spec, studied.spec.model, design.x.shape[2])
    log = studied.spec.returns == "log"
    return build_cluster(design, studied.spec.model, window.start, window.end, min_obs, log=log)


def _per_firm(studied: Studied, w: int, firms: Ints) -> list[TestResult]:
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
