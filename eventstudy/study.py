"""THE RECIPE: from dated events to tested abnormal returns, one stage per line in ``run``."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from eventstudy import ledger
from eventstudy.data.calendar import DEFAULT_EXCHANGE
from eventstudy.data.catalogue import Catalogue, build_catalogue
from eventstudy.data.confounders import ConfounderTable, read_confounders
from eventstudy.data.event_headings import RESERVED
from eventstudy.data.events import EventTable, event_notes, events_from_frame, read_events
from eventstudy.data.filing_clock import table_warnings
from eventstudy.data.market import Market, SeriesKey, basis_line, basis_notices, load_market, place_rows, series_key
from eventstudy.data.prices import PriceSource
from eventstudy.data.sources import open_source, source_from_frame
from eventstudy.engine.kernels import Engine, chosen_engine
from eventstudy.engine.models import MODELS, fit
from eventstudy.engine.panel import Ints, ReturnPanel
from eventstudy.engine.partition import Block, Fitter, Placed, conventions, fewest_observations, select, study_block
from eventstudy.errors import UsageError
from eventstudy.evaluate.calendar_time import calendar_time_tests
from eventstudy.evaluate.claims import check_claims
from eventstudy.evaluate.clusters import cluster_tests
from eventstudy.evaluate.differences import difference_tests
from eventstudy.evaluate.dollar import dollar_impact
from eventstudy.evaluate.groups import evidence_of, group_days, group_tests
from eventstudy.evaluate.own_windows import own_windows, with_own_windows
from eventstudy.evaluate.rates import placebo_rates
from eventstudy.evaluate.robustness import day0_parts, robustness
from eventstudy.evaluate.volume import abnormal_volume
from eventstudy.flags import row_flags, window_flags
from eventstudy.records import Exclusion
from eventstudy.results import Studied, StudyResult
from eventstudy.spec import StudySpec, Window
from eventstudy.spelling import meant

if TYPE_CHECKING:
    import pandas as pd

Progress = Callable[[str], None]
# Fewer are no index.
FEWEST_PEERS = 3


def run(
    events: str | Path | pd.DataFrame | EventTable,
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
    events : path, pandas frame or EventTable
        The announcements; a path's folder may hold ``confounders.csv``.
    prices : pandas frame, PriceSource or None
        None opens ``spec.source``; a frame is long: ``ticker, date, close`` and optionally ``open, volume, dividend``.
    spec : StudySpec or None
        Every choice; None means the defaults.
    confounders : path or None
        None takes ``confounders.csv`` beside the events file if it is there.
    only : sequence of str
        event_ids to report; masks, overlaps and clusters still see the whole catalogue.
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
    parts, evidence = day0_parts(studied), evidence_of(studied)
    shown = [row for row in range(len(studied.catalogue.keys)) if is_reported(studied.catalogue, row, only)]
    return replace(
        result,
        robustness=robustness(studied),
        parts=parts,
        clusters=cluster_tests(studied),
        groups=group_tests(studied, evidence),
        group_days=group_days(studied),
        claims=check_claims(studied, parts, shown),
        rates=placebo_rates(studied) if studied.spec.calibrated else None,
        differences=difference_tests(studied, evidence),
        calendar=calendar_time_tests(studied),
        dollars=dollar_impact(studied),
        volume=abnormal_volume(studied),
    )


def estimated(
    events: str | Path | pd.DataFrame | EventTable,
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
    table = as_events(events)
    check_by(table, spec)
    source = open_source(spec, say, warn or silent) if prices is None else as_source(prices, spec)
    say(f"placing {len(table.frame)} events on exchange calendars")
    catalogue = build_catalogue(table, confounders_beside(table, confounders), reach=spec.hold)
    check_peers(catalogue, spec)
    n_shared, spec = len(spec.windows), with_own_windows(spec, table)
    check_tickers(catalogue, spec)
    wanted = select_rows(catalogue, only)
    say(f"reading prices from {source.name}")
    market = load_market(catalogue, wanted, source, spec)
    say(f"prices: {basis_line(one.provenance for one in market.prices.series.values())}")
    admitted, early = admit(catalogue, wanted, market, spec)
    say(f"studying {len(admitted)} of {len(wanted)} events")
    engine = chosen_engine(spec.engine, len(admitted), spec.model, conventions(spec))
    block, rows, late = estimate(catalogue, admitted, market, spec, engine)
    own = own_windows(table, rows, spec)
    studied = Studied(
        catalogue=catalogue,
        market=market,
        rows=np.array(rows, dtype=np.int64),
        block=block,
        primary=primary_windows(catalogue, rows, spec, own),
        reported=tuple(i for i, row in enumerate(rows) if is_reported(catalogue, row, only)),
        spec=spec,
        engine=engine,
        own=own,
        n_shared=n_shared,
    )
    shown = [row for row in wanted if is_reported(catalogue, row, only)]
    clocks = table_warnings(table.frame, catalogue.exchange, catalogue.calendars)
    return StudyResult(
        studied=studied,
        row_flags=tuple(row_flags(studied, i) for i in range(len(rows))),
        window_flags=tuple(tuple(window_flags(studied, i, w) for w in spec.windows) for i in range(len(rows))),
        exclusions=tuple(sorted((e for e in (*early, *late) if e.row in shown), key=lambda e: e.row)),
        n_read=len(shown),
        robustness=(),
        parts=(),
        clusters=(),
        groups=(),
        group_days=(),
        claims=(),
        notices=(*spec.notices, *event_notes(table), *clocks, *market_notices(catalogue, wanted, market, spec)),
    )


def market_notices(catalogue: Catalogue, rows: Sequence[int], market: Market, spec: StudySpec) -> list[str]:
    """What a reader should know about the prices: older than asked for, or measured against a market elsewhere."""
    choice = market.prices.choice
    found = [choice.stale] if choice is not None and choice.stale else []
    if market.factors is not None and market.factors.notice:
        found.append(market.factors.notice)
    found += basis_notices(one.provenance for one in market.prices.series.values())
    return [*found, *foreign_notices({series_key(catalogue, row, spec) for row in rows})]


def foreign_notices(keys: Collection[SeriesKey]) -> list[str]:
    """What to know about listings abroad that are measured against New York."""
    abroad = {
        (key.ticker, key.exchange)
        for key in keys
        if key.exchange != DEFAULT_EXCHANGE and key.benchmarks[:1] == ("SPY",)
    }
    return [
        f"{ticker} trades on {exchange} and is measured against SPY, which closes hours later in another currency: "
        "name a local index with --benchmark or in the benchmark column"
        for ticker, exchange in sorted(abroad)
    ]


def silent(line: str) -> None:
    """Progress nobody asked for."""
    del line


def checked_model(spec: StudySpec) -> StudySpec:
    """The spec, once its model is known to exist and to have the benchmarks and sessions it needs."""
    if spec.model not in MODELS:
        raise UsageError(f"model {spec.model!r} is unknown", " | ".join(MODELS), meant(spec.model, MODELS))
    if spec.model == "multi-index" and len(spec.benchmarks) < 2:
        raise UsageError(
            "multi-index needs a market and a sector", "two benchmarks", "add --benchmark SPY --benchmark SOXX"
        )
    if MODELS[spec.model].peers and len(spec.peers) < FEWEST_PEERS:
        raise UsageError(
            f"{spec.model} has {len(spec.peers)} peers", f"at least {FEWEST_PEERS}", "--peer SYM, repeated"
        )
    if MODELS[spec.model].ex_self and not spec.weights:
        raise UsageError(
            f"{spec.model} needs the firm's share of the index", "--index-weight TICKER=W, such as NVDA=0.07"
        )
    if spec.convention and MODELS[spec.model].simplex:
        raise UsageError(f"a convention is about standard errors, and {spec.model} has none", "no --convention")
    if spec.chosen("robust") == "hac" and (MODELS[spec.model].conditional or MODELS[spec.model].instrument):
        raise UsageError(
            f"robust=hac is for least squares, and {spec.model} has a variance of its own", "another model"
        )
    needed = fewest_observations(spec, spec.model, len(spec.benchmarks))
    if spec.estimation < needed:
        raise UsageError(f"estimation {spec.estimation} is too short for {spec.model}", f"at least {needed} sessions")
    return spec


def check_by(table: EventTable, spec: StudySpec) -> None:
    """Raise a UsageError where the column of the groups is not in the events file, before any price is asked for."""
    if spec.by not in table.frame.columns:
        columns = [str(name) for name in table.frame.columns if name not in RESERVED]
        raise UsageError(
            f"--by {spec.by!r} is no column of the events file", ", ".join(columns), meant(spec.by, columns)
        )


def check_peers(catalogue: Catalogue, spec: StudySpec) -> None:
    """Raise a UsageError where a peer is itself treated: the comparison would take part of the effect away."""
    treated = {ticker for (ticker, _), role in zip(catalogue.keys, catalogue.roles, strict=True) if role != "placebo"}
    check_treated(treated, spec, catalogue.events.path)


def check_treated(treated: set[str], spec: StudySpec, path: str) -> None:
    """The same from the tickers that have announcements."""
    if MODELS[spec.model].peers and (bad := sorted(treated & set(spec.peers))):
        raise UsageError(
            f"peer {', '.join(bad)} has announcements of its own in {path}",
            "peers that no event of the file treats",
            "name other peers",
        )


def one_width(keys: Collection[SeriesKey], spec: StudySpec) -> None:
    """Raise a UsageError where series have different numbers of benchmarks: a panel holds one number of factors."""
    counts = sorted({len(key.benchmarks) for key in keys})
    if len(counts) > 1:
        raise UsageError(
            f"{spec.model} uses every benchmark, and the rows name {' and '.join(map(str, counts))} of them",
            "the same number of benchmarks on every row",
            "complete the benchmark column",
        )


def check_tickers(catalogue: Catalogue, spec: StudySpec) -> None:
    """Raise a UsageError where an option speaks of a ticker that no event has."""
    known = {ticker for ticker, _ in catalogue.keys}
    for option, named in (("index-weight", spec.weights), ("shares", spec.outstanding)):
        if unknown := sorted(set(named) - known):
            raise UsageError(
                f"{option} names {unknown[0]}, which no event of {catalogue.events.path} has",
                "a ticker of the events file",
                meant(unknown[0], sorted(known)),
            )


def as_events(events: str | Path | pd.DataFrame | EventTable) -> EventTable:
    """Events from a path, a frame or a table already read."""
    if isinstance(events, EventTable):
        return events
    if isinstance(events, str | Path):
        return read_events(events)
    return events_from_frame(events)


def as_source(prices: pd.DataFrame | PriceSource, spec: StudySpec) -> PriceSource:
    """A frame of prices as a source; a source as it is."""
    import pandas as pd

    if isinstance(prices, pd.DataFrame):
        return source_from_frame(prices, spec.input, volume=bool(spec.volume))
    return prices


def confounders_beside(table: EventTable, path: str | Path | None) -> ConfounderTable | None:
    """The confounders named, or those beside the events file, or None."""
    if path is not None:
        return read_confounders(path)
    beside = Path(table.path).parent / "confounders.csv"
    return read_confounders(beside) if Path(table.path).is_file() and beside.is_file() else None


def is_reported(catalogue: Catalogue, row: int, only: Sequence[str]) -> bool:
    """Whether a row of the events table belongs to what was asked for."""
    return not only or catalogue.event_ids[row] in only


def select_rows(catalogue: Catalogue, only: Sequence[str]) -> list[int]:
    """Rows to study: those asked for, and those that share a day 0 with them (their cluster)."""
    known = sorted(set(catalogue.events.frame["event_id"]))
    for name in only:
        if name not in known:
            hint = meant(name, known) or "see the event_id column"
            raise UsageError(f"event {name!r} is not in {catalogue.events.path}", "an event_id of that file", hint)
    days = {p.date for row, p in enumerate(catalogue.placements) if p and is_reported(catalogue, row, only)}
    return [
        row
        for row, placement in enumerate(catalogue.placements)
        if is_reported(catalogue, row, only) or (placement is not None and placement.date in days)
    ]


def admit(
    catalogue: Catalogue, wanted: Sequence[int], market: Market, spec: StudySpec
) -> tuple[list[int], list[Exclusion]]:
    """Rows whose day 0 lies within the prices; the others with their reason."""
    trouble = {row: price_trouble(catalogue, row, market, spec) for row in wanted}
    return [row for row in wanted if trouble[row] is None], [e for e in trouble.values() if e is not None]


def price_trouble(catalogue: Catalogue, row: int, market: Market, spec: StudySpec) -> Exclusion | None:
    """Why a row has no usable day 0, or None."""
    placement, key = catalogue.placements[row], series_key(catalogue, row, spec)
    if placement is None:
        return _exclusion(row, ledger.undated(catalogue.exchange[row]))
    if (missing := market.trouble(key)) is not None:
        return _exclusion(row, ledger.unpriced(missing))
    series = market.series(key, spec.returns)
    reach = ledger.reach_of(series, market.prices.series[key.ticker].provenance.source)
    gap = spec.missing == "strict" and bool(series.span[placement.session] != 1)
    found = ledger.day0_trouble(reach, placement.session, gap=gap)
    return None if found is None else _exclusion(row, found)


def _exclusion(row: int, trouble: ledger.Trouble) -> Exclusion:
    stage, reason, detail = trouble
    return Exclusion(row=row, stage=stage, reason=reason, detail=detail)


def estimate(
    catalogue: Catalogue, rows: Sequence[int], market: Market, spec: StudySpec, engine: Engine = "numpy"
) -> tuple[Block | None, list[int], list[Exclusion]]:
    """Study the admitted rows; those whose estimation window cannot carry a model become exclusions."""
    if not rows:
        return None, [], []
    keys, placed = place_rows(catalogue, rows, spec)
    one_width(keys, spec)
    panel = market.stack(keys, spec.returns)
    block = _block(panel, placed, spec, engine)
    needed = fewest_observations(spec, spec.model, panel.factors.shape[1])
    enough = block.fits.n_obs >= needed
    exclusions = [
        _exclusion(row, ledger.estimation_trouble(int(block.fits.n_obs[i]), needed, spec.estimation))
        for i, row in enumerate(rows)
        if not (enough[i] and block.fits.rank_ok[i])
    ]
    kept = np.flatnonzero(enough & block.fits.rank_ok)
    return (select(block, kept) if len(kept) else None), [rows[int(i)] for i in kept], exclusions


def _block(panel: ReturnPanel, placed: Placed, spec: StudySpec, engine: Engine) -> Block:
    """The events studied; a synthetic control has tests of its own."""
    if not MODELS[spec.model].simplex:
        return study_block(panel, placed, spec, fitter_of(spec), engine)
    from eventstudy.evaluate.synthetic import synthetic_block

    return synthetic_block(panel, placed, spec)


def fitter_of(spec: StudySpec) -> Fitter:
    """What estimates the model; conditional variances need a package that others do without."""
    if not MODELS[spec.model].conditional:
        return fit
    from eventstudy.evaluate.conditional import conditional_fits

    return conditional_fits


def primary_windows(catalogue: Catalogue, rows: Sequence[int], spec: StudySpec, own: Ints) -> Ints:
    """Index of each row's primary window: its own; else [0,0], or [0,1] where the hour is unknown; else the first."""
    chosen = []
    for row, named in zip(rows, own, strict=True):
        if named >= 0:
            chosen.append(int(named))
            continue
        placement = catalogue.placements[row]
        wanted = Window(0, 1) if placement is not None and placement.uncertain else Window(0, 0)
        chosen.append(spec.windows.index(wanted) if wanted in spec.windows else 0)
    return np.array(chosen, dtype=np.int64)
