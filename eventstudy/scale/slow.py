"""Tests of one event beyond the t test: two that the kernels bring along, and those that a large study computes only
where they are named, by the lines of a small study."""

from __future__ import annotations

import numpy as np

from eventstudy.engine.kernels import Measures
from eventstudy.engine.panel import Floats, ReturnPanel
from eventstudy.engine.partition import Block, Fitter, Placed, study_block
from eventstudy.engine.significance.single import ar1_p_value, local_p_value, variance_ar1
from eventstudy.spec import StudySpec

# tests of one event that kernels measure for: computed in a large study too, unless tests are named
VECTORISED = ("car-t-ar1", "ar-t-local")


def serial_columns(found: Measures, spec: StudySpec, wanted: frozenset[str]) -> dict[str, Floats]:
    """Columns of windows, float64 (E, W), of the tests of ``VECTORISED`` that are wanted."""
    columns: dict[str, Floats] = {}
    if found.serial is None:
        return columns
    if "car-t-ar1" in wanted:
        q = variance_ar1(found.serial.phi, found.q, found.base)
        columns["p_t_ar1"] = ar1_p_value(found.car, q, found.s2, found.nu, spec.alternative)
    if "ar-t-local" in wanted:
        columns["p_local"] = local_p_value(found.car, found.q, found.serial.local_variance, spec.alternative)
    return columns


def single_columns(
    panel: ReturnPanel, placed: Placed, spec: StudySpec, wanted: frozenset[str], fitter: Fitter
) -> dict[str, Floats]:
    """Column of windows -> float64 (E, W), for the tests wanted, which are none of ``VECTORISED``."""
    block = study_block(panel, placed, spec.with_changes(tests=tuple(sorted(wanted))), fitter)
    volatility, boot = block.volatility, block.p_boot
    return {
        "p_sq": block.p_sq,
        "p_min_sq": block.p_min_sq,
        "p_conformal": block.p_conformal,
        "p_min_conformal": block.p_min_conformal,
        "p_rank": block.p_rank,
        "p_f": volatility.p_f,
        "avar": volatility.ratio,
        "p_vol_conformal": volatility.p_conformal,
        "p_vol_bf": volatility.p_brown_forsythe,
        "p_boot_iid": boot.iid,
        "p_boot_block": boot.block,
        "p_boot_stationary": boot.stationary,
        **_placebo(block),
    }


def _placebo(block: Block) -> dict[str, Floats]:
    if not block.placebo:
        return {}
    names = {"p_placebo": "p", "p_min_placebo": "p_min", "n_placebo": "n", "n_placebo_blocks": "n_blocks"}
    return {
        column: np.array([[float(getattr(one, name)) for one in row] for row in block.placebo])
        for column, name in names.items()
    }
