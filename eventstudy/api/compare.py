"""``compare``: the same study under other models, windows and estimation lengths, as a frame and a plot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from eventstudy.api.averages import ALL, averages
from eventstudy.api.plot import COLOURS, drawn_forest
from eventstudy.api.result import Inputs, inputs_of, record_of
from eventstudy.api.studies import study_of
from eventstudy.api.text_table import SmallTable, Text
from eventstudy.errors import EventStudyError, UsageError
from eventstudy.report.format import interval, p_value, percent
from eventstudy.spec import StudySpec, Window
from eventstudy.spec_values import count, several, some_windows

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "event_id", "ticker", "group", "model", "estimation", "window", "main", "n", "car", "ci_low", "ci_high", "test",
    "p_value", "reason",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The results of a study under several choices.

    Attributes
    ----------
    frame : DataFrame
        One row a choice and group, or a choice and event where no group has two events: ``model``, ``estimation``,
        ``window``, ``main`` (the study's own choices), ``n``, ``car`` (CAR, or CAAR of a group), its interval, the test
        to read and its p value; ``reason`` where a choice could not be studied.
    level : float
        Of the intervals.
    """

    frame: pd.DataFrame
    level: float

    def plot(self, *, ax: Any = None) -> Any:
        """The specification curve: estimates in ascending order with their intervals, the study's own choices marked.

        Returns
        -------
        matplotlib Axes
        """
        known = self.frame[self.frame["car"].notna()].sort_values("car", kind="stable")
        if known.empty:
            raise UsageError("no choice could be studied", "", "see the column reason of the frame")
        labels = [
            " ".join(
                part
                for part in (str(one.event_id), str(one.ticker), f"{one.model} {one.estimation} {one.window}")
                if part
            )
            for one in known.itertuples()
        ]
        values = (100 * known[name].to_numpy(dtype=np.float64) for name in ("car", "ci_low", "ci_high"))
        colours = [COLOURS[1] if main else COLOURS[0] for main in known["main"]]
        title = f"Specification curve, {100 * self.level:g} % intervals; the choices of the study in orange"
        return drawn_forest(labels, *values, colours=colours, title=title, ax=ax)

    def summary(self, form: str = "text") -> Text:
        """The frame as a table to read."""
        rows = [
            (
                f"{'*' if one.main else ' '}{one.model}",
                f"{one.estimation}",
                str(one.window),
                str(one.ticker or one.group),
                percent(one.car),
                interval(one.ci_low, one.ci_high),
                p_value(one.p_value),
                str(one.reason)[:60],
            )
            for one in self.frame.itertuples()
        ]
        head = ("model", "estimation", "window", "of", "CAR", f"{100 * self.level:g} % interval", "p", "")
        return SmallTable(
            title="The study under other choices", head=head, rows=rows, notes=["* the choices of the study"]
        ).render(form)

    def __repr__(self) -> str:
        return str(self.summary())

    def _repr_html_(self) -> str:
        return str(self.summary("html"))


def compare(
    result: object,
    *,
    models: str | Sequence[str] | None = None,
    windows: Any = None,
    estimation: int | Sequence[int] | None = None,
    **study: Any,
) -> Comparison:
    """Run a study again under every combination of models, windows and estimation lengths.

    Parameters
    ----------
    result : StudyResult, or events as ``run`` takes them
    models : str, sequence of str or None
        None keeps the model of the study.
    windows : window, sequence of windows or None
        None keeps the windows of the study. The event window is widened where they do not fit it.
    estimation : int, sequence of int or None
        Sessions of the estimation window.

    Returns
    -------
    Comparison
        Its ``frame`` has a row for every choice; one that cannot be studied has its reason.

    Raises
    ------
    UsageError
        For a choice that cannot be right.

    Examples
    --------
    >>> import eventstudy as es
    >>> result = es.run("NVDA", "2025-04-15", timing="amc", source="snapshot", windows="0:0")
    >>> es.compare(result, models=["market-model", "constant-mean"], estimation=[120, 250]).frame.shape[0]
    4
    """
    found = study_of(result, study)
    spec, inputs = found.spec, inputs_of(found)
    names = list(several("models", models)) if models is not None else [spec.model]
    lengths = [count("estimation", one) for one in _listed(estimation)] if estimation is not None else [spec.estimation]
    tried = some_windows("windows", windows) if windows is not None else spec.windows
    rows: list[dict[str, Any]] = []
    for model, length in product(dict.fromkeys(names), dict.fromkeys(lengths)):
        rows += _under(inputs, _changed(spec, model, length, tried), spec)
    return Comparison(frame=_frame(rows), level=spec.level)


def _listed(value: Any) -> list[Any]:
    return list(value) if hasattr(value, "__iter__") and not isinstance(value, str) else [value]


def _changed(spec: StudySpec, model: str, estimation: int, windows: tuple[Window, ...]) -> StudySpec:
    from eventstudy.choices import checked_model

    days = [spec.event_window, *windows]
    reach = Window(min(one.start for one in days), max(one.end for one in days))
    changed = spec.with_choices(model=model, estimation=estimation, windows=windows, event_window=reach)
    return checked_model(changed)


def _under(inputs: Inputs, spec: StudySpec, own: StudySpec) -> list[dict[str, Any]]:
    shared = {"model": spec.model, "estimation": spec.estimation}
    same = spec.model == own.model and spec.estimation == own.estimation

    def row(window: str, **values: Any) -> dict[str, Any]:
        return {**shared, "window": window, "main": same and window in [one.label for one in own.windows], **values}

    try:
        found = inputs.run(spec)
    except EventStudyError as error:
        return [row(window.label, reason=error.found) for window in spec.windows]
    study = record_of(found)
    whole = [one for one in averages(study) if one.group == ALL]
    if whole:
        return [
            row(
                one.window, group=one.group, n=one.n, car=one.caar, ci_low=one.ci_low, ci_high=one.ci_high,
                test=one.test, p_value=one.p, reason=one.reason,
            )
            for one in whole
        ]  # fmt: skip
    rows = [
        row(
            str(one.window), event_id=one.event_id, ticker=one.ticker, n=1, car=one.car, ci_low=one.ci_low,
            ci_high=one.ci_high, test="car-t", p_value=one.p_t,
        )
        for one in found.windows.itertuples()
    ]  # fmt: skip
    lost = [
        row(window.label, event_id=one.event_id, ticker=one.ticker, reason=str(one.reason))
        for one in found.excluded.itertuples()
        for window in spec.windows
    ]
    return [*rows, *lost]


def _frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    import pandas as pd

    texts = ("event_id", "ticker", "group", "test", "reason")
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    made = {name: frame[name].astype(object).where(frame[name].notna(), "") for name in texts}
    return frame.assign(n=frame["n"].fillna(0).astype(int), main=frame["main"].astype(bool), **made)
