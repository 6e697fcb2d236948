"""Bootstraps of one event: every drawn t by a regression of its own, and the shape of each scheme's draws."""

from __future__ import annotations

import numpy as np
import pytest

from eventstudy.engine.abnormal import cars
from eventstudy.engine.models import MODELS, fit, regressors
from eventstudy.engine.significance import bootstrap
from tests.engine.single_sample import single_block
from tests.engine.test_golden import design

MARKET = "market-model"


@pytest.mark.parametrize("scheme", bootstrap.SCHEMES)
@pytest.mark.parametrize("firm", [0, 2])
def test_every_draw_is_a_regression_of_its_own(scheme: bootstrap.Scheme, firm: int) -> None:
    golden = design()
    fits = fit(golden, MARKET)
    q = float(cars(golden, fits, MARKET, [(-1, 1)]).q[firm, 0])
    x, days = regressors(golden, MODELS[MARKET]), golden.days(-1, 1)
    context = single_block(golden, fits, MARKET, [(-1, 1)], []).context
    made = bootstrap._drawn(context, firm, days, np.random.default_rng(3), scheme) / np.sqrt(q)
    places = bootstrap._places(24, 27, np.random.default_rng(3), scheme)
    before, window = x[firm, golden.estimation], x[firm, days]
    hat = np.diag(before @ np.linalg.pinv(before))
    y = golden.y[firm, golden.estimation]
    theta = np.linalg.lstsq(before, y, rcond=None)[0]
    pool = (y - before @ theta) / np.sqrt(1 - hat)
    pool = pool - pool.mean()
    for b in range(0, 999, 37):
        u = pool[places[b]]
        drawn = before @ theta + u[:24]
        again = np.linalg.lstsq(before, drawn, rcond=None)[0]
        error = drawn - before @ again
        ar = window @ theta + u[24:] - window @ again
        t = ar.sum() / np.sqrt(error @ error / 22 * q)
        assert made[b] == pytest.approx(t, rel=1e-9)


def test_days_blocks_and_blocks_of_random_length() -> None:
    rng = np.random.default_rng(1)
    for scheme in bootstrap.SCHEMES:
        places = bootstrap._places(125, 130, rng, scheme)
        assert places.shape == (bootstrap.DRAWS, 130) and places.min() == 0 and places.max() == 124
        follows = ((places[:, 1:] - places[:, :-1]) % 125 == 1).mean()
        # blocks of five: four of five days follow the one before
        assert follows == pytest.approx(1 / 125 if scheme == "boot-iid" else 0.8, abs=0.02), scheme
    fixed = bootstrap._places(125, 130, rng, "boot-block")
    inside = (fixed[:, 1:] - fixed[:, :-1]) % 125 == 1
    assert inside[:, [0, 1, 2, 3, 5, 6]].all(), "blocks end where they end"


@pytest.mark.parametrize("scheme", ["boot-iid", "boot-block", "boot-stationary"])
def test_every_place_of_the_pool_is_drawn_as_often(scheme: str) -> None:
    """200,000 places of a pool of four: a share is a quarter within five standard errors of runs two long."""
    places = bootstrap._places(4, 200, np.random.default_rng(3), scheme)  # type: ignore[arg-type]
    shares = np.bincount(places.ravel(), minlength=4) / places.size
    assert len(shares) == 4 and abs(shares - 0.25).max() < 5 * np.sqrt(3 * 0.25 * 0.75 / places.size)
