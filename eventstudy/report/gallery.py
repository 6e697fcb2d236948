"""Which figures a report holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventstudy.engine.significance.laws import t_quantile

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from eventstudy.evaluate.bands import Bands
    from eventstudy.report.figures import Figure
    from eventstudy.results import StudyResult


def draw(result: StudyResult, progress: Callable[[str], None] | None = None, *, png: bool = False) -> dict[str, Figure]:
    """Every figure of a study by name: CAR paths, clusters, group averages, placebo distributions.

    The placebo distribution is drawn for direct rows whose primary window has one. Without ``result.each`` only what
    speaks of all events together.

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
    daily, frame = result.tables["abnormal_returns"], result.studied.catalogue.events.frame
    titles = dict(zip(frame["event_id"], frame["title"], strict=True))
    for event_id in daily["event_id"].unique() if result.each else ():
        rows = daily[daily["event_id"] == event_id]
        title = str(titles[event_id]) or str(event_id)
        made.append(figures.car_path(str(event_id), title, rows, result.spec.level, _bands(result, str(event_id))))
        if progress is not None:
            progress(f"figure {made[-1].name}")
    for day0, rows in (_cluster_rows(result) if result.each else {}).items():
        made.append(figures.cluster(day0, rows))
    windows = result.tables["windows"]
    known = windows[(windows["primary"] == "yes") & windows["ci_low"].notna()]
    if len(known) > 1:
        made.append(figures.forest(known, result.spec.level))
    if len(result.tables["aar"]):
        made.append(figures.group_caar(result.tables["aar"]))
    made += _placebo_figures(result) if result.each else []
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


def _placebo_figures(result: StudyResult) -> list[Figure]:
    from eventstudy.report import figures

    block, studied = result.studied.block, result.studied
    assert block is not None, "only drawn with a block"
    made = []
    for i in studied.reported:
        if not block.placebo or studied.text(i, "role") != "direct":
            continue
        w = int(studied.primary[i])
        placebo = block.placebo[i][w]
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
