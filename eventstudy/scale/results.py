"""What a streamed study hands back: its rows are on the disk, its groups and counts are here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from eventstudy.data.factors import FactorTable
from eventstudy.data.prices import Choice, Provenance
from eventstudy.records import GroupDay, GroupRow
from eventstudy.report.provenance import Origins, manifest_of
from eventstudy.scale.limits import Limits
from eventstudy.spec import StudySpec


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkResult:
    """A study of many events.

    Attributes
    ----------
    spec : StudySpec
    events : str
        The events file.
    n_read, n_studied, n_excluded : int
        Rows; the first is the sum of the others.
    reasons : tuple of (stage, reason, count)
    first_excluded : tuple of (event_id, ticker, stage, reason, detail)
        The first hundred.
    groups, group_days
        See their record classes.
    notices : tuple of str
    series : tuple of Provenance
        By symbol.
    choice : Choice or None
    factors : FactorTable or None
    engine, executor : str
    detail : bool
    limits : Limits
    files : tuple of str
        Relative paths written.
    """

    spec: StudySpec
    events: str
    n_read: int
    n_studied: int
    n_excluded: int
    reasons: tuple[tuple[str, str, int], ...]
    first_excluded: tuple[tuple[str, str, str, str, str], ...]
    groups: tuple[GroupRow, ...]
    group_days: tuple[GroupDay, ...]
    notices: tuple[str, ...]
    series: tuple[Provenance, ...]
    choice: Choice | None
    factors: FactorTable | None
    engine: str
    executor: str
    detail: bool
    limits: Limits
    files: tuple[str, ...]

    @property
    def counts(self) -> dict[str, int]:
        """Rows read, studied and excluded; they reconcile."""
        return {"read": self.n_read, "studied": self.n_studied, "excluded": self.n_excluded}

    def manifest(self, files: Mapping[str, str]) -> dict[str, Any]:
        """The manifest of the report; ``files`` is relative path -> sha256."""
        origins = Origins(
            spec=self.spec,
            events=self.events,
            counts=self.counts,
            choice=self.choice,
            factors=self.factors,
            series=self.series,
            notices=self.notices,
            engine=self.engine,
            executor=self.executor,
        )
        return manifest_of(origins, files)
