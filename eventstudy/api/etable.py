"""``etable``: results or regressions side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from eventstudy.api.averages import ALL, averages
from eventstudy.api.regression import RegressionResult, main_coefficients
from eventstudy.api.result import StudyResult, record_of
from eventstudy.api.summary import regressors
from eventstudy.api.text_table import SmallTable, Text
from eventstudy.errors import UsageError

STARS = ((0.01, "***"), (0.05, "**"), (0.1, "*"))
WANTED = "StudyResult or what es.regress returns"


@dataclass(slots=True)
class _Column:
    """One column: estimates with what is below them, and the figures at the foot."""

    title: str
    cells: dict[str, tuple[str, str]] = field(default_factory=dict)
    foot: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def etable(
    results: Any, form: str = "text", *, names: Sequence[str] | None = None, digits: int = 4, stars: bool = True
) -> Text:
    """Studies or regressions as columns of one table.

    Parameters
    ----------
    results : one, or a sequence, of StudyResult and RegressionResult
        Of studies the CAAR of each window (the CAR where one event was studied) with its interval; of regressions each
        term with its standard error.
    form : {"text", "markdown", "latex", "html"}
    names : sequence of str or None
        Headings of the columns; None numbers them.
    digits : int
        Decimals of estimates.
    stars : bool
        Mark p below 0.1, 0.05 and 0.01.

    Raises
    ------
    UsageError
        For anything that is not a result, an unknown form, or a wrong number of names.

    Examples
    --------
    >>> import eventstudy as es
    >>> one = es.run("NVDA", "2025-04-15", timing="amc", source="snapshot", windows="0:0")
    >>> print(es.etable([one], "markdown", names=["NVDA"]).splitlines()[2])
    |  | NVDA |
    """
    given = [results] if isinstance(results, StudyResult | RegressionResult) else list(results)
    if not given:
        raise UsageError("etable has nothing to show", f"a list of {WANTED}")
    columns: list[_Column] = []
    for one in given:
        if isinstance(one, StudyResult):
            columns.append(_of_study(one, digits, stars))
        elif isinstance(one, RegressionResult):
            columns += [_of_regression(regression, digits, stars) for regression in one.regressions]
        else:
            raise UsageError(f"etable was given a {type(one).__name__}", WANTED)
    if names is not None and len(names) != len(columns):
        raise UsageError(f"{len(names)} names for {len(columns)} columns", "one name per column")
    titles = list(names) if names is not None else [f"({at})" for at in range(1, len(columns) + 1)]
    rows: list[Sequence[str]] = [] if names is not None else [("", *(one.title for one in columns)), ()]
    for label in dict.fromkeys(label for one in columns for label in one.cells):
        rows.append((label, *(one.cells.get(label, ("", ""))[0] for one in columns)))
        rows.append(("", *(one.cells.get(label, ("", ""))[1] for one in columns)))
    rows.append(())
    for label in dict.fromkeys(label for one in columns for label in one.foot):
        rows.append((label, *(one.foot.get(label, "") for one in columns)))
    notes = list(dict.fromkeys(note for one in columns for note in one.notes))
    notes += ["* p < 0.1, ** p < 0.05, *** p < 0.01"] if stars else []
    return SmallTable(title="", head=("", *titles), rows=rows, notes=notes).render(form)


def _starred(value: float, p: float, digits: int, stars: bool) -> str:
    if not math.isfinite(value):
        return "-"
    mark = next((mark for below, mark in STARS if p < below), "") if stars else ""
    return f"{value:.{digits}f}{mark}"


def _band(low: float, high: float, digits: int) -> str:
    known = math.isfinite(low) and math.isfinite(high)
    return f"[{low:.{digits}f}, {high:.{digits}f}]" if known else ""


def _of_study(result: StudyResult, digits: int, stars: bool) -> _Column:
    study, spec = record_of(result), result.spec
    column = _Column(spec.model, notes=[f"below estimates of studies: {100 * spec.level:g} % interval"])
    whole = [one for one in averages(study) if one.group == ALL]
    for one in whole:
        column.cells[f"CAAR {one.window}"] = (
            _starred(one.caar, one.p, digits, stars), _band(one.ci_low, one.ci_high, digits),
        )  # fmt: skip
    if not whole:
        for row in result.windows.itertuples():
            label = f"CAR {row.window}" if len(result) == 1 else f"{row.event_id} {row.ticker} {row.window}"
            band = _band(row.ci_low, row.ci_high, digits)
            column.cells[label] = (_starred(row.car, row.p_t, digits, stars), band)
    column.foot["events"] = f"{len(result):,}"
    column.foot["estimation"] = f"{spec.estimation}"
    column.foot["benchmark"] = regressors(study)
    if whole and whole[0].test:
        column.foot["test"] = whole[0].test
    return column


def _of_regression(regression: Any, digits: int, stars: bool) -> _Column:
    column = _Column(f"{regression.formula} {regression.window}", notes=["below coefficients: standard error"])
    for one in main_coefficients(regression):
        error = f"({one.std_error:.{digits}f})" if math.isfinite(one.std_error) else ""
        column.cells[one.term] = (_starred(one.estimate, one.p, digits, stars), error)
    column.foot["rows"] = f"{regression.n:,}"
    column.foot["dates"] = f"{regression.n_dates:,}"
    column.foot["R2"] = f"{regression.r_squared:.3f}"
    column.foot["variance"] = regression.main
    return column
