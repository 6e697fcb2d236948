"""A small version of docs/validation.md: the headline p keeps its level where the t does not, the family of parts where
unadjusted tests do not, the joint test of a curve where its normal distribution does not."""

from __future__ import annotations

import numpy as np

from tests.properties.headline_validation import Counts, Draw, hits

STANDARD_ERRORS = 3.5


def total(*draws: Draw) -> Counts:
    found: Counts = {}
    for draw in draws:
        for name, (hit, n) in hits(draw).items():
            before = found.get(name, (0, 0))
            found[name] = before[0] + hit, before[1] + n
    return found


def at_most(counts: tuple[int, int], nominal: float = 0.05) -> bool:
    hit, n = counts
    return hit / n <= nominal + STANDARD_ERRORS * np.sqrt(nominal * (1 - nominal) / n)


def share(counts: tuple[int, int]) -> float:
    return counts[0] / counts[1]


def test_the_headline_holds_where_the_variance_moved_and_the_t_does_not() -> None:
    found = total(*(Draw("sizes", "variance x2", missing, 900) for missing in (False, True)))
    for name in ("headline", "overnight headline", "intraday headline", "rank-local"):
        assert at_most(found[name]), (name, found[name])
    for name in ("car-t", "overnight car-t", "intraday car-t", "joint sum"):
        assert share(found[name]) > 0.09, (name, found[name])


def test_the_family_of_parts_holds_where_unadjusted_tests_do_not() -> None:
    found = total(*(Draw("sizes", "t4", missing, 901) for missing in (False, True)))
    for name in ("headline", "family of parts"):
        assert at_most(found[name]), (name, found[name])
    assert share(found["unadjusted t of any part"]) > 0.12


def test_the_joint_test_of_a_curve_holds_and_its_normal_law_does_not() -> None:
    found = total(Draw("curve", "t4", False, 902), Draw("curve", "normal", True, 902))
    for part in ("day", "overnight", "intraday"):
        assert at_most(found[f"{part} median-z"]), (part, found[f"{part} median-z"])
        assert share(found[f"{part} stouffer by N(0,1)"]) > 0.4
