"""Differences between the groups of the ``--by`` column: every pair of few groups, each against the rest of many."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from eventstudy.engine.models import MODELS
from eventstudy.engine.moments import Moments, summarise
from eventstudy.engine.panel import Bools, Floats, Ints
from eventstudy.engine.significance.battery import MOST_PAIRS, many_pairs
from eventstudy.engine.significance.cross_section import Dependence, risen_ratio
from eventstudy.engine.significance.differences import contrast, difference_cov, difference_welch
from eventstudy.engine.significance.overlap import Overlap, overlap_of
from eventstudy.engine.significance.result import TestResult, undefined
from eventstudy.evaluate.members import groups_of, once
from eventstudy.evaluate.placed import PlacedEvents, pair_sums_of, placed_events
from eventstudy.records import DifferenceRow
from eventstudy.roster import ALL
from eventstudy.spec import DIFFERENCE_TESTS

if TYPE_CHECKING:
    from eventstudy.engine.block import Block
    from eventstudy.results import Studied

# More groups than these make more pairs than anyone reads: each is then compared with all others together.
MOST_GROUPS = 6
REST = "(rest)"
Comparison = tuple[str, Ints, str, Ints]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Compared:
    """Two groups over one test window.

    Attributes
    ----------
    w : int
        Number of the window.
    here, there : bool (E,)
        Events of each group with a CAR and a variance.
    one, two : Moments
        Of their CARs.
    overlap : Overlap
        Of both together.
    """

    group: str
    other: str
    w: int
    here: Bools
    there: Bools
    one: Moments
    two: Moments
    overlap: Overlap

    @property
    def rows(self) -> Ints:
        """The events of both."""
        return np.flatnonzero(self.here | self.there)


def difference_tests(studied: Studied) -> tuple[DifferenceRow, ...]:
    """Every comparison over every test window; groups of one event are left out."""
    wanted = [name for name in DIFFERENCE_TESTS if name in studied.spec.active_tests]
    if studied.block is None or not wanted or not MODELS[studied.spec.model].has_errors:
        return ()
    events, block = placed_events(studied), studied.block
    found = [
        _compared(block, events, comparison, w, studied)
        for comparison in comparisons(studied, events)
        for w in studied.shared_windows
    ]
    refused = ["" if "difference-cov" not in wanted else _refusal(one, studied) for one in found]
    variances = _covariances(studied, events, found, refused) if "difference-cov" in wanted else [np.nan] * len(found)
    return tuple(
        row
        for one, variance, reason in zip(found, variances, refused, strict=True)
        for row in _rows(studied, block, one, wanted, variance, reason)
    )


def comparisons(studied: Studied, events: PlacedEvents) -> list[Comparison]:
    """(group, its positions, other group, its positions); ``all`` is not a group of the column."""
    groups = {
        group.name: group.rows for group in groups_of(studied, events) if group.name != ALL and len(group.rows) > 1
    }
    if len(groups) <= MOST_GROUPS:
        return [(a, groups[a], b, groups[b]) for a, b in itertools.combinations(groups, 2)]
    rest = {name: np.sort(np.concatenate([own for other, own in groups.items() if other != name])) for name in groups}
    return [(name, rows, REST, once(rest[name], events)) for name, rows in groups.items()]


def _compared(block: Block, events: PlacedEvents, comparison: Comparison, w: int, studied: Studied) -> _Compared:
    group, own, other, others = comparison
    known = np.isfinite(block.cars.car[:, w]) & np.isfinite(block.exact.std_error[:, w])
    here, there = np.zeros(len(known), dtype=bool), np.zeros(len(known), dtype=bool)
    here[own], there[others] = known[own], known[others]
    window, calendars = studied.spec.windows[w], events.calendars
    places = np.bincount(events.place[here | there], minlength=len(calendars.days))
    return _Compared(
        group=group,
        other=other,
        w=w,
        here=here,
        there=there,
        one=summarise(block.cars.car[here, w]),
        two=summarise(block.cars.car[there, w]),
        overlap=overlap_of(places, calendars, (window.start, window.end)),
    )


def _refusal(one: _Compared, studied: Studied) -> str:
    """Why the covariance of a comparison is not computed unasked; empty where it is."""
    if studied.spec.tests != ("auto",) or one.overlap.pairs <= MOST_PAIRS:
        return ""
    return many_pairs("difference-cov", one.overlap)


def _covariances(studied: Studied, events: PlacedEvents, found: list[_Compared], refused: list[str]) -> list[float]:
    """c'Omega c of the difference of each comparison's means; NaN where it is not computed."""
    block, variances = studied.block, [np.nan] * len(found)
    assert block is not None, "only called with a block"
    by_window: dict[int, list[int]] = {}
    for number, (one, reason) in enumerate(zip(found, refused, strict=True)):
        if one.one.count and one.two.count and not reason:
            by_window.setdefault(one.w, []).append(number)
    if not by_window:
        return variances
    contrasts = {
        number: contrast(found[number].here, found[number].there) for own in by_window.values() for number in own
    }

    def shares(rows: Ints) -> list[Floats]:
        return [np.stack([contrasts[number][rows] for number in own], axis=1) for own in by_window.values()]

    some = np.flatnonzero(np.any([c != 0 for c in contrasts.values()], axis=0))
    sums = pair_sums_of(studied, events, some, list(by_window), shares)
    for own, window in zip(by_window.values(), sums, strict=True):
        for s, number in enumerate(own):
            rows = found[number].rows
            std_error = block.exact.std_error[rows, found[number].w]
            variances[number] = float((contrasts[number][rows] ** 2 * std_error**2).sum() + window.covariance[s])
    return variances


def _rows(
    studied: Studied, block: Block, one: _Compared, wanted: list[str], variance: float, refused: str
) -> list[DifferenceRow]:
    rows = one.rows
    both = one.one.count > 0 and one.two.count > 0
    shared = Dependence(n_dates=one.overlap.n_dates, n_overlapping=one.overlap.pairs if both else 0)
    nu, side = block.fits.nu[rows], studied.spec.alternative

    def tested(name: str) -> TestResult:
        if name == "difference-welch":
            return difference_welch(one.one, one.two, shared.shared(len(rows)), side)
        if refused:
            return undefined(name, "t", refused)
        least = float(nu.min()) if len(nu) else np.nan
        return difference_cov(one.one, one.two, variance, least, risen(nu, block.exact.t[rows, one.w]), side)

    return [
        DifferenceRow(
            group=one.group,
            other=one.other,
            window=studied.spec.windows[one.w],
            n_dates=one.overlap.n_dates,
            one=one.one,
            two=one.two,
            std_error=_std_error(name, one.one, one.two, variance),
            result=tested(name),
        )
        for name in wanted
    ]


def _std_error(name: str, one: Moments, two: Moments, variance: float) -> float:
    if name == "difference-welch":
        parts = [m.standard_deviation**2 / m.count for m in (one, two) if m.count > 1]
        return float(np.sqrt(sum(parts))) if len(parts) == 2 else np.nan
    return float(np.sqrt(variance)) if variance > 0 else np.nan


def risen(nu: Floats, scar: Floats) -> list[str]:
    """A sentence where the events of both groups together visibly raised the variance; (n,) each."""
    known = nu > 2
    if known.sum() < 2:
        return []
    expected = float((nu[known] / (nu[known] - 2)).mean())
    return risen_ratio(summarise(scar[known]).standard_deviation ** 2 / expected, int(known.sum()))
