"""The kernels hold to what a small study computes, and to themselves however the events are cut."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import fields, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eventstudy.engine.block import study_block
from eventstudy.engine.conventions import Conventions
from eventstudy.engine.measure import Measures, chosen_engine, compiled, measure
from eventstudy.engine.models import fit
from eventstudy.engine.panel import LONGEST_SPAN, Placed, ReturnPanel
from eventstudy.engine.significance.evidence import gather_evidence
from eventstudy.engine.windows import gather
from eventstudy.engine_options import options_of
from eventstudy.errors import UsageError
from eventstudy.extras import install_command
from eventstudy.spec import StudySpec, Window
from tests.conftest import needs
from tests.engine.kernel_sample import PLAN, WINDOWS, T, hard_events, hard_panel, options

ENGINES = [
    "numpy",
    pytest.param("numba", marks=needs("fast")),
]
MODELS = ("market-model", "market-adjusted", "constant-mean", "multi-index", "capm", "ff5", "peer")
needs_numba = needs("fast")
ROOT = Path(__file__).parent.parent.parent


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
    block = study_block(panel, placed, options_of(spec))
    found = measure(panel, placed, options(model, strict=strict, residuals=True))
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


@pytest.mark.parametrize("engine", ENGINES)
def test_first_last_and_masked_equal_a_loop(engine: Any) -> None:
    panel, placed = hard_panel(4), hard_events(4)
    found = measure(panel, placed, options("market-model", engine=engine))
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


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("model", ["market-model", "market-adjusted", "ff5"])
def test_what_the_order_of_days_tells_is_as_a_loop_finds_it(engine: Any, model: str) -> None:
    panel, placed = hard_panel(5), hard_events(5)
    found = measure(panel, placed, options(model, engine=engine, serial=True))
    assert found.serial is not None
    design = gather(panel, placed.series, placed.session, placed.masked, PLAN)
    scaled, used = (getattr(fit(design, model), name) for name in ("scaled", "used"))
    known = 0
    for e in np.flatnonzero(found.rank_ok & (found.n_obs >= 60) & ~found.zero_variance):
        residual = [scaled[e, d] if used[e, d] else None for d in range(PLAN.estimation)]
        pairs = [a * b for a, b in pairwise(residual) if a is not None and b is not None]
        r = sum(pairs) / sum(a * a for a in residual if a is not None)
        phi = min(max(r + (1 + 4 * r) / found.n_obs[e], -0.95), 0.95)
        assert found.serial.phi[e] == pytest.approx(phi, rel=1e-9, abs=1e-12)
        for w, (start, _) in enumerate(WINDOWS):
            days = [d for d in range(PLAN.column(start)) if design.observed[e, d] and not design.masked[e, d]][-20:]
            if len(days) < 20:
                assert np.isnan(found.serial.local_variance[e, w])
                continue
            known += 1
            local = sum(scaled[e, d] ** 2 for d in days) / 20
            assert found.serial.local_variance[e, w] == pytest.approx(local, rel=1e-9)
    assert known > 300


def identical(one: Measures, other: Measures) -> None:
    """Every digit of both."""
    mine, theirs = arrays(one), arrays(other)
    assert mine.keys() == theirs.keys()
    for name, values in mine.items():
        assert values.dtype == theirs[name].dtype, name
        np.testing.assert_array_equal(values, theirs[name], err_msg=name)


@pytest.mark.parametrize("engine", ENGINES)
def test_partitions_chunks_and_threads_change_no_digit(engine: Any) -> None:
    panel, placed = hard_panel(5), hard_events(5, 5000)
    settings = {"engine": engine, "residuals": True, "serial": True}
    whole = measure(panel, placed, options("multi-index", **settings))
    identical(whole, measure(panel, placed, options("multi-index", threads=2, **settings)))
    order = np.random.default_rng(1).permutation(5000)
    shuffled = arrays(measure(panel, part(placed, order), options("multi-index", **settings)))
    for name, values in arrays(whole).items():
        np.testing.assert_array_equal(shuffled[name], values[order], err_msg=f"{name} shuffled")
    for cut in (1, 2048, 4097):
        left = measure(panel, part(placed, slice(0, cut)), options("multi-index", **settings))
        right = measure(panel, part(placed, slice(cut, None)), options("multi-index", **settings))
        for name, values in arrays(whole).items():
            joined = np.concatenate([arrays(left)[name], arrays(right)[name]])
            np.testing.assert_array_equal(joined, values, err_msg=f"{name} at {cut}")


@pytest.mark.parametrize("engine", ENGINES)
def test_no_events_give_empty_measures_of_the_right_width(engine: Any) -> None:
    panel: ReturnPanel = hard_panel(6)
    nothing = part(hard_events(6), slice(0, 0))
    found = measure(panel, nothing, options("ff5", residuals=True, engine=engine))
    assert found.car.shape == (0, len(WINDOWS)) and found.ar.shape == (0, PLAN.n_window)
    assert found.theta.shape == (0, 6) and found.evidence is not None
    assert found.evidence.corrado.shape == (0, PLAN.estimation + PLAN.n_window)


@pytest.mark.parametrize("engine", ENGINES)
def test_paths_that_are_not_asked_for_have_no_column(engine: Any) -> None:
    found = measure(hard_panel(6), hard_events(6, 20), options(paths=False, engine=engine))
    assert {getattr(found, name).shape for name in ("expected", "path", "path_v")} == {(20, 0)}
    assert found.ar.shape == (20, PLAN.n_window)


def differences(one: Measures, other: Measures, size: np.ndarray) -> dict[str, float]:
    """Largest difference of each array, relative to the number itself or to what it is computed from.

    ``size`` is the largest return of each event. Events with fewer than 60 observations are never studied.
    """
    mine, theirs = arrays(one), arrays(other)
    studied = one.rank_ok & (one.n_obs >= 60)
    varies = studied & ~one.zero_variance
    spread = np.sqrt(np.where(one.s2 > 0, one.s2, np.nan))
    floors = {
        **dict.fromkeys(("ar", "expected", "path", "car", "evidence.residual", "evidence.abnormal"), size),
        "bhar": (1 + size) ** 2,
        "theta": 1e3 * size,
        "evidence.sar": size / spread,
        **dict.fromkeys(("r_squared", "evidence.leverage", "evidence.share_positive"), np.ones(len(size))),
        "xtx_inv": np.abs(one.xtx_inv).max(axis=(1, 2), initial=0.0),
        "half": np.sqrt(np.abs(one.xtx_inv).max(axis=(1, 2), initial=0.0)),
    }
    found = {}
    for name, values in mine.items():
        rows = varies if "." in name or name in ("s2", "r_squared") else studied
        a, b = values[rows], theirs[name][rows]
        np.testing.assert_array_equal(np.isfinite(a), np.isfinite(b), err_msg=name)
        floor = floors.get(name, np.zeros(len(size)))[rows].reshape(-1, *[1] * (a.ndim - 1))
        with np.errstate(invalid="ignore"):
            gap = np.abs(a.astype(float) - b) / np.maximum(np.maximum(np.abs(a), floor), 1e-300)
        found[name] = float(np.nanmax(gap, initial=0.0))
    return found


def largest(panel: ReturnPanel, placed: Placed) -> np.ndarray:
    """The largest return an event sees."""
    position = placed.session[:, None] + np.arange(PLAN.estimation_start, PLAN.end + 1)
    inside = (position >= 0) & (position < panel.n_sessions)
    values = panel.returns[placed.series[:, None], np.clip(position, 0, panel.n_sessions - 1)]
    return np.asarray(np.nanmax(np.where(inside, np.abs(values), 0.0), axis=1, initial=0.01))


EXACT = ("n_obs", "n_masked", "first_used", "last_used", "nu", "base", "evidence.n_ranked", "rank_ok", "zero_variance")


@needs_numba
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("rules", [{}, {"strict": True}, {"log": True}])
@pytest.mark.parametrize("own", [False, True], ids=["shared factors", "own factors"])
def test_the_twins_agree(model: str, rules: dict[str, bool], own: bool) -> None:
    panel, placed = hard_panel(7, own_factors=own), hard_events(7, 400)
    one, other = (
        measure(panel, placed, options(model, residuals=True, engine=engine, **rules))  # type: ignore[arg-type]
        for engine in ("numpy", "numba")
    )
    found = differences(one, other, largest(panel, placed))
    for name, gap in found.items():
        ranks = name in ("evidence.corrado", "evidence.ranked")
        assert gap == 0.0 if name in EXACT or ranks else gap < 1e-12, f"{name}: {gap}"
    assert (one.rank_ok == other.rank_ok).all()


@needs_numba
@pytest.mark.parametrize("strict", [False, True])
def test_the_twins_agree_on_returns_of_up_to_the_longest_span(strict: bool) -> None:
    panel, placed = hard_panel(3), hard_events(3)
    span = panel.span.copy()
    for k, covered in enumerate((127, 128, 255, 300, LONGEST_SPAN)):
        # in whole vectors and among the days left over
        span[0, 200 + 67 * k : 340 + 67 * k : 9] = covered
    panel = replace(panel, span=span)
    one, other = (
        measure(panel, placed, options("market-model", engine=engine, strict=strict, residuals=True))
        for engine in ("numpy", "numba")
    )
    gaps = differences(one, other, largest(panel, placed))
    assert not any(gaps[name] for name in EXACT)
    assert max(gaps.values()) < 1e-12, gaps
    wide = placed.series == 0
    assert (one.n_obs[wide] < PLAN.estimation).any() if strict else one.base[wide].max() > LONGEST_SPAN // 2


@needs_numba
@pytest.mark.parametrize("n_est", [40, 250, 700])
def test_compiled_midranks_are_scipys(n_est: int) -> None:
    from scipy.stats import rankdata

    from eventstudy.engine.compiled.compiled_api import ranked_compiled

    rng = np.random.default_rng(n_est)
    plain = rng.standard_t(3, (300, n_est + 21))
    tied = np.round(plain, 1)
    zeros = np.where(rng.random(plain.shape) < 0.4, 0.0, plain)
    outlier = plain.copy()
    outlier[:, 5] = 1e9
    two_sizes = np.where(rng.random(plain.shape) < 0.5, plain, plain * 1e-7)
    close = 1.0 + plain * 1e-15
    sorted_down = -np.sort(plain, axis=1)
    signed_zero = np.where(zeros == 0, rng.choice([0.0, -0.0], plain.shape), zeros)
    for values in (
        plain,
        tied,
        zeros,
        outlier,
        two_sizes,
        close,
        sorted_down,
        signed_zero,
        plain * 1e-200,
        plain * 1e200,
    ):
        values = np.where(rng.random(values.shape) < 0.03, np.nan, values)
        residual, abnormal = values[:, :n_est].copy(), values[:, n_est:].copy()
        for scale in (np.nanmean(np.abs(residual), axis=1), np.full(300, np.nan), np.zeros(300), np.full(300, 1e-9)):
            corrado, ranked = ranked_compiled(residual, abnormal, scale)
            expected = rankdata(values, axis=1, nan_policy="omit")
            count = np.isfinite(values).sum(axis=1, keepdims=True)
            np.testing.assert_array_equal(corrado, expected / (count + 1) - 0.5)
            np.testing.assert_array_equal(ranked, rankdata(residual, axis=1, nan_policy="omit"))


@needs_numba
def test_more_days_than_a_place_can_hold_are_refused() -> None:
    from eventstudy.engine.compiled.compiled_api import ranked_compiled

    with pytest.raises(ValueError, match="65537 days"):
        ranked_compiled(np.zeros((1, 65_500)), np.zeros((1, 37)), np.ones(1))
    corrado, ranked = ranked_compiled(np.arange(65_500.0)[None, ::-1].copy(), np.full((1, 36), -1.0), np.full(1, 3e4))
    np.testing.assert_array_equal(ranked[0], np.arange(65_500, 0, -1.0))
    np.testing.assert_array_equal(corrado[0, -36:], 18.5 / 65_537 - 0.5)


@needs_numba
def test_inputs_of_any_form_give_the_same_digits(tmp_path: Path) -> None:
    from eventstudy.engine.compiled.regress import measure_events

    panel, placed = hard_panel(8, own_factors=True), hard_events(8, 300)
    whole = measure(panel, placed, options("multi-index", engine="numba"))
    np.save(tmp_path / "returns.npy", panel.returns)
    mapped = np.load(tmp_path / "returns.npy", mmap_mode="r")
    offset_bytes = np.zeros(panel.returns.nbytes + 1, dtype=np.uint8)
    misaligned = offset_bytes[1:].view(np.float64).reshape(panel.returns.shape)
    misaligned[...] = panel.returns
    frozen = panel.returns.copy()
    frozen.flags.writeable = False
    forms = (mapped, misaligned, frozen, np.asfortranarray(panel.returns), panel.returns.astype(">f8"))
    for returns in forms:
        identical(whole, measure(replace(panel, returns=returns), placed, options("multi-index", engine="numba")))
    small = replace(placed, series=placed.series.astype(np.int32), session=placed.session.astype(np.int16))
    identical(whole, measure(panel, small, options("multi-index", engine="numba")))
    no_masks = replace(placed, masked=np.zeros(placed.masked.shape, dtype=bool))
    broadcast = replace(placed, masked=np.broadcast_to(np.zeros(PLAN.n_days, dtype=bool), placed.masked.shape))
    identical(
        measure(panel, no_masks, options("ff5", engine="numba")),
        measure(panel, broadcast, options("ff5", engine="numba")),
    )
    assert len(measure_events.signatures) == 1


@needs_numba
def test_rows_outside_the_panel_are_refused() -> None:
    panel, placed = hard_panel(8), hard_events(8, 10)
    for series in (np.full(10, -1), np.full(10, len(panel.returns))):
        with pytest.raises(ValueError, match="of a panel of 12"):
            measure(panel, replace(placed, series=series), options("ff5", engine="numba"))
    with pytest.raises(ValueError, match="differ"):
        measure(panel, replace(placed, masked=placed.masked[:, :-1]), options("ff5", engine="numba"))


DIGEST = """
import hashlib, sys
import numpy as np
from eventstudy.engine.measure import measure
from tests.engine.kernel_sample import PLAN, WINDOWS, T, hard_events, hard_panel, options
from tests.engine.test_kernels import arrays
from tests.engine.test_totals import added, sample
found = hashlib.sha256()
for model in ("market-model", "ff5", "market-adjusted"):
    record = measure(hard_panel(9), hard_events(9, 3000), options(model, engine="numba", residuals=True))
    for name, values in sorted(arrays(record).items()):
        found.update(np.ascontiguousarray(values + 0 if values.dtype != bool else values).tobytes())
panel, placed, cells = sample("market-model")
for one in added(panel, placed, "market-model", cells, engine="numba"):
    for name, values in sorted(one.sums.items()):
        found.update(np.ascontiguousarray(values + 0).tobytes())
print(found.hexdigest())
"""


@needs_numba
@pytest.mark.slow
def test_compiled_code_and_cached_code_give_the_same_digits(tmp_path: Path) -> None:
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "cache"), "PYTHONPATH": str(ROOT)}
    digests = []
    for turn in range(2):
        done = subprocess.run(
            [sys.executable, "-c", DIGEST], env=environment, capture_output=True, text=True, check=True, timeout=300
        )
        digests.append(done.stdout)
        assert sum(path.suffix == ".nbc" for path in (tmp_path / "cache").rglob("*")) >= 3, turn
    assert digests[0] == digests[1]


@pytest.mark.parametrize("model", ["garch", "scholes-williams"])
def test_models_without_a_twin_stay_with_numpy(model: str) -> None:
    assert not compiled(model, Conventions())
    assert chosen_engine("auto", 10**7, model) == "numpy"
    with pytest.raises(UsageError, match=model):
        chosen_engine("numba", 10, model)
    with pytest.raises(UsageError, match="these conventions"):
        chosen_engine("numba", 10, "market-model", Conventions(sigma="m-1"))


def test_the_engine_is_chosen_by_size_and_by_what_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    import eventstudy.engine.measure as kernels

    monkeypatch.setattr(kernels, "find_spec", lambda name: None)
    assert chosen_engine("auto", 10**7, "market-model") == "numpy"
    with pytest.raises(UsageError, match="needs the package numba") as error:
        chosen_engine("numba", 10, "market-model")
    assert error.value.exit_code == 2 and install_command("fast") == error.value.hint
    monkeypatch.setattr(kernels, "find_spec", lambda name: object())
    assert chosen_engine("auto", kernels.BREAK_EVEN, "market-model") == "numba"
    assert chosen_engine("auto", kernels.BREAK_EVEN - 1, "market-model") == "numpy"
    for name in kernels.REFITTED:
        assert chosen_engine("auto", kernels.WITH_REFITS, "market-model", None, frozenset({name})) == "numba"
    assert chosen_engine("auto", kernels.WITH_REFITS - 1, "market-model", None, kernels.REFITTED) == "numpy"
    assert chosen_engine("auto", kernels.WITH_REFITS, "market-model", None, frozenset({"car-t-ar1"})) == "numpy"
    assert chosen_engine("numpy", 10**7, "market-model") == "numpy"
    assert chosen_engine("numba", 1, "market-model") == "numba"


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("share", "estimated"), [(0.1, False), (0.8, False), (1.25, True), (10.0, True)])
def test_a_market_that_hardly_moves_has_no_beta(engine: str, share: float, estimated: bool) -> None:
    """A beta is estimated where the market's deviations from its mean exceed the rounding of its size: 4 u max(n, p)."""
    n, rng = PLAN.estimation, np.random.default_rng(7)
    moves = np.tile((-1.0, 1.0), T // 2)
    limit = 4 * np.finfo(float).eps / 2 * n
    panel = ReturnPanel(
        returns=rng.normal(0, 0.01, (1, T)),
        factors=(1.0 + share * limit * moves)[None, None, :],
        span=np.ones((1, T), dtype=np.int16),
        day_number=np.arange(T)[None, :],
    )
    placed = replace(hard_events(3, 1, masks=False), series=np.array([0]), session=np.array([400]))
    assert measure(panel, placed, options(engine=engine)).rank_ok.tolist() == [estimated]
