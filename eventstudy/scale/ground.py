"""What stands before a block is measured: prices on the disk, events admitted, sorted and marked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eventstudy import ledger
from eventstudy.data.calendar import TradingCalendar
from eventstudy.data.catalogue import place_confounders
from eventstudy.data.confounders import read_confounders
from eventstudy.data.events import EventColumns, event_notes
from eventstudy.data.factors import FactorTable
from eventstudy.data.filing_clock import clock_warnings
from eventstudy.data.market import (
    SeriesKey,
    aligned_series,
    basis_line,
    check_something_left,
    factor_table,
    missing_prices,
    symbols_of,
    with_dates_checked,
)
from eventstudy.data.parquet import give_back
from eventstudy.data.prices import Choice, PriceSource, PriceTable, Provenance
from eventstudy.engine.models import MODELS
from eventstudy.errors import UsageError
from eventstudy.scale.marks import Groups, Roster, event_bits, groups_of, marked, own_group, roster
from eventstudy.scale.panel_file import PanelWriter, SeriesFacts
from eventstudy.scale.roster import Excluded, Listing, admit, asked_range, listing
from eventstudy.scale.tables import Sentences, Writer
from eventstudy.spec import StudySpec
from eventstudy.study import check_treated, one_width

Say = Callable[[str], None]


def treated(events: EventColumns) -> set[str]:
    """Tickers with announcements that are no placebos."""
    ticker = events.columns["ticker"]
    own = events.columns["role"].where(lambda role: role != "placebo")
    return {ticker.values[code] for code in np.unique(ticker.codes[own]).tolist()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Everything that stands before a block is measured.

    Attributes
    ----------
    path : str
        The events file.
    misspelt : tuple of str
        Sentences on columns that may be meant as others.
    n_read : int
    keys : tuple of SeriesKey
    calendars : tuple of TradingCalendar
        In the order of ``facts.start``.
    roster, groups, excluded, writer, sentences
        See their classes.
    choice : Choice or None
    series : tuple of Provenance
        By symbol.
    factors : FactorTable or None
    folder : Path
        Of the panel's files.
    """

    path: str
    misspelt: tuple[str, ...]
    n_read: int
    keys: tuple[SeriesKey, ...]
    calendars: tuple[TradingCalendar, ...]
    roster: Roster
    groups: Groups
    excluded: Excluded
    writer: Writer
    sentences: Sentences
    choice: Choice | None
    series: tuple[Provenance, ...]
    factors: FactorTable | None
    folder: Path


def prepare(
    take: Callable[[], EventColumns],
    source: PriceSource,
    spec: StudySpec,
    folder: Path,
    say: Say,
    *,
    confounders: Path | None,
    most_groups: int,
) -> Ground:
    """Prices -> panel on the disk; rows admitted, sorted and marked. What the blocks do not need is let go."""
    if MODELS[spec.model].simplex:
        raise UsageError(
            f"{spec.model} fits every event anew under every shift, which a study of this size cannot wait for",
            "another model, or fewer events",
            "--model peer, or a part of the events file",
        )
    events = take()
    if "window" in events.columns and any(events.columns["window"].values):
        raise UsageError(
            f"rows of {events.path} name windows of their own, which a streamed study cannot follow",
            "windows for all events: --window A:B",
            "leave the column window out, or study fewer than 20,000 events at a time",
        )
    check_treated(treated(events), spec, events.path)
    say(f"placing {len(events):,} events on exchange calendars")
    found = listing(events, spec)
    one_width(found.keys, spec)
    factors = factor_table(spec)
    say(f"reading prices from {source.name}")
    panel = _write_panel(found, events, source, factors, spec, folder, say)
    excluded = Excluded()
    rows = admit(found, panel.reach, panel.gaps(found) if spec.missing == "strict" else None, excluded)
    table = None if confounders is None else read_confounders(confounders)
    placed = place_confounders(table, list(found.pairs), found.calendars)
    near = event_bits(panel.bits, events, found, placed, spec)
    own, names = own_group(events, spec, rows, most_groups)
    marks = marked(events, found, near, spec)
    path, n_read, ids = events.path, len(events), events.ids
    misspelt = (*event_notes(events), *_clocks(events, found))
    shown = {name: events.columns[name] for name in ("ticker", "role", "category")}
    del events, near
    give_back()
    made = roster(found, rows, marks, own, names)
    panel.writer.close(panel.bits, panel.facts)
    del marks, own, rows
    give_back()
    return Ground(
        path=path,
        misspelt=misspelt,
        n_read=n_read,
        keys=found.keys,
        calendars=tuple(found.calendars[code] for code in found.codes),
        roster=made,
        groups=groups_of(made, names),
        excluded=excluded,
        writer=Writer(ids=ids, columns=shown, facts=panel.facts, keys=found.keys, names=tuple(panel.names), spec=spec),
        sentences=Sentences(
            exchange=tuple(key.exchange for key in found.keys),
            reach=panel.reach,
            missing=panel.missing,
            spec=spec,
            n_factors=panel.n_factors,
        ),
        choice=panel.choice,
        series=tuple(panel.provenance[symbol] for symbol in sorted(panel.provenance)),
        factors=factors,
        folder=folder,
    )


def _clocks(events: EventColumns, found: Listing) -> list[str]:
    """Rows whose clock may be New York's with a Z."""
    written, ids, ticker = events.announced.written, events.ids, events.columns["ticker"]
    if written is None:
        return []
    return clock_warnings(
        written,
        events.announced.codes,
        found.exchange(),
        [found.calendars[code] for code in found.codes],
        lambda row: (
            f"{ids.take(np.array([row]))[0]} {ticker.values[int(ticker.codes[row])]} "
            f"({events.unit} {int(events.lines[row])})"
        ),
    )


@dataclass(slots=True, kw_only=True)
class _Panel:
    """The panel while it is written."""

    writer: PanelWriter
    bits: np.ndarray
    facts: SeriesFacts
    reach: list[ledger.Reach | None]
    names: list[tuple[str, ...]]
    missing: dict[int, tuple[str, str]]
    provenance: dict[str, Provenance]
    choice: Choice | None
    n_factors: int

    def gaps(self, found: Listing) -> np.ndarray:
        """Rows whose day 0 has no one-session return; bool (n,)."""
        for handle in self.writer.handles.values():
            handle.flush()
        span = np.load(self.writer.folder / "span.npy", mmap_mode="r")
        return np.asarray((found.session < 0) | (span[found.series, np.maximum(found.session, 0)] != 1))


def _write_panel(
    found: Listing,
    events: EventColumns,
    source: PriceSource,
    factors: FactorTable | None,
    spec: StudySpec,
    folder: Path,
    say: Say,
) -> _Panel:
    """Align the series one by one and write each as it is made; series without prices stay empty."""
    sessions = [found.calendars[code].sessions for code in found.codes]
    width = max(len(dates) for dates in sessions)
    model = MODELS[spec.model]
    k = model.n_made if model.factors == "made" else len(found.keys[0].benchmarks)
    lengths = [len(dates) for dates in sessions]
    code = {name: i for i, name in enumerate(found.codes)}
    panel = _Panel(
        writer=PanelWriter.open(folder, (len(found.keys), k, width), with_offset=bool(model.columns)),
        bits=np.zeros((len(found.keys), width), dtype=np.uint16),
        facts=SeriesFacts(
            calendar=np.array([code[key.exchange] for key in found.keys], dtype=np.int64),
            last=np.full(len(found.keys), -1),
            benchmark_last=np.full(len(found.keys), -1),
            start=np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int64),
            days=np.concatenate([dates.astype(np.int64) for dates in sessions]),
        ),
        reach=[],
        names=[],
        missing={},
        provenance={},
        choice=None,
        n_factors=k,
    )
    for numbers, prices in _batches(found, events, source, spec):
        say(f"returns of {numbers.stop:,} of {len(found.keys):,} series")
        panel.choice = prices.choice
        panel.provenance |= {symbol: series.provenance for symbol, series in prices.series.items()}
        for number in numbers:
            _add_series(panel, found, number, prices, factors, spec)
        give_back()
    say(f"prices: {basis_line(panel.provenance.values())}")
    check_something_left([panel.missing.get(number) for number in range(len(found.keys))], source.name)
    return panel


def _batches(
    found: Listing, events: EventColumns, source: PriceSource, spec: StudySpec
) -> Iterator[tuple[range, PriceTable]]:
    """Series and their prices: some at a time from files, all at once from sources that must choose once."""
    start, end = asked_range(found, spec)
    n = len(found.keys)
    size = getattr(source, "at_once", 0) or n
    for at in range(0, n, size):
        numbers = range(at, min(at + size, n))
        keys = [found.keys[number] for number in numbers]
        benchmarks = [key.benchmarks for key in keys]
        if len(numbers) == n:
            # every benchmark that is named, also those the model does not read
            own = events.columns["benchmark"].values
            benchmarks += [tuple(text.split(";")) if text else spec.benchmarks for text in own]
        prices = source.fetch(symbols_of((key.ticker for key in keys), benchmarks, spec), start, end)
        yield numbers, with_dates_checked(prices, keys, found.calendars)


def _add_series(
    panel: _Panel, found: Listing, number: int, prices: PriceTable, factors: FactorTable | None, spec: StudySpec
) -> None:
    key = found.keys[number]
    if (lost := missing_prices(prices, key)) is not None:
        panel.missing[number] = lost
        panel.reach.append(None)
        panel.names.append(())
        panel.writer.add_nothing()
        return
    series = aligned_series(
        prices, key, found.calendars[key.exchange], spec.returns, factors, len(spec.peers), spec.weights
    )
    panel.bits[number] = panel.writer.add(series)
    panel.reach.append(ledger.reach_of(series, prices.series[key.ticker].provenance.source))
    panel.names.append(series.names)
    panel.facts.last[number], panel.facts.benchmark_last[number] = series.last, series.benchmark_last
