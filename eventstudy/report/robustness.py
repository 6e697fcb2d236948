"""The table robustness: each event's models under the study's own choices, then what else its curves hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from eventstudy.engine.panel import Bools, Ints
from eventstudy.flags import flag_words
from eventstudy.records import RobustRows, SpecCurve
from eventstudy.report.columns import COLUMNS
from eventstudy.report.event_tables import Column, Words, coded_words

if TYPE_CHECKING:
    from eventstudy.results import StudyResult
    from eventstudy.spec import StudySpec

# numbers of both kinds of rows -> their columns
NUMBERS = {"car": "car", "std_error": "std_error", "t": "t", "p": "p_t", "n_estimation": "n_estimation"}
NO_YES = ("no", "yes")


def robustness_columns(result: StudyResult) -> dict[str, Column]:
    """Columns of robustness; none where it has no rows."""
    usual, studied, spec = result.robustness, result.studied, result.spec
    if not len(usual) and not result.curves:
        return {}
    assert studied.measured is not None, "rows were studied"
    inside, kept = _beside(usual, result.curves, spec)
    n, curves = len(usual), [(curve, at) for curve, at in zip(result.curves, kept, strict=True) if len(at)]
    cells = [curve.cells[k] for curve, at in curves for k in at.tolist()]
    parts = [curve.part for curve, at in curves for _ in at]

    def numbers(name: str) -> np.ndarray:
        return np.concatenate([getattr(usual, name), *(getattr(curve, name)[at] for curve, at in curves)])

    row = np.concatenate([usual.row, *(np.full(len(at), curve.row) for curve, at in curves)])
    known, first, event = np.unique(row, return_index=True, return_inverse=True)
    # the parts of day 0 are a window that the study need not have
    labels = [curve.window.label for curve, at in curves for _ in at]
    own = np.ones(n, dtype=np.int64)
    index, position = studied.index, np.searchsorted(studied.rows, row)
    columns: dict[str, Column] = {
        "event_id": Words(event, index.events.ids.texts(known)),
        "ticker": Words(index.pair[row], [ticker for ticker, _ in index.pairs]),
        "window": _words(usual.window, [window.label for window in spec.windows], labels),
        "model": _words(usual.model, usual.models, [cell.model for cell in cells]),
        "masked": Words(np.concatenate([usual.masked, [cell.masked for cell in cells]]).astype(np.int64), NO_YES),
        **{column: numbers(name) for name, column in NUMBERS.items()},
        "car_rescaled": np.concatenate([usual.rescaled, np.full(len(cells), np.nan)]),
        "part": _words(0 * own, ("day",), parts),
        "estimation": np.concatenate([spec.estimation * own, [cell.estimation for cell in cells]]).astype(np.int64),
        "gap": np.concatenate([spec.gap * own, [cell.gap for cell in cells]]).astype(np.int64),
        "returns": _words(0 * own, (spec.returns,), [cell.returns for cell in cells]),
        "in_curve": Words(np.concatenate([inside, np.ones(len(cells), dtype=bool)]).astype(np.int64), NO_YES),
        "flags": coded_words(studied.measured.row_flags[position], flag_words),
    }
    # events as they come, and the models of each before its curves
    order = np.lexsort((np.arange(len(row)) >= n, first[event]))
    return {name: _taken(columns[name], order) for name in COLUMNS["robustness"]}


def _beside(usual: RobustRows, curves: Sequence[SpecCurve], spec: StudySpec) -> tuple[Bools, list[Ints]]:
    """Which rows of models are in a curve, and the further cells of each curve."""
    inside, kept = np.zeros(len(usual), dtype=bool), []
    some = np.flatnonzero(np.isin(usual.row, [curve.row for curve in curves])).tolist()
    models, rows = usual.models, usual.row
    held = {(rows[i], spec.windows[usual.window[i]], models[usual.model[i]], bool(usual.masked[i])): i for i in some}
    for curve in curves:
        others = []
        for k, cell in enumerate(curve.cells):
            same = (cell.estimation, cell.gap, cell.returns) == (spec.estimation, spec.gap, spec.returns)
            at = held.get((curve.row, curve.window, cell.model, cell.masked), -1) if same else -1
            if at >= 0 and curve.part == "day":
                inside[at] = True
            else:
                others.append(k)
        kept.append(np.array(others, dtype=np.int64))
    return inside, kept


def _words(codes: Ints, values: Sequence[str], more: Sequence[str]) -> Words:
    """A coded column with more cells below it."""
    every = list(dict.fromkeys((*values, *more)))
    place = {value: code for code, value in enumerate(every)}
    return Words(np.concatenate([codes, np.array([place[value] for value in more], dtype=np.int64)]), every)


def _taken(column: Column, order: Ints) -> Column:
    return Words(column.codes[order], column.values) if isinstance(column, Words) else column[order]  # type: ignore[index]
