"""A study into a report folder: measured, evaluated, drawn and written, whatever its size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from eventstudy.data.parquet import give_back
from eventstudy.report.event_files import EventFiles
from eventstudy.report.write import WITH_PAGES, Place, aside, finish, kept_files
from eventstudy.results import PAGES, StudyResult
from eventstudy.scale.executors import Executor, Here
from eventstudy.scale.limits import LIMITS, Limits
from eventstudy.study import Handling, run, silent

if TYPE_CHECKING:
    from eventstudy.data.confounders import ConfounderTable
    from eventstudy.data.event_columns import EventColumns
    from eventstudy.data.factors import FactorTable
    from eventstudy.data.prices import PriceSource
    from eventstudy.evaluate.audit import Audit
    from eventstudy.report.event_tables import EventTables
    from eventstudy.spec import StudySpec


# a curve has a test of its own, and a list of tests computes what it names
NOT_NAMED = "no specification curves beside the tests that are named; --spec-curve primary asks for them"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Order of a report.

    Attributes
    ----------
    out : Path
        Report folder.
    formats : tuple of str
        Of ``write.FORMATS``.
    detail : bool
        Everything for every event: pages, figures and tables, whatever they cost.
    audit : bool
        Whether statsmodels fits studied rows again.
    only : sequence of str
        event_ids to report.
    force : bool
        Replace files of somebody's own that are in the report's way.
    """

    out: Path
    formats: tuple[str, ...]
    detail: bool = False
    audit: bool = False
    only: Sequence[str] = ()
    executor: Executor = Here()  # noqa: RUF009
    limits: Limits = LIMITS
    force: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A study whose report is on the disk.

    Attributes
    ----------
    files : tuple of str
        Relative paths written.
    """

    result: StudyResult
    audit: Audit | None
    files: tuple[str, ...]


def study_into(
    events: EventColumns,
    spec: StudySpec,
    order: Order,
    *,
    prices: PriceSource | None = None,
    confounders: str | Path | ConfounderTable | None = None,
    factors: FactorTable | None = None,
    say: Callable[[str], None] = silent,
    warn: Callable[[str], None] = silent,
) -> Written:
    """Run a study and write its report; tables grow while events are measured, so that memory stays bounded. Raises
    ``InputFileError``, ``UsageError`` or ``SourceUnavailable`` as ``study.run``; UsageError also where the report
    folder cannot be written (permissions, full disk). The folder is then as it was.

    Parameters
    ----------
    events, spec, prices, confounders, factors
        As ``study.run``.
    say, warn : callable
        Passing lines of progress; lines that a person should see.
    """
    files: list[EventFiles] = []
    with aside(order.out) as folder, ExitStack() as stack:

        def opened(tables: EventTables, *, daily: bool) -> EventFiles:
            files.append(EventFiles(folder, order.formats, tables, stack, daily=daily, apart=order.executor.apart))
            return files[0]

        handling = Handling(
            executor=order.executor,
            limits=order.limits,
            everything=order.detail,
            folder=folder / "panel",
            files=opened,
            pages=bool(WITH_PAGES & set(order.formats)),
        )
        result = run(
            events, prices, spec, confounders=confounders, factors=factors, only=order.only, progress=say, warn=warn,
            handling=handling,
        )  # fmt: skip
        return _finished(folder, result, order, files[0] if files else None, stack, say)


def report_into(result: StudyResult, order: Order, say: Callable[[str], None] = silent) -> Written:
    """Write the report of a study that is held in memory. Raises ``UsageError`` if the report folder cannot be written.
    The folder is then as it was."""
    with aside(order.out) as folder, ExitStack() as stack:
        return _finished(folder, result, order, None, stack, say)


def _finished(
    folder: Path,
    result: StudyResult,
    order: Order,
    files: EventFiles | None,
    stack: ExitStack,
    say: Callable[[str], None],
) -> Written:
    """Evaluate, draw and write what is left of a report."""
    result.evaluations.all(say)
    give_back()
    result = replace(result, pages=None) if order.detail else _with_notices(result, order.formats)
    if result.spec.spec_curve == "auto":
        result = replace(result, notices=(*result.notices, NOT_NAMED))
    audited = _audit(result) if order.audit else None
    if files is None:
        files = kept_files(folder, result, order.formats, stack, apart=order.executor.apart)
    place = Place(folder, order.out, force=order.force)
    written = finish(place, result, order.formats, audited, files, say)
    return Written(result=result, audit=audited, files=tuple(written))


def _with_notices(result: StudyResult, formats: Sequence[str]) -> StudyResult:
    """The result, with a notice where not every announcement has a page, or tables in some form would not be whole."""
    more = []
    if (n := result.totals.n_announcements) > PAGES:
        more.append(f"pages and figures of the first {PAGES} of {n:,} announcements; --detail writes all")
    if (whole := [name for name in ("xlsx", "dta") if name in formats]) and not result.budget.kept:
        more.append(f"no {' and '.join(whole)}: the events of this study are not kept in memory; --detail keeps them")
    return replace(result, notices=(*result.notices, *more))


def _audit(result: StudyResult) -> Audit:
    from eventstudy.evaluate.audit import audit

    return audit(result.studied)
