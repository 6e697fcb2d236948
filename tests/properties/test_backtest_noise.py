"""On noise the backtest finds nothing and earns nothing; what is planted it finds. In full: `backtest_seeds`."""

from __future__ import annotations

import numpy as np
import pytest

from tests.properties.backtest_seeds import seen

SEEDS = 24


@pytest.mark.slow
def test_noise_earns_nothing_and_is_not_forecast() -> None:
    found = seen("nothing happens", SEEDS, placebos=0)
    known = found.p_stepwise[np.isfinite(found.p_stepwise)]
    # one in twenty at most, and the chance that binomial luck gives more than four of 24 is below 0.1 %
    assert np.sum(known <= 0.05) <= 4
    assert np.sum(found.any_stepwise <= 0.05) <= 5
    assert np.sum(found.p_forecast <= 0.05) <= 4
    net = found.net[np.isfinite(found.net)]
    assert net.mean() < 3 * net.std(ddof=1) / np.sqrt(len(net))
    assert np.median(found.r_squared) < 0.01


def test_a_planted_drift_is_traded_and_an_effect_forecast() -> None:
    drift = seen("drift of 0.8 % a day for five days", 8, placebos=0)
    assert np.sum(drift.p_stepwise <= 0.05) >= 7
    assert np.all(drift.net > 0)
    effect = seen("effect of 2 % on day 0", 8, placebos=0)
    assert np.sum(effect.p_forecast <= 0.05) >= 7
