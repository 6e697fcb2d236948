"""The tests across events: which are computed on which sample, and the rows they make, for studies of every size."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from eventstudy.engine.aggregates import OWN, Days, GroupWindow, Layout, Tally, empty_sample
from eventstudy.engine.moments import Moments
from eventstudy.engine.panel import Floats
from eventstudy.engine.significance.battery import GROUP_TESTS, finalised, forms_pairs, parts_read, too_costly
from eventstudy.engine.significance.cross_section import Dependence
from eventstudy.engine.significance.dependence import shared_days, with_weights
from eventstudy.engine.significance.overlap import Calendars, Overlap, dates_of, overlap_of
from eventstudy.engine.significance.pairs import PairSums
from eventstudy.engine.significance.result import TestResult, undefined
from eventstudy.engine.significance.summary import LIGHT_PARTS, Summary
from eventstudy.engine.significance.value_weighted import NO_MEAN, of_values
from eventstudy.evaluate.own_windows import DIFFERENT, reads_one_number
from eventstudy.records import GroupDay, GroupRow
from eventstudy.spec import StudySpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Which tests are computed on which samples, decided by the size of each sample.

    Attributes
    ----------
    overlaps : dict
        (group, window) -> Overlap.
    refused : dict
        (group, window) -> {test: reason}.
    in_pairs : list of (group, window)
        Samples of which pairs are formed.
    parts : frozenset of str
        Parts of a summary for the second pass.
    """

    overlaps: dict[GroupWindow, Overlap]
    refused: dict[GroupWindow, dict[str, str]]
    in_pairs: list[GroupWindow]
    parts: frozenset[str]

    def windows(self) -> dict[int, list[GroupWindow]]:
        """The samples of which pairs are formed, by window."""
        found: dict[int, list[GroupWindow]] = {}
        for key in self.in_pairs:
            found.setdefault(key[1], []).append(key)
        return found


def wanted_tests(spec: StudySpec) -> list[str]:
    """Tests across events that are wanted, in the order of the output."""
    return [name for name in GROUP_TESTS if name in spec.active_tests]


def parts_wanted(spec: StudySpec) -> frozenset[str]:
    """Parts of a summary that the tests of a study read under its conventions."""
    found = parts_read(wanted_tests(spec))
    found |= {"pooled"} if spec.chosen("sign") == "pooled" and "signs" in found else set()
    return found | ({"relative"} if spec.chosen("correlation") == "relative" else set())


def chosen_tests(tally: Tally, calendars: Calendars, layout: Layout, spec: StudySpec) -> Chosen:
    """Tests that are computed once the first pass knows the samples; a costly test waits unless it is named."""
    wanted, named = wanted_tests(spec), spec.tests != ("auto",)
    speaks_of_pairs = any(GROUP_TESTS[name].cost == "pairs" for name in wanted)
    overlaps, refused, in_pairs = {}, {}, []
    for key, test in tally.tested.items():
        places, w, n = tally.places[key], key[1], test.summary.n
        if w != OWN and speaks_of_pairs and n > 1:
            overlaps[key] = overlap_of(places, calendars, layout.windows[w])
        else:
            # own windows differ: what the widest of them reach is taken for shared
            starts, ends = zip(*layout.windows, strict=True)
            overlaps[key] = dates_of(places, calendars, layout.windows[w] if w != OWN else (min(starts), max(ends)))
        if n < 2 or not layout.tested:
            continue
        reasons = {} if named else {name: why for name in wanted if (why := too_costly(name, n, overlaps[key]))}
        refused[key] = reasons
        if w != OWN and any(forms_pairs(name) for name in wanted if name not in reasons):
            in_pairs.append(key)
    parts = parts_wanted(spec) - LIGHT_PARTS
    if not in_pairs:
        parts -= {"grank-clu"}
    return Chosen(overlaps=overlaps, refused=refused, in_pairs=in_pairs, parts=parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Summed:
    """Everything that the tests across events finalise.

    Attributes
    ----------
    summaries : mapping
        (group, window) -> Summary, both passes.
    shared : mapping
        (group, window) -> Dependence.
    values : callable
        Of (group, window): ``car``, ``bhar``, ``date`` and, where asked for, ``weight`` of every event, for tests that
        need them all at once.
    """

    tally: Tally
    summaries: Mapping[GroupWindow, Summary]
    shared: Mapping[GroupWindow, Dependence]
    chosen: Chosen
    layout: Layout
    values: Callable[[GroupWindow], dict[str, Floats]]


def shared_by(
    tally: Tally,
    chosen: Chosen,
    layout: Layout,
    sums: Mapping[int, PairSums],
    own: Mapping[GroupWindow, int] | None = None,
) -> dict[GroupWindow, Dependence]:
    """Dependence between the events of every sample.

    Parameters
    ----------
    tally, chosen, layout
    sums : mapping
        Window -> ``PairSums`` of its samples in the order of ``chosen.windows()``.
    own : mapping or None
        (group, ``OWN``) -> pairs of events whose own windows overlap.
    """
    column = {key: (s, len(keys)) for keys in chosen.windows().values() for s, key in enumerate(keys)}
    found = {}
    for key, overlap in chosen.overlaps.items():
        test, w = tally.tested[key], key[1]
        n = test.summary.n
        if key in column:
            s, n_samples = column[key]
            size = (n, layout.windows[w][1] - layout.windows[w][0] + 1)
            found[key] = shared_days(overlap, size, sums[w].column(s), test.variance, float(n) ** 2, test.min_nu)
            if "weighted" in test.summary.sums:
                # after the samples come the same ones weighted
                between = float(sums[w].column(n_samples + s).covariance)
                found[key] = with_weights(found[key], test.summary.sums["weighted"], between)
        else:
            pairs = overlap.pairs if own is None or w != OWN else own[key]
            found[key] = Dependence(
                n_dates=overlap.n_dates, n_overlapping=pairs, dates=overlap.dates, cluster=overlap.cluster
            )
    return found


def group_rows(found: Summed, names: Sequence[tuple[str, int]], spec: StudySpec) -> tuple[GroupRow, ...]:
    """Every wanted test on every group of two or more events.

    Parameters
    ----------
    names : sequence of (name, number in the tally)
        The groups in the order of the output; two names may share a number.
    """
    rows: list[GroupRow] = []
    for name, group in names:
        if group in found.tally.days and found.tally.days[group].n_members > 1:
            for w in found.layout.numbers:
                # an own window named by fewer than two rows has no group
                if w != OWN or found.tally.tested[group, w].n_members > 1:
                    rows += _rows(found, name, (group, w), spec)
    return tuple(rows)


def _rows(found: Summed, name: str, key: GroupWindow, spec: StudySpec) -> list[GroupRow]:
    """Every wanted test on one sample; over ``OWN`` tests that read days have no distribution."""
    group, w = key
    wanted, summary, shared = wanted_tests(spec), found.summaries[key], found.shared[key]
    empty = summary.n < 2
    reads = found.layout.tested and any("values" in GROUP_TESTS[name].reads for name in wanted)
    if (reads or spec.weight) and not empty:
        summary = replace(summary, values=found.values(key))
    value_weighted = of_values(summary.values) if spec.weight and not empty else NO_MEAN
    results = _results(found, key, summary, wanted, spec)
    return [
        GroupRow(
            group=name,
            window=spec.event_window if w == OWN else spec.windows[w],
            own=w == OWN,
            n_rows=found.tally.days[group].n_rows,
            n_dates=shared.n_dates,
            n_overlapping=shared.n_overlapping,
            car=Moments() if empty else summary.car,
            bhar=Moments() if empty else summary.bhar,
            precision_weighted=np.nan if empty else weighted_mean(summary, "precision"),
            variance_weighted=np.nan if empty else weighted_mean(summary, "variance_weight"),
            value_weighted=value_weighted,
            result=results[test],
        )
        for test in wanted
    ]


def _results(
    found: Summed, key: GroupWindow, summary: Summary, wanted: Sequence[str], spec: StudySpec
) -> dict[str, TestResult]:
    w = key[1]
    if not found.layout.tested:
        reason = f"{spec.model} has no standard errors; see p_conformal and p_space"
        return {name: undefined(name, "", reason) for name in wanted}
    results = {name: undefined(name, "", DIFFERENT) for name in wanted if w == OWN and not reads_one_number(name)}
    possible = [name for name in wanted if name not in results]
    if summary.n < 2:
        over = "their windows" if w == OWN else "this window"
        reason = f"N = {summary.n}: fewer than two events have a CAR over {over}"
        return results | {name: undefined(name, "", reason) for name in possible}
    refused = found.chosen.refused[key]
    results |= {name: undefined(name, "", refused[name]) for name in possible if name in refused}
    computed = [name for name in possible if name not in refused]
    layout = empty_sample(found.layout, w)
    tested = finalised(layout, summary, found.shared[key], computed, spec.alternative)
    return results | {result.test: result for result in tested}


def weighted_mean(summary: Summary, name: str) -> float:
    """Mean CAR with weights 1/standard error (``pwcaar``) or its square (``ivwcaar``); NaN with nothing to weigh."""
    weight, total = summary.sums[name]
    return float(total / weight) if weight > 0 else np.nan


def day_rows(days: Mapping[int, Days], names: Sequence[tuple[str, int]], spec: StudySpec) -> tuple[GroupDay, ...]:
    """AAR and average CAR path of every group, by event day; each day over the events that have it."""
    return tuple(
        GroupDay(group=name, day=spec.event_window.start + k, ar=own.ar.column(k), car=own.path.column(k))
        for name, group in names
        if (own := days.get(group)) is not None and own.n_members
        for k in range(len(own.ar.count))
    )
