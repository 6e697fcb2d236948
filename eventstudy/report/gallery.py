"""Which figures a report holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from eventstudy.engine.models import MODELS
from eventstudy.engine.significance.laws import t_quantile
from eventstudy.engine.significance.placebo import placebo_of
from eventstudy.report.announcement import listed_windows

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from eventstudy.evaluate.bands import Bands
    from eventstudy.report.figures import Estimation, Figure
    from eventstudy.results import StudyResult


def draw(result: StudyResult, progress: Callable[[str], None] | None = None, *, png: bool = False) -> dict[str, Figure]:
    """Every figure of a study by name: CAR paths, clusters, group averages, estimations, placebo distributions.

    The estimation is drawn for direct rows of a model with one regressor, the placebo distribution for direct rows
    whose primary window has one. Announcements beyond ``result.detailed`` have no figures of their own.

    Parameters
    ----------
    result : StudyResult
    progress : callable or None
        Called with the name of each path.
    png : bool
        Whether each figure also has its PNG.
    """
    from eventstudy.report import figures

    if result.studied.block is None:
        return {}
    with figures.finished_as(png, result.spec.digits):
        return {figure.name: figure for figure in _drawn(result, progress)}


def _drawn(result: StudyResult, progress: Callable[[str], None] | None) -> list[Figure]:
    from eventstudy.report import figures

    made: list[Figure] = []
    daily, events = result.tables["abnormal_returns"], result.studied.index.events
    rows_of = np.arange(len(events))
    titles = dict(zip(events.cells("event_id", rows_of), events.cells("title", rows_of), strict=True))
    for event_id in result.detailed:
        rows = daily[daily["event_id"] == event_id]
        title = titles[event_id] or event_id
        made.append(figures.car_path(event_id, title, rows, result.spec.level, _bands(result, event_id)))
        if progress is not None:
            progress(f"figure {made[-1].name}")
    for day0, rows in _cluster_rows(result).items():
        made.append(figures.cluster(day0, rows))
    windows, _ = listed_windows(result)
    known = windows[windows["ci_low"].notna()]
    if len(known) > 1:
        made.append(figures.forest(known, result.spec.level, result.totals.n_studied))
    if result.group_days:
        made.append(figures.group_caar(result.group_days, result.spec.level))
    return [*made, *_scatter_figures(result), *_placebo_figures(result)]


def _bands(result: StudyResult, event_id: str) -> dict[str, Bands]:
    """The bands around the path of each ticker."""
    from eventstudy.evaluate.bands import bands

    studied = result.studied
    rows = [i for i in studied.reported if studied.text(i, "event_id") == event_id]
    return {studied.text(i, "ticker"): bands(studied, i) for i in rows}


def _quantiles(result: StudyResult, event_id: str) -> dict[str, float]:
    """Half-width of the band in standard errors, per ticker."""
    block, studied = result.studied.block, result.studied
    assert block is not None, "only drawn with a block"
    return {
        studied.text(i, "ticker"): float(t_quantile(block.measures.nu[i], 0.5 + result.spec.level / 2))
        for i in studied.reported
        if studied.text(i, "event_id") == event_id
    }


def _cluster_rows(result: StudyResult) -> dict[str, pd.DataFrame]:
    """Day-0 lines of the firms of each cluster, with intervals; one line a ticker."""
    clusters = result.tables["clusters"]
    detailed, joint = set(result.detailed), clusters[clusters["ticker"] == ""].drop_duplicates("day0")
    days = sorted(d for d, ids in zip(joint["day0"], joint["event_ids"], strict=True) if detailed & set(ids.split(";")))
    daily = result.tables["abnormal_returns"]
    zero = daily[daily["day"] == 0]
    found = {}
    for day in days:
        rows = zero[zero["session"] == day].drop_duplicates("ticker").copy()
        if len(rows) < 2:
            continue
        half = [_quantiles(result, e)[t] for e, t in zip(rows["event_id"], rows["ticker"], strict=True)]
        rows["ci_low"] = rows["abnormal_return"] - half * rows["std_error"]
        rows["ci_high"] = rows["abnormal_return"] + half * rows["std_error"]
        found[str(day)] = rows
    return found


def _direct_rows(result: StudyResult) -> list[int]:
    """Studied direct rows of the announcements that have figures."""
    studied, detailed = result.studied, set(result.detailed)
    return [
        i for i in studied.reported if studied.text(i, "role") == "direct" and studied.text(i, "event_id") in detailed
    ]


def _scatter_figures(result: StudyResult) -> list[Figure]:
    from eventstudy.report import figures

    entry, block = MODELS[result.spec.model], result.studied.block
    assert block is not None, "only drawn with a block"
    k = max(map(len, result.studied.tables.names))
    if entry.inference in ("asymptotic", "none") or entry.n_factors(k) != 1:
        return []
    return [figures.scatter(_estimation(result, i)) for i in _direct_rows(result) if block.measures.s2[i] > 0]


def _estimation(result: StudyResult, i: int) -> Estimation:
    """What the regression of studied row i saw."""
    from eventstudy.report.figures import Estimation

    studied, entry = result.studied, MODELS[result.spec.model]
    block = studied.one(i)
    design, fits, found = block.design, block.fits, block.measures
    used = np.flatnonzero(fits.used[0])
    window = result.spec.windows[int(studied.primary[i])]
    days = [day for day in range(window.start, window.end + 1) if design.observed[0, design.plan.column(day)]]
    event = [design.plan.column(day) for day in days]
    alpha = float(np.nan_to_num(entry.alpha_of(found.theta)[0]))
    return Estimation(
        event_id=studied.text(i, "event_id"),
        ticker=studied.text(i, "ticker"),
        market=studied.series(i).names[0],
        excess=bool(entry.columns),
        x=design.x[0, used, 0],
        y=design.y[0, used],
        alpha=alpha,
        beta=float(entry.slopes_of(found.theta)[0, 0]),
        r_squared=float(found.r_squared[0]),
        sigma=float(np.sqrt(found.s2[0])),
        spread=found.xtx_inv[0],
        # a variance of its own for each day makes no one band
        quantile=float("nan")
        if entry.inference == "forecast"
        else float(t_quantile(found.nu[0], 0.5 + result.spec.level / 2)),
        level=result.spec.level,
        days=tuple(days),
        event_x=design.x[0, event, 0],
        event_y=design.y[0, event],
    )


def _placebo_figures(result: StudyResult) -> list[Figure]:
    from eventstudy.report import figures

    block, studied = result.studied.block, result.studied
    assert block is not None, "only drawn with a block"
    made = []
    for i in _direct_rows(result) if "p_placebo" in block.columns else ():
        w = int(studied.primary[i])
        placebo = placebo_of(block.context, i, w)
        if placebo.p == placebo.p:
            made.append(
                figures.placebo(
                    studied.text(i, "event_id"),
                    studied.text(i, "ticker"),
                    placebo.t,
                    float(block.exact.t[i, w]),
                    placebo.p,
                    placebo.n,
                )
            )
    return made
