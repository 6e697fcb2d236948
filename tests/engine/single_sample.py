"""Tests of one event on events that are in event time and estimated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from eventstudy.engine.block import Block, tested_block
from eventstudy.engine.least_squares import Fits
from eventstudy.engine.options import Options
from eventstudy.engine.significance.single_tests import SINGLE_TESTS
from eventstudy.engine.windows import Design


def single_block(
    design: Design, fits: Fits, model: str, windows: Sequence[tuple[int, int]], tests: Sequence[str], **more: Any
) -> Block:
    """The block of the events with the tests named."""
    seed = more.pop("seed", np.arange(len(design.y)))
    options = Options(plan=design.plan, model=model, windows=tuple(windows), tests=frozenset(tests), **more)
    return tested_block(design, fits, seed, options)


def p_values(
    design: Design, fits: Fits, model: str, windows: Sequence[tuple[int, int]], tests: Sequence[str], **more: Any
) -> dict[str, np.ndarray]:
    """p values (E, W) of the tests named."""
    block = single_block(design, fits, model, windows, tests, **more)
    return {name: block.columns[SINGLE_TESTS[name].columns[0]] for name in tests}
