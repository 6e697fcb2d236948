"""The first stage of a study: prices read and aligned once, events admitted, marked and put into groups."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np

from eventstudy import exclusions
from eventstudy.data.batches import Batches
from eventstudy.data.calendar import DATA, DEFAULT_EXCHANGE
from eventstudy.data.checked_prices import basis_line, basis_notices, check_something_left
from eventstudy.data.event_index import EventIndex, confounded_on_day0, happenings
from eventstudy.data.events import event_notes
from eventstudy.data.factors import FactorTable
from eventstudy.data.filing_clock import clock_warnings
from eventstudy.data.home_lines import home_line_notices
from eventstudy.data.market import Market, factor_table
from eventstudy.data.markets import index_notices
from eventstudy.data.panel import Panel, PanelWriter, SeriesFacts
from eventstudy.data.parquet import give_back
from eventstudy.data.prices import Choice, PriceSource, Provenance
from eventstudy.data.proven_calendars import Proven, prove, unfit_notices
from eventstudy.data.quality import quality_bits
from eventstudy.data.returns import AlignedSeries
from eventstudy.data.series_index import SeriesIndex, SeriesKey, benchmarks_of, series_of, unnamed
from eventstudy.data.stacks import AT_ONCE
from eventstudy.data.surroundings import Surroundings, masked_history
from eventstudy.engine.models import MODELS
from eventstudy.engine.options import fewest
from eventstudy.engine.panel import Bools, Ints, Placed
from eventstudy.engine_options import fewest_observations, window_plan
from eventstudy.errors import UsageError
from eventstudy.flags import Facts, surroundings
from eventstudy.roster import (
    NEAR_DAY0,
    OWN_BENCHMARK,
    SHARED,
    UNCERTAIN,
    Groups,
    Roster,
    groups_of,
    marked,
    own_group,
    roster,
)
from eventstudy.spec import StudySpec
from eventstudy.weights import value_weights

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """Everything that is known before a block of events is measured.

    Attributes
    ----------
    names : tuple of tuples of str
        What the regressors of each series are.
    roster : Roster
        Admitted events, in file order.
    excluded : Excluded
    sentences : Sentences
    n_read : int
        Rows that are reported.
    market : Market or None
        The prices, where they are kept.
    provenance : tuple of Provenance
        By symbol.
    reported : bool (n,)
        Rows that tables show.
    market_of : callable
        Reads the prices of some series once more, where they are not kept.
    """

    index: EventIndex
    series: SeriesIndex
    panel: Panel
    names: tuple[tuple[str, ...], ...]
    roster: Roster
    groups: Groups
    excluded: exclusions.Excluded
    sentences: exclusions.Sentences
    n_read: int
    market: Market | None
    choice: Choice | None
    provenance: tuple[Provenance, ...]
    factors: FactorTable | None
    notices: tuple[str, ...]
    reported: Bools
    market_of: Callable[[Sequence[int]], Market]

    @property
    def lost(self) -> np.ndarray:
        """Reported rows that are excluded so far, as ``Excluded.ordered`` has them; int32 (5, m)."""
        lost = self.excluded.ordered()
        return lost if self.reported.all() else lost[:, self.reported[lost[0]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """Place of the panel.

    Attributes
    ----------
    folder : Path or None
        Of mapped files; None keeps it in memory.
    keep_prices : bool
        Whether the prices stay, for what looks at more than returns.
    groups : int
        Most groups that can be tallied.
    """

    folder: Path | None = None
    keep_prices: bool = True
    groups: int = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Rows of the events table that a study is asked for.

    Attributes
    ----------
    reported : bool (n,)
        Rows that tables show.
    rows : int (m,)
        Rows to study, ascending: those reported, and those that share a session with them.
    """

    reported: Bools
    rows: np.ndarray


def prepare(
    index: EventIndex, asked: Asked, source: PriceSource, spec: StudySpec, storage: Storage, say: Say,
    factors: FactorTable | None = None,
) -> Prepared:  # fmt: skip
    """Read prices, align them, and admit, mark and group the events. Raises ``UsageError`` if the rows name different
    numbers of benchmarks or the ``--by`` column makes too many groups.

    Parameters
    ----------
    factors : FactorTable or None
        In place of those that the spec names.
    """
    series, reported, rows = series_of(index, spec), asked.reported, asked.rows
    # rows whose exchange is unknown are excluded without a price
    used = np.unique(series.series[rows[index.exchange()[rows] >= 0]])
    one_width([series.keys[number] for number in used], spec)
    factors = factor_table(spec) if factors is None else factors
    say(f"reading prices from {source.name}")
    batches = Batches(index, series, used.tolist(), source, spec, storage.keep_prices)
    proven = prove(batches)
    index = proven.index
    excluded = exclusions.Excluded()
    with ExitStack() as files:
        made = _aligned(proven, batches, factors, _empty(index, series, spec, storage.folder, files), say)
        gap = None
        if spec.missing == "strict":
            at = np.maximum(index.session, 0)
            gap = (index.session < 0) | (made.writer.spans()[series.series, at] != 1)
        admitted = exclusions.admit(rows, series.series, index.session, made.reach, gap, excluded)
        panel = made.writer.close(made.bits | happenings(index)[series.pair], made.facts)
    own, names = own_group(index.events, spec, admitted, storage.groups)
    marks = marked(index, reported, confounded_on_day0(index), spec)
    weight = value_weights(index, admitted, batches, series.series[admitted])
    events = roster(index, series, admitted, marks, own, spec, weight)
    keys = [series.keys[number] for number in used]
    choice = made.choice
    stale = (choice.stale,) if choice is not None and choice.stale else ()
    old = (factors.notice,) if factors is not None and factors.notice else ()
    provenance = tuple(made.provenance[symbol] for symbol in sorted(made.provenance))
    unfit = unfit_notices(index, admitted, series.series, made.first, spec)
    notices = (*stale, *old, *proven.notices, *unfit, *basis_notices(provenance), *foreign_notices(keys))
    notices = (*notices, *_without_benchmark(index, spec, made))
    notices = (
        *notices,
        *index_notices(((k.ticker, k.exchange, k.benchmarks) for k in keys), unnamed(index, spec), spec.weights),
    )
    notices = (*notices, *home_line_notices(index, events.row.tolist()))
    return Prepared(
        index=index,
        series=series,
        panel=panel,
        names=tuple(made.names),
        roster=events,
        groups=groups_of(events, names),
        excluded=excluded,
        sentences=exclusions.Sentences(
            keys=series.keys,
            reach=made.reach,
            missing=made.missing,
            needed=fewest_observations(spec, spec.model, panel.factors.shape[1]),
            asked=spec.estimation,
            unlisted=index.unlisted,
        ),
        n_read=int(reported.sum()),
        reported=reported,
        market_of=partial(_market_again, proven, batches, factors),
        market=made.market,
        choice=choice,
        provenance=provenance,
        factors=factors,
        notices=(*spec.notices, *event_notes(index.events), *clock_warnings(index), *notices),
    )


def placed_events(panel: Panel, events: Roster, spec: StudySpec, seeds: Ints | None) -> tuple[Placed, Surroundings]:
    """Events on the panel with the days they leave out, and the bits of the sessions around them.

    Parameters
    ----------
    seeds : int64 (E,) or None
        Of the events' resampling; without them there are no pseudo-events either, and no history is masked.
    """
    plan = window_plan(spec)
    series, session = events.series.astype(np.int64), events.session.astype(np.int64)
    around = surroundings(panel.bits, series, session, plan, spec.windows)
    masks = spec.exclude != "none"
    history: Bools = np.broadcast_to(np.bool_(False), panel.bits.shape)
    if seeds is not None:
        history = masked_history(panel.bits, plan.n_days, catalogue=masks)
    return Placed(
        series=series,
        session=session,
        masked=around.masked(plan, catalogue=masks),
        seed=np.zeros(len(events), dtype=np.int64) if seeds is None else seeds,
        history_mask=history,
    ), around


def facts_of(
    panel: Panel, events: Roster, spec: StudySpec, n_obs: Ints, zero_variance: Bools, fallback: Bools
) -> Facts:
    """Inputs of flags: facts on events and on their estimates."""
    facts = panel.facts
    return Facts(
        uncertain=events.marked(UNCERTAIN),
        shared=events.marked(SHARED),
        confounded=events.marked(NEAR_DAY0),
        own_benchmark=events.marked(OWN_BENCHMARK),
        several=np.asarray(panel.of_returns.span[events.series, events.session] > 1),
        n_obs=n_obs,
        usual=fewest(spec.model, panel.factors.shape[1], None),
        zero_variance=zero_variance,
        fallback=fallback,
        session=events.session.astype(np.int64),
        last=facts.last[events.series],
        benchmark_last=facts.benchmark_last[events.series],
    )


def _without_benchmark(index: EventIndex, spec: StudySpec, made: _Aligned) -> list[str]:
    """What a study of a model without a benchmark lacks where the source holds none either."""
    if MODELS[spec.model].has_factors or made.market is None:
        return []
    rows = index.events.columns["benchmark"].values
    named = {name[0] for text in rows for code in index.codes if (name := benchmarks_of(text, code, spec))}
    if named & set(made.market.prices.series):
        return []
    return [
        f"there is no benchmark: {spec.model} needs none, but comparisons with the market (other models, the "
        "specification curve) are left out"
    ]


def foreign_notices(keys: Sequence[SeriesKey]) -> list[str]:
    """Notes on listings abroad that are measured against New York."""
    abroad = {
        (key.ticker, key.exchange)
        for key in keys
        if key.exchange != DEFAULT_EXCHANGE and key.benchmarks[:1] == ("SPY",) and not key.exchange.startswith(DATA)
    }
    return [
        f"{ticker} trades on {exchange} and is measured against SPY, which closes hours later in another currency: "
        "name a local index with --benchmark or in the benchmark column"
        for ticker, exchange in sorted(abroad)
    ]


def one_width(keys: Sequence[SeriesKey], spec: StudySpec) -> None:
    """Raise a UsageError where series have different numbers of benchmarks: a panel holds one number of factors."""
    counts = sorted({len(key.benchmarks) for key in keys})
    if len(counts) > 1:
        raise UsageError(
            f"{spec.model} uses every benchmark, and the rows name {' and '.join(map(str, counts))} of them",
            "the same number of benchmarks on every row",
            "complete the benchmark column",
        )


@dataclass(slots=True, kw_only=True)
class _Aligned:
    """The panel while it is made."""

    writer: PanelWriter
    bits: np.ndarray
    facts: SeriesFacts
    reach: list[exclusions.Reach | None]
    names: list[tuple[str, ...]]
    missing: dict[int, tuple[str, str]]
    provenance: dict[str, Provenance]
    first: np.ndarray
    refused: dict[str, str] = field(default_factory=dict)
    market: Market | None = None
    choice: Choice | None = None
    waiting: dict[int, AlignedSeries] = field(default_factory=dict)

    def judge(self) -> None:
        """Quality bits of the series that wait for theirs."""
        for number, found in zip(self.waiting, quality_bits(list(self.waiting.values())), strict=True):
            self.bits[number, : len(found)] = found
        self.waiting.clear()


def _aligned(proven: Proven, batches: Batches, factors: FactorTable | None, made: _Aligned, say: Say) -> _Aligned:
    """Align the series one by one and store each as it is made; series without prices stay empty."""
    index, series, spec = proven.index, batches.series, batches.spec
    wanted = set(batches.used)
    for numbers, stated in batches:
        if len(numbers) < len(series.keys):
            say(f"returns of {numbers.stop:,} of {len(series.keys):,} series")
        prices = proven.checked(stated, batches.keys(numbers))
        made.choice = prices.choice
        made.provenance |= {symbol: one.provenance for symbol, one in prices.series.items()}
        made.refused |= prices.refused
        market = Market(prices, index.calendars, factors, len(spec.peers), spec.weights)
        if batches.keep:
            made.market = market
        for number in numbers:
            _add(made, number, series.keys[number], market if number in wanted else None, spec)
        made.judge()
        give_back()
    while made.writer.added < len(series.keys):
        _add(made, made.writer.added, series.keys[made.writer.added], None, spec)
    say(f"prices: {basis_line(made.provenance.values())}")
    check_something_left([made.missing.get(number) for number in batches.used], made.refused, batches.source.name)
    return made


def _market_again(proven: Proven, batches: Batches, factors: FactorTable | None, numbers: Sequence[int]) -> Market:
    return _market(proven, replace(batches, used=numbers, keep=True, _held=None), factors)


def _market(proven: Proven, batches: Batches, factors: FactorTable | None) -> Market:
    ((_, stated),) = batches
    spec, prices = batches.spec, proven.checked(stated, batches.keys())
    return Market(prices, proven.index.calendars, factors, len(spec.peers), spec.weights)


def _empty(index: EventIndex, series: SeriesIndex, spec: StudySpec, folder: Path | None, files: ExitStack) -> _Aligned:
    sessions = [index.calendars[code].sessions for code in index.codes]
    n = len(series.keys)
    code = {name: i for i, name in enumerate(index.codes)}
    return _Aligned(
        writer=PanelWriter(folder, n, index.n_sessions, files, with_offset=bool(MODELS[spec.model].columns)),
        bits=np.zeros((n, index.n_sessions), dtype=np.uint32),
        facts=SeriesFacts(
            calendar=np.array([code.get(key.exchange, 0) for key in series.keys], dtype=np.int64),
            last=np.full(n, -1),
            benchmark_last=np.full(n, -1),
            start=np.cumsum([0, *(len(dates) for dates in sessions)][: len(sessions)]).astype(np.int64),
            days=np.concatenate([*(dates.astype(np.int64) for dates in sessions), np.zeros(0, dtype=np.int64)]),
        ),
        reach=[],
        names=[],
        missing={},
        provenance={},
        first=np.full(n, -1),
    )


def _add(made: _Aligned, number: int, key: SeriesKey, market: Market | None, spec: StudySpec) -> None:
    lost = market.trouble(key) if market is not None else ("no_prices", "")
    if market is None or lost is not None:
        made.missing[number] = lost or ("no_prices", "")
        made.reach.append(None)
        made.names.append(())
        made.writer.add_nothing()
        return
    series = market.series(key, spec.returns)
    made.writer.add(series)
    made.waiting[number] = series
    if (len(made.waiting) + 1) * len(series.total) > AT_ONCE:
        made.judge()
    made.reach.append(exclusions.reach_of(series, market.prices.series[key.ticker].provenance.source))
    made.names.append(series.names)
    made.first[number] = np.argmax(series.span > 0) if series.span.any() else -1
    made.facts.last[number], made.facts.benchmark_last[number] = series.last, series.benchmark_last
