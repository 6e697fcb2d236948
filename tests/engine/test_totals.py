"""The second pass: what it adds up is what a small study adds up, however events are cut and whoever counts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from eventstudy.engine.conventions import Conventions
from eventstudy.engine.measure import measure
from eventstudy.engine.measures import light_evidence, sample_over
from eventstudy.engine.moments import CHUNK
from eventstudy.engine.second_pass import Cell, totals
from eventstudy.engine.significance.summary import (
    LIGHT_PARTS,
    PARTS,
    SPREAD_PARTS,
    SecondPass,
    spread_of,
    summarised,
)
from tests.conftest import needs
from tests.engine.kernel_sample import PLAN, WINDOWS, S, T, hard_events, hard_panel, options

HEAVY = PARTS - LIGHT_PARTS
N, NEEDED = 3000, 60
needs_numba = needs("fast")
# series whose residuals under a mean alone are zero except for rounding, so that a sign is chance
ROUNDED = (3, 10)


def sample(model: str, *, everyone: bool = True) -> tuple[Any, Any, list[Cell]]:
    """Hard events, and cells: all of them and a part, over each window, with the spread of the cell's own sample."""
    panel, placed = hard_panel(3, own_factors=model == "ff5"), hard_events(3, N)
    found = measure(panel, placed, options(model))
    some = np.random.default_rng(0).random(N) < 0.4
    cells = []
    for w in range(len(WINDOWS)):
        studied = found.rank_ok & (found.n_obs >= NEEDED) & np.isfinite(found.scar[:, w])
        for member in (np.ones(N, dtype=bool), some):
            inside = member if everyone else member & ~np.isin(placed.series, ROUNDED)
            rows = np.flatnonzero(inside & studied)
            own = sample_over(found, light_evidence(found), rows, options(), w, (rows, rows))
            cells.append(Cell(window=w, member=inside, spread=spread_of(own), dispersion=True))
    return panel, placed, cells


def added(panel: Any, placed: Any, model: str, cells: list[Cell], **more: Any) -> list[SecondPass]:
    """All parts of all cells."""
    parts, needed = more.pop("parts", HEAVY), more.pop("needed", NEEDED)
    more["min_estimation"] = needed
    return totals(panel, placed, options(model, **more), cells, parts)


def test_numpy_adds_what_the_battery_of_a_small_study_adds() -> None:
    panel, placed, cells = sample("market-model")
    found = measure(panel, placed, options("market-model", residuals=True))
    assert found.evidence is not None
    for cell, one in zip(cells, added(panel, placed, "market-model", cells), strict=True):
        studied = found.rank_ok & (found.n_obs >= NEEDED) & np.isfinite(found.scar[:, cell.window])
        rows = np.flatnonzero(cell.member & studied)
        own = sample_over(found, found.evidence, rows, options(), cell.window, (rows, rows))
        assert cell.spread is not None
        whole = summarised(own, cell.spread, parts=PARTS)
        # a small study cuts its sample into chunks, a large one its events: the order of additions differs
        assert one.sums.keys() - {"dispersion"} < whole.sums.keys()
        for name, values in one.sums.items():
            if name == "dispersion":
                # needs days, which a battery does not have (tests/oracles/test_dispersion.py)
                continue
            np.testing.assert_allclose(values, whole.sums[name], rtol=1e-12, atol=1e-11, err_msg=name)
        assert one.volatility.count == whole.volatility.count > 1000 * cell.member.mean()
        assert one.volatility.mean == pytest.approx(whole.volatility.mean, abs=1e-12)


@needs_numba
@pytest.mark.parametrize("model", ["market-model", "ff5", "market-adjusted", "constant-mean"])
def test_the_engines_add_up_the_same(model: str) -> None:
    panel, placed, cells = sample(model, everyone=model != "constant-mean")
    twins = (added(panel, placed, model, cells, engine=engine) for engine in ("numpy", "numba"))
    for plain, fast in zip(*twins, strict=True):
        assert plain.sums.keys() == fast.sums.keys()
        for name, values in plain.sums.items():
            assert np.shape(values) == fast.sums[name].shape, name
            if name.endswith("_n"):
                np.testing.assert_array_equal(fast.sums[name], values, err_msg=name)
            # thousands of ranks of about a half are summed, so an absolute error is meant
            np.testing.assert_allclose(fast.sums[name], values, rtol=1e-12, atol=2e-13, err_msg=name)
        assert plain.volatility == fast.volatility


@needs_numba
def test_ranks_and_signs_are_exact() -> None:
    panel, placed, cells = sample("market-model")
    one = [
        added(panel, placed, "market-model", cells, engine=e, parts=frozenset({"ranks", "signs"}))
        for e in ("numpy", "numba")
    ]
    for plain, fast in zip(*one, strict=True):
        for name in ("corrado_u", "corrado_n", "sign_u", "sign_n"):
            np.testing.assert_array_equal(plain.sums[name], fast.sums[name], err_msg=name)


@needs_numba
@pytest.mark.parametrize("part", sorted(HEAVY))
def test_a_part_alone_is_the_part_of_all(part: str) -> None:
    panel, placed, cells = sample("market-model")
    everything = added(panel, placed, "market-model", cells, engine="numba")
    for one, whole in zip(
        added(panel, placed, "market-model", cells, engine="numba", parts=frozenset({part})), everything, strict=True
    ):
        assert one.sums or part == "volatility"
        for name, values in one.sums.items():
            np.testing.assert_array_equal(values, whole.sums[name], err_msg=name)
        assert part != "volatility" or one.volatility == whole.volatility


@pytest.mark.parametrize("engine", ["numpy", pytest.param("numba", marks=needs_numba)])
def test_partitions_of_whole_chunks_change_no_digit(engine: str) -> None:
    panel, placed, cells = sample("market-model")
    whole = added(panel, placed, "market-model", cells, engine=engine)
    parts = [
        added(panel, placed.part(a, b), "market-model", [cell.part(a, b) for cell in cells], engine=engine)
        for a, b in ((0, CHUNK), (CHUNK, N))
    ]
    for one, left, right in zip(whole, *parts, strict=True):
        both = left.merge(right)
        assert both.volatility == one.volatility
        for name, values in one.sums.items():
            np.testing.assert_array_equal(both.sums[name], values, err_msg=name)


@pytest.mark.parametrize("engine", ["numpy", pytest.param("numba", marks=needs_numba)])
def test_nobody_adds_nothing(engine: str) -> None:
    panel, placed, cells = sample("market-model")
    nobody = [replace(cell, member=np.zeros(N, dtype=bool)) for cell in cells]
    for one in added(panel, placed, "market-model", nobody, engine=engine):
        assert all(not np.any(values) for values in one.sums.values()) and one.volatility.count == 0
    with_too_few = added(panel, placed, "market-model", cells, engine=engine, needed=PLAN.estimation + 1)
    assert all(not np.any(values) for one in with_too_few for values in one.sums.values())


@needs_numba
def test_other_conventions_are_counted_by_numpy() -> None:
    panel, placed, cells = sample("market-model")
    own = {"conventions": Conventions(sigma="m-1"), "parts": frozenset({"ranks", "grank-raw"})}
    for one, two in zip(
        *(added(panel, placed, "market-model", cells[:2], engine=e, **own) for e in ("numpy", "numba")), strict=True
    ):
        for name, values in one.sums.items():
            np.testing.assert_array_equal(two.sums[name], values, err_msg=name)


@needs_numba
def test_long_windows_short_estimations_and_ties_by_hand() -> None:
    """Corrado & Zivney and GRANK by sorting everything again for each event."""
    from scipy.stats import rankdata

    panel, placed, cells = sample("market-model")
    found = measure(panel, placed, options("market-model", residuals=True))
    fast = added(panel, placed, "market-model", cells, engine="numba", parts=SPREAD_PARTS | {"signs"})
    evidence = found.evidence
    assert evidence is not None
    for cell, one in list(zip(cells, fast, strict=True))[1::2]:
        (start, end), w, spread = WINDOWS[cell.window], cell.window, cell.spread
        assert spread is not None
        zivney, grank = np.zeros(PLAN.estimation + end - start + 1), np.zeros(PLAN.estimation)
        sign, day = np.zeros(PLAN.estimation + 1), 0.0
        for e in np.flatnonzero(cell.member):
            scar = found.scar[e, w]
            if not (found.rank_ok[e] and found.n_obs[e] >= NEEDED and np.isfinite(scar)):
                continue
            standard = evidence.residual[e] / evidence.scale[e]
            sar = evidence.sar[e, start - PLAN.start : end - PLAN.start + 1] / spread.sar_deviation
            for values, into in (
                (np.append(standard, sar), zivney),
                (np.append(standard, scar / spread.scar.standard_deviation), None),
            ):
                known = np.isfinite(values)
                u = np.zeros(len(values))
                u[known] = rankdata(values[known]) / (known.sum() + 1) - 0.5
                if into is not None:
                    into += u
                else:
                    grank += u[:-1]
                    day += u[-1]
            if start == end:
                both = np.append(evidence.residual[e], evidence.abnormal[e, start - PLAN.start])
                sign += np.nan_to_num(np.sign(both - np.nanmedian(both)))
        np.testing.assert_allclose(one.sums["zivney_u"], zivney, rtol=1e-11, atol=1e-11)
        np.testing.assert_allclose(one.sums["grank_u"], grank, rtol=1e-11, atol=1e-11)
        assert one.sums["grank_day"][0] == pytest.approx(day, abs=1e-11)
        np.testing.assert_array_equal(one.sums["sign_u"], sign)


@needs_numba
@pytest.mark.parametrize("sar", [[1.0], [2.0], [2.0, 1.0, np.nan], [3.0, 3.0], [0.0]])
def test_equal_sums_of_squares_share_their_rank(sar: list[float]) -> None:
    """The mid-rank that SciPy gives, among sums over a ring of days."""
    from scipy.stats import rankdata

    from eventstudy.engine.compiled.second_pass_compiled import _among_runs

    square = np.array([1.0, 4.0, 1.0, 9.0, 4.0, 1.0, 0.0, 4.0])
    own = np.array(sar)[np.isfinite(sar)]
    ring = [np.take(square, range(i, i + len(own)), mode="wrap").sum() for i in range(len(square))]
    wanted = (rankdata([*ring, (own**2).sum()])[-1] - 0.5) / (len(square) + 1)
    room = np.concatenate([square, np.zeros(len(own))]), np.zeros(len(square))
    assert _among_runs(room[0], len(square), np.array(sar), (0, len(sar)), room[1]) == pytest.approx(wanted, abs=1e-15)


def test_the_sample_holds_what_it_is_meant_to() -> None:
    """Ties, holes, short windows and events that cannot be studied."""
    panel, placed, cells = sample("market-model")
    found = measure(panel, placed, options("market-model", residuals=True))
    assert found.evidence is not None and panel.returns.shape == (S, T)
    studied = found.rank_ok & (found.n_obs >= NEEDED)
    assert 0 < studied.sum() < N and (found.n_obs[studied] < PLAN.estimation).any()
    ranked = found.evidence.ranked[studied]
    assert (ranked % 1 == 0.5).any(), "ties"
    assert len({cell.window for cell in cells}) == len(WINDOWS)
