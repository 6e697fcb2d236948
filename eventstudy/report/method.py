"""What was left out, how the study was done, and where its prices come from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventstudy.engine.models import MODELS
from eventstudy.flags import FLAGS, flag_words
from eventstudy.report.document import Block, Cell, Note, Section, Table
from eventstudy.report.format import count, listed
from eventstudy.report.provenance import prices_table
from eventstudy.results import LISTED

if TYPE_CHECKING:
    from eventstudy.evaluate.audit import Audit
    from eventstudy.results import StudyResult
    from eventstudy.spec import StudySpec

# excluded rows that a page names; of more it gives the reasons
NAMED = 30


def excluded_section(result: StudyResult) -> Section:
    """How many rows were left out, and why."""
    lost = result.lost.shape[1]
    ledger = f"{count(result.n_read, 'row')} read, {result.totals.n_studied:,} studied, {lost:,} left out."
    blocks: list[Block] = [ledger]
    if lost:
        name = result.studied.index.name
        some = result.first_exclusions(min(lost, NAMED))
        if lost > NAMED:
            blocks.append(
                Table(
                    caption="Rows that could not be studied, by reason",
                    columns=("stage", "reason", "rows"),
                    rows=tuple((stage, reason, f"{n:,}") for stage, reason, n in result.reasons),
                    numeric=frozenset({2}),
                )
            )
        blocks.append(
            Table(
                caption="Rows that could not be studied" if lost <= NAMED else f"The first {NAMED} of {lost:,} rows",
                columns=("ticker and event", "stage", "reason and detail"),
                rows=tuple(
                    (
                        Cell(text=name(e.row)[1], note=name(e.row)[0]),
                        e.stage,
                        Cell(text=e.reason, note=e.detail),
                    )
                    for e in some
                ),
                folded=lost > 5,
                fit=True,
            )
        )
    return Section(id="excluded", title="Left out", blocks=tuple(blocks))


CONVENTION_WORDS = {
    ("sigma", "m-1"): "residual variance with divisor M - 1",
    ("sigma", "m"): "residual variance with divisor M",
    ("car", "sqrt-l"): "CAR variance L s2, without the estimation error",
    ("car", "per-day"): "CAR variance as the sum of the days' own, without their covariance",
    ("sar", "plain"): "standardised abnormal returns of days without the forecast term",
    ("sign", "pooled"): "generalized sign test against the share of positive residuals of all events together",
    ("correlation", "relative"): "correlation of events in event time (adj-patell, kolari-pynnonen)",
    ("intercept", "no"): "factor models without an intercept",
    ("weight", "as-given"): "weights as the file states them",
    ("robust", "hac"): "CAR variance from the autocovariances of the estimation residuals (Newey & West 1987)",
}


def _convention_sentence(spec: StudySpec) -> str:
    """How standard errors are made; the exact form unless the study says otherwise."""
    chosen = [words for (key, choice), words in CONVENTION_WORDS.items() if spec.chosen(key) == choice]
    if not chosen:
        return "Standard errors hold the full prediction-error covariance, residual variance with divisor M - p."
    return f"Conventions other than the default: {'; '.join(chosen)}. Cluster tests stay exact."


def method_section(result: StudyResult, audit: Audit | None) -> Section:
    """Model, estimation, conventions, audit, flags that occur, notices and price series."""
    spec = result.spec
    model = MODELS[spec.model]
    market = spec.benchmarks[:1] if model.factors != "all" else spec.benchmarks
    against = f"that of {listed(market)} by a line fitted to" if model.has_factors else "its mean over"
    blocks: list[Block] = [
        f"Each share's return is set against {against} {spec.estimation} past sessions that end {spec.gap} "
        f"sessions before the event window ({model.title}); days next to other news are "
        f"{'left out' if spec.exclude == 'catalogued' else 'kept in'}. What a share did beyond that is "
        "its own move, the abnormal return. It is a statement about prices, not about causes.",
        Note(
            f"Model {spec.model}, event window {spec.event_window.label}, {spec.returns} total returns, missing days "
            f"{spec.missing}, tests {spec.alternative}, level {spec.level:g}. {_convention_sentence(spec)}"
        ),
    ]
    if audit is not None:
        word = "agree" if audit.agrees else "do NOT agree"
        blocks.append(
            Note(
                f"Audit: {audit.n_checked} of {audit.n_studied} studied rows were fitted again by statsmodels with one "
                "dummy per event day; coefficients, sigma, every abnormal return, every CAR and their t values "
                f"{word} to 1e-9."
            )
        )
    factors = result.prepared.factors
    if factors is not None and factors.vintage:
        blocks.append(Note(f"Factors: {factors.vintage}; {factors.unit}; {factors.dates[0]} to {factors.dates[-1]}."))
    blocks += _notices(result)
    flags = [flag for flag in flag_words(result.totals.flags).split(";") if flag]
    if flags:
        rows = tuple((flag.replace("_", " "), FLAGS[flag]) for flag in flags)
        blocks.append(Table(caption="Flags that occur", columns=("flag", "meaning"), rows=rows, folded=True))
    blocks.append(prices_table(result.provenance[:NAMED]))
    return Section(id="method", title="How it was done", blocks=tuple(blocks))


def _notices(result: StudyResult) -> list[Block]:
    rows = tuple((notice,) for notice in result.notices[:LISTED])
    found: list[Block] = []
    if rows:
        more = f"; manifest.json has all {len(result.notices):,}" if len(result.notices) > LISTED else ""
        found.append(
            Table(
                caption=f"{count(len(rows), 'notice')} about the settings and the data{more}",
                columns=("notice",),
                rows=rows,
                folded=len(rows) > 3,
            )
        )
    if (n := len(result.provenance)) > NAMED:
        found.append(Note(f"The first {NAMED} of {n:,} price series are listed; manifest.json has all."))
    return found
