"""Blocks of events as rows of the tables: the same columns and the same words as a small study has."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from eventstudy import ledger
from eventstudy.data.coded import Coded, Texts
from eventstudy.data.market import SeriesKey
from eventstudy.engine.models import MODELS
from eventstudy.engine.panel import Ints
from eventstudy.engine_options import fewest_observations
from eventstudy.flags import flag_words
from eventstudy.report.tables import COLUMNS
from eventstudy.scale.chunk import BlockResult
from eventstudy.scale.marks import UNCERTAIN, Roster
from eventstudy.scale.panel_file import SeriesFacts
from eventstudy.scale.roster import DEFICIENT, FEW, NO_GAP_RETURN, OUTSIDE, UNDATED, UNPRICED
from eventstudy.spec import StudySpec, Window


@dataclass(frozen=True, slots=True)
class Words:
    """A column of text: ``values[codes[i]]`` is the text of row i.

    Attributes
    ----------
    codes : int (n,)
    values : sequence of str
    """

    codes: np.ndarray
    values: Sequence[str]

    def cells(self) -> list[str]:
        """The text of every row."""
        values = list(self.values)
        return [values[code] for code in self.codes.tolist()]


Column = Words | np.ndarray | None
# which columns hold whole numbers; every other column without words holds float64
WHOLE = frozenset({"n_estimation", "n_masked", "n_placebo", "n_placebo_blocks", "day"})
TEXTS = frozenset(
    {
        "event_id", "ticker", "role", "category", "day0", "window", "primary", "flags", "model", "benchmark", "session",
        "estimation_start", "estimation_end", "stage", "reason", "detail",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """What turns blocks into rows.

    Attributes
    ----------
    ids : Texts
    columns : dict
        ``ticker``, ``role`` and ``category`` of every row of the events file.
    facts : SeriesFacts
    keys : tuple of SeriesKey
    names : tuple of tuples of str
        What the regressors of each series are.
    spec : StudySpec
    """

    ids: Texts
    columns: dict[str, Coded]
    facts: SeriesFacts
    keys: tuple[SeriesKey, ...]
    names: tuple[tuple[str, ...], ...]
    spec: StudySpec

    def model_columns(self) -> list[str]:
        """Columns of models, with one slope a benchmark beyond the first."""
        columns = list(COLUMNS["models"])
        at = columns.index("beta") + 1
        entry = MODELS[self.spec.model]
        further = {f"beta_{name}": None for names in self.names for name in names[entry.further :]}
        return [*columns[:at], *further, *columns[at:]] if self._slopes() else columns

    def _slopes(self) -> bool:
        return MODELS[self.spec.model].factors != "none"

    def windows(self, events: Roster, found: BlockResult) -> dict[str, Column]:
        """Rows of windows, one a studied event and test window."""
        chosen, spec = found.kept, self.spec
        own = events.row[chosen]
        n_windows = len(spec.windows)
        each = np.repeat(np.arange(len(own)), n_windows)
        labels = np.tile(np.arange(n_windows), len(own))
        primary = self._primary(events.marks[chosen])
        flags = found.row_flags[:, None] | found.window_flags
        words: dict[str, Column] = {
            "event_id": Words(each, self.ids.texts(own)),
            "ticker": self._coded("ticker", own[each]),
            "role": self._coded("role", own[each]),
            "category": self._coded("category", own[each]),
            "day0": day_words(self.facts.day(events.series[chosen], events.session[chosen])[each]),
            "window": Words(labels, [window.label for window in spec.windows]),
            "primary": Words((labels == primary[each]).astype(np.int64), ("no", "yes")),
            "flags": coded_words(flags.ravel(), flag_words),
        }
        return {name: words.get(name, found.windows.get(name)) for name in COLUMNS["windows"]}

    def _primary(self, marks: np.ndarray) -> Ints:
        """Index of each event's primary window, as ``study.primary_windows`` has it."""
        windows = self.spec.windows
        certain, unsure = (windows.index(w) if w in windows else 0 for w in (Window(0, 0), Window(0, 1)))
        return np.where(marks & UNCERTAIN > 0, unsure, certain)

    def _coded(self, name: str, rows: np.ndarray) -> Words:
        column = self.columns[name]
        return Words(column.codes[rows], column.values)

    def models(self, events: Roster, found: BlockResult) -> dict[str, Column]:
        """Rows of models, one a studied event."""
        chosen, spec, numbers = found.kept, self.spec, found.models
        own, series = events.row[chosen], events.series[chosen]
        entry = MODELS[spec.model]
        theta = numbers["theta"]
        slopes, nothing = entry.slopes_of(theta), np.full(len(own), np.nan)
        columns: dict[str, Column] = {
            "event_id": Words(np.arange(len(own)), self.ids.texts(own)),
            "ticker": self._coded("ticker", own),
            "day0": day_words(self.facts.day(series, events.session[chosen])),
            "model": Words(np.zeros(len(own), dtype=np.int64), (spec.model,)),
            "benchmark": Words(series, [self._benchmark(number) for number in range(len(self.keys))]),
            "alpha": entry.alpha_of(theta),
            "beta": entry.beta_of(theta),
            "sigma": np.sqrt(numbers["s2"]),
            "r_squared": numbers["r_squared"],
            "n_estimation": numbers["n_estimation"],
            "n_masked": numbers["n_masked"],
            "estimation_start": day_words(numbers["estimation_start"]),
            "estimation_end": day_words(numbers["estimation_end"]),
            "flags": coded_words(found.row_flags, flag_words),
        }
        first = entry.further
        for naming in dict.fromkeys(self.names[number] for number in np.unique(series).tolist()):
            same = np.array([self.names[number] == naming for number in range(len(self.names))])[series]
            for name, slope in zip(naming[first:], slopes.T[first:], strict=False):
                values = columns.setdefault(f"beta_{name}", nothing.copy())
                assert isinstance(values, np.ndarray), "slopes are numbers"
                values[same] = slope[same]
        return {name: columns.get(name) for name in self.model_columns()}

    def _benchmark(self, number: int) -> str:
        entry = MODELS[self.spec.model]
        if entry.factors == "none":
            return ""
        names = self.names[number]
        return ";".join(names[: entry.n_factors(len(names))])

    def excluded(self, rows: Ints, troubles: Sequence[ledger.Trouble]) -> dict[str, Column]:
        """Rows of excluded."""
        every = np.arange(len(rows))
        columns: dict[str, Column] = {
            "event_id": Words(every, self.ids.texts(rows)),
            "ticker": self._coded("ticker", rows),
        }
        for place, name in enumerate(("stage", "reason", "detail")):
            columns[name] = Words(every, [trouble[place] for trouble in troubles])
        return columns

    def daily(self, events: Roster, found: BlockResult) -> dict[str, Column]:
        """Rows of abnormal_returns: days past the last session of the benchmark have none."""
        chosen, spec = found.kept, self.spec
        days = np.arange(spec.event_window.start, spec.event_window.end + 1)
        own, series = events.row[chosen], events.series[chosen]
        at = events.session[chosen][:, None] + days[None, :]
        shown = ((at >= 0) & (at <= self.facts.benchmark_last[series][:, None])).ravel()
        each = np.repeat(np.arange(len(own)), len(days))[shown]
        columns: dict[str, Column] = {
            "event_id": Words(each, self.ids.texts(own)),
            "ticker": self._coded("ticker", own[each]),
            "day": np.tile(days, len(own))[shown],
            "session": day_words(self.facts.day(series[each], at.ravel()[shown])),
            **{name: values[shown] for name, values in found.daily.items()},
        }
        return {name: columns.get(name) for name in COLUMNS["abnormal_returns"]}


def day_words(days: Ints) -> Words:
    """Days since 1970 as ISO dates."""
    known, codes = distinct(days)
    return Words(codes, np.datetime_as_string(known.astype("datetime64[D]")).tolist())


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
        return np.unique(values, return_inverse=True)
    offset = values - low
    seen = np.zeros(high - low + 1, dtype=bool)
    seen[offset] = True
    place = np.cumsum(seen) - 1
    return np.flatnonzero(seen) + low, place[offset]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentences:
    """Makes the words of excluded rows.

    Attributes
    ----------
    exchange : tuple of str
        Of each series.
    reach : sequence of Reach or None
        Of each series.
    missing : mapping
        Series without prices -> (reason, detail).
    spec : StudySpec
    n_factors : int
    """

    exchange: tuple[str, ...]
    reach: Sequence[ledger.Reach | None]
    missing: Mapping[int, tuple[str, str]]
    spec: StudySpec
    n_factors: int

    @property
    def needed(self) -> int:
        """Fewest estimation observations."""
        return fewest_observations(self.spec, self.spec.model, self.n_factors)

    def troubles(self, lost: np.ndarray) -> list[ledger.Trouble]:
        """(stage, reason, detail) of excluded rows, as ``Excluded.ordered`` has them."""
        return [self._trouble(*row) for row in lost[1:].T.tolist()]

    def _trouble(self, kind: int, series: int, session: int, n_obs: int) -> ledger.Trouble:
        if kind == UNDATED:
            return ledger.undated(self.exchange[series])
        if kind == UNPRICED:
            return ledger.unpriced(self.missing[series])
        if kind in (OUTSIDE, NO_GAP_RETURN):
            reach = self.reach[series]
            assert reach is not None, "the row has prices"
            made = ledger.day0_trouble(reach, session, gap=kind == NO_GAP_RETURN)
            assert made is not None, "the row was excluded for its day 0"
            return made
        assert kind in (FEW, DEFICIENT), kind
        return ledger.estimation_trouble(n_obs, self.needed, self.spec.estimation)
