"""The block step: each event is estimated once, whoever measures; and a test of one event is one entry."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from eventstudy.engine.block import select, study_block
from eventstudy.engine.models import MODELS
from eventstudy.engine.significance import bootstrap
from eventstudy.engine.significance.single_tests import SINGLE_TESTS
from eventstudy.engine.windows import Design
from eventstudy.scale.limits import Limits
from eventstudy.spec import StudySpec
from eventstudy.study import Handling, run
from tests.conftest import ROOT, needs
from tests.engine.kernel_sample import hard_events, hard_panel, options

needs_numba = needs("fast")
ENGINES = ["numpy", pytest.param("numba", marks=needs_numba)]
# placebo-time estimates other sessions of the firm, and is left out where estimations are counted
OF_THE_EVENT = tuple(name for name, entry in SINGLE_TESTS.items() if not entry.reads & {"history", "donors"})


class Count:
    """Events estimated by each engine."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, model: str = "market-model") -> None:
        self.numpy = self.numba = 0
        fit = MODELS[model].fit

        def counted(design: Design) -> Any:
            self.numpy += len(design.y)
            return fit(design)

        monkeypatch.setitem(MODELS, model, replace(MODELS[model], fit=counted))
        if find_spec("numba") is not None:
            from eventstudy.engine.compiled import regress

            compiled = regress.measure_events

            def counted_compiled(*arguments: Any) -> None:
                self.numba += arguments[10] - arguments[9]
                compiled(*arguments)

            monkeypatch.setattr(regress, "measure_events", counted_compiled)

    def of(self, engine: str) -> tuple[int, int]:
        """(events estimated by the engine, by the other one)."""
        return (self.numpy, self.numba) if engine == "numpy" else (self.numba, self.numpy)


@pytest.fixture
def events(tmp_path: Path) -> Path:
    """Sixty events of three firms of the snapshot."""
    rng = np.random.default_rng(8)
    days = pd.bdate_range("2022-06-01", "2025-05-01")
    frame = pd.DataFrame(
        {
            "event_id": [f"e{i}" for i in range(60)],
            "ticker": rng.choice(["NVDA", "AMD", "ASML"], 60),
            "announced_at": days[rng.integers(0, len(days), 60)].strftime("%Y-%m-%d"),
            "timing": "bmo",
            "role": "direct",
        }
    )
    frame.to_csv(tmp_path / "events.csv", index=False)
    return tmp_path / "events.csv"


@pytest.mark.parametrize("engine", ENGINES)
def test_each_event_is_estimated_once(
    engine: str, events: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With every test of one event, in memory and streamed. Bootstraps cost by the draw, so these are few."""
    monkeypatch.setattr(bootstrap, "DRAWS", 99)
    pd.read_csv(events).head(24).to_csv(events, index=False)
    spec = StudySpec(source="snapshot", engine=engine, tests=(*OF_THE_EVENT, "csect-t"), exclude="none")
    for study in ("in memory", "streamed"):
        count = Count(monkeypatch)
        if study == "in memory":
            block = run(events, spec=spec).studied.block
            assert block is not None and np.isfinite(block.fits.residual).any() and len(block.fits.s2) == 24
            assert {"p_boot_iid", "p_conformal", "p_f"} <= set(block.columns)
        else:
            found = run(events, spec=spec, handling=Handling(limits=Limits(kept=0)))
            assert not found.budget.kept and found.studied.block is not None
        by_it, by_the_other = count.of(engine)
        assert (by_it, by_the_other) == (24, 0), study


@needs_numba
def test_fits_completed_from_the_kernel_are_those_of_numpy() -> None:
    panel, placed = hard_panel(21), hard_events(21, 300)
    for model in ("market-model", "ff5", "market-adjusted", "constant-mean"):
        one, other = (study_block(panel, placed, options(model, engine=e)) for e in ("numpy", "numba"))
        # series 9 is a multiple of the market: its residuals are rounding
        rows = one.measures.rank_ok & (one.measures.n_obs >= 60) & ~one.measures.zero_variance
        for name in ("residual", "scaled", "leverage", "relative_variance", "s2", "theta"):
            a, b = (getattr(block.fits, name)[rows] for block in (one, other))
            size = np.nanmax(np.abs(a), axis=tuple(range(1, a.ndim)), keepdims=True, initial=1e-300)
            np.testing.assert_array_equal(np.isfinite(a), np.isfinite(b), err_msg=name)
            assert np.nanmax(np.abs(a - b) / size, initial=0.0) < 1e-9, (model, name)
        np.testing.assert_array_equal(one.fits.used, other.fits.used)


@needs_numba
@pytest.mark.parametrize(
    ("n", "bootstraps"), [(200, False), (60, True), pytest.param(200, True, marks=pytest.mark.slow)]
)
def test_both_engines_fill_the_same_columns(n: int, bootstraps: bool) -> None:
    """Every test on 60 events; all but the bootstraps, whose cost is that of all the others together, on 200."""
    panel, placed = hard_panel(22), hard_events(22, n)
    names = [name for name in SINGLE_TESTS if bootstraps or not name.startswith("boot")]
    asked = {"tests": frozenset(names)}
    one, other = (study_block(panel, placed, options(engine=e, **asked)) for e in ("numpy", "numba"))
    rows = one.measures.rank_ok & (one.measures.n_obs >= 60) & ~one.measures.zero_variance
    assert one.columns.keys() == other.columns.keys()
    assert len(one.columns) == (27 if bootstraps else 24)
    # three of the series are tied or rounded: where a residual equals another except for its last digit, a place moves
    rows &= ~np.isin(placed.series, (3, 4, 9, 10))
    for name, values in one.columns.items():
        np.testing.assert_allclose(other.columns[name][rows], values[rows], rtol=1e-9, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_part_of_a_block_is_the_block_of_the_part(engine: str) -> None:
    panel, placed = hard_panel(23), hard_events(23, 2300)
    asked = options(engine=engine, tests=frozenset({"sq", "car-t-ar1", "conformal"}))
    whole, kept = study_block(panel, placed, asked), np.array([2290, 7, 2047, 2048])
    part = study_block(panel, placed.chosen(kept), asked)
    chosen = select(whole, kept)
    for name, values in part.columns.items():
        np.testing.assert_array_equal(chosen.columns[name], values, err_msg=name)
    np.testing.assert_array_equal(chosen.fits.residual, part.fits.residual)
    np.testing.assert_array_equal(chosen.exact.p, part.exact.p)


REGISTERED = """
import sys
import numpy as np
from eventstudy.engine.context import EventContext, SingleTest
from eventstudy.engine.significance.single_tests import SINGLE_TESTS


def above_zero(context: EventContext):
    return {"p_new": np.where(context.measures.car > 0, 0.25, 0.75), "new_size": np.abs(context.measures.car)}


SINGLE_TESTS["new"] = SingleTest(
    columns=("p_new", "new_size"), reads=frozenset({"days"}), cost=1.0, run=above_zero, defined=("exact",)
)
import pandas as pd
from pathlib import Path
from eventstudy.data.events import read_events
from eventstudy.evaluate.pseudo import make_stage, pseudo_events
from eventstudy.scale.limits import Limits
from eventstudy.spec import StudySpec
from eventstudy.study import run
from eventstudy.study_report import Order, study_into

events, out = Path(sys.argv[1]), Path(sys.argv[2])
spec = StudySpec(source="snapshot", tests=("new", "csect-t"), exclude="none", calibrated=True)
result = run(events, spec=spec)
windows = result.windows
assert list(windows.columns[-3:]) == ["p_new", "new_size", "placebo_rate_new"], list(windows.columns)
assert (windows["p_new"] == np.where(windows["car"] > 0, 0.25, 0.75)).all() and len(windows) > 200
assert (windows["new_size"] == windows["car"].abs()).all() and (windows["placebo_rate_new"] == 0).all()
order = Order(out=out, formats=("csv",), limits=Limits(kept=0))
study_into(read_events(events), spec.with_changes(calibrated=False), order)
written = pd.read_csv(out / "windows.csv")
assert sorted(written["p_new"]) == sorted(windows["p_new"]) and "placebo_rate_new" in written
pd.read_csv(events).head(8).to_csv(events, index=False)
other = run(events, spec=StudySpec(source="snapshot", tests=("new",), exclude="none", model="garch"))
assert len(other.windows) > 20 and other.windows["p_new"].isna().all(), "not defined for this model"
print("registered")
"""


@needs("garch")
def test_a_test_of_one_event_is_one_entry(events: Path, tmp_path: Path) -> None:
    """An entry alone brings its name, its columns on the right, its rejection rate, at every size."""
    done = subprocess.run(
        [sys.executable, "-c", REGISTERED, str(events), str(tmp_path / "out")],
        cwd=ROOT, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.stdout == "registered\n", done.stderr
