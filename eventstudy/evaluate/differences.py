"""Differences between the groups of the ``--by`` column: every pair of few groups, each against the rest of many."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from eventstudy.engine.moments import Moments, summarise
from eventstudy.engine.significance.cross_section import Dependence, risen_ratio
from eventstudy.engine.significance.differences import contrast, difference_cov, difference_welch
from eventstudy.engine.significance.evidence import Evidence, Sample
from eventstudy.evaluate.groups import ALL, members, sample_of, shared_days
from eventstudy.records import DifferenceRow
from eventstudy.spec import DIFFERENCE_TESTS

if TYPE_CHECKING:
    from eventstudy.engine.significance.result import TestResult
    from eventstudy.results import Studied

# More groups than these make more pairs than anyone reads: each is then compared with all others together.
MOST_GROUPS = 6
REST = "(rest)"
Comparison = tuple[str, list[int], str, list[int]]


def difference_tests(studied: Studied, evidence: Evidence | None) -> tuple[DifferenceRow, ...]:
    """Every comparison over every test window; groups of one event are left out."""
    wanted = [name for name in DIFFERENCE_TESTS if name in studied.spec.active_tests]
    if evidence is None or not wanted:
        return ()
    return tuple(
        row
        for comparison in comparisons(studied)
        for w in studied.shared_windows
        for row in _compared(studied, evidence, comparison, w, wanted)
    )


def comparisons(studied: Studied) -> list[Comparison]:
    """(group, its positions, other group, its positions); ``all`` is no group of the column."""
    groups = {name: rows for name, rows in members(studied).items() if name != ALL and len(rows) > 1}
    if len(groups) <= MOST_GROUPS:
        return [(a, groups[a], b, groups[b]) for a, b in itertools.combinations(groups, 2)]
    return [
        (name, rows, REST, _once(studied, (i for other, own in groups.items() if other != name for i in own)))
        for name, rows in groups.items()
    ]


def _once(studied: Studied, rows: Iterable[int]) -> list[int]:
    """Rows in file order, one per (ticker, day 0)."""
    first: dict[tuple[str, np.datetime64], int] = {}
    for i in sorted(rows):
        first.setdefault((studied.text(i, "ticker"), studied.day0(i)), i)
    return list(first.values())


def _compared(
    studied: Studied, evidence: Evidence, comparison: Comparison, w: int, wanted: list[str]
) -> list[DifferenceRow]:
    group, own, other, others = comparison
    sample = sample_of(studied, evidence, sorted({*own, *others}), w)
    here, there = np.isin(sample.rows, own), np.isin(sample.rows, others)
    one, two = summarise(sample.car[here]), summarise(sample.car[there])
    shared = Dependence(n_dates=sample.n_dates)
    if one.count and two.count:
        shared = shared_days(studied, sample, contrast(here, there))
    return [
        DifferenceRow(
            group=group,
            other=other,
            window=studied.spec.windows[w],
            n_dates=sample.n_dates,
            one=one,
            two=two,
            std_error=_std_error(name, one, two, shared),
            result=_tested(name, sample, one, two, shared, studied),
        )
        for name in wanted
    ]


def _tested(name: str, sample: Sample, one: Moments, two: Moments, shared: Dependence, studied: Studied) -> TestResult:
    side = studied.spec.alternative
    if name == "difference-welch":
        return difference_welch(one, two, shared.shared(sample.n), side)
    return difference_cov(one, two, shared.variance, shared.min_nu, risen(sample), side)


def _std_error(name: str, one: Moments, two: Moments, shared: Dependence) -> float:
    if name == "difference-welch":
        parts = [m.standard_deviation**2 / m.count for m in (one, two) if m.count > 1]
        return float(np.sqrt(sum(parts))) if len(parts) == 2 else np.nan
    return float(np.sqrt(shared.variance)) if shared.variance > 0 else np.nan


def risen(sample: Sample) -> list[str]:
    """A sentence where the events of both groups together visibly raised the variance."""
    nu = sample.evidence.nu[sample.rows]
    known = nu > 2
    if known.sum() < 2:
        return []
    expected = float((nu[known] / (nu[known] - 2)).mean())
    return risen_ratio(summarise(sample.scar[known]).standard_deviation ** 2 / expected, int(known.sum()))
