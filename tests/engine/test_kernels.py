"""The kernels hold to what a small study computes, and to themselves however the events are cut."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from eventstudy.engine.kernels import Measures, measure
from eventstudy.engine.panel import ReturnPanel
from eventstudy.engine.partition import Placed, study_block
from eventstudy.engine.significance.evidence import gather_evidence
from eventstudy.spec import StudySpec, Window
from tests.engine.kernel_sample import PLAN, WINDOWS, hard_events, hard_panel


def part(placed: Placed, at: slice | np.ndarray) -> Placed:
    """Some of the events."""
    cut = {name: getattr(placed, name)[at] for name in ("series", "session", "masked", "seed")}
    return replace(placed, **cut)


def arrays(record: Any, prefix: str = "") -> dict[str, np.ndarray]:
    """Every array of a record by its name."""
    found: dict[str, np.ndarray] = {}
    for item in fields(record):
        value = getattr(record, item.name)
        if isinstance(value, np.ndarray):
            found[prefix + item.name] = value
        elif value is not None:
            found |= arrays(value, f"{item.name}.")
    return found


@pytest.mark.parametrize("model", ["market-model", "market-adjusted", "constant-mean", "multi-index", "ff5"])
@pytest.mark.parametrize("strict", [False, True])
def test_measures_are_those_of_a_small_study(model: str, strict: bool) -> None:
    panel, placed = hard_panel(3), hard_events(3)
    spec = StudySpec(
        model=model,
        estimation=PLAN.estimation,
        windows=tuple(Window(*pair) for pair in WINDOWS),
        missing="strict" if strict else "trade-to-trade",
        tests=("ar-t",),
        benchmarks=("SPY", "SOXX"),
    )
    block = study_block(panel, placed, spec)
    found = measure(panel, placed, PLAN, model, WINDOWS, strict=strict, residuals=True)
    evidence = gather_evidence(block.design, block.fits, block.abnormal.v)
    same = {
        **{
            name: getattr(block.fits, name)
            for name in ("n_obs", "nu", "s2", "theta", "xtx_inv", "r_squared", "rank_ok")
        },
        **{name: getattr(block.abnormal, name) for name in ("ar", "v", "expected", "path", "path_v")},
        **{name: getattr(block.cars, name) for name in ("car", "q", "base", "bhar")},
        "std_error": block.exact.std_error,
        "scar": block.exact.t,
    }
    for name, values in same.items():
        np.testing.assert_array_equal(getattr(found, name), values, err_msg=name)
    assert found.evidence is not None
    for name, values in arrays(evidence).items():
        np.testing.assert_array_equal(getattr(found.evidence, name), values, err_msg=name)


def test_first_last_and_masked_are_counted_as_a_loop_counts_them() -> None:
    panel, placed = hard_panel(4), hard_events(4)
    found = measure(panel, placed, PLAN, "market-model", WINDOWS)
    for i, (s, t) in enumerate(zip(placed.series, placed.session, strict=True)):
        used, masked = [], 0
        for k in range(PLAN.estimation):
            at = t + PLAN.estimation_start + k
            inside = 0 <= at < panel.n_sessions
            if inside and np.isfinite(panel.returns[s, at]) and np.isfinite(panel.factors[s, :, at]).all():
                masked += placed.masked[i, k]
                used += [] if placed.masked[i, k] else [at]
        assert found.n_masked[i] == masked
        assert found.n_obs[i] == len(used)
        assert (found.first_used[i], found.last_used[i]) == ((used[0], used[-1]) if used else (-1, -1))
    assert (found.first_used == -1).any() and found.n_masked.any()


def identical(one: Measures, other: Measures) -> None:
    """Every digit of both."""
    mine, theirs = arrays(one), arrays(other)
    assert mine.keys() == theirs.keys()
    for name, values in mine.items():
        assert values.dtype == theirs[name].dtype, name
        np.testing.assert_array_equal(values, theirs[name], err_msg=name)


def test_partitions_and_chunks_change_no_digit() -> None:
    panel, placed = hard_panel(5), hard_events(5, 5000)
    whole = measure(panel, placed, PLAN, "multi-index", WINDOWS)
    for cut in (1, 700, 2048, 4097):
        left = measure(panel, part(placed, slice(0, cut)), PLAN, "multi-index", WINDOWS)
        right = measure(panel, part(placed, slice(cut, None)), PLAN, "multi-index", WINDOWS)
        for name, values in arrays(whole).items():
            joined = np.concatenate([arrays(left)[name], arrays(right)[name]])
            np.testing.assert_array_equal(joined, values, err_msg=f"{name} at {cut}")


def test_no_events_give_empty_measures_of_the_right_width() -> None:
    panel: ReturnPanel = hard_panel(6)
    nothing = part(hard_events(6), slice(0, 0))
    found = measure(panel, nothing, PLAN, "ff5", WINDOWS, residuals=True)
    assert found.car.shape == (0, len(WINDOWS)) and found.ar.shape == (0, PLAN.n_window)
    assert found.theta.shape == (0, 6) and found.evidence is not None
    assert found.evidence.corrado.shape == (0, PLAN.estimation + PLAN.n_window)
