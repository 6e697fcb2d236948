"""``regress``: CARs on columns of the events, with the variance to read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from eventstudy.api.result import StudyResult, record_of
from eventstudy.api.studies import study_of
from eventstudy.api.text_table import SmallTable, Text, checked_form
from eventstudy.api.typed_tables import typed
from eventstudy.errors import UsageError, flat
from eventstudy.report.format import count, p_value
from eventstudy.spelling import meant
from eventstudy.window import Window

if TYPE_CHECKING:
    import pandas as pd

    from eventstudy.evaluate.coefficients import Coefficient
    from eventstudy.evaluate.regress import Regression
    from eventstudy.results import Studied

# what rows may be clustered by -> the variances that do so, the one for few clusters first
CLUSTERS: dict[str, tuple[str, ...]] = {
    "date": ("wild-cluster", "cluster"),
    "two-way": ("wild-two-way", "cluster-two-way"),
    "none": ("hc3", "hc1"),
}
# other words for the same
SAME = {"day0": "date", "session": "date", "firm and date": "two-way", "date and firm": "two-way", "twoway": "two-way"}


@dataclass(frozen=True, slots=True, kw_only=True)
class RegressionResult:
    """Regressions of CARs on columns of the events, one a window.

    Attributes
    ----------
    study : StudyResult
    regressions : tuple of Regression
    """

    study: StudyResult
    regressions: tuple[Regression, ...]

    @property
    def command(self) -> str:
        """Its name in a manifest."""
        return "regress"

    @property
    def formula(self) -> str:
        """The formula as it was written."""
        return self.regressions[0].formula

    @property
    def frame(self) -> pd.DataFrame:
        """Every coefficient under every variance: the columns of regression.csv; ``main`` marks what to read."""
        from eventstudy.report.regression import regression_frame

        return typed(regression_frame(self.regressions))

    @property
    def params(self) -> Any:
        """Estimates by term: a Series, or of several windows a frame with a column each."""
        return self._column("estimate")

    @property
    def std_errors(self) -> Any:
        """Standard errors under the variance to read."""
        return self._column("std_error")

    @property
    def pvalues(self) -> Any:
        """P values under the variance to read."""
        return self._column("p_value")

    @property
    def nobs(self) -> int:
        """Rows of the first regression."""
        return self.regressions[0].n

    def conf_int(self) -> pd.DataFrame:
        """Intervals at the study's level: ``ci_low`` and ``ci_high`` by term, of several windows by window and term."""
        main = self.frame[self.frame["main"]]
        index = "term" if len(self.regressions) == 1 else ["window", "term"]
        return main.set_index(index)[["ci_low", "ci_high"]]

    def _column(self, name: str) -> Any:
        main = self.frame[self.frame["main"]]
        if len(self.regressions) == 1:
            return main.set_index("term")[name]
        return main.pivot_table(index="term", columns="window", values=name, sort=False, observed=True)

    def summary(self, form: str = "text") -> Text:
        """The table to read: ``text``, ``markdown``, ``latex`` or ``html``."""
        from eventstudy.report.regression import regression_tex, regression_text

        name = checked_form(form)
        if name == "text":
            return Text("\n\n".join(regression_text(one) for one in self.regressions))
        if name == "latex":
            return Text(regression_tex(self.regressions))
        return Text("\n\n".join(self._table(one).render(name) for one in self.regressions))

    def _table(self, one: Regression) -> SmallTable:
        rows = [
            (c.term, f"{c.estimate:.5g}", f"{c.std_error:.5g}", p_value(c.p), f"{c.ci_low:.5g} to {c.ci_high:.5g}")
            for c in main_coefficients(one)
        ]
        head = ("term", "estimate", f"std. error ({one.main})", "p", "interval")
        notes = [f"{count(one.n, 'row')} on {count(one.n_dates, 'date')}"]
        return SmallTable(title=f"{one.formula}; window {one.window}", head=head, rows=rows, notes=notes)

    def files(self, formats: Sequence[str]) -> dict[str, str | bytes]:
        """The files that ``report`` adds."""
        from eventstudy.report.csv_rows import csv_text
        from eventstudy.report.regression import regression_frame, regression_tex

        table = regression_frame(self.regressions)
        made: dict[str, str | bytes] = {"regression.tex": regression_tex(self.regressions)}
        if "csv" in formats:
            made["regression.csv"] = csv_text(table, self.study.spec.digits)
        if {"xlsx", "dta"} & set(formats):
            from eventstudy.report.sheets import table_files

            made |= table_files({"regression": table}, formats, "regression.xlsx")
        return made

    def __repr__(self) -> str:
        return str(self.summary())

    def _repr_html_(self) -> str:
        return str(self.summary("html"))


def main_coefficients(one: Regression) -> list[Coefficient]:
    """The coefficients under the variance to read."""
    return [c for c in one.coefficients if (c.estimator, c.variance) == ("ols", one.main)]


def regress(
    result: object,
    formula: str = "car ~ 1",
    *,
    cluster: str | Sequence[str] | None = None,
    window: Any = None,
    allow_small: bool = False,
    **study: Any,
) -> RegressionResult:
    """Regress the CARs of a study on columns of its events.

    Parameters
    ----------
    result : StudyResult, or events as ``run`` takes them
        Of events, ``prices``, ``spec`` and the choices of ``run`` are keywords.
    formula : str
        Such as ``"car ~ log(size) + C(sector)"``: columns of the events, numbers, ``C()``, ``log()`` and others.
    cluster : {"date", "two-way", "none"} or None
        What to cluster by; None takes what the sample asks for. Few clusters take the wild bootstrap.
    window : window, "primary" or None
        One of the study's windows, or the primary window of each event.
    allow_small : bool
        Fit several regressors to fewer than 20 rows.

    Returns
    -------
    RegressionResult
        One regression of the primary window, or one of each window that was named.

    Raises
    ------
    UsageError
        If the formula cannot be read, with the nearest column, or its design cannot be estimated.
    NothingStudied
        If no row has a CAR.

    Examples
    --------
    >>> import eventstudy as es
    >>> events = [{"ticker": "NVDA", "announced_at": f"2024-{month:02d}-14"} for month in range(1, 13)]
    >>> result = es.run(events, source="snapshot", exclude="none")
    >>> es.regress(result, "car ~ 1").nobs
    12
    """
    from eventstudy.evaluate import regress as regressions

    # a regression reads CARs and their variances alone
    found = study_of(result, study, quick=("car-t",))
    studied = record_of(found).studied
    chosen = None if window is None else [_position(studied, window)]
    made = regressions.regress(studied, formula, allow_small=allow_small, windows=chosen)
    if cluster is not None:
        made = tuple(_clustered(one, cluster) for one in made)
    return RegressionResult(study=found, regressions=made)


def _position(studied: Studied, window: Any) -> int:
    """Position of a window of the study; -1 for the primary window of each event."""
    if window == "primary":
        return -1
    wanted, known = Window.of(window), [studied.spec.windows[at] for at in studied.shared_windows]
    if wanted not in known:
        raise UsageError(f"the study has no window {wanted.label}", " | ".join(one.label for one in known))
    return known.index(wanted)


def _clustered(one: Regression, cluster: str | Sequence[str]) -> Regression:
    """The same regression with another variance to read.

    Raises
    ------
    UsageError
        For unknown words, or a variance that the sample does not have.
    """
    words = cluster if isinstance(cluster, str) else " and ".join(cluster)
    name = SAME.get(words.lower(), words.lower())
    if name not in CLUSTERS:
        raise UsageError(
            f"cluster {flat(words, 80)!r} is unknown", " | ".join(CLUSTERS), meant(words, [*CLUSTERS, *SAME])
        )
    there = {c.variance for c in one.coefficients if c.estimator == "ols"}
    if one.main in CLUSTERS[name]:
        return one
    found = [variance for variance in CLUSTERS[name] if variance in there]
    if not found and name == "date" and one.n_dates == one.n:
        # each row is a cluster of its own
        return one
    if not found:
        raise UsageError(f"no rows share what cluster={words!r} needs", f"one of {', '.join(sorted(there))}")
    from eventstudy.evaluate.coefficients import FEW_DATES

    return replace(one, main=found[0] if one.n_dates < FEW_DATES else found[-1])
