"""THE RECIPE: from dated events to tested abnormal returns, one stage per line in ``run``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from eventstudy import exclusions
from eventstudy.choices import check_peers, check_tickers, checked_model
from eventstudy.data.confounders import ConfounderTable, read_confounders
from eventstudy.data.event_columns import EventColumns
from eventstudy.data.event_index import EventIndex, index_events, seeds_of
from eventstudy.data.events import events_from_frame, read_events
from eventstudy.data.prices import PriceSource
from eventstudy.data.sources import in_currency, open_source, source_from_frame
from eventstudy.engine.block import Block, select, study_block
from eventstudy.engine.measure import Engine, chosen_engine
from eventstudy.engine.panel import Bools, Ints
from eventstudy.engine_options import conventions, options_of, window_plan
from eventstudy.errors import UsageError
from eventstudy.evaluate.calendar_time import calendar_time_tests
from eventstudy.evaluate.claims import check_claims
from eventstudy.evaluate.clusters import cluster_tests
from eventstudy.evaluate.differences import difference_tests
from eventstudy.evaluate.dollar import dollar_impact
from eventstudy.evaluate.groups import group_days, group_tests
from eventstudy.evaluate.own_windows import with_own_windows
from eventstudy.evaluate.rates import placebo_rates
from eventstudy.evaluate.robustness import day0_parts, robustness
from eventstudy.evaluate.volume import abnormal_volume
from eventstudy.flags import row_flags, window_flags
from eventstudy.measured import MeasuredEvents, measured_events
from eventstudy.prepare import Prepared, Storage, facts_of, placed_events, prepare
from eventstudy.records import Exclusion
from eventstudy.report.event_tables import EventTables
from eventstudy.results import Studied, StudyResult
from eventstudy.roster import REPORTED, check_by
from eventstudy.spec import StudySpec
from eventstudy.spelling import meant

if TYPE_CHECKING:
    import pandas as pd

Progress = Callable[[str], None]


def run(
    events: str | Path | pd.DataFrame | EventColumns,
    prices: pd.DataFrame | PriceSource | None = None,
    spec: StudySpec | None = None,
    *,
    confounders: str | Path | None = None,
    only: Sequence[str] = (),
    progress: Progress | None = None,
    warn: Progress | None = None,
) -> StudyResult:
    """Run one event study.

    Parameters
    ----------
    events : path, pandas frame or EventColumns
        The announcements; a path's folder may hold ``confounders.csv``.
    prices : pandas frame, PriceSource or None
        None opens ``spec.source``; a frame is long: ``ticker, date, close`` and optionally ``open, volume, dividend``.
    spec : StudySpec or None
        Every choice; None means the defaults.
    confounders : path or None
        None takes ``confounders.csv`` beside the events file if it is there.
    only : sequence of str
        event_ids to report; masks, overlaps and clusters still see every row of the file.
    progress : callable or None
        Called with one line per stage.
    warn : callable or None
        Called with what a person should know about the price store: a damaged file set aside, prices not kept.

    Returns
    -------
    StudyResult
        Events that cannot be studied are rows of ``excluded``.

    Raises
    ------
    InputFileError, UsageError
        Input that cannot be right, with every problem and place.
    SourceUnavailable
        If no price source covers the study.

    Checked against
    ---------------
    tests/oracles: statsmodels with event dummies, a naive loop from the raw price files.
    """
    say = progress or silent
    result = estimated(events, prices, spec, confounders=confounders, only=only, progress=progress, warn=warn)
    studied = result.studied
    say("claims, clusters, groups, other models")
    if studied.spec.calibrated:
        say("every test on uneventful sessions")
    parts = day0_parts(studied)
    shown = np.flatnonzero(chosen_rows(studied.index, only)[0]).tolist()
    return replace(
        result,
        robustness=robustness(studied),
        parts=parts,
        clusters=cluster_tests(studied),
        groups=group_tests(studied),
        group_days=group_days(studied),
        claims=check_claims(studied, parts, shown),
        rates=placebo_rates(studied) if studied.spec.calibrated else None,
        differences=difference_tests(studied),
        calendar=calendar_time_tests(studied),
        dollars=dollar_impact(studied),
        volume=abnormal_volume(studied),
    )


def estimated(
    events: str | Path | pd.DataFrame | EventColumns,
    prices: pd.DataFrame | PriceSource | None = None,
    spec: StudySpec | None = None,
    *,
    confounders: str | Path | None = None,
    only: Sequence[str] = (),
    progress: Progress | None = None,
    warn: Progress | None = None,
) -> StudyResult:
    """The first half of ``run``, with its parameters and errors: every CAR, and none of the questions put to them.

    ``robustness``, ``parts``, ``clusters``, ``groups``, ``group_days``, ``claims``, ``differences`` and ``calendar``
    are empty.
    """
    spec = checked_model(spec or StudySpec())
    say = progress or silent
    columns = as_events(events)
    check_by(columns, spec)
    source = open_source(spec, say, warn or silent) if prices is None else as_source(prices, spec)
    say(f"placing {len(columns):,} events on exchange calendars")
    index = index_events(columns, confounders_beside(columns, confounders), reach=spec.hold)
    check_peers(index, spec)
    n_shared, spec = len(spec.windows), with_own_windows(spec, columns)
    check_tickers(index, spec)
    reported, rows = chosen_rows(index, only)
    prepared = prepare(index, rows, reported, source, spec, Storage(), say)
    say(f"studying {len(prepared.roster):,} of {len(rows):,} events")
    engine = chosen_engine(spec.engine, len(prepared.roster), spec.model, conventions(spec))
    block, measured = estimate(prepared, spec, engine)
    assert prepared.market is not None, "prices of this study are kept"
    lost = prepared.excluded.ordered()
    lost = lost[:, reported[lost[0]]]
    return StudyResult(
        studied=Studied(
            index=index,
            market=prepared.market,
            tables=EventTables.of(prepared, spec, n_shared),
            measured=measured,
            block=block,
            reported=() if measured is None else tuple(np.flatnonzero(measured.events.marked(REPORTED)).tolist()),
            spec=spec,
            engine=engine,
        ),
        exclusions=tuple(
            Exclusion(row=int(row), stage=stage, reason=reason, detail=detail)
            for row, (stage, reason, detail) in zip(lost[0], prepared.sentences.troubles(lost), strict=True)
        ),
        n_read=prepared.n_read,
        robustness=(),
        parts=(),
        clusters=(),
        groups=(),
        group_days=(),
        claims=(),
        notices=prepared.notices,
    )


def silent(line: str) -> None:
    """Progress nobody asked for."""
    del line


def as_events(events: str | Path | pd.DataFrame | EventColumns) -> EventColumns:
    """Events from a path, a frame or columns already read."""
    if isinstance(events, EventColumns):
        return events
    if isinstance(events, str | Path):
        return read_events(events)
    return events_from_frame(events)


def as_source(prices: pd.DataFrame | PriceSource, spec: StudySpec) -> PriceSource:
    """A frame of prices as a source; a source as it is."""
    import pandas as pd

    if isinstance(prices, pd.DataFrame):
        return in_currency(source_from_frame(prices, spec.input, volume=bool(spec.volume)), spec)
    return in_currency(prices, spec)


def confounders_beside(events: EventColumns, path: str | Path | None) -> ConfounderTable | None:
    """The confounders named, or those beside the events file, or None."""
    if path is not None:
        return read_confounders(path)
    beside = Path(events.path).parent / "confounders.csv"
    return read_confounders(beside) if Path(events.path).is_file() and beside.is_file() else None


def chosen_rows(index: EventIndex, only: Sequence[str]) -> tuple[Bools, Ints]:
    """Rows that are reported, bool (n,), and rows to study: those, and others that share a day 0 with them.

    Raises
    ------
    UsageError
        If no row has an event_id that is asked for.
    """
    every = np.arange(len(index))
    if not only:
        return np.ones(len(index), dtype=bool), every
    ids = index.events.ids.take(every)
    known = sorted(set(ids))
    for name in only:
        if name not in known:
            hint = meant(name, known) or "see the event_id column"
            raise UsageError(f"event {name!r} is not in {index.events.path}", "an event_id of that file", hint)
    reported = np.isin(np.array(ids), list(only))
    placed = index.session >= 0
    shared = np.zeros(len(index), dtype=bool)
    shared[placed] = np.isin(index.day0(every[placed]), index.day0(every[placed & reported]))
    return reported, np.flatnonzero(reported | shared)


def estimate(
    prepared: Prepared, spec: StudySpec, engine: Engine = "numpy"
) -> tuple[Block, MeasuredEvents] | tuple[None, None]:
    """Study the admitted events; those whose estimation window cannot carry a model become exclusions."""
    events, plan = prepared.roster.part(0, len(prepared.roster)), window_plan(spec)
    if not len(events):
        return None, None
    placed, around = placed_events(prepared.panel, events, spec, seeds_of(prepared.index, events.row))
    block = study_block(prepared.panel.of_returns, placed, options_of(spec, engine))
    found = block.measures
    enough = found.n_obs >= prepared.sentences.needed
    lost, kept = np.flatnonzero(~(enough & found.rank_ok)), np.flatnonzero(enough & found.rank_ok)
    kinds = np.where(enough[lost], exclusions.DEFICIENT, exclusions.FEW)
    prepared.excluded.add(events.row[lost], kinds, events.series[lost], events.session[lost], found.n_obs[lost])
    if not len(kept):
        return None, None
    facts = facts_of(prepared.panel, events, spec, found.n_obs, found.zero_variance, found.fallback)
    of_windows = np.stack([window_flags(facts, around, window) for window in spec.windows], axis=1)
    block = select(block, kept)
    measured = measured_events(
        block, events.take(kept), row_flags(facts, around, plan)[kept], of_windows[kept], daily=True
    )
    return block, measured
