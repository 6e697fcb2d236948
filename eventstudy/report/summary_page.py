"""The page people read: the study's tables and sentences arranged as a ``Page``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventstudy.engine.models import MODELS
from eventstudy.evaluate.recommend import recommend
from eventstudy.flags import FLAGS, flag_words
from eventstudy.report.announcement import Figures, announcements_section, stale_banner
from eventstudy.report.comparisons import comparison_tables
from eventstudy.report.document import Page, Section, Table
from eventstudy.report.findings import claims_section, events_section
from eventstudy.report.provenance import prices_table
from eventstudy.report.robustness import robustness_section
from eventstudy.report.sessions import sessions_section
from eventstudy.report.volume import volume_section
from eventstudy.report.words import NOTHING, count, listed, number, p_value, percent
from eventstudy.results import LISTED

if TYPE_CHECKING:
    from eventstudy.evaluate.audit import Audit
    from eventstudy.results import StudyResult
    from eventstudy.spec import StudySpec

# titles name up to so many tickers
NAMED = 5


def summary_page(result: StudyResult, figures: Figures, audit: Audit | None) -> Page:
    """Claims, every event, the announcements one by one, shared sessions, groups, robustness, exclusions, limits."""
    sections = [
        claims_section(result.tables["claims"], result.spec.level),
        events_section(result, figures),
        announcements_section(result, figures),
        sessions_section(result, figures),
        _group_section(result, figures),
        volume_section(result),
        robustness_section(result),
        _excluded_section(result),
        _limits_section(result),
        _method_section(result, audit),
    ]
    return Page(
        title=_title(result),
        banner=stale_banner(result),
        lead=_lead(result),
        facts=_facts(result),
        sections=tuple(s for s in sections if s),
    )


def _title(result: StudyResult) -> str:
    """The tickers where a line holds them, else how many there are."""
    tickers = result.totals.tickers
    if not tickers:
        return "Event study"
    return f"Event study: {listed(tickers) if len(tickers) <= NAMED else count(len(tickers), 'ticker')}"


def _lead(result: StudyResult) -> tuple[str, ...]:
    spec, total, found = result.spec, result.totals, result.unusual
    market = spec.benchmarks[:1] if MODELS[spec.model].factors != "all" else spec.benchmarks
    lead = [
        f"{count(total.n_announcements, 'announcement')} for {count(total.n_studied, 'event')} (announcement and "
        f"ticker) studied with the {MODELS[spec.model].title} on {listed(market)}; {count(total.n_read, 'row')} read, "
        f"{total.n_studied:,} studied, {result.lost.shape[1]:,} excluded with a reason.",
        "An abnormal return is what a stock did beyond what its model expects on a day like that. "
        "It is a statement about prices, not about causes.",
    ]
    if found.tested:
        by = "" if found.by == "headline" else " by the t test"
        lead.append(
            f"Of {count(found.tested, 'distinct firm and session', 'distinct firms and sessions')} with role direct or "
            f"peer, {found.found:,} {'is' if found.found == 1 else 'are'} unusual at {100 * (1 - spec.level):g} %{by} "
            f"over the primary window; chance alone would make it up to {found.by_chance:,.2f}."
        )
    return tuple(lead)


def _facts(result: StudyResult) -> tuple[tuple[str, str], ...]:
    total, level = result.totals, f"{100 * (1 - result.spec.level):g}"
    return (
        ("announcements", f"{total.n_announcements:,}"),
        ("events studied, of rows read", f"{total.n_studied:,} of {total.n_read:,}"),
        (f"unusual at {level} %, of distinct events", f"{result.unusual.found:,} of {result.unusual.tested:,}"),
        ("claims that hold", _claims_that_hold(result)),
    )


def _claims_that_hold(result: StudyResult) -> str:
    claims = result.tables["claims"]
    known = claims[claims["verdict"] != "no_data"]
    return f"{int((known['verdict'] == 'agrees').sum())} of {len(known)}" if len(known) else NOTHING


def _group_section(result: StudyResult, figures: Figures) -> Section | None:
    aggregate = result.tables["aggregate"]
    if aggregate.empty:
        return None
    chosen, reasons = _recommended(result)
    rows = tuple(
        (
            g.group,
            g.window,
            str(g.n_events),
            str(g.n_dates),
            percent(g.caar),
            percent(g.pw_caar),
            g.test,
            number(g.statistic),
            p_value(g.p_value),
            g.applicable,
            g.reason,
        )
        for g in aggregate.itertuples()
        if chosen is None or g.test in chosen.get((g.group, g.window), ())
    )
    table = Table(
        caption="Average CAR per group",
        columns=(
            "group",
            "window",
            "events",
            "dates",
            "CAAR",
            "weighted",
            "test",
            "statistic",
            "p",
            "applicable",
            "reason",
        ),
        rows=rows,
        numeric=frozenset({2, 3, 4, 5, 7, 8}),
        note="all: direct rows only. An announcement under two ids counts once per ticker and day 0. Every other test "
        "stands in aggregate.csv.",
    )
    shown = tuple(figure for name, figure in figures.items() if name.startswith("caar"))
    return Section(
        id="groups", title="Groups", intro=reasons, tables=(table, *comparison_tables(result)), figures=shown
    )


def _recommended(result: StudyResult) -> tuple[dict[tuple[str, str], tuple[str, ...]] | None, tuple[str, ...]]:
    """The tests to read per group and window and one sentence a reason; everything where the study names its tests."""
    if result.spec.tests != ("auto",):
        return None, ("The tests that were named.",)
    chosen: dict[tuple[str, str], tuple[str, ...]] = {}
    reasons: dict[str, list[str]] = {}
    for row in result.groups:
        advice = recommend(row.car.count, row.n_dates, row.n_overlapping, 1 if row.own else row.window.length)
        chosen[row.group, row.label] = advice.tests
        label = f"{row.group} {row.label}"
        if label not in reasons.setdefault(advice.why, []):
            reasons[advice.why].append(label)
    return chosen, tuple(f"{listed(labels)}: {why}." for why, labels in reasons.items())


def _excluded_section(result: StudyResult) -> Section:
    lost = result.lost.shape[1]
    ledger = f"{count(result.n_read, 'row')} read = {result.totals.n_studied:,} studied + {lost:,} excluded."
    if not lost:
        return Section(id="excluded", title="What was excluded", intro=(ledger,))
    name = result.studied.index.name
    some = result.first_exclusions(LISTED)
    table = Table(
        caption="Rows that could not be studied" if lost <= LISTED else f"The first {LISTED} of {lost:,} rows",
        columns=("event", "ticker", "stage", "reason", "detail"),
        rows=tuple((*name(e.row), e.stage, e.reason, e.detail) for e in some),
    )
    reasons = Table(
        caption="Rows that could not be studied, by reason",
        columns=("stage", "reason", "rows"),
        rows=tuple((stage, reason, f"{n:,}") for stage, reason, n in result.reasons),
        numeric=frozenset({2}),
    )
    tables = (table,) if lost <= LISTED else (reasons, table)
    return Section(id="excluded", title="What was excluded", intro=(ledger,), tables=tables)


def _limits_section(result: StudyResult) -> Section:
    intro = [
        "One session that carries several announcements is one cluster: daily data cannot split own news from a "
        "peer's.",
        "With one event, every test asks whether the day looks like a draw from the days before. A moved mean "
        "and a risen "
        "variance look the same.",
        "A result that is not significant is not a finding of no effect: the column MDE says how large an effect "
        "had to be "
        "to be found.",
        "Events that were chosen because the price moved are not tests of anything; their notes say so.",
    ]
    flags = [flag for flag in flag_words(result.totals.flags).split(";") if flag]
    rows = tuple((flag, FLAGS[flag]) for flag in flags)
    tables = (Table(caption="Flags that occur", columns=("flag", "meaning"), rows=rows),) if rows else ()
    return Section(id="limits", title="What cannot be known", intro=tuple(intro), tables=tables)


CONVENTION_WORDS = {
    ("sigma", "m-1"): "residual variance with divisor M - 1",
    ("sigma", "m"): "residual variance with divisor M",
    ("car", "sqrt-l"): "CAR variance L s2, without the estimation error",
    ("car", "per-day"): "CAR variance as the sum of the days' own, without their covariance",
    ("robust", "hac"): "CAR variance from the autocovariances of the estimation residuals (Newey & West 1987)",
}


def _convention_sentence(spec: StudySpec) -> str:
    """How standard errors are made; the exact form unless the study says otherwise."""
    chosen = [words for (key, choice), words in CONVENTION_WORDS.items() if spec.chosen(key) == choice]
    if not chosen:
        return "Standard errors hold the full prediction-error covariance, residual variance with divisor M - p."
    return f"Conventions other than the exact ones: {'; '.join(chosen)}. Cluster tests stay exact."


def _method_section(result: StudyResult, audit: Audit | None) -> Section:
    spec = result.spec
    intro = [
        f"Model {spec.model}, benchmark {listed(spec.benchmarks)}, {spec.estimation} sessions of estimation, gap "
        f"{spec.gap}, "
        f"event window {spec.event_window.label}, {spec.returns} total returns, exclude {spec.exclude}, missing days "
        f"{spec.missing}, tests {spec.alternative}. {_convention_sentence(spec)}",
    ]
    if audit is not None:
        word = "agree" if audit.agrees else "do NOT agree"
        intro.append(
            f"Audit: {audit.n_checked} of {audit.n_studied} studied rows were fitted again by statsmodels with "
            "one dummy per "
            f"event day; coefficients, sigma, every abnormal return, every CAR and their t values {word} to 1e-9."
        )
    factors = result.prepared.factors
    if factors is not None and factors.vintage:
        intro.append(f"Factors: {factors.vintage}; {factors.unit}; {factors.dates[0]} to {factors.dates[-1]}.")
    intro += [f"Notice: {notice}." for notice in result.notices[:LISTED]]
    if len(result.notices) > LISTED:
        intro.append(f"The first {LISTED} of {len(result.notices):,} notices; manifest.json has all.")
    if (n := len(result.provenance)) > LISTED:
        intro.append(f"The first {LISTED} of {n:,} price series; manifest.json has all.")
    table = prices_table(result.provenance[:LISTED])
    return Section(id="method", title="Method and provenance", intro=tuple(intro), tables=(table,))
