"""The result of ``run``: the tables of a study as frames, its card, its summary and its plots."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from eventstudy.api.events import GivenEvents
from eventstudy.api.pickled import FORMAT, packed, unpacked
from eventstudy.api.text_table import FORMS, SAME, Text
from eventstudy.errors import UsageError, flat
from eventstudy.report.columns import COLUMNS
from eventstudy.spelling import meant

if TYPE_CHECKING:
    import pandas as pd

    from eventstudy.evaluate.audit import Audit
    from eventstudy.results import StudyResult as Study
    from eventstudy.spec import StudySpec

# tables with rows of events, which a study that is written while it runs does not hold
OF_EVENTS = ("windows", "abnormal_returns", "models")
# attributes of earlier versions
RENAMED = {
    "cluster_tests": "clusters",
    "robustness_table": "robustness",
    "claims_table": "claims",
    "volume_table": "volume",
    "differences_table": "differences",
}
Backend = Literal["matplotlib", "plotly"]


@dataclass(frozen=True, slots=True)
class Inputs:
    """Inputs of a study, for running it again with other choices.

    Attributes
    ----------
    events : GivenEvents
    only : tuple of str
    source : PriceSource or None
        None opens what the spec names.
    confounders, factors
        As ``study.run``.
    """

    events: GivenEvents
    only: tuple[str, ...]
    source: Any
    confounders: Any
    factors: Any

    def run(self, spec: StudySpec) -> StudyResult:
        """The same study under other choices, in memory and without a word."""
        from eventstudy.study import run

        found = run(
            self.events.columns, self.source, spec, confounders=self.confounders, factors=self.factors, only=self.only
        )
        return StudyResult(found, self)


class StudyResult:
    """A study: its tables as frames named like the files, its card, its summary and its plots.

    Tables are made, and evaluations computed, when they are first read. Frames hold dates as dates, yes and no as
    booleans, words as categories; columns of tests that were not asked for are left out (``table(name, wide=True)``
    brings all). Rows of events carry the caller's index as ``row`` and the caller's own columns, with the suffix
    ``_events`` where a name is taken. Returns are decimals; what is not known is missing, never zero.

    Examples
    --------
    >>> import eventstudy as es
    >>> result = es.run("NVDA", "2025-04-15", timing="amc", source="snapshot")
    >>> result.windows.loc[0, ["event_id", "window"]].tolist()
    ['NVDA-2025-04-15', '[0,0]']
    >>> round(float(result.windows.loc[0, "car"]), 3)
    -0.009
    """

    def __init__(
        self, study: Study, inputs: Inputs, files: Sequence[str] = (), audit: Audit | None = None, out: str = ""
    ) -> None:
        self._study = study
        self._inputs = inputs
        self._files = tuple(files)
        self._audit = audit
        self._out = out
        self._frames: dict[tuple[str, bool], pd.DataFrame] = {}

    def table(self, name: str, *, wide: bool = False) -> pd.DataFrame:
        """One table by the name of its file.

        Parameters
        ----------
        name : str
            Such as ``windows`` or ``clusters``; ``result.names`` lists all.
        wide : bool
            With the columns of tests that were not asked for.

        Raises
        ------
        UsageError
            For a name that is not a table, with the nearest one; for rows of events of a study that was written while
            it ran and is too large to be held.
        """
        from eventstudy.api.typed_tables import asked_columns, typed, with_own

        if name not in COLUMNS:
            raise UsageError(
                f"there is no table {flat(str(name), 80)!r}", " | ".join(COLUMNS), meant(str(name), COLUMNS)
            )
        if (name, wide) not in self._frames:
            if name in OF_EVENTS and not self._study.budget.kept:
                raise UsageError(
                    f"the rows of {name} are not held in memory", "", f"read {self._out}/{name}.csv, or set detail=True"
                )
            made = self._study.table(name)
            # slopes of further benchmarks are columns that the contract does not list
            left = set() if wide else set(COLUMNS[name]) - set(asked_columns(name, self._study))
            frame = typed(made[[column for column in made.columns if column not in left]])
            self._frames[name, wide] = with_own(name, frame, self._study, self._inputs.events.own)
        # columns that a caller adds are the caller's own
        return self._frames[name, wide].copy(deep=False)

    @property
    def names(self) -> tuple[str, ...]:
        """The tables, as their files are named."""
        return tuple(COLUMNS)

    @property
    def windows(self) -> pd.DataFrame:
        """CAR and inference per event and test window."""
        return self.table("windows")

    @property
    def abnormal_returns(self) -> pd.DataFrame:
        """Abnormal return and CAR path per event and day."""
        return self.table("abnormal_returns")

    @property
    def models(self) -> pd.DataFrame:
        """Estimated model per event."""
        return self.table("models")

    @property
    def robustness(self) -> pd.DataFrame:
        """The primary window under other models and choices."""
        return self.table("robustness")

    @property
    def overnight(self) -> pd.DataFrame:
        """Overnight and intraday parts of day 0."""
        return self.table("overnight")

    @property
    def curves(self) -> pd.DataFrame:
        """Specification curves: estimates under every defensible specification, summed up."""
        return self.table("curves")

    @property
    def day_parts(self) -> pd.DataFrame:
        """Both parts of day 0 on both parts of the benchmark."""
        return self.table("day_parts")

    @property
    def dollar(self) -> pd.DataFrame:
        """CARs in money, of events and of whole sessions; empty without ``shares``."""
        return self.table("dollar")

    @property
    def clusters(self) -> pd.DataFrame:
        """Tests on firms that share a session."""
        return self.table("clusters")

    @property
    def aggregate(self) -> pd.DataFrame:
        """Tests across events per group and window."""
        return self.table("aggregate")

    @property
    def aar(self) -> pd.DataFrame:
        """Average abnormal returns per group and day."""
        return self.table("aar")

    @property
    def claims(self) -> pd.DataFrame:
        """Claims compared with the data."""
        return self.table("claims")

    @property
    def excluded(self) -> pd.DataFrame:
        """Events that could not be studied, with the reason."""
        return self.table("excluded")

    @property
    def differences(self) -> pd.DataFrame:
        """Tests of the difference between groups."""
        return self.table("differences")

    @property
    def calendar_time(self) -> pd.DataFrame:
        """Calendar-time portfolios; empty without ``hold``."""
        return self.table("calendar_time")

    @property
    def volume(self) -> pd.DataFrame:
        """Abnormal volume per event and test window; empty without ``volume``."""
        return self.table("volume")

    @property
    def abnormal_volume(self) -> pd.DataFrame:
        """Abnormal volume per event and day; empty without ``volume``."""
        return self.table("abnormal_volume")

    @property
    def volume_groups(self) -> pd.DataFrame:
        """Tests of abnormal volume across events; empty without ``volume``."""
        return self.table("volume_groups")

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """Every table by the name of its file; all of them are made."""
        return {name: self.table(name) for name in COLUMNS}

    @property
    def prices(self) -> pd.DataFrame:
        """Origin of each price series: one row per symbol."""
        from dataclasses import asdict

        import pandas as pd

        return pd.DataFrame([asdict(one) for one in self._study.provenance])

    @property
    def spec(self) -> StudySpec:
        """Every choice of the study."""
        return self._study.spec

    @property
    def notices(self) -> tuple[str, ...]:
        """Notices of the study; each was a warning of ``run``."""
        return self._study.notices

    @property
    def counts(self) -> Mapping[str, int]:
        """Rows ``read``, ``studied`` and ``excluded``; they reconcile."""
        from eventstudy.report.provenance import counts

        return counts(self._study)

    @property
    def files(self) -> tuple[str, ...]:
        """Files that ``run(..., out=DIR)`` wrote, relative to the folder."""
        return self._files

    def summary(self, event_id: str | None = None, form: str = "text", *, ticker: str | None = None) -> Text:
        """The CAAR of each group and window, or the windows of one event, as a table to read.

        Parameters
        ----------
        event_id : str or None
            One announcement; ``"latex"`` and the other forms are understood here too.
        form : {"text", "markdown", "latex", "html"}
        ticker : str or None
            One of the announcement's tickers.

        Raises
        ------
        UsageError
            For an unknown form or event, with the nearest one.
        """
        from eventstudy.api.summary import event_table, study_table

        if event_id in (*FORMS, *SAME):
            event_id, form = None, str(event_id)
        if event_id is None and not (len(self) == 1 and self._study.budget.kept):
            return study_table(self._study).render(form)
        event_id = str(self.windows["event_id"].iloc[0]) if event_id is None else event_id
        frames = {"windows": self.windows, "excluded": self.excluded}
        return event_table(frames, self._study, event_id, ticker).render(form)

    def plot(
        self,
        event_id: str | None = None,
        *,
        kind: Literal["path", "forest"] = "path",
        group: str | Sequence[str] | None = None,
        ticker: str | None = None,
        ax: Any = None,
        backend: Backend = "matplotlib",
    ) -> Any:
        """The CAAR path of the study, the CAR paths of one event, or the primary CARs of all events.

        Parameters
        ----------
        event_id : str or None
            One announcement.
        kind : {"path", "forest"}
            A path by day with its interval, or one CAR with its interval an event.
        group : str, sequence of str or None
            Groups of the path; None is ``all``, or every group where there is none.
        ticker : str or None
        ax : matplotlib Axes or None
            None makes a figure.
        backend : {"matplotlib", "plotly"}
            plotly is the extra ``interactive``.

        Returns
        -------
        matplotlib Axes, or plotly Figure

        Raises
        ------
        UsageError
            For an unknown event, group or backend, or where there is nothing to draw.
        """
        from eventstudy.api.plot import drawn, forest, paths

        if kind == "forest":
            picture = forest(self, event_id)
        elif kind == "path":
            picture = paths(self, event_id, [group] if isinstance(group, str) else group, ticker)
        else:
            raise UsageError(
                f"kind {flat(str(kind), 80)!r} is unknown", "path | forest", meant(str(kind), ("path", "forest"))
            )
        return drawn(picture, ax, backend)

    def to_polars(self, name: str | None = None) -> Any:
        """One table as a polars frame, or all of them by name."""
        from eventstudy.api.frames import as_polars

        return as_polars(self.table(name)) if name is not None else {one: as_polars(self.table(one)) for one in COLUMNS}

    def audit(self) -> Audit:
        """Fit every studied row again with statsmodels and compare; see ``agrees`` and ``largest_gap``."""
        from eventstudy.evaluate.audit import audit

        return self._audit or audit(self._study.studied)

    def __getattr__(self, name: str) -> pd.DataFrame:
        if name in RENAMED:
            warnings.warn(
                f"result.{name} is now result.{RENAMED[name]}, and the old name will be removed",
                DeprecationWarning,
                stacklevel=2,
            )
            return self.table(RENAMED[name])
        hint = "" if name.startswith("_") else meant(name, [*COLUMNS, *(one for one in dir(self) if one[0] != "_")])
        raise AttributeError(f"a result has no {name!r}{'; ' if hint else ''}{hint}")

    def __repr__(self) -> str:
        from eventstudy.api.card import text_card

        return text_card(self._study)

    def _repr_html_(self) -> str:
        from eventstudy.api.card import html_card

        return html_card(self._study)

    def __len__(self) -> int:
        """Events studied."""
        return self._study.totals.n_studied

    def __bool__(self) -> bool:
        return True

    def __iter__(self) -> NoReturn:
        raise UsageError("a result is not a list of events", "a table of it", "for row in result.windows.itertuples()")

    def __reduce__(self) -> tuple[Any, ...]:
        state = (self._study, self._inputs, self._files, self._audit, self._out)
        return _loaded, (FORMAT, *packed(state))


def _loaded(form: int, version: str, data: bytes) -> StudyResult:
    """A result from a pickle of this form; of another one, the reason why not."""
    return StudyResult(*unpacked(form, version, data))


def record_of(result: StudyResult) -> Study:
    """The record behind a result, for what presents it."""
    return result._study


def inputs_of(result: StudyResult) -> Inputs:
    """Inputs of a result."""
    return result._inputs


def is_held(result: StudyResult) -> bool:
    """Whether the rows of every event are held in memory."""
    return result._study.budget.kept


def audit_of(result: StudyResult) -> Audit | None:
    """The audit that ``run`` was asked for."""
    return result._audit


def audited(result: StudyResult) -> StudyResult:
    """The same result with its audit."""
    return StudyResult(result._study, result._inputs, result._files, result.audit(), result._out)


def estimation_summary(result: StudyResult, i: int) -> str:
    """The table of statsmodels for the estimation of one studied row."""
    from eventstudy.evaluate.audit import estimation_summary as table

    return table(result._study.studied, i)
