"""Every first try works, or is refused in one line that says what to write; never a traceback from inside."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import eventstudy as es
from tests.api.first_tries import REFUSED, WORKS

# what a study says of itself is not an error here
pytestmark = pytest.mark.filterwarnings("ignore::eventstudy.errors.EventStudyWarning")


def run_code(code: str, space: dict[str, Any]) -> Any:
    """What the last line of some code gives."""
    tree = ast.parse(code)
    last = tree.body.pop()
    exec(compile(tree, "<first try>", "exec"), space)
    assert isinstance(last, ast.Expr), code
    return eval(compile(ast.Expression(last.value), "<first try>", "eval"), space)


@pytest.fixture
def space(market: dict[str, Any], result: Any, tmp_path: Path) -> dict[str, Any]:
    """The names that first tries use."""
    duckdb, pl, pa = (pytest.importorskip(name) for name in ("duckdb", "polars", "pyarrow"))
    reference = result.windows["car"].to_numpy()
    return {
        "es": es, "pd": pd, "np": np, "pl": pl, "pa": pa, "duckdb": duckdb, "folder": tmp_path, "result": result,
        "reference": reference, **{name: value.copy() for name, value in market.items()},
    }  # fmt: skip


def test_there_are_sixty_and_more() -> None:
    codes = [code for code, _ in (*WORKS, *REFUSED)]
    assert len(WORKS) >= 60 and len(REFUSED) >= 40 and len(set(codes)) == len(codes)


@pytest.mark.parametrize("code,check", WORKS, ids=[code[:60] for code, _ in WORKS])
def test_it_works(code: str, check: str, space: dict[str, Any]) -> None:
    space["r"] = run_code(code, space)
    assert eval(check, space), (code, space["r"])
    if "pyplot" in str(type(space["r"])) or hasattr(space["r"], "figure"):
        import matplotlib.pyplot as plt

        plt.close("all")


@pytest.mark.parametrize("code,words", REFUSED, ids=[code[:60] for code, _ in REFUSED])
def test_it_is_refused_with_the_remedy(code: str, words: str, space: dict[str, Any]) -> None:
    with pytest.raises((es.EventStudyError, AttributeError)) as caught:
        run_code(code, space)
    message = str(caught.value)
    assert words in message, message
    assert "\n" not in message and "--" not in message, message


def test_a_refusal_that_says_something_else_is_seen(space: dict[str, Any]) -> None:
    """A negative control of the two tests above."""
    with pytest.raises(es.UsageError) as caught:
        run_code("es.run(5)", space)
    assert "did you mean" not in str(caught.value)
    space["r"] = es.run(space["events"], space["wide"] * [1, 1.01, 1, 1, 1] ** np.arange(len(space["wide"]))[:, None])
    assert not eval("np.allclose(r.windows['car'], reference, equal_nan=True)", space)
