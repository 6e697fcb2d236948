"""Any partition of a sample, and any size of matrix product over its pairs, prints the same digits."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from eventstudy.engine import moments
from eventstudy.engine.significance import evidence, pairs, summary
from eventstudy.engine.significance.battery import GROUP_TESTS, Given, ranked_correlation, run_battery
from eventstudy.engine.significance.cross_section import Dependence
from eventstudy.engine.significance.evidence import Sample
from eventstudy.engine.significance.summary import chunk_summaries, merged, spread_of
from eventstudy.engine.windows import WindowPlan
from tests.engine.battery_sample import build, panel_design
from tests.oracles.naive_battery import shared
from tests.oracles.test_battery import ragged

SMALL = 16


def clustered(seed: int, n: int) -> tuple[Sample, Dependence]:
    """Events with holes, several a date."""
    rng = np.random.default_rng(seed)
    plan = WindowPlan(estimation=40, gap=2, start=-1, end=2)
    returns, market = rng.standard_t(4, (n, plan.n_days)) * 0.02, rng.normal(0, 0.01, (n, plan.n_days))
    returns[rng.random(returns.shape) < 0.04] = np.nan
    days = np.sort(rng.integers(0, 3 * n, n))[:, None] + np.arange(plan.n_days)
    sample, together = build(panel_design(returns, market, plan, -plan.estimation_start), 0, 1, day_number=days)
    assert isinstance(together, Dependence)
    return sample, together


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**31), n=st.integers(12, 90), data=st.data())
def test_any_partition_gives_the_same_digits(seed: int, n: int, data: st.DataObject) -> None:
    """Workers get runs of whole chunks; what they hand back, merged in order, finalises to the same bits."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (moments, summary, evidence):
            patch.setattr(module, "CHUNK", SMALL)
        sample, together = clustered(seed, n)
        assume(sample.n > 1)
        inner = list(range(SMALL, sample.n, SMALL))
        cuts = sorted(data.draw(st.sets(st.sampled_from(inner)))) if inner else []
        _, whole = run_battery(sample, together, tuple(GROUP_TESTS), "two-sided")
        spread, r = spread_of(sample), ranked_correlation(together)
        parts = [chunk_summaries(sample.part(a, b), spread, r) for a, b in itertools.pairwise([0, *cuts, sample.n])]
        joined = merged(itertools.chain.from_iterable(parts))
        again = [entry.run(Given(sample, joined, together, "two-sided")) for entry in GROUP_TESTS.values()]
        for one, other in zip(whole, again, strict=True):
            assert repr(one) == repr(other)


def test_a_crowd_on_one_date_goes_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    for one_date in (True, False):
        design, days, events, firms = ragged(12, one_date=one_date)
        expected = shared(events, [-1, 0, 1], 30)
        for largest in (1024, 3):
            monkeypatch.setattr(pairs, "BLOCK", largest)
            _, found = build(design, -1, 1, day_number=days, series=firms)
            assert isinstance(found, Dependence)
            assert found.variance == pytest.approx(expected["variance"], rel=1e-10)
            assert found.mean_overlap_correlation == pytest.approx(expected["ro"], rel=1e-10)


def test_pairs_are_formed_only_where_windows_overlap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows apart: every block of one date meets itself alone, however many dates there are."""
    met, sums = [], pairs.pair_sums

    def counted(one: object, other: object, common_days: int) -> object:
        met.append(one is other)
        return sums(one, other, common_days)  # type: ignore[arg-type]

    monkeypatch.setattr(pairs, "pair_sums", counted)
    monkeypatch.setattr(pairs, "BLOCK", 2)
    plan = WindowPlan(estimation=40, gap=2, start=0, end=1)
    rng = np.random.default_rng(4)
    n = 60
    design = panel_design(
        rng.normal(0, 0.02, (n, plan.n_days)), rng.normal(0, 0.01, (n, plan.n_days)), plan, -plan.estimation_start
    )
    days = (np.arange(n) // 2 * 2)[:, None] + np.arange(plan.n_days)
    _, found = build(design, 0, 1, day_number=days)
    assert met == [True] * (n // 2)
    assert isinstance(found, Dependence) and found.n_overlapping == n // 2
