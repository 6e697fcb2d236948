"""Rejection rates on uneventful sessions, which ``run --calibrated`` adds to each p value."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from eventstudy.data.series_index import SeriesKey, series_key
from eventstudy.engine.panel import Floats
from eventstudy.evaluate.calibrate import rejected_at
from eventstudy.evaluate.pseudo import FEWEST, make_stage, pseudo_events
from eventstudy.evaluate.pseudo_clusters import MOST_SETS, cluster_sets, pseudo_clusters, why_not
from eventstudy.results import PlaceboRates

if TYPE_CHECKING:
    from eventstudy.results import Studied


def placebo_rates(studied: Studied) -> PlaceboRates:
    """Rejection rates of the study's own tests on uneventful sessions of its tickers and clusters, at its level."""
    spec, level = studied.spec, round(1 - studied.spec.level, 12)
    keys = dict.fromkeys(series_key(studied.index, int(row), spec) for row in studied.rows)
    stages = {key: make_stage(studied, key) for key in keys}
    tested = {key: pseudo_events(stage, spec)[0] for key, stage in stages.items()}
    single: dict[tuple[SeriesKey, int, str], float] = {}
    sessions: dict[tuple[SeriesKey, int], int] = {}
    for key, events in tested.items():
        for w in range(len(spec.windows)):
            for test, p in events.p.items():
                if np.isfinite(p[:, w]).sum() >= FEWEST:
                    single[key, w, test] = _share(p[:, w], level)
            sessions[key, w] = int(np.isfinite(events.p["car-t"][:, w]).sum()) if events.p else 0
    cluster: dict[tuple[tuple[str, ...], int, str], float] = {}
    for firms in cluster_sets(studied)[:MOST_SETS]:
        if why_not(firms) or not all(len(tested[key].session) for key in firms):
            continue
        panel = studied.market.stack(list(firms), spec.returns)
        for w in range(len(spec.windows)):
            found = pseudo_clusters(panel, [stages[k] for k in firms], [tested[k] for k in firms], spec, w)
            for test, p in found.p.items():
                if np.isfinite(p[:, 0]).sum() >= FEWEST:
                    cluster[tuple(key.ticker for key in firms), w, test] = _share(p[:, 0], level)
    return PlaceboRates(level=level, single=single, sessions=sessions, cluster=cluster)


def _share(p: Floats, level: float) -> float:
    return float(rejected_at(p, level)[np.isfinite(p)].mean())
