"""The text table of a study, or of one of its events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from eventstudy.api.averages import ALL, averages
from eventstudy.api.text_table import SmallTable
from eventstudy.engine.models import MODELS
from eventstudy.errors import UsageError
from eventstudy.report.format import count, interval, p_value, percent, size
from eventstudy.spelling import meant

if TYPE_CHECKING:
    import pandas as pd

    from eventstudy.results import StudyResult

# rows of one announcement's table
MOST_TICKERS = 20


def study_table(study: StudyResult) -> SmallTable:
    """CAAR of every group and window, with its interval and the p value to read."""
    spec = study.spec
    lines = averages(study)
    rows: list[Sequence[str]] = []
    for number, one in enumerate(lines):
        if number and lines[number - 1].group != one.group:
            rows.append(())
        group = one.group if not number or lines[number - 1].group != one.group else ""
        rows.append(
            (
                group,
                one.window,
                f"{one.n:,}",
                f"{one.n_dates:,}",
                percent(one.caar),
                interval(one.ci_low, one.ci_high),
                one.test or "-",
                p_value(one.p),
            )
        )
    head = ("group", "window", "events", "dates", "CAAR", f"{100 * spec.level:g} % interval", "test", "p")
    return SmallTable(title=headline(study), head=head, rows=rows, notes=_notes(study, [one.reason for one in lines]))


def headline(study: StudyResult) -> str:
    """One line on the study."""
    spec, total = study.spec, study.totals
    return (
        f"Event study: {total.n_studied:,} of {count(total.n_read, 'event')} studied, {spec.model} on "
        f"{regressors(study)}, {spec.estimation} sessions"
    )


def regressors(study: StudyResult) -> str:
    """What the model of the studied events is estimated from, where it is the same for all of them."""
    measured, names = study.studied.measured, study.prepared.names
    own = [] if measured is None else np.unique(measured.events.series).tolist()
    entry = MODELS[study.spec.model]
    found = {names[number][: entry.n_factors(len(names[number]))] for number in own}
    if len(found) > 1:
        return f"{len(found)} sets of benchmarks"
    return " and ".join(found.pop() if found else study.spec.benchmarks[:1]) or "no benchmark"


def _notes(study: StudyResult, reasons: Sequence[str]) -> list[str]:
    said = [f"{n:,} excluded: {reason} ({stage})" for stage, reason, n in study.reasons]
    said += [reason for reason in dict.fromkeys(reasons) if reason][:3]
    if not any(row.group == ALL for row in study.groups) and study.totals.n_studied:
        said.append("no group has two events: summary('EVENT_ID') shows one")
    return said


def event_table(frames: dict[str, pd.DataFrame], study: StudyResult, event_id: str, ticker: str | None) -> SmallTable:
    """The windows of one announcement: CAR, interval, p values and the smallest effect that is found.

    Raises
    ------
    UsageError
        If no studied row has the event_id, with the nearest one.
    """
    windows = frames["windows"]
    chosen = windows[windows["event_id"] == event_id]
    if chosen.empty:
        known = list(dict.fromkeys(windows["event_id"]))
        lost = event_id in set(frames["excluded"]["event_id"])
        hint = "result.excluded has its reason" if lost else meant(event_id, known) or "see result.windows"
        raise UsageError(f"event {event_id[:80]!r} was not studied", "an event_id of result.windows", hint)
    if ticker is not None:
        tickers = list(dict.fromkeys(chosen["ticker"]))
        if ticker not in tickers:
            raise UsageError(
                f"{event_id} has no studied ticker {ticker!r}", " | ".join(tickers), meant(ticker, tickers)
            )
        chosen = chosen[chosen["ticker"] == ticker]
    rows: list[Sequence[str]] = []
    for name, part in list(chosen.groupby("ticker", sort=False))[:MOST_TICKERS]:
        rows += [()] if rows else []
        rows += [_event_row(str(name) if at == 0 else "", row) for at, row in enumerate(part.to_dict("records"))]
    level = f"{100 * study.spec.level:g} % interval"
    head = ("ticker", "window", "CAR", level, "t", "p", "p local", "MDE", "flags")
    notes = ["* primary window; MDE: the smallest effect found four times in five"]
    return SmallTable(title=f"{event_id}, day 0 {chosen.iloc[0]['day0']:%Y-%m-%d}", head=head, rows=rows, notes=notes)


def _event_row(ticker: str, row: dict[str, Any]) -> Sequence[str]:
    mark = "*" if row["primary"] else " "
    return (
        ticker,
        f"{mark}{row['window']}",
        percent(row["car"]),
        interval(row["ci_low"], row["ci_high"]),
        f"{row['t']:.2f}" if row["t"] == row["t"] else "-",
        p_value(row["p_t"]),
        p_value(row.get("p_local", float("nan"))),
        size(row["mde80"]),
        str(row["flags"]).replace(";", " "),
    )
