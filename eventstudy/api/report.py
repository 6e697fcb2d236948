"""``report``: what a result says, as files of a folder."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from eventstudy.api.progress import Say, progress
from eventstudy.api.result import StudyResult, is_held, record_of
from eventstudy.errors import UsageError
from eventstudy.spelling import meant

DEFAULT_FORMATS = ("md", "html", "csv", "json")


class Adds(Protocol):
    """A result that adds its files to the report of its study."""

    @property
    def study(self) -> StudyResult:
        """The study."""

    @property
    def command(self) -> str:
        """Its name in the manifest."""

    def files(self, formats: Sequence[str]) -> dict[str, str | bytes]:
        """Relative path -> content."""


def report(
    result: StudyResult | Adds,
    out: str | os.PathLike[str],
    formats: str | Sequence[str] = DEFAULT_FORMATS,
    *,
    detail: bool = False,
    audit: bool = False,
    force: bool = False,
    progress: Say | bool | None = None,
) -> list[str]:
    """Write a report folder: the whole report of a study, or the files that a regression, a backtest or a calibration
    adds to it.

    Parameters
    ----------
    result : StudyResult, or what ``regress``, ``backtest`` or ``calibrate`` returns
    out : path
        Files that an earlier report listed and this one does not write are removed; nothing else is touched.
    formats : str or sequence of str
        Of ``md``, ``html``, ``csv``, ``json``, ``parquet``, ``tex``, ``png``, ``xlsx``, ``dta``.
    detail : bool
        A page, a card and figures of every announcement.
    audit : bool
        Fit every studied row again with statsmodels, and say on the page whether it agrees.
    force : bool
        Replace files of somebody's own that are in the way.
    progress : callable, bool or None
        As ``run``.

    Returns
    -------
    list of str
        Relative paths written, ``manifest.json`` last.

    Raises
    ------
    UsageError
        For an unknown format, or a folder that cannot be written; the folder is then as it was.

    Examples
    --------
    >>> import eventstudy as es, tempfile
    >>> result = es.run("NVDA", "2025-04-15", timing="amc", source="snapshot")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     es.report(result, folder, formats="csv")[-1]
    'manifest.json'
    """
    return _report(result, Path(out), checked_formats(formats), detail, audit, force, progress)


def _report(
    result: Any, out: Path, formats: tuple[str, ...], detail: bool, audit: bool, force: bool, watch: Say | bool | None
) -> list[str]:
    from eventstudy.report.write import add_files, check_writable
    from eventstudy.study_report import Order, report_into

    check_writable(out)
    if isinstance(result, StudyResult):
        if result.files and not is_held(result):
            raise UsageError(
                "the events of this study are not held in memory", "", "es.run(..., out=DIR) wrote its report"
            )
        order = Order(out=out, formats=formats, detail=detail, audit=audit, force=force)
        with progress(watch) as say:
            return list(report_into(record_of(result), order, say).files)
    if not hasattr(result, "files") or not hasattr(result, "command"):
        raise UsageError(
            f"{type(result).__name__} has no report", "what es.run, regress, backtest or calibrate returns"
        )
    return add_files(out, result.command, result.files(formats), record_of(result.study), force=force)


def checked_formats(formats: str | Sequence[str]) -> tuple[str, ...]:
    """The formats to write.

    Raises
    ------
    UsageError
        For an unknown format, with the nearest one, or for none.
    """
    from eventstudy.report.write import FORMATS
    from eventstudy.spec_values import several

    found = several("formats", formats)
    for name in found:
        if name not in FORMATS:
            raise UsageError(f"format {name!r} is unknown", ", ".join(FORMATS), meant(name, FORMATS))
    if not found:
        raise UsageError("formats is empty", ", ".join(FORMATS))
    return found
