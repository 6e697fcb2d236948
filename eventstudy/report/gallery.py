"""Which figures a report holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from eventstudy.engine.models import MODELS
from eventstudy.engine.significance.laws import t_quantile
from eventstudy.engine.significance.placebo import placebo_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from eventstudy.evaluate.bands import Bands
    from eventstudy.report.figures import Estimation, Figure
    from eventstudy.results import StudyResult


def draw(result: StudyResult, progress: Callable[[str], None] | None = None, *, png: bool = False) -> dict[str, Figure]:
    """Every figure of a study by name: CAR paths, clusters, group averages, estimations, placebo distributions.

    The estimation is drawn for direct rows of a model with one regressor, the placebo distribution for direct rows
    whose primary window has one. Without ``result.each`` only what speaks of all events together.

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
    with figures.with_png(png):
        return {figure.name: figure for figure in _drawn(result, progress)}


def _drawn(result: StudyResult, progress: Callable[[str], None] | None) -> list[Figure]:
    from eventstudy.report import figures

    made: list[Figure] = []
    daily, events = result.tables["abnormal_returns"], result.studied.index.events
    rows_of = np.arange(len(events))
    titles = dict(zip(events.cells("event_id", rows_of), events.cells("title", rows_of), strict=True))
    for event_id in daily["event_id"].unique() if result.each else ():
        rows = daily[daily["event_id"] == event_id]
        title = titles[event_id] or str(event_id)
        made.append(figures.car_path(str(event_id), title, rows, result.spec.level, _bands(result, str(event_id))))
        if progress is not None:
            progress(f"figure {made[-1].name}")
    for day0, rows in (_cluster_rows(result) if result.each else {}).items():
        made.append(figures.cluster(day0, rows))
    windows = result.tables["windows"]
    known = windows[(windows["primary"] == "yes") & windows["ci_low"].notna()]
    if len(known) > 1:
        made.append(figures.forest(known, result.spec.level))
    if result.group_days:
        made.append(figures.group_caar(result.group_days, result.spec.level))
    if result.each:
        made += _scatter_figures(result)
        made += _placebo_figures(result)
    return made


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
        studied.text(i, "ticker"): float(t_quantile(block.fits.nu[i], 0.5 + result.spec.level / 2))
        for i in studied.reported
        if studied.text(i, "event_id") == event_id
    }


def _cluster_rows(result: StudyResult) -> dict[str, pd.DataFrame]:
    """Day-0 lines of the firms of each cluster, with intervals; one line a ticker."""
    clusters = result.tables["clusters"]
    days = sorted(clusters.loc[clusters["ticker"] == "", "day0"].unique())
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


def _scatter_figures(result: StudyResult) -> list[Figure]:
    from eventstudy.report import figures

    block, studied, entry = result.studied.block, result.studied, MODELS[result.spec.model]
    assert block is not None, "only drawn with a block"
    if entry.inference in ("asymptotic", "none") or entry.n_factors(block.design.x.shape[2]) != 1:
        return []
    return [
        figures.scatter(_estimation(result, i))
        for i in studied.reported
        if studied.text(i, "role") == "direct" and block.fits.s2[i] > 0
    ]


def _estimation(result: StudyResult, i: int) -> Estimation:
    """What the regression of studied row i saw."""
    from eventstudy.report.figures import Estimation

    block, studied, entry = result.studied.block, result.studied, MODELS[result.spec.model]
    assert block is not None, "only drawn with a block"
    design, fits = block.design, block.fits
    used = np.flatnonzero(fits.used[i])
    window = result.spec.windows[int(studied.primary[i])]
    days = [day for day in range(window.start, window.end + 1) if design.observed[i, design.plan.column(day)]]
    event = [design.plan.column(day) for day in days]
    theta = fits.theta[i : i + 1]
    alpha = float(np.nan_to_num(entry.alpha_of(theta)[0]))
    return Estimation(
        event_id=studied.text(i, "event_id"),
        ticker=studied.text(i, "ticker"),
        market=studied.series(i).names[0],
        excess=bool(entry.columns),
        x=design.x[i, used, 0],
        y=design.y[i, used],
        alpha=alpha,
        beta=float(entry.slopes_of(theta)[0, 0]),
        r_squared=float(fits.r_squared[i]),
        sigma=float(np.sqrt(fits.s2[i])),
        spread=fits.xtx_inv[i],
        # a variance of its own for each day makes no one band
        quantile=float("nan")
        if entry.inference == "forecast"
        else float(t_quantile(fits.nu[i], 0.5 + result.spec.level / 2)),
        level=result.spec.level,
        days=tuple(days),
        event_x=design.x[i, event, 0],
        event_y=design.y[i, event],
    )


def _placebo_figures(result: StudyResult) -> list[Figure]:
    from eventstudy.report import figures

    block, studied = result.studied.block, result.studied
    assert block is not None, "only drawn with a block"
    made = []
    for i in studied.reported:
        if "p_placebo" not in block.columns or studied.text(i, "role") != "direct":
            continue
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
