"""``calibrate``: can these p values be believed for these very tickers?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eventstudy.api.progress import Say, progress
from eventstudy.api.result import StudyResult, record_of
from eventstudy.api.studies import study_of
from eventstudy.api.text_table import Text
from eventstudy.spec_values import number

if TYPE_CHECKING:
    import pandas as pd

    from eventstudy.evaluate.calibrate import Calibration

EFFECTS = (0.02, 0.03, 0.05, 0.08)


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationResult:
    """Rejection rates of each test on the tickers' own uneventful sessions, without and with a planted effect.

    Attributes
    ----------
    study : StudyResult
    record : Calibration
        What the pages are made from.
    """

    study: StudyResult
    record: Calibration

    @property
    def command(self) -> str:
        """Its name in a manifest."""
        return "calibrate"

    @property
    def plain(self) -> pd.DataFrame:
        """The rates as their file has them."""
        from eventstudy.report.calibration import calibration_table

        return calibration_table(self.record)

    @property
    def calibration(self) -> pd.DataFrame:
        """The rates, one row a ticker, window, test, level and effect: the columns of calibration.csv."""
        from eventstudy.api.typed_tables import typed

        return typed(self.plain)

    def summary(self) -> Text:
        """The findings in lines."""
        from eventstudy.report.calibration import terminal_lines

        return Text("\n".join(terminal_lines(record_of(self.study), self.plain)))

    def files(self, formats: Sequence[str]) -> dict[str, str | bytes]:
        """The files that ``report`` adds: calibration.csv always; pages and figure where the formats ask for them."""
        from eventstudy.report.calibration import calibration_figure, calibration_page
        from eventstudy.report.csv_rows import csv_text
        from eventstudy.report.html import report_page
        from eventstudy.report.markdown import render
        from eventstudy.report.pages import figure_files
        from eventstudy.report.write import ILLUSTRATED

        study, table = record_of(self.study), self.plain
        digits = study.spec.digits
        made: dict[str, str | bytes] = {"calibration.csv": csv_text(table, digits)}
        if not ILLUSTRATED & set(formats):
            return made
        figure = calibration_figure(study, table)
        page = calibration_page(study, self.record, table, figure)
        if figure is not None:
            made |= figure_files((figure,), formats, digits)
        if "md" in formats:
            made["calibration.md"] = render(page, tables=True)
        if "html" in formats:
            made["calibration.html"] = report_page(page)
        return made

    def __repr__(self) -> str:
        return str(self.summary())


def calibrate(
    result: object, *, effects: float | Sequence[float] = EFFECTS, progress: Say | bool | None = None, **study: Any
) -> CalibrationResult:
    """Ask every test about the tickers' own uneventful sessions: how often does it reject, and what does it find?

    Parameters
    ----------
    result : StudyResult, or events as ``run`` takes them
        Of events, ``prices``, ``spec`` and the choices of ``run`` are keywords.
    effects : float or sequence of float
        Planted on day 0, decimals.

    Returns
    -------
    CalibrationResult

    Raises
    ------
    UsageError
        For effects that cannot be.
    """
    from eventstudy.evaluate.calibrate import checked_effects

    listed = list(effects) if hasattr(effects, "__iter__") else [effects]
    sizes = checked_effects([number("effects", one) for one in listed])
    return _calibrate(result, sizes, progress, study)


def _calibrate(result: object, sizes: tuple[float, ...], watch: Any, study: dict[str, Any]) -> CalibrationResult:
    from eventstudy.evaluate.calibrate import calibrate as ask

    found = study_of(result, study if isinstance(result, StudyResult) else {"progress": watch, **study})
    with progress(watch) as say:
        return CalibrationResult(study=found, record=ask(record_of(found), sizes, say))
