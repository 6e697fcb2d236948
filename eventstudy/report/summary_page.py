"""The page people read: the study's tables and sentences arranged as a ``Page``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventstudy.engine.models import MODELS
from eventstudy.evaluate.recommend import recommend
from eventstudy.flags import FLAGS
from eventstudy.report.announcement import Figures, announcements_section, primary_windows, stale_banner
from eventstudy.report.comparisons import comparison_tables
from eventstudy.report.document import Page, Section, Table
from eventstudy.report.findings import claims_section, events_section, unusual_days
from eventstudy.report.provenance import prices_table
from eventstudy.report.robustness import robustness_section
from eventstudy.report.sessions import sessions_section
from eventstudy.report.volume import volume_section
from eventstudy.report.words import NOTHING, count, listed, number, p_value, percent

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
    tickers = sorted(set(result.tables["windows"]["ticker"]))
    if not tickers:
        return "Event study"
    return f"Event study: {listed(tickers) if len(tickers) <= NAMED else count(len(tickers), 'ticker')}"


def _lead(result: StudyResult) -> tuple[str, ...]:
    spec, n_rows = result.spec, len(result.studied.reported)
    n_ids = result.tables["windows"]["event_id"].nunique()
    market = spec.benchmarks[:1] if MODELS[spec.model].factors != "all" else spec.benchmarks
    lead = [
        f"{count(n_ids, 'announcement')} for {count(n_rows, 'event')} (announcement and ticker) studied with the "
        f"{MODELS[spec.model].title} on {listed(market)}; {count(result.n_read, 'row')} read, {n_rows} studied, "
        f"{len(result.exclusions)} excluded with a reason.",
        "An abnormal return is what a stock did beyond what its model expects on a day like that. "
        "It is a statement about prices, not about causes.",
    ]
    unusual, distinct = unusual_days(result)
    if distinct:
        alpha = 1 - spec.level
        lead.append(
            f"Of {count(distinct, 'distinct firm and session', 'distinct firms and sessions')} that are no placebo, "
            f"{unusual} {'is' if unusual == 1 else 'are'} unusual at {100 * alpha:g} % by the t test over the primary "
            f"window; chance alone would make it about {alpha * distinct:.1f}."
        )
    return tuple(lead)


def _facts(result: StudyResult) -> tuple[tuple[str, str], ...]:
    unusual, distinct = unusual_days(result)
    return (
        ("announcements", str(result.tables["windows"]["event_id"].nunique())),
        ("events studied, of rows read", f"{len(result.studied.reported)} of {result.n_read}"),
        (f"unusual at {100 * (1 - result.spec.level):g} %, of distinct events", f"{unusual} of {distinct}"),
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
    excluded = result.tables["excluded"]
    ledger = f"{count(result.n_read, 'row')} read = {len(result.studied.reported)} studied + {len(excluded)} excluded."
    if excluded.empty:
        return Section(id="excluded", title="What was excluded", intro=(ledger,))
    rows = tuple((e.event_id, e.ticker, e.stage, e.reason, e.detail) for e in excluded.itertuples())
    table = Table(
        caption="Rows that could not be studied", columns=("event", "ticker", "stage", "reason", "detail"), rows=rows
    )
    return Section(id="excluded", title="What was excluded", intro=(ledger,), tables=(table,))


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
    flags = sorted(
        {flag for cell in primary_windows(result)["flags"] for flag in cell.split(";") if flag}, key=list(FLAGS).index
    )
    rows = tuple((flag, FLAGS[flag]) for flag in flags)
    tables = (Table(caption="Flags that occur", columns=("flag", "meaning"), rows=rows),) if rows else ()
    return Section(id="limits", title="What cannot be known", intro=tuple(intro), tables=tables)


CONVENTION_WORDS = {
    ("sigma", "m-1"): "residual variance with divisor M - 1",
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
    factors = result.studied.market.factors
    if factors is not None and factors.vintage:
        intro.append(f"Factors: {factors.vintage}; {factors.unit}; {factors.dates[0]} to {factors.dates[-1]}.")
    intro += [f"Notice: {notice}." for notice in result.notices]
    table = prices_table(result.provenance)
    return Section(id="method", title="Method and provenance", intro=tuple(intro), tables=(table,))
