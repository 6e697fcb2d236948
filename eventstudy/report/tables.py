"""StudyResult -> the tables of the file contract, as pandas frames with fixed columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from eventstudy.engine.significance.curve import ENOUGH
from eventstudy.engine.significance.single_tests import rated
from eventstudy.flags import flag_words
from eventstudy.measured import MeasuredEvents
from eventstudy.report.columns import COLUMNS
from eventstudy.report.event_tables import Column, frame
from eventstudy.report.robustness import robustness_columns
from eventstudy.report.volume import volume_rows

if TYPE_CHECKING:
    from eventstudy.records import CalendarRow, GroupDay, GroupRow
    from eventstudy.results import PlaceboRates, Studied, StudyResult


def event_frame(result: StudyResult, name: str) -> pd.DataFrame:
    """A table that has a row or more for each event; an empty study gives one with its columns alone."""
    studied, lost = result.studied, result.lost
    if name == "excluded":
        return frame(studied.tables.excluded(lost[0], result.prepared.sentences.troubles(lost)))
    return frame(OF_EVENTS[name](result, shown(studied))) if studied.reported else table_frame(name, ())


def one_table(result: StudyResult, name: str) -> pd.DataFrame:
    """One table of the contract; nothing else is computed."""
    if name in BY_COLUMN:
        columns = BY_COLUMN[name](result)
        return frame(columns) if columns else table_frame(name, ())
    return table_frame(name, BY_ROW[name](result)) if name in BY_ROW else event_frame(result, name)


def table_frame(name: str, rows: Iterable[Sequence[Any]]) -> pd.DataFrame:
    """Rows of a table as a frame with its columns."""
    return pd.DataFrame(list(rows), columns=list(COLUMNS[name]))


def _row_names(result: StudyResult, row: int) -> tuple[str, str]:
    return result.studied.index.name(row)


def shown(studied: Studied) -> MeasuredEvents:
    """The events that tables show."""
    assert studied.measured is not None, "only called with studied events"
    every = len(studied.reported) == len(studied.measured)
    return studied.measured if every else studied.measured.take(np.array(studied.reported, dtype=np.int64))


def windows_columns(result: StudyResult, found: MeasuredEvents) -> dict[str, Column]:
    """Columns of windows, with the rates of each test on uneventful sessions where they were asked for."""
    columns = result.studied.tables.windows(found)
    return columns if result.rates is None else columns | _placebo_rates(result, result.rates, found)


def _placebo_rates(result: StudyResult, rates: PlaceboRates, events: MeasuredEvents) -> dict[str, Column]:
    """How many uneventful sessions the ticker of each row has, and how often each test rejects on them."""
    tables, series = result.studied.tables, events.events.series
    each, windows = tables.shown(events.events)
    keys = [(tables.keys[series[i]], w) for i, w in zip(each.tolist(), windows.tolist(), strict=True)]
    found: dict[str, Column] = {"n_uneventful": np.array([rates.sessions[key] for key in keys], dtype=np.float64)}
    for column, tests in rated().items():
        known = (
            next((rates.single[*key, name] for name in tests if (*key, name) in rates.single), np.nan) for key in keys
        )
        found[column] = np.array(list(known), dtype=np.float64)
    return found


def _curves(result: StudyResult) -> Iterable[Sequence[Any]]:
    for c in result.curves:
        few = "" if c.n_placebo >= ENOUGH else f"{c.n_placebo} uneventful sessions, fewer than {ENOUGH}"
        applicable = "no" if np.isnan(c.p_median_z) else "warn" if few else "yes"
        reason = few if few or not np.isnan(c.p_median_z) else "the reference needs exact conventions"
        rejecting = int(c.rejects.sum()), c.share, float(c.car.min()), float(c.car.max()), float(np.median(c.car))
        joint = c.median_z, c.p_median_z, c.n_placebo, c.n_joint, applicable, reason
        names = *_row_names(result, c.row), c.part, c.window.label
        yield *names, len(c.cells), *rejecting, *joint, "; ".join(c.left_out), c.market


def _overnight(result: StudyResult) -> Iterable[Sequence[Any]]:
    for r in result.parts:
        base = r.total, r.expected, r.abnormal, r.std_error, r.t, r.p, r.df, r.ci_low, r.ci_high, r.mde
        names = COLUMNS["overnight"]
        tests = (r.tests.get(name, np.nan) for name in names[names.index("p_headline") : -1])
        yield *_row_names(result, r.row), r.part, *base, r.p_family, r.n_family, *tests


def _day_parts(result: StudyResult) -> Iterable[Sequence[Any]]:
    for r in result.joint_parts:
        yield *_row_names(result, r.row), r.part, r.abnormal, r.std_error, r.statistic, r.null, r.df, r.p, r.correlation


def _dollar(result: StudyResult) -> Iterable[Sequence[Any]]:
    for r in result.dollars:
        names = ";".join(r.event_ids), ";".join(r.tickers), str(r.day0), r.window.label
        yield *names, r.market_value, r.dollar, r.std_error, r.ci_low, r.ci_high, r.t, r.df, r.p, r.currency


def _clusters(result: StudyResult) -> Iterable[Sequence[Any]]:
    day0, everyone, ids = None, "", ""
    for r in result.clusters:
        test = r.result
        if r.day0 != day0:
            # the names of a session are in each of its rows: made once
            day0, everyone, ids = r.day0, ";".join(r.firms), ";".join(r.event_ids)
        own = r.firms[test.member] if test.member >= 0 else ""
        yield (
            str(r.day0),
            ids,
            everyone,
            r.window.label,
            *(test.test, own, test.statistic, test.null, test.df, test.p, test.applicable, test.reason),
            np.nan
            if result.rates is None
            else result.rates.cluster.get((r.firms, result.spec.windows.index(r.window), test.test), np.nan),
        )


def aggregate_rows(groups: Sequence[GroupRow], calendar: Sequence[CalendarRow] = ()) -> Iterable[Sequence[Any]]:
    """Rows of aggregate."""
    for r in groups:
        test, n = r.result, r.car.count
        yield (
            *(r.group, r.label, n, r.n_rows, r.n_dates),
            r.car.mean if n else np.nan,
            r.precision_weighted,
            *(test.test, test.statistic, test.null, test.df, test.p, test.applicable, test.reason),
            r.variance_weighted,
            r.bhar.mean if n else np.nan,
            *(r.value_weighted.mean, r.value_weighted.n_effective, r.value_weighted.largest),
        )
    for c in calendar:
        test = c.result
        yield (
            *(c.group, c.window.label, c.n_events, c.n_rows, c.n_dates, np.nan, np.nan),
            *(test.test, test.statistic, test.null, test.df, test.p, test.applicable, test.reason),
            *[np.nan] * 5,
        )


def _calendar_time(result: StudyResult) -> Iterable[Sequence[Any]]:
    for r in result.calendar:
        test = r.result
        yield (
            *(r.group, r.window.end, r.n_events, r.n_dates, r.n_sessions, r.mean_firms, r.alpha, r.std_error, r.beta),
            *(test.test, test.statistic, test.null, test.df, test.p, test.applicable, test.reason),
        )


def aar_rows(days: Sequence[GroupDay]) -> Iterable[Sequence[Any]]:
    """Rows of aar."""
    for r in days:
        n = r.ar.count
        yield (
            *(r.group, r.day, n),
            r.ar.mean if n else np.nan,
            r.ar.standard_deviation / np.sqrt(n) if n > 1 else np.nan,
            r.car.mean if r.car.count else np.nan,
            r.car.standard_deviation / np.sqrt(r.car.count) if r.car.count > 1 else np.nan,
            r.ar.positive / n if n else np.nan,
        )


def _claims(result: StudyResult) -> Iterable[Sequence[Any]]:
    for r in result.claims:
        numbers = (r.observed, r.difference, r.verdict, r.expected, r.abnormal, r.p, r.note, r.p_headline)
        yield *_row_names(result, r.row), r.kind, r.claimed, *numbers


def _differences(result: StudyResult) -> Iterable[Sequence[Any]]:
    for r in result.differences:
        test = r.result
        means = [m.mean if m.count else np.nan for m in (r.one, r.two)]
        yield (
            *(r.group, r.other, r.window.label, r.one.count, r.two.count, r.n_dates, *means),
            *(means[0] - means[1], r.std_error),
            *(test.test, test.statistic, test.null, test.df, test.p, test.applicable, test.reason),
        )


# table of events -> its columns
OF_EVENTS: dict[str, Callable[[StudyResult, MeasuredEvents], dict[str, Column]]] = {
    "windows": windows_columns,
    "models": lambda result, found: result.studied.tables.models(found),
    "abnormal_returns": lambda result, found: result.studied.tables.daily(found),
}


def _flagged(
    rows: Callable[[StudyResult], Iterable[Sequence[Any]]],
) -> Callable[[StudyResult], Iterable[Sequence[Any]]]:
    """Rows that begin with event_id and ticker, with the flags of every window of that event on the right."""

    def found(result: StudyResult) -> Iterable[Sequence[Any]]:
        every = list(rows(result))
        flags = _flags_of_rows(result) if every else {}
        return ((*row, flags.get((row[0], row[1]), "")) for row in every)

    return found


def _flags_of_rows(result: StudyResult) -> dict[tuple[str, str], str]:
    """(event_id, ticker) -> the flags that models.csv has of it, joined by semicolons."""
    studied = result.studied
    if studied.measured is None:
        return {}
    bits = studied.measured.row_flags.tolist()
    return {_row_names(result, row): flag_words(bits[i]) for i, row in enumerate(studied.rows.tolist())}


# every other table -> its columns, or its rows
BY_COLUMN: dict[str, Callable[[StudyResult], dict[str, Column]]] = {"robustness": robustness_columns}
BY_ROW: dict[str, Callable[[StudyResult], Iterable[Sequence[Any]]]] = {
    "curves": _flagged(_curves),
    "overnight": _flagged(_overnight),
    "day_parts": _flagged(_day_parts),
    "clusters": _clusters,
    "dollar": _dollar,
    "aggregate": lambda result: aggregate_rows(result.groups, result.calendar),
    "aar": lambda result: aar_rows(result.group_days),
    "claims": _flagged(_claims),
    "differences": _differences,
    "calendar_time": _calendar_time,
    "volume": _flagged(lambda result: volume_rows(result)["volume"]),
    "abnormal_volume": _flagged(lambda result: volume_rows(result)["abnormal_volume"]),
    "volume_groups": lambda result: volume_rows(result)["volume_groups"],
}
OTHERS = frozenset((*BY_COLUMN, *BY_ROW))


def rows_by_event(table: pd.DataFrame) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """The rows of a table by (event_id, ticker), in order."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for record in table.to_dict("records"):
        found.setdefault((record["event_id"], record["ticker"]), []).append(record)
    return found
