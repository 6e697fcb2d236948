"""``run``: events and prices as people have them -> a result."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack, get_overloads, overload

from eventstudy.api.events import (
    GivenEvents,
    beside_catalogue,
    check_keywords,
    given_confounders,
    given_events,
    is_announcement,
    one_event,
)
from eventstudy.api.outcome import commonest
from eventstudy.api.prices import given_factors, given_prices
from eventstudy.api.progress import Say, progress, warn_once
from eventstudy.api.result import Inputs, StudyResult
from eventstudy.errors import UsageError, flat
from eventstudy.spec import StudySpec
from eventstudy.spec_values import SpecChoices, with_choices_named

if TYPE_CHECKING:
    import os

    from eventstudy.scale.executors import Executor

# keywords of one announcement
OF_ONE = ("timing", "claimed_return", "catalogue")
# what is held in memory whatever it takes; a study that does not fit is refused before it begins
EVERYTHING_KEPT = 2**62
DEFAULT_FORMATS = ("md", "html", "csv", "json")


@overload
def run(
    events: object,
    prices: object = None,
    spec: StudySpec | None = None,
    *,
    factors: object = None,
    confounders: object = None,
    only: str | Sequence[str] = (),
    out: str | os.PathLike[str] | None = None,
    formats: str | Sequence[str] = DEFAULT_FORMATS,
    detail: bool = False,
    audit: bool = False,
    force: bool = False,
    threads: int = 1,
    workers: int = 0,
    scheduler: str = "",
    progress: Say | bool | None = None,
    warn: Say | None = None,
    **choices: Unpack[SpecChoices],
) -> StudyResult: ...


@overload
def run(
    ticker: str,
    when: str | date,
    /,
    prices: object = None,
    spec: StudySpec | None = None,
    *,
    timing: str = "",
    claimed_return: str | float | None = None,
    catalogue: object = None,
    factors: object = None,
    confounders: object = None,
    out: str | os.PathLike[str] | None = None,
    formats: str | Sequence[str] = DEFAULT_FORMATS,
    audit: bool = False,
    force: bool = False,
    progress: Say | bool | None = None,
    warn: Say | None = None,
    **choices: Unpack[SpecChoices],
) -> StudyResult: ...


def run(*given: Any, **named: Any) -> StudyResult:
    """Run an event study: ``run(events, prices, spec, **choices)``, or ``run(ticker, when, timing=...)`` for one
    announcement.

    Parameters
    ----------
    events : path, frame, list of dicts or dict
        Frames of pandas, polars, pyarrow and DuckDB. Needed are ``ticker`` and ``announced_at``; the caller's own
        columns come out beside their rows.
    prices : frame, dict, path, name of a source or None
        Long or wide, in any known layout, dates as a column or the index, or what ``yf.download()`` returns. None opens
        ``source``.
    spec : StudySpec or None
        The choices; keywords override it.
    timing, claimed_return, catalogue
        Of one announcement: ``bmo``, ``dmh`` or ``amc``; what was claimed; other announcements that are masked.
    factors : frame or path
        Daily factor returns in decimals, for the factor models.
    confounders : path, frame or list of dicts
        What else happened; None takes ``confounders.csv`` beside an events file.
    only : str or sequence of str
        event_ids to report; masks, overlaps and clusters still see every row.
    out : path or None
        Write the report while the study runs, in ``formats``, so that memory stays bounded; ``force`` replaces files of
        somebody's own.
    detail : bool
        Compute everything whatever it costs.
    audit : bool
        Fit every studied row again with statsmodels.
    threads, workers, scheduler
        Threads, processes of a local Dask cluster, or the address of a running one.
    progress : callable, bool or None
        Called with lines of progress; None shows a bar in notebooks and interactive terminals.
    warn : callable or None
        Called with what a person should know while the study runs; None makes Python warnings of the category
        ``EventStudyWarning``, once each.
    **choices
        Every choice of ``StudySpec``: ``benchmark``, ``model``, ``windows``, ``estimation`` and so on.

    Returns
    -------
    StudyResult
        Events that cannot be studied are rows of ``excluded``.

    Raises
    ------
    UsageError, InputFileError
        For what cannot be right, with the nearest valid value or the line of code that corrects it.
    SourceUnavailable
        If no price source covers the study.

    Examples
    --------
    >>> import eventstudy as es
    >>> result = es.run("NVDA", "2025-04-15", timing="amc", source="snapshot", windows=["0:0", "-1:1"])
    >>> len(result.windows)
    2
    """
    asked = _Asked.of(given, named)
    return asked.written() if asked.out is not None else asked.held()


run.__signature__ = with_choices_named(inspect.signature(get_overloads(run)[0]))  # type: ignore[attr-defined]


class _Asked:
    """The arguments of ``run``, read."""

    def __init__(
        self, events: GivenEvents, only: tuple[str, ...], prices: Any, spec: Any, named: dict[str, Any]
    ) -> None:
        taken = {name: named.pop(name) for name in HOW if name in named}
        self.how = {**HOW, **taken}
        self.spec = chosen(spec, named)
        self.factors, self.spec = given_factors(self.how["factors"], self.spec)
        self.source, self.spec = given_prices(prices, self.spec)
        self.events, self.only = events, only
        self.confounders = given_confounders(self.how["confounders"])
        self.out = None if self.how["out"] is None else Path(self.how["out"])

    @classmethod
    def of(cls, given: tuple[Any, ...], named: dict[str, Any]) -> _Asked:
        """From the arguments, by place and by name."""
        words = (
            ("events", "when", "prices", "spec")
            if is_announcement(*_first_two(given))
            else ("events", "prices", "spec")
        )
        if len(given) > len(words):
            raise UsageError(
                f"run takes {', '.join(words)} by position, and {len(given)} are given", "keywords for the rest"
            )
        for name in words[: len(given)]:
            if name in named:
                raise UsageError(f"{name} is given by position and by name", "once")
        named = {**dict(zip(words, given, strict=False)), **named}
        if "events" not in named:
            raise UsageError("run needs events", "es.run(events, prices), or es.run('NVDA', '2025-04-15')")
        events, prices, spec = named.pop("events"), named.pop("prices", None), named.pop("spec", None)
        if isinstance(prices, StudySpec) and spec is None:
            prices, spec = None, prices
        only = named.pop("only", ())
        only = (only,) if isinstance(only, str) else tuple(only)
        if "when" in named:
            when, own = named.pop("when"), {name: named.pop(name, None) for name in OF_ONE}
            held, only = _announcement(events, when, own)
        else:
            check_keywords(named, OF_ONE)
            named = {name: value for name, value in named.items() if name not in OF_ONE}
            held = given_events(events)
        return cls(held, only, prices, spec, named)

    def held(self) -> StudyResult:
        """The study in memory."""
        from eventstudy.scale.limits import LIMITS
        from eventstudy.study import Handling
        from eventstudy.study import run as study

        early: list[str] = []
        with progress(self.how["progress"]) as say, self._executor() as executor:
            handling = Handling(
                executor=executor, limits=replace(LIMITS, kept=EVERYTHING_KEPT), everything=self.how["detail"]
            )
            found = study(
                self.events.columns, self.source, self.spec, confounders=self.confounders, factors=self.factors,
                only=self.only, progress=say, warn=self.how["warn"] or early.append, handling=handling,
            )  # fmt: skip
            audited = None
            if self.how["audit"]:
                from eventstudy.evaluate.audit import audit

                audited = audit(found.studied)
        return self._told(StudyResult(found, self._inputs(), audit=audited), early)

    def written(self) -> StudyResult:
        """The study written while it runs."""
        from eventstudy.api.report import checked_formats
        from eventstudy.report.write import check_writable
        from eventstudy.scale import limits
        from eventstudy.study_report import Order, study_into

        assert self.out is not None, "asked for"
        check_writable(self.out)
        early: list[str] = []
        with progress(self.how["progress"]) as say, self._executor() as executor:
            order = Order(
                out=self.out,
                formats=checked_formats(self.how["formats"]),
                detail=self.how["detail"],
                audit=self.how["audit"],
                only=self.only,
                executor=executor,
                limits=limits.LIMITS,
                force=self.how["force"],
            )
            done = study_into(
                self.events.columns, self.spec, order, prices=self.source, confounders=self.confounders,
                factors=self.factors, say=say, warn=self.how["warn"] or early.append,
            )  # fmt: skip
        return self._told(StudyResult(done.result, self._inputs(), done.files, done.audit, str(self.out)), early)

    def _inputs(self) -> Inputs:
        return Inputs(self.events, self.only, self.source, self.confounders, self.factors)

    def _executor(self) -> AbstractContextManager[Executor]:
        from eventstudy.scale.executors import executor

        return executor(self.how["threads"], self.how["workers"], self.how["scheduler"])

    def _told(self, result: StudyResult, early: Sequence[str]) -> StudyResult:
        if self.how["warn"] is None:
            nothing = [f"no event could be studied: {commonest(result)}"] if not len(result) else []
            warn_once([*early, *result.notices, *nothing])
        return result


# how a study is done, and the defaults
HOW: dict[str, Any] = {
    "factors": None,
    "confounders": None,
    "out": None,
    "formats": DEFAULT_FORMATS,
    "detail": False,
    "audit": False,
    "force": False,
    "threads": 1,
    "workers": 0,
    "scheduler": "",
    "progress": None,
    "warn": None,
}


def _first_two(given: tuple[Any, ...]) -> tuple[Any, Any]:
    return (given[0], given[1]) if len(given) > 1 else (None, None)


def _announcement(ticker: str, when: Any, own: dict[str, Any]) -> tuple[GivenEvents, tuple[str, ...]]:
    """One announcement, with the catalogue that contains it, and its event_id."""
    from eventstudy.api.events import of_columns

    timing, claimed = own["timing"] or "", own["claimed_return"]
    if own["catalogue"] is None:
        columns = one_event(ticker, when, timing, claimed)
    else:
        columns = beside_catalogue(given_events(own["catalogue"]).columns, ticker, when, timing, claimed)
    return GivenEvents(columns, of_columns(columns)), (columns.cell(len(columns) - 1, "event_id"),)


def chosen(spec: Any, choices: dict[str, Any]) -> StudySpec:
    """The choices of a study: those of a spec, overridden by keywords.

    Raises
    ------
    UsageError
        For a spec of another type, and whatever ``StudySpec`` refuses.
    """
    if spec is None:
        return StudySpec(**choices)
    if isinstance(spec, dict):
        spec = StudySpec(**spec)
    if not isinstance(spec, StudySpec):
        raise UsageError(f"spec is a {type(spec).__name__}: {flat(repr(spec), 60)}", "a StudySpec, or keywords")
    return spec.with_choices(**choices) if choices else spec
