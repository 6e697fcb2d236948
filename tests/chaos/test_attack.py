"""A few of the hostile tries of `make chaos` with every run of the suite, and that a broken promise is seen."""

from __future__ import annotations

import pytest

from eventstudy.data import network
from tests.chaos import attack


@pytest.mark.parametrize("area", attack.AREAS)
def test_hostile_tries(area: str) -> None:
    for number in range(3):
        assert attack.one(area, 24, number) == ""


def test_the_campaign_is_large_and_counts() -> None:
    assert sum(tries for _, tries in attack.AREAS.values()) >= 2000
    tally = attack.campaign(7, share=0.002)
    assert tally.trials == len(attack.AREAS) and not tally.broken


def test_a_broken_promise_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule that lets every host pass is found out by the tries against the network."""
    monkeypatch.setattr(network, "refusal", lambda url, service: "")
    assert any(attack.one("network", 1, number) for number in range(40))


@pytest.mark.slow
def test_the_whole_campaign() -> None:
    assert not attack.campaign(20261129, share=0.25).broken


def test_a_split_ratio_of_nearly_nothing() -> None:
    """Found by the tries: NumPy's warning of an overflow was on the terminal."""
    import numpy as np

    from eventstudy.data.adjusted import _expected

    with np.errstate(over="raise"):
        steps = _expected(np.array([10.0, 11.0]), np.array([11.0, 12.0]), np.zeros(2), np.array([1.0, 1e-320]))
    assert steps.shape == (4, 2) and not steps.any()
