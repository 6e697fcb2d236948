"""A small version of docs/validation.md: value-weighted means, the dispersion of a group and permuted slopes keep their
level with closes missing, and what ignores the correlation of a date does not."""

from __future__ import annotations

from tests.properties.groups_validation import Draw
from tests.properties.groups_validation import hits as hits_of
from tests.properties.test_headline_sizes import at_most, share


def hits(*draws: Draw) -> dict[str, tuple[int, int]]:
    found: dict[str, tuple[int, int]] = {}
    for draw in draws:
        for name, (hit, n) in hits_of(draw).items():
            before = found.get(name, (0, 0))
            found[name] = before[0] + hit, before[1] + n
    return found


def test_weighted_means_and_dispersion() -> None:
    found = hits(*(Draw("groups", law, True, 900) for law in ("normal", "t4", "garch")))
    for name in ("vw-kp", "vw-calendar-cov", "vw-csect", "conformal-dispersion"):
        for place in ("one date", "own dates"):
            assert at_most(found[f"{place}: {name}"]), (place, name, found)
    assert at_most(found["own dates: vw-bmp"]) and not at_most(found["one date: vw-bmp"]), found


def test_a_doubled_variance_is_found() -> None:
    found = hits(*(Draw("groups", "variance x2", False, batch) for batch in (901, 902)))
    for place in ("one date", "own dates"):
        assert at_most(found[f"{place}: vw-kp"]), found
        assert share(found[f"{place}: conformal-dispersion"]) > 0.12, found
    assert not at_most(found["own dates: vw-patell"]), found


def test_permuted_slopes() -> None:
    found = hits(Draw("slopes", "t4", True, 903), Draw("slopes", "garch", False, 903))
    assert at_most(found["freedman-lane"]) and at_most(found["wild-cluster"]), found
