"""The records that a study returns."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar, cast

import numpy as np

from eventstudy.data.categorical import Texts
from eventstudy.data.event_index import EventIndex
from eventstudy.data.market import Market
from eventstudy.data.prices import Provenance
from eventstudy.data.returns import AlignedSeries
from eventstudy.data.row_keys import lowest
from eventstudy.data.series_index import SeriesKey, series_key
from eventstudy.engine.block import Block, select
from eventstudy.engine.panel import Floats, Ints
from eventstudy.measured import MeasuredEvents
from eventstudy.prepare import Prepared
from eventstudy.records import Exclusion, GroupDay, GroupRow
from eventstudy.report.columns import COLUMNS
from eventstudy.report.escape import SCHEMA_VERSION as SCHEMA_VERSION
from eventstudy.roster import primary_windows
from eventstudy.scale.budget import Budget
from eventstudy.spec import StudySpec
from eventstudy.totals import Totals
from eventstudy.unusual import Unusual

if TYPE_CHECKING:
    import pandas as pd

    from eventstudy import records
    from eventstudy.evaluate.typical import Typical
    from eventstudy.evaluations import Evaluations
    from eventstudy.report.event_tables import EventTables

T = TypeVar("T")
# announcements that have a page, a card and figures unless all are asked for
PAGES = 50
# events of a table of a page; of more, those with the smallest p values
LISTED = 100


@dataclass(frozen=True, kw_only=True)
class Studied:
    """A study after estimation: what claims, clusters, groups and robustness look at.

    Attributes
    ----------
    tables : EventTables
        Makes the tables with rows of events.
    measured : MeasuredEvents or None
        The studied events as columns, in file order; None where nothing could be studied.
    block : Block or None
        None where nothing could be studied.
    reported : tuple of int
        Positions in ``rows`` that tables show; the others only complete their clusters.
    engine : str
        What measured: ``numpy`` or ``numba``.
    prepared : Prepared
        All events of the study as they were admitted.
    """

    index: EventIndex
    market: Market
    tables: EventTables
    measured: MeasuredEvents | None
    block: Block | None
    reported: tuple[int, ...]
    spec: StudySpec
    engine: str
    prepared: Prepared
    _cells: dict[str, list[str]] = field(default_factory=dict)

    @cached_property
    def rows(self) -> Ints:
        """Rows of the events table that were studied, in file order; int64 (E,)."""
        return np.zeros(0, dtype=np.int64) if self.measured is None else self.measured.events.row.astype(np.int64)

    @cached_property
    def primary(self) -> Ints:
        """Index of each row's primary window in ``spec.windows``; int64 (E,)."""
        return self.rows if self.measured is None else primary_windows(self.measured.events, self.spec)

    @cached_property
    def own(self) -> Ints:
        """Index of the window that each row names for itself, -1 for none; int64 (E,)."""
        return self.rows if self.measured is None else self.measured.events.own.astype(np.int64)

    def text(self, i: int, column: str) -> str:
        """A cell of the events table for studied row i."""
        if column not in self._cells:
            self._cells[column] = self.index.events.cells(column, self.rows)
        return self._cells[column][i]

    @property
    def shared_windows(self) -> range:
        """Positions in ``spec.windows`` of the windows of every row."""
        return range(self.tables.n_shared)

    def one(self, i: int) -> Block:
        """Studied row i alone, with its days: without gathering other rows."""
        assert self.block is not None, "a studied row has a block"
        return select(self.block, np.array([i]))

    def own_window(self, i: int) -> int:
        """Position of the window that studied row i names for itself; -1 for none."""
        return int(self.own[i])

    def take(self, at: Ints) -> Studied:
        """Some of the studied rows, all of them reported."""
        assert self.measured is not None and self.block is not None, "rows were studied"
        return replace(
            self,
            measured=self.measured.take(at),
            block=select(self.block, at),
            reported=tuple(range(len(at))),
            _cells={},
        )

    def windows_of(self, i: int) -> list[int]:
        """Positions of the windows of studied row i: those of every row, then its own."""
        own = self.own_window(i)
        return [*self.shared_windows, *([own] if own >= len(self.shared_windows) else [])]

    def series(self, i: int) -> AlignedSeries:
        """Returns of studied row i."""
        key = series_key(self.index, int(self.rows[i]), self.spec)
        return self.market.series(key, self.spec.returns)

    def session(self, i: int) -> int:
        """Position of day 0 of studied row i on its calendar."""
        return int(self.index.session[self.rows[i]])

    def day0(self, i: int) -> np.datetime64:
        """Date of day 0 of studied row i."""
        return np.datetime64(self.series(i).calendar.sessions[self.session(i)], "D")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceboRates:
    """Rejection rates of the study's own tests on uneventful sessions, at the study's level.

    Attributes
    ----------
    level : float
        Nominal.
    single : dict
        (series, window, test) -> rate; absent where fewer than 100 sessions could tell.
    sessions : dict
        (series, window) -> number of uneventful sessions.
    cluster : dict
        (tickers, window, test) -> rate; of tests with a result per firm, of any firm's rejection.
    """

    level: float
    single: dict[tuple[SeriesKey, int, str], float]
    sessions: dict[tuple[SeriesKey, int], int]
    cluster: dict[tuple[tuple[str, ...], int, str], float]


def shown_events(ids: Texts, rows: np.ndarray, p: Floats) -> Ints:
    """Positions of the events that pages show: of the first announcements, and those with the smallest p values.

    Parameters
    ----------
    ids : Texts
        event_id of every row of the events file.
    rows : int (n,)
        Rows of the events, in file order.
    p : float64 (n,)
        ``p_t`` over each primary window.
    """
    first = ids.take(rows[: PAGES * 20])
    pages = np.flatnonzero(np.isin(np.array(first), list(dict.fromkeys(first))[:PAGES]))
    return np.union1d(pages, lowest(p, LISTED))


class _Evaluation(Generic[T]):
    """An evaluation of the study as an attribute of the result."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, result: StudyResult, owner: type) -> T:
        return cast(T, getattr(result.evaluations, self.name))


@dataclass(frozen=True, slots=True)
class _Table:
    """A table of the study as an attribute of the result."""

    name: str

    def __get__(self, result: StudyResult, owner: type) -> pd.DataFrame:
        return result.table(self.name)


@dataclass(frozen=True, kw_only=True)
class StudyResult:
    """All numbers of a study, with the tables of the file contract as pandas frames.

    Attributes
    ----------
    studied : Studied
        All studied events, or those that pages show where ``budget.kept`` is False.
    unusual : Unusual
        How many primary windows are unusual, and which survive the number of looks.
    budget : Budget
        What was computed unasked.
    executor : str
        Who did the work.
    evaluations : Evaluations
        What is asked of the CARs, computed when first read.
    groups, group_days
        Tests and averages across events.
    notices : tuple of str
        What the user should know about the settings.
    typical : Typical or None
        How large moves are; only of more announcements than have pages.
    pages : int or None
        Reports hold a page, a card and figures of so many announcements, the first in file order; None is all.
    """

    studied: Studied
    prepared: Prepared
    totals: Totals
    unusual: Unusual
    budget: Budget
    executor: str
    notices: tuple[str, ...]
    evaluations: Evaluations
    groups: tuple[GroupRow, ...] = ()
    group_days: tuple[GroupDay, ...] = ()
    typical: Typical | None = None
    pages: int | None = PAGES
    _whole: StudyResult | None = None
    _frames: dict[str, pd.DataFrame] = field(default_factory=dict, init=False)

    # what ``evaluations`` computes when it is first read; each is described there
    robustness: ClassVar[_Evaluation[records.RobustRows]] = _Evaluation()
    parts: ClassVar[_Evaluation[tuple[records.PartRow, ...]]] = _Evaluation()
    curves: ClassVar[_Evaluation[tuple[records.SpecCurve, ...]]] = _Evaluation()
    joint_parts: ClassVar[_Evaluation[tuple[records.JointRow, ...]]] = _Evaluation()
    clusters: ClassVar[_Evaluation[tuple[records.ClusterRow, ...]]] = _Evaluation()
    claims: ClassVar[_Evaluation[tuple[records.ClaimRow, ...]]] = _Evaluation()
    rates: ClassVar[_Evaluation[PlaceboRates | None]] = _Evaluation()
    differences: ClassVar[_Evaluation[tuple[records.DifferenceRow, ...]]] = _Evaluation()
    calendar: ClassVar[_Evaluation[tuple[records.CalendarRow, ...]]] = _Evaluation()
    dollars: ClassVar[_Evaluation[tuple[records.DollarRow, ...]]] = _Evaluation()
    volume: ClassVar[_Evaluation[records.VolumeResult | None]] = _Evaluation()

    @property
    def spec(self) -> StudySpec:
        """Every choice of the study."""
        return self.studied.spec

    @property
    def provenance(self) -> tuple[Provenance, ...]:
        """Origin of each price series, by symbol."""
        return self.prepared.provenance

    @property
    def n_read(self) -> int:
        """Rows read; equals studied plus excluded."""
        return self.totals.n_read

    @property
    def lost(self) -> np.ndarray:
        """Reported rows that could not be studied, in file order, as ``Excluded.ordered`` has them; int32 (5, m)."""
        return self.prepared.lost

    @property
    def reasons(self) -> tuple[tuple[str, str, int], ...]:
        """(stage, reason, how many rows), the most frequent first."""
        return self.prepared.sentences.reasons(self.lost)

    def first_exclusions(self, n: int) -> tuple[Exclusion, ...]:
        """The first n rows that could not be studied."""
        some = self.lost[:, :n]
        return tuple(
            Exclusion(row=int(row), stage=stage, reason=reason, detail=detail)
            for row, (stage, reason, detail) in zip(some[0], self.prepared.sentences.troubles(some), strict=True)
        )

    @cached_property
    def exclusions(self) -> tuple[Exclusion, ...]:
        """Every row that could not be studied."""
        return self.first_exclusions(self.lost.shape[1])

    @cached_property
    def announcements(self) -> list[str]:
        """event_ids with a studied row, in file order."""
        studied = self.studied
        return list(dict.fromkeys(studied.text(i, "event_id") for i in studied.reported))

    @property
    def detailed(self) -> list[str]:
        """event_ids that have a page, a card and figures."""
        return self.announcements[: self.pages]

    @cached_property
    def shown(self) -> StudyResult:
        """The study with the events that pages show; results over all events stay."""
        studied = self.studied
        reported = np.array(studied.reported, dtype=np.int64)
        if self.pages is None or studied.measured is None or len(self.announcements) <= PAGES:
            return self
        p = studied.measured.windows["p_t"][reported, studied.primary[reported]]
        at = reported[shown_events(studied.index.events.ids, studied.rows[reported], p)]
        return replace(self, studied=studied.take(at), _whole=self)

    @property
    def other_tables(self) -> dict[str, pd.DataFrame]:
        """The tables of the file contract without those that have a row or more for each event."""
        from eventstudy.report.tables import OTHERS

        return {name: self.table(name) for name in COLUMNS if name in OTHERS}

    def table(self, name: str) -> pd.DataFrame:
        """One table of the file contract; no other is made."""
        from eventstudy.report.tables import OTHERS, one_table

        if self._whole is not None and name in OTHERS:
            return self._whole.table(name)
        if name not in self._frames:
            self._frames[name] = one_table(self, name)
        return self._frames[name]

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """Every table of the file contract, by file name without its ending."""
        return {name: self.table(name) for name in COLUMNS}

    # tables of the file contract, by the names of their files where no evaluation has that name
    windows = _Table("windows")
    abnormal_returns = _Table("abnormal_returns")
    models = _Table("models")
    robustness_table = _Table("robustness")
    curves_table = _Table("curves")
    overnight = _Table("overnight")
    cluster_tests = _Table("clusters")
    dollar = _Table("dollar")
    volume_table = _Table("volume")
    aggregate = _Table("aggregate")
    differences_table = _Table("differences")
    calendar_time = _Table("calendar_time")
    aar = _Table("aar")
    claims_table = _Table("claims")
    excluded = _Table("excluded")

    @property
    def model_lines(self) -> pd.DataFrame:
        """Lines of robustness under the study's own estimation window and returns, of whole days: each model."""
        table, spec = self.robustness_table, self.spec
        own = (table["part"] == "day") & (table["estimation"] == spec.estimation) & (table["gap"] == spec.gap)
        return table[own & (table["returns"] == spec.returns)]
