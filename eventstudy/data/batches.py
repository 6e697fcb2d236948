"""The prices of many series: all at once, or some at a time where a source can deliver them so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from eventstudy.data.event_index import EventIndex, asked_range
from eventstudy.data.market import symbols_of
from eventstudy.data.prices import PriceSource, PriceTable
from eventstudy.data.series_index import SeriesIndex, SeriesKey, benchmarks_of
from eventstudy.engine.models import MODELS
from eventstudy.errors import SourceUnavailable
from eventstudy.spec import StudySpec


@dataclass(slots=True)
class Batches:
    """Series and their prices, as the source states them; they can be gone through more than once.

    Attributes
    ----------
    index, series, used, source, spec
        ``used`` are the series that some row is studied on.
    keep : bool
        Prices of all series are held at once.
    """

    index: EventIndex
    series: SeriesIndex
    used: Sequence[int]
    source: PriceSource
    spec: StudySpec
    keep: bool
    _held: PriceTable | None = field(default=None)

    @property
    def size(self) -> int:
        """Series at a time."""
        n = len(self.series.keys)
        return n if self.keep else getattr(self.source, "at_once", 0) or n

    @property
    def whole(self) -> bool:
        """Whether one batch holds every series."""
        return self.size >= len(self.series.keys)

    def keys(self, numbers: range | None = None) -> list[SeriesKey]:
        """Keys of the used series, or of those among some."""
        return [self.series.keys[number] for number in self.used if numbers is None or number in numbers]

    def __iter__(self) -> Iterator[tuple[range, PriceTable]]:
        """(numbers of series, their prices)."""
        n = len(self.series.keys)
        if not len(self.used):
            yield range(0), PriceTable({}, {})
            return
        for at in range(0, n, self.size):
            numbers = range(at, min(at + self.size, n))
            yield numbers, self._fetched(numbers)

    def of_benchmarks(self) -> PriceTable:
        """Prices of every benchmark, with those of the series where they are held anyway."""
        if not len(self.used):
            return PriceTable({}, {})
        if self.whole:
            return self._fetched(range(len(self.series.keys)))
        symbols = sorted({symbol for key in self.keys() for symbol in key.benchmarks})
        return self.source.fetch(symbols, *asked_range(self.index, self.spec))

    def _fetched(self, numbers: range) -> PriceTable:
        if self._held is not None:
            return self._held
        keys, span = self.keys(numbers), asked_range(self.index, self.spec)
        tickers, benchmarks = [key.ticker for key in keys], [key.benchmarks for key in keys]
        named = list(benchmarks)
        if self.whole:
            # every benchmark that is named, also those the model does not read
            own = self.index.events.columns["benchmark"].values
            named += [benchmarks_of(text, exchange, self.spec) for text in own for exchange in self.index.codes]
        try:
            found = self.source.fetch(symbols_of(tickers, named, self.spec), *span)
        except SourceUnavailable:
            if MODELS[self.spec.model].has_factors:
                raise
            # the model needs no benchmark: only comparisons with others read one
            found = self.source.fetch(symbols_of(tickers, benchmarks, self.spec), *span)
        if self.whole:
            self._held = found
        return found
