"""The compiled tests that fit the model on estimation and test window together, against their NumPy functions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from eventstudy.engine import block as blocks
from eventstudy.engine.measure import REFITTED
from eventstudy.engine.panel import Placed
from eventstudy.engine.significance.conformal import as_far
from tests.conftest import needs
from tests.engine.kernel_sample import hard_events, hard_panel, options

needs_numba = needs("fast")
RANKS = ("p_conformal", "p_min_conformal", "p_vol_conformal", "p_rank_local", "p_min_rank_local")
# outliers of 1e4, where the effects that are not rejected have gaps, and the NumPy bound depends on the events beside
GAPS = (5,)


def columns(monkeypatch: pytest.MonkeyPatch, seed: int, **more: Any) -> tuple[Placed, Any, dict[str, dict[str, Any]]]:
    """What both engines find, bounds before they become those of the headline."""
    monkeypatch.setattr(
        blocks, "headline", lambda exact, p, low, high, side: {"p_rank_local": p, "rank_low": low, "rank_high": high}
    )
    panel, placed = hard_panel(seed, own_factors=seed % 2 == 1), hard_events(seed, 150)
    found = {
        engine: blocks.study_block(panel, placed, options(tests=REFITTED, engine=engine, **more))
        for engine in ("numpy", "numba")
    }
    return placed, found["numpy"].measures, {engine: one.columns for engine, one in found.items()}


@needs_numba
@pytest.mark.parametrize("model", ["market-model", "constant-mean", "market-adjusted", "ff5", "ff3-no-intercept"])
@pytest.mark.parametrize("rules", [{}, {"strict": True}, {"alternative": "less"}, {"alternative": "greater"}])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_twins_agree(monkeypatch: pytest.MonkeyPatch, model: str, rules: dict[str, Any], seed: int) -> None:
    """Masked and missing days, returns over several sessions, returns rounded to the cent and a third of them zero,
    edges of the panel: ranks exactly, bounds to 1e-11 of their distance from the CAR, of which both stop within 1e-12."""
    placed, measures, found = columns(monkeypatch, seed, model=model, **rules)
    one, other = found["numpy"], found["numba"]
    for name in RANKS:
        np.testing.assert_array_equal(one[name], other[name], err_msg=name)
        assert np.isfinite(one[name]).sum() > 100, name
    plain = ~np.isin(placed.series, GAPS)
    for name in ("rank_low", "rank_high"):
        a, b, car = one[name][plain], other[name][plain], measures.car[plain]
        np.testing.assert_array_equal(np.isfinite(a), np.isfinite(b), err_msg=name)
        assert float(np.nanmax(np.abs(a - b) / np.maximum(np.abs(a - car), 1e-9), initial=0.0)) < 1e-11, name


@pytest.mark.parametrize("side", ["two-sided", "less", "greater"])
def test_sums_that_rounding_parts_are_equal(side: Any) -> None:
    """0.1 + 0.2 is not 0.3 in binary; a day that moved as far counts in either order, one a millionth shorter does not."""
    sign = -1 if side == "less" else 1
    for sums in ([0.1 + 0.2, 0.3, 0.3 * (1 - 1e-6), 0.3], [0.3, 0.3, 0.3 * (1 - 1e-6), 0.1 + 0.2]):
        assert as_far(sign * np.array(sums), side).tolist() == [True, True, False, True]


@needs_numba
def test_neither_neighbours_nor_threads_change_a_digit() -> None:
    panel, placed = hard_panel(4), hard_events(4, 60)
    whole = blocks.study_block(panel, placed, options(tests=REFITTED, engine="numba"))
    shared = blocks.study_block(panel, placed, options(tests=REFITTED, engine="numba", threads=2))
    alone = [
        blocks.study_block(panel, placed.part(i, i + 1), options(tests=REFITTED, engine="numba")) for i in range(60)
    ]
    for name, values in whole.columns.items():
        np.testing.assert_array_equal(values, shared.columns[name], err_msg=name)
        np.testing.assert_array_equal(values, np.concatenate([one.columns[name] for one in alone]), err_msg=name)


@needs_numba
@pytest.mark.parametrize(
    ("test", "filled"),
    [
        ("conformal", {"p_conformal", "p_min_conformal"}),
        ("vol-conformal", {"p_vol_conformal"}),
        ("rank-local", {"p_rank_local", "p_min_rank_local", "rank_low", "rank_high"}),
    ],
)
def test_one_test_fills_its_own_columns_alone(test: str, filled: set[str]) -> None:
    from eventstudy.engine.compiled.compiled_api import refitted_compiled

    panel, placed = hard_panel(4), hard_events(4, 60)
    asked = options(tests=frozenset({test}), engine="numba")
    known = np.ones((60, len(asked.windows)), dtype=bool)
    found = refitted_compiled(panel, placed, asked, known)
    assert {name for name, values in found.items() if np.isfinite(values).any()} == filled


@needs_numba
def test_a_wrong_order_is_seen() -> None:
    """The comparison above tells one event from another: the same events, turned round, have other ranks."""
    panel, placed = hard_panel(4), hard_events(4, 60)
    one = blocks.study_block(panel, placed, options(tests=REFITTED, engine="numba")).columns["p_rank_local"]
    turned = replace(placed, series=placed.series[::-1].copy(), session=placed.session[::-1].copy())
    other = blocks.study_block(panel, turned, options(tests=REFITTED, engine="numpy")).columns["p_rank_local"]
    assert not np.array_equal(one, other, equal_nan=True)
