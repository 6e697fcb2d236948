"""Columns of the events file as the design matrix of a regression, and what is wrong with it."""

from __future__ import annotations

import ast
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from eventstudy.engine.panel import Bools, Floats, Ints
from eventstudy.errors import UsageError
from eventstudy.evaluate.formula import Formula, value

if TYPE_CHECKING:
    import pandas as pd

    from eventstudy.results import Studied

INTERCEPT = "Intercept"
# Below, one regressor at most unless the user insists.
SMALL_SAMPLE = 20
# Columns that are claims: what is not a plain number in them (`up`, `<-0.06`) is missing.
CLAIMS = frozenset({"claimed_return", "claimed_open_return"})


def event_columns(studied: Studied, formula: Formula, at: Ints) -> tuple[pd.DataFrame, Bools]:
    """Columns of the events file for some positions, numbers where every filled cell is one, and complete rows. Raises
    ``UsageError`` if a column that is used in arithmetic is not numeric, or a named reference level does not occur."""
    import pandas as pd

    complete = np.ones(len(at), dtype=bool)
    made: dict[str, Any] = {}
    for name in formula.columns:
        cells = [studied.text(int(i), name).strip() for i in at]
        numbers = [_number(cell) for cell in cells]
        filled = [cell != "" for cell in cells]
        numeric = all(not here or math.isfinite(n) for here, n in zip(filled, numbers, strict=True)) and any(filled)
        if numeric or name in CLAIMS:
            made[name] = np.array(numbers)
            complete &= np.isfinite(made[name])
        elif name in formula.numeric:
            odd = next((c for c, n in zip(cells, numbers, strict=True) if c and not math.isfinite(n)), "")
            found = f"holds {odd[:80]!r}" if odd else "is empty"
            raise UsageError(f"{name} is used in arithmetic and {found}", "decimals", f"C({name}) makes categories")
        else:
            made[name] = pd.Series(cells, dtype=object)
            complete &= np.array(filled)
    data = pd.DataFrame(made, index=np.arange(len(at)))
    for name in formula.columns:
        values = set(data.loc[complete, name])
        if len(values) == 1 and data[name].dtype == object:
            raise UsageError(f"{name} is {str(values.pop())[:80]!r} on every row", "a column that varies")
    for name, level in formula.levels:
        levels = sorted({str(value) for value in data.loc[complete, name]})
        if level not in levels:
            raise UsageError(f"{name} has no value {level!r}", " | ".join(levels[:20]), "name a level that occurs")
    return data, complete


def _number(cell: str) -> float:
    """A plain decimal, else NaN; ``inf`` and ``nan`` are words."""
    try:
        value = float(cell)
    except ValueError:
        return math.nan
    return value if math.isfinite(value) else math.nan


def design_matrix(formula: Formula, data: pd.DataFrame) -> tuple[Floats, tuple[str, ...]]:
    """The right side as numbers (N, k), and the name of each column.

    formulaic codes the terms. The values of their factors are computed here, so that it looks columns up and evaluates
    no text. Raises ``UsageError`` if a function has no value on some row, or the terms cannot be coded."""
    import pandas as pd
    from formulaic import SimpleFormula
    from formulaic.errors import FormulaicError
    from formulaic.materializers import PandasMaterializer
    from formulaic.parser.types import Factor, Term

    if not formula.terms:
        raise UsageError(f"{formula.written!r} has no term", "car ~ 1 is the mean")
    values: dict[str, Any] = {name: data[name] for name in formula.columns}
    with np.errstate(all="ignore"):
        for text, call in formula.calls.items():
            values[text] = _factor(call, data)
    frame = pd.DataFrame(values if values else {"1": np.ones(len(data))}, index=data.index)
    kinds = {"1": Factor("1", eval_method="literal")}
    terms = [Term([kinds.get(one) or Factor(one, eval_method="lookup") for one in term]) for term in formula.terms]
    try:
        made = PandasMaterializer(frame).get_model_matrix(SimpleFormula(terms), na_action="ignore", output="pandas")
        x = np.ascontiguousarray(made.to_numpy(dtype=np.float64))
    except (FormulaicError, TypeError, ValueError, OverflowError) as error:
        reason = " ".join(str(error).split())[:200]
        raise UsageError(
            f"{formula.written!r} does not give a design matrix: {reason}", "terms of columns that vary"
        ) from error
    names = tuple(map(str, made.columns))
    for name, column in zip(names, x.T, strict=True):
        if not np.isfinite(column).all():
            raise UsageError(
                f"{name} is not a number on {int((~np.isfinite(column)).sum())} rows", "a number on every row"
            )
    return x, names


def _factor(call: ast.Call, data: pd.DataFrame) -> Any:
    """The values of a call of a formula: numbers (N,), or categories with the reference level first."""
    import pandas as pd

    match call:
        case ast.Call(func=ast.Name(id="C"), args=[ast.Name(id=name), *coding]):
            column = data[name].astype(str) if coding else data[name]
            levels = sorted(column.unique())
            if coding:
                reference = next(node.value for node in ast.walk(coding[0]) if isinstance(node, ast.Constant))
                levels = [str(reference), *(level for level in levels if level != reference)]
            return pd.Categorical(column, categories=levels)
        case _:
            return np.broadcast_to(value(call, data), len(data))


def check_design(formula: Formula, x: Floats, names: Sequence[str], *, allow_small: bool) -> None:
    """Raise a UsageError where the coefficients are not identified, or too few rows support them."""
    n, k = x.shape
    constant = [name for name, v in zip(names, x.T, strict=True) if np.ptp(v) == 0 and name != INTERCEPT]
    if constant and (INTERCEPT in names or len(constant) > 1 or not x.any(axis=0).all()):
        raise UsageError(
            f"{constant[0]} has the same value on all {n} rows", "columns that vary", "leave it out of --formula"
        )
    if n <= k:
        raise UsageError(f"{n} rows are too few for {k} coefficients", f"more than {k} rows", "a shorter --formula")
    scaled = x / np.sqrt((x**2).sum(axis=0))
    if np.linalg.matrix_rank(scaled) < k:
        repeated = _repeats(scaled, names)
        raise UsageError(
            f"{formula.written!r} is singular on these {n} rows: {repeated} is a combination of the others",
            "terms that are not collinear",
            "leave one out; categories that always occur together are one",
        )
    slopes = sum(name != INTERCEPT for name in names)
    if slopes > 1 and n < SMALL_SAMPLE and not allow_small:
        raise UsageError(
            f"{slopes} regressors on {n} rows",
            f"{SMALL_SAMPLE} rows or more, or one regressor",
            "--allow-small fits it anyway; its p values are unreliable",
        )


def _repeats(scaled: Floats, names: Sequence[str]) -> str:
    """The first column that those on its left already make."""
    for column in range(1, len(names)):
        if np.linalg.matrix_rank(scaled[:, : column + 1]) <= column:
            return names[column]
    return names[-1]
