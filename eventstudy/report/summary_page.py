"""The page people read: the study's tables and sentences arranged as a ``Page``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from eventstudy.engine.models import MODELS
from eventstudy.evaluate.recommend import recommend
from eventstudy.flags import FLAGS
from eventstudy.report.announcement import Figures, announcement_card, primary_windows, rates_note, stale_banner
from eventstudy.report.comparisons import comparison_tables
from eventstudy.report.document import Page, Section, Table
from eventstudy.report.prose import claim_sentence
from eventstudy.report.words import NOTHING, count, interval, listed, number, p_value, percent, rated, size

if TYPE_CHECKING:
    from eventstudy.evaluate.audit import Audit
    from eventstudy.report.figures import Figure
    from eventstudy.results import StudyResult
    from eventstudy.spec import StudySpec


def summary_page(result: StudyResult, figures: Figures, audit: Audit | None) -> Page:
    """The page people read: claims, events, clusters, groups, robustness, exclusions, limits, plain words."""
    tables = result.tables
    n_ids = tables["windows"]["event_id"].nunique()
    n_rows = len(result.studied.reported)
    spec = result.spec
    lead = (
        f"{count(n_ids, 'announcement')} for {count(n_rows, 'event')} (announcement and ticker) studied with the "
        f"{MODELS[spec.model].title} on "
        f"{listed(spec.benchmarks[:1] if MODELS[spec.model].factors != 'all' else spec.benchmarks)}; "
        f"{count(result.n_read, 'row')} read, {n_rows} studied, {len(result.exclusions)} excluded with a reason.",
        "An abnormal return is what a stock did beyond what its model expects on a day like that. "
        "It is a statement about prices, not about causes.",
    )
    sections = [
        _claims_section(tables["claims"], spec.level),
        _events_section(result),
        _cluster_section(tables["clusters"], figures, rates_note(result)),
        _group_section(result, figures),
        _robustness_section(tables["robustness"]),
        _excluded_section(result),
        _limits_section(result),
        Section(
            id="words",
            title="In plain words",
            intro=("One paragraph an announcement, written from the numbers by fixed rules.",),
            cards=tuple(announcement_card(result, event_id, figures) for event_id in _ids(result)),
        ),
        _method_section(result, audit),
    ]
    return Page(title="Event study", banner=stale_banner(result), lead=lead, sections=tuple(s for s in sections if s))


def _ids(result: StudyResult) -> list[str]:
    return list(dict.fromkeys(result.tables["windows"]["event_id"]))


def _claims_section(claims: pd.DataFrame, level: float) -> Section | None:
    if claims.empty:
        return None
    rows = tuple(
        (
            c.event_id,
            c.ticker,
            c.kind,
            _claimed(str(c.claimed_return)),
            percent(c.observed_return),
            c.verdict,
            percent(c.expected_return),
            percent(c.abnormal_return),
            p_value(c.p_t),
        )
        for c in claims.itertuples()
    )
    columns = ("event", "ticker", "kind", "claimed", "observed", "verdict", "market part", "abnormal", "p")
    table = Table(
        caption="What the source claims, held against the data",
        columns=columns,
        rows=rows,
        numeric=frozenset({3, 4, 6, 7, 8}),
        note="close: close to close; open: previous close to open. Observed is the price return; market part and "
        "abnormal "
        "return are total returns. A claim can be right as a number and still be mostly the market's move.",
    )
    said = tuple(claim_sentence(claim, level) for claim in claims.to_dict("records"))
    return Section(id="claims", title="The claims", intro=said, tables=(table,))


def _claimed(text: str) -> str:
    try:
        return percent(float(text))
    except ValueError:
        pass
    if text[:1] in "<>":
        return f"{'below' if text[0] == '<' else 'above'} {percent(float(text[1:]))}"
    return text


def _events_section(result: StudyResult) -> Section:
    rows = tuple(
        (
            w.event_id,
            w.ticker,
            w.role,
            w.day0,
            w.window,
            percent(w.car),
            interval(w.ci_low, w.ci_high),
            rated(w.p_t, w.placebo_rate_t),
            rated(w.p_local, w.placebo_rate_local),
            rated(w.p_conformal, w.placebo_rate_conformal),
            rated(w.p_placebo, w.placebo_rate_placebo),
            size(w.mde80),
            w.flags.replace(";", ", "),
        )
        for w in primary_windows(result).itertuples()
    )
    columns = ["event", "ticker", "role", "day", "window"]
    table = Table(
        caption="Abnormal return over the primary window",
        columns=(
            *columns,
            "CAR",
            f"{100 * result.spec.level:g} % interval",
            "p t",
            "p local",
            "p conformal",
            "p placebo",
            "MDE",
            "flags",
        ),
        rows=rows,
        numeric=frozenset(range(5, 12)),
        note="MDE: the smallest true effect found four times in five at this level. Not significant is not no effect. "
        f"{rates_note(result)}".rstrip(),
    )
    return Section(id="events", title="Every event", tables=(table,))


def _cluster_section(clusters: pd.DataFrame, figures: Figures, brackets: str) -> Section | None:
    joint = (
        clusters[(clusters["ticker"] == "") & (clusters["window"] == clusters["window"].iloc[0])]
        if len(clusters)
        else clusters
    )
    if joint.empty:
        return None
    rows = tuple(
        (
            c.day0,
            c.tickers.replace(";", ", "),
            c.window,
            c.test,
            number(c.statistic),
            c.df,
            rated(c.p_value, c.placebo_rate),
            c.applicable,
            c.reason,
        )
        for c in joint.itertuples()
    )
    table = Table(
        caption="Sessions with two or more firms, tested jointly",
        columns=("session", "tickers", "window", "test", "statistic", "df", "p", "applicable", "reason"),
        rows=rows,
        numeric=frozenset({4, 6}),
        note="The firms of one session are correlated; tests that treat them as independent reject far too often. "
        f"{brackets}".rstrip(),
    )
    shown = tuple(figure for name, figure in figures.items() if name.startswith("cluster"))
    numbers = tuple(t for figure in shown if (t := _figure_table(figure)) is not None)
    return Section(
        id="clusters",
        title="Firms that share a session",
        intro=("Several announcements on one session are one observation of the market, not several.",),
        tables=(table, *numbers),
        figures=shown,
    )


def _figure_table(figure: Figure) -> Table | None:
    rows = figure.data.get("rows")
    if not isinstance(rows, list) or not rows:
        return None
    columns = tuple(rows[0])
    cells = tuple(tuple(percent(r[c]) if isinstance(r[c], float) else str(r[c]) for c in columns) for r in rows)
    numeric = frozenset(i for i, c in enumerate(columns) if isinstance(rows[0][c], float))
    return Table(caption=figure.title, columns=columns, rows=cells, numeric=numeric)


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
        advice = recommend(row.car.count, row.n_dates, row.n_overlapping)
        chosen[row.group, row.window.label] = advice.tests
        label = f"{row.group} {row.window.label}"
        if label not in reasons.setdefault(advice.why, []):
            reasons[advice.why].append(label)
    return chosen, tuple(f"{listed(labels)}: {why}." for why, labels in reasons.items())


def _robustness_section(robust: pd.DataFrame) -> Section | None:
    known = robust[robust["car"].notna()]
    if known.empty:
        return None
    rows = []
    shown = list(dict.fromkeys(robust["model"]))
    for (event_id, ticker, window), lines in known.groupby(["event_id", "ticker", "window"], sort=False):
        cells = []
        for model in shown:
            line = lines[(lines["model"] == model) & (lines["masked"] == "yes")]
            cells.append(f"{percent(line['car'].iloc[0])} ({p_value(line['p_t'].iloc[0])})" if len(line) else NOTHING)
        span = f"{percent(lines['car'].min())[:-2]} to {percent(lines['car'].max())}"
        rows.append((str(event_id), str(ticker), str(window), *cells, span))
    table = Table(
        caption="The primary window under each model: CAR (p of the t test), other events masked",
        columns=("event", "ticker", "window", *(MODELS[model].title for model in shown), "range, masked and not"),
        rows=tuple(rows),
        numeric=frozenset(range(3, 4 + len(shown))),
        note="The model carries the verdict: where the columns disagree, so does the evidence. A sector index that the "
        "news "
        "itself moved takes part of the effect away.",
    )
    return Section(id="robustness", title="Robustness", tables=(table,))


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
    intro += [f"Notice: {notice}." for notice in result.notices]
    rows = tuple((p.symbol, p.source, p.basis, p.first, p.last, str(p.rows), p.sha256[:12]) for p in result.provenance)
    columns = ("symbol", "source", "total return from", "first", "last", "rows", "sha256")
    table = Table(caption="Prices", columns=columns, rows=rows, numeric=frozenset({5}))
    return Section(id="method", title="Method and provenance", intro=tuple(intro), tables=(table,))
