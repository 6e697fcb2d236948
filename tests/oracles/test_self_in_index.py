"""The treated firm inside its own index (methods 14.1): what it hides, and what brings it back."""

from __future__ import annotations

import math

import numpy as np
import pytest
import statsmodels.api as sm

from eventstudy.engine.abnormal import cars
from eventstudy.engine.models import fit
from eventstudy.engine.panel import ReturnPanel
from eventstudy.engine.windows import WindowPlan, gather
from eventstudy.errors import UsageError
from eventstudy.evaluate.audit import audit
from eventstudy.spec import StudySpec
from tests.oracles.test_models import simple, study, world

__all__ = ["world"]
EFFECT, BETA = 0.05, 1.5


@pytest.mark.parametrize(("weight", "measured"), [(0.02, 0.0485), (0.07, 0.0442), (0.10, 0.0419), (0.20, 0.0321)])
def test_leaving_the_firm_out_restores_its_effect(weight: float, measured: float) -> None:
    """True effect 5 %, beta 1.5: the figures of methods 14.1, within their own simulation error."""
    rng = np.random.default_rng(int(1000 * weight))
    events, plan = 2000, WindowPlan(estimation=250, gap=0, start=0, end=0)
    width = plan.n_days
    rest = rng.normal(0, 0.01, (events, width))
    firm = BETA * rest + rng.normal(0, 0.02, (events, width))
    firm[:, -1] += EFFECT
    index = weight * firm + (1 - weight) * rest

    def estimate(market: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        panel = ReturnPanel(
            returns=firm,
            factors=market[:, None],
            span=np.ones((events, width), dtype=np.int64),
            day_number=np.broadcast_to(np.arange(width), (events, width)),
        )
        zero = np.zeros((events, width), dtype=bool)
        design = gather(panel, np.arange(events), np.full(events, width - 1), zero, plan)
        fits = fit(design, "market-model")
        return cars(design, fits, "market-model", [(0, 0)]).car[:, 0], fits.theta[:, 1]

    found, slope = estimate(index)
    error = found.std() / math.sqrt(events)
    assert found.mean() == pytest.approx(measured, abs=4 * error)
    without, _ = estimate((index - weight * firm) / (1 - weight))
    hidden = without - found
    assert hidden.mean() > 4 * hidden.std() / math.sqrt(events), "the index must hide something"
    assert hidden.mean() == pytest.approx(EFFECT - measured, abs=0.001), "pair by pair the noise of day 0 drops out"
    assert without.mean() == pytest.approx(EFFECT, abs=4 * without.std() / math.sqrt(events))
    rescaled = found / (1 - slope * weight)
    assert rescaled.mean() == pytest.approx(EFFECT, abs=5 * rescaled.std() / math.sqrt(events))


def test_a_study_with_a_share_shows_both_corrections(world: dict[str, object]) -> None:
    weight = 0.08
    result = study(world, "market-model", index_weights=(f"ZZ={weight}",))
    days = world["days"]
    day0 = int(np.flatnonzero(days == np.datetime64("2024-06-03"))[0])  # type: ignore[arg-type]
    rows, y, m = np.arange(day0 - 213, day0 - 13), simple(world, "ZZ"), simple(world, "SPY")
    rest = (m - weight * y) / (1 - weight)
    fitted = sm.OLS(y[rows], sm.add_constant(rest[rows])).fit()
    lines = result.model_lines.set_index(["model", "masked"])
    ours = lines.loc["market-model-ex-self", "yes"]
    assert ours["car"] == pytest.approx(y[day0] - fitted.params[0] - fitted.params[1] * rest[day0], rel=1e-9)
    plain = lines.loc["market-model", "yes"]
    beta = result.models.iloc[0]["beta"]
    assert plain["car_rescaled"] == pytest.approx(plain["car"] / (1 - beta * weight), rel=1e-12)
    assert lines["car_rescaled"].notna().groupby("model").all().to_dict() == {
        name: name == "market-model" for name in set(result.model_lines["model"])
    }
    own = study(world, "market-model-ex-self", index_weights=(f"ZZ={weight}",))
    assert own.windows.iloc[0]["car"] == pytest.approx(ours["car"], rel=1e-12)
    assert own.models.iloc[0]["benchmark"] == "SPY without ZZ"
    assert own.models.iloc[0]["beta"] == pytest.approx(fitted.params[1], rel=1e-9)
    assert audit(own.studied).agrees
    logs = study(world, "market-model-ex-self", index_weights=(f"ZZ={weight}",), returns="log")
    log_fit = sm.OLS(np.log1p(y[rows]), sm.add_constant(np.log1p(rest[rows]))).fit()
    assert logs.models.iloc[0]["beta"] == pytest.approx(log_fit.params[1], rel=1e-9)


def test_without_a_share_nothing_changes(world: dict[str, object]) -> None:
    plain = study(world, "market-model").model_lines
    assert "market-model-ex-self" not in set(plain["model"]) and plain["car_rescaled"].isna().all()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("ZZ=7",), "index-weight of ZZ is 7"),
        (("ZZ=0",), "index-weight of ZZ is 0"),
        (("ZZ=7%",), "'ZZ=7%' cannot be read"),
        (("ZZ",), "'ZZ' cannot be read"),
        (("ZZ=nan",), "'ZZ=nan' cannot be read"),
        (("ZZ=0.1", "ZZ=0.2"), "index-weight names ZZ twice"),
    ],
)
def test_shares_that_cannot_be_right(words: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        StudySpec(index_weights=words)


def test_shares_of_nobody_are_refused(world: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="index-weight names ZY, which no event"):
        study(world, "market-model", index_weights=("ZY=0.1",))
    with pytest.raises(UsageError, match="needs the firm's share of the index"):
        study(world, "market-model-ex-self")
