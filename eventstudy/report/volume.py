"""Abnormal volume as tables and as a section of the summary."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from eventstudy.report.document import Section, Table
from eventstudy.report.format import NOTHING, number, p_value

if TYPE_CHECKING:
    from eventstudy.results import StudyResult

EXPECTED = {
    "constant-mean": "its mean over the estimation window",
    "market-model": "its regression on the benchmark's log volume",
}


def volume_rows(result: StudyResult) -> dict[str, Iterable[Sequence[Any]]]:
    """Rows of volume, abnormal_volume and volume_groups; none where volume was not asked for."""
    found = result.volume
    if found is None:
        return {"volume": (), "abnormal_volume": (), "volume_groups": ()}
    studied = result.studied
    names = {row: studied.index.name(row) for row in map(int, studied.rows)}
    day0 = {int(row): str(studied.day0(i)) for i, row in enumerate(studied.rows)}
    return {
        "volume": (
            (
                *(*names[r.row], day0[r.row], r.window.label, r.measure, found.model, r.avol, r.ratio, r.standardised),
                *(r.std_error, r.t, r.df, r.p_ar1, r.p_conformal, r.phi, r.n_estimation, r.reason),
            )
            for r in found.rows
        ),
        "abnormal_volume": (
            (*names[d.row], d.day, str(d.session), d.observed, d.expected, d.abnormal, d.std_error) for d in found.days
        ),
        "volume_groups": (
            (
                *(g.group, g.label, g.car.count, g.n_rows, g.n_dates, g.car.mean),
                *(g.result.test, g.result.statistic, g.result.null, g.result.df, g.result.p),
                *(g.result.applicable, g.result.reason),
            )
            for g in found.groups
        ),
    }


def volume_section(result: StudyResult) -> Section | None:
    """Volume over each event's primary window, then the averages of groups; None where it was not asked for."""
    if result.volume is None:
        return None
    own, groups = result.table("volume"), result.table("volume_groups")
    primary = {(w.event_id, w.ticker, w.window) for w in result.table("windows").itertuples() if w.primary == "yes"}
    lines = [r for r in own.itertuples() if (r.event_id, r.ticker, r.window) in primary]
    events = Table(
        caption="Volume over the primary window",
        columns=("event", "ticker", "window", "times the expected", "AVOL", "t", "p", "p conformal", "why empty"),
        rows=tuple(
            (
                *(r.event_id, r.ticker, r.window, f"{r.ratio:.2f}" if r.ratio == r.ratio else NOTHING),
                *(number(r.avol), number(r.t), p_value(r.p_t_ar1), p_value(r.p_conformal), r.reason),
            )
            for r in lines
        ),
        numeric=frozenset(range(3, 8)),
        note="AVOL sums what the logarithm of volume (of turnover where --shares is given) exceeds the expected by; p "
        "allows for autocorrelation. Every window is in volume.csv, every day in abnormal_volume.csv.",
    )
    across = Table(
        caption="Mean AVOL per group",
        columns=("group", "window", "events", "dates", "mean AVOL", "test", "statistic", "p", "applicable", "reason"),
        rows=tuple(
            (
                *(g.group, g.window, str(g.n_events), str(g.n_dates), number(g.mean_avol), g.test),
                *(number(g.statistic), p_value(g.p_value), g.applicable, g.reason),
            )
            for g in groups.itertuples()
        ),
        numeric=frozenset({2, 3, 4, 6, 7}),
    )
    return Section(
        id="volume",
        title="Abnormal volume",
        blocks=(
            f"Expected volume is {EXPECTED[result.volume.model]}, other events masked.",
            *((events, across) if len(groups) else (events,)),
        ),
    )
