"""Many events: the typical move, the average with its path, the distribution, the groups, the ten largest."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtri, stdtr, stdtrit

from eventstudy.evaluate.recommend import recommend
from eventstudy.evaluate.typical import Typical
from eventstudy.report.announcement import CLOSING, stale_banner
from eventstudy.report.claims import claim_items
from eventstudy.report.comparisons import comparison_tables
from eventstudy.report.document import Block, Cell, Columns, Fold, Items, Note, Page, Section, Table
from eventstudy.report.figures.dots import DotRow, dots_figure
from eventstudy.report.figures.histogram import distribution_figure
from eventstudy.report.figures.marks import Figure
from eventstudy.report.figures.paths import path_figure
from eventstudy.report.format import count, number, p_value
from eventstudy.report.material import Material
from eventstudy.report.method import excluded_section, method_section
from eventstudy.report.moves import moves_of
from eventstudy.report.sentences import chance
from eventstudy.report.volume import volume_section
from eventstudy.report.weighted import weighted_blocks
from eventstudy.report.wording import counted, day_words, over, p_text, short_day, signed, span, upper
from eventstudy.results import PAGES
from eventstudy.roster import ALL

if TYPE_CHECKING:
    from eventstudy.evaluate.audit import Audit
    from eventstudy.records import GroupRow
    from eventstudy.results import StudyResult
    from eventstudy.spec import StudySpec, Window

# groups of a figure
MOST_GROUPS = 12
# tests whose statistic is the average over its standard error
AVERAGES = ("calendar-cov", "csect-t")


def many_page(result: StudyResult, material: Material, audit: Audit | None) -> tuple[Page, dict[str, Figure]]:
    """The page of more than fifty announcements: no row an event, the typical move first."""
    found = result.typical
    average = _average(result)
    figures = _figures(result, found, average)
    claims = claim_items(material)
    opening: list[Block] = [Columns(tuple(("", figure) for figure in figures.values()))]
    sections = (
        Section(id="claims", title="Claims, held against prices", blocks=(Items(tuple(claims)),)) if claims else None,
        _largest_section(result, found),
        groups_section(result),
        volume_section(material.result),
        excluded_section(result),
        method_section(result, audit),
    )
    page = Page(
        title=_title(result, found, average),
        kicker=_kicker(result),
        banner=stale_banner(result),
        lead=tuple(_lead(result, found, average)),
        opening=tuple(opening),
        sections=tuple(section for section in sections if section is not None),
        further=(("All events (CSV)", "windows.csv"),),
        words=True,
        closing=CLOSING,
    )
    return page, figures


@dataclass(frozen=True, slots=True)
class _Average:
    """The average over the window that most events have, with the widest interval and the largest p of three tests
    whose statistic is the average over a standard error: one counts the days that events share, one a variance that
    rises with the event, one both."""

    row: GroupRow
    half: float
    p: float


def _average(result: StudyResult) -> _Average | None:
    rows = [row for row in result.groups if row.group == ALL and not row.own and row.car.count]
    window = _window(result)
    mine = [row for row in rows if row.window == window] or [row for row in rows if row.window == rows[0].window]
    if not mine:
        return None
    known = [row for row in mine if row.result.test in AVERAGES and math.isfinite(row.result.p)]
    found = [(_half(row, result.spec.level), row.result.p) for row in known]
    found += _correlated({row.result.test: row for row in known + mine}, result.spec)
    return _Average(
        mine[0], max((half for half, _ in found), default=math.nan), max((p for _, p in found), default=math.nan)
    )


def _correlated(rows: dict[str, GroupRow], spec: StudySpec) -> list[tuple[float, float]]:
    """Half-width and p of ``csect-t`` with the correction of Kolari & Pynnonen (2010) for the correlation of events:
    the ratio of ``bmp`` to ``kolari-pynnonen``, at least 1. Empty where one of the three is not known."""
    spread, bmp, both = (rows.get(name) for name in ("csect-t", "bmp", "kolari-pynnonen"))
    if spread is None or bmp is None or both is None:
        return []
    t, one, other = (row.result.statistic for row in (spread, bmp, both))
    if not all(math.isfinite(value) and value for value in (t, one, other)):
        return []
    wider, df = max(1.0, abs(one / other)), float(spread.result.df)
    t /= wider
    p = {"two-sided": 2 * stdtr(df, -abs(t)), "less": stdtr(df, t), "greater": stdtr(df, -t)}[spec.alternative]
    return [(wider * _half(spread, spec.level), float(p))]


def _half(row: GroupRow, level: float) -> float:
    """Half-width of the interval of an average by its test's own standard error."""
    if not row.result.statistic:
        return math.nan
    tail, df = 0.5 + level / 2, str(row.result.df)
    known = df.replace(".", "", 1).isdigit() and float(df) > 0
    quantile = float(stdtrit(float(df), tail)) if known else float(ndtri(tail))
    return quantile * abs(row.car.mean / row.result.statistic)


def _window(result: StudyResult) -> Window:
    return result.spec.windows[result.totals.window]


def _title(result: StudyResult, found: Typical | None, average: _Average | None) -> str:
    category = result.totals.category.replace("_", " ")
    kind = f"{category} " if category else ""
    if found is not None:
        moved = 100 * float(np.median(np.abs(found.moves)))
        usual = (
            f", against {100 * float(np.median(np.abs(found.ordinary))):.1f} % on ordinary days"
            if len(found.ordinary)
            else ""
        )
        days = "one day" if found.days == 1 else f"{counted(found.days)} days"
        return (
            f"After {len(found.moves):,} {kind}announcements the typical share moved {moved:.1f} % beyond the market "
            f"in {days}{usual}."
        )
    if average is not None:
        row = average.row
        return (
            f"After {row.car.count:,} {kind}announcements the average share moved {signed(row.car.mean, 1)} beyond the "
            f"market{over(row.window.length)}."
        )
    return f"{result.totals.n_studied:,} events studied."


def _kicker(result: StudyResult) -> str:
    total = result.totals
    when = f", {' to '.join(day_words(str(day)) for day in total.days)}" if total.days else ""
    return f"Event study · {count(total.n_announcements, 'announcement')}, {count(len(total.tickers), 'share')}{when}"


def _lead(result: StudyResult, found: Typical | None, average: _Average | None) -> list[str]:
    alpha, said = 1 - result.spec.level, []
    if average is not None:
        mean, rose, n = average.row.car.mean, average.row.car.positive, average.row.car.count
        low, high = mean - average.half, mean + average.half
        level = f"{100 * result.spec.level:g} % interval"
        p = p_text(average.p) if not average.p < 0.0001 else "below 0.0001"
        known = f" ({level} {span(low, high, 2)}, p {p})" if math.isfinite(low) else ""
        quite = "" if not math.isfinite(low) or low <= 0 <= high else ", yet not quite"
        cancel = f"Ups and downs nearly cancel{quite}: the" if _cancels(mean, found) else "The"
        said.append(f"{cancel} average own move is {signed(mean)}{known}, and {rose:,} of {n:,} rose.")
    far = result.unusual
    if far.tested:
        share = 100 * far.found / far.tested
        said.append(
            f"{far.found:,} of {far.tested:,} ({share:.0f} %) lie outside their own band of an ordinary day; chance "
            f"alone would give {chance(far.tested, alpha)}."
        )
    return [" ".join(said)] if said else []


def _cancels(mean: float, found: Typical | None) -> bool:
    """Whether the average is small against the typical size."""
    return found is not None and len(found.moves) > 0 and abs(mean) < 0.3 * float(np.median(np.abs(found.moves)))


def _figures(result: StudyResult, found: Typical | None, average: _Average | None) -> dict[str, Figure]:
    window = average.row.window if average is not None else result.spec.windows[0]
    half = average.half if average is not None else math.nan
    made: list[Figure | None] = [caar_figure(result, (window.start, window.end), half)]
    if found is not None and len(found.moves) > 1:
        outside = result.unusual.found
        made.append(distribution_figure(found.moves, found.ordinary, outside, found.days))
    made.append(groups_figure(result))
    return {figure.name: figure for figure in made if figure is not None}


def caar_figure(result: StudyResult, window: tuple[int, int], half: float) -> Figure | None:
    """The CAAR path of all events, 0 at the close of day -1, outward both ways, with pointwise intervals; that of the
    window has the half-width ``half``, and the others are wider than the spread of days says in the same proportion."""
    days = {day.day: day for day in result.group_days if day.group == ALL and day.ar.count}
    points = []
    for day in sorted(days):
        reach = [days[d] for d in (range(day + 1) if day >= 0 else range(day, 0)) if d in days]
        spread = math.sqrt(sum(d.ar.standard_deviation**2 / d.ar.count for d in reach if d.ar.count > 1))
        points.append((day, sum(d.ar.mean for d in reach), spread))
    own = next((spread for day, _, spread in points if day == window[1]), 0.0)
    wide = half / own if math.isfinite(half) and own and window[0] == 0 else float(ndtri(0.5 + result.spec.level / 2))
    return path_figure(
        "caar-groups",
        "Average own move, added up",
        [("Average own move, added up", [(day, value, wide * spread) for day, value, spread in points])],
        window,
        "CAAR: average own moves added up from the close of day -1 outward both ways. Shaded: "
        f"{100 * result.spec.level:g} % interval of each point; pale strip: the window.",
    )


def groups_figure(result: StudyResult) -> Figure | None:
    """The average of each group over the window that most events have; None with fewer than two groups."""
    window = _window(result)
    rows: dict[str, GroupRow] = {}
    for row in result.groups:
        if row.window == window and not row.own and row.result.test == "csect-t":
            rows.setdefault(row.group, row)
    whole = rows.get(ALL)
    # the group that all events are in says nothing more
    rows = {name: row for name, row in rows.items() if name == ALL or whole is None or row.car != whole.car}
    if len(rows) < 2:
        return None
    order = sorted(rows.values(), key=lambda row: (row.group != ALL, row.group))[:MOST_GROUPS]
    dots = []
    for row in order:
        half = _half(row, result.spec.level)
        low, high = row.car.mean - half, row.car.mean + half
        dots.append(
            DotRow(
                f"{row.group} ({row.car.count:,})", row.car.mean, low, high,
                outside=not low <= 0 <= high if math.isfinite(low) else False, first=row.group == ALL,
            )
        )  # fmt: skip
    return dots_figure(
        "groups",
        "The average by group",
        dots,
        f"Averages with {100 * result.spec.level:g} % intervals by the spread across events, number of events in "
        "brackets.",
    )


def _largest_section(result: StudyResult, found: Typical | None) -> Section | None:
    """The ends of the distribution: no p, because they are picked for their size."""
    rows = _largest(result, found)
    if not rows:
        return None
    bounds = [b for *_, own, low, high, _ in rows for b in (own, low, high) if math.isfinite(b)]
    scale = (min([*bounds, -0.02]) * 1.02, max([*bounds, 0.02]) * 1.02)
    table = Table(
        caption="Own move of the ten largest. These are the ends of the distribution, picked for their size, so no p "
        "is given. windows.csv has every event.",
        columns=("share", f"own move, {100 * result.spec.level:g} % interval", "", "day 0"),
        rows=tuple(
            (
                Cell(text=name, link=link),
                Cell(text=signed(own, 1), note=span(low, high), strong=outside),
                Cell(bar=(low, own, high), strong=outside),
                short_day(day0),
            )
            for name, link, day0, own, low, high, outside in rows
        ),
        numeric=frozenset({1, 3}),
        scale=scale,
        fit=True,
    )
    return Section(id="largest", title="The ten largest", blocks=(table,))


def _largest(result: StudyResult, found: Typical | None) -> list[tuple[str, str, str, float, float, float, bool]]:
    detailed = set(result.detailed)
    if found is None:
        return []
    shares = sorted(moves_of(replace(result, studied=found.largest)).shares, key=lambda s: -abs(s.whole.own))
    return [
        (
            share.name,
            f"events/{share.event_id}.html" if share.event_id in detailed else "",
            share.day0,
            share.whole.own,
            share.whole.low,
            share.whole.high,
            share.whole.outside,
        )
        for share in shares
    ]


def groups_section(result: StudyResult) -> Section | None:
    """The average of each group by the tests to read; None where there is no group."""
    if not result.groups:
        return None
    chosen: dict[str, list[str]] = {}
    rows = []
    windows = dict.fromkeys(row.label for row in result.groups)
    few = list(windows)[:2] if result.spec.tests == ("auto",) else list(windows)
    for row in result.groups:
        advice = recommend(row.car.count, row.n_dates, row.n_overlapping, 1 if row.own else row.window.length)
        if row.label not in few or (result.spec.tests == ("auto",) and row.result.test not in advice.tests):
            continue
        chosen.setdefault(advice.why, [])
        if row.group not in chosen[advice.why]:
            chosen[advice.why].append(row.group)
        test = row.result
        rows.append(
            (
                *(row.group, row.label, f"{row.car.count:,}", f"{row.n_dates:,}"),
                signed(row.car.mean if row.car.count else math.nan),
                *(test.test, number(test.statistic), p_value(test.p)),
                "" if test.applicable == "yes" else test.applicable,
            )
        )
    if not rows:
        return None
    table = Table(
        caption="Average own move (CAAR) per group and window",
        columns=("group", "window", "events", "dates", "CAAR", "test", "statistic", "p", "applicable"),
        rows=tuple(rows[:100]),
        numeric=frozenset({2, 3, 4, 6, 7}),
        note="all: direct rows only; an announcement under two ids counts once per share and day 0. Every other window "
        "and test is in aggregate.csv, with the reason where one is not applicable.",
        folded=True,
    )
    notes = tuple(Note(f"{upper(', '.join(groups))}: {why}.") for why, groups in chosen.items())
    average = _average(result)
    window = average.row.window if average is not None else result.spec.windows[0]
    path = caar_figure(result, (window.start, window.end), average.half if average is not None else math.nan)
    # a page of many events begins with it; the events of one date are one path, that of their shares
    shown = (Fold(title="The average own move, added up day by day", blocks=(path,)),) if path is not None else ()
    one_date = all(row.n_dates < 2 for row in result.groups)
    shown = () if result.totals.n_announcements > PAGES or one_date else shown
    weighted = weighted_blocks(result, few)
    return Section(id="groups", title="Groups", blocks=(*notes, table, *weighted, *shown, *comparison_tables(result)))
