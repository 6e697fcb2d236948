"""Studied and excluded events as rows of the tables of the file contract: columns of numbers and coded text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from eventstudy.data.categorical import Coded, PlainTexts, Texts
from eventstudy.data.event_columns import EventColumns
from eventstudy.data.panel import SeriesFacts
from eventstudy.data.series_index import SeriesKey
from eventstudy.engine.models import MODELS
from eventstudy.engine.panel import Ints
from eventstudy.exclusions import Trouble
from eventstudy.flags import STAND_IN, flag_words, marked
from eventstudy.measured import MeasuredEvents
from eventstudy.prepare import Prepared
from eventstudy.report.columns import COLUMNS, TEXTS, WHOLE
from eventstudy.roster import Roster, primary_windows
from eventstudy.spec import StudySpec

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Words:
    """A column of text: ``values[codes[i]]`` is the text of row i.

    Attributes
    ----------
    codes : int (n,)
    """

    codes: np.ndarray
    values: Sequence[str]

    def cells(self) -> list[str]:
        """The text of every row."""
        values = list(self.values)
        return [values[code] for code in self.codes.tolist()]


Column = Words | np.ndarray | None


@dataclass(frozen=True, slots=True)
class EventNames:
    """What tables show of events beside their numbers.

    Attributes
    ----------
    columns : dict
        ``NAMED``, coded.
    """

    ids: Texts
    columns: Mapping[str, Coded]


NAMED = ("ticker", "role", "category")


@dataclass(frozen=True, slots=True, kw_only=True)
class EventTables:
    """Makes the tables with rows of events.

    Attributes
    ----------
    names : tuple of tuples of str
        What the regressors of each series are.
    n_shared : int
        So many of ``spec.windows`` belong to every event; the others to events that name them.
    """

    events: EventColumns | EventNames
    facts: SeriesFacts
    keys: tuple[SeriesKey, ...]
    names: tuple[tuple[str, ...], ...]
    spec: StudySpec
    n_shared: int

    @classmethod
    def of(cls, prepared: Prepared, spec: StudySpec, n_shared: int) -> EventTables:
        """The tables of a study."""
        return cls(
            events=prepared.index.events,
            facts=prepared.panel.facts,
            keys=prepared.series.keys,
            names=prepared.names,
            spec=spec,
            n_shared=n_shared,
        )

    def of_rows(self, rows: Ints) -> Callable[..., EventTables]:
        """Makes, from ``facts``, the tables of some events, which are then numbered from zero: small enough to send."""
        columns = {name: self.events.columns[name] for name in NAMED}
        names = EventNames(
            PlainTexts(self.events.ids.take(rows)),
            {name: Coded(column.codes[rows], column.values) for name, column in columns.items()},
        )
        return partial(EventTables, events=names, keys=(), names=self.names, spec=self.spec, n_shared=self.n_shared)

    def model_columns(self) -> list[str]:
        """Columns of models, with one slope a benchmark beyond the first."""
        columns, entry = list(COLUMNS["models"]), MODELS[self.spec.model]
        if not entry.has_factors:
            return columns
        at = columns.index("beta") + 1
        further = {f"beta_{name}": None for names in self.names for name in names[entry.further :]}
        return [*columns[:at], *further, *columns[at:]]

    def shown(self, events: Roster) -> tuple[Ints, Ints]:
        """Event and window of each row of windows: the windows of every event, then its own."""
        number, own = np.arange(len(self.spec.windows)), events.own
        each, windows = np.nonzero((number < self.n_shared)[None, :] | (number[None, :] == own[:, None]))
        return each.astype(np.int64), windows.astype(np.int64)

    def windows(self, found: MeasuredEvents) -> dict[str, Column]:
        """Rows of windows, one a studied event and test window."""
        events = found.events
        each, w = self.shown(events)
        rows = events.row[each]
        flags = (found.row_flags[:, None] | found.window_flags)[each, w]
        whole = len(each) == found.window_flags.size
        words: dict[str, Column] = {
            "event_id": Words(each, self.events.ids.texts(events.row)),
            **{name: self._coded(name, rows) for name in NAMED},
            "day0": day_words(self.facts.day(events.series, events.session)[each]),
            "window": Words(w, [window.label for window in self.spec.windows]),
            "primary": Words((w == primary_windows(events, self.spec)[each]).astype(np.int64), ("no", "yes")),
            "flags": coded_words(flags, flag_words),
            **{name: values.ravel() if whole else values[each, w] for name, values in found.windows.items()},
        }
        return {name: words.get(name) for name in COLUMNS["windows"]}

    def _coded(self, name: str, rows: np.ndarray) -> Words:
        column = self.events.columns[name]
        return Words(column.codes[rows], column.values)

    def models(self, found: MeasuredEvents) -> dict[str, Column]:
        """Rows of models, one a studied event."""
        events, numbers, entry = found.events, found.models, MODELS[self.spec.model]
        series, theta = events.series, numbers["theta"]
        slopes, n = entry.slopes_of(theta), len(events)
        columns: dict[str, Column] = {
            "event_id": Words(np.arange(n), self.events.ids.texts(events.row)),
            "ticker": self._coded("ticker", events.row),
            "day0": day_words(self.facts.day(series, events.session)),
            "model": Words(marked(found.row_flags, "model_fallback").astype(np.int64), (self.spec.model, STAND_IN)),
            "benchmark": Words(series, _benchmarks(self.names, self.spec.model)),
            "alpha": entry.alpha_of(theta),
            "beta": entry.beta_of(theta),
            "sigma": np.sqrt(numbers["s2"]),
            **{name: numbers[name] for name in ("r_squared", "n_estimation", "n_masked")},
            "estimation_start": day_words(self.facts.day(series, numbers["first_used"])),
            "estimation_end": day_words(self.facts.day(series, numbers["last_used"])),
            "flags": coded_words(found.row_flags, flag_words),
            "effective_donors": 1 / np.square(slopes).sum(axis=1) if entry.made_by == "donors" else np.full(n, np.nan),
            **self._slopes(series, slopes, entry.further),
        }
        return {name: columns.get(name) for name in self.model_columns()}

    def _slopes(self, series: np.ndarray, slopes: np.ndarray, first: int) -> dict[str, np.ndarray]:
        """Slopes beyond the first; NaN for events whose series has no such regressor."""
        columns: dict[str, np.ndarray] = {}
        if all(len(naming) <= first for naming in set(self.names)):
            return columns
        for naming in dict.fromkeys(self.names[number] for number in np.unique(series).tolist()):
            same = np.array([names == naming for names in self.names])[series]
            for name, slope in zip(naming[first:], slopes.T[first:], strict=False):
                values = columns.setdefault(f"beta_{name}", np.full(len(series), np.nan))
                values[same] = slope[same]
        return columns

    def excluded(self, rows: Ints, troubles: Sequence[Trouble]) -> dict[str, Column]:
        """Rows of excluded."""
        every = np.arange(len(rows))
        columns: dict[str, Column] = {
            "event_id": Words(every, self.events.ids.texts(rows)),
            "ticker": self._coded("ticker", rows),
        }
        for place, name in enumerate(("stage", "reason", "detail")):
            columns[name] = Words(every, [trouble[place] for trouble in troubles])
        return columns

    def daily(self, found: MeasuredEvents) -> dict[str, Column]:
        """Rows of abnormal_returns: days past the last session of the benchmark have no row, holes have an empty
        row."""
        events = found.events
        days = np.arange(self.spec.event_window.start, self.spec.event_window.end + 1)
        at = events.session.astype(np.int64)[:, None] + days[None, :]
        shown = (at >= 0) & (at <= self.facts.benchmark_last[events.series][:, None])
        each, day = np.nonzero(shown)
        whole = len(each) == shown.size
        columns: dict[str, Column] = {
            "event_id": Words(each, self.events.ids.texts(events.row)),
            "ticker": self._coded("ticker", events.row[each]),
            "day": days[day],
            "session": day_words(self.facts.day(events.series[each], at[shown])),
            # a copy of what is left out of some rows alone
            **{name: values.ravel() if whole else values[shown] for name, values in found.daily.items()},
            # once an event, beside day 0
            "flags": coded_words(np.where(days[day] == 0, found.row_flags[each], 0), flag_words),
        }
        return {name: columns.get(name) for name in COLUMNS["abnormal_returns"]}


def n_rows(columns: Mapping[str, Column]) -> int:
    """Rows of a table."""
    return max((len(c.codes) if isinstance(c, Words) else len(c) for c in columns.values() if c is not None), default=0)


def some_rows(columns: Mapping[str, Column], start: int, stop: int) -> dict[str, Column]:
    """Rows of a table from ``start`` to ``stop``."""
    return {
        name: Words(column.codes[start:stop], column.values)
        if isinstance(column, Words)
        else None
        if column is None
        else column[start:stop]
        for name, column in columns.items()
    }


def frame(columns: Mapping[str, Column]) -> pd.DataFrame:
    """A table as a pandas frame: text, float64, and whole numbers with None for what is not known."""
    import pandas as pd

    n = n_rows(columns)
    return pd.DataFrame({name: _cells(name, column, n) for name, column in columns.items()})


def _cells(name: str, column: Column, n: int) -> Any:
    if column is None:
        return [None] * n if name in WHOLE else [""] * n if name in TEXTS else np.full(n, np.nan)
    if isinstance(column, Words):
        return column.cells()
    if name in WHOLE and not np.issubdtype(column.dtype, np.integer):
        return [None if value != value else int(value) for value in column.tolist()]
    return column


def day_words(days: Ints) -> Words:
    """Days since 1970 as ISO dates."""
    known, codes = distinct(days)
    return Words(codes, np.datetime_as_string(known.astype("datetime64[D]")).tolist())


@lru_cache(maxsize=4)
def _benchmarks(names: tuple[tuple[str, ...], ...], model: str) -> tuple[str, ...]:
    """The benchmarks of each series in one cell."""
    return tuple(";".join(own[: MODELS[model].n_factors(len(own))]) for own in names)


def coded_words(codes: np.ndarray, word: Callable[[int], str]) -> Words:
    """Integers as text, each distinct one worded once."""
    known, where = distinct(codes)
    return Words(where, [word(int(code)) for code in known])


# whole numbers within so narrow a range are counted into a table instead of sorted
NARROW = 1 << 20


def distinct(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distinct whole numbers in ascending order, and the place of each value among them."""
    if not len(values):
        return np.unique(values, return_inverse=True)
    low, high = int(values.min()), int(values.max())
    if high - low >= NARROW:
        # flags are few: to look them up is cheaper than to sort with their places
        ordered = np.sort(values)
        known = ordered[np.append(True, ordered[1:] != ordered[:-1])]
        return known, np.searchsorted(known, values)
    offset = values - low
    seen = np.zeros(high - low + 1, dtype=bool)
    seen[offset] = True
    place = np.cumsum(seen) - 1
    return np.flatnonzero(seen) + low, place[offset]
