"""Sessions on which nothing happened to any firm of a cluster: what every cluster test says of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from eventstudy.data.series_index import SeriesKey, series_key
from eventstudy.engine.panel import Bools, Floats, Ints, ReturnPanel
from eventstudy.engine.significance.cluster import build_cluster
from eventstudy.engine.windows import Design, gather
from eventstudy.engine_options import fewest_observations, window_plan
from eventstudy.evaluate.clusters import ADJUSTED, JOINT, joint_results, sessions_of
from eventstudy.evaluate.pseudo import PseudoEvents, Stage
from eventstudy.spec import StudySpec, Window

if TYPE_CHECKING:
    from eventstudy.results import Studied

MOST_SETS = 5


def cluster_sets(studied: Studied) -> list[tuple[SeriesKey, ...]]:
    """Every set of firms that shares a session in this study, once: the most frequent first, then by name.

    The first ``MOST_SETS`` are calibrated: a study of many firms has a set of its own almost every day.
    """
    found = Counter(
        tuple(series_key(studied.index, int(studied.rows[i]), studied.spec) for i in session.firms)
        for session in sessions_of(studied)
    )
    return sorted(found, key=lambda keys: (-found[keys], tuple((k.ticker, k.exchange, k.benchmarks) for k in keys)))


def why_not(keys: Sequence[SeriesKey]) -> str:
    """Why a set of firms has no common pseudo-sessions; empty where it has."""
    if len({key.exchange for key in keys}) > 1:
        return "the firms trade on different calendars"
    if len({key.benchmarks for key in keys}) > 1:
        return "the firms do not share their benchmarks"
    return ""


def pseudo_clusters(
    panel: ReturnPanel,
    stages: Sequence[Stage],
    own: Sequence[PseudoEvents],
    spec: StudySpec,
    window: int,
    effect: float = 0.0,
) -> PseudoEvents:
    """All cluster tests on every session whose window is clean for each firm.

    Parameters
    ----------
    panel : ReturnPanel
        The firms' series, in the order of ``stages``.
    stages, own : sequences
        Each firm's masks and its own pseudo-events with the same effect, for the adjusted p values.
    window : int
        Which test window.
    effect : float
        Planted on day 0 of every firm.

    Returns
    -------
    PseudoEvents
        ``p`` by test, (n, 1): of tests with a p value per firm the smallest adjusted p value, whose rejections are
        those of any firm: the family-wise error. ``local`` is the mean over the firms of their trailing volatility.

    Checked against
    ---------------
    ``evaluate.clusters`` on the same sessions written into an events file (tests/evaluate/test_calibrate.py).
    """
    names = [name for name in (*JOINT, *ADJUSTED, "romano-wolf") if name in spec.active_tests]
    session = own[0].session
    for firm in own[1:]:
        session = np.intersect1d(session, firm.session)
    at = [np.searchsorted(firm.session, session) for firm in own]
    t_p = np.stack([firm.p["car-t"][where, window] for firm, where in zip(own, at, strict=True)], axis=1)
    local = np.mean([firm.local[where, window] for firm, where in zip(own, at, strict=True)], axis=0)
    clean = np.isfinite(t_p).all(axis=1)
    session, t_p, local = session[clean], t_p[clean], local[clean]
    p: dict[str, Floats] = {name: np.full((len(session), 1), np.nan) for name in names}
    for name, adjust in ADJUSTED.items():
        if name in p and len(session):
            p[name][:, 0] = [np.nanmin(adjust(row)) for row in t_p]
    mask = np.stack([stage.estimation_mask for stage in stages])
    for n, day0 in enumerate(session):
        for name, value in _joint_p(panel, mask, int(day0), spec, spec.windows[window], effect).items():
            p[name][n, 0] = value
    return PseudoEvents(session=session, day_number=panel.day_number[0, session], p=p, local=local[:, None])


def _joint_p(
    panel: ReturnPanel, mask: Bools, day0: int, spec: StudySpec, window: Window, effect: float
) -> dict[str, float]:
    """p values of the joint tests on one session; nothing where the cluster has too few common sessions."""
    wanted = [name for name in (*JOINT, "romano-wolf") if name in spec.active_tests]
    if not wanted:
        return {}
    plan = window_plan(spec)
    days = np.arange(plan.estimation_start, plan.end + 1) + day0
    inside = (days >= 0) & (days < panel.n_sessions)
    masked = mask[:, np.clip(days, 0, panel.n_sessions - 1)] & inside
    firms: Ints = np.arange(len(mask))
    design = gather(panel, firms, np.full(len(mask), day0), masked, plan)
    cluster = build_cluster(
        _planted(design, effect),
        spec.model,
        window.start,
        window.end,
        fewest_observations(spec, spec.model, design.x.shape[2]),
        log=spec.returns == "log",
    )
    if isinstance(cluster, str):
        return {}
    found: dict[str, float] = {}
    for result in joint_results(cluster, wanted, spec.alternative):
        if np.isfinite(result.p):
            found[result.test] = min(found.get(result.test, 1.0), result.p)
    return found


def _planted(design: Design, effect: float) -> Design:
    if not effect:
        return design
    y = design.y.copy()
    y[:, design.plan.column(0)] += effect
    return replace(design, y=y)
