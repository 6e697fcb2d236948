"""``validate``: what is wrong with events, and how each row is dated. No network."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from eventstudy.api.events import FRAME, given_confounders, given_events
from eventstudy.api.prices import given_prices
from eventstudy.api.run import chosen
from eventstudy.errors import InputFileError, Problem
from eventstudy.opening import exists
from eventstudy.spec import StudySpec
from eventstudy.spec_values import Choices

if TYPE_CHECKING:
    import pandas as pd

    from eventstudy.data.confounders import ConfounderTable
    from eventstudy.data.event_columns import EventColumns
    from eventstudy.data.event_index import EventIndex
    from eventstudy.data.prices import PriceSource

# sources that need no network and are those of the user
LOCAL = ("csv", "parquet")
OUT_OF_REACH = "the exchange calendar does not reach this date"
COLUMNS = ("line", "event_id", "ticker", "announced_at", "timing", "day0", "exchange", "rule", "flags", "near")
PROBLEM_COLUMNS = ("file", "line", "column", "value", "message")


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """Problems of events and confounders, or the date of each row.

    Attributes
    ----------
    path : str
        The events, as they were named.
    found : tuple of (str, str, Problem)
        File, what its places count, problem.
    rows : list of dict
        One a row where there is no problem: its day 0, the rule used, overlaps and what is near; keys are ``COLUMNS``.
    notices : tuple of str
        How the file was read where that is not plain, and what local prices prove.
    """

    path: str
    found: tuple[tuple[str, str, Problem], ...]
    rows: list[dict[str, Any]]
    notices: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether there is no problem."""
        return not self.found

    @property
    def problems(self) -> pd.DataFrame:
        """Every problem: ``file``, ``line``, ``column``, ``value``, ``message``."""
        import pandas as pd

        return pd.DataFrame(self.problem_records, columns=list(PROBLEM_COLUMNS))

    @property
    def problem_records(self) -> list[dict[str, Any]]:
        """Every problem as a dict."""
        return [
            {"file": file, "line": p.line, "column": p.column, "value": p.value, "message": p.message}
            for file, _, p in self.found
        ]

    @property
    def days(self) -> pd.DataFrame:
        """Day 0 of every row and why."""
        import pandas as pd

        frame = pd.DataFrame(self.rows, columns=list(COLUMNS))
        return frame.assign(day0=pd.to_datetime(frame["day0"].replace("", None)))

    @property
    def lines(self) -> list[str]:
        """Problems, or rows, as lines."""
        if self.found:
            return [f"{file}: {p.at(unit)}".replace("\n", " ") for file, unit, p in self.found]
        return [
            f"{r['event_id']} {r['ticker']}: day 0 {r['day0'] or 'unknown'} ({r['rule']})"
            + "".join(f"  [{r[name]}]" for name in ("flags", "near") if r[name])
            for r in self.rows
        ]

    def __repr__(self) -> str:
        n = len(self.found)
        said = f"{n} problem{'' if n == 1 else 's'}" if n else f"{len(self.rows)} rows, no problem"
        listed = self.lines[:20]
        more = [f"and {len(self.lines) - 20} more"] if len(self.lines) > 20 else []
        return "\n".join([f"{self.path}: {said}", *listed, *more])


def validate(
    events: object,
    prices: object = None,
    *,
    confounders: object = None,
    spec: StudySpec | None = None,
    **choices: Unpack[Choices],
) -> Validation:
    """Check events and confounders: every problem at once, then day 0 of every row and the rule used.

    Parameters
    ----------
    events, prices, confounders
        As ``run``; prices of files and frames prove the sessions, those that come over the network are not asked for.
    spec, **choices
        As ``run``.

    Returns
    -------
    Validation
        ``ok``, ``problems``, ``days``; overlaps and confounders are listed, they are not problems.

    Examples
    --------
    >>> import eventstudy as es
    >>> found = es.validate([{"ticker": "NVDA", "announced_at": "2025-04-15", "timing": "amc"}])
    >>> found.ok, str(found.days.loc[0, "day0"].date())
    (True, '2025-04-16')
    >>> es.validate([{"ticker": "NVDA", "announced_at": "4/15/2025"}]).ok
    False
    """
    study = chosen(spec, dict(choices))
    path = str(events) if isinstance(events, str | os.PathLike) else FRAME
    problems: list[tuple[str, str, Problem]] = []
    columns = table = None
    try:
        columns = given_events(events).columns
    except InputFileError as error:
        problems += [(error.path, error.unit, problem) for problem in error.problems]
    try:
        table = _confounders(events, confounders)
    except InputFileError as error:
        problems += [(error.path, error.unit, problem) for problem in error.problems]
    if problems or columns is None:
        return Validation(path=path, found=tuple(problems), rows=[], notices=())
    source, study = given_prices(prices, study)
    return _validated(path, columns, table, source, study)


def _confounders(events: object, given: object) -> ConfounderTable | None:
    from eventstudy.data.confounders import read_confounders

    if given is None and isinstance(events, str | os.PathLike):
        beside = Path(events).parent / "confounders.csv"
        given = beside if exists(beside) else None
    table = given_confounders(given)
    return read_confounders(os.fspath(table)) if isinstance(table, str | os.PathLike) else table


def _validated(
    path: str, columns: EventColumns, table: ConfounderTable | None, source: PriceSource | None, spec: StudySpec
) -> Validation:
    from eventstudy.choices import check_tickers
    from eventstudy.data.event_index import index_events
    from eventstudy.data.events import event_notes
    from eventstudy.data.filing_clock import clock_warnings
    from eventstudy.data.outcome_words import outcome_questions
    from eventstudy.data.sources import open_source

    index, said = index_events(columns, table), list[str]()
    try:
        check_tickers(index, spec)
    except InputFileError as error:
        found = tuple((error.path, error.unit, problem) for problem in error.problems)
        return Validation(path=path, found=found, rows=[], notices=())
    if source is None and spec.source.partition(":")[0] in LOCAL:
        source = open_source(spec)
    if source is not None:
        index, said = _proven(index, source, spec)
    notices = (*event_notes(index.events), *clock_warnings(index), *outcome_questions(index.events), *said)
    return Validation(path=path, found=(), rows=_rows(index, spec), notices=notices)


def _proven(index: EventIndex, source: PriceSource, spec: StudySpec) -> tuple[EventIndex, list[str]]:
    """The events on the sessions that prices prove, and what their closes are and what is refused."""
    from dataclasses import replace

    import numpy as np

    from eventstudy.data.batches import Batches
    from eventstudy.data.checked_prices import basis_line
    from eventstudy.data.market import Market
    from eventstudy.data.proven_calendars import prove, unfit_notices
    from eventstudy.data.series_index import series_of

    series = series_of(index, spec)
    used = np.unique(series.series[index.session >= 0]).tolist()
    batches = Batches(index, series, used, source, spec, keep=True)
    proven = prove(batches)
    _, stated = next(iter(batches))
    prices = proven.checked(stated, batches.keys())
    line = basis_line(one.provenance for one in prices.series.values())
    said = [f"prices: {line}"] if line else []
    said += proven.notices
    said += [f"{one.symbol}: {one.provenance.notice}" for one in prices.series.values() if one.provenance.off_calendar]
    market = Market(prices, proven.index.calendars)
    first = np.full(len(series.keys), -1)
    for number in used:
        if market.trouble(series.keys[number]) is None:
            span = market.series(replace(series.keys[number], made_for=""), spec.returns).span
            first[number] = np.argmax(span > 0) if span.any() else -1
    placed = np.flatnonzero(proven.index.session >= 0)
    said += unfit_notices(proven.index, placed, series.series, first, spec)
    said += [f"prices of {symbol} are refused: {why}" for symbol, why in prices.refused.items()]
    return proven.index, [*said, *prices.wrong.values()]


def _rows(index: EventIndex, spec: StudySpec) -> list[dict[str, Any]]:
    """One record a row: day 0, the rule used, overlaps and what is near."""
    window, rows, shared = spec.event_window, [], index.shares_session()
    uncertain = index.uncertain()
    for row in range(len(index)):
        placement, flags = index.placement(row), []
        if placement is not None:
            days = index.other_days(row)
            flags = [
                *(["timing_uncertain"] if uncertain[row] else []),
                *(["shared_session"] if shared[row] else []),
                *(["overlap"] if ((days != 0) & (abs(days) < window.length)).any() else []),
            ]
        near = index.nearby(row, window.start, window.end)
        rows.append(
            {
                "line": int(index.events.lines[row]),
                **{name: index.text(row, name) for name in ("event_id", "ticker", "announced_at", "timing")},
                "day0": str(placement.date) if placement else "",
                "exchange": index.firm(row)[1],
                "rule": placement.rule if placement else index.unlisted.get(index.firm(row)[0], OUT_OF_REACH),
                "flags": ";".join(flags),
                "near": "; ".join(f"{item.day:+d} {item.kind}" for item in near),
            }
        )
    return rows
