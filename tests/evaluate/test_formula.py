"""The language of formulas: what it lets through means what it means elsewhere, and nothing else gets through."""

from __future__ import annotations

import ast
import contextlib
from pathlib import Path

import numpy as np
import pandas as pd
import patsy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventstudy.errors import UsageError
from eventstudy.evaluate.formula import FUNCTIONS, read_formula
from eventstudy.evaluate.regressors import design_matrix

COLUMNS = ("category", "role", "surprise", "size", "class", "größe", "log", "my col")
DATA = pd.DataFrame(
    {
        "category": pd.Series(["a", "b", "a", "c", "b", "c"], dtype=object),
        "role": pd.Series(["x", "x", "y", "y", "x", "y"], dtype=object),
        "surprise": [0.1, -0.2, 0.3, 0.0, 0.5, -0.4],
        "size": [1.0, 2.0, 3.0, 4.0, 5.0, 7.0],
    }
)

GOOD = [
    "1",
    "surprise",
    "C(category)",
    "C(category) + surprise - 1",
    "0 + role",
    "C(category):surprise",
    "role*surprise",
    "(role + surprise + size)**2",
    "np.log(size)",
    "I(surprise**2) + surprise",
    "abs(surprise)",
    "np.exp(-surprise / 2) + sqrt(size)",
    "I((size - 3) * 2)",
    'C(category, Treatment("b"))',
    "C(category, Treatment(reference='c')) + size",
]
HOSTILE = [
    "__import__('os').system('touch HERE')",
    "car ~ __import__('os')",
    "size.__class__.__bases__",
    "car ~ ().__class__.__subclasses__()",
    "car ~ (lambda: open('HERE','w'))()",
    "car ~ [open('HERE','w') for x in size]",
    "car ~ eval('1')",
    "exec('open(1)')",
    "Q('size')",
    "Q(__import__('os').system('touch HERE'))",
    "C(__import__('os').system('touch HERE'))",
    "C(category, __import__('os'))",
    "C(category, Treatment(open('HERE','w')))",
    "C(category, levels=open('HERE','w'))",
    "I(open('HERE','w'))",
    "np.load('HERE')",
    "np.log.__globals__",
    "log(np)",
    "np.fromfile('HERE')",
    "bs(size, df=4)",
    "car ~ size if 1 else 0",
    "size; import os",
    "size\n__import__('os')",
    "f'{open(1)}'",
    "`size`",
    "{open('HERE')}",
    "size @ size",
    "size := 3",
    "size == 1",
    "car ~ size ~ size",
    "y ~ size",
    "car ~ car",
    "C('a\\'+open(1)+\\'')",
    "class",
    "größe",
    "log",
    "size ** size",
    "size ** 9",
    "((size)**3)**3",
    "I(size ** size)",
    "size*surprise*role*category*size*surprise*role*category",
    "(" * 60 + "size" + ")" * 60,
    "size + " * 1000 + "size",
    "",
    "car ~",
    "size +",
    "2",
    "1.5 + size",
    "log size",
    "log(size",
    "surprize",
]


@pytest.mark.parametrize("text", GOOD)
def test_a_formula_means_what_it_means_to_the_library(text: str) -> None:
    x, names = design_matrix(read_formula(f"car ~ {text}", COLUMNS), DATA)
    reach = patsy.EvalEnvironment([{**FUNCTIONS, "np": np}])
    expected = patsy.dmatrix(text, DATA, eval_env=reach)
    # patsy puts terms with the same numeric factors together, formulaic sorts by degree as R does
    columns = dict(zip(expected.design_info.column_names, np.asarray(expected).T, strict=True))
    assert {name.replace('"', "'") for name in columns} == set(names)
    for name, column in columns.items():
        np.testing.assert_allclose(x[:, names.index(name.replace('"', "'"))], column, rtol=1e-14, atol=1e-14)
    assert x.shape[1] == len(names)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_refused_with_a_sentence(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError) as caught:
        design_matrix(read_formula(text, COLUMNS), DATA)
    assert caught.value.found
    assert caught.value.wanted
    assert not list(tmp_path.iterdir())


@given(st.text(alphabet="car~+-*:/().,= \"'1029CIQnplogabsurpisezet_[]{}@;\\\n", max_size=60))
@settings(max_examples=400, deadline=None)
def test_whatever_gets_through_names_nothing_but_columns_and_functions(text: str) -> None:
    try:
        found = read_formula(text, COLUMNS)
    except UsageError:
        return
    assert {factor for term in found.terms for factor in term} <= {"1", *found.columns, *found.calls}
    for node in [part for call in found.calls.values() for part in ast.walk(call)]:
        if isinstance(node, ast.Name):
            assert node.id in {*found.columns, *FUNCTIONS, "C", "I", "Treatment", "np"}
        assert not isinstance(node, ast.Attribute) or (ast.unparse(node.value) == "np" and node.attr in FUNCTIONS)
        assert not isinstance(
            node, ast.Subscript | ast.Lambda | ast.ListComp | ast.NamedExpr | ast.JoinedStr | ast.Dict
        )


@pytest.mark.parametrize("text", [*GOOD, *HOSTILE])
def test_no_text_of_a_formula_is_compiled(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """formulaic evaluates factors with `eval`; ours reach it as columns."""
    formulaic = pytest.importorskip("formulaic.materializers.base")
    monkeypatch.setattr(formulaic, "stateful_eval", lambda *_: pytest.fail("evaluated"))
    with contextlib.suppress(UsageError):
        design_matrix(read_formula(text, COLUMNS), DATA)


def test_a_huge_power_of_numbers_costs_nothing() -> None:
    with pytest.raises(UsageError, match="is not a number on"):
        design_matrix(read_formula("I(9**99999999) + size", COLUMNS), DATA)


def test_a_slip_gets_a_suggestion() -> None:
    with pytest.raises(UsageError, match="did you mean surprise"):
        read_formula("surprize", COLUMNS)
    with pytest.raises(UsageError, match=r"did you mean log\(\)"):
        read_formula("logg(size)", COLUMNS)
